//! What remediation writes into the journal, and which of it people are told. What does not live here: how lines are
//! kept, and how a notice travels.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::proposal::Key;
use crate::id::DriftId;
use crate::journal::JournalKind;

/// What a line says, in one stable word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A proposal was made.
    Proposed,
    /// A proposal waits for a person.
    ApprovalWanted,
    /// Somebody consented.
    Approved,
    /// Somebody declined.
    Rejected,
    /// Its time was up before it ran.
    Expired,
    /// There was nothing to do any more.
    Withdrawn,
    /// It was sent off.
    Dispatched,
    /// An attempt to send it failed.
    SendFailed,
    /// The receiver has it.
    Acknowledged,
    /// The receiver says that it worked.
    Succeeded,
    /// The receiver says that it did not.
    Failed,
    /// The receiver said nothing in time.
    TimedOut,
    /// The receiver answered after its time was up.
    AnsweredLate,
    /// An observation shows that it worked.
    Verified,
    /// An observation shows that it did not.
    NotVerified,
    /// A person is needed.
    Escalated,
    /// Nothing is dispatched from here on: too much at once.
    BrakeEngaged,
    /// Dispatching goes on.
    BrakeReleased,
    /// A person stopped everything.
    Halted,
    /// A person let it go on.
    Resumed,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 20] = [
        Self::Proposed,
        Self::ApprovalWanted,
        Self::Approved,
        Self::Rejected,
        Self::Expired,
        Self::Withdrawn,
        Self::Dispatched,
        Self::SendFailed,
        Self::Acknowledged,
        Self::Succeeded,
        Self::Failed,
        Self::TimedOut,
        Self::AnsweredLate,
        Self::Verified,
        Self::NotVerified,
        Self::Escalated,
        Self::BrakeEngaged,
        Self::BrakeReleased,
        Self::Halted,
        Self::Resumed,
    ];

    /// The word used in the store, the API and notices.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::ApprovalWanted => "approval_wanted",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Dispatched => "dispatched",
            Self::SendFailed => "send_failed",
            Self::Acknowledged => "acknowledged",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::AnsweredLate => "answered_late",
            Self::Verified => "verified",
            Self::NotVerified => "not_verified",
            Self::Escalated => "escalated",
            Self::BrakeEngaged => "brake_engaged",
            Self::BrakeReleased => "brake_released",
            Self::Halted => "halted",
            Self::Resumed => "resumed",
        }
    }

    /// What kind of line it is: decisions lead to tasks, tasks to actions, and the rest is said about them.
    pub fn kind(self) -> JournalKind {
        match self {
            Self::Proposed | Self::ApprovalWanted => JournalKind::Task,
            Self::Approved
            | Self::Rejected
            | Self::Expired
            | Self::Withdrawn
            | Self::Escalated
            | Self::BrakeEngaged
            | Self::BrakeReleased
            | Self::Halted
            | Self::Resumed => JournalKind::Decision,
            Self::Dispatched => JournalKind::Action,
            Self::SendFailed
            | Self::Acknowledged
            | Self::Succeeded
            | Self::Failed
            | Self::TimedOut
            | Self::AnsweredLate
            | Self::Verified
            | Self::NotVerified => JournalKind::Log,
        }
    }

    /// Whether people are told, and not only whoever reads the journal (see docs/adr/0006-the-brake-is-a-notice.md).
    pub fn is_announced(self) -> bool {
        match self {
            Self::ApprovalWanted | Self::Escalated | Self::BrakeEngaged | Self::BrakeReleased => true,
            Self::Proposed
            | Self::Approved
            | Self::Rejected
            | Self::Expired
            | Self::Withdrawn
            | Self::Dispatched
            | Self::SendFailed
            | Self::Acknowledged
            | Self::Succeeded
            | Self::Failed
            | Self::TimedOut
            | Self::AnsweredLate
            | Self::Verified
            | Self::NotVerified
            | Self::Halted
            | Self::Resumed => false,
        }
    }
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// What it says, in one word.
    pub code: Code,
    /// When.
    pub at: Timestamp,
    /// The drift concerned; none for what concerns everything.
    pub drift: Option<DriftId>,
    /// The proposal concerned.
    pub proposal: Option<Key>,
    /// Who: `evenkeel`, `rule NAME`, a person, the action's receiver.
    pub actor: Arc<str>,
    /// One sentence for people.
    pub text: String,
    /// Whether people are told.
    pub announce: bool,
}

impl JournalEntry {
    /// The name under which evenkeel itself acts.
    pub const SELF: &str = "evenkeel";

    /// A line that concerns everything.
    pub(super) fn of_all(code: Code, at: Timestamp, actor: Arc<str>, text: String) -> Self {
        Self { code, at, drift: None, proposal: None, actor, text, announce: code.is_announced() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_stored_as_the_word_it_is_shown_as() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
