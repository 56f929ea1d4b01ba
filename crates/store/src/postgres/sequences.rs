//! The numbers of new rows. Whoever copies rows with their numbers into a table leaves its sequence behind, and then our
//! inserts would meet numbers that are taken.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::{Inner, adopt};
use crate::error::{Error, Result};

/// A table's sequence, quoted, and how far it is. Nothing if its numbers come from elsewhere.
const SEQUENCE: &str = "SELECT q.name, pg_sequence_last_value(q.name::regclass)
    FROM (SELECT pg_get_serial_sequence(format('%I.%I', current_schema(), $1::text), 'id') AS name) q
    WHERE q.name IS NOT NULL";

impl Inner {
    /// Does work that adds rows. Where it is refused because rows were copied in with their numbers meanwhile, the
    /// sequences are brought behind those, and it is done once more.
    pub(super) async fn adding<T, W>(&self, work: impl Fn() -> W) -> Result<T>
    where
        W: Future<Output = Result<T>>,
    {
        let refused = match work().await {
            Err(refused @ Error::Refused { .. }) => refused,
            outcome => return outcome,
        };
        match self.catch_up_meanwhile().await {
            Ok(true) => work().await,
            // Whatever was refused, it was not for its number.
            Ok(false) => Err(refused),
            Err(error) => {
                tracing::warn!(store = %self.at, %error, "cannot look whether rows were copied in with their numbers");
                Err(refused)
            }
        }
    }

    async fn catch_up_meanwhile(&self) -> Result<bool> {
        let mut tx = self.begin().await?;
        let moved = self.catch_up(tx.connection()).await;
        tx.end(moved).await
    }

    /// Sees to it that no number is given twice; says whether one would have been. A sequence only ever goes forward here.
    pub(super) async fn catch_up(&self, connection: &mut PgConnection) -> Result<bool> {
        let mut moved = false;
        for table in adopt::names() {
            let sequence = self.query(SEQUENCE).bind(table).fetch_optional(&mut *connection).await;
            let Some(row) = sequence.map_err(|error| self.explain(error))? else { continue };
            let (name, last): (String, Option<i64>) = (self.cell(&row, 0)?, self.cell(&row, 1)?);
            if self.highest(connection, table).await? <= last {
                continue;
            }
            // Nobody inserts between looking and setting.
            let lock = format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE");
            sqlx::raw_sql(AssertSqlSafe(lock))
                .execute(&mut *connection)
                .await
                .map_err(|error| self.explain(error))?;
            let set = format!(
                "SELECT setval('{}', greatest((SELECT max(id) FROM {table}), pg_sequence_last_value('{0}')))",
                name.replace('\'', "''")
            );
            sqlx::raw_sql(AssertSqlSafe(set))
                .execute(&mut *connection)
                .await
                .map_err(|error| self.explain(error))?;
            moved = true;
            tracing::warn!(
                table,
                "rows were copied in with their numbers: its sequence now begins behind them"
            );
        }
        Ok(moved)
    }

    async fn highest(&self, connection: &mut PgConnection, table: &str) -> Result<Option<i64>> {
        let highest = sqlx::query(AssertSqlSafe(format!("SELECT max(id) FROM {table}"))).persistent(false);
        let row = highest.fetch_one(connection).await.map_err(|error| self.explain(error))?;
        self.cell(&row, 0)
    }
}
