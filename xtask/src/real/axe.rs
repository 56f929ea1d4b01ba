//! axe-core, which knows what makes a page hard to use for some: from npm, once, into the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Which one. A new one may know new rules: it is taken on purpose.
const VERSION: &str = "4.14.1";

/// The path of its one file, fetched if it is not there yet and that may be done.
pub(super) fn provide(install: bool) -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/axe-core").join(VERSION);
    let file = folder.join("package/axe.min.js");
    if file.is_file() {
        return Ok(file);
    }
    if !install {
        bail!("not fetched yet, and not to be fetched (--no-install)");
    }
    fs::create_dir_all(&folder).context("make a folder")?;
    let done = |command: &mut Command, what: &str| {
        let output = command.current_dir(&folder).output().with_context(|| what.to_owned())?;
        if !output.status.success() {
            bail!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    };
    done(Command::new("npm").args(["pack", "--silent", &format!("axe-core@{VERSION}")]), "npm pack")?;
    done(Command::new("tar").args(["xzf", &format!("axe-core-{VERSION}.tgz")]), "tar")?;
    Ok(file)
}
