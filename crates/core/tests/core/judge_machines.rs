//! Machines as hypervisors and probes see them: on, off, gone, undeclared, unreachable, of the wrong shape, full.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use crate::world::{at, gap, host, partial, with_status};
use evenkeel_core::judge::{FactRule, Limit};
use evenkeel_core::model::{
    Expected, ExpectedHost, HostFacts, HostStatus, HostView, MachineKind, MachineState, Observed,
    ObservedMachine, Usage, Volume, VolumeHealth, VolumeKind,
};
use evenkeel_core::{
    Coverage, DriftId, EventType, Fact, Field, GapKind, Report, Rules, SourceId, SourceKind, diff,
};

fn machine(state: MachineState) -> ObservedMachine {
    ObservedMachine {
        name: Fact::Known(Arc::from(crate::world::HOST)),
        state: Fact::Known(state),
        node: Some(Arc::from("pve1")),
        ..ObservedMachine::new("qemu/100", MachineKind::Vm)
    }
}

fn node(state: MachineState) -> ObservedMachine {
    ObservedMachine { kind: MachineKind::Node, node: None, ..machine(state) }
}

fn expected(declared: Option<ExpectedHost>, coverage: Coverage, seconds: i64) -> Expected {
    Expected::new(crate::world::evidence(SourceKind::Netbox, seconds), coverage, declared.map(Arc::new))
}

fn seen_by(kind: SourceKind, machine: Option<ObservedMachine>, coverage: Coverage) -> HostView {
    HostView {
        source: SourceId::new(kind, "it"),
        started: at(0),
        observed_at: at(0),
        coverage,
        facts: HostFacts { machine: machine.map(Box::new), from_outside: true, ..HostFacts::default() },
        services: Vec::new(),
        ambiguous: Vec::new(),
    }
}

fn proxmox(machine: ObservedMachine) -> HostView {
    seen_by(SourceKind::Proxmox, Some(machine), Coverage::Complete)
}

fn no_guest(coverage: Coverage) -> HostView {
    seen_by(SourceKind::Proxmox, None, coverage)
}

fn report(declared: Option<ExpectedHost>, views: Vec<HostView>, rules: &Rules) -> Report {
    let expected = expected(declared, Coverage::Complete, 0);
    let observed = Observed::new(views.into_iter().map(Arc::new).collect());
    let subject = crate::world::subject();
    let case = evenkeel_core::Case { subject: &subject, expected: &expected, observed: &observed, rules };
    let open: Vec<DriftId> = EventType::ALL
        .iter()
        .map(|kind| DriftId::of_host(&crate::world::HOST.into(), *kind))
        .chain(Field::ALL.map(|field| DriftId::of_field(&crate::world::HOST.into(), None, field)))
        .collect();
    diff(case, &open)
}

fn found(declared: Option<ExpectedHost>, views: Vec<HostView>) -> Vec<String> {
    words(&report(declared, views, &Rules::default()))
}

fn words(report: &Report) -> Vec<String> {
    let word = |id: &DriftId| match (id.field, &id.service) {
        (Some(field), Some(service)) => format!("{} {field} {service}", id.event_type),
        (Some(field), None) => format!("{} {field}", id.event_type),
        (None, _) => id.event_type.to_string(),
    };
    report.drifted.iter().map(|d| word(&d.id)).collect()
}

fn unknown(report: &Report, kind: EventType) -> bool {
    report.unknown.iter().any(|(id, _)| id.event_type == kind && id.field.is_none())
}

fn running() -> Option<ExpectedHost> {
    Some(host([]))
}

#[test]
fn a_machine_that_must_run_is_down_when_its_hypervisor_says_so_or_proves_that_it_has_none() {
    assert_eq!(found(running(), vec![proxmox(machine(MachineState::Running))]), [""; 0]);
    assert_eq!(found(running(), vec![proxmox(machine(MachineState::Stopped))]), ["VM_DOWN"]);
    assert_eq!(found(running(), vec![proxmox(machine(MachineState::Paused))]), ["VM_DOWN"]);
    assert_eq!(found(running(), vec![no_guest(Coverage::Complete)]), ["VM_DOWN"]);
}

#[test]
fn a_machine_nobody_can_see_is_unknown_not_down() {
    for kind in [GapKind::Unreachable, GapKind::Unauthorized, GapKind::Truncated, GapKind::Stale] {
        let report = report(running(), vec![no_guest(partial(kind))], &Rules::default());
        assert_eq!(words(&report), [""; 0], "{kind}");
        assert!(unknown(&report, EventType::VmDown), "{kind}");
    }
    let lost = ObservedMachine::unknown("qemu/100", MachineKind::Vm, &gap(GapKind::Unreachable));
    let report = report(running(), vec![proxmox(lost)], &Rules::default());
    assert!(unknown(&report, EventType::VmDown));
}

#[test]
fn a_stopped_copy_elsewhere_does_not_make_a_running_machine_down() {
    let copy = seen_by(SourceKind::Truenas, Some(machine(MachineState::Stopped)), Coverage::Complete);
    assert_eq!(found(running(), vec![copy.clone(), proxmox(machine(MachineState::Running))]), [""; 0]);
    // Whoever cannot say may be the one that runs it.
    let report = report(running(), vec![copy, no_guest(partial(GapKind::TimedOut))], &Rules::default());
    assert!(unknown(&report, EventType::VmDown));
}

#[test]
fn what_may_be_away_is_not_down_and_what_must_not_run_is_a_status() {
    let planned = |status| Some(with_status(host([]), status));
    for status in [HostStatus::Planned, HostStatus::Staged, HostStatus::Decommissioning, HostStatus::Offline]
    {
        assert_eq!(found(planned(status), vec![no_guest(Coverage::Complete)]), [""; 0]);
    }
    let runs = || vec![proxmox(machine(MachineState::Running))];
    assert_eq!(found(planned(HostStatus::Offline), runs()), ["CONFIG_DRIFT status"]);
    assert_eq!(found(planned(HostStatus::Decommissioning), runs()), [""; 0]);
}

#[test]
fn an_undeclared_guest_is_a_drift_only_where_it_runs_and_intent_is_complete() {
    assert_eq!(found(None, vec![proxmox(machine(MachineState::Running))]), ["VM_UNDECLARED"]);
    assert_eq!(found(None, vec![proxmox(machine(MachineState::Stopped))]), [""; 0]);
    let subject = crate::world::subject();
    let expected = expected(None, partial(GapKind::Truncated), 0);
    let observed = Observed::new(vec![Arc::new(proxmox(machine(MachineState::Running)))]);
    let rules = Rules::default();
    let case =
        evenkeel_core::Case { subject: &subject, expected: &expected, observed: &observed, rules: &rules };
    assert!(diff(case, &[]).drifted.is_empty());
}

#[test]
fn a_node_its_cluster_has_lost_is_unreachable_unless_the_machine_itself_was_heard() {
    assert_eq!(found(running(), vec![proxmox(node(MachineState::Unreachable))]), ["NODE_UNREACHABLE"]);
    let engine = crate::world::view(SourceKind::Docker, []);
    assert_eq!(found(running(), vec![proxmox(node(MachineState::Unreachable)), engine]), [""; 0]);
    let off = with_status(host([]), HostStatus::Offline);
    assert_eq!(found(Some(off), vec![proxmox(node(MachineState::Unreachable))]), [""; 0]);
}

#[test]
fn an_undeclared_node_is_told_as_an_identity() {
    assert_eq!(found(None, vec![proxmox(node(MachineState::Running))]), ["CONFIG_DRIFT identity"]);
    // Whoever cannot see it any more has not seen it go.
    let report = report(None, vec![no_guest(partial(GapKind::TimedOut))], &Rules::default());
    let identity = |id: &DriftId| id.field == Some(Field::Identity);
    assert!(report.unknown.iter().any(|(id, _)| identity(id)), "{:?}", report.clean);
}

#[test]
fn shape_is_compared_where_it_is_declared_and_told() {
    let ip: IpAddr = "192.168.2.16".parse().unwrap();
    let other: IpAddr = "192.168.2.99".parse().unwrap();
    let declared = ExpectedHost {
        primary_ip: Some(ip),
        cluster: Some(Arc::from("Box2")),
        node: Some("pve1".into()),
        vcpus: Some(4),
        memory_mib: Some(4000),
        disk_mib: Some(32_000),
        ..host([])
    };
    let real = |ips: Vec<IpAddr>, vcpus| ObservedMachine {
        addresses: Fact::Known(ips),
        cluster: Some(Arc::from("box2")),
        vcpus: Fact::Known(vcpus),
        // Within the tolerances: people mean one kind of megabyte or the other.
        memory_mib: Fact::Known(4096),
        disk_mib: Fact::Known(32_768),
        ..machine(MachineState::Running)
    };
    assert_eq!(found(Some(declared.clone()), vec![proxmox(real(vec![ip, other], 4))]), [""; 0]);
    assert_eq!(
        found(Some(declared.clone()), vec![proxmox(real(vec![other], 2))]),
        ["CONFIG_DRIFT ip", "CONFIG_DRIFT vcpus"]
    );
    // A silent guest agent is not "no address", and neither is an empty list right after the start.
    let silent = ObservedMachine { addresses: Fact::Unknown(gap(GapKind::Uncovered)), ..real(vec![], 4) };
    assert_eq!(found(Some(declared.clone()), vec![proxmox(silent)]), [""; 0]);
    assert_eq!(found(Some(declared.clone()), vec![proxmox(real(vec![], 4))]), [""; 0]);
    let moved = ObservedMachine { node: Some(Arc::from("pve2")), ..real(vec![ip], 4) };
    assert_eq!(found(Some(declared), vec![proxmox(moved)]), ["CONFIG_DRIFT node"]);
}

#[test]
fn of_two_sources_the_rule_decides_and_manual_names_the_conflict() {
    let declared = ExpectedHost { vcpus: Some(4), ..host([]) };
    let with = |n| ObservedMachine { vcpus: Fact::Known(n), ..machine(MachineState::Running) };
    let views = |newer: SourceKind| {
        let mut views =
            vec![proxmox(with(4)), seen_by(SourceKind::Truenas, Some(with(8)), Coverage::Complete)];
        views.iter_mut().filter(|v| v.source.kind == newer).for_each(|v| v.observed_at = at(60));
        views
    };
    let found = |facts, newer| {
        report(Some(declared.clone()), views(newer), &Rules { facts, ..Rules::default() }).drifted
    };
    assert!(found(FactRule::default(), SourceKind::Truenas).is_empty());
    assert!(found(FactRule::Newest, SourceKind::Proxmox).is_empty());
    assert_eq!(found(FactRule::Newest, SourceKind::Truenas).len(), 1);
    let conflict = found(FactRule::Manual, SourceKind::Proxmox);
    let details = conflict[0].difference.details(&conflict[0].id);
    assert!(details.contains("4 (proxmox/it), 8 (truenas/it)"), "{details}");
}

#[test]
fn between_the_thresholds_nobody_can_say() {
    let rules = Rules::default();
    let Some(Limit { over, under }) = rules.limits.pool else { panic!("pools are watched") };
    let at_percent = |used| {
        let pool = Volume {
            kind: VolumeKind::Pool,
            name: Arc::from("tank"),
            usage: Fact::Known(Usage { used, total: 100 }),
            health: Some(Fact::Known(VolumeHealth::Healthy)),
        };
        ObservedMachine {
            volumes: vec![pool],
            volumes_coverage: Coverage::Complete,
            ..node(MachineState::Running)
        }
    };
    let id = DriftId::of_volume(&crate::world::HOST.into(), "tank", EventType::ResourceExceeded, Field::Pool);
    let verdict = |machine| {
        let expected = expected(running(), Coverage::Complete, 0);
        let observed = Observed::new(vec![Arc::new(proxmox(machine))]);
        let subject = crate::world::subject();
        let case = evenkeel_core::Case {
            subject: &subject,
            expected: &expected,
            observed: &observed,
            rules: &rules,
        };
        let report = diff(case, [&id]);
        (report.drifted.len(), report.clean.len(), report.unknown.len())
    };
    assert_eq!(verdict(at_percent(over)), (1, 0, 0));
    assert_eq!(verdict(at_percent(over - 1)), (0, 0, 1));
    assert_eq!(verdict(at_percent(under - 1)), (0, 1, 0));
    let gone = ObservedMachine { volumes: Vec::new(), ..at_percent(1) };
    assert_eq!(verdict(gone.clone()), (0, 1, 0), "a pool that is gone is not full");
    let unread = ObservedMachine { volumes_coverage: partial(GapKind::Unauthorized), ..gone };
    assert_eq!(verdict(unread), (0, 0, 1));
}

#[test]
fn a_degraded_pool_is_told_and_a_service_of_the_same_name_does_not_answer_for_it() {
    let pool = Volume {
        kind: VolumeKind::Pool,
        name: Arc::from("tank"),
        usage: Fact::Known(Usage { used: 1, total: 100 }),
        health: Some(Fact::Known(VolumeHealth::Degraded(Arc::from("DEGRADED")))),
    };
    let nas = ObservedMachine {
        volumes: vec![pool],
        volumes_coverage: Coverage::Complete,
        ..node(MachineState::Running)
    };
    let declared = Some(host([crate::world::declared("tank")]));
    let inside = crate::world::view(
        SourceKind::Docker,
        [crate::world::shown("tank", evenkeel_core::model::RunState::Running)],
    );
    assert_eq!(found(declared, vec![inside, proxmox(nas)]), ["CONFIG_DRIFT pool tank"]);
}

#[test]
fn an_engine_on_a_machine_that_was_just_switched_on_is_not_unreachable_yet() {
    let booted =
        |seconds: i64| ObservedMachine { up_since: Some(at(-seconds)), ..machine(MachineState::Running) };
    let silent =
        || HostView { coverage: partial(GapKind::Unreachable), ..crate::world::view(SourceKind::Docker, []) };
    assert_eq!(found(running(), vec![silent(), proxmox(booted(30))]), [""; 0]);
    assert_eq!(found(running(), vec![silent(), proxmox(booted(3600))]), ["DOCKER_UNREACHABLE"]);
}

#[test]
fn a_hypervisor_that_is_blind_raises_nothing_on_each_of_its_guests() {
    let kinds: BTreeSet<String> =
        found(running(), vec![no_guest(partial(GapKind::Unauthorized))]).into_iter().collect();
    assert!(kinds.is_empty(), "{kinds:?}");
}

#[test]
fn a_container_that_runs_behind_a_closed_port_is_told_with_both_witnesses() {
    let declared = || host([crate::world::declared_on("torrent", &[8080, 30024])]);
    let engine = || crate::world::docker([crate::world::shown_on("torrent", &[8080, 30024])]);
    let probed =
        |open: &[u16]| crate::world::view(SourceKind::Probe, [crate::world::shown_on("torrent", open)]);
    let found = |views| crate::world::Plan::new(declared(), views).drifts();
    assert!(found([engine(), probed(&[8080, 30024])]).is_empty());
    let drifts = found([engine(), probed(&[8080])]);
    let details = drifts[0].difference.details(&drifts[0].id);
    assert_eq!(drifts.len(), 1);
    assert!(details.contains("docker/it") && details.contains("only 8080/tcp"), "{details}");
    // A probe that could not look says nothing against the engine.
    let mut unseen = crate::world::shown("torrent", evenkeel_core::model::RunState::Running);
    (unseen.state, unseen.ports) =
        (Fact::Unknown(gap(GapKind::TimedOut)), Fact::Unknown(gap(GapKind::TimedOut)));
    assert!(found([engine(), crate::world::view(SourceKind::Probe, [unseen])]).is_empty());
}

#[test]
fn a_port_that_was_closed_is_not_open_because_the_probe_has_not_come_round_yet() {
    let declared = host([crate::world::declared_on("torrent", &[8080])]);
    let engine = crate::world::docker([crate::world::shown_on("torrent", &[8080])]);
    let not_yet =
        HostView { coverage: partial(GapKind::NotYetObserved), ..crate::world::view(SourceKind::Probe, []) };
    let open = DriftId::of_service(&crate::world::HOST.into(), &"torrent".into(), EventType::PortMismatch);
    let verdict = |views: Vec<HostView>| {
        let report = crate::world::Plan::new(declared.clone(), views).at(0).diff(std::slice::from_ref(&open));
        (report.clean.len(), report.unknown.len(), report.drifted.len())
    };
    assert_eq!(verdict(vec![engine.clone(), not_yet]), (0, 1, 0));
    assert_eq!(verdict(vec![engine]), (1, 0, 0));
}

#[test]
fn a_service_on_a_machine_without_an_api_is_missing_by_probe_and_only_the_probed_ones_are_judged() {
    let declared =
        host([crate::world::declared_on("whisper", &[9000]), crate::world::declared_on("mdns", &[5353])]);
    let closed = crate::world::shown("whisper", evenkeel_core::model::RunState::Closed);
    let plan = crate::world::Plan::new(declared, [crate::world::view(SourceKind::Probe, [closed])]);
    assert_eq!(plan.found(), ["SERVICE_MISSING whisper"]);
}
