//! Schemas on the server that `cargo xtask test` starts, one for each test.

#![allow(dead_code, reason = "no test needs all of it")]

use std::hash::BuildHasher as _;
use std::io::Write as _;

use evenkeel_core::Secret;
use evenkeel_store::postgres::{Options, PgStore};

/// A server, as far as there is one.
pub(crate) const DIRECT: &str = "EVENKEEL_TEST_POSTGRES";
/// The same through a pooler in transaction mode.
pub(crate) const POOLED: &str = "EVENKEEL_TEST_PGBOUNCER";

/// The address in this variable; without it the test at hand does not test, and says so.
pub(crate) fn address(variable: &str) -> Option<String> {
    let address = std::env::var(variable).ok().filter(|address| !address.is_empty());
    if address.is_none() {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("a test");
        let why = "is not set (cargo xtask test sets it)";
        let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {variable} {why}");
    }
    address
}

/// A schema of a test's own; it goes with this.
#[derive(Debug)]
pub(crate) struct Schema {
    url: String,
    /// The server itself.
    direct: String,
    pooled: bool,
    name: String,
}

impl Schema {
    /// Names a schema that nobody has; opening a store makes it.
    pub(crate) fn new(variable: &str) -> Option<Self> {
        let (url, direct) = (address(variable)?, address(DIRECT)?);
        let random = std::hash::RandomState::new().hash_one(std::process::id());
        let name = format!("t_{random:016x}");
        Some(Self { url, direct, pooled: variable == POOLED, name })
    }

    /// How a store is opened in it.
    pub(crate) fn options(&self) -> Options {
        Options {
            url: Secret::new(self.url.clone()),
            password: None,
            ca_file: None,
            schema: self.name.clone(),
            transaction_pooler: self.pooled,
            plaintext: false,
            connections: 5,
        }
    }

    /// A store in it.
    pub(crate) async fn open(&self) -> PgStore {
        PgStore::open(&self.options()).await.unwrap()
    }

    /// Says something to the server past any store, in this schema; the first column of the answer, as text.
    pub(crate) async fn say(&self, sql: &str) -> Vec<String> {
        use sqlx::{Connection as _, Row as _};
        let mut connection = sqlx::PgConnection::connect(&self.direct).await.unwrap();
        let sql = format!("SET search_path TO {}; {sql}", self.name);
        let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        rows.iter().map(|row| row.try_get::<String, _>(0).unwrap_or_default()).collect()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // On a thread of its own: this may be dropped where a runtime is at work.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name);
                runtime.block_on(self.say(&drop));
            });
        });
    }
}
