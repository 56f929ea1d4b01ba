//! Random histories: whatever is committed, claimed and settled in whatever order, the store knows what a naive model
//! in memory knows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

#[path = "postgres/rig.rs"]
mod postgres;

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_core::id::DriftId;
use evenkeel_store::conformance::sample::{at, delivery, entry, event, host, missing};
use evenkeel_store::sqlite::{Options, SqliteStore};
use evenkeel_store::{DeliveryFilter, DeliveryState, Error, EventFilter, Outcome, PassCommit, Store, Ticket};
use postgres::{DIRECT, Schema};
use proptest::prelude::*;

const LEASE: Duration = Duration::from_secs(7);

#[derive(Clone, Debug)]
enum Step {
    /// A pass over a host: which services are written, which removed, whether the revision is right, whether an event's
    /// id is one that was used before.
    Commit {
        host: u8,
        write: Vec<u8>,
        remove: Vec<u8>,
        stale: bool,
        reuse: bool,
    },
    Claim {
        limit: u32,
    },
    Settle {
        which: usize,
        how: u8,
    },
    Release {
        which: usize,
    },
    Wait {
        seconds: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let services = || proptest::collection::vec(0..4_u8, 0..4);
    prop_oneof![
        4 => (0..3_u8, services(), services(), proptest::bool::weighted(0.1), proptest::bool::weighted(0.1))
            .prop_map(|(host, write, remove, stale, reuse)| Step::Commit { host, write, remove, stale, reuse }),
        3 => (1..5_u32).prop_map(|limit| Step::Claim { limit }),
        3 => (0..100_usize, 0..3_u8).prop_map(|(which, how)| Step::Settle { which, how }),
        1 => (0..100_usize).prop_map(|which| Step::Release { which }),
        2 => (0..20_i64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    /// Which of the deliveries; a refused commit may leave a gap.
    id: u64,
    drift: String,
    state: DeliveryState,
    attempts: u32,
    due: i64,
    claimed: bool,
}

#[derive(Default)]
struct Model {
    now: i64,
    revisions: BTreeMap<u8, u64>,
    entries: BTreeMap<u8, BTreeMap<DriftId, u32>>,
    events: u32,
    rows: Vec<Row>,
    tickets: Vec<Ticket>,
}

impl Model {
    /// Which row a ticket is for.
    fn of(&self, ticket: Ticket) -> usize {
        self.rows.iter().position(|row| row.id == ticket.delivery).expect("a ticket for no delivery")
    }

    /// Whether an earlier delivery of the same drift is neither delivered nor dead.
    fn held_back(&self, i: usize) -> bool {
        let row = &self.rows[i];
        self.rows[..i].iter().any(|r| r.drift == row.drift && r.state == DeliveryState::Pending)
    }

    fn claimable(&self) -> Vec<usize> {
        let due = |row: &Row| row.state == DeliveryState::Pending && row.due <= self.now;
        (0..self.rows.len()).filter(|&i| due(&self.rows[i]) && !self.held_back(i)).collect()
    }

    fn current(&self, ticket: Ticket, i: usize) -> bool {
        let row = &self.rows[i];
        row.state == DeliveryState::Pending && row.claimed && row.attempts == ticket.attempt
    }
}

async fn commit(store: &dyn Store, model: &mut Model, step: &Step) -> Result<(), TestCaseError> {
    let Step::Commit { host: h, write, remove, stale, reuse } = step else {
        return Ok(());
    };
    let name = format!("h{h}");
    let revision = model.revisions.get(h).copied().unwrap_or(0);
    let mut pass = PassCommit::new(host(&name), revision + u64::from(*stale), at(model.now));
    let mut write = write.clone();
    write.sort_unstable();
    write.dedup();
    let mut n = model.events;
    for service in &write {
        let id = missing(&name, &format!("s{service}"));
        // The first event may take the number of one that is there already.
        let taken = if *reuse && n == model.events && n > 0 { n - 1 } else { n };
        let event = event(taken, &id);
        n += 1;
        let mut entry = entry(id);
        entry.seen = n;
        pass.deliveries.push(delivery("n8n", &event));
        pass.events.push(event);
        pass.upserts.push(entry);
    }
    let removed = remove.iter().filter(|service| !write.contains(service));
    pass.removals = removed.map(|service| missing(&name, &format!("s{service}"))).collect();
    let refused = *reuse && !write.is_empty() && model.events > 0;
    let outcome = store.commit(pass.clone()).await;
    if *stale {
        prop_assert!(matches!(outcome, Err(Error::Conflict { .. })), "{outcome:?}");
        return Ok(());
    }
    if refused {
        prop_assert!(matches!(outcome, Err(Error::Refused { .. })), "{outcome:?}");
        return Ok(());
    }
    prop_assert_eq!(outcome.unwrap().revision, revision + 1);
    model.revisions.insert(*h, revision + 1);
    let entries = model.entries.entry(*h).or_default();
    for id in &pass.removals {
        entries.remove(id);
    }
    entries.extend(pass.upserts.iter().map(|entry| (entry.id.clone(), entry.seen)));
    let due = model.now;
    let newest = u32::try_from(pass.deliveries.len()).unwrap();
    let listed = store.deliveries(&DeliveryFilter::default(), None, newest).await.unwrap().rows;
    model.rows.extend(pass.deliveries.iter().zip(listed.into_iter().rev()).map(|(d, listed)| Row {
        id: listed.id,
        drift: d.drift_key.clone(),
        state: DeliveryState::Pending,
        attempts: 0,
        due,
        claimed: false,
    }));
    model.events = n;
    Ok(())
}

async fn outbox(store: &dyn Store, model: &mut Model, step: &Step) -> Result<(), TestCaseError> {
    let ticket = |which: usize| {
        let some = !model.tickets.is_empty();
        some.then(|| model.tickets[which % model.tickets.len()])
    };
    match step {
        Step::Commit { .. } => {}
        Step::Wait { seconds } => model.now += seconds,
        Step::Claim { limit } => {
            let possible = model.claimable();
            let claimed = store.claim(None, *limit, LEASE, at(model.now)).await.unwrap();
            prop_assert_eq!(claimed.len(), possible.len().min(*limit as usize));
            for one in claimed {
                let i = model.of(one.ticket);
                prop_assert!(possible.contains(&i), "claimed {} of {:?}", i, possible);
                let row = &mut model.rows[i];
                row.attempts += 1;
                row.claimed = true;
                row.due = model.now + 7;
                prop_assert_eq!(one.ticket.attempt, row.attempts);
                model.tickets.push(one.ticket);
            }
        }
        Step::Settle { which, how } => {
            let Some(ticket) = ticket(*which) else {
                return Ok(());
            };
            let i = model.of(ticket);
            let current = model.current(ticket, i);
            let (outcome, applies) = match how {
                0 => (Outcome::Delivered, model.rows[i].state != DeliveryState::Delivered),
                1 => (Outcome::Retry { at: at(model.now + 9), why: "no".to_owned() }, current),
                _ => (Outcome::Dead { why: "no".to_owned() }, current),
            };
            let changed = store.settle(ticket, outcome, at(model.now)).await.unwrap();
            prop_assert_eq!(changed, applies);
            if applies {
                let row = &mut model.rows[i];
                row.claimed = false;
                match how {
                    0 => row.state = DeliveryState::Delivered,
                    1 => row.due = model.now + 9,
                    _ => row.state = DeliveryState::Dead,
                }
            }
        }
        Step::Release { which } => {
            let Some(ticket) = ticket(*which) else {
                return Ok(());
            };
            let i = model.of(ticket);
            store.release(&[ticket], at(model.now)).await.unwrap();
            if model.current(ticket, i) {
                let row = &mut model.rows[i];
                row.claimed = false;
                row.attempts -= 1;
                row.due = model.now;
            }
        }
    }
    Ok(())
}

async fn compare(store: &dyn Store, model: &Model) -> Result<(), TestCaseError> {
    for loaded in store.load_all().await.unwrap() {
        let name = loaded.ledger.subject.host().unwrap().as_str()[1..].parse::<u8>().unwrap();
        prop_assert_eq!(Some(&loaded.revision), model.revisions.get(&name));
        let seen: BTreeMap<_, _> = loaded.ledger.entries.into_iter().map(|(id, e)| (id, e.seen)).collect();
        prop_assert_eq!(Some(&seen), model.entries.get(&name));
    }
    let events = store.events(&EventFilter::default(), None, 10_000).await.unwrap().rows;
    prop_assert_eq!(events.len(), model.events as usize);
    let mut rows = store.deliveries(&DeliveryFilter::default(), None, 10_000).await.unwrap().rows;
    rows.reverse();
    prop_assert_eq!(rows.len(), model.rows.len());
    for (row, expected) in rows.iter().zip(&model.rows) {
        prop_assert_eq!(
            (&row.drift_key, row.state, row.attempts, row.claimed_at.is_some()),
            (&expected.drift, expected.state, expected.attempts, expected.claimed)
        );
    }
    let next = store.next_due().await.unwrap();
    let pending = (0..model.rows.len()).filter(|&i| model.rows[i].state == DeliveryState::Pending);
    let heads = pending.filter(|&i| !model.held_back(i)).count();
    prop_assert_eq!(next.is_some(), heads > 0);
    if !model.claimable().is_empty() {
        prop_assert!(next <= Some(at(model.now)), "due, but {:?} says later", next);
    }
    Ok(())
}

async fn play(store: &dyn Store, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    for step in steps {
        commit(store, &mut model, step).await?;
        outbox(store, &mut model, step).await?;
        compare(store, &model).await?;
    }
    Ok(())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_store_knows_what_a_naive_model_knows(steps in proptest::collection::vec(step(), 1..60)) {
        runtime().block_on(async {
            let store = SqliteStore::in_memory(Options::default()).await.unwrap();
            play(&store, &steps).await
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn postgresql_knows_what_a_naive_model_knows(steps in proptest::collection::vec(step(), 1..60)) {
        let Some(schema) = Schema::new(DIRECT) else { return Ok(()) };
        runtime().block_on(async {
            let store = schema.open().await;
            store.lead("the test", Duration::from_secs(600)).await.unwrap();
            let played = play(&store, &steps).await;
            store.close().await;
            played
        })?;
    }
}
