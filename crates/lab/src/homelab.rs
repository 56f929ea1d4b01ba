//! The reference homelab running: its NetBox, and an engine for each machine that runs containers, with everything
//! that is declared running as declared.

use std::collections::BTreeMap;
use std::io;

use crate::docker::{Container, DockerLab};
use crate::inventory::{Host, Inventory, Service};
use crate::netbox::{NetboxLab, NetboxVersion};

/// The machines with an engine.
const ENGINES: [&str; 7] =
    ["box2-docs", "box2-edge", "box2-daily", "box2-media", "box2-observability", "supabase", "FurycomAI"];

/// Declared on such a machine, but no container.
const NOT_CONTAINERS: [&str; 1] = ["ssh"];

/// A running homelab; ends when dropped.
#[derive(Debug)]
pub struct Homelab {
    /// What should exist.
    pub netbox: NetboxLab,
    engines: BTreeMap<String, DockerLab>,
}

impl Homelab {
    /// The reference inventory, in sync: what must run runs, what is planned or retired does not.
    pub async fn start(version: NetboxVersion) -> io::Result<Self> {
        let inventory = Inventory::reference();
        let mut engines = BTreeMap::new();
        for name in ENGINES {
            let engine = DockerLab::start(name).await?;
            for service in declared_on(&inventory, name) {
                engine.run(container(name, service));
            }
            engines.insert(name.to_owned(), engine);
        }
        Ok(Self { netbox: NetboxLab::start(inventory, version).await?, engines })
    }

    /// A machine's engine.
    pub fn engine(&self, host: &str) -> Option<&DockerLab> {
        self.engines.get(host)
    }

    /// Every engine by its machine.
    pub fn engines(&self) -> impl Iterator<Item = (&str, &DockerLab)> {
        self.engines.iter().map(|(name, engine)| (name.as_str(), engine))
    }
}

/// The container that makes a declared service true.
pub fn container(host: &str, service: &Service) -> Container {
    let name =
        service.custom_fields.get("container_name").and_then(|name| name.as_str()).unwrap_or(&service.name);
    let project = host.to_lowercase();
    let container =
        Container::compose(&project, &service.name).named(name).image(&format!("lab/{}:1.0", service.name));
    service.ports.iter().filter_map(|port| u16::try_from(*port).ok()).fold(container, |container, port| {
        if service.protocol == "udp" {
            container.publish_udp(port, port)
        } else {
            container.publish(port, port)
        }
    })
}

fn declared_on<'a>(inventory: &'a Inventory, host: &str) -> Vec<&'a Service> {
    let named = |hosts: &[Host], kind: &str| {
        let found = hosts.iter().find(|h| h.name.as_deref() == Some(host));
        found.map(|h| (kind.to_owned(), h.id))
    };
    let parent = named(&inventory.vms, "virtualization.virtualmachine")
        .or_else(|| named(&inventory.devices, "dcim.device"));
    let active = |service: &&Service| {
        let lifecycle = service.custom_fields.get("lifecycle").and_then(|value| value.as_str());
        !matches!(lifecycle, Some("planned" | "retired")) && !NOT_CONTAINERS.contains(&service.name.as_str())
    };
    inventory
        .services
        .iter()
        .filter(|s| Some((s.parent.kind.clone(), s.parent.id)) == parent)
        .filter(active)
        .collect()
}
