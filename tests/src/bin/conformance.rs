//! `cargo conformance`: puts every source through every fault and prints the table of what came of it, as Markdown.
//! With `--write` it is put into docs/conformance.md. Ends with 1 where a fault opens or resolves what is not so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command of developers and CI, whose output is what it is for"
)]

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use evenkeel_tests::conformance::{Expected, Fault, System, expected, run, table};
use evenkeel_tests::repo;
use futures_util::{FutureExt, StreamExt, stream};

/// More at a time only wait for each other.
const AT_ONCE: usize = 12;

#[tokio::main]
async fn main() -> ExitCode {
    let write = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--write") => true,
        Some(other) => {
            eprintln!("there is no option `{other}`; `--write` puts the table into {}", table::DOCUMENT);
            return ExitCode::FAILURE;
        }
    };
    let every = System::ALL.into_iter().flat_map(|system| Fault::ALL.map(|fault| (system, fault)));
    let sensible =
        every.filter(|(system, fault)| !matches!(expected(*system, *fault), Expected::Senseless(_)));
    let runs = sensible.map(|cell| async move {
        // One that fails, and says so, must not hide how the others end.
        (cell, AssertUnwindSafe(run(cell.0, cell.1)).catch_unwind().await.ok())
    });
    let outcomes: BTreeMap<_, _> = stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
    let fresh = table::render(|system, fault| {
        let outcome = outcomes.get(&(system, fault)).copied().flatten();
        outcome.map_or("**fails**", |outcome| outcome.as_str())
    });
    println!("{fresh}");
    if outcomes.values().any(Option::is_none) {
        return ExitCode::FAILURE;
    }
    if write {
        let document = repo::read(table::DOCUMENT);
        let document = table::put_into(&document, &fresh).expect("a place for the table");
        std::fs::write(repo::root().join(table::DOCUMENT), document).unwrap();
    }
    ExitCode::SUCCESS
}
