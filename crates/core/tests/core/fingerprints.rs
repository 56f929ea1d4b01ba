//! The stamp over both truths: it changes with everything a comparison depends on, and with nothing else.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use crate::world::strategy::plan;
use crate::world::{Plan, World, declared, docker, gap, host, partial, ports, shown_on};
use evenkeel_core::fingerprint::of_host;
use evenkeel_core::model::{
    Contradiction, ExpectedHost, ExpectedService, Health, HostFacts, HostKind, HostStatus, HostView,
    Lifecycle, ObservedService,
};
use evenkeel_core::{Coverage, Fact, GapKind, SourceId, SourceKind};
use proptest::prelude::*;

fn stamp(world: &World) -> u128 {
    of_host(&world.expected, &world.observed, &[]).0
}

fn base() -> Plan {
    Plan::new(host([declared("web")]), [docker([shown_on("web", &[80])])])
}

#[test]
fn moments_and_notes_do_not_change_it_and_the_policy_does() {
    let mut noted = base();
    noted.views[0].facts.notes.insert("version".into(), "29".into());
    assert_eq!(stamp(&base().at(0)), stamp(&noted.at(99)));
    let world = base().at(0);
    let node = evenkeel_core::DriftId::of_host(&"node".into(), evenkeel_core::EventType::NodeUnreachable);
    let lost = of_host(&world.expected, &world.observed, &[node]);
    assert_ne!(of_host(&world.expected, &world.observed, &[]), lost);
}

/// What is changed, and how.
type Change<T> = (&'static str, fn(&mut T));

#[test]
fn every_field_of_a_declared_host_changes_it() {
    let changes: [Change<ExpectedHost>; 22] = [
        ("name", |h| h.name = "other".into()),
        ("kind", |h| h.kind = HostKind::Device),
        ("netbox_id", |h| h.netbox_id = 8),
        ("status", |h| h.status = HostStatus::Staged),
        ("primary_ip", |h| h.primary_ip = Some([10, 0, 0, 1].into())),
        ("addresses", |h| h.addresses.push([10, 0, 0, 1].into())),
        ("macs", |h| h.macs.push("aa".into())),
        ("aliases", |h| h.aliases.push("aa".into())),
        ("role", |h| h.role = Some("x".into())),
        ("site", |h| h.site = Some("x".into())),
        ("tenant", |h| h.tenant = Some("x".into())),
        ("cluster", |h| h.cluster = Some("x".into())),
        ("node", |h| h.node = Some("x".into())),
        ("vcpus", |h| h.vcpus = Some(1)),
        ("memory", |h| h.memory_mib = Some(1)),
        ("disk", |h| h.disk_mib = Some(1)),
        ("tags", |h| h.tags.push("aa".into())),
        ("observed_by", |h| h.observed_by.push(SourceKind::Docker)),
        ("docker_endpoint", |h| h.docker_endpoint = Some("x".into())),
        ("sensitive", |h| h.sensitive = true),
        ("services_coverage", |h| h.services_coverage = partial(GapKind::Malformed)),
        ("contradictions", |h| h.contradictions.push(Contradiction { service: None, what: "x".into() })),
    ];
    let mut seen = vec![("nothing", stamp(&base().at(0)))];
    for (what, change) in changes {
        let mut plan = base();
        change(plan.host.as_mut().unwrap());
        note(&mut seen, what, &plan);
    }
}

#[test]
fn every_field_of_a_declared_service_changes_it() {
    let changes: [Change<ExpectedService>; 10] = [
        ("name", |s| s.name = "other".into()),
        ("lifecycle", |s| s.lifecycle = Some(Lifecycle::Active)),
        ("ports", |s| s.ports = ports(&[80])),
        ("container_name", |s| s.container_name = Some("x".into())),
        ("compose_project", |s| s.compose_project = Some("x".into())),
        ("role", |s| s.role = Some("x".into())),
        ("image", |s| s.image = Some("x".into())),
        ("observed_by", |s| s.observed_by.push(SourceKind::Docker)),
        ("tags", |s| s.tags.push("x".into())),
        ("netbox_ids", |s| s.netbox_ids.push(2)),
    ];
    let mut seen = vec![("nothing", stamp(&base().at(0)))];
    for (what, change) in changes {
        let mut plan = base();
        change(&mut plan.host.as_mut().unwrap().services[0]);
        note(&mut seen, what, &plan);
    }
}

#[test]
fn every_field_of_a_view_and_of_an_observed_service_changes_it() {
    let changes: [Change<HostView>; 7] = [
        ("source", |v| v.source = SourceId::new(SourceKind::Truenas, "it")),
        ("coverage", |v| v.coverage = partial(GapKind::Stale)),
        ("gap", |v| v.coverage = partial(GapKind::Truncated)),
        ("name", |v| v.facts.name = Some(Fact::Known("x".into()))),
        ("engine", |v| v.facts = HostFacts { engine_id: Some("x".into()), ..HostFacts::default() }),
        ("services", |v| v.services.clear()),
        ("ambiguous", |v| v.ambiguous.push(("x".into(), gap(GapKind::Ambiguous)))),
    ];
    let mut seen = vec![("nothing", stamp(&base().at(0)))];
    for (what, change) in changes {
        let mut plan = base();
        change(&mut plan.views[0]);
        note(&mut seen, what, &plan);
    }
    let changes: [Change<ObservedService>; 9] = [
        ("name", |s| s.name = "other".into()),
        ("hints", |s| Arc::make_mut(&mut s.hints).label = Some("x".into())),
        ("state", |s| s.state = Fact::Unknown(gap(GapKind::Malformed))),
        ("ports", |s| s.ports = Fact::Unknown(gap(GapKind::Malformed))),
        ("health", |s| s.health = Fact::Known(Health::Unhealthy)),
        ("image", |s| s.image = Some("x".into())),
        ("role", |s| s.role = Some("x".into())),
        ("restarts", |s| s.restarts = Fact::Known(1)),
        ("replicas", |s| s.replicas = 2),
    ];
    for (what, change) in changes {
        let mut plan = base();
        change(&mut plan.views[0].services[0]);
        note(&mut seen, what, &plan);
    }
}

#[test]
fn intent_and_its_coverage_change_it() {
    let mut seen = vec![("nothing", stamp(&base().at(0)))];
    note(&mut seen, "partial", &Plan { intent: partial(GapKind::TimedOut), ..base() });
    note(&mut seen, "another gap", &Plan { intent: partial(GapKind::Malformed), ..base() });
    note(&mut seen, "undeclared", &Plan { host: None, ..base() });
    note(&mut seen, "unknown", &Plan { host: None, intent: partial(GapKind::TimedOut), ..base() });
    note(&mut seen, "unobserved", &Plan { views: Vec::new(), ..base() });
    note(&mut seen, "no services", &Plan { host: Some(host([])), ..base() });
    assert_eq!(base().intent, Coverage::Complete);
}

fn note(seen: &mut Vec<(&'static str, u128)>, what: &'static str, plan: &Plan) {
    let new = stamp(&plan.at(0));
    if let Some((other, _)) = seen.iter().find(|(_, old)| *old == new) {
        panic!("changing {what} stamps like {other}");
    }
    seen.push((what, new));
}

proptest! {
    #[test]
    fn equal_stamps_mean_equal_reports(a in plan(), b in plan()) {
        let (x, y) = (a.at(0), b.at(0));
        prop_assert_eq!(stamp(&x), stamp(&a.at(500)));
        if stamp(&x) == stamp(&y) {
            prop_assert_eq!(x.diff(&[]), y.diff(&[]));
        }
    }
}
