//! Reading by changelog gives what a full read gives, for less. Hints come when something happened.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed assertion itself"
)]

use std::time::Duration;

use crate::support::*;
use evenkeel_core::model::ExpectedHost;
use evenkeel_lab::fault::Fault;
use evenkeel_lab::inventory::{Inventory, ObjectRef, fleet, measured_fleet};
use evenkeel_lab::netbox::{Action, NetBox, NetboxLab, NetboxVersion};
use evenkeel_sources::Source;
use evenkeel_sources::netbox::{Config, NetboxSource};
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

/// What a source that has never read anything makes of it.
async fn afresh(lab: &NetboxLab) -> Vec<Arc<ExpectedHost>> {
    complete(&source(lab)).await
}

#[tokio::test]
async fn with_nothing_changed_exactly_one_request_is_made() {
    for version in NetboxVersion::ALL {
        let lab = lab(version).await;
        let source = incremental(&lab);
        let before = complete(&source).await;
        lab.take_log();
        for _ in 0..3 {
            assert_eq!(complete(&source).await, before);
            assert_eq!(source.stats().requests, 1, "{version:?}");
        }
        let log = lab.take_log();
        assert_eq!(log.len(), 3);
        assert!(
            log.iter().all(|line| line.contains("/object-changes/?") && line.contains("time_after=")),
            "{log:?}"
        );
    }
}

#[tokio::test]
async fn an_entry_in_a_journal_costs_one_look_at_the_changelog_and_no_row() {
    for version in NetboxVersion::ALL {
        let lab = lab(version).await;
        let source = incremental(&lab);
        let before = complete(&source).await;
        lab.netbox().add_journal_entry(ObjectRef::vm(4), "danger", "evenkeel was here");
        lab.take_log();
        let after = complete(&source).await;
        assert!(before.iter().zip(&after).all(|(old, new)| Arc::ptr_eq(old, new)), "{version:?}");
        let log = lab.take_log();
        assert!(log.len() == 1 && log[0].contains("/object-changes/?"), "{version:?}: {log:?}");
    }
}

#[tokio::test]
async fn hosts_that_stayed_as_they_were_stay_the_same_allocation() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = incremental(&lab);
    let before = complete(&source).await;
    lab.netbox().set_ports("n8n", "n8n", &[5679]);
    let after = complete(&source).await;
    let same = before.iter().zip(&after).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
    assert_eq!(same, 18);
}

/// One edit, and how many requests it takes to learn of it.
type Edit = (&'static str, u64, fn(&NetBox));

const EDITS: &[Edit] = &[
    ("a service's ports", 2, |netbox| {
        netbox.set_ports("n8n", "n8n", &[5679]);
    }),
    ("a service's life cycle", 2, |netbox| {
        netbox.set_service_field("n8n", "n8n", "lifecycle", json!("retired"));
    }),
    ("a new service", 2, |netbox| {
        netbox.add_service(ObjectRef::vm(1), "new", &[1], |_| {});
    }),
    ("a deleted service", 2, |netbox| {
        netbox.remove_service(1);
    }),
    ("a status", 2, |netbox| {
        netbox.set_status("n8n", "offline");
    }),
    ("a machine's name", 2, |netbox| {
        netbox.rename("n8n", "flows");
    }),
    ("a device's name, which its machines show as their node", 2, |netbox| {
        netbox.rename("Box2", "Box3");
    }),
    ("the text of a primary address, which leaves no trace on its host", 2, |netbox| {
        netbox.edit_ip(9, |ip| ip.address = "192.168.2.99/24".into());
    }),
    ("a DNS name", 2, |netbox| {
        netbox.edit_ip(9, |ip| ip.dns_name = "elsewhere.lan".into());
    }),
    ("a deleted primary address", 3, |netbox| {
        netbox.remove_ip(9);
    }),
    ("a MAC address", 2, |netbox| {
        netbox.edit_mac(3, |mac| mac.address = "AA:BB:CC:DD:EE:FF".into());
    }),
    ("a new interface with an address and a MAC", 4, |netbox| {
        let interface = netbox.add_interface(&ObjectRef::vm(1), "eth1");
        netbox.add_ip("10.0.0.1/24", Some(interface.clone()), |_| {});
        netbox.add_mac("AA:BB:CC:DD:EE:00", Some(interface));
    }),
    ("a renamed tag, which leaves no trace on what carries it", 4, |netbox| {
        let tag = netbox.tag("docker").unwrap();
        netbox.edit_tag(tag, |tag| tag.slug = "container-host".into());
    }),
    ("a deleted tag", 4, |netbox| {
        let tag = netbox.tag("docker").unwrap();
        netbox.remove_tag(tag);
    }),
    ("a renamed role", 3, |netbox| {
        netbox.edit_role(5, |role| role.slug = "engine".into());
    }),
    ("a renamed tenant", 3, |netbox| {
        netbox.edit_tenant(1, |tenant| tenant.slug = "bruce-inc".into());
    }),
    ("a renamed site", 3, |netbox| {
        netbox.edit_site(1, |site| site.slug = "home".into());
    }),
    ("a renamed cluster", 3, |netbox| {
        netbox.rename_cluster(1, "box3-cluster");
    }),
    ("a deleted machine, with all that falls with it", 6, |netbox| {
        netbox.remove_vm(5);
    }),
    ("a new machine", 2, |netbox| {
        netbox.add_vm("new", |vm| vm.tags = vec![1]);
    }),
    ("a journal entry, which concerns nobody", 1, |netbox| {
        netbox.record(Action::Create, "extras.journalentry", 1);
    }),
    ("a prefix, which concerns nobody", 1, |netbox| {
        netbox.record(Action::Update, "ipam.prefix", 1);
    }),
    ("a disk, which changes its machine without a trace on it", 2, |netbox| {
        netbox.untracked(|netbox| netbox.edit_vm(1, |vm| vm.disk = Some(1)));
        netbox.record(Action::Update, "virtualization.virtualdisk", 1);
    }),
    ("a custom field's definition: everything is read", 9, |netbox| {
        netbox.record(Action::Update, "extras.customfield", 1);
    }),
    ("a type nobody knows: everything is read", 9, |netbox| {
        netbox.record(Action::Create, "some_plugin.thing", 1);
    }),
];

#[tokio::test]
async fn every_kind_of_edit_is_learnt_for_little_and_as_a_full_read_would() {
    for version in [NetboxVersion::V4_2, NetboxVersion::V4_5, NetboxVersion::V4_6] {
        for (what, requests, edit) in EDITS {
            let lab = lab(version).await;
            let source = incremental(&lab);
            complete(&source).await;
            edit(lab.netbox());
            let learnt = complete(&source).await;
            assert_eq!(source.stats().requests, *requests, "{version:?}: {what}");
            assert_eq!(learnt, afresh(&lab).await, "{version:?}: {what}");
            assert_eq!(complete(&source).await, learnt, "{version:?}: {what}");
            assert_eq!(source.stats().requests, 1, "{version:?}: {what}, and then quiet");
        }
    }
}

#[tokio::test]
async fn a_change_that_appears_late_with_an_early_id_is_not_lost() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = incremental(&lab);
    complete(&source).await;
    // A long transaction takes its id first and ends last; meanwhile others come and go.
    let slow = lab.netbox().begin(1);
    lab.netbox().set_status("n8n", "offline");
    complete(&source).await;
    slow.commit(|netbox| netbox.set_ports("box2-media", "sonarr", &[1]));
    let hosts = complete(&source).await;
    assert_eq!(source.stats().requests, 2);
    assert_eq!(hosts, afresh(&lab).await);
}

#[tokio::test]
async fn what_leaves_no_trace_is_found_by_the_full_read() {
    let lab = lab(NetboxVersion::V4_5).await;
    let config =
        Config { full_interval: Duration::ZERO, incremental_above: 0, ..config(&lab.url(), lab.token_v1()) };
    let source = NetboxSource::new(config).unwrap();
    complete(&source).await;
    lab.netbox().untracked(|netbox| netbox.set_ports("n8n", "n8n", &[1]));
    assert_eq!(complete(&source).await, afresh(&lab).await);
}

#[tokio::test]
async fn a_row_that_vanishes_from_sight_is_not_taken_for_deleted() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = incremental(&lab);
    complete(&source).await;
    lab.netbox().set_status("n8n", "offline");
    lab.netbox().hide("virtualization.virtualmachine", lab.netbox().vm("n8n").unwrap());
    let gap = gap(&source).await;
    assert!(
        gap.why.contains("which this token is not shown") || gap.why.contains("no longer shown"),
        "{gap}"
    );
}

#[tokio::test]
async fn a_failed_step_changes_nothing_and_the_next_one_catches_up() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = incremental(&lab);
    complete(&source).await;
    lab.netbox().set_ports("n8n", "n8n", &[1]);
    lab.netbox().set_status("n8n", "offline");
    for fault in
        [Fault::Status(500), Fault::Truncated, Fault::DuplicateRow, Fault::Malformed, Fault::ResetMidStream]
    {
        for path in ["/api/ipam/services/", "/api/core/object-changes/"] {
            lab.faults().set(path, fault.clone());
            gap(&source).await;
            lab.faults().clear(path);
        }
    }
    assert_eq!(complete(&source).await, afresh(&lab).await);
    assert_eq!(source.stats().requests, 3);
}

#[tokio::test]
async fn an_emptied_changelog_is_met_with_a_full_read() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = incremental(&lab);
    complete(&source).await;
    lab.faults().set("/api/core/object-changes/", Fault::EmptyList);
    complete(&source).await;
    assert_eq!(source.stats().requests, 9, "the look, then everything");
}

#[tokio::test]
async fn many_edits_at_once_are_asked_for_in_requests_that_fit() {
    let lab = NetboxLab::start(fleet(450, 1), NetboxVersion::V4_5).await.unwrap();
    let source = incremental(&lab);
    complete(&source).await;
    for id in 1..=450 {
        lab.netbox().edit_service(id, |service| service.ports = vec![9]);
    }
    lab.take_log();
    let hosts = complete(&source).await;
    assert_eq!(source.stats().requests, 4, "the look, and 450 ids by 200");
    assert!(lab.take_log().iter().all(|line| line.len() < 4094));
    assert!(
        hosts.iter().flat_map(|host| &host.services).all(|service| service.ports.as_slice()[0].number == 9)
    );
}

#[tokio::test]
async fn fourteen_thousand_objects_are_read_in_23_requests_and_then_in_one() {
    let lab = NetboxLab::start(measured_fleet(), NetboxVersion::V4_5).await.unwrap();
    let source = source(&lab);
    assert_eq!(complete(&source).await.len(), 2014);
    assert_eq!(source.stats().requests, 23, "status, changelog, 7 + 3 + 5 + 3 pages, and three empty models");
    let whole = source.stats().bytes;
    complete(&source).await;
    assert_eq!((source.stats().requests, source.stats().bytes * 1000 < whole), (1, true));
}

#[tokio::test]
async fn a_large_fleet_is_read_by_changelog_without_being_told_to() {
    let lab = NetboxLab::start(fleet(500, 2), NetboxVersion::V4_5).await.unwrap();
    let source = source(&lab);
    assert_eq!(complete(&source).await.len(), 510);
    complete(&source).await;
    assert_eq!(source.stats().requests, 1);
}

fn probing(lab: &NetboxLab) -> NetboxSource {
    let config = Config { probe_interval: Duration::from_millis(2), ..config(&lab.url(), lab.token_v1()) };
    NetboxSource::new(config).unwrap()
}

#[tokio::test]
async fn a_change_is_hinted_at_and_a_hint_is_given_once() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = probing(&lab);
    complete(&source).await;
    let quiet = tokio::time::timeout(Duration::from_millis(50), source.changed()).await;
    assert!(quiet.is_err(), "nothing happened, nothing is hinted at");
    lab.netbox().set_status("n8n", "offline");
    let hint = tokio::time::timeout(Duration::from_secs(10), source.changed()).await.unwrap();
    assert_eq!(hint.reason, "changelog 2");
    complete(&source).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), source.changed()).await.is_err());
}

#[tokio::test]
async fn what_an_observation_has_seen_is_no_hint_any_more() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = probing(&lab);
    complete(&source).await;
    lab.netbox().set_status("n8n", "offline");
    complete(&source).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), source.changed()).await.is_err());
}

#[tokio::test]
async fn a_probe_that_is_dropped_over_and_over_still_probes() {
    let lab = lab(NetboxVersion::V4_5).await;
    let config = Config { probe_interval: Duration::from_millis(100), ..config(&lab.url(), lab.token_v1()) };
    let source = NetboxSource::new(config).unwrap();
    complete(&source).await;
    lab.netbox().set_status("n8n", "offline");
    // Each of these futures lives shorter than the interval.
    let patience = async {
        loop {
            if tokio::time::timeout(Duration::from_millis(30), source.changed()).await.is_ok() {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), patience).await.unwrap();
}

#[tokio::test]
async fn a_changelog_that_may_not_be_read_gives_no_hints_and_is_left_alone() {
    let lab = lab(NetboxVersion::V4_5).await;
    lab.netbox().deny("core.objectchange");
    let source = probing(&lab);
    complete(&source).await;
    lab.take_log();
    lab.netbox().set_status("n8n", "offline");
    assert!(tokio::time::timeout(Duration::from_millis(60), source.changed()).await.is_err());
    assert_eq!(lab.take_log().len(), 1, "asked once, refused, left alone");
}

#[tokio::test]
async fn a_changelog_that_answered_garbage_for_a_moment_is_watched_again_once_it_was_read() {
    let lab = lab(NetboxVersion::V4_5).await;
    let source = probing(&lab);
    complete(&source).await;
    lab.faults().set("/api/core/object-changes/", Fault::Malformed);
    lab.take_log();
    assert!(tokio::time::timeout(Duration::from_millis(60), source.changed()).await.is_err());
    assert_eq!(lab.take_log().len(), 1, "asked once, and left alone");
    lab.faults().clear_all();
    complete(&source).await;
    lab.netbox().set_status("n8n", "offline");
    tokio::time::timeout(Duration::from_secs(10), source.changed()).await.expect("a hint");
}

/// A random edit: which one, and what it is aimed at.
#[derive(Clone, Debug)]
struct Random {
    what: u8,
    aim: usize,
    value: u32,
}

fn random_edits() -> impl Strategy<Value = Vec<Vec<Random>>> {
    let edit =
        (0u8..20, 0usize..1000, 1u32..65_000).prop_map(|(what, aim, value)| Random { what, aim, value });
    prop::collection::vec(prop::collection::vec(edit, 0..5), 1..5)
}

fn apply(netbox: &NetBox, Random { what, aim, value }: &Random) {
    let pick = |kind: &str| {
        let ids = netbox.ids(kind);
        (!ids.is_empty()).then(|| ids[aim % ids.len()])
    };
    let (Some(vm), Some(device), Some(service), Some(ip)) = (
        pick("virtualization.virtualmachine"),
        pick("dcim.device"),
        pick("ipam.service"),
        pick("ipam.ipaddress"),
    ) else {
        return;
    };
    let text = format!("x{}", value % 50);
    match what {
        0 => drop(netbox.edit_service(service, |row| row.ports = vec![*value])),
        1 => drop(netbox.edit_service(service, |row| row.name = text)),
        2 => drop(netbox.remove_service(service)),
        3 => drop(netbox.add_service(ObjectRef::vm(vm), &text, &[*value], |_| {})),
        4 => drop(netbox.add_service(ObjectRef::device(device), &text, &[*value], |_| {})),
        5 => drop(netbox.edit_vm(vm, |row| row.name = Some(text))),
        6 => drop(netbox.edit_vm(vm, |row| row.status = "planned".into())),
        7 => drop(netbox.remove_vm(vm)),
        8 => drop(netbox.edit_device(device, |row| row.name = (value % 2 == 0).then_some(text))),
        9 => drop(netbox.edit_ip(ip, |row| row.address = format!("10.0.0.{}/24", value % 250))),
        10 => drop(netbox.remove_ip(ip)),
        11 => drop(netbox.add_vm(&text, |row| row.device = Some(device))),
        12 => {
            let interface = netbox.add_interface(&ObjectRef::vm(vm), &text);
            netbox.add_ip(&format!("10.0.0.{}/24", value % 250), Some(interface.clone()), |_| {});
            netbox.add_mac(&format!("AA:BB:CC:DD:00:{:02X}", value % 256), Some(interface));
        }
        13 => drop(pick("extras.tag").map(|tag| netbox.edit_tag(tag, |tag| tag.slug = text))),
        14 => drop(pick("extras.tag").map(|tag| netbox.remove_tag(tag))),
        15 => drop(pick("dcim.devicerole").map(|role| netbox.edit_role(role, |role| role.slug = text))),
        16 => drop(pick("virtualization.cluster").map(|cluster| netbox.rename_cluster(cluster, &text))),
        17 => drop(pick("extras.tag").map(|tag| netbox.edit_vm(vm, |row| row.tags = vec![tag]))),
        18 => drop(netbox.remove_device(device)),
        _ => drop(pick("dcim.macaddress").map(|mac| netbox.remove_mac(mac))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is edited in whatever order: reading by changelog never differs from reading everything.
    #[test]
    fn reading_by_changelog_gives_what_a_full_read_gives(
        rounds in random_edits(),
        version in prop::sample::select(NetboxVersion::ALL.to_vec()),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let lab = NetboxLab::start(Inventory::reference(), version).await.unwrap();
            let source = incremental(&lab);
            complete(&source).await;
            for round in rounds {
                for edit in &round {
                    apply(lab.netbox(), edit);
                }
                let learnt = complete(&source).await;
                assert_eq!(learnt, afresh(&lab).await);
            }
        });
    }
}
