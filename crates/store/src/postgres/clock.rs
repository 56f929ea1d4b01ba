//! A clock that was set back behind what is kept. It is the clock of whoever leads, not the database's.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgConnection;

use super::values::moment;
use super::{Inner, PgStore};
use crate::clock::{ClockStore, limits};
use crate::error::Result;

const IS_BEHIND: &str = "SELECT EXISTS (SELECT 1 FROM evenkeel_observed_heads WHERE last_seen > $1)
    OR EXISTS (SELECT 1 FROM evenkeel_expected_heads WHERE last_seen > $1)
    OR EXISTS (SELECT 1 FROM evenkeel_deliveries WHERE state = 'pending'
        AND (created_at > $1 OR claimed_at > $1 OR due_at > $2))";

const SET_BACK: [&str; 3] = [
    "UPDATE evenkeel_deliveries SET due_at = $1, claimed_at = NULL WHERE state = 'pending' AND due_at > $1",
    "UPDATE evenkeel_observed_heads SET last_seen = $1 WHERE last_seen > $1",
    "UPDATE evenkeel_expected_heads SET last_seen = $1 WHERE last_seen > $1",
];

#[async_trait]
impl ClockStore for PgStore {
    async fn set_back(&self, now: Timestamp) -> Result<bool> {
        self.inner.within(self.inner.set_back(now)).await
    }
}

impl Inner {
    async fn set_back(&self, now: Timestamp) -> Result<bool> {
        let mut tx = self.begin().await?;
        let was = self.set_back_in(tx.connection(), now).await;
        tx.end(was).await
    }

    async fn set_back_in(&self, connection: &mut PgConnection, now: Timestamp) -> Result<bool> {
        let (late, too_late) = limits(now);
        let asked = self.query(IS_BEHIND).bind(moment(late)).bind(moment(too_late));
        let row = asked.fetch_one(&mut *connection).await.map_err(|error| self.explain(error))?;
        let is_behind = self.cell(&row, 0)?;
        if is_behind {
            for sql in SET_BACK {
                let done = self.query(sql).bind(moment(now)).execute(&mut *connection).await;
                done.map_err(|error| self.explain(error))?;
            }
        }
        Ok(is_behind)
    }
}
