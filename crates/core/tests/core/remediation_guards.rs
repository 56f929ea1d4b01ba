//! Every guard met alone, the brake, and which drift gets which proposal.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use crate::repair::{
    at, broke, calm, commit, done, gap, gone, looked, missing, open, person, plan_at, play, policy, rejects,
    rule,
};
use evenkeel_core::policy::Matcher;
use evenkeel_core::remediation::{
    Action, BrakeLimits, BrakeReason, BrakeState, Code, Controls, Effect, Engaged, Facts, Fleet, Guards,
    Held, Input, Mode, Observation, Param, Params, Plan, Policy, Proposal, Reason, Saw, Sense, Sight,
    Standing, State, Unfit, Waiting, Window, plan,
};
use evenkeel_core::{Coverage, DriftId, EventType, HostName, Severity};
use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const DISPATCH: Input = Input::Dispatch { epoch: 1 };

/// One open root per host, opened at 0, seen at `seconds`.
fn broken(hosts: &[&str], seconds: i64) -> Vec<Sight> {
    hosts.iter().map(|host| open(missing(host, "web"), 0, seconds)).collect()
}

/// What a plan for these sights makes, at this moment.
fn made(sights: &[Sight], policy: &Policy, seconds: i64) -> Vec<Proposal> {
    let mut proposals = Vec::new();
    commit(&plan_at(sights, &[], policy, seconds), &mut proposals, at(seconds));
    proposals
}

/// Guards that let everything through but what a test is about.
fn wide() -> Guards {
    Guards {
        concurrency: 100,
        per_hour: 100,
        per_day: 100,
        cooldown: SignedDuration::ZERO,
        ..Guards::default()
    }
}

fn auto(guards: Guards) -> Policy {
    Policy { guards, ..policy(Mode::Auto) }
}

fn of<'a>(proposals: &'a [Proposal], host: &str) -> &'a Proposal {
    proposals.iter().find(|p| p.id.drift.subject.host() == Some(&HostName::new(host))).unwrap()
}

fn held(plan: &Plan, proposal: &Proposal) -> Reason {
    let waiting = Waiting::Proposal(proposal.key.clone());
    plan.held
        .iter()
        .find(|held| held.waiting == waiting)
        .unwrap_or_else(|| panic!("{plan:#?}"))
        .reason
        .clone()
}

/// The reason for which one drift with these facts gets no proposal.
fn not_proposed(sight: &Sight, proposals: &[Proposal], policy: &Policy, seconds: i64) -> Reason {
    let plan = plan_at(std::slice::from_ref(sight), proposals, policy, seconds);
    assert!(plan.propose.is_empty());
    let [Held { waiting: Waiting::Drift(drift), reason }] = plan.held.as_slice() else { panic!("{plan:#?}") };
    assert_eq!(drift, &sight.drift);
    reason.clone()
}

/// So many repairs that worked, on other hosts, dispatched a minute before each was verified.
fn worked(count: i64, first: i64) -> Vec<Proposal> {
    let drift = |n: i64| missing(&format!("done-{n}"), "web");
    (0..count)
        .map(|n| {
            let end = first + n * 10;
            let inputs = [(end - 60, DISPATCH), (end - 30, done()), (end, looked(end - 20, Saw::Gone))];
            play(crate::repair::draft(drift(n), Mode::Auto).open(at(end - 60)).0, inputs)
        })
        .collect()
}

#[test]
fn the_default_runs_nothing() {
    let sights = broken(&["a"], 10);
    assert_eq!(plan_at(&sights, &[], &Policy::default(), 10).propose, []);
    let rules_alone = Policy { enabled: false, ..policy(Mode::Auto) };
    assert_eq!(plan_at(&sights, &[], &rules_alone, 10).propose, []);
}

#[test]
fn the_first_rule_that_selects_decides() {
    let db = Matcher { services: vec![Matcher::glob("db*")], ..Matcher::default() };
    let mut policy = policy(Mode::Auto);
    policy
        .rules
        .insert(0, evenkeel_core::remediation::Rule { matcher: db, ..rule("not the databases", Mode::Off) });
    let sights = [open(missing("a", "db-main"), 0, 10), open(missing("b", "web"), 0, 10)];
    let plan = plan_at(&sights, &[], &policy, 10);
    let names: Vec<_> = plan.propose.iter().map(|draft| draft.id.drift.clone()).collect();
    assert_eq!(names, [missing("b", "web")]);
}

#[test]
fn a_rule_selects_by_type_severity_and_labels_and_an_empty_one_selects_nothing() {
    let sight =
        Sight { tags: vec!["prod".into()], tenant: Some("bruce".into()), ..open(missing("a", "web"), 0, 1) };
    let proposes = |matcher: Matcher, severities: Vec<Severity>| {
        let mut policy = policy(Mode::Auto);
        policy.rules[0].matcher = matcher;
        policy.rules[0].severities = severities;
        !plan_at(std::slice::from_ref(&sight), &[], &policy, 10).propose.is_empty()
    };
    let any = || Matcher { hosts: vec![Matcher::glob("*")], ..Matcher::default() };
    assert!(proposes(any(), vec![Severity::High, Severity::Critical]));
    assert!(!proposes(any(), vec![Severity::Critical]));
    assert!(!proposes(Matcher::default(), vec![]));
    assert!(proposes(Matcher { types: vec![EventType::ServiceMissing], ..Matcher::default() }, vec![]));
    assert!(!proposes(Matcher { types: vec![EventType::VmDown], ..any() }, vec![]));
    assert!(proposes(Matcher { tags: vec![Matcher::glob("prod")], ..any() }, vec![]));
    assert!(!proposes(Matcher { tags: vec![Matcher::glob("lab")], ..any() }, vec![]));
    assert!(!proposes(Matcher { tenants: vec![Matcher::glob("famille")], ..any() }, vec![]));
}

#[test]
fn a_young_drift_waits_for_its_rule_and_does_not_fall_through_to_the_next() {
    let mut policy = policy(Mode::Auto);
    policy.rules.insert(
        0,
        evenkeel_core::remediation::Rule {
            min_age: SignedDuration::from_mins(10),
            ..rule("patient", Mode::Approve)
        },
    );
    let sight = open(missing("a", "web"), 0, 599);
    assert_eq!(not_proposed(&sight, &[], &policy, 599), Reason::TooYoung { until: at(600) });
    let plan = plan_at(&[sight], &[], &policy, 600);
    assert_eq!(&*plan.propose[0].content.rule, "patient");
}

#[test]
fn what_the_action_must_be_told_must_be_known() {
    let sight = Sight { known: Params::new(), ..open(missing("a", "web"), 0, 1) };
    assert_eq!(not_proposed(&sight, &[], &policy(Mode::Auto), 10), Reason::NotKnown(Param::Container));
}

#[test]
fn consequences_and_what_is_unfit_are_never_acted_on() {
    let root = DriftId::of_host(&"a".into(), EventType::VmDown);
    let policy = policy(Mode::Auto);
    let with = |under: Option<DriftId>, unfit: Option<Unfit>| Sight {
        standing: Standing::Open { since: at(0), under, unfit },
        ..open(missing("a", "web"), 0, 10)
    };
    let folded = with(Some(root.clone()), None);
    assert_eq!(not_proposed(&folded, &[], &policy, 10), Reason::Consequence(root));
    let unfits = [
        Unfit::Baseline,
        Unfit::Flapping,
        Unfit::Unconfirmed,
        Unfit::Silenced("move".into()),
        Unfit::Unseen(gap()),
    ];
    let proposals = made(&broken(&["a"], 5), &policy, 5);
    for unfit in unfits {
        let sight = with(None, Some(unfit.clone()));
        assert_eq!(not_proposed(&sight, &[], &policy, 10), Reason::Unfit(unfit.clone()));
        // And what was approved before waits.
        let plan = plan_at(&[sight], &proposals, &policy, 10);
        assert_eq!(held(&plan, &proposals[0]), Reason::Unfit(unfit));
    }
    // What became a consequence is withdrawn.
    assert!(matches!(plan_at(&[folded], &proposals, &policy, 10).settle[..], [(_, Input::Withdraw { .. })]));
}

#[test]
fn what_the_newest_look_does_not_show_is_not_repaired_while_its_end_is_confirmed() {
    let policy = policy(Mode::Auto);
    let over = |drift: DriftId| Sight {
        observation: Observation { began: at(9), saw: Saw::Gone },
        ..open(drift, 0, 9)
    };
    let sight = over(missing("a", "web"));
    assert_eq!(not_proposed(&sight, &[], &policy, 10), Reason::Unfit(Unfit::Gone));
    let proposals = made(&broken(&["a"], 5), &policy, 5);
    let plan = plan_at(&[sight], &proposals, &policy, 10);
    assert_eq!(held(&plan, &proposals[0]), Reason::Unfit(Unfit::Gone));
    // It may come back, so nothing is withdrawn before the end is believed.
    assert_eq!(plan.settle, []);
}

#[test]
fn what_was_dispatched_is_sent_again_only_while_it_might_be_dispatched() {
    let policy = policy(Mode::Auto);
    let sights = broken(&["a"], 5);
    let dispatched = vec![play(made(&sights, &policy, 5)[0].clone(), [(6, DISPATCH)])];
    let sent = |sights: &[Sight], policy: &Policy| plan_at(sights, &dispatched, policy, 10).send.len();
    assert_eq!(sent(&sights, &policy), 1);
    // A callback may have come before the acceptance: it is not asked for any more.
    let taken = vec![play(dispatched[0].clone(), [(7, done())])];
    assert_eq!(plan_at(&sights, &taken, &policy, 10).send.len(), 0);

    let mut off = policy.clone();
    off.rules[0].mode = Mode::Off;
    let disabled = Policy { enabled: false, ..policy.clone() };
    let mut other = policy.clone();
    other.actions.get_mut("restart").unwrap().params = vec![Param::Host];
    for policy in [&off, &disabled, &other] {
        assert_eq!(sent(&sights, policy), 0);
    }
    let unfit = |unfit: Unfit| Sight {
        standing: Standing::Open { since: at(0), under: None, unfit: Some(unfit) },
        ..sights[0].clone()
    };
    let blind = Sight { coverage: Coverage::Partial(gap()), ..sights[0].clone() };
    let seen_gone = Sight { observation: Observation { began: at(9), saw: Saw::Gone }, ..sights[0].clone() };
    for sight in [unfit(Unfit::Silenced("s".into())), unfit(Unfit::Unjudged), blind, seen_gone] {
        assert_eq!(sent(std::slice::from_ref(&sight), &policy), 0, "{sight:?}");
    }
    let fleet = calm(1000);
    let (halted, _) = Controls::default().halt("ada", "wait", at(8));
    let facts = Facts { sights: &sights, proposals: &dispatched, fleet: &fleet, controls: &halted };
    assert!(plan(&facts, &policy, at(10)).send.is_empty());
}

#[test]
fn nobody_repairs_what_is_not_seen_unless_that_is_the_repair() {
    let policy = Policy {
        actions: BTreeMap::from([("restart".into(), Action::new("restart"))]),
        ..policy(Mode::Auto)
    };
    let half = |drift: DriftId| Sight { coverage: Coverage::Partial(gap()), ..open(drift, 0, 10) };
    let sights = [half(missing("a", "web")), half(DriftId::of_host(&"b".into(), EventType::NodeUnreachable))];
    let proposals = made(&sights, &policy, 10);
    let plan = plan_at(&sights, &proposals, &policy, 10);
    assert_eq!(held(&plan, of(&proposals, "a")), Reason::Blind(gap()));
    assert_eq!(plan.dispatch, [of(&proposals, "b").key.clone()]);
}

#[test]
fn a_drift_nobody_told_the_planner_about_is_unknown_and_not_gone() {
    let proposals = made(&broken(&["a"], 10), &policy(Mode::Auto), 10);
    let plan = plan_at(&[], &proposals, &policy(Mode::Auto), 20);
    assert_eq!(plan.settle, []);
    assert!(matches!(held(&plan, &proposals[0]), Reason::Unfit(Unfit::Unseen(_))));
}

#[test]
fn a_drift_that_goes_away_by_itself_takes_its_proposal_along() {
    let mut proposals = made(&broken(&["a"], 10), &policy(Mode::Approve), 10);
    let plan = plan_at(&[gone(missing("a", "web"), 20)], &proposals, &policy(Mode::Approve), 20);
    let journal = commit(&plan, &mut proposals, at(20));
    assert_eq!(proposals[0].state().as_str(), "withdrawn");
    assert_eq!(
        journal[0].text,
        "restart for web on a (SERVICE_MISSING) is withdrawn: the drift went away by itself."
    );
}

#[test]
fn what_no_rule_asks_for_any_more_is_withdrawn_even_if_it_was_approved() {
    let sights = broken(&["a"], 10);
    let proposals = made(&sights, &policy(Mode::Auto), 10);
    let withdrawn = |policy: &Policy, sights: &[Sight]| {
        let plan = plan_at(sights, &proposals, policy, 20);
        assert_eq!(plan.dispatch, []);
        matches!(plan.settle[..], [(_, Input::Withdraw { .. })])
    };
    assert!(withdrawn(&policy(Mode::Off), &sights));
    assert!(withdrawn(&policy(Mode::Approve), &sights), "who may approve it has changed");
    assert!(withdrawn(&Policy { rules: Vec::new(), ..policy(Mode::Auto) }, &sights));
    assert!(withdrawn(&Policy { actions: BTreeMap::new(), ..policy(Mode::Auto) }, &sights));
    assert!(withdrawn(&Policy { enabled: false, ..policy(Mode::Auto) }, &sights));
    let moved = Sight { known: Params::from([(Param::Container, "other".into())]), ..sights[0].clone() };
    assert!(withdrawn(&policy(Mode::Auto), &[moved]), "what the action would be told has changed");
    let again = open(missing("a", "web"), 15, 20);
    assert!(withdrawn(&policy(Mode::Auto), &[again]), "it is another opening");
}

#[test]
fn a_person_must_approve_what_is_not_auto() {
    for mode in [Mode::Propose, Mode::Approve] {
        let sights = broken(&["a"], 10);
        let proposals = made(&sights, &policy(mode), 10);
        let plan = plan_at(&sights, &proposals, &policy(mode), 20);
        assert_eq!(held(&plan, &proposals[0]), Reason::AwaitsApproval);
        let approved = vec![play(proposals[0].clone(), [(21, person("ada"))])];
        assert_eq!(plan_at(&sights, &approved, &policy(mode), 22).dispatch, [approved[0].key.clone()]);
    }
}

#[test]
fn what_was_rejected_is_not_asked_again_until_the_drift_ends() {
    let sights = broken(&["a"], 10);
    let policy = policy(Mode::Approve);
    let rejected = vec![play(made(&sights, &policy, 10)[0].clone(), [(20, rejects("ada"))])];
    assert_eq!(not_proposed(&sights[0], &rejected, &policy, 90_000), Reason::Closed("rejected"));
    let again = open(missing("a", "web"), 90_000, 90_010);
    assert_eq!(plan_at(&[again], &rejected, &policy, 90_010).propose.len(), 1);
}

#[test]
fn what_expired_is_asked_again_under_another_key() {
    let day = 24 * 3600;
    let policy = policy(Mode::Approve);
    let mut proposals = made(&broken(&["a"], 10), &policy, 10);
    let later = broken(&["a"], day + 10);
    let plan = plan_at(&later, &proposals, &policy, day + 10);
    assert!(matches!(plan.settle[..], [(_, Input::Expire)]));
    commit(&plan, &mut proposals, at(day + 10));
    let plan = plan_at(&later, &proposals, &policy, day + 11);
    assert_eq!(plan.propose[0].id.number, 2);
    assert_ne!(plan.propose[0].id.key(), proposals[0].key);
}

#[test]
fn the_kill_switch_stops_everything_until_somebody_resumes() {
    let sights = broken(&["a"], 10);
    let (policy, fleet) = (policy(Mode::Auto), calm(100));
    let proposals = made(&sights, &policy, 10);
    let (controls, entry) = Controls::default().halt("ada", "I am at work there", at(11));
    assert_eq!((entry.code, &*entry.actor), (Code::Halted, "ada"));
    let facts = Facts { sights: &sights, proposals: &proposals, fleet: &fleet, controls: &controls };
    let halted = plan(&facts, &policy, at(12));
    assert!(matches!(held(&halted, &proposals[0]), Reason::Halted(halt) if &*halt.by == "ada"));
    let (controls, _) = controls.resume("ada", "done", at(13)).unwrap();
    assert_eq!(plan(&Facts { controls: &controls, ..facts }, &policy, at(14)).dispatch.len(), 1);
    assert!(controls.resume("ada", "twice", at(15)).is_none());
}

#[test]
fn nothing_is_proposed_or_dispatched_while_intent_is_unknown() {
    let sights = broken(&["a", "b"], 10);
    let (policy, controls) = (policy(Mode::Auto), Controls::default());
    let proposals = made(&sights[..1], &policy, 10);
    let fleet = Fleet { intent: Coverage::Partial(gap()), ..calm(100) };
    let facts = Facts { sights: &sights, proposals: &proposals, fleet: &fleet, controls: &controls };
    let plan = plan(&facts, &policy, at(12));
    assert!(plan.propose.is_empty() && plan.dispatch.is_empty());
    assert!(plan.held.iter().all(|held| held.reason == Reason::NoIntent(gap())) && plan.held.len() == 2);
    assert_eq!(plan.brake_entry, None, "NetBox's silence has an event of its own");
}

#[test]
fn windows_hold_back() {
    let window = |sense| Window {
        name: "backup".into(),
        sense,
        days: Vec::new(),
        // The tests begin at 08:53:20 in UTC.
        from: time(8, 0, 0, 0),
        until: time(9, 0, 0, 0),
        zone: TimeZone::UTC,
    };
    let with = |sense| auto(Guards { windows: vec![window(sense)], ..wide() });
    let sights = broken(&["a"], 10);
    let proposals = made(&sights, &auto(wide()), 10);
    let never = plan_at(&sights, &proposals, &with(Sense::Never), 20);
    assert_eq!(held(&never, &proposals[0]), Reason::Window(Some("backup".into())));
    assert_eq!(plan_at(&sights, &proposals, &with(Sense::Only), 20).dispatch.len(), 1);
    let late = plan_at(&sights, &proposals, &with(Sense::Only), 3600);
    assert_eq!(held(&late, &proposals[0]), Reason::Window(None));
}

#[test]
fn one_action_per_host_until_its_effect_has_been_seen() {
    let policy = auto(wide());
    // One machine, spelled in two ways.
    let sights = [open(missing("a", "web"), 0, 10), open(missing("A.example.org", "db"), 0, 10)];
    let mut proposals = [worked(3, 0), made(&sights, &policy, 10)].concat();
    let (first, second) = (3, 4);
    let plan = plan_at(&sights, &proposals, &policy, 20);
    assert_eq!(plan.dispatch.len(), 1);
    let (runs, waits) =
        if plan.dispatch[0] == proposals[first].key { (first, second) } else { (second, first) };
    assert_eq!(held(&plan, &proposals[waits]), Reason::HostBusy(proposals[runs].key.clone()));
    proposals[runs] = play(proposals[runs].clone(), [(20, DISPATCH), (30, done())]);
    let plan = plan_at(&sights, &proposals, &policy, 31);
    assert_eq!(
        held(&plan, &proposals[waits]),
        Reason::HostBusy(proposals[runs].key.clone()),
        "claimed, not seen"
    );
    proposals[runs] = play(proposals[runs].clone(), [(40, looked(31, Saw::Gone))]);
    assert_eq!(plan_at(&sights, &proposals, &policy, 41).dispatch, [proposals[waits].key.clone()]);
}

/// The first attempt on `a` at 20, which did not help, as was seen at 400.
fn tried(policy: &Policy) -> Vec<Proposal> {
    let made = made(&broken(&["a"], 10), policy, 10);
    vec![play(made[0].clone(), [(20, DISPATCH), (30, broke()), (400, looked(350, Saw::Drift))])]
}

#[test]
fn between_two_attempts_on_a_drift_there_is_a_pause() {
    let policy = auto(Guards { cooldown: SignedDuration::from_mins(10), ..wide() });
    let mut proposals = tried(&policy);
    let sights = broken(&["a"], 401);
    commit(&plan_at(&sights, &proposals, &policy, 401), &mut proposals, at(401));
    assert_eq!(proposals[1].id.number, 2);
    assert_eq!(
        held(&plan_at(&sights, &proposals, &policy, 999), &proposals[1]),
        Reason::CoolDown { until: at(1000) }
    );
    assert_eq!(plan_at(&sights, &proposals, &policy, 1000).dispatch, [proposals[1].key.clone()]);
}

#[test]
fn after_the_last_attempt_a_person_is_needed_once() {
    let policy = auto(Guards { attempts: 1, ..wide() });
    let mut proposals = tried(&policy);
    let sights = broken(&["a"], 401);
    let plan = plan_at(&sights, &proposals, &policy, 401);
    assert_eq!(plan.propose, []);
    let journal = commit(&plan, &mut proposals, at(401));
    assert!(matches!(proposals[0].state(), State::Escalated { run: Some(_), .. }));
    let text = "A person is needed: restart for web on a (SERVICE_MISSING) was tried 1 times, and the drift is still \
                there.";
    assert_eq!(
        (journal[0].code, journal[0].text.as_str(), journal[0].announce),
        (Code::Escalated, text, true)
    );
    assert_eq!(not_proposed(&sights[0], &proposals, &policy, 90_000), Reason::Closed("escalated"));
}

#[test]
fn while_the_last_attempt_runs_no_earlier_one_is_handed_to_a_person() {
    let policy = auto(Guards { attempts: 2, ..wide() });
    let mut proposals = tried(&policy);
    let sights = broken(&["a"], 401);
    commit(&plan_at(&sights, &proposals, &policy, 401), &mut proposals, at(401));
    proposals[1] = play(proposals[1].clone(), [(402, DISPATCH)]);
    assert_eq!(plan_at(&sights, &proposals, &policy, 403).settle, []);
    proposals[1] = play(proposals[1].clone(), [(410, broke()), (800, looked(750, Saw::Drift))]);
    let plan = plan_at(&broken(&["a"], 801), &proposals, &policy, 801);
    assert!(matches!(&plan.settle[..], [(key, Input::Escalate { .. })] if *key == proposals[1].key));
}

#[test]
fn whichever_order_two_on_one_host_are_told_in_the_same_one_is_named() {
    // The planner never makes two; what is restored from a copy might hold them.
    let policy = auto(wide());
    let sights =
        [open(missing("a", "x"), 0, 10), open(missing("a", "y"), 0, 10), open(missing("a", "z"), 0, 10)];
    let mut proposals = made(&sights, &policy, 10);
    for n in [0, 1] {
        proposals[n] = play(proposals[n].clone(), [(20, DISPATCH)]);
    }
    let forth = plan_at(&sights, &proposals, &policy, 21);
    proposals.reverse();
    assert_eq!(plan_at(&sights, &proposals, &policy, 21), forth);
}

#[test]
fn what_comes_back_soon_was_not_repaired() {
    let policy = auto(Guards { attempts: 1, ..wide() });
    let made_once = made(&broken(&["a"], 10), &policy, 10);
    let mut proposals =
        vec![play(made_once[0].clone(), [(20, DISPATCH), (30, done()), (40, looked(31, Saw::Gone))])];
    // It opens again 20 minutes later: another occasion, and the attempt on the first one counts.
    let sights = [open(missing("a", "web"), 1200, 1210)];
    commit(&plan_at(&sights, &proposals, &policy, 1210), &mut proposals, at(1210));
    let plan = plan_at(&sights, &proposals, &policy, 1211);
    assert!(matches!(plan.settle[..], [(_, Input::Escalate { .. })]) && plan.dispatch.is_empty());
    // A day later it does not.
    let sights = [open(missing("a", "web"), 90_000, 90_010)];
    commit(&plan_at(&sights, &proposals[..1], &policy, 90_010), &mut proposals, at(90_010));
    let (first, third) = (proposals[0].clone(), proposals[2].clone());
    let proposals = [first, third];
    assert_eq!(plan_at(&sights, &proposals, &policy, 90_011).dispatch, [proposals[1].key.clone()]);
}

#[test]
fn an_effect_nobody_can_see_is_handed_to_a_person_in_the_end() {
    let policy = auto(wide());
    let made = made(&broken(&["a"], 10), &policy, 10);
    let mut proposals = vec![play(made[0].clone(), [(20, DISPATCH), (30, done())])];
    let blind = |seconds: i64| {
        let mut sight = open(missing("a", "web"), 0, seconds);
        sight.observation.saw = Saw::Nothing(gap());
        [sight]
    };
    // Five minutes to be seen, and an hour on top.
    let last = 30 + 300 + 3600;
    assert_eq!(plan_at(&blind(last - 1), &proposals, &policy, last - 1).settle, []);
    let journal = commit(&plan_at(&blind(last), &proposals, &policy, last), &mut proposals, at(last));
    assert!(journal[0].text.contains("nobody can see whether it worked (unreachable: for a test)"));
}

#[test]
fn only_so_many_run_at_once_overall_and_of_one_action() {
    let sights = broken(&["a", "b", "c"], 10);
    let dispatched = |policy: &Policy| {
        let proposals = [worked(7, 0), made(&sights, policy, 100)].concat();
        let plan = plan_at(&sights, &proposals, policy, 101);
        let reasons: Vec<Reason> = plan.held.iter().map(|held| held.reason.clone()).collect();
        (plan.dispatch.len(), reasons)
    };
    assert_eq!(dispatched(&auto(wide())), (3, Vec::new()));
    let two = auto(Guards { concurrency: 2, ..wide() });
    assert_eq!(dispatched(&two), (2, vec![Reason::Concurrency { of: 2 }]));
    let mut one = auto(wide());
    one.actions.get_mut("restart").unwrap().concurrency = Some(1);
    let of_one = Reason::ActionConcurrency { of: 1 };
    assert_eq!(dispatched(&one), (1, vec![of_one.clone(), of_one]));
}

#[test]
fn things_start_slowly_one_then_two_then_four() {
    let hosts = ["a", "b", "c", "d", "e"];
    let sights = broken(&hosts, 10);
    let policy = auto(wide());
    let width = |before: &[Proposal], controls: &Controls| {
        let proposals = [before.to_vec(), made(&sights, &policy, 200)].concat();
        let fleet = calm(1000);
        let facts = Facts { sights: &sights, proposals: &proposals, fleet: &fleet, controls };
        plan(&facts, &policy, at(201)).dispatch.len()
    };
    let none = Controls::default();
    let widths: Vec<usize> = (0..8).map(|n| width(&worked(n, 100), &none)).collect();
    assert_eq!(widths, [1, 2, 2, 4, 4, 4, 4, 5]);
    // One that did not help, and it starts over.
    let failed = play(
        crate::repair::draft(missing("bad", "web"), Mode::Auto).open(at(100)).0,
        [(100, DISPATCH), (110, broke()), (450, looked(440, Saw::Drift))],
    );
    assert_eq!(width(&[worked(7, 100), vec![failed]].concat(), &none), 1);
    // What ended by itself, while the receiver was away or said that it failed, proves nothing of the action.
    let by_itself = |answer: &dyn Fn() -> (i64, Input)| -> Vec<Proposal> {
        let drift = |n: i64| missing(&format!("healed-{n}"), "web");
        let open = |n: i64| crate::repair::draft(drift(n), Mode::Auto).open(at(-800)).0;
        (0..7).map(|n| play(open(n), [(-800, DISPATCH), answer(), (190, looked(180, Saw::Gone))])).collect()
    };
    assert_eq!(width(&by_itself(&|| (0, Input::TimedOut)), &none), 1);
    assert_eq!(width(&by_itself(&|| (0, broke())), &none), 1);
    assert_eq!(
        width(&[worked(1, 100), by_itself(&|| (0, broke()))].concat(), &none),
        2,
        "it takes nothing back"
    );
    // So it does after the brake.
    let brake = BrakeState { released_at: Some(at(180)), ..BrakeState::default() };
    assert_eq!(width(&worked(7, 100), &Controls { halt: None, brake }), 1);
}

#[test]
fn the_budget_is_counted_over_the_hour_and_the_day_before() {
    let sights = broken(&["a"], 10);
    let reason = |guards: Guards, now: i64| {
        let policy = auto(guards);
        let proposals = [worked(3, 0), made(&sights, &policy, now)].concat();
        let plan = plan_at(&sights, &proposals, &policy, now);
        plan.held.first().map(|held| held.reason.clone())
    };
    // Dispatched at -60, -50 and -40.
    let hour = Guards { per_hour: 3, ..wide() };
    assert_eq!(reason(hour.clone(), 3539), Some(Reason::HourlyBudget { of: 3 }));
    assert_eq!(reason(hour, 3540), None);
    let day = Guards { per_day: 3, ..wide() };
    assert_eq!(reason(day.clone(), 86_339), Some(Reason::DailyBudget { of: 3 }));
    assert_eq!(reason(day, 86_340), None);
}

#[test]
fn the_most_urgent_runs_first() {
    let mut sights = broken(&["a", "b", "c"], 10);
    sights[1].severity = Severity::Critical;
    let policy = auto(wide());
    let proposals = made(&sights, &policy, 10);
    assert_eq!(plan_at(&sights, &proposals, &policy, 11).dispatch, [of(&proposals, "b").key.clone()]);
}

#[test]
fn a_message_is_sent_once_per_opening() {
    let mut policy = auto(wide());
    policy.actions.get_mut("restart").unwrap().effect = Effect::Tell;
    let sights = broken(&["a"], 10);
    let proposals = vec![play(made(&sights, &policy, 10)[0].clone(), [(20, DISPATCH), (30, done())])];
    assert_eq!(not_proposed(&sights[0], &proposals, &policy, 90_000), Reason::Closed("succeeded"));
}

/// The brake over a fleet in which these drifts were opened at these moments.
fn brake(state: &BrakeState, things: u64, opened: &[(usize, i64)], now: i64) -> (BrakeState, Option<Code>) {
    let opened = opened.iter().map(|(n, s)| (missing(&format!("h{n}"), "web"), at(*s))).collect();
    let fleet = Fleet { opened, ..calm(things) };
    let (state, entry) = state.look(&BrakeLimits::default(), &fleet, &[], at(now));
    (state, entry.map(|entry| entry.code))
}

fn storm(count: usize, at: i64) -> Vec<(usize, i64)> {
    (0..count).map(|n| (n, at)).collect()
}

#[test]
fn how_much_is_too_much_depends_on_the_fleet_within_bounds() {
    let limits = BrakeLimits::default();
    assert_eq!([0, 14, 70, 200, 500, 100_000].map(|things| limits.limit(things)), [5, 5, 7, 20, 50, 50]);
    let zero = BrakeLimits { share: 0.0, allowance: 0, ..limits };
    assert_eq!(zero.limit(1000), 0);
}

#[test]
fn r2_the_brake_engages_once_says_so_once_and_releases_when_it_has_been_calm() {
    let off = BrakeState::default();
    assert_eq!(brake(&off, 70, &storm(7, 0), 10), (off.clone(), None));
    let (on, said) = brake(&off, 70, &storm(8, 0), 10);
    assert_eq!((on.engaged.is_some(), said), (true, Some(Code::BrakeEngaged)));
    let (still, said) = brake(&on, 70, &storm(60, 20), 30);
    assert_eq!((still.engaged.is_some(), said), (true, None));
    // The window ends an hour after the storm; then half an hour of calm.
    let (calm, said) = brake(&still, 70, &storm(60, 20), 3620);
    assert_eq!((calm.engaged.as_ref().unwrap().calm_since, said), (Some(at(3620)), None));
    // A gust in between starts the calm anew.
    let (gust, _) = brake(&calm, 70, &storm(9, 4000), 4000);
    assert_eq!(gust.engaged.as_ref().unwrap().calm_since, None);
    let (still, said) = brake(&calm, 70, &[], 5419);
    assert_eq!((still.engaged.is_some(), said), (true, None));
    let (released, said) = brake(&calm, 70, &[], 5420);
    assert_eq!((released.engaged.is_some(), said), (false, Some(Code::BrakeReleased)));
    assert_eq!(released.released_at, Some(at(5420)));
}

#[test]
fn a_slow_drip_counts_and_one_drift_counts_once() {
    let drip: Vec<(usize, i64)> = (0..8).map(|n| (n, n as i64 * 400)).collect();
    assert_eq!(brake(&BrakeState::default(), 70, &drip, 2900).1, Some(Code::BrakeEngaged));
    let one: Vec<(usize, i64)> = (0..100).map(|n| (0, n)).collect();
    assert_eq!(brake(&BrakeState::default(), 70, &one, 110).1, None);
}

#[test]
fn a_person_releases_the_brake_and_what_they_know_of_does_not_engage_it_again() {
    let (on, _) = brake(&BrakeState::default(), 70, &storm(60, 0), 10);
    let (released, entry) = on.release("ada", "power is back", at(20)).unwrap();
    assert_eq!(
        (entry.code, entry.text.as_str()),
        (Code::BrakeReleased, "ada releases the brake: power is back")
    );
    assert_eq!(brake(&released, 70, &storm(60, 0), 30).1, None);
    let second: Vec<(usize, i64)> = (0..60).map(|n| (n, 40)).collect();
    assert_eq!(brake(&released, 70, &second, 50).1, Some(Code::BrakeEngaged));
    assert!(released.release("ada", "again", at(60)).is_none());
}

#[test]
fn in_a_storm_nobody_is_asked_anything_and_one_line_says_why() {
    let hosts: Vec<String> = (0..500).map(|n| format!("h{n}")).collect();
    let sights: Vec<Sight> = hosts.iter().map(|host| open(missing(host, "web"), 0, 10)).collect();
    let (fleet, controls) = (calm(2500), Controls::default());
    let facts = Facts { sights: &sights, proposals: &[], fleet: &fleet, controls: &controls };
    let plan = plan(&facts, &policy(Mode::Approve), at(10));
    assert!(plan.propose.is_empty() && plan.dispatch.is_empty());
    let entry = plan.brake_entry.unwrap();
    let text = "No repair is dispatched from now on: 500 drifts began at once, and 50 may.";
    assert_eq!((entry.text.as_str(), entry.announce), (text, true));
    assert!(plan.held.iter().all(|held| matches!(held.reason, Reason::Braked(_))) && plan.held.len() == 500);
}

#[test]
fn the_brake_remembers_over_a_restart() {
    let (on, _) = brake(&BrakeState::default(), 70, &storm(60, 0), 10);
    let controls = Controls { halt: None, brake: on };
    let json = serde_json::to_string(&controls).unwrap();
    assert_eq!(serde_json::from_str::<Controls>(&json).unwrap(), controls);
    assert_eq!(controls.brake.engaged.unwrap().since, Timestamp::from_second(1_760_000_010).unwrap());
}

#[test]
fn the_last_echoes_of_a_cause_that_ended_are_no_storm() {
    let with = |unfit: Option<Unfit>| -> Vec<Sight> {
        let standing = Standing::Open { since: at(0), under: None, unfit };
        (0..8)
            .map(|n| Sight { standing: standing.clone(), ..open(missing(&format!("h{n}"), "web"), 0, 10) })
            .collect()
    };
    let engaged = |sights: &[Sight]| {
        let (fleet, controls) = (calm(70), Controls::default());
        let facts = Facts { sights, proposals: &[], fleet: &fleet, controls: &controls };
        plan(&facts, &policy(Mode::Auto), at(10)).brake.engaged.is_some()
    };
    assert!(!engaged(&with(Some(Unfit::Unconfirmed))));
    assert!(engaged(&with(None)));
}

#[test]
fn what_a_clock_that_was_ahead_opened_is_released_by_a_person_and_repaired() {
    let ahead = |host: &str| open(missing(host, "web"), 7200, 10);
    let sights: Vec<Sight> = (0..8).map(|n| ahead(&format!("h{n}"))).collect();
    let opened = sights.iter().map(|sight| (sight.drift.clone(), at(0))).collect();
    let (fleet, policy) = (Fleet { opened, ..calm(70) }, policy(Mode::Auto));
    let plan_with = |controls: &Controls, now: i64| {
        plan(&Facts { sights: &sights, proposals: &[], fleet: &fleet, controls }, &policy, at(now))
    };
    let braked = plan_with(&Controls::default(), 10);
    assert!(braked.brake.engaged.is_some());
    let (brake, _) = braked.brake.release("ada", "the clock", at(20)).unwrap();
    let released = plan_with(&Controls { brake, ..Controls::default() }, 30);
    assert_eq!((released.brake.engaged, released.propose.len()), (None, 8));
}

#[test]
fn a_clock_that_is_set_back_holds_the_brake_no_longer_than_it_must() {
    let limits = BrakeLimits { calm: SignedDuration::from_secs(600), ..BrakeLimits::default() };
    let look = |state: &BrakeState, now: i64| state.look(&limits, &calm(70), &[], at(now));
    let why = BrakeReason { drifts: 60, limit: 7 };
    let engaged = Engaged { since: at(86_000), why, calm_since: Some(at(86_400)) };
    let on = BrakeState { engaged: Some(engaged), ..BrakeState::default() };
    let (still, said) = look(&on, 0);
    assert!(still.engaged.is_some() && said.is_none());
    let (off, said) = look(&still, 600);
    assert_eq!((off.engaged, said.map(|entry| entry.code)), (None, Some(Code::BrakeReleased)));
}
