//! Prints the tables of all parts, or of those named on the command line.

use std::io;
use std::process::ExitCode;

use evenkeel_benches::{Row, print, queue};

/// A part's name and what measures it.
type Part = (&'static str, fn() -> Vec<Row>);

const PARTS: &[Part] = &[("queue", queue::run)];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for (name, run) in PARTS {
        let chosen = wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
        if chosen && print(&mut io::stdout().lock(), name, &run()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
