//! The clusters of an inventory: what its NetBox declares, running as declared.

use std::net::IpAddr;

use super::cluster::{Agent, Cluster, Guest, Node, PveVersion, Storage};
use crate::inventory::{Host, Inventory, ObjectRef};

impl Cluster {
    /// The cluster whose (first) node is this device, under NetBox's name for it, with every virtual machine declared on
    /// it: what is active or being given up runs, what is staged or offline is switched off, what is planned is not
    /// there. `None` for a device that is not there or in no cluster.
    pub fn of_inventory(inventory: &Inventory, device: &str, version: PveVersion) -> Option<Self> {
        let node = inventory.devices.iter().find(|host| host.name.as_deref() == Some(device))?;
        let id = node.cluster?;
        let name = &inventory.clusters.iter().find(|cluster| cluster.id == id)?.name;
        let mut cluster = Self::new(name, version, &[]);
        for host in inventory.devices.iter().filter(|host| host.cluster == Some(id)) {
            let Some(name) = &host.name else { continue };
            let ip = primary(inventory, host).map(|ip| ip.to_string()).unwrap_or_default();
            cluster.nodes.push(Node::new(name, &ip));
            for (storage, plugin, total) in
                [("local", "dir", 100_u64 << 30), ("local-lvm", "lvmthin", 2 << 40)]
            {
                cluster.storages.push(Storage {
                    node: name.clone(),
                    name: storage.to_owned(),
                    plugin: plugin.to_owned(),
                    shared: false,
                    available: true,
                    bytes: (total / 3, total),
                });
            }
        }
        for vm in inventory.vms.iter().filter(|vm| vm.cluster == Some(id)) {
            let pinned = vm.device.and_then(|id| inventory.devices.iter().find(|host| host.id == id));
            let on = pinned.and_then(|host| host.name.as_deref()).unwrap_or(device);
            if let Some(guest) = guest(inventory, vm, on) {
                cluster.guests.insert(guest.vmid, guest);
            }
        }
        Some(cluster)
    }
}

fn guest(inventory: &Inventory, vm: &Host, node: &str) -> Option<Guest> {
    let running = match vm.status.as_str() {
        "active" | "decommissioning" => true,
        "staged" | "offline" | "failed" | "paused" => false,
        _ => return None,
    };
    let vmid = vm.custom_fields.get("proxmox_vmid").and_then(serde_json::Value::as_u64)?;
    let mut guest = Guest::vm(vmid, node, vm.name.as_deref()?);
    if !running {
        guest = guest.stopped();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a handful of processors")]
    let cpus = vm.vcpus.map(|cpus| cpus as u64);
    guest.cpus = cpus.unwrap_or(guest.cpus);
    guest.memory_mib = vm.memory.unwrap_or(guest.memory_mib);
    guest.disks_mib = vm.disk.map_or(guest.disks_mib, |disk| vec![disk]);
    let own: Vec<ObjectRef> = inventory
        .vm_interfaces
        .iter()
        .filter(|interface| interface.host == vm.id)
        .map(|interface| ObjectRef::vm_interface(interface.id))
        .collect();
    let owned = |interface: &Option<ObjectRef>| interface.as_ref().is_some_and(|there| own.contains(there));
    let macs: Vec<String> =
        inventory.macs.iter().filter(|mac| owned(&mac.interface)).map(|mac| mac.address.clone()).collect();
    if !macs.is_empty() {
        guest.macs = macs;
    }
    guest.addresses = inventory
        .ips
        .iter()
        .filter(|ip| owned(&ip.interface))
        .filter_map(|ip| address(&ip.address))
        .collect();
    guest.agent = Agent::Answers;
    Some(guest)
}

fn primary(inventory: &Inventory, host: &Host) -> Option<IpAddr> {
    let id = host.primary_ip4?;
    address(&inventory.ips.iter().find(|ip| ip.id == id)?.address)
}

fn address(text: &str) -> Option<IpAddr> {
    text.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_two_clusters_of_one_node_each() {
        let inventory = Inventory::reference();
        let box2 = Cluster::of_inventory(&inventory, "Box2", PveVersion::V9).unwrap();
        assert_eq!(box2.name.as_deref(), Some("box2-cluster"));
        let names: Vec<(u64, &str, bool)> =
            box2.guests.values().map(|guest| (guest.vmid, guest.name.as_str(), guest.running)).collect();
        assert_eq!(
            names,
            [
                (112, "box2-daily", true),
                (113, "box2-docs", true),
                (114, "box2-edge", true),
                (115, "box2-observability", false),
                (116, "box2-media", true),
                (117, "box2-tube", false),
            ]
        );
        let docs = &box2.guests[&113];
        assert_eq!(docs.macs, ["BC:24:11:00:02:71"]);
        assert_eq!(docs.addresses, ["192.168.2.113".parse::<IpAddr>().unwrap()]);
        assert_eq!((docs.cpus, docs.memory_mib, docs.disks_mib.as_slice()), (4, 8192, &[65_536][..]));
        let other = Cluster::of_inventory(&inventory, "Proxmox-Box", PveVersion::V9).unwrap();
        assert_eq!((other.nodes.len(), other.guests.len()), (1, 5));
        assert_eq!(other.nodes[0].ip, "192.168.2.10");
        assert_eq!(Cluster::of_inventory(&inventory, "FurycomAI", PveVersion::V9), None);
    }
}
