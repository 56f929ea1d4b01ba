//! What the tests across crates share: real systems and the way to do without them, containers on a real engine, a
//! Prometheus, the stacks of `compose/`, the files of the repository.
//!
//! What does not live here: starting an engine (`xtask::real`), simulated systems (crate `lab`), tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::io::Write as _;
use std::path::PathBuf;

pub mod alertmanager;
pub mod browser;
pub mod canary;
pub mod conformance;
pub mod engine;
pub mod faults;
pub mod load;
pub mod moody;
pub mod nats;
pub mod packaging;
pub mod program;
pub mod prometheus;
pub mod remedy;
pub mod replicas;
pub mod repo;
pub mod stage;
pub mod workshop;

/// The variable's value; without it the test has been skipped, in words nobody can overlook, and should return.
///
/// `cargo xtask test` sets these variables; plain `cargo test` passes without any real system.
pub fn provided(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        skip(&format!("{variable} is not set (cargo xtask test sets it)"));
    }
    value
}

/// Where a program is: as the variable says, or on the path; skips the test without it.
pub fn tool(variable: &str, name: &str) -> Option<PathBuf> {
    let given = std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    let found = given.or_else(|| xtask::real::find(name));
    if found.is_none() {
        skip(&format!("neither {variable} nor the path has {name} (cargo xtask test installs it)"));
    }
    found
}

/// Says that the test at hand does not test. Written past `print!`, which is not shown for tests that pass.
pub fn skip(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {why}");
}
