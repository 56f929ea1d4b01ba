//! What opened and what ended, and the last sign of life: what the picture of a past is made of.

use evenkeel_core::event::{EventType, Transition};
use evenkeel_core::id::Subject;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::Inner;
use super::text::stamp;
use crate::error::Result;
use crate::text::Reading;
use crate::types::TurnRow;

impl Inner {
    pub(super) async fn turns(&self, after: u64, since: Timestamp, limit: u32) -> Result<Vec<TurnRow>> {
        let mut reader = self.reader().await?;
        // By number: newest first needs no sorting, and reading on from a place finds it in the key itself.
        let rows = sqlx::query(
            "SELECT id, created_at, subject, handle, event_type, transition FROM event_log \
                WHERE id > ?1 AND created_at >= ?2 AND transition IN ('opened', 'reopened', 'resolved') \
                ORDER BY id DESC LIMIT ?3",
        )
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(stamp(since))
        .bind(i64::from(limit))
        .fetch_all(&mut *reader)
        .await
        .map_err(|error| self.explain(error))?;
        rows.iter().map(|row| self.turn(row)).collect()
    }

    fn turn(&self, row: &SqliteRow) -> Result<TurnRow> {
        let reading = |column| Reading { at: &self.at, column };
        Ok(TurnRow {
            seq: self.cell::<i64>(row, 0)?.cast_unsigned(),
            at: reading("event_log.created_at").moment(self.cell(row, 1)?)?,
            subject: reading("event_log.subject").word(self.cell(row, 2)?, Subject::parse)?,
            handle: self.cell(row, 3)?,
            event_type: reading("event_log.event_type").word(self.cell(row, 4)?, EventType::parse)?,
            transition: reading("event_log.transition").word(self.cell(row, 5)?, Transition::parse)?,
        })
    }

    pub(super) async fn last_sign(&self) -> Result<Option<Timestamp>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT max(last_seen) FROM observed_heads")
            .fetch_one(&mut *reader)
            .await
            .map_err(|error| self.explain(error))?;
        let reading = Reading { at: &self.at, column: "observed_heads.last_seen" };
        reading.moments(self.cell::<Option<&str>>(&row, 0)?)
    }
}
