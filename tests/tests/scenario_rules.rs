//! What the operator decides, end to end: ignoring, being quiet, how much something matters.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::sync::Arc;
use std::time::Duration;

use evenkeel::config::SinkFilter;
use evenkeel_core::policy::{Covers, FirstRun, IgnoreRule, Matcher, SeverityRule, Silence};
use evenkeel_core::{EventType, Severity};
use evenkeel_lab::proxmox::PveVersion;
use evenkeel_lab::receiver::Receiver;
use evenkeel_tests::conformance::rigs::proxmox;
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, Plan, SinkPlan, Stage, container, soon};
use jiff::{SignedDuration, Timestamp};

const SERVICES: &[(&str, u16)] = &[("web", 80), ("db", 5432), ("cache", 6379)];
const GUEST: &str = "SERVICE_UNEXPECTED guest@box";

/// A machine with a guest that nobody declared.
async fn lab() -> Lab {
    let lab = Lab::small(&[("box", SERVICES)]).await;
    lab.engine("box").run(container("box", "guest", 7000));
    lab
}

fn services(pattern: &str) -> Matcher {
    Matcher { services: vec![Matcher::glob(pattern)], ..Matcher::default() }
}

fn ignore(pattern: &str, expires: Option<Timestamp>) -> IgnoreRule {
    IgnoreRule {
        name: Arc::from("tried-out"),
        matcher: services(pattern),
        reason: Arc::from("somebody is trying it out"),
        owner: None,
        expires,
    }
}

fn silence(pattern: &str, ends: Timestamp) -> Silence {
    Silence {
        name: Arc::from("maintenance"),
        covers: Covers::Rule(services(pattern)),
        reason: Arc::from("the disks are being changed"),
        owner: None,
        starts: None,
        ends,
    }
}

fn soon_after(seconds: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(seconds)
}

async fn receiver() -> Receiver {
    Receiver::start(SIGNING_SECRET).await.unwrap()
}

/// `opened SERVICE_UNEXPECTED`, in the order of arrival.
fn told(receiver: &Receiver) -> Vec<String> {
    let arrived = receiver.arrived();
    let events = arrived.iter().map(|a| serde_json::from_slice::<evenkeel_core::Event>(&a.body).unwrap());
    events.map(|event| format!("{} {}", event.transition, event.event_type)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_ignore_rule_covers_is_no_drift_until_the_rule_ends() {
    let plan =
        Plan::default().with_policy(|policy| policy.ignore = vec![ignore("gue*", Some(soon_after(3)))]);
    let stage = Stage::start(lab().await, plan).await;
    stage.until_blind(&[]).await;
    stage.looks(3).await;
    assert_eq!(stage.history().await, Vec::<String>::new());
    stage.engine("box").stop("db").unwrap();
    stage.until(&["SERVICE_MISSING db@box"]).await;
    // Nothing changes in the world; the rule ends by itself.
    stage.until(&["SERVICE_MISSING db@box", GUEST]).await;
    stage.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_ignore_rule_resolves_what_was_open_and_names_itself() {
    let mut stage = Stage::start(lab().await, Plan::default()).await;
    stage.until(&[GUEST]).await;
    stage.plan = stage.plan.clone().with_policy(|policy| policy.ignore = vec![ignore("guest", None)]);
    stage.restart().await;
    stage.until(&[]).await;
    stage.looks(2).await;
    let events = stage.events().await;
    assert_eq!(stage.history().await, [format!("opened {GUEST}"), format!("resolved {GUEST}")]);
    assert!(events.last().unwrap().details.contains("tried-out"), "{}", events.last().unwrap().details);
    // Without the rule it is what it was.
    stage.plan = stage.plan.clone().with_policy(|policy| policy.ignore.clear());
    stage.restart().await;
    stage.until(&[GUEST]).await;
    stage.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_keeps_and_shows_and_tells_nobody_until_it_ends() {
    let receiver = receiver().await;
    let plan = Plan::default()
        .telling(SinkPlan::new("n8n", receiver.url()))
        .with_policy(|policy| policy.silences = vec![silence("*", soon_after(3))]);
    let stage = Stage::start(lab().await, plan).await;
    stage.until(&[GUEST]).await;
    assert_eq!(stage.entry(GUEST).silenced.as_deref(), Some("maintenance"));
    // What comes and goes within the silence is never told.
    stage.engine("box").stop("db").unwrap();
    stage.until(&[GUEST, "SERVICE_MISSING db@box"]).await;
    stage.engine("box").start_container("db").unwrap();
    stage.until(&[GUEST]).await;
    assert_eq!(told(&receiver), Vec::<String>::new());
    // What is still there at its end is told, and so is its own end.
    assert!(soon(|| async { told(&receiver).len() == 1 }).await);
    stage.engine("box").remove("guest").unwrap();
    assert!(soon(|| async { told(&receiver).len() == 2 }).await);
    assert_eq!(told(&receiver), ["reminder SERVICE_UNEXPECTED", "resolved SERVICE_UNEXPECTED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_severity_rule_decides_who_is_told() {
    let (pager, mail) = (receiver().await, receiver().await);
    let urgent = SinkFilter { min_severity: Some(Severity::Critical), ..SinkFilter::default() };
    let plan = Plan::default()
        .telling(SinkPlan { filter: urgent, ..SinkPlan::new("pager", pager.url()) })
        .telling(SinkPlan::new("mail", mail.url()))
        .with_policy(|policy| {
            policy.severity = vec![SeverityRule { matcher: services("db"), severity: Severity::Critical }];
        });
    let stage = Stage::start(lab().await, plan).await;
    stage.engine("box").stop("db").unwrap();
    stage.until(&[GUEST, "SERVICE_MISSING db@box"]).await;
    assert_eq!(stage.entry("SERVICE_MISSING db@box").severity, Severity::Critical);
    assert!(soon(|| async { told(&pager).len() == 1 && told(&mail).len() == 2 }).await);
    assert_eq!(told(&pager), ["opened SERVICE_MISSING"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_told_of_a_beginning_hears_of_the_end_whatever_changed_meanwhile() {
    let pager = receiver().await;
    let urgent = SinkFilter { min_severity: Some(Severity::Critical), ..SinkFilter::default() };
    let plan = Plan::default()
        .telling(SinkPlan { filter: urgent, ..SinkPlan::new("pager", pager.url()) })
        .with_policy(|policy| {
            policy.severity = vec![SeverityRule { matcher: services("db"), severity: Severity::Critical }];
        });
    let mut stage = Stage::start(lab().await, plan).await;
    stage.until(&[GUEST]).await;
    stage.engine("box").stop("db").unwrap();
    assert!(soon(|| async { told(&pager) == ["opened SERVICE_MISSING"] }).await, "{:?}", told(&pager));
    // It is not critical any more, and ends. What never was critical ends as well, and nobody hears of that.
    stage.plan = stage.plan.clone().with_policy(|policy| policy.severity.clear());
    stage.restart().await;
    stage.until(&[GUEST, "SERVICE_MISSING db@box"]).await;
    stage.engine("box").remove("guest").unwrap();
    stage.until(&["SERVICE_MISSING db@box"]).await;
    stage.engine("box").start_container("db").unwrap();
    let ended = ["opened SERVICE_MISSING", "resolved SERVICE_MISSING"];
    assert!(soon(|| async { told(&pager) == ended }).await, "{:?}", told(&pager));
    stage.quiet().await;
    assert_eq!(told(&pager), ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_gets_only_what_its_filter_lets_through() {
    let (opened, ends) = (receiver().await, receiver().await);
    let missing = SinkFilter { types: vec![EventType::ServiceMissing], ..SinkFilter::default() };
    let resolved =
        SinkFilter { transitions: vec![evenkeel_core::Transition::Resolved], ..SinkFilter::default() };
    let plan = Plan::default()
        .telling(SinkPlan { filter: missing, ..SinkPlan::new("missing", opened.url()) })
        .telling(SinkPlan { filter: resolved, ..SinkPlan::new("ends", ends.url()) });
    let stage = Stage::start(lab().await, plan).await;
    stage.engine("box").stop("db").unwrap();
    stage.until(&[GUEST, "SERVICE_MISSING db@box"]).await;
    stage.engine("box").start_container("db").unwrap();
    stage.engine("box").remove("guest").unwrap();
    stage.until(&[]).await;
    assert!(soon(|| async { told(&opened).len() == 2 && told(&ends).len() == 2 }).await);
    assert_eq!(told(&opened), ["opened SERVICE_MISSING", "resolved SERVICE_MISSING"]);
    let mut heard = told(&ends);
    heard.sort();
    assert_eq!(heard, ["resolved SERVICE_MISSING", "resolved SERVICE_UNEXPECTED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_is_shown_and_told_to_nobody_and_what_follows_is_told() {
    let receiver = receiver().await;
    let plan = Plan::default()
        .telling(SinkPlan::new("n8n", receiver.url()))
        .with_policy(|policy| policy.first_run = FirstRun::Baseline);
    let stage = Stage::start(lab().await, plan).await;
    stage.until(&[GUEST]).await;
    stage.engine("box").stop("db").unwrap();
    stage.until(&[GUEST, "SERVICE_MISSING db@box"]).await;
    assert!(soon(|| async { !told(&receiver).is_empty() }).await);
    stage.quiet().await;
    assert_eq!(told(&receiver), ["opened SERVICE_MISSING"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hypervisor_shows_that_is_asked_for_the_first_time_is_baseline_as_well() {
    let receiver = receiver().await;
    let lab = Lab::small(&[("box", SERVICES)]).await;
    let pve = proxmox::cluster(&lab, PveVersion::V9).await;
    assert!(lab.netbox.netbox().edit_host("box", |host| host.memory = Some(4096)));
    let plan = Plan::default()
        .telling(SinkPlan::new("n8n", receiver.url()))
        .with_policy(|policy| policy.first_run = FirstRun::Baseline);
    let mut stage = Stage::start(lab, plan).await;
    stage.until(&[]).await;
    stage.quiet().await;
    // The machine has been looked at for long; its hypervisor is asked from now on.
    stage.plan.beside = vec![proxmox::beside(&pve)];
    stage.restart().await;
    stage.until(&["CONFIG_DRIFT memory box"]).await;
    pve.pve().stop_guest(101);
    stage.until(&["CONFIG_DRIFT memory box", "VM_DOWN mail"]).await;
    assert!(soon(|| async { !told(&receiver).is_empty() }).await);
    stage.quiet().await;
    assert_eq!(told(&receiver), ["opened VM_DOWN"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_drift_is_said_again_as_often_as_reminders_are_wanted() {
    let receiver = receiver().await;
    let plan = Plan::default()
        .telling(SinkPlan::new("n8n", receiver.url()))
        .with_policy(|policy| policy.remind_after = Some(Duration::from_secs(1)));
    let _stage = Stage::start(lab().await, plan).await;
    assert!(soon(|| async { told(&receiver).len() >= 3 }).await);
    assert_eq!(
        told(&receiver)[..3],
        ["opened SERVICE_UNEXPECTED", "reminder SERVICE_UNEXPECTED", "reminder SERVICE_UNEXPECTED"]
    );
}
