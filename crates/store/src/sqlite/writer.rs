//! The one connection that writes, and transactions on it.
//!
//! Transactions are begun and ended here by hand: where SQLite itself ends one (disk full, I/O error), sqlx would go on
//! counting it as open and refuse every later one.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use tokio::sync::{MappedMutexGuard, MutexGuard};

use super::failure::explain;
use super::size::Growth;
use super::{Inner, Synchronous};
use crate::error::{Error, Result};
use crate::types::RowCounts;

/// The writing connection and what must be known about it.
#[derive(Debug)]
pub(super) struct Writer {
    /// The connection.
    pub(super) connection: SqliteConnection,
    /// The newest event's sequence number.
    pub(super) last_seq: i64,
    /// A transaction was begun and not ended: its future was dropped, or it failed.
    unfinished: bool,
    /// How many rows there are; `None` until they were counted.
    pub(super) counts: Option<RowCounts>,
    /// What the transaction that is under way adds to that.
    grown: Growth,
}

impl Writer {
    pub(super) fn new(connection: SqliteConnection, last_seq: i64) -> Self {
        Self { connection, last_seq, unfinished: false, counts: None, grown: Growth::default() }
    }

    async fn clean(&mut self, synchronous: Synchronous) {
        if !self.unfinished {
            return;
        }
        // SQLite may have ended it already; then there is nothing to roll back and it says so. Whether the connection
        // still works, the next statement tells.
        if let Err(error) = sqlx::query("ROLLBACK").execute(&mut self.connection).await {
            tracing::debug!(%error, "rolled back already");
        }
        let restore = match synchronous {
            Synchronous::Full => "PRAGMA synchronous = FULL",
            Synchronous::Normal => "PRAGMA synchronous = NORMAL",
        };
        if let Err(error) = sqlx::query(restore).execute(&mut self.connection).await {
            tracing::debug!(%error, "the writer does not answer");
            return;
        }
        // It may also have been committed, and only the answer got lost.
        (self.counts, self.grown) = (None, Growth::default());
        match sqlx::query_scalar(LAST_SEQ).fetch_one(&mut self.connection).await {
            Ok(last) => {
                self.last_seq = self.last_seq.max(last);
                self.unfinished = false;
            }
            Err(error) => tracing::debug!(%error, "the writer does not answer"),
        }
    }
}

/// The newest event's sequence number.
pub(super) const LAST_SEQ: &str = "SELECT coalesce(max(id), 0) FROM event_log";

/// How much a transaction's end may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// On the disk before it is acknowledged, unless the operator configured otherwise.
    Kept,
    /// May be forgotten by a power failure, never torn: for what is done again anyway (claims, what was seen).
    Relaxed,
}

/// The writer, taken for one transaction.
pub(super) struct Tx<'a> {
    writer: MappedMutexGuard<'a, Writer>,
    at: Arc<str>,
    durability: Durability,
    synchronous: Synchronous,
}

impl Tx<'_> {
    /// The writer.
    pub(super) fn writer(&mut self) -> &mut Writer {
        &mut self.writer
    }

    /// The connection.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.writer.connection
    }

    /// The connection, for a caller whose own statement begins the transaction.
    pub(super) fn beginning(&mut self) -> &mut SqliteConnection {
        self.writer.unfinished = true;
        &mut self.writer.connection
    }

    /// Notes by how many rows this transaction makes the tables grow.
    pub(super) fn grows(&mut self, by: Growth) {
        self.writer.grown.and(by);
    }

    /// Begins a transaction.
    async fn begin(&mut self) -> Result<()> {
        let begin = match self.durability {
            Durability::Kept => "BEGIN IMMEDIATE",
            Durability::Relaxed => "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE",
        };
        let begun = sqlx::query(begin).execute(self.beginning()).await;
        begun.map(|_| ()).map_err(|error| explain(&self.at, error))
    }

    /// Commits what went well and rolls back what did not.
    pub(super) async fn end<T>(mut self, outcome: Result<T>) -> Result<T> {
        let commit = match (self.durability, self.synchronous) {
            (Durability::Relaxed, Synchronous::Full) => "COMMIT; PRAGMA synchronous = FULL",
            (Durability::Relaxed, Synchronous::Normal) | (Durability::Kept, _) => "COMMIT",
        };
        let outcome = match outcome {
            Ok(value) => {
                let committed = sqlx::query(commit).execute(&mut self.writer.connection).await;
                committed.map(|_| value).map_err(|error| explain(&self.at, error))
            }
            Err(error) => Err(error),
        };
        self.settle(outcome.is_ok()).await;
        outcome
    }

    /// For a caller whose own statement ended with the commit: says whether it did.
    pub(super) async fn settle(&mut self, committed: bool) {
        if committed {
            self.writer.unfinished = false;
            let grown = std::mem::take(&mut self.writer.grown);
            self.writer.counts = self.writer.counts.map(|counts| grown.applied(counts));
        } else {
            self.writer.grown = Growth::default();
            self.writer.clean(self.synchronous).await;
        }
    }
}

/// A connection to read with.
pub(super) enum Reader<'a> {
    /// One of the readers.
    Pooled(sqlx::pool::PoolConnection<sqlx::Sqlite>),
    /// The only connection there is: a database in memory.
    Shared(Tx<'a>),
}

impl Deref for Reader<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Shared(tx) => &tx.writer.connection,
        }
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Shared(tx) => tx.connection(),
        }
    }
}

impl Inner {
    /// Takes the writer. Nothing is begun yet.
    pub(super) async fn lock(&self) -> Result<Tx<'_>> {
        if self.read_only {
            let why = "it was opened for reading only".to_owned();
            return Err(Error::ReadOnly { at: self.at.to_string(), why });
        }
        let guard = self.writer.lock().await;
        let mut writer = MutexGuard::try_map(guard, Option::as_mut).map_err(|_| self.closed())?;
        writer.clean(self.synchronous).await;
        let at = Arc::clone(&self.at);
        Ok(Tx { writer, at, durability: Durability::Kept, synchronous: self.synchronous })
    }

    /// Takes the writer and begins a transaction.
    pub(super) async fn begin(&self, durability: Durability) -> Result<Tx<'_>> {
        let mut tx = self.lock().await?;
        tx.durability = durability;
        tx.begin().await?;
        Ok(tx)
    }

    /// A connection to read with.
    pub(super) async fn reader(&self) -> Result<Reader<'_>> {
        match &self.readers {
            Some(pool) => Ok(Reader::Pooled(pool.acquire().await.map_err(|error| self.explain(error))?)),
            None => Ok(Reader::Shared(self.lock().await?)),
        }
    }

    /// A column of a row. The tables are strict, so a wrong type is corruption and not ours.
    pub(super) fn cell<'r, T>(&self, row: &'r SqliteRow, column: usize) -> Result<T>
    where
        T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        row.try_get(column).map_err(|error| self.explain(error))
    }

    /// An error of the driver in the store's words.
    pub(super) fn explain(&self, error: sqlx::Error) -> Error {
        explain(&self.at, error)
    }

    pub(super) fn closed(&self) -> Error {
        Error::Unavailable { at: self.at.to_string(), why: "it is closed".to_owned(), source: None }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::task::{Context, Waker};

    use evenkeel_core::id::Subject;
    use jiff::Timestamp;

    use crate::sqlite::{Options, SqliteStore};
    use crate::types::PassCommit;
    use crate::{Error, JournalKind, JournalRow, Store};

    fn pass(name: &str, revision: u64, bytes: usize) -> PassCommit {
        let mut pass = PassCommit::new(Subject::Host(name.into()), revision, Timestamp::UNIX_EPOCH);
        pass.journal.push(JournalRow {
            kind: JournalKind::Log,
            at: Timestamp::UNIX_EPOCH,
            subject: None,
            event: None,
            drift_key: None,
            actor: "evenkeel".to_owned(),
            text: "x".repeat(bytes),
            data: serde_json::Value::Null,
        });
        pass
    }

    async fn limit(store: &SqliteStore, pages: &'static str) {
        let mut tx = store.inner.lock().await.unwrap();
        sqlx::raw_sql(pages).execute(tx.connection()).await.unwrap();
    }

    #[tokio::test]
    async fn a_full_disk_refuses_a_commit_whole_and_the_store_works_again_when_there_is_space() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(dir.path().join("full.db"), Options::default()).await.unwrap();
        store.commit(pass("a", 0, 10)).await.unwrap();
        limit(&store, "PRAGMA max_page_count = 60").await;
        for _ in 0..3 {
            let full = store.commit(pass("a", 1, 1_000_000)).await.unwrap_err();
            assert!(matches!(full, Error::Full { .. }), "{full:?}");
            let full = store.note(&pass("a", 1, 1_000_000).journal).await.unwrap_err();
            assert!(matches!(full, Error::Full { .. }), "{full:?}");
            assert_eq!(store.load(&Subject::Host("a".into())).await.unwrap().revision, 1);
        }
        limit(&store, "PRAGMA max_page_count = 100000").await;
        assert_eq!(store.commit(pass("a", 1, 1_000_000)).await.unwrap().revision, 2);
        store.note(&pass("a", 1, 10).journal).await.unwrap();
    }

    #[tokio::test]
    async fn a_commit_whose_caller_gave_up_leaves_the_store_usable() {
        let store = SqliteStore::in_memory(Options::default()).await.unwrap();
        for round in 0..50 {
            // Polled a few times, then dropped: somewhere between asked for and answered.
            let mut dropped = Box::pin(store.commit(pass("dropped", 0, 10)));
            for _ in 0..round % 5 {
                if dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(dropped);
            let mut dropped = Box::pin(store.note(&[]));
            let _ = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            drop(dropped);
            let done = store.commit(pass("kept", round, 10)).await.unwrap();
            assert_eq!(done.revision, round + 1);
        }
        assert!(store.load(&Subject::Host("dropped".into())).await.unwrap().revision <= 1);
    }
}
