//! The suite, against a PostgreSQL server: directly, and through a pooler that lends a connection for one transaction.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::sync::Arc;
use std::time::Duration;

use crate::rig::{DIRECT, POOLED, Schema};
use evenkeel_store::{Store, several_processes, store_conformance};

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

async fn two(variable: &str) -> Option<([Arc<dyn Store>; 2], Schema)> {
    let schema = Schema::new(variable)?;
    let (one, other) = (schema.open().await, schema.open().await);
    Some(([Arc::new(one), Arc::new(other)], schema))
}

async fn two_direct() -> Option<([Arc<dyn Store>; 2], Schema)> {
    two(DIRECT).await
}

async fn two_pooled() -> Option<([Arc<dyn Store>; 2], Schema)> {
    two(POOLED).await
}

store_conformance!(directly, direct);
store_conformance!(through_a_pooler, pooled);
several_processes!(several_directly, two_direct);
several_processes!(several_through_a_pooler, two_pooled);
