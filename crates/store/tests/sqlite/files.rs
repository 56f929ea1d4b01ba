//! What is particular to a file: opening, refusing, reopening, and what a person sees with the sqlite3 shell.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::time::Duration;

use evenkeel_store::conformance::repairs_sample::{callback, making, notice, proposal, token};
use evenkeel_store::conformance::sample::{at, docker, event, event_id, host, missing, observed, opening};
use evenkeel_store::sqlite::{Options, SqliteStore};
use evenkeel_store::{Error, EventFilter, Outcome, ProposalFilter, RepairCommit, Store};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};

async fn shell(path: &std::path::Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

async fn open(path: &std::path::Path) -> Result<SqliteStore, Error> {
    SqliteStore::open(path, Options::default()).await
}

#[tokio::test]
async fn a_file_opened_again_has_everything_and_migrations_find_nothing_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let mut before = Vec::new();
    for revision in 0..3 {
        let store = open(&path).await.unwrap();
        assert_eq!(store.load_all().await.unwrap(), before);
        let n = u32::try_from(revision).unwrap();
        store.commit(opening("a", &format!("s{n}"), n, revision, &["n8n"])).await.unwrap();
        before = store.load_all().await.unwrap();
        store.close().await;
    }
    assert!(!dir.path().join("evenkeel.db-wal").exists(), "a graceful end leaves a log behind");
}

#[tokio::test]
async fn a_store_that_is_open_cannot_be_opened_twice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = open(&path).await.unwrap();
    let error = open(&path).await.unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert!(error.to_string().contains(&format!("pid {}", std::process::id())), "{error}");
    store.close().await;
    open(&path).await.unwrap();
}

#[tokio::test]
async fn what_was_claimed_when_the_last_controller_ended_is_due_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = open(&path).await.unwrap();
    store.commit(opening("a", "x", 0, 0, &["n8n"])).await.unwrap();
    assert_eq!(store.claim(None, 1, Duration::from_secs(3600), at(10)).await.unwrap().len(), 1);
    drop(store);
    let store = open(&path).await.unwrap();
    let again = store.claim(None, 1, Duration::from_secs(3600), at(11)).await.unwrap();
    assert_eq!(again[0].ticket.attempt, 2);
    assert!(store.settle(again[0].ticket, Outcome::Delivered, at(12)).await.unwrap());
}

#[tokio::test]
async fn a_reader_sees_what_the_controller_commits_and_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let missing = SqliteStore::open_read_only(&path, Options::default()).await.unwrap_err();
    assert!(missing.to_string().contains("has the controller run yet?"), "{missing}");

    let store = open(&path).await.unwrap();
    let reader = SqliteStore::open_read_only(&path, Options::default()).await.unwrap();
    store.commit(opening("a", "x", 1, 0, &["n8n"])).await.unwrap();
    assert_eq!(reader.load(&host("a")).await.unwrap().revision, 1);
    reader.health().await.unwrap();
    let refused = reader.commit(opening("a", "y", 2, 1, &[])).await.unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused}");
    let refused = reader.claim(None, 1, Duration::from_secs(1), at(9)).await.unwrap_err();
    assert!(matches!(refused, Error::ReadOnly { .. }), "{refused}");

    store.close().await;
    drop(store);
    let alone = SqliteStore::open_read_only(&path, Options::default()).await.unwrap();
    assert_eq!(alone.events(&EventFilter::default(), None, 9).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    open(&path).await.unwrap().close().await;
    let mut connection = shell(&path).await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            VALUES (9999, 'from the future', 1, x'00', 1)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    for opened in [open(&path).await, SqliteStore::open_read_only(&path, Options::default()).await] {
        let error = opened.unwrap_err();
        assert!(matches!(error, Error::Newer { found: 9999, .. }), "{error}");
        assert!(error.to_string().contains("run the newer evenkeel"), "{error}");
    }
}

#[tokio::test]
async fn an_older_schema_is_not_read_without_migrating() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    std::fs::write(&path, b"").unwrap();
    let error = SqliteStore::open_read_only(&path, Options::default()).await.unwrap_err();
    assert!(matches!(error, Error::Older { found: 0, .. }), "{error}");
}

#[tokio::test]
async fn another_programs_database_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("home-assistant.db");
    let mut connection = shell(&path).await;
    sqlx::query("CREATE TABLE states (id INTEGER)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = open(&path).await.unwrap_err();
    assert!(matches!(error, Error::Foreign { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before, "it was written to");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    std::fs::write(
        &path,
        b"these are not the bytes you are looking for, and there are enough of them".repeat(99),
    )
    .unwrap();
    let error = open(&path).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("evenkeel.db") && error.to_string().contains("backup"), "{error}");
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = open(&path).await.unwrap();
    store.commit(opening("a", "x", 1, 0, &[])).await.unwrap();
    let mut connection = shell(&path).await;
    sqlx::query("UPDATE drifts SET entry = '{}'").execute(&mut connection).await.unwrap();
    let error = store.load(&host("a")).await.unwrap_err();
    assert!(matches!(&error, Error::Corrupt { what, .. } if what.contains("drifts.entry")), "{error:?}");
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_named() {
    let error = open(std::path::Path::new("/nonexistent/evenkeel.db")).await.unwrap_err();
    assert!(error.to_string().contains("its directory does not exist"), "{error}");
}

#[tokio::test]
async fn the_tables_have_the_columns_installations_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = open(&path).await.unwrap();
    store.commit(opening("box2-daily", "freshrss", 1, 0, &["n8n"])).await.unwrap();
    store.save_observed(&[observed("box2-daily", "x", 1)]).await.unwrap();
    store.save_sources(&[docker("box2-daily")], at(0)).await.unwrap();
    let mut connection = shell(&path).await;
    for sql in [
        "SELECT id, name, created_at FROM sources",
        "SELECT id, asset_type, name, parent, metadata, created_at FROM assets",
        "SELECT id, snapshot_type, data, created_at FROM snapshots",
        "SELECT id, hostname, source, snapshot, observed_at FROM observed_snapshots",
        "SELECT hostname, snapshot, observed_at FROM truenas_state_latest",
    ] {
        sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
    }
    let event = sqlx::query(
        "SELECT id, hostname, service, event_type, expected, observed, severity, details, source, created_at
            FROM events",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(
        event.get::<String, _>("details"),
        "Expected service on host:box2-daily but container not running."
    );
    assert_eq!(event.get::<String, _>("source"), "docker");
    assert_eq!(event.get::<String, _>("created_at"), "2025-12-22T04:00:01.000000Z");

    let summary = sqlx::query("SELECT * FROM drift_summary").fetch_one(&mut connection).await.unwrap();
    assert_eq!(summary.get::<String, _>("hostname"), "box2-daily");
    assert_eq!(summary.get::<String, _>("expected_minus_observed"), "[\"freshrss\"]");
    assert_eq!(summary.get::<String, _>("observed_minus_expected"), "[]");
    assert_eq!(summary.get::<String, _>("last_event_at"), "2025-12-22T04:00:01.000000Z");
    assert_eq!(summary.get::<String, _>("importance"), "high");
}

#[tokio::test]
async fn a_delivery_whose_event_cannot_be_read_is_dead_with_its_cause_and_holds_up_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = open(&path).await.unwrap();
    for n in 0..3_u32 {
        store.commit(opening("a", &format!("s{n}"), n, u64::from(n), &["n8n"])).await.unwrap();
    }
    let mut connection = shell(&path).await;
    for sql in [
        "DROP TRIGGER an_event_stays_while_a_delivery_needs_it",
        "DELETE FROM event_log WHERE id = 1",
        "UPDATE deliveries SET created_at = 'once' WHERE id = 3",
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    let claimed = store.claim(None, 9, Duration::from_secs(30), at(10)).await.unwrap();
    assert_eq!(claimed.iter().map(|one| one.ticket.delivery).collect::<Vec<_>>(), [2]);
    let depth = store.outbox().await.unwrap().remove(0);
    assert_eq!((depth.pending, depth.dead), (1, 2));
    let causes: Vec<String> =
        sqlx::query_scalar("SELECT last_error FROM deliveries WHERE state = 'dead' ORDER BY id")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert!(causes[0].contains("deliveries.event_seq"), "{causes:?}");
    assert!(causes[1].contains("deliveries.created_at (once)"), "{causes:?}");
}

#[tokio::test]
async fn no_program_can_change_an_event_or_delete_one_that_a_delivery_needs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = open(&path).await.unwrap();
    store.commit(opening("a", "x", 0, 0, &["n8n"])).await.unwrap();
    let mut connection = shell(&path).await;
    for sql in ["PRAGMA foreign_keys = OFF; DELETE FROM event_log", "UPDATE event_log SET body = '{}'"] {
        assert!(sqlx::raw_sql(sql).execute(&mut connection).await.is_err(), "{sql}");
    }
    let claimed = store.claim(None, 9, Duration::from_secs(30), at(10)).await.unwrap();
    store.settle(claimed[0].ticket, Outcome::Dead { why: "410".to_owned() }, at(11)).await.unwrap();
    assert!(
        sqlx::query("DELETE FROM event_log").execute(&mut connection).await.is_err(),
        "dead, but it can be sent again"
    );
}

#[tokio::test]
async fn a_proposal_that_cannot_be_read_is_named_and_never_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = open(&path).await.unwrap();
    let [good, bad] = [1, 2].map(|number| proposal("a", "x", number, "restart"));
    store.commit_repair(making(1, &[&good, &bad])).await.unwrap();
    let mut connection = shell(&path).await;
    for sql in [
        "UPDATE proposals SET proposal = '{}' WHERE id = 2",
        "UPDATE proposals SET proposal = 'not json' WHERE id = 2",
        // Whole, but another one's.
        "UPDATE proposals SET proposal = (SELECT o.proposal FROM proposals o WHERE o.id = 1) WHERE id = 2",
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        for error in [
            store.repairs(at(0)).await.map(|_| ()).unwrap_err(),
            store.proposals(&ProposalFilter::default(), None, 9).await.map(|_| ()).unwrap_err(),
        ] {
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
            assert!(error.to_string().contains(&format!("proposal {}", bad.key)), "{error}");
        }
    }
}

#[tokio::test]
async fn no_program_can_change_a_notice_or_delete_one_that_a_delivery_needs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = open(&path).await.unwrap();
    let notices = vec![notice(1, None, &["n8n"]).unwrap()];
    store.commit_repair(RepairCommit { notices, ..RepairCommit::new(at(1)) }).await.unwrap();
    let mut connection = shell(&path).await;
    for sql in ["PRAGMA foreign_keys = OFF; DELETE FROM notices", "UPDATE notices SET body = '{}'"] {
        assert!(sqlx::raw_sql(sql).execute(&mut connection).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn a_token_is_in_the_file_only_as_its_hash() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = open(&path).await.unwrap();
    let made = proposal("a", "x", 1, "restart");
    let callbacks = vec![callback(0xab, &made, 100)];
    store.commit_repair(RepairCommit { callbacks, ..making(1, &[&made]) }).await.unwrap();
    let kept: String = sqlx::query_scalar("SELECT token_hash FROM callbacks")
        .fetch_one(&mut shell(&path).await)
        .await
        .unwrap();
    assert_eq!(kept, "ab".repeat(32));
    assert_eq!(store.callback(token(0xab)).await.unwrap().unwrap().proposal, made.key);
}

#[tokio::test]
async fn a_file_from_before_repairs_keeps_what_waits_in_it_and_takes_repairs() {
    static ALL: Migrator = sqlx::migrate!("migrations/sqlite");
    let before = ALL.iter().filter(|migration| migration.version < 5).cloned().collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let mut connection = shell(&path).await;
    Migrator::with_migrations(before).run(&mut connection).await.unwrap();
    let body = serde_json::to_string(&event(7, &missing("a", "x"))).unwrap();
    let insert =
        "INSERT INTO event_log (id, event_id, created_at, hostname, handle, subject, announce, service,
            event_type, severity, transition, body)
        VALUES (1, ?1, '2025-12-22T04:00:07.000000Z', 'a', 'X', 'host:a', 1, 'x', 'SERVICE_MISSING', 'high',
            'opened', ?2)";
    sqlx::query(insert).bind(event_id(7).to_string()).bind(&body).execute(&mut connection).await.unwrap();
    sqlx::query(
        "INSERT INTO deliveries (sink, event_seq, drift_key, created_at, due_at)
            VALUES ('n8n', 1, 'old', '2025-12-22T04:00:07.000000Z', '2025-12-22T04:00:07.000000Z')",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();

    let store = open(&path).await.unwrap();
    let made = proposal("a", "x", 1, "restart");
    let told = notice(8, Some(&made), &["n8n"]).unwrap();
    store.commit_repair(RepairCommit { notices: vec![told], ..making(8, &[&made]) }).await.unwrap();
    let claimed = store.claim(None, 9, Duration::from_secs(30), at(10)).await.unwrap();
    assert_eq!(claimed.iter().map(|one| one.event).collect::<Vec<_>>(), [7, 8].map(event_id));
    assert_eq!(claimed[0].payload, body.as_bytes());
    assert_eq!(store.repairs(at(0)).await.unwrap().proposals.len(), 1);
}

/// Everything the file has, as the database itself describes and holds it.
async fn dump(path: &std::path::Path) -> Vec<String> {
    let mut connection = shell(path).await;
    let schema = "SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name";
    let mut lines: Vec<String> = sqlx::query_scalar(schema).fetch_all(&mut connection).await.unwrap();
    let rows = "SELECT 'migration ' || version FROM _sqlx_migrations
        UNION ALL SELECT 'delivery ' || id || ' ' || drift_key FROM deliveries ORDER BY 1";
    lines.extend(sqlx::query_scalar::<_, String>(rows).fetch_all(&mut connection).await.unwrap());
    connection.close().await.unwrap();
    lines
}

#[tokio::test]
async fn a_migration_that_fails_in_its_middle_leaves_the_file_as_it_was_and_works_when_nothing_is_in_its_way()
{
    static ALL: Migrator = sqlx::migrate!("migrations/sqlite");
    let before = ALL.iter().filter(|migration| migration.version < 5).cloned().collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let mut connection = shell(&path).await;
    Migrator::with_migrations(before).run(&mut connection).await.unwrap();
    // The fifth makes three tables and changes one before it comes to this name.
    sqlx::query("CREATE INDEX deliveries_of_notice ON deliveries (id)")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let old = dump(&path).await;
    for _ in 0..2 {
        assert!(open(&path).await.is_err());
        assert_eq!(dump(&path).await, old);
    }
    let mut connection = shell(&path).await;
    sqlx::query("DROP INDEX deliveries_of_notice").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let store = open(&path).await.unwrap();
    store.commit(opening("a", "x", 1, 0, &["n8n"])).await.unwrap();
}
