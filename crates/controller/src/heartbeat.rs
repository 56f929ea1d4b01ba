//! The sign of life: as long as evenkeel asks, keeps and tells, it says so to somebody outside; whoever stops hearing it
//! knows that nobody watches any more. What lives here: when all is well, and how often that is said. What does not: what
//! is wrong with the fleet, which has events of its own; a source that cannot be seen is such an event and no silence.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::SourceId;
use evenkeel_sinks::heartbeat::Heartbeat;
use jiff::Timestamp;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::collect::now;
use crate::hub::Hub;

/// A source may be asked this much later than was planned: all of them take turns.
const PLAN_SLACK: Duration = Duration::from_secs(300);
/// A pass takes milliseconds, and waits for the store half a minute at most.
const LONGEST_PASS: Duration = Duration::from_secs(300);

/// To whom it is said, and when.
#[derive(Debug)]
pub struct Pulse {
    /// Who listens.
    pub heartbeat: Heartbeat,
    /// How often.
    pub every: Duration,
    /// Whoever has waited this long for an event has been told nothing.
    pub undelivered_after: Duration,
}

/// What it is judged by.
#[derive(Clone, Debug, Default, PartialEq)]
struct Vitals {
    /// Why nothing can be kept, if nothing can.
    paused: Option<String>,
    /// Which event has waited longest, and for whom; or why that cannot be read.
    waiting: Option<Result<(String, Duration), String>>,
    /// Which source should have been asked, and how long ago.
    unasked: Option<(SourceId, Duration)>,
    /// The longest pass that still runs.
    pass: Duration,
}

/// Why it is not said that all is well; `None`: it is.
fn trouble(vitals: &Vitals, undelivered_after: Duration) -> Option<String> {
    let Vitals { paused, waiting, unasked, pass } = vitals;
    if let Some(why) = paused {
        return Some(why.clone());
    }
    match waiting {
        Some(Err(why)) => return Some(format!("what waits to be delivered cannot be read: {why}")),
        Some(Ok((sink, age))) if *age >= undelivered_after => {
            return Some(format!("{sink} has not been told what happened {} s ago", age.as_secs()));
        }
        Some(Ok(_)) | None => {}
    }
    if let Some((source, late)) = unasked.as_ref().filter(|(_, late)| *late > PLAN_SLACK) {
        return Some(format!("{source} should have been asked {} s ago", late.as_secs()));
    }
    (*pass > LONGEST_PASS).then(|| format!("a pass has been running for {} s", pass.as_secs()))
}

/// Says it until told to stop; what stands in the way is said in the log once per change.
pub async fn run(hub: Arc<Hub>, pulse: Pulse, stop: CancellationToken) {
    let mut timer = tokio::time::interval(pulse.every);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent: Option<String> = None;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = timer.tick() => {}
        }
        let why = match trouble(&vitals(&hub).await, pulse.undelivered_after) {
            Some(why) => Some(why),
            None => tokio::select! {
                biased;
                () = stop.cancelled() => return,
                beaten = pulse.heartbeat.beat(now()) => match beaten {
                    Ok(()) => {
                        hub.metrics.heartbeat_at.set(now().as_millisecond() as f64 / 1000.0);
                        None
                    }
                    Err(error) => Some(error.to_string()),
                },
            },
        };
        match (&silent, &why) {
            (None, Some(why)) => warn!(to = pulse.heartbeat.place(), why, "no sign of life is given"),
            (Some(_), None) => info!(to = pulse.heartbeat.place(), "signs of life are given again"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        silent = why;
    }
}

async fn vitals(hub: &Hub) -> Vitals {
    let at = now();
    let age = |since: Timestamp| Duration::try_from(at.duration_since(since)).unwrap_or(Duration::ZERO);
    let waiting = match hub.store.outbox().await {
        Ok(depths) => depths
            .into_iter()
            // People are told at their own hours, and what a sink that is no longer configured has not got waits for nobody.
            .filter(|depth| hub.routes.iter().any(|route| *route.sink == *depth.sink && !route.speaks))
            .filter_map(|depth| Some((depth.sink, age(depth.oldest_pending?))))
            .max_by_key(|(_, age)| *age)
            .map(Ok),
        Err(error) => Some(Err(error.to_string())),
    };
    Vitals {
        paused: hub.gate.paused(),
        waiting,
        unasked: hub.askings.longest_due().map(|(source, due)| (source, age(due))),
        pass: hub.queue.read(|queue, now| queue.longest_running(now)),
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_core::SourceKind;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn said(vitals: &Vitals) -> String {
        trouble(vitals, HOUR).unwrap_or_default()
    }

    #[test]
    fn all_is_well_while_it_asks_keeps_and_tells() {
        let netbox = SourceId::new(SourceKind::Netbox, "main");
        let busy = Vitals {
            paused: None,
            waiting: Some(Ok(("n8n".to_owned(), HOUR - Duration::from_secs(1)))),
            unasked: Some((netbox, PLAN_SLACK)),
            pass: LONGEST_PASS,
        };
        assert_eq!((said(&Vitals::default()), said(&busy)), (String::new(), String::new()));
    }

    #[test]
    fn nothing_is_said_as_soon_as_one_of_them_fails_and_the_log_says_which() {
        let docker = SourceId::new(SourceKind::Docker, "box");
        let second = Duration::from_secs(1);
        for (vitals, why) in [
            (
                Vitals { paused: Some("nothing can be kept".to_owned()), ..Vitals::default() },
                "nothing can be kept",
            ),
            (
                Vitals { waiting: Some(Err("it is away".to_owned())), ..Vitals::default() },
                "what waits to be delivered cannot be read: it is away",
            ),
            (
                Vitals { waiting: Some(Ok(("n8n".to_owned(), HOUR))), ..Vitals::default() },
                "n8n has not been told what happened 3600 s ago",
            ),
            (
                Vitals { unasked: Some((docker, PLAN_SLACK + second)), ..Vitals::default() },
                "docker/box should have been asked 301 s ago",
            ),
            (
                Vitals { pass: LONGEST_PASS + second, ..Vitals::default() },
                "a pass has been running for 301 s",
            ),
        ] {
            assert_eq!(said(&vitals), why);
        }
    }
}
