//! The planner over random histories: R1, R2, and what else must hold at every dispatch (see `repair/fleet.rs`).

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::repair::fleet::{Happening, Run, history, mode};
use crate::repair::{at, policy};
use evenkeel_core::remediation::{Approver, Facts, Guards, Mode, Phase, Plan, Policy, plan, rehearse};
use proptest::prelude::*;

/// The default guards, and guards that let much more through, so that each of them is met alone, too.
fn guards() -> impl Strategy<Value = Guards> {
    let bound = || prop_oneof![1 => 1u32..4, 1 => Just(1000)];
    (bound(), 1u32..4, bound(), bound(), prop_oneof![Just(5u32), Just(1000)], 0i64..1200).prop_map(
        |(concurrency, attempts, per_hour, per_day, allowance, cooldown)| {
            let mut guards = Guards { concurrency, attempts, per_hour, per_day, ..Guards::default() };
            guards.brake.allowance = allowance;
            guards.cooldown = jiff::SignedDuration::from_secs(cooldown);
            guards
        },
    )
}

fn with(mode: Mode, guards: Guards) -> Policy {
    Policy { guards, ..policy(mode) }
}

fn play(
    history: &[(Happening, i64)],
    run: &mut Run,
    mut check: impl FnMut(&Run, &Plan) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    for (happening, pause) in history {
        run.happens(happening);
        run.now += pause;
        // A plan makes proposals, the next one may dispatch them.
        for _ in 0..2 {
            let plan = run.round()?;
            check(run, &plan)?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// What must hold at every dispatch is checked where it happens: approved, once per key, on a root that is seen,
    /// alone on its host, within every bound.
    #[test]
    fn r1_an_action_runs_only_from_an_approved_proposal_once_per_key(
        history in history(), mode in mode(), guards in guards()
    ) {
        let mut run = Run::new(with(mode, guards));
        play(&history, &mut run, |_, _| Ok(()))?;
        for proposal in &run.proposals {
            let Some(ran) = proposal.state().run() else { continue };
            let by_rule = matches!(ran.approval.by, Approver::Rule(_));
            prop_assert_eq!(by_rule, proposal.content.mode == Mode::Auto, "only auto approves by itself");
            prop_assert!(ran.approval.at <= ran.at && ran.at < proposal.expires_at);
        }
    }

    #[test]
    fn r2_over_the_brake_nothing_is_dispatched(history in history(), guards in guards()) {
        let mut run = Run::new(with(Mode::Auto, guards));
        play(&history, &mut run, |_, plan| {
            if plan.brake.engaged.is_some() {
                prop_assert!(plan.dispatch.is_empty(), "dispatched over the brake");
                prop_assert!(plan.propose.is_empty(), "asked in a storm");
            }
            Ok(())
        })?;
    }

    /// Whatever the order of the facts, the plan is the same; and the same facts give the same plan.
    #[test]
    fn the_order_of_the_facts_is_irrelevant(history in history(), seed in any::<u64>()) {
        let mut run = Run::new(with(Mode::Auto, Guards::default()));
        play(&history, &mut run, |run, plan_before| {
            // Where nothing is decided there is little to get wrong, and a history is long.
            if plan_before.held.is_empty() && plan_before.settle.is_empty() {
                return Ok(());
            }
            let (mut sights, mut proposals, mut fleet) =
                (run.sights(), run.proposals.clone(), run.fleet.clone());
            shuffle(&mut sights, seed);
            shuffle(&mut proposals, seed.rotate_left(7));
            shuffle(&mut fleet.opened, seed.rotate_left(13));
            let facts = Facts { sights: &sights, proposals: &proposals, fleet: &fleet, controls: &run.controls };
            prop_assert_eq!(plan(&facts, &run.policy, at(run.now)), run.plan());
            Ok(())
        })?;
    }

    /// A world in which nothing happens any more goes quiet: whatever waits is approved, runs out, or is handed on.
    #[test]
    fn everything_ends(history in history(), mode in mode()) {
        let mut run = Run::new(with(mode, Guards::default()));
        play(&history, &mut run, |_, _| Ok(()))?;
        (0..12).for_each(|n| run.heals(n));
        for _ in 0..40 {
            run.now += 3600;
            run.round()?;
        }
        let live: Vec<_> = run.proposals.iter().filter(|p| p.phase() != Phase::Over).collect();
        prop_assert!(live.is_empty(), "{live:#?}");
        prop_assert!(run.plan().settle.is_empty() && run.plan().propose.is_empty());
    }

    /// Carrying a plan out leaves nothing to be done a second time at the same moment, after at most a few rounds.
    #[test]
    fn a_plan_that_is_carried_out_is_done(history in history(), mode in mode()) {
        let mut run = Run::new(with(mode, Guards::default()));
        play(&history, &mut run, |_, _| Ok(()))?;
        for _ in 0..4 {
            run.round()?;
        }
        let plan = run.plan();
        prop_assert!(plan.propose.is_empty() && plan.settle.is_empty() && plan.dispatch.is_empty(), "{plan:#?}");
    }

    /// The dry run says what the next rounds do.
    #[test]
    fn what_is_rehearsed_is_what_happens(history in history()) {
        let mut run = Run::new(with(Mode::Auto, Guards::default()));
        play(&history, &mut run, |_, _| Ok(()))?;
        run.breaks(3);
        run.now += 30;
        let sights = run.sights();
        let facts = Facts { sights: &sights, proposals: &run.proposals, fleet: &run.fleet, controls: &run.controls };
        let rehearsed = rehearse(&facts, &run.policy, at(run.now));
        let first = run.plan();
        prop_assert_eq!(&rehearsed.propose, &first.propose);
        prop_assert!(first.dispatch.iter().all(|key| rehearsed.dispatch.contains(key)) || !first.settle.is_empty());
        // Making and settling only, and then looking again.
        run.controls.brake = first.brake.clone();
        crate::repair::commit(&first, &mut run.proposals, at(run.now));
        let second = run.plan();
        prop_assert_eq!(rehearsed.dispatch, second.dispatch);
        prop_assert_eq!(rehearsed.held, second.held);
    }

    #[test]
    fn nothing_happens_where_it_is_not_switched_on(history in history()) {
        let mut run = Run::new(Policy { enabled: false, ..with(Mode::Auto, Guards::default()) });
        play(&history, &mut run, |run, plan| {
            prop_assert!(run.proposals.is_empty() && plan.held.is_empty() && plan.brake_entry.is_none());
            Ok(())
        })?;
    }
}

/// The histories reach what they are meant to reach: a property over a world in which nothing happens holds of itself.
#[test]
fn the_histories_reach_every_state() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..300 {
        let (history, mode) = (history(), mode()).new_tree(&mut runner).unwrap().current();
        let mut run = Run::new(with(mode, Guards::default()));
        play(&history, &mut run, |run, plan| {
            seen.extend(run.proposals.iter().map(|p| p.state().as_str()));
            seen.extend(plan.brake.engaged.as_ref().map(|_| "braked"));
            seen.extend(plan.brake.released_at.map(|_| "released"));
            Ok(())
        })
        .unwrap();
    }
    for state in [
        "proposed",
        "approved",
        "rejected",
        "expired",
        "withdrawn",
        "dispatched",
        "acknowledged",
        "succeeded",
        "failed",
        "timed_out",
        "verified",
        "not_verified",
        "escalated",
        "braked",
        "released",
    ] {
        assert!(seen.contains(state), "no history reaches {state}: {seen:?}");
    }
}

fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed | 1;
    for i in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(i, (state >> 33) as usize % (i + 1));
    }
}
