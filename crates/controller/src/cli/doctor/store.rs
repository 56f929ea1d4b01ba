//! Can everything be kept?

use evenkeel_store::Error;

use super::postgres;
use crate::config::{Config, Place};
use crate::render::doctor::Check;
use crate::wiring;

pub(super) async fn checks(config: &Config) -> Vec<Check> {
    match &config.store.place {
        Place::Sqlite { path, synchronous: _ } => {
            vec![sqlite(config, &path.display().to_string()).await]
        }
        Place::Postgres(server) => postgres::checks(server).await,
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
