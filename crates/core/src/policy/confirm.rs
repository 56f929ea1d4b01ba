//! When a difference is believed, and when its end is.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::EventType;

/// Confirmation for one type of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Open after this many distinct observations of the difference …
    pub open_after: u32,
    /// … or when the observations that show it span this long. Time without an observation confirms nothing.
    pub open_after_time: Duration,
    /// Resolve after this many distinct observations without it.
    pub resolve_after: u32,
}

impl Window {
    /// Believe everything at once: for tests, and for operators who prefer speed to calm.
    pub const IMMEDIATE: Self = Self { open_after: 1, open_after_time: Duration::ZERO, resolve_after: 1 };

    /// Believe what lasts: observations over five minutes, however many they are.
    pub const LASTING: Self =
        Self { open_after: u32::MAX, open_after_time: Duration::from_secs(300), resolve_after: 2 };
}

impl Default for Window {
    /// Absence needs two complete observations; so does presence.
    fn default() -> Self {
        Self { open_after: 2, open_after_time: Duration::from_secs(60), resolve_after: 2 }
    }
}

/// Confirmation for all types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirm {
    /// For every type not named in `by_type`.
    pub default: Window,
    /// For particular types.
    pub by_type: BTreeMap<EventType, Window>,
    /// Observations closer together than this are one: what is in the middle of being replaced is looked at several
    /// times within a second, and each look says that it is gone.
    pub apart: Duration,
}

impl Confirm {
    /// The window of one type. Where the operator did not say otherwise, a resource must be exceeded for five minutes:
    /// a backup is no alarm.
    pub fn of(&self, kind: EventType) -> Window {
        match (self.by_type.get(&kind), kind) {
            (Some(window), _) => *window,
            (None, EventType::ResourceExceeded) if self.default != Window::IMMEDIATE => Window::LASTING,
            (None, _) => self.default,
        }
    }
}

/// When a drift that comes and goes is held open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flap {
    /// Opened or resolved this often within `window` makes a drift flapping.
    pub transitions: u32,
    /// The time looked back over; also how soon after its end a drift counts as reopened.
    pub window: Duration,
    /// A flapping drift resolves once it has been clean for this long without interruption.
    pub quiet: Duration,
}

impl Default for Flap {
    fn default() -> Self {
        Self { transitions: 6, window: Duration::from_secs(3600), quiet: Duration::from_secs(600) }
    }
}
