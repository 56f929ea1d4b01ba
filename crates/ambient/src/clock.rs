//! Wall time: for what is stored, shown and compared with what others say. Waiting is done on tokio's clock.

use jiff::Timestamp;

use crate::simulated;

/// What time it is, as precisely as the system knows.
pub fn now() -> Timestamp {
    simulated::place().map_or_else(Timestamp::now, |place| place.now())
}

/// What time it is on every other machine: the same, unless a simulation sets only this one's clock. For simulated systems.
pub fn elsewhere() -> Timestamp {
    simulated::place().map_or_else(Timestamp::now, |place| place.elsewhere())
}
