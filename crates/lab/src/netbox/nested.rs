//! Objects within objects, choices, and the other small shapes that all rows share.
//!
//! What does not live here: whole objects (`render`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::render::Renderer;
use super::state::Kind;
use super::version::NetboxVersion;
use crate::inventory::{Mac, Named, ObjectRef};

impl Renderer<'_> {
    pub(super) fn nested(&self, kind: Kind, id: u64, name: &str) -> Map<String, Value> {
        let path = kind.path(self.state.version);
        object(json!({
            "id": id, "url": format!("{}api/{path}{id}/", self.base), "display": name, "name": name, "description": ""
        }))
    }

    pub(super) fn nested_named(&self, kind: Kind, rows: &BTreeMap<u64, Named>, id: Option<u64>) -> Value {
        let Some(row) = id.and_then(|id| rows.get(&id)) else {
            return Value::Null;
        };
        let mut value = self.nested(kind, row.id, &row.name);
        value.insert("slug".into(), json!(row.slug));
        if kind == Kind::Role && self.state.version >= NetboxVersion::V4_5 {
            value.extend(object(json!({"device_count": 0, "virtualmachine_count": 0, "_depth": 0})));
        }
        Value::Object(value)
    }

    pub(super) fn nested_tag(&self, id: u64) -> Option<Value> {
        let tag = self.state.tags.get(&id)?;
        let mut value = self.head(Kind::Tag, id, &tag.name);
        value.extend(object(json!({"name": tag.name, "slug": tag.slug, "color": "2196f3"})));
        if self.state.version == NetboxVersion::V4_0 {
            value.remove("display_url");
        }
        Some(Value::Object(value))
    }

    pub(super) fn nested_cluster(&self, id: Option<u64>) -> Value {
        id.and_then(|id| self.state.clusters.get(&id)).map_or(Value::Null, |cluster| {
            Value::Object(self.nested(Kind::Cluster, cluster.id, &cluster.name))
        })
    }

    pub(super) fn nested_host(&self, host: &ObjectRef) -> Value {
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

    pub(super) fn nested_ip(&self, id: Option<u64>) -> Value {
        let Some(ip) = id.and_then(|id| self.state.ips.get(&id)) else {
            return Value::Null;
        };
        let path = Kind::Ip.path(self.state.version);
        let mut value = object(json!({
            "id": ip.id, "url": format!("{}api/{path}{}/", self.base, ip.id), "display": ip.address,
            "family": family(&ip.address), "address": ip.address, "description": "",
        }));
        if self.state.version >= NetboxVersion::V4_6 {
            value.extend(object(json!({"dns_name": ip.dns_name, "nat_inside": null, "nat_outside": []})));
        }
        Value::Object(value)
    }

    pub(super) fn nested_interface(&self, interface: Option<&ObjectRef>) -> Value {
        let Some(interface) = interface else {
            return Value::Null;
        };
        let (kind, row, key, host) = match Kind::of_content_type(&interface.kind) {
            Some(Kind::Interface) => {
                (Kind::Interface, self.state.interfaces.get(&interface.id), "device", Kind::Device)
            }
            Some(Kind::VmInterface) => {
                (Kind::VmInterface, self.state.vm_interfaces.get(&interface.id), "virtual_machine", Kind::Vm)
            }
            _ => return Value::Null,
        };
        let Some(row) = row else { return Value::Null };
        let mut value = self.nested(kind, row.id, &row.name);
        value.insert(key.into(), self.nested_host(&ObjectRef::new(host.content_type(), row.host)));
        Value::Object(value)
    }

    pub(super) fn nested_mac(&self, mac: &Mac) -> Map<String, Value> {
        object(json!({
            "id": mac.id, "url": format!("{}api/dcim/mac-addresses/{}/", self.base, mac.id), "display": mac.address,
            "mac_address": mac.address, "description": ""
        }))
    }
}

/// `{"value": "active", "label": "Active"}`.
pub(super) fn choice(value: &str) -> Value {
    let mut label = value.to_owned();
    if let Some(first) = label.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    json!({"value": value, "label": label})
}

pub(super) fn family(address: &str) -> Value {
    let (value, label) = if address.contains(':') { (6, "IPv6") } else { (4, "IPv4") };
    json!({"value": value, "label": label})
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
