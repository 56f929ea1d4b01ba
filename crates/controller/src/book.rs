//! The ledgers of all subjects in memory, beside their revisions in the store. One process writes them, so what is
//! here is what is there; a refused commit says otherwise, and the ledger is read again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use evenkeel_core::fingerprint::Fingerprint;
use evenkeel_core::ledger::{Entry, Ledger};
use evenkeel_core::{SourceId, Subject};
use jiff::Timestamp;

use crate::repair::look::Looked;
use crate::rules::Hits;

/// One subject's ledger and what a pass must know to skip it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// The revision the store has of it; 0 before the first commit.
    pub revision: u64,
    /// What the world looked like when the ledger last took it into account; `None` since the start.
    pub stamp: Option<Fingerprint>,
    /// Another observation, even an equal one, would decide something.
    pub awaits_observation: bool,
    /// When the next pass is due even if nothing new is observed.
    pub due: Option<Timestamp>,
    /// What the last pass rested on; `None` since the start.
    pub looked: Option<Looked>,
    /// What the rules made of it in the last pass.
    pub hits: Hits,
    /// Which edition of the rules that was; 0 since the start.
    pub edition: u64,
    /// Sources that were new here, and that a pass has heard about this subject.
    pub met: Vec<SourceId>,
}

impl Record {
    /// A ledger nobody has written in.
    pub fn new(subject: Subject) -> Self {
        Self::read(Ledger::new(subject), 0)
    }

    /// A ledger as the store has it, as if none of it were still to come.
    pub fn loaded(mut ledger: Ledger, revision: u64, now: Timestamp) -> Self {
        ledger.set_back(now);
        Self::read(ledger, revision)
    }

    fn read(ledger: Ledger, revision: u64) -> Self {
        Self {
            ledger: Arc::new(ledger),
            revision,
            stamp: None,
            awaits_observation: false,
            due: None,
            looked: None,
            hits: Hits::default(),
            edition: 0,
            met: Vec::new(),
        }
    }
}

/// Every subject's record.
#[derive(Debug, Default)]
pub struct Book(RwLock<HashMap<Subject, Record>>, AtomicU64);

impl Book {
    /// The subject's record; a new one for a subject nobody has written about.
    pub fn get(&self, subject: &Subject) -> Record {
        let records = self.0.read().unwrap_or_else(PoisonError::into_inner);
        records.get(subject).cloned().unwrap_or_else(|| Record::new(subject.clone()))
    }

    /// Replaces the subject's record.
    pub fn put(&self, subject: &Subject, record: Record) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(subject.clone(), record);
    }

    /// A ledger is not what it was, and was kept.
    pub fn changed(&self) {
        self.1.fetch_add(1, Ordering::Release);
    }

    /// Rises with every ledger that changed, after it was kept.
    pub fn version(&self) -> u64 {
        self.1.load(Ordering::Acquire)
    }

    /// Which of these subjects wait for another observation.
    pub fn awaiting<'a>(&self, subjects: impl IntoIterator<Item = &'a Subject>) -> Vec<Subject> {
        let records = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let waits =
            |subject: &&Subject| records.get(*subject).is_some_and(|record| record.awaits_observation);
        subjects.into_iter().filter(waits).cloned().collect()
    }

    /// Every subject that has open or unconfirmed drifts: those must be judged even if nothing speaks about them now.
    pub fn unresolved_subjects(&self) -> Vec<Subject> {
        let records = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let unresolved = records.values().filter(|record| record.ledger.unresolved().next().is_some());
        let mut subjects: Vec<Subject> = unresolved.map(|record| record.ledger.subject.clone()).collect();
        // They are worked on in this order: the map's would be another with every run.
        subjects.sort();
        subjects
    }

    /// Every entry that is not resolved, in the order of the ids.
    pub fn entries(&self) -> Vec<Entry> {
        let records = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let entries = records.values().flat_map(|record| record.ledger.entries.values().map(Box::as_ref));
        let mut entries: Vec<Entry> =
            entries.filter(|e| e.state != evenkeel_core::ledger::State::Resolved).cloned().collect();
        entries.sort_by(|a, b| a.id.cmp(&b.id));
        entries
    }

    /// Calls `each` with every record.
    pub fn visit(&self, mut each: impl FnMut(&Record)) {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().for_each(&mut each);
    }
}
