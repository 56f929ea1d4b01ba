//! Ledger, events, outbox and journal in one statement, which is a transaction by itself and one trip to the server.
//!
//! The statement looks whether this process still leads, locks that, writes every table from arrays, and fails as a whole
//! where the lead or a revision is not what the passes are based on. Nearly always all of it holds, so it is tried, and
//! only if that fails is looked at what does not.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::Ordering;

use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::Inner;
use super::batch::{Batch, DeliveryColumns, DriftColumns, RemovalColumns, SubjectColumns};
use super::journal::JournalColumns;
use super::stored_event::EventColumns;
use super::values::text;
use crate::error::{Error, Result};
use crate::types::{Committed, PassCommit};

/// The guards are computed values that cannot be computed: only an error undoes what the statement has written, and
/// without a function of ours, which a served schema would show to the web, arithmetic is what can fail. They stand
/// first, so that nothing that follows is written in vain; each has a code of its own, which nothing else in here raises.
///
/// The lead is locked as it is now and not as it was when the statement began, and so is every subject.
const COMMIT: &str = "WITH led AS MATERIALIZED (
    SELECT 1 FROM evenkeel_lease WHERE id = 1 AND epoch = $1 FOR SHARE
), based AS (
    INSERT INTO evenkeel_subjects AS s (subject, revision, born, fingerprint)
    SELECT g.subject, g.based_on + 1, g.born, g.fingerprint
    FROM unnest($3::text[], $4::bigint[], $5::timestamptz[], $6::text[]) AS g (subject, based_on, born, fingerprint)
    WHERE g.based_on = 0 OR EXISTS (SELECT 1 FROM evenkeel_subjects k WHERE k.subject = g.subject)
    ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision, born = coalesce(excluded.born, s.born),
        fingerprint = excluded.fingerprint
        WHERE s.revision = excluded.revision - 1
    RETURNING 1
), changed AS (
    INSERT INTO evenkeel_drifts (subject, drift_id, handle, state, event_type, severity, service, folded, entry)
    SELECT * FROM unnest($7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
        $14::boolean[], $15::text[])
    ON CONFLICT (subject, drift_id) DO UPDATE SET state = excluded.state, severity = excluded.severity,
        folded = excluded.folded, entry = excluded.entry
), removed AS (
    DELETE FROM evenkeel_drifts d USING unnest($16::text[], $17::text[]) AS r (subject, drift_id)
    WHERE d.subject = r.subject AND d.drift_id = r.drift_id
), written AS (
    INSERT INTO events (event_id, created_at, hostname, handle, subject, announce, service, event_type, severity,
        transition, expected, observed, details, source, drift_id, body)
    SELECT e.event_id, e.created_at, e.hostname, e.handle, e.subject, e.announce, e.service, e.event_type, e.severity,
        e.transition, e.expected::jsonb, e.observed::jsonb, e.details, e.source, e.drift_id, e.body
    FROM unnest($18::uuid[], $19::timestamptz[], $20::text[], $21::text[], $22::text[], $23::boolean[], $24::text[],
        $25::text[], $26::text[], $27::text[], $28::text[], $29::text[], $30::text[], $31::text[], $32::text[],
        $33::text[])
        AS e (event_id, created_at, hostname, handle, subject, announce, service, event_type, severity, transition,
            expected, observed, details, source, drift_id, body)
    RETURNING id, event_id
), told AS (
    INSERT INTO evenkeel_deliveries (sink, drift_key, created_at, due_at, event_seq)
    SELECT d.sink, d.drift_key, d.at, d.at,
        coalesce(w.id, (SELECT e.id FROM events e WHERE e.event_id = d.event))
    FROM unnest($34::text[], $35::text[], $36::timestamptz[], $37::uuid[]) WITH ORDINALITY
        AS d (sink, drift_key, at, event, place) LEFT JOIN written w ON w.event_id = d.event
    ORDER BY d.place
), noted AS (
    INSERT INTO journal (kind, subject, event_id, drift_id, handle, actor, text, created_at, data)
    SELECT j.kind, j.subject, j.event_id, j.drift_id, j.handle, j.actor, j.text, j.created_at, j.data::jsonb
    FROM unnest($38::text[], $39::text[], $40::uuid[], $41::text[], $42::text[], $43::text[], $44::text[],
        $45::timestamptz[], $46::text[]) AS j (kind, subject, event_id, drift_id, handle, actor, text, created_at, data)
)
SELECT 1 / (SELECT count(*) FROM led),
    sqrt((SELECT count(*) FROM based) - cardinality($3::text[])),
    ARRAY(SELECT id FROM written ORDER BY id),
    CASE WHEN cardinality($34::text[]) > 0 THEN pg_notify($2, '') END";

/// A division by nobody who leads.
const NOT_LED: &str = "22012";
/// The root of the number of stale passes, below zero.
const STALE: &str = "2201F";

/// How often is tried again when somebody else commits the same subjects in between.
const ATTEMPTS: u32 = 5;

/// How the statement ended, if the database did what it could.
enum Written {
    /// The numbers of the events, in their order.
    Done(Vec<i64>),
    NotLed,
    Stale,
}

impl Inner {
    /// Commits passes of different subjects in one transaction. An outer error means that nothing was written.
    pub(super) async fn together(&self, passes: &[&PassCommit]) -> Result<Vec<Result<Committed>>> {
        let names: Vec<Cow<'_, str>> =
            passes.iter().map(|pass| Cow::Owned(text(&pass.subject.to_string()).into_owned())).collect();
        // In one order, so that two of these never wait for each other.
        let mut order: Vec<usize> = (0..passes.len()).collect();
        order.sort_by(|&a, &b| names[a].cmp(&names[b]));
        let mut found: Option<HashMap<String, u64>> = None;
        for _ in 0..ATTEMPTS {
            let mut batch = Batch::default();
            let mut admitted: Vec<Option<Result<usize>>> = passes.iter().map(|_| None).collect();
            for &i in &order {
                let here = match &found {
                    None => passes[i].expected_revision,
                    Some(found) => found.get(&*names[i]).copied().unwrap_or(0),
                };
                admitted[i] = Some(batch.admit(passes[i], &names[i], here));
            }
            if batch.subjects.subject.is_empty() {
                return Ok(numbered(passes, &order, admitted, &[]));
            }
            match self.write(batch).await? {
                Written::Done(ids) => return Ok(numbered(passes, &order, admitted, &ids)),
                Written::NotLed => return Err(self.who_leads().await?),
                Written::Stale => found = Some(self.revisions(&names).await?),
            }
        }
        let why = "others commit the same subjects all the time".to_owned();
        Err(Error::Unavailable { at: self.at.to_string(), why, source: None })
    }

    async fn revisions(&self, names: &[Cow<'_, str>]) -> Result<HashMap<String, u64>> {
        let names: Vec<&str> = names.iter().map(|name| &**name).collect();
        let query =
            self.query("SELECT subject, revision FROM evenkeel_subjects WHERE subject = ANY($1)").bind(names);
        let rows = self.read(query).await?;
        rows.iter().map(|row| Ok((self.cell(row, 0)?, self.cell::<i64>(row, 1)?.cast_unsigned()))).collect()
    }

    async fn write(&self, batch: Batch<'_>) -> Result<Written> {
        if self.read_only {
            return Err(self.reads_only());
        }
        let written = if self.pooled {
            let mut tx = self.begin_unfenced().await?;
            match self.attempt(tx.connection(), batch).await {
                Ok(ids) => Ok(tx.end(Ok(ids)).await?),
                Err(error) => {
                    tx.undo().await;
                    Err(error)
                }
            }
        } else {
            let mut line = self.line().await?;
            let written = self.attempt(&mut line, batch).await;
            // What the server refused leaves the connection as it was.
            if !matches!(written, Err(ref error) if error.as_database_error().is_none()) {
                line.end().await;
            }
            written
        };
        let code = |error: &sqlx::Error| Some(error.as_database_error()?.code()?.into_owned());
        match written {
            Ok(ids) => Ok(Written::Done(ids)),
            Err(error) => match code(&error).as_deref() {
                Some(NOT_LED) => Ok(Written::NotLed),
                Some(STALE) => Ok(Written::Stale),
                Some(_) | None => Err(self.explain(error)),
            },
        }
    }

    async fn attempt(
        &self,
        connection: &mut PgConnection,
        batch: Batch<'_>,
    ) -> Result<Vec<i64>, sqlx::Error> {
        let Batch { subjects, drifts, removals, events, deliveries, journal, .. } = batch;
        let SubjectColumns { subject, based_on, born, fingerprint } = subjects;
        let query = self.query(COMMIT).bind(self.epoch.load(Ordering::Acquire)).bind(&*self.channel);
        let query = query.bind(subject).bind(based_on).bind(born).bind(fingerprint);
        let DriftColumns { subject, drift_id, handle, state, event_type, severity, service, folded, entry } =
            drifts;
        let query =
            query.bind(subject).bind(drift_id).bind(handle).bind(state).bind(event_type).bind(severity);
        let query = query.bind(service).bind(folded).bind(entry);
        let RemovalColumns { subject, drift_id } = removals;
        let query = query.bind(subject).bind(drift_id);
        let query = {
            let EventColumns {
                event_id,
                created_at,
                hostname,
                handle,
                subject,
                announce,
                service,
                event_type,
                severity,
                transition,
                expected,
                observed,
                details,
                source,
                drift_id,
                body,
            } = events;
            let query = query
                .bind(event_id)
                .bind(created_at)
                .bind(hostname)
                .bind(handle)
                .bind(subject)
                .bind(announce);
            let query = query.bind(service).bind(event_type).bind(severity).bind(transition).bind(expected);
            query.bind(observed).bind(details).bind(source).bind(drift_id).bind(body)
        };
        let DeliveryColumns { sink, drift_key, at, event } = deliveries;
        let query = query.bind(sink).bind(drift_key).bind(at).bind(event);
        let JournalColumns { kind, subject, event_id, drift_id, handle, actor, text, created_at, data } =
            journal;
        let query =
            query.bind(kind).bind(subject).bind(event_id).bind(drift_id).bind(handle).bind(actor).bind(text);
        query.bind(created_at).bind(data).fetch_one(connection).await?.try_get(2)
    }
}

/// What each pass is told, in the order of the callers: the batch had another one.
fn numbered(
    passes: &[&PassCommit],
    order: &[usize],
    mut admitted: Vec<Option<Result<usize>>>,
    ids: &[i64],
) -> Vec<Result<Committed>> {
    let mut ids = ids.iter().map(|id| id.cast_unsigned());
    let mut outcomes: Vec<(usize, Result<Committed>)> = Vec::with_capacity(passes.len());
    for &i in order {
        let Some(outcome) = admitted[i].take() else { continue };
        let outcome = outcome.map(|events| Committed {
            revision: passes[i].expected_revision + 1,
            event_seqs: ids.by_ref().take(events).collect(),
        });
        outcomes.push((i, outcome));
    }
    outcomes.sort_by_key(|(i, _)| *i);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Serialising our own types does not fail; if it did, nothing is written.
pub(super) fn unwritable(error: serde_json::Error) -> Error {
    Error::Refused { at: "the store".to_owned(), why: format!("a row cannot be written as json: {error}") }
}
