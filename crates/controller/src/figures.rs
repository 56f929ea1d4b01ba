//! Figures that are looked up rather than counted as things happen: what is open, what waits, what is blind.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{EventType, Severity, Subject};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::hub::Hub;

/// How often the outbox is asked.
const EVERY: Duration = Duration::from_secs(5);

/// Keeps the figures of the outbox up to date.
pub async fn run(hub: Arc<Hub>, stop: CancellationToken) {
    let mut timer = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = timer.tick() => outbox(&hub).await,
        }
    }
}

async fn outbox(hub: &Hub) {
    let depths = match hub.store.outbox().await {
        Ok(depths) => depths,
        // The passes and deliverers say that the store is away; the last figures stay.
        Err(error) => return debug!(%error, "the outbox cannot be counted"),
    };
    let pending: u64 = depths.iter().map(|d| d.pending).sum();
    hub.metrics.outbox_depth.set(i64::try_from(pending).unwrap_or(i64::MAX));
    let now = crate::collect::now();
    let age = |at: jiff::Timestamp| now.duration_since(at).as_secs_f64().max(0.0);
    for route in &hub.routes {
        // A sink the outbox does not list has nothing waiting. One that is no longer configured has no figures.
        let depth = depths.iter().find(|depth| *depth.sink == *route.sink);
        let (pending, dead) = depth.map_or((0, 0), |depth| (depth.pending, depth.dead));
        let oldest = depth.and_then(|depth| depth.oldest_pending).map_or(0.0, age);
        hub.metrics.outbox_of(&route.sink, pending, dead, oldest);
    }
    let oldest = depths.iter().filter_map(|d| d.oldest_pending).min();
    hub.metrics.outbox_oldest.set(oldest.map_or(0.0, age));
}

/// Brings the figures that come from memory up to date; called for each scrape.
pub fn refresh(hub: &Hub) {
    let mut open: HashMap<(EventType, Severity), i64> = HashMap::new();
    hub.book.visit(|record| {
        for entry in record.ledger.open().filter(|entry| entry.is_root()) {
            *open.entry((entry.id.event_type, entry.severity)).or_default() += 1;
        }
    });
    let metrics = &hub.metrics;
    for kind in EventType::ALL {
        for severity in Severity::ALL {
            let count = open.get(&(kind, severity)).copied().unwrap_or(0);
            metrics.drift_open.with_label_values(&[kind.code(), severity.as_str()]).set(count);
        }
    }
    let (hosts, blind) = hub.see(|world| {
        let statuses = world.source_statuses(crate::collect::now());
        let blind: std::collections::BTreeSet<_> =
            statuses.iter().filter(|s| !s.coverage.is_complete()).filter_map(|s| s.host.clone()).collect();
        let hosts = world.subjects().iter().filter(|s| matches!(s, Subject::Host(_))).count();
        statuses.iter().for_each(|status| metrics.sources.show(status));
        (hosts, blind.len())
    });
    metrics.hosts.set(i64::try_from(hosts).unwrap_or(i64::MAX));
    metrics.hosts_blind.set(i64::try_from(blind).unwrap_or(i64::MAX));
    hub.queue.read(|queue, now| {
        metrics.queue_depth.set(i64::try_from(queue.len()).unwrap_or(i64::MAX));
        metrics.longest_running.set(queue.longest_running(now).as_secs_f64());
    });
}
