//! What opened and what ended, and the last sign of life: what the picture of a past is made of.

use evenkeel_core::event::{EventType, Transition};
use evenkeel_core::id::Subject;
use jiff::Timestamp;
use jiff_sqlx::Timestamp as Moment;
use sqlx::postgres::PgRow;

use super::Inner;
use super::values::moment;
use crate::error::Result;
use crate::text::Reading;
use crate::types::TurnRow;

impl Inner {
    pub(super) async fn turns(&self, after: u64, since: Timestamp, limit: u32) -> Result<Vec<TurnRow>> {
        let query = self
            .query(
                "SELECT id, created_at, subject, handle, event_type, transition FROM events \
                    WHERE event_id IS NOT NULL AND id > $1 AND created_at >= $2 \
                    AND transition IN ('opened', 'reopened', 'resolved') ORDER BY id DESC LIMIT $3",
            )
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(moment(since))
            .bind(i64::from(limit));
        self.read(query).await?.iter().map(|row| self.turn(row)).collect()
    }

    fn turn(&self, row: &PgRow) -> Result<TurnRow> {
        let reading = |column| Reading { at: &self.at, column };
        Ok(TurnRow {
            seq: self.cell::<i64>(row, 0)?.cast_unsigned(),
            at: self.cell::<Moment>(row, 1)?.to_jiff(),
            subject: reading("events.subject").word(self.cell(row, 2)?, Subject::parse)?,
            handle: self.cell(row, 3)?,
            event_type: reading("events.event_type").word(self.cell(row, 4)?, EventType::parse)?,
            transition: reading("events.transition").word(self.cell(row, 5)?, Transition::parse)?,
        })
    }

    pub(super) async fn last_sign(&self) -> Result<Option<Timestamp>> {
        let row = self.read_one(self.query("SELECT max(last_seen) FROM evenkeel_observed_heads")).await?;
        Ok(self.cell::<Option<Moment>>(&row, 0)?.map(Moment::to_jiff))
    }
}
