//! The reference inventory, in which hosts and services are planned, staged, active, offline, on their way out and
//! retired: what may be away is not missed, what must not run is told.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use evenkeel_lab::docker::Container;
use evenkeel_tests::stage::{Lab, Plan, Stage};
use serde_json::Value;

const ENGINES: &[&str] = &["box2-docs", "box2-edge", "box2-daily", "box2-media", "supabase", "FurycomAI"];

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_homelab_in_sync_is_silent() {
    let stage = Stage::start(Lab::reference(ENGINES).await, Plan::believing()).await;
    stage.until_blind(&[]).await;
    stage.quiet().await;
    assert_eq!(stage.history().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_service_may_be_away_and_may_run_but_only_as_declared() {
    let stage = Stage::start(Lab::reference(ENGINES).await, Plan::believing()).await;
    stage.until_blind(&[]).await;
    stage.engine("box2-edge").run(Container::new("traefik").publish(8081, 8081));
    stage.quiet().await;
    stage.engine("box2-edge").remove("traefik").unwrap();
    stage.engine("box2-edge").run(Container::new("traefik").publish(9999, 8081));
    stage.until(&["PORT_MISMATCH traefik@box2-edge"]).await;
    stage.engine("box2-edge").remove("traefik").unwrap();
    stage.until(&[]).await;
    stage.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_service_that_runs_is_unexpected_and_says_that_it_is_retired() {
    let stage = Stage::start(Lab::reference(ENGINES).await, Plan::believing()).await;
    stage.until_blind(&[]).await;
    stage.engine("box2-media").run(Container::new("jackett").publish(9117, 9117));
    stage.until(&["SERVICE_UNEXPECTED jackett@box2-media"]).await;
    let events = stage.events().await;
    let event = events.last().unwrap();
    assert!(event.details.contains("retired"), "{}", event.details);
    assert_eq!(event.expected.as_ref().and_then(|side| side.state.as_deref()), Some("retired"));
    // Written back into NetBox as active, it is what was wanted.
    let netbox = stage.lab.netbox.netbox();
    netbox.set_service_field("box2-media", "jackett", "lifecycle", Value::from("active"));
    stage.until(&[]).await;
    // And retired again while it is down, nobody misses it.
    stage.engine("box2-media").stop("jackett").unwrap();
    stage.until(&["SERVICE_MISSING jackett@box2-media"]).await;
    netbox.set_service_field("box2-media", "jackett", "lifecycle", Value::from("retired"));
    stage.until(&[]).await;
    stage.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_on_a_staged_host_may_be_away_and_are_compared_when_they_run() {
    let lab = Lab::reference(&["box2-observability"]).await;
    for container in ["prometheus", "grafana", "loki"] {
        lab.engine("box2-observability").remove(container).unwrap();
    }
    let stage = Stage::start(lab, Plan::believing()).await;
    stage.until_blind(&[]).await;
    stage.quiet().await;
    assert_eq!(stage.history().await, Vec::<String>::new());
    stage.engine("box2-observability").run(Container::new("grafana").publish(3001, 3000));
    stage.until(&["PORT_MISMATCH grafana@box2-observability"]).await;
    // In service from now on, everything declared on it must run.
    stage.lab.netbox.netbox().set_status("box2-observability", "active");
    stage
        .until(&[
            "PORT_MISMATCH grafana@box2-observability",
            "SERVICE_MISSING loki@box2-observability",
            "SERVICE_MISSING prometheus@box2-observability",
        ])
        .await;
    stage.lab.netbox.netbox().set_status("box2-observability", "staged");
    stage.until(&["PORT_MISMATCH grafana@box2-observability"]).await;
    stage.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_declared_off_that_answers_is_one_drift_and_its_services_none() {
    let lab = Lab::reference(&["box2-tube"]).await;
    let stage = Stage::start(lab, Plan::believing()).await;
    stage.until(&["CONFIG_DRIFT status box2-tube"]).await;
    stage.engine("box2-tube").kill_daemon().await.unwrap();
    stage.until(&[]).await;
    stage.quiet().await;
    assert_eq!(
        stage.history().await,
        ["opened CONFIG_DRIFT status box2-tube", "resolved CONFIG_DRIFT status box2-tube"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_host_on_its_way_out_only_what_is_retired_matters() {
    let lab = Lab::reference(&["rotki"]).await;
    let stage = Stage::start(lab, Plan::believing()).await;
    stage.until_blind(&[]).await;
    stage.quiet().await;
    stage.engine("rotki").run(Container::new("rotki").publish(4242, 4242));
    stage.until(&["SERVICE_UNEXPECTED rotki@rotki"]).await;
    stage.engine("rotki").kill_daemon().await.unwrap();
    stage.until_blind(&["docker/rotki"]).await;
    stage.looks(2).await;
    assert_eq!(stage.history().await, ["opened SERVICE_UNEXPECTED rotki@rotki"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_host_may_be_away_and_its_planned_services_may_run() {
    let lab = Lab::reference(&["box2-secrets"]).await;
    lab.engine("box2-secrets").run(Container::new("vaultwarden").publish(8222, 80));
    let stage = Stage::start(lab, Plan::believing()).await;
    stage.until_blind(&[]).await;
    stage.quiet().await;
    stage.engine("box2-secrets").kill_daemon().await.unwrap();
    stage.until_blind(&["docker/box2-secrets"]).await;
    stage.looks(2).await;
    assert_eq!(stage.history().await, Vec::<String>::new());
}
