//! One drift in full: what differs, on what this rests, where it stands, what happened, and what can be done about it.

use evenkeel_core::Event;
use evenkeel_core::ledger::{Entry, State};
use evenkeel_core::policy::Policy;
use jiff::Timestamp;
use serde_json::json;

use super::accept::ignore_rule;
use super::text::{BLIND, BOLD, DIM, age, clean, count, harmless_json, moment, of_severity, styled, wrap};
use super::witness::{self, Witness};
use super::words::{about, gap_words, heading, kind_and_name, sides};

/// What is known about one drift.
#[derive(Clone, Copy, Debug)]
pub struct Explained<'a> {
    /// The time of asking.
    pub now: Timestamp,
    /// The drift as the ledger has it.
    pub entry: &'a Entry,
    /// What happened to it, oldest first.
    pub events: &'a [Event],
    /// The drifts that are folded under it.
    pub children: &'a [Entry],
    /// What each source shows of the host.
    pub witnesses: &'a [Witness],
    /// What the operator decided.
    pub policy: &'a Policy,
}

/// The explanation for people.
pub fn render(of: Explained<'_>, columns: usize) -> String {
    let mut page = Page { out: String::new(), columns: columns.clamp(40, 120) };
    headline(&mut page, of);
    standing(&mut page, of);
    evidence(&mut page, of);
    page.field("said by", &witness::lines(of.witnesses, &of.entry.id, of.now));
    family(&mut page, of);
    history(&mut page, of);
    remedies(&mut page, of);
    page.out
}

/// The explanation for machines.
pub fn render_json(of: Explained<'_>) -> Result<String, serde_json::Error> {
    let Explained { now, entry, events, children, witnesses, policy } = of;
    let (expected, observed) = entry.difference.sides(entry.id.field);
    let window = policy.confirm.of(entry.id.event_type);
    let document = json!({
        "generated_at": now,
        "handle": entry.id.handle(),
        "drift_id": entry.id.to_string(),
        "hostname": entry.id.subject.host(),
        "service": entry.id.service,
        "event_type": entry.id.event_type,
        "severity": entry.severity,
        "details": entry.difference.details(&entry.id),
        "expected": expected,
        "observed": observed,
        "state": entry.state,
        "seen": entry.seen,
        "open_after": window.open_after,
        "clean": entry.clean,
        "resolve_after": window.resolve_after,
        "first_seen": entry.first_seen,
        "last_seen": entry.last_seen,
        "opened_at": entry.opened_at,
        "resolved_at": entry.resolved_at,
        "evidence": { "source": entry.evidence.source.to_string(), "observed_at": entry.evidence.observed_at },
        "said_by": witness::json(witnesses, &entry.id),
        "blind": entry.blind.as_ref().map(|blind| json!({
            "since": blind.since, "kind": blind.gap.kind, "why": blind.gap.why,
        })),
        "folded_under": entry.parent.as_ref().map(|parent| json!({
            "drift_id": parent.to_string(), "handle": parent.handle(),
        })),
        "folded": children.iter().map(|child| json!({
            "drift_id": child.id.to_string(), "handle": child.id.handle(),
        })).collect::<Vec<_>>(),
        "baseline": entry.baseline,
        "flapping": entry.flapping,
        "silenced_by": entry.silenced,
        "events": events,
        "ignore_rule": ignore_rule(entry, now),
    });
    serde_json::to_string_pretty(&document).map(|text| harmless_json(&text))
}

struct Page {
    out: String,
    columns: usize,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// A label and what belongs to it, one entry per line.
    fn field(&mut self, label: &str, words: &[String]) {
        let mut label = format!("{label:<10}");
        let columns = self.columns.saturating_sub(11).max(20);
        for line in words.iter().flat_map(|words| wrap(words, columns)) {
            self.line(&format!("{} {line}", styled(BOLD, &label)));
            label = " ".repeat(10);
        }
    }
}

fn headline(page: &mut Page, of: Explained<'_>) {
    let entry = of.entry;
    let style = of_severity(entry.severity);
    let what = match (&entry.id.service, entry.id.field) {
        (Some(_), Some(field)) => {
            format!("{field} of {} on {}", about(&entry.id), heading(&entry.id.subject))
        }
        (Some(_), None) => format!("{} on {}", about(&entry.id), heading(&entry.id.subject)),
        (None, Some(field)) => format!("{field} of {}", heading(&entry.id.subject)),
        (None, None) => heading(&entry.id.subject),
    };
    page.line(&format!(
        "{}  {}  {}  {}",
        styled(style, entry.id.event_type.code()),
        styled(BOLD, &what),
        styled(style, entry.severity.as_str()),
        styled(DIM, &entry.id.handle()),
    ));
    for line in wrap(&clean(&entry.difference.details(&entry.id)), page.columns) {
        page.line(&line);
    }
    page.line("");
    let (expected, observed) = sides(&entry.difference);
    page.field("expected", &[expected]);
    page.field("observed", &[observed]);
    page.line("");
}

fn standing(page: &mut Page, of: Explained<'_>) {
    let Explained { now, entry, policy, .. } = of;
    let window = policy.confirm.of(entry.id.event_type);
    let ago = |at: Timestamp| format!("{} ago", age(at, now));
    let mut said = Vec::new();
    match entry.state {
        State::Pending => said.push(format!(
            "pending: seen in {} of {} observations it takes, first {}; after {} s it is believed in any case",
            entry.seen,
            window.open_after,
            ago(entry.first_seen),
            window.open_after_time.as_secs(),
        )),
        State::Open => {
            let since = entry.opened_at.unwrap_or(entry.first_seen);
            said.push(format!("open since {} ({})", moment(since), ago(since)));
            said.push(format!("first seen {}, last seen {}", moment(entry.first_seen), ago(entry.last_seen)));
            if entry.clean > 0 {
                said.push(format!(
                    "not seen in the last {}; {} of {} it takes to believe that it is gone",
                    count(entry.clean as usize, "observation", "observations"),
                    entry.clean,
                    window.resolve_after
                ));
            }
        }
        State::Resolved => match entry.resolved_at {
            Some(at) => said.push(format!("resolved {} ({})", moment(at), ago(at))),
            None => said.push("resolved".to_owned()),
        },
    }
    if entry.flapping {
        let quiet = policy.flap.quiet.as_secs() / 60;
        said.push(format!(
            "it comes and goes; held open until it has been gone for {quiet} min without interruption"
        ));
    }
    if entry.baseline {
        said.push("it was there at the first look: taken as the baseline, sent to nobody".to_owned());
    }
    if let Some(silence) = &entry.silenced {
        said.push(format!("silenced by `{}`: kept and shown, sent to nobody", clean(silence)));
    }
    page.field("state", &said);
}

fn evidence(page: &mut Page, of: Explained<'_>) {
    let Explained { now, entry, .. } = of;
    let at = entry.evidence.observed_at;
    let source = clean(&entry.evidence.source.to_string()).into_owned();
    page.field("evidence", &[format!("{source} said so at {} ({} ago)", moment(at), age(at, now))]);
    if let Some(blind) = &entry.blind {
        let since = format!("{} for {}", styled(BLIND, " BLIND "), age(blind.since, now));
        let mut said = vec![format!("since {}: {}", moment(blind.since), gap_words(&blind.gap))];
        said.push("until somebody can see again it is neither confirmed nor resolved".to_owned());
        page.line(&format!("{:<10} {since}", ""));
        page.field("", &said);
    }
}

fn family(page: &mut Page, of: Explained<'_>) {
    let Explained { entry, children, .. } = of;
    if let Some(parent) = &entry.parent {
        let words = format!(
            "folded under {} on {} ({}): it follows from it and is not announced by itself",
            kind_and_name(parent),
            heading(&parent.subject),
            parent.handle()
        );
        page.field("cause", &[words]);
    }
    if !children.is_empty() {
        let mut said = vec![count(children.len(), "drift follows from it", "drifts follow from it")];
        said.extend(
            children.iter().map(|child| format!("{}  {}", child.id.handle(), kind_and_name(&child.id))),
        );
        page.field("beneath", &said);
    }
}

fn history(page: &mut Page, of: Explained<'_>) {
    let lines: Vec<_> = of
        .events
        .iter()
        .map(|event| {
            format!("{} {} ({})", moment(event.created_at), event.transition.as_str(), event.severity)
        })
        .collect();
    let none = vec!["nothing was announced yet".to_owned()];
    page.field("history", if lines.is_empty() { &none } else { &lines });
}

fn remedies(page: &mut Page, of: Explained<'_>) {
    let Explained { now, entry, .. } = of;
    if entry.state == State::Resolved {
        return;
    }
    page.line("");
    page.line(&styled(BOLD, "What you can do"));
    let (repair, complete) = evenkeel_web::advice(entry);
    for (number, words) in [Some(repair), complete].into_iter().flatten().enumerate() {
        for (i, line) in wrap(&words, page.columns.saturating_sub(5)).iter().enumerate() {
            let mark = if i == 0 { format!("{}.", number + 1) } else { "  ".to_owned() };
            page.line(&format!("  {mark} {line}"));
        }
    }
    page.line("  Or accept it until a date, by a rule in the configuration:");
    page.line("");
    for line in ignore_rule(entry, now).lines() {
        page.line(&format!("      {line}"));
    }
}
