//! A server killed, and connections cut, in the middle of commits: what was acknowledged is there, nothing is there by
//! half, and the store goes on by itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use evenkeel_core::Secret;
use evenkeel_core::id::HostName;
use evenkeel_store::conformance::repairs_sample::{callback, making, notice, proposal};
use evenkeel_store::conformance::sample::{at, host, journal, opening};
use evenkeel_store::postgres::{Options, PgStore};
use evenkeel_store::{
    DeliveryFilter, DeliveryState, Error, EventFilter, JournalKind, Outcome, ProposalFilter, RepairCommit,
    Store, TokenHash,
};
use sqlx::Connection as _;
use xtask::real::Postgres;

const WRITERS: u32 = 4;
const LEASE: Duration = Duration::from_secs(60);
/// How long to wait for something to happen on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server of this test's own; the test is skipped where there can be none.
fn server() -> Option<Postgres> {
    crate::rig::address(crate::rig::DIRECT)?;
    Some(Postgres::start().unwrap())
}

fn options(server: &Postgres, transaction_pooler: bool) -> Options {
    Options {
        url: Secret::new(server.url()),
        password: None,
        ca_file: None,
        schema: "crash".to_owned(),
        transaction_pooler,
        plaintext: false,
        connections: 6,
    }
}

/// Waits until the store does what it is asked.
async fn until_it_works<T, F: Future<Output = Result<T, Error>>>(mut ask: impl FnMut() -> F) -> T {
    let works = async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(error) if error.is_transient() => tokio::task::yield_now().await,
                Err(error) => panic!("{error}: {error:?}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, works).await.expect("the store did not come back")
}

/// What writers did: how often each host's commit was acknowledged, and how many were in all.
#[derive(Debug, Default)]
struct Acknowledged {
    revisions: std::sync::Mutex<BTreeMap<String, u64>>,
    commits: AtomicU64,
    /// The numbers of the steps of repairs.
    steps: std::sync::Mutex<BTreeSet<u32>>,
}

/// A step with something of everything, from a number.
fn step(name: &str, n: u32) -> RepairCommit {
    let made = proposal(name, "x", n + 1, "restart");
    let mut answer = callback(0, &made, 100);
    answer.token = hash(n);
    let told = notice(n, Some(&made), &["ntfy"]).unwrap();
    let journal = vec![journal(JournalKind::Decision, "asked", 1)];
    RepairCommit { callbacks: vec![answer], notices: vec![told], journal, ..making(1, &[&made]) }
}

fn hash(n: u32) -> TokenHash {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&n.to_be_bytes());
    TokenHash(hash)
}

/// Commits for a host until told to end. What failed is looked up and made again, as a pass is.
async fn write(store: Arc<PgStore>, writer: u32, seen: Arc<Acknowledged>, enough: Arc<AtomicBool>) {
    let name = format!("host-{writer}");
    let subject = host(&name);
    while !enough.load(Ordering::Relaxed) {
        let revision = until_it_works(|| store.load(&subject)).await.revision;
        let n = u32::try_from(revision).unwrap() * WRITERS + writer;
        match store.commit(opening(&name, &format!("s{revision}"), n, revision, &["n8n"])).await {
            Ok(done) => {
                assert_eq!(done.revision, revision + 1);
                seen.revisions.lock().unwrap().insert(name.clone(), done.revision);
                seen.commits.fetch_add(1, Ordering::Relaxed);
                match store.commit_repair(step(&name, n)).await {
                    Ok(()) => drop(seen.steps.lock().unwrap().insert(n)),
                    // It may be there all the same.
                    Err(error) => assert!(error.is_transient(), "{error}: {error:?}"),
                }
            }
            Err(error) => assert!(error.is_transient(), "{error}: {error:?}"),
        }
    }
}

/// Claims and settles until everything is written, and then until nothing is left.
async fn deliver(store: Arc<PgStore>, written: Arc<AtomicBool>) {
    loop {
        let ending = written.load(Ordering::Relaxed);
        // A claim whose answer is lost has run out at once.
        let now = at(10_000_000);
        let Ok(claimed) = store.claim(None, 10, Duration::ZERO, now).await else { continue };
        if ending && claimed.is_empty() {
            return;
        }
        let outcomes: Vec<_> = claimed.iter().map(|one| (one.ticket, Outcome::Delivered)).collect();
        // Lost, it is claimed and settled again.
        let _ = store.settle_all(&outcomes, now).await;
    }
}

async fn everything_is_whole(store: &PgStore, seen: &Acknowledged) {
    let mut total = 0;
    let acknowledged = seen.revisions.lock().unwrap().clone();
    for loaded in until_it_works(|| store.load_all()).await {
        let name: HostName = loaded.ledger.subject.host().unwrap().clone();
        let least = acknowledged.get(name.as_str()).copied().unwrap_or(0);
        assert!(loaded.revision >= least, "{name}: {} of {least}", loaded.revision);
        assert_eq!(loaded.ledger.entries.len() as u64, loaded.revision);
        let events = EventFilter { host: Some(name), ..EventFilter::default() };
        let events = until_it_works(|| store.events(&events, None, 1_000_000)).await.rows;
        assert_eq!(events.len() as u64, loaded.revision);
        total += loaded.revision;
    }
    let told = async |sink: &str| {
        let filter = DeliveryFilter { sink: Some(sink.to_owned()), ..DeliveryFilter::default() };
        until_it_works(|| store.deliveries(&filter, None, 1_000_000)).await.rows.len() as u64
    };
    assert_eq!(told("n8n").await, total);
    let steps = seen.steps.lock().unwrap().clone();
    let all = ProposalFilter::default();
    let proposals = until_it_works(|| store.proposals(&all, None, 1_000_000)).await.rows;
    let rows = until_it_works(|| store.rows()).await;
    let count = proposals.len() as u64;
    assert_eq!([rows.proposals, rows.notices, rows.journal, told("ntfy").await], [count; 4]);
    let mut kept = BTreeSet::new();
    for row in proposals {
        let n = row.proposal.id.number - 1;
        let callback = until_it_works(|| store.callback(hash(n))).await;
        assert_eq!(callback.map(|callback| callback.proposal), Some(row.proposal.key));
        kept.insert(n);
    }
    assert!(!steps.is_empty() && kept.is_superset(&steps), "acknowledged and gone: {:?}", &steps - &kept);
}

/// Runs writers and a deliverer; whenever so many commits more were acknowledged, something happens to the server.
async fn disturbed(store: &Arc<PgStore>, rounds: u64, every: u64, mut happens: impl AsyncFnMut()) {
    let (seen, enough) = (Arc::new(Acknowledged::default()), Arc::new(AtomicBool::new(false)));
    let written = Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(Arc::clone(store), writer, Arc::clone(&seen), Arc::clone(&enough)));
    }
    let deliverer = tokio::spawn(deliver(Arc::clone(store), Arc::clone(&written)));
    for round in 0..rounds {
        let target = seen.commits.load(Ordering::Relaxed) + 1 + round * every;
        let reached = async {
            while seen.commits.load(Ordering::Relaxed) < target {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("no commit gets in any more");
        happens().await;
    }
    enough.store(true, Ordering::Relaxed);
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    written.store(true, Ordering::Relaxed);
    deliverer.await.unwrap();
    everything_is_whole(store, &seen).await;
    let waiting = DeliveryFilter { states: vec![DeliveryState::Pending], ..DeliveryFilter::default() };
    assert!(store.deliveries(&waiting, None, 9).await.unwrap().rows.is_empty(), "not all were delivered");
}

async fn server_is_killed(transaction_pooler: bool) {
    let Some(mut server) = server() else { return };
    let store = Arc::new(PgStore::open(&options(&server, transaction_pooler)).await.unwrap());
    let first = store.lead("the test", LEASE).await.unwrap();
    disturbed(&store, 6, 9, async || {
        server.kill().unwrap();
        server.restart().unwrap();
    })
    .await;
    // Nobody took the lead meanwhile.
    assert_eq!(until_it_works(|| store.lead("the test", LEASE)).await, first);
}

async fn connections_are_cut(transaction_pooler: bool) {
    let Some(server) = server() else { return };
    let store = Arc::new(PgStore::open(&options(&server, transaction_pooler)).await.unwrap());
    store.lead("the test", LEASE).await.unwrap();
    let mut cutter = sqlx::PgConnection::connect(&server.url()).await.unwrap();
    disturbed(&store, 30, 1, async || {
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'evenkeel'",
        )
        .execute(&mut cutter)
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_commit_is_whole_after_the_server_was_killed() {
    server_is_killed(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_transaction_is_whole_after_the_server_was_killed() {
    server_is_killed(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_commit_is_whole_after_its_connection_was_cut() {
    connections_are_cut(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_transaction_is_whole_after_its_connection_was_cut() {
    connections_are_cut(true).await;
}
