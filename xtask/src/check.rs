//! `cargo xtask check`: everything a change must pass, cheapest first. All checks run even if one fails, so that one
//! run shows everything there is to mend.

use std::time::Instant;

use anyhow::bail;
use xtask::real::find;
use xtask::say::{loud, say};

use crate::cargo::{cargo, succeed};

pub(crate) fn run(args: &[String]) -> anyhow::Result<()> {
    let mut failed = Vec::new();
    let mut step = |name: &'static str, work: &mut dyn FnMut() -> anyhow::Result<()>| {
        let started = Instant::now();
        let result = work();
        let took = started.elapsed().as_secs();
        match result {
            Ok(()) => say(format!("{name}: ok ({took} s)")),
            Err(error) => {
                say(format!("{name}: FAILED ({took} s): {error:#}"));
                failed.push(name);
            }
        }
    };
    step("fmt", &mut || succeed(&mut cargo(&["fmt", "--all", "--check"])));
    step("fmt of fuzz", &mut || {
        succeed(&mut cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
    });
    step("clippy", &mut || {
        let args = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
        succeed(&mut cargo(&args))
    });
    if find("cargo-deny").is_some() {
        step("deny", &mut || succeed(&mut cargo(&["deny", "--all-features", "check"])));
    } else {
        loud(
            "cargo-deny is not installed: advisories are NOT checked (`cargo install cargo-deny --locked`).\n\
             Licences, bans and sources are checked by tests/tests/dependencies.rs as well.",
        );
    }
    step("test", &mut || crate::test::run(args));
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}
