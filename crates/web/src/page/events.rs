//! The events: what happened, newest first. Not here: what an event says to programs.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::{DriftId, Event, EventType, Field, ServiceName, Severity, Transition};
use evenkeel_store::{Cursor, EventFilter, StoredEvent};
use maud::{Markup, html};

use super::asked::Asked;
use super::frame::{self, Shown, Tab};
use super::list::{Input, ROWS, empty, filters, onward};
use super::time::moment;
use super::{row, sides};
use crate::api::spelled;
use crate::problem::Problem;
use crate::state::AppState;

/// `GET /events`.
pub(super) async fn page(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Events, made(&state, &asked)).await
}

async fn made(state: &AppState, asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&["severity", "type", "transition", "host", "service", "handle", "after"])?;
    let codes = EventType::ALL.map(EventType::code);
    let steps = Transition::ALL.map(Transition::as_str);
    let filter = EventFilter {
        types: asked.among("type", EventType::parse, &codes)?.into_iter().collect(),
        severities: asked
            .among("severity", Severity::parse, &Severity::ALL.map(Severity::as_str))?
            .into_iter()
            .collect(),
        transitions: asked.among("transition", Transition::parse, &steps)?.into_iter().collect(),
        host: asked.one("host").map(|name| spelled(state.live.as_ref(), name)),
        service: asked.one("service").map(ServiceName::new),
        handle: asked.one("handle").map(str::to_ascii_uppercase),
        since: None,
        until: None,
    };
    let page = state.store.events(&filter, asked.one("after").map(Cursor::new), ROWS).await?;
    let inputs = [
        Input::words(asked, "transition", "transition", steps),
        Input::words(asked, "severity", "severity", Severity::ALL.iter().rev().map(|s| s.as_str())),
        Input::words(asked, "type", "type", codes),
        Input::Text("host"),
        Input::Text("service"),
    ];
    let words = asked.words;
    let content = html! {
        h1 { (words.say("nav-events")) }
        (filters(asked, &inputs, &["handle"]))
        @if page.rows.is_empty() {
            (empty(asked, "events-none", &words.say("events-none-next")))
        } @else {
            (table(asked, &page.rows))
        }
        (onward(asked, page.next.as_ref().map(Cursor::as_str)))
        @if !page.rows.is_empty() { (exports(asked)) }
    };
    Ok(Shown::new(words.say("nav-events"), content))
}

/// All events that fit, as files.
fn exports(asked: &Asked) -> Markup {
    let file = |format| asked.filtered("/api/v1/events/export", ("format", format));
    html! {
        p.quiet {
            (asked.words.say("events-export")) " "
            a href=(file("csv")) download { "CSV" } " · " a href=(file("jsonl")) download { "JSON Lines" }
        }
    }
}

/// Events, one line each.
pub(super) fn table(asked: &Asked, rows: &[StoredEvent]) -> Markup {
    let words = asked.words;
    let columns = ["col-when", "col-transition", "col-severity", "col-what", "col-where", "col-sides"];
    let columns = columns.map(|key| words.say(key));
    let [c_when, c_transition, c_severity, c_what, c_where, c_sides] = &columns;
    html! {
        table.rows.events {
            thead { tr { @for column in &columns { th scope="col" { (column) } } } }
            tbody {
                @for StoredEvent { seq, subject: _, event } in rows {
                    tr data-key=(seq) {
                        td.when data-label=(c_when) { (moment(words, event.created_at, asked.now)) }
                        td data-label=(c_transition) { (transition(asked, event.transition)) }
                        td data-label=(c_severity) { (row::severity(words, event.severity)) }
                        td data-label=(c_what) {
                            a href=(asked.drift(&event.handle)) { (row::kind(words, event.event_type, field_of(event))) }
                            @if event.folded_count > 0 { " " span.mark.folded { (words.count("mark-folded", event.folded_count as usize)) } }
                            @if event.flapping { " " span.mark.flapping { (words.say("mark-flapping")) } }
                        }
                        td data-label=(c_where) { (row::place_of_event(asked, event)) }
                        td data-label=(c_sides) { (sides::brief(words, event.event_type, event.expected.as_ref(), event.observed.as_ref())) }
                    }
                }
            }
        }
    }
}

/// The attribute it is about, which is part of the drift's id.
fn field_of(event: &Event) -> Option<Field> {
    DriftId::parse(&event.drift_id)?.field
}

/// What happened to a drift.
pub(super) fn transition(asked: &Asked, transition: Transition) -> Markup {
    html! { span class={ "transition " (transition.as_str()) } { (asked.words.word("transition", transition.as_str())) } }
}
