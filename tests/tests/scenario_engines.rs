//! Engines that go away and come back, containers that crash, engines nobody declared: one alarm per cause.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::time::Duration;

use evenkeel_lab::docker::Container;
use evenkeel_tests::stage::{Lab, Plan, Stage, container, soon};

const EIGHT: &[(&str, u16)] =
    &[("a", 8001), ("b", 8002), ("c", 8003), ("d", 8004), ("e", 8005), ("f", 8006), ("g", 8007), ("h", 8008)];

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_confirmation_is_confirmed_by_new_answers_alone() {
    let mut plan = Plan::default();
    // A look that is under way when somebody begins to wait is none that was asked for.
    plan.schedule.docker_interval = Duration::from_secs(3600);
    let stage = Stage::start(Lab::small(&[("box", &[("web", 80)])]).await, plan).await;
    stage.until_blind(&[]).await;
    let asked = || stage.engine("box").requests("/info");
    let mut at_rest = 0;
    while asked() != at_rest {
        at_rest = asked();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // Of this the engine says nothing.
    assert!(stage.lab.netbox.netbox().set_ports("box", "web", &[81]));
    stage.until(&["PORT_MISMATCH web@box"]).await;
    assert!(asked() > at_rest);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_down_from_the_start_alarms_only_where_the_host_must_run() {
    let lab =
        Lab::small(&[("active", EIGHT), ("planned", EIGHT), ("staged", EIGHT), ("offline", EIGHT)]).await;
    for status in ["planned", "staged", "offline"] {
        lab.netbox.netbox().set_status(status, status);
    }
    for host in ["active", "planned", "staged", "offline"] {
        lab.engine(host).kill_daemon().await.unwrap();
    }
    let stage = Stage::start(lab, Plan::believing()).await;
    stage.until(&["DOCKER_UNREACHABLE active"]).await;
    stage.looks(2).await;
    assert_eq!(stage.history().await, ["opened DOCKER_UNREACHABLE active"]);
    for host in ["active", "planned", "staged", "offline"] {
        stage.engine(host).start_daemon().await.unwrap();
        stage.engine(host).resume();
    }
    // What is declared off and answers is one difference, with its services under it.
    stage.until(&["CONFIG_DRIFT status offline"]).await;
    stage.quiet().await;
}

async fn a_planned_stop(plan: Plan) {
    let plan = Plan { settle: Duration::from_secs(20), ..plan };
    let stage = Stage::start(Lab::small(&[("box", EIGHT)]).await, plan).await;
    stage.until(&[]).await;
    stage.quiet().await;
    stage.engine("box").stop_daemon().await.unwrap();
    stage.until(&["DOCKER_UNREACHABLE box"]).await;
    stage.engine("box").start_daemon().await.unwrap();
    // It answers, and its containers take a while to come up.
    stage.looks(3).await;
    stage.engine("box").resume();
    stage.until(&[]).await;
    stage.quiet().await;
    // That the engine is still coming up may be told; that its containers were down with it, never.
    let mut history = stage.history().await;
    history.retain(|event| !event.ends_with("SNAPSHOT_ERROR box"));
    assert_eq!(history, ["opened DOCKER_UNREACHABLE box", "resolved DOCKER_UNREACHABLE box"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_stopped_and_started_with_eight_containers_is_no_storm() {
    a_planned_stop(Plan::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn even_who_believes_everything_at_once_hears_no_storm_of_a_planned_stop() {
    a_planned_stop(Plan::believing()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_stays_down_after_its_engine_returned_is_missed() {
    let plan = Plan { settle: Duration::from_millis(500), ..Plan::default() };
    let lab = Lab::small(&[("box", EIGHT)]).await;
    lab.engine("box").remove("a").unwrap();
    lab.engine("box").run(container("box", "a", 8001).stays_down());
    let stage = Stage::start(lab, plan).await;
    stage.until(&[]).await;
    stage.engine("box").kill_daemon().await.unwrap();
    stage.until(&["DOCKER_UNREACHABLE box"]).await;
    stage.engine("box").start_daemon().await.unwrap();
    stage.engine("box").resume();
    stage.until(&["SERVICE_MISSING a@box"]).await;
    stage.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loop_is_one_alarm_and_not_a_stream_of_missing_and_back() {
    for plan in [Plan::default(), Plan::believing()] {
        let stage = Stage::start(Lab::small(&[("box", EIGHT)]).await, plan).await;
        stage.until(&[]).await;
        stage.engine("box").crash_loop("a", 6).unwrap();
        stage.until(&["RESTART_LOOP a@box"]).await;
        stage.engine("box").crash_loop("a", 3).unwrap();
        stage.looks(2).await;
        assert_eq!(stage.history().await, ["opened RESTART_LOOP a@box"]);
        // Repaired: recreated, it runs and stays up.
        stage.engine("box").remove("a").unwrap();
        stage.engine("box").run(container("box", "a", 8001));
        stage.until(&[]).await;
        stage.quiet().await;
        assert_eq!(stage.history().await, ["opened RESTART_LOOP a@box", "resolved RESTART_LOOP a@box"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_on_a_host_nobody_declared_is_one_identity_drift_with_its_services_under_it() {
    let mut lab = Lab::small(&[("box", EIGHT)]).await;
    lab.add_engine("stranger").await;
    for (service, port) in EIGHT {
        lab.engine("stranger").run(container("stranger", service, *port));
    }
    let stage = Stage::start(lab, Plan::default()).await;
    stage.until(&["CONFIG_DRIFT identity stranger"]).await;
    assert!(soon(|| async { stage.folded().len() == EIGHT.len() }).await, "{:?}", stage.folded());
    assert_eq!(stage.history().await, ["opened CONFIG_DRIFT identity stranger"]);
    // Declaring it brings everything in step.
    stage.lab.declare_host("stranger", EIGHT);
    stage.until(&[]).await;
    stage.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_compose_projects_with_a_service_of_one_name_are_an_ambiguity_and_never_a_guess() {
    let stage = Stage::start(Lab::small(&[("box", &[("web", 80)])]).await, Plan::default()).await;
    stage.until(&[]).await;
    let other = Container::compose("other", "web").publish(8080, 80);
    stage.engine("box").run(other);
    stage.until(&["CONFIG_DRIFT identity web@box"]).await;
    // Which of both stops makes no difference: neither is known to be the declared one.
    stage.engine("box").stop("web").unwrap();
    stage.looks(3).await;
    assert_eq!(stage.history().await, ["opened CONFIG_DRIFT identity web@box"]);
    stage.engine("box").start_container("web").unwrap();
    stage.engine("box").remove("other-web-1").unwrap();
    stage.until(&[]).await;
    stage.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_two_hosts_share_is_reported_on_both_and_resolved_on_neither() {
    let services: &[(&str, u16)] = &[("web", 80)];
    let stage =
        Stage::start(Lab::small(&[("box", services), ("attic", services)]).await, Plan::default()).await;
    stage.until(&[]).await;
    let netbox = stage.lab.netbox.netbox();
    let mut second = 0;
    for host in ["box", "attic"] {
        let vm = evenkeel_lab::inventory::ObjectRef::vm(netbox.vm(host).unwrap());
        let interface = netbox.add_interface(&vm, "eth0");
        second = netbox.add_ip("192.0.2.9/24", Some(interface), |_| {});
        netbox.edit_host(host, |host| host.primary_ip4 = Some(second));
    }
    stage.until(&["CONFIG_DRIFT identity box", "CONFIG_DRIFT identity attic"]).await;
    netbox.edit_ip(second, |ip| ip.address = "192.0.2.10/24".to_owned());
    stage.until(&[]).await;
    stage.quiet().await;
}
