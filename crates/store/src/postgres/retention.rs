//! What is too old or too much goes, a thousand rows at a time, so that passes wait for no more than that.
//!
//! Only rows of evenkeel's own: what an installation has in the same tables is not ours to remove.

use std::time::Duration;

use evenkeel_core::remediation::REMEMBERED;
use jiff::Timestamp;
use jiff_sqlx::Timestamp as Moment;
use sqlx::postgres::PgConnection;

use super::Inner;
use super::values::moment;
use crate::error::Result;
use crate::types::{Keep, Pruned, RetentionPolicy};

/// Rows per transaction.
const BATCH: i64 = 1000;

/// How long a callback or a session is kept whose time is up: what comes late is still known for what it is.
const LATE: Keep = Keep { age: Some(Duration::from_hours(24)), count: None };

/// Which rows of a table may go: those before a moment, and those up to an id. `$1` moment, `$2` id, `$3` how many.
struct Table {
    /// The id below which rows are too many, given how many to keep (`$1`).
    surplus: &'static str,
    doomed: &'static str,
    /// What is too young to go by another moment than the first, if there is such a thing: `$4`.
    recent: Option<Duration>,
    /// Each takes the ids as an array.
    delete: &'static [&'static str],
}

/// An event goes when no delivery of it is pending or dead; its delivered ones go with it.
const EVENTS: Table = Table {
    surplus: "SELECT id FROM events WHERE event_id IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET $1",
    doomed: "SELECT e.id FROM events e WHERE e.event_id IS NOT NULL AND (e.created_at < $1 OR e.id <= $2)
            AND e.id < (SELECT max(id) FROM events WHERE event_id IS NOT NULL)
            AND NOT EXISTS (SELECT 1 FROM evenkeel_deliveries d WHERE d.event_seq = e.id AND d.state <> 'delivered')
        ORDER BY e.id LIMIT $3",
    recent: None,
    delete: &[
        "DELETE FROM evenkeel_deliveries WHERE event_seq = ANY($1)",
        "DELETE FROM events WHERE id = ANY($1)",
    ],
};

/// As an event.
const NOTICES: Table = Table {
    surplus: "SELECT id FROM evenkeel_notices ORDER BY id DESC LIMIT 1 OFFSET $1",
    doomed: "SELECT n.id FROM evenkeel_notices n WHERE (n.created_at < $1 OR n.id <= $2)
            AND NOT EXISTS (SELECT 1 FROM evenkeel_deliveries d WHERE d.notice_seq = n.id AND d.state <> 'delivered')
        ORDER BY n.id LIMIT $3",
    recent: None,
    delete: &[
        "DELETE FROM evenkeel_deliveries WHERE notice_seq = ANY($1)",
        "DELETE FROM evenkeel_notices WHERE id = ANY($1)",
    ],
};

/// The callbacks of a proposal go with it.
const PROPOSALS: Table = Table {
    surplus: "SELECT id FROM evenkeel_proposals ORDER BY id DESC LIMIT 1 OFFSET $1",
    doomed:
        "SELECT p.id FROM evenkeel_proposals p WHERE (p.updated_at < $1 OR p.id <= $2) AND p.phase = 'over'
            AND (p.dispatched_at IS NULL OR p.dispatched_at < $4)
            AND NOT EXISTS (SELECT 1 FROM evenkeel_drifts d
                WHERE d.subject = p.subject AND d.drift_id = p.drift_key AND d.state = 'open')
        ORDER BY p.id LIMIT $3",
    recent: Some(REMEMBERED),
    delete: &["DELETE FROM evenkeel_proposals WHERE id = ANY($1)"],
};

/// What holds, or did a day ago, stays in any case.
const SILENCES: Table = Table {
    surplus: "SELECT id FROM evenkeel_silences ORDER BY id DESC LIMIT 1 OFFSET $1",
    doomed: "SELECT id FROM evenkeel_silences WHERE (over_at < $1 OR id <= $2) AND over_at < $4 ORDER BY id LIMIT $3",
    recent: Some(Duration::from_hours(24)),
    delete: &["DELETE FROM evenkeel_silences WHERE id = ANY($1)"],
};

const CALLBACKS: Table = Table {
    surplus: "SELECT id FROM evenkeel_callbacks ORDER BY id DESC LIMIT 1 OFFSET $1",
    doomed: "SELECT id FROM evenkeel_callbacks WHERE expires_at < $1 OR id <= $2 ORDER BY id LIMIT $3",
    recent: None,
    delete: &["DELETE FROM evenkeel_callbacks WHERE id = ANY($1)"],
};

const SESSIONS: Table = Table {
    surplus: "SELECT id FROM evenkeel_sessions ORDER BY id DESC LIMIT 1 OFFSET $1",
    doomed: "SELECT id FROM evenkeel_sessions WHERE ends_at < $1 OR id <= $2 ORDER BY id LIMIT $3",
    recent: None,
    delete: &["DELETE FROM evenkeel_sessions WHERE id = ANY($1)"],
};

const EXPECTED: Table = Table {
    surplus: "SELECT id FROM snapshots WHERE hash IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET $1",
    doomed: "SELECT s.id FROM snapshots s WHERE s.hash IS NOT NULL AND (s.created_at < $1 OR s.id <= $2)
            AND NOT EXISTS (SELECT 1 FROM evenkeel_expected_heads h WHERE h.snapshot_id = s.id)
        ORDER BY s.id LIMIT $3",
    recent: None,
    delete: &["DELETE FROM snapshots WHERE id = ANY($1)"],
};

const OBSERVED: Table = Table {
    surplus: "SELECT id FROM observed_snapshots WHERE hash IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET $1",
    doomed:
        "SELECT o.id FROM observed_snapshots o WHERE o.hash IS NOT NULL AND (o.observed_at < $1 OR o.id <= $2)
            AND NOT EXISTS (SELECT 1 FROM evenkeel_observed_heads h WHERE h.snapshot_id = o.id)
        ORDER BY o.id LIMIT $3",
    recent: None,
    delete: &["DELETE FROM observed_snapshots WHERE id = ANY($1)"],
};

const DELIVERED: Table = Table {
    surplus: "SELECT id FROM evenkeel_deliveries WHERE state = 'delivered' ORDER BY id DESC LIMIT 1 OFFSET $1",
    doomed: "SELECT id FROM evenkeel_deliveries WHERE state = 'delivered' AND (settled_at < $1 OR id <= $2)
        ORDER BY id LIMIT $3",
    recent: None,
    delete: DELETE_DELIVERIES,
};

const DEAD: Table = Table {
    surplus: "SELECT id FROM evenkeel_deliveries WHERE state = 'dead' ORDER BY id DESC LIMIT 1 OFFSET $1",
    doomed: "SELECT id FROM evenkeel_deliveries WHERE state = 'dead' AND (settled_at < $1 OR id <= $2)
        ORDER BY id LIMIT $3",
    recent: None,
    delete: DELETE_DELIVERIES,
};

/// The state is asked again: between choosing and deleting, a dead delivery may have been sent again.
const DELETE_DELIVERIES: &[&str] =
    &["DELETE FROM evenkeel_deliveries WHERE state <> 'pending' AND id = ANY($1)"];

const JOURNAL: Table = Table {
    surplus: "SELECT id FROM journal WHERE kind IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET $1",
    doomed: "SELECT id FROM journal WHERE kind IS NOT NULL AND (created_at < $1 OR id <= $2) ORDER BY id LIMIT $3",
    recent: None,
    // The database refuses to delete what lies above the horizon, to everybody: it is raised first.
    delete: &[
        "UPDATE evenkeel_journal_horizon SET upto = h FROM (SELECT max(id) AS h FROM unnest($1::bigint[]) AS id) AS gone
            WHERE upto < h",
        "DELETE FROM journal WHERE id = ANY($1)",
    ],
};

/// What of a table may go, in figures.
#[derive(Clone, Copy)]
struct Bounds {
    before: Option<Moment>,
    recent: Option<Moment>,
    count: Option<u64>,
}

impl Inner {
    pub(super) async fn prune(&self, policy: &RetentionPolicy, now: Timestamp) -> Result<Pruned> {
        let RetentionPolicy { events, snapshots, delivered, dead, journal, proposals } = policy;
        // Deliveries first: an event whose dead deliveries go may go in the same run.
        let deliveries = self.thin(&DELIVERED, *delivered, now).await? + self.thin(&DEAD, *dead, now).await?;
        self.thin(&CALLBACKS, LATE, now).await?;
        self.thin(&SESSIONS, LATE, now).await?;
        Ok(Pruned {
            deliveries,
            events: self.thin(&EVENTS, *events, now).await?,
            snapshots: self.thin(&EXPECTED, *snapshots, now).await?
                + self.thin(&OBSERVED, *snapshots, now).await?,
            journal: self.thin(&JOURNAL, *journal, now).await?,
            proposals: self.thin(&PROPOSALS, *proposals, now).await?,
            notices: self.thin(&NOTICES, *events, now).await?,
            silences: self.thin(&SILENCES, *journal, now).await?,
        })
    }

    async fn thin(&self, table: &Table, keep: Keep, now: Timestamp) -> Result<u64> {
        let Keep { age, count } = keep;
        if age.is_none() && count.is_none() {
            return Ok(0);
        }
        let earlier = |by: Duration| moment(now.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH));
        let bounds = Bounds { before: age.map(earlier), recent: table.recent.map(earlier), count };
        let mut removed = 0;
        loop {
            let batch = self.within(self.thin_once(table, bounds)).await?;
            removed += batch as u64;
            if (batch as i64) < BATCH {
                return Ok(removed);
            }
        }
    }

    async fn thin_once(&self, table: &Table, bounds: Bounds) -> Result<usize> {
        let mut tx = self.begin().await?;
        let batch = self.thin_batch(tx.connection(), table, bounds).await;
        tx.end(batch).await
    }

    async fn thin_batch(
        &self,
        connection: &mut PgConnection,
        table: &Table,
        bounds: Bounds,
    ) -> Result<usize> {
        let Bounds { before, recent, count } = bounds;
        let explain = |error| self.explain(error);
        let ids = |rows: Vec<sqlx::postgres::PgRow>| {
            rows.iter().map(|row| self.cell::<i64>(row, 0)).collect::<Result<Vec<_>>>()
        };
        let surplus = match count {
            None => None,
            Some(count) => {
                let surplus = self.query(table.surplus).bind(i64::try_from(count).unwrap_or(i64::MAX));
                ids(surplus.fetch_all(&mut *connection).await.map_err(explain)?)?.pop()
            }
        };
        let doomed = self.query(table.doomed).bind(before).bind(surplus.unwrap_or(0)).bind(BATCH);
        let doomed = match recent {
            Some(recent) => doomed.bind(recent),
            None => doomed,
        };
        let doomed = ids(doomed.fetch_all(&mut *connection).await.map_err(explain)?)?;
        if !doomed.is_empty() {
            for delete in table.delete {
                self.query(delete).bind(&doomed).execute(&mut *connection).await.map_err(explain)?;
            }
        }
        Ok(doomed.len())
    }
}
