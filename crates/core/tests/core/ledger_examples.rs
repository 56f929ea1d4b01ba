//! The ledger by example: confirmation, flapping, reopening, folding.

use std::sync::Arc;
use std::time::Duration;

use crate::world::one::{down, unseen, up, web};
use crate::world::run::Run;
use crate::world::{
    Plan, at, blind, contradicting, declared, declared_on, docker, flap, host, immediate, partial, patient,
    shown, shown_on, with_status,
};
use evenkeel_core::ledger::State;
use evenkeel_core::model::{HostStatus, HostView, RunState};
use evenkeel_core::policy::Policy;
use evenkeel_core::policy::confirm::Window;
use evenkeel_core::{Coverage, EventType, Fact, GapKind, SourceKind};

const MISSING: &str = "SERVICE_MISSING";

fn quiet() -> Vec<String> {
    Vec::new()
}

#[test]
fn a_drift_is_believed_on_the_second_observation_and_its_end_on_the_second_without_it() {
    let mut run = Run::new(patient());
    let first = run.observe(&down(), 0);
    assert!(first.said().is_empty() && first.advance.awaits_observation && run.is(MISSING, State::Pending));
    assert_eq!(run.observe(&down(), 30).said(), ["opened SERVICE_MISSING"]);
    let third = run.observe(&up(), 60);
    assert!(third.said().is_empty() && third.advance.awaits_observation && run.is(MISSING, State::Open));
    assert_eq!(run.observe(&up(), 90).said(), ["resolved SERVICE_MISSING"]);
}

#[test]
fn one_observation_looked_at_for_hours_confirms_nothing() {
    let mut run = Run::new(Policy::default());
    let seen_once = down().at(0);
    for minutes in 0..300 {
        assert_eq!(run.look(&seen_once, minutes * 60).said(), quiet());
    }
    assert!(run.is(MISSING, State::Pending));
}

#[test]
fn an_older_answer_of_the_same_source_neither_confirms_nor_refutes() {
    let mut run = Run::new(patient());
    run.observe(&down(), 100);
    run.look(&down().at(50), 110);
    assert!(run.is(MISSING, State::Pending), "an older sighting is no second one");
    run.look(&up().at(60), 120);
    assert!(run.is(MISSING, State::Pending), "it ran once: that is no news");
    run.observe(&down(), 130);
    run.look(&up().at(70), 140);
    run.look(&up().at(80), 150);
    assert!(run.is(MISSING, State::Open));
}

#[test]
fn looks_within_a_moment_are_one_observation_and_the_next_counts_when_it_is_far_enough_from_it() {
    // A container is being replaced: every event of it rings, and every look says that it is gone.
    let mut policy = patient();
    policy.confirm.apart = Duration::from_secs(10);
    let mut run = Run::new(policy.clone());
    for second in 0..10 {
        let looked = run.observe(&down(), second);
        assert!(looked.said().is_empty() && looked.advance.awaits_observation, "at {second} s");
    }
    assert_eq!(run.observe(&up(), 10).said(), quiet());
    assert!(run.entry(MISSING).is_none(), "it was replaced, and nobody heard of it");

    let mut run = Run::new(policy);
    run.observe(&down(), 0);
    run.observe(&down(), 9);
    assert_eq!(run.observe(&down(), 10).said(), ["opened SERVICE_MISSING"], "counted from the first look");
    // Its end: the first look without it counts at once, the second when it is far enough from that.
    assert_eq!(run.observe(&up(), 11).said(), quiet());
    assert_eq!(run.observe(&up(), 20).said(), quiet());
    assert_eq!(run.observe(&up(), 21).said(), ["resolved SERVICE_MISSING"]);
}

#[test]
fn a_clock_that_is_set_back_or_forward_by_a_day_holds_nothing_up() {
    const DAY: i64 = 86_400;
    for jump in [-DAY, -3600, DAY] {
        // Pending across the jump.
        let mut run = Run::new(patient());
        run.observe(&down(), DAY);
        assert_eq!(run.observe(&down(), DAY + 30 + jump).said(), ["opened SERVICE_MISSING"], "{jump}");
        // Open across another one: it ends after two looks without it, as ever.
        assert_eq!(run.observe(&up(), DAY + 60).said(), quiet());
        assert_eq!(run.observe(&up(), DAY + 90 + jump).said(), ["resolved SERVICE_MISSING"], "{jump}");
        // It returns, which is a return: the day that was not is no reason to forget it.
        run.observe(&down(), DAY + 120 + jump);
        let said = run.observe(&down(), DAY + 150 + jump).said();
        assert_eq!(said, ["reopened SERVICE_MISSING"], "{jump}");
    }
}

#[test]
fn one_observation_stays_one_when_the_clock_is_set_back() {
    let mut run = Run::new(patient());
    let seen_once = down().at(86_400);
    for now in [86_400, 0, 30, 60] {
        assert_eq!(run.look(&seen_once, now).said(), quiet());
    }
    assert!(run.is(MISSING, State::Pending));
}

#[test]
fn observations_that_span_the_time_confirm_even_if_they_are_few() {
    let window = Window { open_after: 10, open_after_time: Duration::from_secs(60), resolve_after: 1 };
    let mut policy = patient();
    policy.confirm.default = window;
    let mut run = Run::new(policy);
    run.observe(&down(), 0);
    assert_eq!(run.observe(&down(), 59).said(), quiet());
    assert_eq!(run.observe(&down(), 60).said(), ["opened SERVICE_MISSING"]);
}

#[test]
fn a_declaration_made_after_the_last_observation_waits_for_the_next() {
    // Docker was asked at 0; the service was declared at 300. That it was not there at 0 proves nothing about it.
    let mut run = Run::new(Policy::default());
    run.observe(&Plan::new(host([]), [docker([])]), 0);
    let declared_since = down().at(0);
    for now in [300, 360, 420] {
        assert_eq!(run.look(&declared_since, now).said(), quiet());
    }
    assert_eq!(run.observe(&down(), 430).said(), ["opened SERVICE_MISSING"]);
}

#[test]
fn two_sources_taking_turns_on_old_answers_confirm_nothing() {
    // The verdict rests on one answer, then on the other, then on the first again: three looks, two observations.
    let policy = Policy { confirm: patient().confirm, ..Policy::default() };
    let mut run = Run::new(policy);
    let old = |kind| Plan::new(web(), [crate::world::view(kind, [])]).at(0);
    for (i, kind) in [SourceKind::Docker, SourceKind::Truenas].into_iter().cycle().take(10).enumerate() {
        run.look(&old(kind), i as i64);
    }
    assert!(run.is(MISSING, State::Pending));
}

#[test]
fn blindness_neither_opens_nor_resolves_and_says_since_when() {
    let mut run = Run::new(patient());
    run.observe(&down(), 0);
    for i in 1..9 {
        run.observe(&unseen(), i * 30);
        assert!(run.is(MISSING, State::Pending));
    }
    let entry = run.entry(MISSING).unwrap();
    assert_eq!(entry.blind.as_ref().map(|b| (b.since, b.gap.kind)), Some((at(30), GapKind::TimedOut)));
    assert_eq!(run.observe(&down(), 300).said(), ["opened SERVICE_MISSING"]);
    for i in 11..19 {
        run.observe(&unseen(), i * 30);
        assert!(run.is(MISSING, State::Open));
    }
}

#[test]
fn a_source_that_goes_stale_is_told_although_nothing_more_is_observed() {
    let mut run = Run::new(Policy::default());
    run.observe(&up(), 0);
    let stale = Plan::new(web(), [HostView { coverage: partial(GapKind::Stale), ..docker([]) }]).at(0);
    assert_eq!(run.look(&stale, 600).said(), ["opened SNAPSHOT_ERROR"]);
    run.observe(&up(), 630);
    assert_eq!(run.observe(&up(), 660).said(), ["resolved SNAPSHOT_ERROR"]);
}

#[test]
fn a_drift_that_returns_within_the_window_is_reopened_and_later_opened() {
    let mut run = Run::new(Policy { flap: flap(100, 600, 60), ..immediate() });
    assert_eq!(run.observe(&down(), 0).said(), ["opened SERVICE_MISSING"]);
    assert_eq!(run.observe(&up(), 10).said(), ["resolved SERVICE_MISSING"]);
    assert_eq!(run.observe(&down(), 600).said(), ["reopened SERVICE_MISSING"]);
    run.observe(&up(), 700);
    assert_eq!(run.observe(&down(), 1300).said(), ["opened SERVICE_MISSING"]);
}

#[test]
fn a_resolved_entry_is_forgotten_when_its_return_would_be_a_new_drift() {
    let mut run = Run::new(Policy { flap: flap(100, 600, 60), ..immediate() });
    run.observe(&down(), 0);
    run.observe(&up(), 10);
    assert!(run.observe(&up(), 609).advance.removed.is_empty() && run.is(MISSING, State::Resolved));
    assert_eq!(run.observe(&up(), 610).advance.removed.len(), 1);
    assert!(run.ledger.entries.is_empty());
}

#[test]
fn a_flapping_drift_is_held_open_until_it_has_been_quiet() {
    let mut run = Run::new(Policy { flap: flap(3, 3600, 100), ..immediate() });
    run.observe(&down(), 0);
    run.observe(&up(), 10);
    let third = run.observe(&down(), 20);
    assert!(third.advance.events[0].flapping, "the third change within the hour");
    for i in 3..20 {
        assert_eq!(run.observe(&if i % 2 == 0 { down() } else { up() }, i * 10).said(), quiet());
    }
    let held = run.observe(&up(), 200);
    assert_eq!(held.advance.due, Some(at(290)), "it has been clean since 190");
    run.observe(&unseen(), 210);
    let again = run.observe(&up(), 220);
    assert_eq!(again.advance.due, Some(at(320)), "quiet is counted anew after blindness");
    assert_eq!(run.look(&up().at(220), 320).said(), ["resolved SERVICE_MISSING"]);
}

#[test]
fn what_keeps_changing_is_damped_like_what_comes_and_goes() {
    let on_port = |port| Plan::new(host([declared_on("web", &[80])]), [docker([shown_on("web", &[port])])]);
    let mut run = Run::new(Policy { flap: flap(4, 3600, 100), ..immediate() });
    let said: Vec<String> =
        (0..50).flat_map(|i| run.observe(&on_port(81 + i % 2), i64::from(i) * 10).said()).collect();
    assert_eq!(said[0], "opened PORT_MISMATCH");
    assert_eq!(said[1..], ["changed PORT_MISMATCH"; 3]);
    assert!(run.entry("PORT_MISMATCH").unwrap().flapping);
}

#[test]
fn an_engine_that_refuses_and_then_is_silent_is_one_drift_that_did_not_change() {
    let away = |why| Plan::new(web(), [blind(SourceKind::Docker, why)]);
    let mut run = Run::new(immediate());
    assert_eq!(run.observe(&away(GapKind::Unreachable), 0).said(), ["opened DOCKER_UNREACHABLE"]);
    assert_eq!(run.observe(&away(GapKind::TimedOut), 10).said(), quiet());
}

#[test]
fn an_engine_that_falls_silent_takes_what_became_unknown_under_itself() {
    let mut run = Run::new(immediate());
    run.observe(&down(), 0);
    let away = run.observe(&unseen(), 10);
    assert_eq!(away.said(), ["opened DOCKER_UNREACHABLE"]);
    assert_eq!(
        (&*away.advance.events[0].folded, away.advance.events[0].folded_count),
        (&["SERVICE_MISSING web".to_owned()][..], 1)
    );
    assert!(run.entry(MISSING).unwrap().parent.is_some());
    let back = run.observe(&down(), 20);
    assert_eq!(
        back.said(),
        ["resolved DOCKER_UNREACHABLE"],
        "it was said before, and nothing about it changed"
    );
    assert!(run.entry(MISSING).unwrap().is_root());
}

#[test]
fn a_cause_names_twenty_of_its_consequences_and_counts_the_rest() {
    let many: Vec<String> = (0..30).map(|n| format!("web-{n:02}")).collect();
    let plan = |views| Plan::new(host(many.iter().map(|name| declared(name))), views);
    let mut run = Run::new(immediate());
    run.observe(&plan([docker([])]), 0);
    let away = run.observe(&plan([blind(SourceKind::Docker, GapKind::TimedOut)]), 10);
    assert_eq!(away.said(), ["opened DOCKER_UNREACHABLE"]);
    let told = &away.advance.events[0];
    assert_eq!((told.folded.len(), told.folded_count), (20, 30));
}

#[test]
fn a_folded_consequence_is_said_when_its_cause_ends() {
    // It loops, and what it should publish it does not; then the loop ends and the port is still wrong.
    let plan = |restarts| {
        let mut service = shown_on("web", &[81]);
        service.restarts = Fact::Known(restarts);
        Plan::new(host([declared_on("web", &[80])]), [docker([service])])
    };
    let mut run = Run::new(immediate());
    let first = run.observe(&plan(9), 0);
    assert_eq!(first.said(), ["opened RESTART_LOOP"]);
    assert_eq!(first.advance.events[0].folded, ["PORT_MISMATCH web"]);
    assert_eq!(run.observe(&plan(0), 10).said(), ["opened PORT_MISMATCH", "resolved RESTART_LOOP"]);
}

#[test]
fn a_consequence_waits_for_a_cause_that_is_about_to_be_believed() {
    let mut policy = patient();
    policy.confirm.by_type.insert(EventType::RestartLoop, Window { open_after: 3, ..policy.confirm.default });
    let mut service = shown_on("web", &[81]);
    service.restarts = Fact::Known(9);
    let plan = Plan::new(host([declared_on("web", &[80])]), [docker([service])]);
    let mut run = Run::new(policy);
    let said: Vec<_> = (0..4).map(|i| run.observe(&plan, i * 30).said()).collect();
    assert_eq!(said, [vec![], vec![], vec!["opened RESTART_LOOP".to_owned()], vec![]]);
    assert!(run.entry("PORT_MISMATCH").unwrap().parent.is_some());
}

#[test]
fn a_cause_that_is_never_confirmed_does_not_keep_its_consequences_quiet_for_ever() {
    // The machine is switched off and its declaration contradicts itself; NetBox is not read again, so that the
    // contradiction stays one observation. A retired service runs all the while.
    let retired = evenkeel_core::model::ExpectedService {
        lifecycle: Some(evenkeel_core::model::Lifecycle::Retired),
        ..declared("web")
    };
    let plan = Plan::new(contradicting(host([retired]), None), [docker([shown("web", RunState::Running)])]);
    let mut run = Run::new(patient());
    let mut said = Vec::new();
    for i in 0..8 {
        let mut world = plan.at(i * 30);
        let intent = crate::world::evidence(SourceKind::Netbox, 0);
        world.expected =
            evenkeel_core::model::Expected::new(intent, Coverage::Complete, plan.host.clone().map(Arc::new));
        said.extend(run.look(&world, i * 30).said());
    }
    assert_eq!(said, ["opened SERVICE_UNEXPECTED"]);
}

#[test]
fn a_second_cause_that_is_not_believed_yet_does_not_unfold_what_the_first_explains() {
    let retired = evenkeel_core::model::ExpectedService {
        lifecycle: Some(evenkeel_core::model::Lifecycle::Retired),
        ..declared("web")
    };
    let off = with_status(host([retired]), HostStatus::Offline);
    let view = || docker([shown("web", RunState::Running)]);
    let mut run = Run::new(patient());
    run.observe(&Plan::new(off.clone(), [view()]), 0);
    assert_eq!(run.observe(&Plan::new(off.clone(), [view()]), 30).said(), ["opened CONFIG_DRIFT"]);
    assert!(run.entry("SERVICE_UNEXPECTED").unwrap().parent.is_some());
    let contradicted = Plan::new(contradicting(off, None), [view()]);
    assert_eq!(run.observe(&contradicted, 60).said(), quiet());
    assert_eq!(run.observe(&contradicted, 90).said(), ["opened CONFIG_DRIFT"]);
    assert!(run.entry("SERVICE_UNEXPECTED").unwrap().parent.is_some());
}

#[test]
fn a_contradictory_declaration_does_not_hide_that_the_service_is_gone() {
    let plan = Plan::new(contradicting(web(), Some("web")), [docker([])]);
    assert_eq!(
        Run::new(immediate()).observe(&plan, 0).said(),
        ["opened SERVICE_MISSING", "opened CONFIG_DRIFT"]
    );
}

#[test]
fn a_machine_further_down_explains_everything_quietly() {
    let node = evenkeel_core::DriftId::of_host(&"box2".into(), EventType::NodeUnreachable);
    let mut run = Run::new(immediate());
    let report = down().at(0).diff(&[]);
    let step = run.take(report, at(0), std::slice::from_ref(&node));
    assert_eq!(step.said(), quiet());
    assert_eq!(run.entry(MISSING).unwrap().parent.as_ref(), Some(&node));
    let report = down().at(10).diff(&run.open());
    assert_eq!(
        run.take(report, at(10), &[]).said(),
        ["opened SERVICE_MISSING"],
        "the node is back, the service is not"
    );
}

#[test]
fn what_is_over_and_is_seen_again_still_says_when_it_was_believed() {
    let mut run = Run::new(patient());
    run.observe(&down(), 0);
    run.observe(&down(), 30);
    run.observe(&up(), 60);
    run.observe(&up(), 90);
    run.observe(&down(), 120);
    let again = run.entry("web").unwrap();
    assert_eq!(
        (again.state, again.opened_at, again.resolved_at),
        (State::Pending, Some(at(30)), Some(at(90)))
    );
    run.observe(&up(), 150);
    let over = run.entry("web").unwrap();
    assert_eq!((over.state, over.opened_at, over.resolved_at), (State::Resolved, Some(at(30)), Some(at(90))));
    run.observe(&down(), 180);
    run.observe(&down(), 210);
    assert_eq!(run.entry("web").unwrap().opened_at, Some(at(210)), "another run of it");
}

#[test]
fn what_is_remembered_for_longer_is_forgotten_later_and_its_return_is_no_return() {
    let remember = Duration::from_secs(7200);
    let mut run = Run::new(Policy { flap: flap(9, 600, 600), remember, ..immediate() });
    run.observe(&down(), 0);
    run.observe(&up(), 30);
    run.observe(&up(), 7229);
    assert!(run.is(MISSING, State::Resolved));
    assert_eq!(run.observe(&down(), 7229).said(), ["opened SERVICE_MISSING"]);
    run.observe(&up(), 7260);
    run.observe(&up(), 7260 + 7200);
    assert!(run.ledger.entries.is_empty());
}
