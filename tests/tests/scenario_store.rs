//! A store that somebody else writes to, or that is away for a while: the passes are made again, nothing is lost.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use evenkeel_core::{HostName, Subject};
use evenkeel_lab::receiver::Receiver;
use evenkeel_store::PassCommit;
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, Plan, SinkPlan, Stage, container, soon};
use jiff::Timestamp;
use sqlx::{Connection, Executor, SqliteConnection};

const SERVICES: &[(&str, u16)] = &[("web", 80), ("db", 5432), ("cache", 6379)];

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
        failed >= 2 && stage.store().health().await.is_err()
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
