//! Two ordered lists of keys: deadlines to come and runs under way. What does not live here: what else is known of a
//! key.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use super::key::Key;
use super::tick::Tick;

/// Below this many items sweeping is not worth it.
const SLACK: usize = 64;

/// Deadlines, at most one per key; earliest first, equal ones in the order they were set.
///
/// Most delays are the same one, so most deadlines come in their order and need no heap: only those that are in the
/// way of an earlier one are moved there, each at most once. Both parts delete lazily: a deadline that was replaced is
/// skipped when it comes up, and all such are swept once they outnumber the current ones, which keeps the memory within
/// twice what is needed and the cost per deadline constant.
#[derive(Debug, Default)]
pub(super) struct Timers {
    in_order: VecDeque<Timer>,
    heap: BinaryHeap<Reverse<Timer>>,
    /// Each key's deadline, at its number; whatever else is in the two lists is outdated.
    current: Vec<Option<Deadline>>,
    /// How many keys have one.
    live: usize,
    order: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Deadline {
    at: Tick,
    /// Wraps after four billion delayed adds, where two equal deadlines may swap once.
    order: NonZeroU32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    deadline: Deadline,
    key: Key,
}

impl Timers {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// The earliest deadline. The first is always current: a deadline that was replaced lies behind the earlier one
    /// that replaced it, and [`Timers::pop_due`] clears the front.
    pub(super) fn next(&self) -> Option<Tick> {
        self.first().map(|timer| timer.deadline.at)
    }

    /// The key is due at `at`, unless it is due earlier anyway. Returns when it is due.
    pub(super) fn set(&mut self, key: Key, at: Tick) -> Tick {
        if key.index() >= self.current.len() {
            self.current.resize(key.index() + 1, None);
        }
        let known = &mut self.current[key.index()];
        match known {
            Some(known) if known.at <= at => return known.at,
            Some(_) => {}
            None => self.live += 1,
        }
        self.order = self.order.checked_add(1).unwrap_or(1);
        let deadline = Deadline { at, order: NonZeroU32::new(self.order).unwrap_or(NonZeroU32::MIN) };
        *known = Some(deadline);
        while let Some(later) = self.in_order.pop_back_if(|last| last.deadline > deadline) {
            self.heap.push(Reverse(later));
        }
        self.in_order.push_back(Timer { deadline, key });
        self.sweep();
        at
    }

    /// Takes the earliest deadline, if it has passed. To be called until it answers `None`.
    pub(super) fn pop_due(&mut self, now: Tick) -> Option<(Tick, Key)> {
        while let Some(&Timer { deadline, key }) = self.first() {
            let known = &mut self.current[key.index()];
            let is_current = *known == Some(deadline);
            if is_current && deadline.at > now {
                return None;
            }
            if is_current {
                *known = None;
                self.live -= 1;
            }
            self.pop_first();
            if is_current {
                return Some((deadline.at, key));
            }
        }
        None
    }

    /// Takes every key that has a deadline, the earliest first.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Key> {
        let mut timers: Vec<Timer> = self.in_order.drain(..).collect();
        timers.extend(self.heap.drain().map(|Reverse(timer)| timer));
        timers.retain(|timer| self.current[timer.key.index()] == Some(timer.deadline));
        timers.sort_unstable();
        self.current.clear();
        self.live = 0;
        timers.into_iter().map(|timer| timer.key)
    }

    fn first(&self) -> Option<&Timer> {
        match (self.in_order.front(), self.heap.peek()) {
            (Some(a), Some(Reverse(b))) => Some(a.min(b)),
            (Some(timer), None) | (None, Some(Reverse(timer))) => Some(timer),
            (None, None) => None,
        }
    }

    fn pop_first(&mut self) {
        match (self.in_order.front(), self.heap.peek()) {
            (Some(a), Some(Reverse(b))) if b < a => drop(self.heap.pop()),
            (None, Some(_)) => drop(self.heap.pop()),
            (Some(_), Some(_) | None) | (None, None) => drop(self.in_order.pop_front()),
        }
    }

    fn sweep(&mut self) {
        if self.held() > 2 * self.live + SLACK {
            let current = &self.current;
            let is_current = |timer: &Timer| current[timer.key.index()] == Some(timer.deadline);
            self.in_order.retain(is_current);
            self.heap.retain(|Reverse(timer)| is_current(timer));
        }
    }

    /// Deadlines in memory, outdated ones included.
    pub(super) fn held(&self) -> usize {
        self.in_order.len() + self.heap.len()
    }
}

/// Runs under way, in the order they began: as many as there are workers.
#[derive(Debug, Default)]
pub(super) struct Runs(VecDeque<(Key, Tick)>);

impl Runs {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn begin(&mut self, key: Key, now: Tick) {
        self.0.push_back((key, now));
    }

    /// The run of this key is over; when it began. `None`: there is none.
    pub(super) fn end(&mut self, key: Key) -> Option<Tick> {
        let place = self.0.iter().position(|(running, _)| *running == key)?;
        self.0.remove(place).map(|(_, began)| began)
    }

    /// When the longest run began.
    pub(super) fn earliest(&self) -> Option<Tick> {
        self.0.front().map(|(_, began)| *began)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.0.iter().map(|(key, _)| *key)
    }

    /// How long all of them have lasted, added up.
    pub(super) fn unfinished(&self, now: Tick) -> Duration {
        self.0.iter().map(|(_, began)| now.since(*began)).fold(Duration::ZERO, Duration::saturating_add)
    }
}
