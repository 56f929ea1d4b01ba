//! Deterministic simulation: the controller as it is (collectors, decoders, world, queue, passes, ledger, store, outbox,
//! deliverers) in a world that changes and fails by a seed, on a clock that runs by itself. An oracle that shares no code
//! with the product knows what is true, and is asked after every step.
//!
//! The same seed gives the same history, so a failure is replayed with `cargo run -p evenkeel-simulation -- --seed N`.
//! What is real: every byte of HTTP between sources, sinks and the simulated systems of `lab`, and SQLite in memory. What
//! is simulated: time, chance, and the network below HTTP.

pub mod faults;
pub mod history;
pub mod many;
pub mod network;
pub mod oracle;
pub mod outcome;
pub mod receiver;
pub mod run;
mod setup;
pub mod surroundings;
pub mod truth;
pub mod watch;
pub mod workshop;
pub mod world;
