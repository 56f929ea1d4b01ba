//! Repairs, as far as persons and receivers have a say in them: what they can ask, and what is answered. What does not
//! live here: the paths and bodies, see `api::proposals`, `api::repairs` and `callback`; and what follows; behind
//! [`Repairs`] the controller decides that.

use async_trait::async_trait;
use evenkeel_core::remediation::{Controls, ProposalLine};
use evenkeel_core::{DriftId, Secret};
use jiff::Timestamp;
use serde::Serialize;

/// Who may approve, reject, stop and release.
#[derive(Clone, Debug)]
pub struct Approver {
    /// The name under which they act; the journal has it.
    pub name: String,
    /// What they show.
    pub token: Secret,
}

/// What a person decides about a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may run.
    Approve,
    /// It may not.
    Reject,
}

/// What a person decides about everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Nothing is dispatched from now on.
    Halt,
    /// It goes on.
    Resume,
    /// The brake is released.
    Release,
}

/// What came of a switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Switched {
    /// Whether it changed anything.
    pub changed: bool,
    /// How things stand now.
    #[serde(flatten)]
    pub controls: Controls,
}

/// What a receiver says about its work, and what lets it say so.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The end of the callback's address.
    pub token: Secret,
    /// Whether it says that it worked.
    pub succeeded: bool,
    /// What it says about it, as it came.
    pub output: String,
}

/// What was made of a receiver's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// The proposal.
    pub proposal: String,
    /// Where it stands now.
    pub state: &'static str,
    /// It had said so before.
    pub known: bool,
}

/// What would run now, and what holds the rest back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rehearsal {
    /// When that was so.
    pub at: Timestamp,
    /// Whether anything is proposed at all.
    pub enabled: bool,
    /// The kill switch and the brake.
    #[serde(flatten)]
    pub controls: Controls,
    /// Proposals that would be made.
    pub propose: Vec<ProposalLine>,
    /// Proposals that would be dispatched.
    pub dispatch: Vec<ProposalLine>,
    /// What waits, and why.
    pub held: Vec<HeldLine>,
}

/// Something that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldLine {
    /// The drift, in its text form.
    pub drift_id: String,
    /// The drift's handle.
    pub drift_handle: String,
    /// The proposal, by its key; null for a drift for which none is made.
    pub proposal: Option<String>,
    /// What it would ask for; null for a drift.
    pub action: Option<String>,
    /// What holds it back, in one word.
    pub reason: &'static str,
    /// The same in a sentence.
    pub why: String,
}

impl HeldLine {
    /// A line about this drift.
    pub fn of(
        drift: &DriftId,
        proposal: Option<(String, String)>,
        reason: &'static str,
        why: String,
    ) -> Self {
        let (proposal, action) = proposal.unzip();
        Self { drift_id: drift.to_string(), drift_handle: drift.handle(), proposal, action, reason, why }
    }
}

/// Why something was not done. The sentence is for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepairTrouble {
    /// There is no such thing.
    #[error("{0}")]
    Unknown(String),
    /// Things do not stand so that it could be.
    #[error("{0}")]
    Refused(String),
    /// Its time is up.
    #[error("{0}")]
    Over(String),
    /// Nothing can be kept at this moment, so nothing is done.
    #[error("{0}")]
    Away(String),
}

/// Whoever decides about repairs. Each answer is given once it is kept.
#[async_trait]
pub trait Repairs: Send + Sync {
    /// Decides about the proposal with this key or handle.
    async fn decide(
        &self,
        which: &str,
        decision: Decision,
        by: &str,
        reason: &str,
    ) -> Result<ProposalLine, RepairTrouble>;

    /// Stops everything, lets it go on, releases the brake.
    async fn switch(&self, switch: Switch, by: &str, reason: &str) -> Result<Switched, RepairTrouble>;

    /// Takes a receiver's word.
    async fn answered(&self, claimed: Claimed) -> Result<Answered, RepairTrouble>;

    /// What would run now. Changes nothing.
    async fn rehearse(&self) -> Result<Rehearsal, RepairTrouble>;
}
