//! Verdicts about one service on one host.

use std::sync::Arc;

use super::attributes::{ports_agree, same_image};
use super::finding::{Finding, Ground, Hole};
use super::{Case, Rules, Seen, evidence_of, looks_inside, seen};
use crate::coverage::{Fact, Lookup};
use crate::drift::{Difference, Drift, Evidence, Verdict};
use crate::event::EventType;
use crate::id::{DriftId, Field, ServiceName, Subject as Host, same_text};
use crate::model::{Demand, ExpectedHost, ExpectedService, Health, HostView, ObservedService, RunState};

/// One service with both sides looked up once.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(super) case: Case<'a>,
    pub(super) name: &'a ServiceName,
    pub(super) host: Lookup<'a, ExpectedHost>,
    pub(super) expected: Lookup<'a, ExpectedService>,
    pub(super) seen: Seen<'a>,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(case: Case<'a>, name: &'a ServiceName) -> Self {
        let expected = case.expected.service(name);
        let declared = match expected {
            Lookup::Present(service) => Some(service),
            Lookup::Absent | Lookup::Unknown(_) => None,
        };
        Self::known(case, name, case.expected.host(), expected, seen(case, name, declared))
    }

    /// For a walk that has both sides in hand already.
    pub(crate) fn known(
        case: Case<'a>,
        name: &'a ServiceName,
        host: Lookup<'a, ExpectedHost>,
        expected: Lookup<'a, ExpectedService>,
        seen: Seen<'a>,
    ) -> Self {
        Self { case, name, host, expected, seen }
    }

    pub(crate) fn judge(self, id: &DriftId) -> Verdict {
        self.find(id).into_verdict(self.case)
    }

    fn find(self, id: &DriftId) -> Finding<'a> {
        match (id.event_type, id.field) {
            (EventType::ServiceMissing, _) => self.missing(),
            (EventType::ServiceUnexpected, _) => self.unexpected(),
            (EventType::PortMismatch, _) => self.ports(),
            (EventType::RestartLoop, _) => self.restart_loop(),
            (EventType::ConfigDrift, Some(field)) => self.field(field),
            (
                EventType::ConfigDrift
                | EventType::VmDown
                | EventType::VmUndeclared
                | EventType::DockerUnreachable
                | EventType::NodeUnreachable
                | EventType::SnapshotError
                | EventType::ResourceExceeded,
                _,
            ) => Finding::Unknown(Hole::Uncovered),
        }
    }

    /// All findings that are drift, in the order of the types.
    pub(crate) fn drifts(self, out: &mut Vec<Drift>) {
        let mut keep = |finding| {
            if let Finding::Drifted(drift) = finding {
                out.push(drift);
            }
        };
        keep(self.missing());
        keep(self.unexpected());
        keep(self.ports());
        keep(self.restart_loop());
        if let Some(finding) = self.contested() {
            keep(finding);
        }
        keep(self.role());
        keep(self.image());
        keep(self.health());
    }

    fn missing(self) -> Finding<'a> {
        let expected = match self.expected {
            Lookup::Present(service) => service,
            Lookup::Absent => return Finding::Clean(Ground::Declared),
            Lookup::Unknown(gap) => return Finding::gap(gap),
        };
        if self.demand(expected) != Demand::Run {
            return Finding::Clean(Ground::Declared);
        }
        let (view, state) = match self.seen {
            Seen::Present(view, service) | Seen::AtLeast(view, service, _) => match service.state.known() {
                Ok(RunState::Running) => return Finding::clean(view),
                // Between two attempts to run it is neither there nor gone; RESTART_LOOP says so if it goes on.
                Ok(RunState::Restarting) => return Finding::not_yet("it is being restarted"),
                Ok(state @ (RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed)) => {
                    (view, Some(*state))
                }
                Err(gap) => return Finding::gap(gap),
            },
            Seen::Absent(view) => (view, None),
            Seen::Unknown(gap) => return Finding::gap(gap),
            Seen::Uncovered => return Finding::Unknown(Hole::Uncovered),
        };
        let difference =
            Difference::Missing { ports: expected.ports.clone(), role: expected.role.clone(), state };
        self.drifted(EventType::ServiceMissing, None, difference, evidence_of(view))
    }

    fn unexpected(self) -> Finding<'a> {
        let (view, observed) = match self.seen {
            Seen::Present(view, service) | Seen::AtLeast(view, service, _) => (view, service),
            Seen::Absent(view) => return Finding::clean(view),
            Seen::Unknown(gap) => return Finding::gap(gap),
            Seen::Uncovered => return self.unseen(),
        };
        let state = match observed.state.known() {
            Ok(state @ (RunState::Running | RunState::Restarting)) => *state,
            Ok(RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed) => {
                return Finding::clean(view);
            }
            Err(gap) => return Finding::gap(gap),
        };
        let retired = match self.expected {
            Lookup::Present(service) if self.demand(service) == Demand::NotRun => true,
            Lookup::Present(_) => return Finding::clean(view),
            Lookup::Absent => false,
            Lookup::Unknown(gap) => return Finding::gap(gap),
        };
        let ports = observed.ports.known().ok().map(|p| p.open.union(&p.loopback));
        let difference = Difference::Unexpected { retired, ports, state, image: observed.image.clone() };
        self.drifted(EventType::ServiceUnexpected, None, difference, evidence_of(view))
    }

    fn restart_loop(self) -> Finding<'a> {
        match self.expected {
            Lookup::Present(service) => match self.demand(service) {
                Demand::Run | Demand::MayRun => {}
                // Nothing about it is drift, or that it runs at all is the drift.
                Demand::Either | Demand::NotRun => return Finding::Clean(Ground::Declared),
            },
            Lookup::Absent => {}
            Lookup::Unknown(gap) => return Finding::gap(gap),
        }
        let (view, observed) = match self.seen {
            Seen::Present(view, service) => (view, service),
            Seen::Absent(view) => return Finding::clean(view),
            Seen::Unknown(gap) | Seen::AtLeast(_, _, gap) => return Finding::gap(gap),
            Seen::Uncovered => return self.unseen(),
        };
        let state = match observed.state.known() {
            Ok(state @ (RunState::Running | RunState::Restarting)) => *state,
            Ok(RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed) => {
                return Finding::clean(view);
            }
            Err(gap) => return Finding::gap(gap),
        };
        let restarts = match (observed.restarts.known(), state) {
            (Ok(n), _) if *n >= self.case.rules.restart_loop => Some(*n),
            (Ok(_), RunState::Restarting) => {
                return Finding::not_yet("it is being restarted");
            }
            (Ok(_), _) => return Finding::clean(view),
            // Not countable, but caught between two attempts: confirmation decides.
            (Err(_), RunState::Restarting) => None,
            (Err(gap), _) => return Finding::gap(gap),
        };
        let difference = Difference::RestartLoop { restarts, state };
        self.drifted(EventType::RestartLoop, None, difference, evidence_of(view))
    }

    fn field(self, field: Field) -> Finding<'a> {
        match field {
            Field::Identity => self.identity(),
            Field::Role => self.role(),
            Field::Image => self.image(),
            Field::Health => self.health(),
            Field::Name
            | Field::Ip
            | Field::Cluster
            | Field::Node
            | Field::Vcpus
            | Field::Memory
            | Field::Disk
            | Field::Cpu
            | Field::Storage
            | Field::Pool
            | Field::Database
            | Field::Status => Finding::Unknown(Hole::Uncovered),
        }
    }

    fn role(self) -> Finding<'a> {
        self.attribute(Field::Role, same_text, |e| e.role.as_ref(), |o| o.role.as_ref())
    }

    fn image(self) -> Finding<'a> {
        self.attribute(Field::Image, same_image, |e| e.image.as_ref(), |o| o.image.as_ref())
    }

    fn identity(self) -> Finding<'a> {
        if let Some(finding) = self.contested() {
            return finding;
        }
        match self.host {
            Lookup::Present(_) => {}
            Lookup::Absent => return Finding::Clean(Ground::Declared),
            Lookup::Unknown(gap) => return Finding::gap(gap),
        }
        // Whoever cannot see the service cannot see that only one thing answers to its name, either.
        let mut gaps = self.witnesses().filter_map(|view| match view.service(self.name) {
            Lookup::Unknown(gap) => Some(gap),
            Lookup::Present(_) | Lookup::Absent => None,
        });
        gaps.next().map_or(Finding::Clean(Ground::Declared), Finding::gap)
    }

    /// Two declarations that contradict each other, or two containers that answer to one declaration.
    fn contested(self) -> Option<Finding<'a>> {
        let Lookup::Present(host) = self.host else {
            return None;
        };
        let drifted = |what: &Arc<str>, evidence| {
            let difference = Difference::Config { expected: Some(what.clone()), observed: None };
            self.drifted(EventType::ConfigDrift, Some(Field::Identity), difference, evidence)
        };
        if let Some(c) = host.contradictions.iter().find(|c| c.service.as_ref() == Some(self.name)) {
            return Some(drifted(&c.what, self.case.expected.evidence().clone()));
        }
        self.witnesses().find_map(|view| {
            let (_, gap) = view.ambiguous.iter().find(|(name, _)| name == self.name)?;
            Some(drifted(&gap.why, evidence_of(view)))
        })
    }

    fn witnesses(self) -> impl Iterator<Item = &'a HostView> {
        self.case.observed.views().iter().map(|view| &**view).filter(|view| looks_inside(view))
    }

    /// No view was asked about what is not declared. On a machine that is neither declared nor observed by anybody any
    /// more nothing is left that could differ; otherwise nobody can say.
    fn unseen(self) -> Finding<'a> {
        match self.host {
            Lookup::Absent if self.case.observed.views().is_empty() => Finding::Clean(Ground::Declared),
            Lookup::Absent | Lookup::Present(_) | Lookup::Unknown(_) => Finding::Unknown(Hole::Uncovered),
        }
    }

    pub(super) fn demand(self, service: &ExpectedService) -> Demand {
        match self.host {
            Lookup::Present(host) => Demand::of_service(host.demand(), service.lifecycle),
            Lookup::Absent | Lookup::Unknown(_) => Demand::Either,
        }
    }

    pub(super) fn drifted(
        self,
        kind: EventType,
        field: Option<Field>,
        difference: Difference,
        evidence: Evidence,
    ) -> Finding<'a> {
        let whole = DriftId::of(Host::clone(self.case.subject), kind);
        let id = DriftId { service: Some(self.name.clone()), field, ..whole };
        Finding::Drifted(Drift::new(id, difference, evidence))
    }
}

/// The quick answer for the common case, one believed view and a host of this demand: declared, running, and equal in
/// everything that is compared. Whatever is not plainly equal is judged.
#[inline]
pub(crate) fn plainly_equal(rules: &Rules, host: Demand, e: &ExpectedService, o: &ObservedService) -> bool {
    Demand::of_service(host, e.lifecycle) == Demand::Run
        && matches!(o.state, Fact::Known(RunState::Running))
        && matches!(o.health, Fact::Known(Health::None | Health::Healthy))
        && matches!(o.restarts, Fact::Known(n) if n < rules.restart_loop)
        && matches!(&o.ports, Fact::Known(p) if ports_agree(rules.ports, e, p))
        && not_other(&e.role, &o.role)
        && not_other(&e.image, &o.image)
}

/// Nothing is declared, nothing is said, or both say the same.
fn not_other(declared: &Option<Arc<str>>, real: &Option<Arc<str>>) -> bool {
    match (declared, real) {
        (Some(declared), Some(real)) => same_text(declared, real),
        (Some(_) | None, Some(_) | None) => true,
    }
}
