//! Which answer of a source was its first complete one ever: what it shows was there before anybody looked.
//!
//! Asked only where the first run is to be a baseline ([`FirstRun`](evenkeel_core::policy::FirstRun)).

use std::collections::BTreeSet;

use evenkeel_core::SourceId;
use jiff::Timestamp;

/// Where a source stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum First {
    /// It answered in an earlier run, or nobody asks.
    #[default]
    LongAgo,
    /// It never did.
    Awaited,
    /// It did in this run; this is the moment of that answer.
    At(Timestamp),
}

impl First {
    /// It answered completely.
    pub(super) fn answered(&mut self, observed_at: Timestamp) {
        if *self == Self::Awaited {
            *self = Self::At(observed_at);
        }
    }

    /// Whether it is that answer which was given at this moment.
    pub(super) fn was(self, observed_at: Timestamp) -> bool {
        self == Self::At(observed_at)
    }
}

/// The sources that answered before.
#[derive(Debug, Default)]
pub(super) struct Known(Option<BTreeSet<SourceId>>);

impl Known {
    /// These did, in an earlier run.
    pub(super) fn these(sources: BTreeSet<SourceId>) -> Self {
        Self(Some(sources))
    }

    /// Where a source stands that is listened to from now on.
    pub(super) fn first_of(&self, id: &SourceId) -> First {
        match &self.0 {
            Some(known) if !known.contains(id) => First::Awaited,
            Some(_) | None => First::LongAgo,
        }
    }

    /// Nobody listens to it any more; when it comes back it is no newcomer.
    pub(super) fn part(&mut self, id: &SourceId, first: First) {
        if let (Some(known), First::At(_)) = (&mut self.0, first) {
            known.insert(id.clone());
        }
    }
}
