//! One run of one target: the fuzzer's bounds, what it says at the end, and where an input lies that it stopped at.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::corpus;
use super::targets::Target;
use crate::cargo::ROOT;
use crate::nice::behind;

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
    /// What it stopped at.
    pub(super) found: Option<Found>,
}

/// An input that broke something. It is shown whole: where tests run, its file may be gone when somebody reads about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    path: PathBuf,
    input: Vec<u8>,
    /// What the program said of it.
    why: String,
}

impl Found {
    fn read(path: PathBuf, said: &str) -> anyhow::Result<Self> {
        let input = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(Self { path, input, why: last_words(said) })
    }

    /// The way to see it again, on any machine.
    pub(super) fn report(&self, target: &Target) -> String {
        let (name, input) = (target.name, BASE64.encode(&self.input));
        format!("{name} stopped: {}\nits input: base64 -d > {name}.input <<< {input}", self.why)
    }
}

/// Of a log, what was said from the panic on; without one, its end. Bounded: what is compared may be long.
fn last_words(said: &str) -> String {
    const MOST: usize = 4_000;
    match said.find("panicked at") {
        Some(at) => said[at..].chars().take(MOST).collect(),
        None => said.chars().skip(said.chars().count().saturating_sub(MOST)).collect(),
    }
}

impl Outcome {
    pub(super) const HEAD: &'static str = "target            executions   places  features  MB  found";

    pub(super) fn line(&self, target: &Target) -> String {
        let Self { executions, places, features, memory, found } = self;
        let found = found.as_ref().map_or_else(
            || "nothing".to_owned(),
            |found| {
                let path = found.path.display();
                format!("{path}\n{:18}again: cargo xtask fuzz {} --input {path}", "", target.name)
            },
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
    let status = behind(19, command)
        .stdin(Stdio::null())
        .stdout(output.try_clone().context("share the log")?)
        .stderr(output)
        .status()
        .with_context(|| format!("run {}", target.name))?;
    let said = fs::read(&log).with_context(|| format!("read {}", log.display()))?;
    let said = String::from_utf8_lossy(&said);
    let mut outcome = Outcome::read(&said);
    let new = inputs(&found)?.into_iter().find(|path| !before.contains(path));
    outcome.found = match (new, status.success()) {
        (Some(path), _) => Some(Found::read(path, &said)?),
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

    #[test]
    fn what_was_found_is_said_with_its_cause_and_the_whole_input() {
        let said = format!("#7\tNEW cov: 3\nthread 'x' panicked at a.rs:1:2:\nleft {}\n", "l".repeat(9_000));
        let found = Found { path: "x".into(), input: b"I{\x00}".to_vec(), why: last_words(&said) };
        let report = found.report(&super::super::targets::TARGETS[0]);
        assert!(report.contains("panicked at a.rs:1:2:\nleft l"), "{report}");
        assert!(report.ends_with("<<< SXsAfQ==") && report.len() < 4_200, "{report}");
        assert_eq!(last_words("ERROR: libFuzzer: out-of-memory"), "ERROR: libFuzzer: out-of-memory");
    }
}
