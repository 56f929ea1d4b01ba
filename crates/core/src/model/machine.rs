//! Machines as they are seen from outside: by their hypervisor, their storage system, or a probe.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::coverage::{Coverage, Fact, Gap, GapKind};
use crate::id::SourceId;

/// What kind of machine a source shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MachineKind {
    /// A hypervisor node, a storage system, a physical machine.
    Node,
    /// A virtual machine.
    Vm,
    /// A system container (LXC, Incus): to NetBox a virtual machine as well.
    Container,
}

impl MachineKind {
    /// The word people use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Vm => "virtual machine",
            Self::Container => "system container",
        }
    }
}

/// Whether a machine is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MachineState {
    /// It runs, or it answers.
    Running,
    /// It exists and is suspended.
    Paused,
    /// It exists and is switched off.
    Stopped,
    /// Whoever should reach it does not: its cluster calls it offline, or nothing of it answers a probe.
    Unreachable,
}

impl MachineState {
    /// The lower-case word used in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Unreachable => "unreachable",
        }
    }
}

/// How much of something is used. Units are those of the two figures and cancel out: bytes, or permille of all
/// processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Usage {
    /// What is used.
    pub used: u64,
    /// All there is.
    pub total: u64,
}

impl Usage {
    /// A share of one (`cpu: 0.25`), kept in permille. `None` for what is no share.
    pub fn of_share(share: f64) -> Option<Self> {
        // Above the whole is possible for a moment (Proxmox counts its own threads); far above it is no share.
        if !(0.0..=16.0).contains(&share) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
        let used = (share * 1000.0).round() as u64;
        Some(Self { used, total: 1000 })
    }

    /// Whole percent, rounded down; `None` where there is nothing to use.
    pub fn percent(self) -> Option<u64> {
        (self.total > 0)
            .then(|| u64::try_from(u128::from(self.used) * 100 / u128::from(self.total)).unwrap_or(u64::MAX))
    }
}

/// What kind of space a volume is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VolumeKind {
    /// A hypervisor's storage.
    Storage,
    /// A ZFS pool.
    Pool,
}

/// Whether a pool is in good order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VolumeHealth {
    /// Nothing is wrong with it.
    Healthy,
    /// Something is; the source's own word (`DEGRADED`).
    Degraded(Arc<str>),
}

/// Space on a machine that can fill up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Storage or pool.
    pub kind: VolumeKind,
    /// Its name, unique on the machine within its kind.
    pub name: Arc<str>,
    /// Bytes.
    pub usage: Fact<Usage>,
    /// Its order, where the source tells one; `None` for storages, which have none.
    pub health: Option<Fact<VolumeHealth>>,
}

/// A machine as one source sees it from outside. Everything the source was not asked for, or would not tell, is
/// `Unknown` with the cause: an address that a silent guest agent does not give is not "no address".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedMachine {
    /// The source's own key, unique within the source (`qemu/100`, `node/pve1`).
    pub key: Arc<str>,
    /// What it is.
    pub kind: MachineKind,
    /// The name the source has for it.
    pub name: Fact<Arc<str>>,
    /// Whether it is on. Unknown while the machine it runs on is away, or while it is locked (backup, migration).
    pub state: Fact<MachineState>,
    /// The hypervisor node it runs on, as the source names it; `None` for nodes.
    pub node: Option<Arc<str>>,
    /// The cluster, as the source names it.
    pub cluster: Option<Arc<str>>,
    /// Proxmox's number of a guest. It is used again after a deletion, so it is no identity by itself.
    pub vmid: Option<u64>,
    /// MAC addresses, lower-case colon form, sorted.
    pub macs: Fact<Vec<Arc<str>>>,
    /// Addresses, sorted, without loopback and link-local ones.
    pub addresses: Fact<Vec<IpAddr>>,
    /// Since when it has been on, to the second; `None` where the source does not tell.
    pub up_since: Option<Timestamp>,
    /// Processors.
    pub vcpus: Fact<u32>,
    /// Memory in MiB.
    pub memory_mib: Fact<u64>,
    /// Disk in MiB, all disks together.
    pub disk_mib: Fact<u64>,
    /// Processor use, of all its processors.
    pub cpu: Fact<Usage>,
    /// Memory use in bytes.
    pub memory: Fact<Usage>,
    /// Storages and pools on it, sorted by kind and name.
    pub volumes: Vec<Volume>,
    /// Whether `volumes` is all there is.
    pub volumes_coverage: Coverage,
    /// Versions, alerts, tags and the like, for display only.
    pub notes: std::collections::BTreeMap<Arc<str>, Arc<str>>,
}

impl ObservedMachine {
    /// A machine of which nothing is known but that it is there, and why nothing else is.
    pub fn unknown(key: impl AsRef<str>, kind: MachineKind, gap: &Gap) -> Self {
        fn unknown<T>(gap: &Gap) -> Fact<T> {
            Fact::Unknown(gap.clone())
        }
        Self {
            key: Arc::from(key.as_ref()),
            kind,
            name: unknown(gap),
            state: unknown(gap),
            node: None,
            cluster: None,
            vmid: None,
            macs: unknown(gap),
            addresses: unknown(gap),
            up_since: None,
            vcpus: unknown(gap),
            memory_mib: unknown(gap),
            disk_mib: unknown(gap),
            cpu: unknown(gap),
            memory: unknown(gap),
            volumes: Vec::new(),
            volumes_coverage: Coverage::Partial(gap.clone()),
            notes: std::collections::BTreeMap::new(),
        }
    }

    /// What may be kept of a sensitive machine: its name, its state, and where it is.
    pub fn redacted(&self) -> Self {
        let gap = Gap::new(GapKind::Uncovered, "of a sensitive host only names and states are kept");
        Self {
            name: self.name.clone(),
            state: self.state.clone(),
            node: self.node.clone(),
            cluster: self.cluster.clone(),
            up_since: self.up_since,
            ..Self::unknown(&self.key, self.kind, &gap)
        }
    }

    /// The same for a source that is not asked for more than it says.
    pub fn new(key: impl AsRef<str>, kind: MachineKind) -> Self {
        Self::unknown(key, kind, &Gap::new(GapKind::Uncovered, "not asked for"))
    }
}

/// One source's answer about the machines it looks after: a cluster, a storage system's guests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// Who says so.
    pub source: SourceId,
    /// When the question was put: nothing that happened later is contradicted by the answer.
    pub started: Timestamp,
    /// When the answer was complete.
    pub observed_at: Timestamp,
    /// Whether a machine that is not in the answer does not exist there. Complete only where the rights are proved.
    pub coverage: Coverage,
    /// The machines that could be read, in any order, templates left out.
    pub machines: Vec<ObservedMachine>,
}

impl Survey {
    /// An answer that did not come: nothing is known but the cause.
    pub fn blind(source: SourceId, started: Timestamp, observed_at: Timestamp, gap: Gap) -> Self {
        Self { source, started, observed_at, coverage: Coverage::Partial(gap), machines: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_becomes_permille_and_what_is_no_share_becomes_nothing() {
        assert_eq!(Usage::of_share(0.25), Some(Usage { used: 250, total: 1000 }));
        assert_eq!(Usage::of_share(f64::NAN), None);
        assert_eq!(Usage::of_share(-0.1), None);
        assert_eq!(Usage::of_share(1e9), None);
    }

    #[test]
    fn percent_is_rounded_down_and_nothing_of_nothing_is_unknown() {
        assert_eq!(Usage { used: 899, total: 1000 }.percent(), Some(89));
        assert_eq!(Usage { used: u64::MAX, total: u64::MAX }.percent(), Some(100));
        assert_eq!(Usage { used: 0, total: 0 }.percent(), None);
    }
}
