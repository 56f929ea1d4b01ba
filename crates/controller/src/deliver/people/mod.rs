//! Telling people: one message for a burst, silence at night, what stands as a reminder and a digest, and a recovery only
//! where the trouble was told. What lives here: the settings, and the task that does it. The pure parts are `group`
//! (many events, one message), `clock` (hours and days), `digest` (the two summaries, which `summary` sends); what is read
//! from the store is in `history`.
//!
//! The outbox stays the only memory of what must be told. A delivery that waits for others, or for the morning, is in
//! there unsettled; those of a group are settled together, after its message was taken. So a crash repeats a message, and
//! loses none.

pub mod clock;
mod digest;
mod group;
pub(super) mod history;
mod summary;
mod teller;

use std::time::Duration;

use evenkeel_core::Severity;
use evenkeel_store::Keep;

pub use clock::{At, Quiet};
pub use group::By;
pub use teller::Teller;

/// How people want to be told.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    /// How long the first event of a group waits for more.
    pub group_wait: Duration,
    /// What makes a group.
    pub group_by: By,
    /// When what is not urgent waits.
    pub quiet: Option<Quiet>,
    /// From which severity on it does not.
    pub urgent: Option<Severity>,
    /// When everything is summed up.
    pub digest: Option<At>,
    /// How often what stays open is told again.
    pub remind: Option<Duration>,
}

/// For how long a delivered delivery is surely kept; `None` where it is a matter of number, not of time.
pub fn kept_for(delivered: &Keep) -> Option<Duration> {
    match delivered {
        Keep { age, count: None } => Some(age.unwrap_or(FOR_EVER)),
        Keep { count: Some(_), .. } => None,
    }
}

/// Longer than anything has been kept.
const FOR_EVER: Duration = Duration::from_secs(100 * 366 * 86_400);
