//! Sources that look after many machines, beside the faults of the conformance suite: what is lost together is told once,
//! and what a controller knew of who is who outlives it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::time::Duration;

use evenkeel_lab::listener::{Behaviour, Machine};
use evenkeel_lab::proxmox::{Guest, PveVersion};
use evenkeel_sources::netbox::Filters;
use evenkeel_tests::conformance::rigs::{probe, proxmox};
use evenkeel_tests::stage::{Lab, Plan, Stage};

const NETBOX_BLIND: &str = "SNAPSHOT_ERROR netbox/main";

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_from_which_nothing_answers_is_one_alarm_however_many_machines_it_looks_at() {
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let mut machines = Vec::new();
    for name in ["desk", "printer", "camera"] {
        let machine = Machine::start();
        let port = machine.open(Behaviour::Filtered).await.unwrap();
        probe::declare(&lab, name, &machine, &[("app", port)]);
        machines.push((machine, port));
    }
    let plan = Plan { beside: vec![probe::beside(Vec::new())], ..Plan::believing() };
    let mut stage = Stage::start(lab, plan).await;
    stage.until(&["SNAPSHOT_ERROR probe/main"]).await;
    stage.restart().await;
    stage.looks(3).await;
    assert_eq!(stage.history().await, ["opened SNAPSHOT_ERROR probe/main"]);

    for (machine, port) in &machines {
        machine.set(*port, Behaviour::Open).await.unwrap();
    }
    // The last one that comes may be seen missing for one look.
    stage.until(&[]).await;
    let of_source = |event: &String| event.contains("SNAPSHOT_ERROR");
    let told: Vec<String> = stage.history().await.into_iter().filter(of_source).collect();
    assert_eq!(told, ["opened SNAPSHOT_ERROR probe/main", "resolved SNAPSHOT_ERROR probe/main"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_filter_no_guest_is_undeclared_whether_netbox_answers_or_not() {
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let pve = proxmox::cluster(&lab, PveVersion::V9).await;
    let netbox = lab.netbox.netbox();
    let tag = netbox.add_tag("ours");
    for host in ["box", "docs", "mail", "pve1"] {
        assert!(netbox.edit_host(host, |host| host.tags = vec![tag]));
    }
    pve.pve().add_guest(Guest::vm(110, "pve2", "stray"));
    pve.pve().stop_guest(100);
    let filters = Filters { tags: vec!["ours".to_owned()], ..Filters::default() };
    let plan = Plan { netbox_filters: filters, beside: vec![proxmox::beside(&pve)], ..Plan::believing() };
    let mut stage = Stage::start(lab, plan).await;
    stage.until(&["VM_DOWN docs"]).await;
    stage.quiet().await;
    stage.lab.netbox.down().await;
    stage.until(&["VM_DOWN docs", NETBOX_BLIND]).await;
    stage.restart().await;
    stage.looks(3).await;
    assert_eq!(stage.history().await, ["opened VM_DOWN docs".to_owned(), format!("opened {NETBOX_BLIND}")]);
    stage.lab.netbox.up().unwrap();
    stage.until(&["VM_DOWN docs"]).await;
    stage.quiet().await;
}

/// NetBox is read once, before the cluster has answered, and not again.
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_is_renamed_while_nobody_looks_is_itself_afterwards() {
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let pve = proxmox::cluster(&lab, PveVersion::V9).await;
    pve.down(0).await;
    pve.down(1).await;
    let mut plan = Plan { beside: vec![proxmox::beside(&pve)], ..Plan::believing() };
    plan.schedule.netbox_interval = Duration::from_secs(3600);
    let mut stage = Stage::start(lab, plan).await;
    stage.until(&["SNAPSHOT_ERROR proxmox/lab"]).await;
    pve.up(0).await.unwrap();
    stage.until(&[]).await;

    stage.stop().await;
    pve.pve().rename(101, "post");
    stage.resume().await;
    stage.until(&["CONFIG_DRIFT name mail"]).await;
    let history = stage.history().await;
    assert!(!history.iter().any(|event| event.contains("VM_")), "{history:#?}");
}
