//! The proposals and controls in memory, beside their revisions in the store. One process writes them, so what is here is
//! what is there; a refused commit says otherwise, and they are read again.

use std::collections::{BTreeMap, HashSet};

use evenkeel_core::remediation::{Controls, JournalEntry, Key, Notice, Phase, Proposal, REMEMBERED};
use evenkeel_core::{DriftId, EventId};
use evenkeel_store::{
    ControlsChange, NewCallback, NewNotice, ProposalChange, RepairCommit, Repairs, Store, TokenHash,
};
use jiff::Timestamp;

use crate::journal;

/// What is known of repairs.
#[derive(Debug, Default)]
pub(super) struct Register {
    proposals: BTreeMap<Key, Kept>,
    controls: Controls,
    controls_revision: u64,
}

#[derive(Debug)]
struct Kept {
    proposal: Proposal,
    revision: u64,
}

/// What is to become of it, all at once.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Proposals as they are from now on.
    pub(super) proposals: Vec<Proposal>,
    /// Controls as they are from now on, if they change.
    pub(super) controls: Option<Controls>,
    /// What is written down about it.
    pub(super) journal: Vec<JournalEntry>,
    /// Callbacks that may be called from now on.
    pub(super) callbacks: Vec<NewCallback>,
    /// A callback that is used up.
    pub(super) used: Option<TokenHash>,
}

impl Change {
    /// Whether there is anything to keep.
    pub(super) fn is_empty(&self) -> bool {
        let Self { proposals, controls, journal, callbacks, used } = self;
        proposals.is_empty()
            && controls.is_none()
            && journal.is_empty()
            && callbacks.is_empty()
            && used.is_none()
    }
}

/// Why no proposal was found.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    /// Nothing is called so.
    #[error("there is no proposal {0}")]
    Unknown(String),
    /// More than one thing is called so.
    #[error("{0} is the handle of several proposals; give the whole key")]
    Ambiguous(String),
}

impl Register {
    /// Reads what the store holds, as if none of it were still to come.
    pub(super) async fn load(store: &dyn Store, now: Timestamp) -> Result<Self, evenkeel_store::Error> {
        let since = now.checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
        let Repairs { proposals, controls, controls_revision } = store.repairs(since).await?;
        let kept = |mut row: evenkeel_store::ProposalRow| {
            row.proposal.set_back(now);
            (row.proposal.key.clone(), Kept { proposal: row.proposal, revision: row.revision })
        };
        Ok(Self { proposals: proposals.into_iter().map(kept).collect(), controls, controls_revision })
    }

    /// Every proposal that matters, in the order of the keys.
    pub(super) fn proposals(&self) -> Vec<Proposal> {
        self.iter().cloned().collect()
    }

    /// Every proposal that matters, in the order of the keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Proposal> {
        self.proposals.values().map(|kept| &kept.proposal)
    }

    /// One proposal.
    pub(super) fn get(&self, key: &Key) -> Option<&Proposal> {
        self.proposals.get(key).map(|kept| &kept.proposal)
    }

    /// The proposal with this key or handle, in any case.
    pub(super) fn find(&self, text: &str) -> Result<&Proposal, Lost> {
        let text = text.trim();
        let is_meant = |proposal: &&Proposal| {
            proposal.key.as_str().eq_ignore_ascii_case(text)
                || proposal.key.handle().eq_ignore_ascii_case(text)
        };
        let mut found = self.iter().filter(is_meant);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(Lost::Ambiguous(text.to_owned())),
            (None, _) => Err(Lost::Unknown(text.to_owned())),
        }
    }

    /// What persons and the brake decided.
    pub(super) fn controls(&self) -> &Controls {
        &self.controls
    }

    /// The change as the store takes it. `ids` makes the notices' ids, `sinks` get them.
    pub(super) fn commit(
        &self,
        change: &Change,
        sinks: &[String],
        mut ids: impl FnMut() -> EventId,
        now: Timestamp,
    ) -> RepairCommit {
        let Change { proposals, controls, journal, callbacks, used } = change;
        let change = |proposal: &Proposal| ProposalChange {
            expected_revision: self.proposals.get(&proposal.key).map_or(0, |kept| kept.revision),
            proposal: proposal.clone(),
        };
        let notices = journal.iter().filter_map(|entry| Notice::of(entry, ids()));
        RepairCommit {
            proposals: proposals.iter().map(change).collect(),
            controls: controls
                .clone()
                .map(|controls| ControlsChange { expected_revision: self.controls_revision, controls }),
            callbacks: callbacks.clone(),
            used: *used,
            journal: journal.iter().map(journal::repair).collect(),
            notices: notices.map(|notice| NewNotice { notice, sinks: sinks.to_vec() }).collect(),
            at: now,
        }
    }

    /// The change was kept.
    pub(super) fn take(&mut self, change: Change) {
        for proposal in change.proposals {
            let revision = self.proposals.get(&proposal.key).map_or(0, |kept| kept.revision) + 1;
            self.proposals.insert(proposal.key.clone(), Kept { proposal, revision });
        }
        if let Some(controls) = change.controls {
            self.controls = controls;
            self.controls_revision += 1;
        }
    }

    /// Lets go of what counts for nothing any more: over, dispatched long ago if at all, and of a drift that is not open.
    pub(super) fn forget(&mut self, open: &HashSet<&DriftId>, now: Timestamp) {
        let since = now.checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
        self.proposals.retain(|_, Kept { proposal, revision: _ }| {
            proposal.phase() != Phase::Over
                || proposal.state().run().is_some_and(|run| run.at >= since)
                || open.contains(&proposal.id.drift)
        });
    }
}
