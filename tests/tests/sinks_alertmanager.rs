//! A real Alertmanager: an alert opens, stands while it is repeated, and ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion"
)]

use std::time::Duration;

use evenkeel::config::SinkFilter;
use evenkeel_lab::receiver::Receiver;
use evenkeel_sinks::alertmanager::{AlertmanagerSink, Config, Settings};
use evenkeel_tests::alertmanager::{Alertmanager, program};
use evenkeel_tests::stage::{Ear, Lab, Plan, Stage};

fn ear(urls: &[String], repeat: Duration) -> Ear {
    let settings = Settings {
        repeat,
        labels: [("team".to_owned(), "ops".to_owned())].into(),
        ..Settings::new("alerts", urls)
    };
    Ear::new(AlertmanagerSink::new(Config::new(settings).unwrap(), None).unwrap(), SinkFilter::default())
}

#[tokio::test]
async fn a_drift_is_an_alert_that_stands_while_it_is_open_and_ends_with_it() {
    let Some(program) = program() else { return };
    let hook = Receiver::start_unsigned().await.unwrap();
    let alertmanager = Alertmanager::start(&program, &hook.url()).await;
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    // Without a repetition the alert would end after four times as long.
    let plan = Plan::believing().hearing(ear(&[alertmanager.url()], Duration::from_secs(1)));
    let stage = Stage::start(lab, plan).await;
    stage.until(&[]).await;
    stage.engine("box").stop("web").unwrap();
    stage.until(&["SERVICE_MISSING web@box"]).await;
    let alert = alertmanager.until_active(&["box"]).await.remove(0);
    let labels = &alert["labels"];
    assert_eq!(labels["alertname"], "SERVICE_MISSING");
    assert_eq!(
        (&labels["service"], &labels["severity"], &labels["team"]),
        (&"web".into(), &"high".into(), &"ops".into())
    );
    let started = alert["startsAt"].clone();
    // It is told again until it has stood for longer than one telling holds.
    let first_end = alert["endsAt"].clone();
    let repeated =
        || async { alertmanager.active().await.first().is_some_and(|alert| alert["endsAt"] != first_end) };
    assert!(evenkeel_tests::stage::soon(repeated).await);
    assert_eq!(alertmanager.active().await[0]["startsAt"], started, "a repetition is not a new alert");
    stage.engine("box").start_container("web").unwrap();
    stage.until(&[]).await;
    alertmanager.until_active(&[]).await;
    // Whoever Alertmanager tells hears of one alert that fires and then is resolved.
    let told = async {
        let mut statuses = Vec::new();
        while statuses.last().map(String::as_str) != Some("resolved") {
            let body: serde_json::Value = serde_json::from_slice(&hook.next().await.unwrap().body).unwrap();
            statuses.push(body["status"].as_str().unwrap().to_owned());
        }
        statuses
    };
    let statuses = tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
    assert_eq!(statuses, ["firing", "resolved"]);
}

#[tokio::test]
async fn one_server_of_a_pair_is_enough() {
    let Some(program) = program() else { return };
    let hook = Receiver::start_unsigned().await.unwrap();
    let first = Alertmanager::start(&program, &hook.url()).await;
    let second = Alertmanager::start(&program, &hook.url()).await;
    let urls = [first.url(), second.url()];
    drop(second);
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let stage = Stage::start(lab, Plan::believing().hearing(ear(&urls, Duration::from_secs(1)))).await;
    stage.engine("box").stop("web").unwrap();
    stage.until(&["SERVICE_MISSING web@box"]).await;
    first.until_active(&["box"]).await;
    stage.until_delivered("alerts").await;
}
