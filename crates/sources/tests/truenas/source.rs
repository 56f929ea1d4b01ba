//! What an observation of a simulated TrueNAS says, release by release.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::*;
use evenkeel_core::model::{Health, MachineKind, MachineState, Port, Ports, RunState, Usage, VolumeHealth};
use evenkeel_core::{Coverage, Fact, GapKind};
use evenkeel_lab::truenas::{Alert, App, AppState, Guest, KeyState, Pool, TruenasLab, TruenasVersion};
use evenkeel_sources::Source;
use evenkeel_sources::truenas::{Config, Transport};

fn container() -> Guest {
    Guest {
        id: 7,
        state: "RUNNING".into(),
        vcpus: 2,
        memory: 512,
        mac: "00:16:3E:00:00:07".into(),
        address: "192.168.2.77".into(),
    }
}

#[tokio::test]
async fn every_release_shows_the_reference_inventory_running_as_declared() {
    for version in TruenasVersion::ALL {
        let lab = lab(version).await;
        let (survey, host) = observe(&source(config(&lab))).await;
        assert_eq!(host.coverage, Coverage::Complete, "{version:?}");
        assert_eq!(survey.coverage, Coverage::Complete, "{version:?}");
        let names: Vec<&str> = host.services.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names, ["nextcloud", "plex", "syncthing"], "{version:?}");
        for (name, ports) in [("nextcloud", &[30027][..]), ("plex", &[32400]), ("syncthing", &[20910, 22000])]
        {
            let service = service(&host, name);
            assert_eq!(service.state, Fact::Known(RunState::Running), "{version:?} {name}");
            assert_eq!(service.health, Fact::Known(Health::Healthy));
            let open: Ports = ports.iter().map(|port| Port::tcp(*port)).collect();
            assert_eq!(service.ports.known().unwrap().open, open, "{version:?} {name}");
            assert_eq!(service.hints.container_name.as_deref(), Some(name));
            assert_eq!(service.hints.compose_project.as_deref(), Some(format!("ix-{name}").as_str()));
        }
        let minecraft = machine(&survey, "minecraft");
        assert_eq!(minecraft.kind, MachineKind::Vm, "{version:?}");
        assert_eq!(minecraft.state, Fact::Known(MachineState::Running));
        assert_eq!(minecraft.node.as_deref(), Some("truenas"));
        assert_eq!((&minecraft.vcpus, &minecraft.memory_mib), (&Fact::Known(4), &Fact::Known(8192)));
        assert_eq!(survey.machines.len(), 1);

        assert_eq!(host.facts.name, Some(Fact::Known("truenas".into())));
        let system = host.facts.machine.as_ref().unwrap();
        assert_eq!((system.kind, &system.state), (MachineKind::Node, &Fact::Known(MachineState::Running)));
        assert_eq!(&*system.notes["version"], version.release());
        assert_eq!((&system.vcpus, &system.memory_mib), (&Fact::Known(8), &Fact::Known(32_000)));
        assert_eq!(system.volumes_coverage, Coverage::Complete);
        assert_eq!(system.volumes[0].usage, Fact::Known(Usage { used: 4 << 40, total: 16 << 40 }));
        assert_eq!(system.volumes[0].health, Some(Fact::Known(VolumeHealth::Healthy)));
    }
}

#[tokio::test]
async fn a_release_with_json_rpc_is_asked_through_one_socket_and_one_login() {
    let lab = lab(TruenasVersion::V25_10).await;
    let source = source(config(&lab));
    for _ in 0..3 {
        observe(&source).await;
    }
    assert_eq!(lab.logins(), 1);
    assert_eq!(lab.calls("auth.login_ex"), 1);
}

#[tokio::test]
async fn a_release_without_json_rpc_is_asked_over_rest() {
    let lab = lab(TruenasVersion::V24_10).await;
    observe(&source(config(&lab))).await;
    assert_eq!(lab.calls("auth.login_ex"), 0);
    assert!(lab.calls("app.query") > 0);
    let only_socket = Config { transport: Transport::Websocket, ..config(&lab) };
    let (_, host) = observe(&source(only_socket)).await;
    assert!(gap(&host.coverage).why.contains("use transport = \"rest\""), "{:?}", host.coverage);
}

#[tokio::test]
async fn every_state_of_an_app_means_what_it_says() {
    for version in [TruenasVersion::V24_10, TruenasVersion::V25_10] {
        let lab = lab(version).await;
        let source = source(config(&lab));
        for (word, state) in [
            (AppState::Running, Some(RunState::Running)),
            (AppState::Stopped, Some(RunState::Exited)),
            (AppState::Stopping, Some(RunState::Exited)),
            (AppState::Crashed, Some(RunState::Exited)),
            (AppState::Deploying, None),
            (AppState::Unhealthy, Some(RunState::Running)),
            (AppState::Odd, None),
        ] {
            assert!(lab.set_app("plex", word));
            let (_, host) = observe(&source).await;
            let plex = service(&host, "plex");
            assert_eq!(plex.state.known().ok().copied(), state, "{version:?} {word:?}");
            assert_eq!(plex.ports.known().is_ok(), state == Some(RunState::Running), "{word:?}");
            assert_eq!(host.coverage, Coverage::Complete, "{word:?}: a word alone costs no list");
            let healthy = matches!(plex.health, Fact::Known(Health::Healthy));
            assert_eq!(healthy, word == AppState::Running, "{word:?}");
        }
    }
}

#[tokio::test]
async fn an_app_on_the_host_network_has_unknown_ports_and_not_none() {
    let lab = lab(TruenasVersion::V25_10).await;
    lab.edit(|state| state.apps.get_mut("plex").unwrap().host_network = true);
    let (_, host) = observe(&source(config(&lab))).await;
    let gap = service(&host, "plex").ports.known().unwrap_err();
    assert!(gap.kind == GapKind::Uncovered && gap.why.contains("host network"), "{gap}");
}

#[tokio::test]
async fn every_state_of_a_machine_means_what_it_says() {
    let lab = lab(TruenasVersion::V25_10).await;
    let source = source(config(&lab));
    for (word, state) in [
        ("RUNNING", Some(MachineState::Running)),
        ("STOPPED", Some(MachineState::Stopped)),
        ("SUSPENDED", Some(MachineState::Paused)),
        ("ERROR", None),
        ("NOSTATE", None),
        ("UPDATING CONFIGURATION", None),
        ("HIBERNATING", None),
    ] {
        lab.set_vm("minecraft", word);
        let (survey, _) = observe(&source).await;
        assert_eq!(machine(&survey, "minecraft").state.known().ok().copied(), state, "{word}");
        assert_eq!(survey.coverage, Coverage::Complete, "{word}");
    }
}

#[tokio::test]
async fn system_containers_are_machines_and_no_secret_of_theirs_is_kept() {
    for version in [TruenasVersion::V25_04, TruenasVersion::V25_10, TruenasVersion::V26] {
        let lab = lab(version).await;
        lab.edit(|state| state.containers.insert("pihole".into(), container()));
        let (survey, host) = observe(&source(config(&lab))).await;
        let pihole = machine(&survey, "pihole");
        assert_eq!(
            (pihole.kind, &pihole.state),
            (MachineKind::Container, &Fact::Known(MachineState::Running))
        );
        if version == TruenasVersion::V26 {
            assert_eq!(&*pihole.key, "container/7");
            assert_eq!(pihole.macs, Fact::Known(vec!["00:16:3e:00:00:07".into()]));
        } else {
            assert_eq!(&*pihole.key, "virt/pihole");
            assert_eq!(pihole.addresses, Fact::Known(vec!["192.168.2.77".parse().unwrap()]));
            assert_eq!(pihole.memory_mib, Fact::Known(512));
        }
        let said = format!("{survey:?} {host:?}");
        assert!(!said.contains("planted") && !said.contains(lab.key()), "{said}");
    }
}

#[tokio::test]
async fn a_key_without_a_right_leaves_a_gap_that_names_the_role_and_the_rest_is_honest() {
    let all = [
        "SYSTEM_GENERAL_READ",
        "APPS_READ",
        "DOCKER_READ",
        "VM_READ",
        "VIRT_INSTANCE_READ",
        "VIRT_GLOBAL_READ",
        "CONTAINER_READ",
        "POOL_READ",
        "ALERT_LIST_READ",
    ];
    for transport in [Transport::Websocket, Transport::Rest, Transport::Ssh] {
        let lab = lab(TruenasVersion::V25_10).await;
        let source = source(by(&lab, transport));
        let without = async |role: &str| {
            let roles: BTreeSet<String> =
                all.iter().filter(|r| **r != role).map(|r| (*r).to_owned()).collect();
            lab.edit(|state| state.roles = Some(roles));
            observe(&source).await
        };
        let (survey, host) = without("APPS_READ").await;
        assert_eq!(gap(&host.coverage).kind, GapKind::Unauthorized, "{transport:?}");
        assert!(gap(&host.coverage).why.contains("APPS_READ"), "{:?}", host.coverage);
        assert_eq!(survey.coverage, Coverage::Complete);
        let (survey, host) = without("VM_READ").await;
        assert_eq!(host.coverage, Coverage::Complete, "{transport:?}");
        assert!(gap(&survey.coverage).why.contains("VM_READ"), "{:?}", survey.coverage);
        let (survey, host) = without("POOL_READ").await;
        assert!(host.coverage.is_complete() && survey.coverage.is_complete());
        let system = host.facts.machine.as_ref().unwrap();
        assert!(gap(&system.volumes_coverage).why.contains("POOL_READ"), "{system:?}");
        let (survey, host) = without("SYSTEM_GENERAL_READ").await;
        assert!(host.coverage.is_complete() && survey.coverage.is_complete());
        assert!(matches!(&host.facts.name, Some(Fact::Unknown(gap)) if gap.kind == GapKind::Unauthorized));
        assert_eq!(machine(&survey, "minecraft").node.as_deref(), Some("truenas"), "it was told before");
        let (_, host) = without("DOCKER_READ").await;
        assert_eq!(host.coverage, Coverage::Complete, "listed apps say that Docker runs");
        lab.edit(|state| state.apps.clear());
        let (_, host) = without("DOCKER_READ").await;
        assert!(gap(&host.coverage).why.contains("DOCKER_READ"), "{:?}", host.coverage);
    }
}

#[tokio::test]
async fn no_app_is_a_complete_answer_only_where_docker_is_seen_to_run_or_has_no_pool() {
    for version in
        [TruenasVersion::V24_04, TruenasVersion::V24_10, TruenasVersion::V25_10, TruenasVersion::V26]
    {
        let lab = lab(version).await;
        let source = source(config(&lab));
        // Docker stopped, and TrueNAS has not noticed: every list of apps is empty.
        lab.edit(|state| state.docker_runs = false);
        let (_, host) = observe(&source).await;
        assert!(!host.coverage.is_complete() && host.services.is_empty(), "{version:?}");
        // It noticed.
        for word in ["STOPPED", "FAILED", "INITIALIZING", "PENDING", "STOPPING", "MELTING"] {
            lab.edit(|state| state.docker_status = word.into());
            let (_, host) = observe(&source).await;
            assert!(!host.coverage.is_complete(), "{version:?} {word}");
        }
        lab.edit(|state| state.apps_pool = None);
        let (_, host) = observe(&source).await;
        assert_eq!(host.coverage, Coverage::Complete, "{version:?}: there is no pool for apps");
        lab.edit(|state| {
            state.apps_pool = Some("tank".into());
            state.docker_runs = true;
            state.docker_status = "RUNNING".into();
            state.apps.clear();
        });
        let (_, host) = observe(&source).await;
        // 24.04 has no witness for Kubernetes.
        assert_eq!(host.coverage.is_complete(), version > TruenasVersion::V24_04, "{version:?}");
    }
}

#[tokio::test]
async fn no_instance_is_a_complete_answer_only_where_incus_runs_or_has_no_pool() {
    let lab = lab(TruenasVersion::V25_04).await;
    let source = source(config(&lab));
    for (word, complete) in
        [("INITIALIZING", false), ("ERROR", false), ("LOCKED", false), ("NO_POOL", true), ("MELTING", false)]
    {
        lab.edit(|state| state.incus = word.into());
        let (survey, host) = observe(&source).await;
        assert_eq!(survey.coverage.is_complete(), complete, "{word}");
        assert!(host.coverage.is_complete(), "{word}");
    }
    lab.edit(|state| {
        state.incus = "INITIALIZED".into();
        state.vms.clear();
    });
    let (survey, _) = observe(&source).await;
    assert!(survey.coverage.is_complete() && survey.machines.is_empty());
}

#[tokio::test]
async fn what_is_down_while_the_system_comes_or_goes_is_not_taken_to_be_down() {
    let lab = lab(TruenasVersion::V25_10).await;
    let source = source(config(&lab));
    lab.set_app("plex", AppState::Stopped);
    lab.set_vm("minecraft", "STOPPED");
    for word in ["SHUTTING_DOWN", "BOOTING"] {
        lab.edit(|state| state.system = word.into());
        let (survey, host) = observe(&source).await;
        assert_eq!(accusations(&survey, &host, &["plex", "nextcloud"], &["minecraft"]), [""; 0], "{word}");
        assert!(!host.coverage.is_complete() && !survey.coverage.is_complete());
        assert_eq!(service(&host, "nextcloud").state, Fact::Known(RunState::Running), "what runs, runs");
    }
    lab.edit(|state| {
        state.system = "READY".into();
        state.docker_status = "INITIALIZING".into();
    });
    let (_, host) = observe(&source).await;
    assert!(service(&host, "plex").state.known().is_err());
    lab.edit(|state| state.docker_status = "RUNNING".into());
    let (survey, host) = observe(&source).await;
    assert_eq!(service(&host, "plex").state, Fact::Known(RunState::Exited));
    assert_eq!(machine(&survey, "minecraft").state, Fact::Known(MachineState::Stopped));
}

#[tokio::test]
async fn a_full_or_degraded_pool_and_alerts_are_told() {
    let lab = lab(TruenasVersion::V25_10).await;
    lab.edit(|state| {
        let pool = Pool { status: "DEGRADED".into(), healthy: false, size: 100, allocated: 97 };
        state.pools.insert("tank".into(), pool);
        let alert = |klass: &str, level: &str, dismissed| Alert {
            klass: klass.into(),
            level: level.into(),
            formatted: "Pool <b>tank</b> state is DEGRADED".into(),
            dismissed,
        };
        state.alerts = vec![
            alert("VolumeStatus", "CRITICAL", false),
            alert("Old", "CRITICAL", true),
            alert("Fyi", "INFO", false),
        ];
    });
    let (_, host) = observe(&source(config(&lab))).await;
    let system = host.facts.machine.as_ref().unwrap();
    let tank = &system.volumes[0];
    assert_eq!(tank.usage.known().unwrap().percent(), Some(97));
    assert_eq!(tank.health, Some(Fact::Known(VolumeHealth::Degraded("DEGRADED".into()))));
    let alerts: Vec<(&str, &str)> =
        system.notes.iter().filter(|(key, _)| key.starts_with("alert/")).map(|(k, v)| (&**k, &**v)).collect();
    assert_eq!(alerts, [("alert/VolumeStatus", "CRITICAL: Pool tank state is DEGRADED")]);
}

#[tokio::test]
async fn every_change_is_heard_at_once() {
    let lab = lab(TruenasVersion::V25_10).await;
    let source = source(config(&lab));
    hears(&source, "socket is open").await;
    lab.set_app("plex", AppState::Crashed);
    hears(&source, "changed app.query plex").await;
    lab.edit(|state| state.apps.insert("immich".into(), App::new("immich:1", &[30041])));
    hears(&source, "added app.query immich").await;
    lab.edit(|state| state.apps.remove("immich"));
    hears(&source, "removed app.query immich").await;
    lab.set_vm("minecraft", "STOPPED");
    hears(&source, "changed vm.query minecraft").await;
    lab.edit(|state| state.pools.get_mut("tank").unwrap().allocated = 15 << 40);
    hears(&source, "changed pool.query tank").await;
}

#[tokio::test]
async fn after_a_restart_everything_is_read_again_and_nothing_that_happened_is_missed() {
    let lab = lab(TruenasVersion::V25_10).await;
    let source = source(config(&lab));
    hears(&source, "socket is open").await;
    lab.stop().await;
    hears(&source, "socket ended").await;
    let (survey, host) = observe(&source).await;
    assert_eq!(gap(&host.coverage).kind, GapKind::Unreachable);
    assert_eq!(gap(&survey.coverage).kind, GapKind::Unreachable);
    assert!(host.facts.machine.is_none(), "nobody saw it");
    lab.set_app("plex", AppState::Stopped);
    lab.resume().unwrap();
    hears(&source, "socket is open").await;
    let (_, host) = observe(&source).await;
    assert_eq!(service(&host, "plex").state, Fact::Known(RunState::Exited));
}

#[tokio::test]
async fn a_refused_login_says_what_to_do_and_is_not_repeated_at_once() {
    for (key, part) in [
        (KeyState::Revoked, "was it revoked"),
        (KeyState::Expired, "has expired"),
        (KeyState::OtpRequired, "second factor"),
        (KeyState::Redirect, "active controller"),
        (KeyState::Denied, "may not log in"),
    ] {
        let lab = lab(TruenasVersion::V26).await;
        lab.edit(|state| state.key = key);
        let source = source(config(&lab));
        for _ in 0..20 {
            let (survey, host) = observe(&source).await;
            assert!(gap(&host.coverage).why.contains(part), "{key:?}: {:?}", host.coverage);
            assert_eq!(survey.coverage, host.coverage);
        }
        assert_eq!(lab.logins(), 1, "{key:?}");
    }
}

#[tokio::test]
async fn a_session_that_was_ended_by_the_server_is_logged_in_again() {
    let lab = lab(TruenasVersion::V25_10).await;
    let source = source(config(&lab));
    observe(&source).await;
    lab.faults().set("app.query", evenkeel_lab::fault::Fault::Status(401));
    observe(&source).await;
    lab.faults().clear_all();
    until(&source, "a new login", |_, host| host.coverage.is_complete()).await;
    assert_eq!(lab.logins(), 2);
}

#[tokio::test]
async fn a_key_over_plain_http_is_revoked_and_this_source_cannot_be_told_to_send_one() {
    let lab = TruenasLab::of_reference(TruenasVersion::V24_10).await.unwrap();
    assert!(evenkeel_sources::truenas::Address::parse(&lab.url().replace("https", "http")).is_err());
    let careless = evenkeel_sources::http::client(&Default::default(), &Default::default())
        .unwrap()
        .get(format!("http://{}/api/v2.0/app", lab.address()))
        .header("authorization", format!("Bearer {}", lab.key()));
    assert_eq!(careless.send().await.unwrap().status(), 401);
    assert_eq!(lab.state().key, KeyState::Revoked);
    let (_, host) = observe(&source(config(&lab))).await;
    assert_eq!(gap(&host.coverage).kind, GapKind::Unauthorized);
}

#[tokio::test]
async fn the_clock_of_the_source_does_not_matter_and_doctor_tells_it() {
    let lab = lab(TruenasVersion::V25_10).await;
    lab.edit(|state| state.clock = jiff::SignedDuration::from_hours(-3));
    let source = source(config(&lab));
    let (survey, host) = observe(&source).await;
    assert!(host.coverage.is_complete() && survey.coverage.is_complete());
    let skew = source.check().await.clock_skew.unwrap();
    assert!((-10_805..=-10_795).contains(&skew.as_secs()), "{skew:?}");
}

#[tokio::test]
async fn a_source_that_cannot_be_told_never_gives_a_hint() {
    let lab = lab(TruenasVersion::V24_10).await;
    let source = source(by(&lab, Transport::Rest));
    assert!(tokio::time::timeout(Duration::from_millis(50), source.changed()).await.is_err());
}
