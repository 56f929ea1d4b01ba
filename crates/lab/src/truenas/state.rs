//! What a simulated TrueNAS holds. What does not live here: how it is asked (`serve`, `socket`) and what its answers look
//! like (`render`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::version::TruenasVersion;

/// What an app does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppState {
    /// Its containers run.
    Running,
    /// They are being made or started.
    Deploying,
    /// They run, and a health check of one does not pass: TrueNAS says `DEPLOYING` as well.
    Unhealthy,
    /// None of them runs.
    Stopped,
    /// They are being stopped.
    Stopping,
    /// One of them ended with an error.
    Crashed,
    /// A word that no version has said so far.
    Odd,
}

/// An app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// What it does.
    pub state: AppState,
    /// Its published TCP ports.
    pub ports: Vec<u16>,
    /// Its image.
    pub image: String,
    /// It uses the host's network: it publishes nothing that TrueNAS knows of, and offers its ports as portals.
    pub host_network: bool,
    /// Its metadata cannot be read, so that TrueNAS leaves it out of every list.
    pub unreadable: bool,
}

impl App {
    /// A running app that publishes these ports.
    pub fn new(image: &str, ports: &[u16]) -> Self {
        Self {
            state: AppState::Running,
            ports: ports.to_vec(),
            image: image.to_owned(),
            host_network: false,
            unreadable: false,
        }
    }
}

/// A virtual machine or system container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Its id.
    pub id: u64,
    /// The word for its state: `RUNNING`, `STOPPED`, `SUSPENDED`, `ERROR`, …
    pub state: String,
    /// Processors.
    pub vcpus: u64,
    /// Memory in MiB.
    pub memory: u64,
    /// Its MAC address.
    pub mac: String,
    /// Its address, which only Incus tells.
    pub address: String,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// ZFS's word: `ONLINE`, `DEGRADED`, …
    pub status: String,
    /// Whether TrueNAS calls it healthy.
    pub healthy: bool,
    /// Bytes.
    pub size: u64,
    /// Bytes.
    pub allocated: u64,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its class.
    pub klass: String,
    /// `INFO` … `EMERGENCY`.
    pub level: String,
    /// As HTML.
    pub formatted: String,
    /// Whether somebody dismissed it.
    pub dismissed: bool,
}

/// How a login with a key ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is valid.
    Valid,
    /// It was revoked: by hand, or because it came over an unencrypted connection.
    Revoked,
    /// It has expired.
    Expired,
    /// Its user needs a second factor.
    OtpRequired,
    /// This controller is not the active one.
    Redirect,
    /// Its user may not log in this way.
    Denied,
}

/// Everything a TrueNAS holds. Change it through [`super::TruenasLab::edit`], so that whoever listens is told.
#[derive(Clone, Debug)]
pub struct State {
    /// The release.
    pub version: TruenasVersion,
    /// The name it gives itself.
    pub hostname: String,
    /// Apps by name.
    pub apps: BTreeMap<String, App>,
    /// Virtual machines by name.
    pub vms: BTreeMap<String, Guest>,
    /// System containers by name.
    pub containers: BTreeMap<String, Guest>,
    /// Pools by name.
    pub pools: BTreeMap<String, Pool>,
    /// Alerts.
    pub alerts: Vec<Alert>,
    /// The pool of the apps; without one there are none.
    pub apps_pool: Option<String>,
    /// Whether Docker (or Kubernetes) runs. Without it, lists of apps are empty.
    pub docker_runs: bool,
    /// What `docker.status` says.
    pub docker_status: String,
    /// What `virt.global.config` says. Other than `INITIALIZED`, the list of instances is empty.
    pub incus: String,
    /// What `system.state` says.
    pub system: String,
    /// Its clock is this far off.
    pub clock: SignedDuration,
    /// The key's state.
    pub key: KeyState,
    /// The roles of the key's user; `None`: all of them.
    pub roles: Option<BTreeSet<String>>,
    /// Lists of these methods leave out so many rows at their end.
    pub shortened: BTreeMap<String, usize>,
}

impl State {
    pub(super) fn new(version: TruenasVersion) -> Self {
        Self {
            version,
            hostname: "truenas".to_owned(),
            apps: BTreeMap::new(),
            vms: BTreeMap::new(),
            containers: BTreeMap::new(),
            pools: BTreeMap::new(),
            alerts: Vec::new(),
            apps_pool: Some("tank".to_owned()),
            docker_runs: true,
            docker_status: "RUNNING".to_owned(),
            incus: "INITIALIZED".to_owned(),
            system: "READY".to_owned(),
            clock: SignedDuration::ZERO,
            key: KeyState::Valid,
            roles: None,
            shortened: BTreeMap::new(),
        }
    }

    /// Whether the key may ask this.
    pub(super) fn allows(&self, method: &str) -> bool {
        let needed: &[&str] = match method {
            "system.info" | "system.state" => &["SYSTEM_GENERAL_READ"],
            "app.query" | "chart.release.query" | "kubernetes.config" => &["APPS_READ"],
            "docker.status" | "docker.network.query" => &["DOCKER_READ"],
            "vm.query" => &["VM_READ"],
            "virt.instance.query" => &["VIRT_INSTANCE_READ"],
            "virt.global.config" => &["VIRT_GLOBAL_READ"],
            "container.query" => &["CONTAINER_READ"],
            "pool.query" => &["POOL_READ"],
            "alert.list" => &["ALERT_LIST_READ"],
            _ => &[],
        };
        self.roles.as_ref().is_none_or(|roles| needed.iter().all(|role| roles.contains(*role)))
    }
}
