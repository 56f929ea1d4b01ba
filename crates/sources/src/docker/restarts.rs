//! How often each container restarted unasked, within a window. Pure: time is an argument, memory is bounded.
//!
//! Two witnesses are heard. Events tell when (a `die` nobody asked for, then a `start`), the engine's own
//! `RestartCount` tells how many. Both speak of the same restarts, so the higher count stands, never the sum. What
//! does not live here: asking the engine.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// A `die` this soon after a `kill` or `stop` was asked for.
const ASKED: Duration = Duration::from_secs(15);
/// The engine waits at most a minute before it starts a failed container again; a later `start` is somebody's wish.
const BACK_OFF: Duration = Duration::from_secs(120);
/// A container that ended well is started again at once by its restart policy; later it is a job being run again.
const AT_ONCE: Duration = Duration::from_secs(2);
/// A container first seen restarting with this many restarts is in a loop already.
const LOOPING: u64 = 5;
/// Memory per container; the window of a container that restarts faster is full anyway.
const MOST_TIMES: usize = 256;
/// Containers remembered at most; more than any engine holds.
const MOST_CONTAINERS: usize = 8192;

/// What happened to a container, as far as restarts go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// Somebody asked it to end.
    Asked,
    /// It ended, with this code where the engine tells.
    Died { exit_code: Option<i64> },
    /// It began.
    Started,
    /// It is gone.
    Destroyed,
}

/// What an inspection said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inspected {
    /// The engine's count since the container was last started by hand.
    pub(super) restart_count: u64,
    /// Whether it is between two attempts now.
    pub(super) restarting: bool,
    /// How long ago its last run began.
    pub(super) started_ago: Option<Duration>,
}

#[derive(Debug, Default)]
struct Record {
    asked: Option<Instant>,
    died: Option<(Instant, bool)>,
    /// Restarts seen in events.
    seen: VecDeque<Instant>,
    /// The engine's count when it was last read.
    base: Option<u64>,
    /// What its count grew by, and when that was noticed.
    grown: VecDeque<(Instant, u32)>,
}

/// The restarts of one engine's containers.
#[derive(Debug)]
pub(super) struct Tracker {
    window: Duration,
    records: BTreeMap<String, Record>,
}

impl Tracker {
    /// Counts over this window.
    pub(super) fn new(window: Duration) -> Self {
        Self { window, records: BTreeMap::new() }
    }

    /// Takes an event in.
    pub(super) fn happened(&mut self, id: &str, happening: Happening, now: Instant) {
        if happening == Happening::Destroyed {
            self.records.remove(id);
            return;
        }
        let Some(record) = self.record(id) else { return };
        match happening {
            Happening::Asked => record.asked = Some(now),
            Happening::Died { exit_code } => {
                let asked = record.asked.take().is_some_and(|asked| now.duration_since(asked) <= ASKED);
                record.died = (!asked).then_some((now, exit_code == Some(0)));
            }
            Happening::Started => {
                if let Some((died, well)) = record.died.take() {
                    let patience = if well { AT_ONCE } else { BACK_OFF };
                    if now.duration_since(died) <= patience {
                        push(&mut record.seen, now);
                    }
                }
            }
            Happening::Destroyed => {}
        }
    }

    /// Takes the engine's own count in. The first one is the base line: how old its restarts are nobody knows.
    pub(super) fn inspected(&mut self, id: &str, inspected: Inspected, now: Instant) {
        let window = self.window;
        let Some(record) = self.record(id) else { return };
        let count = inspected.restart_count;
        let grown = match record.base.replace(count) {
            // A count that shrank began anew: the container was started by hand.
            Some(base) => count.saturating_sub(base),
            None if inspected.restarting
                && count >= LOOPING
                && inspected.started_ago.is_some_and(|ago| ago <= window) =>
            {
                // More does not fit into a window: the engine's pauses double up to a minute.
                count.min(9 + window.as_secs() / 60)
            }
            None => 0,
        };
        if grown > 0 {
            push(&mut record.grown, (now, u32::try_from(grown).unwrap_or(u32::MAX)));
        }
    }

    /// How often this container restarted within the window.
    pub(super) fn count(&self, id: &str, now: Instant) -> u32 {
        let Some(record) = self.records.get(id) else {
            return 0;
        };
        let fresh = |at: &Instant| now.duration_since(*at) <= self.window;
        let seen = record.seen.iter().filter(|at| fresh(at)).count();
        let grown =
            record.grown.iter().filter(|(at, _)| fresh(at)).map(|(_, n)| *n).fold(0, u32::saturating_add);
        u32::try_from(seen).unwrap_or(u32::MAX).max(grown)
    }

    /// Forgets the containers that are not there any more, and what is older than the window.
    pub(super) fn retain(&mut self, there: &BTreeSet<&str>, now: Instant) {
        let window = self.window;
        let fresh = |at: &Instant| now.duration_since(*at) <= window;
        self.records.retain(|id, record| {
            record.seen.retain(&fresh);
            record.grown.retain(|(at, _)| fresh(at));
            there.contains(id.as_str())
        });
    }

    fn record(&mut self, id: &str) -> Option<&mut Record> {
        if self.records.len() >= MOST_CONTAINERS && !self.records.contains_key(id) {
            return None;
        }
        Some(self.records.entry(id.to_owned()).or_default())
    }
}

fn push<T>(times: &mut VecDeque<T>, time: T) {
    if times.len() == MOST_TIMES {
        times.pop_front();
    }
    times.push_back(time);
}

/// How long the container has been up at least, from the engine's words (`Up 5 seconds`, `Up About an hour`): the list
/// tells it in no other way. `None`: it does not say that it is up.
pub(super) fn up_at_least(status: &str) -> Option<Duration> {
    let rest = status.strip_prefix("Up ")?;
    let mut words = rest.split_whitespace();
    let (number, unit) = match (words.next()?, words.next()?) {
        ("Less", _) => return Some(Duration::ZERO),
        ("About", _) => (1, words.next()?),
        (number, unit) => (number.parse::<u64>().ok()?, unit),
    };
    let (seconds, rounding) = match unit.trim_end_matches('s') {
        "second" => (1, 0),
        "minute" => (60, 0),
        // From here on the engine rounds to the nearest.
        "hour" => (3_600, 1_800),
        "day" => (86_400, 43_200),
        "week" => (604_800, 302_400),
        "month" => (2_592_000, 1_296_000),
        "year" => (31_536_000, 15_768_000),
        _ => return None,
    };
    Some(Duration::from_secs(number.saturating_mul(seconds).saturating_sub(rounding)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(600);

    struct Scene {
        tracker: Tracker,
        start: Instant,
    }

    impl Scene {
        fn new() -> Self {
            Self { tracker: Tracker::new(WINDOW), start: Instant::now() }
        }

        fn at(&self, seconds: u64) -> Instant {
            self.start + Duration::from_secs(seconds)
        }

        fn happened(&mut self, seconds: u64, happening: Happening) {
            self.tracker.happened("c", happening, self.at(seconds));
        }

        fn inspected(&mut self, seconds: u64, restart_count: u64) {
            let inspected = Inspected { restart_count, restarting: false, started_ago: None };
            self.tracker.inspected("c", inspected, self.at(seconds));
        }

        fn count(&self, seconds: u64) -> u32 {
            self.tracker.count("c", self.at(seconds))
        }
    }

    const FAILED: Happening = Happening::Died { exit_code: Some(3) };
    const WELL: Happening = Happening::Died { exit_code: Some(0) };

    #[test]
    fn a_death_and_a_start_are_one_restart_until_the_window_has_passed() {
        let mut scene = Scene::new();
        for second in [0, 10, 20] {
            scene.happened(second, FAILED);
            scene.happened(second + 1, Happening::Started);
        }
        assert_eq!((scene.count(30), scene.count(605), scene.count(700)), (3, 2, 0));
    }

    #[test]
    fn a_restart_that_was_asked_for_is_not_counted() {
        let mut scene = Scene::new();
        scene.happened(0, Happening::Asked);
        scene.happened(10, FAILED);
        scene.happened(11, Happening::Started);
        assert_eq!(scene.count(12), 0);
        // The wish is used up: the next death is the container's own.
        scene.happened(13, FAILED);
        scene.happened(14, Happening::Started);
        assert_eq!(scene.count(15), 1);
    }

    #[test]
    fn a_stop_long_before_the_death_does_not_excuse_it() {
        let mut scene = Scene::new();
        scene.happened(0, Happening::Asked);
        scene.happened(16, FAILED);
        scene.happened(17, Happening::Started);
        assert_eq!(scene.count(18), 1);
    }

    #[test]
    fn a_job_that_ends_well_and_runs_again_later_does_not_restart() {
        let mut scene = Scene::new();
        scene.happened(0, WELL);
        scene.happened(60, Happening::Started);
        assert_eq!(scene.count(61), 0);
        scene.happened(70, WELL);
        scene.happened(70, Happening::Started);
        assert_eq!(scene.count(71), 1);
    }

    #[test]
    fn a_crashed_container_started_by_hand_an_hour_later_does_not_restart() {
        let mut scene = Scene::new();
        scene.happened(0, FAILED);
        scene.happened(3600, Happening::Started);
        assert_eq!(scene.count(3601), 0);
    }

    #[test]
    fn restarts_from_before_the_first_sight_are_not_counted() {
        let mut scene = Scene::new();
        scene.inspected(0, 40);
        assert_eq!(scene.count(1), 0);
        scene.inspected(60, 43);
        assert_eq!(scene.count(61), 3);
        // Started by hand: the engine counts anew.
        scene.inspected(70, 1);
        scene.inspected(80, 2);
        assert_eq!(scene.count(81), 4);
    }

    #[test]
    fn a_container_first_seen_in_the_middle_of_a_loop_is_in_a_loop() {
        let mut scene = Scene::new();
        let looping =
            Inspected { restart_count: 9, restarting: true, started_ago: Some(Duration::from_secs(20)) };
        scene.tracker.inspected("c", looping, scene.start);
        assert_eq!(scene.count(1), 9);
        let old = Inspected { restart_count: 400, ..looping };
        scene.tracker.inspected("d", old, scene.start);
        assert_eq!(scene.tracker.count("d", scene.at(1)), 19);
        let calm = Inspected { started_ago: Some(Duration::from_secs(900)), ..looping };
        scene.tracker.inspected("e", calm, scene.start);
        assert_eq!(scene.tracker.count("e", scene.at(1)), 0);
    }

    #[test]
    fn two_witnesses_of_the_same_restarts_are_not_added_up() {
        let mut scene = Scene::new();
        scene.inspected(0, 0);
        scene.happened(1, FAILED);
        scene.happened(2, Happening::Started);
        scene.inspected(3, 2);
        assert_eq!(scene.count(4), 2);
    }

    #[test]
    fn memory_is_bounded_and_the_gone_are_forgotten() {
        let mut scene = Scene::new();
        for second in 0..(MOST_TIMES as u64 * 2) {
            scene.happened(second, FAILED);
            scene.happened(second, Happening::Started);
        }
        assert_eq!(scene.tracker.records["c"].seen.len(), MOST_TIMES);
        scene.happened(600, Happening::Destroyed);
        assert!(scene.tracker.records.is_empty());
        for i in 0..MOST_CONTAINERS + 5 {
            scene.tracker.happened(&i.to_string(), Happening::Asked, scene.start);
        }
        assert_eq!(scene.tracker.records.len(), MOST_CONTAINERS);
        scene.tracker.retain(&BTreeSet::from(["7", "nobody"]), scene.at(1));
        assert_eq!(scene.tracker.records.keys().collect::<Vec<_>>(), ["7"]);
    }

    #[test]
    fn the_engines_words_for_an_uptime_are_read() {
        for (status, seconds) in [
            ("Up Less than a second", Some(0)),
            ("Up 5 seconds", Some(5)),
            ("Up 43 seconds (unhealthy)", Some(43)),
            ("Up About a minute", Some(60)),
            ("Up 3 minutes (Paused)", Some(180)),
            ("Up About an hour", Some(1_800)),
            ("Up 2 weeks", Some(907_200)),
            ("Exited (0) 42 seconds ago", None),
            ("Restarting (3) 6 seconds ago", None),
            ("Created", None),
            ("Up", None),
            ("Up since long ago", None),
        ] {
            assert_eq!(up_at_least(status), seconds.map(Duration::from_secs), "{status}");
        }
    }
}
