//! Parts of rows that several pages show: a drift's line, its marks, names with links. Not here: whole pages.

use evenkeel_core::ledger::Entry;
use evenkeel_core::{DriftId, EventType, Field, HostName, ServiceName, Severity, SourceId, Subject};
use maud::{Markup, html};

use super::asked::Asked;
use super::now::Now;
use super::said;
use super::sides;
use super::text::name;
use super::time::{moment_or, span};
use super::words::Words;

/// How much something matters.
pub(super) fn severity(words: Words, severity: Severity) -> Markup {
    html! { span class={ "severity " (severity.as_str()) } { (words.word("severity", severity.as_str())) } }
}

/// What kind of drift it is, with its official code.
pub(super) fn kind(words: Words, kind: EventType, field: Option<Field>) -> Markup {
    html! {
        span.kind title=(kind.code()) { (words.word("type", kind.code())) }
        @if let Some(field) = field { " " span.field { (words.word("field", field.as_str())) } }
    }
}

/// A host, as a link.
pub(super) fn host(asked: &Asked, host: &HostName) -> Markup {
    html! { a.host href=(asked.host(host.as_str())) { (name(host.as_str())) } }
}

/// A source, as a link into the list of them.
pub(super) fn source(asked: &Asked, source: &SourceId) -> Markup {
    let text = source.to_string();
    html! { a.source href=(asked.link("/sources", &[("q", &text)])) { (name(&text)) } }
}

/// Where a drift is: host, and service on it; or the source itself.
pub(super) fn place(asked: &Asked, subject: &Subject, service: Option<&ServiceName>) -> Markup {
    html! {
        @match subject {
            Subject::Host(of) => (host(asked, of)),
            Subject::Source(of) => (source(asked, of)),
        }
        @if let Some(service) = service { span.on aria-hidden="true" { " › " } span.service { (name(service.as_str())) } }
    }
}

/// The same for an event, which knows the host only.
pub(super) fn place_of_event(asked: &Asked, event: &evenkeel_core::Event) -> Markup {
    match (DriftId::parse(&event.drift_id), &event.hostname) {
        (Some(id), _) => place(asked, &id.subject, id.service.as_ref()),
        (None, Some(of)) => place(asked, &Subject::Host(of.clone()), event.service.as_ref()),
        (None, None) => name(&event.source),
    }
}

/// What else is to be known about a drift, in single words.
pub(super) fn marks(asked: &Asked, entry: &Entry) -> Markup {
    let words = asked.words;
    let mark = |class: &str, key: &str| html! { " " span class={ "mark " (class) } title=(words.say(&format!("{key}-title"))) { (words.say(key)) } };
    html! {
        @if let Some(blind) = &entry.blind {
            " " span.mark.blind title=(said::gap(words, &blind.gap)) {
                (words.with("mark-blind", [("span", span(words, blind.since, asked.now).into())]))
            }
        }
        @if entry.flapping { (mark("flapping", "mark-flapping")) }
        @if entry.baseline { (mark("baseline", "mark-baseline")) }
        @if let Some(by) = &entry.silenced { " " span.mark.silenced title=(super::text::clean(by)) { (words.say("mark-silenced")) } }
    }
}

/// Open drifts, one line each.
pub(super) fn drifts(asked: &Asked, rows: &[&Entry], now: &Now) -> Markup {
    let words = asked.words;
    let label = |key: &str| words.say(key);
    let columns =
        ["col-severity", "col-what", "col-where", "col-sides", "col-since", "col-source"].map(label);
    let [c_severity, c_what, c_where, c_sides, c_since, c_source] = &columns;
    html! {
        table.rows.drifts {
            thead { tr { @for column in &columns { th scope="col" { (column) } } } }
            tbody {
                @for entry in rows {
                    tr class={ "is-" (entry.severity.as_str()) } data-key=(entry.id.handle()) {
                        td data-label=(c_severity) { (severity(words, entry.severity)) }
                        td.what data-label=(c_what) {
                            a href=(asked.drift(&entry.id.handle())) { (kind(words, entry.id.event_type, entry.id.field)) }
                            @let under = now.under(&entry.id).len();
                            @if under > 0 { " " span.mark.folded { (words.count("mark-folded", under)) } }
                            (marks(asked, entry))
                        }
                        td data-label=(c_where) { (place(asked, &entry.id.subject, entry.id.service.as_ref())) }
                        td data-label=(c_sides) { (change(words, entry)) }
                        td.when data-label=(c_since) { (moment_or(words, entry.opened_at, asked.now, "never")) }
                        td data-label=(c_source) { (source(asked, &entry.evidence.source)) }
                    }
                }
            }
        }
    }
}

/// Both sides of a drift on one line.
pub(super) fn change(words: Words, entry: &Entry) -> Markup {
    let (expected, observed) = entry.difference.sides(entry.id.field);
    sides::brief(words, entry.id.event_type, expected.as_ref(), observed.as_ref())
}
