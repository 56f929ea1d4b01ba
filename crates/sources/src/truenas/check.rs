//! What `doctor` wants to know of a TrueNAS: reach, certificate, versions, login, rights per method, clock. What does not
//! live here: printing it.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{Gap, GapKind};
use jiff::{SignedDuration, Timestamp};

use super::client::{Client, Open};
use super::config::{Address, Config};
use super::question::Question;
use super::refusal::Refused;
use super::version::is_known;
use super::wire::Info;
use crate::http::{self, Fingerprint};

/// What was found. Nothing in it is a secret.
#[derive(Clone, Debug)]
pub struct Check {
    /// The certificate it shows; `None` over ssh.
    pub fingerprint: Option<Result<Fingerprint, Gap>>,
    /// The versions of JSON-RPC that are served; `Ok(None)`: this TrueNAS is older. `None`: not asked over this transport.
    pub api_versions: Option<Result<Option<Vec<String>>, Gap>>,
    /// Whether it can be asked at all, login included; and by which way.
    pub session: Result<&'static str, Gap>,
    /// The version TrueNAS names.
    pub version: Result<Arc<str>, Gap>,
    /// Whether that version is one that is read; `None`: it cannot be told.
    pub supported: Option<bool>,
    /// The name it gives itself; without it the configuration must name the host.
    pub name: Result<Arc<str>, Gap>,
    /// Its clock minus ours, to the second.
    pub clock_skew: Option<SignedDuration>,
    /// Every method that is asked.
    pub methods: Vec<MethodCheck>,
}

/// Whether one method can be asked.
#[derive(Clone, Debug)]
pub struct MethodCheck {
    /// Its name.
    pub method: &'static str,
    /// The role it needs.
    pub role: &'static str,
    /// Whether an observation can be complete without it, where the version has it.
    pub optional: bool,
    /// How many rows, or 1 for what is no list; `Ok(None)`: this version has no such method.
    pub answer: Result<Option<usize>, Gap>,
}

pub(super) async fn check(client: &Client, config: &Config) -> Check {
    let fingerprint = match &config.address {
        Address::Web(url) => {
            let host = url.host_str().unwrap_or_default();
            let asked = http::peer_fingerprint(host, url.port_or_known_default().unwrap_or(443));
            let late =
                || Gap::new(GapKind::TimedOut, format!("tls with {}: no answer in time", config.address));
            let patience = config.timeout.max(Duration::from_secs(1));
            Some(tokio::time::timeout(patience, asked).await.unwrap_or_else(|_| Err(late())))
        }
        Address::Shell(_) => None,
    };
    let api_versions = match client.dial() {
        Some(dial) => Some(
            dial.versions()
                .await
                .map(|versions| versions.map(|versions| versions.iter().map(ToString::to_string).collect())),
        ),
        None => None,
    };
    let open = match client.open().await {
        Ok(open) => open,
        Err(gap) => return closed(fingerprint, api_versions, &gap),
    };
    let way = match open {
        Open::Socket(_) => "JSON-RPC",
        Open::Rest(_) => "REST",
        Open::Shell(_) => "midclt over ssh",
    };
    let info = client.ask(&open, Question::Info).await;
    let info = info.map(|answer| Info::read(&answer)).map_err(|refused| refused.gap().clone());
    let said = |word: Option<&String>, what: &str| match word {
        Some(word) => Ok(Arc::from(word.as_str())),
        None => Err(Gap::new(GapKind::Malformed, format!("TrueNAS does not tell its {what}"))),
    };
    let mut methods = Vec::new();
    for question in Question::ALL {
        methods.push(method(client, &open, question).await);
    }
    Check {
        fingerprint,
        api_versions,
        // A shell is only known to open when somebody answered through it.
        session: match (&info, methods.iter().any(|method| method.answer.is_ok())) {
            (Ok(_), _) | (_, true) => Ok(way),
            (Err(gap), false) => Err(gap.clone()),
        },
        version: info.clone().and_then(|info| said(info.version.as_ref(), "version")),
        supported: info.as_ref().ok().and_then(|info| is_known(info.version.as_deref()?)),
        name: info.clone().and_then(|info| said(info.hostname.as_ref(), "name")),
        clock_skew: info.ok().and_then(|info| skew(info.clock?)),
        methods,
    }
}

async fn method(client: &Client, open: &Open<'_>, question: Question) -> MethodCheck {
    let answer = match client.ask(open, question).await {
        Ok(answer) => Ok(Some(answer.as_array().map_or(1, Vec::len))),
        Err(Refused::NoSuchMethod(_)) => Ok(None),
        Err(Refused::Failed(gap)) => Err(gap),
    };
    let optional = match question {
        Question::State
        | Question::DockerStatus
        | Question::DockerNetworks
        | Question::Pools
        | Question::Alerts => true,
        Question::Info
        | Question::Apps
        | Question::Charts
        | Question::Kubernetes
        | Question::Guests(_)
        | Question::Count(_)
        | Question::VirtGlobal => false,
    };
    MethodCheck { method: question.method(), role: question.role(), optional, answer }
}

fn skew(clock: i64) -> Option<SignedDuration> {
    let theirs = Timestamp::from_millisecond(clock).ok()?;
    Some(SignedDuration::from_secs(theirs.duration_since(evenkeel_ambient::now()).as_secs()))
}

fn closed(
    fingerprint: Option<Result<Fingerprint, Gap>>,
    api_versions: Option<Result<Option<Vec<String>>, Gap>>,
    gap: &Gap,
) -> Check {
    Check {
        fingerprint,
        api_versions,
        session: Err(gap.clone()),
        version: Err(gap.clone()),
        supported: None,
        name: Err(gap.clone()),
        clock_skew: None,
        methods: Vec::new(),
    }
}
