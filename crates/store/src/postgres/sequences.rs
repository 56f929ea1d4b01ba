//! The numbers of new rows. Whoever copies rows with their numbers into a table leaves its sequence behind, and then our
//! inserts would meet numbers that are taken.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::{Inner, adopt};
use crate::error::Result;

/// A table's sequence, quoted, and how far it is. Nothing if its numbers come from elsewhere.
const SEQUENCE: &str = "SELECT q.name, pg_sequence_last_value(q.name::regclass)
    FROM (SELECT pg_get_serial_sequence(format('%I.%I', $1::text, $2::text), 'id') AS name) q
    WHERE q.name IS NOT NULL";

impl Inner {
    /// Sees to it that no number is given twice. A sequence only ever goes forward here.
    pub(super) async fn catch_up(&self, connection: &mut PgConnection, schema: &str) -> Result<()> {
        for table in adopt::names() {
            let sequence =
                self.query(SEQUENCE).bind(schema).bind(table).fetch_optional(&mut *connection).await;
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
            tracing::warn!(
                table,
                "rows were copied in with their numbers: its sequence now begins behind them"
            );
        }
        Ok(())
    }

    async fn highest(&self, connection: &mut PgConnection, table: &str) -> Result<Option<i64>> {
        let highest = sqlx::query(AssertSqlSafe(format!("SELECT max(id) FROM {table}"))).persistent(false);
        let row = highest.fetch_one(connection).await.map_err(|error| self.explain(error))?;
        self.cell(&row, 0)
    }
}
