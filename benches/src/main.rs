//! Prints the tables of all parts, or of those named on the command line, and where and when they were measured.

#[allow(dead_code, unreachable_pub, reason = "a program of its own as well")]
#[path = "bin/commit.rs"]
mod commit;

use std::io::{self, Write};
use std::process::ExitCode;

use evenkeel_benches::{
    Result, Row, apart, diff, latency, memory, netbox, pages, print, process, queue, reconcile, resync,
    scale, soak, stores,
};

/// A part's name and what measures it.
type Part = (&'static str, fn() -> Result<Vec<Row>>);

const PARTS: &[Part] = &[
    // First, while the allocator has nothing to reuse.
    ("queue", queue::run),
    ("memory", memory::run),
    ("diff", || Ok(diff::run())),
    ("reconcile", reconcile::run),
    ("commit", commit::run),
    ("stores", stores::run),
    ("netbox", netbox::run),
    ("latency", latency::run),
    ("resync", resync::run),
    ("scale", scale::run),
    ("pages", pages::run),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let done = match wanted.split_first() {
        Some((word, _)) if word == netbox::SERVE => netbox::serve(),
        Some((word, rest)) if word == apart::SERVE => apart::serve(rest),
        Some((word, rest)) if word == soak::SOAK => soak::run(rest),
        Some(_) | None => tables(&wanted),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell if this fails as well.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn tables(wanted: &[String]) -> Result<()> {
    let unknown = |word: &&String| PARTS.iter().all(|(name, _)| name != *word);
    if let Some(word) = wanted.iter().find(unknown) {
        let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no part `{word}`; there are {}", names.join(", ")).into());
    }
    let mut out = io::stdout();
    writeln!(out, "{}\n", process::machine())?;
    for (name, run) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            let rows = run()?;
            print(&mut out.lock(), name, &rows)?;
            writeln!(out, "Load after {name}: {}\n", process::load())?;
        }
    }
    Ok(())
}
