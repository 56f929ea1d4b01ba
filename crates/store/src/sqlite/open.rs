//! Opening: how, whose file it is, which schema it has, migrating it, and the connections.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row};

use super::failure::explain;
use crate::error::{Error, Result};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How many pages (KiB, written as SQLite wants it) the writer keeps: a transaction larger than that is written twice. It is a
/// ceiling, not a reservation.
const WRITERS_PAGES: &str = "-8192";
/// And each reader. Every write makes what it keeps worthless, and only its next question frees that: one that rests holds all
/// of it. What is read again is in the system's own cache.
const READERS_PAGES: &str = "-512";

/// `application_id` of our files; the first migration writes it.
const OURS: i64 = 1_702_259_564;

/// When a commit counts as kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// When it is on the disk: survives a power failure.
    #[default]
    Full,
    /// When the operating system has it: survives a crash of evenkeel; a power failure may forget the newest commits,
    /// and what they would have delivered is found again by the next pass.
    Normal,
}

/// How to open a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// When a commit counts as kept.
    pub synchronous: Synchronous,
    /// How many connections read at once.
    pub readers: u32,
    /// How long to wait for another program's lock on the file.
    pub busy_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { synchronous: Synchronous::Full, readers: 3, busy_timeout: Duration::from_secs(5) }
    }
}

/// The newest schema this program knows.
pub(super) fn known() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// The connection that writes, its schema brought up to date.
pub(super) async fn writer(path: &Path, options: &Options) -> Result<SqliteConnection> {
    let at = path.display().to_string();
    if std::fs::metadata(path).is_ok_and(|meta| meta.len() > 0) {
        let mut probe = connect(&at, base(options).filename(path)).await?;
        let found = schema(&at, &mut probe).await;
        close(probe).await;
        refuse_newer(&at, found?)?;
    }
    let writing = base(options)
        .filename(path)
        .create_if_missing(true)
        // What retention frees can be given back, also while others write. It holds for files made with it, and costs
        // nothing that could be measured.
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(match options.synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Normal => SqliteSynchronous::Normal,
        })
        .pragma("cache_size", WRITERS_PAGES)
        // The log is emptied every 16 MiB: four times rarer than by default, which a burst of small commits feels.
        .pragma("wal_autocheckpoint", "4000")
        // A backup that reads for long makes the log grow; it need not stay so.
        .pragma("journal_size_limit", "33554432");
    let mut connection = connect(&at, writing).await?;
    prepare(&at, &mut connection).await?;
    Ok(connection)
}

/// The one connection of a database in memory.
pub(super) async fn memory(at: &str, options: &Options) -> Result<SqliteConnection> {
    let mut connection = connect(at, base(options).in_memory(true)).await?;
    prepare(at, &mut connection).await?;
    Ok(connection)
}

/// Connections that only read, beside a writer.
pub(super) fn readers(path: &Path, options: &Options) -> SqlitePool {
    // Not opened read-only: such a connection could not rebuild the index of a log that a crash left behind.
    let reading = base(options).filename(path).pragma("query_only", "ON");
    pool(reading.pragma("cache_size", READERS_PAGES), options)
}

/// Connections that only read, whether or not a controller is running.
pub(super) async fn readers_alone(path: &Path, options: &Options) -> Result<SqlitePool> {
    let at = path.display().to_string();
    if let Err(error) = std::fs::metadata(path) {
        let why = "there is no such file: has the controller run yet?".to_owned();
        return Err(Error::Unavailable { at, why, source: Some(error.into()) });
    }
    let plain = base(options).filename(path).read_only(true);
    let (reading, mut probe) = match connect(&at, plain.clone()).await {
        Ok(probe) => (plain, probe),
        // In a directory that cannot be written, a log's index cannot be made; without a log none is needed.
        Err(error) if !log_exists(path) => {
            let frozen = plain.immutable(true);
            match connect(&at, frozen.clone()).await {
                Ok(probe) => (frozen, probe),
                Err(_) => return Err(error),
            }
        }
        Err(error) => return Err(error),
    };
    let found = schema(&at, &mut probe).await;
    close(probe).await;
    let found = found?;
    refuse_newer(&at, found)?;
    if found < known() {
        return Err(Error::Older { at, found, known: known() });
    }
    Ok(pool(reading, options))
}

fn base(options: &Options) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(options.busy_timeout)
        .row_buffer_size(256)
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

fn pool(options: SqliteConnectOptions, ours: &Options) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(ours.readers.max(1))
        .acquire_timeout(ours.busy_timeout.max(Duration::from_secs(1)))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

fn log_exists(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|meta| meta.len() > 0)
}

async fn connect(at: &str, options: SqliteConnectOptions) -> Result<SqliteConnection> {
    SqliteConnection::connect_with(&options).await.map_err(|error| explain(at, error))
}

async fn close(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "closing a connection failed");
    }
}

/// The schema version of a file; 0 for an empty one.
async fn schema(at: &str, connection: &mut SqliteConnection) -> Result<i64> {
    let seen = sqlx::query(
        "SELECT (SELECT application_id FROM pragma_application_id), \
            (SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!' \
                AND tbl_name <> '_sqlx_migrations'), \
            (SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations')",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(|error| explain(at, error))?;
    let (application, others, migrated): (i64, i64, i64) = (seen.get(0), seen.get(1), seen.get(2));
    // Killed before the first migration was committed, a file of ours has no mark yet, and no tables either.
    if application != OURS && (application != 0 || others > 0) {
        return Err(Error::Foreign { at: at.to_owned() });
    }
    if migrated == 0 {
        return Ok(0);
    }
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await
        .map_err(|error| explain(at, error))
}

fn refuse_newer(at: &str, found: i64) -> Result<()> {
    if found > known() { Err(Error::Newer { at: at.to_owned(), found, known: known() }) } else { Ok(()) }
}

async fn prepare(at: &str, connection: &mut SqliteConnection) -> Result<()> {
    migrate(at, connection).await?;
    let made = sqlx::raw_sql(sqlx::AssertSqlSafe(super::commit::procedure())).execute(connection).await;
    made.map(|_| ()).map_err(|error| explain(at, error))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "sqlx's list of errors is open")]
async fn migrate(at: &str, connection: &mut SqliteConnection) -> Result<()> {
    MIGRATIONS.run(connection).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => explain(at, error),
        MigrateError::VersionMissing(found) => Error::Newer { at: at.to_owned(), found, known: known() },
        error => Error::corrupt(at, "the schema", error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_keeps_so_many_pages_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let (path, options) = (folder.path().join("evenkeel.db"), Options::default());
        let mut writer = writer(&path, &options).await.unwrap();
        let mut reader = readers(&path, &options).acquire().await.unwrap();
        for (connection, kept) in [(&mut writer, WRITERS_PAGES), (&mut reader, READERS_PAGES)] {
            let pages: i64 = sqlx::query_scalar("PRAGMA cache_size").fetch_one(connection).await.unwrap();
            assert_eq!(pages.to_string(), kept);
        }
    }
}
