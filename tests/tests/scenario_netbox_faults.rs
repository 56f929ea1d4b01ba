//! What a NetBox that fails in every way a lab knows makes of the fleet: one blindness of its own; what was declared
//! stays declared, nothing becomes undeclared, and what is read again is believed again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::time::Duration;

use evenkeel_lab::fault::Fault;
use evenkeel_tests::stage::{Lab, Plan, Stage, container, soon};
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::json;

const BLIND: &str = "SNAPSHOT_ERROR netbox/main";
const STOPPED: &str = "SERVICE_MISSING db@box";
const GUEST: &str = "SERVICE_UNEXPECTED guest@box";

const EVERYTHING: &str = "";
const SERVICES: &str = "/api/ipam/services/";
const MACHINES: &str = "/api/virtualization/virtual-machines/";
const DEVICES: &str = "/api/dcim/devices/";
const ADDRESSES: &str = "/api/ipam/ip-addresses/";

/// Each fault, and the lists that show it: half of one row is that row.
fn faults() -> Vec<(Fault, &'static [&'static str])> {
    let all: &[&str] = &[EVERYTHING, SERVICES, MACHINES, DEVICES, ADDRESSES];
    vec![
        (Fault::Reset, all),
        (Fault::Slow(Duration::from_secs(60)), all),
        (Fault::Hang, all),
        (Fault::Status(403), all),
        (Fault::Status(500), all),
        (Fault::Status(502), all),
        (Fault::EmptyList, all),
        (Fault::Truncated, &[EVERYTHING, SERVICES, MACHINES]),
        (Fault::Malformed, all),
        (Fault::DuplicateRow, all),
        (Fault::ResetMidStream, all),
    ]
}

fn plan() -> Plan {
    // Each fault is a matter of its own here, not a return of the one before.
    let plan = Plan::believing().with_policy(|policy| policy.flap.window = Duration::from_millis(1));
    Plan { netbox_timeout: Duration::from_millis(600), ..plan }
}

/// Two machines with three services each and a device; on one of them `db` is stopped and `guest` is not declared.
async fn lab() -> Lab {
    let services: &[(&str, u16)] = &[("web", 80), ("db", 5432), ("cache", 6379)];
    let lab = Lab::small(&[("box", services), ("attic", services)]).await;
    lab.netbox.netbox().add_device("rack", |_| {});
    lab.netbox.netbox().add_ip("192.0.2.7/24", None, |_| {});
    lab.engine("box").stop("db").unwrap();
    lab.engine("box").run(container("box", "guest", 7000));
    lab
}

async fn goes_through(fault: Fault, paths: &[&str]) {
    let stage = Stage::start(lab().await, plan()).await;
    stage.until(&[STOPPED, GUEST]).await;
    for path in paths {
        let before = stage.history().await.len();
        let begun = Timestamp::now();
        stage.lab.netbox.faults().set(*path, fault.clone());
        stage.until_blind(&["netbox/main"]).await;
        stage.until(&[STOPPED, GUEST, BLIND]).await;
        let since = stage.entry(BLIND).first_seen;
        assert!(begun <= since && since <= Timestamp::now(), "{fault:?} at {path:?}: blind since {since}");

        // The last declaration stays in force: what it demands is missed, what it lacks is not called undeclared.
        stage.engine("attic").run(container("attic", "visitor", 7001));
        stage.engine("attic").stop("cache").unwrap();
        stage.until(&[STOPPED, GUEST, BLIND, "SERVICE_MISSING cache@attic"]).await;
        stage.looks(1).await;
        let news = stage.history().await.split_off(before);
        assert_eq!(
            news,
            [format!("opened {BLIND}"), "opened SERVICE_MISSING cache@attic".into()],
            "{fault:?} {path:?}"
        );

        stage.lab.netbox.faults().clear_all();
        let true_difference =
            [STOPPED, GUEST, "SERVICE_MISSING cache@attic", "SERVICE_UNEXPECTED visitor@attic"];
        stage.until(&true_difference).await;
        stage.quiet().await;
        stage.engine("attic").start_container("cache").unwrap();
        stage.engine("attic").remove("visitor").unwrap();
        stage.until(&[STOPPED, GUEST]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_netbox_that_begins_to_fail_changes_nothing_but_its_own_blindness() {
    join_all(faults().into_iter().map(|(fault, paths)| goes_through(fault, paths))).await;
}

async fn cold_start(fault: Fault) {
    let lab = lab().await;
    lab.netbox.faults().set(EVERYTHING, fault.clone());
    let stage = Stage::start(lab, plan()).await;
    stage.until(&[BLIND]).await;
    stage.looks(2).await;
    assert_eq!(stage.history().await, [format!("opened {BLIND}")], "{fault:?}");
    stage.lab.netbox.faults().clear_all();
    stage.until(&[STOPPED, GUEST]).await;
    stage.quiet().await;
}

/// A NetBox that answers 200 with nothing at the very first read is not among them: nobody can tell it from a new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_netbox_that_is_away_at_the_first_start_leaves_everything_unknown() {
    let readable = faults().into_iter().map(|(fault, _)| fault).filter(|fault| *fault != Fault::EmptyList);
    join_all(readable.map(cold_start)).await;
}

async fn start_with_memory(fault: Fault) {
    let mut stage = Stage::start(lab().await, plan()).await;
    stage.until(&[STOPPED, GUEST]).await;
    stage.stop().await;
    let before = evenkeel_tests::stage::all_events(&**stage.store()).await.len();
    stage.lab.netbox.faults().set(EVERYTHING, fault.clone());
    stage.engine("attic").stop("cache").unwrap();
    stage.engine("attic").run(container("attic", "visitor", 7001));
    stage.resume().await;
    stage.until(&[STOPPED, GUEST, BLIND, "SERVICE_MISSING cache@attic"]).await;
    stage.looks(2).await;
    let mut news = stage.history().await.split_off(before);
    news.sort();
    assert_eq!(news, ["opened SERVICE_MISSING cache@attic".into(), format!("opened {BLIND}")], "{fault:?}");
    stage.lab.netbox.faults().clear_all();
    stage.until(&[STOPPED, GUEST, "SERVICE_MISSING cache@attic", "SERVICE_UNEXPECTED visitor@attic"]).await;
    stage.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_netbox_that_is_away_at_a_later_start_leaves_the_remembered_inventory_in_force() {
    join_all(faults().into_iter().map(|(fault, _)| start_with_memory(fault))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_hidden_by_a_permission_are_held_back_not_taken_for_deletions() {
    let stage = Stage::start(lab().await, plan()).await;
    stage.until(&[STOPPED, GUEST]).await;
    let netbox = stage.lab.netbox.netbox();
    for model in ["virtualization.virtualmachine", "ipam.service"] {
        for id in netbox.ids(model) {
            netbox.hide(model, id);
        }
    }
    stage.until(&[STOPPED, GUEST, BLIND]).await;
    stage.looks(3).await;
    let details = stage.entry(BLIND).difference.details(&stage.entry(BLIND).id);
    assert!(details.contains("no longer shown"), "{details}");
    netbox.allow_all();
    stage.until(&[STOPPED, GUEST]).await;
    stage.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_may_not_read_one_model_blinds_netbox_and_nothing_else() {
    let stage = Stage::start(lab().await, plan()).await;
    stage.until(&[STOPPED, GUEST]).await;
    for model in ["ipam.service", "virtualization.virtualmachine", "dcim.device", "ipam.ipaddress"] {
        stage.lab.netbox.netbox().deny(model);
        stage.until(&[STOPPED, GUEST, BLIND]).await;
        stage.lab.netbox.netbox().allow_all();
        stage.until(&[STOPPED, GUEST]).await;
    }
    stage.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_row_that_cannot_be_read_opens_nothing_and_the_rest_is_watched_on() {
    let stage = Stage::start(lab().await, plan()).await;
    stage.until(&[STOPPED, GUEST]).await;
    let before = stage.history().await.len();
    let netbox = stage.lab.netbox.netbox();
    let row = netbox.service("attic", "web").unwrap();
    let is_read = || {
        let attic = stage.hub().see(|world| world.declared().find(|h| h.name.as_str() == "attic").cloned());
        attic.is_some_and(|attic| attic.services_coverage.is_complete())
    };
    netbox.mangle("ipam.service", row, json!({"ports": "eighty"}));
    assert!(soon(|| async { !is_read() }).await);
    // It runs, and its row says nothing: neither declared nor undeclared. So is anything else that runs there.
    stage.engine("attic").run(container("attic", "visitor", 7001));
    stage.looks(3).await;
    assert_eq!(stage.history().await.split_off(before), Vec::<String>::new());
    stage.engine("attic").stop("cache").unwrap();
    stage.until(&[STOPPED, GUEST, "SERVICE_MISSING cache@attic"]).await;
    netbox.mangle("ipam.service", row, json!({}));
    stage.until(&[STOPPED, GUEST, "SERVICE_MISSING cache@attic", "SERVICE_UNEXPECTED visitor@attic"]).await;
    stage.quiet().await;
}
