//! How a host stood over time: the properties of its bars, and a few plain examples.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use evenkeel_core::heartbeat::{Bar, Beat, Standing, Turn, bars};
use jiff::Timestamp;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_766_376_000 + second).unwrap()
}

fn turn(second: i64, drift: u64, begins: bool) -> Turn {
    Turn { at: at(second), drift, begins, blind: drift >= 100 }
}

fn standing(drift: u64, since: Option<i64>) -> Standing {
    Standing { drift, since: since.map(at), blind: drift >= 100 }
}

fn beats(bars: &[Bar]) -> Vec<Beat> {
    bars.iter().map(Bar::beat).collect()
}

/// Ten pieces of ten seconds, of which all were looked at.
fn ten(turns: &[Turn], open: &[Standing]) -> Vec<Beat> {
    beats(&bars(turns, open, &[(at(-1000), at(1000))], at(0), at(100), 10))
}

use Beat::{Blind as B, Drift as D, InSync as S, Unknown as U};

#[test]
fn a_drift_lasts_from_its_opening_to_its_end() {
    let turns = [turn(20, 1, true), turn(40, 1, false), turn(75, 1, true), turn(76, 1, false)];
    assert_eq!(ten(&turns, &[]), [S, S, D, D, S, S, S, D, S, S]);
}

#[test]
fn what_ends_without_having_begun_was_open_before_and_what_is_open_lasts_until_now() {
    assert_eq!(ten(&[turn(30, 1, false)], &[]), [D, D, D, S, S, S, S, S, S, S]);
    assert_eq!(ten(&[turn(70, 1, true)], &[standing(1, Some(70))]), [S, S, S, S, S, S, S, D, D, D]);
    assert_eq!(ten(&[], &[standing(1, None)]), [D; 10]);
    assert_eq!(ten(&[], &[standing(1, Some(-500))]), [D; 10]);
}

#[test]
fn blindness_is_louder_than_a_drift_and_not_having_run_hides_both() {
    let turns = [turn(0, 1, true), turn(20, 100, true), turn(40, 100, false), turn(60, 1, false)];
    assert_eq!(ten(&turns, &[]), [D, D, B, B, D, D, S, S, S, S]);
    let runs = [(at(0), at(30)), (at(50), at(100))];
    assert_eq!(beats(&bars(&turns, &[], &runs, at(0), at(100), 10)), [D, D, B, U, U, D, S, S, S, S]);
}

#[test]
fn what_began_and_of_whose_end_nothing_is_known_is_not_in_sync() {
    assert_eq!(ten(&[turn(50, 1, true)], &[]), [S, S, S, S, S, U, U, U, U, U]);
}

#[test]
fn a_restart_is_no_hole_and_a_stop_is() {
    let runs = |back| [(at(0), at(44)), (at(back), at(100))];
    let shown = |back| beats(&bars(&[], &[], &runs(back), at(0), at(100), 10));
    assert_eq!(shown(44), [S; 10]);
    assert_eq!(shown(49), [S, S, S, S, U, S, S, S, S, S]);
    // A second in a minute and a half.
    assert_eq!(beats(&bars(&[], &[], &runs(45), at(0), at(100), 2)), [S, S]);
}

fn any_turn() -> impl Strategy<Value = Turn> {
    (-50i64..150, prop_oneof![0u64..4, 100u64..102], any::<bool>()).prop_map(|(s, d, b)| turn(s, d, b))
}

fn any_standing() -> impl Strategy<Value = Standing> {
    (prop_oneof![0u64..4, 100u64..102], proptest::option::of(-50i64..100)).prop_map(|(d, s)| standing(d, s))
}

fn any_run() -> impl Strategy<Value = (Timestamp, Timestamp)> {
    (-50i64..150, 0i64..80).prop_map(|(from, long)| (at(from), at(from + long)))
}

fn in_all(bars: &[Bar]) -> [i64; 4] {
    Beat::ALL.map(|beat| bars.iter().map(|bar| bar.part(beat)).sum())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_pieces_lie_end_to_end_and_each_adds_up(
        turns in prop::collection::vec(any_turn(), 0..12), open in prop::collection::vec(any_standing(), 0..4),
        runs in prop::collection::vec(any_run(), 0..4), n in 1usize..60,
    ) {
        let bars = bars(&turns, &open, &runs, at(0), at(100), n);
        prop_assert_eq!(bars.len(), n);
        prop_assert_eq!((bars[0].from, bars[n - 1].to), (at(0), at(100)));
        prop_assert!(bars.windows(2).all(|two| two[0].to == two[1].from));
        for bar in &bars {
            prop_assert!(bar.parts.iter().all(|part| *part >= 0));
            let long = bar.to.as_microsecond() - bar.from.as_microsecond();
            prop_assert_eq!(bar.parts.iter().sum::<i64>(), long);
        }
    }

    #[test]
    fn into_how_many_pieces_it_is_cut_and_in_which_order_it_is_told_changes_nothing(
        turns in prop::collection::vec(any_turn(), 0..12), open in prop::collection::vec(any_standing(), 0..4),
        runs in prop::collection::vec(any_run(), 0..4), n in 1usize..60,
    ) {
        let whole = bars(&turns, &open, &runs, at(0), at(100), 1);
        let cut = bars(&turns, &open, &runs, at(0), at(100), n);
        prop_assert_eq!(in_all(&whole), in_all(&cut));
        let backwards: Vec<Turn> = turns.iter().rev().copied().collect();
        prop_assert_eq!(bars(&backwards, &open, &runs, at(0), at(100), n), cut);
    }

    #[test]
    fn nothing_is_known_of_a_time_in_which_nobody_looked(
        turns in prop::collection::vec(any_turn(), 0..12), open in prop::collection::vec(any_standing(), 0..4),
    ) {
        let shown = bars(&turns, &open, &[(at(-50), at(0)), (at(100), at(200))], at(0), at(100), 7);
        prop_assert!(shown.iter().all(|bar| bar.beat() == Beat::Unknown));
    }

    #[test]
    fn while_something_is_open_it_was_never_in_sync(
        turns in prop::collection::vec(any_turn(), 0..12), runs in prop::collection::vec(any_run(), 0..4),
    ) {
        // Drift 7 has no turn of its own: it is open all the time.
        let shown = bars(&turns, &[standing(7, None)], &runs, at(0), at(100), 9);
        prop_assert!(shown.iter().all(|bar| bar.part(Beat::InSync) == 0));
    }
}
