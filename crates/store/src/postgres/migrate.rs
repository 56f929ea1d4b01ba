//! Bringing the schema up to date, in one transaction under a lock, so that of several replicas one does it and a failure
//! leaves nothing half done.
//!
//! Not the driver's own way: that one keeps its lock with the session, which a pooler takes away.

use sqlx::postgres::PgConnection;

use super::Inner;
use crate::error::{Error, Result};

/// Every migration, oldest first. One that was released is never changed.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/postgres/0001_init.sql")];

/// The newest schema this program knows.
pub(super) fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS evenkeel_migrations (
    version bigint PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)";

impl Inner {
    /// Brings the schema up to date.
    pub(super) async fn migrate(&self, schema: &str) -> Result<()> {
        let mut tx = self.begin_unfenced().await?;
        let migrated = self.migrate_in(tx.connection(), schema).await;
        tx.end(migrated).await
    }

    async fn migrate_in(&self, connection: &mut PgConnection, schema: &str) -> Result<()> {
        let explain = |error| self.explain(error);
        // Waiting for whoever migrates takes as long as it takes.
        sqlx::raw_sql("SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0")
            .execute(&mut *connection)
            .await
            .map_err(explain)?;
        // Of all that speak with this server, whoever migrates this schema.
        self.query("SELECT pg_advisory_xact_lock(hashtextextended('evenkeel/' || $1, 0))")
            .bind(schema)
            .execute(&mut *connection)
            .await
            .map_err(explain)?;
        self.make_schema(connection, schema).await?;
        sqlx::raw_sql(TABLE).execute(&mut *connection).await.map_err(explain)?;
        let found = self.version(connection).await?;
        self.refuse_newer(found)?;
        // Views of these names that an installation has stay its own.
        self.query(
            "SELECT set_config('evenkeel.found', coalesce((SELECT string_agg(relname, ',') FROM pg_class
                WHERE relnamespace = to_regnamespace(quote_ident(current_schema()))), ''), true)",
        )
        .execute(&mut *connection)
        .await
        .map_err(explain)?;
        for (version, migration) in (1_i64..).zip(MIGRATIONS).skip_while(|(version, _)| *version <= found) {
            sqlx::raw_sql(*migration).execute(&mut *connection).await.map_err(explain)?;
            self.query("INSERT INTO evenkeel_migrations (version) VALUES ($1)")
                .bind(version)
                .execute(&mut *connection)
                .await
                .map_err(explain)?;
        }
        Ok(())
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

    /// Fails unless the schema is the one this program knows.
    pub(super) async fn check_version(&self) -> Result<()> {
        let mut reader = self.reader().await?;
        let found = match self.migrations_exist(&mut reader).await? {
            true => self.version(&mut reader).await?,
            false => 0,
        };
        reader.end().await;
        self.refuse_newer(found)?;
        if found < known() {
            return Err(Error::Older { at: self.at.to_string(), found, known: known() });
        }
        Ok(())
    }

    async fn migrations_exist(&self, connection: &mut PgConnection) -> Result<bool> {
        let row = self
            .query("SELECT to_regclass('evenkeel_migrations') IS NOT NULL")
            .fetch_one(connection)
            .await
            .map_err(|error| self.explain(error))?;
        self.cell(&row, 0)
    }

    async fn version(&self, connection: &mut PgConnection) -> Result<i64> {
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
