//! Whether the wall clock goes as time does. Ages, dues and the order of answers are differences of wall times; a clock that
//! is set, or a machine that slept, makes all of them wrong at once.
//!
//! A jump is a new start: what was seen before proves nothing about now. Whoever runs a controller ends it then and starts it
//! anew ([`Clock::jumped`]); from the jump on until then it decides nothing ([`Clock::now`]). What does not live here: what
//! becomes of what is kept with a time that is still to come; that is `set_back` of whatever keeps it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::hub::Hub;

/// How often the wall clock is looked at.
const TICK: Duration = Duration::from_secs(1);
/// How far the wall clock may be off what has passed since it was last looked at. Slewing never is: at its fastest it takes
/// days for this.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(10);

/// The wall clock, for as long as it does not jump.
#[derive(Debug)]
pub struct Clock {
    /// What it said when.
    seen: Mutex<Seen>,
    jumped: CancellationToken,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    wall: Timestamp,
    at: Instant,
}

impl Seen {
    fn now() -> Self {
        Self { wall: crate::collect::now(), at: Instant::now() }
    }

    /// How much further the wall clock has come since then than time has.
    fn gained(&self, now: &Self) -> SignedDuration {
        let passed = now.at.saturating_duration_since(self.at);
        now.wall
            .duration_since(self.wall)
            .saturating_sub(SignedDuration::try_from(passed).unwrap_or_default())
    }
}

impl Default for Clock {
    /// Right as it is now.
    fn default() -> Self {
        Self { seen: Mutex::new(Seen::now()), jumped: CancellationToken::new() }
    }
}

impl Clock {
    /// What time it is; `None` once the clock has jumped: nothing that was seen before may be compared with it.
    pub fn now(&self) -> Option<Timestamp> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if self.jumped.is_cancelled() {
            return None;
        }
        let now = Seen::now();
        let gained = seen.gained(&now);
        if gained.abs() > TOLERANCE {
            let (by, way) = (gained.abs().as_secs(), if gained.is_negative() { "back" } else { "forward" });
            warn!(
                "the wall clock went {way} by {by} s; starting anew, as nothing seen before says anything about now"
            );
            self.jumped.cancel();
            return None;
        }
        // What it gains little by little is no jump, however much it becomes.
        if now.at.saturating_duration_since(seen.at) >= TICK {
            *seen = now;
        }
        Some(now.wall)
    }

    /// Ends when the clock jumps.
    pub async fn jumped(&self) {
        self.jumped.cancelled().await;
    }
}

/// Looks at the wall clock again and again.
pub async fn watch(hub: Arc<Hub>, stop: CancellationToken) {
    let mut timer = tokio::time::interval(TICK);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = hub.clock.jumped() => return,
            _ = timer.tick() => {
                hub.clock.now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_ambient::{Sending, Surroundings};
    use reqwest::Request;

    use super::*;

    /// A wall clock that can be set.
    struct Wall {
        begun: Instant,
        set: Mutex<SignedDuration>,
    }

    impl Wall {
        fn new() -> Arc<Self> {
            Arc::new(Self { begun: Instant::now(), set: Mutex::default() })
        }

        fn gain(&self, millis: i64) {
            *self.set.lock().unwrap() += SignedDuration::from_millis(millis);
        }
    }

    impl Surroundings for Wall {
        fn now(&self) -> Timestamp {
            let passed = SignedDuration::try_from(self.begun.elapsed()).unwrap();
            Timestamp::from_second(1_780_000_000).unwrap() + passed + *self.set.lock().unwrap()
        }

        fn draw(&self) -> u64 {
            0
        }

        fn send(&self, _: Request) -> Sending {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_goes_as_time_does_has_not_jumped_however_long_it_goes() {
        let wall = Wall::new();
        let _simulation = evenkeel_ambient::simulate(wall.clone());
        let clock = Clock::default();
        for step in [0, 1, 999, 1000, 86_400_000] {
            tokio::time::advance(Duration::from_millis(step)).await;
            assert_eq!(clock.now(), Some(wall.now()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn slewing_adds_up_to_no_jump() {
        let wall = Wall::new();
        let _simulation = evenkeel_ambient::simulate(wall.clone());
        let clock = Clock::default();
        // An hour more, half a second a second, and back.
        for gain in [500, -500] {
            for _ in 0..7200 {
                tokio::time::advance(TICK).await;
                wall.gain(gain);
                assert!(clock.now().is_some());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_either_way_is_seen_by_whoever_asks_and_stays_seen() {
        for millis in [11_000_i64, -11_000, 86_400_000, -86_400_000] {
            let wall = Wall::new();
            let _simulation = evenkeel_ambient::simulate(wall.clone());
            let clock = Clock::default();
            wall.gain(millis.signum() * 9_000);
            assert!(clock.now().is_some(), "that little may be");
            wall.gain(millis - millis.signum() * 9_000);
            assert_eq!(clock.now(), None, "{millis}");
            clock.jumped().await;
            wall.gain(-millis);
            assert_eq!(clock.now(), None, "what was seen meanwhile may be of either time");
        }
    }
}
