//! Silences made at run time: what may be wished for, whom one covers, when it is over.

use std::sync::Arc;
use std::time::Duration;

use crate::world::run::Run;
use crate::world::{HOST, Plan, at, blind, declared, docker, host, immediate, shown, source};
use evenkeel_core::model::RunState;
use evenkeel_core::policy::silence::{Mistake, Pattern, Stands, Target, Until, Wish};
use evenkeel_core::policy::{Labels, MadeSilence, Policy};
use evenkeel_core::{DriftId, EventType, GapKind, Severity, SourceKind, Subject};
use jiff::SignedDuration;
use proptest::prelude::*;

const DAY: i64 = 86_400;
const LONGEST: Duration = Duration::from_secs(10 * 86_400);

fn down() -> Plan {
    Plan::new(host([declared("web"), declared("db")]), [docker([shown("db", RunState::Running)])])
}

fn up() -> Plan {
    let running = [shown("web", RunState::Running), shown("db", RunState::Running)];
    Plan::new(host([declared("web"), declared("db")]), [docker(running)])
}

fn web() -> DriftId {
    DriftId::of_service(&HOST.into(), &"web".into(), EventType::ServiceMissing)
}

fn pattern(hosts: &[&str], services: &[&str], types: &[EventType]) -> Target {
    let texts = |list: &[&str]| list.iter().map(|text| Arc::from(*text)).collect();
    Target::Pattern(Pattern { hosts: texts(hosts), services: texts(services), types: types.to_vec() })
}

fn wish(target: Target, until: Until) -> Wish {
    Wish { target, reason: "the disks are being changed".to_owned(), starts: None, until: Some(until) }
}

fn made(wish: Wish, now: i64) -> Result<MadeSilence, Vec<Mistake>> {
    MadeSilence::new("QUIET000".into(), wish, "ada".into(), LONGEST, at(now))
}

fn hours(hours: i64) -> Until {
    Until::After(SignedDuration::from_hours(hours))
}

#[test]
fn a_silence_of_one_drift_leaves_every_other_drift_audible() {
    let silence = made(wish(Target::Drift(web()), hours(1)), 0).unwrap().silence();
    let others = [
        DriftId::of_service(&HOST.into(), &"db".into(), EventType::ServiceMissing),
        DriftId::of_service(&"else".into(), &"web".into(), EventType::ServiceMissing),
        DriftId::of_service(&HOST.into(), &"web".into(), EventType::PortMismatch),
    ];
    assert!(silence.covers(&web(), Labels::default()));
    assert!(others.iter().all(|id| !silence.covers(id, Labels::default())));
}

#[test]
fn a_pattern_hides_no_blindness_unless_it_names_it() {
    let subject = Subject::Host(HOST.into());
    let engine = source(SourceKind::Docker);
    for kind in EventType::ALL {
        let id = DriftId::of_source(subject.clone(), kind, &engine);
        let covers = |target: Target| {
            made(wish(target, hours(1)), 0).unwrap().silence().covers(&id, Labels::default())
        };
        assert_eq!(covers(pattern(&["*"], &[], &[])), !kind.is_blindness(), "{kind}");
        assert!(covers(pattern(&["*"], &[], &[kind])), "{kind}");
        assert!(covers(Target::Drift(id.clone())), "{kind}");
    }
}

#[test]
fn a_host_that_is_silenced_still_says_that_its_engine_is_not_seen() {
    let silence = made(wish(pattern(&["*"], &[], &[]), hours(1)), 0).unwrap();
    let mut run = Run::new(immediate().with([&silence]));
    assert_eq!(run.observe(&down(), 0).said(), ["opened SERVICE_MISSING (quietly)"]);
    let unseen = Plan::new(host([declared("web")]), [blind(SourceKind::Docker, GapKind::TimedOut)]);
    assert_eq!(run.observe(&unseen, 30).said(), ["opened DOCKER_UNREACHABLE"]);
}

#[test]
fn what_a_made_silence_kept_quiet_is_said_when_it_ends_or_is_ended() {
    let silence = made(wish(Target::Drift(web()), hours(1)), 0).unwrap();
    let quiet = || Run::new(immediate().with([&silence]));
    let mut run = quiet();
    let first = run.observe(&down(), 0);
    assert_eq!(first.said(), ["opened SERVICE_MISSING (quietly)"]);
    assert_eq!(first.advance.due, Some(at(3600)));
    assert_eq!(run.look(&down().at(0), 3599).said(), Vec::<String>::new());
    assert_eq!(run.look(&down().at(0), 3600).said(), ["reminder SERVICE_MISSING"]);

    let mut run = quiet();
    run.observe(&down(), 0);
    let ended = silence.end("bob".into(), "done", at(60)).unwrap();
    run.policy = immediate().with([&ended]);
    assert_eq!(run.look(&down().at(0), 60).said(), ["reminder SERVICE_MISSING"]);
}

#[test]
fn an_acknowledged_drift_is_over_with_its_silence_when_it_is_resolved_or_was() {
    let silence = made(wish(Target::Drift(web()), Until::Resolved), 5).unwrap();
    assert!(silence.until_resolved);
    assert_eq!(silence.ends, at(5 + 10 * DAY), "as late as one may");
    let mut run = Run::new(immediate());
    run.observe(&down(), 0);
    let entry = |run: &Run| run.entry("web").cloned();
    assert!(!silence.is_fulfilled(entry(&run).as_ref(), at(30)), "it is open still");
    run.observe(&up(), 60);
    assert!(silence.is_fulfilled(entry(&run).as_ref(), at(60)), "resolved");
    assert!(silence.is_fulfilled(None, at(60)), "and long forgotten");
    run.observe(&down(), 90);
    let again = entry(&run);
    assert!(
        silence.is_fulfilled(again.as_ref(), at(90)),
        "open again: another time than the one acknowledged"
    );
    assert!(!silence.is_fulfilled(again.as_ref(), at(30)), "opened before the clock was set back");
    let for_a_while = made(wish(Target::Drift(web()), hours(1)), 5).unwrap();
    assert!(!for_a_while.is_fulfilled(None, at(90)), "that one lasts as long as it was said to");
}

#[test]
fn a_silence_holds_on_when_the_clock_is_set_back_behind_its_making() {
    let at_once = made(wish(Target::Drift(web()), hours(1)), 600).unwrap();
    let mut kept = at_once.clone();
    kept.set_back(at(0));
    assert_eq!((kept.made_at, kept.starts, kept.ends), (at(0), at(0), at_once.ends));
    assert_eq!(kept.stands(at(0)), Stands::InForce);
    let mut unmoved = at_once.clone();
    unmoved.set_back(at(601));
    assert_eq!(unmoved, at_once);
    let later = Wish { starts: Some(at(900)), ..wish(Target::Drift(web()), hours(1)) };
    let mut later = made(later, 600).unwrap();
    later.set_back(at(0));
    assert_eq!(later.stands(at(0)), Stands::Coming, "what was to begin at an hour begins at that hour");
}

#[test]
fn everything_wrong_with_a_wish_is_said_at_once() {
    let nothing = Wish { target: pattern(&[], &[], &[]), reason: " ".to_owned(), starts: None, until: None };
    assert_eq!(made(nothing, 0), Err(vec![Mistake::NoReason, Mistake::Nothing, Mistake::NoEnd]));
    let wrong = |wish: Wish| made(wish, 100).unwrap_err();
    let long = "x".repeat(201);
    for (hosts, services, of) in [
        (vec!["a", " "], vec![], "hosts"),
        (vec![], vec![long.as_str()], "services"),
        (vec!["a"; 51], vec![], "hosts"),
    ] {
        assert_eq!(wrong(wish(pattern(&hosts, &services, &[]), hours(1))), [Mistake::BadPattern { of }]);
    }
    let one = |until| wrong(wish(Target::Drift(web()), until));
    assert_eq!(one(Until::Moment(at(100))), [Mistake::EndsEarly]);
    assert_eq!(one(hours(0)), [Mistake::EndsEarly]);
    assert_eq!(one(hours(240 + 1)), [Mistake::TooLong { longest: LONGEST }]);
    assert_eq!(wrong(wish(pattern(&["*"], &[], &[]), Until::Resolved)), [Mistake::NothingResolves]);
    let wordy = Wish { reason: "x".repeat(1001), ..wish(Target::Drift(web()), hours(1)) };
    assert_eq!(wrong(wordy), [Mistake::LongReason]);
    for mistake in [Mistake::NoReason, Mistake::TooLong { longest: LONGEST }] {
        assert!(mistake.to_string().len() > 20 && !mistake.about().is_empty());
    }
}

#[test]
fn a_silence_that_is_over_cannot_be_ended_again() {
    let silence = made(wish(Target::Drift(web()), hours(1)), 0).unwrap();
    let ended = silence.end("bob".into(), " done ", at(60)).unwrap();
    assert_eq!((ended.stands(at(60)), ended.over_at()), (Stands::Over, at(60)));
    assert_eq!(ended.ended.as_ref().map(|ended| (&*ended.by, &*ended.reason)), Some(("bob", "done")));
    assert!(ended.end("bob".into(), "", at(61)).is_err());
    assert!(silence.end("bob".into(), "", at(3600)).is_err());
}

#[test]
fn it_is_kept_as_it_was_made() {
    for target in [Target::Drift(web()), pattern(&["box*"], &["web"], &[EventType::VmDown])] {
        let silence = made(wish(target, hours(1)), 0).unwrap();
        let ended = silence.end("bob".into(), "done", at(9)).unwrap();
        for silence in [silence, ended] {
            let text = serde_json::to_string(&silence).unwrap();
            assert_eq!(serde_json::from_str::<MadeSilence>(&text).unwrap(), silence);
        }
    }
}

#[test]
fn of_severity_rules_the_first_that_matches_weighs() {
    let rule = |types: &[EventType], severity| evenkeel_core::policy::SeverityRule {
        matcher: evenkeel_core::policy::Matcher { types: types.to_vec(), ..Default::default() },
        severity,
    };
    let severity = vec![
        rule(&[EventType::VmDown], Severity::Low),
        rule(&[EventType::ServiceMissing], Severity::Info),
        rule(&EventType::ALL, Severity::Critical),
    ];
    let policy = Policy { severity, ..immediate() };
    assert_eq!(policy.weighing(&web(), Labels::default()), Some(1));
}

proptest! {
    /// Whoever comes from a clock with fractions and asks for as long as one may gets it; a second more is refused.
    #[test]
    fn what_is_made_lasts_no_longer_than_it_may(now in 0_i64..4_000_000_000_000, seconds in 1_i64..20 * DAY, later in 0_i64..5 * DAY) {
        let now = jiff::Timestamp::from_millisecond(now).unwrap();
        let starts = (later > 0).then(|| now + SignedDuration::from_secs(later));
        let until = Some(Until::After(SignedDuration::from_secs(seconds)));
        let wish = Wish { starts, until, ..wish(Target::Drift(web()), hours(1)) };
        match MadeSilence::new("QUIET000".into(), wish, "ada".into(), LONGEST, now) {
            Ok(silence) => {
                prop_assert!(seconds <= 10 * DAY);
                prop_assert_eq!(silence.ends.duration_since(silence.starts).as_secs(), seconds);
                prop_assert!(silence.made_at <= now && silence.starts >= silence.made_at);
                let stands = |at| silence.stands(at);
                prop_assert_eq!(stands(silence.ends), Stands::Over);
                prop_assert_eq!(stands(silence.starts), Stands::InForce);
                prop_assert_eq!(silence.silence().in_force(now), silence.stands(now) == Stands::InForce);
            }
            Err(mistakes) => {
                prop_assert!(seconds > 10 * DAY);
                prop_assert_eq!(mistakes, vec![Mistake::TooLong { longest: LONGEST }]);
            }
        }
    }
}
