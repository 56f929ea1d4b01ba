//! A look around: does an engine answer where a proxy would be, which certificates are shown, is there an engine on this
//! machine. Only asked is what could be watched, only by reading, and each for a few seconds at most.
//!
//! What does not live here: what is made of it (`plan`).

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{Gap, HostName, SourceId, SourceKind};
use evenkeel_sources::docker::{Check, Config, DockerSource, Endpoint};
use evenkeel_sources::http::{Fingerprint, peer_fingerprint};
use futures_util::{StreamExt, stream};

use super::find::Found;
use super::plan::{Looked, SOCKET, proxy_at};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How many are asked at the same time.
const AT_ONCE: usize = 16;

/// Looks.
pub(super) async fn around(found: &Found) -> Looked {
    let engines = found.engines.iter().filter(|engine| engine.declared.is_none());
    let engines = engines.filter_map(|engine| Some((engine.host.clone(), proxy_at(engine.address?))));
    let engines = stream::iter(engines.map(|(host, at)| engine(host, at))).buffered(AT_ONCE).collect();
    let nodes = found.hypervisors.iter().flat_map(|hypervisor| &hypervisor.nodes);
    let nodes = nodes.filter_map(|node| Some(SocketAddr::new(node.address?, node.port)));
    let appliances = found.appliances.iter();
    let appliances = appliances.filter_map(|system| Some(SocketAddr::new(system.address?, system.port)));
    let shown = nodes.chain(appliances).map(certificate);
    let certificates = stream::iter(shown).buffered(AT_ONCE).collect::<Vec<_>>();
    let (engines, certificates, here) = tokio::join!(engines, certificates, here());
    Looked { engines, certificates: certificates.into_iter().flatten().collect(), here }
}

async fn engine(host: HostName, at: SocketAddr) -> (HostName, Result<usize, Gap>) {
    let answer = match ask(host.as_str(), &format!("http://{at}")).await {
        Ok(found) => found.reach.and(found.containers),
        Err(gap) => Err(gap),
    };
    (host, answer)
}

async fn certificate(at: SocketAddr) -> Option<(SocketAddr, Fingerprint)> {
    let asked = tokio::time::timeout(PATIENCE, peer_fingerprint(&at.ip().to_string(), at.port())).await;
    // Whoever shows none has no line with a fingerprint; `doctor` says why when the rest is filled in.
    asked.ok()?.ok().map(|print| (at, print))
}

/// What the engine of this machine calls itself, if there is one that lets itself be asked.
async fn here() -> Option<Arc<str>> {
    if !Path::new(SOCKET.trim_start_matches("unix://")).exists() {
        return None;
    }
    let found = ask("here", SOCKET).await.ok()?;
    found.reach.and(found.containers).ok()?;
    found.engine_name.ok()
}

async fn ask(name: &str, endpoint: &str) -> Result<Check, Gap> {
    let unusable = |why: String| Gap::new(evenkeel_core::GapKind::Malformed, why);
    let endpoint = Endpoint::parse(endpoint).map_err(|error| unusable(error.to_string()))?;
    let id = SourceId::new(SourceKind::Docker, name);
    // A question and no credentials: whoever reads along learns that somebody asked.
    let config =
        Config { events: false, timeout: PATIENCE, insecure_http: true, ..Config::new(id, endpoint) };
    let source = DockerSource::new(config).map_err(|error| unusable(error.to_string()))?;
    Ok(source.check().await)
}
