//! The controller that runs, asked through its API: it alone writes proposals and silences. What does not live here: what
//! is asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use evenkeel_core::Secret;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

use super::failure::{Failure, OrFail};
use crate::config::{ApproverConfig, Config};

/// Longer than the controller gives itself.
const PATIENCE: Duration = Duration::from_secs(15);

/// Holds the token of `[access]` of whoever uses the command line, where the controller wants to know who asks.
const TOKEN: &str = "EVENKEEL_TOKEN";

/// As whom the controller is asked.
pub(super) enum As<'a> {
    /// Anybody who may look.
    Anybody,
    /// The approver of this name; without one, whoever `EVENKEEL_TOKEN` belongs to, or the only approver there is.
    Approver(Option<&'a str>),
    /// Whoever `EVENKEEL_TOKEN` belongs to; without it, whoever is at this machine.
    Caller,
}

/// The controller that runs with this configuration.
pub(super) struct Controller {
    http: reqwest::Client,
    address: SocketAddr,
    token: Option<Secret>,
}

impl Controller {
    /// Asked as somebody.
    pub(super) fn of(config: &Config, who: As<'_>) -> Result<Self, Failure> {
        let approvers = &config.remediation.approvers;
        let token = match (who, given()) {
            (As::Approver(Some(name)), _) => Some(named(approvers, Some(name))?.token.clone()),
            (As::Approver(None) | As::Anybody | As::Caller, Some(given)) => Some(given),
            (As::Approver(None), None) => Some(named(approvers, None)?.token.clone()),
            // Whoever holds the tokens of all of them may look as any.
            (As::Anybody, None) => approvers.first().map(|approver| approver.token.clone()),
            (As::Caller, None) => None,
        };
        let http = client(PATIENCE)?;
        Ok(Self { http, address: reachable(config.http.listen), token })
    }

    /// Reads.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.answer(self.http.get(self.url(path))).await
    }

    /// Asks for something to be done.
    pub(super) async fn send(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.answer(self.http.post(self.url(path)).json(body)).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        };
        let answer = request.send().await.map_err(|error| {
            let error = anyhow::Error::new(error.without_url());
            Failure::new(
                error.context(format!("the controller cannot be reached at {}", self.address)),
                Some("it has to run: decisions are taken by `evenkeel run`; `[http] listen` says where"),
            )
        })?;
        let status = answer.status();
        let body = answer.bytes().await.or_fail("try again")?;
        let body: Value = serde_json::from_slice(&body).or_fail("is it evenkeel that listens there?")?;
        match status.is_success() {
            true => Ok(body),
            false => Err(refused(status, &body)),
        }
    }
}

/// Asks this machine, and waits so long for an answer.
pub(super) fn client(patience: Duration) -> Result<reqwest::Client, Failure> {
    // reqwest is built without a provider of its own and takes the process's. An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(patience)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        // Plain HTTP on this machine: nobody's certificate is asked for.
        .tls_certs_only([])
        .build()
        .or_fail("this should not happen; please report it")
}

/// A token of `[access]` that the environment gives.
fn given() -> Option<Secret> {
    std::env::var(TOKEN).ok().filter(|token| !token.is_empty()).map(Secret::new)
}

/// The reason in the controller's own words.
fn refused(status: StatusCode, problem: &Value) -> Failure {
    let text = |key: &str| problem.get(key).and_then(Value::as_str).unwrap_or_default();
    let detail = match text("detail") {
        "" => status.to_string(),
        detail => detail.to_owned(),
    };
    let hint = match status {
        StatusCode::UNAUTHORIZED => Some(
            "the controller does not know the token; an approver's stands in the configuration (SIGHUP has it read \
             again), anybody's own in EVENKEEL_TOKEN",
        ),
        StatusCode::SERVICE_UNAVAILABLE => {
            Some("another replica leads, or nothing can be kept; try again there, or later")
        }
        _ => None,
    };
    Failure::new(anyhow::anyhow!("{}", crate::render::text::clean(&detail)), hint)
}

fn named<'a>(approvers: &'a [ApproverConfig], name: Option<&str>) -> Result<&'a ApproverConfig, Failure> {
    let names = || approvers.iter().map(|approver| approver.name.as_str()).collect::<Vec<_>>().join(", ");
    let how = "write a [[remediation.approver]] with a name and a token; docs/remediation.md shows how";
    match (name, approvers) {
        (_, []) => Err(Failure::new(
            anyhow::anyhow!("nobody may decide: the configuration names no approver"),
            Some(how),
        )),
        (Some(name), _) => approvers.iter().find(|approver| approver.name == name).ok_or_else(|| {
            let hint = format!("there are {}", names());
            Failure::new(anyhow::anyhow!("no approver is called {name}"), Some(&hint))
        }),
        (None, [one]) => Ok(one),
        (None, _) => {
            let hint = format!("--as NAME, which is one of {}", names());
            Err(Failure::new(anyhow::anyhow!("several people may decide; say as whom"), Some(&hint)))
        }
    }
}

/// An address that means "any" is reached on this machine.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, listen.port())
}
