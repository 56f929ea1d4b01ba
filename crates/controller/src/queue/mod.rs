//! The work queue: which key is reconciled next.
//!
//! What lives here: deduplication, order, delays, back-off, shutting down, and the figures about them. What does
//! not: clocks, tasks, locks, randomness. Time ([`Tick`]) and random bits are arguments, so every promise below is
//! a plain test.
//!
//! The promises (those of client-go's `workqueue`, which a whole ecosystem of controllers rests on):
//! - a key waits at most once, however often it is added;
//! - **Q1** no key runs twice at once;
//! - **Q2** an add during a run causes exactly one more run after it;
//! - **Q3** of several delayed adds of one key the earliest deadline wins;
//! - **B1** the delay before a retry stays within [base, cap], carries jitter, and starts over after
//!   [`Queue::forget`];
//! - first come, first served: a key added again while it waits keeps its place, a key added again after it was
//!   handed out goes to the back;
//! - an immediate add does not cancel a delayed one: a superfluous run costs microseconds, a lost timer costs
//!   correctness;
//! - shutting down refuses new keys, hands out those that wait, and [`Queue::drain`] names whatever is left.
//!
//! Each operation costs the same at ten keys and at a million: one hash lookup to add, none to get, one to finish.
//! Delayed adds cost the logarithm of the number of delays. What is outdated in the heap of deadlines or in the
//! list of runs is skipped when met and swept when it outnumbers what is current, so neither grows without bound.
//!
//! How an async worker pool uses it: the queue sits in a `std::sync::Mutex` (never held across an await) beside a
//! `tokio::sync::Notify`. Whoever adds, finishes or shuts down calls `notify_one` (`notify_waiters` for shutting
//! down) after releasing the lock. A worker loops:
//! ```text
//! let next = lock(queue).get(clock.now());
//! match next {
//!     Next::Ready(work)   => { notify_one(); run(&work.key).await; settle }  // another may wait behind it
//!     Next::WaitUntil(at) => select! { _ = notified() => {}, _ = sleep_until(at) => {} }
//!     Next::Idle          => notified().await
//!     Next::ShutDown      => break
//! }
//! ```
//! `settle` is, under one lock: success → `forget`, then `add_after(key, resync)`; failure → `add_rate_limited`;
//! and in every case, cancellation and panic included, `done`. A key without `done` never runs again.

mod backoff;
mod figures;
mod line;
#[cfg(test)]
mod model;
mod outcome;
#[cfg(test)]
mod tests;
mod tick;

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use hashbrown::{DefaultHashBuilder, HashTable};
use slab::Slab;

use line::{Runs, Timers};

pub use backoff::Backoff;
pub use figures::Stats;
pub use outcome::{Added, Finished, Next, Work};
pub use tick::Tick;

/// More keys than this at once are refused, so that a place fits 32 bits (it would take 100 GB to get there).
const MAX_KEYS: usize = u32::MAX as usize;

/// Keys waiting to be worked on. See the module's documentation for its promises.
#[derive(Debug)]
pub struct Queue<K> {
    hasher: DefaultHashBuilder,
    /// Key → place in `entries`. Holds places only: the key is stored once, in its entry.
    index: HashTable<u32>,
    entries: Slab<Entry<K>>,
    /// Places in the order in which they are handed out; each at most once, all of them [`State::Waiting`].
    line: VecDeque<u32>,
    timers: Timers,
    runs: Runs,
    backoff: Backoff,
    shut: bool,
    stats: Stats,
}

#[derive(Debug)]
struct Entry<K> {
    key: K,
    /// Saturates: by then the delay has long been at its cap.
    failures: u16,
    state: State,
    /// Whether `timers` has a deadline for it; said here as well, so that finishing a run needs no second lookup.
    delayed: bool,
    /// When it entered the line, or when its run began.
    since: Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Known only for its deadline or its failures.
    Idle,
    Waiting,
    Running,
    /// Running, and added again meanwhile.
    RunningAgain,
}

impl<K: Clone + Eq + Hash> Queue<K> {
    /// An empty queue whose retries wait as `backoff` says.
    pub fn new(backoff: Backoff) -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            index: HashTable::new(),
            entries: Slab::new(),
            line: VecDeque::new(),
            timers: Timers::default(),
            runs: Runs::default(),
            backoff,
            shut: false,
            stats: Stats::default(),
        }
    }

    /// The key is to be worked on as soon as a worker is free.
    pub fn add(&mut self, key: K, now: Tick) -> Added {
        match self.entry(key, now, State::Waiting) {
            None => Added::Refused,
            Some((place, true)) => {
                self.line.push_back(place);
                self.stats.adds += 1;
                Added::Queued
            }
            Some((place, false)) => self.wake(place, now),
        }
    }

    /// The key is to be worked on after `delay`. An earlier deadline it already has is kept, a later one replaced.
    pub fn add_after(&mut self, key: K, delay: Duration, now: Tick) -> Added {
        if delay.is_zero() {
            return self.add(key, now);
        }
        match self.entry(key, now, State::Idle) {
            None => Added::Refused,
            Some((place, _)) => self.delay(place, now.after(delay)),
        }
    }

    /// The key failed and is to be tried again after its back-off, which grows with each failure in a row.
    /// `random` is 64 random bits; they spread the retries of many keys that failed together.
    pub fn add_rate_limited(&mut self, key: K, now: Tick, random: u64) -> Added {
        let Some((place, _)) = self.entry(key, now, State::Idle) else {
            return Added::Refused;
        };
        self.stats.retries += 1;
        let mut failures = 0;
        if let Some(entry) = self.entries.get_mut(place as usize) {
            entry.failures = entry.failures.saturating_add(1);
            failures = u32::from(entry.failures);
        }
        let delay = self.backoff.delay(failures, random);
        self.delay(place, now.after(delay))
    }

    /// The next key, if one is due. The caller must call [`Queue::done`] with it, whatever happens.
    pub fn get(&mut self, now: Tick) -> Next<K> {
        if !self.shut {
            self.promote(now);
        }
        while let Some(place) = self.line.pop_front() {
            let Some(entry) = self.entries.get_mut(place as usize) else {
                continue;
            };
            let waited = now.since(entry.since);
            entry.state = State::Running;
            entry.since = now;
            let work = Work { key: entry.key.clone(), waited, failures: u32::from(entry.failures) };
            self.runs.begin(place, now);
            self.stats.handed_out += 1;
            return Next::Ready(work);
        }
        if self.shut {
            return Next::ShutDown;
        }
        self.timers.next().map_or(Next::Idle, Next::WaitUntil)
    }

    /// The run of this key is over. `None` if it was not running, which is the caller's mistake and changes nothing.
    pub fn done(&mut self, key: &K, now: Tick) -> Option<Finished> {
        let hash = self.hasher.hash_one(key);
        let entries = &mut self.entries;
        let found = self.index.find_entry(hash, |&place| is_at(entries, place, key));
        let found = found.ok()?;
        let place = *found.get();
        let entry = entries.get_mut(place as usize)?;
        let began = entry.since;
        let again = match entry.state {
            State::Idle | State::Waiting => return None,
            State::Running => {
                entry.state = State::Idle;
                if entry.failures == 0 && !entry.delayed {
                    found.remove();
                    entries.remove(place as usize);
                }
                false
            }
            State::RunningAgain => {
                entry.state = State::Waiting;
                entry.since = now;
                self.line.push_back(place);
                true
            }
        };
        self.runs.end(began, |place, began| {
            entries.get(place as usize).is_some_and(|entry| entry.is_running() && entry.since == began)
        });
        Some(Finished { ran: now.since(began), again })
    }

    /// The key succeeded: its next failure starts at the shortest back-off again. Deadlines stay.
    pub fn forget(&mut self, key: &K) {
        let hash = self.hasher.hash_one(key);
        let entries = &mut self.entries;
        let found = self.index.find_entry(hash, |&place| is_at(entries, place, key));
        let Ok(found) = found else { return };
        let place = *found.get();
        if let Some(entry) = entries.get_mut(place as usize) {
            entry.failures = 0;
            if entry.state == State::Idle && !entry.delayed {
                found.remove();
                entries.remove(place as usize);
            }
        }
    }

    /// From now on adds are refused and delays no longer come due; keys that wait are still handed out, keys that
    /// run may finish. When the line is empty, [`Queue::get`] answers [`Next::ShutDown`].
    pub fn shut_down(&mut self) {
        self.shut = true;
    }

    /// Takes out everything that has not been handed out, so that nothing is lost silently: the line in its order,
    /// then keys that were to run again, then delayed keys by deadline; each once. Running keys stay until `done`.
    pub fn drain(&mut self) -> Vec<K> {
        let entries = &mut self.entries;
        let mut places: Vec<u32> = self.line.drain(..).collect();
        let waiting = places.len();
        for place in self.runs.latest_first() {
            if let Some(entry) = entries.get_mut(place as usize)
                && entry.state == State::RunningAgain
            {
                entry.state = State::Running;
                places.push(place);
            }
        }
        places[waiting..].reverse();
        places.extend(self.timers.take());

        let mut seen = vec![false; places.iter().max().map_or(0, |&place| place as usize + 1)];
        places.retain(|&place| !std::mem::replace(&mut seen[place as usize], true));
        let keys =
            places.iter().filter_map(|&place| Some(entries.get(place as usize)?.key.clone())).collect();
        self.index.retain(|&mut place| entries.get(place as usize).is_some_and(|entry| entry.is_running()));
        entries.retain(|_, entry| {
            entry.delayed = false;
            entry.is_running()
        });
        keys
    }

    /// How often this key failed in a row.
    pub fn failures(&self, key: &K) -> u32 {
        let hash = self.hasher.hash_one(key);
        let same = |&place: &u32| is_at(&self.entries, place, key);
        let place = self.index.find(hash, same);
        place.and_then(|&place| self.entries.get(place as usize)).map_or(0, |entry| u32::from(entry.failures))
    }

    /// The place of this key, and whether it was made just now, in state `fresh`. `None`: refused.
    fn entry(&mut self, key: K, now: Tick, fresh: State) -> Option<(u32, bool)> {
        if self.shut || self.entries.len() >= MAX_KEYS {
            self.stats.refused += 1;
            return None;
        }
        let (entries, hasher) = (&mut self.entries, &self.hasher);
        let hash = hasher.hash_one(&key);
        let same = |&place: &u32| is_at(entries, place, &key);
        if let Some(&place) = self.index.find(hash, same) {
            return Some((place, false));
        }
        let entry = Entry { key, failures: 0, state: fresh, delayed: false, since: now };
        let place = as_place(entries.insert(entry));
        self.index.insert_unique(hash, place, |&place| {
            entries.get(place as usize).map_or(0, |entry| hasher.hash_one(&entry.key))
        });
        Some((place, true))
    }

    /// A known key is to run now.
    fn wake(&mut self, place: u32, since: Tick) -> Added {
        let Some(entry) = self.entries.get_mut(place as usize) else {
            return Added::Refused;
        };
        let added = match entry.state {
            State::Idle => {
                entry.state = State::Waiting;
                entry.since = since;
                self.line.push_back(place);
                Added::Queued
            }
            State::Running => {
                entry.state = State::RunningAgain;
                Added::AfterRun
            }
            State::Waiting | State::RunningAgain => {
                self.stats.deduplicated += 1;
                return Added::Already;
            }
        };
        self.stats.adds += 1;
        added
    }

    /// A known key is to run at `at`, unless it is to run earlier anyway.
    fn delay(&mut self, place: u32, at: Tick) -> Added {
        if let Some(entry) = self.entries.get_mut(place as usize) {
            entry.delayed = true;
        }
        Added::At(self.timers.set(place, at))
    }

    /// Moves every key that is due into the line, in the order of the deadlines.
    fn promote(&mut self, now: Tick) {
        while let Some((at, place)) = self.timers.pop_due(now) {
            if let Some(entry) = self.entries.get_mut(place as usize) {
                entry.delayed = false;
            }
            self.wake(place, at);
        }
    }
}

impl<K> Entry<K> {
    fn is_running(&self) -> bool {
        matches!(self.state, State::Running | State::RunningAgain)
    }
}

/// Whether this key is the one at this place.
fn is_at<K: Eq>(entries: &Slab<Entry<K>>, place: u32, key: &K) -> bool {
    entries.get(place as usize).is_some_and(|entry| entry.key == *key)
}

/// A slab index as a place. Exact: [`MAX_KEYS`] bounds the slab, which fills its gaps first.
#[allow(clippy::cast_possible_truncation)]
fn as_place(index: usize) -> u32 {
    index as u32
}
