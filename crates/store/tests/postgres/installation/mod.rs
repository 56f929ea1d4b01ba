//! An installation from before evenkeel, in a schema of a test's own, and a person who looks at it past any store.

#![allow(dead_code, reason = "no test needs all of it")]

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use crate::rig::Schema;

/// What the operator has: the tables with rows in each, and two views.
pub(crate) const INSTALLATION: &str = include_str!("../../fixtures/installation.sql");

/// A person with psql: a connection in this schema.
pub(crate) async fn shell(schema: &Schema) -> PgConnection {
    shell_as(schema, None).await
}

/// The same as another role, whose password is its name.
pub(crate) async fn shell_as(schema: &Schema, role: Option<&str>) -> PgConnection {
    let options = schema.options();
    // Past any pooler: what is set here has to last.
    let url = crate::rig::address(crate::rig::DIRECT).unwrap();
    let mut connect: PgConnectOptions = url.parse().unwrap();
    if let Some(role) = role {
        connect = connect.username(role).password(role);
    }
    let mut connection = connect.connect().await.unwrap();
    run(&mut connection, &format!("SET search_path TO \"{}\"", options.schema)).await;
    connection
}

/// Makes the schema, with these things in it.
pub(crate) async fn furnish(schema: &Schema, sql: &str) -> PgConnection {
    let mut shell = shell(schema).await;
    run(&mut shell, &format!("CREATE SCHEMA \"{}\"", schema.options().schema)).await;
    run(&mut shell, sql).await;
    shell
}

/// Runs statements that must succeed.
pub(crate) async fn run(shell: &mut PgConnection, sql: &str) {
    tried(shell, sql).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// Runs statements that may fail.
pub(crate) async fn tried(shell: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(shell).await.map(|_| ())
}

/// The one column of text that a question answers with.
pub(crate) async fn ask(shell: &mut PgConnection, sql: &str) -> Vec<String> {
    let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(shell).await;
    let rows = rows.unwrap_or_else(|error| panic!("{error}: {sql}"));
    rows.iter().map(|row| row.get::<Option<String>, _>(0).unwrap_or_else(|| "null".to_owned())).collect()
}

/// Every row of the installation, whole, as text, for each table and view.
pub(crate) async fn dump(shell: &mut PgConnection) -> Vec<String> {
    let columns = [
        ("sources", "id, name, created_at"),
        ("assets", "id, asset_type, name, parent, metadata, created_at"),
        ("snapshots", "id, snapshot_type, data, created_at"),
        ("observed_snapshots", "id, hostname, source, snapshot, observed_at"),
        (
            "events",
            "id, hostname, service, event_type, expected, observed, severity, details, source, created_at",
        ),
    ];
    let mut dump = Vec::new();
    for (table, columns) in columns {
        // Where a row lies tells whether it was ever rewritten.
        let question =
            format!("SELECT '{table} ' || ctid::text || ROW({columns})::text FROM {table} ORDER BY id");
        dump.extend(ask(shell, &question).await);
    }
    for view in ["drift_summary", "truenas_state_latest"] {
        dump.extend(ask(shell, &format!("SELECT v::text FROM {view} v ORDER BY 1")).await);
        dump.extend(ask(shell, &format!("SELECT pg_get_viewdef('{view}'::regclass)")).await);
    }
    let shape = "SELECT concat_ws(' ', table_name, column_name, ordinal_position, data_type, is_nullable, column_default,
            is_identity, identity_generation)
        FROM information_schema.columns WHERE table_schema = current_schema()
            AND table_name IN ('sources', 'assets', 'snapshots', 'observed_snapshots', 'events')
            AND column_name IN ('id', 'name', 'asset_type', 'parent', 'metadata', 'snapshot_type', 'data', 'source',
                'snapshot', 'observed_at', 'service', 'event_type', 'expected', 'observed', 'severity', 'details')
        ORDER BY 1";
    dump.extend(ask(shell, shape).await);
    dump
}
