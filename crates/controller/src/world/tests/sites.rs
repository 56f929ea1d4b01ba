//! Sources that speak about many machines: who is who, what is gone, what is nobody's fault.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::judge::Rules;
use evenkeel_core::ledger::{Ledger, advance};
use evenkeel_core::model::{
    ExpectedHost, HostFacts, HostKind, HostSnapshot, Inventory, MachineKind, MachineState, ObservedMachine,
    Survey,
};
use evenkeel_core::policy::{Confirm, Policy, confirm};
use evenkeel_core::{
    Case, Coverage, Difference, Drift, DriftId, EventType, Evidence, Fact, Gap, GapKind, Report, SourceId,
    SourceKind, Subject, Verdict, diff_source, judge,
};
use evenkeel_sources::Snapshot;

use super::{World, at, inventory, netbox, subject};

fn cluster() -> SourceId {
    SourceId::new(SourceKind::Proxmox, "box2")
}

fn node(name: &str, state: MachineState) -> ObservedMachine {
    ObservedMachine {
        name: Fact::Known(Arc::from(name)),
        state: Fact::Known(state),
        ..ObservedMachine::new(format!("node/{name}"), MachineKind::Node)
    }
}

fn guest(vmid: u64, name: &str, state: MachineState) -> ObservedMachine {
    ObservedMachine {
        name: Fact::Known(Arc::from(name)),
        state: Fact::Known(state),
        node: Some(Arc::from("pve1")),
        cluster: Some(Arc::from("box2")),
        vmid: Some(vmid),
        ..ObservedMachine::new(format!("qemu/{vmid}"), MachineKind::Vm)
    }
}

fn lost(vmid: u64) -> ObservedMachine {
    let gap = Gap::new(GapKind::Unreachable, "node pve1 is offline");
    ObservedMachine {
        node: Some(Arc::from("pve1")),
        vmid: Some(vmid),
        ..ObservedMachine::unknown(format!("qemu/{vmid}"), MachineKind::Vm, &gap)
    }
}

fn vm(name: &str, id: u64) -> ExpectedHost {
    ExpectedHost { cluster: Some(Arc::from("Box2")), ..ExpectedHost::new(name, HostKind::VirtualMachine, id) }
}

fn survey(seconds: i64, machines: Vec<ObservedMachine>) -> Snapshot {
    partial(seconds, Coverage::Complete, machines)
}

fn partial(seconds: i64, coverage: Coverage, machines: Vec<ObservedMachine>) -> Snapshot {
    let survey =
        Survey { source: cluster(), started: at(seconds), observed_at: at(seconds), coverage, machines };
    Snapshot::Survey { survey, host: None }
}

fn declared() -> Inventory {
    let device = ExpectedHost::new("pve1", HostKind::Device, 100);
    inventory(0, vec![vm("docs", 1), vm("media", 2), device])
}

fn asked(inventory: Inventory) -> World {
    let mut world = World::new(netbox(), Arc::new(Policy::default()), Duration::from_secs(90));
    world.add_site(cluster(), Vec::new(), Some(Duration::from_secs(90)), BTreeMap::new());
    world.replace_inventory(inventory, at(0));
    world
}

fn running() -> Vec<ObservedMachine> {
    vec![
        node("pve1", MachineState::Running),
        guest(100, "docs", MachineState::Running),
        guest(101, "media", MachineState::Running),
    ]
}

/// What differs at this moment, as `TYPE subject`, over every subject.
fn found(world: &World, seconds: i64) -> Vec<String> {
    let mut found = Vec::new();
    for subject in world.subjects() {
        let slice = world.slice(&subject, at(seconds));
        let ledger = Ledger::new(subject.clone());
        let report = crate::pass::compare(&subject, &slice, &ledger, &Policy::default(), at(seconds));
        found.extend(report.drifted.iter().map(|drift| {
            let field = drift.id.field.map_or_else(String::new, |field| format!(" {field}"));
            format!("{}{field} {subject}", drift.id.event_type)
        }));
    }
    found
}

#[test]
fn what_a_cluster_shows_is_matched_with_what_is_declared() {
    let mut world = asked(declared());
    world.learn(&cluster(), survey(1, running()), at(1));
    assert_eq!(found(&world, 2), [""; 0]);
    let mut machines = running();
    machines[1].state = Fact::Known(MachineState::Stopped);
    machines.push(guest(102, "stray", MachineState::Running));
    world.learn(&cluster(), survey(3, machines), at(3));
    assert_eq!(found(&world, 4), ["VM_DOWN host:docs", "VM_UNDECLARED host:stray"]);
}

#[test]
fn a_guest_is_gone_only_where_its_own_cluster_says_so() {
    let elsewhere = ExpectedHost { cluster: Some(Arc::from("Attic")), ..vm("far", 3) };
    let mut world = asked(inventory(0, vec![vm("docs", 1), vm("media", 2), elsewhere]));
    // Until the cluster has answered it is a witness of nothing.
    assert_eq!(found(&world, 1), [""; 0]);
    let mut machines = running();
    machines.remove(1);
    world.learn(&cluster(), survey(1, machines), at(1));
    let down: Vec<String> = found(&world, 2).into_iter().filter(|w| w.starts_with("VM_DOWN")).collect();
    assert_eq!(down, ["VM_DOWN host:docs"]);
}

#[test]
fn a_blind_cluster_is_one_alarm_and_no_machine_is_down() {
    let mut world = asked(declared());
    world.learn(&cluster(), survey(1, running()), at(1));
    let gap = Gap::new(GapKind::Unauthorized, "the token shows nothing");
    world.learn(&cluster(), partial(2, Coverage::Partial(gap), Vec::new()), at(2));
    assert_eq!(found(&world, 3), ["SNAPSHOT_ERROR source:proxmox/box2"]);
    // And an answer that is too old is one alarm as well.
    world.learn(&cluster(), survey(4, running()), at(4));
    assert_eq!(found(&world, 400), ["SNAPSHOT_ERROR source:proxmox/box2"]);
}

#[test]
fn a_cluster_that_forgets_most_of_its_machines_at_once_is_not_believed() {
    let many = |n: u64| (0..n).map(|i| guest(100 + i, &format!("vm{i}"), MachineState::Running)).collect();
    let hosts = (0..20).map(|i| vm(&format!("vm{i}"), i + 1)).collect();
    let mut world = asked(inventory(0, hosts));
    world.learn(&cluster(), survey(1, many(20)), at(1));
    world.learn(&cluster(), survey(2, many(3)), at(2));
    assert_eq!(found(&world, 3), ["SNAPSHOT_ERROR source:proxmox/box2"]);
}

#[test]
fn a_cluster_that_loses_its_declared_machines_one_by_one_is_not_believed_either() {
    let many = |n: u64| (0..n).map(|i| guest(100 + i, &format!("vm{i}"), MachineState::Running)).collect();
    let hosts = (0..20).map(|i| vm(&format!("vm{i}"), i + 1)).collect();
    let mut world = asked(inventory(0, hosts));
    for (minute, shown) in [(1, 20), (2, 18), (3, 17), (4, 16)] {
        world.learn(&cluster(), survey(60 * minute, many(shown)), at(60 * minute));
    }
    assert_eq!(found(&world, 250).len(), 4, "four are down, and that is said of each");
    world.learn(&cluster(), survey(300, many(15)), at(300));
    let found = found(&world, 310);
    assert!(found.contains(&"SNAPSHOT_ERROR source:proxmox/box2".to_owned()), "{found:?}");
    assert!(!found.iter().any(|line| line.contains("vm15")), "{found:?}");
}

#[test]
fn a_lost_node_explains_its_guests_and_makes_none_of_them_down() {
    let mut world = asked(declared());
    world.learn(&cluster(), survey(1, running()), at(1));
    let machines = vec![node("pve1", MachineState::Unreachable), lost(100), lost(101)];
    world.learn(&cluster(), survey(2, machines), at(2));
    assert_eq!(found(&world, 3), ["NODE_UNREACHABLE host:pve1"]);
    let outer = match world.slice(&subject("docs"), at(3)) {
        super::Slice::Host { outer, .. } => outer,
        super::Slice::Source { .. } | super::Slice::Store(_) => panic!("a host's slice is a host's"),
    };
    assert_eq!(outer.len(), 1, "{outer:?}");
    assert_eq!(outer[0].to_string(), "NODE_UNREACHABLE|host:pve1|||");
}

#[test]
fn a_guest_that_moved_or_was_renamed_is_still_itself() {
    let known = ExpectedHost { macs: vec![Arc::from("bc:24:11:00:00:01")], ..vm("docs", 1) };
    let mut world = asked(inventory(0, vec![known, vm("media", 2)]));
    let with_mac = |name: &str, node: &str| ObservedMachine {
        macs: Fact::Known(vec![Arc::from("bc:24:11:00:00:01")]),
        node: Some(Arc::from(node)),
        ..guest(100, name, MachineState::Running)
    };
    let media = || guest(101, "media", MachineState::Running);
    world.learn(&cluster(), survey(1, vec![with_mac("docs", "pve2"), media()]), at(1));
    assert_eq!(found(&world, 2), [""; 0]);
    // Renamed: matched by what was remembered; also when never seen before, by its address card.
    world.learn(&cluster(), survey(3, vec![with_mac("documents", "pve2"), media()]), at(3));
    assert_eq!(found(&world, 4), ["CONFIG_DRIFT name host:docs"]);
}

#[test]
fn a_declared_number_is_the_link_whatever_the_name() {
    let linked = ExpectedHost { proxmox_vmid: Some(100), ..vm("docs", 1) };
    let mut world = asked(inventory(0, vec![linked]));
    world.learn(&cluster(), survey(1, vec![guest(100, "something-else", MachineState::Running)]), at(1));
    assert_eq!(found(&world, 2), ["CONFIG_DRIFT name host:docs"]);
}

#[test]
fn two_running_guests_of_one_name_are_told_and_not_chosen_between() {
    let mut world = asked(declared());
    let mut machines = running();
    machines.push(guest(200, "docs", MachineState::Stopped));
    world.learn(&cluster(), survey(1, machines.clone()), at(1));
    assert_eq!(found(&world, 2), [""; 0], "a stopped clone is not the one meant");
    machines[3].state = Fact::Known(MachineState::Running);
    world.learn(&cluster(), survey(3, machines), at(3));
    assert_eq!(found(&world, 4), ["CONFIG_DRIFT identity host:docs"]);
}

#[test]
fn beyond_the_filter_nothing_is_undeclared() {
    let mut world = asked(Inventory { filtered: true, ..declared() });
    let mut machines = running();
    machines.push(guest(102, "stray", MachineState::Running));
    world.learn(&cluster(), survey(1, machines), at(1));
    assert_eq!(found(&world, 2), [""; 0]);
}

#[test]
fn a_machine_nobody_can_place_may_be_the_one_that_is_missed() {
    let shared = |name: &str, id| ExpectedHost { macs: vec![Arc::from("bc:24:11:00:00:01")], ..vm(name, id) };
    let mut world = asked(inventory(0, vec![shared("docs", 1), shared("media", 2)]));
    let machine = ObservedMachine {
        macs: Fact::Known(vec![Arc::from("bc:24:11:00:00:01")]),
        ..guest(100, "unheard-of", MachineState::Running)
    };
    world.learn(&cluster(), survey(1, vec![machine]), at(1));
    assert_eq!(found(&world, 2), ["SNAPSHOT_ERROR source:proxmox/box2"]);
}

#[test]
fn what_changes_from_moment_to_moment_makes_no_host_look_new() {
    let mut world = asked(declared());
    world.learn(&cluster(), survey(1, running()), at(1));
    let mut machines = running();
    machines[1].cpu = Fact::Known(evenkeel_core::model::Usage { used: 30, total: 1000 });
    machines[1].up_since = Some(at(-500));
    let touched = world.learn(&cluster(), survey(2, machines.clone()), at(2));
    assert!(super::named(&world, &touched).contains(&subject("docs")), "what was unknown is known");
    machines[1].cpu = Fact::Known(evenkeel_core::model::Usage { used: 310, total: 1000 });
    machines[1].up_since = Some(at(-499));
    let touched = world.learn(&cluster(), survey(3, machines), at(3));
    assert_eq!(super::named(&world, &touched), [Subject::Source(cluster())]);
}

#[test]
fn identities_are_remembered_by_machine() {
    let mut world = asked(declared());
    world.learn(&cluster(), survey(1, running()), at(1));
    let remembered: BTreeMap<_, _> = world.remembered_machines(&cluster()).into_iter().collect();
    assert_eq!(remembered.get("qemu/100"), Some(&(HostKind::VirtualMachine, 1)));
    // After a restart, with the guest renamed meanwhile: a rename, not a pair of down and undeclared.
    let mut world = World::new(netbox(), Arc::new(Policy::default()), Duration::from_secs(90));
    world.add_site(cluster(), Vec::new(), Some(Duration::from_secs(90)), remembered);
    world.replace_inventory(declared(), at(0));
    let mut machines = running();
    machines[1].name = Fact::Known(Arc::from("documents"));
    world.learn(&cluster(), survey(1, machines), at(1));
    assert_eq!(found(&world, 2), ["CONFIG_DRIFT name host:docs"]);
}

/// The verdict on one drift, as a ledger that holds it open would ask for it.
fn verdict(world: &World, id: &DriftId, seconds: i64) -> Verdict {
    match world.slice(&id.subject, at(seconds)) {
        super::Slice::Host { expected, observed, .. } => {
            let rules = Rules::default();
            judge(id, Case { subject: &id.subject, expected: &expected, observed: &observed, rules: &rules })
        }
        super::Slice::Source { source, coverage, evidence, .. } => {
            let report = diff_source(&source, &coverage, &evidence, [id]);
            if report.drifted.iter().any(|drift| drift.id == *id) {
                Verdict::Drifted(report.drifted[0].clone())
            } else if report.clean.iter().any(|(clean, _)| clean == id) {
                Verdict::Clean(evidence)
            } else {
                Verdict::Unknown(Gap::new(GapKind::NotYetObserved, "neither"))
            }
        }
        super::Slice::Store(own) => own.verdict(None),
    }
}

#[test]
fn a_guest_that_nobody_declared_is_not_gone_because_its_cluster_is_blind_since_the_start() {
    let mut world = asked(declared());
    let stray = DriftId::of_host(&"stray".into(), EventType::VmUndeclared);
    assert!(matches!(verdict(&world, &stray, 1), Verdict::Unknown(_)), "before the first answer");
    let gap = Gap::new(GapKind::Unreachable, "connection refused");
    world.learn(&cluster(), partial(1, Coverage::Partial(gap), Vec::new()), at(1));
    assert!(matches!(verdict(&world, &stray, 2), Verdict::Unknown(_)), "after one that says nothing");
    world.learn(&cluster(), survey(3, running()), at(3));
    assert!(
        matches!(verdict(&world, &stray, 4), Verdict::Clean(_)),
        "after one that is whole and without it"
    );
}

fn inbox() -> SourceId {
    SourceId::new(SourceKind::Push, "scripts")
}

fn sent(host: &str, seconds: i64, gap: Option<GapKind>, services: &[(&str, u16)]) -> HostSnapshot {
    let mut snapshot = super::snapshot(&inbox(), seconds, services);
    snapshot.facts.name = Some(Fact::Known(Arc::from(host)));
    snapshot.coverage = gap.map_or(Coverage::Complete, |kind| Coverage::Partial(Gap::new(kind, "why")));
    snapshot
}

fn listened(remembered: BTreeMap<Arc<str>, (HostKind, u64)>) -> World {
    let hosts =
        ["desk", "attic"].iter().zip(1..).map(|(name, id)| ExpectedHost::new(*name, HostKind::Device, id));
    let mut world = World::new(netbox(), Arc::new(Policy::default()), Duration::from_secs(90));
    world.add_site(inbox(), Vec::new(), None, remembered);
    world.replace_inventory(inventory(0, hosts.collect()), at(0));
    world
}

#[test]
fn a_sender_that_falls_silent_is_one_alarm_and_one_of_its_hosts_that_does_is_one_on_that_host() {
    let mut world = listened(BTreeMap::new());
    let stale = Some(GapKind::Stale);
    world.learn(
        &inbox(),
        Snapshot::Hosts(vec![sent("desk", 1, stale, &[]), sent("attic", 1, None, &[])]),
        at(1),
    );
    assert_eq!(found(&world, 2), ["SNAPSHOT_ERROR host:desk"]);
    let touched = world.learn(
        &inbox(),
        Snapshot::Hosts(vec![sent("desk", 3, stale, &[]), sent("attic", 3, stale, &[])]),
        at(3),
    );
    assert_eq!(found(&world, 4), ["SNAPSHOT_ERROR source:push/scripts"]);
    assert!(super::named(&world, &touched).contains(&subject("desk")), "its own alarm is another matter now");
}

#[test]
fn an_empty_list_that_was_sent_is_not_believed_at_once_where_an_engines_would_not_be() {
    let mut world = listened(BTreeMap::new());
    let services: Vec<(&str, u16)> = vec![("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5), ("f", 6)];
    let learn = |world: &mut World, seconds, services: &[(&str, u16)]| {
        world.learn(&inbox(), Snapshot::Hosts(vec![sent("desk", seconds, None, services)]), at(seconds));
    };
    learn(&mut world, 1, &services);
    learn(&mut world, 2, &[]);
    assert!(
        found(&world, 3).contains(&"SNAPSHOT_ERROR source:push/scripts".to_owned()),
        "{:?}",
        found(&world, 3)
    );
    let accepted = i64::try_from(Policy::default().brake.accept_after.unwrap().as_secs()).unwrap();
    learn(&mut world, 2 + accepted, &[]);
    assert_eq!(found(&world, 3 + accepted), [""; 0]);
}

#[test]
fn what_was_wrong_with_a_sender_is_not_right_because_the_inbox_is_empty_after_a_restart() {
    let mut world = listened(BTreeMap::from([(Arc::from("desk"), (HostKind::Device, 1))]));
    world.learn(&inbox(), Snapshot::Hosts(Vec::new()), at(1));
    let of_source = DriftId::of_source(Subject::Source(inbox()), EventType::SnapshotError, &inbox());
    let of_host = DriftId::of_source(subject("desk"), EventType::SnapshotError, &inbox());
    for id in [&of_source, &of_host] {
        assert!(matches!(verdict(&world, id, 2), Verdict::Unknown(_)), "{id}: {:?}", verdict(&world, id, 2));
    }
    world.learn(&inbox(), Snapshot::Hosts(vec![sent("desk", 3, None, &[])]), at(3));
    for id in [&of_source, &of_host] {
        assert!(matches!(verdict(&world, id, 4), Verdict::Clean(_)), "{id}");
    }
}

#[test]
fn what_was_wrong_with_a_machine_is_not_right_because_its_cluster_has_not_answered_since_a_restart() {
    let mut world = World::new(netbox(), Arc::new(Policy::default()), Duration::from_secs(90));
    let known = BTreeMap::from([(Arc::from("qemu/101"), (HostKind::VirtualMachine, 1))]);
    world.add_site(cluster(), Vec::new(), Some(Duration::from_secs(90)), known);
    world.replace_inventory(declared(), at(0));
    let name = DriftId::of_field(&"docs".into(), None, evenkeel_core::Field::Name);
    assert!(matches!(verdict(&world, &name, 1), Verdict::Unknown(_)), "{:?}", verdict(&world, &name, 1));
    let gap = Gap::new(GapKind::Unreachable, "connection refused");
    world.learn(&cluster(), partial(2, Coverage::Partial(gap), Vec::new()), at(2));
    assert!(matches!(verdict(&world, &name, 3), Verdict::Unknown(_)), "{:?}", verdict(&world, &name, 3));
    world.learn(&cluster(), survey(4, running()), at(4));
    assert!(matches!(verdict(&world, &name, 5), Verdict::Clean(_)), "{:?}", verdict(&world, &name, 5));
}

#[test]
fn a_source_that_is_asked_rarely_is_not_blind_between_two_answers() {
    let nas = SourceId::new(SourceKind::Truenas, "nas");
    let mut world = World::new(netbox(), Arc::new(Policy::default()), Duration::from_secs(120));
    let half_an_hour = Duration::from_secs(1800);
    world.add_site(nas.clone(), Vec::new(), Some(half_an_hour), BTreeMap::new());
    world.add_source(nas.clone(), Some("nas".into()), None);
    world.set_stale_after(&nas, half_an_hour);
    world.replace_inventory(inventory(0, vec![ExpectedHost::new("nas", HostKind::Device, 1)]), at(0));
    let survey = Survey {
        source: nas.clone(),
        started: at(1),
        observed_at: at(1),
        coverage: Coverage::Complete,
        machines: Vec::new(),
    };
    let host = super::snapshot(&nas, 1, &[]);
    world.learn(&nas, Snapshot::Survey { survey, host: Some(host) }, at(1));
    assert_eq!(found(&world, 600), [""; 0]);
    assert_eq!(found(&world, 1900), ["SNAPSHOT_ERROR host:nas"]);
}

fn probe() -> SourceId {
    SourceId::new(SourceKind::Probe, "main")
}

/// What a probe says of the node.
fn knocked(seconds: i64, state: MachineState) -> Snapshot {
    let machine = node("pve1", state);
    let machine = ObservedMachine { key: Arc::from("pve1"), ..machine };
    Snapshot::Hosts(vec![HostSnapshot {
        source: probe(),
        started: at(seconds),
        observed_at: at(seconds),
        coverage: Coverage::Complete,
        facts: HostFacts {
            from_outside: true,
            name: machine.name.clone().into(),
            machine: Some(Box::new(machine)),
            ..HostFacts::default()
        },
        services: Vec::new(),
    }])
}

fn probed() -> World {
    let mut world = asked(declared());
    world.add_site(probe(), Vec::new(), Some(Duration::from_secs(90)), BTreeMap::new());
    world.learn(&probe(), knocked(1, MachineState::Running), at(1));
    world.learn(&cluster(), survey(2, running()), at(2));
    world
}

#[test]
fn before_its_first_round_a_probe_says_nothing_about_the_hosts_it_looked_at_in_an_earlier_run() {
    let known = BTreeMap::from([(Arc::from("pve1"), (HostKind::Device, 100))]);
    let mut world = asked(declared());
    world.add_site(probe(), Vec::new(), Some(Duration::from_secs(90)), known);
    world.replace_inventory(declared(), at(0));
    assert!(world.sources_of(&subject("pve1")).contains(&probe()));
    let super::Slice::Host { observed, .. } = world.slice(&subject("pve1"), at(1)) else { panic!("a host") };
    let gap = observed.view(&probe()).and_then(|view| view.coverage.gap()).map(|gap| gap.kind);
    assert_eq!(gap, Some(GapKind::NotYetObserved));
    // From then on it speaks about whom it looks at, and nobody else.
    world.learn(&probe(), Snapshot::Hosts(vec![sent_by_probe("docs", 2)]), at(2));
    assert!(!world.sources_of(&subject("pve1")).contains(&probe()));
}

#[test]
fn a_probe_that_has_nothing_to_look_at_yet_has_not_answered_for_the_first_time() {
    let mut world = asked(declared());
    world.know([cluster()].into());
    world.add_site(probe(), Vec::new(), Some(Duration::from_secs(90)), BTreeMap::new());
    let newcomers = |world: &World, seconds| match world.slice(&subject("docs"), at(seconds)) {
        super::Slice::Host { newcomers, .. } => newcomers,
        super::Slice::Source { .. } | super::Slice::Store(_) => panic!("a host"),
    };
    world.learn(&probe(), Snapshot::Hosts(Vec::new()), at(1));
    world.learn(&probe(), Snapshot::Hosts(vec![sent_by_probe("docs", 400)]), at(400));
    assert_eq!(newcomers(&world, 401), [probe()]);
}

fn sent_by_probe(host: &str, seconds: i64) -> HostSnapshot {
    let mut snapshot = super::snapshot(&probe(), seconds, &[]);
    snapshot.facts.name = Some(Fact::Known(Arc::from(host)));
    snapshot
}

fn beyond(world: &World, of: &Subject, seconds: i64) -> (Vec<String>, Option<i64>) {
    let (outer, vouched_until) = match world.slice(of, at(seconds)) {
        super::Slice::Host { outer, vouched_until, .. }
        | super::Slice::Source { outer, vouched_until, .. } => (outer, vouched_until),
        super::Slice::Store(_) => (Vec::new(), None),
    };
    (
        outer.iter().map(ToString::to_string).collect(),
        vouched_until.map(|until| (until - at(0)).get_seconds()),
    )
}

#[test]
fn a_cluster_whose_only_node_is_lost_to_the_probe_is_no_alarm_of_its_own() {
    let mut world = probed();
    let gap = Gap::new(GapKind::Unreachable, "connection refused");
    world.learn(&cluster(), partial(3, Coverage::Partial(gap), Vec::new()), at(3));
    // The probe saw the node before the silence began: it has to look again before the silence is believed.
    for of in [Subject::Source(cluster()), subject("docs")] {
        assert_eq!(beyond(&world, &of, 3), (Vec::new(), Some(1)), "{of}");
        let witnesses = world.witnesses_of(&of);
        assert!(witnesses.contains(&probe()) && witnesses.contains(&cluster()), "{of}: {witnesses:?}");
    }
    let touched = world.learn(&probe(), knocked(4, MachineState::Unreachable), at(4));
    let touched = super::named(&world, &touched);
    for of in [Subject::Source(cluster()), subject("docs")] {
        assert_eq!(beyond(&world, &of, 4), (vec!["NODE_UNREACHABLE|host:pve1|||".to_owned()], None), "{of}");
        assert!(touched.contains(&of), "{of} is looked at again");
    }
}

#[test]
fn a_node_that_was_lost_explains_its_guests_while_whoever_told_of_it_is_blind() {
    let mut world = probed();
    world.learn(&probe(), knocked(2, MachineState::Unreachable), at(2));
    let gap = || Coverage::Partial(Gap::new(GapKind::TimedOut, "no answer within 5s"));
    let hidden = |world: &mut World, second: i64| {
        world.learn(&cluster(), partial(second, gap(), Vec::new()), at(second));
        world.learn(&probe(), partial(second, gap(), Vec::new()), at(second));
        beyond(world, &subject("docs"), second).0
    };
    assert_eq!(hidden(&mut world, 3), [""; 0], "nobody has believed it yet");
    world.note_loss(&believed("pve1", true));
    assert_eq!(hidden(&mut world, 4), ["NODE_UNREACHABLE|host:pve1|||"]);
    // A node that is seen is not lost, and one whose loss is over explains nothing.
    world.note_loss(&believed("pve1", false));
    assert_eq!(hidden(&mut world, 5), [""; 0]);
}

/// The ledger of a node after a pass that found it gone, or back.
fn believed(node: &str, is_lost: bool) -> Ledger {
    let id = DriftId::of_host(&node.into(), EventType::NodeUnreachable);
    let evidence = Evidence { source: cluster(), observed_at: at(2) };
    let difference = Difference::VmDown { state: None };
    let drifted = if is_lost { vec![Drift::new(id, difference, evidence)] } else { Vec::new() };
    let report = Report { drifted, complete: true, ..Report::default() };
    let at_once = Confirm { default: confirm::Window::IMMEDIATE, ..Confirm::default() };
    let policy = Policy { confirm: at_once, ..Policy::default() };
    let ledger = Ledger::new(subject(node));
    advance(&ledger, &report, &policy, &[], at(2), &mut || crate::pass::event_id(at(2))).ledger
}

#[test]
fn a_cluster_that_is_silent_while_a_node_of_it_answers_is_an_alarm_of_its_own() {
    let mut world = probed();
    let gap = Gap::new(GapKind::Unreachable, "connection refused");
    world.learn(&cluster(), partial(3, Coverage::Partial(gap), Vec::new()), at(3));
    world.learn(&probe(), knocked(4, MachineState::Running), at(4));
    assert_eq!(beyond(&world, &Subject::Source(cluster()), 4), (Vec::new(), Some(4)));
    assert_eq!(found(&world, 4), ["SNAPSHOT_ERROR source:proxmox/box2"]);
}

#[test]
fn an_undeclared_guest_that_is_gone_is_told_by_the_cluster_that_showed_it() {
    let mut world = asked(declared());
    let mut machines = running();
    machines.push(guest(102, "stray", MachineState::Running));
    world.learn(&cluster(), survey(1, machines), at(1));
    let touched = world.learn(&cluster(), survey(3, running()), at(3));
    assert!(super::named(&world, &touched).contains(&subject("stray")));
    assert_eq!(world.sources_of(&subject("stray")), [cluster()]);
    assert!(world.subjects_of(&cluster()).contains(&subject("stray")), "its next answer confirms it");
    assert_eq!(found(&world, 4), [""; 0]);
}

#[test]
fn a_declared_guest_that_is_gone_is_looked_at_with_every_answer_of_its_cluster() {
    let mut world = asked(declared());
    let mut machines = running();
    machines.remove(1);
    world.learn(&cluster(), survey(1, machines), at(1));
    assert!(world.subjects_of(&cluster()).contains(&subject("docs")), "or its VM_DOWN waits for the resync");
}
