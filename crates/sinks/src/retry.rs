//! When a delivery that failed is tried again, and when it is given up. Pure: age and randomness are arguments.

use std::time::Duration;

use crate::SinkError;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Seconds to wait after the first, second … failure; the last repeats. Quick while it is probably a restart, slow
/// once it is an outage.
const STEPS: [u64; 10] =
    [5, 30, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR];

/// A `Retry-After` beyond this is taken as this: a receiver's wish (or mistake) must not silence a sink for a year.
const LONGEST_WISH: Duration = Duration::from_secs(24 * HOUR);

/// How long a delivery is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Age at which a delivery is given up, counted from when it was first due.
    pub max_age: Duration,
}

impl Default for Schedule {
    /// Three days: a receiver that broke on Friday evening gets everything on Monday.
    fn default() -> Self {
        Self { max_age: Duration::from_secs(72 * HOUR) }
    }
}

/// What happens to a delivery that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Try again after this long.
    After(Duration),
    /// Give it up, visibly.
    Dead(Dead),
}

/// Why a delivery was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    /// It was tried for as long as the schedule allows.
    TooOld,
    /// The destination rejects it; trying again changes nothing until the configuration does.
    Rejected,
}

impl Schedule {
    /// What follows from this failure of attempt number `attempt` (1 = the first) of a delivery of this age.
    /// `random` is 64 random bits; they spread deliveries that failed together by a fifth either way.
    pub fn next(&self, error: &SinkError, attempt: u32, age: Duration, random: u64) -> Retry {
        let wish = match error {
            SinkError::Unavailable { .. } => Duration::ZERO,
            SinkError::Throttled { retry_after, .. } => retry_after.unwrap_or_default().min(LONGEST_WISH),
            SinkError::Rejected { .. } => return Retry::Dead(Dead::Rejected),
        };
        let left = self.max_age.saturating_sub(age);
        if left.is_zero() {
            return Retry::Dead(Dead::TooOld);
        }
        // Never later than the end: whatever the steps say, there is one last try before it is given up.
        Retry::After(jittered(step(attempt), random).max(wish).min(left))
    }
}

fn step(attempt: u32) -> Duration {
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    Duration::from_secs(STEPS[index.min(STEPS.len() - 1)])
}

/// Between four and six fifths.
fn jittered(delay: Duration, random: u64) -> Duration {
    let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX / 2);
    let share = (u128::from(random) * u128::from(millis * 2 / 5 + 1)) >> 64;
    Duration::from_millis(millis - millis / 5 + u64::try_from(share).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unavailable() -> SinkError {
        SinkError::Unavailable { why: "n8n.lan: connection refused".into() }
    }

    fn throttled(retry_after: Option<Duration>) -> SinkError {
        SinkError::Throttled { retry_after, why: "n8n.lan answered 429".into() }
    }

    /// Right in the middle of the jitter.
    const MIDDLE: u64 = u64::MAX / 2;

    #[test]
    fn the_waits_grow_from_seconds_to_hours_and_stay_there() {
        let waits: Vec<_> = (1..=12)
            .map(|attempt| Schedule::default().next(&unavailable(), attempt, Duration::ZERO, MIDDLE))
            .collect();
        let seconds = [5, 30, 120, 300, 900, 1800, 3600, 7200, 14400, 28800, 28800, 28800];
        assert_eq!(waits, seconds.map(|seconds| Retry::After(Duration::from_secs(seconds))));
    }

    #[test]
    fn a_rejected_delivery_is_dead_at_once() {
        let rejected = SinkError::Rejected { why: "n8n.lan answered 403".into() };
        assert_eq!(Schedule::default().next(&rejected, 1, Duration::ZERO, 0), Retry::Dead(Dead::Rejected));
    }

    #[test]
    fn a_wish_is_honoured_when_it_is_longer_and_ignored_when_it_is_shorter() {
        let next =
            |wish, attempt| Schedule::default().next(&throttled(wish), attempt, Duration::ZERO, MIDDLE);
        assert_eq!(next(Some(Duration::from_secs(77)), 1), Retry::After(Duration::from_secs(77)));
        assert_eq!(next(Some(Duration::from_secs(1)), 1), Retry::After(Duration::from_secs(5)));
        assert_eq!(next(None, 2), Retry::After(Duration::from_secs(30)));
        let year = Duration::from_secs(365 * 24 * HOUR);
        assert_eq!(next(Some(year), 1), Retry::After(LONGEST_WISH));
    }

    #[test]
    fn the_last_try_is_at_the_very_end_and_then_it_is_dead() {
        let schedule = Schedule { max_age: Duration::from_secs(100) };
        let at = |age| schedule.next(&unavailable(), 5, Duration::from_secs(age), MIDDLE);
        assert_eq!(at(90), Retry::After(Duration::from_secs(10)));
        assert_eq!(at(100), Retry::Dead(Dead::TooOld));
        assert_eq!(at(500), Retry::Dead(Dead::TooOld));
    }

    #[test]
    fn three_days_of_outage_are_about_twenty_attempts() {
        let (mut age, mut attempts) = (Duration::ZERO, 1);
        while let Retry::After(wait) = Schedule::default().next(&unavailable(), attempts, age, MIDDLE) {
            (age, attempts) = (age + wait, attempts + 1);
        }
        assert_eq!((age, attempts), (Schedule::default().max_age, 19));
    }

    proptest! {
        #[test]
        fn jitter_stays_within_a_fifth(attempt in 0..40u32, random: u64) {
            let step = step(attempt);
            let wait = jittered(step, random);
            prop_assert!(wait >= step * 4 / 5 && wait <= step * 6 / 5, "{wait:?} for {step:?}");
        }
    }
}
