//! What can happen to a proposal, and why it may be refused. What does not live here: what it leads to; that is
//! [`super::step()`].

use std::sync::Arc;

use jiff::Timestamp;

use super::said::Output;
use super::sight::Observation;
use super::state::Answer;

/// What can happen to a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A person consents.
    Approve {
        /// Who.
        by: Arc<str>,
        /// Why; may be empty.
        reason: Arc<str>,
    },
    /// A person declines.
    Reject {
        /// Who.
        by: Arc<str>,
        /// Why.
        reason: Arc<str>,
    },
    /// Its time is up.
    Expire,
    /// There is nothing to do any more.
    Withdraw {
        /// Why.
        why: Arc<str>,
    },
    /// It is sent off, under this lease. Committed before anything is sent.
    Dispatch {
        /// The lease's number.
        epoch: u64,
    },
    /// The receiver took it: a success with a body that says so.
    Accepted,
    /// An attempt to send it failed.
    SendFailed(SendFailure),
    /// The receiver says how it went.
    Callback(Claim),
    /// The receiver's time is up.
    TimedOut,
    /// Somebody looked at the drift.
    Observed(Observation),
    /// A person is needed.
    Escalate {
        /// Why.
        why: Arc<str>,
    },
}

/// Why an attempt to send failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendFailure {
    /// It may work later: the same request is sent again, under the same key.
    ForNow(Arc<str>),
    /// The receiver refuses it until somebody changes something.
    ForGood(Arc<str>),
}

/// What a receiver says about its work. Believed by nobody until it is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It worked.
    Succeeded(Output),
    /// It did not.
    Failed(Output),
}

/// Why an input was refused. The proposal is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It came too early.
    #[error("not before {0}")]
    NotYet(Timestamp),
    /// It came after the proposal's time was up.
    #[error("the proposal's time was up at {0}")]
    TooLate(Timestamp),
    /// The matter is decided.
    #[error("the proposal is {0} already")]
    Decided(&'static str),
    /// It cannot be dispatched without consent.
    #[error("the proposal is {0}, not approved")]
    NotApproved(&'static str),
    /// It was never sent off.
    #[error("the proposal is {0}: it was never dispatched")]
    NotDispatched(&'static str),
    /// The receiver said something else before.
    #[error("the receiver said {0:?} before and now the opposite; the first word stands")]
    Contradicts(Answer),
    /// Who decides must be named, and who declines must say why.
    #[error("{0} is missing")]
    Nameless(&'static str),
}
