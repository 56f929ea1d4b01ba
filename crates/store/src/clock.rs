//! What becomes of what is kept when the clock is set back behind it. What does not live here: whether it jumped while
//! somebody looked; the controller sees that.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::error::Result;

/// The part of a [`Store`](crate::Store) that knows how late it has been.
#[async_trait]
pub trait ClockStore: Send + Sync {
    /// Says whether the clock was set back: whether anything kept was seen, made or claimed later than now, or waits for
    /// longer than anything does. Then what waits in the outbox is due now, and what was seen last was seen now at the
    /// latest; otherwise that would wait, and newer answers would not count, until it is as late again. What differs by a
    /// few seconds is no sign of it: that much the clocks of two machines differ.
    ///
    /// For the start, when nobody has claimed anything.
    async fn set_back(&self, now: Timestamp) -> Result<bool>;
}

/// That much the clocks of two machines that take turns may differ.
const SKEW: SignedDuration = SignedDuration::from_secs(10);
/// Nothing in the outbox waits for longer: neither for its next attempt, at most a day, nor for the end of a night.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(26 * 3600);

/// What lies after the first is a sign that the clock was set back, and what waits until after the second.
pub(crate) fn limits(now: Timestamp) -> (Timestamp, Timestamp) {
    let later = |by: SignedDuration| now.checked_add(by).unwrap_or(Timestamp::MAX);
    (later(SKEW), later(SignedDuration::try_from(LONGEST_WAIT).unwrap_or(SignedDuration::MAX)))
}
