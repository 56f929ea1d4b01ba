//! What the queue answers. Plain values; what they mean for a worker is said at each.

use std::time::Duration;

#[cfg(doc)]
use super::Queue;
use super::key::Key;
use super::tick::Tick;

/// What became of an add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It waits now and did not before: wake a worker.
    Queued,
    /// It was waiting, or already marked to run again: nothing changed.
    Already,
    /// It is running and runs once more afterwards.
    AfterRun,
    /// It is due at this moment (the earlier one, where it was already delayed): wake a worker, so that it
    /// recomputes how long it may sleep.
    At(Tick),
    /// The queue is shutting down: the key was not taken.
    Refused,
}

/// The answer to "what now?".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Work on this, then call [`Queue::done`].
    Ready(Work),
    /// Nothing before this moment, unless something is added.
    WaitUntil(Tick),
    /// Nothing until something is added.
    Idle,
    /// Nothing any more: the worker can end.
    ShutDown,
}

/// A key handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// The key.
    pub key: Key,
    /// How long it stood in the line (from its deadline, for a delayed add).
    pub waited: Duration,
    /// How often it failed in a row before this run.
    pub failures: u32,
}

/// What a finished run amounted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How long the run took.
    pub ran: Duration,
    /// It was added during the run and waits again: wake a worker.
    pub again: bool,
}
