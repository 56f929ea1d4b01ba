//! Random sequences of operations against a model so naive that it can be checked by reading: ordered lists and maps,
//! linear searches. Every answer and every figure must be equal; what was accepted must come out (nothing is lost);
//! Q1, Q2, Q3 and B1 are asserted on their own as well.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::{Added, Backoff, Finished, Key, Next, Queue, Slot, Tick, Work};

#[derive(Clone, Debug)]
enum Op {
    Add(Key),
    AddAfter(Key, u64),
    AddRateLimited(Key, u64),
    Advance(u64),
    Get,
    /// Finishes one of the running keys; of a success the failures are forgotten.
    Done(usize, bool),
    Forget(Key),
    ShutDown,
    Drain,
}

fn op() -> impl Strategy<Value = Op> {
    let key = (0..6u32).prop_map(Key::new);
    prop_oneof![
        8 => key.clone().prop_map(Op::Add),
        6 => (key.clone(), 0..40u64).prop_map(|(key, delay)| Op::AddAfter(key, delay)),
        4 => (key.clone(), any::<u64>()).prop_map(|(key, random)| Op::AddRateLimited(key, random)),
        6 => (0..20u64).prop_map(Op::Advance),
        10 => Just(Op::Get),
        8 => (any::<usize>(), any::<bool>()).prop_map(|(which, success)| Op::Done(which, success)),
        2 => key.prop_map(Op::Forget),
    ]
}

/// Mostly ordinary operations; the end of life, if it comes, comes anywhere.
fn ops() -> impl Strategy<Value = Vec<Op>> {
    (prop::collection::vec(op(), 0..200), prop::option::weighted(0.3, 0..200usize), any::<bool>()).prop_map(
        |(mut ops, end, drain)| {
            if let Some(end) = end {
                ops.insert(end.min(ops.len()), Op::ShutDown);
                if drain {
                    ops.insert((end + 10).min(ops.len()), Op::Drain);
                }
            }
            ops
        },
    )
}

const BASE: Duration = Duration::from_nanos(1_000_000);
const CAP: Duration = Duration::from_nanos(9_000_000);

#[derive(Default)]
struct Model {
    waiting: Vec<(Key, u64)>,
    /// Key → start of the run, added again meanwhile.
    running: BTreeMap<Key, (u64, bool)>,
    /// Every key ever handed out, in that order.
    handed_out: Vec<Key>,
    /// Key → deadline, number of the add that set it.
    delayed: BTreeMap<Key, (u64, u64)>,
    failures: BTreeMap<Key, u32>,
    added: u64,
    shut: bool,
}

impl Model {
    fn add(&mut self, key: Key, now: u64) -> Added {
        if self.shut {
            return Added::Refused;
        }
        self.wake(key, now)
    }

    fn wake(&mut self, key: Key, since: u64) -> Added {
        if let Some((_, again)) = self.running.get_mut(&key) {
            return if std::mem::replace(again, true) { Added::Already } else { Added::AfterRun };
        }
        if self.waiting.iter().any(|&(waiting, _)| waiting == key) {
            return Added::Already;
        }
        self.waiting.push((key, since));
        Added::Queued
    }

    fn add_after(&mut self, key: Key, delay: u64, now: u64) -> Added {
        if self.shut {
            return Added::Refused;
        }
        if delay == 0 {
            return self.add(key, now);
        }
        self.added += 1;
        let new = (now + delay, self.added);
        let kept = self.delayed.entry(key).or_insert(new);
        if new.0 < kept.0 {
            *kept = new;
        }
        Added::At(Tick::from_nanos(kept.0))
    }

    fn get(&mut self, now: u64) -> Next {
        if !self.shut {
            let mut due: Vec<_> = self.delayed.iter().map(|(&key, &(at, n))| (at, n, key)).collect();
            due.retain(|&(at, _, _)| at <= now);
            due.sort_unstable();
            for (at, _, key) in due {
                self.delayed.remove(&key);
                self.wake(key, at);
            }
        }
        if !self.waiting.is_empty() {
            let (key, since) = self.waiting.remove(0);
            assert!(self.running.insert(key, (now, false)).is_none(), "Q1");
            self.handed_out.push(key);
            let waited = Duration::from_nanos(now - since);
            return Next::Ready(Work { key, waited, failures: *self.failures.get(&key).unwrap_or(&0) });
        }
        if self.shut {
            return Next::ShutDown;
        }
        let next = self.delayed.values().map(|&(at, _)| at).min();
        next.map_or(Next::Idle, |at| Next::WaitUntil(Tick::from_nanos(at)))
    }

    fn done(&mut self, key: Key, now: u64) -> Option<Finished> {
        let (began, again) = self.running.remove(&key)?;
        if again {
            self.waiting.push((key, now));
        }
        Some(Finished { ran: Duration::from_nanos(now - began), again })
    }

    fn drain(&mut self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.waiting.drain(..).map(|(key, _)| key).collect();
        let mut delayed: Vec<_> =
            std::mem::take(&mut self.delayed).into_iter().map(|(key, (at, n))| (at, n, key)).collect();
        delayed.sort_unstable();
        let mut again: Vec<Key> = self.running.iter().filter(|(_, run)| run.1).map(|(&key, _)| key).collect();
        again.sort_by_key(|key| self.handed_out.iter().rposition(|handed_out| handed_out == key));
        keys.extend(again);
        self.running.values_mut().for_each(|run| run.1 = false);
        for (_, _, key) in delayed {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        self.failures.retain(|key, _| self.running.contains_key(key));
        keys
    }
}

/// What the trial knows beside the model: keys whose add was accepted and that have not been handed out since.
struct Trial {
    queue: Queue,
    model: Model,
    owed: BTreeSet<Key>,
    now: u64,
}

impl Trial {
    fn step(&mut self, op: &Op) {
        let (now, tick) = (self.now, Tick::from_nanos(self.now));
        match *op {
            Op::Add(key) => {
                let added = self.queue.add(key, tick);
                assert_eq!(added, self.model.add(key, now));
                self.accepted(key, added);
            }
            Op::AddAfter(key, delay) => {
                let delay = delay * 500_000;
                let added = self.queue.add_after(key, Duration::from_nanos(delay), tick);
                assert_eq!(added, self.model.add_after(key, delay, now));
                self.accepted(key, added);
            }
            Op::AddRateLimited(key, random) => {
                let before = self.model.delayed.get(&key).map(|&(at, _)| at);
                let added = self.queue.add_rate_limited(key, tick, random);
                if self.model.shut {
                    assert_eq!(added, Added::Refused);
                    return;
                }
                let failures = self.model.failures.entry(key).or_default();
                *failures += 1;
                let delay = Backoff::new(BASE, CAP).delay(*failures, random);
                assert!((BASE..=CAP).contains(&delay), "B1");
                let delay = u64::try_from(delay.as_nanos()).unwrap();
                assert_eq!(added, self.model.add_after(key, delay, now));
                if let (Some(before), Added::At(at)) = (before, added) {
                    assert!(at.as_nanos() <= before, "Q3");
                }
                self.accepted(key, added);
            }
            Op::Advance(step) => self.now += step * 1_000_000,
            Op::Get => {
                let next = self.queue.get(tick);
                assert_eq!(next, self.model.get(now));
                if let Next::Ready(work) = &next {
                    assert!(self.owed.remove(&work.key), "an unasked run");
                    if self.model.delayed.contains_key(&work.key) {
                        self.owed.insert(work.key);
                    }
                }
            }
            Op::Done(which, success) => {
                let running: Vec<Key> = self.model.running.keys().copied().collect();
                if running.is_empty() {
                    assert_eq!(self.queue.done(Key::new(0), tick), None);
                    return;
                }
                let key = running[which % running.len()];
                if success {
                    self.queue.forget(key);
                    self.model.failures.remove(&key);
                }
                let again = self.model.running[&key].1;
                let finished = self.queue.done(key, tick);
                assert_eq!(finished, self.model.done(key, now));
                assert_eq!(finished.map(|finished| finished.again), Some(again), "Q2");
            }
            Op::Forget(key) => {
                self.queue.forget(key);
                self.model.failures.remove(&key);
            }
            Op::ShutDown => {
                self.queue.shut_down();
                self.model.shut = true;
            }
            Op::Drain => {
                let drained = self.queue.drain();
                assert_eq!(drained, self.model.drain());
                assert_eq!(drained.into_iter().collect::<BTreeSet<_>>(), std::mem::take(&mut self.owed));
            }
        }
        self.compare();
    }

    fn accepted(&mut self, key: Key, added: Added) {
        if added != Added::Refused {
            self.owed.insert(key);
        }
    }

    fn compare(&self) {
        let (queue, model, now) = (&self.queue, &self.model, Tick::from_nanos(self.now));
        assert_eq!(queue.len(), model.waiting.len());
        assert_eq!(queue.is_empty(), model.waiting.is_empty());
        assert_eq!(queue.running(), model.running.len());
        assert_eq!(queue.delayed(), model.delayed.len());
        let earliest = model.delayed.values().map(|&(at, _)| Tick::from_nanos(at)).min();
        assert_eq!(queue.next_deadline(), earliest);
        let runs = model.running.values().map(|&(began, _)| now.since(Tick::from_nanos(began)));
        assert_eq!(queue.longest_running(now), runs.clone().max().unwrap_or_default());
        assert_eq!(queue.unfinished(now), runs.sum::<Duration>());
        for key in (0..6).map(Key::new) {
            assert_eq!(queue.failures(key), *model.failures.get(&key).unwrap_or(&0));
        }
        assert!(queue.timers.held() <= 2 * queue.delayed() + 64);
    }

    /// Faults and adds are over: everything accepted is handed out, and nothing more.
    fn settle(&mut self) {
        for _ in 0..100 {
            let running = self.queue.running();
            for _ in 0..running {
                self.step(&Op::Done(0, true));
            }
            self.step(&Op::Advance(1));
            self.step(&Op::Get);
        }
        assert_eq!(self.owed, self.queue.drain().into_iter().collect());
        if !self.queue.is_shut_down() {
            assert_eq!(self.owed, BTreeSet::new(), "lost");
            for key in (0..6).map(Key::new) {
                self.queue.forget(key);
            }
            assert_eq!(
                self.queue.slots.iter().filter(|slot| **slot != Slot::default()).count(),
                0,
                "kept for nothing"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_queue_behaves_like_the_naive_model_and_loses_nothing(ops in ops()) {
        let queue = Queue::new(Backoff::new(BASE, CAP));
        let mut trial = Trial { queue, model: Model::default(), owed: BTreeSet::new(), now: 0 };
        for op in &ops {
            trial.step(op);
        }
        trial.settle();
    }
}
