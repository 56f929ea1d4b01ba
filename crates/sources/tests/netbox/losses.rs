//! What is shown no longer: lost or gone? Asked across a restart, and while the changelog does not answer.

use evenkeel_core::GapKind;
use evenkeel_core::model::Inventory;
use evenkeel_lab::fault::Fault;
use evenkeel_lab::netbox::{NetboxLab, NetboxVersion};
use evenkeel_sources::Source;
use evenkeel_sources::netbox::{Config, Filters, NetboxSource};

use crate::support::*;
use crate::walk::words;

/// What a run of evenkeel read, told to the one after it.
async fn after_a_restart(lab: &NetboxLab, last: &Inventory) -> NetboxSource {
    let source = source(lab);
    source.recall(last).await;
    source
}

#[tokio::test]
async fn rows_that_vanish_while_evenkeel_is_away_are_held_back_unless_they_were_deleted() {
    let lab = lab(NetboxVersion::V4_5).await;
    let last = observe(&source(&lab)).await;
    let rotki = lab.netbox().vm("rotki").unwrap();
    assert!(lab.netbox().remove_vm(rotki));
    // Our clock was a day ahead.
    let last = Inventory { started: last.started + jiff::SignedDuration::from_hours(24), ..last };
    let again = after_a_restart(&lab, &last).await;
    assert_eq!(complete(&again).await.len(), 18, "it was deleted, and the changelog says so");

    let last = observe(&again).await;
    let n8n = lab.netbox().service("n8n", "n8n").unwrap();
    lab.netbox().hide("ipam.service", n8n);
    let again = after_a_restart(&lab, &last).await;
    let found = gap(&again).await;
    words(&found, GapKind::Unauthorized, &["1 of 58 services are no longer shown", &format!("id {n8n}")]);
    assert_eq!(gap(&again).await.kind, GapKind::Unauthorized, "it stays so");
    lab.netbox().allow_all();
    complete(&again).await;
}

#[tokio::test]
async fn a_host_that_left_or_may_have_left_the_filter_while_evenkeel_was_away_is_not_held_back() {
    let lab = lab(NetboxVersion::V4_5).await;
    let last = observe(&source(&lab)).await;
    let filters = Filters { tags: vec!["docker".into()], ..Filters::default() };
    let again = NetboxSource::new(Config { filters, ..config(&lab.url(), lab.token_v1()) }).unwrap();
    again.recall(&last).await;
    assert!((1..19).contains(&complete(&again).await.len()));
}

#[tokio::test]
async fn a_loss_is_not_believed_while_the_changelog_is_out_of_reach() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = source(&lab);
    complete(&source).await;
    let n8n = lab.netbox().service("n8n", "n8n").unwrap();
    lab.netbox().hide("ipam.service", n8n);
    lab.faults().set("/api/core/object-changes/", Fault::Status(500));
    assert_eq!(gap(&source).await.kind, GapKind::Unreachable);
    lab.faults().clear("/api/core/object-changes/");
    assert_eq!(gap(&source).await.kind, GapKind::Unauthorized);
}
