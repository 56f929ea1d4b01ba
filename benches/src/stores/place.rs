//! Where a store of a measurement lives: a file, or a PostgreSQL of its own.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::Secret;
use evenkeel_store::{PgStore, SqliteStore, Store, postgres, sqlite};
use tempfile::TempDir;
use xtask::real::Postgres;

use crate::Result;

/// Longer than any measurement.
const LEASE: Duration = Duration::from_secs(3600);

/// A database, gone when this is dropped.
pub(super) enum Place {
    /// Files in a folder.
    Sqlite(TempDir),
    /// A server.
    Postgres(Postgres),
}

impl Place {
    /// Every database there is on this machine.
    pub(super) fn all() -> Result<Vec<Self>> {
        let mut all = vec![Self::Sqlite(tempfile::tempdir()?)];
        match Postgres::start() {
            Ok(server) => all.push(Self::Postgres(server)),
            Err(why) => eprintln!("SKIPPED: no postgresql here: {why:#}"),
        }
        Ok(all)
    }

    /// A store of its own, flushed as in production.
    pub(super) async fn store(&self, name: &str) -> Result<Arc<dyn Store>> {
        let store: Arc<dyn Store> = match self {
            Self::Sqlite(_) => {
                Arc::new(SqliteStore::open(self.file(name), sqlite::Options::default()).await?)
            }
            Self::Postgres(server) => Arc::new(
                PgStore::open(&postgres::Options {
                    url: Secret::new(server.url()),
                    password: None,
                    ca_file: None,
                    schema: name.to_owned(),
                    transaction_pooler: false,
                    plaintext: false,
                    connections: 4,
                })
                .await?,
            ),
        };
        store.lead("bench", LEASE).await?;
        Ok(store)
    }

    /// The file of a name; empty where there are no files.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join(format!("{name}.db")),
            Self::Postgres(_) => PathBuf::new(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgresql",
        })
    }
}
