//! What a site's answer is held against: what was believed before, and what an earlier run knew. Silence after a restart
//! makes nothing right that was wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evenkeel_core::model::{Demand, HostSnapshot};
use evenkeel_core::policy::Policy;
use evenkeel_core::{Coverage, HostName, SourceId, SourceKind, Subject, brake};
use jiff::Timestamp;

use super::{Site, key_of};
use crate::world::World;
use crate::world::intent::Intent;
use crate::world::observations::held_back;

impl World {
    /// Of these subjects the ones nobody speaks about, as an answer of this source may decide about them: an undeclared
    /// machine that went while nobody looked is in nobody's list. Empty for the source of one host.
    pub fn forgotten(&self, id: &SourceId, subjects: impl FnOnce() -> Vec<Subject>) -> Vec<Subject> {
        if !self.sites.contains_key(id) {
            return Vec::new();
        }
        let mut subjects = subjects();
        subjects.retain(|subject| subject.host().is_some() && self.sources_of(subject).is_empty());
        subjects
    }
}

impl Site {
    /// A list that lost too much at once is held back, as an engine's is: a script that could not list anything sends
    /// an empty list just as well.
    pub(super) fn hold_back(
        &mut self,
        host: &mut HostSnapshot,
        intent: &Intent,
        policy: &Policy,
        now: Timestamp,
    ) {
        if !host.coverage.is_complete() {
            return;
        }
        let key = key_of(host);
        let subject = self.places.get(&key).and_then(|place| place.subject.as_ref()).and_then(Subject::host);
        let declared = subject.and_then(|name| intent.host(name)).map(|host| &**host);
        match self.believed.get_mut(&key) {
            None => drop(self.believed.insert(key, (host.clone(), brake::Memory::default()))),
            Some((before, memory)) => match held_back(memory, before, host, declared, policy, now) {
                Some(gap) => host.coverage = Coverage::Partial(gap),
                None => *before = host.clone(),
            },
        }
    }

    /// A list of machines that lost too many is held back.
    pub(super) fn plausible(
        &mut self,
        shown: &BTreeMap<Arc<str>, HostSnapshot>,
        intent: &Intent,
        policy: &Policy,
        now: Timestamp,
    ) -> Coverage {
        let before: BTreeSet<Arc<str>> = self.places.keys().cloned().collect();
        let after: BTreeSet<Arc<str>> = shown.keys().cloned().collect();
        let demanded = match self.memory.remembers() || !before.is_subset(&after) {
            true => self.demanded(&after, intent),
            false => brake::Demanded::default(),
        };
        let at_once = brake::survey_gap(&policy.brake, &before, &after);
        match self.memory.judge(&policy.brake, at_once, &demanded, now) {
            Some(gap) => Coverage::Partial(gap),
            None => Coverage::Complete,
        }
    }

    /// Which hosts that must run its machines were when it last showed them all, and which of them it still shows.
    fn demanded(&self, after: &BTreeSet<Arc<str>>, intent: &Intent) -> brake::Demanded {
        let must = intent.hosts().filter(|host| host.demand() == Demand::Run);
        let all: BTreeSet<Arc<str>> = must.map(|host| host.name.text().clone()).collect();
        let shown = |is_shown: &dyn Fn(&Arc<str>) -> bool| {
            let keys = self.by_subject.iter().filter(|(_, keys)| keys.iter().any(is_shown));
            keys.filter_map(|(subject, _)| all.get(subject.host()?.as_str()).cloned()).collect()
        };
        brake::Demanded { before: shown(&|_| true), after: shown(&|key| after.contains(key)), all }
    }

    /// Whether it would have to say something about a machine that it does not show: as its witness; because it spoke
    /// about it in an earlier run; or because it has shown nothing in full yet, and an undeclared machine may be its own.
    pub(super) fn may_speak_about(&self, subject: &Subject, intent: &Intent) -> bool {
        let Some(name) = subject.host() else { return false };
        match self.id.kind {
            SourceKind::Proxmox | SourceKind::Truenas => match intent.host(name) {
                Some(host) => {
                    self.is_witness_of(host) || (self.complete_at.is_none() && self.knew(name, intent))
                }
                None => self.complete_at.is_none() || self.departed.contains_key(subject),
            },
            SourceKind::Push => self.knew(name, intent),
            // Its first round may take long, and until then a port it found closed may still be.
            SourceKind::Probe => self.complete_at.is_none() && self.knew(name, intent),
            SourceKind::Netbox | SourceKind::Docker | SourceKind::Store => false,
        }
    }

    /// Whether it spoke about a declared machine in an earlier run. Before a cluster has answered, nobody knows its name,
    /// and so whose witness it is.
    fn knew(&self, name: &HostName, intent: &Intent) -> bool {
        let known = intent.index().reference(name);
        known.is_some() && self.remembered.values().any(|remembered| Some(*remembered) == known)
    }

    /// Whether it has had nothing to say since the start: what was wrong before may still be.
    pub(in crate::world) fn is_silent(&self, intent: &Intent) -> bool {
        self.places.is_empty()
            && match self.id.kind {
                SourceKind::Push => true,
                SourceKind::Probe => intent.complete().is_none(),
                SourceKind::Netbox
                | SourceKind::Docker
                | SourceKind::Proxmox
                | SourceKind::Truenas
                | SourceKind::Store => false,
            }
    }
}
