//! Why something is not proposed, or not dispatched. What does not live here: the guards that say so.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::brake::BrakeReason;
use super::guard::Halt;
use super::proposal::Key;
use super::rule::Param;
use super::sight::Unfit;
use crate::coverage::Gap;
use crate::id::DriftId;

/// Why something is not proposed, or not dispatched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A person stopped everything.
    Halted(Halt),
    /// The brake is on.
    Braked(BrakeReason),
    /// It waits for a person.
    AwaitsApproval,
    /// A person declined it, or it is out of their hands, for this opening of the drift.
    Closed(&'static str),
    /// It is a consequence: its cause is to be repaired.
    Consequence(DriftId),
    /// It has not been open for long enough.
    TooYoung {
        /// When it will have been.
        until: Timestamp,
    },
    /// It is not to be acted on, by itself or by a decision.
    Unfit(Unfit),
    /// What should exist is not known at this moment.
    NoIntent(Gap),
    /// What should be seen there is not all seen.
    Blind(Gap),
    /// What the action must be told is not known.
    NotKnown(Param),
    /// It is the time of a window in which nothing runs; without a name, the time of none in which something may.
    Window(Option<Arc<str>>),
    /// Another action runs on the host, or its effect has not been seen yet.
    HostBusy(Key),
    /// The last attempt was just now.
    CoolDown {
        /// When the next may be.
        until: Timestamp,
    },
    /// As many run as may.
    Concurrency {
        /// How many may.
        of: u32,
    },
    /// As many of this action run as may.
    ActionConcurrency {
        /// How many may.
        of: u32,
    },
    /// Until the first ones have worked, only few run.
    SlowStart {
        /// How many may.
        of: u32,
    },
    /// As many were dispatched within the hour as may.
    HourlyBudget {
        /// How many may.
        of: u32,
    },
    /// As many were dispatched within 24 hours as may.
    DailyBudget {
        /// How many may.
        of: u32,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Halted(Halt { by, reason, at: _ }) => write!(f, "{by} stopped all repairs: {reason}"),
            Self::Braked(why) => write!(f, "the brake is on: {why}"),
            Self::AwaitsApproval => f.write_str("a person must approve it"),
            Self::Closed(state) => write!(f, "it is {state}, until the drift ends"),
            Self::Consequence(root) => write!(f, "it is a consequence of {root}"),
            Self::TooYoung { until } => write!(f, "its rule asks for an older drift, from {until} on"),
            Self::Unfit(Unfit::Unconfirmed) => f.write_str("it is not confirmed since its cause ended"),
            Self::Unfit(Unfit::Baseline) => f.write_str("it was there at the first look"),
            Self::Unfit(Unfit::Flapping) => f.write_str("it comes and goes"),
            Self::Unfit(Unfit::Silenced(name)) => write!(f, "silence {name} covers it"),
            Self::Unfit(Unfit::Unseen(gap)) => write!(f, "nobody can see it now ({gap})"),
            Self::Unfit(Unfit::Unjudged) => f.write_str("something there has changed just now"),
            Self::Unfit(Unfit::Gone) => f.write_str("it was not there any more at the last look"),
            Self::NoIntent(gap) => write!(f, "what should exist is not known now ({gap})"),
            Self::Blind(gap) => write!(f, "its host is not fully seen ({gap})"),
            Self::NotKnown(param) => write!(f, "its {} is not known", param.as_str().replace('_', " ")),
            Self::Window(Some(name)) => write!(f, "it is the time of window {name}"),
            Self::Window(None) => f.write_str("it is not the time of a window in which repairs run"),
            Self::HostBusy(key) => write!(f, "{} is not finished on the same host", key.handle()),
            Self::CoolDown { until } => write!(f, "the last attempt was just now; the next is at {until}"),
            Self::Concurrency { of } => write!(f, "{of} run already"),
            Self::ActionConcurrency { of } => write!(f, "{of} of this action run already"),
            Self::SlowStart { of } => write!(f, "only {of} may run until they have worked"),
            Self::HourlyBudget { of } => write!(f, "{of} were dispatched within an hour"),
            Self::DailyBudget { of } => write!(f, "{of} were dispatched within 24 hours"),
        }
    }
}

impl Reason {
    /// Every word a reason can have.
    pub const WORDS: [&str; 17] = [
        "halted",
        "braked",
        "awaits_approval",
        "closed",
        "consequence",
        "too_young",
        "unfit",
        "no_intent",
        "blind",
        "not_known",
        "window",
        "host_busy",
        "cool_down",
        "concurrency",
        "action_concurrency",
        "slow_start",
        "budget",
    ];

    /// The word used in figures and the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Halted(_) => "halted",
            Self::Braked(_) => "braked",
            Self::AwaitsApproval => "awaits_approval",
            Self::Closed(_) => "closed",
            Self::Consequence(_) => "consequence",
            Self::TooYoung { .. } => "too_young",
            Self::Unfit(_) => "unfit",
            Self::NoIntent(_) => "no_intent",
            Self::Blind(_) => "blind",
            Self::NotKnown(_) => "not_known",
            Self::Window(_) => "window",
            Self::HostBusy(_) => "host_busy",
            Self::CoolDown { .. } => "cool_down",
            Self::Concurrency { .. } => "concurrency",
            Self::ActionConcurrency { .. } => "action_concurrency",
            Self::SlowStart { .. } => "slow_start",
            Self::HourlyBudget { .. } | Self::DailyBudget { .. } => "budget",
        }
    }
}
