//! How objects look on the wire: key by key as recorded from 4.5.2, with what 4.2 lacks and 4.6 adds.
//!
//! What does not live here: which objects are asked for (`list`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::state::{Change, Kind, State};
use super::version::NetboxVersion;
use crate::inventory::{Cluster, CustomField, Host, Interface, Ip, Mac, Named, ObjectRef, Service};

/// Objects have no dates of their own here; nothing that is read depends on them.
const DATE: &str = "2026-11-21T00:51:44.618923Z";

/// Renders the rows of one answer.
pub(super) struct Renderer<'a> {
    state: &'a State,
    /// `http://127.0.0.1:1234/`, where links point.
    base: &'a str,
    macs: BTreeMap<&'a ObjectRef, Vec<&'a Mac>>,
}

impl<'a> Renderer<'a> {
    pub(super) fn new(state: &'a State, base: &'a str, kind: Kind) -> Self {
        let mut macs: BTreeMap<&ObjectRef, Vec<&Mac>> = BTreeMap::new();
        if matches!(kind, Kind::Interface | Kind::VmInterface) {
            for mac in state.macs.values() {
                if let Some(interface) = &mac.interface {
                    macs.entry(interface).or_default().push(mac);
                }
            }
        }
        Self { state, base, macs }
    }

    /// An object with every key.
    pub(super) fn object(&self, kind: Kind, id: u64) -> Option<Map<String, Value>> {
        let state = self.state;
        let named = |rows: &BTreeMap<u64, Named>| rows.get(&id).cloned();
        let mut value = match kind {
            Kind::Device => self.device(state.devices.get(&id)?),
            Kind::Vm => self.vm(state.vms.get(&id)?),
            Kind::Cluster => self.cluster(state.clusters.get(&id)?),
            Kind::Site => self.site(&named(&state.sites)?),
            Kind::Tenant => self.tenant(&named(&state.tenants)?),
            Kind::Role => self.role(&named(&state.roles)?),
            Kind::Tag => self.tag(&named(&state.tags)?),
            Kind::CustomField => self.custom_field(state.custom_fields.get(&id)?),
            Kind::Interface => self.interface(state.interfaces.get(&id)?),
            Kind::VmInterface => self.vm_interface(state.vm_interfaces.get(&id)?),
            Kind::Mac => self.mac(state.macs.get(&id)?),
            Kind::Ip => self.ip(state.ips.get(&id)?),
            Kind::Service => self.service(state.services.get(&id)?),
            Kind::Change => self.change(state.changes.get(&id)?),
        };
        self.age(kind, &mut value);
        if let Some(Value::Object(with)) = state.mangled.get(&(kind.content_type().to_owned(), id)) {
            value.extend(with.clone());
        }
        Some(value)
    }

    /// Takes out and puts in what other versions have.
    fn age(&self, kind: Kind, value: &mut Map<String, Value>) {
        let version = self.state.version;
        if version < NetboxVersion::V4_5 {
            for key in ["owner", "start_on_boot", "bridge_interfaces"] {
                value.remove(key);
            }
            let newer: &[&str] = if kind == Kind::Tag {
                &["weight"]
            } else if kind == Kind::Role {
                &["_depth", "comments", "parent"]
            } else if kind == Kind::Change {
                &["message", "object_repr"]
            } else {
                &[]
            };
            for key in newer {
                value.remove(*key);
            }
        }
        if version >= NetboxVersion::V4_6 {
            if kind == Kind::Vm {
                value.insert("virtual_machine_type".into(), Value::Null);
            } else if kind == Kind::CustomField {
                value.insert("validation_schema".into(), Value::Null);
            } else if kind == Kind::Interface {
                value.insert("connected_endpoints_reachable".into(), json!(true));
            }
        }
        if version == NetboxVersion::V4_0 {
            for key in [
                "display_url",
                "primary_mac_address",
                "mac_addresses",
                "scope_type",
                "scope_id",
            ] {
                value.remove(key);
            }
            if kind == Kind::Cluster
                && let Some(site) = value.remove("scope")
            {
                value.insert("site".into(), site);
            }
            if kind == Kind::Vm
                && let Some(disk) = value.get("disk").and_then(Value::as_u64)
            {
                value.insert("disk".into(), json!(disk / 1024));
            }
        }
    }

    fn head(&self, kind: Kind, id: u64, display: &str) -> Map<String, Value> {
        let path = kind.path(self.state.version);
        let base = self.base;
        let web = if kind == Kind::Change {
            "core/changelog/"
        } else {
            path
        };
        object(json!({
            "id": id,
            "url": format!("{base}api/{path}{id}/"),
            "display_url": format!("{base}{web}{id}/"),
            "display": display,
        }))
    }

    fn tail(&self, value: &mut Map<String, Value>, tags: &[u64], fields: Map<String, Value>) {
        value.extend(object(json!({
            "description": "", "owner": null, "comments": "",
            "tags": tags.iter().filter_map(|id| self.nested_tag(*id)).collect::<Vec<_>>(),
            "custom_fields": fields,
            "created": DATE, "last_updated": DATE,
        })));
    }

    /// Every defined field is there, null where it is not set.
    fn fields(&self, kind: Kind, set: &Map<String, Value>) -> Map<String, Value> {
        let mut fields = Map::new();
        for field in self.state.custom_fields.values() {
            if field.object_types.iter().any(|one| one == kind.content_type()) {
                let value = set.get(&field.name).cloned().unwrap_or(Value::Null);
                fields.insert(field.name.clone(), self.field(field, value));
            }
        }
        // Fields a test sets without having defined them.
        for (name, value) in set {
            fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
        fields
    }

    /// 4.7 answers selections as objects.
    fn field(&self, field: &CustomField, value: Value) -> Value {
        if self.state.version < NetboxVersion::V4_7 {
            return value;
        }
        match (field.kind.as_str(), value) {
            ("select", Value::String(text)) => choice(&text),
            ("multiselect", Value::Array(values)) => values
                .iter()
                .map(|value| value.as_str().map_or(Value::Null, choice))
                .collect(),
            (_, value) => value,
        }
    }

    fn nested(&self, kind: Kind, id: u64, name: &str) -> Map<String, Value> {
        let path = kind.path(self.state.version);
        object(json!({
            "id": id, "url": format!("{}api/{path}{id}/", self.base), "display": name, "name": name, "description": ""
        }))
    }

    fn nested_named(&self, kind: Kind, rows: &BTreeMap<u64, Named>, id: Option<u64>) -> Value {
        let Some(row) = id.and_then(|id| rows.get(&id)) else {
            return Value::Null;
        };
        let mut value = self.nested(kind, row.id, &row.name);
        value.insert("slug".into(), json!(row.slug));
        if kind == Kind::Role && self.state.version >= NetboxVersion::V4_5 {
            value.extend(object(
                json!({"device_count": 0, "virtualmachine_count": 0, "_depth": 0}),
            ));
        }
        Value::Object(value)
    }

    fn nested_tag(&self, id: u64) -> Option<Value> {
        let tag = self.state.tags.get(&id)?;
        let mut value = self.head(Kind::Tag, id, &tag.name);
        value.extend(object(
            json!({"name": tag.name, "slug": tag.slug, "color": "2196f3"}),
        ));
        if self.state.version == NetboxVersion::V4_0 {
            value.remove("display_url");
        }
        Some(Value::Object(value))
    }

    fn nested_cluster(&self, id: Option<u64>) -> Value {
        id.and_then(|id| self.state.clusters.get(&id))
            .map_or(Value::Null, |cluster| {
                Value::Object(self.nested(Kind::Cluster, cluster.id, &cluster.name))
            })
    }

    fn nested_host(&self, host: &ObjectRef) -> Value {
        let (kind, row) = match Kind::of_content_type(&host.kind) {
            Some(Kind::Device) => (Kind::Device, self.state.devices.get(&host.id)),
            Some(Kind::Vm) => (Kind::Vm, self.state.vms.get(&host.id)),
            _ => return Value::Null,
        };
        let Some(row) = row else { return Value::Null };
        let mut value = self.nested(kind, row.id, row.name.as_deref().unwrap_or_default());
        value.insert("name".into(), json!(row.name));
        Value::Object(value)
    }

    fn nested_ip(&self, id: Option<u64>) -> Value {
        let Some(ip) = id.and_then(|id| self.state.ips.get(&id)) else {
            return Value::Null;
        };
        let path = Kind::Ip.path(self.state.version);
        let mut value = object(json!({
            "id": ip.id, "url": format!("{}api/{path}{}/", self.base, ip.id), "display": ip.address,
            "family": family(&ip.address), "address": ip.address, "description": "",
        }));
        if self.state.version >= NetboxVersion::V4_6 {
            value.extend(object(
                json!({"dns_name": ip.dns_name, "nat_inside": null, "nat_outside": []}),
            ));
        }
        Value::Object(value)
    }

    fn nested_interface(&self, interface: Option<&ObjectRef>) -> Value {
        let Some(interface) = interface else {
            return Value::Null;
        };
        let (kind, row, key, host) = match Kind::of_content_type(&interface.kind) {
            Some(Kind::Interface) => (
                Kind::Interface,
                self.state.interfaces.get(&interface.id),
                "device",
                Kind::Device,
            ),
            Some(Kind::VmInterface) => (
                Kind::VmInterface,
                self.state.vm_interfaces.get(&interface.id),
                "virtual_machine",
                Kind::Vm,
            ),
            _ => return Value::Null,
        };
        let Some(row) = row else { return Value::Null };
        let mut value = self.nested(kind, row.id, &row.name);
        value.insert(
            key.into(),
            self.nested_host(&ObjectRef::new(host.content_type(), row.host)),
        );
        Value::Object(value)
    }

    /// What devices and virtual machines have in common.
    fn host(&self, kind: Kind, host: &Host) -> Map<String, Value> {
        let state = self.state;
        let display = host
            .name
            .clone()
            .unwrap_or_else(|| format!("Device type ({})", host.id));
        let mut value = self.head(kind, host.id, &display);
        self.tail(&mut value, &host.tags, self.fields(kind, &host.custom_fields));
        value.extend(object(json!({
            "name": host.name,
            "status": choice(&host.status),
            "site": self.nested_named(Kind::Site, &state.sites, host.site),
            "cluster": self.nested_cluster(host.cluster),
            "role": self.nested_named(Kind::Role, &state.roles, host.role),
            "tenant": self.nested_named(Kind::Tenant, &state.tenants, host.tenant),
            "platform": null, "serial": "", "config_template": null, "local_context_data": null,
            "primary_ip": self.nested_ip(host.primary_ip4),
            "primary_ip4": self.nested_ip(host.primary_ip4),
            "primary_ip6": null,
            "config_context": host.config_context,
            "interface_count": 1,
        })));
        value
    }

    fn vm(&self, vm: &Host) -> Map<String, Value> {
        let mut value = self.host(Kind::Vm, vm);
        let node = vm
            .device
            .map_or(Value::Null, |id| self.nested_host(&ObjectRef::device(id)));
        value.extend(object(json!({
            "start_on_boot": choice("on"), "device": node,
            "vcpus": vm.vcpus, "memory": vm.memory, "disk": vm.disk, "virtual_disk_count": 0,
        })));
        value
    }

    fn device(&self, device: &Host) -> Map<String, Value> {
        let mut value = self.host(Kind::Device, device);
        value.extend(object(json!({
            "device_type": {
                "id": 1, "url": format!("{}api/dcim/device-types/1/", self.base), "display": "Server",
                "manufacturer": {
                    "id": 1, "url": format!("{}api/dcim/manufacturers/1/", self.base), "display": "Generic",
                    "name": "Generic", "slug": "generic", "description": ""
                },
                "model": "Server", "slug": "server", "description": "",
            },
            "asset_tag": null, "location": null, "rack": null, "position": null, "face": null, "latitude": null,
            "longitude": null, "parent_device": null, "airflow": null, "oob_ip": null, "virtual_chassis": null,
            "vc_position": null, "vc_priority": null, "console_port_count": 0, "console_server_port_count": 0,
            "power_port_count": 0, "power_outlet_count": 0, "front_port_count": 0, "rear_port_count": 0,
            "device_bay_count": 0, "module_bay_count": 0, "inventory_item_count": 0,
        })));
        if self.state.version >= NetboxVersion::V4_5
            && let Some(Value::Object(device_type)) = value.get_mut("device_type")
        {
            device_type.insert("device_count".into(), json!(1));
        }
        value
    }

    fn cluster(&self, cluster: &Cluster) -> Map<String, Value> {
        let mut value = self.head(Kind::Cluster, cluster.id, &cluster.name);
        self.tail(&mut value, &[], Map::new());
        let nested = |path: &str| {
            json!({
                "id": 1, "url": format!("{}api/virtualization/{path}/1/", self.base), "display": cluster.kind,
                "name": cluster.kind, "slug": "type", "description": ""
            })
        };
        value.extend(object(json!({
            "name": cluster.name, "type": nested("cluster-types"), "group": nested("cluster-groups"),
            "status": choice("active"),
            "tenant": self.nested_named(Kind::Tenant, &self.state.tenants, cluster.tenant),
            "scope_type": cluster.site.map(|_| "dcim.site"), "scope_id": cluster.site,
            "scope": self.nested_named(Kind::Site, &self.state.sites, cluster.site),
            "device_count": 1, "virtualmachine_count": 1,
            "allocated_vcpus": 4.0, "allocated_memory": 8192, "allocated_disk": 65536,
        })));
        value
    }

    fn site(&self, site: &Named) -> Map<String, Value> {
        let mut value = self.head(Kind::Site, site.id, &site.name);
        self.tail(&mut value, &[], Map::new());
        value.extend(object(json!({
            "name": site.name, "slug": site.slug, "status": choice("active"), "region": null, "group": null,
            "tenant": self.nested_named(Kind::Tenant, &self.state.tenants, self.state.tenants.keys().next().copied()),
            "facility": "", "time_zone": "America/Toronto", "physical_address": "", "shipping_address": "",
            "latitude": null, "longitude": null, "asns": [], "circuit_count": 0, "device_count": 0,
            "prefix_count": 0, "rack_count": 0, "virtualmachine_count": 0, "vlan_count": 0,
        })));
        value
    }

    fn tenant(&self, tenant: &Named) -> Map<String, Value> {
        let mut value = self.head(Kind::Tenant, tenant.id, &tenant.name);
        self.tail(&mut value, &[], Map::new());
        value.extend(object(json!({
            "name": tenant.name, "slug": tenant.slug,
            "group": {
                "id": 1, "url": format!("{}api/tenancy/tenant-groups/1/", self.base), "display": "Homelab",
                "name": "Homelab", "slug": "homelab", "description": "", "tenant_count": 0, "_depth": 0
            },
            "circuit_count": 0, "device_count": 0, "ipaddress_count": 0, "prefix_count": 0, "rack_count": 0,
            "site_count": 0, "virtualmachine_count": 0, "vlan_count": 0, "vrf_count": 0, "cluster_count": 0,
        })));
        value
    }

    fn role(&self, role: &Named) -> Map<String, Value> {
        let mut value = self.head(Kind::Role, role.id, &role.name);
        self.tail(&mut value, &[], Map::new());
        value.extend(object(json!({
            "name": role.name, "slug": role.slug, "color": "9e9e9e", "vm_role": true, "config_template": null,
            "parent": null, "device_count": 0, "virtualmachine_count": 0, "_depth": 0,
        })));
        value
    }

    fn tag(&self, tag: &Named) -> Map<String, Value> {
        let mut value = self.head(Kind::Tag, tag.id, &tag.name);
        value.extend(object(json!({
            "name": tag.name, "slug": tag.slug, "color": "2196f3", "description": "", "weight": 1000,
            "object_types": [], "tagged_items": 1, "created": DATE, "last_updated": DATE,
        })));
        value
    }

    fn custom_field(&self, field: &CustomField) -> Map<String, Value> {
        let mut value = self.head(Kind::CustomField, field.id, &field.name);
        value.extend(object(json!({
            "object_types": field.object_types, "type": choice(&field.kind), "related_object_type": null,
            "data_type": "string", "name": field.name, "label": "", "group_name": "", "description": "",
            "required": false, "unique": false, "search_weight": 1000, "filter_logic": choice("loose"),
            "ui_visible": choice("always"), "ui_editable": choice("yes"), "is_cloneable": false, "default": null,
            "related_object_filter": null, "weight": 100, "validation_minimum": null, "validation_maximum": null,
            "validation_regex": "", "choice_set": null, "owner": null, "comments": "", "created": DATE,
            "last_updated": DATE,
        })));
        value
    }

    /// What both kinds of interfaces have in common.
    fn any_interface(&self, kind: Kind, row: &Interface) -> Map<String, Value> {
        let mut value = self.head(kind, row.id, &row.name);
        self.tail(&mut value, &[], Map::new());
        value.remove("comments");
        let own = ObjectRef::new(kind.content_type(), row.id);
        let macs: Vec<Value> = self
            .macs
            .get(&own)
            .into_iter()
            .flatten()
            .map(|mac| Value::Object(self.nested_mac(mac)))
            .collect();
        value.extend(object(json!({
            "name": row.name, "enabled": true, "parent": null, "bridge": null, "mtu": null,
            "mac_address": macs.first().map(|mac| mac["mac_address"].clone()),
            "primary_mac_address": macs.first(), "mac_addresses": macs,
            "mode": null, "untagged_vlan": null, "tagged_vlans": [], "qinq_svlan": null,
            "vlan_translation_policy": null, "vrf": null, "l2vpn_termination": null, "count_ipaddresses": 1,
            "count_fhrp_groups": 0,
        })));
        value
    }

    fn nested_mac(&self, mac: &Mac) -> Map<String, Value> {
        object(json!({
            "id": mac.id, "url": format!("{}api/dcim/mac-addresses/{}/", self.base, mac.id), "display": mac.address,
            "mac_address": mac.address, "description": ""
        }))
    }

    fn vm_interface(&self, row: &Interface) -> Map<String, Value> {
        let mut value = self.any_interface(Kind::VmInterface, row);
        value.insert(
            "virtual_machine".into(),
            self.nested_host(&ObjectRef::vm(row.host)),
        );
        value
    }

    fn interface(&self, row: &Interface) -> Map<String, Value> {
        let mut value = self.any_interface(Kind::Interface, row);
        value.insert("device".into(), self.nested_host(&ObjectRef::device(row.host)));
        value.extend(object(json!({
            "vdcs": [], "module": null, "label": "", "type": choice("1000base-t"), "bridge_interfaces": [],
            "lag": null, "speed": null, "duplex": null, "wwn": null, "mgmt_only": false, "rf_role": null,
            "rf_channel": null, "poe_mode": null, "poe_type": null, "rf_channel_frequency": null,
            "rf_channel_width": null, "tx_power": null, "mark_connected": false, "cable": null, "cable_end": null,
            "wireless_link": null, "link_peers": [], "link_peers_type": null, "wireless_lans": [],
            "connected_endpoints": null, "connected_endpoints_type": null, "connected_endpoints_reachable": null,
            "_occupied": false,
        })));
        value
    }

    fn mac(&self, mac: &Mac) -> Map<String, Value> {
        let mut value = self.head(Kind::Mac, mac.id, &mac.address);
        self.tail(&mut value, &[], Map::new());
        value.extend(object(json!({
            "mac_address": mac.address,
            "assigned_object_type": mac.interface.as_ref().map(|it| &it.kind),
            "assigned_object_id": mac.interface.as_ref().map(|it| it.id),
            "assigned_object": self.nested_interface(mac.interface.as_ref()),
        })));
        value
    }

    fn ip(&self, ip: &Ip) -> Map<String, Value> {
        let mut value = self.head(Kind::Ip, ip.id, &ip.address);
        self.tail(&mut value, &[], Map::new());
        let vrf = ip.vrf.map(|id| {
            json!({
                "id": id, "url": format!("{}api/ipam/vrfs/{id}/", self.base), "display": format!("vrf {id}"),
                "name": format!("vrf {id}"), "rd": null, "description": ""
            })
        });
        value.extend(object(json!({
            "family": family(&ip.address), "address": ip.address, "vrf": vrf,
            "tenant": self.nested_named(Kind::Tenant, &self.state.tenants, ip.tenant),
            "status": choice(&ip.status), "role": ip.role.as_deref().map(choice),
            "assigned_object_type": ip.interface.as_ref().map(|it| &it.kind),
            "assigned_object_id": ip.interface.as_ref().map(|it| it.id),
            "assigned_object": self.nested_interface(ip.interface.as_ref()),
            "nat_inside": null, "nat_outside": [], "dns_name": ip.dns_name, "description": ip.description,
        })));
        value
    }

    fn service(&self, service: &Service) -> Map<String, Value> {
        let mut sorted = service.ports.clone();
        sorted.sort_unstable();
        let ports: Vec<String> = sorted.iter().map(ToString::to_string).collect();
        let display = format!(
            "{} ({}/{})",
            service.name,
            service.protocol.to_uppercase(),
            ports.join(", ")
        );
        let mut value = self.head(Kind::Service, service.id, &display);
        self.tail(
            &mut value,
            &service.tags,
            self.fields(Kind::Service, &service.custom_fields),
        );
        let parent = self.nested_host(&service.parent);
        value.extend(object(json!({
            "name": service.name, "protocol": {"value": service.protocol, "label": service.protocol.to_uppercase()}, "ports": service.ports, "ipaddresses": [],
        })));
        if self.state.version < NetboxVersion::V4_5 {
            let is_vm = service.parent.kind == Kind::Vm.content_type();
            value.insert("device".into(), if is_vm { Value::Null } else { parent.clone() });
            value.insert("virtual_machine".into(), if is_vm { parent } else { Value::Null });
        } else {
            value.extend(object(json!({
                "parent_object_type": service.parent.kind, "parent_object_id": service.parent.id, "parent": parent,
            })));
        }
        if self.state.version >= NetboxVersion::V4_7 {
            let mappings: Vec<String> = service
                .ports
                .iter()
                .map(|port| format!("{}/{port}", service.protocol))
                .collect();
            value.insert("port_mappings".into(), json!(mappings));
        }
        value
    }

    fn change(&self, change: &Change) -> Map<String, Value> {
        let mut value = self.head(Kind::Change, change.id, &change.repr);
        let object_now = Kind::of_content_type(&change.object.kind)
            .filter(|kind| *kind != Kind::Change && self.state.has(*kind, change.object.id))
            .map(|kind| self.nested(kind, change.object.id, &change.repr));
        value.extend(object(json!({
            "time": change.time.to_string(),
            "user": {
                "id": 1, "url": format!("{}api/users/users/1/", self.base), "display": "admin", "username": "admin"
            },
            "user_name": "admin",
            "request_id": format!("00000000-0000-4000-8000-{:012}", change.request),
            "action": {"value": change.action.value(), "label": change.action.label()},
            "changed_object_type": change.object.kind, "changed_object_id": change.object.id,
            "changed_object": object_now, "object_repr": change.repr, "message": "",
            "prechange_data": {}, "postchange_data": {},
        })));
        value
    }
}

/// `{"value": "active", "label": "Active"}`.
fn choice(value: &str) -> Value {
    let mut label = value.to_owned();
    if let Some(first) = label.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    json!({"value": value, "label": label})
}

fn family(address: &str) -> Value {
    let (value, label) = if address.contains(':') {
        (6, "IPv6")
    } else {
        (4, "IPv4")
    };
    json!({"value": value, "label": label})
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
