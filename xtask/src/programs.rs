//! The test programs of the workspace, run several at a time: most of them wait most of the time, for a database, a clock
//! or a browser. What each says is shown in one piece when it has ended.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, bail};
use xtask::say::say;

use crate::cargo::cargo;
use crate::nice::behind;
use crate::test::Total;

/// How many run at a time.
const TOGETHER: usize = 3;
/// What computes from its beginning to its end, and lets those go first that wait for something.
const BUSY: &str = "seeds";
/// What takes longest begins first, so that nothing waits for it in the end.
const LONGEST: &[&str] = &["seeds", "scenario_replicas", "conformance", "postgres", "netbox"];

/// One test program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// `netbox_delta`
    name: String,
    path: PathBuf,
    /// The folder of its package, where it is run.
    home: PathBuf,
}

/// What a build of the whole workspace leaves.
pub(crate) struct Built {
    programs: Vec<Program>,
    /// The product's binary, which scenarios start. Built by itself it would be another one: its dependencies would lack what
    /// tests want of them, and each would be compiled once more.
    binary: Option<PathBuf>,
}

/// Builds every test program of the workspace, and the binary.
pub(crate) fn build() -> anyhow::Result<Built> {
    let started = Instant::now();
    let mut command = cargo(&["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    let output = command.stderr(Stdio::inherit()).output().context("run cargo test")?;
    if !output.status.success() {
        bail!("the tests do not build");
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let mut programs: Vec<Program> = said.lines().filter_map(program).collect();
    let binary = said.lines().find_map(binary);
    if programs.is_empty() {
        bail!("cargo names no test program");
    }
    let place =
        |program: &Program| LONGEST.iter().position(|name| *name == program.name).unwrap_or(LONGEST.len());
    programs.sort_by_key(place);
    say(format!("built {} test programs in {} s", programs.len(), started.elapsed().as_secs()));
    Ok(Built { programs, binary })
}

/// Where the product's binary is, if it is what one of cargo's messages is about.
fn binary(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let is_it = message["target"]["name"] == "evenkeel" && message["target"]["kind"][0] == "bin";
    if !is_it || message["profile"]["test"] == true {
        return None;
    }
    message["executable"].as_str().map(PathBuf::from)
}

/// What one of cargo's messages says of a test program.
fn program(line: &str) -> Option<Program> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let home = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    let name = message["target"]["name"].as_str()?.to_owned();
    Some(Program { name, path: message["executable"].as_str()?.into(), home })
}

/// Runs them all, to the end, whatever fails on the way.
pub(crate) fn run(
    built: &Built,
    variables: &[(&'static str, String)],
) -> anyhow::Result<(Total, Vec<String>)> {
    let Built { programs, binary } = built;
    let binary = binary.iter().map(|path| ("EVENKEEL_TEST_BINARY", path.display().to_string()));
    let variables: Vec<(&'static str, String)> = variables.iter().cloned().chain(binary).collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new((Total::default(), Vec::new()));
    std::thread::scope(|scope| {
        let work = || -> anyhow::Result<()> {
            while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (said, good) = program.run(&variables)?;
                let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                said.lines().for_each(|line| done.0.add(line));
                if !good {
                    done.1.push(program.name.clone());
                }
                std::io::stdout().lock().write_all(said.as_bytes())?;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..TOGETHER).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a worker panicked")))
    })?;
    Ok(done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

impl Program {
    /// What it said, and whether it went well.
    fn run(&self, variables: &[(&'static str, String)]) -> anyhow::Result<(String, bool)> {
        let started = Instant::now();
        let (mut said, into) = std::io::pipe().context("make a pipe")?;
        let mut command = Command::new(&self.path);
        command
            .current_dir(&self.home)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("CARGO_MANIFEST_DIR", &self.home);
        let mut command = if self.name == BUSY { behind(5, command) } else { command };
        command.stdin(Stdio::null()).stdout(OwnedFd::from(into.try_clone()?)).stderr(OwnedFd::from(into));
        let mut child = command.spawn().with_context(|| format!("run {}", self.path.display()))?;
        // It holds the writing ends; the pipe ends with the last of them.
        drop(command);
        let mut text = Vec::new();
        said.read_to_end(&mut text).context("read what a test says")?;
        let status = child.wait().context("wait for a test")?;
        let head = format!("\n     Running {} in {}\n", self.name, self.home.display());
        let foot = format!("     {} took {} s\n", self.name, started.elapsed().as_secs());
        Ok((format!("{head}{}{foot}", String::from_utf8_lossy(&text)), status.success()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_s_messages_name_the_test_programs_and_where_they_are_run() {
        let line = r#"{"reason":"compiler-artifact","package_id":"x","manifest_path":"/a/crates/core/Cargo.toml",
            "target":{"kind":["test"],"name":"names"},"profile":{"test":true},"executable":"/t/names-1"}"#;
        let expected =
            Program { name: "names".to_owned(), path: "/t/names-1".into(), home: "/a/crates/core".into() };
        assert_eq!(program(&line.replace('\n', "")), Some(expected));
        assert_eq!(program(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(program(&line.replace("true", "false").replace('\n', "")), None, "no test");
        assert_eq!(program("Compiling"), None);
        let line = r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"evenkeel"},"profile":{"test":false},"executable":"/t/evenkeel"}"#;
        assert_eq!(binary(line), Some("/t/evenkeel".into()));
        assert_eq!(binary(&line.replace("false", "true")), None);
    }

    #[test]
    fn what_a_program_says_and_how_it_ends_is_kept() {
        let program = Program { name: "sh".to_owned(), path: "/bin/true".into(), home: "/".into() };
        let (said, good) = program.run(&[]).unwrap();
        assert!(good && said.contains("Running sh"), "{said}");
        let program = Program { path: "/bin/false".into(), ..program };
        assert!(!program.run(&[]).unwrap().1);
    }
}
