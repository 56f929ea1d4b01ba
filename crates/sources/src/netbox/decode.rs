//! From rows to the inventory: joins, names, contradictions. Pure.
//!
//! What does not live here: how rows were read (`walk`) and checked (`rows`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_core::model::{Contradiction, ExpectedHost, HostKind};
use evenkeel_core::{Coverage, Gap, GapKind, HostName};

use super::config::Filters;
use super::merge;
use super::names::{self, Names, handle};
use super::rows::{Flaw, HostKey, HostRow, InterfaceKey, Owner, ServiceRow, Settings};
use super::tables::{Table, Tables};

/// The hosts, and what keeps them from being all there is.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) hosts: Vec<Arc<ExpectedHost>>,
    pub(super) gap: Option<Gap>,
}

/// Builds the inventory anew from everything that was read. Hosts that are as they were in `before` (sorted by name, as
/// this returns them) stay the same allocation, and no second fleet is in memory meanwhile.
pub(super) fn inventory(tables: &Tables, settings: &Settings, before: &[Arc<ExpectedHost>]) -> Decoded {
    let kept = kept_hosts(tables, &settings.filters);
    let names = names::assign(&kept);
    let network = Network::of(tables, &names);
    let services = services_by_host(tables);
    let flawed = flawed_services(tables);
    let mut hosts: Vec<Arc<ExpectedHost>> = kept
        .iter()
        .map(|(key, row)| {
            let own = services.get(key).map_or(&[][..], Vec::as_slice);
            let joined = Joined { tables, names: &names, network: &network, services: own, flawed: &flawed };
            shared(host(*key, row, &joined), before)
        })
        .collect();
    hosts.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Decoded { hosts, gap: flaw(tables) }
}

/// The host as it was, if it is still that.
fn shared(host: ExpectedHost, before: &[Arc<ExpectedHost>]) -> Arc<ExpectedHost> {
    let known =
        before.binary_search_by(|known| known.name.cmp(&host.name)).ok().and_then(|at| before.get(at));
    match known {
        Some(known) if **known == host => Arc::clone(known),
        Some(_) | None => Arc::new(host),
    }
}

/// What a host's row is joined with.
struct Joined<'a> {
    tables: &'a Tables,
    names: &'a Names,
    network: &'a Network,
    services: &'a [(u64, &'a ServiceRow)],
    flawed: &'a BTreeMap<HostKey, Gap>,
}

fn host(key: HostKey, row: &HostRow, joined: &Joined<'_>) -> ExpectedHost {
    let Joined { tables, names, network, services, flawed } = joined;
    let name = name_of(names, key);
    let net = network.hosts.get(&key);
    let primary_ip = row.primary.map(|(id, known)| match tables.ips.get(&id) {
        Some(Ok(ip)) => ip.address,
        Some(Err(_)) | None => known,
    });
    let mut addresses: BTreeSet<IpAddr> = net.map(|net| net.addresses.clone()).unwrap_or_default();
    addresses.extend(primary_ip);
    let mut aliases: BTreeSet<Arc<str>> = row.aliases.iter().cloned().collect();
    aliases.extend(net.into_iter().flat_map(|net| net.dns.iter().cloned()));
    aliases.retain(|alias| !alias.eq_ignore_ascii_case(name.as_str()));
    let (services, of_services) = merge::services(services);
    let mut contradictions = of_host(key, names, net);
    contradictions.extend(of_services);
    contradictions.sort_unstable();
    ExpectedHost {
        kind: key.kind,
        netbox_id: key.id,
        status: row.status.clone(),
        primary_ip,
        addresses: addresses.into_iter().collect(),
        macs: net.map(|net| net.macs.iter().cloned().collect()).unwrap_or_default(),
        aliases: aliases.into_iter().collect(),
        role: row.role.clone(),
        site: row.site.clone(),
        tenant: row.tenant.clone(),
        cluster: row.cluster.clone(),
        node: row.node.as_ref().map(|node| node_name(node, tables, names)),
        vcpus: row.vcpus,
        memory_mib: row.memory_mib,
        disk_mib: row.disk_mib,
        tags: row.tags.clone(),
        observed_by: row.observed_by.clone(),
        docker_endpoint: row.docker_endpoint.clone(),
        proxmox_vmid: row.proxmox_vmid,
        sensitive: row.sensitive,
        services,
        services_coverage: match flawed.get(&key) {
            Some(gap) => Coverage::Partial(gap.clone()),
            None => Coverage::Complete,
        },
        contradictions,
        name,
    }
}

/// What is wrong with the host itself.
fn of_host(key: HostKey, names: &Names, net: Option<&HostNetwork>) -> Vec<Contradiction> {
    let of_name = names.contradictions.iter().filter(|(whose, _)| *whose == key).map(|(_, what)| what);
    let of_net = net.into_iter().flat_map(|net| &net.contradictions);
    of_name.chain(of_net).map(|what| Contradiction { service: None, what: what.as_str().into() }).collect()
}

fn kept_hosts<'a>(tables: &'a Tables, filters: &Filters) -> Vec<(HostKey, &'a HostRow)> {
    [(HostKind::Device, &tables.devices), (HostKind::VirtualMachine, &tables.vms)]
        .into_iter()
        .flat_map(|(kind, table)| {
            table.iter().filter_map(move |(id, row)| Some((HostKey { kind, id: *id }, row.as_ref().ok()?)))
        })
        .filter(|(_, row)| passes(row, filters))
        .collect()
}

/// NetBox was asked the same; but it answers a filter it does not know with everything.
fn passes(row: &HostRow, filters: &Filters) -> bool {
    let Filters { sites, tenants, tags, roles } = filters;
    let one_of = |wanted: &[String], has: Option<&str>| {
        wanted.is_empty() || has.is_some_and(|has| wanted.iter().any(|wanted| wanted == has))
    };
    one_of(sites, row.site.as_deref())
        && one_of(tenants, row.tenant.as_deref())
        && one_of(roles, row.role.as_deref())
        && tags.iter().all(|wanted| row.tags.iter().any(|tag| **tag == **wanted))
}

fn name_of(names: &Names, key: HostKey) -> HostName {
    names.of.get(&key).cloned().unwrap_or_else(|| HostName::new(handle(key)))
}

/// The node's present name where the device was read; the nested one can be older than a rename.
fn node_name((id, nested): &(u64, Option<Arc<str>>), tables: &Tables, names: &Names) -> HostName {
    let key = HostKey { kind: HostKind::Device, id: *id };
    if let Some(name) = names.of.get(&key) {
        return name.clone();
    }
    let read = tables.devices.get(id).and_then(|row| row.as_ref().ok()).map(|row| row.name.clone());
    match read.unwrap_or_else(|| nested.clone()) {
        Some(name) => HostName::new(name.trim()),
        None => HostName::new(handle(key)),
    }
}

fn services_by_host(tables: &Tables) -> BTreeMap<HostKey, Vec<(u64, &ServiceRow)>> {
    let mut by_host: BTreeMap<HostKey, Vec<(u64, &ServiceRow)>> = BTreeMap::new();
    for (id, service) in &tables.services {
        let Ok(service) = service else { continue };
        match &service.owner {
            Owner::Host(key) => by_host.entry(*key).or_default().push((*id, service)),
            Owner::Other(kind) => {
                tracing::debug!(service = id, parent = %kind, "a service of something that is no host is left out");
            }
        }
    }
    by_host
}

fn flawed_services(tables: &Tables) -> BTreeMap<HostKey, Gap> {
    let mut by_host = BTreeMap::new();
    for (id, service) in &tables.services {
        if let Err(Flaw { why, owner: Some(key) }) = service {
            by_host.entry(*key).or_insert_with(|| malformed("service", *id, why));
        }
    }
    by_host
}

fn malformed(what: &str, id: u64, why: &str) -> Gap {
    Gap::new(GapKind::Malformed, format!("netbox {what} {id}: {why}"))
}

/// The first row that keeps the whole from being complete. A service whose host is known only blinds that host.
fn flaw(tables: &Tables) -> Option<Gap> {
    fn first<R>(what: &str, table: &Table<R>) -> Option<Gap> {
        table.iter().find_map(|(id, row)| match row {
            Err(Flaw { why, owner: None }) => Some(malformed(what, *id, why)),
            Err(Flaw { owner: Some(_), .. }) | Ok(_) => None,
        })
    }
    let Tables { devices, vms, services, ips, interfaces, vm_interfaces, macs } = tables;
    first("device", devices)
        .or_else(|| first("virtual machine", vms))
        .or_else(|| first("service", services))
        .or_else(|| first("ip address", ips))
        .or_else(|| first("device interface", interfaces))
        .or_else(|| first("vm interface", vm_interfaces))
        .or_else(|| first("mac address", macs))
}

/// What interfaces, addresses and MACs say about each host.
#[derive(Debug, Default)]
struct Network {
    hosts: BTreeMap<HostKey, HostNetwork>,
}

#[derive(Debug, Default)]
struct HostNetwork {
    addresses: BTreeSet<IpAddr>,
    macs: BTreeSet<Arc<str>>,
    dns: BTreeSet<Arc<str>>,
    contradictions: Vec<String>,
}

impl Network {
    fn of(tables: &Tables, names: &Names) -> Self {
        let mut network = Self::default();
        for table in [&tables.interfaces, &tables.vm_interfaces] {
            for interface in table.values().flatten() {
                network.hosts.entry(interface.host).or_default().macs.extend(interface.mac.clone());
            }
        }
        for mac in tables.macs.values().flatten() {
            if let Some(host) = mac.interface.and_then(|key| host_of(tables, key)) {
                network.hosts.entry(host).or_default().macs.insert(Arc::clone(&mac.mac));
            }
        }
        let mut claims: BTreeMap<(Option<u64>, IpAddr), BTreeSet<HostKey>> = BTreeMap::new();
        for ip in tables.ips.values().flatten() {
            let Some(host) = ip.interface.and_then(|key| host_of(tables, key)) else {
                continue;
            };
            let net = network.hosts.entry(host).or_default();
            net.addresses.insert(ip.address);
            net.dns.extend(ip.dns_name.iter().flat_map(|name| both_forms(name)));
            if !ip.shared && !is_everywhere(ip.address) && names.of.contains_key(&host) {
                claims.entry((ip.vrf, ip.address)).or_default().insert(host);
            }
        }
        network.report_shared(&claims, names);
        network
    }

    fn report_shared(&mut self, claims: &BTreeMap<(Option<u64>, IpAddr), BTreeSet<HostKey>>, names: &Names) {
        for ((_, address), hosts) in claims.iter().filter(|(_, hosts)| hosts.len() > 1) {
            let mut who: Vec<HostName> = hosts.iter().map(|key| name_of(names, *key)).collect();
            who.sort_unstable();
            let what = format!("{address} is assigned to {}", enumerate(&who));
            for key in hosts {
                self.hosts.entry(*key).or_default().contradictions.push(what.clone());
            }
        }
    }
}

fn host_of(tables: &Tables, interface: InterfaceKey) -> Option<HostKey> {
    let table = match interface.kind {
        HostKind::Device => &tables.interfaces,
        HostKind::VirtualMachine => &tables.vm_interfaces,
    };
    table.get(&interface.id)?.as_ref().ok().map(|row| row.host)
}

/// Addresses that every machine may carry.
fn is_everywhere(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified(),
    }
}

/// `box2-daily.bruce.lan` and `box2-daily`.
fn both_forms(name: &str) -> Vec<Arc<str>> {
    let full = name.trim_end_matches('.').to_lowercase();
    let mut forms = Vec::with_capacity(2);
    if let Some((label, _)) = full.split_once('.')
        && !label.is_empty()
        && label != "*"
    {
        forms.push(Arc::from(label));
    }
    forms.push(Arc::from(full));
    forms
}

/// `a`, `a and b`, `a, b and c`.
fn enumerate(names: &[HostName]) -> String {
    match names {
        [] => String::new(),
        [one] => one.to_string(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(HostName::as_str).collect();
            format!("{} and {last}", most.join(", "))
        }
    }
}
