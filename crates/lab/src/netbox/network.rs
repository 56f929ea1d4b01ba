//! Interfaces, MAC addresses and IP addresses on the wire.
//!
//! What does not live here: the other models (`render`).

use serde_json::{Map, Value, json};

use super::nested::{choice, family, object};
use super::render::Renderer;
use super::state::Kind;
use crate::inventory::{Interface, Ip, Mac, ObjectRef};

impl Renderer<'_> {
    /// What both kinds of interfaces have in common.
    pub(super) fn any_interface(&self, kind: Kind, row: &Interface) -> Map<String, Value> {
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

    pub(super) fn vm_interface(&self, row: &Interface) -> Map<String, Value> {
        let mut value = self.any_interface(Kind::VmInterface, row);
        value.insert("virtual_machine".into(), self.nested_host(&ObjectRef::vm(row.host)));
        value
    }

    pub(super) fn interface(&self, row: &Interface) -> Map<String, Value> {
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

    pub(super) fn mac(&self, mac: &Mac) -> Map<String, Value> {
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

    pub(super) fn ip(&self, ip: &Ip) -> Map<String, Value> {
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
}
