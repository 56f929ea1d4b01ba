//! What a clock that is set back does to the ledger: nothing waits until it is as late again.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::world::run::Run;
use crate::world::strategy::{history, policy};
use crate::world::{Plan, at, declared, docker, flap, host, immediate, patient, shown};
use evenkeel_core::DriftId;
use evenkeel_core::ledger::{Ledger, State};
use evenkeel_core::model::RunState;
use evenkeel_core::policy::Policy;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn down() -> Plan {
    Plan::new(host([declared("web")]), [docker([])])
}

fn up() -> Plan {
    Plan::new(host([declared("web")]), [docker([shown("web", RunState::Running)])])
}

#[test]
fn a_clock_that_is_set_back_delays_neither_a_beginning_nor_an_end() {
    let mut run = Run::new(patient());
    run.observe(&down(), 2 * DAY);
    run.ledger.set_back(at(DAY));
    assert_eq!(run.observe(&down(), DAY + 30).said(), ["opened SERVICE_MISSING"], "what was counted counts");
    run.ledger.set_back(at(0));
    assert_eq!(run.observe(&up(), 30).said(), Vec::<String>::new(), "one observation is one");
    assert_eq!(run.observe(&up(), 60).said(), ["resolved SERVICE_MISSING"]);
}

#[test]
fn what_comes_and_goes_is_held_for_as_long_as_it_always_is() {
    let mut run = Run::new(Policy { flap: flap(2, 3600, 600), ..immediate() });
    run.observe(&down(), DAY);
    run.observe(&up(), DAY + 30);
    run.observe(&down(), DAY + 60);
    let held = run.observe(&up(), DAY + 90);
    assert_eq!(held.advance.due, Some(at(DAY + 690)));
    run.ledger.set_back(at(0));
    assert_eq!(
        run.observe(&up(), 30).advance.due,
        Some(at(600)),
        "clean since the clock was set back at the latest"
    );
    assert_eq!(run.observe(&up(), 600).said(), ["resolved SERVICE_MISSING"]);
}

#[test]
fn the_name_of_an_opening_stays_as_it_was() {
    let mut run = Run::new(immediate());
    run.observe(&down(), DAY);
    run.ledger.set_back(at(0));
    assert_eq!(run.entry("web").unwrap().opened_at, Some(at(DAY)));
}

/// Every moment in the ledger, but the names of openings.
fn moments(ledger: &Ledger) -> Vec<Timestamp> {
    let of_entries = ledger.entries.values().flat_map(|entry| {
        let may_be = [entry.clean_since, entry.resolved_at, entry.said_at];
        [entry.first_seen, entry.last_seen, entry.evidence.observed_at]
            .into_iter()
            .chain(may_be.into_iter().flatten())
            .chain(entry.freed.map(|freed| freed.at))
            .chain(entry.blind.as_ref().map(|blind| blind.since))
            .chain(entry.transitions.clone())
    });
    of_entries.chain(ledger.born).collect()
}

/// What is counted, and where it stands.
fn counted(ledger: &Ledger) -> Vec<(DriftId, State, u32, u32, usize, bool)> {
    let of = |e: &evenkeel_core::ledger::Entry| {
        (e.id.clone(), e.state, e.seen, e.clean, e.transitions.len(), e.announced)
    };
    ledger.entries.values().map(Box::as_ref).map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_in_it_is_later_than_now_and_what_was_counted_is_counted(
        history in history(), policy in policy(), back in select(vec![1, 120, HOUR, DAY]),
    ) {
        let mut run = Run::new(policy);
        let last = history.play(&mut run, |_, _| Ok(()))?;
        let before = run.ledger.clone();
        let now = at(last - back);
        run.ledger.set_back(now);
        prop_assert!(moments(&run.ledger).iter().all(|moment| *moment <= now), "{:#?}", run.ledger);
        prop_assert_eq!(counted(&run.ledger), counted(&before));
        // What was no later than now is as it was.
        let mut same = before.clone();
        same.set_back(at(last));
        prop_assert_eq!(same, before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn e1_it_is_the_diff_soon_after(history in history(), policy in policy(), back in select(vec![HOUR, 10 * DAY])) {
        // Without rules that have an end of their own.
        let policy = Policy { ignore: Vec::new(), silences: Vec::new(), ..policy };
        let (quiet, window) = (600, 600);
        let mut run = Run::new(policy);
        let mut now = history.play(&mut run, |_, _| Ok(()))? - back;
        run.ledger.set_back(at(now));
        let last = &history.plans[history.moments.last().unwrap().plan];
        let until = now + quiet + window + 300;
        while now < until {
            now += 60;
            let step = run.observe(last, now);
            let latest = at(now) + SignedDuration::from_secs(600);
            prop_assert!(step.advance.due.is_none_or(|due| due <= latest), "due at {:?}", step.advance.due);
        }
        let step = run.observe(last, now + 30);
        let mut meant: Vec<DriftId> = step.report.drifted.iter().map(|d| d.id.clone()).collect();
        let is_open = |id: &DriftId| step.before.entries.get(id).is_some_and(|e| e.state == State::Open);
        meant.extend(step.report.unknown.iter().map(|(id, _)| id.clone()).filter(is_open));
        meant.sort();
        prop_assert_eq!(run.open(), meant);
    }
}
