//! The reference homelab running: its NetBox, its Proxmox clusters, its TrueNAS, an engine for each machine that runs
//! containers, and the ports of machines that are probed; everything that is declared running as declared.

use std::collections::BTreeMap;
use std::io;

use crate::docker::{Container, DockerLab};
use crate::inventory::{Host, Inventory, Service};
use crate::listener::{Behaviour, Machine};
use crate::netbox::{NetboxLab, NetboxVersion};
use crate::proxmox::{Cluster, ProxmoxLab, PveVersion};
use crate::truenas::{TruenasLab, TruenasVersion};

/// The machines with an engine.
const ENGINES: [&str; 7] =
    ["box2-docs", "box2-edge", "box2-daily", "box2-media", "box2-observability", "supabase", "FurycomAI"];

/// Declared on such a machine, but no container.
const NOT_CONTAINERS: [&str; 1] = ["ssh"];

/// The hypervisors, by their device in NetBox.
const HYPERVISORS: [&str; 2] = ["Box2", "Proxmox-Box"];

/// The device in NetBox that the TrueNAS is.
pub const TRUENAS: &str = "TrueNAS";

/// The machine that a script reports on, and the service it reports.
pub const SCRIPTED: (&str, &str, u16) = ("n8n", "n8n", 5678);

/// Services that answer on ports of their own, and can be probed there: the host, and globs of the services.
const PROBED: [(&str, &[&str]); 4] = [
    ("Windows Whisper/TTS", &["whisper", "tts"]),
    ("box2-media", &["qbittorrent"]),
    ("Box2", &["proxmox-ui"]),
    ("Proxmox-Box", &["proxmox-ui"]),
];

/// A running homelab; ends when dropped.
#[derive(Debug)]
pub struct Homelab {
    /// What should exist.
    pub netbox: NetboxLab,
    /// The storage system.
    pub truenas: TruenasLab,
    clusters: BTreeMap<String, ProxmoxLab>,
    engines: BTreeMap<String, DockerLab>,
    machines: Result<BTreeMap<String, Probed>, io::Error>,
}

/// A machine whose ports can be tried.
#[derive(Debug)]
struct Probed {
    machine: Machine,
    ports: Vec<u16>,
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
        let mut clusters = BTreeMap::new();
        for name in HYPERVISORS {
            let cluster = Cluster::of_inventory(&inventory, name, PveVersion::V9)
                .ok_or_else(|| io::Error::other(format!("{name} is no cluster")))?;
            clusters.insert(name.to_owned(), ProxmoxLab::start(staged_runs(cluster)).await?);
        }
        let truenas = TruenasLab::of(TruenasVersion::V25_10, &inventory, TRUENAS).await?;
        let machines = machines(&inventory).await;
        let netbox = NetboxLab::start(inventory, version).await?;
        Ok(Self { netbox, truenas, clusters, engines, machines })
    }

    /// A machine's engine.
    pub fn engine(&self, host: &str) -> Option<&DockerLab> {
        self.engines.get(host)
    }

    /// Every engine by its machine.
    pub fn engines(&self) -> impl Iterator<Item = (&str, &DockerLab)> {
        self.engines.iter().map(|(name, engine)| (name.as_str(), engine))
    }

    /// The cluster of this hypervisor.
    pub fn cluster(&self, node: &str) -> Option<&ProxmoxLab> {
        self.clusters.get(node)
    }

    /// Every cluster by its (only) node.
    pub fn clusters(&self) -> impl Iterator<Item = (&str, &ProxmoxLab)> {
        self.clusters.iter().map(|(name, cluster)| (name.as_str(), cluster))
    }

    /// The machines whose ports can be tried, on addresses of their own; an error where this system has no address but
    /// 127.0.0.1 for itself, or one of the ports is taken on all of them.
    pub fn machines(&self) -> Result<impl Iterator<Item = (&str, &Machine)>, &io::Error> {
        let machines = self.machines.as_ref()?;
        Ok(machines.iter().map(|(name, probed)| (name.as_str(), &probed.machine)))
    }

    /// From now on this port of a machine behaves like this.
    pub async fn port(&self, host: &str, port: u16, behaviour: Behaviour) -> io::Result<()> {
        match self.machines.as_ref().ok().and_then(|machines| machines.get(host)) {
            Some(probed) => probed.machine.set(port, behaviour).await,
            None => Ok(()),
        }
    }

    /// Nothing comes back from a machine any more: its engine is gone, its ports do not even refuse.
    pub async fn silence(&self, host: &str) -> io::Result<()> {
        if let Some(engine) = self.engine(host) {
            engine.kill_daemon().await?;
        }
        self.behave(host, Behaviour::Filtered).await
    }

    /// The machine is there again, and its engine starts what it ran.
    pub async fn revive(&self, host: &str) -> io::Result<()> {
        if let Some(engine) = self.engine(host) {
            engine.start_daemon().await?;
            engine.resume();
        }
        self.behave(host, Behaviour::Open).await
    }

    /// All ports of a machine behave like this.
    pub async fn behave(&self, host: &str, behaviour: Behaviour) -> io::Result<()> {
        if let Some(probed) = self.machines.as_ref().ok().and_then(|machines| machines.get(host)) {
            for port in &probed.ports {
                probed.machine.set(*port, behaviour.clone()).await?;
            }
        }
        Ok(())
    }
}

/// A staged machine may run; in this homelab it does, and so does the engine on it.
fn staged_runs(mut cluster: Cluster) -> Cluster {
    for guest in cluster.guests.values_mut().filter(|guest| ENGINES.contains(&guest.name.as_str())) {
        guest.running = true;
        guest.uptime = 3600;
    }
    cluster
}

async fn machines(inventory: &Inventory) -> io::Result<BTreeMap<String, Probed>> {
    let mut machines = BTreeMap::new();
    for (host, services) in PROBED {
        let probed = Probed {
            machine: Machine::start(),
            ports: declared_on(inventory, host)
                .iter()
                .filter(|service| services.contains(&service.name.as_str()))
                .flat_map(|service| service.ports.iter().filter_map(|port| u16::try_from(*port).ok()))
                .collect(),
        };
        for port in &probed.ports {
            probed.machine.set(*port, Behaviour::Open).await?;
        }
        machines.insert(host.to_owned(), probed);
    }
    Ok(machines)
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
