//! The journal's words: what kind of thing a line of it says. What does not live here: the lines of remediation
//! ([`crate::remediation::JournalEntry`]), and how lines are kept.

use serde::{Deserialize, Serialize};

/// What a journal row is: events lead to decisions and tasks, tasks to actions, all of them to log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalKind {
    /// Something was decided, and why.
    Decision,
    /// Something is to be done.
    Task,
    /// Something was done.
    Action,
    /// What was said about it.
    Log,
}

impl JournalKind {
    /// Every kind, in the order things happen.
    pub const ALL: [Self; 4] = [Self::Decision, Self::Task, Self::Action, Self::Log];

    /// The lower-case word used in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Task => "task",
            Self::Action => "action",
            Self::Log => "log",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}
