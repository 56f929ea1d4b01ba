//! How far the newest look at a subject reached, and when it began: what verifies a repair. What does not live here: what
//! was seen; the ledger says it.

use evenkeel_core::fingerprint::Fingerprint;
use evenkeel_core::model::Observed;
use evenkeel_core::remediation::Look;
use evenkeel_core::{Coverage, Gap, GapKind, HostName};
use jiff::Timestamp;

use crate::world::Slice;

/// What a pass rested on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// When the oldest question was put.
    pub began: Timestamp,
    /// When the newest answer was complete.
    pub ended: Timestamp,
    /// How far the answers reach.
    pub coverage: Coverage,
}

impl Looked {
    /// What a pass over this slice rests on; `before`: what the one before it rested on.
    pub fn at(slice: &Slice, host: Option<&HostName>, before: Option<&Self>) -> Self {
        match slice {
            Slice::Host { observed, .. } => Self::of_host(observed, host),
            Slice::Source { coverage, evidence, .. } => {
                Self::of_one(coverage.clone(), evidence.observed_at, before)
            }
            Slice::Store(own) => {
                let coverage = own
                    .size
                    .known()
                    .map_or_else(|gap| Coverage::Partial(gap.clone()), |_| Coverage::Complete);
                Self::of_one(coverage, own.read_at, before)
            }
        }
    }

    /// Everything that would have to be seen there is seen only if every source that speaks about it sees everything.
    fn of_host(observed: &Observed, host: Option<&HostName>) -> Self {
        let views = observed.views();
        let began = views.iter().map(|view| view.started).min();
        let ended = views.iter().map(|view| view.observed_at).max();
        let gap = views.iter().find_map(|view| view.coverage.gap().cloned());
        let nobody = || match host {
            Some(host) => Gap::new(GapKind::Uncovered, format!("no source observes {host}")),
            None => unseen(),
        };
        let gap = if views.is_empty() { Some(nobody()) } else { gap };
        Self {
            began: began.unwrap_or(Timestamp::MIN),
            ended: ended.unwrap_or(Timestamp::MIN),
            coverage: gap.map_or(Coverage::Complete, Coverage::Partial),
        }
    }

    /// A source that says only when it had answered was asked after its answer before.
    fn of_one(coverage: Coverage, ended: Timestamp, before: Option<&Self>) -> Self {
        let began = match before {
            Some(before) if before.ended < ended => before.ended,
            Some(before) => before.began,
            None => Timestamp::MIN,
        };
        Self { began, ended, coverage }
    }

    /// The newest look the ledger has taken into account. `settled`: the stamp of the world it is settled with; `now`:
    /// the stamp of the world as it is. Where both are the same, looking again has shown the same again.
    pub fn newest(
        slice: &Slice,
        host: Option<&HostName>,
        kept: Option<&Self>,
        settled: Option<Fingerprint>,
        now: Option<Fingerprint>,
    ) -> Look {
        let present = Self::at(slice, host, kept);
        let looked = match (settled, now) {
            (Some(settled), Some(now)) if settled == now => Some(&present),
            (Some(_) | None, Some(_) | None) => kept,
        };
        let Some(looked) = looked else {
            return Look { began: Timestamp::MIN, coverage: Coverage::Partial(unseen()) };
        };
        // What cannot be seen now counts at once, before any pass has been made about it.
        let coverage = match &present.coverage {
            Coverage::Partial(_) => present.coverage.clone(),
            Coverage::Complete => looked.coverage.clone(),
        };
        Look { began: looked.began, coverage }
    }
}

fn unseen() -> Gap {
    Gap::new(GapKind::NotYetObserved, "nobody has looked since the start")
}
