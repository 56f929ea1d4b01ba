//! What the leader shows. Who leads is no question for a file: whoever holds its lock.

use super::Inner;
use super::text::stamp;
use super::writer::Durability;
use crate::error::{Error, Result};
use crate::rows::SavedStatus;
use crate::text::Reading;
use crate::types::Leadership;

impl Inner {
    pub(super) fn lead(&self) -> Result<Leadership> {
        if self.read_only {
            let why = "it was opened for reading only".to_owned();
            return Err(Error::ReadOnly { at: self.at.to_string(), why });
        }
        Ok(Leadership::Ours { epoch: 1 })
    }

    pub(super) async fn save_status(&self, status: &SavedStatus) -> Result<()> {
        let SavedStatus { at, body } = status;
        let mut tx = self.begin(Durability::Relaxed).await?;
        let saved = sqlx::query(
            "INSERT INTO status (id, at, body) VALUES (1, ?1, ?2)
                ON CONFLICT (id) DO UPDATE SET at = excluded.at, body = excluded.body",
        )
        .bind(stamp(*at))
        .bind(body)
        .execute(tx.connection())
        .await;
        tx.end(saved.map(|_| ()).map_err(|error| self.explain(error))).await
    }

    pub(super) async fn last_status(&self) -> Result<Option<SavedStatus>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT at, body FROM status")
            .fetch_optional(&mut *reader)
            .await
            .map_err(|error| self.explain(error))?;
        let Some(row) = row else { return Ok(None) };
        let reading = Reading { at: &self.at, column: "status.at" };
        Ok(Some(SavedStatus { at: reading.moment(self.cell(&row, 0)?)?, body: self.cell(&row, 1)? }))
    }
}
