//! Answers → machines, pure. What lives here: what may be said about a node, a storage, a guest, and what the lists
//! leave open. What does not: reading JSON (`wire`), rights (`rights`), what is read slowly (`details`).

mod guest;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use evenkeel_core::model::{MachineKind, MachineState, ObservedMachine, Usage, Volume, VolumeKind};
use evenkeel_core::{Coverage, Fact, Gap, GapKind};
use jiff::Timestamp;

use super::details::Detail;
use super::rights::Rights;
use super::wire::{ClusterStatus, GuestRow, List, NodeRow, StorageRow, short};

pub(super) use guest::is_hibernated;

/// What one endpoint answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answers {
    pub(super) nodes: Result<List<NodeRow>, Gap>,
    pub(super) guests: Result<List<GuestRow>, Gap>,
    pub(super) storages: Result<List<StorageRow>, Gap>,
    pub(super) cluster: Result<ClusterStatus, Gap>,
    pub(super) version: Result<String, Gap>,
}

/// What the source knows beside the answers.
pub(super) struct Beside<'a> {
    /// When the question was asked, by our own clock.
    pub(super) asked_at: Timestamp,
    pub(super) rights: &'a Rights,
    /// The cluster's name, which outlives an answer that failed.
    pub(super) cluster: Option<Arc<str>>,
    /// Why a guest that is locked is not judged.
    pub(super) excuse: &'a dyn Fn(&GuestRow) -> Option<Gap>,
    /// What was read of a guest slowly.
    pub(super) detail: &'a dyn Fn(&GuestRow) -> Detail,
}

/// The machines, and what keeps the lists from being whole.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) machines: Vec<ObservedMachine>,
    pub(super) flaws: Vec<Gap>,
}

/// Whether a node can be believed about what runs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Online,
    Away(Gap),
}

/// Everything that may be said, nodes first, each machine once.
pub(super) fn picture(answers: &Answers, beside: &Beside<'_>) -> Picture {
    let mut flaws: Vec<Gap> = Vec::new();
    let nodes = standing(&answers.nodes);
    let storages = storages(&answers.storages, &nodes, beside.rights);
    let mut machines = Vec::new();
    match &answers.nodes {
        Ok(list) => {
            flaws.extend(list.odd.iter().map(malformed));
            if list.rows.is_empty() {
                flaws.push(Gap::new(GapKind::Truncated, "the cluster lists no node, which cannot be"));
            }
            let mut seen = BTreeSet::new();
            for row in &list.rows {
                if seen.insert(row.node.as_str()) {
                    machines.push(node(row, &nodes, answers, beside, &storages));
                } else {
                    flaws.push(Gap::new(
                        GapKind::Truncated,
                        format!("node {} is listed twice", short(&row.node)),
                    ));
                }
            }
        }
        Err(gap) => flaws.push(gap.clone()),
    }
    match &answers.guests {
        Ok(list) => {
            flaws.extend(list.odd.iter().map(malformed));
            guests(list, &nodes, beside, &mut machines, &mut flaws);
            wait_for_young_nodes(&answers.nodes, &mut machines);
        }
        Err(gap) => flaws.push(gap.clone()),
    }
    Picture { machines, flaws }
}

fn malformed(odd: &String) -> Gap {
    Gap::new(GapKind::Malformed, odd)
}

fn standing(nodes: &Result<List<NodeRow>, Gap>) -> Result<BTreeMap<String, Node>, Gap> {
    let mut standing: BTreeMap<String, Node> = BTreeMap::new();
    for row in &nodes.as_ref().map_err(Gap::clone)?.rows {
        let name = &row.node;
        let stands = match row.status.as_deref() {
            Some("online") => Node::Online,
            Some("offline") => Node::Away(Gap::new(GapKind::Unreachable, format!("node {name} is offline"))),
            Some("unknown") => Node::Away(Gap::new(
                GapKind::NotYetObserved,
                format!("the cluster has no word of node {name} yet"),
            )),
            Some(word) => {
                let why = format!("node {name} is in the unknown state `{}`", short(word));
                Node::Away(Gap::new(GapKind::Malformed, why))
            }
            None => Node::Away(Gap::new(
                GapKind::Malformed,
                format!("the cluster does not say how node {name} is"),
            )),
        };
        // Of two rows that disagree, neither is believed.
        standing
            .entry(name.clone())
            .and_modify(|other| {
                if *other != stands {
                    let why = format!("node {name} is listed twice, differently");
                    *other = Node::Away(Gap::new(GapKind::Malformed, why));
                }
            })
            .or_insert(stands);
    }
    Ok(standing)
}

fn node(
    row: &NodeRow,
    nodes: &Result<BTreeMap<String, Node>, Gap>,
    answers: &Answers,
    beside: &Beside<'_>,
    storages: &Result<Storages, Gap>,
) -> ObservedMachine {
    let stands = nodes.as_ref().ok().and_then(|nodes| nodes.get(&row.node));
    let key = format!("node/{}", row.node);
    let mut machine = match stands {
        Some(Node::Away(gap)) => {
            let mut machine = ObservedMachine::unknown(&key, MachineKind::Node, gap);
            if gap.kind == GapKind::Unreachable {
                machine.state = Fact::Known(MachineState::Unreachable);
            }
            machine
        }
        Some(Node::Online) | None => {
            let mut machine = ObservedMachine::new(&key, MachineKind::Node);
            machine.state = Fact::Known(MachineState::Running);
            let said = Figures { place: &row.node, rights: Some(&beside.rights.nodes) };
            machine.vcpus = said.fact(row.maxcpu.and_then(|cpus| u32::try_from(cpus).ok()), "processors");
            machine.memory_mib = said.fact(row.maxmem.map(mib), "memory");
            machine.cpu = said.fact(row.cpu.and_then(Usage::of_share), "processor use");
            machine.memory = said.fact(usage(row.mem, row.maxmem), "memory use");
            machine
        }
    };
    machine.name = Fact::Known(Arc::from(row.node.as_str()));
    machine.cluster = beside.cluster.clone();
    attach(&mut machine, &row.node, storages);
    node_notes(&mut machine, row, answers);
    machine
}

fn attach(machine: &mut ObservedMachine, node: &str, storages: &Result<Storages, Gap>) {
    match storages {
        Ok(storages) => {
            machine.volumes_coverage = storages.coverage.clone();
            let own = storages.by_node.get(node).map(Vec::as_slice).unwrap_or_default();
            machine.volumes = own.iter().map(|(volume, _)| volume.clone()).collect();
            let shared: Vec<&str> =
                own.iter().filter(|(_, shared)| *shared).map(|(volume, _)| &*volume.name).collect();
            if !shared.is_empty() {
                // For people: the other nodes have it as well.
                note(machine, "shared_storage", &shared.join(", "));
            }
        }
        Err(gap) => machine.volumes_coverage = Coverage::Partial(gap.clone()),
    }
}

fn node_notes(machine: &mut ObservedMachine, row: &NodeRow, answers: &Answers) {
    if let Ok(cluster) = &answers.cluster {
        if let Some((_, ip)) = cluster.addresses.iter().find(|(name, _)| *name == row.node) {
            note(machine, "cluster_address", ip);
        }
        if cluster.quorate == Some(false) {
            note(
                machine,
                "quorum",
                "lost: the cluster takes no changes, and what is seen is one part's view",
            );
        }
    }
    if let Ok(version) = &answers.version {
        note(machine, "cluster_version", version);
    }
}

pub(super) fn note(machine: &mut ObservedMachine, key: &str, value: &str) {
    machine.notes.insert(Arc::from(key), Arc::from(value));
}

/// Figures that stand in a row, or do not.
struct Figures<'a> {
    place: &'a str,
    rights: Option<&'a Result<(), Gap>>,
}

impl Figures<'_> {
    fn fact<T>(&self, value: Option<T>, what: &str) -> Fact<T> {
        match (value, self.rights) {
            (Some(value), _) => Fact::Known(value),
            (None, Some(Err(gap))) => Fact::Unknown(gap.clone()),
            (None, Some(Ok(())) | None) => {
                Fact::unknown(GapKind::Malformed, format!("{what} of {} is not told", self.place))
            }
        }
    }
}

fn usage(used: Option<u64>, total: Option<u64>) -> Option<Usage> {
    match (used, total) {
        (Some(used), Some(total)) if total > 0 => Some(Usage { used, total }),
        (Some(_) | None, Some(_) | None) => None,
    }
}

fn mib(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}

/// Storages by node, each with whether other nodes show the same space.
struct Storages {
    by_node: BTreeMap<String, Vec<(Volume, bool)>>,
    coverage: Coverage,
}

fn storages(
    said: &Result<List<StorageRow>, Gap>,
    nodes: &Result<BTreeMap<String, Node>, Gap>,
    rights: &Rights,
) -> Result<Storages, Gap> {
    let list = said.as_ref().map_err(Gap::clone)?;
    let mut by_node: BTreeMap<String, Vec<(Volume, bool)>> = BTreeMap::new();
    // By node and name: a list that somebody made long is read in as many steps as it has rows.
    let mut places: HashMap<(&str, &str), usize> = HashMap::with_capacity(list.rows.len());
    let mut flaw = list.odd.first().map(malformed).or_else(|| rights.storages.as_ref().err().cloned());
    for row in &list.rows {
        let there = by_node.entry(row.node.clone()).or_default();
        let used = storage_usage(row, nodes);
        match places.entry((&row.node, &row.storage)) {
            Entry::Vacant(place) => {
                place.insert(there.len());
                let name = Arc::from(row.storage.as_str());
                there.push((
                    Volume { kind: VolumeKind::Storage, name, usage: used, health: None },
                    row.shared,
                ));
            }
            Entry::Occupied(place) => {
                let (other, _) = &mut there[*place.get()];
                let why = format!("storage {} on {} is listed twice", short(&row.storage), short(&row.node));
                if other.usage != used {
                    other.usage = Fact::unknown(GapKind::Malformed, &why);
                }
                flaw.get_or_insert_with(|| Gap::new(GapKind::Truncated, why));
            }
        }
    }
    show_once(&mut by_node);
    for volumes in by_node.values_mut() {
        volumes.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    }
    Ok(Storages { by_node, coverage: flaw.map_or(Coverage::Complete, Coverage::Partial) })
}

/// Every node shows a shared storage. It is one thing that can fill up, so it is shown on one of them: the first by name,
/// be it online or not, as any of them sees it. Whoever it stands on, it does not wander when a node goes.
fn show_once(by_node: &mut BTreeMap<String, Vec<(Volume, bool)>>) {
    let mut kept: BTreeMap<Arc<str>, Volume> = BTreeMap::new();
    for (volume, _) in by_node.values().flatten().filter(|(_, shared)| *shared) {
        let first = kept.entry(volume.name.clone()).or_insert_with(|| volume.clone());
        if first.usage.known().is_err() {
            first.usage = volume.usage.clone();
        }
    }
    for volumes in by_node.values_mut() {
        volumes.retain_mut(|(volume, shared)| {
            if !*shared {
                return true;
            }
            let first = kept.remove(&volume.name);
            first.map(|first| *volume = first).is_some()
        });
    }
}

fn storage_usage(row: &StorageRow, nodes: &Result<BTreeMap<String, Node>, Gap>) -> Fact<Usage> {
    let name = short(&row.storage);
    match nodes.as_ref().map(|nodes| nodes.get(&row.node)) {
        Err(gap) | Ok(Some(Node::Away(gap))) => return Fact::Unknown(gap.clone()),
        Ok(None) => {
            let why = format!("storage {name} is on {}, which is no node of the cluster", short(&row.node));
            return Fact::unknown(GapKind::Malformed, why);
        }
        Ok(Some(Node::Online)) => {}
    }
    match row.status.as_deref() {
        Some("available") => match usage(row.disk, row.maxdisk) {
            Some(usage) => Fact::Known(usage),
            None => Fact::unknown(GapKind::Malformed, format!("the size of storage {name} is not told")),
        },
        Some("unknown") => Fact::unknown(
            GapKind::Unreachable,
            format!("storage {name} is not available on {}", short(&row.node)),
        ),
        Some(word) => {
            let why = format!("storage {name} is in the unknown state `{}`", short(word));
            Fact::unknown(GapKind::Malformed, why)
        }
        None => Fact::unknown(GapKind::Malformed, format!("how storage {name} is is not told")),
    }
}

/// Guests by number: two rows of one number make neither believable.
/// How long a node may take from being switched on until it has started what it starts by itself, in seconds.
const NODE_STARTS_GUESTS: u64 = 300;

/// A node that was just switched on starts its guests one after the other: one that is still off is not down yet.
fn wait_for_young_nodes(nodes: &Result<List<NodeRow>, Gap>, machines: &mut [ObservedMachine]) {
    let Ok(list) = nodes else { return };
    let is_young = |row: &&NodeRow| row.uptime.is_some_and(|seconds| seconds < NODE_STARTS_GUESTS);
    for node in list.rows.iter().filter(is_young) {
        let on_it = |machine: &&mut ObservedMachine| {
            machine.node.as_deref() == Some(&*node.node)
                && machine.state == Fact::Known(MachineState::Stopped)
        };
        for machine in machines.iter_mut().filter(on_it) {
            let why =
                format!("node {} was just switched on and may not have started it yet", short(&node.node));
            machine.state = Fact::unknown(GapKind::NotYetObserved, why);
        }
    }
}

fn guests(
    list: &List<GuestRow>,
    nodes: &Result<BTreeMap<String, Node>, Gap>,
    beside: &Beside<'_>,
    machines: &mut Vec<ObservedMachine>,
    flaws: &mut Vec<Gap>,
) {
    let mut by_number: BTreeMap<u64, Vec<&GuestRow>> = BTreeMap::new();
    for row in &list.rows {
        by_number.entry(row.vmid).or_default().push(row);
    }
    for (vmid, rows) in by_number {
        let Some(row) = rows.first() else { continue };
        let twice = (rows.len() > 1).then(|| {
            let gap = Gap::new(GapKind::Truncated, format!("guest {vmid} is listed {} times", rows.len()));
            flaws.push(gap.clone());
            gap
        });
        if twice.is_none() && row.template == Some(true) {
            continue;
        }
        let stands = match (&twice, nodes, &row.node) {
            (Some(gap), _, _) => Node::Away(gap.clone()),
            (None, Err(gap), _) => Node::Away(gap.clone()),
            (None, Ok(nodes), Some(node)) => match nodes.get(node) {
                Some(stands) => stands.clone(),
                None => {
                    let why = format!("guest {vmid} is on {}, which is no node of the cluster", short(node));
                    let gap = Gap::new(GapKind::Malformed, why);
                    flaws.push(gap.clone());
                    Node::Away(gap)
                }
            },
            (None, Ok(_), None) => {
                let gap = Gap::new(GapKind::Malformed, format!("guest {vmid} is on no node"));
                flaws.push(gap.clone());
                Node::Away(gap)
            }
        };
        if row.template.is_none() {
            flaws.push(Gap::new(
                GapKind::Malformed,
                format!("guest {vmid} does not say whether it is a template"),
            ));
        }
        machines.push(match stands {
            Node::Online => guest::running_node(row, beside),
            Node::Away(gap) => guest::unknown(row, beside, &gap),
        });
    }
}
