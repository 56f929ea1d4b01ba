//! What is asked of a TrueNAS: the method, its parameters kept small, its path in REST, and the role it needs. Only
//! reads. What does not live here: how a question travels (`socket`, `rest`, `shell`) and what an answer means.

use serde_json::{Value, json};

/// The kinds of machines a TrueNAS can run, each behind a method of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Guests {
    /// Virtual machines under libvirt. Not in 25.04.0 and 25.04.1.
    Vms,
    /// Incus: 25.04 and 25.10.
    Instances,
    /// System containers under libvirt: 26.
    Containers,
}

impl Guests {
    pub(super) const ALL: [Self; 3] = [Self::Vms, Self::Instances, Self::Containers];
}

/// One question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Name, version, processors, memory, clock.
    Info,
    /// Whether it boots, runs or shuts down.
    State,
    /// Apps on Docker: 24.10 and later.
    Apps,
    /// What the apps service does. `app.query` answers with an empty list whenever Docker does not run.
    DockerStatus,
    /// Docker's networks: a running Docker always has some, and one for each running app.
    DockerNetworks,
    /// Apps on Kubernetes: 24.04.
    Charts,
    /// Whether 24.04's apps have a pool.
    Kubernetes,
    /// Machines of one kind.
    Guests(Guests),
    /// How many, counted by the server.
    Count(Guests),
    /// Whether Incus is set up. `virt.instance.query` answers with an empty list whenever it is not.
    VirtGlobal,
    /// Pools.
    Pools,
    /// Alerts, dismissed ones included.
    Alerts,
}

impl Question {
    /// Everything `doctor` tries, in the order it is shown.
    pub(super) const ALL: [Self; 12] = [
        Self::Info,
        Self::State,
        Self::Apps,
        Self::DockerStatus,
        Self::DockerNetworks,
        Self::Charts,
        Self::Guests(Guests::Vms),
        Self::Guests(Guests::Instances),
        Self::VirtGlobal,
        Self::Guests(Guests::Containers),
        Self::Pools,
        Self::Alerts,
    ];

    /// The method's name.
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Info => "system.info",
            Self::State => "system.state",
            Self::Apps => "app.query",
            Self::DockerStatus => "docker.status",
            Self::DockerNetworks => "docker.network.query",
            Self::Charts => "chart.release.query",
            Self::Kubernetes => "kubernetes.config",
            Self::Guests(Guests::Vms) | Self::Count(Guests::Vms) => "vm.query",
            Self::Guests(Guests::Instances) | Self::Count(Guests::Instances) => "virt.instance.query",
            Self::Guests(Guests::Containers) | Self::Count(Guests::Containers) => "container.query",
            Self::VirtGlobal => "virt.global.config",
            Self::Pools => "pool.query",
            Self::Alerts => "alert.list",
        }
    }

    /// The role that lets a key ask it.
    pub(super) fn role(self) -> &'static str {
        match self {
            Self::Info | Self::State => "SYSTEM_GENERAL_READ",
            Self::Apps | Self::Charts | Self::Kubernetes => "APPS_READ",
            Self::DockerStatus | Self::DockerNetworks => "DOCKER_READ",
            Self::Guests(Guests::Vms) | Self::Count(Guests::Vms) => "VM_READ",
            Self::Guests(Guests::Instances) | Self::Count(Guests::Instances) => "VIRT_INSTANCE_READ",
            Self::Guests(Guests::Containers) | Self::Count(Guests::Containers) => "CONTAINER_READ",
            Self::VirtGlobal => "VIRT_GLOBAL_READ",
            Self::Pools => "POOL_READ",
            Self::Alerts => "ALERT_LIST_READ",
        }
    }

    /// The parameters. `select` leaves out what is heavy or secret: an instance's environment, an app's configuration.
    pub(super) fn params(self) -> Vec<Value> {
        let select = |names: &[&str]| vec![json!([]), json!({"select": names, "limit": 0})];
        match self {
            Self::Info
            | Self::State
            | Self::DockerStatus
            | Self::Kubernetes
            | Self::VirtGlobal
            | Self::Alerts => Vec::new(),
            Self::Apps => select(&["id", "name", "state", "human_version", "active_workloads", "portals"]),
            Self::DockerNetworks => select(&["name", "labels"]),
            Self::Charts => {
                select(&["id", "name", "status", "pod_status", "used_ports", "portals", "human_version"])
            }
            Self::Guests(Guests::Vms | Guests::Containers) => {
                select(&["id", "name", "vcpus", "cores", "threads", "memory", "status", "devices"])
            }
            Self::Guests(Guests::Instances) => {
                select(&["id", "name", "type", "status", "cpu", "memory", "aliases"])
            }
            Self::Count(_) => vec![json!([]), json!({"count": true})],
            Self::Pools => select(&["name", "status", "healthy", "size", "allocated"]),
        }
    }

    /// The path below `/api/v2.0/`, with its query.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Info => "system/info",
            Self::State => "system/state",
            Self::Apps => "app",
            Self::DockerStatus => "docker/status",
            Self::DockerNetworks => "docker/network",
            Self::Charts => "chart/release",
            Self::Kubernetes => "kubernetes",
            Self::Guests(Guests::Vms) => "vm",
            Self::Guests(Guests::Instances) => "virt/instance",
            Self::Guests(Guests::Containers) => "container",
            Self::Count(Guests::Vms) => "vm?count=true",
            Self::Count(Guests::Instances) => "virt/instance?count=true",
            Self::Count(Guests::Containers) => "container?count=true",
            Self::VirtGlobal => "virt/global",
            Self::Pools => "pool",
            Self::Alerts => "alert/list",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_fits_a_message_many_times_over_and_needs_no_quoting_but_one() {
        for question in Question::ALL {
            let text = Value::Array(question.params()).to_string();
            assert!(text.len() < 1024 && !text.contains('\''), "{text}");
        }
    }

    #[test]
    fn nothing_is_asked_that_could_change_a_thing() {
        for question in Question::ALL {
            let verb = question.method().rsplit('.').next().unwrap();
            assert!(["query", "config", "status", "state", "info", "list"].contains(&verb), "{verb}");
        }
    }
}
