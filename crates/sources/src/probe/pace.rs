//! Spacing: turns that are given out one after the other, with a little chance in between. What does not live here: how
//! many may be busy at once; semaphores say that.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::Rng as _;
use tokio::time::Instant;

/// Gives out turns, each at least so long after the one before.
#[derive(Debug)]
pub(super) struct Pace {
    spacing: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// Turns this far apart.
    pub(super) fn new(spacing: Duration) -> Self {
        Self { spacing, next: Mutex::new(None) }
    }

    /// So many turns per second.
    pub(super) fn per_second(turns: u32) -> Self {
        Self::new(Duration::from_secs(1) / turns.max(1))
    }

    /// Waits for a turn. One that is given up is lost, not handed on: the pace only gets slower by it.
    pub(super) async fn turn(&self) {
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let at = next.map_or(now, |next| next.max(now));
            *next = Some(at + self.spacing);
            at
        };
        tokio::time::sleep_until(at).await;
    }
}

/// The duration and, by chance, up to half of it: probes that were refused together do not come back together.
pub(super) fn jittered(duration: Duration) -> Duration {
    duration + duration.mul_f64(evenkeel_ambient::rng().random_range(0.0..=0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_apart_however_many_ask_and_a_pause_saves_nothing_up() {
        let pace = Pace::new(Duration::from_millis(100));
        let began = Instant::now();
        futures_util::future::join_all((0..5).map(|_| pace.turn())).await;
        assert_eq!(began.elapsed().as_millis(), 400);
        tokio::time::advance(Duration::from_secs(10)).await;
        let again = Instant::now();
        pace.turn().await;
        pace.turn().await;
        assert_eq!(again.elapsed().as_millis(), 100);
    }

    #[test]
    fn jitter_only_adds_and_at_most_half() {
        for _ in 0..100 {
            let waited = jittered(Duration::from_secs(2));
            assert!((2.0..=3.0).contains(&waited.as_secs_f64()), "{waited:?}");
        }
    }
}
