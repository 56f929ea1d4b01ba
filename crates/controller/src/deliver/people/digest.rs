//! The two summaries: what stays open, again; and what a day or a week brought. Pure. What does not live here: when they
//! are sent, and whose they are.

use std::cmp::Reverse;

use evenkeel_core::ledger::Entry;
use evenkeel_core::{Event, Severity, Transition};
use evenkeel_sinks::message::{Line, Message, Tone, headline};
use jiff::Timestamp;

use super::group::list;
use crate::deliver::route;
use crate::render::text::age;

/// What is still open, worst first; `None` if nothing is.
pub(super) fn reminder(sink: &str, open: &[Entry], now: Timestamp) -> Option<Message> {
    let worst = open.iter().map(|entry| entry.severity).max()?;
    let title = match open.len() {
        1 => "1 drift is still open".to_owned(),
        several => format!("{several} drifts are still open"),
    };
    Some(Message {
        id: format!("reminder-{sink}-{}", now.as_second()),
        tone: Tone::Reminder,
        severity: worst,
        title,
        lines: standing(open, now),
        handle: match open {
            [only] => Some(only.id.handle()),
            [] | [_, ..] => None,
        },
        count: open.len(),
        at: now,
    })
}

/// What a digest is made of.
#[derive(Debug)]
pub(super) struct Sum<'a> {
    pub(super) sink: &'a str,
    /// `day` or `week`.
    pub(super) period: &'a str,
    pub(super) since: Timestamp,
    pub(super) now: Timestamp,
    pub(super) open: &'a [Entry],
    pub(super) events: &'a [Event],
    /// There were more events than are looked at.
    pub(super) more: bool,
    /// Sources that do not see everything at this moment.
    pub(super) blind: &'a [String],
}

/// What there was, what stands, and who cannot see.
pub(super) fn digest(sum: &Sum<'_>) -> Message {
    let of = |wanted: &[Transition]| -> Vec<&Event> {
        sum.events.iter().filter(|event| wanted.contains(&event.transition)).collect()
    };
    let opened = of(&[Transition::Opened, Transition::Reopened]);
    let resolved = of(&[Transition::Resolved]);
    let mut lines = vec![Line::Heading(format!("Open now: {}", sum.open.len()))];
    lines.extend(standing(sum.open, sum.now));
    if !sum.blind.is_empty() {
        lines.push(Line::Heading(format!("Not seeing everything: {}", sum.blind.len())));
        lines.extend(list(sum.blind.iter().cloned(), sum.blind.len()));
    }
    for (what, events) in [("Opened", &opened), ("Resolved", &resolved)] {
        if !events.is_empty() {
            lines.push(Line::Heading(format!(
                "{what} since {}: {}",
                sum.since.strftime("%F %R UTC"),
                events.len()
            )));
            lines.extend(list(events.iter().map(|event| headline(event)), events.len()));
        }
    }
    if sum.more {
        lines.push(Line::Text(
            "There were more events than a digest looks at; `evenkeel events` has them all.".into(),
        ));
    }
    let many = if sum.more { "at least " } else { "" };
    Message {
        id: format!("digest-{}-{}", sum.sink, sum.now.as_second()),
        tone: Tone::Digest,
        severity: sum.open.iter().map(|entry| entry.severity).max().unwrap_or(Severity::Info),
        title: format!(
            "Your {}: {} open, {many}{} opened, {many}{} resolved",
            sum.period,
            sum.open.len(),
            opened.len(),
            resolved.len()
        ),
        lines,
        handle: None,
        count: sum.events.len(),
        at: sum.now,
    }
}

fn standing(open: &[Entry], now: Timestamp) -> Vec<Line> {
    let mut sorted: Vec<&Entry> = open.iter().collect();
    sorted.sort_by_key(|entry| (Reverse(entry.severity), entry.first_seen));
    let words = |entry: &&Entry| {
        let place = match (&entry.id.service, route::host_of(entry)) {
            (Some(service), Some(host)) => format!("{service} on {host}"),
            (None, Some(host)) => host.to_string(),
            (Some(service), None) => service.to_string(),
            (None, None) => entry.id.subject.to_string(),
        };
        let field = entry.id.field.map(|field| format!(" ({})", field.as_str())).unwrap_or_default();
        format!("{}: {place}{field}, for {}", entry.id.event_type, age(entry.first_seen, now))
    };
    list(sorted.iter().map(words), open.len())
}
