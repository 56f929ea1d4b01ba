//! What persons and receivers ask of the engine, and what it answers. What does not live here: the answer; the engine
//! gives it, between two looks.

use async_trait::async_trait;
use evenkeel_core::remediation::ProposalLine;
use evenkeel_web::{Answered, Claimed, Decision, Rehearsal, RepairTrouble, Repairs, Switch, Switched};

use super::register::Lost;
use crate::desk::{self, Desk, Stopping};

/// One question, and where its answer goes.
pub enum Order {
    /// A person decides about a proposal.
    Decide {
        /// Its key or handle.
        which: String,
        /// What.
        decision: Decision,
        /// Who, and why.
        said: Said,
        /// Where the answer goes.
        reply: Reply<ProposalLine>,
    },
    /// A person stops everything, or lets it go on.
    Switch {
        /// Which way.
        switch: Switch,
        /// Who, and why.
        said: Said,
        /// Where the answer goes.
        reply: Reply<Switched>,
    },
    /// A receiver says how it went.
    Answered {
        /// What lets it say so, and what it says.
        claimed: Claimed,
        /// Where the answer goes.
        reply: Reply<Answered>,
    },
    /// What would run now.
    Rehearse {
        /// Where the answer goes.
        reply: Reply<Rehearsal>,
    },
}

/// Who says something, and why.
pub struct Said {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Where an answer goes.
pub type Reply<T> = desk::Reply<T, RepairTrouble>;

#[async_trait]
impl Repairs for Desk<Order> {
    async fn decide(
        &self,
        which: &str,
        decision: Decision,
        by: &str,
        reason: &str,
    ) -> Result<ProposalLine, RepairTrouble> {
        let (which, said) = (which.to_owned(), Said { by: by.to_owned(), reason: reason.to_owned() });
        self.ask(|reply| Order::Decide { which, decision, said, reply }).await
    }

    async fn switch(&self, switch: Switch, by: &str, reason: &str) -> Result<Switched, RepairTrouble> {
        let said = Said { by: by.to_owned(), reason: reason.to_owned() };
        self.ask(|reply| Order::Switch { switch, said, reply }).await
    }

    async fn answered(&self, claimed: Claimed) -> Result<Answered, RepairTrouble> {
        self.ask(|reply| Order::Answered { claimed, reply }).await
    }

    async fn rehearse(&self) -> Result<Rehearsal, RepairTrouble> {
        self.ask(|reply| Order::Rehearse { reply }).await
    }
}

impl From<Lost> for RepairTrouble {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Unknown(_) => Self::Unknown(lost.to_string()),
            Lost::Ambiguous(_) => Self::Refused(lost.to_string()),
        }
    }
}

impl From<Stopping> for RepairTrouble {
    fn from(stopping: Stopping) -> Self {
        Self::Away(stopping.to_string())
    }
}
