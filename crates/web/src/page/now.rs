//! The drifts that are not over, read once for a page: roots, what is folded under them, how many each host has. Not here:
//! how they are shown.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use evenkeel_core::ledger::{Entry, State};
use evenkeel_core::{DriftId, EventType, HostName, ServiceName, Subject};
use evenkeel_store::{DriftFilter, Result, Store};

/// How many drifts are read at a time.
const AT_ONCE: u32 = 1000;

/// Every drift that is not over.
pub(super) struct Now {
    /// Worst first, then newest first.
    pub(super) roots: Vec<Entry>,
    /// Seen, and not believed yet.
    pub(super) pending: usize,
    folded: BTreeMap<DriftId, Vec<Entry>>,
}

impl Now {
    /// Reads them all. A storm of thousands is folded under few roots, but not stored under few.
    pub(super) async fn read(store: &dyn Store) -> Result<Self> {
        Self::of(store, None).await
    }

    /// Reads those of one subject.
    pub(super) async fn about(store: &dyn Store, subject: Subject) -> Result<Self> {
        Self::of(store, Some(subject)).await
    }

    async fn of(store: &dyn Store, subject: Option<Subject>) -> Result<Self> {
        let states = vec![State::Pending, State::Open];
        let filter = DriftFilter { states, subject, ..DriftFilter::default() };
        let mut now = Self { roots: Vec::new(), pending: 0, folded: BTreeMap::new() };
        let mut after = None;
        loop {
            let page = store.drifts(&filter, after, AT_ONCE).await?;
            page.rows.into_iter().for_each(|entry| now.take(entry));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        now.roots.sort_by_key(|entry| (Reverse(entry.severity), Reverse(entry.opened_at)));
        Ok(now)
    }

    fn take(&mut self, entry: Entry) {
        match (&entry.parent, entry.is_open()) {
            (Some(parent), _) => self.folded.entry(parent.clone()).or_default().push(entry),
            (None, true) => self.roots.push(entry),
            (None, false) => self.pending += 1,
        }
    }

    /// What follows from this drift.
    pub(super) fn under(&self, root: &DriftId) -> &[Entry] {
        self.folded.get(root).map_or(&[], Vec::as_slice)
    }

    /// Every open drift, whatever it follows from.
    pub(super) fn open(&self) -> impl Iterator<Item = &Entry> {
        self.roots.iter().chain(self.folded.values().flatten()).filter(|entry| entry.is_open())
    }

    /// Open drifts of one service; what was read must be of one host.
    pub(super) fn of_service(&self, name: &ServiceName) -> impl Iterator<Item = &Entry> {
        self.open().filter(move |entry| entry.id.service.as_ref() == Some(name))
    }

    /// How many roots say that something differs or is down, rather than that a source cannot see.
    pub(super) fn differing(&self) -> usize {
        self.roots.iter().filter(|entry| !is_blindness(entry.id.event_type)).count()
    }

    /// How many roots say that a source cannot see.
    pub(super) fn blind(&self) -> usize {
        self.roots.iter().filter(|entry| is_blindness(entry.id.event_type)).count()
    }

    /// Open roots of each host.
    pub(super) fn by_host(&self) -> BTreeMap<&HostName, usize> {
        let mut counts = BTreeMap::new();
        for host in self.roots.iter().filter_map(|entry| entry.id.subject.host()) {
            *counts.entry(host).or_default() += 1;
        }
        counts
    }
}

/// Whether it says that a source cannot see. A machine that cannot be reached is down as far as people care.
pub(super) fn is_blindness(kind: EventType) -> bool {
    kind.is_blindness() && kind != EventType::NodeUnreachable
}
