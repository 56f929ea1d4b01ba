//! Each promise of the queue as one example. Random sequences against a naive model are in `model`.

use std::time::Duration;

use super::{Added, Backoff, Finished, Key, Next, Queue, Slot, Stats, Tick, Work};

const SECOND: Duration = Duration::from_secs(1);

const A: Key = Key::new(0);
const B: Key = Key::new(1);
const C: Key = Key::new(2);
const FIRST: Key = Key::new(3);
const STUCK: Key = Key::new(4);
const RUNNING: Key = Key::new(5);
const RUNNING_AGAIN: Key = Key::new(6);
const LATE: Key = Key::new(7);
const WAITING: Key = Key::new(8);
const SOON: Key = Key::new(70);

fn queue() -> Queue {
    Queue::new(Backoff::new(SECOND, 60 * SECOND))
}

fn at(seconds: u64) -> Tick {
    Tick::at(Duration::from_secs(seconds))
}

/// Of how many keys anything is known.
fn in_use(queue: &Queue) -> usize {
    queue.slots.iter().filter(|slot| **slot != Slot::default()).count() + queue.delayed()
}

/// The next key, which must be there.
fn key(queue: &mut Queue, now: Tick) -> Key {
    match queue.get(now) {
        Next::Ready(work) => work.key,
        other @ (Next::WaitUntil(_) | Next::Idle | Next::ShutDown) => panic!("nothing ready: {other:?}"),
    }
}

#[test]
fn a_key_added_twice_is_handed_out_once() {
    let mut queue = queue();
    assert_eq!(queue.add(A, at(0)), Added::Queued);
    assert_eq!(queue.add(A, at(1)), Added::Already);
    assert_eq!(queue.len(), 1);
    assert_eq!(key(&mut queue, at(2)), A);
    assert_eq!(queue.get(at(2)), Next::Idle);
    assert_eq!(queue.stats(), Stats { adds: 1, deduplicated: 1, handed_out: 1, ..Stats::default() });
}

#[test]
fn q1_a_running_key_is_not_handed_out_again() {
    let mut queue = queue();
    queue.add(A, at(0));
    key(&mut queue, at(0));
    queue.add(A, at(1));
    assert_eq!(queue.get(at(1)), Next::Idle);
    assert_eq!((queue.len(), queue.running()), (0, 1));
}

#[test]
fn q1_holds_for_a_deadline_that_passes_during_the_run() {
    let mut queue = queue();
    queue.add_after(A, SECOND, at(0));
    queue.add(A, at(0));
    key(&mut queue, at(0));
    assert_eq!(queue.get(at(5)), Next::Idle);
    assert_eq!(queue.done(A, at(6)), Some(Finished { ran: 6 * SECOND, again: true }));
    assert_eq!(key(&mut queue, at(6)), A);
}

#[test]
fn q2_adds_during_a_run_cause_exactly_one_more_run() {
    let mut queue = queue();
    queue.add(A, at(0));
    key(&mut queue, at(0));
    assert_eq!(queue.add(A, at(1)), Added::AfterRun);
    assert_eq!(queue.add(A, at(2)), Added::Already);
    assert_eq!(queue.done(A, at(3)), Some(Finished { ran: 3 * SECOND, again: true }));
    assert_eq!(key(&mut queue, at(3)), A);
    assert_eq!(queue.done(A, at(4)), Some(Finished { ran: SECOND, again: false }));
    assert_eq!(queue.get(at(4)), Next::Idle);
}

#[test]
fn q3_the_earlier_deadline_wins_in_either_order() {
    for (first, second) in [(10, 30), (30, 10)] {
        let mut queue = queue();
        queue.add_after(A, first * SECOND, at(0));
        assert_eq!(queue.add_after(A, second * SECOND, at(0)), Added::At(at(10)));
        assert_eq!(queue.delayed(), 1);
        assert_eq!(queue.get(at(9)), Next::WaitUntil(at(10)));
        assert_eq!(key(&mut queue, at(10)), A);
        queue.done(A, at(11));
        assert_eq!(queue.get(at(100)), Next::Idle, "the later deadline is gone");
    }
}

#[test]
fn an_immediate_add_does_not_cancel_a_delayed_one() {
    let mut queue = queue();
    queue.add_after(A, 10 * SECOND, at(0));
    queue.add(A, at(1));
    assert_eq!(key(&mut queue, at(1)), A);
    queue.done(A, at(2));
    assert_eq!(queue.get(at(2)), Next::WaitUntil(at(10)));
    assert_eq!(key(&mut queue, at(10)), A);
}

#[test]
fn a_delay_of_zero_is_an_add() {
    let mut queue = queue();
    assert_eq!(queue.add_after(A, Duration::ZERO, at(0)), Added::Queued);
    assert_eq!(queue.next_deadline(), None);
}

#[test]
fn keys_that_come_due_together_keep_the_order_in_which_they_were_added() {
    let mut queue = queue();
    for key in [C, A, B] {
        queue.add_after(key, SECOND, at(0));
    }
    queue.add_after(FIRST, SECOND / 2, at(0));
    queue.add_after(C, SECOND, at(0)); // the same deadline again: it keeps its turn
    let order: Vec<_> = (0..4).map(|_| key(&mut queue, at(2))).collect();
    assert_eq!(order, [FIRST, C, A, B]);
}

#[test]
fn the_line_is_first_come_first_served() {
    let mut queue = queue();
    for key in [A, B, C, A] {
        queue.add(key, at(0));
    }
    assert_eq!(key(&mut queue, at(0)), A);
    queue.add(A, at(0));
    queue.done(A, at(0));
    let order: Vec<_> = (0..3).map(|_| key(&mut queue, at(0))).collect();
    assert_eq!(order, [B, C, A], "a key that is added again goes to the back");
}

#[test]
fn a_key_that_never_rests_delays_each_other_by_its_own_turn_and_no_more() {
    // Rung again in every run of its own, by whoever never stops talking.
    let (mut queue, others) = (queue(), 20);
    queue.add(RUNNING, at(0));
    for n in 0..others {
        queue.add(Key::new(100 + n), at(0));
    }
    let mut turns = Vec::new();
    for second in 0..4 * u64::from(others) {
        let key = key(&mut queue, at(second));
        queue.add(key, at(second));
        queue.done(key, at(second));
        turns.push(key);
    }
    for n in 0..others {
        let own: Vec<usize> = (0..turns.len()).filter(|i| turns[*i] == Key::new(100 + n)).collect();
        assert!(own[0] <= 20 && own.windows(2).all(|pair| pair[1] - pair[0] <= 21), "{n}: {own:?}");
    }
}

#[test]
fn b1_failures_in_a_row_wait_longer_up_to_the_cap() {
    let mut queue = queue();
    let mut now = at(0);
    let mut floor = SECOND;
    queue.add(A, now);
    for failures in 0..20 {
        let Next::Ready(work) = queue.get(now) else { panic!("not due at {now:?}") };
        assert_eq!(work.failures, failures);
        let Added::At(due) = queue.add_rate_limited(A, now, u64::MAX / 3) else { panic!("not delayed") };
        queue.done(A, now);
        let delay = due.since(now);
        assert!(delay >= floor.min(30 * SECOND) && delay <= 60 * SECOND, "{failures}: {delay:?}");
        floor *= 2;
        now = due;
    }
    assert_eq!(queue.failures(A), 20);
    assert_eq!(queue.stats().retries, 20);
}

#[test]
fn b1_success_starts_the_backoff_over() {
    let mut queue = queue();
    for _ in 0..10 {
        queue.add_rate_limited(A, at(0), 0);
    }
    queue.forget(A);
    assert_eq!(queue.failures(A), 0);
    key(&mut queue, at(100));
    assert_eq!(queue.add_rate_limited(A, at(100), 0), Added::At(at(101)));
}

#[test]
fn b1_the_delay_stays_between_base_and_cap_for_every_count_and_random_value() {
    for (base, cap) in [(1, 300), (5, 5), (7, 10), (10, 1)] {
        let backoff = Backoff::new(base * SECOND, cap * SECOND);
        for failures in [0, 1, 2, 3, 8, 63, 64, 127, 128, u32::MAX] {
            for random in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
                let delay = backoff.delay(failures, random);
                assert!((backoff.base()..=backoff.cap()).contains(&delay), "{backoff:?} {failures} {random}");
            }
        }
    }
    let huge = Backoff::new(Duration::MAX, Duration::MAX);
    assert!(huge.delay(5, u64::MAX) > 365 * 24 * 3600 * SECOND);
}

#[test]
fn b1_jitter_spreads_keys_that_failed_together() {
    let backoff = Backoff::new(SECOND, 300 * SECOND);
    let mut delays: Vec<_> = (0..1000u64).map(|i| backoff.delay(3, i * (u64::MAX / 1000))).collect();
    delays.dedup();
    assert_eq!(delays.len(), 1000);
    assert!(delays[0] == 4 * SECOND && delays[999] > 7 * SECOND);
}

#[test]
fn a_failing_key_is_remembered_and_a_forgotten_one_leaves_nothing_behind() {
    let mut queue = queue();
    queue.add(A, at(0));
    key(&mut queue, at(0));
    queue.add_rate_limited(A, at(0), 0);
    queue.done(A, at(0));
    key(&mut queue, at(10));
    queue.done(A, at(10));
    assert_eq!((queue.failures(A), in_use(&queue)), (1, 1));
    queue.forget(A);
    assert_eq!(in_use(&queue), 0);
}

#[test]
fn shutting_down_refuses_adds_and_hands_out_what_waits() {
    let mut queue = queue();
    queue.add(A, at(0));
    queue.add(B, at(0));
    key(&mut queue, at(0));
    queue.add(A, at(0));
    queue.shut_down();
    assert_eq!(queue.add(C, at(1)), Added::Refused);
    assert_eq!(queue.add_after(A, SECOND, at(1)), Added::Refused);
    assert_eq!(queue.add_rate_limited(A, at(1), 0), Added::Refused);
    assert_eq!(queue.stats().refused, 3);
    assert_eq!(key(&mut queue, at(1)), B);
    assert_eq!(queue.get(at(1)), Next::ShutDown);
    assert_eq!(queue.done(A, at(2)).map(|finished| finished.again), Some(true), "accepted before");
    assert_eq!(key(&mut queue, at(2)), A);
    assert_eq!(queue.get(at(2)), Next::ShutDown);
}

#[test]
fn draining_names_everything_that_was_accepted_and_not_handed_out() {
    let mut queue = queue();
    queue.add(RUNNING, at(0));
    queue.add(RUNNING_AGAIN, at(0));
    key(&mut queue, at(0));
    key(&mut queue, at(0));
    queue.add(RUNNING_AGAIN, at(0));
    queue.add_after(LATE, 20 * SECOND, at(0));
    queue.add_after(WAITING, 30 * SECOND, at(0));
    queue.add_after(SOON, 10 * SECOND, at(0));
    queue.add(WAITING, at(0));
    queue.shut_down();
    assert_eq!(queue.drain(), [WAITING, RUNNING_AGAIN, SOON, LATE]);
    assert_eq!(queue.drain(), Vec::<Key>::new());
    assert_eq!((queue.len(), queue.running(), queue.delayed()), (0, 2, 0));
    assert_eq!(queue.done(RUNNING_AGAIN, at(1)).map(|finished| finished.again), Some(false));
    assert_eq!(queue.done(RUNNING, at(1)).map(|finished| finished.again), Some(false));
    assert_eq!(in_use(&queue), 0);
}

#[test]
fn done_without_a_run_changes_nothing() {
    let mut queue = queue();
    assert_eq!(queue.done(A, at(0)), None);
    queue.add(A, at(0));
    assert_eq!(queue.done(A, at(0)), None);
    assert_eq!(key(&mut queue, at(0)), A);
}

#[test]
fn waits_and_runs_are_timed() {
    let mut queue = queue();
    queue.add(A, at(0));
    queue.add_after(B, 2 * SECOND, at(0));
    assert_eq!(queue.get(at(1)), Next::Ready(Work { key: A, waited: SECOND, failures: 0 }));
    assert_eq!(queue.get(at(5)), Next::Ready(Work { key: B, waited: 3 * SECOND, failures: 0 }));
    assert_eq!(queue.longest_running(at(6)), 5 * SECOND);
    assert_eq!(queue.unfinished(at(6)), 6 * SECOND);
    assert_eq!(queue.done(A, at(6)), Some(Finished { ran: 5 * SECOND, again: false }));
    assert_eq!(queue.longest_running(at(6)), SECOND);
    queue.done(B, at(6));
    assert_eq!((queue.longest_running(at(9)), queue.unfinished(at(9))), (Duration::ZERO, Duration::ZERO));
}

#[test]
fn replaced_deadlines_do_not_pile_up() {
    let mut queue = queue();
    for i in 0..100_000u64 {
        queue.add_after(A, Duration::from_nanos(1_000_000 - i), at(0));
    }
    assert_eq!(queue.delayed(), 1);
    assert!(queue.timers.held() <= 66, "{}", queue.timers.held());
    assert_eq!(queue.next_deadline(), Some(Tick::from_nanos(900_001)));
}

#[test]
fn a_stuck_run_does_not_keep_later_ones_in_memory() {
    let mut queue = queue();
    queue.add(STUCK, at(0));
    key(&mut queue, at(0));
    for i in 1..100_000 {
        queue.add(A, at(i));
        key(&mut queue, at(i));
        queue.done(A, at(i));
    }
    assert_eq!(queue.running(), 1);
    assert_eq!(queue.longest_running(at(100_000)), 100_000 * SECOND);
}

#[test]
fn a_tick_never_overflows() {
    let last = Tick::at(Duration::MAX);
    assert_eq!(last.after(Duration::MAX), last);
    assert_eq!(Tick::ZERO.since(last), Duration::ZERO);
}
