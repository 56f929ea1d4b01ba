//! Bringing the schema up to date, in one transaction under a lock, so that of several replicas one does it and a failure
//! leaves nothing half done.
//!
//! Not the driver's own way: that one keeps its lock with the session, which a pooler takes away.

use sqlx::postgres::PgConnection;

use super::Inner;
use crate::error::{Error, Result};

/// Every migration, oldest first. One that was released is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_init.sql"),
    include_str!("../../migrations/postgres/0002_repairs.sql"),
    include_str!("../../migrations/postgres/0003_sessions.sql"),
    include_str!("../../migrations/postgres/0004_silences.sql"),
    include_str!("../../migrations/postgres/0005_resent.sql"),
];

/// The newest schema this program knows.
pub(super) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS evenkeel_migrations (
    version bigint PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)";

/// Waiting for whoever migrates takes as long as it takes; waiting for somebody else's lock on a table would hold up
/// everybody who wants to read it.
const PATIENT: &str =
    "SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0; SET LOCAL client_min_messages TO warning";
const IMPATIENT: &str = "SET LOCAL lock_timeout TO '10s'";

impl Inner {
    /// Brings the schema up to date. One that is up to date is only looked at.
    pub(super) async fn migrate(&self, schema: &str) -> Result<()> {
        let mut reader = self.reader().await?;
        let found = self.meet(&mut reader, schema, true).await?;
        reader.end().await;
        self.refuse_newer(found)?;
        let mut tx = self.begin_unfenced().await?;
        let ready = match found < known() {
            true => self.migrate_in(tx.connection(), schema).await,
            false => Ok(()),
        };
        let ready = match ready {
            Ok(()) => self.make_ready(tx.connection(), schema).await,
            Err(error) => Err(error),
        };
        tx.end(ready).await
    }

    async fn migrate_in(&self, connection: &mut PgConnection, schema: &str) -> Result<()> {
        self.say(connection, PATIENT).await?;
        // Of all that speak with this server, whoever migrates this schema.
        self.query("SELECT pg_advisory_xact_lock(hashtextextended('evenkeel/' || $1, 0))")
            .bind(schema)
            .execute(&mut *connection)
            .await
            .map_err(|error| self.explain(error))?;
        self.say(connection, IMPATIENT).await?;
        self.make_schema(connection, schema).await?;
        let found = self.version(connection).await?;
        self.refuse_newer(found)?;
        let to_try = match found {
            0 => self.verify(connection, schema).await?,
            _ => Vec::new(),
        };
        self.say(connection, TABLE).await?;
        for (version, migration) in (1_i64..).zip(MIGRATIONS).skip_while(|(version, _)| *version <= found) {
            self.say(connection, migration).await?;
            self.query("INSERT INTO evenkeel_migrations (version) VALUES ($1)")
                .bind(version)
                .execute(&mut *connection)
                .await
                .map_err(|error| self.explain(error))?;
        }
        self.try_rows(connection, &to_try).await
    }

    async fn make_ready(&self, connection: &mut PgConnection, schema: &str) -> Result<()> {
        self.check_sight(connection, schema, true).await?;
        self.catch_up(connection).await.map(|_| ())
    }

    async fn say(&self, connection: &mut PgConnection, sql: &'static str) -> Result<()> {
        sqlx::raw_sql(sql).execute(connection).await.map(|_| ()).map_err(|error| self.explain(error))
    }

    async fn make_schema(&self, connection: &mut PgConnection, schema: &str) -> Result<()> {
        // Asked first: to create what exists takes a right that is otherwise not needed.
        let exists = self.query("SELECT 1 FROM pg_namespace WHERE nspname = $1").bind(schema);
        let exists = exists.fetch_optional(&mut *connection).await.map_err(|error| self.explain(error))?;
        if exists.is_some() {
            return Ok(());
        }
        let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA \"{schema}\""));
        sqlx::raw_sql(create).execute(connection).await.map(|_| ()).map_err(|error| self.explain(error))
    }

    /// Fails unless the schema is the one this program knows, and all of it can be read.
    pub(super) async fn check_version(&self, schema: &str) -> Result<()> {
        let mut reader = self.reader().await?;
        let found = self.meet(&mut reader, schema, false).await?;
        reader.end().await;
        self.refuse_newer(found)?;
        if found < known() {
            return Err(Error::Older { at: self.at.to_string(), found, known: known() });
        }
        Ok(())
    }

    /// The version of what is there, 0 if nothing of ours is. Fails unless this is a server we can work with and the role
    /// has its rights: one that cannot see the version would take it for 0.
    async fn meet(&self, connection: &mut PgConnection, schema: &str, writing: bool) -> Result<i64> {
        self.greet(&mut *connection, schema).await?;
        if self.are_ours(&mut *connection).await? {
            self.check_sight(&mut *connection, schema, writing).await?;
        }
        self.version(connection).await
    }

    /// Whether a migration was ever here.
    pub(super) async fn are_ours(&self, connection: &mut PgConnection) -> Result<bool> {
        let row =
            self.query("SELECT to_regclass('evenkeel_migrations') IS NOT NULL").fetch_one(connection).await;
        self.cell(&row.map_err(|error| self.explain(error))?, 0)
    }

    pub(super) async fn version(&self, connection: &mut PgConnection) -> Result<i64> {
        if !self.are_ours(&mut *connection).await? {
            return Ok(0);
        }
        let row = self
            .query("SELECT coalesce(max(version), 0) FROM evenkeel_migrations")
            .fetch_one(connection)
            .await
            .map_err(|error| self.explain(error))?;
        self.cell(&row, 0)
    }

    fn refuse_newer(&self, found: i64) -> Result<()> {
        if found > known() {
            return Err(Error::Newer { at: self.at.to_string(), found, known: known() });
        }
        Ok(())
    }
}
