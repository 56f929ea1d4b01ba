//! What the ledger keeps about one drift.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::coverage::Gap;
use crate::drift::{Difference, Drift, Evidence};
use crate::event::Severity;
use crate::id::DriftId;

/// Where a drift stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Seen, not yet believed.
    Pending,
    /// Believed.
    Open,
    /// Believed gone; kept for a while, so that its return is a reopening.
    Resolved,
}

impl State {
    /// The lower-case word used in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }
}

/// Why the newest verdict on an entry was no verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blind {
    /// Since when nobody can say.
    pub since: Timestamp,
    /// Why.
    pub gap: Gap,
}

/// What was counted when the cause of a consequence ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freed {
    /// Observations that had shown it.
    pub seen: u32,
    /// The last of them.
    pub at: Timestamp,
}

/// One drift as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is about.
    pub id: DriftId,
    /// Where it stands.
    pub state: State,
    /// The difference as last seen.
    pub difference: Difference,
    /// How much it matters.
    pub severity: Severity,
    /// When the first observation showed it (of the present run of it).
    pub first_seen: Timestamp,
    /// The last observation that showed it.
    pub last_seen: Timestamp,
    /// The last observation that was counted, for or against it.
    pub evidence: Evidence,
    /// Distinct observations that showed it, since it was last clean.
    pub seen: u32,
    /// Distinct observations that did not, since it was last seen.
    pub clean: u32,
    /// Since when it has not been seen, if it has not.
    pub clean_since: Option<Timestamp>,
    /// When it was believed; of what is over, and of what is over and was seen again, the last time.
    pub opened_at: Option<Timestamp>,
    /// When it was believed gone.
    pub resolved_at: Option<Timestamp>,
    /// The root drift it is a consequence of; a folded entry is not announced.
    pub parent: Option<DriftId>,
    /// Its cause ended before it did. What outlives its cause may be the last echo of it (an engine that is still
    /// starting), so it is confirmed anew before it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freed: Option<Freed>,
    /// An event that said it is open was sent; its end will be sent, too.
    pub announced: bool,
    /// Its opening is in the event history; its end will be, too.
    pub recorded: bool,
    /// It was there at the first look.
    pub baseline: bool,
    /// It comes and goes; see [`crate::policy::Flap`].
    pub flapping: bool,
    /// When it was opened or resolved within the flap window, oldest first.
    pub transitions: Vec<Timestamp>,
    /// When it was last announced or said again.
    pub said_at: Option<Timestamp>,
    /// The newest verdict was "unknown", since when and why.
    pub blind: Option<Blind>,
    /// The silence that covers it now.
    pub silenced: Option<Arc<str>>,
}

impl Entry {
    /// A drift seen for the first time.
    pub(super) fn first(drift: &Drift) -> Self {
        Self {
            id: drift.id.clone(),
            state: State::Pending,
            difference: drift.difference.clone(),
            severity: drift.severity,
            first_seen: drift.evidence.observed_at,
            last_seen: drift.evidence.observed_at,
            evidence: drift.evidence.clone(),
            seen: 1,
            clean: 0,
            clean_since: None,
            opened_at: None,
            resolved_at: None,
            parent: None,
            freed: None,
            announced: false,
            recorded: false,
            baseline: false,
            flapping: false,
            transitions: Vec::new(),
            said_at: None,
            blind: None,
            silenced: drift.silenced.clone(),
        }
    }

    /// Whether it is believed now.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether it stands for itself: open, and no consequence of another.
    pub fn is_root(&self) -> bool {
        self.is_open() && self.parent.is_none()
    }
}
