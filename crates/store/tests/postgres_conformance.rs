//! The suite, against a PostgreSQL server: directly, and through a pooler that lends a connection for one transaction.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

mod postgres;

use std::sync::Arc;
use std::time::Duration;

use evenkeel_store::{Store, store_conformance};
use postgres::{DIRECT, POOLED, Schema};

async fn leading(variable: &str) -> Option<(Arc<dyn Store>, Schema)> {
    let schema = Schema::new(variable)?;
    let store = schema.open().await;
    store.lead("the test", Duration::from_secs(600)).await.unwrap();
    Some((Arc::new(store), schema))
}

async fn direct() -> Option<(Arc<dyn Store>, Schema)> {
    leading(DIRECT).await
}

async fn pooled() -> Option<(Arc<dyn Store>, Schema)> {
    leading(POOLED).await
}

store_conformance!(directly, direct);
store_conformance!(through_a_pooler, pooled);
