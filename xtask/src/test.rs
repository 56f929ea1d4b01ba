//! `cargo xtask test`: every test of the workspace, with the real systems it needs started beside it.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, bail};
use xtask::real::{Options, Rig};
use xtask::say::{loud, say};

use crate::cargo::cargo;
use crate::programs;

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let (options, rest) = Options::parse(args);
    // A build that fails needs no engine.
    let built = if rest.is_empty() { Some(programs::build()?) } else { None };
    let smoke = if built.is_some() && options.fuzz { crate::fuzz::smoke()? } else { None };
    let rig = Rig::start(options);
    let started = Instant::now();
    // Beside the tests, most of which wait most of the time.
    let fuzzing = smoke.map(|smoke| thread::spawn(move || smoke.run()));
    // Arguments narrow the run down; without them it is everything, to the end, whatever fails on the way.
    let (total, failed) = match &built {
        Some(built) => programs::run(built, rig.variables())?,
        None => some_of_them(rest, &rig)?,
    };
    say(format!("ran in {} s", started.elapsed().as_secs()));
    if !rig.missing().is_empty() {
        loud(format!(
            "not everything was tested; what needs these said SKIPPED:\n{}",
            rig.missing().join("\n")
        ));
    }
    drop(rig);
    let fuzzed = match fuzzing {
        None => Ok(()),
        Some(fuzzing) => fuzzing.join().unwrap_or_else(|_| bail!("fuzzing ended in a panic")),
    };
    writeln!(std::io::stdout(), "\n{total}")?;
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    fuzzed
}

/// What cargo test makes of these arguments, and what failed.
fn some_of_them(args: &[String], rig: &Rig) -> anyhow::Result<(Total, Vec<String>)> {
    let mut command = cargo(&["test"]);
    command.args(args).envs(rig.variables().iter().map(|(name, value)| (name, value)));
    let (total, status) = counted(&mut command)?;
    Ok((total, if status.success() { Vec::new() } else { vec![format!("cargo test ended with {status}")] }))
}

/// Runs cargo test, shows what it says, and counts.
pub(crate) fn counted(command: &mut Command) -> anyhow::Result<(Total, ExitStatus)> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("run cargo test")?;
    let mut total = Total::default();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("read from cargo test")?;
            total.add(&String::from_utf8_lossy(&line));
            let mut out = std::io::stdout().lock();
            out.write_all(&line)?;
            out.write_all(b"\n")?;
        }
    }
    let status = child.wait().context("wait for cargo test")?;
    Ok((total, status))
}

/// The sum of cargo test's summary lines, one per test program.
#[derive(Default)]
pub(crate) struct Total {
    passed: u64,
    failed: u64,
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

impl Total {
    /// Whether there were tests and none failed.
    pub(crate) fn is_good(&self) -> bool {
        self.passed > 0 && self.failed == 0
    }

    pub(crate) fn add(&mut self, line: &str) {
        // `test result: ok. 12 passed; 0 failed; 0 ignored; …`
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in counts.split(';') {
            match part.trim().split_once(' ') {
                Some((n, "passed")) => self.passed += n.parse::<u64>().unwrap_or(0),
                Some((n, "failed")) => self.failed += n.parse::<u64>().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_all_test_programs_add_up() {
        let mut total = Total::default();
        total.add(
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.11s",
        );
        total.add("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        total.add("test a::test_result ... ok");
        assert_eq!((total.passed, total.failed), (15, 2));
    }
}
