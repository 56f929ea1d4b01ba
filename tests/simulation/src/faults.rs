//! What goes wrong, for how long: chosen by chance, begun, and ended.

use std::time::Duration;

use evenkeel_lab::fault::{Fault, Faults};
use evenkeel_tests::load::Random;

use crate::network::Link;
use crate::receiver::Manner;
use crate::watch::{Trouble, Watch};
use crate::world::{RECEIVER, World};

/// Something that is wrong until it is over.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// What, for the timeline.
    pub what: String,
    /// How long.
    pub lasts: Duration,
    /// Who cannot be seen well meanwhile.
    pub hides: Vec<String>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Link(String, Link),
    Slow(String),
    Loses(String),
    Engine(String, Fault),
    Netbox(&'static str, Fault),
    Cluster(Fault),
    Receiver(Manner),
    Store(Trouble),
}

impl Wrong {
    /// Something, by chance.
    pub fn chosen(world: &World, random: &mut Random) -> Self {
        let lasts = Duration::from_millis(2_000 + random.below(90_000));
        let hosts: Vec<&String> = world.engines.keys().collect();
        let host = hosts[random.below(hosts.len() as u64) as usize].clone();
        let (what, hides, kind) = match random.below(16) {
            0 | 1 => {
                let link = if random.below(2) == 0 { Link::Refused } else { Link::Silent };
                (format!("the engine of {host}: {link:?}"), vec![host.clone()], Kind::Link(host, link))
            }
            2 => {
                let link = if random.below(2) == 0 { Link::Refused } else { Link::Silent };
                (
                    format!("netbox: {link:?}"),
                    vec!["netbox".to_owned()],
                    Kind::Link("netbox".to_owned(), link),
                )
            }
            3 => {
                let link = if random.below(2) == 0 { Link::Refused } else { Link::Silent };
                (
                    format!("the cluster: {link:?}"),
                    everything_on(world),
                    Kind::Link("cluster".to_owned(), link),
                )
            }
            4 => (
                format!("the way to {host} is slow"),
                vec![host.clone()],
                Kind::Slow(world.address_of(&host)),
            ),
            5 => (
                "the way to netbox is slow".to_owned(),
                vec!["netbox".to_owned()],
                Kind::Slow(world.netbox_address()),
            ),
            6 => (
                format!("answers of {host} are lost"),
                vec![host.clone()],
                Kind::Loses(world.address_of(&host)),
            ),
            7 => ("answers to deliveries are lost".to_owned(), Vec::new(), Kind::Loses(RECEIVER.to_owned())),
            8 | 9 => {
                let fault = fault(random);
                (format!("the engine of {host}: {fault:?}"), vec![host.clone()], Kind::Engine(host, fault))
            }
            10 | 11 => {
                let fault = fault(random);
                let path = ["", "/api/ipam/services/", "/api/virtualization/virtual-machines/"]
                    [random.below(3) as usize];
                (format!("netbox {path}: {fault:?}"), vec!["netbox".to_owned()], Kind::Netbox(path, fault))
            }
            12 => {
                let fault = fault(random);
                (format!("the cluster: {fault:?}"), everything_on(world), Kind::Cluster(fault))
            }
            13 => {
                let manner =
                    [Manner::Status(500), Manner::Status(429), Manner::Mute][random.below(3) as usize];
                (format!("the receiver: {manner:?}"), Vec::new(), Kind::Receiver(manner))
            }
            _ => {
                let trouble = [Trouble::Slow(2_000), Trouble::Away, Trouble::Full, Trouble::LosesAnswers]
                    [random.below(4) as usize];
                (format!("the store: {trouble:?}"), everything_on(world), Kind::Store(trouble))
            }
        };
        Self { what, lasts, hides, kind }
    }

    /// Whether the end of one would be the end of the other.
    pub fn touches(&self, other: &Self) -> bool {
        let place = |kind: &Kind| match kind {
            Kind::Link(who, _) => format!("link {who}"),
            Kind::Slow(address) => format!("slow {address}"),
            Kind::Loses(address) => format!("loses {address}"),
            Kind::Engine(host, _) => format!("engine {host}"),
            Kind::Netbox(..) => "netbox".to_owned(),
            Kind::Cluster(_) => "cluster".to_owned(),
            Kind::Receiver(_) => "receiver".to_owned(),
            Kind::Store(_) => "store".to_owned(),
        };
        // Who is hidden by one would be shown by the end of the other.
        place(&self.kind) == place(&other.kind) || self.hides.iter().any(|who| other.hides.contains(who))
    }

    /// Whether NetBox shows less than is declared, and says that it is all.
    pub fn forgets_declarations(&self) -> bool {
        matches!(self.kind, Kind::Netbox(_, Fault::EmptyList))
    }

    /// It begins.
    pub fn begin(&self, world: &World, watch: &Watch) {
        self.hides.iter().for_each(|who| world.hide(who, true));
        self.set(world, watch, true);
    }

    /// It is over.
    pub fn end(&self, world: &World, watch: &Watch) {
        self.set(world, watch, false);
        self.hides.iter().for_each(|who| world.hide(who, false));
    }

    fn set(&self, world: &World, watch: &Watch, wrong: bool) {
        let network = &world.network;
        match &self.kind {
            Kind::Link(who, link) => {
                let link = if wrong { *link } else { Link::Up };
                match who.as_str() {
                    "netbox" => network.link(&world.netbox_address(), link),
                    "cluster" => world.node_addresses().iter().for_each(|node| network.link(node, link)),
                    host => world.relink(host, link),
                }
            }
            Kind::Slow(address) => network.latency(address, if wrong { (500, 12_000) } else { (1, 30) }),
            Kind::Loses(address) => network.loses(address, if wrong { 3 } else { 0 }),
            Kind::Engine(host, fault) => set(world.engine(host).faults(), "", fault, wrong),
            Kind::Netbox(path, fault) => set(world.netbox.faults(), path, fault, wrong),
            Kind::Cluster(fault) => set(world.cluster.faults(), "", fault, wrong),
            Kind::Receiver(manner) => world.receiver.set(if wrong { *manner } else { Manner::Well }),
            Kind::Store(trouble) => watch.set(if wrong { *trouble } else { Trouble::None }),
        }
    }
}

fn set(faults: &Faults, path: &str, fault: &Fault, wrong: bool) {
    match wrong {
        true => faults.set(path, fault.clone()),
        false => faults.clear(path),
    }
}

/// Everything a system can do wrong on the wire.
fn fault(random: &mut Random) -> Fault {
    match random.below(10) {
        0 => Fault::Reset,
        1 => Fault::Slow(Duration::from_millis(200 + random.below(15_000))),
        2 => Fault::Hang,
        3 => Fault::Status([401, 403, 404][random.below(3) as usize]),
        4 => Fault::Status([429, 500, 502, 503][random.below(4) as usize]),
        5 => Fault::EmptyList,
        6 => Fault::Truncated,
        7 => Fault::Malformed,
        8 => Fault::DuplicateRow,
        _ => Fault::ResetMidStream,
    }
}

fn everything_on(world: &World) -> Vec<String> {
    world.engines.keys().cloned().chain(["cluster".to_owned()]).collect()
}
