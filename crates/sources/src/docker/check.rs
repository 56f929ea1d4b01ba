//! What `doctor` wants to know of an engine: reach, version, rights, certificate. What does not live here: how it is
//! shown, and any judgement of it.

use std::sync::Arc;

use evenkeel_core::{Gap, GapKind};

use super::client::{self, Client, Question};
use super::config::Config;
use super::endpoint::Endpoint;
use super::wire::{Info, Inspect, Version};
use crate::http::{self, Fingerprint};

/// The findings about one engine. Each stands for itself: a proxy may allow the one and refuse the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Whether anybody answers at all.
    pub reach: Result<(), Gap>,
    /// The newest API version the engine speaks.
    pub api_version: Result<Arc<str>, Gap>,
    /// The engine's own version.
    pub engine_version: Result<Arc<str>, Gap>,
    /// The name the engine gives its host; without it the configuration must name the host.
    pub engine_name: Result<Arc<str>, Gap>,
    /// How many containers it lists, running or not. Without this right the source is blind.
    pub containers: Result<usize, Gap>,
    /// Whether a container may be inspected; without, restarts are counted from events alone. `None`: there is none to
    /// try it on.
    pub inspect: Option<Result<(), Gap>>,
    /// Whether the event stream may be read; without, changes are noticed at the next poll.
    pub events: Result<(), Gap>,
    /// The certificate the engine shows, where TLS is spoken.
    pub fingerprint: Option<Result<Fingerprint, Gap>>,
}

pub(super) async fn check(client: &Client, config: &Config) -> Check {
    let fingerprint = match &config.endpoint {
        Endpoint::Tls(url) => {
            let host = url.host_str().unwrap_or_default();
            Some(http::peer_fingerprint(host, url.port_or_known_default().unwrap_or(2376)).await)
        }
        Endpoint::Unix(_) | Endpoint::Plain(_) | Endpoint::Ssh(_) => None,
    };
    if let Err(gap) = client.ping().await {
        return unreachable(gap, fingerprint);
    }
    let version: Result<Version, Gap> = client::object(client, Question::Version).await;
    let info: Result<Info, Gap> = client::object(client, Question::Info).await;
    let list = client::list(client).await;
    let inspect = match list.as_ref().ok().and_then(|list| list.containers.first()) {
        Some(container) => {
            let asked: Result<Inspect, Gap> = client::object(client, Question::Inspect(&container.id)).await;
            Some(asked.map(|_| ()))
        }
        None => None,
    };
    let said = |value: &Option<String>, what: &str| match value {
        Some(text) => Ok(Arc::from(text.as_str())),
        None => Err(Gap::new(GapKind::Malformed, format!("the engine does not say its {what}"))),
    };
    Check {
        reach: Ok(()),
        api_version: version.clone().and_then(|version| said(&version.api_version, "api version")),
        engine_version: version.and_then(|version| said(&version.version, "version")),
        engine_name: info.and_then(|info| said(&info.name, "name")),
        containers: list.map(|list| list.len()),
        inspect,
        events: client.events().await.map(|_| ()),
        fingerprint,
    }
}

fn unreachable(gap: Gap, fingerprint: Option<Result<Fingerprint, Gap>>) -> Check {
    Check {
        api_version: Err(gap.clone()),
        engine_version: Err(gap.clone()),
        engine_name: Err(gap.clone()),
        containers: Err(gap.clone()),
        inspect: None,
        events: Err(gap.clone()),
        reach: Err(gap),
        fingerprint,
    }
}
