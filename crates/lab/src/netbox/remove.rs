//! Deleting from the simulated NetBox: what falls with an object, and the trace each leaves.
//!
//! What does not live here: edits (`edit`).

use super::edit::NetBox;
use super::state::{Action, Kind, State};
use crate::inventory::ObjectRef;

impl NetBox {
    /// Deletes a service. `false` if there is none.
    pub fn remove_service(&self, id: u64) -> bool {
        self.remove(Kind::Service, id)
    }

    /// Deletes an address; the host it was the primary one of loses it, with a trace. `false` if there is none.
    pub fn remove_ip(&self, id: u64) -> bool {
        let gone = self.remove(Kind::Ip, id);
        if gone {
            let mut state = self.lock();
            drop_primary(&mut state, id);
        }
        gone
    }

    /// Deletes a MAC address. `false` if there is none.
    pub fn remove_mac(&self, id: u64) -> bool {
        self.remove(Kind::Mac, id)
    }

    /// Deletes a virtual machine with its services, interfaces, MACs, addresses and journal. `false` if there is none.
    pub fn remove_vm(&self, id: u64) -> bool {
        self.remove_host(ObjectRef::vm(id))
    }

    /// Deletes a device with its services, interfaces, MACs, addresses and journal. `false` if there is none.
    pub fn remove_device(&self, id: u64) -> bool {
        self.remove_host(ObjectRef::device(id))
    }

    /// Deletes a tag; every object that carried it is updated, with a trace. `false` if there is none.
    pub fn remove_tag(&self, id: u64) -> bool {
        let gone = self.remove(Kind::Tag, id);
        let mut state = self.lock();
        let State { devices, vms, services, .. } = &mut *state;
        let mut carried = Vec::new();
        let mut strip = |tags: &mut Vec<u64>, object: ObjectRef| {
            let before = tags.len();
            tags.retain(|tag| *tag != id);
            if tags.len() != before {
                carried.push(object);
            }
        };
        devices.values_mut().for_each(|row| strip(&mut row.tags, ObjectRef::device(row.id)));
        vms.values_mut().for_each(|row| strip(&mut row.tags, ObjectRef::vm(row.id)));
        services.values_mut().for_each(|row| strip(&mut row.tags, ObjectRef::new("ipam.service", row.id)));
        for object in carried {
            state.record(Action::Update, object, "tag removed");
        }
        gone
    }

    fn remove(&self, kind: Kind, id: u64) -> bool {
        let mut state = self.lock();
        state.begin_request();
        forget(&mut state, kind, id)
    }

    fn remove_host(&self, host: ObjectRef) -> bool {
        let mut state = self.lock();
        state.begin_request();
        let of_vm = host.kind == Kind::Vm.content_type();
        let (kind, interface_kind) =
            if of_vm { (Kind::Vm, Kind::VmInterface) } else { (Kind::Device, Kind::Interface) };
        let interfaces = if of_vm { &state.vm_interfaces } else { &state.interfaces };
        let interfaces: Vec<ObjectRef> = interfaces
            .values()
            .filter(|row| row.host == host.id)
            .map(|row| ObjectRef::new(interface_kind.content_type(), row.id))
            .collect();
        let carried =
            |interface: &Option<ObjectRef>| interface.as_ref().is_some_and(|it| interfaces.contains(it));
        let ips: Vec<u64> = state.ips.values().filter(|ip| carried(&ip.interface)).map(|ip| ip.id).collect();
        let macs: Vec<u64> =
            state.macs.values().filter(|mac| carried(&mac.interface)).map(|mac| mac.id).collect();
        let services: Vec<u64> =
            state.services.values().filter(|row| row.parent == host).map(|row| row.id).collect();
        let entries: Vec<u64> =
            state.journal.values().filter(|entry| entry.object == host).map(|entry| entry.id).collect();
        let falling = ips
            .into_iter()
            .map(|id| (Kind::Ip, id))
            .chain(macs.into_iter().map(|id| (Kind::Mac, id)))
            .chain(interfaces.iter().map(|interface| (interface_kind, interface.id)))
            .chain(services.into_iter().map(|id| (Kind::Service, id)))
            .chain(entries.into_iter().map(|id| (Kind::Journal, id)));
        for (kind, id) in falling {
            forget(&mut state, kind, id);
        }
        if !of_vm {
            unpin(&mut state, host.id);
        }
        forget(&mut state, kind, host.id)
    }
}

/// The virtual machines of a node that is going lose their pin, with a trace.
fn unpin(state: &mut State, node: u64) {
    let mut pinned = Vec::new();
    for vm in state.vms.values_mut().filter(|vm| vm.device == Some(node)) {
        vm.device = None;
        pinned.push(vm.id);
    }
    for id in pinned {
        state.record(Action::Update, ObjectRef::vm(id), "unpinned");
    }
}

/// Removes a row, with a trace. The trace comes first: it may say something about the row.
fn forget(state: &mut State, kind: Kind, id: u64) -> bool {
    if state.has(kind, id) {
        state.record(Action::Delete, ObjectRef::new(kind.content_type(), id), format!("{id}"));
    }
    match kind {
        Kind::Device => state.devices.remove(&id).is_some(),
        Kind::Vm => state.vms.remove(&id).is_some(),
        Kind::Cluster => state.clusters.remove(&id).is_some(),
        Kind::Site => state.sites.remove(&id).is_some(),
        Kind::Tenant => state.tenants.remove(&id).is_some(),
        Kind::Role => state.roles.remove(&id).is_some(),
        Kind::Tag => state.tags.remove(&id).is_some(),
        Kind::CustomField => state.custom_fields.remove(&id).is_some(),
        Kind::Interface => state.interfaces.remove(&id).is_some(),
        Kind::VmInterface => state.vm_interfaces.remove(&id).is_some(),
        Kind::Mac => state.macs.remove(&id).is_some(),
        Kind::Ip => state.ips.remove(&id).is_some(),
        Kind::Service => state.services.remove(&id).is_some(),
        Kind::Journal => state.journal.remove(&id).is_some(),
        Kind::Change => state.changes.remove(&id).is_some(),
    }
}

fn drop_primary(state: &mut State, ip: u64) {
    let State { devices, vms, .. } = state;
    let mut lost = Vec::new();
    for device in devices.values_mut().filter(|row| row.primary_ip4 == Some(ip)) {
        device.primary_ip4 = None;
        lost.push(ObjectRef::device(device.id));
    }
    for vm in vms.values_mut().filter(|row| row.primary_ip4 == Some(ip)) {
        vm.primary_ip4 = None;
        lost.push(ObjectRef::vm(vm.id));
    }
    for object in lost {
        state.record(Action::Update, object, "primary address removed");
    }
}
