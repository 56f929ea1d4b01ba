//! A backup made while the store is written is a whole store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use evenkeel_store::conformance::sample::{at, host, observed, opening};
use evenkeel_store::sqlite::backup::{Error, backup};
use evenkeel_store::sqlite::{Options, SqliteStore};
use evenkeel_store::{DeliveryFilter, EventFilter, Keep, RetentionPolicy, Store};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio_util::sync::CancellationToken;

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Options::default()).await.unwrap()
}

/// Commits until told to stop: each pass one event with two deliveries. Says how many.
async fn load(store: SqliteStore, name: &str, first: u32, stop: CancellationToken) -> u32 {
    let mut n = 0;
    while !stop.is_cancelled() {
        let pass = opening(name, &format!("s{}", n % 50), first + n, u64::from(n), &["n8n", "ntfy"]);
        store.commit(pass).await.unwrap();
        n += 1;
    }
    n
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_copy_made_under_load_agrees_with_itself_and_can_be_led() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("evenkeel.db")).await;
    for n in 0..40 {
        store
            .save_observed(&[observed("big", &"x".repeat(200_000 + n), i64::try_from(n).unwrap())])
            .await
            .unwrap();
    }
    let stop = CancellationToken::new();
    let writers: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .zip([0, 1_000_000, 2_000_000])
        .map(|(name, first)| tokio::spawn(load(store.clone(), name, first, stop.clone())))
        .collect();
    let mut newest = 0;
    for round in 0..5 {
        // Some was written since the last copy, whatever else holds this machine up.
        while store.stats().await.unwrap().last_seq < newest + 20 {
            tokio::task::yield_now().await;
        }
        let to = dir.path().join(format!("copy-{round}.db"));
        let made = backup(&dir.path().join("evenkeel.db"), &to).await.unwrap();
        newest = made.stats.last_seq;
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(&to).unwrap().len(), made.bytes);

        let copy = open(&to).await;
        let events = copy.events(&EventFilter::default(), None, 1_000_000).await.unwrap().rows;
        assert_eq!(events.len() as u64, made.stats.events);
        assert!(events.len() >= 20);
        let mut by_subject: BTreeMap<String, u64> = BTreeMap::new();
        for event in &events {
            *by_subject.entry(event.subject.to_string()).or_default() += 1;
        }
        // One event and two deliveries a revision: a copy of two moments would not add up.
        for name in ["a", "b", "c"] {
            let loaded = copy.load(&host(name)).await.unwrap();
            assert_eq!(loaded.revision, by_subject.get(&format!("host:{name}")).copied().unwrap_or(0));
            assert_eq!(loaded.ledger.entries.len() as u64, loaded.revision.min(50));
        }
        let deliveries = copy.deliveries(&DeliveryFilter::default(), None, 1_000_000).await.unwrap().rows;
        assert_eq!(deliveries.len(), events.len() * 2);
        // It goes on from there, and gives back what retention frees.
        let revision = copy.load(&host("a")).await.unwrap().revision;
        copy.commit(opening("a", "after", 3_000_000, revision, &[])).await.unwrap();
        assert_eq!(copy.claim(None, 4, Duration::from_secs(1), at(1 << 32)).await.unwrap().len(), 4);
        let before = copy.size().await.unwrap();
        let one =
            RetentionPolicy { snapshots: Keep { age: None, count: Some(1) }, ..RetentionPolicy::default() };
        assert_eq!(copy.prune(&one, at(0)).await.unwrap().snapshots, 39);
        copy.close().await;
        assert!(std::fs::metadata(&to).unwrap().len() < before - 4_000_000);
    }
    stop.cancel();
    for writer in writers {
        assert!(writer.await.unwrap() > 0);
    }
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("partial")), "{left:?}");
}

#[tokio::test]
async fn a_database_that_cannot_give_back_what_is_free_has_a_copy_that_can() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    open(&path).await.close().await;
    let mut shell = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    for sql in ["PRAGMA journal_mode = DELETE", "PRAGMA auto_vacuum = NONE", "VACUUM"] {
        sqlx::query(sql).execute(&mut shell).await.unwrap();
    }
    let is = |file: std::path::PathBuf| async move {
        let mut shell = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        sqlx::query_scalar::<_, i64>("PRAGMA auto_vacuum").fetch_one(&mut shell).await.unwrap()
    };
    shell.close().await.unwrap();
    // Opened as ever, retention included.
    let store = open(&path).await;
    store.prune(&RetentionPolicy::default(), at(0)).await.unwrap();
    assert_eq!(is(path.clone()).await, 0);
    backup(&path, &dir.path().join("copy.db")).await.unwrap();
    assert_eq!(is(dir.path().join("copy.db")).await, 2);
}

#[tokio::test]
async fn a_backup_never_overwrites_and_leaves_nothing_when_it_fails() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let store = open(&path).await;
    store.commit(opening("a", "x", 1, 0, &["n8n"])).await.unwrap();
    let to = dir.path().join("copy.db");
    std::fs::write(&to, "mine").unwrap();
    let refused = backup(&path, &to).await.unwrap_err();
    assert!(matches!(refused, Error::Exists(_)), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "mine");

    let refused = backup(&path, &dir.path().join("nowhere").join("copy.db")).await.unwrap_err();
    assert!(matches!(refused, Error::Io { .. }), "{refused:?}");
    let refused = backup(&dir.path().join("no.db"), &dir.path().join("new.db")).await.unwrap_err();
    assert!(matches!(refused, Error::Store(evenkeel_store::Error::Unavailable { .. })), "{refused:?}");
    std::fs::write(dir.path().join("other.db"), "no database".repeat(100)).unwrap();
    let refused = backup(&dir.path().join("other.db"), &dir.path().join("new.db")).await.unwrap_err();
    assert!(matches!(refused, Error::Store(evenkeel_store::Error::Corrupt { .. })), "{refused:?}");
    let mut left: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("evenkeel.db"))
        .collect();
    left.sort();
    assert_eq!(left, ["copy.db", "other.db"]);
}
