//! Two ordered lists of keys: deadlines to come and runs under way. What does not live here: what else is known of a key.
//!
//! Both delete lazily. Removing an item from the middle of a heap or deque would cost a search; instead an outdated
//! item is skipped when it comes up, and all outdated items are swept once they outnumber the current ones, which
//! keeps the memory within twice what is needed and the cost per item constant.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use super::key::Key;
use super::tick::Tick;

/// Below this many items sweeping is not worth it.
const SLACK: usize = 64;

/// Deadlines, at most one per key; earliest first, equal ones in the order they were set. Which timer is a key's
/// current one is told by its slot: `is_current`.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
    /// How many of them are current.
    live: usize,
    order: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timer {
    pub(super) at: Tick,
    /// Wraps after four billion delayed adds, where two equal deadlines may swap once.
    pub(super) order: NonZeroU32,
    pub(super) key: Key,
}

impl Timers {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// The earliest deadline. The top of the heap is always current: a deadline that was replaced lies behind the
    /// earlier one that replaced it, and [`Timers::pop_due`] clears the top.
    pub(super) fn next(&self) -> Option<Tick> {
        self.heap.peek().map(|Reverse(timer)| timer.at)
    }

    /// A timer for this deadline, which may replace another one of the key.
    pub(super) fn set(&mut self, key: Key, at: Tick, replaces: bool) -> Timer {
        self.order = self.order.checked_add(1).unwrap_or(1);
        let timer = Timer { at, order: NonZeroU32::new(self.order).unwrap_or(NonZeroU32::MIN), key };
        self.live += usize::from(!replaces);
        self.heap.push(Reverse(timer));
        timer
    }

    /// Drops the outdated timers if they outnumber the current ones.
    pub(super) fn sweep(&mut self, is_current: impl Fn(&Timer) -> bool) {
        if self.heap.len() > 2 * self.live + SLACK {
            self.heap.retain(|Reverse(timer)| is_current(timer));
        }
    }

    /// Takes the earliest deadline, if it has passed. To be called until it answers `None`.
    pub(super) fn pop_due(&mut self, now: Tick, is_current: impl Fn(&Timer) -> bool) -> Option<Timer> {
        while let Some(&Reverse(timer)) = self.heap.peek() {
            let is_current = is_current(&timer);
            if is_current && timer.at > now {
                return None;
            }
            self.heap.pop();
            if is_current {
                self.live -= 1;
                return Some(timer);
            }
        }
        None
    }

    /// Takes every key that has a deadline, the earliest first.
    pub(super) fn take(&mut self, is_current: impl Fn(&Timer) -> bool) -> impl Iterator<Item = Key> {
        self.live = 0;
        let mut timers: Vec<Timer> = self.heap.drain().map(|Reverse(timer)| timer).collect();
        timers.retain(is_current);
        timers.sort_unstable();
        timers.into_iter().map(|timer| timer.key)
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.heap.len()
    }
}

/// Runs under way, in the order they began.
#[derive(Debug, Default)]
pub(super) struct Runs {
    begun: VecDeque<(Tick, Key)>,
    live: usize,
    /// The sum of the moments at which current runs began.
    sum: u128,
}

impl Runs {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn begin(&mut self, key: Key, now: Tick) {
        self.live += 1;
        self.sum += u128::from(now.as_nanos());
        self.begun.push_back((now, key));
    }

    /// A run that began at `began` is over; `current` already says so.
    pub(super) fn end(&mut self, began: Tick, current: impl Fn(Key, Tick) -> bool) {
        self.live -= 1;
        self.sum -= u128::from(began.as_nanos());
        while self.begun.front().is_some_and(|&(began, key)| !current(key, began)) {
            self.begun.pop_front();
        }
        // One stuck run in front must not keep every later one in memory.
        if self.begun.len() > 2 * self.live + SLACK {
            self.begun.retain(|&(began, key)| current(key, began));
        }
    }

    /// When the longest current run began.
    pub(super) fn earliest(&self) -> Option<Tick> {
        self.begun.front().map(|&(began, _)| began)
    }

    /// The keys of runs, the latest first; a key met a second time is an outdated item.
    pub(super) fn latest_first(&self) -> impl Iterator<Item = Key> + '_ {
        self.begun.iter().rev().map(|&(_, key)| key)
    }

    pub(super) fn unfinished(&self, now: Tick) -> Duration {
        let total = (u128::from(now.as_nanos()) * self.live as u128).saturating_sub(self.sum);
        Duration::from_nanos(u64::try_from(total).unwrap_or(u64::MAX))
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.begun.len()
    }
}
