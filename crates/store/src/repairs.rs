//! What is kept of repairs: proposals, what persons and the brake decided, callbacks. What does not live here: what
//! becomes of a proposal; that is [`evenkeel_core::remediation`].

use evenkeel_core::remediation::{Controls, Key, Notice, Phase, Proposal};
use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::rows::JournalRow;

/// SHA-256 of a callback's token. The token itself is kept nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// As it is spelled in a database.
    pub(crate) fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A proposal as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalRow {
    /// The proposal.
    pub proposal: Proposal,
    /// Counted up by every change, from 1 on.
    pub revision: u64,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Everything the planner needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// In the order of their keys.
    pub proposals: Vec<ProposalRow>,
    /// What persons and the brake decided; the default if nobody ever did.
    pub controls: Controls,
    /// The revision of `controls`; 0 if nobody ever decided anything.
    pub controls_revision: u64,
}

/// One step of repairs: everything of it is kept, or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct RepairCommit {
    /// Proposals that are new or differ.
    pub proposals: Vec<ProposalChange>,
    /// What persons and the brake decide, if that changes.
    pub controls: Option<ControlsChange>,
    /// Callbacks that may be called from now on.
    pub callbacks: Vec<NewCallback>,
    /// A callback that is used up by this.
    pub used: Option<TokenHash>,
    /// What is written down, in this order.
    pub journal: Vec<JournalRow>,
    /// What is told, in this order.
    pub notices: Vec<NewNotice>,
    /// When: deliveries of notices are due from then on.
    pub at: Timestamp,
}

impl RepairCommit {
    /// A step that changes nothing yet.
    pub fn new(at: Timestamp) -> Self {
        Self {
            proposals: Vec::new(),
            controls: None,
            callbacks: Vec::new(),
            used: None,
            journal: Vec::new(),
            notices: Vec::new(),
            at,
        }
    }
}

/// A proposal that is new or differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalChange {
    /// The revision it had; 0 if it is new.
    pub expected_revision: u64,
    /// As it is from now on.
    pub proposal: Proposal,
}

/// What persons and the brake decide from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlsChange {
    /// The revision it had; 0 if nobody ever decided anything.
    pub expected_revision: u64,
    /// As it is from now on.
    pub controls: Controls,
}

/// A callback that may be called once, until its time is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCallback {
    /// What its caller must know, hashed.
    pub token: TokenHash,
    /// The proposal it answers.
    pub proposal: Key,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A callback as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The proposal it answers.
    pub proposal: Key,
    /// Until when it may be called.
    pub expires_at: Timestamp,
    /// When it was called.
    pub used_at: Option<Timestamp>,
}

/// A notice and who gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotice {
    /// The notice. Its id takes an event's place in the outbox.
    pub notice: Notice,
    /// The configured names of the sinks; with none it is not kept, the journal has its line.
    pub sinks: Vec<String>,
}

/// Which proposals are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProposalFilter {
    /// Any of these phases; empty for all.
    pub phases: Vec<Phase>,
    /// Any of these states, by their words; empty for all.
    pub states: Vec<String>,
    /// About this host or source, in its text form.
    pub subject: Option<String>,
    /// Of this drift's text form.
    pub drift_key: Option<String>,
    /// For this action.
    pub action: Option<String>,
    /// The proposal with this key, or whose key begins with this (in any case, at least four characters).
    pub key: Option<String>,
}

/// Fewer characters of a key than this name nothing.
pub(crate) const SHORTEST: usize = 4;

/// Reads a stored proposal back.
pub(crate) fn read_proposal(at: &str, key: &str, json: &str) -> Result<Proposal> {
    let corrupt = |why| Error::corrupt(at, format!("proposal {key}"), why);
    let proposal: Proposal = serde_json::from_str(json).map_err(|error| corrupt(error.to_string()))?;
    if proposal.key.as_str() == key {
        Ok(proposal)
    } else {
        Err(corrupt(format!("it says that it is {}", proposal.key)))
    }
}

/// Reads a stored key back.
pub(crate) fn read_key(at: &str, key: &str) -> Result<Key> {
    serde_json::from_value(key.into()).map_err(|error| Error::corrupt(at, format!("proposal {key}"), error))
}
