//! The look for machines: one document, or one object per line. Drifts have the keys of the canonical event; an event's id
//! is null, because a look records nothing.

use std::collections::BTreeMap;

use evenkeel_core::drift::Difference;
use evenkeel_core::{Drift, DriftId, Gap, HostName, Severity, Side};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::outcome::{BlindScope, Outcome, SourceLine, SubjectOutcome, Totals};
use super::text::{harmless_json, percent};
use super::words::kind_and_name;
use evenkeel_core::Coverages;

/// Everything, in the order of the keys.
#[derive(Serialize)]
struct Document<'a> {
    generated_at: Timestamp,
    took_ms: u64,
    exit_code: u8,
    summary: Value,
    coverage: Value,
    netbox: Value,
    sources: Vec<Value>,
    blind: Vec<Line<'a>>,
    drifts: Vec<Line<'a>>,
    ignored: Vec<Line<'a>>,
    unjudged: Vec<Value>,
    uncovered: Vec<Option<&'a HostName>>,
    expiring_rules: Vec<Value>,
}

/// One document with everything, without a line break at its end.
pub fn render(outcome: &Outcome) -> Result<String, serde_json::Error> {
    let totals = outcome.totals();
    let subjects = || outcome.subjects.iter();
    let document = Document {
        generated_at: outcome.now,
        took_ms: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
        exit_code: outcome.exit().code(),
        summary: summary(&totals),
        coverage: coverages(&totals.coverages),
        netbox: netbox(outcome),
        sources: outcome.sources.iter().map(source).collect(),
        blind: subjects().flat_map(|subject| blind(subject, outcome.now)).collect(),
        drifts: subjects().flat_map(|subject| drifts(subject, outcome.now)).collect(),
        ignored: subjects().flat_map(|subject| ignored(subject, outcome.now)).collect(),
        unjudged: subjects().flat_map(|subject| &subject.unjudged).map(unjudged).collect(),
        uncovered: subjects().filter(|s| s.uncovered).map(|s| s.subject.host()).collect(),
        expiring_rules: outcome
            .expiring
            .iter()
            .map(|(rule, end)| json!({ "rule": rule, "ends": end }))
            .collect(),
    };
    serde_json::to_string_pretty(&document).map(|text| harmless_json(&text))
}

/// One object per drift and per blind scope, each on its line.
pub fn render_lines(outcome: &Outcome) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    for subject in &outcome.subjects {
        for line in blind(subject, outcome.now).chain(drifts(subject, outcome.now)) {
            out.push_str(&harmless_json(&serde_json::to_string(&line)?));
            out.push('\n');
        }
    }
    Ok(out)
}

fn netbox(outcome: &Outcome) -> Value {
    let netbox = &outcome.netbox;
    json!({
        "source": netbox.source.to_string(),
        "version": netbox.version,
        "hosts": netbox.hosts,
        "services": netbox.services,
        "as_of": netbox.as_of,
        "complete": netbox.coverage.is_complete(),
        "gap": netbox.coverage.gap().map(why),
    })
}

fn source(line: &SourceLine) -> Value {
    json!({
        "source": line.source.to_string(),
        "hostname": line.host,
        "answered_at": line.answered_at,
        "complete": line.coverage.is_complete(),
        "gap": line.coverage.gap().map(why),
    })
}

fn unjudged((id, gap): &(DriftId, Gap)) -> Value {
    json!({ "drift_id": id.to_string(), "handle": id.handle(), "gap": why(gap) })
}

fn why(gap: &Gap) -> Value {
    json!({ "kind": gap.kind, "why": gap.why })
}

fn summary(totals: &Totals) -> Value {
    let by_severity: BTreeMap<&str, usize> =
        Severity::ALL.map(|s| (s.as_str(), totals.by_severity.get(&s).copied().unwrap_or(0))).into();
    json!({
        "drifts": totals.drifts,
        "blind": totals.blind,
        "folded": totals.folded,
        "ignored": totals.ignored,
        "unjudged": totals.unjudged,
        "uncovered": totals.uncovered,
        "by_severity": by_severity,
    })
}

fn coverages(counted: &Coverages) -> Value {
    let Coverages {
        declared_running,
        declared,
        declared_unknown,
        running_declared,
        running,
        running_unknown,
        planned,
        retired,
        machines,
    } = *counted;
    json!({
        "declared_and_running": {
            "count": declared_running, "of": declared, "unknown": declared_unknown,
            "percent": percent(declared_running, declared),
        },
        "running_and_declared": {
            "count": running_declared, "of": running, "unknown": running_unknown,
            "percent": percent(running_declared, running),
        },
        "planned": planned,
        "retired": retired,
        "machines": {
            "declared_and_running": {
                "count": machines.declared_running, "of": machines.declared, "unknown": machines.declared_unknown,
            },
            "running_and_declared": {"count": machines.running_declared, "of": machines.running},
        },
    })
}

/// A drift with the keys of the canonical event, in their order.
#[derive(Serialize)]
struct Line<'a> {
    id: Option<()>,
    hostname: Option<&'a str>,
    service: Option<&'a str>,
    event_type: Option<&'a str>,
    expected: Option<Side>,
    observed: Option<Side>,
    severity: Option<&'a str>,
    details: String,
    source: &'a str,
    created_at: Timestamp,
    kind: &'a str,
    drift_id: Option<String>,
    handle: Option<String>,
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    folded: Vec<String>,
    folded_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_services: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silenced_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored_by: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn of(drift: &'a Drift, subject: &'a SubjectOutcome, now: Timestamp, kind: &'a str) -> Self {
        let (expected, observed) = drift.difference.sides(drift.id.field);
        Self {
            id: None,
            hostname: drift.id.subject.host().map(|host| host.as_str()),
            service: drift.id.service.as_ref().map(|service| service.as_str()),
            event_type: Some(drift.id.event_type.code()),
            expected,
            observed,
            severity: Some(drift.severity.as_str()),
            details: drift.difference.details(&drift.id),
            source: drift.evidence.source.kind.as_str(),
            created_at: now,
            kind,
            drift_id: Some(drift.id.to_string()),
            handle: Some(drift.id.handle()),
            first_seen: None,
            last_seen: Some(drift.evidence.observed_at),
            folded: Vec::new(),
            folded_count: 0,
            unknown_services: None,
            gap: None,
            tenant: subject.tenant.as_deref(),
            silenced_by: drift.silenced.as_deref(),
            ignored_by: None,
        }
    }

    fn with_folded(mut self, folded: &[Drift]) -> Self {
        self.folded = folded.iter().take(20).map(|drift| kind_and_name(&drift.id)).collect();
        self.folded_count = folded.len();
        self
    }

    /// A scope nobody has answered about yet: there is no drift in it.
    fn unanswered(scope: &'a BlindScope, subject: &'a SubjectOutcome, now: Timestamp) -> Self {
        Self {
            id: None,
            hostname: subject.subject.host().map(|host| host.as_str()),
            service: None,
            event_type: None,
            expected: None,
            observed: None,
            severity: None,
            details: scope.gap.to_string(),
            source: scope.source.kind.as_str(),
            created_at: now,
            kind: "blind",
            drift_id: None,
            handle: None,
            first_seen: scope.since,
            last_seen: None,
            folded: Vec::new(),
            folded_count: 0,
            unknown_services: None,
            gap: None,
            tenant: subject.tenant.as_deref(),
            silenced_by: None,
            ignored_by: None,
        }
    }
}

fn drifts(subject: &SubjectOutcome, now: Timestamp) -> impl Iterator<Item = Line<'_>> {
    subject.roots.iter().map(move |root| {
        let line = Line { first_seen: root.since, ..Line::of(&root.drift, subject, now, "drift") };
        line.with_folded(&root.folded)
    })
}

fn blind(subject: &SubjectOutcome, now: Timestamp) -> impl Iterator<Item = Line<'_>> {
    subject.blind.iter().map(move |scope| {
        let line = match &scope.drift {
            Some(drift) => Line { first_seen: scope.since, ..Line::of(drift, subject, now, "blind") },
            None => Line::unanswered(scope, subject, now),
        };
        let line =
            Line { unknown_services: Some(scope.unknown_services), gap: Some(why(&scope.gap)), ..line };
        line.with_folded(&scope.folded)
    })
}

fn ignored(subject: &SubjectOutcome, now: Timestamp) -> impl Iterator<Item = Line<'_>> {
    subject.ignored.iter().map(move |(drift, rule)| {
        let blind = matches!(drift.difference, Difference::Blind { .. });
        let kind = if blind { "blind" } else { "drift" };
        Line { ignored_by: Some(rule), ..Line::of(drift, subject, now, kind) }
    })
}
