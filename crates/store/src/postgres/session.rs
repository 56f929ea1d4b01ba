//! Connections for reading and transactions for writing, in one form for both ways to reach the server.
//!
//! Directly, a connection is ours as long as we have it: the schema is set once, statements are prepared once, a question
//! is one trip. Behind a pooler that lends a server connection for one transaction at a time, nothing survives a
//! transaction: each begins by naming the schema, and statements are prepared without a name.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgPool, Postgres};

use super::Inner;
use super::failure::explain;
use crate::error::{Error, Result};

/// A connection to read with. Everything read through it between two awaits may be of different moments, unless the
/// statement itself is one.
pub(super) struct Reader {
    connection: PoolConnection<Postgres>,
    pooled: bool,
}

impl Reader {
    /// Gives the connection back. Dropping it instead is right, too: it is then closed if it is in a transaction.
    pub(super) async fn end(mut self) {
        if self.pooled && sqlx::raw_sql("COMMIT").execute(&mut *self.connection).await.is_err() {
            // Whatever ails it, the next user must not inherit it.
            self.connection.close_on_drop();
        }
        self.pooled = false;
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.pooled {
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

    /// A connection to read with.
    pub(super) async fn reader(&self) -> Result<Reader> {
        let mut connection = self.pool.acquire().await.map_err(|error| self.explain(error))?;
        if self.pooled {
            let begin =
                sqlx::raw_sql(AssertSqlSafe(Arc::clone(&self.begin_reading))).execute(&mut *connection).await;
            if let Err(error) = begin {
                connection.close_on_drop();
                return Err(self.explain(error));
            }
        }
        Ok(Reader { connection, pooled: self.pooled })
    }

    /// Asks a question that one statement answers.
    pub(super) async fn read(&self, query: Query<'_, Postgres, PgArguments>) -> Result<Vec<PgRow>> {
        let mut reader = self.reader().await?;
        let rows = query.fetch_all(&mut *reader).await.map_err(|error| self.explain(error))?;
        reader.end().await;
        Ok(rows)
    }

    /// Begins a transaction, and makes sure that this process still leads: until the transaction ends, nobody else can
    /// begin to.
    pub(super) async fn begin(&self) -> Result<Tx<'_>> {
        let mut tx = self.begin_unfenced().await?;
        let led = self.fence(tx.connection()).await;
        match led {
            Ok(()) => Ok(tx),
            Err(error) => tx.end(Err(error)).await,
        }
    }

    /// Begins a transaction, whoever leads.
    pub(super) async fn begin_unfenced(&self) -> Result<Tx<'_>> {
        self.begin_in(&self.pool).await
    }

    /// Begins a transaction that has to wait for nothing else this process does.
    pub(super) async fn begin_steady(&self) -> Result<Tx<'_>> {
        self.begin_in(&self.steady).await
    }

    async fn begin_in(&self, pool: &PgPool) -> Result<Tx<'_>> {
        let connection = pool.acquire().await.map_err(|error| self.explain(error))?;
        let mut tx = Tx { inner: self, connection, open: true };
        sqlx::raw_sql(AssertSqlSafe(Arc::clone(&self.begin_writing)))
            .execute(tx.connection())
            .await
            .map_err(|error| self.explain(error))?;
        Ok(tx)
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
