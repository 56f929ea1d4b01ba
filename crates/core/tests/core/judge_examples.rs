//! Verdicts about services by example: what each demand means, and what is compared.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::world::{
    Plan, declared, declared_on, docker, gap, host, living, ports, shown, shown_on, subject, with_status,
};
use evenkeel_core::model::{
    Demand, ExpectedService, Health, HostStatus, Lifecycle, ObservedService, Ports, Published, RunState,
};
use evenkeel_core::{Coverage, DriftId, EventType, Fact, GapKind, Lookup, PortRule, Verdict, diff, judge};

const STOPPED: [RunState; 3] = [RunState::Paused, RunState::Created, RunState::Exited];

fn none() -> Vec<String> {
    Vec::new()
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
    let own = [None, Some(Lifecycle::Planned), Some(Lifecycle::Active), Some(Lifecycle::Retired)];
    for (status, machine, services) in table {
        assert_eq!(status.demand(), machine, "{status}");
        assert_eq!(HostStatus::parse(&status.to_string().to_uppercase()).demand(), machine);
        for (lifecycle, demand) in own.iter().zip(services) {
            assert_eq!(Demand::of_service(machine, *lifecycle), demand, "{lifecycle:?} on {status}");
        }
    }
}

#[test]
fn each_demand_means_its_own_drift_when_absent_stopped_and_running() {
    let service = |lifecycle| ExpectedService { lifecycle, ..declared_on("web", &[80]) };
    let wrong = || ObservedService { ports: shown_on("web", &[81]).ports, ..shown("web", RunState::Running) };
    // Host status, own life cycle; drift when absent; when stopped; when running on another port.
    type Row<'a> = (HostStatus, Option<Lifecycle>, &'a [&'a str], &'a [&'a str], &'a [&'a str]);
    let table: [Row<'_>; 5] = [
        (
            HostStatus::Active,
            None,
            &["SERVICE_MISSING web"],
            &["SERVICE_MISSING web"],
            &["PORT_MISMATCH web"],
        ),
        (HostStatus::Active, Some(Lifecycle::Planned), &[], &[], &["PORT_MISMATCH web"]),
        (HostStatus::Active, Some(Lifecycle::Retired), &[], &[], &["SERVICE_UNEXPECTED web"]),
        (HostStatus::Decommissioning, Some(Lifecycle::Active), &[], &[], &[]),
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
            Plan::new(with_status(host([service(lifecycle)]), status.clone()), [docker(shown)]).found()
        };
        assert_eq!(found(vec![]), absent, "absent, {status} {lifecycle:?}");
        for state in STOPPED {
            assert_eq!(found(vec![shown("web", state)]), stopped, "{state:?}, {status} {lifecycle:?}");
        }
        assert_eq!(found(vec![wrong()]), running, "running, {status} {lifecycle:?}");
    }
}

#[test]
fn a_service_between_two_attempts_is_neither_missing_nor_there() {
    let plan = Plan::new(host([declared("web")]), [docker([shown("web", RunState::Restarting)])]);
    assert_eq!(plan.found(), none());
    assert!(unknown_missing(&plan, "web"));
}

#[test]
fn nothing_about_a_service_that_may_be_either_is_drift_not_even_a_restart_loop() {
    let looping = || ObservedService { restarts: Fact::Known(9), ..shown("web", RunState::Running) };
    let on = |status| Plan::new(with_status(host([declared("web")]), status), [docker([looping()])]).found();
    assert_eq!(on(HostStatus::Decommissioning), none());
    assert_eq!(on(HostStatus::Offline), ["CONFIG_DRIFT status"]);
    assert_eq!(on(HostStatus::Staged), ["RESTART_LOOP web"]);
    // That it runs at all is the drift.
    let retired = Plan::new(host([living("web", Lifecycle::Retired)]), [docker([looping()])]);
    assert_eq!(retired.found(), ["SERVICE_UNEXPECTED web"]);
}

#[test]
fn a_mismatch_of_a_planned_service_ends_when_it_is_stopped() {
    let planned = ExpectedService { lifecycle: Some(Lifecycle::Planned), ..declared_on("web", &[80]) };
    let id = service_id("web", EventType::PortMismatch);
    for state in STOPPED {
        let plan = Plan::new(host([planned.clone()]), [docker([shown("web", state)])]);
        assert!(matches!(verdict(&plan, &id), Verdict::Clean(_)), "{state:?}");
    }
    // Of an active one it is unknown until it runs again: SERVICE_MISSING speaks meanwhile.
    let plan = Plan::new(host([declared_on("web", &[80])]), [docker([shown("web", RunState::Exited)])]);
    assert!(matches!(verdict(&plan, &id), Verdict::Unknown(_)));
}

#[test]
fn ports_agree_by_the_rule_and_loopback_satisfies_without_being_exposure() {
    let published = |open: &[u16], loopback: &[u16]| {
        let ports = Published { open: ports(open), loopback: ports(loopback) };
        docker([ObservedService { ports: Fact::Known(ports), ..shown("web", RunState::Running) }])
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
        Plan::new(host([declared("web")]), [docker([ObservedService { restarts, ..shown("web", state) }])])
            .found()
    };
    assert_eq!(found(Fact::Known(2), RunState::Running), none());
    assert_eq!(found(Fact::Known(3), RunState::Running), ["RESTART_LOOP web"]);
    assert_eq!(found(Fact::Known(1), RunState::Restarting), none());
    assert_eq!(found(Fact::Unknown(gap(GapKind::Uncovered)), RunState::Restarting), ["RESTART_LOOP web"]);
    assert_eq!(found(Fact::Unknown(gap(GapKind::Uncovered)), RunState::Running), none());
    assert_eq!(found(Fact::Known(9), RunState::Exited), ["SERVICE_MISSING web"]);
}

#[test]
fn attributes_are_compared_only_where_both_sides_say_them() {
    let e = ExpectedService { role: Some("rss".into()), image: Some("rss:1".into()), ..declared("rss") };
    let o = shown("rss", RunState::Running);
    let found = |o: ObservedService| Plan::new(host([e.clone()]), [docker([o])]).found();
    assert_eq!(found(o.clone()), none());
    let other = ObservedService { role: Some("mail".into()), image: Some("rss:2".into()), ..o.clone() };
    assert_eq!(found(other), ["CONFIG_DRIFT rss image", "CONFIG_DRIFT rss role"]);
    let ill = ObservedService { health: Fact::Known(Health::Unhealthy), ..o.clone() };
    assert_eq!(found(ill), ["CONFIG_DRIFT rss health"]);
    assert_eq!(found(ObservedService { health: Fact::Known(Health::Starting), ..o }), none());
}

#[test]
fn the_only_way_to_absence_is_a_complete_answer() {
    let mut view = docker([]);
    assert!(matches!(view.service(&"web".into()), Lookup::Absent));
    view.coverage = Coverage::Partial(gap(GapKind::Truncated));
    assert!(matches!(view.service(&"web".into()), Lookup::Unknown(_)));
    assert_eq!(Ports::default().to_string(), "none");
}

#[test]
fn an_image_may_be_spelt_in_several_ways() {
    let spelt = |declared_as: &str, runs_as: &str| {
        let mut service = declared("web");
        service.image = Some(declared_as.into());
        let mut seen = shown("web", RunState::Running);
        seen.image = Some(runs_as.into());
        Plan::new(host([service]), [docker([seen])]).found()
    };
    for (a, b) in [
        ("nginx", "nginx:latest"),
        ("docker.io/library/nginx:1.27", "nginx:1.27"),
        ("registry.lan:5000/app", "registry.lan:5000/app:latest"),
    ] {
        assert!(spelt(a, b).is_empty() && spelt(b, a).is_empty(), "{a} is {b}");
    }
    for (a, b) in [("nginx:1.26", "nginx:1.27"), ("registry.lan:5000/app", "registry.lan:5001/app")] {
        assert_eq!(spelt(a, b).len(), 1, "{a} is not {b}");
    }
}
