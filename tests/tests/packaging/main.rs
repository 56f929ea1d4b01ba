//! What evenkeel is delivered in: image, stacks, chart, unit, alarms and dashboard.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion itself"
)]

mod chart;
mod compose;
mod health;
mod image;
mod observability;
mod shell;
mod systemd;
