//! Who leads: one row, the database's clock, and a fence before every write.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff_sqlx::Timestamp as Moment;
use sqlx::postgres::{PgConnection, PgRow};

use super::Inner;
use crate::error::{Error, Result};
use crate::types::Leadership;

/// The epoch of a process that does not lead.
pub(super) const NONE: i64 = 0;

/// Taken if it is free, has run out, or is ours already; then nobody else's epoch is ever the same.
const TAKE: &str = "INSERT INTO evenkeel_lease AS lease (id, holder, epoch, until)
    VALUES (1, $1, 1, clock_timestamp() + make_interval(secs => $2))
    ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, until = excluded.until,
        epoch = CASE WHEN lease.epoch = $3 THEN lease.epoch ELSE lease.epoch + 1 END
    WHERE lease.epoch = $3 OR lease.until <= clock_timestamp()
    RETURNING epoch";

/// The holder of what nobody holds.
const NOBODY: &str = "nobody";

/// The epoch, and who leads under it.
macro_rules! lease {
    ($tail:literal) => {
        concat!(
            "SELECT epoch, CASE WHEN until > clock_timestamp() THEN holder ELSE 'nobody' END
                FROM evenkeel_lease WHERE id = 1",
            $tail
        )
    };
}

/// Looked at before every write. The lock keeps others from taking over until the transaction ends.
pub(super) const FENCE: &str = lease!(" FOR SHARE");

/// What an earlier leader had claimed is due again.
const RECLAIM: &str = "UPDATE evenkeel_deliveries SET due_at = claimed_at, claimed_at = NULL
    WHERE state = 'pending' AND claimed_at IS NOT NULL";

impl Inner {
    pub(super) async fn lead(&self, who: &str, ttl: Duration) -> Result<Leadership> {
        if self.read_only {
            return Err(self.reads_only());
        }
        let mine = self.epoch.load(Ordering::Acquire);
        let mut tx = self.begin_steady().await?;
        let taken = self.take(tx.connection(), who, ttl, mine).await;
        let leadership = tx.end(taken).await?;
        let epoch = match &leadership {
            Leadership::Ours { epoch } => epoch.cast_signed(),
            Leadership::Theirs { .. } => NONE,
        };
        self.epoch.store(epoch, Ordering::Release);
        Ok(leadership)
    }

    async fn take(
        &self,
        connection: &mut PgConnection,
        who: &str,
        ttl: Duration,
        mine: i64,
    ) -> Result<Leadership> {
        let explain = |error| self.explain(error);
        let taken = self
            .query(TAKE)
            .bind(who)
            .bind(ttl.as_secs_f64())
            .bind(mine)
            .fetch_optional(&mut *connection)
            .await
            .map_err(explain)?;
        if let Some(row) = taken {
            let epoch: i64 = self.cell(&row, 0)?;
            if epoch != mine {
                self.query(RECLAIM).execute(connection).await.map_err(explain)?;
            }
            return Ok(Leadership::Ours { epoch: epoch.cast_unsigned() });
        }
        let row = self
            .query("SELECT holder, until FROM evenkeel_lease WHERE id = 1")
            .fetch_one(connection)
            .await
            .map_err(explain)?;
        let until: Moment = self.cell(&row, 1)?;
        Ok(Leadership::Theirs { holder: self.cell(&row, 0)?, until: until.to_jiff() })
    }

    pub(super) async fn resign(&self) -> Result<()> {
        let mine = self.epoch.swap(NONE, Ordering::AcqRel);
        if mine == NONE {
            return Ok(());
        }
        let mut tx = self.begin_steady().await?;
        let left = self
            .query("UPDATE evenkeel_lease SET until = clock_timestamp() WHERE epoch = $1")
            .bind(mine)
            .execute(tx.connection())
            .await;
        tx.end(left.map(|_| ()).map_err(|error| self.explain(error))).await
    }

    /// Writes what is there already, to see that it can be written. Whoever lost the lead a moment ago writes nothing.
    pub(super) async fn touch(&self) -> Result<()> {
        let mine = self.epoch.load(Ordering::Acquire);
        let mut tx = self.begin_unfenced().await?;
        let touched = self
            .query("UPDATE evenkeel_lease SET holder = holder WHERE epoch = $1")
            .bind(mine)
            .execute(tx.connection())
            .await;
        tx.end(touched.map(|_| ()).map_err(|error| self.explain(error))).await
    }

    /// Fails unless this process leads, and says who does.
    pub(super) fn led_by_us(&self, lease: Option<&PgRow>) -> Result<()> {
        let Some(row) = lease else {
            return Err(self.not_leader(NOBODY.to_owned()));
        };
        if self.cell::<i64>(row, 0)? == self.epoch.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(self.not_leader(self.cell(row, 1)?))
    }

    /// The error of one who does not lead.
    pub(super) async fn who_leads(&self) -> Result<Error> {
        let leader = match self.read(self.query(lease!(""))).await?.first() {
            Some(row) => self.cell(row, 1)?,
            None => NOBODY.to_owned(),
        };
        Ok(self.not_leader(leader))
    }

    /// Somebody else leads.
    fn not_leader(&self, leader: String) -> Error {
        Error::NotLeader { at: self.at.to_string(), leader }
    }

    /// Nothing may be written here, whoever leads.
    pub(super) fn reads_only(&self) -> Error {
        let why = "it was opened for reading only".to_owned();
        Error::ReadOnly { at: self.at.to_string(), why }
    }
}
