//! One run of one target: the fuzzer's bounds, what it says at the end, and where an input lies that it stopped at.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use xtask::real::find;

use super::corpus;
use super::targets::Target;
use crate::cargo::ROOT;

/// Memory a target may have, in MB: what is decoded is bounded, and so is what keeps it.
const MOST_MEMORY: u32 = 1024;
/// Seconds one input may take. None takes more than some milliseconds, but the first makes a world, and all of this stands
/// behind everybody else who wants the machine.
const LONGEST: u32 = 120;

/// What came of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    executions: u64,
    /// Places in the code that were reached, as libFuzzer counts them (`cov`), and with how often each (`ft`).
    places: u64,
    features: u64,
    memory: u64,
    /// The input it stopped at, or its last words.
    pub(super) found: Option<String>,
}

impl Outcome {
    pub(super) const HEAD: &'static str = "target            executions   places  features  MB  found";

    pub(super) fn line(&self, target: &Target) -> String {
        let Self { executions, places, features, memory, found } = self;
        let found = found.as_deref().map_or_else(
            || "nothing".to_owned(),
            |path| format!("{path}\n{:18}again: cargo xtask fuzz {} --input {path}", "", target.name),
        );
        format!("{:<16} {executions:>11} {places:>8} {features:>9} {memory:>3}  {found}", target.name)
    }

    /// Reads what libFuzzer says at its end.
    fn read(said: &str) -> Self {
        let stat = |name: &str| {
            let line = said.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
        };
        // `#1234  DONE   cov: 77 ft: 88 corp: …`
        let progress = said.lines().rev().find(|line| line.starts_with('#') && line.contains(" cov: "));
        let after = |word: &str| {
            let mut words = progress.unwrap_or_default().split_whitespace().skip_while(|one| *one != word);
            words.nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
        };
        Self {
            executions: stat("stat::number_of_executed_units"),
            places: after("cov:"),
            features: after("ft:"),
            memory: stat("stat::peak_rss_mb"),
            found: None,
        }
    }
}

/// Fuzzes for so long.
pub(super) fn fuzz(target: &Target, programs: &Path, time: Duration) -> anyhow::Result<Outcome> {
    let home = PathBuf::from(ROOT).join("target/fuzz");
    let (found, log) = (home.join("found").join(target.name), home.join(format!("{}.log", target.name)));
    fs::create_dir_all(&found).with_context(|| format!("make {}", found.display()))?;
    let before = inputs(&found)?;
    let output = File::create(&log).with_context(|| format!("make {}", log.display()))?;
    let mut command = Command::new(programs.join(target.name));
    command
        .arg(format!("-max_total_time={}", time.as_secs()))
        .arg(format!("-max_len={}", target.longest))
        .arg(format!("-rss_limit_mb={MOST_MEMORY}"))
        .arg(format!("-timeout={LONGEST}"))
        .arg(format!("-report_slow_units={LONGEST}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .arg("-print_final_stats=1")
        .arg(corpus::folder(target, &home));
    // A password's hash takes tens of megabytes; freed, they go back to the system at once, or the bound above is met by what
    // nobody uses any more.
    command.env("MALLOC_MMAP_THRESHOLD_", "1048576");
    let status = politely(command, 19)
        .stdin(Stdio::null())
        .stdout(output.try_clone().context("share the log")?)
        .stderr(output)
        .status()
        .with_context(|| format!("run {}", target.name))?;
    let said = fs::read(&log).with_context(|| format!("read {}", log.display()))?;
    let mut outcome = Outcome::read(&String::from_utf8_lossy(&said));
    let new = inputs(&found)?.into_iter().find(|path| !before.contains(path));
    outcome.found = match (new, status.success()) {
        (Some(path), _) => Some(path.display().to_string()),
        (None, true) if outcome.executions > 0 => None,
        (None, true | false) => bail!("it ended with {status}; see {}", log.display()),
    };
    Ok(outcome)
}

/// Runs one input and shows what comes of it.
pub(super) fn replay(target: &Target, programs: &Path, input: &Path) -> anyhow::Result<()> {
    let status = Command::new(programs.join(target.name))
        .env("RUST_BACKTRACE", "1")
        .env("EVENKEEL_FUZZ_SHOW", "1")
        .arg(input)
        .status()
        .with_context(|| format!("run {}", target.name))?;
    if !status.success() {
        bail!("{} ended with {status}", target.name);
    }
    Ok(())
}

/// The same behind others who want the machine; at 19, behind everybody.
pub(super) fn politely(command: Command, by: u8) -> Command {
    let Some(nice) = find("nice") else { return command };
    let mut polite = Command::new(nice);
    polite.arg("-n").arg(by.to_string()).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => polite.env(name, value),
            None => polite.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        polite.current_dir(folder);
    }
    polite
}

fn inputs(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fuzzer_says_at_its_end_is_read() {
        let said = "#2\tINITED cov: 3 ft: 4 corp: 1/1b\n#178982\tDONE   cov: 3004 ft: 9984 corp: 1324/1077Kb lim: 32768 \
                    exec/s: 16271 rss: 35Mb\nDone 178982 runs in 11 second(s)\n\
                    stat::number_of_executed_units: 178982\nstat::peak_rss_mb:              41\n";
        let expected = Outcome { executions: 178_982, places: 3004, features: 9984, memory: 41, found: None };
        assert_eq!(Outcome::read(said), expected);
        assert_eq!(Outcome::read("Segmentation fault"), Outcome::default());
    }
}
