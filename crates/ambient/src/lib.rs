//! What surrounds a process and is no system with a name: what time it is ([`now`]), chance ([`rng`]), and the network
//! under HTTP ([`network::send`]).
//!
//! In production these are the machine's. A simulation puts its own in their place for one thread ([`simulate`]), so that
//! sources, sinks and the controller run as they are, and the same seed gives the same history. Timers are not here:
//! tokio's own clock can be paused.
//!
//! What does not live here: any system that is asked, and anything that decides. Core takes time and chance as arguments.

mod chance;
mod clock;
pub mod network;
mod simulated;
#[cfg(test)]
mod tests;

pub use chance::{Chance, random, rng};
pub use clock::{elsewhere, now};
pub use simulated::{Sending, Simulation, Surroundings, simulate};
