//! The outbox against receivers that are down, slow, broken or refuse: nothing is lost, order per drift holds, what
//! cannot be delivered is visible.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use evenkeel_core::Event;
use evenkeel_lab::receiver::{Mode, Receiver};
use evenkeel_store::{DeliveryState, JournalFilter, Resend};
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, Plan, SinkPlan, Stage, container, soon};
use jiff::Timestamp;

const SERVICES: &[(&str, u16)] = &[("web", 80), ("db", 5432), ("cache", 6379)];

async fn receiver() -> Receiver {
    Receiver::start(SIGNING_SECRET).await.unwrap()
}

async fn stage(sinks: &[(&str, &Receiver)]) -> Stage {
    let plan = sinks
        .iter()
        .fold(Plan::believing(), |plan, (name, receiver)| plan.telling(SinkPlan::new(name, receiver.url())));
    let stage = Stage::start(Lab::small(&[("box", SERVICES)]).await, plan).await;
    stage.until_blind(&[]).await;
    stage
}

fn bodies(receiver: &Receiver) -> Vec<Event> {
    receiver.arrived().iter().map(|arrived| serde_json::from_slice(&arrived.body).unwrap()).collect()
}

/// Everything announced arrived, each id so often, and for each drift in the order in which it happened.
async fn assert_all_arrived(stage: &Stage, receiver: &Receiver, times: usize) {
    let announced: Vec<Event> = stage.events().await.into_iter().filter(|event| event.announce).collect();
    assert!(!announced.is_empty());
    let all = || async { announced.iter().all(|event| receiver.count(&event.id.to_string()) >= times) };
    assert!(soon(all).await, "{:#?}", stage.deliveries().await);
    let mut wanted: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for event in &announced {
        assert_eq!(receiver.count(&event.id.to_string()), times, "{}", event.details);
        wanted.entry(&event.drift_id).or_default().push(event.id.to_string());
    }
    let arrived = bodies(receiver);
    let mut got: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for event in arrived.iter().filter(|event| seen.insert(event.id)) {
        got.entry(&event.drift_id).or_default().push(event.id.to_string());
    }
    assert_eq!(got, wanted, "order per drift");
    assert!(receiver.arrived().iter().all(|arrived| arrived.verified), "signed");
}

async fn until_settled(stage: &Stage) {
    let settled = || async {
        let rows = stage.deliveries().await;
        rows.iter().all(|row| row.state != DeliveryState::Pending && row.claimed_at.is_none())
    };
    assert!(soon(settled).await, "{:#?}", stage.deliveries().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_was_down_gets_everything_once_and_in_order_when_it_is_back() {
    let receiver = receiver().await;
    let stage = stage(&[("n8n", &receiver)]).await;
    receiver.close().await;
    for _ in 0..2 {
        stage.engine("box").stop("db").unwrap();
        stage.until(&["SERVICE_MISSING db@box"]).await;
        stage.engine("box").start_container("db").unwrap();
        stage.until(&[]).await;
    }
    stage.engine("box").stop("web").unwrap();
    stage.until(&["SERVICE_MISSING web@box"]).await;
    let tried =
        || async { stage.deliveries().await.iter().filter(|row| row.last_error.is_some()).count() == 2 };
    assert!(
        soon(tried).await,
        "the first of each drift is tried, later ones wait: {:#?}",
        stage.deliveries().await
    );
    receiver.reopen().await.unwrap();
    assert_all_arrived(&stage, &receiver, 1).await;
    until_settled(&stage).await;
    assert_eq!(stage.deliveries().await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_a_receiver_takes_something_what_failed_before_does_not_wait_out_its_step() {
    let receiver = receiver().await;
    let stage = stage(&[("n8n", &receiver)]).await;
    receiver.set_mode(Mode::Failing);
    stage.engine("box").stop("db").unwrap();
    let tried_twice = || async { stage.deliveries().await.iter().any(|row| row.attempts == 2) };
    assert!(soon(tried_twice).await, "{:#?}", stage.deliveries().await);
    let waits = || async {
        stage.deliveries().await.first().filter(|row| row.claimed_at.is_none()).map(|row| row.due_at)
    };
    assert!(soon(|| async { waits().await.is_some() }).await);
    let due = waits().await.unwrap();
    receiver.set_mode(Mode::Acknowledge);
    stage.engine("box").stop("web").unwrap();
    until_settled(&stage).await;
    let rows = stage.deliveries().await;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.settled_at.unwrap() < due), "not before {due}: {rows:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_crashes_and_answers_200_has_not_got_it() {
    let receiver = receiver().await;
    let stage = stage(&[("n8n", &receiver)]).await;
    receiver.once(Mode::Crashed);
    stage.engine("box").stop("db").unwrap();
    stage.until(&["SERVICE_MISSING db@box"]).await;
    let failed = || async { stage.deliveries().await.iter().any(|row| row.last_error.is_some()) };
    assert!(soon(failed).await);
    let row = stage.deliveries().await.remove(0);
    assert_eq!(row.state, DeliveryState::Pending);
    assert!(
        row.last_error.as_deref().unwrap().contains("without the acknowledgement"),
        "{:?}",
        row.last_error
    );
    assert_all_arrived(&stage, &receiver, 2).await;
    until_settled(&stage).await;
    assert_eq!(stage.deliveries().await[0].state, DeliveryState::Delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_rejects_is_dead_visible_and_can_be_sent_again() {
    let receiver = receiver().await;
    let stage = stage(&[("n8n", &receiver)]).await;
    receiver.once(Mode::BadAuth);
    stage.engine("box").stop("db").unwrap();
    stage.until(&["SERVICE_MISSING db@box"]).await;
    let dead = || async { stage.deliveries().await.iter().any(|row| row.state == DeliveryState::Dead) };
    assert!(soon(dead).await, "{:#?}", stage.deliveries().await);
    let row = stage.deliveries().await.remove(0);
    assert!(row.last_error.as_deref().unwrap().contains("refused"), "{:?}", row.last_error);
    let noted = || async { stage.store().journal(&JournalFilter::default(), None, 9).await.unwrap().rows };
    assert!(soon(|| async { noted().await.len() == 1 }).await);
    let noted = noted().await.remove(0);
    assert_eq!(
        (noted.event, noted.handle()),
        (Some(row.event), Some(stage.entry("SERVICE_MISSING db@box").id.handle()))
    );
    assert!(noted.text.starts_with("The delivery to n8n was given up after 1 attempts: "), "{}", noted.text);
    // A dead one holds nothing back.
    stage.engine("box").start_container("db").unwrap();
    stage.until(&[]).await;
    assert!(soon(|| async { bodies(&receiver).len() == 2 }).await);
    assert_eq!(stage.store().resend(Resend::Delivery(row.id), Timestamp::now()).await.unwrap(), 1);
    stage.hub().outbox_bell.notify_waiters();
    assert!(soon(|| async { receiver.count(&row.event.to_string()) == 2 }).await);
    until_settled(&stage).await;
    assert!(stage.deliveries().await.iter().all(|row| row.state == DeliveryState::Delivered));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_sink_that_is_gone_is_dead_and_is_sent_once_it_is_back() {
    let receiver = receiver().await;
    let mut stage = stage(&[("n8n", &receiver)]).await;
    receiver.set_mode(Mode::Failing);
    stage.engine("box").stop("db").unwrap();
    stage.until(&["SERVICE_MISSING db@box"]).await;
    stage.engine("box").start_container("db").unwrap();
    stage.until(&[]).await;
    let waits = || async { stage.deliveries().await.iter().filter(|row| row.attempts > 0).count() == 1 };
    assert!(soon(waits).await, "{:#?}", stage.deliveries().await);

    // Renamed: nobody sends what waits for the old name. Both events of the drift are given up, in their order.
    let with = |name: &str| Plan::believing().telling(SinkPlan::new(name, receiver.url()));
    stage.plan = with("workflows");
    stage.restart().await;
    until_settled(&stage).await;
    let rows = stage.deliveries().await;
    assert!(rows.iter().all(|row| row.state == DeliveryState::Dead) && rows.len() == 2, "{rows:#?}");
    assert!(rows[0].last_error.as_deref().unwrap().starts_with("no sink n8n is configured"), "{rows:#?}");
    let noted = || async {
        let rows = stage.store().journal(&JournalFilter::default(), None, 9).await.unwrap().rows;
        rows.iter().filter(|row| row.text.contains("to n8n was given up")).count()
    };
    assert!(soon(|| async { noted().await == 2 }).await, "{}", noted().await);

    receiver.set_mode(Mode::Acknowledge);
    stage.plan = with("n8n");
    stage.restart().await;
    assert_eq!(stage.store().resend(Resend::Sink("n8n".to_owned()), Timestamp::now()).await.unwrap(), 2);
    stage.hub().outbox_bell.notify_waiters();
    until_settled(&stage).await;
    assert!(stage.deliveries().await.iter().all(|row| row.state == DeliveryState::Delivered));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_never_answers_delays_no_other() {
    let (hanging, well) = (receiver().await, receiver().await);
    hanging.set_mode(Mode::Hang);
    let stage = stage(&[("hanging", &hanging), ("well", &well)]).await;
    for (service, _) in SERVICES {
        stage.engine("box").stop(service).unwrap();
    }
    stage.until(&["SERVICE_MISSING web@box", "SERVICE_MISSING db@box", "SERVICE_MISSING cache@box"]).await;
    assert_all_arrived(&stage, &well, 1).await;
    let rows = stage.deliveries().await;
    let delivered =
        |row: &&evenkeel_store::DeliveryRow| row.sink == "hanging" && row.state != DeliveryState::Pending;
    assert_eq!(rows.iter().filter(delivered).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_wants_to_be_left_alone_is_left_alone_for_as_long() {
    let receiver = receiver().await;
    let stage = stage(&[("n8n", &receiver)]).await;
    receiver.once(Mode::with_header(429, "retry-after", "9"));
    stage.engine("box").stop("db").unwrap();
    stage.until(&["SERVICE_MISSING db@box"]).await;
    assert_all_arrived(&stage, &receiver, 2).await;
    let at: Vec<Timestamp> = receiver.arrived().iter().map(|arrived| arrived.at).collect();
    let waited = at[1].duration_since(at[0]);
    assert!(waited.as_secs_f64() >= 8.9, "waited {waited}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graceful_stop_finishes_what_is_under_way_and_leaves_nothing_claimed() {
    let receiver = receiver().await;
    let mut stage = stage(&[("n8n", &receiver)]).await;
    receiver.set_mode(Mode::Slow(Duration::from_millis(1500)));
    // More at once than are sent at the same time.
    for n in 0..30 {
        stage.engine("box").run(container("box", &format!("guest{n:02}"), 7000 + n));
    }
    assert!(soon(|| async { !receiver.arrived().is_empty() }).await);
    let rows = stage.stop().await;
    let arrived: BTreeSet<String> = receiver.arrived().into_iter().map(|arrived| arrived.id).collect();
    assert!(rows.iter().all(|row| row.claimed_at.is_none()), "nothing stays claimed: {rows:#?}");
    for row in &rows {
        let delivered = row.state == DeliveryState::Delivered;
        assert_eq!(
            delivered,
            arrived.contains(&row.event.to_string()),
            "what arrived was waited for: {row:#?}"
        );
    }
    receiver.set_mode(Mode::Acknowledge);
    stage.resume().await;
    stage.until_blind(&[]).await;
    assert!(soon(|| async { stage.open().len() == 30 }).await);
    until_settled(&stage).await;
    assert_all_arrived(&stage, &receiver, 1).await;
}
