//! Questions: events, drifts, figures.

use evenkeel_core::event::{EventType, Severity};
use evenkeel_core::id::EventId;
use evenkeel_core::ledger::Entry;
use sqlx::postgres::PgRow;

use super::Inner;
use super::paging::Listing;
use super::stored_event::select_events;
use super::values::key;
use crate::error::Result;
use crate::query::{Cursor, DriftFilter, EventFilter, Page};
use crate::text::Reading;
use crate::types::{OpenCount, Stats, StoredEvent};

/// Rows of our own.
const STATS: &str = "SELECT (SELECT count(*) FROM evenkeel_subjects WHERE revision > 0),
    (SELECT count(*) FROM evenkeel_drifts WHERE state = 'pending'),
    (SELECT count(*) FROM evenkeel_drifts WHERE state = 'open'),
    (SELECT count(*) FROM evenkeel_drifts WHERE state = 'resolved'),
    (SELECT count(*) FROM events WHERE event_id IS NOT NULL),
    (SELECT coalesce(max(id), 0) FROM events WHERE event_id IS NOT NULL),
    (SELECT count(*) FROM evenkeel_deliveries),
    (SELECT count(*) FROM observed_snapshots WHERE hash IS NOT NULL),
    (SELECT count(*) FROM snapshots WHERE hash IS NOT NULL),
    (SELECT count(*) FROM journal WHERE kind IS NOT NULL),
    (SELECT count(*) FROM evenkeel_proposals), (SELECT count(*) FROM evenkeel_notices)";

impl Inner {
    pub(super) async fn events(
        &self,
        filter: &EventFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<StoredEvent>> {
        let EventFilter { types, severities, transitions, host, service, handle, since, until } = filter;
        let mut list = Listing::newest_first(select_events!(""), after);
        list.any_of("event_type", types.iter().map(|kind| kind.code()));
        list.any_of("severity", severities.iter().map(|severity| severity.as_str()));
        list.any_of("transition", transitions.iter().map(|transition| transition.as_str()));
        list.any_of("hostname", host.iter().map(|host| host.as_str()));
        list.any_of("service", service.iter().map(|service| service.as_str()));
        list.any_of("handle", handle.iter().map(|handle| handle.to_ascii_uppercase()));
        list.moment("created_at >= ", *since);
        list.moment("created_at < ", *until);
        list.page(self, limit, |row| self.stored_event(row)).await
    }

    pub(super) async fn events_behind(&self, seq: u64, limit: u32) -> Result<Vec<StoredEvent>> {
        let list = Listing::oldest_first(select_events!(""), Some(Cursor::new(seq.to_string())));
        Ok(list.page(self, limit, |row| self.stored_event(row)).await?.rows)
    }

    pub(super) async fn event(&self, id: EventId) -> Result<Option<StoredEvent>> {
        let rows = self.read(self.query(select_events!(" AND event_id = $1")).bind(id.0)).await?;
        rows.first().map(|row| self.stored_event(row)).transpose()
    }

    pub(super) async fn drifts(
        &self,
        filter: &DriftFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Entry>> {
        let DriftFilter { states, types, severities, subject, service, roots_only } = filter;
        let mut list = Listing::oldest_first("SELECT id, entry FROM evenkeel_drifts WHERE true", after);
        list.any_of("state", states.iter().map(|state| state.as_str()));
        list.any_of("event_type", types.iter().map(|kind| kind.code()));
        list.any_of("severity", severities.iter().map(|severity| severity.as_str()));
        list.any_of("subject", subject.iter().map(ToString::to_string));
        list.any_of("service", service.iter().map(|service| service.as_str()));
        if *roots_only {
            list.only("NOT folded");
        }
        list.page(self, limit, |row| self.entry(row)).await
    }

    pub(super) async fn drift_by_handle(&self, handle: &str) -> Result<Vec<Entry>> {
        let handle = handle.to_ascii_uppercase();
        let query = self.query("SELECT id, entry FROM evenkeel_drifts WHERE handle = $1 ORDER BY id");
        let rows = self.read(query.bind(key(&handle))).await?;
        rows.iter().map(|row| self.entry(row)).collect()
    }

    fn entry(&self, row: &PgRow) -> Result<Entry> {
        Reading { at: &self.at, column: "evenkeel_drifts.entry" }.json(self.cell(row, 1)?)
    }

    pub(super) async fn open_counts(&self) -> Result<Vec<OpenCount>> {
        let query = self.query(
            "SELECT event_type, severity, folded, count(*) FROM evenkeel_drifts WHERE state = 'open'
                GROUP BY event_type, severity, folded",
        );
        let rows = self.read(query).await?;
        let reading = |column| Reading { at: &self.at, column };
        let count = |row: &PgRow| {
            Ok(OpenCount {
                event_type: reading("evenkeel_drifts.event_type")
                    .word(self.cell(row, 0)?, EventType::parse)?,
                severity: reading("evenkeel_drifts.severity").word(self.cell(row, 1)?, Severity::parse)?,
                folded: self.cell(row, 2)?,
                count: self.cell::<i64>(row, 3)?.cast_unsigned(),
            })
        };
        let mut counts = rows.iter().map(count).collect::<Result<Vec<_>>>()?;
        counts.sort();
        Ok(counts)
    }

    pub(super) async fn stats(&self) -> Result<Stats> {
        let row = self.read_one(self.query(STATS)).await?;
        let bytes = self.size().await?;
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
            proposals: figure(10)?,
            notices: figure(11)?,
            bytes,
        })
    }
}
