//! The store as the questioning commands see it: read-only, beside a running controller.

use std::sync::Arc;

use evenkeel_store::Store;

use super::failure::{Failure, OrFail};
use crate::config::Config;
use crate::wiring;

pub(super) async fn open(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    wiring::store_read_only(&config.store).await.or_fail(
        "`evenkeel run` keeps the history this command reads; `[store]` in the configuration says where",
    )
}
