//! Is the engine itself stopping, or just back? A planned stop ends every container before the engine goes, and after
//! its return they take seconds to come up; neither is a fault of the services. Pure: time is an argument.
//!
//! What does not live here: the event stream that feeds it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::time::Instant;

/// A stream that ends this soon after a container died may have ended for the same reason.
const BURST: Duration = Duration::from_secs(10);
/// An engine that still answers so long after its stream ended has not stopped; only its stream does not come back.
const LONG_AWAY: Duration = Duration::from_secs(60);
/// Containers remembered at most.
const MOST: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The engine is there, as far as known.
    Up,
    /// Its stream ended after containers died, or it could not be reached again; since then.
    Away(Instant),
    /// It is back since then.
    Back(Instant),
}

/// What is kept of a container's id: of all that run, at every look, in every fleet, 8 bytes and not 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mark(u64);

impl Mark {
    fn of(id: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The state of one engine.
#[derive(Debug)]
pub(super) struct Settle {
    /// Zero: never hold anything back.
    patience: Duration,
    phase: Phase,
    /// Containers that died lately, and when.
    died: BTreeMap<String, Instant>,
    /// Containers that ran at the last look.
    ran: Vec<Mark>,
    /// Containers whose being down proves nothing now.
    held: BTreeSet<Mark>,
}

impl Settle {
    /// Containers may be down for this long after the engine's return.
    pub(super) fn new(patience: Duration) -> Self {
        Self { patience, phase: Phase::Up, died: BTreeMap::new(), ran: Vec::new(), held: BTreeSet::new() }
    }

    /// A container died.
    pub(super) fn died(&mut self, id: &str, now: Instant) {
        self.died.retain(|_, at| now.duration_since(*at) <= BURST);
        if self.died.len() < MOST {
            self.died.insert(id.to_owned(), now);
        }
    }

    /// A container began: whatever became of the engine, this one is not down for its sake any more.
    pub(super) fn started(&mut self, id: &str) {
        self.died.remove(id);
        self.held.remove(&Mark::of(id));
    }

    /// Whether it died a moment ago and did not start since, as far as events tell.
    pub(super) fn is_dead(&self, id: &str, now: Instant) -> bool {
        self.died.get(id).is_some_and(|at| now.duration_since(*at) <= BURST)
    }

    /// The event stream ended.
    pub(super) fn stream_ended(&mut self, now: Instant) {
        self.died.retain(|_, at| now.duration_since(*at) <= BURST);
        if !self.died.is_empty() && self.is_on() {
            let died = std::mem::take(&mut self.died);
            self.hold(died.keys().map(|id| Mark::of(id)), now);
        }
    }

    /// It could not be reached again: whatever ran, was ended with it, unless the engine is set to let it live.
    pub(super) fn unreachable(&mut self, now: Instant) {
        if self.is_on() {
            let ran = std::mem::take(&mut self.ran);
            self.hold(ran.into_iter(), now);
        }
    }

    fn hold(&mut self, ids: impl Iterator<Item = Mark>, now: Instant) {
        self.held.extend(ids.take(MOST));
        if !matches!(self.phase, Phase::Away(_)) {
            self.phase = Phase::Away(now);
        }
    }

    /// The event stream is open again. Returns after how long another look is due, if one is.
    pub(super) fn stream_began(&mut self, now: Instant) -> Option<Duration> {
        match self.phase {
            Phase::Up => None,
            Phase::Away(_) => {
                self.phase = Phase::Back(now);
                Some(self.patience)
            }
            Phase::Back(since) => Some(self.patience.saturating_sub(now.duration_since(since))),
        }
    }

    /// A look at the list, `(id, runs)` of every container. Returns those whose being down proves nothing now.
    pub(super) fn observed<'a>(
        &mut self,
        containers: impl Iterator<Item = (&'a str, bool)>,
        now: Instant,
    ) -> BTreeSet<String> {
        match self.phase {
            Phase::Away(since) if now.duration_since(since) >= LONG_AWAY => self.phase = Phase::Back(now),
            Phase::Back(since) if now.duration_since(since) >= self.patience => self.phase = Phase::Up,
            Phase::Up | Phase::Away(_) | Phase::Back(_) => {}
        }
        if self.phase == Phase::Up {
            self.held.clear();
        }
        let mut held_down = BTreeSet::new();
        self.ran.clear();
        for (id, runs) in containers {
            if runs {
                self.ran.push(Mark::of(id));
            } else if self.held.contains(&Mark::of(id)) {
                held_down.insert(id.to_owned());
            }
        }
        held_down
    }

    fn is_on(&self) -> bool {
        !self.patience.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scene {
        settle: Settle,
        start: Instant,
    }

    impl Scene {
        fn new() -> Self {
            Self { settle: Settle::new(Duration::from_secs(10)), start: Instant::now() }
        }

        fn at(&self, seconds: u64) -> Instant {
            self.start + Duration::from_secs(seconds)
        }

        /// `web` and `db`, of which these run.
        fn look(&mut self, seconds: u64, running: &[&str]) -> bool {
            let now = self.at(seconds);
            let look = ["web", "db"].into_iter().map(|id| (id, running.contains(&id)));
            !self.settle.observed(look, now).is_empty()
        }
    }

    #[test]
    fn a_container_is_dead_from_its_death_to_its_start_and_not_for_ever() {
        let mut scene = Scene::new();
        scene.settle.died("web", scene.start);
        scene.settle.died("db", scene.start);
        scene.settle.started("db");
        let dead = |id, seconds| scene.settle.is_dead(id, scene.at(seconds));
        assert!(dead("web", 1) && !dead("db", 1) && !dead("web", 60));
    }

    #[test]
    fn however_many_die_no_more_than_so_many_are_remembered() {
        let mut settle = Settle::new(Duration::from_secs(10));
        let now = Instant::now();
        (0..3 * MOST).for_each(|n| settle.died(&n.to_string(), now));
        assert_eq!(settle.died.len(), MOST);
        settle.stream_ended(now);
        assert_eq!((settle.died.len(), settle.held.len()), (0, MOST));
    }

    #[test]
    fn a_container_that_dies_alone_is_the_truth_at_once() {
        let mut scene = Scene::new();
        scene.settle.died("web", scene.start);
        assert!(!scene.look(1, &["db"]));
    }

    #[test]
    fn a_planned_stop_proves_nothing_until_the_engine_is_back_and_settled() {
        let mut scene = Scene::new();
        scene.settle.died("web", scene.at(0));
        scene.settle.died("db", scene.at(1));
        scene.settle.stream_ended(scene.at(3));
        assert!(scene.look(4, &[]));
        assert!(scene.look(40, &[]), "the engine is still away");
        assert_eq!(scene.settle.stream_began(scene.at(41)), Some(Duration::from_secs(10)));
        assert!(scene.look(42, &["db"]), "web is still on its way");
        assert!(!scene.look(43, &["db", "web"]), "everything is back: nothing is held");
        assert!(!scene.look(51, &["db"]), "ten seconds are over: this is the truth");
    }

    #[test]
    fn an_engine_that_answers_though_its_stream_stays_away_is_believed_in_the_end() {
        let mut scene = Scene::new();
        scene.settle.died("web", scene.at(0));
        scene.settle.stream_ended(scene.at(1));
        assert!(scene.look(59, &["db"]));
        assert!(scene.look(62, &["db"]));
        assert!(!scene.look(72, &["db"]));
    }

    #[test]
    fn a_stream_cut_in_quiet_times_holds_nothing_back() {
        let mut scene = Scene::new();
        scene.settle.died("web", scene.at(0));
        scene.settle.stream_ended(scene.at(11));
        assert!(!scene.look(12, &["db"]));
        assert_eq!(scene.settle.stream_began(scene.at(13)), None);
    }

    #[test]
    fn an_engine_killed_without_a_word_is_given_the_same_time_when_it_returns() {
        let mut scene = Scene::new();
        assert!(!scene.look(0, &["web"]));
        scene.settle.stream_ended(scene.at(20));
        scene.settle.unreachable(scene.at(21));
        assert_eq!(scene.settle.stream_began(scene.at(30)), Some(Duration::from_secs(10)));
        assert!(scene.look(31, &[]), "web ran before");
        assert!(!scene.look(32, &["web"]), "db was down before; that it still is, is known");
        assert!(!scene.look(41, &[]));
    }

    #[test]
    fn a_container_that_came_back_and_fell_again_is_the_truth() {
        let mut scene = Scene::new();
        scene.settle.died("web", scene.at(0));
        scene.settle.stream_ended(scene.at(1));
        scene.settle.stream_began(scene.at(2));
        scene.settle.started("web");
        assert!(!scene.look(3, &[]));
    }

    #[test]
    fn a_second_cut_while_settling_does_not_start_the_wait_anew() {
        let mut scene = Scene::new();
        scene.settle.died("web", scene.at(0));
        scene.settle.stream_ended(scene.at(1));
        scene.settle.stream_began(scene.at(2));
        scene.settle.stream_ended(scene.at(6));
        assert_eq!(scene.settle.stream_began(scene.at(7)), Some(Duration::from_secs(5)));
    }

    #[test]
    fn without_patience_nothing_is_held_back() {
        let mut scene = Scene { settle: Settle::new(Duration::ZERO), start: Instant::now() };
        scene.settle.died("web", scene.at(0));
        scene.settle.stream_ended(scene.at(1));
        scene.settle.unreachable(scene.at(1));
        assert!(!scene.look(2, &[]));
        assert_eq!(scene.settle.stream_began(scene.at(3)), None);
    }
}
