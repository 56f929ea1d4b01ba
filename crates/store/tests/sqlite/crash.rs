//! A controller killed in the middle of its commits: what it acknowledged is there, and nothing is there by half.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a panic is the failed test itself"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::id::Subject;
use evenkeel_store::conformance::repairs_sample::{callback, making, notice, proposal};
use evenkeel_store::conformance::sample::{at, opening};
use evenkeel_store::sqlite::{Options, SqliteStore};
use evenkeel_store::{DeliveryFilter, Error, EventFilter, ProposalFilter, RepairCommit, Store, TokenHash};

const PATH: &str = "EVENKEEL_CRASH_TEST_STORE";
const WRITERS: u32 = 4;

/// What the killed process does: several workers commit, each on a host of its own, and say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_commits_until_it_is_killed() {
    let Ok(path) = std::env::var(PATH) else { return };
    let store = Arc::new(SqliteStore::open(path, Options::default()).await.unwrap());
    let mut workers = Vec::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        workers.push(tokio::spawn(async move {
            let name = format!("host-{writer}");
            let start = store.load(&Subject::Host(name.as_str().into())).await.unwrap().revision;
            for revision in start.. {
                let n = u32::try_from(revision).unwrap() * WRITERS + writer;
                let service = format!("s{revision}");
                let done = store.commit(opening(&name, &service, n, revision, &["n8n"])).await.unwrap();
                store.commit_repair(repair(&name, n)).await.unwrap();
                println!("ack {name} {}", done.revision);
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
}

/// A step with something of everything, from a number.
fn repair(name: &str, n: u32) -> RepairCommit {
    let made = proposal(name, "x", n + 1, "restart");
    let mut answer = callback(0, &made, 100);
    answer.token = hash(n);
    let told = notice(n, Some(&made), &["ntfy"]).unwrap();
    RepairCommit { callbacks: vec![answer], notices: vec![told], ..making(1, &[&made]) }
}

fn hash(n: u32) -> TokenHash {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&n.to_be_bytes());
    TokenHash(hash)
}

/// Every step of repairs is there whole; says up to which revision each host has them.
async fn repairs_are_whole(store: &SqliteStore) -> BTreeMap<String, u64> {
    let proposals = store.proposals(&ProposalFilter::default(), None, 1_000_000).await.unwrap().rows;
    let rows = store.rows().await.unwrap();
    let told = DeliveryFilter { sink: Some("ntfy".to_owned()), ..DeliveryFilter::default() };
    let told = store.deliveries(&told, None, 1_000_000).await.unwrap().rows;
    assert_eq!((rows.proposals, rows.notices), (proposals.len() as u64, told.len() as u64));
    assert_eq!(rows.proposals, rows.notices);
    let mut reached = BTreeMap::new();
    for row in proposals {
        let n = row.proposal.id.number - 1;
        let callback = store.callback(hash(n)).await.unwrap();
        assert_eq!(callback.map(|callback| callback.proposal), Some(row.proposal.key));
        let revision = reached.entry(row.proposal.id.drift.subject.host().unwrap().to_string()).or_default();
        *revision = u64::from(n / WRITERS + 1).max(*revision);
    }
    reached
}

fn spawn(path: &std::path::Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child_that_commits_until_it_is_killed", "--nocapture"])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads acknowledgements until there are enough, kills, and reads what was still said. Returns the last per host.
fn run_and_kill(path: &std::path::Path, after: usize) -> BTreeMap<String, u64> {
    let mut child = spawn(path);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acks = BTreeMap::new();
    let mut note = |line: &str| {
        // The harness's own "test x ... " may stand before the first line.
        let Some((_, ack)) = line.split_once("ack ") else {
            return false;
        };
        let Some((host, revision)) = ack.split_once(' ') else {
            return false;
        };
        let Ok(revision) = revision.parse() else {
            return false;
        };
        acks.insert(host.to_owned(), revision);
        true
    };
    let mut count = 0;
    while count < after {
        let line = lines.next().expect("the child ended by itself").unwrap();
        count += usize::from(note(&line));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    // The very last line may have been cut in the middle of a number.
    for line in rest.iter().take(rest.len().saturating_sub(1)) {
        note(line);
    }
    acks
}

#[tokio::test]
async fn every_commit_is_whole_after_kill_nine() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    for round in 0..8_usize {
        let acks = run_and_kill(&path, 1 + round * 23);
        let store = SqliteStore::open(&path, Options::default()).await.unwrap();
        let repaired = repairs_are_whole(&store).await;
        let mut total = 0;
        for loaded in store.load_all().await.unwrap() {
            let host = loaded.ledger.subject.host().unwrap().clone();
            let acknowledged = acks.get(host.as_str()).copied().unwrap_or(0);
            assert!(loaded.revision >= acknowledged, "{host}: {} of {acknowledged}", loaded.revision);
            let repaired = repaired.get(host.as_str()).copied().unwrap_or(0);
            assert!(repaired >= acknowledged, "{host}: repairs of {repaired}, not of {acknowledged}");
            assert_eq!(loaded.ledger.entries.len() as u64, loaded.revision);
            let events = EventFilter { host: Some(host), ..EventFilter::default() };
            let events = store.events(&events, None, 1_000_000).await.unwrap().rows;
            assert_eq!(events.len() as u64, loaded.revision);
            total += loaded.revision;
        }
        let events = DeliveryFilter { sink: Some("n8n".to_owned()), ..DeliveryFilter::default() };
        let deliveries = store.deliveries(&events, None, 1_000_000).await.unwrap();
        assert_eq!(deliveries.rows.len() as u64, total);
        store.close().await;
    }
}

#[tokio::test]
async fn a_second_controller_is_told_who_holds_the_file_until_that_one_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evenkeel.db");
    let mut child = spawn(&path);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while !lines.next().unwrap().unwrap().contains("ack ") {}
    match SqliteStore::open(&path, Options::default()).await {
        Err(error @ Error::Locked { .. }) => {
            assert!(error.to_string().contains(&format!("(pid {})", child.id())), "{error}");
        }
        other => panic!("not refused: {other:?}"),
    }
    // Meanwhile questions are answered.
    let reader = SqliteStore::open_read_only(&path, Options::default()).await.unwrap();
    assert!(!reader.events(&EventFilter::default(), None, 5).await.unwrap().rows.is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    let store = SqliteStore::open(&path, Options::default()).await.unwrap();
    // What the killed one had claimed would be due at once; nothing is lost either way.
    assert!(!store.claim(None, 5, Duration::from_secs(1), at(1_000_000)).await.unwrap().is_empty());
}
