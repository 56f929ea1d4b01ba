//! A generated fleet in the core's own types: hosts of a few services, with a chosen share of drift.

use std::sync::Arc;

use evenkeel_core::identity::bind;
use evenkeel_core::model::{
    Expected, ExpectedHost, ExpectedService, Health, Hints, HostFacts, HostKind, HostSnapshot, Inventory,
    Observed, ObservedService, Port, Ports, Published, RunState,
};
use evenkeel_core::{Coverage, Evidence, Fact, HostName, ServiceName, SourceId, SourceKind, Subject};
use jiff::Timestamp;

/// One host, both truths.
pub struct Host {
    /// The key.
    pub subject: Subject,
    /// What is declared.
    pub expected: Expected,
    /// What is seen.
    pub observed: Observed,
}

/// How many hosts, how many services on each, and every which of them differs (0: none does).
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Hosts.
    pub hosts: usize,
    /// Services of a host.
    pub services: usize,
    /// Every so manyth service differs.
    pub one_in: usize,
}

impl Shape {
    /// All services.
    pub fn total(self) -> usize {
        self.hosts * self.services
    }
}

/// The NetBox that declares the fleet.
pub fn netbox() -> SourceId {
    SourceId::new(SourceKind::Netbox, "main")
}

/// The name of a host by its number.
pub fn host_name(h: usize) -> HostName {
    HostName::new(format!("host-{h:06}"))
}

/// The engine of a host by its number.
pub fn engine(h: usize) -> SourceId {
    SourceId::new(SourceKind::Docker, host_name(h).as_str())
}

/// The fleet as passes see it.
pub fn fleet(shape: Shape) -> Vec<Host> {
    (0..shape.hosts).map(|h| host(h, shape)).collect()
}

/// The fleet as NetBox would declare it.
pub fn inventory(shape: Shape) -> Inventory {
    Inventory {
        source: netbox(),
        started: Timestamp::now(),
        observed_at: Timestamp::now(),
        coverage: Coverage::Complete,
        hosts: (0..shape.hosts).map(|h| Arc::new(declared(h, shape))).collect(),
        filtered: false,
    }
}

/// A host as its engine would show it.
pub fn snapshot(h: usize, shape: Shape) -> HostSnapshot {
    HostSnapshot {
        source: engine(h),
        started: Timestamp::now(),
        observed_at: Timestamp::now(),
        coverage: Coverage::Complete,
        facts: facts(&host_name(h)),
        services: pairs(h, shape).filter_map(|(_, seen)| seen).collect(),
    }
}

fn host(h: usize, shape: Shape) -> Host {
    let at = Timestamp::UNIX_EPOCH;
    let seen = HostSnapshot { started: at, observed_at: at, ..snapshot(h, shape) };
    let evidence = Evidence { source: netbox(), observed_at: at };
    let declared = Arc::new(declared(h, shape));
    // As in the product: what a comparison sees was bound to its declaration before.
    let view = bind(seen, Some(&declared), &[]);
    Host {
        subject: Subject::Host(host_name(h)),
        expected: Expected::new(evidence, Coverage::Complete, Some(declared)),
        observed: Observed::new(vec![Arc::new(view)]),
    }
}

fn facts(name: &HostName) -> HostFacts {
    HostFacts { name: Some(Fact::Known(Arc::from(name.as_str()))), ..HostFacts::default() }
}

fn pairs(h: usize, shape: Shape) -> impl Iterator<Item = (ExpectedService, Option<ObservedService>)> {
    (0..shape.services).map(move |s| pair(h, s, shape))
}

/// Drift mix of the measurements this is compared with: ports, ports, stopped, missing.
fn pair(h: usize, s: usize, shape: Shape) -> (ExpectedService, Option<ObservedService>) {
    let name = ServiceName::new(format!("service-{s:04}"));
    let base = 8000 + u16::try_from(s % 1000).unwrap_or(0) * 3;
    let ports = Ports::new([Port::tcp(base), Port::tcp(base + 1), Port::tcp(base + 2)]);
    let expected = ExpectedService {
        name: name.clone(),
        lifecycle: None,
        ports: ports.clone(),
        container_name: None,
        compose_project: None,
        role: Some(Arc::from("role")),
        image: None,
        observed_by: Vec::new(),
        tags: Vec::new(),
        netbox_ids: vec![(h * shape.services + s) as u64],
    };
    let index = h * shape.services + s;
    let one_in = shape.one_in;
    let drift = (one_in > 0 && index.is_multiple_of(one_in)).then(|| (index / one_in) % 4);
    let open = match drift {
        Some(0 | 1) => Ports::new([Port::tcp(base), Port::tcp(base + 1), Port::tcp(1)]),
        _ => ports,
    };
    let state = if drift == Some(2) { RunState::Exited } else { RunState::Running };
    let observed = ObservedService {
        name: ServiceName::new(format!("service-{s:04}")),
        hints: Arc::new(Hints { container_name: Some(Arc::from(name.as_str())), ..Hints::default() }),
        state: Fact::Known(state),
        ports: Fact::Known(Published { open, loopback: Ports::default() }),
        health: Fact::Known(Health::None),
        image: Some(Arc::from("registry/image:1.0")),
        role: Some(Arc::from("role")),
        restarts: Fact::Known(0),
        replicas: 1,
    };
    (expected, (drift != Some(3)).then_some(observed))
}

/// A host as it is declared.
pub fn declared(h: usize, shape: Shape) -> ExpectedHost {
    ExpectedHost {
        services: pairs(h, shape).map(|(declared, _)| declared).collect(),
        ..ExpectedHost::new(host_name(h), HostKind::VirtualMachine, h as u64 + 1)
    }
}
