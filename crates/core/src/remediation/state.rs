//! Where a proposal can stand, and what each state carries: no run without consent, no verdict without a run. What does not
//! live here: how it gets from one to the next; that is [`super::step()`].

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::said::Output;

/// Who approved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Approver {
    /// A rule of mode `auto`, by its name.
    Rule(Arc<str>),
    /// A person, by the name they act under.
    Person(Arc<str>),
}

impl Approver {
    /// The name under which the journal has them.
    pub fn name(&self) -> Arc<str> {
        match self {
            Self::Rule(name) => Arc::from(format!("rule {name}")),
            Self::Person(name) => name.clone(),
        }
    }
}

/// A consent: without one there is no [`Run`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: Approver,
    /// Why, in their words; may be empty.
    pub reason: Arc<str>,
    /// When.
    pub at: Timestamp,
}

/// That an action was sent off, with what was consented to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Who consented.
    pub approval: Approval,
    /// When it was dispatched.
    pub at: Timestamp,
    /// The lease under which it was dispatched: a controller that lost it must not send this.
    pub epoch: u64,
}

/// How a dispatched action ended, as far as its receiver is concerned. A claim, not a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It says that it worked.
    Succeeded,
    /// It says that it did not.
    Failed,
    /// It did not say anything in time.
    TimedOut,
}

/// Where a proposal stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum State {
    /// It waits for approval.
    Proposed,
    /// It may be dispatched once nothing holds it back.
    Approved {
        /// Who consented.
        approval: Approval,
    },
    /// A person said no. Over.
    Rejected {
        /// Who.
        by: Arc<str>,
        /// Why.
        reason: Arc<str>,
        /// When.
        at: Timestamp,
    },
    /// Nobody approved it in time, or nothing let it run in time. Over.
    Expired {
        /// When.
        at: Timestamp,
    },
    /// There was nothing to repair any more before it ran, or nobody asks for it any more. Over.
    Withdrawn {
        /// Why.
        why: Arc<str>,
        /// When.
        at: Timestamp,
    },
    /// Sent, or about to be; not yet accepted.
    Dispatched {
        /// Under which consent, and when.
        run: Run,
        /// How many attempts to send it failed.
        failures: u32,
        /// What the receiver said the last time.
        last_error: Option<Arc<str>>,
    },
    /// The receiver has it and works on it.
    Acknowledged {
        /// Under which consent, and when.
        run: Run,
        /// When it was accepted.
        at: Timestamp,
    },
    /// The receiver says that it worked; not yet verified.
    Succeeded {
        /// Under which consent, and when.
        run: Run,
        /// When it said so.
        at: Timestamp,
        /// What it said.
        output: Output,
    },
    /// The receiver says that it did not work; not yet observed.
    Failed {
        /// Under which consent, and when.
        run: Run,
        /// When it said so.
        at: Timestamp,
        /// What it said.
        output: Output,
    },
    /// The receiver said nothing in time; not yet observed.
    TimedOut {
        /// Under which consent, and when.
        run: Run,
        /// When its time was up.
        at: Timestamp,
        /// What it said later, if it did: noted, and believed by nobody.
        late: Option<Answer>,
    },
    /// An observation that began after the answer shows the drift gone. Over.
    Verified {
        /// Under which consent, and when.
        run: Run,
        /// What the receiver had claimed.
        answer: Answer,
        /// When it was verified.
        at: Timestamp,
    },
    /// The drift is still there. Over for this attempt.
    NotVerified {
        /// Under which consent, and when.
        run: Run,
        /// What the receiver had claimed.
        answer: Answer,
        /// When that was seen.
        at: Timestamp,
    },
    /// A person is needed. Over.
    Escalated {
        /// Under which consent, and when, if it was dispatched.
        run: Option<Run>,
        /// Why.
        why: Arc<str>,
        /// When.
        at: Timestamp,
    },
}

/// What a state means for everybody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Not dispatched yet.
    Waiting,
    /// Dispatched, and not answered.
    Running,
    /// Answered, and nobody has seen yet whether it worked.
    Unverified,
    /// Nothing more happens.
    Over,
}

impl State {
    /// Every word a state can have.
    pub const WORDS: [&str; 13] = [
        "proposed",
        "approved",
        "rejected",
        "expired",
        "withdrawn",
        "dispatched",
        "acknowledged",
        "succeeded",
        "failed",
        "timed_out",
        "verified",
        "not_verified",
        "escalated",
    ];

    /// The word used in the store and the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Expired { .. } => "expired",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Dispatched { .. } => "dispatched",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::TimedOut { .. } => "timed_out",
            Self::Verified { .. } => "verified",
            Self::NotVerified { .. } => "not_verified",
            Self::Escalated { .. } => "escalated",
        }
    }

    /// That it was dispatched, if it was.
    pub fn run(&self) -> Option<&Run> {
        match self {
            Self::Dispatched { run, .. }
            | Self::Acknowledged { run, .. }
            | Self::Succeeded { run, .. }
            | Self::Failed { run, .. }
            | Self::TimedOut { run, .. }
            | Self::Verified { run, .. }
            | Self::NotVerified { run, .. }
            | Self::Escalated { run: Some(run), .. } => Some(run),
            Self::Proposed
            | Self::Approved { .. }
            | Self::Rejected { .. }
            | Self::Expired { .. }
            | Self::Withdrawn { .. }
            | Self::Escalated { run: None, .. } => None,
        }
    }

    /// The receiver's answer and its moment, while nobody has seen yet whether it is true.
    pub fn answer(&self) -> Option<(Answer, Timestamp)> {
        match self {
            Self::Succeeded { at, .. } => Some((Answer::Succeeded, *at)),
            Self::Failed { at, .. } => Some((Answer::Failed, *at)),
            Self::TimedOut { at, .. } => Some((Answer::TimedOut, *at)),
            Self::Proposed
            | Self::Approved { .. }
            | Self::Rejected { .. }
            | Self::Expired { .. }
            | Self::Withdrawn { .. }
            | Self::Dispatched { .. }
            | Self::Acknowledged { .. }
            | Self::Verified { .. }
            | Self::NotVerified { .. }
            | Self::Escalated { .. } => None,
        }
    }
}
