//! The look for machines: one document, or one object per line. Drifts have the keys of the canonical event; an event's id
//! is null, because a look records nothing.

use std::collections::BTreeMap;

use evenkeel_core::drift::Difference;
use evenkeel_core::{Coverage, Drift, Severity, Side};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::coverage::Coverages;
use super::outcome::{BlindScope, Outcome, SubjectOutcome, Totals};
use super::text::{harmless_json, percent};
use super::words::kind_and_name;

/// One document with everything.
pub fn render(outcome: &Outcome) -> Result<String, serde_json::Error> {
    let totals = outcome.totals();
    let subjects = || outcome.subjects.iter();
    let document = json!({
        "generated_at": outcome.now,
        "took_ms": u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
        "exit_code": outcome.exit().code(),
        "summary": summary(&totals),
        "coverage": coverages(&totals.coverages),
        "netbox": {
            "source": outcome.netbox.source.to_string(),
            "version": outcome.netbox.version,
            "hosts": outcome.netbox.hosts,
            "services": outcome.netbox.services,
            "as_of": outcome.netbox.as_of,
            "complete": outcome.netbox.coverage.is_complete(),
            "gap": gap(&outcome.netbox.coverage),
        },
        "sources": outcome.sources.iter().map(|line| json!({
            "source": line.source.to_string(),
            "hostname": line.host,
            "answered_at": line.answered_at,
            "complete": line.coverage.is_complete(),
            "gap": gap(&line.coverage),
        })).collect::<Vec<_>>(),
        "drifts": subjects().flat_map(|subject| drifts(subject, outcome.now)).collect::<Vec<_>>(),
        "blind": subjects().flat_map(|subject| blind(subject, outcome.now)).collect::<Vec<_>>(),
        "ignored": subjects().flat_map(|subject| ignored(subject, outcome.now)).collect::<Vec<_>>(),
        "unjudged": subjects().flat_map(|subject| subject.unjudged.iter().map(|(id, gap)| json!({
            "drift_id": id.to_string(),
            "handle": id.handle(),
            "gap": { "kind": gap.kind, "why": gap.why },
        }))).collect::<Vec<_>>(),
        "uncovered": subjects().filter(|s| s.uncovered).map(|s| s.subject.host()).collect::<Vec<_>>(),
        "expiring_rules": outcome.expiring.iter().map(|(rule, end)| json!({ "rule": rule, "ends": end }))
            .collect::<Vec<_>>(),
    });
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

fn summary(totals: &Totals) -> Value {
    let by_severity: BTreeMap<&str, usize> = Severity::ALL
        .map(|s| (s.as_str(), totals.by_severity.get(&s).copied().unwrap_or(0)))
        .into();
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
    })
}

fn gap(coverage: &Coverage) -> Value {
    coverage
        .gap()
        .map_or(Value::Null, |gap| json!({ "kind": gap.kind, "why": gap.why }))
}

/// A drift with the keys of the canonical event, in their order.
#[derive(Serialize)]
struct Line<'a> {
    id: Option<()>,
    hostname: Option<&'a str>,
    service: Option<&'a str>,
    event_type: &'a str,
    expected: Option<Side>,
    observed: Option<Side>,
    severity: &'a str,
    details: String,
    source: &'a str,
    created_at: Timestamp,
    kind: &'a str,
    drift_id: String,
    handle: String,
    first_seen: Option<Timestamp>,
    last_seen: Timestamp,
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
            event_type: drift.id.event_type.code(),
            expected,
            observed,
            severity: drift.severity.as_str(),
            details: drift.difference.details(&drift.id),
            source: drift.evidence.source.kind.as_str(),
            created_at: now,
            kind,
            drift_id: drift.id.to_string(),
            handle: drift.id.handle(),
            first_seen: None,
            last_seen: drift.evidence.observed_at,
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
        self.folded = folded
            .iter()
            .take(20)
            .map(|drift| kind_and_name(&drift.id))
            .collect();
        self.folded_count = folded.len();
        self
    }

    fn value(self) -> Value {
        // Strings, numbers and maps with text keys: there is nothing in it that JSON cannot say.
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}

fn drifts(subject: &SubjectOutcome, now: Timestamp) -> impl Iterator<Item = Value> {
    subject.roots.iter().map(move |root| {
        let line = Line {
            first_seen: root.since,
            ..Line::of(&root.drift, subject, now, "drift")
        };
        line.with_folded(&root.folded).value()
    })
}

fn blind(subject: &SubjectOutcome, now: Timestamp) -> impl Iterator<Item = Value> {
    subject.blind.iter().map(move |scope| {
        let BlindScope {
            drift,
            source,
            gap,
            since,
            unknown_services,
            folded,
        } = scope;
        let why = json!({ "kind": gap.kind, "why": gap.why });
        match drift {
            Some(drift) => {
                let line = Line {
                    first_seen: *since,
                    unknown_services: Some(*unknown_services),
                    gap: Some(why),
                    ..Line::of(drift, subject, now, "blind")
                };
                line.with_folded(folded).value()
            }
            None => json!({
                "kind": "blind",
                "hostname": subject.subject.host(),
                "source": source.kind,
                "gap": why,
                "unknown_services": unknown_services,
                "created_at": now,
            }),
        }
    })
}

fn ignored(subject: &SubjectOutcome, now: Timestamp) -> impl Iterator<Item = Value> {
    subject.ignored.iter().map(move |(drift, rule)| {
        let blind = matches!(drift.difference, Difference::Blind { .. });
        let kind = if blind { "blind" } else { "drift" };
        Line {
            ignored_by: Some(rule),
            ..Line::of(drift, subject, now, kind)
        }
        .value()
    })
}
