//! Ledger, events, outbox and journal in one transaction, which is one statement and one trip to the database: an insert
//! into a view, whose trigger does the rest. A trip costs as much as the work of a small commit.
//!
//! Each table is written from all its rows in one JSON array; row by row is six times slower. What is long (events,
//! entries, payloads) lies beside the arrays in one run of bytes, which they point into: SQLite need not parse it.

use std::collections::HashMap;

use evenkeel_core::event::Event;
use evenkeel_core::ledger::Entry;

use super::Inner;
use super::journal::{self, JournalTuple};
use super::text::{hex, stamp};
use super::writer::Tx;
use crate::error::{Error, Result};
use crate::types::{Committed, NewDelivery, PassCommit};

/// Set up on the writing connection, and there only: it is code, not schema.
pub(super) const PROCEDURE: &str = "
CREATE TEMP VIEW passes (subjects, upserts, removals, last_seq, events, deliveries, journal, heap) AS
    SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;
CREATE TEMP TRIGGER commit_passes INSTEAD OF INSERT ON passes BEGIN
    SELECT raise(ABORT, 'stale revision') WHERE EXISTS (
        SELECT 1 FROM jsonb_each(new.subjects) j LEFT JOIN subjects s ON s.subject = j.value ->> 0
        WHERE coalesce(s.revision, 0) <> (j.value ->> 1) - 1);
    INSERT INTO subjects (subject, revision, born, fingerprint)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each(new.subjects) WHERE true
        ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision,
            born = coalesce(excluded.born, born), fingerprint = excluded.fingerprint;
    INSERT INTO drifts (subject, drift_id, handle, state, event_type, severity, service, folded, entry)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
            CAST(substr(new.heap, value ->> 8, value ->> 9) AS TEXT) FROM jsonb_each(new.upserts) WHERE true
        ON CONFLICT (subject, drift_id) DO UPDATE SET state = excluded.state, severity = excluded.severity,
            folded = excluded.folded, entry = excluded.entry;
    DELETE FROM drifts WHERE (subject, drift_id) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(new.removals));
    INSERT INTO events (id, event_id, hostname, service, event_type, severity, created_at, transition, handle,
            subject, announce, body)
        SELECT new.last_seq + 1 + key, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
            value ->> 6, value ->> 7, value ->> 8, value ->> 9,
            CAST(substr(new.heap, value ->> 10, value ->> 11) AS TEXT) FROM jsonb_each(new.events);
    INSERT INTO deliveries (sink, event_id, drift_key, created_at, due_at, payload)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 3,
            substr(new.heap, value ->> 4, value ->> 5)
        FROM jsonb_each(new.deliveries);
    INSERT INTO journal (kind, subject, event_id, drift_id, actor, text, data, created_at)
        SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value -> 6, value ->> 7
        FROM jsonb_each(new.journal);
END;";

/// SQLite's code for an abort that a trigger raised.
const RAISED: &str = "1811";

impl Inner {
    /// Commits passes of different subjects in one transaction. An outer error means that nothing was written.
    pub(super) async fn commit_together(&self, passes: &[&PassCommit]) -> Result<Vec<Result<Committed>>> {
        let names: Vec<String> = passes.iter().map(|pass| pass.subject.to_string()).collect();
        let mut tx = self.lock().await?;
        let last_seq = tx.writer().last_seq;
        // Nearly always every pass is based on what is there: try, and look only if that fails.
        let mut found: HashMap<String, u64> = HashMap::new();
        let mut looked = false;
        loop {
            let mut batch = Batch::default();
            let mut results = Vec::with_capacity(passes.len());
            for (pass, name) in passes.iter().zip(&names) {
                let here =
                    if looked { found.get(name).copied().unwrap_or(0) } else { pass.expected_revision };
                results.push(batch.admit(pass, name, here, last_seq));
            }
            if batch.subjects.is_empty() {
                return Ok(results);
            }
            let written = self.write(&mut tx, &batch, last_seq).await;
            tx.settle(written.is_ok()).await;
            match written {
                Ok(()) => {
                    tx.writer().last_seq = last_seq + batch.events.len() as i64;
                    return Ok(results);
                }
                Err(error) if !looked && is_stale(&error) => {
                    found = self.revisions(&mut tx, &names).await?;
                    looked = true;
                }
                Err(error) => return Err(self.explain(error)),
            }
        }
    }

    async fn revisions(&self, tx: &mut Tx<'_>, names: &[String]) -> Result<HashMap<String, u64>> {
        let sql = "SELECT subject, revision FROM subjects WHERE subject IN (SELECT value FROM json_each(?1))";
        let rows = sqlx::query(sql).bind(json(names)?).fetch_all(tx.connection()).await;
        let rows = rows.map_err(|error| self.explain(error))?;
        rows.iter().map(|row| Ok((self.cell(row, 0)?, self.cell::<i64>(row, 1)?.cast_unsigned()))).collect()
    }

    async fn write(&self, tx: &mut Tx<'_>, batch: &Batch<'_>, last_seq: i64) -> Result<(), sqlx::Error> {
        let text = |rows: Result<String>| rows.map_err(|error| sqlx::Error::Encode(error.into()));
        let subjects = text(json(&batch.subjects))?;
        let upserts = text(json(&batch.upserts))?;
        let removals = text(json(&batch.removals))?;
        let events = text(json(&batch.events))?;
        let deliveries = text(json(&batch.deliveries))?;
        let journal = text(json(&batch.journal))?;
        sqlx::query("INSERT INTO passes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
            .bind(subjects)
            .bind(upserts)
            .bind(removals)
            .bind(last_seq)
            .bind(events)
            .bind(deliveries)
            .bind(journal)
            .bind(&batch.heap[..])
            .execute(tx.beginning())
            .await
            .map(|_| ())
    }
}

fn is_stale(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == RAISED)
}

/// The rows of several passes, by table, in the column order of the procedure.
#[derive(Default)]
struct Batch<'a> {
    subjects: Vec<(&'a str, u64, Option<String>, Option<String>)>,
    upserts: Vec<UpsertTuple<'a>>,
    removals: Vec<(&'a str, String)>,
    events: Vec<EventTuple<'a>>,
    deliveries: Vec<DeliveryTuple<'a>>,
    journal: Vec<JournalTuple<'a>>,
    heap: Vec<u8>,
}

/// Where something begins in the heap, counted from one as SQL does, and how long it is.
type Place = (usize, usize);

/// Subject, drift, handle, state, type, severity, service, folded, entry. Serialised flat.
type UpsertTuple<'a> =
    (&'a str, String, String, &'static str, &'static str, &'static str, Option<&'a str>, bool, usize, usize);

/// Id, host, service, type, severity, moment, transition, handle, subject, announced, body.
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
    usize,
    usize,
);

/// Sink, event, drift, moment, payload.
type DeliveryTuple<'a> = (&'a str, String, &'a str, String, usize, usize);

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
        self.subjects.push((name, revision, pass.born.map(stamp), fingerprint));
        for entry in &pass.upserts {
            self.upsert(name, entry)?;
        }
        self.removals.extend(pass.removals.iter().map(|id| (name, id.to_string())));
        for event in &pass.events {
            self.event(name, event)?;
        }
        for delivery in &pass.deliveries {
            let NewDelivery { sink, event, drift_key, payload } = delivery;
            let (start, length) = (self.heap.len() + 1, payload.len());
            self.heap.extend_from_slice(payload);
            self.deliveries.push((sink, event.to_string(), drift_key, stamp(pass.at), start, length));
        }
        self.journal.extend(pass.journal.iter().map(journal::tuple));
        Ok(Committed { revision, event_seqs })
    }

    fn upsert(&mut self, subject: &'a str, entry: &'a Entry) -> Result<()> {
        let (start, length) = self.put(entry)?;
        self.upserts.push((
            subject,
            entry.id.to_string(),
            entry.id.handle(),
            entry.state.as_str(),
            entry.id.event_type.code(),
            entry.severity.as_str(),
            entry.id.service.as_ref().map(|service| service.as_str()),
            entry.parent.is_some(),
            start,
            length,
        ));
        Ok(())
    }

    fn event(&mut self, subject: &'a str, event: &'a Event) -> Result<()> {
        let (start, length) = self.put(event)?;
        self.events.push((
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
            start,
            length,
        ));
        Ok(())
    }

    fn put(&mut self, value: &impl serde::Serialize) -> Result<Place> {
        let start = self.heap.len();
        serde_json::to_writer(&mut self.heap, value).map_err(unwritable)?;
        Ok((start + 1, self.heap.len() - start))
    }
}

/// The rows as one parameter.
pub(super) fn json(rows: &(impl serde::Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(rows).map_err(unwritable)
}

/// Serialising our own types does not fail; if it did, nothing is written.
fn unwritable(error: serde_json::Error) -> Error {
    Error::Refused { at: "the store".to_owned(), why: format!("a row cannot be written as json: {error}") }
}
