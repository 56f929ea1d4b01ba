//! The embedded store: one SQLite file (or memory).

/// The embedded store.
#[derive(Clone, Debug)]
pub struct SqliteStore {}
