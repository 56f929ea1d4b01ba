//! Small worlds for the tests: builders for the example tests, and strategies for the properties.
//!
//! A [`Plan`] is both truths about one host without their moments; [`Plan::at`] turns it into a [`World`] observed at
//! one moment, so that the same plan can be looked at again and again.

// Every test file takes what it needs of this; what it leaves is not dead.
#![allow(unreachable_pub)]
// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used)]

pub mod one;
pub mod oracle;
pub mod run;
pub mod strategy;

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::drift::Evidence;
use evenkeel_core::model::{
    Contradiction, Expected, ExpectedHost, ExpectedService, Health, Hints, HostFacts, HostKind, HostStatus,
    HostView, Lifecycle, Observed, ObservedService, Port, Ports, Published, RunState,
};
use evenkeel_core::policy::Policy;
use evenkeel_core::policy::confirm::{Confirm, Flap, Window};
use evenkeel_core::{
    Case, Coverage, Drift, DriftId, Fact, Gap, GapKind, Report, Rules, ServiceName, SourceId, SourceKind,
    Subject, diff,
};
use jiff::Timestamp;

/// The one host of every small world.
pub const HOST: &str = "box";

/// The moment `seconds` after the tests' beginning of time.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_760_000_000 + seconds).unwrap()
}

pub fn subject() -> Subject {
    Subject::Host(HOST.into())
}

pub fn source(kind: SourceKind) -> SourceId {
    SourceId::new(kind, "it")
}

pub fn evidence(kind: SourceKind, seconds: i64) -> Evidence {
    Evidence { source: source(kind), observed_at: at(seconds) }
}

pub fn gap(kind: GapKind) -> Gap {
    Gap::new(kind, "for a test")
}

pub fn partial(kind: GapKind) -> Coverage {
    Coverage::Partial(gap(kind))
}

pub fn ports(numbers: &[u16]) -> Ports {
    numbers.iter().map(|n| Port::tcp(*n)).collect()
}

/// An active host that declares these services.
pub fn host(services: impl IntoIterator<Item = ExpectedService>) -> ExpectedHost {
    let mut services: Vec<_> = services.into_iter().collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    ExpectedHost { services, ..ExpectedHost::new(HOST, HostKind::VirtualMachine, 7) }
}

pub fn with_status(mut host: ExpectedHost, status: HostStatus) -> ExpectedHost {
    host.status = status;
    host
}

pub fn contradicting(mut host: ExpectedHost, service: Option<&str>) -> ExpectedHost {
    host.contradictions
        .push(Contradiction { service: service.map(ServiceName::from), what: "two answers".into() });
    host
}

/// A declared service without life cycle, ports or links.
pub fn declared(name: &str) -> ExpectedService {
    ExpectedService {
        name: name.into(),
        lifecycle: None,
        ports: Ports::default(),
        container_name: None,
        compose_project: None,
        role: None,
        image: None,
        observed_by: Vec::new(),
        tags: Vec::new(),
        netbox_ids: vec![1],
    }
}

pub fn declared_on(name: &str, numbers: &[u16]) -> ExpectedService {
    ExpectedService { ports: ports(numbers), ..declared(name) }
}

pub fn living(name: &str, lifecycle: Lifecycle) -> ExpectedService {
    ExpectedService { lifecycle: Some(lifecycle), ..declared(name) }
}

/// A healthy service in this state that publishes nothing.
pub fn shown(name: &str, state: RunState) -> ObservedService {
    ObservedService {
        name: name.into(),
        hints: Arc::new(Hints { container_name: Some(Arc::from(name)), ..Hints::default() }),
        state: Fact::Known(state),
        ports: Fact::Known(Published::default()),
        health: Fact::Known(Health::None),
        image: None,
        role: None,
        restarts: Fact::Known(0),
        replicas: 1,
    }
}

pub fn shown_on(name: &str, numbers: &[u16]) -> ObservedService {
    let open = Published { open: ports(numbers), loopback: Ports::default() };
    ObservedService { ports: Fact::Known(open), ..shown(name, RunState::Running) }
}

/// A complete view through a source of this kind.
pub fn view(kind: SourceKind, services: impl IntoIterator<Item = ObservedService>) -> HostView {
    let mut services: Vec<_> = services.into_iter().collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    HostView {
        source: source(kind),
        started: at(0),
        observed_at: at(0),
        coverage: Coverage::Complete,
        facts: HostFacts::default(),
        services,
        ambiguous: Vec::new(),
    }
}

pub fn docker(services: impl IntoIterator<Item = ObservedService>) -> HostView {
    view(SourceKind::Docker, services)
}

/// A source that showed nothing, for this reason.
pub fn blind(kind: SourceKind, why: GapKind) -> HostView {
    HostView { coverage: partial(why), ..view(kind, []) }
}

/// Both truths about one host, without their moments.
#[derive(Clone, Debug)]
pub struct Plan {
    pub intent: Coverage,
    pub host: Option<ExpectedHost>,
    pub views: Vec<HostView>,
}

impl Plan {
    pub fn new(host: ExpectedHost, views: impl IntoIterator<Item = HostView>) -> Self {
        Self { intent: Coverage::Complete, host: Some(host), views: views.into_iter().collect() }
    }

    pub fn undeclared(views: impl IntoIterator<Item = HostView>) -> Self {
        Self { intent: Coverage::Complete, host: None, views: views.into_iter().collect() }
    }

    /// Both truths as read and observed at this moment.
    pub fn at(&self, seconds: i64) -> World {
        let views = self
            .views
            .iter()
            .cloned()
            .map(|view| Arc::new(HostView { started: at(seconds), observed_at: at(seconds), ..view }));
        World {
            subject: subject(),
            expected: Expected::new(
                evidence(SourceKind::Netbox, seconds),
                self.intent.clone(),
                self.host.clone().map(Arc::new),
            ),
            observed: Observed::new(views.collect()),
            rules: Rules::default(),
        }
    }

    pub fn drifts(&self) -> Vec<Drift> {
        self.at(0).diff(&[]).drifted
    }

    /// The drifts as `TYPE service field`, for the example tests.
    pub fn found(&self) -> Vec<String> {
        words(self.drifts().iter().map(|d| &d.id))
    }
}

pub fn words<'a>(ids: impl IntoIterator<Item = &'a DriftId>) -> Vec<String> {
    let word = |id: &DriftId| {
        let service = id.service.as_ref().map_or(String::new(), |s| format!(" {s}"));
        let field = id.field.map_or(String::new(), |f| format!(" {f}"));
        format!("{}{service}{field}", id.event_type)
    };
    let mut words: Vec<String> = ids.into_iter().map(word).collect();
    words.sort();
    words
}

/// Both truths about one host at one moment.
#[derive(Clone, Debug)]
pub struct World {
    pub subject: Subject,
    pub expected: Expected,
    pub observed: Observed,
    pub rules: Rules,
}

impl World {
    pub fn case(&self) -> Case<'_> {
        Case {
            subject: &self.subject,
            expected: &self.expected,
            observed: &self.observed,
            rules: &self.rules,
        }
    }

    pub fn diff(&self, open: &[DriftId]) -> Report {
        diff(self.case(), open)
    }
}

/// Believe at once, and forget at once.
pub fn immediate() -> Policy {
    Policy { confirm: Confirm { default: Window::IMMEDIATE, ..Confirm::default() }, ..Policy::default() }
}

/// Two observations either way, whatever time lies between them.
pub fn patient() -> Policy {
    let window = Window { open_after: 2, open_after_time: Duration::from_secs(86_400), resolve_after: 2 };
    Policy { confirm: Confirm { default: window, ..Confirm::default() }, ..Policy::default() }
}

pub fn flap(transitions: u32, window: u64, quiet: u64) -> Flap {
    Flap { transitions, window: Duration::from_secs(window), quiet: Duration::from_secs(quiet) }
}
