//! Real processes that share a real PostgreSQL, and what each says of itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel_core::Secret;
use evenkeel_store::postgres::Options;
use evenkeel_store::{PgStore, Store};
use serde_json::Value;
use xtask::real::postgres::{self, Postgres, Setup};

use crate::program::{Home, Program, get};
use crate::stage::{Lab, soon};

/// A server of this test's own; skips the test where there can be none.
pub fn server(setup: Setup) -> Option<Postgres> {
    let Some(programs) = postgres::programs() else {
        crate::skip("PostgreSQL is not installed (Debian package postgresql; cargo xtask test installs it)");
        return None;
    };
    match tokio::task::block_in_place(|| Postgres::start_with(&programs, setup)) {
        Ok(server) => Some(server),
        Err(error) => {
            crate::skip(&format!("no PostgreSQL: {error:#}"));
            None
        }
    }
}

/// A configuration for one more replica on this server.
pub fn home(lab: &Lab, webhook: Option<&str>, server: &Postgres, name: &str) -> Home {
    let mut home = Home::new(lab, webhook);
    home.secrets.push(("LAB_DATABASE".to_owned(), server.url()));
    home.edit(
        "path = \"evenkeel.db\"\nsynchronous = \"normal\"",
        &format!("url = {{ env = \"LAB_DATABASE\" }}\nreplica = \"{name}\""),
    );
    home
}

/// The database, for questions.
pub async fn read(server: &Postgres) -> Arc<dyn Store> {
    let options = Options {
        url: Secret::new(server.url()),
        password: None,
        ca_file: None,
        schema: "public".to_owned(),
        transaction_pooler: false,
        plaintext: false,
        connections: 2,
    };
    Arc::new(PgStore::open_read_only(&options).await.unwrap())
}

/// What a program says at `/readyz`: the status and the body.
pub async fn readiness(program: &Program) -> (u16, Value) {
    let (status, body) = program.get("/readyz").await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// Whether the program has this role, by its own word.
pub async fn has_role(program: &Program, role: &str) -> bool {
    readiness(program).await.1["role"] == role
}

/// Waits until the program has this role; says how long that took.
pub async fn until_role(program: &Program, role: &str) -> Duration {
    let begun = Instant::now();
    assert!(soon(|| has_role(program, role)).await, "never {role}: {}", program.log());
    begun.elapsed()
}

/// One figure of a program, if it shows it.
pub async fn figure(program: &Program, name: &str) -> Option<f64> {
    let (_, text) = get(&program.address().await, "/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}
