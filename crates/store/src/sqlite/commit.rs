//! Ledger, events, outbox and journal in one transaction, and in two trips to the database: one that begins and reads
//! the revisions, one that writes everything and commits.
//!
//! Each table is written by one statement that takes all its rows as one JSON array; row by row is six times slower.

use std::collections::HashMap;

use evenkeel_core::event::Event;
use evenkeel_core::ledger::Entry;

use super::journal::{self, JournalTuple};
use super::text::{hex, stamp};
use super::{Inner, Synchronous};
use crate::error::{Error, Result};
use crate::types::{Committed, NewDelivery, PassCommit};

macro_rules! begin {
    ($synchronous:literal) => {
        concat!(
            "PRAGMA synchronous = ",
            $synchronous,
            "; BEGIN IMMEDIATE; ",
            "SELECT subject, revision FROM subjects WHERE subject IN (SELECT value FROM json_each(?1))"
        )
    };
}

/// The parameters are taken in the order they stand here, by all statements together; numbered ones with gaps would not be.
const WRITE: &str = "INSERT INTO subjects (subject, revision, born, fingerprint)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each(?) WHERE true
        ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision,
            born = coalesce(excluded.born, born), fingerprint = excluded.fingerprint;
    INSERT INTO drifts (subject, drift_id, handle, state, event_type, severity, service, folded, entry)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
            value -> 8 FROM jsonb_each(?) WHERE true
        ON CONFLICT (subject, drift_id) DO UPDATE SET state = excluded.state, severity = excluded.severity,
            folded = excluded.folded, entry = excluded.entry;
    DELETE FROM drifts WHERE (subject, drift_id) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?));
    INSERT INTO events (id, event_id, hostname, service, event_type, severity, created_at, transition, handle,
            subject, announce, body)
        SELECT ? + 1 + key, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
            value ->> 6, value ->> 7, value ->> 8, value ->> 9, value -> 10 FROM jsonb_each(?);
    INSERT INTO deliveries (sink, event_id, drift_key, created_at, due_at, payload)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 3,
            CASE value ->> 5 WHEN 0 THEN CAST(value ->> 4 AS BLOB) ELSE unhex(value ->> 4) END
        FROM jsonb_each(?);
    INSERT INTO journal (kind, subject, event_id, drift_id, actor, text, data, created_at)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value -> 6, value ->> 7
        FROM jsonb_each(?);
    COMMIT";

impl Inner {
    /// Commits passes of different subjects in one transaction. An outer error means that nothing was written.
    pub(super) async fn commit_together(&self, passes: &[&PassCommit]) -> Result<Vec<Result<Committed>>> {
        let names: Vec<String> = passes.iter().map(|pass| pass.subject.to_string()).collect();
        let mut tx = self.lock().await?;
        let found = self.begin_and_read(&mut tx, &names).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                tx.settle(false).await;
                return Err(error);
            }
        };
        let mut batch = Batch::default();
        let mut results = Vec::with_capacity(passes.len());
        for (pass, name) in passes.iter().zip(&names) {
            results.push(batch.admit(
                pass,
                name,
                found.get(name).copied().unwrap_or(0),
                tx.writer().last_seq,
            ));
        }
        if batch.subjects.is_empty() {
            tx.settle(false).await;
            return Ok(results);
        }
        let last_seq = tx.writer().last_seq;
        let written = self.write(&mut tx, &batch, last_seq).await;
        tx.settle(written.is_ok()).await;
        written?;
        tx.writer().last_seq = last_seq + batch.events.len() as i64;
        Ok(results)
    }

    async fn begin_and_read(
        &self,
        tx: &mut super::writer::Tx<'_>,
        names: &[String],
    ) -> Result<HashMap<String, u64>> {
        let sql = match self.synchronous {
            Synchronous::Full => begin!("FULL"),
            Synchronous::Normal => begin!("NORMAL"),
        };
        let rows = sqlx::query(sql)
            .bind(json(names)?)
            .fetch_all(tx.beginning())
            .await
            .map_err(|error| self.explain(error))?;
        rows.iter()
            .map(|row| Ok((self.cell(row, 0)?, self.cell::<i64>(row, 1)?.cast_unsigned())))
            .collect()
    }

    async fn write(&self, tx: &mut super::writer::Tx<'_>, batch: &Batch<'_>, last_seq: i64) -> Result<()> {
        sqlx::query(WRITE)
            .bind(json(&batch.subjects)?)
            .bind(json(&batch.upserts)?)
            .bind(json(&batch.removals)?)
            .bind(last_seq)
            .bind(json(&batch.events)?)
            .bind(json(&batch.deliveries)?)
            .bind(json(&batch.journal)?)
            .execute(tx.connection())
            .await
            .map(|_| ())
            .map_err(|error| self.explain(error))
    }
}

/// The rows of several passes, by table, in the column order of [`WRITE`].
#[derive(Default)]
struct Batch<'a> {
    subjects: Vec<(&'a str, u64, Option<String>, Option<String>)>,
    upserts: Vec<UpsertTuple<'a>>,
    removals: Vec<(&'a str, String)>,
    events: Vec<EventTuple<'a>>,
    deliveries: Vec<DeliveryTuple<'a>>,
    journal: Vec<JournalTuple<'a>>,
}

type UpsertTuple<'a> = (
    &'a str,
    String,
    String,
    &'static str,
    &'static str,
    &'static str,
    Option<&'a str>,
    bool,
    &'a Entry,
);
type EventTuple<'a> = (
    String,
    Option<&'a str>,
    Option<&'a str>,
    &'static str,
    &'static str,
    String,
    &'static str,
    &'a str,
    &'a str,
    bool,
    &'a Event,
);
type DeliveryTuple<'a> = (&'a str, String, &'a str, String, std::borrow::Cow<'a, str>, bool);

impl<'a> Batch<'a> {
    /// Takes a pass in if it is based on what is there.
    fn admit(&mut self, pass: &'a PassCommit, name: &'a str, found: u64, last_seq: i64) -> Result<Committed> {
        if found != pass.expected_revision {
            return Err(Error::Conflict {
                subject: pass.subject.clone(),
                expected: pass.expected_revision,
                found,
            });
        }
        let revision = found + 1;
        let first = (last_seq + 1).cast_unsigned() + self.events.len() as u64;
        let event_seqs = (first..).take(pass.events.len()).collect();
        let fingerprint = pass.fingerprint.map(|fingerprint| hex(fingerprint.0));
        self.subjects
            .push((name, revision, pass.born.map(stamp), fingerprint));
        self.upserts
            .extend(pass.upserts.iter().map(|entry| upsert(name, entry)));
        self.removals
            .extend(pass.removals.iter().map(|id| (name, id.to_string())));
        self.events
            .extend(pass.events.iter().map(|event| event_tuple(name, event)));
        self.deliveries.extend(
            pass.deliveries
                .iter()
                .map(|delivery| delivery_tuple(delivery, stamp(pass.at))),
        );
        self.journal.extend(pass.journal.iter().map(journal::tuple));
        Ok(Committed { revision, event_seqs })
    }
}

fn upsert<'a>(subject: &'a str, entry: &'a Entry) -> UpsertTuple<'a> {
    (
        subject,
        entry.id.to_string(),
        entry.id.handle(),
        entry.state.as_str(),
        entry.id.event_type.code(),
        entry.severity.as_str(),
        entry.id.service.as_ref().map(|service| service.as_str()),
        entry.parent.is_some(),
        entry,
    )
}

fn event_tuple<'a>(subject: &'a str, event: &'a Event) -> EventTuple<'a> {
    (
        event.id.to_string(),
        event.hostname.as_ref().map(|host| host.as_str()),
        event.service.as_ref().map(|service| service.as_str()),
        event.event_type.code(),
        event.severity.as_str(),
        stamp(event.created_at),
        event.transition.as_str(),
        &event.handle,
        subject,
        event.announce,
        event,
    )
}

/// Bytes that are text travel as text; others (and text with a zero in it, where SQLite's text ends) as hexadecimal.
fn delivery_tuple(delivery: &NewDelivery, at: String) -> DeliveryTuple<'_> {
    let NewDelivery {
        sink,
        event,
        drift_key,
        payload,
    } = delivery;
    let (text, is_hex) = match std::str::from_utf8(payload) {
        Ok(text) if !payload.contains(&0) => (text.into(), false),
        Ok(_) | Err(_) => {
            let digits: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
            (digits.into(), true)
        }
    };
    (sink, event.to_string(), drift_key, at, text, is_hex)
}

/// The rows as one parameter. Serialising our own types does not fail; if it did, nothing is written.
pub(super) fn json(rows: &(impl serde::Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(rows).map_err(|error| Error::Refused {
        at: "the store".to_owned(),
        why: format!("a row cannot be written as json: {error}"),
    })
}
