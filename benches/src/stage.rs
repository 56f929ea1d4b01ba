//! A controller in this process, with nothing that waits on purpose: what is left is the work. What does not live here:
//! whom it asks and what is measured on it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evenkeel::config::{Breaker, Schedule, SinkFilter};
use evenkeel::controller::{self, Destination, Running, Setup};
use evenkeel::deliver::people::Manners;
use evenkeel::fleet::Observer;
use evenkeel::repair::Remedies;
use evenkeel_core::Secret;
use evenkeel_core::policy::confirm::{Flap, Window};
use evenkeel_core::policy::{Confirm, Policy};
use evenkeel_lab::receiver::Receiver;
use evenkeel_sinks::retry;
use evenkeel_sinks::webhook::{Config, Settings, SuccessRule, WebhookSink};
use evenkeel_sources::Source;
use evenkeel_store::sqlite::Options;
use evenkeel_store::{RetentionPolicy, SqliteStore, Store};
use prometheus::Registry;

use crate::Result;

/// What receivers check signatures with.
pub(crate) const SIGNING_SECRET: &str = "whsec_YmVuY2hlcy1zaWduaW5nLXNlY3JldC1vZi1iZW5jaA==";
/// Longer than any measurement: what happens at this interval does not happen.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// Starts a controller whose store is in this folder, flushed as in production.
pub(crate) async fn start(
    folder: &Path,
    intent: Arc<dyn Source>,
    observers: Vec<Observer>,
    destinations: Vec<Destination>,
    docker_interval: Duration,
) -> Result<(Running, Arc<dyn Store>)> {
    let opened = SqliteStore::open(folder.join("evenkeel.db"), Options::default()).await?;
    let store: Arc<dyn Store> = Arc::new(opened);
    let setup = Setup {
        intent,
        observers,
        probes: Vec::new(),
        intakes: Vec::new(),
        netbox_bell: None,
        make_declared: None,
        destinations,
        policy: believing(),
        remedies: Remedies::default(),
        schedule: Schedule {
            netbox_interval: NEVER,
            docker_interval,
            resync: NEVER,
            recheck: Duration::ZERO,
            debounce: Duration::ZERO,
            workers: 4,
            breaker: Breaker { failures: 5, open: Duration::from_secs(1), open_max: Duration::from_secs(2) },
            shutdown_deadline: Duration::from_secs(5),
        },
        retention: RetentionPolicy::default(),
        store: store.clone(),
        registry: Registry::new(),
    };
    Ok((controller::start(setup).await?, store))
}

/// Every observation is believed, and nothing flaps however often it comes and goes.
fn believing() -> Policy {
    Policy {
        confirm: Confirm { default: Window::IMMEDIATE, ..Confirm::default() },
        flap: Flap { transitions: u32::MAX, ..Flap::default() },
        ..Policy::default()
    }
}

/// Everything to this receiver, acknowledged as n8n does it.
pub(crate) fn destination(receiver: &Receiver) -> Result<Destination> {
    let settings = Settings {
        secrets: vec![Secret::new(SIGNING_SECRET)],
        success: SuccessRule::accepted(),
        ..Settings::new("n8n", receiver.url())
    };
    let config = Config::new(settings).map_err(|problems| format!("the webhook is refused: {problems:?}"))?;
    Ok(Destination {
        sink: Arc::new(WebhookSink::new(config)?),
        filter: SinkFilter::default(),
        notices: false,
        manners: Manners::default(),
        retry: retry::Schedule::default(),
    })
}
