//! Telling again what is open, for sinks that forget what they are not told again. A repetition is no delivery: it is
//! made from the ledgers in memory, is not kept, and the next one makes up for one that failed.
//!
//! Repetitions and deliveries of one sink are never under way at the same time. Otherwise the repetition of a drift that
//! resolved meanwhile could arrive after its end, and bring it back.

use std::time::Duration;

use evenkeel_core::ledger::Entry;
use evenkeel_sinks::{OpenDrift, Sink};
use tokio::time::Instant;
use tracing::{info, warn};

use super::route;
use crate::config::SinkFilter;
use crate::hub::Hub;

/// When the next repetition is due, and whether the last one arrived.
#[derive(Debug)]
pub(super) struct Repeater {
    every: Duration,
    due: Instant,
    failed: bool,
}

impl Repeater {
    /// For a sink that wants it; the first repetition is due at once.
    pub(super) fn of(sink: &dyn Sink) -> Option<Self> {
        let every = sink.standing()?.every();
        Some(Self { every, due: Instant::now(), failed: false })
    }

    /// When to call [`Repeater::repeat_if_due`] again.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    pub(super) async fn repeat_if_due(&mut self, sink: &dyn Sink, hub: &Hub, filter: &SinkFilter) {
        let Some(standing) = sink.standing().filter(|_| self.due <= Instant::now()) else { return };
        self.due = Instant::now() + self.every;
        let open = open(hub, filter);
        if open.is_empty() {
            return;
        }
        let answer = standing.repeat(&open, crate::collect::now()).await;
        let outcome = if answer.is_ok() { "repeated" } else { "unrepeated" };
        hub.metrics.deliveries.with_label_values(&[sink.name(), outcome]).inc();
        // Said once per change: a repetition that fails is followed by the next.
        match (answer, self.failed) {
            (Ok(_), false) | (Err(_), true) => {}
            (Ok(_), true) => {
                self.failed = false;
                info!(sink = sink.name(), open = open.len(), "what is open is repeated again");
            }
            (Err(error), false) => {
                self.failed = true;
                warn!(sink = sink.name(), open = open.len(), %error, "what is open could not be repeated");
            }
        }
    }
}

/// What was announced and is open. Also what a silence covers or another drift explains by now: it was told, and
/// falling silent about it would tell that it is over.
fn open(hub: &Hub, filter: &SinkFilter) -> Vec<OpenDrift> {
    let mut entries: Vec<Entry> = Vec::new();
    hub.book.visit(|record| entries.extend(record.ledger.open().filter(|entry| entry.announced).cloned()));
    hub.see(|world| entries.retain(|entry| route::concerns(filter, entry, world)));
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    entries.iter().map(drift).collect()
}

fn drift(entry: &Entry) -> OpenDrift {
    OpenDrift {
        event_type: entry.id.event_type,
        hostname: route::host_of(entry).cloned(),
        service: entry.id.service.clone(),
        severity: entry.severity,
        handle: entry.id.handle(),
        details: entry.difference.details(&entry.id),
        first_seen: entry.first_seen,
    }
}
