//! What an action can be told about a drift beyond the drift itself. What is not known for certain is not in here: nobody
//! restarts a container whose name had to be guessed.

use std::sync::Arc;

use evenkeel_core::ledger::Entry;
use evenkeel_core::model::{Expected, ExpectedHost, Observed, ObservedMachine};
use evenkeel_core::remediation::{Param, Params};
use evenkeel_core::{DriftId, Lookup, ServiceName, SourceKind};

use crate::world::Slice;

/// What is known of this drift.
pub(super) fn known(id: &DriftId, entry: Option<&Entry>, slice: &Slice) -> Params {
    let mut params = Params::new();
    if let Some(entry) = entry {
        params.insert(Param::Source, Arc::from(entry.evidence.source.to_string()));
    }
    let Slice::Host { expected, observed, .. } = slice else {
        return params;
    };
    let declared = match expected.host() {
        Lookup::Present(host) => Some(host),
        Lookup::Absent | Lookup::Unknown(_) => None,
    };
    if let Some(service) = &id.service {
        insert(&mut params, Param::Container, container(observed, service));
        insert(&mut params, Param::Port, declared.and_then(|host| port(host, expected, service)));
    }
    let machine = machine(observed);
    let vmid = declared.and_then(|host| host.proxmox_vmid).or(machine.and_then(|machine| machine.vmid));
    insert(&mut params, Param::Vmid, vmid.map(|vmid| Arc::from(vmid.to_string())));
    insert(&mut params, Param::Node, machine.and_then(|machine| machine.node.clone()));
    let ip = declared.and_then(|host| host.primary_ip);
    insert(&mut params, Param::Ip, ip.map(|ip| Arc::from(ip.to_string())));
    params
}

fn insert(params: &mut Params, param: Param, value: Option<Arc<str>>) {
    if let Some(value) = value {
        params.insert(param, value);
    }
}

/// The one container behind the service, as its engine names it. Of several nobody knows which is meant.
fn container(observed: &Observed, service: &ServiceName) -> Option<Arc<str>> {
    let engines = observed.views().iter().filter(|view| view.source.kind == SourceKind::Docker);
    let mut shown = engines.filter_map(|view| match view.service(service) {
        Lookup::Present(service) => Some(service),
        Lookup::Absent | Lookup::Unknown(_) => None,
    });
    let (one, another) = (shown.next()?, shown.next());
    (another.is_none() && one.replicas == 1).then(|| one.hints.container_name.clone()).flatten()
}

/// The lowest declared port.
fn port(host: &ExpectedHost, expected: &Expected, service: &ServiceName) -> Option<Arc<str>> {
    if host.sensitive {
        return None;
    }
    let Lookup::Present(service) = expected.service(service) else {
        return None;
    };
    let lowest = service.ports.as_slice().iter().map(|port| port.number).min()?;
    Some(Arc::from(lowest.to_string()))
}

/// The guest as its hypervisor shows it; of two that show one, nobody knows which is meant.
fn machine(observed: &Observed) -> Option<&ObservedMachine> {
    let hypervisors = observed.views().iter().filter(|view| view.source.kind == SourceKind::Proxmox);
    let mut machines = hypervisors.filter_map(|view| match view.machine() {
        Some(Lookup::Present(machine)) => Some(machine),
        Some(Lookup::Absent | Lookup::Unknown(_)) | None => None,
    });
    let (one, another) = (machines.next()?, machines.next());
    another.is_none().then_some(one)
}
