//! Can everything be kept?

use evenkeel_store::{Error, Store};

use crate::config::Config;
use crate::render::doctor::Check;
use crate::wiring;

pub(super) async fn checks(config: &Config) -> Vec<Check> {
    let path = config.store.path.display();
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
            vec![check]
        }
        // Somebody writes it: it works.
        Err(Error::Locked { holder, .. }) => {
            vec![Check::ok("store", format!("{path} is in use by a running controller ({holder})"))]
        }
        Err(error) => vec![Check::fail("store", error.to_string(), "`store.path` says where it is kept")],
    }
}
