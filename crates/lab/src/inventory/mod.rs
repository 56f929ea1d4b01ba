//! What a simulated NetBox holds: its objects, the reference inventory, and generated fleets.
//!
//! What does not live here: how objects look on the wire (`netbox`) and what runs on the hosts (`docker`).

mod fleet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use fleet::{fleet, measured_fleet};

/// The objects of a NetBox. References are ids, as in NetBox's own tables.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// `dcim.site`.
    pub sites: Vec<Named>,
    /// `tenancy.tenant`.
    pub tenants: Vec<Named>,
    /// `dcim.devicerole`.
    pub roles: Vec<Named>,
    /// `extras.tag`.
    pub tags: Vec<Named>,
    /// `virtualization.cluster`.
    pub clusters: Vec<Cluster>,
    /// `extras.customfield`.
    pub custom_fields: Vec<CustomField>,
    /// `dcim.device`.
    pub devices: Vec<Host>,
    /// `virtualization.virtualmachine`.
    pub vms: Vec<Host>,
    /// `dcim.interface`.
    pub interfaces: Vec<Interface>,
    /// `virtualization.vminterface`.
    pub vm_interfaces: Vec<Interface>,
    /// `dcim.macaddress`.
    pub macs: Vec<Mac>,
    /// `ipam.ipaddress`.
    pub ips: Vec<Ip>,
    /// `ipam.service`.
    pub services: Vec<Service>,
}

impl Inventory {
    /// The reference inventory: site BRUCE, 5 devices, 14 virtual machines, 59 services.
    pub fn reference() -> Self {
        // A test reads it; here a damaged file would show as an empty NetBox.
        serde_json::from_str(include_str!("reference.json")).unwrap_or_default()
    }

    /// How many objects are read row by row: hosts, services, addresses, interfaces, MACs.
    pub fn objects(&self) -> usize {
        self.devices.len()
            + self.vms.len()
            + self.interfaces.len()
            + self.vm_interfaces.len()
            + self.macs.len()
            + self.ips.len()
            + self.services.len()
    }
}

/// An object of another model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRef {
    /// The model, as NetBox writes it (`dcim.device`).
    #[serde(rename = "type")]
    pub kind: String,
    /// The id within the model.
    pub id: u64,
}

impl ObjectRef {
    /// An object of this model.
    pub fn new(kind: impl Into<String>, id: u64) -> Self {
        Self { kind: kind.into(), id }
    }

    /// A device.
    pub fn device(id: u64) -> Self {
        Self::new("dcim.device", id)
    }

    /// A virtual machine.
    pub fn vm(id: u64) -> Self {
        Self::new("virtualization.virtualmachine", id)
    }

    /// An interface of a device.
    pub fn interface(id: u64) -> Self {
        Self::new("dcim.interface", id)
    }

    /// An interface of a virtual machine.
    pub fn vm_interface(id: u64) -> Self {
        Self::new("virtualization.vminterface", id)
    }
}

/// An object of which only the names matter: site, tenant, role, tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// The slug.
    pub slug: String,
}

/// A cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// The id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// The name of its type.
    pub kind: String,
    /// Its site.
    #[serde(default)]
    pub site: Option<u64>,
    /// Its tenant.
    #[serde(default)]
    pub tenant: Option<u64>,
}

/// The definition of a custom field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomField {
    /// The id.
    pub id: u64,
    /// The key in `custom_fields`.
    pub name: String,
    /// `text`, `integer`, `select`, `multiselect`, …
    pub kind: String,
    /// The models that have it.
    pub object_types: Vec<String>,
}

/// A device or a virtual machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// The id within its model.
    pub id: u64,
    /// The name; a device may have none.
    pub name: Option<String>,
    /// The status value.
    pub status: String,
    /// Its site.
    pub site: Option<u64>,
    /// Its tenant.
    pub tenant: Option<u64>,
    /// Its role.
    pub role: Option<u64>,
    /// Its cluster.
    pub cluster: Option<u64>,
    /// The node a virtual machine is pinned to.
    pub device: Option<u64>,
    /// Virtual processors.
    pub vcpus: Option<f64>,
    /// Memory in MB.
    pub memory: Option<u64>,
    /// Disk in MB.
    pub disk: Option<u64>,
    /// Its primary IPv4 address, by id.
    pub primary_ip4: Option<u64>,
    /// Its tags, by id.
    pub tags: Vec<u64>,
    /// Its custom fields that are set.
    pub custom_fields: Map<String, Value>,
    /// Its rendered config context.
    pub config_context: Map<String, Value>,
}

/// An interface of a device or of a virtual machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// The id within its model.
    pub id: u64,
    /// The host's id.
    pub host: u64,
    /// The name.
    pub name: String,
}

/// A MAC address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mac {
    /// The id.
    pub id: u64,
    /// The address, upper case with colons.
    pub address: String,
    /// Whose it is.
    pub interface: Option<ObjectRef>,
}

/// An IP address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ip {
    /// The id.
    pub id: u64,
    /// The address with its mask.
    pub address: String,
    /// The status value.
    pub status: String,
    /// The role value (`vip`, `anycast`, …).
    pub role: Option<String>,
    /// The DNS name, or nothing.
    pub dns_name: String,
    /// Its VRF.
    pub vrf: Option<u64>,
    /// Its tenant.
    pub tenant: Option<u64>,
    /// What carries it.
    pub interface: Option<ObjectRef>,
    /// A remark.
    pub description: String,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// The id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// `tcp`, `udp`, `sctp`.
    pub protocol: String,
    /// The ports.
    pub ports: Vec<u32>,
    /// The host, or whatever else carries it.
    pub parent: ObjectRef,
    /// Its tags, by id.
    #[serde(default)]
    pub tags: Vec<u64>,
    /// Its custom fields that are set.
    #[serde(default)]
    pub custom_fields: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_inventory_is_the_recorded_one() {
        let inventory = Inventory::reference();
        assert_eq!((inventory.devices.len(), inventory.vms.len()), (5, 14));
        assert_eq!((inventory.services.len(), inventory.ips.len()), (59, 19));
        assert_eq!((inventory.tags.len(), inventory.custom_fields.len()), (43, 9));
        assert_eq!(
            (inventory.vm_interfaces.len(), inventory.interfaces.len(), inventory.macs.len()),
            (14, 5, 13)
        );
    }

    #[test]
    fn fleets_have_the_size_asked_for() {
        assert_eq!(measured_fleet().objects(), 14_106);
        let fleet = fleet(100, 10);
        assert_eq!((fleet.vms.len(), fleet.services.len()), (100, 1000));
    }
}
