//! How a cluster looks on the wire: numbers for switches, absent fields for what is not there, as in pve-manager 8.2 and
//! 9.2. What does not live here: HTTP (`serve`).

use serde_json::{Map, Value, json};

use super::cluster::{Agent, Cluster, Guest, Node, PveVersion, Standing, Storage};

/// What a login may see.
pub(super) type May<'a> = &'a dyn Fn(&str, &str) -> bool;

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

fn bit(flag: bool) -> Value {
    json!(u8::from(flag))
}

/// `GET /cluster/resources`, of one type or of all.
pub(super) fn resources(cluster: &Cluster, kind: Option<&str>, may: May<'_>) -> Value {
    let wanted = |name: &str| kind.is_none_or(|kind| kind == name);
    let mut rows: Vec<Value> = Vec::new();
    if wanted("vm") {
        let seen = cluster.guests.values().filter(|guest| may(&format!("/vms/{}", guest.vmid), "VM.Audit"));
        rows.extend(seen.map(|guest| guest_row(cluster, guest, may)));
    }
    if wanted("node") {
        rows.extend(cluster.nodes.iter().map(|node| {
            let audited = may(&format!("/nodes/{}", node.name), "Sys.Audit");
            node_row(cluster, node, audited)
        }));
    }
    if wanted("storage") {
        let seen = cluster.storages.iter().filter(|storage| {
            let path = format!("/storage/{}", storage.name);
            may(&path, "Datastore.Audit") || may(&path, "Datastore.AllocateSpace")
        });
        rows.extend(seen.map(|storage| storage_row(cluster, storage)));
    }
    Value::Array(rows)
}

fn node_of<'a>(cluster: &'a Cluster, name: &str) -> Option<&'a Node> {
    cluster.nodes.iter().find(|node| node.name == name)
}

fn is_online(cluster: &Cluster, node: &str) -> bool {
    node_of(cluster, node).is_some_and(|node| node.standing == Standing::Online)
}

fn node_row(cluster: &Cluster, node: &Node, audited: bool) -> Value {
    let status = match node.standing {
        Standing::Online => "online",
        Standing::Offline => "offline",
        Standing::Unknown => "unknown",
    };
    let mut row = object(json!({
        "id": format!("node/{}", node.name), "type": "node", "node": node.name, "status": status
    }));
    if audited {
        row.insert("cgroup-mode".to_owned(), json!(2));
    }
    if audited && node.standing == Standing::Online {
        row.append(&mut object(json!({
            "uptime": 86400, "cpu": node.cpu, "maxcpu": node.cpus, "mem": node.memory.0, "maxmem": node.memory.1,
            "disk": 5_u64 << 30, "maxdisk": 94_u64 << 30, "level": ""
        })));
        if cluster.version == PveVersion::V9 {
            row.insert("host-arch".to_owned(), json!("x86_64"));
        }
    }
    Value::Object(row)
}

fn storage_row(cluster: &Cluster, storage: &Storage) -> Value {
    let there = storage.available && is_online(cluster, &storage.node);
    let mut row = object(json!({
        "id": format!("storage/{}/{}", storage.node, storage.name), "type": "storage", "storage": storage.name,
        "node": storage.node, "plugintype": storage.plugin, "status": if there { "available" } else { "unknown" },
        "shared": bit(storage.shared), "content": "images,rootdir"
    }));
    if there {
        row.append(&mut object(json!({"disk": storage.bytes.0, "maxdisk": storage.bytes.1})));
    }
    Value::Object(row)
}

fn guest_row(cluster: &Cluster, guest: &Guest, may: May<'_>) -> Value {
    let forgotten = node_of(cluster, &guest.node).is_some_and(|node| node.forgotten);
    let mut row = object(json!({
        "id": format!("{}/{}", guest.kind(), guest.vmid), "type": guest.kind(), "vmid": guest.vmid, "node": guest.node
    }));
    let optional = [
        ("lock", guest.lock.clone()),
        ("pool", guest.pool.clone().filter(|pool| may(&format!("/pool/{pool}"), "Pool.Audit"))),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            row.insert(key.to_owned(), json!(value));
        }
    }
    if forgotten {
        row.insert("status".to_owned(), json!("unknown"));
    } else {
        row.append(&mut living(cluster, guest));
    }
    for (key, value) in &guest.tampered {
        if value.is_null() {
            row.remove(key);
        } else {
            row.insert(key.clone(), value.clone());
        }
    }
    Value::Object(row)
}

fn living(cluster: &Cluster, guest: &Guest) -> Map<String, Value> {
    let used = if guest.running { guest.memory_mib << 19 } else { 0 };
    let boot = guest.disks_mib.first().copied().unwrap_or(0) << 20;
    let mut row = object(json!({
        "name": guest.name, "status": if guest.running { "running" } else { "stopped" },
        "template": bit(guest.template), "maxcpu": guest.cpus, "cpu": if guest.running { guest.cpu } else { 0.0 },
        "maxmem": guest.memory_mib << 20, "mem": used, "maxdisk": boot,
        "disk": if guest.container { boot / 2 } else { 0 }, "netin": 1, "netout": 2, "diskread": 3, "diskwrite": 4,
        "uptime": if guest.running { guest.uptime + guest.counted_from.elapsed().as_secs() } else { 0 }
    }));
    if let Some(tags) = &guest.tags {
        row.insert("tags".to_owned(), json!(tags));
    }
    if cluster.version == PveVersion::V9 && guest.running {
        row.insert("memhost".to_owned(), json!(used + (64 << 20)));
    }
    row
}

/// `GET /cluster/status`.
pub(super) fn status(cluster: &Cluster, local: &str) -> Value {
    let mut rows = Vec::new();
    if let Some(name) = &cluster.name {
        rows.push(json!({
            "id": "cluster", "type": "cluster", "name": name, "nodes": cluster.nodes.len(), "version": 2,
            "quorate": bit(cluster.quorate)
        }));
    }
    for (n, node) in cluster.nodes.iter().enumerate() {
        rows.push(json!({
            "id": format!("node/{}", node.name), "type": "node", "name": node.name, "ip": node.ip, "level": "",
            "online": bit(node.standing == Standing::Online), "local": bit(node.name == local), "nodeid": n + 1
        }));
    }
    Value::Array(rows)
}

/// `GET /version`.
pub(super) fn version(version: PveVersion) -> Value {
    match version {
        PveVersion::V8 => json!({"version": "8.2.4", "release": "8.2", "repoid": "faa83925c9641325"}),
        PveVersion::V9 => json!({"version": "9.1.2", "release": "9.1", "repoid": "9d436f37a0ac4172"}),
    }
}

/// `GET /nodes/{node}/{kind}/{vmid}/config`.
pub(super) fn config(guest: &Guest, current: bool) -> Value {
    let mut config = if guest.container { lxc_config(guest) } else { qemu_config(guest) };
    if !current {
        config.extend(guest.pending.clone());
    }
    Value::Object(config)
}

fn qemu_config(guest: &Guest) -> Map<String, Value> {
    let mut config = object(json!({
        "name": guest.name, "cores": guest.cpus, "sockets": 1, "memory": guest.memory_mib.to_string(),
        "ostype": "l26", "onboot": 1, "boot": "order=scsi0;ide2;net0", "scsihw": "virtio-scsi-single",
        "ide2": "none,media=cdrom", "smbios1": format!("uuid={}", guest.uuid),
        "vmgenid": guest.uuid.replace("5c1d", "a1b2"), "description": "kept by hand\n",
        "digest": "c38b2f0a4b2c1a3c5de0a27f8f55df5b4a4cd24f"
    }));
    for (n, mac) in guest.macs.iter().enumerate() {
        config.insert(format!("net{n}"), json!(format!("virtio={mac},bridge=vmbr0,firewall=1")));
    }
    for (n, mib) in guest.disks_mib.iter().enumerate() {
        let disk = format!("local-lvm:vm-{}-disk-{n},discard=on,iothread=1,size={}", guest.vmid, size(*mib));
        config.insert(format!("scsi{n}"), json!(disk));
    }
    if guest.agent != Agent::None {
        config.insert("agent".to_owned(), json!("enabled=1"));
    }
    config
}

fn lxc_config(guest: &Guest) -> Map<String, Value> {
    let mut config = object(json!({
        "hostname": guest.name, "cores": guest.cpus, "memory": guest.memory_mib, "swap": 512, "arch": "amd64",
        "ostype": "debian", "unprivileged": 1, "digest": "0aa4cd24fc38b2f0a4b2c1a3c5de0a27f8f55df5"
    }));
    for (n, mac) in guest.macs.iter().enumerate() {
        let net = format!("name=eth{n},bridge=vmbr0,firewall=1,hwaddr={mac},ip=dhcp,type=veth");
        config.insert(format!("net{n}"), json!(net));
    }
    for (n, mib) in guest.disks_mib.iter().enumerate() {
        let disk = format!("local-lvm:vm-{}-disk-{n}", guest.vmid);
        let (key, value) = match n {
            0 => ("rootfs".to_owned(), format!("{disk},size={}", size(*mib))),
            n => (format!("mp{}", n - 1), format!("{disk},mp=/data{n},size={}", size(*mib))),
        };
        config.insert(key, json!(value));
    }
    config
}

fn size(mib: u64) -> String {
    if mib.is_multiple_of(1024) { format!("{}G", mib / 1024) } else { format!("{mib}M") }
}

fn ip_type(address: &std::net::IpAddr) -> &'static str {
    if address.is_ipv4() { "ipv4" } else { "ipv6" }
}

/// `GET …/agent/network-get-interfaces`.
pub(super) fn agent_interfaces(guest: &Guest) -> Value {
    let mut interfaces = vec![json!({
        "name": "lo", "hardware-address": "00:00:00:00:00:00",
        "ip-addresses": [{"ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8}]
    })];
    for (n, mac) in guest.macs.iter().enumerate() {
        let mut addresses =
            vec![json!({"ip-address": "fe80::be24:11ff:fe00:1", "ip-address-type": "ipv6", "prefix": 64})];
        if n == 0 {
            addresses.extend(guest.addresses.iter().map(|address| {
                json!({"ip-address": address.to_string(), "ip-address-type": ip_type(address), "prefix": 24})
            }));
        }
        interfaces.push(json!({
            "name": format!("eth{n}"), "hardware-address": mac.to_lowercase(), "ip-addresses": addresses
        }));
    }
    json!({"result": interfaces})
}

/// `GET …/lxc/{vmid}/interfaces`: 9.x says everything twice, the older way and as agents do.
pub(super) fn lxc_interfaces(guest: &Guest, version: PveVersion) -> Value {
    let mut interfaces = vec![json!({"name": "lo", "hwaddr": "00:00:00:00:00:00", "inet": "127.0.0.1/8"})];
    for (n, mac) in guest.macs.iter().enumerate() {
        let mut interface = object(json!({"name": format!("eth{n}"), "hwaddr": mac.to_lowercase()}));
        let own = if n == 0 { guest.addresses.as_slice() } else { &[] };
        for address in own {
            let key = if address.is_ipv4() { "inet" } else { "inet6" };
            interface.insert(key.to_owned(), json!(format!("{address}/24")));
        }
        if version == PveVersion::V9 {
            interface.insert("hardware-address".to_owned(), json!(mac.to_lowercase()));
            let told: Vec<Value> = own
                .iter()
                .map(|ip| json!({"ip-address": ip.to_string(), "ip-address-type": ip_type(ip), "prefix": "24"}))
                .collect();
            interface.insert("ip-addresses".to_owned(), json!(told));
        }
        interfaces.push(Value::Object(interface));
    }
    Value::Array(interfaces)
}
