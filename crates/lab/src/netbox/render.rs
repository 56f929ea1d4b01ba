//! How objects look on the wire: key by key as recorded from 4.5.2, with what 4.2 lacks and 4.6 adds.
//!
//! What does not live here: which objects are asked for (`list`), and objects within objects (`nested`), and all that has an address (`network`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::nested::{choice, object};
use super::state::{Change, Kind, State};
use super::version::NetboxVersion;
use crate::inventory::{Cluster, CustomField, Host, Mac, Named, ObjectRef, Service};

/// Objects have no dates of their own here; nothing that is read depends on them.
const DATE: &str = "2026-11-21T00:51:44.618923Z";

/// Renders the rows of one answer.
pub(super) struct Renderer<'a> {
    pub(super) state: &'a State,
    /// `http://127.0.0.1:1234/`, where links point.
    pub(super) base: &'a str,
    pub(super) macs: BTreeMap<&'a ObjectRef, Vec<&'a Mac>>,
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
            Kind::Journal => self.journal_entry(state.journal.get(&id)?),
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
            for key in ["display_url", "primary_mac_address", "mac_addresses", "scope_type", "scope_id"] {
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

    pub(super) fn head(&self, kind: Kind, id: u64, display: &str) -> Map<String, Value> {
        let path = kind.path(self.state.version);
        let base = self.base;
        let web = if kind == Kind::Change { "core/changelog/" } else { path };
        object(json!({
            "id": id,
            "url": format!("{base}api/{path}{id}/"),
            "display_url": format!("{base}{web}{id}/"),
            "display": display,
        }))
    }

    pub(super) fn tail(&self, value: &mut Map<String, Value>, tags: &[u64], fields: Map<String, Value>) {
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
            ("multiselect", Value::Array(values)) => {
                values.iter().map(|value| value.as_str().map_or(Value::Null, choice)).collect()
            }
            (_, value) => value,
        }
    }

    /// What devices and virtual machines have in common.
    fn host(&self, kind: Kind, host: &Host) -> Map<String, Value> {
        let state = self.state;
        let display = host.name.clone().unwrap_or_else(|| format!("Device type ({})", host.id));
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
        let node = vm.device.map_or(Value::Null, |id| self.nested_host(&ObjectRef::device(id)));
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

    fn service(&self, service: &Service) -> Map<String, Value> {
        let mut sorted = service.ports.clone();
        sorted.sort_unstable();
        let ports: Vec<String> = sorted.iter().map(ToString::to_string).collect();
        let display = format!("{} ({}/{})", service.name, service.protocol.to_uppercase(), ports.join(", "));
        let mut value = self.head(Kind::Service, service.id, &display);
        self.tail(&mut value, &service.tags, self.fields(Kind::Service, &service.custom_fields));
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
            let mappings: Vec<String> =
                service.ports.iter().map(|port| format!("{}/{port}", service.protocol)).collect();
            value.insert("port_mappings".into(), json!(mappings));
        }
        value
    }

    fn change(&self, change: &Change) -> Map<String, Value> {
        let mut value = self.head(Kind::Change, change.id, &change.repr);
        let object_now = Kind::of_content_type(&change.object.kind)
            .filter(|kind| *kind != Kind::Change && self.state.has(*kind, change.object.id))
            .map(|kind| match self.state.journal.get(&change.object.id) {
                Some(entry) if kind == Kind::Journal => self.nested_entry(entry),
                Some(_) | None => self.nested(kind, change.object.id, &change.repr),
            });
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
