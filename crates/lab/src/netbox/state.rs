//! What the simulated NetBox holds: its tables, its changelog, its rights.
//!
//! What does not live here: who changes it (`edit`) and how it looks on the wire (`render`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::journal::JournalEntry;
use super::limits::Aftermath;
use super::version::NetboxVersion;
use crate::inventory::{
    Cluster, CustomField, Host, Interface, Inventory, Ip, Mac, Named, ObjectRef, Service,
};

/// The models that have a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Device,
    Vm,
    Cluster,
    Site,
    Tenant,
    Role,
    Tag,
    CustomField,
    Interface,
    VmInterface,
    Mac,
    Ip,
    Service,
    Journal,
    Change,
}

impl Kind {
    pub(super) const ALL: [Self; 15] = [
        Self::Device,
        Self::Vm,
        Self::Cluster,
        Self::Site,
        Self::Tenant,
        Self::Role,
        Self::Tag,
        Self::CustomField,
        Self::Interface,
        Self::VmInterface,
        Self::Mac,
        Self::Ip,
        Self::Service,
        Self::Journal,
        Self::Change,
    ];

    /// Below `/api/`.
    pub(super) fn path(self, version: NetboxVersion) -> &'static str {
        match self {
            Self::Device => "dcim/devices/",
            Self::Vm => "virtualization/virtual-machines/",
            Self::Cluster => "virtualization/clusters/",
            Self::Site => "dcim/sites/",
            Self::Tenant => "tenancy/tenants/",
            Self::Role => "dcim/device-roles/",
            Self::Tag => "extras/tags/",
            Self::CustomField => "extras/custom-fields/",
            Self::Interface => "dcim/interfaces/",
            Self::VmInterface => "virtualization/interfaces/",
            Self::Mac => "dcim/mac-addresses/",
            Self::Ip => "ipam/ip-addresses/",
            Self::Service => "ipam/services/",
            Self::Journal => "extras/journal-entries/",
            Self::Change if version.minor() == 0 => "extras/object-changes/",
            Self::Change => "core/object-changes/",
        }
    }

    /// As the changelog writes it.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Device => "dcim.device",
            Self::Vm => "virtualization.virtualmachine",
            Self::Cluster => "virtualization.cluster",
            Self::Site => "dcim.site",
            Self::Tenant => "tenancy.tenant",
            Self::Role => "dcim.devicerole",
            Self::Tag => "extras.tag",
            Self::CustomField => "extras.customfield",
            Self::Interface => "dcim.interface",
            Self::VmInterface => "virtualization.vminterface",
            Self::Mac => "dcim.macaddress",
            Self::Ip => "ipam.ipaddress",
            Self::Service => "ipam.service",
            Self::Journal => "extras.journalentry",
            Self::Change => "core.objectchange",
        }
    }

    /// As a 404 writes it.
    pub(super) fn model_name(self) -> &'static str {
        match self {
            Self::Device => "Device",
            Self::Vm => "VirtualMachine",
            Self::Cluster => "Cluster",
            Self::Site => "Site",
            Self::Tenant => "Tenant",
            Self::Role => "DeviceRole",
            Self::Tag => "Tag",
            Self::CustomField => "CustomField",
            Self::Interface => "Interface",
            Self::VmInterface => "VMInterface",
            Self::Mac => "MACAddress",
            Self::Ip => "IPAddress",
            Self::Service => "Service",
            Self::Journal => "JournalEntry",
            Self::Change => "ObjectChange",
        }
    }

    pub(super) fn of_content_type(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.content_type() == text)
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It was created.
    Create,
    /// It was edited.
    Update,
    /// It was deleted.
    Delete,
}

impl Action {
    pub(super) fn value(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Create => "Created",
            Self::Update => "Updated",
            Self::Delete => "Deleted",
        }
    }
}

/// A row of the changelog.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) id: u64,
    pub(super) time: Timestamp,
    pub(super) action: Action,
    pub(super) object: ObjectRef,
    pub(super) repr: String,
    pub(super) request: u64,
}

/// Everything behind the lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) version: NetboxVersion,
    pub(super) devices: BTreeMap<u64, Host>,
    pub(super) vms: BTreeMap<u64, Host>,
    pub(super) clusters: BTreeMap<u64, Cluster>,
    pub(super) sites: BTreeMap<u64, Named>,
    pub(super) tenants: BTreeMap<u64, Named>,
    pub(super) roles: BTreeMap<u64, Named>,
    pub(super) tags: BTreeMap<u64, Named>,
    pub(super) custom_fields: BTreeMap<u64, CustomField>,
    pub(super) interfaces: BTreeMap<u64, Interface>,
    pub(super) vm_interfaces: BTreeMap<u64, Interface>,
    pub(super) macs: BTreeMap<u64, Mac>,
    pub(super) ips: BTreeMap<u64, Ip>,
    pub(super) services: BTreeMap<u64, Service>,
    pub(super) journal: BTreeMap<u64, JournalEntry>,
    pub(super) changes: BTreeMap<u64, Change>,
    /// The last id given out per kind; ids are never used again.
    last_ids: BTreeMap<Kind, u64>,
    last_request: u64,
    /// Its clock is this far ahead.
    pub(super) clock: SignedDuration,
    /// Ids given out to transactions that have not ended.
    pub(super) reserved: VecDeque<(u64, Timestamp)>,
    /// Direct SQL: edits leave no trace.
    pub(super) untracked: bool,
    /// Models this token may not see at all.
    pub(super) denied: BTreeSet<String>,
    /// Models this token may not add to.
    pub(super) not_added: BTreeSet<String>,
    /// What becomes of the answer to a write.
    pub(super) aftermath: Aftermath,
    /// Objects that a permission's constraints hide.
    pub(super) hidden: BTreeSet<(String, u64)>,
    /// `MAX_PAGE_SIZE`.
    pub(super) max_page_size: usize,
    /// A cache or proxy in front drops the query.
    pub(super) ignores_queries: bool,
    /// Rows answered otherwise than they are, for testing what foreign JSON does.
    pub(super) mangled: BTreeMap<(String, u64), serde_json::Value>,
}

impl State {
    pub(super) fn new(inventory: Inventory, version: NetboxVersion) -> Self {
        fn by_id<T>(rows: Vec<T>, id: impl Fn(&T) -> u64) -> BTreeMap<u64, T> {
            rows.into_iter().map(|row| (id(&row), row)).collect()
        }
        let mut state = Self {
            version,
            devices: by_id(inventory.devices, |row| row.id),
            vms: by_id(inventory.vms, |row| row.id),
            clusters: by_id(inventory.clusters, |row| row.id),
            sites: by_id(inventory.sites, |row| row.id),
            tenants: by_id(inventory.tenants, |row| row.id),
            roles: by_id(inventory.roles, |row| row.id),
            tags: by_id(inventory.tags, |row| row.id),
            custom_fields: by_id(inventory.custom_fields, |row| row.id),
            interfaces: by_id(inventory.interfaces, |row| row.id),
            vm_interfaces: by_id(inventory.vm_interfaces, |row| row.id),
            macs: by_id(inventory.macs, |row| row.id),
            ips: by_id(inventory.ips, |row| row.id),
            services: by_id(inventory.services, |row| row.id),
            journal: BTreeMap::new(),
            changes: BTreeMap::new(),
            last_ids: BTreeMap::new(),
            last_request: 0,
            clock: SignedDuration::ZERO,
            reserved: VecDeque::new(),
            untracked: false,
            denied: BTreeSet::new(),
            not_added: BTreeSet::new(),
            aftermath: Aftermath::default(),
            hidden: BTreeSet::new(),
            max_page_size: 1000,
            ignores_queries: false,
            mangled: BTreeMap::new(),
        };
        for kind in Kind::ALL {
            let last = state.ids(kind).last().copied().unwrap_or(0);
            state.last_ids.insert(kind, last);
        }
        // A NetBox that holds anything has a past.
        state.record(Action::Create, ObjectRef::new("dcim.site", 1), "seed");
        state
    }

    /// The ids of a kind's rows, ascending, hidden ones included.
    pub(super) fn ids(&self, kind: Kind) -> Vec<u64> {
        match kind {
            Kind::Device => self.devices.keys().copied().collect(),
            Kind::Vm => self.vms.keys().copied().collect(),
            Kind::Cluster => self.clusters.keys().copied().collect(),
            Kind::Site => self.sites.keys().copied().collect(),
            Kind::Tenant => self.tenants.keys().copied().collect(),
            Kind::Role => self.roles.keys().copied().collect(),
            Kind::Tag => self.tags.keys().copied().collect(),
            Kind::CustomField => self.custom_fields.keys().copied().collect(),
            Kind::Interface => self.interfaces.keys().copied().collect(),
            Kind::VmInterface => self.vm_interfaces.keys().copied().collect(),
            Kind::Mac => self.macs.keys().copied().collect(),
            Kind::Ip => self.ips.keys().copied().collect(),
            Kind::Service => self.services.keys().copied().collect(),
            Kind::Journal => self.journal.keys().copied().collect(),
            Kind::Change => self.changes.keys().copied().collect(),
        }
    }

    /// Whether there is such a row.
    pub(super) fn has(&self, kind: Kind, id: u64) -> bool {
        match kind {
            Kind::Device => self.devices.contains_key(&id),
            Kind::Vm => self.vms.contains_key(&id),
            Kind::Cluster => self.clusters.contains_key(&id),
            Kind::Site => self.sites.contains_key(&id),
            Kind::Tenant => self.tenants.contains_key(&id),
            Kind::Role => self.roles.contains_key(&id),
            Kind::Tag => self.tags.contains_key(&id),
            Kind::CustomField => self.custom_fields.contains_key(&id),
            Kind::Interface => self.interfaces.contains_key(&id),
            Kind::VmInterface => self.vm_interfaces.contains_key(&id),
            Kind::Mac => self.macs.contains_key(&id),
            Kind::Ip => self.ips.contains_key(&id),
            Kind::Service => self.services.contains_key(&id),
            Kind::Journal => self.journal.contains_key(&id),
            Kind::Change => self.changes.contains_key(&id),
        }
    }

    pub(super) fn is_hidden(&self, kind: Kind, id: u64) -> bool {
        !self.hidden.is_empty() && self.hidden.contains(&(kind.content_type().to_owned(), id))
    }

    /// An id nobody has had.
    pub(super) fn next_id(&mut self, kind: Kind) -> u64 {
        let last = self.last_ids.entry(kind).or_default();
        *last += 1;
        *last
    }

    /// The time, as this NetBox has it.
    pub(super) fn now(&self) -> Timestamp {
        evenkeel_ambient::elsewhere() + self.clock
    }

    /// A new request: the rows it writes share its id.
    pub(super) fn begin_request(&mut self) {
        self.last_request += 1;
    }

    /// Writes a row of the changelog, with a reserved id where a transaction holds one.
    pub(super) fn record(&mut self, action: Action, object: ObjectRef, repr: impl Into<String>) {
        if self.untracked {
            return;
        }
        // Before MAC addresses were objects, they were a text of their interface.
        let (action, object) = match self.interface_of_old_mac(&object) {
            Some(interface) => (Action::Update, interface),
            None => (action, object),
        };
        let (id, time) = match self.reserved.pop_front() {
            Some(reserved) => reserved,
            None => (self.next_id(Kind::Change), self.now()),
        };
        let change = Change { id, time, action, object, repr: repr.into(), request: self.last_request };
        self.changes.insert(id, change);
    }

    fn interface_of_old_mac(&self, object: &ObjectRef) -> Option<ObjectRef> {
        if self.version > NetboxVersion::V4_0 || object.kind != Kind::Mac.content_type() {
            return None;
        }
        self.macs.get(&object.id)?.interface.clone()
    }
}
