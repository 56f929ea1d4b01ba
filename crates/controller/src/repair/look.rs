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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evenkeel_core::model::{Expected, HostFacts, HostView};
    use evenkeel_core::{Evidence, SourceId, SourceKind};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn docker() -> SourceId {
        SourceId::new(SourceKind::Docker, "box")
    }

    fn view(source: SourceId, started: i64, coverage: Coverage) -> Arc<HostView> {
        Arc::new(HostView {
            source,
            started: at(started),
            observed_at: at(started + 2),
            coverage,
            facts: HostFacts::default(),
            services: Vec::new(),
            ambiguous: Vec::new(),
        })
    }

    fn host(views: Vec<Arc<HostView>>) -> Slice {
        Slice::Host {
            expected: Expected::not_yet(SourceId::new(SourceKind::Netbox, "main")),
            observed: Observed::new(views),
            outer: Vec::new(),
            vouched_until: None,
            newcomers: Vec::new(),
        }
    }

    fn source(answered: i64) -> Slice {
        Slice::Source {
            source: docker(),
            coverage: Coverage::Complete,
            evidence: Evidence { source: docker(), observed_at: at(answered) },
            outer: Vec::new(),
            vouched_until: None,
        }
    }

    fn stamp(value: u128) -> Option<Fingerprint> {
        Some(Fingerprint(value))
    }

    #[test]
    fn a_look_begins_with_its_oldest_question_and_reaches_as_far_as_its_worst_answer() {
        let gap = Gap::new(GapKind::Unreachable, "away");
        let probe = SourceId::new(SourceKind::Probe, "lan");
        let both =
            |coverage| host(vec![view(docker(), 40, Coverage::Complete), view(probe.clone(), 10, coverage)]);
        let looked = Looked::at(&both(Coverage::Complete), None, None);
        assert_eq!((looked.began, looked.coverage), (at(10), Coverage::Complete));
        let looked = Looked::at(&both(Coverage::Partial(gap.clone())), None, None);
        assert_eq!(looked.coverage, Coverage::Partial(gap));
        let nobody = Looked::at(&host(Vec::new()), Some(&HostName::new("box")), None);
        assert_eq!(nobody.coverage.gap().map(|gap| gap.kind), Some(GapKind::Uncovered));
    }

    #[test]
    fn a_source_was_asked_after_its_answer_before_and_an_answer_alone_says_nothing_of_when() {
        let first = Looked::at(&source(10), None, None);
        assert_eq!(first.began, Timestamp::MIN);
        let second = Looked::at(&source(40), None, Some(&first));
        assert_eq!((second.began, second.ended), (at(10), at(40)));
        // Looked at twice, it is the same answer.
        let again = Looked::at(&source(40), None, Some(&second));
        assert_eq!(again, second);
    }

    #[test]
    fn a_look_that_no_pass_took_into_account_counts_only_where_it_shows_the_same() {
        let kept = Looked::at(&host(vec![view(docker(), 10, Coverage::Complete)]), None, None);
        let newer = host(vec![view(docker(), 40, Coverage::Complete)]);
        let newest = |settled, now| Looked::newest(&newer, None, Some(&kept), settled, now);
        assert_eq!(newest(stamp(1), stamp(1)).began, at(40), "the same was seen again");
        assert_eq!(newest(stamp(1), stamp(2)).began, at(10), "what it shows is not judged yet");
        let never = Looked::newest(&newer, None, None, None, stamp(1));
        assert!(never.coverage.gap().is_some(), "since the start no pass looked");
    }

    #[test]
    fn what_cannot_be_seen_now_counts_before_any_pass_about_it() {
        let kept = Looked::at(&host(vec![view(docker(), 10, Coverage::Complete)]), None, None);
        let gap = Gap::new(GapKind::Unreachable, "away");
        let blind = host(vec![view(docker(), 40, Coverage::Partial(gap.clone()))]);
        let look = Looked::newest(&blind, None, Some(&kept), stamp(1), stamp(2));
        assert_eq!((look.began, look.coverage), (at(10), Coverage::Partial(gap)));
    }
}
