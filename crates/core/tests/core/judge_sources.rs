//! Which source is believed about a service, by example.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::world::{
    Plan, blind, declared, declared_on, docker, gap, host, partial, shown, shown_on, subject, view,
};
use evenkeel_core::model::{ExpectedService, HostView, ObservedService, RunState};
use evenkeel_core::{DriftId, EventType, Fact, GapKind, SourceKind, Verdict, judge};

fn none() -> Vec<String> {
    Vec::new()
}

fn truenas(services: impl IntoIterator<Item = ObservedService>) -> HostView {
    view(SourceKind::Truenas, services)
}

fn verdict(plan: &Plan, id: &DriftId) -> Verdict {
    judge(id, plan.at(0).case())
}

fn service_id(name: &str, kind: EventType) -> DriftId {
    DriftId::of_service(subject().host().unwrap(), &name.into(), kind)
}

fn unknown_missing(plan: &Plan, name: &str) -> bool {
    matches!(verdict(plan, &service_id(name, EventType::ServiceMissing)), Verdict::Unknown(_))
}

#[test]
fn seen_stopped_by_one_source_proves_nothing_while_another_is_blind() {
    let old = || docker([shown("plex", RunState::Exited)]);
    let declared = || host([declared("plex")]);
    assert_eq!(Plan::new(declared(), [old(), truenas([])]).found(), ["SERVICE_MISSING plex"]);
    assert_eq!(Plan::new(declared(), [old(), truenas([shown("plex", RunState::Running)])]).found(), none());
    let plan = Plan::new(declared(), [old(), blind(SourceKind::Truenas, GapKind::Unauthorized)]);
    assert_eq!(plan.found(), ["SNAPSHOT_ERROR"]);
    assert!(unknown_missing(&plan, "plex"));
}

#[test]
fn a_state_that_could_not_be_read_is_no_absence_either() {
    let unread =
        ObservedService { state: Fact::Unknown(gap(GapKind::Malformed)), ..shown("plex", RunState::Running) };
    let plan =
        Plan::new(host([declared("plex")]), [docker([shown("plex", RunState::Exited)]), truenas([unread])]);
    assert!(unknown_missing(&plan, "plex"));
}

#[test]
fn details_come_from_the_source_that_is_asked_first_or_not_at_all() {
    let declared = || host([declared_on("plex", &[32400])]);
    let app = || truenas([shown_on("plex", &[1])]);
    assert_eq!(Plan::new(declared(), [docker([shown_on("plex", &[32400])]), app()]).found(), none());
    // With the engine blind, the other source's ports are no replacement for the engine's.
    let plan = Plan::new(declared(), [blind(SourceKind::Docker, GapKind::TimedOut), app()]);
    assert_eq!(plan.found(), ["DOCKER_UNREACHABLE"]);
    let clean = verdict(&plan, &service_id("plex", EventType::ServiceMissing));
    assert!(matches!(clean, Verdict::Clean(_)), "it is seen running all the same");
}

#[test]
fn a_stale_answer_proves_not_even_presence() {
    let stale = HostView { coverage: partial(GapKind::Stale), ..docker([shown("stray", RunState::Running)]) };
    let plan = Plan::new(host([declared("web")]), [stale]);
    assert_eq!(plan.found(), ["SNAPSHOT_ERROR"]);
    let id = service_id("stray", EventType::ServiceUnexpected);
    assert!(matches!(verdict(&plan, &id), Verdict::Unknown(_)));
}

#[test]
fn what_never_is_a_container_is_not_missing_from_an_engine() {
    let declared = || host([declared("SSH")]);
    assert_eq!(Plan::new(declared(), [docker([])]).found(), none());
    let probed = view(SourceKind::Probe, [shown("SSH", RunState::Exited)]);
    assert_eq!(Plan::new(declared(), [docker([]), probed.clone()]).found(), ["SERVICE_MISSING SSH"]);
    // A blind engine does not keep the probe from saying so.
    let plan = Plan::new(declared(), [blind(SourceKind::Docker, GapKind::Malformed), probed]);
    assert_eq!(plan.found(), ["SERVICE_MISSING SSH", "SNAPSHOT_ERROR"]);
    // Where it is a container after all, it counts.
    assert_eq!(
        Plan::new(declared(), [docker([shown("SSH", RunState::Exited)])]).found(),
        ["SERVICE_MISSING SSH"]
    );
    assert_eq!(
        Plan::new(host([]), [docker([shown("ssh", RunState::Running)])]).found(),
        ["SERVICE_UNEXPECTED ssh"]
    );
}

#[test]
fn a_service_is_looked_for_only_where_it_is_meant_to_be_observed() {
    let app = ExpectedService { observed_by: vec![SourceKind::Truenas], ..declared("plex") };
    let sources = [blind(SourceKind::Docker, GapKind::Unauthorized), truenas([])];
    assert_eq!(Plan::new(host([app.clone()]), sources).found(), ["SERVICE_MISSING plex", "SNAPSHOT_ERROR"]);
    let nobody = Plan::new(host([app]), [docker([])]);
    assert_eq!(nobody.found(), none());
    assert!(unknown_missing(&nobody, "plex"));
}

#[test]
fn the_web_interface_of_a_truenas_is_no_app_that_could_be_missing() {
    let declared = || host([declared("truenas-ui"), declared("plex")]);
    assert_eq!(Plan::new(declared(), [truenas([])]).found(), ["SERVICE_MISSING plex"]);
    // An app of that name is one all the same.
    let plan = Plan::new(declared(), [truenas([shown("truenas-ui", RunState::Exited)])]);
    assert_eq!(plan.found(), ["SERVICE_MISSING plex", "SERVICE_MISSING truenas-ui"]);
}
