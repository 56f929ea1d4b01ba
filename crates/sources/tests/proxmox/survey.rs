//! What a source makes of a simulated cluster: nodes, guests, storages, and what may not be said about them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::time::{Duration, Instant};

use crate::support::*;
use evenkeel_core::model::{MachineKind, MachineState, Usage};
use evenkeel_core::{Fact, GapKind};
use evenkeel_lab::inventory::Inventory;
use evenkeel_lab::proxmox::{Agent, Cluster, Guest, ProxmoxLab, PveVersion};
use evenkeel_sources::Source;
use evenkeel_sources::proxmox::{Config, ProxmoxSource};
use serde_json::json;
use tokio::time::timeout;

#[tokio::test]
async fn every_node_and_guest_is_seen_and_no_template() {
    for version in [PveVersion::V8, PveVersion::V9] {
        let lab = ProxmoxLab::start(two_nodes(version)).await.unwrap();
        let survey = with_details(&source(&lab)).await;
        assert!(survey.coverage.is_complete(), "{:?}", survey.coverage);
        let found: Vec<_> = states(&survey).into_iter().collect();
        let (running, stopped) = (Ok(MachineState::Running), Ok(MachineState::Stopped));
        let expected = [
            ("lxc/200", running.clone()),
            ("node/pve1", running.clone()),
            ("node/pve2", running.clone()),
            ("qemu/100", running.clone()),
            ("qemu/101", stopped),
            ("qemu/102", running),
        ];
        assert_eq!(found, expected.map(|(key, state)| (key.to_owned(), state)), "{version:?}");
        let web = machine(&survey, "qemu/100");
        assert_eq!((web.kind, web.vmid), (MachineKind::Vm, Some(100)));
        assert_eq!((web.node.as_deref(), web.cluster.as_deref()), (Some("pve1"), Some("lab")));
        assert_eq!(web.name, Fact::Known("web01".into()));
        assert_eq!(web.macs, Fact::Known(texts(&["bc:24:11:00:00:64"])));
        assert_eq!((&web.vcpus, &web.memory_mib), (&Fact::Known(2), &Fact::Known(2048)));
        assert_eq!(web.disk_mib, Fact::Known(32 * 1024));
        assert_eq!(web.cpu, Fact::Known(Usage { used: 12, total: 1000 }));
        assert_eq!(web.memory, Fact::Known(Usage { used: 1 << 30, total: 2 << 30 }));
        assert_eq!(&*web.notes["uuid"], "5c1d0b6e-0000-4000-8000-000000000100");
        assert_eq!(machine(&survey, "lxc/200").kind, MachineKind::Container);
    }
}

#[tokio::test]
async fn a_node_shows_its_figures_and_its_storages() {
    let lab = lab().await;
    lab.pve().fill("pve1", "local", 95 << 30);
    lab.pve().edit(|cluster| cluster.storages[1].available = false);
    let survey = complete(&source(&lab)).await;
    let node = machine(&survey, "node/pve1");
    assert_eq!((node.kind, &node.name), (MachineKind::Node, &Fact::Known("pve1".into())));
    assert_eq!((&node.vcpus, &node.memory_mib), (&Fact::Known(16), &Fact::Known(64 * 1024)));
    assert!(node.volumes_coverage.is_complete());
    let [backup, local] = node.volumes.as_slice() else { panic!("{:?}", node.volumes) };
    assert_eq!((&*backup.name, &*local.name), ("backup", "local"));
    assert_eq!(local.usage, Fact::Known(Usage { used: 95 << 30, total: 100 << 30 }));
    assert_eq!(&*node.notes["shared_storage"], "backup");
    let shown = survey.machines.iter().flat_map(|m| &m.volumes).filter(|v| &*v.name == "backup").count();
    assert_eq!(shown, 1, "a shared storage is one thing that can fill up");
    let other = machine(&survey, "node/pve2").volumes.iter().find(|volume| &*volume.name == "local").unwrap();
    assert_eq!(why(&other.usage).0, GapKind::Unreachable);
}

#[tokio::test]
async fn the_reference_clusters_are_what_netbox_declares() {
    let cluster = Cluster::of_inventory(&Inventory::reference(), "Box2", PveVersion::V9).unwrap();
    let lab = ProxmoxLab::start(cluster).await.unwrap();
    let survey = with_details(&source(&lab)).await;
    let docs = machine(&survey, "qemu/113");
    assert_eq!(docs.name, Fact::Known("box2-docs".into()));
    assert_eq!(docs.addresses, Fact::Known(vec!["192.168.2.113".parse().unwrap()]));
    assert_eq!(docs.macs, Fact::Known(texts(&["bc:24:11:00:02:71"])));
    assert_eq!((&docs.vcpus, &docs.memory_mib), (&Fact::Known(4), &Fact::Known(8192)));
    assert_eq!(docs.disk_mib, Fact::Known(65_536));
    assert_eq!((docs.cluster.as_deref(), docs.node.as_deref()), (Some("box2-cluster"), Some("Box2")));
    assert_eq!(machine(&survey, "qemu/117").state, Fact::Known(MachineState::Stopped));
}

#[tokio::test]
async fn guests_of_a_node_that_is_away_are_unknown_while_the_api_still_says_running() {
    let lab = lab().await;
    let source = source(&lab);
    with_details(&source).await;
    lab.pve().node_offline("pve2");
    for minutes in ["at once", "five minutes later"] {
        let survey = complete(&source).await;
        let away = Err((GapKind::Unreachable, "node pve2 is offline".to_owned()));
        assert_eq!(states(&survey)["node/pve2"], Ok(MachineState::Unreachable), "{minutes}");
        for key in ["qemu/102", "lxc/200"] {
            assert_eq!(states(&survey)[key], away, "{minutes}");
            let guest = machine(&survey, key);
            assert_eq!(guest.node.as_deref(), Some("pve2"));
            assert!(guest.macs.known().is_err() && guest.name.known().is_err());
        }
        assert_eq!(states(&survey)["qemu/100"], Ok(MachineState::Running));
        lab.pve().five_minutes_pass();
    }
    lab.pve().node_online("pve2");
    assert_eq!(states(&complete(&source).await)["qemu/102"], Ok(MachineState::Running));
}

#[tokio::test]
async fn a_node_nobody_has_heard_of_yet_is_unknown_with_its_guests() {
    let lab = lab().await;
    lab.pve().node_unknown("pve2");
    let survey = complete(&source(&lab)).await;
    for key in ["node/pve2", "qemu/102"] {
        assert_eq!(why(&machine(&survey, key).state).0, GapKind::NotYetObserved, "{key}");
    }
}

#[tokio::test]
async fn a_guest_nobody_has_word_of_is_unknown() {
    let lab = lab().await;
    for (key, value) in [("status", json!("unknown")), ("maxmem", json!(null)), ("name", json!(null))] {
        lab.pve().tamper(100, key, value);
    }
    let survey = complete(&source(&lab)).await;
    assert_eq!(why(&machine(&survey, "qemu/100").state).0, GapKind::Stale);
}

#[tokio::test]
async fn an_unknown_word_is_one_unknown_fact() {
    let lab = lab().await;
    let source = source(&lab);
    with_details(&source).await;
    lab.pve().tamper(100, "status", json!("levitating"));
    let survey = complete(&source).await;
    let web = machine(&survey, "qemu/100");
    assert_eq!(
        why(&web.state),
        (GapKind::Malformed, "guest 100 is in the unknown state `levitating`".into())
    );
    assert_eq!((&web.vcpus, &web.name), (&Fact::Known(2), &Fact::Known("web01".into())));
    assert_eq!(states(&survey)["qemu/102"], Ok(MachineState::Running));
}

#[tokio::test]
async fn a_locked_guest_is_not_judged_until_the_lock_is_too_old() {
    let lab = lab().await;
    let patient = source(&lab);
    let strict = ProxmoxSource::new(Config { lock_cap: Duration::ZERO, ..config(&lab) }).unwrap();
    with_details(&patient).await;
    for word in ["backup", "migrate", "snapshot", "clone", "rollback", "suspending", "word-to-come"] {
        lab.pve().lock_guest(101, word);
        let survey = complete(&patient).await;
        let held = machine(&survey, "qemu/101");
        assert_eq!(why(&held.state), (GapKind::Stale, format!("guest 101 is locked: {word}")));
        assert!(held.vcpus.known().is_err() && held.disk_mib.known().is_err());
        assert_eq!(held.name, Fact::Known("db01".into()), "it must be recognised");
        assert_eq!(&*held.notes["lock"], word);
        assert_eq!(states(&complete(&strict).await)["qemu/101"], Ok(MachineState::Stopped), "{word}");
    }
    lab.pve().unlock_guest(101);
    assert_eq!(states(&complete(&patient).await)["qemu/101"], Ok(MachineState::Stopped));
}

#[tokio::test]
async fn a_guest_that_sleeps_on_disk_is_paused() {
    let lab = lab().await;
    lab.pve().hibernate(100);
    let survey = complete(&source(&lab)).await;
    assert_eq!(states(&survey)["qemu/100"], Ok(MachineState::Paused));
}

#[tokio::test]
async fn a_migration_changes_the_node_and_nothing_else() {
    let lab = lab().await;
    let source = source(&lab);
    let before = with_details(&source).await;
    lab.pve().migrate(100, "pve2");
    let after = complete(&source).await;
    let (mut moved, stayed) = (machine(&after, "qemu/100").clone(), machine(&before, "qemu/100"));
    assert_eq!(moved.node.as_deref(), Some("pve2"));
    // Its uptime is told in seconds, so the moment it began is known to the second.
    let apart = moved.up_since.unwrap().duration_since(stayed.up_since.unwrap()).abs();
    assert!(apart.as_secs() <= 2, "{apart}");
    (moved.node, moved.up_since) = (stayed.node.clone(), stayed.up_since);
    assert_eq!(&moved, stayed);
}

#[tokio::test]
async fn addresses_come_from_the_agent_and_from_the_container_without_being_waited_for() {
    let lab = lab().await;
    let source = source(&lab);
    let first = complete(&source).await;
    assert_eq!(why(&machine(&first, "qemu/100").addresses).0, GapKind::NotYetObserved);
    let hint = timeout(SOON, source.changed()).await.expect("details are news");
    assert!(hint.reason.starts_with("details of "), "{}", hint.reason);
    let survey = with_details(&source).await;
    let addresses = |key: &str| machine(&survey, key).addresses.clone();
    let known = |list: &[&str]| Fact::Known(list.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<_>>());
    assert_eq!(addresses("qemu/100"), known(&["192.0.2.100", "2001:db8::100"]));
    assert_eq!(addresses("lxc/200"), known(&["192.0.2.200"]));
    assert_eq!(why(&addresses("qemu/101")).0, GapKind::NotYetObserved, "it is switched off");
}

#[tokio::test]
async fn a_silent_agent_delays_nothing() {
    let lab = lab().await;
    for vmid in [100, 102] {
        lab.pve().set_agent(vmid, Agent::Silent(Duration::from_secs(3)));
    }
    let source = source(&lab);
    let begun = Instant::now();
    for _ in 0..5 {
        complete(&source).await;
    }
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
    let survey = with_details(&source).await;
    let (kind, words) = why(&machine(&survey, "qemu/100").addresses);
    assert_eq!(kind, GapKind::Unreachable);
    assert!(words.contains("QEMU guest agent is not running"), "{words}");
    assert_eq!(machine(&survey, "qemu/100").macs, Fact::Known(texts(&["bc:24:11:00:00:64"])));
}

#[tokio::test]
async fn an_agent_that_is_missing_or_may_not_be_asked_leaves_the_addresses_unknown() {
    let lab = ProxmoxLab::start(two_nodes(PveVersion::V8)).await.unwrap();
    lab.pve().set_agent(102, Agent::None);
    let survey = with_details(&source(&lab)).await;
    let (kind, words) = why(&machine(&survey, "qemu/100").addresses);
    assert_eq!(kind, GapKind::Unauthorized);
    assert!(
        words.contains("Permission check failed (/vms/100, VM.Monitor)"),
        "the status line says it: {words}"
    );
    let (kind, words) = why(&machine(&survey, "qemu/102").addresses);
    assert_eq!((kind, words.as_str()), (GapKind::Uncovered, "no guest agent is configured"));
}

#[tokio::test]
async fn the_current_configuration_is_read_and_not_the_next() {
    let lab = lab().await;
    lab.pve().guest(100, |guest| {
        guest.pending.insert("net0".to_owned(), json!("virtio=BC:24:11:FF:FF:FF,bridge=vmbr0"));
    });
    let survey = with_details(&source(&lab)).await;
    assert_eq!(machine(&survey, "qemu/100").macs, Fact::Known(texts(&["bc:24:11:00:00:64"])));
}

#[tokio::test]
async fn a_guest_that_was_started_just_now_has_no_addresses_yet() {
    let lab = lab().await;
    let source = source(&lab);
    with_details(&source).await;
    lab.pve().stop_guest(100);
    let survey = with_details(&source).await;
    assert_eq!(why(&machine(&survey, "qemu/100").addresses).0, GapKind::NotYetObserved);
    lab.pve().start_guest(100);
    let survey = with_details(&source).await;
    assert_eq!(why(&machine(&survey, "qemu/100").addresses).1, "the guest was started just now");
}

#[tokio::test]
async fn a_number_given_to_another_guest_carries_nothing_over() {
    let lab = lab().await;
    let source = source(&lab);
    let before = with_details(&source).await;
    let mut other = Guest::vm(100, "pve1", "intruder").at(&["192.0.2.66"]);
    other.macs = vec!["BC:24:11:66:66:66".to_owned()];
    other.uuid = "5c1d0b6e-0000-4000-8000-000000000666".to_owned();
    lab.pve().add_guest(other);
    let survey = complete(&source).await;
    let fresh = machine(&survey, "qemu/100");
    assert_eq!(fresh.name, Fact::Known("intruder".into()));
    assert_eq!(why(&fresh.macs).0, GapKind::NotYetObserved, "the last one's are not its own");
    assert!(!fresh.notes.contains_key("uuid"));
    let survey = with_details(&source).await;
    assert_eq!(machine(&survey, "qemu/100").macs, Fact::Known(texts(&["bc:24:11:66:66:66"])));
    assert_ne!(machine(&survey, "qemu/100").notes["uuid"], machine(&before, "qemu/100").notes["uuid"]);
}

#[tokio::test]
async fn a_guest_that_was_removed_is_absent_once_the_cluster_itself_says_so() {
    let lab = lab().await;
    let source = source(&lab);
    complete(&source).await;
    lab.pve().remove_guest(101);
    let survey = complete(&source).await;
    assert!(!states(&survey).contains_key("qemu/101"));
    assert_eq!(lab.requests("/cluster/nextid?vmid=101"), 1);
    complete(&source).await;
    assert_eq!(lab.requests("/cluster/nextid"), 1, "asked once");
    lab.pve().add_guest(Guest::vm(103, "pve1", "new"));
    assert_eq!(states(&complete(&source).await)["qemu/103"], Ok(MachineState::Running));
}

#[tokio::test]
async fn a_guest_that_is_hidden_from_the_token_is_not_absent() {
    let lab = lab().await;
    let source = source(&lab);
    complete(&source).await;
    // An exception for one guest does not show among the permissions.
    lab.pve().grant(lab.token_id(), "/vms/101", "NoAccess", true);
    for _ in 0..2 {
        let gap = gap(&source).await;
        assert_eq!(gap.kind, GapKind::Unauthorized);
        assert!(
            gap.why.contains("guest 101 is in the cluster but is not shown to evenkeel@pve!lab"),
            "{gap}"
        );
    }
}

#[tokio::test]
async fn emptiness_is_believed_where_the_rights_are_proved_and_nowhere_else() {
    let lab = ProxmoxLab::start(Cluster::new("new", PveVersion::V9, &["pve1"])).await.unwrap();
    assert_eq!(complete(&source(&lab)).await.machines.len(), 1);
    for (role, path, propagate) in
        [("NoAccess", "/", true), ("PVEVMUser", "/vms", true), ("PVEAuditor", "/", false)]
    {
        lab.pve().revoke(lab.token_id(), "");
        lab.pve().grant(lab.token_id(), path, role, propagate);
        let gap = gap(&source(&lab)).await;
        assert_eq!(gap.kind, GapKind::Unauthorized, "{role} on {path}");
        assert!(gap.why.contains("pveum acl modify / --roles PVEAuditor"), "{gap}");
        assert!(gap.why.contains("--tokens 'evenkeel@pve!lab'"), "{gap}");
    }
}

#[tokio::test]
async fn storages_that_may_not_be_seen_are_a_gap_of_their_own() {
    let lab = lab().await;
    for who in [lab.token_id(), lab.login().0] {
        lab.pve().grant(who, "/storage", "NoAccess", true);
    }
    let survey = complete(&source(&lab)).await;
    let node = machine(&survey, "node/pve1");
    assert_eq!(node.volumes_coverage.gap().map(|gap| gap.kind), Some(GapKind::Unauthorized));
}

#[tokio::test]
async fn a_lost_quorum_is_noted_and_another_nodes_view_preferred() {
    let lab = lab().await;
    lab.pve().set_quorate(false);
    let source = source(&lab);
    let survey = complete(&source).await;
    assert!(machine(&survey, "node/pve1").notes["quorum"].starts_with("lost"));
    assert!(lab.requests_to(0) > 0 && lab.requests_to(1) > 0, "both were asked");
    lab.pve().set_quorate(true);
    assert!(!machine(&complete(&source).await, "node/pve1").notes.contains_key("quorum"));
}

#[tokio::test]
async fn no_more_than_four_calls_travel_at_once() {
    let mut cluster = Cluster::new("big", PveVersion::V9, &["pve1"]);
    for vmid in 100..160 {
        cluster = cluster.with(Guest::vm(vmid, "pve1", &format!("vm{vmid}")).at(&["192.0.2.7"]));
    }
    let lab = ProxmoxLab::start(cluster).await.unwrap();
    lab.faults().set("/nodes/", evenkeel_lab::fault::Fault::Slow(Duration::from_millis(5)));
    let source = source(&lab);
    let survey = with_details(&source).await;
    assert!(survey.machines.iter().all(|machine| machine.vmid.is_none() || machine.macs.known().is_ok()));
    assert!(lab.busiest() <= 4, "{}", lab.busiest());
    assert!(lab.requests("/nodes/") >= 120);
}

#[tokio::test]
async fn details_that_are_known_are_not_read_at_every_look() {
    let lab = lab().await;
    let source = source(&lab);
    with_details(&source).await;
    let before = lab.requests("/nodes/");
    for _ in 0..5 {
        complete(&source).await;
    }
    assert!(timeout(SOON, source.details_read()).await.unwrap());
    assert_eq!(lab.requests("/nodes/"), before);
    lab.pve().guest(100, |guest| guest.tags = Some("prod;web".to_owned()));
    complete(&source).await;
    assert!(timeout(SOON, source.details_read()).await.unwrap());
    assert_eq!(lab.requests("/nodes/"), before + 2, "its configuration and its agent");
}
