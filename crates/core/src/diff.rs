//! The whole of one host: every drift, and a verdict for every id that is open already.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::coverage::{Coverage, Fact, Gap, Lookup};
use crate::drift::{Drift, Evidence, Verdict};
use crate::event::EventType;
use crate::id::{DriftId, ServiceName, SourceId, SourceKind, Subject, same_text};
use crate::judge::{
    self, Case, HOST_FIELDS, HOST_TYPES, MACHINE_TYPES, OwnStore, Seen, ServiceCase, judge, looks_inside,
    plainly_equal, seen_as,
};
use crate::model::{ExpectedHost, ExpectedService, HostView};

/// What one comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What differs, sorted by id.
    pub drifted: Vec<Drift>,
    /// Open ids that are no difference any more, sorted by id.
    pub clean: Vec<(DriftId, Evidence)>,
    /// Open ids nobody can judge now, sorted by id.
    pub unknown: Vec<(DriftId, Gap)>,
    /// What differs but is covered by an ignore rule (the rule's name), sorted by id.
    pub ignored: Vec<(Drift, Arc<str>)>,
    /// Whether intent and every view were complete, and somebody looked.
    pub complete: bool,
    /// Sources that are new, and heard about this host for the first time: what they show was there before anybody looked.
    /// Filled in by whoever knows them.
    pub newcomers: Vec<SourceId>,
    /// Whether time alone decides something here that no difference of two looks shows: another look is needed even if
    /// it shows the same.
    pub undecided: bool,
    /// Up to which moment those who see the machine from outside vouch that it is on. A silence that began later waits
    /// for them to look again: they may know its cause.
    pub vouched_until: Option<jiff::Timestamp>,
}

/// Compares both truths about one host. `open` ids are judged even when both sides are silent about them.
pub fn diff<'a>(case: Case<'_>, open: impl IntoIterator<Item = &'a DriftId>) -> Report {
    let mut drifted = Vec::new();
    host_drifts(case, &mut drifted);
    service_drifts(case, &mut drifted);
    drifted.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let complete = case.expected.coverage().is_complete()
        && !case.observed.views().is_empty()
        && case.observed.views().iter().all(|view| view.coverage.is_complete());
    let vouched_until = judge::machine::vouched_until(case);
    let undecided = case.observed.views().iter().any(|view| judge::may_be_booting(case, view));
    let mut report = Report { drifted, complete, undecided, vouched_until, ..Report::default() };
    for id in open {
        sort_open(&mut report, id, || judge(id, case));
    }
    report
}

/// The report on a source that belongs to no host: it answers fully, or it does not.
pub fn diff_source<'a>(
    source: &SourceId,
    coverage: &Coverage,
    evidence: &Evidence,
    open: impl IntoIterator<Item = &'a DriftId>,
) -> Report {
    let subject = Subject::Source(source.clone());
    let verdict = judge::source_verdict(&subject, source, coverage, evidence.clone());
    let mut report = Report { complete: coverage.is_complete(), ..Report::default() };
    if let Verdict::Drifted(drift) = &verdict {
        report.drifted.push(drift.clone());
    }
    for id in open {
        sort_open(&mut report, id, || verdict.clone());
    }
    report
}

/// The report on evenkeel's own database: it takes up no more than it may, or it does.
pub fn diff_store<'a>(
    store: &OwnStore,
    limit: Option<u64>,
    open: impl IntoIterator<Item = &'a DriftId>,
) -> Report {
    let verdict = store.verdict(limit);
    let mut report = Report { complete: store.size.known().is_ok(), ..Report::default() };
    if let Verdict::Drifted(drift) = &verdict {
        report.drifted.push(drift.clone());
    }
    for id in open {
        sort_open(&mut report, id, || verdict.clone());
    }
    report
}

fn sort_open(report: &mut Report, id: &DriftId, verdict: impl FnOnce() -> Verdict) {
    if report.drifted.binary_search_by(|drift| drift.id.cmp(id)).is_ok() {
        return;
    }
    match verdict() {
        Verdict::Drifted(drift) => match report.drifted.binary_search_by(|d| d.id.cmp(&drift.id)) {
            Ok(_) => {}
            Err(at) => report.drifted.insert(at, drift),
        },
        Verdict::Clean(evidence) => report.clean.push((id.clone(), evidence)),
        Verdict::Unknown(gap) => report.unknown.push((id.clone(), gap)),
    }
}

fn host_drifts(case: Case<'_>, out: &mut Vec<Drift>) {
    let mut keep = |verdict| {
        if let Verdict::Drifted(drift) = verdict {
            out.push(drift);
        }
    };
    // A complete answer is no blindness of any kind; ids are built only for the others.
    for view in case.observed.views().iter().filter(|view| !view.coverage.is_complete()) {
        for kind in HOST_TYPES {
            keep(judge(&DriftId::of_source(case.subject.clone(), kind, &view.source), case));
        }
    }
    let host_wide = |event_type, field| DriftId { field, ..DriftId::of(case.subject.clone(), event_type) };
    if !plain_host(case) {
        for field in HOST_FIELDS {
            keep(judge(&host_wide(EventType::ConfigDrift, Some(field)), case));
        }
    }
    if case.observed.views().iter().any(|view| view.machine().is_some()) {
        for kind in MACHINE_TYPES {
            keep(judge(&host_wide(kind, None), case));
        }
        for field in judge::shape::SHAPE {
            keep(judge(&host_wide(EventType::ConfigDrift, Some(field)), case));
        }
        judge::resources::drifts(case, out);
    }
}

/// Declared, meant to run, without contradiction, and no source gives it another name: none of the host's fields can
/// differ.
fn plain_host(case: Case<'_>) -> bool {
    let Lookup::Present(host) = case.expected.host() else {
        return false;
    };
    host.contradictions.is_empty()
        && host.demand() != crate::model::Demand::NotRun
        && case.observed.views().iter().all(|view| !view.facts.from_outside)
        && case.observed.views().iter().all(|view| match &view.facts.name {
            None => true,
            Some(Fact::Known(name)) => same_text(name, host.name.text()),
            Some(Fact::Unknown(_)) => false,
        })
}

fn service_drifts(case: Case<'_>, out: &mut Vec<Drift>) {
    let host = match case.expected.host() {
        Lookup::Present(host) => Some(host),
        Lookup::Absent | Lookup::Unknown(_) => None,
    };
    match (only_inside(case), host) {
        (Some(view), Some(host)) if host.contradictions.is_empty() && plain_view(view) => {
            merge_join(case, host, view, out);
        }
        (Some(_) | None, _) => {
            for name in service_names(case, host) {
                ServiceCase::new(case, name).drifts(out);
            }
        }
    }
}

/// Every service that either side speaks about, by name, each once.
pub(crate) fn service_names<'a>(case: Case<'a>, host: Option<&'a ExpectedHost>) -> Vec<&'a ServiceName> {
    let views = case.observed.views();
    let declared = host.iter().flat_map(|h| h.services.iter().map(|s| &s.name));
    let contradicted = host.iter().flat_map(|h| h.contradictions.iter().filter_map(|c| c.service.as_ref()));
    let shown = views.iter().flat_map(|v| v.services.iter().map(|s| &s.name));
    let unclear = views.iter().flat_map(|v| v.ambiguous.iter().map(|(name, _)| name));
    let mut names: Vec<_> = declared.chain(contradicted).chain(shown).chain(unclear).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The one view that looks into the machine, if it is one; those who see it from outside say nothing about services.
fn only_inside(case: Case<'_>) -> Option<&HostView> {
    let mut inside = case.observed.views().iter().filter(|view| looks_inside(view));
    match (inside.next(), inside.next()) {
        (Some(view), None) => Some(view),
        (Some(_) | None, _) => None,
    }
}

/// Whether what the view shows can be taken as it is.
fn plain_view(view: &HostView) -> bool {
    view.ambiguous.is_empty() && !view.is_stale() && view.source.kind != SourceKind::Probe
}

/// The common case, one view: both lists are sorted, so one walk sees every pair without a look-up.
fn merge_join(case: Case<'_>, host: &ExpectedHost, view: &HostView, out: &mut Vec<Drift>) {
    let demand = host.demand();
    let present = Lookup::Present(host);
    let mut declared = host.services.as_slice();
    for observed in &view.services {
        let mut pair = None;
        // Names are compared once: they are the first thing of a pair that is not in the cache yet.
        while let [e, rest @ ..] = declared {
            let order = e.name.cmp(&observed.name);
            if order == Ordering::Greater {
                break;
            }
            declared = rest;
            if order == Ordering::Equal {
                pair = Some(e);
                break;
            }
            only_declared(case, present, e, out);
        }
        let seen = Seen::Present(view, observed);
        match pair {
            Some(e) if !e.observed_by.is_empty() => ServiceCase::new(case, &e.name).drifts(out),
            Some(e) if plainly_equal(case.rules, demand, e, observed) => {}
            Some(e) => ServiceCase::known(case, &e.name, present, Lookup::Present(e), seen).drifts(out),
            None => {
                let undeclared = case.expected.services_gap(host).map_or(Lookup::Absent, Lookup::Unknown);
                ServiceCase::known(case, &observed.name, present, undeclared, seen).drifts(out);
            }
        }
    }
    for e in declared {
        only_declared(case, present, e, out);
    }
}

fn only_declared(case: Case<'_>, host: Lookup<'_, ExpectedHost>, e: &ExpectedService, out: &mut Vec<Drift>) {
    let seen = seen_as(case, &e.name, Some(e), HostView::unlisted);
    ServiceCase::known(case, &e.name, host, Lookup::Present(e), seen).drifts(out);
}
