//! The simulated systems of one seed, and the truth about them: every change is made to both.
//!
//! What does not live here: what follows from the truth (`truth`), what goes wrong on the way (`faults`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evenkeel_lab::docker::{Container as Running, DockerLab};
use evenkeel_lab::inventory::{self, Inventory, ObjectRef};
use evenkeel_lab::netbox::{NetboxLab, NetboxVersion};
use evenkeel_lab::proxmox::{Cluster, Guest, ProxmoxLab, PveVersion};
use evenkeel_tests::load::Random;
use serde_json::Value;
use tokio::time::Instant;

use crate::history::History;
use crate::network::{Link, Network};
use crate::receiver::Receiver;
use crate::truth::{Container, Life, Machine, Truth};

/// What the cluster is called.
pub const CLUSTER: &str = "lab";
/// The cluster's nodes.
pub const NODES: [&str; 2] = ["pve1", "pve2"];
/// Where events are sent.
pub const RECEIVER: &str = "receiver.lan:80";
/// What is declared on each machine at first.
const SERVICES: [(&str, u16); 5] = [("web", 80), ("db", 5432), ("cache", 6379), ("mail", 25), ("chat", 8008)];
/// What may come along.
const GUESTS: [&str; 2] = ["guest", "toy"];

/// The systems, and what is true of them.
pub struct World {
    /// What should exist.
    pub netbox: NetboxLab,
    /// The engines, by machine.
    pub engines: BTreeMap<String, DockerLab>,
    /// Where the machines run.
    pub cluster: ProxmoxLab,
    /// Who is told.
    pub receiver: Arc<Receiver>,
    /// What carries requests.
    pub network: Arc<Network>,
    truth: Mutex<Truth>,
    hidden: Mutex<BTreeSet<String>>,
    history: Mutex<History>,
    begun: Instant,
}

impl World {
    /// A cluster with so many machines, all as declared.
    pub async fn new(machines: usize, network: Arc<Network>) -> std::io::Result<Self> {
        let mut cluster = Cluster::new(CLUSTER, PveVersion::V9, &NODES);
        let reference = Inventory::reference();
        let declared = inventory::Cluster {
            id: 1,
            name: CLUSTER.to_owned(),
            kind: "Proxmox VE".to_owned(),
            ..Default::default()
        };
        let inventory = Inventory {
            custom_fields: reference.custom_fields,
            roles: reference.roles,
            tags: reference.tags,
            clusters: vec![declared],
            ..Inventory::default()
        };
        let netbox = NetboxLab::start(inventory, NetboxVersion::V4_5).await?;
        for node in NODES {
            netbox.netbox().add_device(node, |device| device.cluster = Some(1));
        }
        let mut truth = Truth::default();
        let mut engines = BTreeMap::new();
        for number in 0..machines {
            let (name, vmid) = (format!("vm{number}"), 100 + number as u64);
            cluster = cluster.with(Guest::vm(vmid, NODES[number % 2], &name));
            let vm = netbox.netbox().add_vm(&name, |vm| {
                vm.cluster = Some(1);
                vm.custom_fields.insert("proxmox_vmid".to_owned(), Value::from(vmid));
            });
            let engine = DockerLab::start(&name).await?;
            let mut machine = Machine {
                vmid,
                on: true,
                called: name.clone(),
                declared: BTreeMap::new(),
                boxes: BTreeMap::new(),
            };
            for (service, port) in SERVICES {
                netbox.netbox().add_service(ObjectRef::vm(vm), service, &[u32::from(port)], |_| {});
                engine.run(container(&name, service, port));
                machine.declared.insert(service.to_owned(), (port, Life::Active));
                machine.boxes.insert(service.to_owned(), Container { port, runs: true });
            }
            engines.insert(name.clone(), engine);
            truth.machines.insert(name, machine);
        }
        let cluster = ProxmoxLab::start(cluster).await?;
        cluster.refuse_after(Duration::ZERO);
        let world = Self {
            netbox,
            engines,
            cluster,
            receiver: Arc::default(),
            network,
            truth: Mutex::new(truth),
            hidden: Mutex::default(),
            history: Mutex::default(),
            begun: Instant::now(),
        };
        world.note();
        Ok(world)
    }

    /// Connects every system to the network. The world outlives all connections.
    pub fn connect(self: &Arc<Self>) {
        let world = self.clone();
        self.network.serve(&authority(&self.netbox.url()), move |stream| world.netbox.serve(stream));
        for host in self.engines.keys() {
            let (world, host) = (self.clone(), host.clone());
            self.network.serve(&self.address_of(&host), move |stream| world.engine(&host).serve(stream));
        }
        for (node, url) in self.cluster.urls().iter().enumerate() {
            let world = self.clone();
            self.network.serve(&authority(url), move |stream| world.cluster.serve(node, stream));
        }
        let receiver = self.receiver.clone();
        self.network.serve(RECEIVER, move |stream| receiver.clone().serve(stream));
    }

    /// A machine's engine.
    ///
    /// # Panics
    /// For a machine there is not.
    #[expect(clippy::indexing_slicing, reason = "machines are never removed")]
    pub fn engine(&self, host: &str) -> &DockerLab {
        &self.engines[host]
    }

    /// Where a machine's engine is.
    pub fn address_of(&self, host: &str) -> String {
        authority(&self.engine(host).url())
    }

    /// Where NetBox is.
    pub fn netbox_address(&self) -> String {
        authority(&self.netbox.url())
    }

    /// Where the cluster's nodes are.
    pub fn node_addresses(&self) -> Vec<String> {
        self.cluster.urls().iter().map(|url| authority(url)).collect()
    }

    /// The same words with names in place of addresses, whose ports are another with every run.
    pub fn named(&self, words: &str) -> String {
        let engines = self.engines.keys().map(|host| (self.address_of(host), format!("{host}.lan")));
        let nodes = self.node_addresses().into_iter().zip(NODES.map(|node| format!("{node}.lan")));
        let netbox = std::iter::once((self.netbox_address(), "netbox.lan".to_owned()));
        engines
            .chain(nodes)
            .chain(netbox)
            .fold(words.to_owned(), |words, (at, name)| words.replace(&at, &name))
    }

    /// How long it has been going on.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The drifts that are true now.
    pub fn drifts(&self) -> BTreeSet<String> {
        self.truth().drifts()
    }

    /// Whether nobody can tell: the machine is off, or the service whose ports they would be does not run.
    pub fn is_undecidable(&self, drift: &str, truth: &BTreeSet<String>) -> bool {
        let subject = drift.split(' ').next_back().unwrap_or_default();
        let host = subject.split('@').next_back().unwrap_or_default();
        self.truth().is_off(host)
            || drift.starts_with("PORT_MISMATCH") && truth.contains(&format!("SERVICE_MISSING {subject}"))
    }

    /// What was true when.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on somebody can (not) be seen well.
    pub fn hide(&self, who: &str, hidden: bool) {
        {
            let mut all = self.hidden.lock().unwrap_or_else(PoisonError::into_inner);
            match hidden {
                true => all.insert(who.to_owned()),
                false => all.remove(who),
            };
        }
        self.note();
    }

    fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self) {
        let hidden = self.hidden.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.history().note(self.elapsed(), &self.truth(), &hidden);
    }

    /// One change, chosen by chance; in words.
    pub fn change(&self, random: &mut Random) -> String {
        let hosts: Vec<String> = self.engines.keys().cloned().collect();
        let host = &hosts[below(random, hosts.len())];
        let said = match random.below(20) {
            0..=3 => self.stop(host, random),
            4..=6 => self.start(host, random),
            7 => self.remove(host, random),
            8 | 9 => self.guest(host, random),
            10 | 11 => self.declare(host, random),
            12 => self.renumber(host, random),
            13 => self.live(host, random),
            14..=16 => self.power(host),
            17 => self.migrate(host, random),
            18 => self.rename(host),
            _ => self.stranger(),
        };
        self.note();
        said
    }

    fn stop(&self, host: &str, random: &mut Random) -> String {
        let mut truth = self.truth();
        let Some((name, found)) = chosen(&mut truth, host, random, |found| found.runs) else {
            return format!("nothing to stop on {host}");
        };
        found.runs = false;
        // It is there: the truth says so.
        let _ = match random.below(3) {
            0 => self.engine(host).kill(&name),
            1 => self.engine(host).exit(&name, 1),
            _ => self.engine(host).stop(&name),
        };
        format!("{name}@{host} ends")
    }

    fn start(&self, host: &str, random: &mut Random) -> String {
        let mut truth = self.truth();
        let Some((name, found)) = chosen(&mut truth, host, random, |found| !found.runs) else {
            return format!("nothing to start on {host}");
        };
        found.runs = true;
        let _ = self.engine(host).start_container(&name);
        format!("{name}@{host} starts")
    }

    /// Removes a container, or makes it anew on another port.
    fn remove(&self, host: &str, random: &mut Random) -> String {
        let mut truth = self.truth();
        let Some((name, found)) = chosen(&mut truth, host, random, |_| true) else {
            return format!("nothing to remove on {host}");
        };
        let _ = self.engine(host).remove(&name);
        if random.below(2) == 0 {
            machine(&mut truth, host).boxes.remove(&name);
            return format!("{name}@{host} is removed");
        }
        found.port = if found.port > 9000 { found.port - 9000 } else { found.port + 9000 };
        found.runs = true;
        self.engine(host).run(container(host, &name, found.port));
        format!("{name}@{host} is made anew on port {}", found.port)
    }

    /// Something comes along that nobody declared (any more), or goes.
    fn guest(&self, host: &str, random: &mut Random) -> String {
        let mut truth = self.truth();
        let machine = machine(&mut truth, host);
        let name = match random.below(3) {
            0 => SERVICES[below(random, SERVICES.len())].0,
            _ => GUESTS[below(random, GUESTS.len())],
        };
        if machine.boxes.remove(name).is_some() {
            let _ = self.engine(host).remove(name);
            return format!("{name}@{host} goes");
        }
        let port = SERVICES.iter().find(|(service, _)| *service == name).map_or(7000, |(_, port)| *port);
        machine.boxes.insert(name.to_owned(), Container { port, runs: true });
        self.engine(host).run(container(host, name, port));
        format!("{name}@{host} comes along on port {port}")
    }

    /// NetBox: a service is declared, or no longer.
    fn declare(&self, host: &str, random: &mut Random) -> String {
        let mut truth = self.truth();
        let machine = machine(&mut truth, host);
        let (name, port) = SERVICES[below(random, SERVICES.len())];
        let netbox = self.netbox.netbox();
        if machine.declared.remove(name).is_some() {
            if let Some(id) = netbox.service(host, name) {
                netbox.remove_service(id);
            }
            return format!("netbox: {name}@{host} is declared no longer");
        }
        if let Some(vm) = netbox.vm(host) {
            netbox.add_service(ObjectRef::vm(vm), name, &[u32::from(port)], |_| {});
            machine.declared.insert(name.to_owned(), (port, Life::Active));
        }
        format!("netbox: {name}@{host} is declared on port {port}")
    }

    /// NetBox: another port.
    fn renumber(&self, host: &str, random: &mut Random) -> String {
        let mut truth = self.truth();
        let (name, _) = SERVICES[below(random, SERVICES.len())];
        let Some((port, _)) = machine(&mut truth, host).declared.get_mut(name) else {
            return format!("netbox: {name}@{host} is not declared");
        };
        *port = if *port > 9000 { *port - 9000 } else { *port + 9000 };
        self.netbox.netbox().set_ports(host, name, &[u32::from(*port)]);
        format!("netbox: {name}@{host} is declared on port {port}")
    }

    /// NetBox: another part of a service's life.
    fn live(&self, host: &str, random: &mut Random) -> String {
        let mut truth = self.truth();
        let (name, _) = SERVICES[below(random, SERVICES.len())];
        let Some((_, life)) = machine(&mut truth, host).declared.get_mut(name) else {
            return format!("netbox: {name}@{host} is not declared");
        };
        *life = [Life::Active, Life::Planned, Life::Retired][below(random, 3)];
        self.netbox.netbox().set_service_field(host, name, "lifecycle", Value::from(life.as_str()));
        format!("netbox: {name}@{host} is {}", life.as_str())
    }

    /// A machine is switched off, or on. Its engine is silent while it is off, and as it was when it is back.
    fn power(&self, host: &str) -> String {
        let mut truth = self.truth();
        let machine = machine(&mut truth, host);
        machine.on = !machine.on;
        let (vmid, on) = (machine.vmid, machine.on);
        drop(truth);
        match on {
            true => self.cluster.pve().start_guest(vmid),
            false => self.cluster.pve().stop_guest(vmid),
        }
        self.relink(host, Link::Up);
        format!("{host} is switched {}", if on { "on" } else { "off" })
    }

    /// An engine's link is so, as far as its machine is on.
    pub fn relink(&self, host: &str, link: Link) {
        let on = self.truth().machines.get(host).is_some_and(|machine| machine.on);
        self.network.link(&self.address_of(host), if on { link } else { Link::Silent });
    }

    /// Somebody starts a container that is there and ended.
    pub fn repair(&self, host: &str, name: &str) {
        {
            let mut truth = self.truth();
            let found = truth.machines.get_mut(host).and_then(|machine| machine.boxes.get_mut(name));
            let Some(found) = found.filter(|found| !found.runs) else { return };
            found.runs = true;
            // It is there: the truth says so.
            let _ = self.engine(host).start_container(name);
        }
        self.note();
    }

    fn migrate(&self, host: &str, random: &mut Random) -> String {
        let vmid = machine(&mut self.truth(), host).vmid;
        let node = NODES[below(random, NODES.len())];
        self.cluster.pve().migrate(vmid, node);
        format!("{host} is on {node}")
    }

    /// The cluster calls it otherwise, or as before.
    fn rename(&self, host: &str) -> String {
        let mut truth = self.truth();
        let machine = machine(&mut truth, host);
        machine.called = if machine.called == host { format!("{host}-old") } else { host.to_owned() };
        self.cluster.pve().rename(machine.vmid, &machine.called);
        format!("{host} is called {}", machine.called)
    }

    /// A machine nobody declared appears, or goes.
    fn stranger(&self) -> String {
        let mut truth = self.truth();
        let name = "stranger".to_owned();
        if truth.strangers.remove(&name) {
            self.cluster.pve().remove_guest(900);
            return format!("{name} is destroyed");
        }
        self.cluster.pve().add_guest(Guest::vm(900, NODES[0], &name));
        truth.strangers.insert(name.clone());
        format!("{name} runs")
    }
}

/// Something of a machine that fits, by chance.
fn chosen<'a>(
    truth: &'a mut Truth,
    host: &str,
    random: &mut Random,
    fits: impl Fn(&Container) -> bool,
) -> Option<(String, &'a mut Container)> {
    let boxes = &mut machine(truth, host).boxes;
    let names: Vec<String> =
        boxes.iter().filter(|(_, found)| fits(found)).map(|(name, _)| name.clone()).collect();
    let name = names.get(below(random, names.len().max(1)))?.clone();
    boxes.get_mut(&name).map(|found| (name, found))
}

#[expect(clippy::expect_used, reason = "machines are never removed")]
fn machine<'a>(truth: &'a mut Truth, host: &str) -> &'a mut Machine {
    truth.machines.get_mut(host).expect("a machine of this name")
}

fn below(random: &mut Random, end: usize) -> usize {
    random.below(end as u64) as usize
}

/// The container that makes a declaration true.
fn container(host: &str, service: &str, port: u16) -> Running {
    Running::compose(host, service).named(service).publish(port, port)
}

/// Host and port of an address.
fn authority(url: &str) -> String {
    url.split("://").nth(1).unwrap_or(url).trim_end_matches('/').to_owned()
}
