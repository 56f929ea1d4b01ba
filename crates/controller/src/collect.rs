//! Collectors: one task per source that asks it at its interval, when it hints, and when a pass wants to see again,
//! and puts what it says into the world. All network I/O of observation happens here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_core::model::HostSnapshot;
use evenkeel_core::{Coverage, SourceId};
use evenkeel_sources::{Snapshot, Source};
use evenkeel_web::Asking;
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

    /// Whether there was one; there is none any more.
    fn fulfilled(&self) -> bool {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
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
                biased;
                () = stop.cancelled() => return,
                observed = self.ask(&id, &trigger) => observed,
            };
            let Some(heard) = observed else { return };
            self.judge(&id, &mut breaker, &mut blind, &heard);
            self.note(&id, &breaker, heard.took);
            trigger = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                trigger = self.wait(&breaker) => trigger,
            };
        }
    }

    /// One observation, under the limit of how many may run at once.
    async fn ask(&self, id: &SourceId, trigger: &str) -> Option<Heard> {
        let _permit = self.permits.acquire().await.ok()?;
        if self.recheck.fulfilled() {
            self.source.doubt();
        }
        let span = info_span!("observe", source = %id, trigger);
        let begun = Instant::now();
        let timer = self.hub.metrics.observe_seconds.with_label_values(&[id.kind.as_str()]).start_timer();
        let snapshot = self.source.observe().instrument(span).await;
        timer.observe_duration();
        let took = begun.elapsed();
        let heard = Heard { worst: worst_coverage(&snapshot), in_vain: is_in_vain(&snapshot), took };
        self.hub.learn(id, snapshot);
        Some(heard)
    }

    /// Counts the answer and says it once per change of state.
    fn judge(&self, id: &SourceId, breaker: &mut Breaker, blind: &mut Option<Coverage>, heard: &Heard) {
        match heard.in_vain {
            true => breaker.failed(Instant::now()),
            false => breaker.succeeded(),
        }
        match &heard.worst {
            Coverage::Complete => match blind.take() {
                Some(_) => warn!(source = %id, "recovered"),
                None => debug!(source = %id, "observed"),
            },
            Coverage::Partial(gap) => {
                if blind.as_ref().and_then(Coverage::gap).map(|g| g.kind) != Some(gap.kind) {
                    warn!(source = %id, gap = %gap, "blind");
                }
                *blind = Some(heard.worst.clone());
            }
        }
        let open = matches!(breaker.state(), State::Open { .. });
        self.hub.metrics.sources.answered(id, heard.worst.is_complete(), open);
    }

    /// Says how the source is asked, for those who look.
    fn note(&self, id: &SourceId, breaker: &Breaker, took: Duration) {
        let asked = Instant::now();
        let wait = breaker.not_before(asked + self.interval).duration_since(asked);
        let asking = Asking {
            took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            next_at: now().checked_add(wait).unwrap_or(Timestamp::MAX),
            failures: breaker.failures(),
            left_alone: matches!(breaker.state(), State::Open { .. }),
        };
        self.hub.askings.note(id, asking);
    }

    /// Waits for whatever comes first: the interval (or the open circuit's end), a hint, a wish.
    async fn wait(&self, breaker: &Breaker) -> String {
        let next = breaker.not_before(Instant::now() + self.interval);
        let open = matches!(breaker.state(), State::Open { .. });
        loop {
            // An open circuit is not asked for the sake of a pass; a hint of the source itself means that it is back.
            let wish = self.recheck.get().filter(|_| !open).map_or(next, |at| at.min(next));
            tokio::select! {
                biased;
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

/// How an answer reads from outside.
struct Heard {
    /// The least of it.
    worst: Coverage,
    /// Whether the question was not worth asking.
    in_vain: bool,
    /// How long it took.
    took: Duration,
}

/// Whether nothing was seen in full. A source that shows some of its machines, and one of which it is known that it has
/// nothing to say about some, is asked on: left alone, what it shows would grow too old.
fn is_in_vain(snapshot: &Snapshot) -> bool {
    let is_partial = |coverage: &Coverage| !coverage.is_complete();
    match snapshot {
        Snapshot::Inventory(inventory) => is_partial(&inventory.coverage),
        Snapshot::Hosts(hosts) => !hosts.is_empty() && hosts.iter().all(|host| is_partial(&host.coverage)),
        Snapshot::Survey { survey, host } => {
            is_partial(&survey.coverage) && host.as_ref().is_none_or(|host| is_partial(&host.coverage))
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
    let now = evenkeel_ambient::now();
    // Microseconds of a moment are a moment; the fallback is never taken.
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use evenkeel_core::model::Survey;
    use evenkeel_core::{Gap, GapKind, SourceKind};

    use super::*;

    fn host(gap: Option<GapKind>) -> HostSnapshot {
        let id = SourceId::new(SourceKind::Probe, "main");
        let blind = HostSnapshot::blind(id, now(), now(), Gap::new(GapKind::Uncovered, "no address"));
        let coverage = gap.map_or(Coverage::Complete, |kind| Coverage::Partial(Gap::new(kind, "why")));
        HostSnapshot { coverage, ..blind }
    }

    #[test]
    fn of_many_wishes_to_look_again_the_earliest_is_kept() {
        let (recheck, now) = (Recheck::default(), Instant::now());
        for seconds in [50, 20, 90, 20, 30] {
            recheck.wish(now + Duration::from_secs(seconds));
        }
        assert_eq!(recheck.get(), Some(now + Duration::from_secs(20)));
        assert!(recheck.fulfilled());
        assert_eq!(recheck.get(), None);
        assert!(!recheck.fulfilled(), "nobody waits any more");
    }

    #[test]
    fn one_host_of_which_nothing_can_be_known_does_not_keep_the_others_from_being_looked_at() {
        let uncovered = Some(GapKind::Uncovered);
        assert!(!is_in_vain(&Snapshot::Hosts(vec![host(None), host(uncovered)])));
        assert!(is_in_vain(&Snapshot::Hosts(vec![host(uncovered), host(Some(GapKind::Unreachable))])));
        assert!(!is_in_vain(&Snapshot::Hosts(Vec::new())), "nothing was to be looked at");
    }

    #[test]
    fn a_key_that_may_not_list_machines_does_not_keep_the_apps_from_being_looked_at() {
        let id = SourceId::new(SourceKind::Truenas, "nas");
        let survey =
            Survey::blind(id, now(), now(), Gap::new(GapKind::Unauthorized, "the key may not ask this"));
        assert!(!is_in_vain(&Snapshot::Survey { survey: survey.clone(), host: Some(host(None)) }));
        assert!(is_in_vain(&Snapshot::Survey {
            survey: survey.clone(),
            host: Some(host(Some(GapKind::TimedOut)))
        }));
        assert!(is_in_vain(&Snapshot::Survey { survey, host: None }));
    }
}
