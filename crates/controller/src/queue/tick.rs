//! A moment on the queue's clock: nanoseconds since whatever start the caller chose. What does not live here: a
//! clock.

use std::time::Duration;

/// A moment. Only differences mean anything; the caller's clock must never go back (if it does, waits read as zero).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

impl Tick {
    /// The start.
    pub const ZERO: Self = Self(0);

    /// The moment this many nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The moment this long after the start: `Tick::at(start.elapsed())`.
    pub fn at(elapsed: Duration) -> Self {
        Self::from_nanos(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// This long later; at most the last moment that can be told (584 years).
    pub fn after(self, delay: Duration) -> Self {
        let nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        Self::from_nanos(self.0.saturating_add(nanos))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
