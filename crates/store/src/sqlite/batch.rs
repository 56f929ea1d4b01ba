//! The rows of passes that are committed together, one list per table, as the commit's statement takes them.

use std::collections::HashMap;

use evenkeel_core::event::Event;
use evenkeel_core::id::EventId;
use evenkeel_core::ledger::Entry;

use super::commit::unwritable;
use super::journal::{self, JournalTuple};
use super::size::Growth;
use super::stored_event::{self, EventTuple};
use super::text::stamp;
use crate::error::{Error, Result};
use crate::text::hex;
use crate::types::{Committed, NewDelivery, PassCommit};

/// Rows, and beside them what is long, in one run of bytes which they point into.
#[derive(Default)]
pub(super) struct Batch<'a> {
    pub(super) subjects: Vec<(&'a str, u64, Option<String>, Option<String>)>,
    pub(super) upserts: Vec<UpsertTuple<'a>>,
    pub(super) removals: Vec<(&'a str, String)>,
    pub(super) events: Vec<EventTuple<'a>>,
    pub(super) deliveries: Vec<DeliveryTuple<'a>>,
    pub(super) journal: Vec<JournalTuple<'a>>,
    pub(super) heap: Vec<u8>,
    /// The numbers of the events in it.
    seqs: HashMap<EventId, i64>,
}

/// Where something begins in the heap, counted from one as SQL does, and how long it is.
pub(super) type Place = (usize, usize);

/// Subject, drift, handle, state, type, severity, service, folded, the entry's [`Place`].
pub(super) type UpsertTuple<'a> =
    (&'a str, String, String, &'static str, &'static str, &'static str, Option<&'a str>, bool, usize, usize);

/// Sink, drift, moment, the event's number if it is in the same batch, otherwise its id.
pub(super) type DeliveryTuple<'a> = (&'a str, &'a str, String, Option<i64>, Option<EventId>);

impl<'a> Batch<'a> {
    /// Takes a pass in if it is based on what is there.
    pub(super) fn admit(
        &mut self,
        pass: &'a PassCommit,
        name: &'a str,
        found: u64,
        last_seq: i64,
    ) -> Result<Committed> {
        if found != pass.expected_revision {
            return Err(Error::Conflict {
                what: pass.subject.to_string(),
                expected: pass.expected_revision,
                found,
            });
        }
        let revision = found + 1;
        let first = (last_seq + 1).cast_unsigned() + self.events.len() as u64;
        let event_seqs = (first..).take(pass.events.len()).collect();
        let fingerprint = pass.fingerprint.map(|fingerprint| hex(fingerprint.0));
        self.subjects.push((name, revision, pass.born.map(stamp), fingerprint));
        for entry in &pass.upserts {
            self.upsert(name, entry)?;
        }
        self.removals.extend(pass.removals.iter().map(|id| (name, id.to_string())));
        for event in &pass.events {
            self.event(name, event, last_seq)?;
        }
        let due = stamp(pass.at);
        for delivery in &pass.deliveries {
            let NewDelivery { sink, event, drift_key } = delivery;
            let seq = self.seqs.get(event).copied();
            let earlier = if seq.is_none() { Some(*event) } else { None };
            self.deliveries.push((sink, drift_key, due.clone(), seq, earlier));
        }
        self.journal.extend(pass.journal.iter().map(journal::tuple));
        Ok(Committed { revision, event_seqs })
    }

    /// By how many rows it makes the tables grow.
    pub(super) fn growth(&self) -> Growth {
        Growth {
            events: self.events.len() as i64,
            deliveries: self.deliveries.len() as i64,
            journal: self.journal.len() as i64,
            ..Growth::default()
        }
    }

    fn upsert(&mut self, subject: &'a str, entry: &'a Entry) -> Result<()> {
        let place = self.put(entry)?;
        self.upserts.push((
            subject,
            entry.id.to_string(),
            entry.id.handle(),
            entry.state.as_str(),
            entry.id.event_type.code(),
            entry.severity.as_str(),
            entry.id.service.as_ref().map(|service| service.as_str()),
            entry.parent.is_some(),
            place.0,
            place.1,
        ));
        Ok(())
    }

    fn event(&mut self, subject: &'a str, event: &'a Event, last_seq: i64) -> Result<()> {
        let body = self.put(event)?;
        self.events.push(stored_event::tuple(subject, event, body));
        self.seqs.insert(event.id, last_seq + self.events.len() as i64);
        Ok(())
    }

    fn put(&mut self, value: &impl serde::Serialize) -> Result<Place> {
        let start = self.heap.len();
        serde_json::to_writer(&mut self.heap, value).map_err(unwritable)?;
        Ok((start + 1, self.heap.len() - start))
    }
}
