//! Nothing is sent that is not kept, and nothing is answered that is not kept: repairs while the store cannot.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::sync::Arc;

use evenkeel::repair::Remedies;
use evenkeel_core::Secret;
use evenkeel_core::remediation::Mode;
use evenkeel_lab::n8n::{N8n, Workflow};
use evenkeel_sinks::http::SuccessRule;
use evenkeel_sinks::webhook;
use evenkeel_store::{ProposalFilter, Store};
use evenkeel_tests::moody::{Mood, MoodyStore};
use evenkeel_tests::remedy;
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, Plan, Stage, soon};
use evenkeel_web::{Decision, RepairTrouble, Repairs};

const SERVICES: &[(&str, u16)] = &[("web", 80), ("db", 5432)];

fn remedies(url: &str, mode: Mode) -> Remedies {
    let settings = webhook::Settings {
        secrets: vec![Secret::new(SIGNING_SECRET)],
        success: SuccessRule::accepted(),
        ..webhook::Settings::new("restart", url)
    };
    // Nobody listens there: what n8n says is not part of this.
    remedy::restart(mode, settings, "http://127.0.0.1:9").unwrap()
}

/// Who repairs nothing, and notes what it is asked.
async fn n8n() -> N8n {
    let n8n = N8n::start().await.unwrap();
    let idle = Workflow::new("restart", |_| async { Ok("nothing was done".to_owned()) });
    n8n.register(idle.signed(SIGNING_SECRET).unwrap());
    n8n
}

async fn stage(n8n: &N8n, mode: Mode) -> (Stage, Arc<MoodyStore>) {
    let url = n8n.url("restart");
    let plan = Plan::believing().repairing(move || remedies(&url, mode));
    let lab = Lab::small(&[("box", SERVICES)]).await;
    let (stage, store) = Stage::start_on(lab, plan, |inner| Arc::new(MoodyStore::new(inner))).await;
    stage.until_blind(&[]).await;
    stage.quiet().await;
    (stage, store)
}

async fn states(store: &MoodyStore) -> Vec<&'static str> {
    let rows = store.proposals(&ProposalFilter::default(), None, 100).await.unwrap().rows;
    rows.iter().map(|row| row.proposal.state().as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_a_dispatch_that_cannot_be_kept_is_not_sent_and_later_it_is_sent_once() {
    let n8n = n8n().await;
    let (stage, store) = stage(&n8n, Mode::Auto).await;
    // The proposal is kept; that it is dispatched is not.
    store.keep_repairs(Some(1));
    stage.engine("box").stop("db").unwrap();
    assert!(soon(|| async { states(&store).await == ["approved"] }).await);
    let hub = stage.hub();
    assert!(soon(|| async { hub.gate.paused().is_some() }).await, "the dispatch was tried");
    stage.looks(5).await;
    assert_eq!(n8n.executions().len(), 0, "what is not kept is not sent");
    assert_eq!(states(&store).await, ["approved"]);
    store.keep_repairs(None);
    assert!(soon(|| async { states(&store).await == ["acknowledged"] }).await, "{:?}", states(&store).await);
    let ran = n8n.executions();
    assert_eq!((ran.len(), ran[0].attempt), (1, 1), "{ran:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_cannot_be_kept_is_no_decision() {
    let n8n = n8n().await;
    let (stage, store) = stage(&n8n, Mode::Approve).await;
    stage.engine("box").stop("db").unwrap();
    assert!(soon(|| async { states(&store).await == ["proposed"] }).await);
    let rows = store.proposals(&ProposalFilter::default(), None, 1).await.unwrap().rows;
    let key = rows[0].proposal.key.to_string();
    let desk = stage.hub().repairs.clone();
    store.keep_repairs(Some(0));
    let said = desk.decide(&key, Decision::Approve, "ada", "").await;
    assert!(matches!(said, Err(RepairTrouble::Away(_))), "{said:?}");
    assert_eq!(states(&store).await, ["proposed"]);
    store.keep_repairs(None);
    let approved = || async { desk.decide(&key, Decision::Approve, "ada", "").await.is_ok() };
    assert!(soon(approved).await);
    assert!(soon(|| async { states(&store).await == ["acknowledged"] }).await);
    let refused = desk.decide(&key, Decision::Reject, "ada", "too late").await;
    assert!(matches!(refused, Err(RepairTrouble::Refused(_))), "{refused:?}");
    let unknown = desk.decide("NOSUCHONE", Decision::Approve, "ada", "").await;
    assert!(matches!(unknown, Err(RepairTrouble::Unknown(_))), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_no_longer_the_leader_sends_nothing() {
    let n8n = n8n().await;
    let (stage, store) = stage(&n8n, Mode::Approve).await;
    stage.engine("box").stop("db").unwrap();
    assert!(soon(|| async { states(&store).await == ["proposed"] }).await);
    let rows = store.proposals(&ProposalFilter::default(), None, 1).await.unwrap().rows;
    let key = rows[0].proposal.key.to_string();
    store.set(Mood::Led);
    let said = stage.hub().repairs.decide(&key, Decision::Approve, "ada", "").await;
    assert!(matches!(said, Err(RepairTrouble::Away(_))), "{said:?}");
    stage.hub().gate.lost().await;
    store.set(Mood::Well);
    assert_eq!(states(&store).await, ["proposed"]);
    assert_eq!(n8n.executions().len(), 0);
}
