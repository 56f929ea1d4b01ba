//! Whether the database answers, and letting go of it.

use sqlx::Connection as _;

use super::Inner;
use super::writer::Durability;
use crate::error::Result;

impl Inner {
    pub(super) async fn health(&self) -> Result<()> {
        let mut reader = self.reader().await?;
        sqlx::query("SELECT count(*) FROM subjects LIMIT 1")
            .execute(&mut *reader)
            .await
            .map_err(|error| self.explain(error))?;
        drop(reader);
        if self.read_only {
            return Ok(());
        }
        // Taking the write lock finds a file that became read-only or is held by another program.
        self.begin(Durability::Relaxed).await?.end(Ok(())).await
    }

    pub(super) async fn close(&self) {
        if let Some(readers) = &self.readers {
            readers.close().await;
        }
        let writer = self.writer.lock().await.take();
        if let Some(mut writer) = writer {
            let emptied =
                sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut writer.connection).await;
            if let Err(error) = emptied.map(|_| ()) {
                tracing::debug!(store = %self.at, %error, "the log could not be emptied; it is read at the next start");
            }
            if let Err(error) = writer.connection.close().await {
                tracing::debug!(store = %self.at, %error, "closing failed");
            }
        }
        self.lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    }
}
