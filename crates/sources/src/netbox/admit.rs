//! Checking rows: a wire row becomes one that is kept, or is refused with a reason. Custom fields are picked out by
//! their configured names.
//!
//! Pure. What does not live here: what is kept (`rows`) and how it is joined to hosts (`decode`).

use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_core::model::{HostKind, HostStatus, Port, Ports, Protocol};
use serde_json::Value;

use super::custom::{Custom, endpoint_of, lifecycle_of, without_password};
use super::model::{Model, Version};
use super::rows::{
    Flaw, HostKey, HostRow, InterfaceKey, InterfaceRow, IpRow, MacRow, Owner, Row, ServiceRow, Settings,
};
use super::wire;

impl Row for HostRow {
    type Wire = wire::Host;

    fn admit(wire: wire::Host, settings: &Settings, version: Version) -> Result<Self, Flaw> {
        let Some(status) = wire.status else {
            return Err(Flaw::from("it has no status".to_owned()));
        };
        let primary = match wire.primary_ip4.or(wire.primary_ip6) {
            None => None,
            Some(ip) => {
                let text = ip.address.ok_or_else(|| "its primary address has no text".to_owned())?;
                Some((ip.id, address(&text)?))
            }
        };
        let custom = Custom(wire.custom_fields.unwrap_or_default());
        let names = &settings.fields;
        let context = wire.config_context.as_ref().filter(|_| settings.read_config_context);
        let tags = slugs(wire.tags);
        Ok(Self {
            name: wire.name.filter(|name| !name.trim().is_empty()),
            status: HostStatus::parse(&status.0),
            site: wire.site.and_then(|site| site.slug.or(site.name)),
            cluster: wire.cluster.and_then(|cluster| cluster.name),
            node: wire.device.map(|device| (device.id, device.name)),
            role: wire.role.and_then(|role| role.slug.or(role.name)),
            tenant: wire.tenant.and_then(|tenant| tenant.slug.or(tenant.name)),
            primary,
            vcpus: wire.vcpus.and_then(whole),
            memory_mib: wire.memory,
            disk_mib: wire
                .disk
                .map(|disk| if version.disk_in_gigabytes() { disk.saturating_mul(1024) } else { disk }),
            observed_by: custom.sources(&names.observed_by),
            docker_endpoint: custom
                .text(&names.docker_endpoint)
                .or_else(|| context.and_then(endpoint_of))
                .map(|endpoint| without_password(&endpoint)),
            proxmox_vmid: custom.text(&names.proxmox_vmid).and_then(|number| number.parse().ok()),
            sensitive: custom.flag(&names.sensitive) || tags.iter().any(|tag| **tag == *"sensitive"),
            aliases: custom.list(&names.aliases),
            tags,
        })
    }
}

/// NetBox allows quarters of a processor; what is not a whole number cannot be compared with one.
fn whole(vcpus: f64) -> Option<u32> {
    let fits = vcpus.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&vcpus);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked in the line above")]
    fits.then_some(vcpus as u32)
}

impl Row for ServiceRow {
    type Wire = wire::Service;

    fn admit(wire: wire::Service, settings: &Settings, _: Version) -> Result<Self, Flaw> {
        let owner = owner(&wire.parent)?;
        let flaw = |why: String| Flaw {
            why,
            owner: match owner {
                Owner::Host(key) => Some(key),
                Owner::Other(_) => None,
            },
        };
        let Some(name) = wire.name.filter(|name| !name.trim().is_empty()) else {
            return Err(flaw("it has no name".to_owned()));
        };
        let ports = ports(wire.protocol.as_ref(), wire.ports.as_deref(), wire.port_mappings.as_deref())
            .map_err(|why| flaw(format!("`{name}`: {why}")))?;
        let custom = Custom(wire.custom_fields.unwrap_or_default());
        let names = &settings.fields;
        let tags = slugs(wire.tags);
        let (lifecycle, contradiction) = lifecycle_of(custom.text(&names.lifecycle).as_deref(), &tags);
        Ok(Self {
            owner,
            name,
            ports,
            lifecycle,
            container_name: custom.text(&names.container_name),
            compose_project: custom.text(&names.compose_project),
            role: custom.text(&names.role),
            image: custom.text(&names.image),
            observed_by: custom.sources(&names.observed_by),
            tags,
            contradiction,
        })
    }

    fn owner_in(value: &Value) -> Option<HostKey> {
        let id_of = |key: &str| value.get(key)?.get("id")?.as_u64();
        if let Some(id) = id_of("device") {
            return Some(HostKey { kind: HostKind::Device, id });
        }
        if let Some(id) = id_of("virtual_machine") {
            return Some(HostKey { kind: HostKind::VirtualMachine, id });
        }
        let kind = host_kind(value.get("parent_object_type")?.as_str()?)?;
        Some(HostKey { kind, id: value.get("parent_object_id")?.as_u64()? })
    }
}

fn owner(parent: &wire::Parent) -> Result<Owner, Flaw> {
    match (&parent.parent_object_type, parent.parent_object_id, &parent.device, &parent.virtual_machine) {
        (Some(kind), Some(id), _, _) => Ok(match host_kind(kind) {
            Some(kind) => Owner::Host(HostKey { kind, id }),
            None => Owner::Other(Arc::clone(kind)),
        }),
        (None, _, Some(device), None) => Ok(Owner::Host(HostKey { kind: HostKind::Device, id: device.id })),
        (None, _, None, Some(vm)) => Ok(Owner::Host(HostKey { kind: HostKind::VirtualMachine, id: vm.id })),
        _ => Err(Flaw::from("it names no parent".to_owned())),
    }
}

fn host_kind(content_type: &str) -> Option<HostKind> {
    if content_type == Model::Devices.content_type() {
        Some(HostKind::Device)
    } else if content_type == Model::Vms.content_type() {
        Some(HostKind::VirtualMachine)
    } else {
        None
    }
}

/// 4.7 says `port_mappings` and leaves the older keys null where they cannot say it.
fn ports(
    protocol: Option<&wire::Choice>,
    ports: Option<&[u32]>,
    mappings: Option<&[String]>,
) -> Result<Ports, String> {
    if let Some(mappings) = mappings {
        return mappings
            .iter()
            .map(|text| Port::parse(text).ok_or_else(|| format!("`{text}` is not a port")))
            .collect();
    }
    let Some(numbers) = ports.filter(|ports| !ports.is_empty()) else {
        return Ok(Ports::default());
    };
    let protocol = protocol.ok_or_else(|| "ports without a protocol".to_owned())?;
    let protocol = Protocol::parse(&protocol.0)
        .ok_or_else(|| format!("the protocol `{}` is not known here", protocol.0))?;
    numbers
        .iter()
        .map(|number| match u16::try_from(*number) {
            Ok(number) if number != 0 => Ok(Port { number, protocol }),
            Ok(_) | Err(_) => Err(format!("{number} is not a port")),
        })
        .collect()
}

impl Row for IpRow {
    type Wire = wire::Ip;

    fn admit(wire: wire::Ip, _: &Settings, _: Version) -> Result<Self, Flaw> {
        let text = wire.address.ok_or_else(|| "it has no address".to_owned())?;
        let role = wire.role.as_ref().map(|role| &*role.0);
        let status = wire.status.as_ref().map(|status| &*status.0);
        Ok(Self {
            address: address(&text)?,
            vrf: wire.vrf.map(|vrf| vrf.id),
            shared: status == Some("deprecated")
                || matches!(role, Some("anycast" | "vip" | "vrrp" | "hsrp" | "glbp" | "carp")),
            dns_name: wire.dns_name.filter(|name| !name.is_empty()),
            interface: interface(wire.assigned_object_type.as_deref(), wire.assigned_object_id),
        })
    }
}

impl Row for MacRow {
    type Wire = wire::Mac;

    fn admit(wire: wire::Mac, _: &Settings, _: Version) -> Result<Self, Flaw> {
        let mac = wire.mac_address.ok_or_else(|| "it has no address".to_owned())?;
        Ok(Self {
            mac: mac.to_ascii_lowercase().into(),
            interface: interface(wire.assigned_object_type.as_deref(), wire.assigned_object_id),
        })
    }
}

impl Row for InterfaceRow {
    type Wire = wire::Interface;

    fn admit(wire: wire::Interface, _: &Settings, version: Version) -> Result<Self, Flaw> {
        let host = match (wire.device, wire.virtual_machine) {
            (Some(device), _) => HostKey { kind: HostKind::Device, id: device.id },
            (None, Some(vm)) => HostKey { kind: HostKind::VirtualMachine, id: vm.id },
            (None, None) => return Err(Flaw::from("it belongs to no host".to_owned())),
        };
        // From 4.2 on this is a copy of the primary MAC object's text, and editing that object does not touch the
        // interface: the objects themselves are read instead.
        let mac = wire.mac_address.filter(|_| !version.has_mac_model());
        Ok(Self { host, mac: mac.map(|mac| mac.to_ascii_lowercase().into()) })
    }
}

fn interface(content_type: Option<&str>, id: Option<u64>) -> Option<InterfaceKey> {
    let content_type = content_type?;
    let kind = if content_type == Model::Interfaces.content_type() {
        HostKind::Device
    } else if content_type == Model::VmInterfaces.content_type() {
        HostKind::VirtualMachine
    } else {
        return None;
    };
    Some(InterfaceKey { kind, id: id? })
}

fn slugs(tags: Option<Vec<wire::Ref>>) -> Vec<Arc<str>> {
    let mut slugs: Vec<Arc<str>> =
        tags.unwrap_or_default().into_iter().filter_map(|tag| tag.slug.or(tag.name)).collect();
    slugs.sort_unstable();
    slugs.dedup();
    slugs
}

/// `192.168.2.12/24` without its mask.
fn address(text: &str) -> Result<IpAddr, String> {
    let bare = text.split_once('/').map_or(text, |(bare, _)| bare);
    bare.parse().map_err(|_| format!("`{text}` is not an address"))
}
