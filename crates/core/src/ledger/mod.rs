//! The ledger: what is known about the drifts of one subject, and how a new report changes it.
//!
//! Pure. [`advance`] takes the ledger as it was, a report, the policy and the time, and returns the ledger as it is and
//! the events that say what changed. The store commits both in one transaction.

mod advance;
mod causes;
mod entry;
mod open;
mod say;
mod set_back;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{DriftId, Subject};

pub use advance::{Advance, CLOCK_TOLERANCE, advance};
pub use entry::{Blind, Entry, Freed, State};

/// What is known about the drifts of one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The host or source.
    pub subject: Subject,
    /// When the first complete pass was made; `None` before it.
    pub born: Option<Timestamp>,
    /// The drifts, by id. At most one entry per id. In boxes: a map has room for eleven as soon as it has one, and most
    /// ledgers have one.
    pub entries: BTreeMap<DriftId, Box<Entry>>,
}

impl Ledger {
    /// A ledger nobody has written in.
    pub fn new(subject: Subject) -> Self {
        Self { subject, born: None, entries: BTreeMap::new() }
    }

    /// What is known about this drift.
    pub fn entry(&self, id: &DriftId) -> Option<&Entry> {
        self.entries.get(id).map(Box::as_ref)
    }

    /// The ids that must be judged whatever the two sides say: everything not yet resolved.
    pub fn unresolved(&self) -> impl Iterator<Item = &DriftId> {
        self.entries.values().filter(|e| e.state != State::Resolved).map(|e| &e.id)
    }

    /// The open drifts.
    pub fn open(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().map(Box::as_ref).filter(|e| e.is_open())
    }
}
