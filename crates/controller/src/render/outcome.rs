//! The result of one look at everything, as a value: what the forms beside this file show.
//!
//! What lives here: sorting reports into roots, consequences and blind scopes, the numbers, the exit code. What does not:
//! counting coverage, and any text.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::drift::Difference;
use evenkeel_core::judge::looks_inside;
use evenkeel_core::model::{Demand, Expected, Observed};
use evenkeel_core::{
    Coverage, Drift, DriftId, Gap, GapKind, HostName, Lookup, Report, Rules, Severity, SourceId, Subject,
    fold,
};
use jiff::Timestamp;

use evenkeel_core::Coverages;

/// One look at everything.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// When it was taken.
    pub now: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// What intent was read.
    pub netbox: Netbox,
    /// Who was asked.
    pub sources: Vec<SourceLine>,
    /// What was found, by host and for NetBox itself.
    pub subjects: Vec<SubjectOutcome>,
    /// Ignore rules that will end soon, or ended: their names and ends.
    pub expiring: Vec<(Arc<str>, Timestamp)>,
}

/// What intent was read.
#[derive(Clone, Debug)]
pub struct Netbox {
    /// Which NetBox.
    pub source: SourceId,
    /// Its version, where it said one.
    pub version: Option<String>,
    /// How many hosts are declared.
    pub hosts: usize,
    /// How many services are declared on them.
    pub services: usize,
    /// When the last complete read ended; `None` if there was none.
    pub as_of: Option<Timestamp>,
    /// How far the newest read reaches.
    pub coverage: Coverage,
}

/// One source that was asked.
#[derive(Clone, Debug)]
pub struct SourceLine {
    /// Which.
    pub source: SourceId,
    /// The host it speaks about.
    pub host: Option<HostName>,
    /// How far its answer reaches.
    pub coverage: Coverage,
    /// When the answer was complete; `None` if there was none.
    pub answered_at: Option<Timestamp>,
}

/// What was found about one host, or about a source that belongs to no host.
#[derive(Clone, Debug)]
pub struct SubjectOutcome {
    /// Which.
    pub subject: Subject,
    /// Slug of its tenant.
    pub tenant: Option<Arc<str>>,
    /// Drifts that stand for themselves, sorted by severity and name.
    pub roots: Vec<Root>,
    /// What could not be seen.
    pub blind: Vec<BlindScope>,
    /// What differs and is accepted, with the rule's name.
    pub ignored: Vec<(Drift, Arc<str>)>,
    /// Open drifts nobody can judge now.
    pub unjudged: Vec<(DriftId, Gap)>,
    /// No source speaks about it, though services are declared to run there.
    pub uncovered: bool,
    /// Both sides of the coverage.
    pub coverages: Coverages,
}

/// A drift that stands for itself, with what follows from it.
#[derive(Clone, Debug)]
pub struct Root {
    /// The drift.
    pub drift: Drift,
    /// Since when it is seen, where that is known.
    pub since: Option<Timestamp>,
    /// Drifts that follow from it.
    pub folded: Vec<Drift>,
}

/// Something nobody can see at the moment.
#[derive(Clone, Debug)]
pub struct BlindScope {
    /// The drift that says so; `None` where there is no alarm in it (nobody has answered yet).
    pub drift: Option<Drift>,
    /// Who should have seen it.
    pub source: SourceId,
    /// Why not.
    pub gap: Gap,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// How many declared services are unknown because of it.
    pub unknown_services: u32,
    /// Drifts that follow from it.
    pub folded: Vec<Drift>,
}

/// The numbers of the last line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Drifts that stand for themselves.
    pub drifts: usize,
    /// Scopes nobody can see.
    pub blind: usize,
    /// Drifts that follow from others.
    pub folded: usize,
    /// Differences that are accepted.
    pub ignored: usize,
    /// Open drifts nobody can judge now.
    pub unjudged: usize,
    /// Hosts no source speaks about.
    pub uncovered: usize,
    /// Drifts by severity.
    pub by_severity: BTreeMap<Severity, usize>,
    /// Both sides of the coverage.
    pub coverages: Coverages,
}

/// What a look ends in. The numbers are the exit codes of `evenkeel diff`; 2 is a command that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// In sync, and everything was seen.
    InSync,
    /// Something differs.
    Drift,
    /// Nothing differs as far as can be seen, and something cannot.
    Blind,
}

impl Exit {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::InSync => 0,
            Self::Drift => 1,
            Self::Blind => 3,
        }
    }
}

impl Outcome {
    /// The numbers of the last line.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for subject in &self.subjects {
            let SubjectOutcome {
                subject: _,
                tenant: _,
                roots,
                blind,
                ignored,
                unjudged,
                uncovered,
                coverages,
            } = subject;
            totals.drifts += roots.len();
            totals.blind += blind.len();
            totals.folded += roots.iter().map(|root| root.folded.len()).sum::<usize>();
            totals.folded += blind.iter().map(|scope| scope.folded.len()).sum::<usize>();
            totals.ignored += ignored.len();
            totals.unjudged += unjudged.len();
            totals.uncovered += usize::from(*uncovered);
            for root in roots {
                *totals.by_severity.entry(root.drift.severity).or_default() += 1;
            }
            totals.coverages.add(*coverages);
        }
        totals
    }

    /// What it ends in. A host that no configured source speaks about is said, and is no blindness: it is how the
    /// operator set it up.
    pub fn exit(&self) -> Exit {
        let any = |test: fn(&SubjectOutcome) -> bool| self.subjects.iter().any(test);
        if any(|subject| !subject.roots.is_empty()) {
            Exit::Drift
        } else if any(|subject| !subject.blind.is_empty() || !subject.unjudged.is_empty()) {
            Exit::Blind
        } else {
            Exit::InSync
        }
    }
}

impl SubjectOutcome {
    /// Sorts a host's report: causes before consequences, what cannot be seen apart from what differs. `since` tells
    /// since when a drift is known, if anybody remembers.
    pub fn of_host(
        host: &HostName,
        expected: &Expected,
        observed: &Observed,
        rules: &Rules,
        report: Report,
        since: impl Fn(&DriftId) -> Option<Timestamp>,
    ) -> Self {
        let declared = match expected.host() {
            Lookup::Present(host) => Some(host),
            Lookup::Absent | Lookup::Unknown(_) => None,
        };
        let mut outcome = Self::of_report(Subject::Host(host.clone()), report, since);
        outcome.tenant = declared.and_then(|host| host.tenant.clone());
        outcome.coverages = Coverages::of(expected, observed, rules);
        let must_run = declared.is_some_and(|host| host.demand() == Demand::Run);
        let looked_at = observed.views().iter().any(|view| looks_inside(view));
        outcome.uncovered = !looked_at && must_run && outcome.coverages.declared_unknown > 0;
        // Nobody has answered yet: no alarm, and no sight either.
        for view in observed.views() {
            let Some(gap) = view.coverage.gap().filter(|gap| gap.kind == GapKind::NotYetObserved && must_run)
            else {
                continue;
            };
            let unknown_services = u32::try_from(outcome.coverages.declared_unknown).unwrap_or(u32::MAX);
            let (source, gap) = (view.source.clone(), gap.clone());
            outcome.blind.push(BlindScope {
                drift: None,
                source,
                gap,
                since: None,
                unknown_services,
                folded: Vec::new(),
            });
        }
        outcome
    }

    /// Sorts the report on a source that belongs to no host.
    pub fn of_source(
        source: &SourceId,
        report: Report,
        since: impl Fn(&DriftId) -> Option<Timestamp>,
    ) -> Self {
        Self::of_report(Subject::Source(source.clone()), report, since)
    }

    fn of_report(subject: Subject, report: Report, since: impl Fn(&DriftId) -> Option<Timestamp>) -> Self {
        let Report {
            drifted,
            clean: _,
            unknown,
            ignored,
            complete: _,
            undecided: _,
            vouched_until: _,
            newcomers: _,
        } = report;
        let ids: Vec<DriftId> = drifted.iter().map(|drift| drift.id.clone()).collect();
        let causes: Vec<&DriftId> = ids.iter().filter(|id| fold::can_explain(id)).collect();
        let mut children: BTreeMap<&DriftId, Vec<Drift>> = BTreeMap::new();
        let mut standing = Vec::new();
        for drift in drifted {
            match ids.iter().find(|id| **id == drift.id).and_then(|id| root_of(id, &causes)) {
                Some(root) => children.entry(root).or_default().push(drift),
                None => standing.push(drift),
            }
        }
        let (mut roots, mut blind) = (Vec::new(), Vec::new());
        for drift in standing {
            let folded = children.remove(&drift.id).unwrap_or_default();
            let since = since(&drift.id);
            match (&drift.difference, &drift.id.source) {
                (Difference::Blind { gap, unknown_services }, source) => blind.push(BlindScope {
                    source: source.clone().unwrap_or_else(|| drift.evidence.source.clone()),
                    gap: gap.clone(),
                    since,
                    unknown_services: *unknown_services,
                    folded,
                    drift: Some(drift),
                }),
                (_, _) => roots.push(Root { drift, since, folded }),
            }
        }
        // Every cause stands for itself, so nothing is left here; should that ever change, nothing may get lost.
        roots.extend(children.into_values().flatten().map(|drift| Root {
            since: since(&drift.id),
            drift,
            folded: Vec::new(),
        }));
        roots.sort_by(|a, b| (b.drift.severity, &a.drift.id).cmp(&(a.drift.severity, &b.drift.id)));
        Self {
            subject,
            tenant: None,
            roots,
            blind,
            ignored,
            unjudged: unknown,
            uncovered: false,
            coverages: Coverages::default(),
        }
    }
}

/// The drift a chain of causes begins with, if there is another.
fn root_of<'a>(id: &DriftId, causes: &[&'a DriftId]) -> Option<&'a DriftId> {
    let mut root = fold::cause(id, false, causes)?;
    // Causes get closer to the ground at every step; there are fewer steps than causes.
    for _ in causes {
        match fold::cause(root, false, causes) {
            Some(deeper) => root = deeper,
            None => break,
        }
    }
    Some(root)
}
