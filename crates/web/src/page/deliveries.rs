//! The deliveries: what was, is being or could not be sent. Not here: sending, and sending again.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::DriftId;
use evenkeel_store::{Cursor, DeliveryFilter, DeliveryRow, DeliveryState, OutboxDepth};
use maud::{Markup, html};

use super::again;
use super::asked::Asked;
use super::frame::{self, Shown, Tab};
use super::list::{Input, ROWS, empty, filters, onward};
use super::row;
use super::text::{clean, name};
use super::time::{moment, moment_or};
use crate::problem::Problem;
use crate::state::AppState;

const STATES: [&str; 3] = ["pending", "delivered", "dead"];

/// `GET /deliveries`.
pub(super) async fn page(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Deliveries, made(&state, &asked)).await
}

async fn made(state: &AppState, asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&["state", "sink", "after"])?;
    let filter = DeliveryFilter {
        states: asked.among("state", DeliveryState::parse, &STATES)?.into_iter().collect(),
        sink: asked.one("sink").map(str::to_owned),
        event: None,
        drift_key: None,
    };
    let store = state.store.as_ref();
    let page = store.deliveries(&filter, asked.one("after").map(Cursor::new), ROWS).await?;
    let outbox = store.outbox().await?;
    let words = asked.words;
    let inputs = [Input::words(asked, "state", "delivery", STATES), Input::Text("sink")];
    let content = html! {
        h1 { (words.say("nav-deliveries")) }
        (depths(asked, &outbox))
        (filters(asked, &inputs, &[]))
        @if page.rows.is_empty() {
            (empty(asked, "deliveries-none", &words.say("deliveries-none-next")))
        } @else {
            (table(asked, &page.rows))
        }
        (onward(asked, page.next.as_ref().map(Cursor::as_str)))
    };
    Ok(Shown::new(words.say("nav-deliveries"), content))
}

/// What waits for each sink.
fn depths(asked: &Asked, outbox: &[OutboxDepth]) -> Markup {
    let words = asked.words;
    html! {
        ul.cards {
            @for OutboxDepth { sink, pending, dead, oldest_pending } in outbox {
                li.card.bad[*dead > 0] {
                    h3 { (name(sink)) }
                    p { (words.with("outbox-pending", [("n", (*pending).into())])) " · " (words.with("outbox-dead", [("n", (*dead).into())])) }
                    @if *dead > 0 { (again::button(asked, None, sink)) }
                    @if let Some(at) = oldest_pending { p.quiet { (words.say("outbox-oldest")) " " (moment(words, *at, asked.now)) } }
                }
            }
        }
    }
}

/// Deliveries, one line each.
pub(super) fn table(asked: &Asked, rows: &[DeliveryRow]) -> Markup {
    let words = asked.words;
    let columns = ["col-when", "col-sink", "col-state", "col-drift", "col-attempts", "col-next", "col-error"];
    let columns = columns.map(|key| words.say(key));
    let [c_when, c_sink, c_state, c_drift, c_attempts, c_next, c_error] = &columns;
    html! {
        table.rows.deliveries {
            thead { tr { @for column in &columns { th scope="col" { (column) } } } }
            tbody {
                @for row in rows {
                    tr data-key=(row.id) {
                        td.when data-label=(c_when) { (moment(words, row.created_at, asked.now)) }
                        td data-label=(c_sink) { (name(&row.sink)) }
                        td data-label=(c_state) { span class={ "transition " (row.state.as_str()) } { (words.word("delivery", row.state.as_str())) } }
                        td data-label=(c_drift) { (about(asked, &row.drift_key)) }
                        td.number data-label=(c_attempts) { (row.attempts) }
                        td.when data-label=(c_next) {
                            @match row.state {
                                DeliveryState::Pending => (moment(words, row.due_at, asked.now)),
                                DeliveryState::Delivered | DeliveryState::Dead => (moment_or(words, row.settled_at, asked.now, "never")),
                            }
                        }
                        td.error data-label=(c_error) {
                            @if row.state == DeliveryState::Dead { (again::button(asked, Some(row.id), &row.sink)) }
                            @match row.last_error.as_deref().or(row.first_error.as_deref()) {
                                Some(error) => span lang="en" { (clean(error)) },
                                None => span.quiet { "–" },
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a delivery or a line of the journal is about.
pub(super) fn about(asked: &Asked, drift_key: &str) -> Markup {
    match DriftId::parse(drift_key) {
        Some(id) => html! {
            a href=(asked.drift(&id.handle())) { (row::kind(asked.words, id.event_type, id.field)) }
            " " (row::place(asked, &id.subject, id.service.as_ref()))
        },
        None => name(drift_key),
    }
}
