//! What a simulated cluster holds: nodes, guests, storages. What does not live here: how they look on the wire (`render`),
//! who may see them (`access`).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

/// Which Proxmox VE is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PveVersion {
    /// 8.2: errors are told in the status line only, agents need `VM.Monitor`.
    V8,
    /// 9.1: errors are told in the body, guests show `memhost`.
    V9,
}

/// How a node is seen by the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It answers.
    Online,
    /// Corosync does not hear it; what ran on it keeps its last status.
    Offline,
    /// Nothing was heard of it yet.
    Unknown,
}

/// A hypervisor.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its address.
    pub ip: String,
    /// How it is seen.
    pub standing: Standing,
    /// Whether the last words of its guests are too old to be kept: five minutes after it went.
    pub forgotten: bool,
    /// Processors.
    pub cpus: u64,
    /// Processor use, as a share of all.
    pub cpu: f64,
    /// Memory in bytes: used and all.
    pub memory: (u64, u64),
}

impl Node {
    /// A node that is online, with 16 processors and 64 GiB.
    pub fn new(name: &str, ip: &str) -> Self {
        Self {
            name: name.to_owned(),
            ip: ip.to_owned(),
            standing: Standing::Online,
            forgotten: false,
            cpus: 16,
            cpu: 0.07,
            memory: (16 << 30, 64 << 30),
        }
    }
}

/// A storage as one node sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    /// The node.
    pub node: String,
    /// Its name.
    pub name: String,
    /// `dir`, `lvmthin`, `nfs`, …
    pub plugin: String,
    /// Whether other nodes see the same space.
    pub shared: bool,
    /// Whether it can be used there.
    pub available: bool,
    /// Bytes: used and all.
    pub bytes: (u64, u64),
}

/// What answers inside a virtual machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agent {
    /// None is configured.
    None,
    /// It answers with the guest's addresses.
    Answers,
    /// It is configured but does not answer; Proxmox notices after this long (3 s in real life).
    Silent(Duration),
}

/// A virtual machine or a container.
#[derive(Clone, Debug, PartialEq)]
pub struct Guest {
    /// Its number.
    pub vmid: u64,
    /// LXC instead of QEMU.
    pub container: bool,
    /// The node it is on.
    pub node: String,
    /// Its name.
    pub name: String,
    /// Whether it runs.
    pub running: bool,
    /// Whether others are made from it.
    pub template: bool,
    /// What holds it: `backup`, `migrate`, …
    pub lock: Option<String>,
    /// `prod;web`.
    pub tags: Option<String>,
    /// The pool it is in.
    pub pool: Option<String>,
    /// Processors.
    pub cpus: u64,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Disks in MiB, the first being the one it starts from.
    pub disks_mib: Vec<u64>,
    /// Processor use, as a share of its own.
    pub cpu: f64,
    /// MAC addresses, one interface each.
    pub macs: Vec<String>,
    /// Addresses, shown on the first interface.
    pub addresses: Vec<IpAddr>,
    /// What answers inside.
    pub agent: Agent,
    /// Seconds it had been on at `counted_from`.
    pub uptime: u64,
    /// From when its uptime counts on.
    pub counted_from: Instant,
    /// Its SMBIOS UUID.
    pub uuid: String,
    /// Settings that hold after the next start; shown unless the current ones are asked for.
    pub pending: Map<String, Value>,
    /// Raw values of its row, for clusters newer or odder than this one; null takes a field away.
    pub tampered: BTreeMap<String, Value>,
}

impl Guest {
    /// A virtual machine that has run for an hour, with an agent that answers: 2 processors, 2 GiB, 32 GiB of disk.
    pub fn vm(vmid: u64, node: &str, name: &str) -> Self {
        Self {
            vmid,
            container: false,
            node: node.to_owned(),
            name: name.to_owned(),
            running: true,
            template: false,
            lock: None,
            tags: None,
            pool: None,
            cpus: 2,
            memory_mib: 2048,
            disks_mib: vec![32 * 1024],
            cpu: 0.0123,
            macs: vec![format!("BC:24:11:00:{:02X}:{:02X}", (vmid >> 8) & 255, vmid & 255)],
            addresses: Vec::new(),
            agent: Agent::Answers,
            uptime: 3600,
            counted_from: Instant::now(),
            uuid: format!("5c1d0b6e-0000-4000-8000-{vmid:012}"),
            pending: Map::new(),
            tampered: BTreeMap::new(),
        }
    }

    /// A container.
    pub fn lxc(vmid: u64, node: &str, name: &str) -> Self {
        Self { container: true, agent: Agent::None, ..Self::vm(vmid, node, name) }
    }

    /// The same with these addresses.
    #[must_use]
    pub fn at(mut self, addresses: &[&str]) -> Self {
        self.addresses = addresses.iter().filter_map(|address| address.parse().ok()).collect();
        self
    }

    /// The same, switched off.
    #[must_use]
    pub fn stopped(mut self) -> Self {
        self.running = false;
        self.uptime = 0;
        self
    }

    /// `qemu` or `lxc`.
    pub fn kind(&self) -> &'static str {
        if self.container { "lxc" } else { "qemu" }
    }
}

/// A cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Its name; a node by itself is in none.
    pub name: Option<String>,
    /// Which Proxmox VE runs on it.
    pub version: PveVersion,
    /// Whether it has a quorum.
    pub quorate: bool,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// Its storages.
    pub storages: Vec<Storage>,
    /// Its guests by number.
    pub guests: BTreeMap<u64, Guest>,
}

impl Cluster {
    /// A cluster of these nodes without guests; each node has a storage `local` of 100 GiB.
    pub fn new(name: &str, version: PveVersion, nodes: &[&str]) -> Self {
        let mut cluster = Self {
            name: Some(name.to_owned()),
            version,
            quorate: true,
            nodes: Vec::new(),
            storages: Vec::new(),
            guests: BTreeMap::new(),
        };
        for (n, node) in nodes.iter().enumerate() {
            cluster.nodes.push(Node::new(node, &format!("192.0.2.{}", n + 1)));
            cluster.storages.push(Storage {
                node: (*node).to_owned(),
                name: "local".to_owned(),
                plugin: "dir".to_owned(),
                shared: false,
                available: true,
                bytes: (40 << 30, 100 << 30),
            });
        }
        cluster
    }

    /// The same with this guest.
    #[must_use]
    pub fn with(mut self, guest: Guest) -> Self {
        self.guests.insert(guest.vmid, guest);
        self
    }

    /// The same with a storage that all nodes share.
    #[must_use]
    pub fn with_shared(mut self, name: &str, used: u64, total: u64) -> Self {
        for node in &self.nodes {
            self.storages.push(Storage {
                node: node.name.clone(),
                name: name.to_owned(),
                plugin: "nfs".to_owned(),
                shared: true,
                available: true,
                bytes: (used, total),
            });
        }
        self
    }
}
