//! `cargo xtask fuzz`: hostile input, made by a fuzzer, against everything that reads what somebody else wrote.
//!
//! What lives here: the command line, the build, the table at the end. What does not: what each target begins with
//! (`corpus`), one run (`run`), what a target asserts (`fuzz/fuzz_targets`). docs/fuzzing.md says the rest.

mod corpus;
mod run;
mod targets;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use xtask::real::find;
use xtask::say::{loud, say};

use crate::cargo::{ROOT, cargo};
use run::Outcome;
use targets::{TARGETS, Target};

/// What the compiler puts into our code so that the fuzzer sees where a run went; the same as `cargo fuzz --sanitizer none`
/// puts into everybody's. No sanitizer: those need a nightly toolchain, and there is no unsafe code of ours to watch.
const EYES: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=16",
];

/// How long each target runs, unless somebody says otherwise.
const SECONDS: u64 = 60;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Plan {
    seconds: u64,
    jobs: usize,
    input: Option<PathBuf>,
    targets: Vec<&'static Target>,
}

impl Plan {
    /// Every target for as long as the tests give it.
    pub(crate) fn smoke() -> Self {
        Self { seconds: SECONDS, jobs: cores(), input: None, targets: TARGETS.iter().collect() }
    }

    fn parse(args: &[String]) -> anyhow::Result<Self> {
        let mut plan = Self { targets: Vec::new(), ..Self::smoke() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} wants a value"));
            match arg.as_str() {
                "--seconds" => plan.seconds = number(value()?)?,
                "--jobs" => plan.jobs = usize::try_from(number(value()?)?)?.max(1),
                "--input" => plan.input = Some(PathBuf::from(value()?)),
                name => match TARGETS.iter().find(|target| target.name == name) {
                    Some(target) => plan.targets.push(target),
                    None => {
                        let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
                        bail!("there is no target `{name}`; there are {}", known.join(", "));
                    }
                },
            }
        }
        if plan.targets.is_empty() {
            plan.targets = TARGETS.iter().collect();
        }
        if plan.input.is_some() && plan.targets.len() != 1 {
            bail!("an input is for one target: name it");
        }
        Ok(plan)
    }
}

fn number(text: &str) -> anyhow::Result<u64> {
    text.parse().with_context(|| format!("`{text}` is no number"))
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The command.
pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let plan = Plan::parse(args)?;
    if find("c++").is_none() {
        bail!("there is no `c++`, which the fuzzer is built with (Debian package g++)");
    }
    Ready::build(plan)?.run()
}

/// Every target, for the tests; `None` where it cannot be built at all, which is said out loud.
pub(crate) fn smoke() -> anyhow::Result<Option<Ready>> {
    if find("c++").is_none() {
        loud("there is no `c++`: nothing is FUZZED (Debian package g++)");
        return Ok(None);
    }
    Ready::build(Plan::smoke()).map(Some)
}

/// What is asked for, and the folder of the programs that were built for it.
pub(crate) struct Ready {
    plan: Plan,
    programs: PathBuf,
}

impl Ready {
    fn build(plan: Plan) -> anyhow::Result<Self> {
        Ok(Self { programs: build(&plan.targets)?, plan })
    }

    /// Runs it all, and says what came of it.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let Self { plan, programs } = self;
        if let (Some(input), [target]) = (&plan.input, plan.targets.as_slice()) {
            return run::replay(target, programs, input);
        }
        carry_out(plan, programs)
    }
}

fn carry_out(plan: &Plan, programs: &Path) -> anyhow::Result<()> {
    let corpora = PathBuf::from(ROOT).join("target/fuzz");
    for target in &plan.targets {
        corpus::lay_out(target, &corpora)?;
    }
    let outcomes = all(plan, programs);
    let mut lines = vec![Outcome::HEAD.to_owned()];
    let mut bad = 0;
    for (target, outcome) in plan.targets.iter().zip(outcomes) {
        match outcome {
            Ok(outcome) => {
                if let Some(found) = &outcome.found {
                    bad += 1;
                    say(found.report(target));
                }
                lines.push(outcome.line(target));
            }
            Err(error) => {
                bad += 1;
                lines.push(format!("{:<16} FAILED: {error:#}", target.name));
            }
        }
    }
    say(format!("fuzzed for {} s each:\n{}", plan.seconds, lines.join("\n")));
    if bad > 0 {
        bail!("{bad} of {} targets found something", plan.targets.len());
    }
    Ok(())
}

/// Runs them, so many at a time, in the order of the plan.
fn all(plan: &Plan, programs: &Path) -> Vec<anyhow::Result<Outcome>> {
    let next = AtomicUsize::new(0);
    let mut outcomes: Vec<(usize, anyhow::Result<Outcome>)> = Vec::new();
    thread::scope(|scope| {
        let work = || {
            let mut own = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(target) = plan.targets.get(at) else { return own };
                own.push((at, run::fuzz(target, programs, Duration::from_secs(plan.seconds))));
            }
        };
        let workers: Vec<_> = (0..plan.jobs).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            // Whoever panicked has said why; the target is missing below.
            outcomes.extend(worker.join().unwrap_or_default());
        }
    });
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Builds what these targets need and nothing else; the folder of the programs. What others wrote is built the same way as
/// for the tests and lies in the same folder, so that none of it is built twice.
fn build(targets: &[&Target]) -> anyhow::Result<PathBuf> {
    let started = Instant::now();
    let mut features: Vec<&str> = targets.iter().map(|target| target.feature).collect();
    features.sort_unstable();
    features.dedup();
    // Where this program was built, in whatever profile: `<target>/debug/xtask`.
    let this = env::current_exe().context("find where xtask lies")?;
    let folder = this.ancestors().nth(2).context("xtask lies in no target folder")?;
    let mut command = cargo(&["build", "--quiet", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
    command.args(["--features", &features.join(",")]).arg("--target-dir").arg(folder);
    for target in targets {
        command.args(["--bin", target.name]);
    }
    command.env("RUSTC_WRAPPER", PathBuf::from(ROOT).join("fuzz/rustc")).env("EYES", EYES.join(" "));
    let status = command.status().context("run cargo build")?;
    if !status.success() {
        bail!("the fuzz targets do not build");
    }
    say(format!("fuzz targets built in {} s", started.elapsed().as_secs()));
    Ok(folder.join("debug"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(args: &[&str]) -> anyhow::Result<Plan> {
        Plan::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn without_a_name_everything_is_fuzzed_for_a_minute() {
        let plan = plan(&[]).unwrap();
        assert_eq!((plan.seconds, plan.targets.len()), (60, TARGETS.len()));
    }

    #[test]
    fn a_target_that_is_not_there_and_an_input_for_several_are_refused() {
        assert!(plan(&["dokcer"]).unwrap_err().to_string().contains("docker"));
        assert!(plan(&["--seconds", "soon"]).is_err() && plan(&["--seconds"]).is_err());
        assert!(plan(&["--input", "x"]).is_err());
        let one = plan(&["--seconds", "5", "--input", "x", "docker"]).unwrap();
        assert_eq!((one.seconds, one.targets[0].name), (5, "docker"));
    }
}
