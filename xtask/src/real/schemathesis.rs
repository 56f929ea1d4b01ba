//! schemathesis, which reads an OpenAPI document and asks whatever it allows, and what it does not: from PyPI, once, into an
//! environment of its own in the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Which one. A new one may find more: it is taken on purpose.
const VERSION: &str = "4.32.5";

/// The path of the program, fetched if it is not there yet and that may be done.
pub(super) fn provide(install: bool) -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/schemathesis").join(VERSION);
    let program = folder.join("bin/schemathesis");
    // An environment that was left half made has no version to tell.
    if program.is_file() && done(Command::new(&program).arg("--version"), "schemathesis --version").is_ok() {
        return Ok(program);
    }
    if !install {
        bail!("not fetched yet, and not to be fetched (--no-install)");
    }
    done(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder), "python3 -m venv")?;
    let wanted = format!("schemathesis=={VERSION}");
    let mut pip = Command::new(folder.join("bin/pip"));
    done(pip.args(["install", "--quiet", "--disable-pip-version-check", &wanted]), "pip install")?;
    Ok(program)
}

fn done(command: &mut Command, what: &str) -> anyhow::Result<()> {
    let output = command.output().with_context(|| what.to_owned())?;
    if !output.status.success() {
        bail!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
