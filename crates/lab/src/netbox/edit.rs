//! Changing the simulated NetBox, with the traces real changes leave: a row of the changelog per object touched, none
//! on the hosts when what is nested in them is renamed, one per object that falls with another.
//!
//! What does not live here: deletions (`remove`), rights and limits (`limits`), and writes over HTTP.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use super::state::{Action, Kind, State};
use crate::inventory::{Host, Interface, Ip, Mac, Named, ObjectRef, Service};

/// The objects of a simulated NetBox, to be changed while it answers. Cheap to clone; all clones are the same NetBox.
#[derive(Clone, Debug)]
pub struct NetBox(pub(super) Arc<Mutex<State>>);

/// Changes whose place in the changelog was taken and which are not yet visible: a transaction that has not ended.
#[must_use = "a transaction that is never committed never happened"]
pub struct Transaction {
    netbox: NetBox,
    reserved: Vec<(u64, Timestamp)>,
}

impl Transaction {
    /// Makes the changes; they appear with the ids and times taken when the transaction began.
    pub fn commit<T>(self, edit: impl FnOnce(&NetBox) -> T) -> T {
        self.netbox.lock().reserved.extend(self.reserved);
        let value = edit(&self.netbox);
        self.netbox.lock().reserved.clear();
        value
    }
}

impl NetBox {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a transaction that will write so many rows of the changelog.
    pub fn begin(&self, rows: usize) -> Transaction {
        let mut state = self.lock();
        let now = state.now();
        let reserved = (0..rows).map(|_| (state.next_id(Kind::Change), now)).collect();
        Transaction { netbox: self.clone(), reserved }
    }

    /// Makes changes that leave no trace: direct SQL, a shell, a migration.
    pub fn untracked<T>(&self, edit: impl FnOnce(&Self) -> T) -> T {
        self.lock().untracked = true;
        let value = edit(self);
        self.lock().untracked = false;
        value
    }

    /// The id of a virtual machine of this name.
    pub fn vm(&self, name: &str) -> Option<u64> {
        self.lock().vms.values().find(|vm| vm.name.as_deref() == Some(name)).map(|vm| vm.id)
    }

    /// The id of a device of this name.
    pub fn device(&self, name: &str) -> Option<u64> {
        self.lock()
            .devices
            .values()
            .find(|device| device.name.as_deref() == Some(name))
            .map(|device| device.id)
    }

    /// The id of a service of this name on the device or virtual machine of that name.
    pub fn service(&self, host: &str, name: &str) -> Option<u64> {
        let parents: Vec<ObjectRef> =
            [self.device(host).map(ObjectRef::device), self.vm(host).map(ObjectRef::vm)]
                .into_iter()
                .flatten()
                .collect();
        let state = self.lock();
        let found =
            state.services.values().find(|service| service.name == name && parents.contains(&service.parent));
        found.map(|service| service.id)
    }

    /// The id of a tag with this slug.
    pub fn tag(&self, slug: &str) -> Option<u64> {
        self.lock().tags.values().find(|tag| tag.slug == slug).map(|tag| tag.id)
    }

    /// The ids of a model's objects (`ipam.service`).
    pub fn ids(&self, content_type: &str) -> Vec<u64> {
        Kind::of_content_type(content_type).map(|kind| self.lock().ids(kind)).unwrap_or_default()
    }

    /// Adds an active virtual machine; `with` says the rest.
    pub fn add_vm(&self, name: &str, with: impl FnOnce(&mut Host)) -> u64 {
        let mut state = self.lock();
        let mut vm = fresh_host(&mut state, Kind::Vm, name);
        with(&mut vm);
        let id = vm.id;
        state.vms.insert(id, vm);
        state.record(Action::Create, ObjectRef::vm(id), name);
        id
    }

    /// Adds an active device; `with` says the rest.
    pub fn add_device(&self, name: &str, with: impl FnOnce(&mut Host)) -> u64 {
        let mut state = self.lock();
        let mut device = fresh_host(&mut state, Kind::Device, name);
        with(&mut device);
        let id = device.id;
        state.devices.insert(id, device);
        state.record(Action::Create, ObjectRef::device(id), name);
        id
    }

    /// Adds a TCP service.
    pub fn add_service(
        &self,
        parent: ObjectRef,
        name: &str,
        ports: &[u32],
        with: impl FnOnce(&mut Service),
    ) -> u64 {
        let mut state = self.lock();
        state.begin_request();
        let id = state.next_id(Kind::Service);
        let mut service = Service {
            id,
            name: name.to_owned(),
            protocol: "tcp".to_owned(),
            ports: ports.to_vec(),
            parent,
            tags: Vec::new(),
            custom_fields: serde_json::Map::new(),
        };
        with(&mut service);
        state.services.insert(id, service);
        state.record(Action::Create, ObjectRef::new("ipam.service", id), name);
        id
    }

    /// Adds an interface to a device or virtual machine; its reference.
    pub fn add_interface(&self, host: &ObjectRef, name: &str) -> ObjectRef {
        let mut state = self.lock();
        state.begin_request();
        let of_vm = host.kind == Kind::Vm.content_type();
        let kind = if of_vm { Kind::VmInterface } else { Kind::Interface };
        let id = state.next_id(kind);
        let interface = Interface { id, host: host.id, name: name.to_owned() };
        if of_vm {
            state.vm_interfaces.insert(id, interface);
        } else {
            state.interfaces.insert(id, interface);
        }
        let object = ObjectRef::new(kind.content_type(), id);
        state.record(Action::Create, object.clone(), name);
        object
    }

    /// Adds an active address, carried by an interface.
    pub fn add_ip(&self, address: &str, interface: Option<ObjectRef>, with: impl FnOnce(&mut Ip)) -> u64 {
        let mut state = self.lock();
        state.begin_request();
        let id = state.next_id(Kind::Ip);
        let mut ip =
            Ip { id, address: address.to_owned(), status: "active".to_owned(), interface, ..Ip::default() };
        with(&mut ip);
        state.ips.insert(id, ip);
        state.record(Action::Create, ObjectRef::new("ipam.ipaddress", id), address);
        id
    }

    /// Adds a MAC address.
    pub fn add_mac(&self, address: &str, interface: Option<ObjectRef>) -> u64 {
        let mut state = self.lock();
        state.begin_request();
        let id = state.next_id(Kind::Mac);
        state.macs.insert(id, Mac { id, address: address.to_owned(), interface });
        state.record(Action::Create, ObjectRef::new("dcim.macaddress", id), address);
        id
    }

    /// Adds a tag.
    pub fn add_tag(&self, slug: &str) -> u64 {
        let mut state = self.lock();
        state.begin_request();
        let id = state.next_id(Kind::Tag);
        state.tags.insert(id, Named { id, name: slug.to_owned(), slug: slug.to_owned() });
        state.record(Action::Create, ObjectRef::new("extras.tag", id), slug);
        id
    }

    /// Edits a virtual machine. `false` if there is none.
    pub fn edit_vm(&self, id: u64, edit: impl FnOnce(&mut Host)) -> bool {
        self.edit(Kind::Vm, id, |state| state.vms.get_mut(&id).map(edit).is_some())
    }

    /// Edits a device. `false` if there is none.
    pub fn edit_device(&self, id: u64, edit: impl FnOnce(&mut Host)) -> bool {
        self.edit(Kind::Device, id, |state| state.devices.get_mut(&id).map(edit).is_some())
    }

    /// Edits a service. `false` if there is none.
    pub fn edit_service(&self, id: u64, edit: impl FnOnce(&mut Service)) -> bool {
        self.edit(Kind::Service, id, |state| state.services.get_mut(&id).map(edit).is_some())
    }

    /// Edits an address: only the address itself is in the changelog, never the host. `false` if there is none.
    pub fn edit_ip(&self, id: u64, edit: impl FnOnce(&mut Ip)) -> bool {
        self.edit(Kind::Ip, id, |state| state.ips.get_mut(&id).map(edit).is_some())
    }

    /// Edits a MAC address. `false` if there is none.
    pub fn edit_mac(&self, id: u64, edit: impl FnOnce(&mut Mac)) -> bool {
        self.edit(Kind::Mac, id, |state| state.macs.get_mut(&id).map(edit).is_some())
    }

    /// Renames a tag: only the tag itself is in the changelog. `false` if there is none.
    pub fn edit_tag(&self, id: u64, edit: impl FnOnce(&mut Named)) -> bool {
        self.edit(Kind::Tag, id, |state| state.tags.get_mut(&id).map(edit).is_some())
    }

    /// Renames a role. `false` if there is none.
    pub fn edit_role(&self, id: u64, edit: impl FnOnce(&mut Named)) -> bool {
        self.edit(Kind::Role, id, |state| state.roles.get_mut(&id).map(edit).is_some())
    }

    /// Renames a tenant. `false` if there is none.
    pub fn edit_tenant(&self, id: u64, edit: impl FnOnce(&mut Named)) -> bool {
        self.edit(Kind::Tenant, id, |state| state.tenants.get_mut(&id).map(edit).is_some())
    }

    /// Renames a site. `false` if there is none.
    pub fn edit_site(&self, id: u64, edit: impl FnOnce(&mut Named)) -> bool {
        self.edit(Kind::Site, id, |state| state.sites.get_mut(&id).map(edit).is_some())
    }

    /// Renames a cluster. `false` if there is none.
    pub fn rename_cluster(&self, id: u64, name: &str) -> bool {
        self.edit(Kind::Cluster, id, |state| {
            state.clusters.get_mut(&id).map(|cluster| name.clone_into(&mut cluster.name)).is_some()
        })
    }

    fn edit(&self, kind: Kind, id: u64, edit: impl FnOnce(&mut State) -> bool) -> bool {
        let mut state = self.lock();
        state.begin_request();
        let done = edit(&mut state);
        if done {
            state.record(Action::Update, ObjectRef::new(kind.content_type(), id), format!("{id}"));
        }
        done
    }

    /// Sets the status of the device or virtual machine of this name. `false` if there is none.
    pub fn set_status(&self, host: &str, status: &str) -> bool {
        self.edit_host(host, |row| status.clone_into(&mut row.status))
    }

    /// Renames the device or virtual machine of this name. `false` if there is none.
    pub fn rename(&self, host: &str, to: &str) -> bool {
        self.edit_host(host, |row| row.name = Some(to.to_owned()))
    }

    /// Edits the device or virtual machine of this name. `false` if there is none.
    pub fn edit_host(&self, host: &str, edit: impl FnOnce(&mut Host)) -> bool {
        match (self.vm(host), self.device(host)) {
            (Some(id), _) => self.edit_vm(id, edit),
            (None, Some(id)) => self.edit_device(id, edit),
            (None, None) => false,
        }
    }

    /// Sets the ports of a service. `false` if there is none.
    pub fn set_ports(&self, host: &str, service: &str, ports: &[u32]) -> bool {
        let id = self.service(host, service);
        id.is_some_and(|id| self.edit_service(id, |row| row.ports = ports.to_vec()))
    }

    /// Sets a custom field of a service; null unsets it. `false` if there is no such service.
    pub fn set_service_field(&self, host: &str, service: &str, field: &str, value: Value) -> bool {
        let id = self.service(host, service);
        id.is_some_and(|id| {
            self.edit_service(id, |row| {
                row.custom_fields.insert(field.to_owned(), value);
            })
        })
    }

    /// Something else happened that the changelog tells of.
    pub fn record(&self, action: Action, content_type: &str, id: u64) {
        let mut state = self.lock();
        state.begin_request();
        state.record(action, ObjectRef::new(content_type, id), format!("{content_type} {id}"));
    }
}

fn fresh_host(state: &mut State, kind: Kind, name: &str) -> Host {
    state.begin_request();
    Host {
        id: state.next_id(kind),
        name: Some(name.to_owned()),
        status: "active".to_owned(),
        ..Host::default()
    }
}
