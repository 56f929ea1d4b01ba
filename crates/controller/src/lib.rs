//! The evenkeel controller and its command line.
//!
//! What lives here: configuration, wiring, the tasks that collect, reconcile and deliver, the commands. What does not:
//! what counts as drift (core), how systems are asked (sources), how events are sent (sinks), how anything is kept
//! (store).

pub mod book;
pub mod breaker;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod config;
pub mod controller;
pub mod deliver;
pub mod desk;
pub mod face;
pub mod figures;
pub mod fleet;
pub mod gate;
pub mod heartbeat;
pub mod hook;
pub mod hub;
pub mod intake;
pub mod journal;
pub mod keep;
pub mod lead;
pub mod logging;
pub mod metrics;
pub mod pass;
pub mod queue;
pub mod render;
pub mod repair;
pub mod rules;
pub mod upkeep;
pub mod view;
pub mod wiring;
pub mod work;
pub mod worker;
pub mod world;
