//! How much is kept: what it takes up on the disk, and how many rows.
//!
//! Rows are counted once and kept count of from then on by whoever writes them: a count of a million rows reads an index
//! from end to end, which is nothing to do every minute.

use std::ffi::OsString;
use std::path::Path;

use sqlx::sqlite::SqliteConnection;

use super::Inner;
use crate::error::{Error, Result};
use crate::types::RowCounts;

/// By how many rows the tables grew, or shrank, in a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Growth {
    pub(super) events: i64,
    pub(super) deliveries: i64,
    pub(super) observed_snapshots: i64,
    pub(super) expected_snapshots: i64,
    pub(super) journal: i64,
    pub(super) proposals: i64,
    pub(super) notices: i64,
}

impl Growth {
    /// Takes in what else the transaction wrote.
    pub(super) fn and(&mut self, more: Self) {
        let Self { events, deliveries, observed_snapshots, expected_snapshots, journal, proposals, notices } =
            more;
        self.events += events;
        self.deliveries += deliveries;
        self.observed_snapshots += observed_snapshots;
        self.expected_snapshots += expected_snapshots;
        self.journal += journal;
        self.proposals += proposals;
        self.notices += notices;
    }

    /// The counts after it.
    pub(super) fn applied(self, to: RowCounts) -> RowCounts {
        let RowCounts {
            events,
            deliveries,
            observed_snapshots,
            expected_snapshots,
            journal,
            proposals,
            notices,
        } = to;
        RowCounts {
            events: events.saturating_add_signed(self.events),
            deliveries: deliveries.saturating_add_signed(self.deliveries),
            observed_snapshots: observed_snapshots.saturating_add_signed(self.observed_snapshots),
            expected_snapshots: expected_snapshots.saturating_add_signed(self.expected_snapshots),
            journal: journal.saturating_add_signed(self.journal),
            proposals: proposals.saturating_add_signed(self.proposals),
            notices: notices.saturating_add_signed(self.notices),
        }
    }
}

impl Inner {
    /// The file and its log. Pages that are free for new rows count: they are on the disk.
    pub(super) async fn size(&self) -> Result<u64> {
        let mut reader = self.reader().await?;
        let pages: i64 =
            sqlx::query_scalar("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
                .fetch_one(&mut *reader)
                .await
                .map_err(|error| self.explain(error))?;
        drop(reader);
        let log = match &self.path {
            Some(path) => log_size(path).map_err(|source| Error::Unavailable {
                at: self.at.to_string(),
                why: "the size of its log cannot be read".to_owned(),
                source: Some(source.into()),
            })?,
            None => 0,
        };
        Ok(pages.cast_unsigned() + log)
    }

    pub(super) async fn rows(&self) -> Result<RowCounts> {
        if self.read_only {
            let mut reader = self.reader().await?;
            return self.count(&mut reader).await;
        }
        let mut tx = self.lock().await?;
        if let Some(counts) = tx.writer().counts {
            return Ok(counts);
        }
        let counts = self.count(tx.connection()).await?;
        tx.writer().counts = Some(counts);
        Ok(counts)
    }

    async fn count(&self, connection: &mut SqliteConnection) -> Result<RowCounts> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM event_log), (SELECT count(*) FROM deliveries), \
                (SELECT count(*) FROM observed_snapshots), (SELECT count(*) FROM snapshots), \
                (SELECT count(*) FROM journal), (SELECT count(*) FROM proposals), \
                (SELECT count(*) FROM notices)",
        )
        .fetch_one(connection)
        .await
        .map_err(|error| self.explain(error))?;
        let figure = |column| Ok(self.cell::<i64>(&row, column)?.cast_unsigned());
        Ok(RowCounts {
            events: figure(0)?,
            deliveries: figure(1)?,
            observed_snapshots: figure(2)?,
            expected_snapshots: figure(3)?,
            journal: figure(4)?,
            proposals: figure(5)?,
            notices: figure(6)?,
        })
    }
}

fn log_size(path: &Path) -> std::io::Result<u64> {
    let mut log = OsString::from(path);
    log.push("-wal");
    match std::fs::metadata(&log) {
        Ok(meta) => Ok(meta.len()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}
