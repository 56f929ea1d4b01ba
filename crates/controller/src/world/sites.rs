//! Sources that speak about many machines: a cluster about its nodes and guests, a probe about its targets, a script
//! about whatever it was sent for. Each machine is placed on a subject of its own; what all of them lose together is
//! the source's own blindness.

mod memory;
mod nodes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::brake::{self, outlasted};
use evenkeel_core::identity::hosts::NetboxRef;
use evenkeel_core::identity::{bind, canonical};
use evenkeel_core::model::{
    ExpectedHost, HostFacts, HostKind, HostSnapshot, HostView, MachineKind, MachineState, Survey,
};
use evenkeel_core::policy::Policy;
use evenkeel_core::{Coverage, Evidence, Fact, Gap, GapKind, HostName, SourceId, SourceKind, Subject};
use jiff::Timestamp;

use super::Touched;
use super::first::First;
use super::intent::Intent;
use super::observations::is_past;
use super::place::{Place, claim, key_of, name_cluster, names_of, unseen, whom};

/// For how long a site says of an undeclared machine that it is gone; by then everybody has heard.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// One source and the machines it speaks about.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) id: SourceId,
    /// NetBox clusters whose virtual machines it is the witness of; empty: those it names itself.
    clusters: Vec<Arc<str>>,
    named_clusters: Vec<Arc<str>>,
    places: BTreeMap<Arc<str>, Place>,
    /// Its nodes, by canonical name. Few, and asked for with every guest.
    nodes: Vec<(String, HostName)>,
    /// The machines of each subject.
    by_subject: BTreeMap<Subject, Vec<Arc<str>>>,
    /// Whose machines were shown and are gone, and since when: undeclared, they have no other witness.
    departed: BTreeMap<Subject, Timestamp>,
    /// Identities of an earlier run, by machine.
    remembered: BTreeMap<Arc<str>, NetboxRef>,
    /// What is sent: the last lists that were believed, and what a host's newer ones are held against.
    believed: BTreeMap<Arc<str>, (HostSnapshot, brake::Memory)>,
    /// An answer older than this proves nothing any more; `None`: the source itself says when.
    stale_after: Option<Duration>,
    coverage: Coverage,
    started: Timestamp,
    pub(super) observed_at: Timestamp,
    pub(super) complete_at: Option<Timestamp>,
    /// What its lists of machines are held against.
    memory: brake::Memory,
    /// When it was heard for the first time.
    pub(super) first: First,
    pub(super) blind_since: Option<Timestamp>,
}

impl Site {
    pub(super) fn new(
        id: SourceId,
        clusters: Vec<Arc<str>>,
        stale_after: Option<Duration>,
        remembered: BTreeMap<Arc<str>, NetboxRef>,
    ) -> Self {
        let gap = Gap::new(GapKind::NotYetObserved, format!("{id} has not answered yet"));
        Self {
            id,
            clusters,
            named_clusters: Vec::new(),
            places: BTreeMap::new(),
            nodes: Vec::new(),
            by_subject: BTreeMap::new(),
            departed: BTreeMap::new(),
            remembered,
            believed: BTreeMap::new(),
            stale_after,
            coverage: Coverage::Partial(gap),
            started: Timestamp::UNIX_EPOCH,
            observed_at: Timestamp::UNIX_EPOCH,
            complete_at: None,
            memory: brake::Memory::default(),
            first: First::default(),
            blind_since: None,
        }
    }

    /// Takes a new answer about a cluster's machines.
    pub(super) fn survey(
        &mut self,
        survey: Survey,
        intent: &Intent,
        policy: &Policy,
        now: Timestamp,
    ) -> Touched {
        let Survey { source, started, observed_at, coverage, machines } = survey;
        if coverage.is_complete() {
            self.named_clusters = names_of(&machines);
        }
        let shown = machines.into_iter().map(|machine| {
            let facts = HostFacts {
                name: Some(machine.name.clone()),
                machine: Some(Box::new(machine)),
                from_outside: true,
                ..HostFacts::default()
            };
            let key = facts.machine.as_ref().map_or_else(|| Arc::from(""), |m| m.key.clone());
            let snapshot = HostSnapshot {
                source: source.clone(),
                started,
                observed_at,
                coverage: coverage.clone(),
                facts,
                services: Vec::new(),
            };
            (key, snapshot)
        });
        let shown = shown.collect();
        self.take(started, observed_at, coverage, shown, intent, policy, now)
    }

    /// Takes new answers about hosts that are asked one by one. Blind as a whole only if none of them could be seen.
    pub(super) fn hosts(
        &mut self,
        mut hosts: Vec<HostSnapshot>,
        intent: &Intent,
        policy: &Policy,
        now: Timestamp,
    ) -> Touched {
        if self.id.kind == SourceKind::Push {
            hosts.iter_mut().for_each(|host| self.hold_back(host, intent, policy, now));
        }
        let started = hosts.iter().map(|host| host.started).min().unwrap_or(now);
        let observed_at = hosts.iter().map(|host| host.observed_at).max().unwrap_or(now);
        let coverage = match hosts.iter().find(|host| host.coverage.is_complete()) {
            Some(_) => Coverage::Complete,
            None => hosts.first().map_or(Coverage::Complete, |host| host.coverage.clone()),
        };
        let shown = hosts.into_iter().map(|host| (key_of(&host), host)).collect();
        self.take(started, observed_at, coverage, shown, intent, policy, now)
    }

    #[expect(clippy::too_many_arguments, reason = "one answer's parts, and what it is held against")]
    fn take(
        &mut self,
        started: Timestamp,
        observed_at: Timestamp,
        mut coverage: Coverage,
        shown: BTreeMap<Arc<str>, HostSnapshot>,
        intent: &Intent,
        policy: &Policy,
        now: Timestamp,
    ) -> Touched {
        if is_past(self.observed_at, observed_at, now) {
            return Touched::new();
        }
        if coverage.is_complete() && self.id.kind != SourceKind::Probe && self.id.kind != SourceKind::Push {
            coverage = self.plausible(&shown, intent, policy, now);
        }
        match coverage {
            Coverage::Complete => {
                self.blind_since = None;
                self.complete_at = Some(observed_at);
                if !shown.is_empty() {
                    self.first.answered(now);
                }
            }
            Coverage::Partial(_) => {
                self.blind_since.get_or_insert(now);
            }
        }
        let before: Vec<Subject> = self.subjects().cloned().collect();
        (self.started, self.observed_at, self.coverage) = (started, observed_at, coverage);
        self.replace_places(shown);
        let mut touched: Touched = before.iter().cloned().collect();
        self.settle(intent, policy);
        self.note_departures(before);
        touched.extend(self.concerned(intent));
        touched.insert(Subject::Source(self.id.clone()));
        touched
    }

    /// A machine that is not shown is gone if the answer is complete, and unknown if it is not.
    fn replace_places(&mut self, mut shown: BTreeMap<Arc<str>, HostSnapshot>) {
        let complete = self.coverage.is_complete();
        for (key, place) in &self.places {
            if let Some(reference) = place.remembered {
                self.remembered.insert(key.clone(), reference);
            }
        }
        self.places.retain(|key, _| !complete || shown.contains_key(key));
        for (key, place) in &mut self.places {
            place.snapshot = match shown.remove(key) {
                Some(snapshot) => snapshot,
                None => unseen(&self.id, self.started, self.observed_at, &self.coverage),
            };
        }
        for (key, snapshot) in shown {
            let view = Arc::new(bind(snapshot.clone(), None, &[]));
            let remembered = self.remembered.get(&key).copied();
            let place = Place {
                subject: None,
                unclear: None,
                remembered,
                name: None,
                is_node: false,
                carrier: None,
                snapshot,
                view,
            };
            self.places.insert(key, place);
        }
    }

    fn note_departures(&mut self, before: Vec<Subject>) {
        let (by_subject, observed_at) = (&self.by_subject, self.observed_at);
        self.departed.extend(before.into_iter().map(|subject| (subject, observed_at)));
        self.departed.retain(|subject, since| {
            !by_subject.contains_key(subject) && !outlasted(*since, Some(REMEMBERED), observed_at)
        });
    }

    /// Decides anew whom each machine is.
    pub(super) fn settle(&mut self, intent: &Intent, policy: &Policy) {
        let clusters = self.reach().to_vec();
        let shared_gap = self.id.kind == SourceKind::Push && !self.coverage.is_complete();
        for place in self.places.values_mut() {
            if let Some(Fact::Known(name)) = &place.snapshot.facts.name {
                place.name = Some(name.clone());
            }
            if let Some(machine) = &place.snapshot.facts.machine {
                // What a probe tries goes by the same kind, and carries nothing.
                place.is_node = machine.kind == MachineKind::Node && self.id.kind != SourceKind::Probe;
                place.carrier = machine.node.clone();
            }
            let found = intent.index().resolve(&claim(place, &clusters, self.id.kind));
            (place.subject, place.unclear) = whom(found, place, intent);
            let host = place.subject.as_ref().and_then(Subject::host).and_then(|name| intent.host(name));
            let mut snapshot = place.snapshot.clone();
            snapshot.facts.shared_gap = shared_gap;
            if let (Some(machine), Some(host)) = (snapshot.facts.machine.as_mut(), host) {
                name_cluster(machine, host, &clusters);
            }
            place.view = Arc::new(bind(snapshot, host.map(|h| &**h), &policy.aliases));
        }
        self.by_subject.clear();
        self.nodes.clear();
        for (key, place) in &self.places {
            if let (true, Some(Subject::Host(host)), Some(name)) =
                (place.is_node, &place.subject, &place.name)
            {
                self.nodes.push((canonical(name), host.clone()));
            }
            if let Some(subject) = &place.subject {
                self.by_subject.entry(subject.clone()).or_default().push(key.clone());
            }
        }
    }

    /// What it says about a subject; `None`: it does not speak about it.
    pub(super) fn view(&self, subject: &Subject, intent: &Intent) -> Option<Arc<HostView>> {
        match self.places_of(subject).as_slice() {
            [(_, one)] => Some(one.view.clone()),
            several @ [_, ..] => Some(self.one_of_several(several)),
            [] => self.may_speak_about(subject, intent).then(|| {
                let coverage = self.proof_of_absence();
                Arc::new(bind(unseen(&self.id, self.started, self.observed_at, &coverage), None, &[]))
            }),
        }
    }

    /// How far it is proved that a machine which is not placed does not exist: one that nobody can place may be it.
    fn proof_of_absence(&self) -> Coverage {
        if self.id.kind == SourceKind::Push {
            let why = format!("{} has not been sent anything about it since the start", self.id);
            return Coverage::Partial(Gap::new(GapKind::NotYetObserved, why));
        }
        match (&self.coverage, self.unclear().next()) {
            (Coverage::Complete, Some((key, gap))) => {
                Coverage::Partial(Gap::new(GapKind::NotYetObserved, format!("{key} may be it: {}", gap.why)))
            }
            (coverage, _) => coverage.clone(),
        }
    }

    fn unclear(&self) -> impl Iterator<Item = (&Arc<str>, &Gap)> {
        self.places.iter().filter_map(|(key, place)| Some((key, place.unclear.as_ref()?)))
    }

    /// Several guests answer to one name. A single one that runs is the one meant: a clone or a stopped copy is not.
    fn one_of_several(&self, of_subject: &[(&Arc<str>, &Place)]) -> Arc<HostView> {
        let state = |place: &Place| place.view.facts.machine.as_ref().map(|m| m.state.clone());
        let running: Vec<_> =
            of_subject.iter().filter(|(_, p)| state(p) == Some(Fact::Known(MachineState::Running))).collect();
        let unclear = of_subject.iter().any(|(_, p)| !matches!(state(p), Some(Fact::Known(_))));
        if let ([(_, only)], false) = (running.as_slice(), unclear) {
            return only.view.clone();
        }
        let keys: Vec<&str> = of_subject.iter().map(|(key, _)| &***key).collect();
        let gap = Gap::new(GapKind::Ambiguous, format!("{} all answer to one name", keys.join(" and ")));
        let snapshot = unseen(&self.id, self.started, self.observed_at, &Coverage::Partial(gap));
        Arc::new(bind(snapshot, None, &[]))
    }

    pub(super) fn speaks_about(&self, subject: &Subject, intent: &Intent) -> bool {
        self.by_subject.contains_key(subject) || self.may_speak_about(subject, intent)
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.by_subject.keys()
    }

    fn places_of(&self, subject: &Subject) -> Vec<(&Arc<str>, &Place)> {
        let keys = self.by_subject.get(subject).into_iter().flatten();
        keys.filter_map(|key| self.places.get_key_value(key)).collect()
    }

    pub(super) fn machines(&self) -> usize {
        self.places.len()
    }

    /// Whom an answer of it decides about: whom it shows, whom it showed, and whom it would have to show.
    pub(super) fn concerned(&self, intent: &Intent) -> Touched {
        let mut concerned = self.witnessed(intent);
        concerned.extend(self.subjects().chain(self.departed.keys()).cloned());
        concerned
    }

    /// Which declared hosts its machines were matched with, by machine.
    pub(super) fn matches(&self) -> impl Iterator<Item = (&Arc<str>, NetboxRef)> {
        self.places.iter().filter_map(|(key, place)| Some((key, place.remembered?)))
    }

    pub(super) fn coverage_at(&self, now: Timestamp) -> Coverage {
        if self.is_stale(now) {
            return Coverage::Partial(self.stale_gap());
        }
        let ambiguous = self.unclear().find(|(_, gap)| gap.kind == GapKind::Ambiguous);
        match (&self.coverage, ambiguous) {
            (Coverage::Complete, Some((key, gap))) => {
                Coverage::Partial(Gap::new(GapKind::Ambiguous, format!("{key}: {}", gap.why)))
            }
            (coverage, _) => coverage.clone(),
        }
    }

    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        self.coverage.is_complete() && outlasted(self.observed_at, self.stale_after, now)
    }

    pub(super) fn stale_gap(&self) -> Gap {
        Gap::new(GapKind::Stale, format!("{} last answered at {}", self.id, self.observed_at))
    }

    pub(super) fn evidence(&self) -> Evidence {
        Evidence { source: self.id.clone(), observed_at: self.observed_at }
    }

    fn reach(&self) -> &[Arc<str>] {
        if self.clusters.is_empty() { &self.named_clusters } else { &self.clusters }
    }

    fn is_hypervisor(&self) -> bool {
        use SourceKind as K;
        match self.id.kind {
            K::Proxmox | K::Truenas => true,
            K::Netbox | K::Docker | K::Probe | K::Push | K::Store => false,
        }
    }

    /// Whether a declared machine that it does not show would have to be one of its machines.
    fn is_witness_of(&self, host: &ExpectedHost) -> bool {
        let within = |name: &str| self.reach().iter().any(|c| c.eq_ignore_ascii_case(name));
        let place = host.cluster.as_deref().or(host.node.as_ref().map(HostName::as_str));
        self.is_hypervisor()
            && host.kind == HostKind::VirtualMachine
            && (host.observed_by.is_empty() || host.observed_by.contains(&self.id.kind))
            && place.is_some_and(within)
    }

    fn witnessed(&self, intent: &Intent) -> Touched {
        let hosts = intent.hosts().filter(|host| self.is_witness_of(host));
        hosts.map(|host| Subject::Host(host.name.clone())).collect()
    }
}
