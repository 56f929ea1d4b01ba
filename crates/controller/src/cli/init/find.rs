//! What NetBox declares, as something to be watched: engines, hypervisors, TrueNAS, and what only a probe sees.
//!
//! Pure. What does not live here: how each is reached (`plan`), and asking anybody (`look`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_core::model::{
    Demand, ExpectedHost, ExpectedService, HostKind, HostStatus, Lifecycle, Protocol,
};
use evenkeel_core::{HostName, Rules, SourceKind};
use evenkeel_sources::netbox::Cluster;

/// Tags and roles that say that a machine runs containers.
const CONTAINERS: [&str; 5] = ["docker", "docker-host", "podman", "podman-host", "container-host"];
/// Services that a hypervisor declares, and the port of its interface.
const PROXMOX_SERVICES: [&str; 4] = ["proxmox-ui", "proxmox", "pve", "pveproxy"];
const PROXMOX_PORT: u16 = 8006;
/// The service that a TrueNAS declares.
const TRUENAS_SERVICES: [&str; 2] = ["truenas-ui", "truenas"];
const HTTPS_PORT: u16 = 443;

/// Everything that could be watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) engines: Vec<Engine>,
    pub(super) hypervisors: Vec<Hypervisor>,
    pub(super) appliances: Vec<Appliance>,
    pub(super) unseen: Vec<Unseen>,
}

/// A machine that runs containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Engine {
    pub(super) host: HostName,
    pub(super) status: HostStatus,
    pub(super) address: Option<IpAddr>,
    /// The endpoint that NetBox declares.
    pub(super) declared: Option<Arc<str>>,
    /// What says so.
    pub(super) why: String,
}

/// A Proxmox cluster, or a node that is none of any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hypervisor {
    /// The cluster's name in NetBox; of a node alone, the node's.
    pub(super) name: Arc<str>,
    pub(super) is_cluster: bool,
    pub(super) nodes: Vec<Node>,
    pub(super) why: String,
}

/// A node of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) host: HostName,
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
}

/// A TrueNAS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Appliance {
    pub(super) host: HostName,
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    /// The clusters whose machines run on it.
    pub(super) clusters: Vec<Arc<str>>,
    pub(super) why: String,
}

/// A machine whose services nothing but a probe sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unseen {
    pub(super) host: HostName,
    pub(super) services: Vec<Arc<str>>,
    /// Without one there is nothing to try.
    pub(super) address: Option<IpAddr>,
}

/// Finds it. `clusters` are NetBox's, with their types; `None` if those cannot be read, and then what is declared on the
/// machines must do.
pub(super) fn find(hosts: &[Arc<ExpectedHost>], clusters: Option<&[Cluster]>) -> Found {
    let kinds = Kinds::of(hosts, clusters);
    let appliances: Vec<Appliance> = hosts.iter().filter_map(|host| appliance(host, &kinds)).collect();
    let hypervisors = hypervisors(hosts, &kinds, &appliances);
    let nodes: BTreeSet<&HostName> =
        hypervisors.iter().flat_map(|hypervisor| &hypervisor.nodes).map(|node| &node.host).collect();
    let is_appliance = |host: &ExpectedHost| appliances.iter().any(|appliance| appliance.host == host.name);
    let mut engines = Vec::new();
    let mut unseen = Vec::new();
    for host in hosts.iter().filter(|host| !is_appliance(host)) {
        match runs_containers(host, nodes.contains(&host.name)) {
            Some(why) => engines.push(Engine {
                host: host.name.clone(),
                status: host.status.clone(),
                address: host.primary_ip,
                declared: host.docker_endpoint.clone(),
                why,
            }),
            None => unseen.extend(only_probed(host)),
        }
    }
    Found { engines, hypervisors, appliances, unseen }
}

/// Which clusters are Proxmox', which are TrueNAS', each with what says so.
struct Kinds {
    proxmox: BTreeMap<Arc<str>, String>,
    truenas: BTreeMap<Arc<str>, String>,
}

impl Kinds {
    fn of(hosts: &[Arc<ExpectedHost>], clusters: Option<&[Cluster]>) -> Self {
        let Some(clusters) = clusters else { return Self::guessed(hosts) };
        let (mut proxmox, mut truenas) = (BTreeMap::new(), BTreeMap::new());
        for Cluster { name, kind } in clusters {
            let why = format!("its type is {kind}");
            match kind.to_lowercase() {
                kind if kind.contains("proxmox") || kind == "pve" => proxmox.insert(name.clone(), why),
                kind if kind.contains("truenas") => truenas.insert(name.clone(), why),
                _ => None,
            };
        }
        Self { proxmox, truenas }
    }

    /// Without their types: by what their machines say.
    fn guessed(hosts: &[Arc<ExpectedHost>]) -> Self {
        let (mut proxmox, mut truenas) = (BTreeMap::new(), BTreeMap::new());
        for host in hosts {
            let Some(cluster) = &host.cluster else { continue };
            if let Some(why) = says_truenas(host) {
                truenas.insert(cluster.clone(), format!("{}: {why}", host.name));
            } else if let Some(why) = says_proxmox(host) {
                proxmox.insert(cluster.clone(), format!("{}: {why}", host.name));
            }
        }
        proxmox.retain(|name, _| !truenas.contains_key(name));
        Self { proxmox, truenas }
    }
}

fn says_proxmox(host: &ExpectedHost) -> Option<String> {
    match host.kind {
        HostKind::VirtualMachine => host.proxmox_vmid.map(|_| "proxmox_vmid".to_owned()),
        HostKind::Device => observed_by(host, SourceKind::Proxmox)
            .or_else(|| named(host, &PROXMOX_SERVICES).map(|service| format!("service {}", service.name))),
    }
}

fn says_truenas(host: &ExpectedHost) -> Option<String> {
    if host.kind == HostKind::VirtualMachine {
        return None;
    }
    observed_by(host, SourceKind::Truenas)
        .or_else(|| named(host, &TRUENAS_SERVICES).map(|service| format!("service {}", service.name)))
        .or_else(|| host.name.as_str().to_lowercase().contains("truenas").then(|| "its name".to_owned()))
}

fn appliance(host: &ExpectedHost, kinds: &Kinds) -> Option<Appliance> {
    let carried = host.cluster.iter().filter(|name| kinds.truenas.contains_key(*name));
    let clusters: Vec<Arc<str>> = carried.cloned().collect();
    let by_cluster = || {
        let name = clusters.first().filter(|_| host.kind == HostKind::Device)?;
        Some(format!("cluster {name}"))
    };
    let why = says_truenas(host).or_else(by_cluster)?;
    let port = named(host, &TRUENAS_SERVICES).and_then(tcp_port).unwrap_or(HTTPS_PORT);
    Some(Appliance { host: host.name.clone(), address: host.primary_ip, port, clusters, why })
}

fn hypervisors(hosts: &[Arc<ExpectedHost>], kinds: &Kinds, appliances: &[Appliance]) -> Vec<Hypervisor> {
    let devices = || {
        hosts.iter().filter(|host| {
            host.kind == HostKind::Device && !appliances.iter().any(|appliance| appliance.host == host.name)
        })
    };
    let mut found: Vec<Hypervisor> = Vec::new();
    for (name, why) in &kinds.proxmox {
        let nodes = devices().filter(|host| host.cluster.as_ref() == Some(name)).map(|host| node(host));
        found.push(Hypervisor {
            name: name.clone(),
            is_cluster: true,
            nodes: nodes.collect(),
            why: why.clone(),
        });
    }
    for host in devices() {
        let is_in_one = host.cluster.as_ref().is_some_and(|name| kinds.proxmox.contains_key(name));
        if let Some(why) = says_proxmox(host).filter(|_| !is_in_one) {
            let name = host.name.as_str().into();
            found.push(Hypervisor { name, is_cluster: false, nodes: vec![node(host)], why });
        }
    }
    found
}

fn node(host: &ExpectedHost) -> Node {
    let port = named(host, &PROXMOX_SERVICES).and_then(tcp_port).unwrap_or(PROXMOX_PORT);
    Node { host: host.name.clone(), address: host.primary_ip, port }
}

/// What says that a machine runs containers. Of a node that is only tagged, not much: somebody may mean what it carries.
fn runs_containers(host: &ExpectedHost, is_node: bool) -> Option<String> {
    if host.docker_endpoint.is_some() {
        return Some("NetBox names its endpoint".to_owned());
    }
    if let Some(why) = observed_by(host, SourceKind::Docker) {
        return Some(why);
    }
    let rules = Rules::default();
    let may_be_one = |service: &ExpectedService| {
        !rules.not_containers.iter().any(|name| name.eq_ignore_ascii_case(service.name.as_str()))
    };
    let nothing_declared = host.services.is_empty() && !is_node;
    if !nothing_declared && !host.services.iter().any(may_be_one) {
        return None;
    }
    let is_meant = |slug: &&Arc<str>| CONTAINERS.contains(&slug.as_ref());
    let tag = || host.tags.iter().find(is_meant).map(|tag| format!("tag {tag}"));
    let role = || host.role.iter().find(is_meant).map(|role| format!("role {role}"));
    let names_one = |service: &&ExpectedService| {
        may_be_one(service) && (service.container_name.is_some() || service.compose_project.is_some())
    };
    let container = || {
        let service = host.services.iter().find(names_one)?;
        Some(format!("service {} names a container", service.name))
    };
    tag().or_else(role).or_else(container)
}

/// A machine that must or may run, and declares a TCP port that nobody else sees.
fn only_probed(host: &ExpectedHost) -> Option<Unseen> {
    match host.demand() {
        Demand::Run | Demand::MayRun => {}
        Demand::Either | Demand::NotRun => return None,
    }
    let is_there = |service: &&ExpectedService| match service.lifecycle {
        Some(Lifecycle::Active) | None => tcp_port(service).is_some(),
        Some(Lifecycle::Planned | Lifecycle::Retired) => false,
    };
    let names = host.services.iter().filter(is_there).map(|service| Arc::from(service.name.as_str()));
    let services: Vec<Arc<str>> = names.collect();
    (!services.is_empty()).then(|| Unseen { host: host.name.clone(), services, address: host.primary_ip })
}

fn observed_by(host: &ExpectedHost, kind: SourceKind) -> Option<String> {
    if host.observed_by.contains(&kind) {
        return Some(format!("observed_by {kind}"));
    }
    let service = host.services.iter().find(|service| service.observed_by.contains(&kind))?;
    Some(format!("observed_by {kind} on service {}", service.name))
}

fn named<'a>(host: &'a ExpectedHost, names: &[&str]) -> Option<&'a ExpectedService> {
    let is_one = |service: &&ExpectedService| {
        names.iter().any(|name| name.eq_ignore_ascii_case(service.name.as_str()))
    };
    host.services.iter().find(is_one)
}

fn tcp_port(service: &ExpectedService) -> Option<u16> {
    let ports = service.ports.as_slice();
    ports.iter().find(|port| port.protocol == Protocol::Tcp).map(|port| port.number)
}
