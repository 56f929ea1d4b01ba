//! Verdicts about one service on one host.

use super::attributes::{ports_agree, same_image};
use super::{Case, Seen, evidence_of, looks_inside, newest, resources, seen, uncovered_gap};
use crate::coverage::{Fact, Gap, GapKind, Lookup};
use crate::drift::{Difference, Drift, Evidence, Verdict};
use crate::event::EventType;
use crate::id::{DriftId, Field, ServiceName, Subject as Host};
use crate::model::{Demand, ExpectedHost, ExpectedService, Health, RunState};

/// The fields in which a service can drift.
const SERVICE_FIELDS: [Field; 4] = [Field::Identity, Field::Role, Field::Image, Field::Health];

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
        match (id.event_type, id.field) {
            (EventType::ServiceMissing, _) => self.missing(),
            (EventType::ServiceUnexpected, _) => self.unexpected(),
            (EventType::PortMismatch, _) => self.ports(),
            (EventType::RestartLoop, _) => self.restart_loop(),
            (EventType::ResourceExceeded, _) => resources::exceeded(self.case, id),
            (EventType::ConfigDrift, Some(field)) => self.field(field),
            (
                EventType::ConfigDrift
                | EventType::VmDown
                | EventType::VmUndeclared
                | EventType::DockerUnreachable
                | EventType::NodeUnreachable
                | EventType::SnapshotError,
                _,
            ) => Verdict::Unknown(uncovered_gap(self.case.subject)),
        }
    }

    /// The quick answer for the common case: declared, running, and equal in everything that is compared.
    pub(crate) fn plainly_equal(self) -> bool {
        let (Lookup::Present(e), Seen::Present(_, o)) = (self.expected, self.seen) else {
            return false;
        };
        self.demand(e) == Demand::Run
            && matches!(o.state, Fact::Known(RunState::Running))
            && matches!(o.health, Fact::Known(Health::None | Health::Healthy))
            && matches!(o.restarts, Fact::Known(n) if n < self.case.rules.restart_loop)
            && matches!(&o.ports, Fact::Known(p) if ports_agree(self.case.rules.ports, e, p))
            && (e.image.is_none() || e.image == o.image || o.image.is_none())
            && (e.role.is_none() || o.role.is_none() || e.role == o.role)
    }

    /// All verdicts that are drift, in the order of the types.
    pub(crate) fn drifts(self, out: &mut Vec<Drift>) {
        let verdicts = [self.missing(), self.unexpected(), self.ports(), self.restart_loop()];
        for verdict in verdicts.into_iter().chain(SERVICE_FIELDS.map(|field| self.field(field))) {
            if let Verdict::Drifted(drift) = verdict {
                out.push(drift);
            }
        }
    }

    fn missing(self) -> Verdict {
        let expected = match self.expected {
            Lookup::Present(service) => service,
            Lookup::Absent => return self.clean(),
            Lookup::Unknown(gap) => return Verdict::Unknown(gap.clone()),
        };
        if self.demand(expected) != Demand::Run {
            return self.clean();
        }
        let (view, state) = match self.seen {
            Seen::Present(view, service) | Seen::AtLeast(view, service, _) => match service.state.known() {
                Ok(RunState::Running) => return Verdict::Clean(evidence_of(view)),
                // Between two attempts to run it is neither there nor gone; RESTART_LOOP says so if it goes on.
                Ok(RunState::Restarting) => return unknown(GapKind::NotYetObserved, "it is being restarted"),
                Ok(state @ (RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed)) => {
                    (view, Some(*state))
                }
                Err(gap) => return Verdict::Unknown(gap.clone()),
            },
            Seen::Absent(view) => (view, None),
            Seen::Unknown(gap) => return Verdict::Unknown(gap.clone()),
            Seen::Uncovered => return Verdict::Unknown(uncovered_gap(self.case.subject)),
        };
        let difference =
            Difference::Missing { ports: expected.ports.clone(), role: expected.role.clone(), state };
        self.drifted(EventType::ServiceMissing, None, difference, evidence_of(view))
    }

    fn unexpected(self) -> Verdict {
        let (view, observed) = match self.seen {
            Seen::Present(view, service) | Seen::AtLeast(view, service, _) => (view, service),
            Seen::Absent(view) => return Verdict::Clean(evidence_of(view)),
            Seen::Unknown(gap) => return Verdict::Unknown(gap.clone()),
            Seen::Uncovered => return self.unseen(),
        };
        let state = match observed.state.known() {
            Ok(state @ (RunState::Running | RunState::Restarting)) => *state,
            Ok(RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed) => {
                return Verdict::Clean(evidence_of(view));
            }
            Err(gap) => return Verdict::Unknown(gap.clone()),
        };
        let retired = match self.expected {
            Lookup::Present(service) if self.demand(service) == Demand::NotRun => true,
            Lookup::Present(_) => return Verdict::Clean(evidence_of(view)),
            Lookup::Absent => false,
            Lookup::Unknown(gap) => return Verdict::Unknown(gap.clone()),
        };
        let ports = observed.ports.known().ok().map(|p| p.open.union(&p.loopback));
        let difference = Difference::Unexpected { retired, ports, state, image: observed.image.clone() };
        self.drifted(EventType::ServiceUnexpected, None, difference, evidence_of(view))
    }

    fn restart_loop(self) -> Verdict {
        match self.expected {
            Lookup::Present(service) => match self.demand(service) {
                Demand::Run | Demand::MayRun => {}
                // Nothing about it is drift, or that it runs at all is the drift.
                Demand::Either | Demand::NotRun => return self.clean(),
            },
            Lookup::Absent => {}
            Lookup::Unknown(gap) => return Verdict::Unknown(gap.clone()),
        }
        let (view, observed) = match self.seen {
            Seen::Present(view, service) => (view, service),
            Seen::Absent(view) => return Verdict::Clean(evidence_of(view)),
            Seen::Unknown(gap) | Seen::AtLeast(_, _, gap) => return Verdict::Unknown(gap.clone()),
            Seen::Uncovered => return self.unseen(),
        };
        let state = match observed.state.known() {
            Ok(state @ (RunState::Running | RunState::Restarting)) => *state,
            Ok(RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed) => {
                return Verdict::Clean(evidence_of(view));
            }
            Err(gap) => return Verdict::Unknown(gap.clone()),
        };
        let restarts = match (observed.restarts.known(), state) {
            (Ok(n), _) if *n >= self.case.rules.restart_loop => Some(*n),
            (Ok(_), RunState::Restarting) => {
                return unknown(GapKind::NotYetObserved, "it is being restarted");
            }
            (Ok(_), _) => return Verdict::Clean(evidence_of(view)),
            // Not countable, but caught between two attempts: confirmation decides.
            (Err(_), RunState::Restarting) => None,
            (Err(gap), _) => return Verdict::Unknown(gap.clone()),
        };
        let difference = Difference::RestartLoop { restarts, state };
        self.drifted(EventType::RestartLoop, None, difference, evidence_of(view))
    }

    fn field(self, field: Field) -> Verdict {
        match field {
            Field::Identity => self.identity(),
            Field::Role => self.attribute(field, |e, o| e == o, |e| e.role.as_ref(), |o| o.role.as_ref()),
            Field::Image => self.attribute(field, same_image, |e| e.image.as_ref(), |o| o.image.as_ref()),
            Field::Health => self.health(),
            Field::Pool => resources::pool_health(self.case, self.name),
            Field::Name
            | Field::Ip
            | Field::Cluster
            | Field::Node
            | Field::Vcpus
            | Field::Memory
            | Field::Disk
            | Field::Cpu
            | Field::Storage
            | Field::Status => Verdict::Unknown(uncovered_gap(self.case.subject)),
        }
    }

    /// Two declarations that contradict each other, or two containers that answer to one declaration.
    fn identity(self) -> Verdict {
        let host = match self.host {
            Lookup::Present(host) => host,
            Lookup::Absent => return self.clean(),
            Lookup::Unknown(gap) => return Verdict::Unknown(gap.clone()),
        };
        if let Some(c) = host.contradictions.iter().find(|c| c.service.as_ref() == Some(self.name)) {
            let difference = Difference::Config { expected: Some(c.what.clone()), observed: None };
            let evidence = self.case.expected.evidence().clone();
            return self.drifted(EventType::ConfigDrift, Some(Field::Identity), difference, evidence);
        }
        let views = || self.case.observed.views().iter().filter(|view| looks_inside(view));
        for view in views() {
            if let Some((_, gap)) = view.ambiguous.iter().find(|(name, _)| name == self.name) {
                let difference = Difference::Config { expected: Some(gap.why.clone()), observed: None };
                return self.drifted(
                    EventType::ConfigDrift,
                    Some(Field::Identity),
                    difference,
                    evidence_of(view),
                );
            }
        }
        // Whoever cannot see the service cannot see that only one thing answers to its name, either.
        let mut gaps = views().filter_map(|view| match view.service(self.name) {
            Lookup::Unknown(gap) => Some(gap),
            Lookup::Present(_) | Lookup::Absent => None,
        });
        gaps.next().map_or_else(|| self.clean(), |gap| Verdict::Unknown(gap.clone()))
    }

    /// No view was asked about what is not declared. On a machine that is neither declared nor observed by anybody any
    /// more nothing is left that could differ; otherwise nobody can say.
    fn unseen(self) -> Verdict {
        match self.host {
            Lookup::Absent if self.case.observed.views().is_empty() => self.clean(),
            Lookup::Absent | Lookup::Present(_) | Lookup::Unknown(_) => {
                Verdict::Unknown(uncovered_gap(self.case.subject))
            }
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
    ) -> Verdict {
        let id = DriftId {
            subject: Host::clone(self.case.subject),
            service: Some(self.name.clone()),
            event_type: kind,
            field,
            source: None,
        };
        Verdict::Drifted(Drift::new(id, difference, evidence))
    }

    /// Clean because of what is (or is not) declared; the evidence is whichever observation is newest.
    pub(super) fn clean(self) -> Verdict {
        Verdict::Clean(newest(self.case))
    }
}

pub(super) fn unknown(kind: GapKind, why: &str) -> Verdict {
    Verdict::Unknown(Gap::new(kind, why))
}
