//! Where one machine of a site belongs: what is known for finding its host, and under which names.

use std::collections::BTreeSet;
use std::sync::Arc;

use evenkeel_core::identity::hosts::NetboxRef;
use evenkeel_core::identity::{Claim, HostMatch};
use evenkeel_core::model::{ExpectedHost, HostFacts, HostSnapshot, HostView, MachineKind, ObservedMachine};
use evenkeel_core::{Coverage, Fact, Gap, GapKind, HostName, SourceId, SourceKind, Subject};
use jiff::Timestamp;

use super::intent::Intent;

/// One machine of a site.
#[derive(Debug)]
pub(super) struct Place {
    /// Whom it is; `None` while nobody can say, or where it does not concern us.
    pub(super) subject: Option<Subject>,
    /// Why nobody can say.
    pub(super) unclear: Option<Gap>,
    pub(super) remembered: Option<NetboxRef>,
    /// The last name it was known by: a guest of a lost node has none.
    pub(super) name: Option<Arc<str>>,
    /// Whether it was a node when it was last shown; else the node that it was on.
    pub(super) is_node: bool,
    pub(super) carrier: Option<Arc<str>>,
    pub(super) snapshot: HostSnapshot,
    pub(super) view: Arc<HostView>,
}

pub(super) fn unseen(
    id: &SourceId,
    started: Timestamp,
    observed_at: Timestamp,
    coverage: &Coverage,
) -> HostSnapshot {
    HostSnapshot {
        source: id.clone(),
        started,
        observed_at,
        coverage: coverage.clone(),
        facts: HostFacts { from_outside: true, ..HostFacts::default() },
        services: Vec::new(),
    }
}

/// Cluster and node names, under which NetBox may know the same place.
pub(super) fn names_of(machines: &[ObservedMachine]) -> Vec<Arc<str>> {
    let mut names: BTreeSet<Arc<str>> = machines.iter().filter_map(|m| m.cluster.clone()).collect();
    names.extend(machines.iter().filter_map(|m| m.node.clone()));
    let nodes = machines.iter().filter(|m| m.kind == MachineKind::Node);
    names.extend(nodes.filter_map(|m| m.name.known().ok().cloned()));
    names.into_iter().collect()
}

/// NetBox's name for the cluster a machine was found in: the source may call it otherwise.
pub(super) fn name_cluster(machine: &mut ObservedMachine, host: &ExpectedHost, clusters: &[Arc<str>]) {
    if machine.kind == MachineKind::Node {
        return;
    }
    let declared = host.cluster.as_ref().filter(|c| clusters.iter().any(|k| k.eq_ignore_ascii_case(c)));
    match (declared, clusters) {
        (Some(declared), _) => machine.cluster = Some(declared.clone()),
        (None, [only]) => machine.cluster = Some(only.clone()),
        (None, _) => {}
    }
}

/// A probe's target and a script's host go by the name they were asked for or sent under.
pub(super) fn key_of(host: &HostSnapshot) -> Arc<str> {
    let HostFacts { name, machine, .. } = &host.facts;
    match (machine, name) {
        (Some(machine), _) => machine.key.clone(),
        (None, Some(Fact::Known(name))) => name.clone(),
        (None, Some(Fact::Unknown(_)) | None) => Arc::from(""),
    }
}

pub(super) fn claim(place: &Place, clusters: &[Arc<str>], kind: SourceKind) -> Claim {
    let machine = place.snapshot.facts.machine.as_ref();
    let known = |fact: Option<&Fact<Vec<Arc<str>>>>| match fact.map(Fact::known) {
        Some(Ok(values)) => values.clone(),
        Some(Err(_)) | None => Vec::new(),
    };
    Claim {
        configured: match kind {
            SourceKind::Probe => machine.map(|m| HostName::new(&m.key)),
            SourceKind::Netbox
            | SourceKind::Docker
            | SourceKind::Proxmox
            | SourceKind::Truenas
            | SourceKind::Push
            | SourceKind::Store => None,
        },
        vmid: machine.and_then(|m| m.vmid).map(|vmid| (vmid, clusters.to_vec())),
        remembered: place.remembered,
        name: place.name.clone(),
        macs: known(machine.map(|m| &m.macs)),
        addresses: match machine.map(|m| m.addresses.known()) {
            Some(Ok(addresses)) => addresses.clone(),
            Some(Err(_)) | None => Vec::new(),
        },
    }
}

pub(super) fn whom(found: HostMatch, place: &mut Place, intent: &Intent) -> (Option<Subject>, Option<Gap>) {
    match found {
        HostMatch::Declared(host) => {
            place.remembered = intent.index().reference(&host).or(place.remembered);
            (Some(Subject::Host(host)), None)
        }
        // Beyond the filter NetBox is read with, what is undeclared and what does not concern us look the same.
        HostMatch::Undeclared(_) if intent.is_filtered() => (None, None),
        HostMatch::Undeclared(host) => (Some(Subject::Host(host)), None),
        HostMatch::Ambiguous(gap) => (None, Some(gap)),
        // A guest of a lost node that was never seen before: whose loss it is, is told already.
        HostMatch::Unnamed => (None, Some(Gap::new(GapKind::NotYetObserved, "a machine without a name"))),
    }
}
