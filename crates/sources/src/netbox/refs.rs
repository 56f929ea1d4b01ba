//! References between models that lead nowhere. NetBox offers no consistent read across models, so a service can be
//! read whose machine was created a moment too late, or is hidden from the token.
//!
//! Pure. What does not live here: reading again (`mod`).

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_core::model::HostKind;

use super::model::Model;
use super::rows::{HostKey, InterfaceKey, Owner};
use super::tables::Tables;

/// A row that refers to one that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dangling {
    pub(super) from: (Model, u64),
    pub(super) to: (Model, u64),
}

/// Every reference that leads nowhere. Where hosts are filtered, references to hosts are left out: those lead outside.
pub(super) fn dangling(tables: &Tables, hosts_are_filtered: bool) -> Vec<Dangling> {
    let mut found = Vec::new();
    let mut check = |from: (Model, u64), to: (Model, u64)| {
        if !tables.has(to.0, to.1) {
            found.push(Dangling { from, to });
        }
    };
    for (id, ip) in &tables.ips {
        if let Some(to) = ip.as_ref().ok().and_then(|ip| ip.interface).map(interface_row) {
            check((Model::Ips, *id), to);
        }
    }
    for (id, mac) in &tables.macs {
        if let Some(to) = mac.as_ref().ok().and_then(|mac| mac.interface).map(interface_row) {
            check((Model::Macs, *id), to);
        }
    }
    if hosts_are_filtered {
        return found;
    }
    for (id, service) in &tables.services {
        if let Ok(Owner::Host(host)) = service.as_ref().map(|service| &service.owner) {
            check((Model::Services, *id), host_row(*host));
        }
    }
    for (model, interfaces) in
        [(Model::Interfaces, &tables.interfaces), (Model::VmInterfaces, &tables.vm_interfaces)]
    {
        for (id, interface) in interfaces {
            if let Ok(interface) = interface {
                check((model, *id), host_row(interface.host));
            }
        }
    }
    found
}

/// What to read again to find out: both ends of each reference.
pub(super) fn both_ends(dangling: &[Dangling]) -> BTreeMap<Model, BTreeSet<u64>> {
    let mut rows: BTreeMap<Model, BTreeSet<u64>> = BTreeMap::new();
    for Dangling { from, to } in dangling {
        rows.entry(from.0).or_default().insert(from.1);
        rows.entry(to.0).or_default().insert(to.1);
    }
    rows
}

fn interface_row(interface: InterfaceKey) -> (Model, u64) {
    match interface.kind {
        HostKind::Device => (Model::Interfaces, interface.id),
        HostKind::VirtualMachine => (Model::VmInterfaces, interface.id),
    }
}

fn host_row(host: HostKey) -> (Model, u64) {
    match host.kind {
        HostKind::Device => (Model::Devices, host.id),
        HostKind::VirtualMachine => (Model::Vms, host.id),
    }
}
