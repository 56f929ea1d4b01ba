//! Figures about this process among its replicas: every one shows them, whoever leads. The figures of the controller
//! itself are the leader's alone ([`crate::metrics`]): a follower that showed none open would seem to see no drift.

use std::sync::{Mutex, MutexGuard, PoisonError};

use prometheus::{IntCounter, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};
use tokio::time::Instant;

use super::TTL;

/// What every replica shows.
#[derive(Debug)]
pub struct Figures {
    registry: Registry,
    leader: IntGauge,
    changes: IntCounter,
    store_up: IntGauge,
    /// When the right to lead was renewed last.
    renewed: Mutex<Option<Instant>>,
}

impl Figures {
    /// Registers them.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let opts = |name: &str, help: &str| Opts::new(name, help).namespace("evenkeel");
        let build = IntGaugeVec::new(opts("build_info", "The version that runs; always 1."), &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let leader = IntGauge::with_opts(opts("leader", "1 while this replica leads."))?;
        let changes = IntCounter::with_opts(opts(
            "leader_changes_total",
            "How often this replica began or ceased to lead.",
        ))?;
        let store_up =
            IntGauge::with_opts(opts("store_up", "1 while the store answers and can be written."))?;
        registry.register(Box::new(build))?;
        registry.register(Box::new(leader.clone()))?;
        registry.register(Box::new(changes.clone()))?;
        registry.register(Box::new(store_up.clone()))?;
        Ok(Self { registry, leader, changes, store_up, renewed: Mutex::new(None) })
    }

    /// It began to lead.
    pub(super) fn began(&self) {
        self.changes.inc();
        self.renewed();
    }

    /// It leads on.
    pub(super) fn renewed(&self) {
        *self.lock() = Some(Instant::now());
    }

    /// It leads no more.
    pub(super) fn ended(&self) {
        self.changes.inc();
        *self.lock() = None;
    }

    /// Whether the store answered.
    pub(super) fn contact(&self, answered: bool) {
        self.store_up.set(i64::from(answered));
    }

    /// As Prometheus reads them. A right that could not be renewed in time may be another's by now: two replicas that
    /// both say that they lead would be worse than none. `paused`: nothing can be written.
    pub fn text(&self, paused: bool) -> String {
        let leads = self.lock().is_some_and(|renewed| renewed.elapsed() < TTL);
        self.leader.set(i64::from(leads));
        if paused {
            self.store_up.set(0);
        }
        // The encoder fails only on a metric family without a name; ours have names.
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.renewed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
