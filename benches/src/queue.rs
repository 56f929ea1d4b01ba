//! The work queue, by the numbers it knows its keys by: who puts a subject on the queue because its stamp changed has
//! its number from that comparison. What looking a number up by name would add has rows of its own.
//!
//! The floor is what a queue with deduplication cannot do without: for each key a mark that it waits, and its place in
//! a line, and out of both again.

use std::collections::{HashMap, VecDeque};
use std::hint::black_box;
use std::time::Duration;

use evenkeel::queue::{Backoff, Key, Next, Queue, Tick};
use evenkeel::work::{Again, WorkQueue};
use evenkeel::world::Stamps;
use evenkeel_core::Subject;

use crate::process::resident_bytes;
use crate::{Result, Row, in_turns};

const ROUNDS: u32 = 5;
const WORKERS: usize = 16;
const DUPLICATES: usize = 10;
const DEBOUNCE: Duration = Duration::from_millis(200);

/// Measures everything: about ten seconds.
pub fn run() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    // First, while the allocator has nothing to reuse.
    rows.extend(memory(1_000_000));
    for n in [10_000, 100_000, 1_000_000] {
        let mut keys: Vec<u32> = (0..n).collect();
        let mut push = |what: &str, times| rows.push(Row::new(format!("{what}: {n}"), "ns/key", times));
        push("burst", burst(&keys, 1));
        push("burst, 10 adds each", burst(&keys, DUPLICATES));
        shuffle(&mut keys);
        push("burst, keys scattered", burst(&keys, 1));
        push("one by one", one_by_one(&keys));
        push("one by one, all have a deadline", one_of_many(&keys));
        push("burst through a debounce", debounced(&keys));
        push("burst through lock and bell", through_the_bell(&keys)?);
        push("a number looked up by its subject", looked_up(&keys));
    }
    Ok(rows)
}

/// The least there is: whether each key waits, and the line.
struct Floor {
    waits: Vec<bool>,
    line: VecDeque<u32>,
}

impl Floor {
    fn of(keys: &[u32]) -> Self {
        Self { waits: vec![false; keys.len()], line: VecDeque::new() }
    }

    fn add(&mut self, key: u32) {
        if !std::mem::replace(&mut self.waits[key as usize], true) {
            self.line.push_back(key);
        }
    }

    fn get(&mut self) -> Option<u32> {
        let key = self.line.pop_front()?;
        self.waits[key as usize] = false;
        Some(key)
    }

    fn burst(&mut self, keys: &[u32], times: usize) {
        for _ in 0..times {
            keys.iter().for_each(|key| self.add(*key));
        }
        while let Some(key) = self.get() {
            black_box(key);
        }
    }
}

/// Everything waits at once: after a restart, or when NetBox changed.
fn burst(keys: &[u32], times: usize) -> (f64, f64) {
    let (mut queue, mut floor) = (Queue::new(Backoff::default()), Floor::of(keys));
    let mut running = VecDeque::with_capacity(WORKERS);
    let now = Tick::from_nanos(1);
    let ours = || {
        for _ in 0..times {
            for key in keys {
                black_box(queue.add(Key::new(*key), now));
            }
        }
        work_off(&mut queue, &mut running, now);
    };
    in_turns(ROUNDS, keys.len(), ours, || floor.burst(keys, times))
}

/// The same, where each trigger waits for more of its kind, and each run ends well.
fn debounced(keys: &[u32]) -> (f64, f64) {
    let (mut queue, mut floor) = (Queue::new(Backoff::default()), Floor::of(keys));
    let mut running = VecDeque::with_capacity(WORKERS);
    let mut now = Tick::from_nanos(1);
    let ours = || {
        for key in keys {
            black_box(queue.add_after(Key::new(*key), DEBOUNCE, now));
        }
        now = now.after(DEBOUNCE);
        work_off(&mut queue, &mut running, now);
    };
    in_turns(ROUNDS, keys.len(), ours, || floor.burst(keys, 1))
}

fn work_off(queue: &mut Queue, running: &mut VecDeque<Key>, now: Tick) {
    while let Next::Ready(work) = queue.get(now) {
        running.push_back(work.key);
        if running.len() == WORKERS
            && let Some(key) = running.pop_front()
        {
            queue.forget(key);
            queue.done(key, now);
        }
    }
    for key in running.drain(..) {
        queue.forget(key);
        queue.done(key, now);
    }
}

/// One event at a time on a quiet queue.
fn one_by_one(keys: &[u32]) -> (f64, f64) {
    let mut queue = Queue::new(Backoff::default());
    cycles(&mut queue, keys)
}

/// One event at a time while every key has a deadline: everyday life.
fn one_of_many(keys: &[u32]) -> (f64, f64) {
    let mut queue = Queue::new(Backoff::default());
    for key in keys {
        queue.add_after(Key::new(*key), Duration::from_secs(60), Tick::ZERO);
    }
    cycles(&mut queue, keys)
}

fn cycles(queue: &mut Queue, keys: &[u32]) -> (f64, f64) {
    let mut floor = Floor::of(keys);
    let now = Tick::from_nanos(1);
    let ours = || {
        for key in keys {
            queue.add(Key::new(*key), now);
            if let Next::Ready(work) = queue.get(now) {
                queue.done(work.key, now);
            }
        }
    };
    let floor = || {
        for key in keys {
            floor.add(*key);
            black_box(floor.get());
        }
    };
    in_turns(ROUNDS, keys.len(), ours, floor)
}

/// The queue as tasks share it: its lock, its clock, and the bell that wakes a worker, for each key.
fn through_the_bell(keys: &[u32]) -> Result<(f64, f64)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let queue = WorkQueue::new(Duration::from_secs(1), Duration::from_secs(60));
    let mut floor = Floor::of(keys);
    let ours = || {
        runtime.block_on(async {
            queue.add_all(keys.iter().map(|key| Key::new(*key)), Duration::ZERO);
            for _ in keys {
                if let Some((key, _)) = queue.next().await {
                    queue.done(key, Again::OnChange);
                }
            }
        });
    };
    Ok(in_turns(ROUNDS, keys.len(), ours, || floor.burst(keys, 1)))
}

/// What a caller that has only the name pays on top.
fn looked_up(keys: &[u32]) -> (f64, f64) {
    let subjects: Vec<Subject> =
        keys.iter().map(|i| Subject::Host(format!("host-{i:07}.lan").as_str().into())).collect();
    let mut stamps = Stamps::default();
    let mut map: HashMap<Subject, u32> = HashMap::new();
    for (subject, key) in subjects.iter().zip(keys) {
        stamps.key(subject);
        map.insert(subject.clone(), *key);
    }
    let mut scattered: Vec<u32> = keys.to_vec();
    shuffle(&mut scattered);
    let scattered: Vec<&Subject> = scattered.iter().map(|i| &subjects[*i as usize]).collect();
    let ours = || {
        for subject in &scattered {
            black_box(stamps.key(subject));
        }
    };
    let floor = || {
        for subject in &scattered {
            black_box(map.get(*subject));
        }
    };
    in_turns(ROUNDS, keys.len(), ours, floor)
}

/// What a full queue occupies.
fn memory(n: u32) -> Option<Row> {
    let before = resident_bytes()?;
    let mut queue = Queue::new(Backoff::default());
    for key in 0..n {
        queue.add(Key::new(key), Tick::ZERO);
    }
    let ours = resident_bytes()?.saturating_sub(before);
    let before = resident_bytes()?;
    let mut floor = Floor { waits: Vec::new(), line: VecDeque::new() };
    for key in 0..n {
        floor.waits.push(false);
        floor.add(key);
    }
    let least = resident_bytes()?.saturating_sub(before);
    black_box((&queue, &floor.line));
    let per_key = |bytes: u64| bytes as f64 / f64::from(n);
    Some(Row::new(format!("memory, all waiting: {n}"), "bytes/key", (per_key(ours), per_key(least))))
}

/// The same order every time, unlike that of the allocations.
fn shuffle<K>(keys: &mut [K]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for i in (1..keys.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        keys.swap(i, (state % (i as u64 + 1)) as usize);
    }
}
