//! `kill -9` at any moment, again and again, while containers stop and start: what was announced arrives, nothing is
//! said twice as two events, and the ledger ends as the true difference.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use evenkeel_lab::receiver::{Mode, Receiver};
use evenkeel_store::{SqliteStore, Store};
use evenkeel_tests::load::{
    HOSTS, Random, SERVICES, assert_everything_arrived, assert_one_event_per_transition, is_open, is_told,
    load, settle,
};
use evenkeel_tests::program::Home;
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, all_events, soon};

/// How often it is killed.
const ROUNDS: u32 = 30;

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_loses_nothing_and_invents_nothing() {
    let hosts = HOSTS.map(|host| (host, SERVICES));
    let lab = Arc::new(Lab::small(&hosts).await);
    let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
    receiver.set_mode(Mode::Slow(Duration::from_millis(20)));
    let home = Home::new(&lab, Some(&receiver.url()));
    let mut random = Random::seeded();
    let ended = Arc::new(AtomicBool::new(false));
    let loading = tokio::spawn(load(lab.clone(), Random::of(random.below(u64::MAX)), ended.clone()));

    for round in 0..ROUNDS {
        let program = home.start().await;
        // Some die while they start, most while they work.
        if round % 4 != 0 {
            program.until_logged("running").await;
        }
        tokio::time::sleep(random.pause(0, 700)).await;
        program.kill().await;
    }
    ended.store(true, Ordering::Relaxed);
    loading.await.unwrap();
    let truth = settle(&lab);
    receiver.set_mode(Mode::Acknowledge);

    let program = home.start().await;
    assert!(soon(|| async { is_open_in(&home.database(), &truth).await }).await, "{}", program.log());
    assert!(soon(|| async { is_told_in(&home.database()).await }).await, "{}", program.log());
    program.stop().await;

    let store = SqliteStore::open_read_only(home.database(), Default::default()).await.unwrap();
    let mut events = all_events(&store).await;
    events.reverse();
    assert!(events.len() > 20, "{} events are no load", events.len());
    assert_one_event_per_transition(&events);
    assert_everything_arrived(&store, &events, &receiver).await;
    store.close().await;
}

async fn is_open_in(database: &Path, truth: &BTreeSet<String>) -> bool {
    let Ok(store) = SqliteStore::open_read_only(database, Default::default()).await else { return false };
    let is_open = is_open(&store, truth).await;
    store.close().await;
    is_open
}

async fn is_told_in(database: &Path) -> bool {
    let Ok(store) = SqliteStore::open_read_only(database, Default::default()).await else { return false };
    let is_told = is_told(&store).await;
    store.close().await;
    is_told
}
