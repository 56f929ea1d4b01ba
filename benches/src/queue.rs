//! The work queue. The floor is what a queue with deduplication cannot do without: each key once into a hash map and a
//! deque, and out of both again.

use std::collections::VecDeque;
use std::hash::Hash;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use evenkeel::queue::{Backoff, Next, Queue, Tick};
use hashbrown::HashMap;

use crate::process::resident_bytes;
use crate::{Row, in_turns};

const ROUNDS: u32 = 5;
const WORKERS: usize = 16;
const DUPLICATES: usize = 10;

/// Measures everything: about ten seconds.
pub fn run() -> Vec<Row> {
    let mut rows = Vec::new();
    // First, while the allocator has nothing to reuse.
    rows.extend(memory("u32", 1_000_000, |i| i));
    rows.extend(memory("Arc<str>", 1_000_000, host));
    for n in [10_000, 100_000, 1_000_000] {
        measure(&mut rows, "u32", (0..n).collect());
        measure(&mut rows, "Arc<str>", (0..n).map(host).collect());
    }
    rows
}

fn host(i: u32) -> Arc<str> {
    Arc::from(format!("host-{i:07}.lan"))
}

fn measure<K: Clone + Eq + Hash>(rows: &mut Vec<Row>, kind: &str, mut keys: Vec<K>) {
    let n = keys.len();
    let mut push = |what: &str, (ours, floor)| {
        rows.push(Row { name: format!("{what}: {n} {kind}"), unit: "ns/key", ours, floor });
    };
    push("burst", burst(&keys, 1));
    push("burst, 10 adds each", burst(&keys, DUPLICATES));
    shuffle(&mut keys);
    push("burst, keys scattered", burst(&keys, 1));
    push("one by one", one_by_one(&keys));
    push("one by one, all delayed", one_of_many(&keys));
}

/// Everything waits at once: after a restart, or when NetBox changed.
fn burst<K: Clone + Eq + Hash>(keys: &[K], times: usize) -> (f64, f64) {
    let mut queue = Queue::new(Backoff::default());
    let mut map: HashMap<K, u32> = HashMap::new();
    let mut line: VecDeque<K> = VecDeque::new();
    let mut running = VecDeque::with_capacity(WORKERS);
    let now = Tick::from_nanos(1);
    let ours = || {
        for _ in 0..times {
            for key in keys {
                black_box(queue.add(key.clone(), now));
            }
        }
        while let Next::Ready(work) = queue.get(now) {
            running.push_back(work.key);
            if running.len() == WORKERS
                && let Some(key) = running.pop_front()
            {
                queue.done(&key, now);
            }
        }
        for key in running.drain(..) {
            queue.done(&key, now);
        }
    };
    let floor = || {
        for _ in 0..times {
            for key in keys {
                if map.insert(key.clone(), 0).is_none() {
                    line.push_back(key.clone());
                }
            }
        }
        while let Some(key) = line.pop_front() {
            black_box(map.remove(&key));
        }
    };
    in_turns(ROUNDS, keys.len(), ours, floor)
}

/// One event at a time on a quiet queue.
fn one_by_one<K: Clone + Eq + Hash>(keys: &[K]) -> (f64, f64) {
    let mut queue = Queue::new(Backoff::default());
    let mut map: HashMap<K, u32> = HashMap::new();
    let mut line: VecDeque<K> = VecDeque::new();
    let ours = || cycle(&mut queue, keys);
    let floor = || {
        for key in keys {
            if map.insert(key.clone(), 0).is_none() {
                line.push_back(key.clone());
            }
            if let Some(key) = line.pop_front() {
                black_box(map.remove(&key));
            }
        }
    };
    in_turns(ROUNDS, keys.len(), ours, floor)
}

/// One event at a time while every key has its next resync pending: everyday life. Nothing leaves the map.
fn one_of_many<K: Clone + Eq + Hash>(keys: &[K]) -> (f64, f64) {
    let mut queue = Queue::new(Backoff::default());
    let mut map: HashMap<K, u32> = keys.iter().map(|key| (key.clone(), 0)).collect();
    let mut line: VecDeque<K> = VecDeque::new();
    for key in keys {
        queue.add_after(key.clone(), Duration::from_secs(60), Tick::ZERO);
    }
    let ours = || cycle(&mut queue, keys);
    let floor = || {
        for key in keys {
            if map.insert(key.clone(), 1).is_some() {
                line.push_back(key.clone());
            }
            if let Some(key) = line.pop_front() {
                black_box(map.get_mut(&key).map(|state| *state = 0));
            }
        }
    };
    in_turns(ROUNDS, keys.len(), ours, floor)
}

fn cycle<K: Clone + Eq + Hash>(queue: &mut Queue<K>, keys: &[K]) {
    let now = Tick::from_nanos(1);
    for key in keys {
        queue.add(key.clone(), now);
        if let Next::Ready(work) = queue.get(now) {
            queue.done(&work.key, now);
        }
    }
}

/// What a full queue occupies, beside the keys' own text.
fn memory<K: Clone + Eq + Hash>(kind: &str, n: u32, key: impl Fn(u32) -> K) -> Option<Row> {
    let keys: Vec<K> = (0..n).map(key).collect();
    let before = resident_bytes()?;
    let mut queue = Queue::new(Backoff::default());
    for key in &keys {
        queue.add(key.clone(), Tick::ZERO);
    }
    let ours = resident_bytes()?.saturating_sub(before);
    let before = resident_bytes()?;
    let mut map: HashMap<K, u32> = HashMap::new();
    let mut line: VecDeque<K> = VecDeque::new();
    for key in &keys {
        map.insert(key.clone(), 0);
        line.push_back(key.clone());
    }
    let floor = resident_bytes()?.saturating_sub(before);
    black_box((&queue, &map, &line));
    let per_key = |bytes: u64| bytes as f64 / f64::from(n);
    let name = format!("memory, all waiting: {n} {kind}");
    Some(Row { name, unit: "bytes/key", ours: per_key(ours), floor: per_key(floor) })
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
