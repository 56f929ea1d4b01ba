//! Verdicts about a machine seen from outside: is it on, is it declared, can it be reached.

use super::host::{comes_from_the_machine, declared_services};
use super::{Case, drifted, evidence_of, newest, uncovered_gap};
use crate::coverage::{Gap, GapKind, Lookup};
use crate::drift::{Difference, Verdict};
use crate::event::EventType;
use crate::id::SourceKind;
use crate::model::{Demand, HostView, MachineKind, MachineState, ObservedMachine};

/// What hypervisors say together about whether a guest is on. Seen running is believed before anything else: a guest
/// that was moved leaves a stopped copy behind. What one of them cannot say could be that it runs there.
pub(super) enum Power<'a> {
    /// It exists and is in this state.
    Shown(&'a HostView, &'a ObservedMachine, MachineState),
    /// Every hypervisor that was asked proves that it has no such guest; one of them.
    Absent(&'a HostView),
    /// One that was asked cannot say.
    Unknown(&'a Gap),
    /// None was asked.
    Unasked,
}

pub(super) fn power(case: Case<'_>) -> Power<'_> {
    let (mut other, mut absent, mut gap) = (None, None, None);
    for view in case.observed.views() {
        match view.machine() {
            None => {}
            Some(Lookup::Present(machine)) if machine.kind == MachineKind::Node => {}
            Some(Lookup::Present(machine)) => match machine.state.known() {
                Ok(MachineState::Running) => return Power::Shown(view, machine, MachineState::Running),
                Ok(state) => other = other.or(Some((view, machine, *state))),
                Err(unknown) => gap = gap.or(Some(unknown)),
            },
            Some(Lookup::Absent) => absent = absent.or(Some(view)),
            Some(Lookup::Unknown(unknown)) if is_hypervisor(view) => gap = gap.or(Some(unknown)),
            Some(Lookup::Unknown(_)) => {}
        }
    }
    match (gap, other, absent) {
        (Some(gap), _, _) => Power::Unknown(gap),
        (None, Some((view, machine, state)), _) => Power::Shown(view, machine, state),
        (None, None, Some(view)) => Power::Absent(view),
        (None, None, None) => Power::Unasked,
    }
}

fn is_hypervisor(view: &HostView) -> bool {
    match view.source.kind {
        SourceKind::Proxmox | SourceKind::Truenas => view.facts.from_outside,
        SourceKind::Netbox
        | SourceKind::Docker
        | SourceKind::Probe
        | SourceKind::Push
        | SourceKind::Store => false,
    }
}

/// A declared machine that must run and does not.
pub(super) fn vm_down(case: Case<'_>) -> Verdict {
    match case.expected.host() {
        Lookup::Absent => return Verdict::Clean(newest(case)),
        Lookup::Unknown(gap) => return Verdict::Unknown(gap.clone()),
        Lookup::Present(host) if host.demand() != Demand::Run => return Verdict::Clean(newest(case)),
        Lookup::Present(_) => {}
    }
    let (view, state) = match power(case) {
        Power::Shown(view, _, MachineState::Running) => return Verdict::Clean(evidence_of(view)),
        Power::Shown(view, _, state) => (view, Some(state)),
        Power::Absent(view) => (view, None),
        Power::Unknown(gap) => return Verdict::Unknown(gap.clone()),
        Power::Unasked => return Verdict::Unknown(uncovered_gap(case.subject)),
    };
    drifted(case, EventType::VmDown, Difference::VmDown { state }, evidence_of(view))
}

/// A guest that runs and that NetBox does not know.
pub(super) fn vm_undeclared(case: Case<'_>) -> Verdict {
    match case.expected.host() {
        Lookup::Present(_) => return Verdict::Clean(newest(case)),
        Lookup::Unknown(gap) => return Verdict::Unknown(gap.clone()),
        Lookup::Absent => {}
    }
    match power(case) {
        Power::Shown(view, machine, MachineState::Running) => {
            let difference = Difference::VmUndeclared {
                kind: machine.kind,
                key: machine.key.clone(),
                node: machine.node.clone(),
            };
            drifted(case, EventType::VmUndeclared, difference, evidence_of(view))
        }
        Power::Shown(view, ..) | Power::Absent(view) => Verdict::Clean(evidence_of(view)),
        Power::Unknown(gap) => Verdict::Unknown(gap.clone()),
        Power::Unasked => Verdict::Clean(newest(case)),
    }
}

/// A machine that its cluster has lost, or of which nothing answers. Whatever was heard from the machine itself says
/// that it can be reached.
pub(super) fn node_unreachable(case: Case<'_>) -> Verdict {
    match case.expected.host() {
        Lookup::Unknown(gap) => return Verdict::Unknown(gap.clone()),
        Lookup::Present(host) if host.demand() != Demand::Run => return Verdict::Clean(newest(case)),
        // Undeclared: the operator's own cluster counts it among its nodes, so its loss is worth telling.
        Lookup::Present(_) | Lookup::Absent => {}
    }
    if let Some(view) = case.observed.views().iter().find(|view| comes_from_the_machine(view)) {
        return Verdict::Clean(evidence_of(view));
    }
    let (mut lost, mut gap) = (None, None);
    for (view, machine) in nodes(case) {
        match machine.state.known() {
            Ok(MachineState::Running) => return Verdict::Clean(evidence_of(view)),
            Ok(MachineState::Unreachable | MachineState::Stopped | MachineState::Paused) => {
                lost = lost.or(Some(view));
            }
            Err(unknown) => gap = gap.or(Some(unknown)),
        }
    }
    match (lost, gap) {
        (_, Some(gap)) => Verdict::Unknown(gap.clone()),
        (Some(view), None) => {
            let gap = Gap::new(GapKind::Unreachable, unreachable_words(view));
            let difference = Difference::Blind { gap, unknown_services: declared_services(case.expected) };
            drifted(case, EventType::NodeUnreachable, difference, evidence_of(view))
        }
        (None, None) => Verdict::Unknown(uncovered_gap(case.subject)),
    }
}

fn unreachable_words(view: &HostView) -> String {
    match view.source.kind {
        SourceKind::Probe => format!("nothing of it answers {}", view.source),
        SourceKind::Netbox
        | SourceKind::Docker
        | SourceKind::Proxmox
        | SourceKind::Truenas
        | SourceKind::Push
        | SourceKind::Store => format!("{} calls it offline", view.source),
    }
}

/// Views that show the subject as a node or, for a probe, as anything that can be reached.
pub(super) fn nodes(case: Case<'_>) -> impl Iterator<Item = (&HostView, &ObservedMachine)> {
    case.observed.views().iter().filter_map(|view| match view.machine() {
        Some(Lookup::Present(machine)) if machine.kind == MachineKind::Node => Some((&**view, machine)),
        Some(Lookup::Present(_) | Lookup::Absent | Lookup::Unknown(_)) | None => None,
    })
}

/// Views that show the machine, whatever it is.
pub(super) fn shown(case: Case<'_>) -> impl Iterator<Item = (&HostView, &ObservedMachine)> {
    case.observed.views().iter().filter_map(|view| match view.machine() {
        Some(Lookup::Present(machine)) => Some((&**view, machine)),
        Some(Lookup::Absent | Lookup::Unknown(_)) | None => None,
    })
}

/// Up to which moment those who see the machine from outside vouch that it is on: a silence that began later is not
/// believed before they have looked again, because they may know its cause. `None`: nobody vouches.
pub fn vouched_until(case: Case<'_>) -> Option<jiff::Timestamp> {
    let running = |(view, machine): &(&HostView, &ObservedMachine)| {
        view.coverage.is_complete() && matches!(machine.state.known(), Ok(MachineState::Running))
    };
    shown(case).filter(running).map(|(view, _)| knowledge_of(view)).min()
}

/// The moment a view speaks about: Proxmox's nodes tell each other every 10 s, and the answer is kept for 2 s more.
fn knowledge_of(view: &HostView) -> jiff::Timestamp {
    let age = match view.source.kind {
        SourceKind::Proxmox => jiff::SignedDuration::from_secs(12),
        SourceKind::Netbox
        | SourceKind::Docker
        | SourceKind::Truenas
        | SourceKind::Probe
        | SourceKind::Push
        | SourceKind::Store => jiff::SignedDuration::ZERO,
    };
    view.started.checked_sub(age).unwrap_or(view.started)
}
