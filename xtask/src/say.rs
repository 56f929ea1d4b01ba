//! Words for the person at the terminal. They go to standard error; standard output belongs to the tests.
//!
//! Written past `print!`, which the test harness swallows for tests that pass: what was skipped must be seen.

use std::io::Write as _;

/// One line about what happens now.
pub fn say(text: impl AsRef<str>) {
    // A closed terminal is no reason to stop.
    let _ = writeln!(std::io::stderr(), "xtask: {}", text.as_ref());
}

/// Something nobody must overlook: a check that did not run.
pub fn loud(text: impl AsRef<str>) {
    let bar = "!".repeat(78);
    let _ = writeln!(std::io::stderr(), "{bar}\n!! {}\n{bar}", text.as_ref().replace('\n', "\n!! "));
}
