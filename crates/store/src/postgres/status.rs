//! What the leader shows.

use jiff_sqlx::Timestamp as Moment;

use super::Inner;
use super::values::{moment, text};
use crate::error::Result;
use crate::rows::SavedStatus;

impl Inner {
    pub(super) async fn save_status(&self, status: &SavedStatus) -> Result<()> {
        let SavedStatus { at, body } = status;
        let mut tx = self.begin().await?;
        let saved = self
            .query(
                "INSERT INTO evenkeel_status (id, at, body) VALUES (1, $1, $2)
                    ON CONFLICT (id) DO UPDATE SET at = excluded.at, body = excluded.body",
            )
            .bind(moment(*at))
            .bind(text(body))
            .execute(tx.connection())
            .await;
        tx.end(saved.map(|_| ()).map_err(|error| self.explain(error))).await
    }

    pub(super) async fn last_status(&self) -> Result<Option<SavedStatus>> {
        let rows = self.read(self.query("SELECT at, body FROM evenkeel_status")).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let at: Moment = self.cell(row, 0)?;
        Ok(Some(SavedStatus { at: at.to_jiff(), body: self.cell(row, 1)? }))
    }
}
