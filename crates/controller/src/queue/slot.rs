//! What the queue knows of one key: 24 bytes, so that an operation touches one cache line.

use std::num::NonZeroU32;

use super::line::Timer;
use super::tick::Tick;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Neither waiting nor running; it may have a deadline or failures.
    #[default]
    Idle,
    Waiting,
    Running,
    /// Running, and added again meanwhile.
    RunningAgain,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    /// When it entered the line, or when its run began.
    pub(super) since: Tick,
    /// Its deadline, if it has one.
    at: Tick,
    /// Which timer stands for the deadline; `None`: it has none.
    timer: Option<NonZeroU32>,
    /// Saturates: by then the delay has long been at its cap.
    pub(super) failures: u16,
    pub(super) state: State,
}

// At a million keys the size decides how much of it is in the cache.
const _: () = assert!(size_of::<Slot>() == 24);

impl Slot {
    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running | State::RunningAgain)
    }

    pub(super) fn deadline(&self) -> Option<Tick> {
        self.timer.map(|_| self.at)
    }

    pub(super) fn set_deadline(&mut self, timer: Timer) {
        self.at = timer.at;
        self.timer = Some(timer.order);
    }

    pub(super) fn clear_deadline(&mut self) {
        self.timer = None;
    }

    /// Whether this timer stands for the deadline; another one is outdated.
    pub(super) fn has(&self, timer: &Timer) -> bool {
        self.timer == Some(timer.order) && self.at == timer.at
    }

    /// Whether anything is known of the key.
    #[cfg(test)]
    pub(super) fn is_in_use(&self) -> bool {
        self.state != State::Idle || self.failures > 0 || self.timer.is_some()
    }
}
