//! A controller's setup for the simulated homelab: as for a real one, with shorter intervals.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::policy::confirm::Window;
use evenkeel_core::policy::{Confirm, Policy};
use evenkeel_core::{HostName, Secret, SourceId, SourceKind};
use evenkeel_lab::homelab::Homelab;
use evenkeel_lab::receiver::Receiver;
use evenkeel_sinks::retry;
use evenkeel_sinks::webhook::{self, SuccessRule, WebhookSink};
use evenkeel_sources::docker::{self, Endpoint};
use evenkeel_sources::netbox::{self, NetboxSource};
use evenkeel_store::{RetentionPolicy, Store};
use prometheus::Registry;

use crate::cli::failure::{Failure, OrFail};
use crate::config::{Breaker, HttpConfig, Schedule, SinkFilter};
use crate::controller::{Destination, Setup};
use crate::wiring;

/// The receiver checks signatures with it; it protects nothing.
pub(super) const SIGNING_SECRET: &str = "whsec_ZXZlbmtlZWwtZGVtby1zaWduaW5nLXNlY3JldC0x";

/// Everything the demo's controller is made of.
pub(super) fn setup(homelab: &Homelab, receiver: &Receiver, store: Arc<dyn Store>) -> Result<Setup, Failure> {
    let hint = "please report this";
    let url = homelab.netbox.url().parse().or_fail(hint)?;
    let netbox = netbox::Config {
        probe_interval: Duration::from_millis(400),
        ..netbox::Config::new(url, Secret::new(homelab.netbox.token_v1()))
    };
    let mut observers = Vec::new();
    for (host, engine) in homelab.engines() {
        let endpoint = Endpoint::parse(&engine.url()).or_fail(hint)?;
        let config = docker::Config {
            host: Some(HostName::new(host)),
            debounce: Duration::from_millis(50),
            settle: Duration::ZERO,
            timeout: Duration::from_secs(2),
            ..docker::Config::new(SourceId::new(SourceKind::Docker, host), endpoint)
        };
        observers.push(wiring::observer(&config).or_fail(hint)?);
    }
    Ok(Setup {
        intent: Arc::new(NetboxSource::new(netbox).or_fail(hint)?),
        observers,
        probes: Vec::new(),
        intakes: Vec::new(),
        make_declared: None,
        destinations: vec![destination(receiver)?],
        policy: policy(),
        schedule: schedule(),
        retention: RetentionPolicy::default(),
        store,
        registry: Registry::new(),
    })
}

/// Writes a configuration for this homelab, and its token beside it.
pub(super) fn save_config(path: &Path, homelab: &Homelab, store: Option<&Path>) -> std::io::Result<()> {
    let token = path.with_extension("token");
    std::fs::write(&token, homelab.netbox.token_v1())?;
    let file = token.file_name().unwrap_or_default().to_string_lossy();
    let mut text = format!("[netbox]\nurl = \"{}\"\ntoken = {{ file = \"{file}\" }}\n", homelab.netbox.url());
    for (host, engine) in homelab.engines() {
        text += &format!("\n[[docker]]\nname = \"{host}\"\nendpoint = \"{}\"\n", engine.url());
    }
    if let Some(store) = store {
        text += &format!("\n[store]\npath = \"{}\"\n", std::path::absolute(store)?.display());
    }
    std::fs::write(path, text)
}

/// Loopback only, whatever is asked for by name.
pub(super) fn http(listen: SocketAddr) -> HttpConfig {
    HttpConfig { listen, allow_remote: false, names: Vec::new() }
}

/// Still two observations for every verdict: the demo is quick because it looks more often, not because it believes
/// more easily.
fn policy() -> Policy {
    let window = Window { open_after: 2, open_after_time: Duration::from_secs(30), resolve_after: 2 };
    Policy { confirm: Confirm { default: window, ..Confirm::default() }, ..Policy::default() }
}

fn schedule() -> Schedule {
    Schedule {
        netbox_interval: Duration::from_secs(2),
        docker_interval: Duration::from_secs(2),
        resync: Duration::from_secs(30),
        recheck: Duration::from_millis(300),
        debounce: Duration::ZERO,
        workers: 4,
        breaker: Breaker { failures: 5, open: Duration::from_secs(1), open_max: Duration::from_secs(2) },
        shutdown_deadline: Duration::from_secs(5),
    }
}

fn destination(receiver: &Receiver) -> Result<Destination, Failure> {
    let settings = webhook::Settings {
        secrets: vec![Secret::new(SIGNING_SECRET)],
        success: SuccessRule::accepted(),
        ..webhook::Settings::new("n8n", receiver.url())
    };
    let config = webhook::Config::new(settings)
        .map_err(|problems| anyhow::anyhow!("the demo's webhook is refused: {problems:?}"))?;
    let sink = WebhookSink::new(config).or_fail("please report this")?;
    Ok(Destination { sink: Arc::new(sink), filter: SinkFilter::default(), retry: retry::Schedule::default() })
}
