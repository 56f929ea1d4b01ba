//! A clock that was set back behind what is kept.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::text::stamp;
use super::writer::Durability;
use super::{Inner, SqliteStore};
use crate::clock::{ClockStore, limits};
use crate::error::Result;

const IS_BEHIND: &str = "SELECT EXISTS (SELECT 1 FROM observed_heads WHERE last_seen > ?1)
    OR EXISTS (SELECT 1 FROM expected_heads WHERE last_seen > ?1)
    OR EXISTS (SELECT 1 FROM deliveries WHERE state = 'pending'
        AND (created_at > ?1 OR claimed_at > ?1 OR due_at > ?2))";

const SET_BACK: [&str; 3] = [
    "UPDATE deliveries SET due_at = ?1, claimed_at = NULL WHERE state = 'pending' AND due_at > ?1",
    "UPDATE observed_heads SET last_seen = ?1 WHERE last_seen > ?1",
    "UPDATE expected_heads SET last_seen = ?1 WHERE last_seen > ?1",
];

#[async_trait]
impl ClockStore for SqliteStore {
    async fn set_back(&self, now: Timestamp) -> Result<bool> {
        self.inner.set_back(now).await
    }
}

impl Inner {
    async fn set_back(&self, now: Timestamp) -> Result<bool> {
        // Forgotten by a power failure, it is found again at the next start.
        let mut tx = self.begin(Durability::Relaxed).await?;
        let was = self.set_back_in(tx.connection(), now).await;
        tx.end(was).await
    }

    async fn set_back_in(&self, connection: &mut SqliteConnection, now: Timestamp) -> Result<bool> {
        let (late, too_late) = limits(now);
        let is_behind: bool = sqlx::query_scalar(IS_BEHIND)
            .bind(stamp(late))
            .bind(stamp(too_late))
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| self.explain(error))?;
        if is_behind {
            for sql in SET_BACK {
                let done = sqlx::query(sql).bind(stamp(now)).execute(&mut *connection).await;
                done.map_err(|error| self.explain(error))?;
            }
        }
        Ok(is_behind)
    }
}
