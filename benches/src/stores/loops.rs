//! The floor of a commit: the same rows, each by an insert of its own, prepared once, between a begin and a commit, into
//! tables that have a primary key and nothing else. No revision is checked, no lead, no order.

use evenkeel_store::PassCommit;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection};

use super::place::Place;
use crate::Result;

/// The two drivers share no type for a connection; the statements are the same.
macro_rules! rows {
    ($connection:expr, $pass:expr) => {{
        let mut tx = $connection.begin().await?;
        let subject = $pass.subject.to_string();
        let at = $pass.at.to_string();
        sqlx::query(SUBJECT)
            .bind(&subject)
            .bind($pass.expected_revision.cast_signed())
            .execute(&mut *tx)
            .await?;
        for entry in &$pass.upserts {
            sqlx::query(DRIFT)
                .bind(&subject)
                .bind(entry.id.to_string())
                .bind(entry.id.handle())
                .bind(entry.state.as_str())
                .bind(entry.id.event_type.code())
                .bind(entry.severity.as_str())
                .bind(entry.id.service.as_ref().map(|service| service.as_str()))
                .bind(serde_json::to_string(entry)?)
                .execute(&mut *tx)
                .await?;
        }
        for event in &$pass.events {
            sqlx::query(EVENT)
                .bind(event.id.to_string())
                .bind(event.created_at.to_string())
                .bind(event.hostname.as_ref().map(|host| host.as_str()))
                .bind(event.service.as_ref().map(|service| service.as_str()))
                .bind(event.event_type.code())
                .bind(event.severity.as_str())
                .bind(event.transition.as_str())
                .bind(&event.handle)
                .bind(&subject)
                .bind(serde_json::to_string(event)?)
                .execute(&mut *tx)
                .await?;
        }
        for delivery in &$pass.deliveries {
            sqlx::query(DELIVERY)
                .bind(&delivery.sink)
                .bind(&delivery.drift_key)
                .bind(&at)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
    }};
}

/// A connection and its bare tables.
pub(super) enum Loop {
    /// In a file, opened as the store opens its own.
    Sqlite(Box<SqliteConnection>),
    /// On the server, in a schema of its own.
    Postgres(Box<PgConnection>),
}

const SQLITE: &str = "CREATE TABLE events (id INTEGER PRIMARY KEY, event_id TEXT, created_at TEXT, hostname TEXT,
        service TEXT, event_type TEXT, severity TEXT, transition TEXT, handle TEXT, subject TEXT, body TEXT) STRICT;
    CREATE TABLE drifts (id INTEGER PRIMARY KEY, subject TEXT, drift_id TEXT, handle TEXT, state TEXT, event_type TEXT,
        severity TEXT, service TEXT, entry TEXT) STRICT;
    CREATE TABLE deliveries (id INTEGER PRIMARY KEY, sink TEXT, drift_key TEXT, created_at TEXT, due_at TEXT) STRICT;
    CREATE TABLE subjects (subject TEXT PRIMARY KEY, revision INTEGER) STRICT";

const POSTGRES: &str = "CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id text,
        created_at text, hostname text, service text, event_type text, severity text, transition text, handle text,
        subject text, body text);
    CREATE TABLE drifts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, subject text, drift_id text, handle text,
        state text, event_type text, severity text, service text, entry text);
    CREATE TABLE deliveries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sink text, drift_key text,
        created_at text, due_at text);
    CREATE TABLE subjects (subject text PRIMARY KEY, revision bigint)";

const EVENT: &str = "INSERT INTO events (event_id, created_at, hostname, service, event_type, severity, transition, handle, \
    subject, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const DRIFT: &str = "INSERT INTO drifts (subject, drift_id, handle, state, event_type, severity, service, entry) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const DELIVERY: &str = "INSERT INTO deliveries (sink, drift_key, created_at, due_at) VALUES ($1, $2, $3, $3)";
const SUBJECT: &str = "INSERT INTO subjects (subject, revision) VALUES ($1, $2) \
    ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision";

impl Loop {
    /// Opens a database and makes the tables.
    pub(super) async fn open(place: &Place, name: &str) -> Result<Self> {
        match place {
            Place::Sqlite(_) => {
                let options = SqliteConnectOptions::new()
                    .filename(place.file(name))
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full);
                let mut connection = SqliteConnection::connect_with(&options).await?;
                sqlx::raw_sql(SQLITE).execute(&mut connection).await?;
                Ok(Self::Sqlite(Box::new(connection)))
            }
            Place::Postgres(server) => {
                let options: PgConnectOptions = server.url().parse()?;
                let mut connection = PgConnection::connect_with(&options).await?;
                let tables = format!("CREATE SCHEMA {name}; SET search_path TO {name}; {POSTGRES}");
                sqlx::raw_sql(AssertSqlSafe(tables)).execute(&mut connection).await?;
                Ok(Self::Postgres(Box::new(connection)))
            }
        }
    }

    /// Inserts the rows of a pass, one after the other.
    pub(super) async fn insert(&mut self, pass: &PassCommit) -> Result<()> {
        match self {
            Self::Sqlite(connection) => rows!(connection, pass),
            Self::Postgres(connection) => rows!(connection, pass),
        }
        Ok(())
    }
}
