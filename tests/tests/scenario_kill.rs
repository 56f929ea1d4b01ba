//! `kill -9` at any moment, again and again, while containers stop and start: what was announced arrives, nothing is
//! said twice as two events, and the ledger ends as the true difference.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use evenkeel_core::ledger::State;
use evenkeel_core::{Event, Transition};
use evenkeel_lab::receiver::{Mode, Receiver};
use evenkeel_store::{DeliveryState, DriftFilter, SqliteStore, Store};
use evenkeel_tests::program::Home;
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, all_deliveries, all_events, container, label, soon};

const SERVICES: &[(&str, u16)] = &[("web", 80), ("db", 5432), ("cache", 6379)];
const HOSTS: [&str; 2] = ["box", "attic"];
/// How often it is killed.
const ROUNDS: u32 = 30;

/// A small generator: the same seed gives the same moments and the same load.
struct Random(u64);

impl Random {
    /// From the environment, so that a run can be repeated; from the clock otherwise.
    fn seeded() -> Self {
        let given = std::env::var("EVENKEEL_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| jiff::Timestamp::now().as_nanosecond() as u64);
        #[expect(clippy::print_stderr, reason = "shown where the test fails")]
        {
            eprintln!("EVENKEEL_TEST_SEED={seed}");
        }
        Self(seed)
    }

    fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn pause(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// Stops, starts, creates and removes containers until told to end.
async fn load(lab: Arc<Lab>, mut random: Random, ended: Arc<AtomicBool>) {
    while !ended.load(Ordering::Relaxed) {
        let engine = lab.engine(HOSTS[random.below(2) as usize]);
        let (service, _) = SERVICES[random.below(3) as usize];
        // What cannot be done now (a guest that is not there) is not done.
        let _ = match random.below(6) {
            0 | 1 => engine.stop(service),
            2 | 3 => engine.start_container(service),
            4 => {
                let _ = engine.remove("guest");
                engine.run(container("any", "guest", 7000));
                Ok(())
            }
            _ => engine.remove("guest"),
        };
        tokio::time::sleep(random.pause(5, 60)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_loses_nothing_and_invents_nothing() {
    let hosts = HOSTS.map(|host| (host, SERVICES));
    let lab = Arc::new(Lab::small(&hosts).await);
    let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
    receiver.set_mode(Mode::Slow(Duration::from_millis(20)));
    let home = Home::new(&lab, Some(&receiver.url()));
    let mut random = Random::seeded();
    let ended = Arc::new(AtomicBool::new(false));
    let loading = tokio::spawn(load(lab.clone(), Random(random.below(u64::MAX)), ended.clone()));

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
    for host in HOSTS {
        SERVICES.iter().for_each(|(service, _)| lab.engine(host).start_container(service).unwrap());
        let _ = lab.engine(host).remove("guest");
    }
    lab.engine("box").stop("db").unwrap();
    lab.engine("attic").run(container("attic", "guest", 7000));
    receiver.set_mode(Mode::Acknowledge);

    let program = home.start().await;
    let truth = ["SERVICE_MISSING db@box", "SERVICE_UNEXPECTED guest@attic"].map(str::to_owned).into();
    assert!(soon(|| async { is_open(&home.database(), &truth).await }).await, "{}", program.log());
    assert!(soon(|| async { is_empty(&home.database()).await }).await, "{}", program.log());
    program.stop().await;

    let store = SqliteStore::open_read_only(home.database(), Default::default()).await.unwrap();
    let mut events = all_events(&store).await;
    events.reverse();
    assert!(events.len() > 20, "{} events are no load", events.len());
    assert_one_event_per_transition(&events);
    assert_everything_arrived(&store, &events, &receiver).await;
    store.close().await;
}

/// For each drift, openings and ends alternate.
fn assert_one_event_per_transition(events: &[Event]) {
    let mut open: BTreeMap<&str, bool> = BTreeMap::new();
    for event in events {
        let is_open = open.entry(&event.drift_id).or_default();
        let after = match event.transition {
            Transition::Opened | Transition::Reopened => true,
            Transition::Resolved => false,
            Transition::Changed | Transition::Reminder => continue,
        };
        assert_ne!(*is_open, after, "{} {} twice", event.transition, event.drift_id);
        *is_open = after;
    }
}

/// Each event has its delivery, each delivery arrived, and whatever arrived is an event as it is in the store.
async fn assert_everything_arrived(store: &dyn Store, events: &[Event], receiver: &Receiver) {
    let deliveries = all_deliveries(store).await;
    assert!(deliveries.iter().all(|row| row.state == DeliveryState::Delivered), "{deliveries:#?}");
    let delivered: BTreeSet<_> = deliveries.iter().map(|row| row.event).collect();
    let announced: BTreeSet<_> = events.iter().filter(|event| event.announce).map(|event| event.id).collect();
    assert_eq!(delivered, announced);
    assert_eq!(delivered.len(), deliveries.len(), "one delivery per event");
    let stored: BTreeMap<String, &Event> = events.iter().map(|event| (event.id.to_string(), event)).collect();
    let arrived = receiver.arrived();
    for id in &announced {
        assert!(receiver.count(&id.to_string()) >= 1, "{id} never arrived");
    }
    for arrived in &arrived {
        let event: Event = serde_json::from_slice(&arrived.body).unwrap();
        let known =
            stored.get(&arrived.id).unwrap_or_else(|| panic!("{} was told and is not kept", arrived.id));
        assert_eq!(
            (event.id, &event.drift_id, event.transition),
            (known.id, &known.drift_id, known.transition)
        );
        assert!(arrived.verified);
    }
}

async fn is_open(database: &Path, truth: &BTreeSet<String>) -> bool {
    let Ok(store) = SqliteStore::open_read_only(database, Default::default()).await else { return false };
    let filter = DriftFilter { states: vec![State::Open, State::Pending], ..DriftFilter::default() };
    let open = store.drifts(&filter, None, 1000).await.map(|page| page.rows).unwrap_or_default();
    store.close().await;
    open.iter().map(|entry| label(&entry.id)).collect::<BTreeSet<_>>() == *truth
}

async fn is_empty(database: &Path) -> bool {
    let Ok(store) = SqliteStore::open_read_only(database, Default::default()).await else { return false };
    let depths = store.outbox().await;
    store.close().await;
    depths.is_ok_and(|depths| depths.iter().all(|depth| depth.pending == 0 && depth.dead == 0))
}
