//! Verdicts about a host as a whole, and about a source that belongs to no host.

use std::sync::Arc;

use jiff::SignedDuration;

use super::machine::{Power, power};
use super::{
    Case, blindness_type, config_drift, evidence_of, looks_inside, machine, newest, resources, shape,
    uncovered_gap,
};
use crate::coverage::{Coverage, Fact, Gap, GapKind, Lookup};
use crate::drift::{Difference, Drift, Evidence, Verdict};
use crate::event::EventType;
use crate::id::{DriftId, Field, SourceId, SourceKind, Subject};
use crate::identity::canonical;
use crate::model::{Demand, Expected, ExpectedHost, HostView, MachineState, RunState};

/// The types in which one source's view of a host can drift.
pub(crate) const HOST_TYPES: [EventType; 2] = [EventType::DockerUnreachable, EventType::SnapshotError];

/// The types in which a machine seen from outside can drift.
pub(crate) const MACHINE_TYPES: [EventType; 3] =
    [EventType::VmDown, EventType::VmUndeclared, EventType::NodeUnreachable];

/// The fields in which a host can drift.
pub(crate) const HOST_FIELDS: [Field; 3] = [Field::Identity, Field::Name, Field::Status];

pub(super) fn judge(id: &DriftId, case: Case<'_>) -> Verdict {
    match (id.event_type, id.field, &id.source) {
        (EventType::DockerUnreachable | EventType::SnapshotError, _, Some(source)) => {
            match case.observed.view(source) {
                Some(view) => blindness(case, view, id.event_type),
                // The source is no longer configured: nobody waits for its answer.
                None => Verdict::Clean(newest(case)),
            }
        }
        (EventType::ConfigDrift, Some(Field::Identity), _) => identity(case),
        (EventType::ConfigDrift, Some(Field::Name), _) => name(case),
        (EventType::ConfigDrift, Some(Field::Status), _) => status(case),
        (EventType::ConfigDrift, Some(field), _) if shape::SHAPE.contains(&field) => {
            shape::judge(case, field)
        }
        (EventType::VmDown, _, _) => machine::vm_down(case),
        (EventType::VmUndeclared, _, _) => machine::vm_undeclared(case),
        (EventType::NodeUnreachable, _, _) => machine::node_unreachable(case),
        (EventType::ResourceExceeded, _, _) => resources::exceeded(case, id),
        (
            EventType::ServiceMissing
            | EventType::ServiceUnexpected
            | EventType::PortMismatch
            | EventType::DockerUnreachable
            | EventType::ConfigDrift
            | EventType::SnapshotError
            | EventType::RestartLoop,
            _,
            _,
        ) => Verdict::Unknown(uncovered_gap(case.subject)),
    }
}

/// A source of a host that does not answer, or not fully.
pub(crate) fn blindness(case: Case<'_>, view: &HostView, kind: EventType) -> Verdict {
    let unknown_services = || declared_services(case.expected);
    if let Some(gap) = view.coverage.gap() {
        // What many hosts lose together is one alarm, on the source that looks after them.
        if view.facts.from_outside || view.facts.shared_gap || view.source.kind == SourceKind::Probe {
            return Verdict::Unknown(gap.clone());
        }
        if may_be_booting(case, view) {
            return Verdict::Unknown(Gap::new(
                GapKind::NotYetObserved,
                "the machine has just been switched on",
            ));
        }
    }
    let away = match case.expected.host() {
        Lookup::Present(host) if host.demand() != Demand::Run => Away::Allowed,
        // Undeclared: the operator configured the source, so its silence is worth telling.
        Lookup::Present(_) | Lookup::Absent => Away::Drift,
        Lookup::Unknown(_) => Away::Unknown,
    };
    source_blindness(
        case.subject,
        &view.source,
        &view.coverage,
        evidence_of(view),
        kind,
        away,
        unknown_services,
    )
}

/// The verdict on a source that belongs to no host: NetBox itself.
pub fn source_verdict(
    subject: &Subject,
    source: &SourceId,
    coverage: &Coverage,
    evidence: Evidence,
) -> Verdict {
    source_blindness(subject, source, coverage, evidence, EventType::SnapshotError, Away::Drift, || 0)
}

/// What it means that the machine behind a source does not answer at all.
#[derive(Clone, Copy)]
enum Away {
    /// It must run.
    Drift,
    /// It may be switched off.
    Allowed,
    /// Nobody knows whether it must run.
    Unknown,
}

fn source_blindness(
    subject: &Subject,
    source: &SourceId,
    coverage: &Coverage,
    evidence: Evidence,
    kind: EventType,
    away: Away,
    unknown_services: impl Fn() -> u32,
) -> Verdict {
    let Coverage::Partial(gap) = coverage else {
        return Verdict::Clean(evidence);
    };
    match (blindness_type(source.kind, coverage), away) {
        (None, _) => Verdict::Unknown(gap.clone()),
        (Some(_), Away::Allowed) if is_silence(gap.kind) => Verdict::Clean(evidence),
        (Some(_), Away::Unknown) if is_silence(gap.kind) => Verdict::Unknown(gap.clone()),
        (Some(reported), _) if reported == kind => {
            let id = DriftId::of_source(subject.clone(), kind, source);
            let difference = Difference::Blind { gap: gap.clone(), unknown_services: unknown_services() };
            Verdict::Drifted(Drift::new(id, difference, evidence))
        }
        // It answers, if badly: it is not unreachable. That nobody has asked for a while says nothing.
        (Some(EventType::SnapshotError), _) if gap.kind != GapKind::Stale => Verdict::Clean(evidence),
        // It does not answer: whether it would answer well is unknown.
        (Some(_), _) => Verdict::Unknown(gap.clone()),
    }
}

/// Whether the gap is what a machine that is switched off looks like.
fn is_silence(kind: GapKind) -> bool {
    matches!(kind, GapKind::Unreachable | GapKind::TimedOut)
}

pub(super) fn declared_services(expected: &Expected) -> u32 {
    match expected.host() {
        Lookup::Present(host) => {
            let running = host
                .services
                .iter()
                .filter(|s| Demand::of_service(host.demand(), s.lifecycle) == Demand::Run)
                .count();
            u32::try_from(running).unwrap_or(u32::MAX)
        }
        Lookup::Absent | Lookup::Unknown(_) => 0,
    }
}

/// Contradictions in the declaration, and machines that answer without being declared.
fn identity(case: Case<'_>) -> Verdict {
    match case.expected.host() {
        Lookup::Unknown(gap) => Verdict::Unknown(gap.clone()),
        Lookup::Present(host) => match host.contradictions.iter().find(|c| c.service.is_none()) {
            Some(contradiction) => {
                let difference =
                    Difference::Config { expected: Some(contradiction.what.clone()), observed: None };
                config_drift(case, Field::Identity, difference, case.expected.evidence().clone())
            }
            None => two_guests(case),
        },
        Lookup::Absent => match heard_from(case) {
            Machine::Answers(view) => {
                let observed = Some(Arc::from(format!("a machine seen by {}", view.source)));
                config_drift(
                    case,
                    Field::Identity,
                    Difference::Config { expected: None, observed },
                    evidence_of(view),
                )
            }
            Machine::Silent(_, gap) | Machine::Unclear(gap) => Verdict::Unknown(gap.clone()),
            Machine::Unasked => undeclared_node(case),
        },
    }
}

/// Two guests answer to one declared name: which of them is meant cannot be decided.
fn two_guests(case: Case<'_>) -> Verdict {
    let unclear = |view: &&Arc<HostView>| {
        view.facts.from_outside && view.coverage.gap().is_some_and(|gap| gap.kind == GapKind::Ambiguous)
    };
    match case.observed.views().iter().find(unclear) {
        Some(view) => {
            let what = view.coverage.gap().map(|gap| gap.why.clone());
            let difference = Difference::Config { expected: what, observed: None };
            config_drift(case, Field::Identity, difference, evidence_of(view))
        }
        None => Verdict::Clean(newest(case)),
    }
}

/// A node of a cluster that NetBox does not know. Guests have a type of their own.
fn undeclared_node(case: Case<'_>) -> Verdict {
    let on = machine::nodes(case).find(|(_, m)| matches!(m.state.known(), Ok(MachineState::Running)));
    match on {
        Some((view, _)) => {
            let observed = Some(Arc::from(format!("a node seen by {}", view.source)));
            let difference = Difference::Config { expected: None, observed };
            config_drift(case, Field::Identity, difference, evidence_of(view))
        }
        None => match machine::nodes(case).find_map(|(_, m)| m.state.known().err()).or(unseen(case)) {
            Some(gap) => Verdict::Unknown(gap.clone()),
            None => Verdict::Clean(newest(case)),
        },
    }
}

/// Why one that might show the machine cannot say.
fn unseen(case: Case<'_>) -> Option<&Gap> {
    case.observed.views().iter().find_map(|view| match view.machine() {
        Some(Lookup::Unknown(gap)) => Some(gap),
        Some(Lookup::Present(_) | Lookup::Absent) | None => None,
    })
}

/// Whether a view is silent, and its machine was switched on so lately that nothing on it need answer yet. How long that
/// is ago no stamp shows.
pub(crate) fn may_be_booting(case: Case<'_>, silent: &HostView) -> bool {
    let is_silent = silent.coverage.gap().is_some_and(|gap| is_silence(gap.kind));
    let is_asked_there = !silent.facts.from_outside && silent.source.kind != SourceKind::Probe;
    if !is_silent || !is_asked_there || silent.facts.shared_gap {
        return false;
    }
    let grace = SignedDuration::try_from(case.rules.boot_grace).unwrap_or(SignedDuration::ZERO);
    machine::shown(case)
        .filter_map(|(_, machine)| machine.up_since)
        .any(|since| silent.observed_at.duration_since(since) < grace)
}

/// The name a machine gives itself against the declared one: first DNS label, any case, aliases count.
fn name(case: Case<'_>) -> Verdict {
    let host = match case.expected.host() {
        Lookup::Present(host) => host,
        Lookup::Absent => return Verdict::Clean(newest(case)),
        Lookup::Unknown(gap) => return Verdict::Unknown(gap.clone()),
    };
    let mut unknown = None;
    let mut clean = None;
    for view in case.observed.views() {
        match view.facts.name.as_ref().map(Fact::known) {
            Some(Ok(real)) if !answers_to(host, real) => {
                let difference = Difference::Config {
                    expected: Some(Arc::from(host.name.as_str())),
                    observed: Some(real.clone()),
                };
                return config_drift(case, Field::Name, difference, evidence_of(view));
            }
            Some(Ok(_)) => clean = Some(evidence_of(view)),
            Some(Err(gap)) => unknown = Some(gap.clone()),
            None => unknown = unknown.or_else(|| view.coverage.gap().cloned()),
        }
    }
    match (unknown, clean) {
        (Some(gap), _) => Verdict::Unknown(gap),
        (None, Some(evidence)) => Verdict::Clean(evidence),
        (None, None) => Verdict::Clean(newest(case)),
    }
}

fn answers_to(host: &ExpectedHost, name: &str) -> bool {
    let name = canonical(name);
    canonical(host.name.as_str()) == name || host.aliases.iter().any(|alias| canonical(alias) == name)
}

/// A machine that is declared switched off answers.
fn status(case: Case<'_>) -> Verdict {
    let host = match case.expected.host() {
        Lookup::Present(host) => host,
        Lookup::Absent => return Verdict::Clean(newest(case)),
        Lookup::Unknown(gap) => return Verdict::Unknown(gap.clone()),
    };
    if host.demand() != Demand::NotRun {
        return Verdict::Clean(newest(case));
    }
    if let Power::Shown(view, _, MachineState::Running) = power(case) {
        return config_drift(case, Field::Status, runs_all_the_same(host), evidence_of(view));
    }
    match heard_from(case) {
        Machine::Answers(view) => {
            config_drift(case, Field::Status, runs_all_the_same(host), evidence_of(view))
        }
        // What must not run does not answer: that is agreement, not blindness.
        Machine::Silent(view, _) => Verdict::Clean(evidence_of(view)),
        Machine::Unclear(gap) => Verdict::Unknown(gap.clone()),
        Machine::Unasked => match power(case) {
            Power::Shown(view, ..) | Power::Absent(view) => Verdict::Clean(evidence_of(view)),
            Power::Unknown(gap) => Verdict::Unknown(gap.clone()),
            Power::Unasked => Verdict::Clean(newest(case)),
        },
    }
}

fn runs_all_the_same(host: &ExpectedHost) -> Difference {
    Difference::Config {
        expected: Some(Arc::from(host.status.to_string())),
        observed: Some(Arc::from("running")),
    }
}

/// Whether a machine was seen at work, all sources taken together.
enum Machine<'a> {
    /// This view comes from the machine itself.
    Answers(&'a HostView),
    /// Nobody who could reach it got an answer; one of them.
    Silent(&'a HostView, &'a Gap),
    /// Somebody who could reach it cannot say.
    Unclear(&'a Gap),
    /// Nobody who could reach it was asked.
    Unasked,
}

fn heard_from(case: Case<'_>) -> Machine<'_> {
    let mut answer = Machine::Unasked;
    for view in case.observed.views() {
        if comes_from_the_machine(view) {
            return Machine::Answers(view);
        }
        answer = match (view.coverage.gap(), answer) {
            (Some(_) | None, answer @ (Machine::Answers(_) | Machine::Unclear(_))) => answer,
            (None, answer @ (Machine::Silent(..) | Machine::Unasked)) => answer,
            (Some(_), answer) if !looks_inside(view) => answer,
            (Some(gap), _) if is_silence(gap.kind) => Machine::Silent(view, gap),
            (Some(gap), _) => Machine::Unclear(gap),
        };
    }
    answer
}

/// An engine or a NAS that answers fully runs; so does whatever shows something at work in it. A hypervisor's or a
/// probe's complete answer says nothing of the kind: it may be "switched off" or "every port is closed".
pub(super) fn comes_from_the_machine(view: &HostView) -> bool {
    let at_work = || {
        !view.is_stale()
            && view
                .services
                .iter()
                .any(|s| matches!(s.state, Fact::Known(RunState::Running | RunState::Restarting)))
    };
    match view.source.kind {
        SourceKind::Docker | SourceKind::Truenas if view.facts.from_outside => false,
        SourceKind::Docker | SourceKind::Truenas => view.coverage.is_complete() || at_work(),
        // What was sent by hand may have been collected from anywhere.
        SourceKind::Probe | SourceKind::Push => at_work(),
        SourceKind::Netbox | SourceKind::Proxmox | SourceKind::Store => false,
    }
}
