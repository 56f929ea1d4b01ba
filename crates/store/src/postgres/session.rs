//! Connections for reading and transactions for writing, in one form for both ways to reach the server.
//!
//! Directly, a connection is ours as long as we have it: the schema is set once, statements are prepared once, a question
//! is one trip. Behind a pooler that lends a server connection for one transaction at a time, nothing survives a
//! transaction: each begins by naming the schema, and statements are prepared without a name.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgPool, Postgres};

use super::Inner;
use super::failure::explain;
use super::lease::{self, FENCE};
use crate::error::{Error, Result};

/// How long anything may take, the server's answer included. The server ends a statement of ours before; this is for one
/// that is frozen, or cut off from us without a word.
const PATIENCE: Duration = Duration::from_secs(60);
/// As [`PATIENCE`], for leading: who leads must be known before the right to ends.
const PATIENCE_STEADY: Duration = Duration::from_secs(5);

/// A connection to read with. Everything read through it between two awaits may be of different moments, unless the
/// statement itself is one.
///
/// Dropped before its end (a failure, a caller who gave up), it is closed: nobody knows what is still under way on it.
pub(super) struct Reader {
    connection: PoolConnection<Postgres>,
    in_transaction: bool,
    ended: bool,
}

impl Reader {
    /// Gives the connection back.
    pub(super) async fn end(mut self) {
        // Whatever ails it, the next user must not inherit it.
        self.ended =
            !self.in_transaction || sqlx::raw_sql("COMMIT").execute(&mut *self.connection).await.is_ok();
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

impl Deref for Reader {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// A transaction that writes. Dropped before its end, it is rolled back with its connection.
pub(super) struct Tx<'a> {
    inner: &'a Inner,
    connection: PoolConnection<Postgres>,
    open: bool,
}

impl Tx<'_> {
    /// The connection.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Commits what went well and rolls back what did not.
    pub(super) async fn end<T>(mut self, outcome: Result<T>) -> Result<T> {
        let word = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = sqlx::raw_sql(word).execute(&mut *self.connection).await;
        match (outcome, ended) {
            (Ok(value), Ok(_)) => {
                self.open = false;
                Ok(value)
            }
            (Ok(_), Err(error)) => Err(self.inner.explain(error)),
            (Err(error), ended) => {
                self.open = ended.is_err();
                Err(error)
            }
        }
    }
}

impl Tx<'_> {
    /// Rolls back.
    pub(super) async fn undo(mut self) {
        // Where that fails, the connection is closed, and the server does it.
        self.open = sqlx::raw_sql("ROLLBACK").execute(&mut *self.connection).await.is_err();
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if self.open {
            self.connection.close_on_drop();
        }
    }
}

impl Inner {
    /// A statement, prepared in the way this connection allows.
    pub(super) fn query<'q>(&self, sql: &'static str) -> Query<'q, Postgres, PgArguments> {
        sqlx::query(sql).persistent(!self.pooled)
    }

    /// Whether the database answers, and can be written if this process leads.
    pub(super) async fn health(&self) -> Result<()> {
        self.read(self.query("SELECT count(*) FROM evenkeel_subjects WHERE false")).await?;
        if self.epoch.load(Ordering::Acquire) == lease::NONE {
            // Whoever does not lead need not write.
            return Ok(());
        }
        self.touch().await
    }

    /// Lets go of it.
    pub(super) async fn close(&self) {
        self.listening.end();
        self.pool.close().await;
        self.steady.close().await;
    }

    /// A connection as it is, for a statement that is its own transaction.
    pub(super) async fn line(&self) -> Result<Reader> {
        let connection = self.pool.acquire().await.map_err(|error| self.explain(error))?;
        Ok(Reader { connection, in_transaction: false, ended: false })
    }

    /// A connection to read with.
    pub(super) async fn reader(&self) -> Result<Reader> {
        let mut reader = self.line().await?;
        if self.pooled {
            let begin = sqlx::raw_sql(AssertSqlSafe(Arc::clone(&self.begin_reading)));
            begin.execute(&mut *reader).await.map_err(|error| self.explain(error))?;
            reader.in_transaction = true;
        }
        Ok(reader)
    }

    /// Gives up waiting after a while.
    pub(super) async fn within<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.limited(PATIENCE, work).await
    }

    /// As [`Inner::within`], for leading.
    pub(super) async fn within_steady<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.limited(PATIENCE_STEADY, work).await
    }

    async fn limited<T>(&self, limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            let why = format!("no answer within {} s", limit.as_secs());
            Err(Error::Unavailable { at: self.at.to_string(), why, source: None })
        })
    }

    /// Asks a question that one statement answers.
    pub(super) async fn read(&self, query: Query<'_, Postgres, PgArguments>) -> Result<Vec<PgRow>> {
        let mut reader = self.reader().await?;
        let rows = query.fetch_all(&mut *reader).await.map_err(|error| self.explain(error))?;
        reader.end().await;
        Ok(rows)
    }

    /// As [`Inner::read`], of an answer that is always one row.
    pub(super) async fn read_one(&self, query: Query<'_, Postgres, PgArguments>) -> Result<PgRow> {
        let row = self.read(query).await?.pop();
        row.ok_or_else(|| self.explain(sqlx::Error::RowNotFound))
    }

    /// Begins a transaction, and makes sure that this process still leads: until the transaction ends, nobody else can
    /// begin to. One trip.
    pub(super) async fn begin(&self) -> Result<Tx<'_>> {
        if self.read_only {
            return Err(self.reads_only());
        }
        let (tx, lease) = self.begin_in(&self.pool, &format!("{}; {FENCE}", self.begin_writing)).await?;
        match self.led_by_us(lease.first()) {
            Ok(()) => Ok(tx),
            Err(error) => tx.end(Err(error)).await,
        }
    }

    /// Begins a transaction, whoever leads.
    pub(super) async fn begin_unfenced(&self) -> Result<Tx<'_>> {
        Ok(self.begin_in(&self.pool, &self.begin_writing).await?.0)
    }

    /// Begins a transaction that has to wait for nothing else this process does.
    pub(super) async fn begin_steady(&self) -> Result<Tx<'_>> {
        Ok(self.begin_in(&self.steady, &self.begin_writing).await?.0)
    }

    async fn begin_in(&self, pool: &PgPool, begin: &str) -> Result<(Tx<'_>, Vec<PgRow>)> {
        let connection = pool.acquire().await.map_err(|error| self.explain(error))?;
        let mut tx = Tx { inner: self, connection, open: true };
        let begun = sqlx::raw_sql(AssertSqlSafe(begin)).fetch_all(tx.connection()).await;
        Ok((tx, begun.map_err(|error| self.explain(error))?))
    }

    /// A column of a row.
    pub(super) fn cell<'r, T>(&self, row: &'r PgRow, column: usize) -> Result<T>
    where
        T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
    {
        use sqlx::Row as _;
        row.try_get(column).map_err(|error| self.explain(error))
    }

    /// An error of the driver in the store's words.
    pub(super) fn explain(&self, error: sqlx::Error) -> Error {
        explain(&self.at, error)
    }
}
