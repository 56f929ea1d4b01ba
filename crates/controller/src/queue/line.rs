//! Two ordered lists of places: deadlines to come and runs under way. What does not live here: keys and their state.
//!
//! Both delete lazily. Removing an item from the middle of a heap or deque would cost a search; instead an outdated
//! item is skipped when it comes up, and all outdated items are swept once they outnumber the current ones, which
//! keeps the memory within twice what is needed and the cost per item constant.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::tick::Tick;

/// Below this many items sweeping is not worth it.
const SLACK: usize = 64;

/// Deadlines, at most one per place; earliest first, equal ones in the order they were set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
    /// Each place's deadline; whatever else is in the heap is outdated.
    current: HashMap<u32, Timer>,
    order: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    at: Tick,
    /// Wraps after four billion delayed adds, where two equal deadlines may swap once.
    order: u32,
    place: u32,
}

impl Timers {
    pub(super) fn len(&self) -> usize {
        self.current.len()
    }

    /// The earliest deadline. The top of the heap is always current: a deadline that was replaced lies behind the
    /// earlier one that replaced it, and [`Timers::pop_due`] clears the top.
    pub(super) fn next(&self) -> Option<Tick> {
        self.heap.peek().map(|Reverse(timer)| timer.at)
    }

    /// `place` is due at `at`, unless it is due earlier anyway. Returns when it is due.
    pub(super) fn set(&mut self, place: u32, at: Tick) -> Tick {
        let order = self.order.wrapping_add(1);
        let timer = Timer { at, order, place };
        match self.current.entry(place) {
            Entry::Occupied(known) if known.get().at <= at => return known.get().at,
            Entry::Occupied(mut known) => {
                known.insert(timer);
            }
            Entry::Vacant(free) => {
                free.insert(timer);
            }
        }
        self.order = order;
        self.heap.push(Reverse(timer));
        if self.heap.len() > 2 * self.current.len() + SLACK {
            let current = &self.current;
            self.heap.retain(|Reverse(timer)| current.get(&timer.place) == Some(timer));
        }
        at
    }

    /// Takes the earliest deadline, if it has passed. To be called until it answers `None`.
    pub(super) fn pop_due(&mut self, now: Tick) -> Option<(Tick, u32)> {
        while let Some(&Reverse(timer)) = self.heap.peek() {
            let is_current = self.current.get(&timer.place) == Some(&timer);
            if is_current && timer.at > now {
                return None;
            }
            self.heap.pop();
            if is_current {
                self.current.remove(&timer.place);
                return Some((timer.at, timer.place));
            }
        }
        None
    }

    /// Takes every place that has a deadline, the earliest first.
    pub(super) fn take(&mut self) -> impl Iterator<Item = u32> {
        self.heap.clear();
        let mut timers: Vec<Timer> = self.current.drain().map(|(_, timer)| timer).collect();
        timers.sort_unstable();
        timers.into_iter().map(|timer| timer.place)
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.heap.len()
    }
}

/// Runs under way, in the order they began.
#[derive(Debug, Default)]
pub(super) struct Runs {
    begun: VecDeque<(Tick, u32)>,
    live: usize,
    /// The sum of the moments at which current runs began.
    sum: u128,
}

impl Runs {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn begin(&mut self, place: u32, now: Tick) {
        self.live += 1;
        self.sum += u128::from(now.as_nanos());
        self.begun.push_back((now, place));
    }

    /// A run that began at `began` is over; `current` already says so.
    pub(super) fn end(&mut self, began: Tick, current: impl Fn(u32, Tick) -> bool) {
        self.live -= 1;
        self.sum -= u128::from(began.as_nanos());
        while self.begun.front().is_some_and(|&(began, place)| !current(place, began)) {
            self.begun.pop_front();
        }
        // One stuck run in front must not keep every later one in memory.
        if self.begun.len() > 2 * self.live + SLACK {
            self.begun.retain(|&(began, place)| current(place, began));
        }
    }

    /// When the longest current run began.
    pub(super) fn earliest(&self) -> Option<Tick> {
        self.begun.front().map(|&(began, _)| began)
    }

    /// The places of runs, the latest first; a place met a second time is an outdated item.
    pub(super) fn latest_first(&self) -> impl Iterator<Item = u32> + '_ {
        self.begun.iter().rev().map(|&(_, place)| place)
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
