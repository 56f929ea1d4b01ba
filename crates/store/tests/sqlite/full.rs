//! A disk that is full, a real one: a small file system of its own, in a name space of its own, which is gone with the
//! test however it ends. Needs the right to mount; without it the tests say SKIPPED.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic is the failed test itself, and a skipped one must say so"
)]

use std::path::PathBuf;
use std::process::Command;

use evenkeel_store::conformance::sample::{at, event, host, missing, opening};
use evenkeel_store::sqlite::{Options, SqliteStore};
use evenkeel_store::{Error, EventFilter, Keep, PassCommit, RetentionPolicy, Store};

const DISK: &str = "EVENKEEL_TEST_FULL_DISK";

/// The small disk, inside; outside, `None` after the test of this name was run inside.
fn small_disk(test: &str) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(DISK) {
        return Some(PathBuf::from(disk));
    }
    let dir = tempfile::tempdir().unwrap();
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c"]);
        command
    };
    let probe = unshare().arg("mount -t tmpfs -o size=1m tmpfs \"$0\"").arg(dir.path()).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        eprintln!("SKIPPED: this user may not mount a file system to fill up");
        return None;
    }
    let inside = unshare()
        .arg("mount -t tmpfs -o size=64m tmpfs \"$0\" && exec \"$@\"")
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .args([&format!("full::{test}"), "--exact", "--nocapture"])
        .env(DISK, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&inside.stdout);
    // A name that fits no test is a success as well.
    assert!(inside.status.success() && said.contains("1 passed"), "{said}{inside:?}");
    None
}

fn pass(n: u32) -> PassCommit {
    let mut pass = PassCommit::new(host("a"), u64::from(n), at(i64::from(n)));
    pass.events = (n * 200..(n + 1) * 200).map(|n| event(n, &missing("a", "x"))).collect();
    pass
}

/// Fills the disk up with events; says how many passes it took.
async fn fill(store: &SqliteStore, from: u32) -> u32 {
    let mut n = from;
    loop {
        match store.commit(pass(n)).await {
            Ok(_) => n += 1,
            Err(Error::Full { .. }) => return n,
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test]
async fn retention_makes_room_on_a_disk_without_a_free_block() {
    let Some(disk) = small_disk("retention_makes_room_on_a_disk_without_a_free_block") else { return };
    let path = disk.join("evenkeel.db");
    let store = SqliteStore::open(&path, Options::default()).await.unwrap();
    let few = RetentionPolicy { events: Keep { age: None, count: Some(5000) }, ..RetentionPolicy::default() };
    // A run on a database that has grown a little takes up room for this day.
    for n in 0..20 {
        store.commit(pass(n)).await.unwrap();
    }
    store.prune(&RetentionPolicy::default(), at(0)).await.unwrap();
    let mut committed = 20;
    for round in 0..3 {
        committed = fill(&store, committed).await;
        // Whatever is left goes, too.
        let rest = disk.join("rest");
        let _ = std::fs::write(&rest, vec![1; 64 << 20]);
        let full = store.commit(pass(committed)).await.unwrap_err();
        assert!(matches!(full, Error::Full { .. }), "{full:?}");
        let before = store.size().await.unwrap();

        let pruned = store.prune(&few, at(0)).await.unwrap();
        assert!(pruned.events > 5_000, "round {round}: {pruned:?}");
        let after = store.size().await.unwrap();
        assert!(after < before / 2 + (16 << 20), "round {round}: {before} bytes before, {after} after");
        // The room is there again for the next time once there is enough for both.
        std::fs::remove_file(rest).unwrap();
        store.prune(&few, at(0)).await.unwrap();
        assert!(disk.join("evenkeel.db-reserve").exists(), "round {round}");

        store.commit(pass(committed)).await.unwrap();
        committed += 1;
        let newest = store.events(&EventFilter::default(), None, 1).await.unwrap().rows;
        assert_eq!(newest[0].seq, u64::from(committed) * 200);
    }
}

#[tokio::test]
async fn a_full_disk_that_retention_cannot_help_says_so_and_loses_nothing() {
    let Some(disk) = small_disk("a_full_disk_that_retention_cannot_help_says_so_and_loses_nothing") else {
        return;
    };
    let store = SqliteStore::open(disk.join("evenkeel.db"), Options::default()).await.unwrap();
    store.prune(&RetentionPolicy::default(), at(0)).await.unwrap();
    let committed = fill(&store, 0).await;
    // Everything is young enough to stay.
    let pruned = store.prune(&RetentionPolicy::default(), at(0)).await.unwrap();
    assert_eq!(pruned, evenkeel_store::Pruned::default());
    let refused = store.commit(opening("b", "x", 4_000_000, 0, &["n8n"])).await;
    assert!(refused.is_ok() || matches!(refused, Err(Error::Full { .. })), "{refused:?}");
    assert_eq!(store.rows().await.unwrap().events, u64::from(committed) * 200 + u64::from(refused.is_ok()));
}

#[tokio::test]
async fn the_log_makes_room_where_there_is_nothing_to_remove() {
    let Some(disk) = small_disk("the_log_makes_room_where_there_is_nothing_to_remove") else { return };
    let store = SqliteStore::open(disk.join("evenkeel.db"), Options::default()).await.unwrap();
    store.prune(&RetentionPolicy::default(), at(0)).await.unwrap();
    // All of it is in the log, the same few pages again and again, and the file has never grown.
    let small = |n: u32| opening("b", &format!("s{n}"), n, u64::from(n), &["n8n"]);
    let mut committed = 0;
    while committed < 200 {
        store.commit(small(committed)).await.unwrap();
        committed += 1;
    }
    let _ = std::fs::write(disk.join("rest"), vec![1; 64 << 20]);
    let full = loop {
        match store.commit(small(committed)).await {
            Ok(_) => committed += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, Error::Full { .. }), "{full:?}");

    assert_eq!(
        store.prune(&RetentionPolicy::default(), at(0)).await.unwrap(),
        evenkeel_store::Pruned::default()
    );
    for _ in 0..20 {
        store.commit(small(committed)).await.unwrap();
        committed += 1;
    }
    assert_eq!(store.rows().await.unwrap().events, u64::from(committed));
}
