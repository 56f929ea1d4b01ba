//! What the ledger makes of causes outside the machine: hypervisors that must look first, nodes that are gone, machines
//! that come back.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use crate::world::run::Run;
use crate::world::{Plan, at, blind, docker, host, patient};
use evenkeel_core::model::{HostFacts, HostView, MachineKind, MachineState, ObservedMachine};
use evenkeel_core::{Coverage, DriftId, EventType, Fact, GapKind, SourceKind};

fn silent() -> HostView {
    blind(SourceKind::Docker, GapKind::Unreachable)
}

fn guest(state: MachineState) -> HostView {
    let machine =
        ObservedMachine { state: Fact::Known(state), ..ObservedMachine::new("qemu/100", MachineKind::Vm) };
    HostView {
        coverage: Coverage::Complete,
        facts: HostFacts { machine: Some(Box::new(machine)), from_outside: true, ..HostFacts::default() },
        ..blind(SourceKind::Proxmox, GapKind::Stale)
    }
}

/// The engine's silence observed at one moment, the hypervisor's word at another.
fn seen(run: &mut Run, state: MachineState, silent_at: i64, looked_at: i64) -> Vec<String> {
    let mut world = Plan::new(host([]), [silent()]).at(silent_at);
    let word = HostView { started: at(looked_at), observed_at: at(looked_at), ..guest(state) };
    let mut views: Vec<Arc<HostView>> = world.observed.views().to_vec();
    views.push(Arc::new(word));
    world.observed = evenkeel_core::model::Observed::new(views);
    run.look(&world, silent_at.max(looked_at)).said()
}

#[test]
fn a_silent_engine_is_not_told_before_its_hypervisor_has_looked() {
    let mut run = Run::new(patient());
    let running = MachineState::Running;
    assert!(seen(&mut run, running, 100, 95).is_empty());
    // Twice silent, but the hypervisor's word is older than the silence (its nodes talk every ten seconds).
    assert!(seen(&mut run, running, 105, 95).is_empty());
    let step = seen(&mut run, running, 110, 108);
    assert!(step.is_empty(), "{step:?}");
    assert_eq!(seen(&mut run, running, 120, 118), ["opened DOCKER_UNREACHABLE"]);
}

#[test]
fn one_machine_that_goes_down_is_one_alarm() {
    let mut run = Run::new(patient());
    let mut said = Vec::new();
    for (silent_at, looked_at, state) in [
        (100, 95, MachineState::Running),
        (105, 95, MachineState::Running),
        (110, 110, MachineState::Stopped),
        (120, 120, MachineState::Stopped),
        (130, 130, MachineState::Stopped),
        (140, 140, MachineState::Stopped),
    ] {
        said.extend(seen(&mut run, state, silent_at, looked_at));
    }
    assert_eq!(said, ["opened VM_DOWN"]);
    assert!(run.entry("DOCKER_UNREACHABLE").unwrap().parent.is_some());
}

#[test]
fn what_outlives_its_cause_is_confirmed_anew() {
    let mut run = Run::new(patient());
    let node = DriftId::of_host(&"node".into(), EventType::NodeUnreachable);
    let plan = Plan::new(host([]), [silent()]);
    for seconds in [0, 10, 20] {
        let report = plan.at(seconds).diff(&[]);
        assert!(run.take(report, at(seconds), std::slice::from_ref(&node)).said().is_empty());
    }
    // The node is back, its guests are still starting.
    assert!(run.observe(&plan, 30).said().is_empty());
    assert_eq!(run.observe(&plan, 40).said(), ["opened DOCKER_UNREACHABLE"]);
}

#[test]
fn an_echo_of_a_cause_that_ended_is_never_told() {
    let mut run = Run::new(patient());
    let node = DriftId::of_host(&"node".into(), EventType::NodeUnreachable);
    let away = Plan::new(host([]), [silent()]);
    for seconds in [0, 10, 20] {
        let report = away.at(seconds).diff(&[]);
        run.take(report, at(seconds), std::slice::from_ref(&node));
    }
    assert!(run.observe(&away, 30).said().is_empty());
    let back = Plan::new(host([]), [docker([])]);
    for seconds in [40, 50, 60] {
        assert!(run.observe(&back, seconds).said().is_empty());
    }
    assert_eq!(run.ledger.open().count(), 0);
}

#[test]
fn what_was_never_told_does_not_come_back_as_reopened() {
    let mut run = Run::new(patient());
    let node = DriftId::of_host(&"node".into(), EventType::NodeUnreachable);
    let (away, back) = (Plan::new(host([]), [silent()]), Plan::new(host([]), [docker([])]));
    for seconds in [0, 10] {
        let report = away.at(seconds).diff(&[]);
        run.take(report, at(seconds), std::slice::from_ref(&node));
    }
    for seconds in [20, 30] {
        assert!(run.observe(&back, seconds).said().is_empty());
    }
    assert!(run.observe(&away, 40).said().is_empty());
    assert_eq!(run.observe(&away, 50).said(), ["opened DOCKER_UNREACHABLE"]);
}

#[test]
fn an_engine_that_stays_silent_after_its_machine_was_switched_on_is_looked_at_until_that_says_something() {
    let booted = |seconds: i64| {
        let mut word =
            HostView { started: at(seconds), observed_at: at(seconds), ..guest(MachineState::Running) };
        word.facts.machine.as_mut().unwrap().up_since = Some(at(0));
        let mut world = Plan::new(host([]), [silent()]).at(seconds);
        let views = world.observed.views().iter().cloned().chain([Arc::new(word)]);
        world.observed = evenkeel_core::model::Observed::new(views.collect::<Vec<_>>());
        world
    };
    let mut run = Run::new(patient());
    // Nothing differs from one look to the next, so nothing but the ledger's word makes another one.
    for seconds in [5, 30, 60] {
        let step = run.look(&booted(seconds), seconds);
        assert!(step.said().is_empty() && step.advance.awaits_observation, "at {seconds} s");
    }
    let said: Vec<String> = [1000, 1010, 1020]
        .into_iter()
        .flat_map(|seconds| run.look(&booted(seconds), seconds).said())
        .collect();
    assert_eq!(said, ["opened DOCKER_UNREACHABLE"]);
}
