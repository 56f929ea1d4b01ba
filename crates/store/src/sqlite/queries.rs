//! Questions: events, drifts, figures. Values are bound, never spliced; only fixed pieces of SQL are put together.

use evenkeel_core::event::{Event, EventType, Severity};
use evenkeel_core::id::{EventId, Subject};
use evenkeel_core::ledger::Entry;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::Inner;
use super::text::{Reading, stamp};
use crate::error::Result;
use crate::query::{Cursor, DriftFilter, EventFilter, Page};
use crate::types::{OpenCount, Stats, StoredEvent};

/// Where to go on from; `None` for a cursor that is none of ours.
pub(super) fn start(after: Option<Cursor>, first: i64) -> Option<i64> {
    match after {
        None => Some(first),
        Some(cursor) => cursor.as_str().parse().ok(),
    }
}

/// Restricts a query to any of these values; none is no restriction.
pub(super) fn any_of<T: Into<String>>(
    query: &mut QueryBuilder<Sqlite>,
    column: &'static str,
    values: impl Iterator<Item = T>,
) {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return;
    }
    query.push(" AND ").push(column).push(" IN (");
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value.into());
    }
    list.push_unseparated(")");
}

/// Cuts rows read with one too many into a page. The first column is the cursor.
pub(super) fn page<T>(
    mut rows: Vec<SqliteRow>,
    limit: u32,
    read: impl Fn(&SqliteRow) -> Result<T>,
) -> Result<Page<T>> {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().filter(|_| more).and_then(|row| row.try_get::<i64, _>(0).ok());
    let rows = rows.iter().map(read).collect::<Result<_>>()?;
    Ok(Page { rows, next: last.map(|id| Cursor::new(id.to_string())) })
}

impl Inner {
    pub(super) async fn events(
        &self,
        filter: &EventFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<StoredEvent>> {
        let Some(before) = start(after, i64::MAX) else {
            return Ok(Page { rows: Vec::new(), next: None });
        };
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT id, subject, announce, body FROM events WHERE id < ");
        query.push_bind(before);
        any_of(&mut query, "event_type", filter.types.iter().map(|kind| kind.code()));
        any_of(&mut query, "severity", filter.severities.iter().map(|severity| severity.as_str()));
        any_of(&mut query, "transition", filter.transitions.iter().map(|transition| transition.as_str()));
        any_of(&mut query, "hostname", filter.host.iter().map(|host| host.as_str()));
        any_of(&mut query, "service", filter.service.iter().map(|service| service.as_str()));
        any_of(&mut query, "handle", filter.handle.iter().map(|handle| handle.to_ascii_uppercase()));
        if let Some(since) = filter.since {
            query.push(" AND created_at >= ").push_bind(stamp(since));
        }
        if let Some(until) = filter.until {
            query.push(" AND created_at < ").push_bind(stamp(until));
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit) + 1);
        let mut reader = self.reader().await?;
        let rows = query.build().fetch_all(&mut *reader).await.map_err(|error| self.explain(error))?;
        page(rows, limit, |row| self.stored_event(row))
    }

    pub(super) async fn event(&self, id: EventId) -> Result<Option<StoredEvent>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT id, subject, announce, body FROM events WHERE event_id = ?1")
            .bind(id.to_string())
            .fetch_optional(&mut *reader)
            .await
            .map_err(|error| self.explain(error))?;
        row.map(|row| self.stored_event(&row)).transpose()
    }

    fn stored_event(&self, row: &SqliteRow) -> Result<StoredEvent> {
        let reading = |column| Reading { at: &self.at, column };
        let mut event: Event = reading("events.body").json(self.cell(row, 3)?)?;
        event.announce = self.cell(row, 2)?;
        Ok(StoredEvent {
            seq: self.cell::<i64>(row, 0)?.cast_unsigned(),
            subject: reading("events.subject").word(self.cell(row, 1)?, Subject::parse)?,
            event,
        })
    }

    pub(super) async fn drifts(
        &self,
        filter: &DriftFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Entry>> {
        let Some(beyond) = start(after, 0) else {
            return Ok(Page { rows: Vec::new(), next: None });
        };
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT id, entry FROM drifts WHERE id > ");
        query.push_bind(beyond);
        any_of(&mut query, "state", filter.states.iter().map(|state| state.as_str()));
        any_of(&mut query, "event_type", filter.types.iter().map(|kind| kind.code()));
        any_of(&mut query, "severity", filter.severities.iter().map(|severity| severity.as_str()));
        any_of(&mut query, "subject", filter.subject.iter().map(ToString::to_string));
        any_of(&mut query, "service", filter.service.iter().map(|service| service.as_str()));
        if filter.roots_only {
            query.push(" AND folded = 0");
        }
        query.push(" ORDER BY id LIMIT ").push_bind(i64::from(limit) + 1);
        let mut reader = self.reader().await?;
        let rows = query.build().fetch_all(&mut *reader).await.map_err(|error| self.explain(error))?;
        page(rows, limit, |row| self.entry(row))
    }

    pub(super) async fn drift_by_handle(&self, handle: &str) -> Result<Vec<Entry>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT id, entry FROM drifts WHERE handle = ?1 ORDER BY id")
            .bind(handle.to_ascii_uppercase())
            .fetch_all(&mut *reader)
            .await
            .map_err(|error| self.explain(error))?;
        rows.iter().map(|row| self.entry(row)).collect()
    }

    fn entry(&self, row: &SqliteRow) -> Result<Entry> {
        Reading { at: &self.at, column: "drifts.entry" }.json(self.cell(row, 1)?)
    }

    pub(super) async fn open_counts(&self) -> Result<Vec<OpenCount>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(
            "SELECT event_type, severity, folded, count(*) FROM drifts WHERE state = 'open' \
                GROUP BY event_type, severity, folded",
        )
        .fetch_all(&mut *reader)
        .await
        .map_err(|error| self.explain(error))?;
        let reading = |column| Reading { at: &self.at, column };
        let count = |row: &SqliteRow| {
            Ok(OpenCount {
                event_type: reading("drifts.event_type").word(self.cell(row, 0)?, EventType::parse)?,
                severity: reading("drifts.severity").word(self.cell(row, 1)?, Severity::parse)?,
                folded: self.cell(row, 2)?,
                count: self.cell::<i64>(row, 3)?.cast_unsigned(),
            })
        };
        let mut counts = rows.iter().map(count).collect::<Result<Vec<_>>>()?;
        counts.sort();
        Ok(counts)
    }

    pub(super) async fn stats(&self) -> Result<Stats> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM subjects WHERE revision > 0), \
                (SELECT count(*) FROM drifts WHERE state = 'pending'), \
                (SELECT count(*) FROM drifts WHERE state = 'open'), \
                (SELECT count(*) FROM drifts WHERE state = 'resolved'), \
                (SELECT count(*) FROM events), (SELECT coalesce(max(id), 0) FROM events), \
                (SELECT count(*) FROM deliveries), (SELECT count(*) FROM observed_snapshots), \
                (SELECT count(*) FROM snapshots), (SELECT count(*) FROM journal), \
                (SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size())",
        )
        .fetch_one(&mut *reader)
        .await
        .map_err(|error| self.explain(error))?;
        let figure = |column| Ok(self.cell::<i64>(&row, column)?.cast_unsigned());
        Ok(Stats {
            subjects: figure(0)?,
            drifts_pending: figure(1)?,
            drifts_open: figure(2)?,
            drifts_resolved: figure(3)?,
            events: figure(4)?,
            last_seq: figure(5)?,
            deliveries: figure(6)?,
            observed_snapshots: figure(7)?,
            expected_snapshots: figure(8)?,
            journal: figure(9)?,
            bytes: figure(10)?,
        })
    }
}
