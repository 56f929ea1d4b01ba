//! What can be read off the queue, none of it by searching. What does not live here: metrics and their names.

use std::time::Duration;

use super::Queue;
use super::tick::Tick;

/// Running totals since the queue was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Adds that caused a run: accepted, due, and not already waiting.
    pub adds: u64,
    /// Adds that were absorbed by one already waiting.
    pub deduplicated: u64,
    /// Adds after a failure.
    pub retries: u64,
    /// Keys handed out.
    pub handed_out: u64,
    /// Adds refused because the queue is shutting down.
    pub refused: u64,
}

impl Queue {
    /// Keys that wait for a worker.
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether no key waits for a worker; some may run or be delayed.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// Keys that are being worked on.
    pub fn running(&self) -> usize {
        self.runs.len()
    }

    /// Keys that have a deadline.
    pub fn delayed(&self) -> usize {
        self.timers.len()
    }

    /// When the earliest delayed key is due.
    pub fn next_deadline(&self) -> Option<Tick> {
        self.timers.next()
    }

    /// Whether [`Queue::shut_down`] was called.
    pub fn is_shut_down(&self) -> bool {
        self.shut
    }

    /// The totals since the start.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// How long the longest current run has lasted; zero if nothing runs. A figure that only grows is a stuck run.
    pub fn longest_running(&self, now: Tick) -> Duration {
        self.runs.earliest().map_or(Duration::ZERO, |began| now.since(began))
    }

    /// How long all current runs have lasted, added up.
    pub fn unfinished(&self, now: Tick) -> Duration {
        self.runs.unfinished(now)
    }
}
