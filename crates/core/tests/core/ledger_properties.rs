//! The invariants of the ledger (U3, F1, E1) over random histories under random policies.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use crate::world::run::{Run, Step, begins, ends, id_of};
use crate::world::strategy::{history, policy};
use crate::world::{at, subject};
use evenkeel_core::ledger::{Ledger, State};
use evenkeel_core::{DriftId, EventType, Transition, fold};
use proptest::prelude::*;
use proptest::sample::select;

fn state(ledger: &Ledger, id: &DriftId) -> Option<State> {
    ledger.entries.get(id).map(|e| e.state)
}

fn is_open(ledger: &Ledger, id: &DriftId) -> bool {
    state(ledger, id) == Some(State::Open)
}

fn opened(step: &Step) -> Vec<DriftId> {
    step.advance.ledger.open().filter(|e| !is_open(&step.before, &e.id)).map(|e| e.id.clone()).collect()
}

fn resolved(step: &Step) -> Vec<DriftId> {
    step.before.open().filter(|e| !is_open(&step.advance.ledger, &e.id)).map(|e| e.id.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn u3_nothing_opens_or_resolves_while_its_verdict_is_unknown(history in history(), policy in policy()) {
        history.play(&mut Run::new(policy), |_, step| {
            let unknown = |id: &DriftId| step.report.unknown.iter().any(|(i, _)| i == id);
            for id in opened(step) {
                prop_assert!(!unknown(&id), "{id} opened unseen");
                prop_assert!(step.report.drifted.iter().any(|d| d.id == id));
            }
            for id in resolved(step) {
                prop_assert!(!unknown(&id), "{id} resolved unseen");
                let clean = step.report.clean.iter().any(|(i, _)| *i == id);
                let accepted = step.report.ignored.iter().any(|(d, _)| d.id == id);
                prop_assert!(clean || accepted, "{id} resolved without a verdict");
            }
            Ok(())
        })?;
    }

    /// Whatever is said about a drift's beginning is said about a root: no other open drift explains it at that moment.
    #[test]
    fn f1_at_most_one_notified_root_per_cause(history in history(), policy in policy()) {
        history.play(&mut Run::new(policy), |_, step| {
            let after = &step.advance.ledger;
            for event in step.advance.events.iter().filter(|e| begins(e) || e.transition == Transition::Reminder) {
                let id = id_of(event);
                let blind = after.entries[&id].blind.is_some();
                let cause = after.open().find(|e| fold::explains(&e.id, &id, blind));
                prop_assert!(cause.is_none(), "{id} was said although {} explains it", cause.unwrap().id);
            }
            Ok(())
        })?;
    }

    /// The other half of F1: nothing is folded away for good. Whatever is open and folded leads, consequence by
    /// consequence, to an open root that is no consequence itself.
    #[test]
    fn f1_every_consequence_leads_to_an_open_root(history in history(), policy in policy()) {
        history.play(&mut Run::new(policy), |_, step| {
            let after = &step.advance.ledger;
            for entry in after.open() {
                let mut root = entry;
                let mut seen = vec![&entry.id];
                while let Some(parent) = &root.parent {
                    prop_assert!(!seen.contains(&parent), "{} is its own cause", entry.id);
                    seen.push(parent);
                    prop_assert!(is_open(after, parent), "{} hides behind {parent}, which is not open", entry.id);
                    root = &after.entries[parent];
                }
            }
            Ok(())
        })?;
    }

    /// And what is an open, visible root has been recorded; unless it is quiet by decision, it has been said.
    #[test]
    fn f1_every_visible_root_is_recorded_and_said(history in history(), policy in policy()) {
        history.play(&mut Run::new(policy), |_, step| {
            for drift in &step.report.drifted {
                let Some(entry) = step.advance.ledger.entries.get(&drift.id) else { continue };
                if entry.is_root() && entry.freed.is_some() && !entry.recorded {
                    prop_assert!(step.advance.awaits_observation, "{} waits for nothing", entry.id);
                } else if entry.is_root() {
                    prop_assert!(entry.recorded, "{} is open and nobody wrote it down", entry.id);
                    prop_assert!(entry.announced || entry.baseline || entry.silenced.is_some(), "{} was never said", entry.id);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn e1_a_stable_world_goes_quiet_and_the_ledger_equals_the_diff(history in history(), policy in policy()) {
        let mut run = Run::new(evenkeel_core::policy::Policy { remind_after: None, ..policy });
        let mut now = history.play(&mut run, |_, _| Ok(()))?;
        // Past every rule's beginning and end, every flap window and every quiet time.
        let last = &history.plans[history.moments.last().unwrap().plan];
        now += 4000;
        for _ in 0..40 {
            now += 300;
            run.observe(last, now);
        }
        for _ in 0..3 {
            now += 30;
            let step = run.observe(last, now);
            let changed: Vec<_> = step.advance.changed.iter().filter(|id| {
                let before = &step.before.entries[*id];
                let after = &step.advance.ledger.entries[*id];
                // That it was seen again is not a change of state.
                let mut same = before.clone();
                same.last_seen = after.last_seen;
                same.evidence = after.evidence.clone();
                same.seen = after.seen;
                same != *after
            }).collect();
            prop_assert!(step.advance.events.is_empty(), "{:?}", step.said());
            prop_assert!(changed.is_empty() && step.advance.removed.is_empty(), "{changed:?}");
            prop_assert!(!step.advance.awaits_observation);
            let mut meant: Vec<DriftId> = step.report.drifted.iter().map(|d| d.id.clone()).collect();
            // What nobody can see now stays as it was believed last.
            meant.extend(step.report.unknown.iter().map(|(id, _)| id.clone()).filter(|id| is_open(&step.before, id)));
            meant.sort();
            prop_assert_eq!(run.open(), meant);
        }
    }

    #[test]
    fn e1_waking_when_due_always_makes_progress(history in history(), policy in policy()) {
        let mut run = Run::new(policy);
        let mut due = None;
        let now = history.play(&mut run, |_, step| {
            due = step.advance.due;
            prop_assert!(due.is_none_or(|due| due > step.now), "due at once");
            Ok(())
        })?;
        let last = &history.plans[history.moments.last().unwrap().plan];
        let observed = last.at(now);
        for _ in 0..30 {
            let Some(wake) = due else { break };
            let rules = run.policy.next_change(wake - jiff::Span::new().nanoseconds(1)) == Some(wake);
            let step = run.look_at(&observed, wake);
            let progress = !step.advance.events.is_empty() || !step.advance.changed.is_empty()
                || !step.advance.removed.is_empty() || step.advance.due.is_none();
            prop_assert!(progress || rules, "woken for nothing at {wake}, due again {:?}", step.advance.due);
            prop_assert!(step.advance.due.is_none_or(|due| due > wake));
            due = step.advance.due;
        }
    }

    #[test]
    fn advance_is_idempotent(history in history(), policy in policy()) {
        history.play(&mut Run::new(policy.clone()), |_, step| {
            let mut again = Run::new(policy.clone());
            again.ledger = step.advance.ledger.clone();
            let second = again.take(step.report.clone(), step.now, &[]);
            prop_assert!(second.advance.events.is_empty(), "{:?}", second.said());
            prop_assert_eq!(&second.advance.ledger.entries, &step.advance.ledger.entries);
            prop_assert!(second.advance.changed.is_empty(), "{:?}", second.advance.changed);
            prop_assert!(second.advance.removed.is_empty());
            prop_assert_eq!(second.advance.due, step.advance.due);
            prop_assert_eq!(second.advance.ledger, step.advance.ledger.clone());
            Ok(())
        })?;
    }

    #[test]
    fn beginnings_and_ends_alternate_and_an_end_is_heard_iff_its_beginning_was(history in history(), policy in policy()) {
        // Per drift: whether it is begun, and whether somebody has heard of it.
        let mut told: BTreeMap<DriftId, (bool, bool)> = BTreeMap::new();
        history.play(&mut Run::new(policy), |_, step| {
            for event in &step.advance.events {
                let (begun, heard) = told.entry(id_of(event)).or_default();
                if begins(event) {
                    prop_assert!(!*begun, "two beginnings of {}", event.drift_id);
                    (*begun, *heard) = (true, event.announce);
                } else if ends(event) {
                    prop_assert!(*begun, "an end without a beginning of {}", event.drift_id);
                    prop_assert_eq!(event.announce, *heard, "of {}", event.drift_id.clone());
                    (*begun, *heard) = (false, false);
                } else {
                    prop_assert!(*begun, "{} of {} before its beginning", event.transition, event.drift_id);
                    *heard |= event.announce;
                }
            }
            for id in resolved(step) {
                let ends = step.advance.events.iter().filter(|e| ends(e) && id_of(e) == id).count();
                prop_assert_eq!(ends, usize::from(step.before.entries[&id].recorded));
            }
            for (id, (begun, _)) in &told {
                prop_assert_eq!(*begun, is_open(&step.advance.ledger, id) && step.advance.ledger.entries[id].recorded);
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_same_or_an_older_observation_never_opens_what_needs_two(history in history(), policy in policy(), back in select(vec![0_i64, 0, 1, 50])) {
        let mut run = Run::new(policy);
        let now = history.play(&mut run, |_, _| Ok(()))?;
        let last = &history.plans[history.moments.last().unwrap().plan];
        let first = run.observe(last, now + 100);
        let pending: Vec<DriftId> = run.ledger.unresolved().filter(|id| !is_open(&run.ledger, id)).cloned().collect();
        let resolving = resolved(&first);
        for i in 1..20 {
            let step = run.look(&last.at(now + 100 - back), now + 100 + i * 7);
            for id in opened(&step) {
                prop_assert!(!pending.contains(&id), "{id} was confirmed by repetition");
            }
            prop_assert!(resolving.iter().all(|id| !resolved(&step).contains(id)));
        }
    }

    #[test]
    fn changed_and_removed_tell_the_whole_difference(history in history(), policy in policy()) {
        history.play(&mut Run::new(policy), |_, step| {
            let mut rebuilt = step.before.entries.clone();
            for id in &step.advance.removed {
                prop_assert!(rebuilt.remove(id).is_some());
            }
            for id in &step.advance.changed {
                rebuilt.insert(id.clone(), step.advance.ledger.entries[id].clone());
            }
            prop_assert_eq!(&rebuilt, &step.advance.ledger.entries);
            Ok(())
        })?;
    }

    #[test]
    fn flapping_is_damped_to_a_bounded_number_of_events(
        history in history(), transitions in 2..6_usize, step in 5..50_i64
    ) {
        let mut policy = crate::world::immediate();
        policy.flap = crate::world::flap(transitions as u32, 1_000_000, 600);
        let mut run = Run::new(policy);
        let mut count: BTreeMap<(DriftId, bool), usize> = BTreeMap::new();
        for i in 0..200 {
            let plan = &history.plans[if i % 2 == 0 { 0 } else { 2 }];
            for event in run.observe(plan, i * step).advance.events {
                *count.entry((id_of(&event), event.transition == Transition::Reminder)).or_default() += 1;
            }
        }
        for ((id, _), count) in count {
            prop_assert!(count <= transitions + 1, "{count} events about {id}");
        }
    }

    #[test]
    fn outer_roots_explain_everything_and_nothing_is_said(history in history(), policy in policy()) {
        let node = DriftId::of_host(&"node".into(), EventType::NodeUnreachable);
        let mut run = Run::new(policy);
        for (i, moment) in history.moments.iter().enumerate() {
            let report = history.plans[moment.plan].at(i as i64 * 30).diff(&[]);
            let step = run.take(report, at(i as i64 * 30), std::slice::from_ref(&node));
            prop_assert!(step.advance.events.iter().all(|e| !e.announce), "{:?}", step.said());
        }
        prop_assert_eq!(&run.ledger.subject, &subject());
    }
}
