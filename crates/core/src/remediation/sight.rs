//! What is known about one drift at this moment, as far as a repair is concerned. What does not live here: how it came to
//! be known; the ledger and the world say it.

use std::sync::Arc;

use jiff::Timestamp;

use super::rule::Params;
use crate::coverage::{Coverage, Gap, GapKind};
use crate::event::Severity;
use crate::id::DriftId;
use crate::ledger::{Entry, Ledger, State};
use crate::policy::Labels;

/// One look at one drift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When the looking began: what began before an answer says nothing about it.
    pub began: Timestamp,
    /// What was seen.
    pub saw: Saw,
}

/// What a look showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saw {
    /// The drift.
    Drift,
    /// That it is gone.
    Gone,
    /// Nothing that would decide it.
    Nothing(Gap),
}

/// Why an open drift is not to be acted on, by itself or by a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It outlived its cause and is not confirmed anew.
    Unconfirmed,
    /// It was there at the first look: nobody ever said that it is wrong.
    Baseline,
    /// It comes and goes.
    Flapping,
    /// A silence covers it: somebody is at work there.
    Silenced(Arc<str>),
    /// Nobody can see it at this moment.
    Unseen(Gap),
    /// Something there has changed since the ledger looked: what it says is about to be said anew.
    Unjudged,
    /// The newest look does not show it any more: it ends once that is confirmed.
    Gone,
}

/// Where the drift stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is believed.
    Open {
        /// Since when: which occasion this is.
        since: Timestamp,
        /// The root it is a consequence of; consequences are never acted on.
        under: Option<DriftId>,
        /// Why it is not to be acted on.
        unfit: Option<Unfit>,
    },
    /// It is not (or not yet) believed.
    NotOpen,
    /// Its ledger could not be read.
    Unknown(Gap),
}

/// What is known about one drift at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The drift.
    pub drift: DriftId,
    /// How much it matters.
    pub severity: Severity,
    /// Where it stands.
    pub standing: Standing,
    /// The newest look at it.
    pub observation: Observation,
    /// Whether everything that would have to be seen there is seen.
    pub coverage: Coverage,
    /// Slugs of the tags of its host and its service.
    pub tags: Vec<Arc<str>>,
    /// Slug of the tenant.
    pub tenant: Option<Arc<str>>,
    /// What is known of it beyond its id; what is not known is not in here.
    pub known: Params,
}

/// How the newest look at a subject went.
#[derive(Clone, Debug)]
pub struct Look {
    /// When the oldest of the observations began that the ledger's last pass rests on.
    pub began: Timestamp,
    /// How far it reached.
    pub coverage: Coverage,
}

impl Sight {
    /// What a subject's ledger and the newest look at it say about one drift. Labels and parameters are to be added.
    pub fn of(ledger: &Ledger, id: &DriftId, look: Look) -> Self {
        let entry = ledger.entry(id);
        let (standing, saw) = match entry {
            Some(entry) => (standing(entry), saw(entry, &look.coverage)),
            // An entry is forgotten some time after it was seen gone. Where nobody looks, that says nothing.
            None => match (&look.coverage, ledger.born) {
                (Coverage::Complete, Some(_)) => (Standing::NotOpen, Saw::Gone),
                (Coverage::Partial(gap), _) => (Standing::NotOpen, Saw::Nothing(gap.clone())),
                (Coverage::Complete, None) => {
                    let gap = Gap::new(GapKind::NotYetObserved, "no complete observation yet");
                    (Standing::Unknown(gap.clone()), Saw::Nothing(gap))
                }
            },
        };
        Self {
            drift: id.clone(),
            severity: entry.map_or(id.event_type.default_severity(), |entry| entry.severity),
            standing,
            observation: Observation { began: look.began, saw },
            coverage: look.coverage,
            tags: Vec::new(),
            tenant: None,
            known: Params::new(),
        }
    }

    /// A drift about which nothing could be read.
    pub fn unknown(id: &DriftId, now: Timestamp, gap: Gap) -> Self {
        Self {
            drift: id.clone(),
            severity: id.event_type.default_severity(),
            standing: Standing::Unknown(gap.clone()),
            observation: Observation { began: now, saw: Saw::Nothing(gap.clone()) },
            coverage: Coverage::Partial(gap),
            tags: Vec::new(),
            tenant: None,
            known: Params::new(),
        }
    }

    /// The labels rules match on.
    pub fn labels(&self) -> Labels<'_> {
        Labels::new(&self.tags, self.tenant.as_deref())
    }
}

fn standing(entry: &Entry) -> Standing {
    match (entry.state, entry.opened_at) {
        (State::Open, Some(since)) => {
            Standing::Open { since, under: entry.parent.clone(), unfit: unfit(entry) }
        }
        (State::Open, None) => {
            Standing::Unknown(Gap::new(GapKind::Malformed, "the ledger does not say since when it is open"))
        }
        (State::Pending | State::Resolved, _) => Standing::NotOpen,
    }
}

fn unfit(entry: &Entry) -> Option<Unfit> {
    if let Some(blind) = &entry.blind {
        return Some(Unfit::Unseen(blind.gap.clone()));
    }
    if let Some(silence) = &entry.silenced {
        return Some(Unfit::Silenced(silence.clone()));
    }
    match (entry.baseline, entry.flapping, entry.recorded) {
        (true, _, _) => Some(Unfit::Baseline),
        (_, true, _) => Some(Unfit::Flapping),
        (_, _, false) => Some(Unfit::Unconfirmed),
        (false, false, true) => None,
    }
}

fn saw(entry: &Entry, coverage: &Coverage) -> Saw {
    if let Some(blind) = &entry.blind {
        return Saw::Nothing(blind.gap.clone());
    }
    match (entry.state, coverage) {
        (State::Pending, _) => Saw::Drift,
        (State::Open, _) if entry.clean == 0 => Saw::Drift,
        (State::Open, _) => Saw::Gone,
        (State::Resolved, _) if entry.clean == 0 => {
            Saw::Nothing(Gap::new(GapKind::Uncovered, "a rule accepts it; nobody looks any more"))
        }
        // What is resolved is not judged again: that it did not come back only a complete look says.
        (State::Resolved, Coverage::Partial(gap)) => Saw::Nothing(gap.clone()),
        (State::Resolved, Coverage::Complete) => Saw::Gone,
    }
}
