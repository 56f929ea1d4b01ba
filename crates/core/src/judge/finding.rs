//! A verdict whose grounds are still borrowed. A comparison keeps only what drifts: what is clean or unknown is looked at
//! and thrown away, so neither evidence nor a gap is made for it.

use super::{Case, evidence_of, newest, uncovered_gap};
use crate::coverage::{Gap, GapKind};
use crate::drift::{Drift, Verdict};
use crate::model::HostView;

/// What was decided.
#[expect(clippy::large_enum_variant, reason = "lives for one comparison, on the stack")]
pub(super) enum Finding<'a> {
    /// They differ.
    Drifted(Drift),
    /// They agree.
    Clean(Ground<'a>),
    /// Nobody can say.
    Unknown(Hole<'a>),
}

/// What a clean verdict rests on.
#[derive(Clone, Copy)]
pub(super) enum Ground<'a> {
    /// This observation.
    View(&'a HostView),
    /// What is (or is not) declared: whichever observation is newest.
    Declared,
}

/// Why nobody can say.
#[derive(Clone, Copy)]
pub(super) enum Hole<'a> {
    /// Somebody could not see.
    Gap(&'a Gap),
    /// It has not been decided yet, in words.
    NotYet(&'static str),
    /// Nobody was asked.
    Uncovered,
}

impl<'a> Finding<'a> {
    pub(super) fn clean(view: &'a HostView) -> Self {
        Self::Clean(Ground::View(view))
    }

    pub(super) fn gap(gap: &'a Gap) -> Self {
        Self::Unknown(Hole::Gap(gap))
    }

    pub(super) fn not_yet(why: &'static str) -> Self {
        Self::Unknown(Hole::NotYet(why))
    }

    /// With everything a reader needs.
    pub(super) fn into_verdict(self, case: Case<'_>) -> Verdict {
        match self {
            Self::Drifted(drift) => Verdict::Drifted(drift),
            Self::Clean(Ground::View(view)) => Verdict::Clean(evidence_of(view)),
            Self::Clean(Ground::Declared) => Verdict::Clean(newest(case)),
            Self::Unknown(Hole::Gap(gap)) => Verdict::Unknown(gap.clone()),
            Self::Unknown(Hole::NotYet(why)) => Verdict::Unknown(Gap::new(GapKind::NotYetObserved, why)),
            Self::Unknown(Hole::Uncovered) => Verdict::Unknown(uncovered_gap(case.subject)),
        }
    }
}
