//! A generated fleet in the core's own types: hosts of a few services, with a chosen share of drift.

use std::sync::Arc;

use evenkeel_core::model::{
    Expected, ExpectedHost, ExpectedService, Health, Hints, HostFacts, HostKind, HostStatus, HostView, Observed,
    ObservedService, Port, Ports, Published, RunState,
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

/// `hosts` hosts of `services` services; every `one_in`-th service differs (0 = none).
pub fn fleet(hosts: usize, services: usize, one_in: usize) -> Vec<Host> {
    (0..hosts).map(|h| host(h, services, one_in)).collect()
}

fn host(h: usize, services: usize, one_in: usize) -> Host {
    let name = HostName::new(format!("host-{h:06}"));
    let netbox = SourceId::new(SourceKind::Netbox, "main");
    let docker = SourceId::new(SourceKind::Docker, name.as_str());
    let pairs: Vec<_> = (0..services).map(|s| pair(h, s, services, one_in)).collect();
    let (expected, observed): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let declared = ExpectedHost { services: expected, ..bare_host(&name, h as u64) };
    let view = HostView {
        source: docker,
        started: Timestamp::UNIX_EPOCH,
        observed_at: Timestamp::UNIX_EPOCH,
        coverage: Coverage::Complete,
        facts: HostFacts { name: Some(Fact::Known(Arc::from(name.as_str()))), ..HostFacts::default() },
        services: observed.into_iter().flatten().collect(),
        ambiguous: Vec::new(),
    };
    let evidence = Evidence { source: netbox, observed_at: Timestamp::UNIX_EPOCH };
    Host {
        subject: Subject::Host(name),
        expected: Expected::new(evidence, Coverage::Complete, Some(Arc::new(declared))),
        observed: Observed::new(vec![Arc::new(view)]),
    }
}

/// Drift mix of the measurements this is compared with: ports, ports, missing, stopped.
fn pair(h: usize, s: usize, services: usize, one_in: usize) -> (ExpectedService, Option<ObservedService>) {
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
        netbox_ids: vec![s as u64],
    };
    let index = h * services + s;
    let drift = (one_in > 0 && index.is_multiple_of(one_in)).then(|| (index / one_in) % 4);
    let open = match drift {
        Some(0 | 1) => Ports::new([Port::tcp(base), Port::tcp(base + 1), Port::tcp(1)]),
        _ => ports,
    };
    let state = if drift == Some(2) { RunState::Exited } else { RunState::Running };
    let observed = ObservedService {
        name: ServiceName::new(format!("service-{s:04}")),
        hints: Hints { container_name: Some(Arc::from(name.as_str())), ..Hints::default() },
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

fn bare_host(name: &HostName, id: u64) -> ExpectedHost {
    ExpectedHost {
        name: name.clone(),
        kind: HostKind::VirtualMachine,
        netbox_id: id,
        status: HostStatus::Active,
        primary_ip: None,
        addresses: Vec::new(),
        macs: Vec::new(),
        aliases: Vec::new(),
        role: None,
        site: None,
        tenant: None,
        cluster: None,
        node: None,
        vcpus: None,
        memory_mib: None,
        disk_mib: None,
        tags: Vec::new(),
        observed_by: Vec::new(),
        docker_endpoint: None,
        sensitive: false,
        services: Vec::new(),
        services_coverage: Coverage::Complete,
        contradictions: Vec::new(),
    }
}
