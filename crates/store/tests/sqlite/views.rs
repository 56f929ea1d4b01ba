//! What a person with the sqlite3 shell, or an installation that reads the tables, finds in the views and the journal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::path::Path;
use std::sync::Arc;

use evenkeel_core::drift::Difference;
use evenkeel_core::event::{EventType, Severity};
use evenkeel_core::id::{DriftId, Field, SourceId, SourceKind};
use evenkeel_core::ledger::{Entry, State};
use evenkeel_core::model::{Port, Ports, Published, RunState};
use evenkeel_store::conformance::sample::{at, entry, event, host, journal, missing, observed};
use evenkeel_store::sqlite::{Options, SqliteStore};
use evenkeel_store::{JournalFilter, JournalKind, Keep, PassCommit, RetentionPolicy, Store};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Row};

async fn shell(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

async fn commit(store: &SqliteStore, name: &str, entries: Vec<Entry>) {
    let mut pass = PassCommit::new(host(name), 0, at(0));
    let first = u32::try_from(store.stats().await.unwrap().last_seq).unwrap();
    pass.events = (first..).zip(&entries).map(|(n, entry)| event(n, &entry.id)).collect();
    pass.upserts = entries;
    store.commit(pass).await.unwrap();
}

fn of(id: DriftId, difference: Difference) -> Entry {
    Entry { difference, ..entry(id) }
}

fn service(name: &str, kind: EventType) -> DriftId {
    DriftId::of_service(&"box2-media".into(), &name.into(), kind)
}

fn unexpected() -> Difference {
    Difference::Unexpected { retired: false, ports: None, state: RunState::Running, image: None }
}

/// Service, expected minus observed, observed minus expected, last event, importance.
fn summary(row: &SqliteRow) -> (Option<String>, String, String, String, String) {
    (
        row.get("service"),
        row.get("expected_minus_observed"),
        row.get("observed_minus_expected"),
        row.get("last_event_at"),
        row.get("importance"),
    )
}

fn expected_summary(
    service: Option<&str>,
    expected: &str,
    observed: &str,
    last: &str,
    importance: &str,
) -> (Option<String>, String, String, String, String) {
    let last = format!("2025-12-22T04:00:{last}.000000Z");
    (service.map(str::to_owned), expected.to_owned(), observed.to_owned(), last, importance.to_owned())
}

#[tokio::test]
async fn drift_summary_tells_per_service_what_is_missing_and_what_is_too_much() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = SqliteStore::open(&path, Options::default()).await.unwrap();
    let ports = Difference::PortMismatch {
        expected: Ports::new([Port::tcp(8080), Port::tcp(30024), Port::tcp(9000)]),
        observed: Published {
            open: Ports::new([Port::tcp(8080), Port::tcp(6881)]),
            loopback: Ports::new([Port::tcp(9000)]),
        },
    };
    let address = Difference::Config {
        expected: Some(Arc::from("192.168.2.16")),
        observed: Some(Arc::from("192.168.2.99")),
    };
    let mut resolved = entry(missing("box2-media", "bazarr"));
    resolved.state = State::Resolved;
    let mut pending = entry(missing("box2-media", "sonarr"));
    pending.state = State::Pending;
    let mut loud = of(
        service("jackett", EventType::RestartLoop),
        Difference::RestartLoop { restarts: Some(9), state: RunState::Restarting },
    );
    loud.severity = Severity::High;
    let entries = vec![
        entry(missing("box2-media", "radarr")),
        of(service("jackett", EventType::ServiceUnexpected), unexpected()),
        loud,
        of(service("qbittorrent", EventType::PortMismatch), ports),
        of(DriftId::of_field(&"box2-media".into(), None, Field::Ip), address),
        resolved,
        pending,
    ];
    commit(&store, "box2-media", entries).await;
    let down = entry(DriftId::of_host(&"box2-tube".into(), EventType::VmDown));
    commit(&store, "box2-tube", vec![down]).await;

    let mut connection = shell(&path).await;
    let rows = sqlx::query("SELECT * FROM drift_summary ORDER BY hostname, service")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let hosts: Vec<String> = rows.iter().map(|row| row.get("hostname")).collect();
    assert_eq!(hosts, ["box2-media", "box2-media", "box2-media", "box2-media", "box2-tube"]);
    let found: Vec<_> = rows.iter().map(summary).collect();
    assert_eq!(
        found,
        [
            expected_summary(None, r#"["ip 192.168.2.16"]"#, r#"["ip 192.168.2.99"]"#, "04", "low"),
            expected_summary(Some("jackett"), "[]", r#"["jackett"]"#, "02", "high"),
            expected_summary(Some("qbittorrent"), r#"["30024/tcp"]"#, r#"["6881/tcp"]"#, "03", "medium"),
            expected_summary(Some("radarr"), r#"["radarr"]"#, "[]", "00", "high"),
            expected_summary(None, r#"["box2-tube"]"#, "[]", "07", "critical"),
        ]
    );
}

#[tokio::test]
async fn truenas_state_latest_has_the_newest_truenas_observation_of_each_host() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = SqliteStore::open(&path, Options::default()).await.unwrap();
    let nas = |name: &str, text: &str, seconds| {
        let mut row = observed(name, text, seconds);
        row.source = SourceId::new(SourceKind::Truenas, name);
        row
    };
    store.save_observed(&[nas("truenas", "old", 1), nas("backup", "only", 2)]).await.unwrap();
    store.save_observed(&[nas("truenas", "new", 3), observed("truenas", "docker", 9)]).await.unwrap();
    // Seen again as it was: the observation is as old as its last change, and was seen later.
    store.save_observed(&[nas("truenas", "new", 5)]).await.unwrap();
    let mut connection = shell(&path).await;
    let rows = sqlx::query("SELECT * FROM truenas_state_latest ORDER BY hostname")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let found: Vec<[String; 4]> = rows
        .iter()
        .map(|row| ["hostname", "snapshot", "observed_at", "last_seen"].map(|column| row.get(column)))
        .collect();
    let second = |n: u8| format!("2025-12-22T04:00:0{n}.000000Z");
    let shown = |text: &str| format!(r#"{{"containers":[{{"name":"{text}"}}]}}"#);
    assert_eq!(
        found,
        [
            ["backup".to_owned(), shown("only"), second(2), second(2)],
            ["truenas".to_owned(), shown("new"), second(3), second(5)],
        ]
    );
}

#[tokio::test]
async fn the_journal_is_only_added_to_and_only_retention_takes_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = SqliteStore::open(&path, Options::default()).await.unwrap();
    let rows = [1, 2, 3].map(|n| journal(JournalKind::Action, &format!("restarted {n}"), n));
    store.note(&rows).await.unwrap();
    let mut connection = shell(&path).await;
    let refused =
        sqlx::query("UPDATE journal SET actor = 'nobody'").execute(&mut connection).await.unwrap_err();
    assert!(refused.to_string().contains("only added to"), "{refused}");
    let kept = store.journal(&JournalFilter::default(), None, 9).await.unwrap().rows;
    assert_eq!(kept, rows.iter().rev().cloned().collect::<Vec<_>>());

    // Nobody takes a row away, in whatever way it is put, and nobody moves the horizon back to hide that.
    for sql in [
        "DELETE FROM journal",
        "DELETE FROM journal WHERE id = 1",
        "PRAGMA foreign_keys = OFF; DELETE FROM journal WHERE id = 3",
        "INSERT OR REPLACE INTO journal (id, kind, actor, text, created_at) VALUES (1, 'log', 'x', 'x', 'x')",
        "UPDATE OR REPLACE journal SET id = 1 WHERE id = 2",
        "UPDATE journal_horizon SET upto = -1",
        "DELETE FROM journal_horizon",
        "INSERT OR REPLACE INTO journal_horizon (id, upto) VALUES (1, 99)",
        "INSERT INTO journal_horizon (id, upto) VALUES (2, 99)",
    ] {
        assert!(sqlx::raw_sql(sql).execute(&mut connection).await.is_err(), "{sql}");
    }
    let kept = store.journal(&JournalFilter::default(), None, 9).await.unwrap().rows;
    assert_eq!(kept.len(), 3);

    let policy =
        RetentionPolicy { journal: Keep { age: None, count: Some(2) }, ..RetentionPolicy::default() };
    assert_eq!(store.prune(&policy, at(4)).await.unwrap().journal, 1);
    // Above what retention took, it is as it was.
    assert!(sqlx::query("DELETE FROM journal WHERE id = 2").execute(&mut connection).await.is_err());
    let horizon: i64 =
        sqlx::query_scalar("SELECT upto FROM journal_horizon").fetch_one(&mut connection).await.unwrap();
    assert_eq!(horizon, 1);
    assert!(sqlx::query("UPDATE journal_horizon SET upto = 0").execute(&mut connection).await.is_err());
}
