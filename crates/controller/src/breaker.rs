//! The circuit breaker of one source: after repeated failures it is asked less and less often, and one good answer
//! closes the circuit again. Pure; time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// When a source that keeps failing is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Failures in a row that open the circuit.
    pub failures: u32,
    /// How long it stays open the first time; doubled with every further failure.
    pub open: Duration,
    /// The longest it stays open.
    pub cap: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { failures: 3, open: Duration::from_secs(30), cap: Duration::from_secs(300) }
    }
}

/// Where the circuit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Asked at its interval.
    Closed,
    /// Not asked until then.
    Open {
        /// When one attempt is allowed.
        until: Instant,
    },
}

/// One source's circuit.
#[derive(Clone, Debug)]
pub struct Breaker {
    settings: Settings,
    failures: u32,
    state: State,
}

impl Breaker {
    /// A closed circuit.
    pub fn new(settings: Settings) -> Self {
        Self { settings, failures: 0, state: State::Closed }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Failures since the last good answer.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The source answered.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.state = State::Closed;
    }

    /// The source did not answer, or could not be understood.
    pub fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.settings.failures {
            let doublings = (self.failures - self.settings.failures).min(16);
            let wait = self.settings.open.saturating_mul(1 << doublings).min(self.settings.cap);
            self.state = State::Open { until: now + wait };
        }
    }

    /// When the source may be asked next, if its timer says `at`.
    pub fn not_before(&self, at: Instant) -> Instant {
        match self.state {
            State::Closed => at,
            State::Open { until } => at.max(until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> (Breaker, Instant) {
        (Breaker::new(Settings::default()), Instant::now())
    }

    #[test]
    fn it_opens_after_the_set_number_of_failures_and_waits_longer_each_time() {
        let (mut b, now) = breaker();
        b.failed(now);
        b.failed(now);
        assert_eq!(b.state(), State::Closed);
        for seconds in [30, 60, 120, 240, 300, 300] {
            b.failed(now);
            assert_eq!(b.state(), State::Open { until: now + Duration::from_secs(seconds) });
        }
    }

    #[test]
    fn one_good_answer_closes_it() {
        let (mut b, now) = breaker();
        (0..10).for_each(|_| b.failed(now));
        b.succeeded();
        assert_eq!((b.state(), b.failures()), (State::Closed, 0));
        assert_eq!(b.not_before(now), now);
    }

    #[test]
    fn while_it_is_open_the_timer_waits() {
        let (mut b, now) = breaker();
        (0..3).for_each(|_| b.failed(now));
        assert_eq!(b.not_before(now), now + Duration::from_secs(30));
        let later = now + Duration::from_secs(45);
        assert_eq!(b.not_before(later), later);
    }
}
