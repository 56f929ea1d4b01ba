//! Who asks, and what they may do. Not here: what is done for them.

mod caller;

pub use caller::{Caller, Level, Peer};
