//! The NetBox models that are read: where they are, what is asked of each, how they are called.
//!
//! What does not live here: how a row looks (`wire`) and what is made of it (`rows`, `decode`).

use std::fmt;

use super::config::Filters;

/// A `major.minor` of NetBox; the patch level never mattered to a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The major number.
    pub major: u16,
    /// The minor number.
    pub minor: u16,
}

impl Version {
    /// The oldest version that is read.
    pub const OLDEST: Self = Self { major: 4, minor: 0 };

    /// Reads the front of `4.5`, `4.5.2`, `4.5.2-Docker-3.4`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?;
        let digits = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
        Some(Self { major, minor: minor[..digits].parse().ok()? })
    }

    /// MAC addresses are objects of their own.
    pub(super) fn has_mac_model(self) -> bool {
        self >= Self { major: 4, minor: 2 }
    }

    /// Tokens of the form `nbt_key.secret`.
    pub(super) fn has_v2_tokens(self) -> bool {
        self >= Self { major: 4, minor: 5 }
    }

    /// Before 4.1 disks were counted in GB.
    pub(super) fn disk_in_gigabytes(self) -> bool {
        self < Self { major: 4, minor: 1 }
    }

    pub(super) fn changelog(self) -> &'static str {
        if self < (Self { major: 4, minor: 1 }) { "extras/object-changes/" } else { "core/object-changes/" }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A model that is read row by row. Tags, roles, sites, tenants and clusters come nested in these, which also needs
/// fewer rights: NetBox shows nested objects to whoever may see the outer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Model {
    Devices,
    Vms,
    Services,
    Ips,
    Interfaces,
    VmInterfaces,
    Macs,
}

impl Model {
    pub(super) const ALL: [Self; 7] = [
        Self::Services,
        Self::Vms,
        Self::Ips,
        Self::VmInterfaces,
        Self::Devices,
        Self::Interfaces,
        Self::Macs,
    ];

    /// The models this version has, the expensive ones first.
    pub(super) fn of(version: Version) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |model| *model != Self::Macs || version.has_mac_model())
    }

    /// Below `api/`, with the slash NetBox wants.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Devices => "dcim/devices/",
            Self::Vms => "virtualization/virtual-machines/",
            Self::Services => "ipam/services/",
            Self::Ips => "ipam/ip-addresses/",
            Self::Interfaces => "dcim/interfaces/",
            Self::VmInterfaces => "virtualization/interfaces/",
            Self::Macs => "dcim/mac-addresses/",
        }
    }

    /// The name in the changelog and in `assigned_object_type`.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Devices => "dcim.device",
            Self::Vms => "virtualization.virtualmachine",
            Self::Services => "ipam.service",
            Self::Ips => "ipam.ipaddress",
            Self::Interfaces => "dcim.interface",
            Self::VmInterfaces => "virtualization.vminterface",
            Self::Macs => "dcim.macaddress",
        }
    }

    /// What people call it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::Vms => "virtual machines",
            Self::Services => "services",
            Self::Ips => "ip addresses",
            Self::Interfaces => "device interfaces",
            Self::VmInterfaces => "vm interfaces",
            Self::Macs => "mac addresses",
        }
    }

    /// The permission its list needs.
    pub(super) fn permission(self) -> String {
        self.content_type().replace('.', ".view_")
    }

    /// What is asked of a row. Only cheap fields: `assigned_object` and `parent` cost NetBox a hundred times what their
    /// ids cost. Names a version does not know are ignored, so one list serves all.
    pub(super) fn fields(self, config_context: bool) -> &'static str {
        match (self, config_context) {
            (Self::Devices | Self::Vms, false) => {
                "id,name,status,cluster,device,site,role,tenant,primary_ip4,primary_ip6,vcpus,memory,disk,tags,\
                 custom_fields"
            }
            (Self::Devices | Self::Vms, true) => {
                "id,name,status,cluster,device,site,role,tenant,primary_ip4,primary_ip6,vcpus,memory,disk,tags,\
                 custom_fields,config_context"
            }
            (Self::Services, _) => {
                "id,name,protocol,ports,port_mappings,parent_object_type,parent_object_id,device,virtual_machine,\
                 tags,custom_fields"
            }
            (Self::Ips, _) => "id,address,vrf,status,role,dns_name,assigned_object_type,assigned_object_id",
            (Self::Interfaces, _) => "id,device,mac_address",
            (Self::VmInterfaces, _) => "id,virtual_machine,mac_address",
            (Self::Macs, _) => "id,mac_address,assigned_object_type,assigned_object_id",
        }
    }

    /// The filters NetBox applies to this model's list. They only save reading: unknown ones are ignored with a 200,
    /// so what comes back is filtered once more here.
    pub(super) fn filters(self, filters: &Filters) -> Vec<(&'static str, String)> {
        match self {
            Self::Devices | Self::Vms => {
                let Filters { sites, tenants, tags, roles } = filters;
                let named = |name: &'static str, slugs: &[String]| {
                    slugs.iter().map(|slug| (name, slug.clone())).collect::<Vec<_>>()
                };
                [named("site", sites), named("tenant", tenants), named("tag", tags), named("role", roles)]
                    .concat()
            }
            Self::Services | Self::Ips | Self::Interfaces | Self::VmInterfaces | Self::Macs => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_every_form_netbox_prints() {
        for text in ["4.5", "4.5.2", "4.5.2-Docker-3.4.0", "4.5-beta1", " 4.5 "] {
            assert_eq!(Version::parse(text), Some(Version { major: 4, minor: 5 }), "{text}");
        }
        for text in ["", "4", "v4.5", "4.x"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn permissions_are_spelled_as_netbox_spells_them() {
        assert_eq!(Model::Vms.permission(), "virtualization.view_virtualmachine");
        assert_eq!(Model::Services.permission(), "ipam.view_service");
    }
}
