//! A store that somebody else writes to, or that is away for a while: the passes are made again, nothing is lost.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use evenkeel_core::{HostName, SourceId, SourceKind, Subject};
use evenkeel_lab::receiver::Receiver;
use evenkeel_store::PassCommit;
use evenkeel_tests::moody::{Mood, MoodyStore};
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, Plan, SinkPlan, Stage, container, soon};
use jiff::Timestamp;
use sqlx::{Connection, Executor, SqliteConnection};

const SERVICES: &[(&str, u16)] = &[("web", 80), ("db", 5432), ("cache", 6379)];

fn docker(name: &str) -> SourceId {
    SourceId::new(SourceKind::Docker, name)
}

async fn stage(receiver: &Receiver) -> Stage {
    let plan = Plan::default().telling(SinkPlan::new("n8n", receiver.url()));
    let stage = Stage::start(Lab::small(&[("box", SERVICES), ("attic", SERVICES)]).await, plan).await;
    stage.until_blind(&[]).await;
    stage.quiet().await;
    stage
}

async fn assert_told_once(stage: &Stage, receiver: &Receiver) {
    for event in stage.events().await {
        let id = event.id.to_string();
        assert!(
            soon(|| async { receiver.count(&id) == 1 }).await,
            "{} arrived {} times",
            id,
            receiver.count(&id)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_somebody_else_overtook_is_made_again_and_nothing_is_lost() {
    let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
    let stage = stage(&receiver).await;
    let subject = Subject::Host(HostName::new("box"));
    for round in 0..3 {
        let revision = stage.store().load(&subject).await.unwrap().revision;
        let foreign = PassCommit::new(subject.clone(), revision, Timestamp::now());
        stage.store().commit(foreign).await.unwrap();
        match round % 2 {
            0 => stage.engine("box").stop("db").unwrap(),
            _ => stage.engine("box").start_container("db").unwrap(),
        }
        stage.until(if round % 2 == 0 { &["SERVICE_MISSING db@box"] } else { &[] }).await;
    }
    stage.quiet().await;
    assert_eq!(
        stage.history().await,
        [
            "opened SERVICE_MISSING db@box",
            "resolved SERVICE_MISSING db@box",
            "reopened SERVICE_MISSING db@box"
        ]
    );
    assert_told_once(&stage, &receiver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_program_holds_the_database_nothing_is_told_and_afterwards_everything_is() {
    let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
    let stage = stage(&receiver).await;
    let url = format!("sqlite://{}", stage.database().display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    stage.engine("box").stop("db").unwrap();
    stage.engine("attic").run(container("attic", "guest", 7000));
    let refused = || async {
        let failed = stage.hub().metrics.passes.with_label_values(&["error"]).get();
        failed >= 1 && stage.hub().gate.paused().is_some() && stage.store().health().await.is_err()
    };
    assert!(soon(refused).await);
    assert_eq!(stage.open().len(), 0, "what could not be kept is not held to be known");
    assert_eq!(receiver.arrived().len(), 0);
    other.execute("ROLLBACK").await.unwrap();
    stage.until(&["SERVICE_MISSING db@box", "SERVICE_UNEXPECTED guest@attic"]).await;
    stage.quiet().await;
    assert_eq!(stage.history().await.len(), 2);
    assert_told_once(&stage, &receiver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_says_nothing_again_and_goes_on_where_it_was() {
    let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
    let mut stage = stage(&receiver).await;
    stage.engine("box").stop("db").unwrap();
    stage.until(&["SERVICE_MISSING db@box"]).await;
    for _ in 0..3 {
        stage.restart().await;
        stage.until(&["SERVICE_MISSING db@box"]).await;
        stage.quiet().await;
    }
    // What ends while nobody looks has ended when somebody looks again.
    stage.stop().await;
    stage.engine("box").start_container("db").unwrap();
    stage.resume().await;
    stage.until(&[]).await;
    stage.quiet().await;
    assert_eq!(stage.history().await, ["opened SERVICE_MISSING db@box", "resolved SERVICE_MISSING db@box"]);
    assert_told_once(&stage, &receiver).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_can_be_kept_passes_wait_memory_stays_bounded_and_afterwards_all_is_told_once() {
    for mood in [Mood::Away, Mood::Full] {
        let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
        let plan = Plan::believing().telling(SinkPlan::new("n8n", receiver.url()));
        let lab = Lab::small(&[("box", SERVICES), ("attic", SERVICES)]).await;
        let (stage, store) =
            Stage::start_on(lab, plan, |inner| std::sync::Arc::new(MoodyStore::new(inner))).await;
        stage.until_blind(&[]).await;
        stage.quiet().await;
        store.set(mood);
        stage.engine("box").stop("db").unwrap();
        let hub = stage.hub();
        assert!(soon(|| async { hub.gate.paused().is_some() }).await, "{mood:?}");
        let failed = || hub.metrics.passes.with_label_values(&["error"]).get();
        let observed = || hub.metrics.sources.answers(&docker("attic")).complete;
        let (failed_before, observed_before) = (failed(), observed());
        // Whatever is seen again and again meanwhile, and be it different each time, is one of each host.
        for round in 0_u16..60 {
            let name = format!("guest-{}", round % 2);
            stage.engine("attic").run(container("attic", &name, 7000 + round % 2));
            let seen = observed();
            assert!(soon(|| async { observed() > seen }).await);
            stage.engine("attic").remove(&name).unwrap();
            let waiting = hub.queue.read(|queue, _| queue.len());
            assert!(waiting <= 8, "{waiting} wait for a pass");
            assert!(hub.shown.waiting() <= 2, "{} snapshots wait", hub.shown.waiting());
        }
        assert!(observed() >= observed_before + 60, "it goes on observing");
        // A probe of the database may let passes through; each of them stops it again.
        let tries = failed() - failed_before;
        assert!(tries <= 60, "{tries} passes failed instead of waiting");
        assert_eq!(receiver.arrived().len(), 0);
        store.set(Mood::Well);
        stage.until(&["SERVICE_MISSING db@box"]).await;
        stage.quiet().await;
        assert_eq!(stage.history().await, ["opened SERVICE_MISSING db@box"], "{mood:?}");
        assert!(soon(|| async { hub.gate.paused().is_none() }).await);
        assert_told_once(&stage, &receiver).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_no_longer_the_leader_makes_no_more_passes() {
    let lab = Lab::small(&[("box", SERVICES)]).await;
    let (stage, store) =
        Stage::start_on(lab, Plan::believing(), |inner| std::sync::Arc::new(MoodyStore::new(inner))).await;
    stage.until_blind(&[]).await;
    stage.quiet().await;
    store.set(Mood::Led);
    stage.engine("box").stop("db").unwrap();
    let hub = stage.hub();
    hub.gate.lost().await;
    // A pass that began before may still write as far as the gate is concerned; that the database refuses it is the
    // store's part, and here it would not any more.
    let is_idle = || async { hub.queue.read(|queue, _| queue.running() == 0) };
    assert!(soon(is_idle).await);
    store.set(Mood::Well);
    let asked = || stage.hub().metrics.sources.answers(&docker("box")).complete;
    let before = asked();
    assert!(soon(|| async { asked() > before + 3 }).await);
    assert_eq!(stage.history().await, Vec::<String>::new());
}
