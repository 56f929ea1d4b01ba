//! The store as the questioning commands see it: read-only, beside a running controller.

use evenkeel_store::SqliteStore;

use super::failure::{Failure, OrFail};
use crate::config::Config;
use crate::wiring;

pub(super) async fn open(config: &Config) -> Result<SqliteStore, Failure> {
    wiring::store_read_only(&config.store).await.or_fail(
        "`evenkeel run` keeps the history this command reads; `store.path` in the configuration says where",
    )
}
