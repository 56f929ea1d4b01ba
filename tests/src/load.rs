//! Load that never rests, and what must be true of the history it leaves, whatever was killed meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use evenkeel_core::ledger::State;
use evenkeel_core::{Event, Transition};
use evenkeel_lab::receiver::Receiver;
use evenkeel_store::{DeliveryState, DriftFilter, Store};

use crate::stage::{Lab, all_deliveries, container, label};

/// What runs on each host under load.
pub const SERVICES: &[(&str, u16)] = &[("web", 80), ("db", 5432), ("cache", 6379)];
/// The hosts under load.
pub const HOSTS: [&str; 2] = ["box", "attic"];

/// A small generator: the same seed gives the same moments and the same load.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers that follow from this one.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// From the environment, so that a run can be repeated; from the clock otherwise.
    pub fn seeded() -> Self {
        let given = std::env::var("EVENKEEL_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| jiff::Timestamp::now().as_nanosecond() as u64);
        #[expect(clippy::print_stderr, reason = "shown where the test fails")]
        {
            eprintln!("EVENKEEL_TEST_SEED={seed}");
        }
        Self(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }

    /// Any number.
    pub fn draw(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A while between these milliseconds.
    pub fn pause(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// Stops, starts, creates and removes containers until told to end.
pub async fn load(lab: Arc<Lab>, mut random: Random, ended: Arc<AtomicBool>) {
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

/// For each drift, openings and ends alternate.
pub fn assert_one_event_per_transition(events: &[Event]) {
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
pub async fn assert_everything_arrived(store: &dyn Store, events: &[Event], receiver: &Receiver) {
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

/// Ends the load in a known state, and says which drifts that is.
pub fn settle(lab: &Lab) -> BTreeSet<String> {
    for host in HOSTS {
        SERVICES.iter().for_each(|(service, _)| lab.engine(host).start_container(service).unwrap());
        let _ = lab.engine(host).remove("guest");
    }
    lab.engine("box").stop("db").unwrap();
    lab.engine("attic").run(container("attic", "guest", 7000));
    ["SERVICE_MISSING db@box", "SERVICE_UNEXPECTED guest@attic"].map(str::to_owned).into()
}

/// Whether exactly these drifts are open or pending.
pub async fn is_open(store: &dyn Store, truth: &BTreeSet<String>) -> bool {
    let filter = DriftFilter { states: vec![State::Open, State::Pending], ..DriftFilter::default() };
    let open = store.drifts(&filter, None, 1000).await.map(|page| page.rows).unwrap_or_default();
    open.iter().map(|entry| label(&entry.id)).collect::<BTreeSet<_>>() == *truth
}

/// Whether everything was delivered, and nothing given up.
pub async fn is_told(store: &dyn Store) -> bool {
    store.outbox().await.is_ok_and(|depths| depths.iter().all(|depth| depth.pending == 0 && depth.dead == 0))
}
