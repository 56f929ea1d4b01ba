//! Changing a simulated cluster while it runs. What does not live here: what it holds (`cluster`).

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::time::Instant;

use super::access::Access;
use super::cluster::{Agent, Cluster, Guest, Standing};

/// What a cluster holds and who may see it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) cluster: Cluster,
    pub(super) access: Access,
}

/// A handle to a running cluster. What it changes is at once visible; what it names must be there, or nothing happens.
#[derive(Clone, Debug)]
pub struct Pve(pub(super) Arc<Mutex<State>>);

impl Pve {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it holds now.
    pub fn cluster(&self) -> Cluster {
        self.lock().cluster.clone()
    }

    /// Any change.
    pub fn edit(&self, change: impl FnOnce(&mut Cluster)) {
        change(&mut self.lock().cluster);
    }

    /// Any change of one guest.
    pub fn guest(&self, vmid: u64, change: impl FnOnce(&mut Guest)) {
        self.edit(|cluster| {
            if let Some(guest) = cluster.guests.get_mut(&vmid) {
                change(guest);
            }
        });
    }

    /// A new guest, or another one of the same number.
    pub fn add_guest(&self, guest: Guest) {
        self.edit(|cluster| {
            cluster.guests.insert(guest.vmid, guest);
        });
    }

    /// `qm destroy`.
    pub fn remove_guest(&self, vmid: u64) {
        self.edit(|cluster| {
            cluster.guests.remove(&vmid);
        });
    }

    /// `qm start`.
    pub fn start_guest(&self, vmid: u64) {
        self.guest(vmid, |guest| {
            guest.running = true;
            guest.uptime = 0;
            guest.counted_from = Instant::now();
        });
    }

    /// `qm stop`.
    pub fn stop_guest(&self, vmid: u64) {
        self.guest(vmid, |guest| {
            guest.running = false;
            guest.uptime = 0;
        });
    }

    /// `qm suspend --todisk`: locked as suspended, and stopped.
    pub fn hibernate(&self, vmid: u64) {
        self.stop_guest(vmid);
        self.lock_guest(vmid, "suspended");
    }

    /// `qm set --name`.
    pub fn rename(&self, vmid: u64, name: &str) {
        self.guest(vmid, |guest| guest.name = name.to_owned());
    }

    /// A task takes hold of it.
    pub fn lock_guest(&self, vmid: u64, word: &str) {
        self.guest(vmid, |guest| guest.lock = Some(word.to_owned()));
    }

    /// The task is done, or somebody calls `qm unlock`.
    pub fn unlock_guest(&self, vmid: u64) {
        self.guest(vmid, |guest| guest.lock = None);
    }

    /// It is on another node from now on.
    pub fn migrate(&self, vmid: u64, node: &str) {
        self.guest(vmid, |guest| guest.node = node.to_owned());
    }

    /// What answers inside it.
    pub fn set_agent(&self, vmid: u64, agent: Agent) {
        self.guest(vmid, |guest| guest.agent = agent);
    }

    /// Its addresses.
    pub fn set_addresses(&self, vmid: u64, addresses: &[IpAddr]) {
        self.guest(vmid, |guest| guest.addresses = addresses.to_vec());
    }

    /// From now on this field of its row has this value; null takes it away.
    pub fn tamper(&self, vmid: u64, key: &str, value: Value) {
        self.guest(vmid, |guest| {
            guest.tampered.insert(key.to_owned(), value);
        });
    }

    /// A storage fills, or empties, to this many bytes.
    pub fn fill(&self, node: &str, storage: &str, used: u64) {
        self.edit(|cluster| {
            for there in cluster.storages.iter_mut().filter(|s| s.node == node && s.name == storage) {
                there.bytes.0 = used;
            }
        });
    }

    /// A node goes. What ran on it keeps its last status for five minutes: until [`Pve::five_minutes_pass`].
    pub fn node_offline(&self, name: &str) {
        self.stand(name, Standing::Offline);
    }

    /// It is back.
    pub fn node_online(&self, name: &str) {
        self.stand(name, Standing::Online);
    }

    /// Nothing is known of it yet.
    pub fn node_unknown(&self, name: &str) {
        self.stand(name, Standing::Unknown);
    }

    /// The last words of what ran on nodes that are away are too old now.
    pub fn five_minutes_pass(&self) {
        self.edit(|cluster| {
            for node in &mut cluster.nodes {
                node.forgotten = node.standing != Standing::Online;
            }
        });
    }

    /// The cluster has a quorum, or lost it.
    pub fn set_quorate(&self, quorate: bool) {
        self.edit(|cluster| cluster.quorate = quorate);
    }

    /// Gives a user or token a role on a path.
    pub fn grant(&self, who: &str, path: &str, role: &str, propagate: bool) {
        self.lock().access.grant(who, path, role, propagate);
    }

    /// Takes what was given on this path; with an empty path, everything.
    pub fn revoke(&self, who: &str, path: &str) {
        self.lock().access.revoke(who, path);
    }

    fn stand(&self, name: &str, standing: Standing) {
        self.edit(|cluster| {
            for node in cluster.nodes.iter_mut().filter(|node| node.name == name) {
                node.standing = standing;
                if standing == Standing::Online {
                    node.forgotten = false;
                }
            }
        });
    }
}
