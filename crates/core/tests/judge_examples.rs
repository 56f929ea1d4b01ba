//! The comparison by example: what each demand means, which source is believed, what blindness is.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use evenkeel_core::model::{
    Demand, ExpectedService, Health, HostFacts, HostStatus, HostView, Lifecycle, ObservedService, Ports,
    Published, RunState,
};
use evenkeel_core::{
    Coverage, DriftId, EventType, Fact, GapKind, Lookup, PortRule, SourceKind, Verdict, diff, judge,
};
use world::{
    Plan, blind, contradicting, declared, declared_on, docker, gap, host, living, partial, ports, shown,
    shown_on, source, subject, view, with_status,
};

const STOPPED: [RunState; 3] = [RunState::Paused, RunState::Created, RunState::Exited];

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
    matches!(
        verdict(plan, &service_id(name, EventType::ServiceMissing)),
        Verdict::Unknown(_)
    )
}

#[test]
fn every_status_and_life_cycle_demands_what_the_table_says() {
    use Demand::{Either, MayRun, NotRun, Run};
    use HostStatus as S;
    // The status, what it asks of the machine, and of a service without life cycle, planned, active, retired.
    let table = [
        (S::Active, Run, [Run, MayRun, Run, NotRun]),
        (S::Planned, MayRun, [MayRun, MayRun, MayRun, NotRun]),
        (S::Staged, MayRun, [MayRun, MayRun, MayRun, NotRun]),
        (S::Offline, NotRun, [Either, Either, Either, NotRun]),
        (S::Paused, NotRun, [Either, Either, Either, NotRun]),
        (S::Inventory, NotRun, [Either, Either, Either, NotRun]),
        (S::Failed, Either, [Either, Either, Either, NotRun]),
        (S::Decommissioning, Either, [Either, Either, Either, NotRun]),
        (S::Other("lent".into()), Either, [Either, Either, Either, NotRun]),
    ];
    let own = [
        None,
        Some(Lifecycle::Planned),
        Some(Lifecycle::Active),
        Some(Lifecycle::Retired),
    ];
    for (status, machine, services) in table {
        assert_eq!(status.demand(), machine, "{status}");
        assert_eq!(
            HostStatus::parse(&status.to_string().to_uppercase()).demand(),
            machine
        );
        for (lifecycle, demand) in own.iter().zip(services) {
            assert_eq!(
                Demand::of_service(machine, *lifecycle),
                demand,
                "{lifecycle:?} on {status}"
            );
        }
    }
}

#[test]
fn each_demand_means_its_own_drift_when_absent_stopped_and_running() {
    let service = |lifecycle| ExpectedService {
        lifecycle,
        ..declared_on("web", &[80])
    };
    let wrong = || ObservedService {
        ports: shown_on("web", &[81]).ports,
        ..shown("web", RunState::Running)
    };
    // Host status, own life cycle; drift when absent; when stopped; when running on another port.
    type Row<'a> = (
        HostStatus,
        Option<Lifecycle>,
        &'a [&'a str],
        &'a [&'a str],
        &'a [&'a str],
    );
    let table: [Row<'_>; 5] = [
        (
            HostStatus::Active,
            None,
            &["SERVICE_MISSING web"],
            &["SERVICE_MISSING web"],
            &["PORT_MISMATCH web"],
        ),
        (
            HostStatus::Active,
            Some(Lifecycle::Planned),
            &[],
            &[],
            &["PORT_MISMATCH web"],
        ),
        (
            HostStatus::Active,
            Some(Lifecycle::Retired),
            &[],
            &[],
            &["SERVICE_UNEXPECTED web"],
        ),
        (
            HostStatus::Decommissioning,
            Some(Lifecycle::Active),
            &[],
            &[],
            &[],
        ),
        (
            HostStatus::Offline,
            None,
            &["CONFIG_DRIFT status"],
            &["CONFIG_DRIFT status"],
            &["CONFIG_DRIFT status"],
        ),
    ];
    for (status, lifecycle, absent, stopped, running) in table {
        let found = |shown: Vec<ObservedService>| {
            Plan::new(
                with_status(host([service(lifecycle)]), status.clone()),
                [docker(shown)],
            )
            .found()
        };
        assert_eq!(found(vec![]), absent, "absent, {status} {lifecycle:?}");
        for state in STOPPED {
            assert_eq!(
                found(vec![shown("web", state)]),
                stopped,
                "{state:?}, {status} {lifecycle:?}"
            );
        }
        assert_eq!(found(vec![wrong()]), running, "running, {status} {lifecycle:?}");
    }
}

#[test]
fn a_service_between_two_attempts_is_neither_missing_nor_there() {
    let plan = Plan::new(
        host([declared("web")]),
        [docker([shown("web", RunState::Restarting)])],
    );
    assert_eq!(plan.found(), none());
    assert!(unknown_missing(&plan, "web"));
}

#[test]
fn nothing_about_a_service_that_may_be_either_is_drift_not_even_a_restart_loop() {
    let looping = || ObservedService {
        restarts: Fact::Known(9),
        ..shown("web", RunState::Running)
    };
    let on = |status| {
        Plan::new(
            with_status(host([declared("web")]), status),
            [docker([looping()])],
        )
        .found()
    };
    assert_eq!(on(HostStatus::Decommissioning), none());
    assert_eq!(on(HostStatus::Offline), ["CONFIG_DRIFT status"]);
    assert_eq!(on(HostStatus::Staged), ["RESTART_LOOP web"]);
    // That it runs at all is the drift.
    let retired = Plan::new(host([living("web", Lifecycle::Retired)]), [docker([looping()])]);
    assert_eq!(retired.found(), ["SERVICE_UNEXPECTED web"]);
}

#[test]
fn a_mismatch_of_a_planned_service_ends_when_it_is_stopped() {
    let planned = ExpectedService {
        lifecycle: Some(Lifecycle::Planned),
        ..declared_on("web", &[80])
    };
    let id = service_id("web", EventType::PortMismatch);
    for state in STOPPED {
        let plan = Plan::new(host([planned.clone()]), [docker([shown("web", state)])]);
        assert!(matches!(verdict(&plan, &id), Verdict::Clean(_)), "{state:?}");
    }
    // Of an active one it is unknown until it runs again: SERVICE_MISSING speaks meanwhile.
    let plan = Plan::new(
        host([declared_on("web", &[80])]),
        [docker([shown("web", RunState::Exited)])],
    );
    assert!(matches!(verdict(&plan, &id), Verdict::Unknown(_)));
}

#[test]
fn seen_stopped_by_one_source_proves_nothing_while_another_is_blind() {
    let old = || docker([shown("plex", RunState::Exited)]);
    let declared = || host([declared("plex")]);
    assert_eq!(
        Plan::new(declared(), [old(), truenas([])]).found(),
        ["SERVICE_MISSING plex"]
    );
    assert_eq!(
        Plan::new(declared(), [old(), truenas([shown("plex", RunState::Running)])]).found(),
        none()
    );
    let plan = Plan::new(
        declared(),
        [old(), blind(SourceKind::Truenas, GapKind::Unauthorized)],
    );
    assert_eq!(plan.found(), ["SNAPSHOT_ERROR"]);
    assert!(unknown_missing(&plan, "plex"));
}

#[test]
fn a_state_that_could_not_be_read_is_no_absence_either() {
    let unread = ObservedService {
        state: Fact::Unknown(gap(GapKind::Malformed)),
        ..shown("plex", RunState::Running)
    };
    let plan = Plan::new(
        host([declared("plex")]),
        [docker([shown("plex", RunState::Exited)]), truenas([unread])],
    );
    assert!(unknown_missing(&plan, "plex"));
}

#[test]
fn details_come_from_the_source_that_is_asked_first_or_not_at_all() {
    let declared = || host([declared_on("plex", &[32400])]);
    let app = || truenas([shown_on("plex", &[1])]);
    assert_eq!(
        Plan::new(declared(), [docker([shown_on("plex", &[32400])]), app()]).found(),
        none()
    );
    // With the engine blind, the other source's ports are no replacement for the engine's.
    let plan = Plan::new(declared(), [blind(SourceKind::Docker, GapKind::TimedOut), app()]);
    assert_eq!(plan.found(), ["DOCKER_UNREACHABLE"]);
    let clean = verdict(&plan, &service_id("plex", EventType::ServiceMissing));
    assert!(
        matches!(clean, Verdict::Clean(_)),
        "it is seen running all the same"
    );
}

#[test]
fn a_stale_answer_proves_not_even_presence() {
    let stale = HostView {
        coverage: partial(GapKind::Stale),
        ..docker([shown("stray", RunState::Running)])
    };
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
    assert_eq!(
        Plan::new(declared(), [docker([]), probed.clone()]).found(),
        ["SERVICE_MISSING SSH"]
    );
    // A blind engine does not keep the probe from saying so.
    let plan = Plan::new(
        declared(),
        [blind(SourceKind::Docker, GapKind::Malformed), probed],
    );
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
    let app = ExpectedService {
        observed_by: vec![SourceKind::Truenas],
        ..declared("plex")
    };
    let sources = [blind(SourceKind::Docker, GapKind::Unauthorized), truenas([])];
    assert_eq!(
        Plan::new(host([app.clone()]), sources).found(),
        ["SERVICE_MISSING plex", "SNAPSHOT_ERROR"]
    );
    let nobody = Plan::new(host([app]), [docker([])]);
    assert_eq!(nobody.found(), none());
    assert!(unknown_missing(&nobody, "plex"));
}

#[test]
fn an_engine_that_is_away_is_an_alarm_only_where_the_machine_must_run() {
    let found = |status: HostStatus, kind, why| {
        Plan::new(with_status(host([declared("web")]), status), [blind(kind, why)]).found()
    };
    for why in [GapKind::Unreachable, GapKind::TimedOut] {
        for kind in [SourceKind::Docker, SourceKind::Truenas, SourceKind::Probe] {
            for status in [
                "staged",
                "planned",
                "offline",
                "paused",
                "failed",
                "decommissioning",
                "lent",
            ] {
                assert_eq!(
                    found(HostStatus::parse(status), kind, why),
                    none(),
                    "{kind} of a {status} host {why}"
                );
            }
        }
        assert_eq!(
            found(HostStatus::Active, SourceKind::Docker, why),
            ["DOCKER_UNREACHABLE"]
        );
        assert_eq!(
            found(HostStatus::Active, SourceKind::Truenas, why),
            ["SNAPSHOT_ERROR"]
        );
    }
    // It answers, and badly: that is worth telling of any machine.
    assert_eq!(
        found(HostStatus::Staged, SourceKind::Docker, GapKind::Unauthorized),
        ["SNAPSHOT_ERROR"]
    );
    for silent in [GapKind::NotYetObserved, GapKind::Uncovered] {
        assert_eq!(found(HostStatus::Active, SourceKind::Docker, silent), none());
    }
}

#[test]
fn while_intent_is_unknown_nobody_knows_whether_the_machine_must_answer() {
    let away = blind(SourceKind::Docker, GapKind::Unreachable);
    let plan = Plan {
        intent: partial(GapKind::NotYetObserved),
        host: None,
        views: vec![away],
    };
    assert_eq!(plan.found(), none());
    let id = DriftId::of_source(
        subject(),
        EventType::DockerUnreachable,
        &source(SourceKind::Docker),
    );
    assert!(matches!(verdict(&plan, &id), Verdict::Unknown(_)));
}

#[test]
fn an_unreachable_engine_is_not_repaired_by_going_stale() {
    let id = DriftId::of_source(
        subject(),
        EventType::DockerUnreachable,
        &source(SourceKind::Docker),
    );
    let seen = |why| verdict(&Plan::new(host([]), [blind(SourceKind::Docker, why)]), &id);
    assert!(matches!(seen(GapKind::TimedOut), Verdict::Drifted(_)));
    assert!(matches!(seen(GapKind::Stale), Verdict::Unknown(_)));
    assert!(
        matches!(seen(GapKind::Unauthorized), Verdict::Clean(_)),
        "it answers, if badly"
    );
    let removed = verdict(&Plan::new(host([]), []), &id);
    assert!(
        matches!(removed, Verdict::Clean(_)),
        "nobody waits for a source that is configured no more"
    );
}

#[test]
fn an_offline_machine_is_seen_running_only_by_what_runs_on_it() {
    let found = |views: Vec<HostView>| Plan::new(with_status(host([]), HostStatus::Offline), views).found();
    assert_eq!(found(vec![docker([])]), ["CONFIG_DRIFT status"]);
    assert_eq!(
        found(vec![view(SourceKind::Proxmox, [])]),
        none(),
        "the hypervisor answers, not the machine"
    );
    assert_eq!(
        found(vec![view(SourceKind::Probe, [shown("web", RunState::Exited)])]),
        none(),
        "every port is closed"
    );
    let cut = HostView {
        coverage: partial(GapKind::Truncated),
        ..docker([shown("web", RunState::Running)])
    };
    assert!(found(vec![cut]).contains(&"CONFIG_DRIFT status".to_owned()));
}

#[test]
fn switching_an_offline_machine_off_ends_the_drift_however_it_falls_silent() {
    let id = DriftId::of_field(subject().host().unwrap(), None, evenkeel_core::Field::Status);
    let offline =
        |views: Vec<HostView>| verdict(&Plan::new(with_status(host([]), HostStatus::Offline), views), &id);
    for why in [GapKind::Unreachable, GapKind::TimedOut] {
        assert!(
            matches!(offline(vec![blind(SourceKind::Docker, why)]), Verdict::Clean(_)),
            "{why}"
        );
    }
    assert!(matches!(
        offline(vec![blind(SourceKind::Docker, GapKind::Malformed)]),
        Verdict::Unknown(_)
    ));
    let torn = vec![
        blind(SourceKind::Docker, GapKind::Unauthorized),
        blind(SourceKind::Truenas, GapKind::Unreachable),
    ];
    assert!(
        matches!(offline(torn), Verdict::Unknown(_)),
        "something there refused the password"
    );
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
    for kind in [
        EventType::ServiceMissing,
        EventType::ServiceUnexpected,
        EventType::RestartLoop,
    ] {
        assert!(
            matches!(verdict(&gone, &service_id("web", kind)), Verdict::Clean(_)),
            "{kind}"
        );
    }
    let unread = Plan {
        intent: partial(GapKind::TimedOut),
        ..gone
    };
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
        let facts = HostFacts {
            name: Some(Fact::Known(name.into())),
            ..HostFacts::default()
        };
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
    let plan = Plan::new(
        contradicting(contradicting(host([declared("web")]), Some("web")), None),
        [docker([])],
    );
    assert_eq!(
        plan.found(),
        [
            "CONFIG_DRIFT identity",
            "CONFIG_DRIFT web identity",
            "SERVICE_MISSING web"
        ]
    );
    let mut view = docker([]);
    view.ambiguous.push(("web".into(), gap(GapKind::Ambiguous)));
    assert_eq!(
        Plan::new(host([declared("web")]), [view]).found(),
        ["CONFIG_DRIFT web identity"]
    );
}

#[test]
fn ports_agree_by_the_rule_and_loopback_satisfies_without_being_exposure() {
    let published = |open: &[u16], loopback: &[u16]| {
        let ports = Published {
            open: ports(open),
            loopback: ports(loopback),
        };
        docker([ObservedService {
            ports: Fact::Known(ports),
            ..shown("web", RunState::Running)
        }])
    };
    // Declared, open, loopback; whether `exact` agrees; whether `subset` does.
    type Row<'a> = (&'a [u16], &'a [u16], &'a [u16], bool, bool);
    let table: [Row<'_>; 8] = [
        (&[80], &[80], &[], true, true),
        (&[80], &[81], &[], false, false),
        (&[80], &[80, 443], &[], false, true),
        (&[80, 443], &[80], &[], false, false),
        (&[80, 443], &[80], &[443], true, true),
        (&[80], &[], &[80, 9000], true, true),
        (&[80], &[], &[], false, false),
        (&[], &[80], &[], true, true),
    ];
    for (declared, open, loopback, exact, subset) in table {
        for (rule, agrees) in [(PortRule::Exact, exact), (PortRule::Subset, subset)] {
            let mut world =
                Plan::new(host([declared_on("web", declared)]), [published(open, loopback)]).at(0);
            world.rules.ports = rule;
            let found = diff(world.case(), []).drifted;
            assert_eq!(
                found.is_empty(),
                agrees,
                "{declared:?} against {open:?} and {loopback:?} by {rule:?}"
            );
        }
    }
}

#[test]
fn restarts_count_from_the_rule_on_and_an_uncountable_restart_is_left_to_confirmation() {
    let found = |restarts, state| {
        Plan::new(
            host([declared("web")]),
            [docker([ObservedService {
                restarts,
                ..shown("web", state)
            }])],
        )
        .found()
    };
    assert_eq!(found(Fact::Known(2), RunState::Running), none());
    assert_eq!(found(Fact::Known(3), RunState::Running), ["RESTART_LOOP web"]);
    assert_eq!(found(Fact::Known(1), RunState::Restarting), none());
    assert_eq!(
        found(Fact::Unknown(gap(GapKind::Uncovered)), RunState::Restarting),
        ["RESTART_LOOP web"]
    );
    assert_eq!(
        found(Fact::Unknown(gap(GapKind::Uncovered)), RunState::Running),
        none()
    );
    assert_eq!(found(Fact::Known(9), RunState::Exited), ["SERVICE_MISSING web"]);
}

#[test]
fn attributes_are_compared_only_where_both_sides_say_them() {
    let e = ExpectedService {
        role: Some("rss".into()),
        image: Some("rss:1".into()),
        ..declared("rss")
    };
    let o = shown("rss", RunState::Running);
    let found = |o: ObservedService| Plan::new(host([e.clone()]), [docker([o])]).found();
    assert_eq!(found(o.clone()), none());
    let other = ObservedService {
        role: Some("mail".into()),
        image: Some("rss:2".into()),
        ..o.clone()
    };
    assert_eq!(found(other), ["CONFIG_DRIFT rss image", "CONFIG_DRIFT rss role"]);
    let ill = ObservedService {
        health: Fact::Known(Health::Unhealthy),
        ..o.clone()
    };
    assert_eq!(found(ill), ["CONFIG_DRIFT rss health"]);
    assert_eq!(
        found(ObservedService {
            health: Fact::Known(Health::Starting),
            ..o
        }),
        none()
    );
}

#[test]
fn the_only_way_to_absence_is_a_complete_answer() {
    let mut view = docker([]);
    assert!(matches!(view.service(&"web".into()), Lookup::Absent));
    view.coverage = Coverage::Partial(gap(GapKind::Truncated));
    assert!(matches!(view.service(&"web".into()), Lookup::Unknown(_)));
    assert_eq!(Ports::default().to_string(), "none");
}
