//! How the files of `compose/` look to those who use them: Compose itself, and whoever fills in what they leave open.
//!
//! What does not live here: what must hold of them; that is in `tests/packaging/`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::repo;

/// The folder of the stacks.
pub const FOLDER: &str = "compose";

/// The stacks as they are started: a name, and the files in their order.
pub const STACKS: &[(&str, &[&str])] =
    &[("demo", &["demo.yaml"]), ("homelab", &["homelab.yaml"]), ("full", &["homelab.yaml", "full.yaml"])];

/// Compose, of whichever age; skips the test without it.
pub fn compose() -> Option<PathBuf> {
    crate::tool("EVENKEEL_TEST_COMPOSE", "docker-compose")
}

/// A stack as Compose understands it, with every variable in its place.
pub fn rendered(compose: &Path, files: &[&str]) -> anyhow::Result<Value> {
    let run = |more: &[&str]| {
        let mut command = Command::new(compose);
        for file in files {
            command.args(["-f", *file]);
        }
        // Whoever runs the tests may have variables and an .env of their own.
        command.args(["--env-file", ".env.example", "config"]).args(more);
        command.current_dir(repo::root().join(FOLDER)).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).output()
    };
    let json = run(&["--format", "json"]).context("run compose")?;
    // 1.29 does not know JSON, and says how it is used, as if all were well.
    if json.status.success() && !json.stdout.is_empty() {
        return serde_json::from_slice(&json.stdout).context("read what compose printed");
    }
    let yaml = run(&[]).context("run compose")?;
    if !yaml.status.success() {
        bail!("{files:?}: {}", String::from_utf8_lossy(&yaml.stderr));
    }
    from_yaml(&yaml.stdout)
}

/// YAML as JSON, by the Python that Compose 1.29 brings along with a reader of YAML.
pub fn from_yaml(yaml: &[u8]) -> anyhow::Result<Value> {
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin.buffer), sys.stdout)"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start python3")?;
    child.stdin.take().context("python3 has no input")?.write_all(yaml)?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("not YAML: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The services of a rendered stack.
pub fn services(stack: &Value) -> impl Iterator<Item = (&str, &Value)> {
    stack["services"].as_object().into_iter().flatten().map(|(name, service)| (name.as_str(), service))
}

/// What a service mounts from the machine: where it lies, and where the service finds it. Volumes have no place here.
pub fn mounts(service: &Value) -> Vec<(PathBuf, String)> {
    let mounts = service["volumes"].as_array().into_iter().flatten().filter_map(|volume| {
        let Some(short) = volume.as_str() else {
            return Some((volume["source"].as_str()?.to_owned(), volume["target"].as_str()?.to_owned()));
        };
        let (source, rest) = short.split_once(':')?;
        Some((source.to_owned(), rest.split(':').next().unwrap_or_default().to_owned()))
    });
    mounts
        .filter(|(source, _)| source.starts_with('/'))
        .map(|(source, target)| (PathBuf::from(source), target))
        .collect()
}

/// The secrets that a service is given, by the names of the stack.
pub fn secrets(service: &Value) -> Vec<String> {
    let names = service["secrets"].as_array().into_iter().flatten();
    names.filter_map(|secret| Some(secret.as_str().or(secret["source"].as_str())?.to_owned())).collect()
}

/// The variables of a text (`${NAME:-default}`) with their defaults. What is written with two dollars is the container's.
pub fn variables(text: &str) -> BTreeMap<String, Option<String>> {
    let text = text.replace("$$", "");
    let inner = text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(inner, _)| inner);
    inner
        .map(|inner| match inner.split_once(":-") {
            Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
            None => (inner.to_owned(), None),
        })
        .collect()
}

/// What an env file sets, each with whether a comment stands above it.
pub fn settings(text: &str) -> BTreeMap<String, (String, bool)> {
    let mut settings = BTreeMap::new();
    let mut above = "";
    for line in text.lines() {
        if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            settings.insert(name.to_owned(), (value.to_owned(), above.starts_with("# ")));
        }
        above = line;
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_those_of_compose_and_not_of_the_shell_in_the_container() {
        let found = variables("a: \"${BIND:-127.0.0.1}:${PORT}\"\nb: $$(cat x) $${HOME}");
        let wanted = [("BIND".to_owned(), Some("127.0.0.1".to_owned())), ("PORT".to_owned(), None)];
        assert_eq!(found, BTreeMap::from(wanted));
    }

    #[test]
    fn a_setting_without_a_word_above_it_is_not_explained() {
        let found = settings("# why\nA=1\nB=2\n\n# C=3\n");
        assert_eq!(found["A"], ("1".to_owned(), true));
        assert_eq!(found["B"], ("2".to_owned(), false));
        assert_eq!(found.len(), 2);
    }
}
