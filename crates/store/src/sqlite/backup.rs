//! A consistent copy of a database, made while a controller writes it.
//!
//! `VACUUM INTO` reads one moment of the database and blocks no writer; the copy has no free pages and no log. It is made
//! beside its place, looked through, and only then gets its name: a file of that name is a whole backup. What does not
//! live here: restoring, which is putting the file in place.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::failure::explain;
use super::{Options, SqliteStore, open, writer};
use crate::contract::Store;
use crate::types::Stats;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its size in bytes.
    pub bytes: u64,
    /// The schema.
    pub schema: i64,
    /// How much of what.
    pub stats: Stats,
}

/// Why there is no backup. Nothing is left of the attempt.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is a file of that name.
    #[error("{} exists already, and nothing is ever written over", .0.display())]
    Exists(PathBuf),
    /// The copy cannot be written where it is to be.
    #[error("the backup cannot be written to {}", .at.display())]
    Io {
        /// Where.
        at: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database, or the copy of it, cannot be read.
    #[error("the database cannot be copied")]
    Store(#[from] crate::Error),
    /// The copy is not what it should be.
    #[error("the copy is not sound, and was removed: {why}")]
    Unsound {
        /// What is wrong with it.
        why: String,
    },
}

/// Copies the database at `path`, whether or not a controller has it open, into a new file.
pub async fn backup(path: &Path, to: &Path) -> Result<Backup, Error> {
    if to.try_exists().map_err(|source| Error::Io { at: to.to_owned(), source })? {
        return Err(Error::Exists(to.to_owned()));
    }
    let partial = beside(to);
    let made = copy(path, &partial).await;
    let placed = made.and_then(|backup| place(&partial, to).map(|()| backup));
    // Once placed it has both names; otherwise it is not wanted.
    match std::fs::remove_file(&partial) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(path = %partial.display(), %error, "the unfinished copy cannot be removed");
        }
    }
    placed
}

async fn copy(path: &Path, partial: &Path) -> Result<Backup, Error> {
    let options = Options::default();
    // Whose file it is and which schema it has, is asked first.
    let source = SqliteStore::open_read_only(path, options).await?;
    let before = last_seq(&source).await?;
    let io = |source| Error::Io { at: partial.to_owned(), source };
    // For its owner alone from its first byte: it holds everything.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial).map_err(io)?;
    vacuum_into(path, partial).await?;
    file.sync_all().map_err(io)?;
    let after = last_seq(&source).await?;
    source.close().await;

    sound(partial).await?;
    let copied = SqliteStore::open_read_only(partial, options).await?;
    let stats = copied.stats().await?;
    copied.close().await;
    if !(before..=after).contains(&stats.last_seq) {
        let why = format!("its newest event is {}, that of the database {before} to {after}", stats.last_seq);
        return Err(Error::Unsound { why });
    }
    let bytes = file.metadata().map_err(io)?.len();
    Ok(Backup { bytes, schema: open::known(), stats })
}

async fn last_seq(store: &SqliteStore) -> Result<u64, Error> {
    let mut reader = store.inner.reader().await?;
    let last: i64 = sqlx::query_scalar(writer::LAST_SEQ)
        .fetch_one(&mut *reader)
        .await
        .map_err(|error| store.inner.explain(error))?;
    Ok(last.cast_unsigned())
}

async fn vacuum_into(path: &Path, partial: &Path) -> Result<(), Error> {
    let at = path.display().to_string();
    let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
    let mut connection = options.connect().await.map_err(|error| explain(&at, error))?;
    able_to_give_back(&at, &mut connection).await?;
    let copied = sqlx::query("VACUUM INTO ?1")
        .bind(partial.to_string_lossy())
        .execute(&mut connection)
        .await
        .map_err(|error| explain(&partial.display().to_string(), error));
    close(connection).await;
    copied.map(|_| ()).map_err(Error::from)
}

/// A database made before free pages were given back keeps them for ever; its copy need not.
async fn able_to_give_back(at: &str, connection: &mut SqliteConnection) -> Result<(), Error> {
    let is: i64 = sqlx::query_scalar("PRAGMA auto_vacuum")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| explain(at, error))?;
    if is == 0 {
        // It changes nothing but what the next copy is made with.
        let set = sqlx::query("PRAGMA auto_vacuum = INCREMENTAL").execute(connection).await;
        set.map_err(|error| explain(at, error))?;
    }
    Ok(())
}

/// Reads the copy from end to end.
async fn sound(partial: &Path) -> Result<(), Error> {
    let at = partial.display().to_string();
    let options = SqliteConnectOptions::new().filename(partial).read_only(true).disable_statement_logging();
    let mut connection = options.connect().await.map_err(|error| explain(&at, error))?;
    let said: Result<Vec<String>, _> =
        sqlx::query_scalar("PRAGMA integrity_check(10)").fetch_all(&mut connection).await;
    close(connection).await;
    let said = said.map_err(|error| explain(&at, error))?;
    if said == ["ok"] { Ok(()) } else { Err(Error::Unsound { why: said.join("; ") }) }
}

async fn close(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "closing a connection failed");
    }
}

/// Gives the finished copy its name, which nobody else may have got meanwhile.
fn place(partial: &Path, to: &Path) -> Result<(), Error> {
    let io = |source| Error::Io { at: to.to_owned(), source };
    match std::fs::hard_link(partial, to) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Error::Exists(to.to_owned()));
        }
        // A file system without second names: what is left is to look once more.
        Err(_) if !to.try_exists().map_err(io)? => std::fs::rename(partial, to).map_err(io)?,
        Err(_) => return Err(Error::Exists(to.to_owned())),
    }
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

fn beside(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    PathBuf::from(name)
}
