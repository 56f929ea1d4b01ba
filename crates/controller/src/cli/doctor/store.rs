//! Can everything be kept?

use evenkeel_store::Error;

use crate::cli::failure::chain;
use crate::config::{Config, Place};
use crate::render::doctor::Check;
use crate::wiring;

pub(super) async fn checks(config: &Config) -> Vec<Check> {
    match &config.store.place {
        Place::Sqlite { path, synchronous: _ } => {
            vec![sqlite(config, &path.display().to_string()).await]
        }
        Place::Postgres(_) => vec![postgres(config).await],
    }
}

/// Only looks: tables are made by the first controller that runs here.
async fn postgres(config: &Config) -> Check {
    match wiring::store_read_only(&config.store).await {
        Ok(store) => {
            let at = store.at().to_owned();
            let check = match store.stats().await {
                Ok(stats) => {
                    Check::ok("store", format!("{at} can be read; it holds {} events", stats.events))
                }
                Err(error) => Check::fail("store", error.to_string(), "see docs/replicas.md"),
            };
            store.close().await;
            check
        }
        Err(error) => {
            let (sentence, hint) = (chain(&error), advice(&error));
            match error {
                Error::Older { .. } => Check::warn("store", sentence, hint),
                _ => Check::fail("store", sentence, hint),
            }
        }
    }
}

/// What a person can do about it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the store's list of errors is open to others")]
fn advice(error: &Error) -> &'static str {
    match error {
        Error::Unavailable { .. } => {
            "`store.url` says where it is; is it running, and does it let this machine in?"
        }
        Error::Denied { .. } | Error::ReadOnly { .. } => {
            "`store.url` and `store.password` say as whom; docs/postgresql.md says which rights are needed"
        }
        Error::Older { .. } => "the first `evenkeel run` makes or migrates the tables",
        Error::Newer { .. } => "a newer evenkeel has been here: run that one",
        Error::Foreign { .. } => "name another database, or another `store.schema`",
        _ => "`[store]` says where the state is kept",
    }
}

async fn sqlite(config: &Config, path: &str) -> Check {
    match wiring::store(&config.store).await {
        Ok(store) => {
            let check = match store.stats().await {
                Ok(stats) => {
                    Check::ok("store", format!("{path} can be written; it holds {} events", stats.events))
                }
                Err(error) => {
                    Check::fail("store", error.to_string(), "the file may be damaged; restore a backup")
                }
            };
            store.close().await;
            check
        }
        // Somebody writes it: it works.
        Err(Error::Locked { holder, .. }) => {
            Check::ok("store", format!("{path} is in use by a running controller ({holder})"))
        }
        Err(error) => Check::fail("store", error.to_string(), "`store.path` says where it is kept"),
    }
}
