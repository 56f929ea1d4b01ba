//! What an installation has under the names of our tables: whether it can be adopted as it is, found out before anything
//! is changed, and everything that stands in the way told at once.
//!
//! Not here: the adopting itself, which is the first migration.

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Row as _};

use super::Inner;
use crate::error::{Error, Result};

/// A table that installations have.
struct Table {
    name: &'static str,
    /// Filled in the rows that evenkeel wrote, and in no other.
    marker: Option<&'static str>,
    columns: &'static [Column],
}

struct Column {
    name: &'static str,
    kind: &'static str,
    /// Whether we write rows without a value.
    may_be_null: bool,
}

const fn filled(name: &'static str, kind: &'static str) -> Column {
    Column { name, kind, may_be_null: false }
}

const fn nullable(name: &'static str, kind: &'static str) -> Column {
    Column { name, kind, may_be_null: true }
}

const TIME: &str = "timestamp with time zone";

const TABLES: &[Table] = &[
    Table { name: "sources", marker: None, columns: &[filled("name", "text"), filled("created_at", TIME)] },
    Table {
        name: "assets",
        marker: Some("managed_by"),
        columns: &[
            filled("asset_type", "text"),
            filled("name", "text"),
            nullable("parent", "text"),
            nullable("metadata", "jsonb"),
            filled("created_at", TIME),
            filled("managed_by", "text"),
        ],
    },
    Table {
        name: "snapshots",
        marker: Some("hash"),
        columns: &[
            filled("snapshot_type", "text"),
            filled("data", "jsonb"),
            filled("created_at", TIME),
            filled("hostname", "text"),
            filled("hash", "text"),
        ],
    },
    Table {
        name: "observed_snapshots",
        marker: Some("hash"),
        columns: &[
            filled("hostname", "text"),
            filled("source", "text"),
            filled("snapshot", "jsonb"),
            filled("observed_at", TIME),
            filled("source_id", "text"),
            filled("hash", "text"),
        ],
    },
    Table {
        name: "events",
        marker: Some("event_id"),
        columns: &[
            nullable("hostname", "text"),
            nullable("service", "text"),
            filled("event_type", "text"),
            nullable("expected", "jsonb"),
            nullable("observed", "jsonb"),
            nullable("severity", "text"),
            nullable("details", "text"),
            nullable("source", "text"),
            filled("created_at", TIME),
            filled("event_id", "uuid"),
            filled("transition", "text"),
            filled("drift_id", "text"),
            filled("handle", "text"),
            filled("subject", "text"),
            filled("announce", "boolean"),
            filled("body", "text"),
        ],
    },
    Table {
        name: "journal",
        marker: Some("kind"),
        columns: &[
            filled("created_at", TIME),
            filled("kind", "text"),
            nullable("subject", "text"),
            nullable("event_id", "uuid"),
            nullable("drift_id", "text"),
            nullable("handle", "text"),
            filled("actor", "text"),
            filled("text", "text"),
            nullable("data", "jsonb"),
        ],
    },
];

/// The names of the tables that installations have.
pub(super) fn names() -> Vec<&'static str> {
    TABLES.iter().map(|table| table.name).collect()
}

/// What stands under these names: what kind of thing, whose, whether we may alter it, and what is on it that may refuse
/// a row of ours.
const FOUND: &str = r"SELECT c.relname::text, c.relkind::text, pg_get_userbyid(c.relowner)::text,
        pg_has_role(c.relowner, 'USAGE'), row_security_active(c.oid),
        EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f'))
            OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind NOT IN ('i', 'I', 'S', 'c', 't')
    ORDER BY c.relname";

const COLUMNS: &str = r"SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef,
        a.attidentity <> '', a.attgenerated <> ''
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum";

/// Unique indexes: their name, whether they are of `id` alone, whether `id` is among their columns, and which rows count.
const UNIQUE: &str = r"SELECT i.relname::text,
        x.indnkeyatts = 1 AND a.attname IS NOT NULL AND x.indpred IS NULL AND x.indisvalid,
        a.attname IS NOT NULL, coalesce(pg_get_expr(x.indpred, x.indrelid), '')
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id' AND a.attnum = ANY (x.indkey::smallint[])
    WHERE n.nspname = $1 AND c.relname = $2 AND x.indisunique
    ORDER BY i.relname";

/// What is there under names that nobody but us should use.
const OURS: &str = r"SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname LIKE 'evenkeel\_%' AND c.relname NOT LIKE 'evenkeel\_migrations%'
    ORDER BY c.relname";

/// What stands in the way of adopting, and which tables may refuse rows of ours for reasons that only trying tells.
#[derive(Default)]
struct Report {
    problems: Vec<String>,
    to_try: Vec<&'static str>,
}

impl Inner {
    /// Finds out whether what is in a schema can be adopted. Says which tables may refuse a row of ours for reasons that
    /// only [`Inner::try_rows`] tells.
    pub(super) async fn verify(
        &self,
        connection: &mut PgConnection,
        schema: &str,
    ) -> Result<Vec<&'static str>> {
        let mut report = Report::default();
        self.schema_problems(connection, schema, &mut report.problems).await?;
        let names: Vec<String> = names().into_iter().map(str::to_owned).collect();
        let found = self.query(FOUND).bind(schema).bind(names);
        let found = found.fetch_all(&mut *connection).await.map_err(|error| self.explain(error))?;
        for row in &found {
            let name: String = self.cell(row, 0)?;
            if let Some(table) = TABLES.iter().find(|table| table.name == name) {
                self.verify_table(connection, schema, table, row, &mut report).await?;
            }
        }
        match report.problems.is_empty() {
            true => Ok(report.to_try),
            false => Err(self.unfit(report.problems)),
        }
    }

    pub(super) fn unfit(&self, problems: Vec<String>) -> Error {
        Error::Unfit { at: self.at.to_string(), problems }
    }

    async fn schema_problems(
        &self,
        connection: &mut PgConnection,
        schema: &str,
        problems: &mut Vec<String>,
    ) -> Result<()> {
        let right = self
            .query("SELECT has_schema_privilege(oid, 'CREATE'), current_user::text FROM pg_namespace WHERE nspname = $1")
            .bind(schema)
            .fetch_optional(&mut *connection)
            .await
            .map_err(|error| self.explain(error))?;
        if let Some(row) = right
            && !self.cell::<bool>(&row, 0)?
        {
            let role: String = self.cell(&row, 1)?;
            problems.push(format!(
                "schema {schema}: {role} may not create tables in it: GRANT CREATE ON SCHEMA \"{schema}\" TO \"{role}\""
            ));
        }
        let ours = self.query(OURS).bind(schema).fetch_all(connection).await;
        let mut names: Vec<String> = Vec::new();
        for row in ours.map_err(|error| self.explain(error))? {
            names.push(self.cell(&row, 0)?);
        }
        if !names.is_empty() {
            problems.push(format!(
                "there is {} without a word in evenkeel_migrations: restore the whole of it, or drop the rest",
                names.join(", ")
            ));
        }
        Ok(())
    }

    async fn verify_table(
        &self,
        connection: &mut PgConnection,
        schema: &str,
        table: &Table,
        row: &PgRow,
        report: &mut Report,
    ) -> Result<()> {
        let name = table.name;
        let kind: String = self.cell(row, 1)?;
        if kind != "r" {
            let kind = kind_in_words(&kind);
            report.problems.push(format!("{name} is {kind}: evenkeel needs a plain table there; rename it"));
            return Ok(());
        }
        if !self.cell::<bool>(row, 3)? {
            let owner: String = self.cell(row, 2)?;
            report.problems.push(format!(
                "{name} belongs to {owner}: only its owner can add columns; connect as {owner}, or as a member of it"
            ));
            return Ok(());
        }
        if self.cell::<bool>(row, 4)? {
            report.problems.push(format!(
                "{name} has row-level security that holds for its owner too: ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY"
            ));
        }
        if self.cell::<bool>(row, 5)? {
            report.to_try.push(name);
        }
        self.verify_columns(connection, schema, table, &mut report.problems).await?;
        self.verify_unique(connection, schema, table, &mut report.problems).await
    }

    async fn verify_columns(
        &self,
        connection: &mut PgConnection,
        schema: &str,
        table: &Table,
        problems: &mut Vec<String>,
    ) -> Result<()> {
        let rows = self.query(COLUMNS).bind(schema).bind(table.name).fetch_all(&mut *connection).await;
        let mut found = Vec::new();
        for row in rows.map_err(|error| self.explain(error))? {
            found.push(Found::read(&row).map_err(|error| self.explain(error))?);
        }
        if !found.iter().any(|column| column.name == "id") {
            problems.push(format!(
                "{0}.id is missing: ALTER TABLE {0} ADD COLUMN id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
                table.name
            ));
        }
        for column in &found {
            problems.extend(column.problems(table));
        }
        if let Some(marker) = table.marker
            && found.iter().any(|column| column.name == marker)
        {
            let filled = format!("SELECT EXISTS (SELECT FROM {} WHERE {marker} IS NOT NULL)", table.name);
            let row = sqlx::query(AssertSqlSafe(filled)).persistent(false).fetch_one(connection).await;
            if self.cell::<bool>(&row.map_err(|error| self.explain(error))?, 0)? {
                problems.push(format!(
                    "{0}.{marker} holds values, and evenkeel knows its own rows by it: ALTER TABLE {0} RENAME COLUMN {marker} TO …",
                    table.name
                ));
            }
        }
        Ok(())
    }

    async fn verify_unique(
        &self,
        connection: &mut PgConnection,
        schema: &str,
        table: &Table,
        problems: &mut Vec<String>,
    ) -> Result<()> {
        let name = table.name;
        let rows = self.query(UNIQUE).bind(schema).bind(name).fetch_all(connection).await;
        let mut numbered = false;
        for row in rows.map_err(|error| self.explain(error))? {
            let index: String = self.cell(&row, 0)?;
            numbered |= self.cell::<bool>(&row, 1)?;
            let predicate: String = self.cell(&row, 3)?;
            // What is unique with the number in it is unique anyhow; a source is listed once in any case.
            let Some(marker) = table.marker else { continue };
            if self.cell::<bool>(&row, 2)? || predicate.contains(&format!("{marker} IS NULL")) {
                continue;
            }
            problems.push(format!(
                "{name} has the unique index {index}: evenkeel's rows stand beside yours and would collide; drop it, or \
                 add a column {marker} and let the index count rows WHERE {marker} IS NULL"
            ));
        }
        if !numbered {
            problems.push(format!("{name}.id is not unique: ALTER TABLE {name} ADD PRIMARY KEY (id)"));
        }
        Ok(())
    }
}

/// A column as it is.
struct Found {
    name: String,
    kind: String,
    not_null: bool,
    has_default: bool,
    is_identity: bool,
    is_computed: bool,
}

impl Found {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            name: row.try_get(0)?,
            kind: row.try_get(1)?,
            not_null: row.try_get(2)?,
            has_default: row.try_get(3)?,
            is_identity: row.try_get(4)?,
            is_computed: row.try_get(5)?,
        })
    }

    /// Why it cannot stay as it is.
    fn problems(&self, table: &Table) -> Vec<String> {
        let Self { name, kind, not_null, has_default, is_identity, is_computed } = self;
        let table_name = table.name;
        let mut problems = Vec::new();
        if name == "id" {
            if kind != "bigint" {
                problems.push(format!(
                    "{table_name}.id is {kind}, it must be bigint: ALTER TABLE {table_name} ALTER COLUMN id TYPE bigint"
                ));
            }
            if !is_identity && !has_default {
                problems.push(format!(
                    "{table_name}.id has no default: ALTER TABLE {table_name} ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY"
                ));
            }
            return problems;
        }
        let Some(column) = table.columns.iter().find(|column| column.name == name) else {
            if *not_null && !has_default && !is_identity {
                problems.push(format!(
                    "{table_name}.{name} is NOT NULL without a default, and evenkeel does not know it: \
                     ALTER TABLE {table_name} ALTER COLUMN \"{name}\" DROP NOT NULL, or SET DEFAULT"
                ));
            }
            return problems;
        };
        if *is_computed {
            problems.push(format!("{table_name}.{name} is computed, evenkeel writes it: rename it"));
        } else if kind != column.kind && !(column.kind == "text" && kind == "character varying") {
            let using = match kind.starts_with("timestamp without") {
                true => format!("{name} AT TIME ZONE 'the zone it is written in'"),
                false => format!("{name}::{}", column.kind),
            };
            problems.push(format!(
                "{table_name}.{name} is {kind}, it must be {0}: \
                 ALTER TABLE {table_name} ALTER COLUMN {name} TYPE {0} USING {using}",
                column.kind
            ));
        }
        if *not_null && column.may_be_null {
            problems.push(format!(
                "{table_name}.{name} is NOT NULL, and evenkeel has rows without it: \
                 ALTER TABLE {table_name} ALTER COLUMN {name} DROP NOT NULL"
            ));
        }
        problems
    }
}

fn kind_in_words(kind: &str) -> &str {
    match kind {
        "v" => "a view",
        "m" => "a materialized view",
        "p" => "a partitioned table",
        "f" => "a foreign table",
        other => other,
    }
}
