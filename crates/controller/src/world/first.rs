//! Which sources are new here: what they show first was there before anybody looked.
//!
//! Asked only where the first run is to be a baseline ([`FirstRun`](evenkeel_core::policy::FirstRun)).

use std::collections::BTreeSet;

use evenkeel_core::SourceId;
use jiff::{SignedDuration, Timestamp};

/// For how long after its first complete answer a source is new: by then each host that it shows has been looked at, and
/// what comes to it later is no first look.
const NEW: SignedDuration = SignedDuration::from_mins(5);

/// Where a source stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum First {
    /// It answered in an earlier run, or nobody asks.
    #[default]
    LongAgo,
    /// It never did.
    Awaited,
    /// It did in this run, at this moment.
    At(Timestamp),
}

impl First {
    /// It answered completely, and showed something.
    pub(super) fn answered(&mut self, now: Timestamp) {
        if *self == Self::Awaited {
            *self = Self::At(now);
        }
    }

    /// Whether it is new here.
    pub(super) fn is_new(self, now: Timestamp) -> bool {
        match self {
            Self::At(at) => at <= now && now.duration_since(at) < NEW,
            Self::LongAgo | Self::Awaited => false,
        }
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

    /// Nobody listens to it any more; when it comes back it is not new.
    pub(super) fn part(&mut self, id: &SourceId, first: First) {
        if let (Some(known), First::At(_)) = (&mut self.0, first) {
            known.insert(id.clone());
        }
    }
}
