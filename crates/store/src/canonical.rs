//! Expected and observed state of a host in the form installations read: the fixed keys first, ours after them.
//!
//! Equal states give equal text, so the text can be hashed. Moments of observation stay outside
//! of what is hashed.

use evenkeel_core::coverage::{Coverage, Fact};
use evenkeel_core::id::HostName;
use evenkeel_core::model::{
    ExpectedHost, ExpectedService, Health, HostKind, HostView, ObservedMachine, ObservedService, Port,
    Protocol, Published,
};
use serde_json::{Map, Value, json};

/// The expected snapshot of a host. Of a sensitive host only names and life cycles are shown.
pub fn expected_snapshot(host: &ExpectedHost) -> Value {
    let services: Vec<Value> = host.services.iter().map(|s| expected_service(s, host.sensitive)).collect();
    json!({
        "hostname": host.name,
        "services": services,
        "role": host.role,
        "cluster": host.cluster,
        "ip": host.primary_ip,
        "status": host.status.to_string(),
        "kind": match host.kind {
            HostKind::Device => "device",
            HostKind::VirtualMachine => "virtual_machine",
        },
        "netbox_id": host.netbox_id,
        "node": host.node,
        "site": host.site,
        "tenant": host.tenant,
        "coverage": coverage(&host.services_coverage),
    })
}

fn expected_service(service: &ExpectedService, sensitive: bool) -> Value {
    let mut object = Map::new();
    object.insert("name".into(), json!(service.name));
    if !sensitive {
        object.insert("port".into(), json!(service.ports.as_slice().first().map(|p| p.number)));
        object.insert("ports".into(), json!(service.ports));
        if let Some(role) = &service.role {
            object.insert("role".into(), json!(role));
        }
        if let Some(image) = &service.image {
            object.insert("image".into(), json!(image));
        }
    }
    if let Some(lifecycle) = service.lifecycle {
        object.insert("lifecycle".into(), json!(lifecycle.to_string()));
    }
    Value::Object(object)
}

/// What one source saw of a host. Of a sensitive host only names and states are shown.
pub fn observed_snapshot(host: &HostName, view: &HostView, sensitive: bool) -> Value {
    json!({
        "hostname": host,
        "source": view.source.kind,
        "observed_at": view.observed_at,
        "snapshot": observed_body(view, sensitive),
    })
}

/// The value under `snapshot`: what is kept and hashed.
pub(crate) fn observed_body(view: &HostView, sensitive: bool) -> Value {
    let mut containers: Vec<Value> = view.services.iter().map(|s| container(s, sensitive)).collect();
    // A name that several things claim was seen; which of them it is, is unknown.
    containers.extend(
        view.ambiguous
            .iter()
            .map(|(name, gap)| json!({ "name": name, "ports": null, "state": null, "ambiguous": gap.why })),
    );
    let mut body = Map::new();
    body.insert("containers".into(), json!(containers));
    body.insert("coverage".into(), coverage(&view.coverage));
    if let Some(machine) = &view.facts.machine {
        body.insert("machine".into(), self::machine(machine));
    }
    Value::Object(body)
}

/// The machine itself. Null is "not known". Use is kept in whole percent, and of volumes only: what processors and
/// memory do from moment to moment is a metric's business.
fn machine(machine: &ObservedMachine) -> Value {
    fn known<T: serde::Serialize>(fact: &Fact<T>) -> Option<&T> {
        fact.known().ok()
    }
    let volumes: Vec<Value> = machine
        .volumes
        .iter()
        .map(|volume| {
            json!({
                "kind": volume.kind,
                "name": volume.name,
                "percent": known(&volume.usage).and_then(|usage| usage.percent()),
                "health": volume.health.as_ref().and_then(known),
            })
        })
        .collect();
    let alerts = machine.notes.iter().filter(|(key, _)| key.starts_with("alert/")).map(|(_, text)| text);
    json!({
        "name": known(&machine.name),
        "kind": machine.kind,
        "state": known(&machine.state),
        "node": machine.node,
        "cluster": machine.cluster,
        "vmid": machine.vmid,
        "addresses": known(&machine.addresses),
        "vcpus": known(&machine.vcpus),
        "memory_mib": known(&machine.memory_mib),
        "disk_mib": known(&machine.disk_mib),
        "volumes": volumes,
        "alerts": alerts.collect::<Vec<_>>(),
    })
}

fn container(service: &ObservedService, sensitive: bool) -> Value {
    let mut object = Map::new();
    object.insert("name".into(), json!(service.name));
    let state = service.state.known().ok().map(|state| state.as_str());
    object.insert("state".into(), json!(state));
    if sensitive {
        return Value::Object(object);
    }
    // Null is "not known"; an empty list is "publishes nothing".
    object.insert("ports".into(), json!(service.ports.known().ok().map(mappings)));
    if let Some(image) = &service.image {
        object.insert("image".into(), json!(image));
    }
    if let Fact::Known(health) = &service.health
        && *health != Health::None
    {
        object.insert("health".into(), json!(health));
    }
    if service.replicas > 1 {
        object.insert("replicas".into(), json!(service.replicas));
    }
    Value::Object(object)
}

/// Published ports in Compose's notation. Sources keep the published side only, and every reader of this format takes
/// the number before the colon; the number after it repeats it.
fn mappings(published: &Published) -> Vec<String> {
    let open = published.open.as_slice().iter().map(|port| mapping("", *port));
    let loopback = published.loopback.as_slice().iter().map(|port| mapping("127.0.0.1:", *port));
    open.chain(loopback).collect()
}

fn mapping(address: &str, port: Port) -> String {
    let number = port.number;
    match port.protocol {
        Protocol::Tcp => format!("{address}{number}:{number}"),
        Protocol::Udp | Protocol::Sctp => format!("{address}{number}:{number}/{}", port.protocol.as_str()),
    }
}

fn coverage(coverage: &Coverage) -> Value {
    match coverage {
        Coverage::Complete => json!("complete"),
        Coverage::Partial(gap) => json!({ "gap": gap.kind.as_str(), "why": gap.why }),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evenkeel_core::id::{SourceId, SourceKind};
    use evenkeel_core::model::{HostFacts, Ports, RunState};

    use super::*;

    fn jellyfin() -> ObservedService {
        ObservedService {
            name: "jellyfin".into(),
            hints: Arc::default(),
            state: Fact::Known(RunState::Running),
            ports: Fact::Known(Published { open: Ports::new([Port::tcp(8096)]), loopback: Ports::default() }),
            health: Fact::Known(Health::None),
            image: Some("jellyfin:10.9".into()),
            role: None,
            restarts: Fact::Known(0),
            replicas: 1,
        }
    }

    fn media(services: Vec<ObservedService>) -> HostView {
        let at = "2025-12-22T04:11:00Z".parse().unwrap();
        HostView {
            source: SourceId::new(SourceKind::Docker, "box2-media"),
            started: at,
            observed_at: at,
            coverage: Coverage::Complete,
            facts: HostFacts::default(),
            services,
            ambiguous: Vec::new(),
        }
    }

    #[test]
    fn an_observed_snapshot_has_the_fixed_keys() {
        let value = observed_snapshot(&"box2-media".into(), &media(vec![jellyfin()]), false);
        assert_eq!(value["hostname"], "box2-media");
        assert_eq!(value["source"], "docker");
        assert_eq!(value["observed_at"], "2025-12-22T04:11:00Z");
        let container = &value["snapshot"]["containers"][0];
        assert_eq!(container["name"], "jellyfin");
        assert_eq!(container["ports"], json!(["8096:8096"]));
        assert_eq!(container["state"], "running");
    }

    #[test]
    fn a_sensitive_host_shows_names_and_states_only() {
        let value = observed_snapshot(&"box2-secrets".into(), &media(vec![jellyfin()]), true);
        assert_eq!(value["snapshot"]["containers"], json!([{ "name": "jellyfin", "state": "running" }]));
    }

    #[test]
    fn unknown_ports_are_null_and_not_empty() {
        let mut service = jellyfin();
        service.ports = Fact::unknown(evenkeel_core::GapKind::Malformed, "host network");
        let value = observed_snapshot(&"box2-media".into(), &media(vec![service]), false);
        assert_eq!(value["snapshot"]["containers"][0]["ports"], Value::Null);
    }

    #[test]
    fn an_expected_snapshot_has_the_fixed_keys() {
        let service = |name: &str, port: u16| ExpectedService {
            name: name.into(),
            lifecycle: None,
            ports: Ports::new([Port::tcp(port)]),
            container_name: None,
            compose_project: None,
            role: None,
            image: None,
            observed_by: Vec::new(),
            tags: Vec::new(),
            netbox_ids: Vec::new(),
        };
        let host = ExpectedHost {
            primary_ip: Some("192.168.2.12".parse().unwrap()),
            role: Some(Arc::from("daily-services")),
            cluster: Some(Arc::from("box2-cluster")),
            services: vec![service("freshrss", 8021), service("readeck", 8022)],
            ..ExpectedHost::new("box2-daily", HostKind::VirtualMachine, 7)
        };
        let value = expected_snapshot(&host);
        assert_eq!(value["hostname"], "box2-daily");
        assert_eq!(value["services"][1]["name"], "readeck");
        assert_eq!(value["services"][0]["port"], 8021);
        assert_eq!(value["role"], "daily-services");
        assert_eq!(value["cluster"], "box2-cluster");
        assert_eq!(value["ip"], "192.168.2.12");
    }
}
