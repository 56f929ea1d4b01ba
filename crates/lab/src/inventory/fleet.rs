//! Generated inventories of any size, for benches and for tests of scale. The same arguments give the same fleet.
//!
//! What does not live here: the reference inventory.

use serde_json::{Map, Value, json};

use super::{Cluster, CustomField, Host, Interface, Inventory, Ip, Mac, Named, ObjectRef, Service};

/// Hosts per cluster: one hypervisor each.
const PER_CLUSTER: usize = 50;

/// A fleet of virtual machines, each with an interface, a MAC, an address and so many services.
pub fn fleet(hosts: usize, services_per_host: usize) -> Inventory {
    let clusters = hosts.div_ceil(PER_CLUSTER).max(1);
    let mut inventory = frame(clusters);
    for n in 0..hosts {
        machine(&mut inventory, n, services_per_host);
    }
    inventory
}

/// The shape the real NetBox was measured with: 14,106 objects (2,014 virtual machines with an interface each, 6,059
/// services, 4,019 addresses).
pub fn measured_fleet() -> Inventory {
    const MACHINES: usize = 2014;
    let mut inventory = fleet(MACHINES, 3);
    inventory.devices.clear();
    inventory.interfaces.clear();
    inventory.macs.clear();
    for vm in &mut inventory.vms {
        vm.device = None;
    }
    for n in 0..17 {
        let id = next(inventory.services.len());
        inventory.services.push(service(id, ObjectRef::vm(1), 100 + n));
    }
    for n in 0..4019 - MACHINES {
        let id = next(inventory.ips.len());
        let address = format!("10.{}.{}.{}/16", 100 + n / 65_536, (n / 256) % 256, n % 256);
        inventory.ips.push(Ip { id, address, status: "active".into(), ..Ip::default() });
    }
    inventory
}

/// Sites, tenants, roles, tags, fields and one hypervisor per cluster.
fn frame(clusters: usize) -> Inventory {
    let named = |prefix: &str, count: usize| -> Vec<Named> {
        (0..count)
            .map(|n| Named { id: next(n), name: format!("{prefix} {n}"), slug: format!("{prefix}-{n}") })
            .collect()
    };
    let field = |id: u64, name: &str, kind: &str, types: &[&str]| CustomField {
        id,
        name: name.into(),
        kind: kind.into(),
        object_types: types.iter().map(|kind| (*kind).to_owned()).collect(),
    };
    let hosts = ["dcim.device", "virtualization.virtualmachine"];
    let mut inventory = Inventory {
        sites: named("site", 4),
        tenants: named("tenant", 3),
        roles: named("role", 5),
        tags: named("tag", 20),
        custom_fields: vec![
            field(1, "lifecycle", "select", &["ipam.service"]),
            field(2, "container_name", "text", &["ipam.service"]),
            field(3, "observed_by", "multiselect", &hosts),
        ],
        ..Inventory::default()
    };
    for n in 0..clusters {
        let id = next(n);
        inventory.clusters.push(Cluster {
            id,
            name: format!("cluster-{n}"),
            kind: "Proxmox VE".into(),
            site: Some(next(n % 4)),
            tenant: None,
        });
        inventory.devices.push(Host {
            id,
            name: Some(format!("node-{n}")),
            status: "active".into(),
            site: Some(next(n % 4)),
            role: Some(1),
            cluster: Some(id),
            custom_fields: object(json!({"observed_by": ["proxmox"]})),
            ..Host::default()
        });
        inventory.interfaces.push(Interface { id, host: id, name: "eno1".into() });
    }
    inventory
}

fn machine(inventory: &mut Inventory, n: usize, services: usize) {
    let id = next(n);
    let cluster = next(n / PER_CLUSTER);
    inventory.vms.push(Host {
        id,
        name: Some(format!("vm-{n:05}")),
        status: "active".into(),
        site: Some(next(n / PER_CLUSTER % 4)),
        tenant: Some(next(n % 3)),
        role: Some(next(n % 5)),
        cluster: Some(cluster),
        device: Some(cluster),
        vcpus: Some(4.0),
        memory: Some(8192),
        disk: Some(65_536),
        primary_ip4: Some(id),
        tags: vec![next(n % 20), next((n + 7) % 20)],
        custom_fields: object(json!({"observed_by": ["docker", "proxmox"]})),
        ..Host::default()
    });
    inventory.vm_interfaces.push(Interface { id, host: id, name: "eth0".into() });
    let [.., a, b, c, d] = (id).to_be_bytes();
    inventory.macs.push(Mac {
        id,
        address: format!("BC:24:{a:02X}:{b:02X}:{c:02X}:{d:02X}"),
        interface: Some(ObjectRef::vm_interface(id)),
    });
    inventory.ips.push(Ip {
        id,
        address: format!("10.{}.{}.{}/16", n / 65_536, (n / 256) % 256, n % 256),
        status: "active".into(),
        dns_name: format!("vm-{n:05}.fleet.lan"),
        interface: Some(ObjectRef::vm_interface(id)),
        ..Ip::default()
    });
    for k in 0..services {
        let service_id = next(inventory.services.len());
        inventory.services.push(service(service_id, ObjectRef::vm(id), k));
    }
}

fn service(id: u64, parent: ObjectRef, k: usize) -> Service {
    Service {
        id,
        name: format!("service-{k:02}"),
        protocol: "tcp".into(),
        ports: vec![u32::try_from(8000 + k).unwrap_or(8000)],
        parent,
        tags: Vec::new(),
        custom_fields: object(json!({"lifecycle": "active", "container_name": format!("service-{k:02}")})),
    }
}

/// Ids count from 1.
fn next(n: usize) -> u64 {
    n as u64 + 1
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
