//! What the operator decides about events, by example: reminders, silences, ignore rules, the baseline, severities.

use std::time::Duration;

use crate::world::one::{down, unseen, up};
use crate::world::run::Run;
use crate::world::{Plan, at, docker, host, immediate, patient, shown};
use evenkeel_core::diff::Report;
use evenkeel_core::ledger::State;
use evenkeel_core::model::RunState;
use evenkeel_core::policy::{Covers, FirstRun, IgnoreRule, Matcher, Policy, SeverityRule, Silence};
use evenkeel_core::{EventType, Severity};

const MISSING: &str = "SERVICE_MISSING";

fn quiet() -> Vec<String> {
    Vec::new()
}

fn on(kind: EventType) -> Matcher {
    Matcher { types: vec![kind], ..Matcher::default() }
}

fn accepting(kind: EventType, expires: Option<i64>) -> IgnoreRule {
    IgnoreRule {
        name: "known".into(),
        matcher: on(kind),
        reason: "a test".into(),
        owner: None,
        expires: expires.map(at),
    }
}

fn silence(kind: EventType, starts: Option<i64>, ends: i64) -> Silence {
    Silence {
        name: "night".into(),
        covers: Covers::Rule(on(kind)),
        reason: "a test".into(),
        owner: None,
        starts: starts.map(at),
        ends: at(ends),
    }
}

#[test]
fn an_open_drift_is_said_again_as_often_as_wished_and_not_while_nobody_sees_it() {
    let mut run = Run::new(Policy { remind_after: Some(Duration::from_secs(100)), ..immediate() });
    assert_eq!(run.observe(&down(), 0).advance.due, Some(at(100)));
    assert_eq!(run.observe(&down(), 99).said(), quiet());
    let said = run.observe(&down(), 100);
    assert_eq!((said.said(), said.advance.due), (vec!["reminder SERVICE_MISSING".to_owned()], Some(at(200))));
    assert_eq!(run.observe(&unseen(), 300).said(), ["opened DOCKER_UNREACHABLE"]);
    let never = Policy { remind_after: Some(Duration::ZERO), ..immediate() };
    assert_eq!(Run::new(never).observe(&down(), 0).advance.due, None, "no time at all is no reminder");
}

#[test]
fn a_silenced_drift_is_kept_quietly_and_said_once_the_silence_ends() {
    let silences = vec![silence(EventType::ServiceMissing, None, 100)];
    let mut run = Run::new(Policy { silences, ..immediate() });
    let first = run.observe(&down(), 0);
    assert_eq!(first.said(), ["opened SERVICE_MISSING (quietly)"]);
    assert_eq!(first.advance.due, Some(at(100)));
    assert_eq!(run.entry(MISSING).unwrap().silenced.as_deref(), Some("night"));
    assert_eq!(run.look(&down().at(0), 100).said(), ["reminder SERVICE_MISSING"]);
    assert_eq!(run.observe(&down(), 130).said(), quiet());
    assert_eq!(run.observe(&up(), 160).said(), ["resolved SERVICE_MISSING"]);
}

#[test]
fn the_end_of_a_drift_is_heard_only_if_its_beginning_was() {
    let silences = vec![silence(EventType::ServiceMissing, Some(50), 1000)];
    let mut heard = Run::new(Policy { silences: silences.clone(), ..immediate() });
    assert_eq!(heard.observe(&down(), 0).said(), ["opened SERVICE_MISSING"]);
    assert_eq!(heard.observe(&up(), 60).said(), ["resolved SERVICE_MISSING"]);
    let mut unheard = Run::new(Policy { silences, ..immediate() });
    assert_eq!(unheard.observe(&down(), 50).said(), ["opened SERVICE_MISSING (quietly)"]);
    assert_eq!(unheard.observe(&up(), 60).said(), ["resolved SERVICE_MISSING (quietly)"]);
}

#[test]
fn an_accepted_drift_ends_by_the_rule_and_comes_back_when_the_rule_expires() {
    let mut run = Run::new(immediate());
    run.observe(&down(), 0);
    run.policy.ignore.push(accepting(EventType::ServiceMissing, Some(100)));
    let accepted = run.observe(&down(), 10);
    assert_eq!(accepted.said(), ["resolved SERVICE_MISSING"]);
    assert!(accepted.advance.events[0].details.starts_with("Accepted by ignore rule known: "));
    assert_eq!(accepted.report.ignored.len(), 1);
    assert_eq!(run.observe(&down(), 99).said(), quiet());
    assert_eq!(run.observe(&down(), 100).said(), ["reopened SERVICE_MISSING"]);
}

#[test]
fn a_rule_that_ends_wakes_the_pass_even_if_nothing_else_is_known() {
    let ignore = vec![accepting(EventType::ServiceMissing, Some(100))];
    let mut run = Run::new(Policy { ignore, ..immediate() });
    let step = run.observe(&down(), 0);
    assert!(run.ledger.entries.is_empty());
    assert_eq!(step.advance.due, Some(at(100)));
    assert_eq!(run.look(&down().at(0), 100).said(), ["opened SERVICE_MISSING"]);
}

#[test]
fn a_rule_does_not_end_what_nobody_can_see() {
    let mut run = Run::new(immediate());
    run.observe(&down(), 0);
    run.policy.ignore.push(accepting(EventType::ServiceMissing, None));
    run.observe(&unseen(), 10);
    assert!(run.is(MISSING, State::Open));
    assert_eq!(run.observe(&down(), 20).said(), ["resolved DOCKER_UNREACHABLE", "resolved SERVICE_MISSING"]);
}

#[test]
fn what_is_there_at_the_first_complete_pass_is_the_baseline() {
    let mut run = Run::new(Policy { first_run: FirstRun::Baseline, ..patient() });
    let partial = run.observe(&unseen(), 0);
    assert!(run.ledger.born.is_none() && partial.said().is_empty());
    assert_eq!(
        run.observe(&down(), 10).said(),
        ["opened SERVICE_MISSING (quietly)"],
        "at once: it is not news"
    );
    assert!(run.entry(MISSING).unwrap().baseline && run.ledger.born == Some(at(10)));
    run.observe(&up(), 20);
    assert_eq!(run.observe(&up(), 30).said(), ["resolved SERVICE_MISSING (quietly)"]);
    run.observe(&down(), 40);
    assert_eq!(run.observe(&down(), 50).said(), ["reopened SERVICE_MISSING"], "what comes later is news");
}

#[test]
fn what_a_source_shows_when_it_first_answers_is_no_news_however_long_others_have_looked() {
    let newcomer = |run: &Run, seconds| {
        let world = down().at(seconds);
        let report = run.policy.apply(world.diff(&[]), &world.expected, at(seconds));
        Report { newcomers: vec![report.drifted[0].evidence.source.clone()], ..report }
    };
    let mut run = Run::new(Policy { first_run: FirstRun::Baseline, ..patient() });
    run.observe(&Plan::new(host([]), [docker([])]), 0);
    assert_eq!(run.ledger.born, Some(at(0)));
    let report = newcomer(&run, 10);
    assert_eq!(run.take(report, at(10), &[]).said(), ["opened SERVICE_MISSING (quietly)"]);
    assert!(run.entry(MISSING).unwrap().baseline);
    run.observe(&up(), 20);
    run.observe(&up(), 30);
    run.observe(&down(), 40);
    assert_eq!(run.observe(&down(), 50).said(), ["reopened SERVICE_MISSING"], "what comes later is news");
    // Nobody asked for a baseline.
    let mut run = Run::new(patient());
    run.observe(&Plan::new(host([]), [docker([])]), 0);
    let report = newcomer(&run, 10);
    assert!(run.take(report, at(10), &[]).said().is_empty() && run.is(MISSING, State::Pending));
}

#[test]
fn a_severity_of_the_operators_own_is_used_and_its_change_is_said() {
    let mut run = Run::new(immediate());
    run.policy
        .severity
        .push(SeverityRule { matcher: on(EventType::ServiceMissing), severity: Severity::Low });
    run.policy
        .severity
        .push(SeverityRule { matcher: on(EventType::ServiceMissing), severity: Severity::Info });
    let step = run.observe(&down(), 0);
    assert_eq!(step.advance.events[0].severity, Severity::Low, "the first rule decides");
    run.policy.severity.clear();
    let step = run.observe(&down(), 10);
    assert_eq!(step.said(), ["changed SERVICE_MISSING"]);
    assert_eq!(step.advance.events[0].severity, Severity::High);
}

#[test]
fn whoever_accepts_an_undeclared_machine_accepts_what_runs_on_it() {
    let guest = Plan::undeclared([docker([shown("a", RunState::Running), shown("b", RunState::Running)])]);
    let mut run = Run::new(immediate());
    run.policy.ignore.push(accepting(EventType::ConfigDrift, None));
    let step = run.observe(&guest, 0);
    assert_eq!(step.said(), quiet());
    assert_eq!(step.report.ignored.len(), 3);
}
