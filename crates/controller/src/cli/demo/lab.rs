//! A controller's setup for the simulated homelab: as for a real one, with shorter intervals.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::policy::confirm::Window;
use evenkeel_core::policy::{Confirm, Matcher, Policy};
use evenkeel_core::{EventType, HostName, Secret, SourceId, SourceKind};
use evenkeel_lab::homelab::{Homelab, SCRIPTED, TRUENAS};
use evenkeel_lab::proxmox::ProxmoxLab;
use evenkeel_lab::receiver::Receiver;
use evenkeel_sinks::retry;
use evenkeel_sinks::webhook::{self, SuccessRule, WebhookSink};
use evenkeel_sources::docker::{self, Endpoint};
use evenkeel_sources::http::{Fingerprint, Retry, Trust};
use evenkeel_sources::netbox::{self, NetboxSource};
use evenkeel_sources::probe::{self, AddressRule, Selection};
use evenkeel_sources::proxmox::{self, Login};
use evenkeel_sources::push::{self, PushSource};
use evenkeel_sources::truenas;
use evenkeel_store::{RetentionPolicy, Store};
use evenkeel_web::BasePath;
use prometheus::Registry;

use crate::cli::failure::{Failure, OrFail};
use crate::config::{Breaker, HttpConfig, ProbeConfig, ProxmoxConfig, Schedule, SinkFilter};
use crate::controller::{Destination, Setup};
use crate::deliver::people::Manners;
use crate::fleet::{Observer, Speaks};
use crate::intake::Inbox;
use crate::repair::Remedies;
use crate::wiring;

/// Between two looks of whichever source.
const INTERVAL: Duration = Duration::from_secs(2);
/// The name of the one who sends.
pub(super) const SCRIPT: &str = "script";
/// NetBox's name for the TrueNAS's virtual machines.
pub(super) const TRUENAS_CLUSTER: &str = "truenas-apps";
/// Hosts all of whose services are probed.
pub(super) const PROBED_HOSTS: [&str; 1] = ["Windows*"];
/// Services that are probed wherever they are.
pub(super) const PROBED_SERVICES: [&str; 2] = ["qbittorrent", "proxmox-ui"];

/// The receiver checks signatures with it; it protects nothing.
pub(super) const SIGNING_SECRET: &str = "whsec_ZXZlbmtlZWwtZGVtby1zaWduaW5nLXNlY3JldC0x";

/// What the script shows when it sends; it protects nothing.
pub(super) const SCRIPT_TOKEN: &str = "the-demo-script-0123456789";

/// What every part of a setup that cannot be built asks for.
pub(super) const HINT: &str = "please report this";

/// Everything the demo's controller is made of.
pub(super) fn setup(
    homelab: &Homelab,
    receiver: &Receiver,
    remedies: Remedies,
    store: Arc<dyn Store>,
) -> Result<Setup, Failure> {
    let url = homelab.netbox.url().parse().or_fail(HINT)?;
    let netbox = netbox::Config {
        probe_interval: Duration::from_millis(400),
        retry: Retry { times: 1, first: Duration::from_millis(100), longest: Duration::from_millis(300) },
        ..netbox::Config::new(url, Secret::new(homelab.netbox.token_v1()))
    };
    let mut observers = engines(homelab)?;
    for (node, cluster) in homelab.clusters() {
        let (source, speaks) = wiring::hypervisor(&self::cluster(node, cluster)?).or_fail(HINT)?;
        observers.push(Observer { source, speaks, interval: Some(INTERVAL) });
    }
    observers.push(wiring::appliance(&truenas(homelab)?).or_fail(HINT)?);
    let probe = probe(homelab).map(|config| wiring::probe(&config)).transpose().or_fail(HINT)?;
    observers.extend(probe.iter().map(|probe| wiring::looking(probe, Some(INTERVAL))));
    let script = Arc::new(PushSource::new(push::Config::new(
        SourceId::new(SourceKind::Push, SCRIPT),
        vec![Matcher::glob(SCRIPTED.0)],
    )));
    let speaks = Speaks::Machines(Vec::new());
    observers.push(Observer { source: script.clone(), speaks, interval: Some(INTERVAL) });
    Ok(Setup {
        intent: Arc::new(NetboxSource::new(netbox).or_fail(HINT)?),
        observers,
        probes: probe.into_iter().collect(),
        intakes: vec![Arc::new(Inbox { source: script, token: Secret::new(SCRIPT_TOKEN) })],
        netbox_bell: None,
        make_declared: None,
        destinations: vec![destination(receiver)?],
        policy: policy(),
        remedies,
        schedule: schedule(),
        retention: RetentionPolicy::default(),
        store,
        registry: Registry::new(),
    })
}

fn engines(homelab: &Homelab) -> Result<Vec<Observer>, Failure> {
    let mut observers = Vec::new();
    for (host, engine) in homelab.engines() {
        let endpoint = Endpoint::parse(&engine.url()).or_fail(HINT)?;
        let config = docker::Config {
            host: Some(HostName::new(host)),
            debounce: Duration::from_millis(50),
            settle: Duration::ZERO,
            timeout: Duration::from_secs(2),
            ..docker::Config::new(SourceId::new(SourceKind::Docker, host), endpoint)
        };
        observers.push(wiring::observer(&config).or_fail(HINT)?);
    }
    Ok(observers)
}

fn cluster(node: &str, cluster: &ProxmoxLab) -> Result<ProxmoxConfig, Failure> {
    let endpoints: Result<_, _> = cluster.urls().iter().map(|url| url.parse()).collect();
    let login = Login::token(&Secret::new(cluster.token())).or_fail(HINT)?;
    let id = SourceId::new(SourceKind::Proxmox, node.to_lowercase());
    let source = proxmox::Config {
        detail_interval: Duration::from_secs(5),
        ..proxmox::Config::new(id, endpoints.or_fail(HINT)?, login)
    };
    Ok(ProxmoxConfig { source, interval: INTERVAL })
}

fn truenas(homelab: &Homelab) -> Result<truenas::Config, Failure> {
    let lab = &homelab.truenas;
    let address = truenas::Address::parse(&lab.url()).or_fail(HINT)?;
    let trust = Trust { pin: Some(Fingerprint::of(lab.certificate())), ..Trust::default() };
    Ok(truenas::Config {
        host: Some(HostName::new(TRUENAS)),
        user: Some(lab.user().to_owned()),
        api_key: Some(Secret::new(lab.key())),
        trust,
        interval: INTERVAL,
        debounce: Duration::from_millis(50),
        clusters: vec![Arc::from(TRUENAS_CLUSTER)],
        ..truenas::Config::new(SourceId::new(SourceKind::Truenas, "nas"), address)
    })
}

/// `None` where this system has no address but 127.0.0.1 for itself.
fn probe(homelab: &Homelab) -> Option<ProbeConfig> {
    let machines = homelab.machines().ok()?;
    let source = probe::Config {
        timeout: Duration::from_millis(300),
        pause: Duration::from_millis(50),
        spacing: Duration::ZERO,
        // The system answers echo for every loopback address, whoever is simulated there.
        icmp: false,
        ..probe::Config::new(SourceId::new(SourceKind::Probe, "main"))
    };
    let addresses = machines
        .map(|(host, machine)| AddressRule { hosts: vec![Matcher::glob(host)], address: machine.address() });
    let selection = Selection {
        hosts: PROBED_HOSTS.iter().map(|glob| Matcher::glob(glob)).collect(),
        services: PROBED_SERVICES.iter().map(|glob| Matcher::glob(glob)).collect(),
        addresses: addresses.collect(),
        ..Selection::default()
    };
    Some(ProbeConfig { source, selection, interval: INTERVAL })
}

/// Where it listens, and under no name.
pub(super) fn http(listen: SocketAddr) -> HttpConfig {
    HttpConfig { listen, names: Vec::new(), trusted_proxies: Vec::new(), base_path: BasePath::default() }
}

/// Still two observations for every verdict: the demo is quick because it looks more often, not because it believes
/// more easily.
fn policy() -> Policy {
    let window = Window { open_after: 2, open_after_time: Duration::from_secs(30), resolve_after: 2 };
    // Nobody watches a demo for the five minutes that a resource must be exceeded for.
    let by_type = [(EventType::ResourceExceeded, window)].into();
    Policy { confirm: Confirm { default: window, by_type, ..Confirm::default() }, ..Policy::default() }
}

fn schedule() -> Schedule {
    Schedule {
        netbox_interval: INTERVAL,
        docker_interval: INTERVAL,
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
    Ok(Destination {
        sink: Arc::new(sink),
        filter: SinkFilter::default(),
        notices: false,
        manners: Manners::default(),
        retry: retry::Schedule::default(),
    })
}
