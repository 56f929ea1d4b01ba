//! What people hear: one message for a burst, nothing at night, a recovery exactly where the trouble was told, and what
//! stands as a reminder and a digest.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion"
)]

use std::time::Duration;

use evenkeel::config::SinkFilter;
use evenkeel::deliver::people::{At, Manners, Quiet};
use evenkeel_core::Severity;
use evenkeel_lab::ntfy::{Mode, Ntfy};
use evenkeel_sinks::ntfy::{Config, NtfySink, Settings};
use evenkeel_store::{DeliveryState, Resend};
use evenkeel_tests::stage::{Ear, Lab, Plan, Stage, soon};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(90);

fn ear(name: &str, server: &Ntfy, filter: SinkFilter, manners: Manners) -> Ear {
    let settings = Settings::new(name, server.url(), name);
    Ear::new(NtfySink::new(Config::new(settings).unwrap(), None).unwrap(), filter).mannered(manners)
}

async fn told(server: &Ntfy, topic: &str, count: usize) -> Vec<Value> {
    let messages = tokio::time::timeout(PATIENCE, server.until(topic, count)).await;
    messages.unwrap_or_else(|_| panic!("not {count} messages: {:#?}", server.messages(topic)))
}

/// The time of day so many seconds from now, in UTC.
fn time_in(seconds: i64) -> Time {
    let at = Timestamp::now() + SignedDuration::from_secs(seconds);
    at.to_zoned(TimeZone::UTC).time()
}

#[tokio::test]
async fn a_burst_is_one_message_and_so_is_its_end() {
    let server = Ntfy::start().await.unwrap();
    let services: Vec<(String, u16)> = (0..30).map(|n| (format!("web{n:02}"), 8000 + n)).collect();
    let services: Vec<(&str, u16)> = services.iter().map(|(name, port)| (name.as_str(), *port)).collect();
    let lab = Lab::small(&[("box", &services)]).await;
    let manners = Manners { group_wait: Duration::from_secs(4), ..Manners::default() };
    let plan = Plan::believing().hearing(ear("phone", &server, SinkFilter::default(), manners));
    let stage = Stage::start(lab, plan).await;
    stage.until(&[]).await;
    for (service, _) in &services {
        stage.engine("box").stop(service).unwrap();
    }
    let messages = told(&server, "phone", 1).await;
    assert_eq!(messages[0]["title"], "30 drifts", "{messages:#?}");
    let text = messages[0]["message"].as_str().unwrap();
    assert!(
        text.starts_with("- SERVICE_MISSING: web00 on box\n") && text.ends_with("\nand 10 more"),
        "{text}"
    );
    for (service, _) in &services {
        stage.engine("box").start_container(service).unwrap();
    }
    let messages = told(&server, "phone", 2).await;
    assert_eq!(messages[1]["title"], "30 resolved", "{messages:#?}");
    assert_eq!(messages[1]["priority"], 2);
    stage.until_delivered("phone").await;
    assert_eq!(server.messages("phone").len(), 2);
}

#[tokio::test]
async fn a_recovery_is_told_exactly_where_the_trouble_was_told_also_after_a_restart() {
    let server = Ntfy::start().await.unwrap();
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let critical = SinkFilter { min_severity: Some(Severity::Critical), ..SinkFilter::default() };
    let plan = Plan::believing()
        .hearing(ear("all", &server, SinkFilter::default(), Manners::default()))
        .hearing(ear("critical", &server, critical, Manners::default()));
    let mut stage = Stage::start(lab, plan).await;
    stage.until(&[]).await;
    stage.engine("box").stop("web").unwrap();
    told(&server, "all", 1).await;
    stage.restart().await;
    stage.engine("box").start_container("web").unwrap();
    stage.until(&[]).await;
    let messages = told(&server, "all", 2).await;
    assert_eq!(messages[1]["title"], "Resolved: SERVICE_MISSING: web on box");
    // The end went to both outboxes. One of them knows that nobody heard of a beginning.
    stage.until_delivered("critical").await;
    assert!(server.messages("critical").is_empty(), "{:#?}", server.messages("critical"));
}

#[tokio::test]
async fn what_could_not_be_told_is_told_later_and_a_crash_in_between_loses_nothing() {
    let server = Ntfy::start().await.unwrap();
    server.set_mode(Mode::Away);
    let lab = Lab::small(&[("box", &[("web", 80), ("db", 5432)])]).await;
    let manners = Manners { group_wait: Duration::from_millis(500), ..Manners::default() };
    let plan = Plan::believing().hearing(ear("phone", &server, SinkFilter::default(), manners));
    let mut stage = Stage::start(lab, plan).await;
    stage.until(&[]).await;
    stage.engine("box").stop("web").unwrap();
    stage.engine("box").stop("db").unwrap();
    let failed =
        || async { stage.deliveries().await.iter().filter(|row| row.last_error.is_some()).count() == 2 };
    assert!(soon(failed).await, "{:#?}", stage.deliveries().await);
    stage.restart().await;
    server.set_mode(Mode::Takes);
    stage.until_delivered("phone").await;
    let text: String = server.messages("phone").iter().map(|message| format!("{message}\n")).collect();
    assert!(text.contains("web") && text.contains("db"), "{text}");
}

#[tokio::test]
async fn a_beginning_that_is_sent_again_after_its_end_says_that_it_is_over() {
    let server = Ntfy::start().await.unwrap();
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let plan = Plan::believing().hearing(ear("phone", &server, SinkFilter::default(), Manners::default()));
    let stage = Stage::start(lab, plan).await;
    stage.until(&[]).await;
    server.set_mode(Mode::Forbids);
    stage.engine("box").stop("web").unwrap();
    let in_state = |state| {
        let stage = &stage;
        move || async move { stage.deliveries().await.iter().any(|row| row.state == state) }
    };
    assert!(soon(in_state(DeliveryState::Dead)).await, "{:#?}", stage.deliveries().await);
    server.set_mode(Mode::Takes);
    stage.engine("box").start_container("web").unwrap();
    told(&server, "phone", 1).await;
    assert!(soon(in_state(DeliveryState::Delivered)).await, "{:#?}", stage.deliveries().await);
    assert_eq!(stage.store().resend(Resend::Sink("phone".to_owned()), Timestamp::now()).await.unwrap(), 1);
    stage.hub().outbox_bell.notify_waiters();
    let messages = told(&server, "phone", 2).await;
    let titles: Vec<&Value> = messages.iter().map(|message| &message["title"]).collect();
    assert_eq!(titles, ["Resolved: SERVICE_MISSING: web on box", "1 already over"], "{messages:#?}");
    stage.until_delivered("phone").await;
    assert_eq!(server.messages("phone").len(), 2);
}

#[tokio::test]
async fn at_night_only_what_is_urgent_is_told_and_the_morning_is_one_message() {
    let server = Ntfy::start().await.unwrap();
    let lab = Lab::small(&[("box", &[("web", 80), ("db", 5432)])]).await;
    let quiet = Quiet::new(time_in(-3600), time_in(15), TimeZone::UTC);
    let asleep = Manners { quiet: quiet.clone(), urgent: Some(Severity::Critical), ..Manners::default() };
    let awake = Manners { quiet, urgent: Some(Severity::High), ..Manners::default() };
    let plan = Plan::believing().hearing(ear("asleep", &server, SinkFilter::default(), asleep)).hearing(ear(
        "awake",
        &server,
        SinkFilter::default(),
        awake,
    ));
    let stage = Stage::start(lab, plan).await;
    stage.until(&[]).await;
    // Two begin in the night; one of them ends in it.
    stage.engine("box").stop("web").unwrap();
    told(&server, "awake", 1).await;
    stage.engine("box").stop("db").unwrap();
    told(&server, "awake", 2).await;
    stage.engine("box").start_container("web").unwrap();
    stage.until(&["SERVICE_MISSING db@box"]).await;
    let messages = told(&server, "asleep", 1).await;
    assert_eq!(messages[0]["title"], "1 drift, 1 already over since the quiet hours began", "{messages:#?}");
    stage.until_delivered("asleep").await;
    assert_eq!(server.messages("asleep").len(), 1, "the end that was told already is not told again");
}

#[tokio::test]
async fn what_stays_open_is_told_again_and_what_is_over_is_not() {
    let server = Ntfy::start().await.unwrap();
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let manners = Manners { remind: Some(Duration::from_secs(1)), ..Manners::default() };
    let plan = Plan::believing().hearing(ear("phone", &server, SinkFilter::default(), manners));
    let stage = Stage::start(lab, plan).await;
    stage.until(&[]).await;
    stage.engine("box").stop("web").unwrap();
    let messages = told(&server, "phone", 3).await;
    assert_eq!(messages[1]["title"], "1 drift is still open");
    assert_eq!(messages[2]["title"], "1 drift is still open");
    assert!(messages[1]["message"].as_str().unwrap().starts_with("- SERVICE_MISSING: web on box, for "));
    stage.engine("box").start_container("web").unwrap();
    stage.until(&[]).await;
    let resolved = || async {
        server
            .messages("phone")
            .last()
            .is_some_and(|last| last["title"] == "Resolved: SERVICE_MISSING: web on box")
    };
    assert!(soon(resolved).await, "{:#?}", server.messages("phone"));
}

#[tokio::test]
async fn a_digest_says_what_stands_and_what_there_was() {
    let server = Ntfy::start().await.unwrap();
    let lab = Lab::small(&[("box", &[("web", 80), ("db", 5432)])]).await;
    let manners = Manners { digest: Some(At::new(time_in(45), None, TimeZone::UTC)), ..Manners::default() };
    let plan = Plan::believing().hearing(ear("phone", &server, SinkFilter::default(), manners));
    let stage = Stage::start(lab, plan).await;
    stage.until(&[]).await;
    stage.engine("box").stop("web").unwrap();
    told(&server, "phone", 1).await;
    stage.engine("box").stop("db").unwrap();
    told(&server, "phone", 2).await;
    stage.engine("box").start_container("db").unwrap();
    told(&server, "phone", 3).await;
    let digest = told(&server, "phone", 4).await.remove(3);
    assert_eq!(digest["title"], "Your day: 1 open, 2 opened, 1 resolved", "{digest:#}");
    assert_eq!(digest["markdown"], true);
    let text = digest["message"].as_str().unwrap();
    assert!(text.starts_with("**Open now: 1**") && text.contains("web on box, for "), "{text}");
    let rows = stage.deliveries().await;
    assert!(
        rows.iter().all(|row| row.state == DeliveryState::Delivered),
        "a digest is no delivery: {rows:#?}"
    );
}
