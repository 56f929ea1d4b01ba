//! What is too old or too much goes, a thousand rows at a time, so that passes wait for no more than that; then what
//! became free goes back to the disk, in steps as small.

use std::time::Duration;

use evenkeel_core::remediation::REMEMBERED;
use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::Inner;
use super::commit::json;
use super::size::Growth;
use super::text::stamp_before;
use super::writer::Durability;
use crate::error::{Error, Result};
use crate::types::{Keep, Pruned, RetentionPolicy};

/// Rows per transaction.
const BATCH: i64 = 1000;

/// How long a callback or a session is kept whose time is up: what comes late is still known for what it is.
const LATE: Duration = Duration::from_hours(24);

const NOTHING: Growth = Growth {
    events: 0,
    deliveries: 0,
    observed_snapshots: 0,
    expected_snapshots: 0,
    journal: 0,
    proposals: 0,
    notices: 0,
};

/// Which rows of a table may go: those before a moment, and those up to an id. `?1` moment, `?2` id, `?3` how many, `?4`
/// the moment since when what is there is spared (`recent`).
/// The newest row of a table always stays: without it SQLite would give its number out again.
struct Table {
    /// The id below which rows are too many, given how many to keep (`?1`).
    surplus: &'static str,
    doomed: &'static str,
    /// Takes the ids as a JSON array.
    delete: &'static str,
    /// How long ago what is spared in any case was in use; zero where nothing is.
    recent: Duration,
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
    recent: Duration::ZERO,
    growth: |rows, all| Growth { events: -rows, deliveries: rows - all, ..NOTHING },
};

/// As an event. Its number is not given out again in any case.
const NOTICES: Table = Table {
    surplus: "SELECT id FROM notices ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT n.id FROM notices n WHERE (n.created_at < ?1 OR n.id <= ?2)
            AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.notice_seq = n.id AND d.state <> 'delivered')
        ORDER BY n.id LIMIT ?3",
    delete: "DELETE FROM deliveries WHERE notice_seq IN (SELECT value FROM json_each(?1));
        DELETE FROM notices WHERE id IN (SELECT value FROM json_each(?1))",
    recent: Duration::ZERO,
    growth: |rows, all| Growth { notices: -rows, deliveries: rows - all, ..NOTHING },
};

/// The callbacks of a proposal go with it.
const PROPOSALS: Table = Table {
    surplus: "SELECT id FROM proposals ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT p.id FROM proposals p WHERE (p.updated_at < ?1 OR p.id <= ?2) AND p.phase = 'over'
            AND (p.dispatched_at IS NULL OR p.dispatched_at < ?4)
            AND NOT EXISTS (SELECT 1 FROM drifts d
                WHERE d.subject = p.subject AND d.drift_id = p.drift_key AND d.state = 'open')
        ORDER BY p.id LIMIT ?3",
    delete: "DELETE FROM proposals WHERE id IN (SELECT value FROM json_each(?1))",
    recent: REMEMBERED,
    growth: |rows, _| Growth { proposals: -rows, ..NOTHING },
};

/// What holds, or did a day ago, stays in any case.
const SILENCES: Table = Table {
    surplus: "SELECT id FROM silences ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT id FROM silences WHERE (over_at < ?1 OR id <= ?2) AND over_at < ?4 ORDER BY id LIMIT ?3",
    delete: "DELETE FROM silences WHERE id IN (SELECT value FROM json_each(?1))",
    recent: Duration::from_hours(24),
    growth: |_, _| NOTHING,
};

const EXPECTED: Table = Table {
    surplus: "SELECT id FROM snapshots ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT s.id FROM snapshots s WHERE (s.created_at < ?1 OR s.id <= ?2)
            AND NOT EXISTS (SELECT 1 FROM expected_heads h WHERE h.snapshot_id = s.id)
        ORDER BY s.id LIMIT ?3",
    delete: "DELETE FROM snapshots WHERE id IN (SELECT value FROM json_each(?1))",
    recent: Duration::ZERO,
    growth: |_, all| Growth { expected_snapshots: -all, ..NOTHING },
};

const OBSERVED: Table = Table {
    surplus: "SELECT id FROM observed_snapshots ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT o.id FROM observed_snapshots o WHERE (o.observed_at < ?1 OR o.id <= ?2)
            AND NOT EXISTS (SELECT 1 FROM observed_heads h WHERE h.snapshot_id = o.id)
        ORDER BY o.id LIMIT ?3",
    delete: "DELETE FROM observed_snapshots WHERE id IN (SELECT value FROM json_each(?1))",
    recent: Duration::ZERO,
    growth: |_, all| Growth { observed_snapshots: -all, ..NOTHING },
};

const DELIVERED: Table = Table {
    surplus: "SELECT id FROM deliveries WHERE state = 'delivered' ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT id FROM deliveries WHERE state = 'delivered' AND (settled_at < ?1 OR id <= ?2)
        AND id < (SELECT max(id) FROM deliveries) ORDER BY id LIMIT ?3",
    delete: DELETE_DELIVERIES,
    recent: Duration::ZERO,
    growth: |_, all| Growth { deliveries: -all, ..NOTHING },
};

const DEAD: Table = Table {
    surplus: "SELECT id FROM deliveries WHERE state = 'dead' ORDER BY id DESC LIMIT 1 OFFSET ?1",
    doomed: "SELECT id FROM deliveries WHERE state = 'dead' AND (settled_at < ?1 OR id <= ?2)
        AND id < (SELECT max(id) FROM deliveries) ORDER BY id LIMIT ?3",
    delete: DELETE_DELIVERIES,
    recent: Duration::ZERO,
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
    recent: Duration::ZERO,
    growth: |rows, _| Growth { journal: -rows, ..NOTHING },
};

/// What goes when its time was up long ago. `?1` moment, `?2` how many.
const CALLBACKS: &str = "DELETE FROM callbacks WHERE token_hash IN (
    SELECT token_hash FROM callbacks WHERE expires_at < ?1 LIMIT ?2)";
const SESSIONS: &str = "DELETE FROM sessions WHERE token_hash IN (
    SELECT token_hash FROM sessions WHERE ends_at < ?1 LIMIT ?2)";

/// Pages of the file that hold nothing, and how many more those are than may stay.
struct Free {
    pages: i64,
    surplus: i64,
}

impl Inner {
    pub(super) async fn prune(&self, policy: &RetentionPolicy, now: Timestamp) -> Result<Pruned> {
        let mut pruned = Pruned::default();
        let mut outcome = self.thin_all(policy, now, &mut pruned).await;
        if matches!(outcome, Err(Error::Full { .. })) && self.use_reserve().await? {
            tracing::warn!(store = %self.at, "the disk is full; retention uses the room kept for that");
            outcome = self.thin_all(policy, now, &mut pruned).await;
        }
        outcome?;
        self.give_back().await?;
        self.empty_log().await?;
        self.keep_reserve().await;
        Ok(pruned)
    }

    async fn thin_all(&self, policy: &RetentionPolicy, now: Timestamp, pruned: &mut Pruned) -> Result<()> {
        let RetentionPolicy { events, snapshots, delivered, dead, journal, proposals } = policy;
        // Deliveries first: an event whose dead deliveries go may go in the same run.
        self.thin(&DELIVERED, *delivered, now, &mut pruned.deliveries).await?;
        self.thin(&DEAD, *dead, now, &mut pruned.deliveries).await?;
        self.thin(&EVENTS, *events, now, &mut pruned.events).await?;
        self.thin(&NOTICES, *events, now, &mut pruned.notices).await?;
        self.thin(&EXPECTED, *snapshots, now, &mut pruned.snapshots).await?;
        self.thin(&OBSERVED, *snapshots, now, &mut pruned.snapshots).await?;
        self.thin(&JOURNAL, *journal, now, &mut pruned.journal).await?;
        self.thin(&SILENCES, *journal, now, &mut pruned.silences).await?;
        self.thin(&PROPOSALS, *proposals, now, &mut pruned.proposals).await?;
        self.forget_late(CALLBACKS, now).await?;
        self.forget_late(SESSIONS, now).await
    }

    /// What nobody can use since long ago.
    async fn forget_late(&self, delete: &'static str, now: Timestamp) -> Result<()> {
        let before = stamp_before(now, LATE);
        loop {
            let mut tx = self.begin(Durability::Relaxed).await?;
            let gone = sqlx::query(delete).bind(&before).bind(BATCH).execute(tx.connection()).await;
            let gone = gone.map(|done| done.rows_affected()).map_err(|error| self.explain(error));
            if tx.end(gone).await? < BATCH.cast_unsigned() {
                return Ok(());
            }
        }
    }

    async fn thin(&self, table: &Table, keep: Keep, now: Timestamp, removed: &mut u64) -> Result<()> {
        let Keep { age, count } = keep;
        if age.is_none() && count.is_none() {
            return Ok(());
        }
        let before = age.map(|age| stamp_before(now, age)).unwrap_or_default();
        let recent = stamp_before(now, table.recent);
        loop {
            let mut tx = self.begin(Durability::Relaxed).await?;
            let batch = self.thin_batch(tx.connection(), table, (&before, &recent), count).await;
            if let Ok((rows, all)) = batch {
                tx.grows((table.growth)(rows, all));
            }
            let (rows, _) = tx.end(batch).await?;
            *removed += rows.cast_unsigned();
            if rows < BATCH {
                return Ok(());
            }
        }
    }

    /// Gives free pages back to the disk. Some stay: what is written next would only take them again.
    async fn give_back(&self) -> Result<()> {
        let mut given = false;
        loop {
            let mut tx = self.begin(Durability::Relaxed).await?;
            let freed = self.give_back_some(tx.connection()).await;
            if !tx.end(freed).await? {
                break;
            }
            given = true;
        }
        if !given {
            return Ok(());
        }
        let mut tx = self.lock().await?;
        if let Err(error) = self.shorten(tx.connection()).await {
            tracing::debug!(store = %self.at, %error, "the file is not shorter yet");
        }
        Ok(())
    }

    /// So far it is the log that says how short the file is. File and log become so when nobody reads what was there
    /// before; while somebody does (a backup), it is left for the next time, and nobody waits.
    async fn shorten(&self, connection: &mut SqliteConnection) -> Result<()> {
        let explain = |error| self.explain(error);
        let row = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(&mut *connection).await;
        let row = row.map_err(explain)?;
        let (logged, transferred): (i64, i64) = (self.cell(&row, 1)?, self.cell(&row, 2)?);
        if logged == transferred {
            let emptied = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(connection).await;
            emptied.map_err(explain)?;
        }
        Ok(())
    }

    /// One step; says whether another is worth while.
    async fn give_back_some(&self, connection: &mut SqliteConnection) -> Result<bool> {
        let before = self.free(connection).await?;
        if before.surplus <= 0 {
            return Ok(false);
        }
        let step = sqlx::query("PRAGMA incremental_vacuum(500)").execute(&mut *connection).await;
        step.map_err(|error| self.explain(error))?;
        // A file made before this was thought of gives nothing back: its free pages are used again.
        Ok(self.free(connection).await?.pages < before.pages)
    }

    async fn free(&self, connection: &mut SqliteConnection) -> Result<Free> {
        let row = sqlx::query(
            "SELECT f.freelist_count, p.page_count FROM pragma_freelist_count() f, pragma_page_count() p",
        )
        .fetch_one(connection)
        .await
        .map_err(|error| self.explain(error))?;
        let (free, all): (i64, i64) = (self.cell(&row, 0)?, self.cell(&row, 1)?);
        Ok(Free { pages: free, surplus: free - all / 20 - 256 })
    }

    /// Removes one batch; says how many rows of the table, and how many rows of any table in all.
    async fn thin_batch(
        &self,
        connection: &mut SqliteConnection,
        table: &Table,
        (before, recent): (&str, &str),
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
            .bind(recent)
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
