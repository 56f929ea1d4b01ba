//! How moments are spelled in the database.

use jiff::Timestamp;

/// A moment: UTC, six decimals, always 27 characters, so that text order is time order.
pub(super) fn stamp(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// A moment some time before another, or the beginning of time.
pub(super) fn stamp_before(now: Timestamp, age: std::time::Duration) -> String {
    stamp(now.checked_sub(age).unwrap_or(Timestamp::UNIX_EPOCH))
}
