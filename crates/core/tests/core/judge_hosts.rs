//! Verdicts about machines and sources by example: what silence means, and for whom.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::world::{
    Plan, blind, contradicting, declared, docker, gap, host, partial, shown, source, subject, view,
    with_status,
};
use evenkeel_core::model::{HostFacts, HostStatus, HostView, RunState};
use evenkeel_core::{DriftId, EventType, Fact, GapKind, SourceKind, Verdict, judge};

fn none() -> Vec<String> {
    Vec::new()
}

fn verdict(plan: &Plan, id: &DriftId) -> Verdict {
    judge(id, plan.at(0).case())
}

fn service_id(name: &str, kind: EventType) -> DriftId {
    DriftId::of_service(subject().host().unwrap(), &name.into(), kind)
}

#[test]
fn an_engine_that_is_away_is_an_alarm_only_where_the_machine_must_run() {
    let found = |status: HostStatus, kind, why| {
        Plan::new(with_status(host([declared("web")]), status), [blind(kind, why)]).found()
    };
    for why in [GapKind::Unreachable, GapKind::TimedOut] {
        for kind in [SourceKind::Docker, SourceKind::Truenas, SourceKind::Probe] {
            for status in ["staged", "planned", "offline", "paused", "failed", "decommissioning", "lent"] {
                assert_eq!(
                    found(HostStatus::parse(status), kind, why),
                    none(),
                    "{kind} of a {status} host {why}"
                );
            }
        }
        assert_eq!(found(HostStatus::Active, SourceKind::Docker, why), ["DOCKER_UNREACHABLE"]);
        assert_eq!(found(HostStatus::Active, SourceKind::Truenas, why), ["SNAPSHOT_ERROR"]);
    }
    // It answers, and badly: that is worth telling of any machine.
    assert_eq!(found(HostStatus::Staged, SourceKind::Docker, GapKind::Unauthorized), ["SNAPSHOT_ERROR"]);
    for silent in [GapKind::NotYetObserved, GapKind::Uncovered] {
        assert_eq!(found(HostStatus::Active, SourceKind::Docker, silent), none());
    }
}

#[test]
fn while_intent_is_unknown_nobody_knows_whether_the_machine_must_answer() {
    let away = blind(SourceKind::Docker, GapKind::Unreachable);
    let plan = Plan { intent: partial(GapKind::NotYetObserved), host: None, views: vec![away] };
    assert_eq!(plan.found(), none());
    let id = DriftId::of_source(subject(), EventType::DockerUnreachable, &source(SourceKind::Docker));
    assert!(matches!(verdict(&plan, &id), Verdict::Unknown(_)));
}

#[test]
fn an_unreachable_engine_is_not_repaired_by_going_stale() {
    let id = DriftId::of_source(subject(), EventType::DockerUnreachable, &source(SourceKind::Docker));
    let seen = |why| verdict(&Plan::new(host([]), [blind(SourceKind::Docker, why)]), &id);
    assert!(matches!(seen(GapKind::TimedOut), Verdict::Drifted(_)));
    assert!(matches!(seen(GapKind::Stale), Verdict::Unknown(_)));
    assert!(matches!(seen(GapKind::Unauthorized), Verdict::Clean(_)), "it answers, if badly");
    let removed = verdict(&Plan::new(host([]), []), &id);
    assert!(matches!(removed, Verdict::Clean(_)), "nobody waits for a source that is configured no more");
}

#[test]
fn an_offline_machine_is_seen_running_only_by_what_runs_on_it() {
    let found = |views: Vec<HostView>| Plan::new(with_status(host([]), HostStatus::Offline), views).found();
    assert_eq!(found(vec![docker([])]), ["CONFIG_DRIFT status"]);
    assert_eq!(found(vec![view(SourceKind::Proxmox, [])]), none(), "the hypervisor answers, not the machine");
    assert_eq!(
        found(vec![view(SourceKind::Probe, [shown("web", RunState::Exited)])]),
        none(),
        "every port is closed"
    );
    let cut = HostView { coverage: partial(GapKind::Truncated), ..docker([shown("web", RunState::Running)]) };
    assert!(found(vec![cut]).contains(&"CONFIG_DRIFT status".to_owned()));
}

#[test]
fn switching_an_offline_machine_off_ends_the_drift_however_it_falls_silent() {
    let id = DriftId::of_field(subject().host().unwrap(), None, evenkeel_core::Field::Status);
    let offline =
        |views: Vec<HostView>| verdict(&Plan::new(with_status(host([]), HostStatus::Offline), views), &id);
    for why in [GapKind::Unreachable, GapKind::TimedOut] {
        assert!(matches!(offline(vec![blind(SourceKind::Docker, why)]), Verdict::Clean(_)), "{why}");
    }
    assert!(matches!(offline(vec![blind(SourceKind::Docker, GapKind::Malformed)]), Verdict::Unknown(_)));
    let torn = vec![
        blind(SourceKind::Docker, GapKind::Unauthorized),
        blind(SourceKind::Truenas, GapKind::Unreachable),
    ];
    assert!(matches!(offline(torn), Verdict::Unknown(_)), "something there refused the password");
}

#[test]
fn a_machine_nobody_declared_is_one_drift_and_its_services_are_others() {
    let plan = Plan::undeclared([docker([shown("web", RunState::Running)])]);
    assert_eq!(plan.found(), ["CONFIG_DRIFT identity", "SERVICE_UNEXPECTED web"]);
    assert_eq!(Plan::undeclared([docker([])]).found(), ["CONFIG_DRIFT identity"]);
    assert_eq!(
        Plan::undeclared([blind(SourceKind::Docker, GapKind::Unauthorized)]).found(),
        ["SNAPSHOT_ERROR"]
    );
}

#[test]
fn what_was_open_on_a_machine_that_is_gone_from_both_truths_ends() {
    let gone = Plan::undeclared([]);
    for kind in [EventType::ServiceMissing, EventType::ServiceUnexpected, EventType::RestartLoop] {
        assert!(matches!(verdict(&gone, &service_id("web", kind)), Verdict::Clean(_)), "{kind}");
    }
    let unread = Plan { intent: partial(GapKind::TimedOut), ..gone };
    assert!(matches!(
        verdict(&unread, &service_id("web", EventType::ServiceUnexpected)),
        Verdict::Unknown(_)
    ));
}

#[test]
fn a_machine_that_calls_itself_otherwise_is_one_drift_on_its_name() {
    let found = |name: &str, aliases: &[&str]| {
        let mut host = host([]);
        host.aliases = aliases.iter().map(|a| (*a).into()).collect();
        let facts = HostFacts { name: Some(Fact::Known(name.into())), ..HostFacts::default() };
        Plan::new(host, [HostView { facts, ..docker([]) }]).found()
    };
    for same in ["box", "BOX", "box.bruce.lan"] {
        assert_eq!(found(same, &[]), none(), "{same}");
    }
    assert_eq!(found("crate", &["crate.bruce.lan"]), none());
    assert_eq!(found("crate", &[]), ["CONFIG_DRIFT name"]);
}

#[test]
fn contradictions_and_ambiguities_are_reported_and_never_guessed() {
    let plan =
        Plan::new(contradicting(contradicting(host([declared("web")]), Some("web")), None), [docker([])]);
    assert_eq!(plan.found(), ["CONFIG_DRIFT identity", "CONFIG_DRIFT web identity", "SERVICE_MISSING web"]);
    let mut view = docker([]);
    view.ambiguous.push(("web".into(), gap(GapKind::Ambiguous)));
    assert_eq!(Plan::new(host([declared("web")]), [view]).found(), ["CONFIG_DRIFT web identity"]);
}
