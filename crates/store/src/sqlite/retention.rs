//! What is too old or too much goes, a thousand rows at a time, so that passes wait for no more than that.

use jiff::Timestamp;

use super::Inner;
use super::commit::json;
use super::size::Growth;
use super::text::stamp_before;
use super::writer::Durability;
use crate::error::Result;
use crate::types::{Keep, Pruned, RetentionPolicy};

/// Rows per transaction.
const BATCH: i64 = 1000;

const NOTHING: Growth =
    Growth { events: 0, deliveries: 0, observed_snapshots: 0, expected_snapshots: 0, journal: 0 };

/// Which rows of a table may go: those before a moment, and those up to an id. `?1` moment, `?2` id, `?3` how many.
/// The newest row of a table always stays: without it SQLite would give its number out again.
struct Table {
    /// The id below which rows are too many, given how many to keep (`?1`).
    surplus: &'static str,
    doomed: &'static str,
    /// Takes the ids as a JSON array.
    delete: &'static str,
    /// By how much the tables grow when so many of its rows go, and so many rows in all.
    growth: fn(i64, i64) -> Growth,
}

/// An event goes when no delivery of it is pending or dead; its delivered ones go with it.
const EVENTS: Table = Table {
    surplus: "SELECT id FROM event_log ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT e.id FROM event_log e WHERE (e.created_at < ?1 OR e.id <= ?2)
            AND e.id < (SELECT max(id) FROM event_log)
            AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event_seq = e.id AND d.state <> 'delivered')
        ORDER BY e.id LIMIT ?3",
    delete: "DELETE FROM deliveries WHERE event_seq IN (SELECT value FROM json_each(?1));
        DELETE FROM event_log WHERE id IN (SELECT value FROM json_each(?1))",
    growth: |rows, all| Growth { events: -rows, deliveries: rows - all, ..NOTHING },
};

const EXPECTED: Table = Table {
    surplus: "SELECT id FROM snapshots ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT s.id FROM snapshots s WHERE (s.created_at < ?1 OR s.id <= ?2)
            AND NOT EXISTS (SELECT 1 FROM expected_heads h WHERE h.snapshot_id = s.id)
        ORDER BY s.id LIMIT ?3",
    delete: "DELETE FROM snapshots WHERE id IN (SELECT value FROM json_each(?1))",
    growth: |_, all| Growth { expected_snapshots: -all, ..NOTHING },
};

const OBSERVED: Table = Table {
    surplus: "SELECT id FROM observed_snapshots ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT o.id FROM observed_snapshots o WHERE (o.observed_at < ?1 OR o.id <= ?2)
            AND NOT EXISTS (SELECT 1 FROM observed_heads h WHERE h.snapshot_id = o.id)
        ORDER BY o.id LIMIT ?3",
    delete: "DELETE FROM observed_snapshots WHERE id IN (SELECT value FROM json_each(?1))",
    growth: |_, all| Growth { observed_snapshots: -all, ..NOTHING },
};

const DELIVERED: Table = Table {
    surplus: "SELECT id FROM deliveries WHERE state = 'delivered' ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT id FROM deliveries WHERE state = 'delivered' AND (settled_at < ?1 OR id <= ?2)
        AND id < (SELECT max(id) FROM deliveries) ORDER BY id LIMIT ?3",
    delete: DELETE_DELIVERIES,
    growth: |_, all| Growth { deliveries: -all, ..NOTHING },
};

const DEAD: Table = Table {
    surplus: "SELECT id FROM deliveries WHERE state = 'dead' ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT id FROM deliveries WHERE state = 'dead' AND (settled_at < ?1 OR id <= ?2)
        AND id < (SELECT max(id) FROM deliveries) ORDER BY id LIMIT ?3",
    delete: DELETE_DELIVERIES,
    growth: |_, all| Growth { deliveries: -all, ..NOTHING },
};

/// The state is asked again: between choosing and deleting, a dead delivery may have been sent again.
const DELETE_DELIVERIES: &str =
    "DELETE FROM deliveries WHERE state <> 'pending' AND id IN (SELECT value FROM json_each(?1))";

const JOURNAL: Table = Table {
    surplus: "SELECT id FROM journal ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT id FROM journal WHERE (created_at < ?1 OR id <= ?2)
        AND id < (SELECT max(id) FROM journal) ORDER BY id LIMIT ?3",
    // The database refuses to delete what lies above the horizon, to everybody: it is raised first.
    delete:
        "UPDATE journal_horizon SET upto = h FROM (SELECT max(value) AS h FROM json_each(?1)) WHERE upto < h;
        DELETE FROM journal WHERE id IN (SELECT value FROM json_each(?1))",
    growth: |rows, _| Growth { journal: -rows, ..NOTHING },
};

impl Inner {
    pub(super) async fn prune(&self, policy: &RetentionPolicy, now: Timestamp) -> Result<Pruned> {
        let RetentionPolicy { events, snapshots, delivered, dead, journal } = policy;
        // Deliveries first: an event whose dead deliveries go may go in the same run.
        let deliveries = self.thin(&DELIVERED, *delivered, now).await? + self.thin(&DEAD, *dead, now).await?;
        Ok(Pruned {
            deliveries,
            events: self.thin(&EVENTS, *events, now).await?,
            snapshots: self.thin(&EXPECTED, *snapshots, now).await?
                + self.thin(&OBSERVED, *snapshots, now).await?,
            journal: self.thin(&JOURNAL, *journal, now).await?,
        })
    }

    async fn thin(&self, table: &Table, keep: Keep, now: Timestamp) -> Result<u64> {
        let Keep { age, count } = keep;
        if age.is_none() && count.is_none() {
            return Ok(0);
        }
        let before = age.map(|age| stamp_before(now, age)).unwrap_or_default();
        let mut removed = 0;
        loop {
            let mut tx = self.begin(Durability::Relaxed).await?;
            let batch = self.thin_batch(tx.connection(), table, &before, count).await;
            if let Ok((rows, all)) = batch {
                tx.grows((table.growth)(rows, all));
            }
            let (rows, _) = tx.end(batch).await?;
            removed += rows.cast_unsigned();
            if rows < BATCH {
                return Ok(removed);
            }
        }
    }

    /// Removes one batch; says how many rows of the table, and how many rows of any table in all.
    async fn thin_batch(
        &self,
        connection: &mut sqlx::sqlite::SqliteConnection,
        table: &Table,
        before: &str,
        count: Option<u64>,
    ) -> Result<(i64, i64)> {
        let explain = |error| self.explain(error);
        let surplus: Option<i64> = match count {
            None => None,
            Some(count) => sqlx::query_scalar(table.surplus)
                .bind(i64::try_from(count).unwrap_or(i64::MAX))
                .fetch_optional(&mut *connection)
                .await
                .map_err(explain)?,
        };
        let doomed: Vec<i64> = sqlx::query_scalar(table.doomed)
            .bind(before)
            .bind(surplus.unwrap_or(0))
            .bind(BATCH)
            .fetch_all(&mut *connection)
            .await
            .map_err(explain)?;
        if doomed.is_empty() {
            return Ok((0, 0));
        }
        let ids = json(&doomed)?;
        let gone = sqlx::query(table.delete).bind(ids).execute(connection).await.map_err(explain)?;
        Ok((doomed.len() as i64, gone.rows_affected().cast_signed()))
    }
}
