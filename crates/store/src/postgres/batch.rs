//! The rows of passes that are committed together, one list per column, as the commit's statement takes them.

use std::borrow::Cow;
use std::collections::HashMap;

use evenkeel_core::ledger::Entry;
use jiff_sqlx::Timestamp as Moment;
use uuid::Uuid;

use super::commit::unwritable;
use super::journal::JournalColumns;
use super::stored_event::EventColumns;
use super::values::{key, keys, moment};
use crate::error::{Error, Result};
use crate::text::hex;
use crate::types::{NewDelivery, PassCommit};

/// Rows by column.
#[derive(Default)]
pub(super) struct Batch<'a> {
    pub(super) subjects: SubjectColumns<'a>,
    pub(super) drifts: DriftColumns<'a>,
    pub(super) removals: RemovalColumns<'a>,
    pub(super) events: EventColumns<'a>,
    pub(super) deliveries: DeliveryColumns<'a>,
    pub(super) journal: JournalColumns<'a>,
    /// Where the entry of a drift stands: of two with the same name, the later one counts.
    drift_rows: HashMap<(&'a str, String), usize>,
}

#[derive(Default)]
pub(super) struct SubjectColumns<'a> {
    pub(super) subject: Vec<&'a str>,
    pub(super) based_on: Vec<i64>,
    pub(super) born: Vec<Option<Moment>>,
    pub(super) fingerprint: Vec<Option<String>>,
}

#[derive(Default)]
pub(super) struct DriftColumns<'a> {
    pub(super) subject: Vec<&'a str>,
    pub(super) drift_id: Vec<String>,
    pub(super) handle: Vec<String>,
    pub(super) state: Vec<&'static str>,
    pub(super) event_type: Vec<&'static str>,
    pub(super) severity: Vec<&'static str>,
    pub(super) service: Vec<Option<Cow<'a, str>>>,
    pub(super) folded: Vec<bool>,
    pub(super) entry: Vec<String>,
}

#[derive(Default)]
pub(super) struct RemovalColumns<'a> {
    pub(super) subject: Vec<&'a str>,
    pub(super) drift_id: Vec<String>,
}

#[derive(Default)]
pub(super) struct DeliveryColumns<'a> {
    pub(super) sink: Vec<Cow<'a, str>>,
    pub(super) drift_key: Vec<Cow<'a, str>>,
    pub(super) at: Vec<Moment>,
    pub(super) event: Vec<Uuid>,
}

impl<'a> Batch<'a> {
    /// Takes a pass in if it is based on what is there. How many events it brings, is told.
    pub(super) fn admit(&mut self, pass: &'a PassCommit, name: &'a str, found: u64) -> Result<usize> {
        // Two names that differ in what PostgreSQL cannot hold are one subject here.
        if found != pass.expected_revision || self.subjects.subject.contains(&name) {
            return Err(Error::Conflict {
                what: pass.subject.to_string(),
                expected: pass.expected_revision,
                found,
            });
        }
        self.subjects.subject.push(name);
        self.subjects.based_on.push(found.cast_signed());
        self.subjects.born.push(pass.born.map(moment));
        self.subjects.fingerprint.push(pass.fingerprint.map(|fingerprint| hex(fingerprint.0)));
        for entry in &pass.upserts {
            self.upsert(name, entry)?;
        }
        for id in &pass.removals {
            self.removals.subject.push(name);
            self.removals.drift_id.push(key(&id.to_string()).into_owned());
        }
        for event in &pass.events {
            self.events.push(name, event)?;
        }
        for delivery in &pass.deliveries {
            let NewDelivery { sink, event, drift_key } = delivery;
            self.deliveries.sink.push(key(sink));
            self.deliveries.drift_key.push(key(drift_key));
            self.deliveries.at.push(moment(pass.at));
            self.deliveries.event.push(event.0);
        }
        self.journal.extend(&pass.journal);
        Ok(pass.events.len())
    }

    fn upsert(&mut self, subject: &'a str, entry: &'a Entry) -> Result<()> {
        let drifts = &mut self.drifts;
        let id = key(&entry.id.to_string()).into_owned();
        let written = serde_json::to_string(entry).map_err(unwritable)?;
        let (state, severity, folded) =
            (entry.state.as_str(), entry.severity.as_str(), entry.parent.is_some());
        let row = *self.drift_rows.entry((subject, id.clone())).or_insert(drifts.entry.len());
        if row < drifts.entry.len() {
            (drifts.state[row], drifts.severity[row]) = (state, severity);
            (drifts.folded[row], drifts.entry[row]) = (folded, written);
            return Ok(());
        }
        drifts.subject.push(subject);
        drifts.drift_id.push(id);
        drifts.handle.push(entry.id.handle());
        drifts.state.push(state);
        drifts.event_type.push(entry.id.event_type.code());
        drifts.severity.push(severity);
        drifts.service.push(keys(entry.id.service.as_ref().map(|service| service.as_str())));
        drifts.folded.push(folded);
        drifts.entry.push(written);
        Ok(())
    }
}
