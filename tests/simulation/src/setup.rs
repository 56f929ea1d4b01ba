//! The controller as it is shipped, over the simulated world: real sources, a real sink, short intervals.

use std::sync::Arc;
use std::time::Duration;

use evenkeel::config::{Breaker, Schedule, SinkFilter};
use evenkeel::controller::{Destination, Setup};
use evenkeel::deliver::people::Manners;
use evenkeel::fleet::{Observer, Speaks};
use evenkeel::wiring;
use evenkeel_core::policy::{Confirm, Policy};
use evenkeel_core::{HostName, Secret, SourceId, SourceKind};
use evenkeel_sinks::retry;
use evenkeel_sinks::webhook::{self, SuccessRule, WebhookSink};
use evenkeel_sources::docker::{self, Endpoint};
use evenkeel_sources::netbox::{self, NetboxSource};
use evenkeel_sources::proxmox::{self, Login, ProxmoxSource};
use evenkeel_store::{RetentionPolicy, Store};
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use prometheus::Registry;

use crate::workshop;
use crate::world::{CLUSTER, RECEIVER, World};

/// How soon it is looked again at what is not confirmed.
const RECHECK: Duration = Duration::from_secs(5);

/// Everything the controller is given. `lazy`: nothing is compared again just to be sure, so that a lost trigger shows.
///
/// # Errors
/// When an address of the world is none.
pub(crate) fn setup(
    world: &World,
    store: Arc<dyn Store>,
    lazy: bool,
) -> Result<Setup, Box<dyn std::error::Error>> {
    let netbox = netbox::Config {
        probe_interval: Duration::from_secs(15),
        ..netbox::Config::new(world.netbox.url().parse()?, Secret::new(world.netbox.token_v1()))
    };
    let mut observers = Vec::new();
    for (host, engine) in &world.engines {
        observers.push(wiring::observer(&docker::Config {
            host: Some(HostName::new(host)),
            ..docker::Config::new(
                SourceId::new(SourceKind::Docker, host.as_str()),
                Endpoint::parse(&engine.url())?,
            )
        })?);
    }
    let nodes = world.cluster.urls().iter().map(|url| url.parse()).collect::<Result<_, _>>()?;
    let login = Login::token(&Secret::new(world.cluster.token()))?;
    let cluster = proxmox::Config::new(SourceId::new(SourceKind::Proxmox, CLUSTER), nodes, login);
    observers.push(Observer {
        source: Arc::new(ProxmoxSource::new(cluster)?),
        speaks: Speaks::Machines(Vec::new()),
        interval: Some(Duration::from_secs(30)),
    });
    let hook = webhook::Settings {
        secrets: vec![Secret::new(SIGNING_SECRET)],
        success: SuccessRule::Status2xx,
        timeout: Duration::from_secs(5),
        ..webhook::Settings::new("receiver".to_owned(), format!("http://{RECEIVER}/hook"))
    };
    Ok(Setup {
        intent: Arc::new(NetboxSource::new(netbox)?),
        observers,
        probes: Vec::new(),
        intakes: Vec::new(),
        netbox_bell: None,
        make_declared: None,
        destinations: vec![Destination {
            sink: Arc::new(WebhookSink::new(
                webhook::Config::new(hook).map_err(|mistakes| format!("{mistakes:?}"))?,
            )?),
            filter: SinkFilter::default(),
            notices: false,
            manners: Manners::default(),
            retry: retry::Schedule::default(),
        }],
        policy: Policy { confirm: Confirm { apart: RECHECK, ..Confirm::default() }, ..Policy::default() },
        remedies: workshop::remedies()?,
        schedule: Schedule {
            netbox_interval: Duration::from_secs(120),
            docker_interval: Duration::from_secs(30),
            resync: Duration::from_secs(if lazy { 24 * 3600 } else { 60 }),
            recheck: RECHECK,
            debounce: Duration::from_millis(500),
            workers: 2,
            breaker: Breaker {
                failures: 3,
                open: Duration::from_secs(30),
                open_max: Duration::from_secs(120),
            },
            shutdown_deadline: Duration::from_secs(10),
        },
        retention: RetentionPolicy::default(),
        store,
        registry: Registry::new(),
    })
}
