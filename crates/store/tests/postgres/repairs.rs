//! What somebody with psql may do to rows of repairs, and what evenkeel makes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::time::Duration;

use crate::installation::{ask, run, shell, tried};
use crate::rig::{DIRECT, Schema};
use evenkeel_store::conformance::repairs_sample::{callback, halted, making, notice, proposal, token};
use evenkeel_store::conformance::sample::{at, opening};
use evenkeel_store::postgres::PgStore;
use evenkeel_store::{ControlsChange, Error, ProposalFilter, RepairCommit, Store};

async fn leading(schema: &Schema) -> PgStore {
    let store = schema.open().await;
    store.lead("the test", Duration::from_secs(600)).await.unwrap();
    store
}

#[tokio::test]
async fn a_proposal_that_cannot_be_read_is_named_and_never_left_out() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let store = leading(&schema).await;
    let [good, bad] = [1, 2].map(|number| proposal("a", "x", number, "restart"));
    store.commit_repair(making(1, &[&good, &bad])).await.unwrap();
    let mut shell = shell(&schema).await;
    for with in [
        "'{}'",
        "'not json'",
        // Whole, but another one's.
        "(SELECT o.proposal FROM evenkeel_proposals o WHERE o.id = 1)",
    ] {
        run(&mut shell, &format!("UPDATE evenkeel_proposals SET proposal = {with} WHERE id = 2")).await;
        for error in [
            store.repairs(at(0)).await.map(|_| ()).unwrap_err(),
            store.proposals(&ProposalFilter::default(), None, 9).await.map(|_| ()).unwrap_err(),
        ] {
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
            assert!(error.to_string().contains(&format!("proposal {}", bad.key)), "{error}");
        }
    }
}

#[tokio::test]
async fn controls_that_cannot_be_read_are_not_taken_for_none() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let store = leading(&schema).await;
    let stop = || RepairCommit {
        controls: Some(ControlsChange { expected_revision: 0, controls: halted("too much") }),
        ..RepairCommit::new(at(5))
    };
    store.commit_repair(stop()).await.unwrap();
    let mut shell = shell(&schema).await;
    for refused in ["DELETE FROM evenkeel_repair_controls", "TRUNCATE evenkeel_repair_controls"] {
        let error = tried(&mut shell, refused).await.unwrap_err().to_string();
        assert!(error.contains("the controls of repairs stay"), "{refused}: {error}");
    }
    run(&mut shell, "UPDATE evenkeel_repair_controls SET controls = '[]'").await;
    let error = store.repairs(at(0)).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");

    let gone =
        "BEGIN; SET LOCAL session_replication_role TO replica; DELETE FROM evenkeel_repair_controls; COMMIT";
    run(&mut shell, gone).await;
    for error in [store.repairs(at(0)).await.map(|_| ()), store.commit_repair(stop()).await] {
        let error = error.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("evenkeel_repair_controls"), "{error}");
    }
}

#[tokio::test]
async fn nobody_changes_a_notice_or_deletes_one_that_a_delivery_needs() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let store = leading(&schema).await;
    let notices = vec![notice(1, None, &["n8n"]).unwrap()];
    store.commit_repair(RepairCommit { notices, ..RepairCommit::new(at(1)) }).await.unwrap();
    store.commit(opening("a", "x", 2, 0, &["n8n"])).await.unwrap();
    let mut shell = shell(&schema).await;
    for (refused, why) in [
        ("UPDATE evenkeel_notices SET body = '{}'", "notices are only added"),
        ("DELETE FROM evenkeel_notices", "evenkeel_deliveries"),
        ("TRUNCATE evenkeel_notices", "foreign key"),
        ("UPDATE evenkeel_deliveries SET notice_seq = NULL", "evenkeel_deliveries_of_one"),
        ("UPDATE evenkeel_deliveries SET notice_seq = 1", "evenkeel_deliveries_of_one"),
    ] {
        let error = tried(&mut shell, refused).await.unwrap_err().to_string();
        assert!(error.contains(why), "{refused}: {error}");
    }
    // What shows drifts knows nothing of it.
    assert_eq!(ask(&mut shell, "SELECT count(*)::text FROM events").await, ["1"]);
    assert_eq!(ask(&mut shell, "SELECT count(*)::text FROM drift_summary").await, ["1"]);
}

#[tokio::test]
async fn a_token_is_in_the_database_only_as_its_hash() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let store = leading(&schema).await;
    let made = proposal("a", "x", 1, "restart");
    let callbacks = vec![callback(0xab, &made, 100)];
    store.commit_repair(RepairCommit { callbacks, ..making(1, &[&made]) }).await.unwrap();
    let mut shell = shell(&schema).await;
    assert_eq!(ask(&mut shell, "SELECT token_hash FROM evenkeel_callbacks").await, ["ab".repeat(32)]);
    assert_eq!(store.callback(token(0xab)).await.unwrap().unwrap().proposal, made.key);
}
