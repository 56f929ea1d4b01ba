//! What a Docker engine that fails in every way a lab knows makes of the drifts behind it: one blindness of the right
//! type, since the right moment, and nothing else, until it answers again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::collections::BTreeSet;
use std::time::Duration;

use evenkeel_lab::fault::Fault;
use evenkeel_tests::stage::{Lab, Plan, Stage, container};
use jiff::Timestamp;

const UNREACHABLE: &str = "DOCKER_UNREACHABLE";
const UNREADABLE: &str = "SNAPSHOT_ERROR";

/// The list of containers.
const LIST: &str = "/containers/json";
/// Every question.
const ENGINE: &str = "";

/// Each fault on a machine of its own, and what it is called.
fn faults() -> Vec<(&'static str, Fault, &'static str)> {
    vec![
        ("reset", Fault::Reset, UNREACHABLE),
        ("slow", Fault::Slow(Duration::from_secs(60)), UNREACHABLE),
        ("hang", Fault::Hang, UNREACHABLE),
        ("unauthorized", Fault::Status(401), UNREADABLE),
        ("forbidden", Fault::Status(403), UNREADABLE),
        ("broken", Fault::Status(500), UNREACHABLE),
        ("unavailable", Fault::Status(503), UNREACHABLE),
        ("empty", Fault::EmptyList, UNREADABLE),
        ("truncated", Fault::Truncated, UNREADABLE),
        ("malformed", Fault::Malformed, UNREADABLE),
        ("duplicate", Fault::DuplicateRow, UNREADABLE),
        ("midstream", Fault::ResetMidStream, UNREADABLE),
    ]
}

fn plan() -> Plan {
    Plan { docker_timeout: Duration::from_millis(900), ..Plan::believing() }
}

/// Three declared services on every machine.
async fn lab() -> Lab {
    let services: &[(&str, u16)] = &[("web", 80), ("db", 5432), ("cache", 6379)];
    let hosts: Vec<_> = faults().iter().map(|(host, ..)| (*host, services)).collect();
    Lab::small(&hosts).await
}

fn set_faults(lab: &Lab, prefix: &str) {
    for (host, fault, _) in faults() {
        lab.engine(host).faults().set(prefix, fault);
    }
}

fn clear_faults(lab: &Lab) {
    for (host, ..) in faults() {
        lab.engine(host).faults().clear_all();
    }
}

/// What is true of every machine beside its fault: `db` is stopped, and `guest` is not declared.
fn differ(lab: &Lab) {
    for (host, ..) in faults() {
        lab.engine(host).stop("db").unwrap();
        lab.engine(host).run(container(host, "guest", 7000));
    }
}

fn differences() -> Vec<String> {
    let of = |host| [format!("SERVICE_MISSING db@{host}"), format!("SERVICE_UNEXPECTED guest@{host}")];
    faults().iter().flat_map(|(host, ..)| of(host)).collect()
}

fn blindness() -> Vec<String> {
    faults().iter().map(|(host, _, kind)| format!("{kind} {host}")).collect()
}

/// A list in which a row came twice shows the others all the same: what it shows is seen, what it lacks is unknown.
const SEEN: &str = "duplicate";

fn with_seen(drifts: &[&str]) -> Vec<String> {
    blindness().into_iter().chain(drifts.iter().map(|drift| (*drift).to_owned())).collect()
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

async fn a_fault_at_the_start_opens_the_blindness_and_nothing_else(prefix: &str) {
    let lab = lab().await;
    differ(&lab);
    set_faults(&lab, prefix);
    let begun = Timestamp::now();
    let stage = Stage::start(lab, plan()).await;
    let seen =
        with_seen(&[&format!("SERVICE_MISSING db@{SEEN}"), &format!("SERVICE_UNEXPECTED guest@{SEEN}")]);
    stage.until(&borrowed(&seen)).await;
    assert_since(&stage, begun, Timestamp::now());
    stage.looks(1).await;
    let opened: BTreeSet<String> = stage.history().await.into_iter().collect();
    assert_eq!(opened, seen.iter().map(|drift| format!("opened {drift}")).collect());

    clear_faults(&stage.lab);
    stage.until(&borrowed(&differences())).await;
    stage.quiet().await;
}

async fn a_fault_later_opens_the_blindness_and_touches_nothing_open(prefix: &str) {
    let stage = Stage::start(lab().await, plan()).await;
    stage.until(&[]).await;
    differ(&stage.lab);
    stage.until(&borrowed(&differences())).await;
    let before = stage.history().await.len();

    let begun = Timestamp::now();
    set_faults(&stage.lab, prefix);
    // What happens behind the fault is not seen, in either direction.
    for (host, ..) in faults() {
        stage.engine(host).start_container("db").unwrap();
        stage.engine(host).stop("cache").unwrap();
        stage.engine(host).remove("guest").unwrap();
    }
    let blind: Vec<String> = faults().iter().map(|(host, ..)| format!("docker/{host}")).collect();
    stage.until_blind(&borrowed(&blind)).await;
    let stopped = format!("SERVICE_MISSING cache@{SEEN}");
    stage.until(&borrowed(&with_seen(&[&stopped]))).await;
    assert_since(&stage, begun, Timestamp::now());
    stage.looks(1).await;
    let news: BTreeSet<String> = stage.history().await.split_off(before).into_iter().collect();
    let started = format!("SERVICE_MISSING db@{SEEN}");
    let mut told: BTreeSet<String> =
        with_seen(&[&stopped]).iter().map(|drift| format!("opened {drift}")).collect();
    told.insert(format!("resolved {started}"));
    assert_eq!(news, told);
    let kept = differences().into_iter().filter(|drift| *drift != started).collect();
    assert_eq!(stage.folded(), kept, "what was open stays, under its cause");

    clear_faults(&stage.lab);
    let missing: Vec<String> =
        faults().iter().map(|(host, ..)| format!("SERVICE_MISSING cache@{host}")).collect();
    stage.until(&borrowed(&missing)).await;
    stage.quiet().await;
}

/// The blindness was first seen, and the source is blind, since the fault began.
fn assert_since(stage: &Stage, begun: Timestamp, now: Timestamp) {
    for drift in blindness() {
        let entry = stage.entry(&drift);
        assert!(begun <= entry.first_seen && entry.first_seen <= now, "{drift} since {}", entry.first_seen);
    }
    for status in stage.hub().see(|world| world.source_statuses(evenkeel::collect::now())) {
        let since = status.blind_since;
        assert!(since.is_none_or(|at| begun <= at && at <= now), "{} blind since {since:?}", status.source);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_whose_list_fails_from_the_start_is_blind_and_its_services_are_unknown() {
    a_fault_at_the_start_opens_the_blindness_and_nothing_else(LIST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_fails_as_a_whole_from_the_start_is_blind_and_its_services_are_unknown() {
    a_fault_at_the_start_opens_the_blindness_and_nothing_else(ENGINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_whose_list_begins_to_fail_keeps_every_drift_as_it_was() {
    a_fault_later_opens_the_blindness_and_touches_nothing_open(LIST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_begins_to_fail_as_a_whole_keeps_every_drift_as_it_was() {
    a_fault_later_opens_the_blindness_and_touches_nothing_open(ENGINE).await;
}
