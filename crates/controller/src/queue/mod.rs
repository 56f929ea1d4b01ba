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
//! Keys are small numbers ([`Key`]) that whoever owns the real names hands out, so what is known of a key lies in a
//! vector at its place: nothing is hashed, and an operation costs the same at ten keys and at a million. The exceptions:
//! finishing a run searches the runs under way, of which there are as many as workers; a deadline earlier than the last
//! one set costs the logarithm of the number of deadlines. There are 18 bytes for every number up to the highest ever
//! added (16 of them only once it had a deadline), and numbers are not given back.
//!
//! How an async worker pool uses it: the queue sits in a `std::sync::Mutex` (never held across an await) beside a
//! `tokio::sync::Notify`. Whoever adds, finishes or shuts down calls `notify_one` (`notify_waiters` for shutting
//! down) after releasing the lock. A worker loops:
//! ```text
//! let next = lock(queue).get(clock.now());
//! match next {
//!     Next::Ready(work)   => { notify_one(); run(work.key).await; settle }  // another may wait behind it
//!     Next::WaitUntil(at) => select! { _ = notified() => {}, _ = sleep_until(at) => {} }
//!     Next::Idle          => notified().await
//!     Next::ShutDown      => break
//! }
//! ```
//! `settle` is, under one lock: success → `forget`, then `add_after(key, resync)`; failure → `add_rate_limited`;
//! and in every case, cancellation and panic included, `done`. A key without `done` never runs again.

mod backoff;
mod figures;
mod key;
mod line;
#[cfg(test)]
mod model;
mod outcome;
#[cfg(test)]
mod tests;
mod tick;

use std::collections::VecDeque;
use std::time::Duration;

use line::{Runs, Timers};

pub use backoff::Backoff;
pub use figures::Stats;
pub use key::Key;
pub use outcome::{Added, Finished, Next, Work};
pub use tick::Tick;

/// Keys waiting to be worked on. See the module's documentation for its promises.
#[derive(Debug)]
pub struct Queue {
    /// What is known of each key, at its number.
    slots: Vec<Slot>,
    /// Keys in the order in which they are handed out, and since when they wait; each at most once, all of them
    /// [`State::Waiting`].
    line: VecDeque<(Key, Tick)>,
    timers: Timers,
    runs: Runs,
    backoff: Backoff,
    shut: bool,
    stats: Stats,
}

/// Two bytes, so that those of a million keys stay in the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slot {
    state: State,
    /// In a row. Saturates: by then the delay has long been at its cap.
    failures: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Neither waiting nor running; it may have a deadline.
    #[default]
    Idle,
    Waiting,
    Running,
    /// Running, and added again meanwhile.
    RunningAgain,
}

impl Queue {
    /// An empty queue whose retries wait as `backoff` says.
    pub fn new(backoff: Backoff) -> Self {
        Self {
            slots: Vec::new(),
            line: VecDeque::new(),
            timers: Timers::default(),
            runs: Runs::default(),
            backoff,
            shut: false,
            stats: Stats::default(),
        }
    }

    /// The key is to be worked on as soon as a worker is free.
    pub fn add(&mut self, key: Key, now: Tick) -> Added {
        if self.refuses() {
            return Added::Refused;
        }
        self.make_room(key);
        self.wake(key, now)
    }

    /// The key is to be worked on after `delay`. An earlier deadline it already has is kept, a later one replaced.
    pub fn add_after(&mut self, key: Key, delay: Duration, now: Tick) -> Added {
        if delay.is_zero() {
            return self.add(key, now);
        }
        if self.refuses() {
            return Added::Refused;
        }
        self.make_room(key);
        Added::At(self.timers.set(key, now.after(delay)))
    }

    /// The key failed and is to be tried again after its back-off, which grows with each failure in a row.
    /// `random` is 64 random bits; they spread the retries of many keys that failed together.
    pub fn add_rate_limited(&mut self, key: Key, now: Tick, random: u64) -> Added {
        if self.refuses() {
            return Added::Refused;
        }
        self.make_room(key);
        self.stats.retries += 1;
        let slot = &mut self.slots[key.index()];
        slot.failures = slot.failures.saturating_add(1);
        let delay = self.backoff.delay(u32::from(slot.failures), random);
        Added::At(self.timers.set(key, now.after(delay)))
    }

    /// The next key, if one is due. The caller must call [`Queue::done`] with it, whatever happens.
    pub fn get(&mut self, now: Tick) -> Next {
        if !self.shut {
            self.promote(now);
        }
        let Some((key, since)) = self.line.pop_front() else {
            return match (self.shut, self.timers.next()) {
                (true, _) => Next::ShutDown,
                (false, Some(at)) => Next::WaitUntil(at),
                (false, None) => Next::Idle,
            };
        };
        let slot = &mut self.slots[key.index()];
        slot.state = State::Running;
        self.runs.begin(key, now);
        self.stats.handed_out += 1;
        Next::Ready(Work { key, waited: now.since(since), failures: u32::from(slot.failures) })
    }

    /// The run of this key is over. `None` if it was not running, which is the caller's mistake and changes nothing.
    pub fn done(&mut self, key: Key, now: Tick) -> Option<Finished> {
        let began = self.runs.end(key)?;
        let slot = &mut self.slots[key.index()];
        let again = slot.state == State::RunningAgain;
        if again {
            slot.state = State::Waiting;
            self.line.push_back((key, now));
        } else {
            slot.state = State::Idle;
        }
        Some(Finished { ran: now.since(began), again })
    }

    /// The key succeeded: its next failure starts at the shortest back-off again. Deadlines stay.
    pub fn forget(&mut self, key: Key) {
        if let Some(slot) = self.slots.get_mut(key.index()) {
            slot.failures = 0;
        }
    }

    /// From now on adds are refused and delays no longer come due; keys that wait are still handed out, keys that
    /// run may finish. When the line is empty, [`Queue::get`] answers [`Next::ShutDown`].
    pub fn shut_down(&mut self) {
        self.shut = true;
    }

    /// Takes out everything that has not been handed out, so that nothing is lost silently: the line in its order,
    /// then keys that were to run again, then delayed keys by deadline; each once. Running keys stay until `done`.
    pub fn drain(&mut self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.line.drain(..).map(|(key, _)| key).collect();
        for key in self.runs.keys() {
            let state = &mut self.slots[key.index()].state;
            if std::mem::replace(state, State::Running) == State::RunningAgain {
                keys.push(key);
            }
        }
        keys.extend(self.timers.take());

        let mut seen = vec![false; self.slots.len()];
        keys.retain(|key| !std::mem::replace(&mut seen[key.index()], true));
        for slot in self.slots.iter_mut().filter(|slot| slot.state != State::Running) {
            *slot = Slot::default();
        }
        keys
    }

    /// How often this key failed in a row.
    pub fn failures(&self, key: Key) -> u32 {
        self.slots.get(key.index()).map_or(0, |slot| u32::from(slot.failures))
    }

    fn refuses(&mut self) -> bool {
        self.stats.refused += u64::from(self.shut);
        self.shut
    }

    /// From now on the key has a slot.
    fn make_room(&mut self, key: Key) {
        if key.index() >= self.slots.len() {
            self.slots.resize(key.index() + 1, Slot::default());
        }
    }

    /// The key is to run now.
    fn wake(&mut self, key: Key, since: Tick) -> Added {
        let slot = &mut self.slots[key.index()];
        let added = match slot.state {
            State::Idle => {
                slot.state = State::Waiting;
                self.line.push_back((key, since));
                Added::Queued
            }
            State::Running => {
                slot.state = State::RunningAgain;
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

    /// Moves every key that is due into the line, in the order of the deadlines.
    fn promote(&mut self, now: Tick) {
        while let Some((at, key)) = self.timers.pop_due(now) {
            self.wake(key, at);
        }
    }
}
