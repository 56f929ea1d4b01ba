//! How much is kept: what it takes up on the disk, and how many rows.

use super::Inner;
use crate::error::Result;
use crate::types::RowCounts;

/// Our tables, and those that an installation shares with us, its own rows included: they cannot be told apart.
const SIZE: &str = "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
    WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind = 'r'
        AND (c.relname LIKE 'evenkeel\\_%'
            OR c.relname IN ('sources', 'assets', 'snapshots', 'observed_snapshots', 'events', 'journal'))";

/// Counted up to this; a larger table is estimated.
macro_rules! exact {
    () => {
        "10000"
    };
}

/// A table's rows of ours, as far as they are counted, and its rows as the server last estimated them; below zero if it
/// never did.
macro_rules! count {
    ($table:literal, $ours:literal) => {
        concat!(
            "(SELECT count(*) FROM (SELECT FROM ",
            $table,
            " WHERE ",
            $ours,
            " LIMIT ",
            exact!(),
            " + 1) AS counted), (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = '",
            $table,
            "'::regclass)"
        )
    };
}

const ROWS: &str = concat!(
    "SELECT ",
    count!("events", "event_id IS NOT NULL"),
    ", ",
    count!("evenkeel_deliveries", "true"),
    ", ",
    count!("observed_snapshots", "hash IS NOT NULL"),
    ", ",
    count!("snapshots", "hash IS NOT NULL"),
    ", ",
    count!("journal", "kind IS NOT NULL"),
    ", ",
    count!("evenkeel_proposals", "true"),
    ", ",
    count!("evenkeel_notices", "true"),
    ", ",
    exact!(),
    "::bigint"
);

impl Inner {
    pub(super) async fn size(&self) -> Result<u64> {
        let row = &self.read_one(self.query(SIZE)).await?;
        Ok(self.cell::<i64>(row, 0)?.cast_unsigned())
    }

    pub(super) async fn rows(&self) -> Result<RowCounts> {
        let row = &self.read_one(self.query(ROWS)).await?;
        let exact: i64 = self.cell(row, 14)?;
        let figure = |column| {
            let (counted, estimated): (i64, i64) = (self.cell(row, column)?, self.cell(row, column + 1)?);
            let rows = if counted > exact { counted.max(estimated) } else { counted };
            Ok(rows.cast_unsigned())
        };
        Ok(RowCounts {
            events: figure(0)?,
            deliveries: figure(2)?,
            observed_snapshots: figure(4)?,
            expected_snapshots: figure(6)?,
            journal: figure(8)?,
            proposals: figure(10)?,
            notices: figure(12)?,
        })
    }
}
