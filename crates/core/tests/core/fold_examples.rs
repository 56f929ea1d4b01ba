//! Which drift explains which, as properties over every pair of ids, and by example.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::world::{source, subject};
use evenkeel_core::fold::{can_explain, cause, explains};
use evenkeel_core::{DriftId, EventType, Field, HostName, ServiceName, SourceKind};

fn pool() -> Vec<DriftId> {
    let mut ids = Vec::new();
    for host in ["box", "other"].map(HostName::from) {
        for service in [None, Some("web"), Some("db")].map(|s| s.map(ServiceName::from)) {
            for event_type in EventType::ALL {
                let id = DriftId { service: service.clone(), ..DriftId::of_host(&host, event_type) };
                ids.push(id.clone());
                ids.push(DriftId { source: Some(source(SourceKind::Docker)), ..id });
            }
            ids.extend(Field::ALL.map(|f| DriftId::of_field(&host, service.as_ref(), f)));
        }
    }
    ids
}

fn of(kind: EventType) -> DriftId {
    DriftId::of_host(subject().host().unwrap(), kind)
}

fn web(kind: EventType) -> DriftId {
    DriftId { service: Some("web".into()), ..of(kind) }
}

fn web_field(field: Field) -> DriftId {
    DriftId { field: Some(field), ..web(EventType::ConfigDrift) }
}

fn docker_away() -> DriftId {
    DriftId::of_source(subject(), EventType::DockerUnreachable, &source(SourceKind::Docker))
}

#[test]
fn no_two_drifts_explain_each_other_and_none_explains_itself() {
    let ids = pool();
    for a in &ids {
        for b in &ids {
            for blind in [false, true] {
                let back = [false, true].iter().any(|blind| explains(b, a, *blind));
                assert!(!explains(a, b, blind) || !back, "{a} and {b}");
            }
        }
        assert!(!explains(a, a, true) && !explains(a, a, false));
    }
}

#[test]
fn no_circle_of_causes_exists_of_any_length() {
    // Repeatedly take away what nothing left explains; a circle would never go.
    let mut ids = pool();
    while !ids.is_empty() {
        let (explained, free): (Vec<_>, Vec<_>) = ids
            .iter()
            .cloned()
            .partition(|id| ids.iter().any(|root| explains(root, id, true) || explains(root, id, false)));
        assert!(!free.is_empty(), "a circle among {explained:?}");
        ids = explained;
    }
}

#[test]
fn what_cannot_explain_explains_nothing() {
    let ids = pool();
    for root in ids.iter().filter(|id| !can_explain(id)) {
        assert!(ids.iter().all(|id| !explains(root, id, true) && !explains(root, id, false)), "{root}");
    }
}

#[test]
fn nothing_explains_beyond_its_subject() {
    for root in pool().iter().filter(|id| id.subject == subject()) {
        for id in pool().iter().filter(|id| id.subject != subject()) {
            assert!(!explains(root, id, true) && !explains(root, id, false));
        }
    }
}

#[test]
fn a_machine_explains_its_engine_and_an_engine_what_became_unknown() {
    // A machine that is off cannot be reached, not the other way round.
    assert!(explains(&of(EventType::VmDown), &of(EventType::NodeUnreachable), false));
    assert!(!explains(&of(EventType::NodeUnreachable), &of(EventType::VmDown), false));
    assert!(explains(&of(EventType::VmDown), &docker_away(), false));
    assert!(explains(&docker_away(), &web(EventType::ServiceMissing), true));
    assert!(
        !explains(&docker_away(), &web(EventType::ServiceMissing), false),
        "seen missing is no consequence"
    );
    let other = DriftId { source: Some(source(SourceKind::Truenas)), ..of(EventType::SnapshotError) };
    assert!(!explains(&docker_away(), &other, true), "another source fails for itself");
}

#[test]
fn a_service_that_does_not_run_explains_its_attributes_but_not_its_identity() {
    let missing = web(EventType::ServiceMissing);
    assert!(explains(&missing, &web(EventType::PortMismatch), true));
    assert!(explains(&missing, &web_field(Field::Health), false));
    assert!(!explains(&missing, &web_field(Field::Identity), false));
    assert!(!explains(
        &missing,
        &DriftId { service: Some("db".into()), ..web(EventType::PortMismatch) },
        true
    ));
}

#[test]
fn an_unclear_identity_explains_what_cannot_be_judged_and_hides_nothing_that_can() {
    let unclear = web_field(Field::Identity);
    assert!(explains(&unclear, &web(EventType::ServiceMissing), true));
    assert!(!explains(&unclear, &web(EventType::ServiceMissing), false));
    assert!(!explains(&unclear, &web(EventType::RestartLoop), false));
}

#[test]
fn the_root_most_cause_is_found_in_any_order() {
    let (node, vm, docker) = (of(EventType::NodeUnreachable), of(EventType::VmDown), docker_away());
    let id = web(EventType::ServiceMissing);
    assert_eq!(cause(&id, true, &[&docker, &vm, &node]), Some(&vm));
    assert_eq!(cause(&id, true, &[&node, &docker, &vm]), Some(&vm));
    assert_eq!(cause(&id, true, &[&docker, &vm]), Some(&vm));
    assert_eq!(cause(&id, false, &[&docker]), None);
    let (a, b) = (
        of(EventType::SnapshotError),
        DriftId { source: Some(source(SourceKind::Docker)), ..of(EventType::SnapshotError) },
    );
    assert_eq!(cause(&id, true, &[&a, &b]), cause(&id, true, &[&b, &a]));
}
