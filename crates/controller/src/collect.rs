//! Collectors: one task per source that asks it at its interval, when it hints, and when a pass wants to see again,
//! and puts what it says into the world. All network I/O of observation happens here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_core::model::HostSnapshot;
use evenkeel_core::{Coverage, SourceId};
use evenkeel_sources::{Snapshot, Source};
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, info, info_span, warn};

use crate::breaker::{Breaker, Settings, State};
use crate::hub::Hub;

/// Asks a collector to look again before its interval is over.
#[derive(Debug, Default)]
pub struct Recheck {
    at: Mutex<Option<Instant>>,
    bell: Notify,
}

impl Recheck {
    /// Look again at this moment; of several wishes the earliest counts.
    pub fn wish(&self, at: Instant) {
        let earlier = {
            let mut wish = self.at.lock().unwrap_or_else(PoisonError::into_inner);
            let earlier = wish.is_none_or(|old| at < old);
            if earlier {
                *wish = Some(at);
            }
            earlier
        };
        if earlier {
            self.bell.notify_one();
        }
    }

    fn get(&self) -> Option<Instant> {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fulfilled(&self) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// One source's collector.
pub struct Collector {
    /// Whom it asks.
    pub source: Arc<dyn Source>,
    /// Where the answers go.
    pub hub: Arc<Hub>,
    /// How often it asks.
    pub interval: Duration,
    /// When it leaves a failing source alone.
    pub breaker: Settings,
    /// How many sources may be asked at once.
    pub permits: Arc<Semaphore>,
    /// Wishes to look again.
    pub recheck: Arc<Recheck>,
}

impl Collector {
    /// Asks until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let id = self.source.id().clone();
        let mut breaker = Breaker::new(self.breaker);
        let mut blind: Option<Coverage> = None;
        let mut trigger = String::from("start");
        loop {
            let observed = tokio::select! {
                () = stop.cancelled() => return,
                observed = self.ask(&id, &trigger) => observed,
            };
            let Some(coverage) = observed else { return };
            self.judge(&id, &mut breaker, &mut blind, coverage);
            trigger = tokio::select! {
                () = stop.cancelled() => return,
                trigger = self.wait(&breaker) => trigger,
            };
        }
    }

    /// One observation, under the limit of how many may run at once.
    async fn ask(&self, id: &SourceId, trigger: &str) -> Option<Coverage> {
        let _permit = self.permits.acquire().await.ok()?;
        self.recheck.fulfilled();
        let span = info_span!("observe", source = %id, trigger);
        let timer = self.hub.metrics.observe_seconds.with_label_values(&[id.kind.as_str()]).start_timer();
        let snapshot = self.source.observe().instrument(span).await;
        timer.observe_duration();
        let coverage = worst_coverage(&snapshot);
        self.hub.learn(id, snapshot).await;
        Some(coverage)
    }

    /// Counts the answer and says it once per change of state.
    fn judge(&self, id: &SourceId, breaker: &mut Breaker, blind: &mut Option<Coverage>, coverage: Coverage) {
        let label = id.to_string();
        let metrics = &self.hub.metrics;
        match &coverage {
            Coverage::Complete => {
                metrics.observations.with_label_values(&[&label, "complete"]).inc();
                breaker.succeeded();
                match blind.take() {
                    Some(_) => warn!(source = %id, "recovered"),
                    None => debug!(source = %id, "observed"),
                }
            }
            Coverage::Partial(gap) => {
                metrics.observations.with_label_values(&[&label, "partial"]).inc();
                breaker.failed(Instant::now());
                if blind.as_ref().and_then(Coverage::gap).map(|g| g.kind) != Some(gap.kind) {
                    warn!(source = %id, gap = %gap, "blind");
                }
                *blind = Some(coverage);
            }
        }
        let open = matches!(breaker.state(), State::Open { .. });
        metrics.breaker_open.with_label_values(&[&label]).set(i64::from(open));
    }

    /// Waits for whatever comes first: the interval (or the open circuit's end), a hint, a wish.
    async fn wait(&self, breaker: &Breaker) -> String {
        let next = breaker.not_before(Instant::now() + self.interval);
        let open = matches!(breaker.state(), State::Open { .. });
        loop {
            // An open circuit is not asked for the sake of a pass; a hint of the source itself means that it is back.
            let wish = self.recheck.get().filter(|_| !open).map_or(next, |at| at.min(next));
            tokio::select! {
                hint = self.source.changed() => {
                    info!(source = %self.source.id(), hint = %hint.reason, "hint");
                    return hint.reason;
                }
                () = tokio::time::sleep_until(wish) => {
                    return if wish < next { "recheck".to_owned() } else { "interval".to_owned() };
                }
                () = self.recheck.bell.notified() => {}
            }
        }
    }
}

fn worst_coverage(snapshot: &Snapshot) -> Coverage {
    let worst = |hosts: &[HostSnapshot]| {
        let partial = hosts.iter().map(|host| &host.coverage).find(|coverage| !coverage.is_complete());
        partial.cloned().unwrap_or(Coverage::Complete)
    };
    match snapshot {
        Snapshot::Inventory(inventory) => inventory.coverage.clone(),
        Snapshot::Hosts(hosts) => worst(hosts),
        Snapshot::Survey { survey, host } => match (&survey.coverage, host) {
            (Coverage::Complete, Some(host)) => host.coverage.clone(),
            (coverage, _) => coverage.clone(),
        },
    }
}

/// Wall time, as everything that is stored or shown has it: whole microseconds, which every database keeps.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    // Microseconds of a moment are a moment; the fallback is never taken.
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}
