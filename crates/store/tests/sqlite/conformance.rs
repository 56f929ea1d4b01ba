//! The suite, against a file and against memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::sync::Arc;

use evenkeel_store::sqlite::{Options, SqliteStore, Synchronous};
use evenkeel_store::{Store, store_conformance};

async fn file() -> Option<(Arc<dyn Store>, tempfile::TempDir)> {
    let dir = tempfile::tempdir().unwrap();
    // A test that kills the machine is not among these; without disk flushes they are quick.
    let options = Options { synchronous: Synchronous::Normal, ..Options::default() };
    let store = SqliteStore::open(dir.path().join("evenkeel.db"), options).await.unwrap();
    Some((Arc::new(store), dir))
}

async fn memory() -> Option<(Arc<dyn Store>, ())> {
    Some((Arc::new(SqliteStore::in_memory(Options::default()).await.unwrap()), ()))
}

store_conformance!(in_a_file, file);
store_conformance!(in_memory, memory);
