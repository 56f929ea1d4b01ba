//! What NetBox says: the last complete declaration, and how the newest read went.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_core::brake::{self, Demanded};
use evenkeel_core::identity::HostIndex;
use evenkeel_core::model::{Expected, ExpectedHost, Inventory};
use evenkeel_core::policy::Policy;
use evenkeel_core::{Coverage, Evidence, Gap, GapKind, HostName, SourceId, Subject};
use jiff::Timestamp;

use super::Touched;

/// The intent and its coverage.
#[derive(Debug)]
pub(super) struct Intent {
    pub(super) source: SourceId,
    /// The last complete declaration.
    complete: Option<Arc<Inventory>>,
    /// Its hosts by name.
    hosts: BTreeMap<HostName, Arc<ExpectedHost>>,
    index: HostIndex,
    /// Machines that NetBox pins to a node, by node.
    pinned: BTreeMap<HostName, Vec<HostName>>,
    /// How far the newest read reaches.
    coverage: Coverage,
    /// When the newest read ended.
    read_at: Timestamp,
    /// What its answers are held against.
    memory: brake::Memory,
    /// Since when the newest answers have been partial.
    pub(super) blind_since: Option<Timestamp>,
}

impl Intent {
    pub(super) fn new(source: SourceId) -> Self {
        Self {
            source,
            complete: None,
            hosts: BTreeMap::new(),
            index: HostIndex::default(),
            pinned: BTreeMap::new(),
            coverage: Coverage::Partial(Gap::new(GapKind::NotYetObserved, "netbox has not been read yet")),
            read_at: Timestamp::UNIX_EPOCH,
            memory: brake::Memory::default(),
            blind_since: None,
        }
    }

    /// Takes a new answer and returns the hosts whose declaration, or whose coverage, changed.
    pub(super) fn replace(&mut self, inventory: Inventory, policy: &Policy, now: Timestamp) -> Touched {
        let was_complete = self.coverage.is_complete();
        self.read_at = inventory.observed_at;
        self.coverage = self.plausible(&inventory, policy, now);
        match self.coverage {
            Coverage::Partial(_) => {
                self.blind_since.get_or_insert(now);
                if was_complete { self.all_subjects() } else { Touched::new() }
            }
            Coverage::Complete => {
                self.blind_since = None;
                let mut touched = self.take(inventory);
                if !was_complete {
                    touched.extend(self.all_subjects());
                }
                touched
            }
        }
    }

    /// The declaration of an earlier run.
    pub(super) fn remember(&mut self, inventory: Inventory) -> Touched {
        match self.complete {
            Some(_) => Touched::new(),
            None => self.take(inventory),
        }
    }

    pub(super) fn expected(&self, host: &HostName) -> Expected {
        let evidence = match &self.complete {
            Some(inventory) => Evidence { source: self.source.clone(), observed_at: inventory.observed_at },
            None => return Expected::not_yet(self.source.clone()),
        };
        Expected::new(evidence, self.coverage.clone(), self.hosts.get(host).cloned())
    }

    /// How the newest read went.
    pub(super) fn state(&self) -> (Coverage, Evidence) {
        (self.coverage.clone(), Evidence { source: self.source.clone(), observed_at: self.read_at })
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = &Arc<ExpectedHost>> {
        self.hosts.values()
    }

    pub(super) fn host(&self, name: &HostName) -> Option<&Arc<ExpectedHost>> {
        self.hosts.get(name)
    }

    pub(super) fn is_declared(&self, subject: &Subject) -> bool {
        subject.host().is_some_and(|host| self.hosts.contains_key(host))
    }

    pub(super) fn index(&self) -> &HostIndex {
        &self.index
    }

    pub(super) fn is_filtered(&self) -> bool {
        self.complete.as_ref().is_some_and(|inventory| inventory.filtered)
    }

    /// Machines that NetBox pins to this node.
    pub(super) fn pinned_to(&self, node: &HostName) -> &[HostName] {
        self.pinned.get(node).map_or(&[], Vec::as_slice)
    }

    pub(super) fn complete(&self) -> Option<&Arc<Inventory>> {
        self.complete.as_ref()
    }

    /// A complete answer that lost too much is not complete until it has been repeated for long enough.
    fn plausible(&mut self, inventory: &Inventory, policy: &Policy, now: Timestamp) -> Coverage {
        let Coverage::Complete = inventory.coverage else {
            return inventory.coverage.clone();
        };
        let Some(before) = self.complete.as_ref() else { return Coverage::Complete };
        // Only of everything: what NetBox itself tells to be deleted is its operator's word, and what vanishes without a
        // trace in its changelog does not get as far as this.
        let at_once = policy.inventory_gap(before, inventory);
        match self.memory.judge(&policy.brake, at_once, &Demanded::default(), now) {
            Some(gap) => Coverage::Partial(gap),
            None => Coverage::Complete,
        }
    }

    fn take(&mut self, inventory: Inventory) -> Touched {
        let new: BTreeMap<HostName, Arc<ExpectedHost>> =
            inventory.hosts.iter().map(|host| (host.name.clone(), host.clone())).collect();
        let changed =
            new.iter().filter(|(name, host)| self.hosts.get(*name) != Some(host)).map(|(name, _)| name);
        let gone = self.hosts.keys().filter(|name| !new.contains_key(*name));
        let touched = changed.chain(gone).map(|name| Subject::Host(name.clone())).collect();
        self.index = HostIndex::new(inventory.hosts.iter().map(|host| &**host));
        self.pinned.clear();
        for host in &inventory.hosts {
            if let Some(node) = &host.node {
                self.pinned.entry(node.clone()).or_default().push(host.name.clone());
            }
        }
        self.hosts = new;
        self.complete = Some(Arc::new(inventory));
        touched
    }

    fn all_subjects(&self) -> Touched {
        self.hosts.keys().map(|name| Subject::Host(name.clone())).collect()
    }
}
