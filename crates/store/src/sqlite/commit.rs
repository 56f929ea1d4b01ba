//! Ledger, events, outbox and journal in one transaction, which is one statement and one trip to the database: an insert
//! into a view, whose trigger does the rest. A trip costs as much as the work of a small commit.
//!
//! Each table is written from all its rows in one JSON array; row by row is six times slower. What is long (events,
//! entries) lies beside the arrays in one run of bytes, which they point into: SQLite need not parse it.

use std::collections::HashMap;

use async_trait::async_trait;

use super::batch::Batch;
use super::writer::Tx;
use super::{Inner, journal, stored_event};
use crate::error::{Error, Result};
use crate::group::{Committer, Queue};
use crate::types::{Committed, PassCommit};

/// Set up on the writing connection, and there only: it is code, not schema.
pub(super) fn procedure() -> String {
    format!(
        "CREATE TEMP VIEW passes (subjects, upserts, removals, last_seq, events, deliveries, journal, heap) AS
    SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL;
CREATE TEMP TRIGGER commit_passes INSTEAD OF INSERT ON passes BEGIN
    SELECT raise(ABORT, 'stale revision') WHERE EXISTS (
        SELECT 1 FROM jsonb_each(new.subjects) j LEFT JOIN subjects s ON s.subject = j.value ->> '$[0]'
        WHERE coalesce(s.revision, 0) <> (j.value ->> '$[1]') - 1);
    INSERT INTO subjects (subject, revision, born, fingerprint)
        SELECT {subject} FROM jsonb_each(new.subjects) WHERE true
        ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision,
            born = coalesce(excluded.born, born), fingerprint = excluded.fingerprint;
    INSERT INTO drifts (subject, drift_id, handle, state, event_type, severity, service, folded, entry)
        SELECT {drift}, CAST({entry} AS TEXT) FROM jsonb_each(new.upserts) WHERE true
        ON CONFLICT (subject, drift_id) DO UPDATE SET state = excluded.state, severity = excluded.severity,
            folded = excluded.folded, entry = excluded.entry;
    DELETE FROM drifts WHERE (subject, drift_id) IN (SELECT {removal} FROM jsonb_each(new.removals));
    INSERT INTO event_log (id, {event_columns}, body)
        SELECT new.last_seq + 1 + key, {event}, CAST({body} AS TEXT) FROM jsonb_each(new.events);
    INSERT INTO deliveries (sink, drift_key, created_at, due_at, event_seq)
        SELECT {delivery}, value ->> '$[2]',
            ifnull(value ->> '$[3]', (SELECT e.id FROM event_log e WHERE e.event_id = value ->> '$[4]'))
        FROM jsonb_each(new.deliveries);
    INSERT INTO journal ({journal_columns}) SELECT {journal}, value -> '$[8]' FROM jsonb_each(new.journal);
END;",
        subject = fields(4),
        drift = fields(8),
        entry = piece(8),
        removal = fields(2),
        event_columns = stored_event::COLUMNS,
        event = fields(10),
        body = piece(10),
        delivery = fields(3),
        journal_columns = journal::COLUMNS,
        journal = fields(8),
    )
}

/// The first so many elements of a row, as columns. Spelled as paths: SQLite makes text of a number at every use.
pub(super) fn fields(count: usize) -> String {
    (0..count).map(|i| format!("value ->> '$[{i}]'")).collect::<Vec<_>>().join(", ")
}

/// The piece of the heap that an element of a row and the one behind it point at: where it begins, how long it is.
fn piece(element: usize) -> String {
    format!("substr(new.heap, value ->> '$[{element}]', value ->> '$[{}]')", element + 1)
}

/// SQLite's code for an abort that a trigger raised.
const RAISED: &str = "1811";

#[async_trait]
impl Committer for Inner {
    async fn commit_together(&self, passes: &[&PassCommit]) -> Result<Vec<Result<Committed>>> {
        self.together(passes).await
    }

    fn at(&self) -> &str {
        &self.at
    }

    fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl Inner {
    /// Commits passes of different subjects in one transaction. An outer error means that nothing was written.
    pub(super) async fn together(&self, passes: &[&PassCommit]) -> Result<Vec<Result<Committed>>> {
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
            tx.grows(batch.growth());
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

/// The rows as one parameter.
pub(super) fn json(rows: &(impl serde::Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(rows).map_err(unwritable)
}

/// Serialising our own types does not fail; if it did, nothing is written.
pub(super) fn unwritable(error: serde_json::Error) -> Error {
    Error::Refused { at: "the store".to_owned(), why: format!("a row cannot be written as json: {error}") }
}
