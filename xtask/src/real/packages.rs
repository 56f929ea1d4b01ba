//! Programs from Debian's packages: found where they are, installed where they are not and that is possible.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::say::{loud, say};

/// Which package brings which program.
const NEEDED: &[(&str, &str)] = &[
    ("dockerd", "docker.io"),
    ("docker", "docker.io"),
    ("containerd", "docker.io"),
    ("iptables", "iptables"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("busybox", "busybox-static"),
    ("postgres", "postgresql"),
    ("pgbouncer", "pgbouncer"),
    ("openssl", "openssl"),
    ("prometheus", "prometheus"),
    ("promtool", "prometheus"),
    ("prometheus-alertmanager", "prometheus-alertmanager"),
    ("nats-server", "nats-server"),
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("docker-compose", "docker-compose"),
    ("systemd-analyze", "systemd"),
    ("groff", "groff-base"),
    ("bash", "bash"),
    ("fish", "fish"),
    ("zsh", "zsh"),
];

/// Where services are asked whether they may start after their installation.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// While it runs, packages do not start their services, and PostgreSQL's does not make a database nobody asked for. A
/// policy that the machine already has is left alone.
const INSTALL: &str = r#"
policy=$0
no_cluster=/etc/postgresql-common/createcluster.d/evenkeel-tests.conf
set -C
mkdir -p "${no_cluster%/*}" && echo 'create_main_cluster = false' >"$no_cluster"
trap 'rm -f "$no_cluster"' EXIT
if printf '#!/bin/sh\nexit 101\n' 2>/dev/null >"$policy"; then
    trap 'rm -f "$no_cluster" "$policy"' EXIT
    chmod 755 "$policy"
fi
apt-get -q update >&2
apt-get -q install --yes --no-install-recommends "$@"
"#;

/// A program of this name: on the path, where Debian keeps those of the administrator, or where it keeps those of each
/// version of PostgreSQL, the newest first.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from))
        .chain(versions_of_postgres())
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn versions_of_postgres() -> impl Iterator<Item = PathBuf> {
    let folders = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<u32> =
        folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable();
    versions.into_iter().rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")))
}

/// Whether this process may do what only root may.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Installs what is missing, if it may and can. What is missing afterwards shows where it is needed.
pub(super) fn provide(install: bool) {
    let mut packages: Vec<&str> =
        NEEDED.iter().filter(|(program, _)| find(program).is_none()).map(|(_, package)| *package).collect();
    packages.dedup();
    if packages.is_empty() {
        return;
    }
    let names = packages.join(" ");
    if !install || !is_root() || find("apt-get").is_none() {
        loud(format!(
            "not installed, and not to be installed from here (--no-install, no root or no apt): {names}"
        ));
        return;
    }
    say(format!("installing Debian packages: {names}"));
    if let Err(why) = apt(&packages) {
        loud(format!("apt-get install: {why}"));
    }
}

/// Brings the lists up to date and installs; a list that could not be brought up to date may still be good enough.
fn apt(packages: &[&str]) -> Result<(), String> {
    let output = Command::new("sh")
        .args(["-c", INSTALL, POLICY])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        // Ctrl-C ends us; half an installation, or a policy that stays, would be worse than one that is finished.
        .process_group(0)
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let tail: Vec<&str> = text.lines().rev().take(8).collect();
    Err(format!("{}: {}", output.status, tail.into_iter().rev().collect::<Vec<_>>().join(" | ")))
}
