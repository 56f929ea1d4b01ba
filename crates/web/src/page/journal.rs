//! The journal: what was decided and done, and by whom. Not here: noting anything.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::Subject;
use evenkeel_store::{Cursor, JournalFilter, JournalKind, JournalRow};
use maud::{Markup, html};

use super::asked::Asked;
use super::deliveries::about;
use super::frame::{self, Shown, Tab};
use super::list::{Input, ROWS, empty, filters, onward};
use super::row;
use super::text::{clean, name};
use super::time::moment;
use crate::api::spelled;
use crate::problem::Problem;
use crate::state::AppState;

/// `GET /journal`.
pub(super) async fn page(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Journal, made(&state, &asked)).await
}

async fn made(state: &AppState, asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&["kind", "host", "handle", "after"])?;
    let kinds = JournalKind::ALL.map(JournalKind::as_str);
    let host = asked.one("host").map(|name| spelled(state.live.as_ref(), name));
    let filter = JournalFilter {
        kinds: asked.among("kind", JournalKind::parse, &kinds)?.into_iter().collect(),
        subject: host.map(Subject::Host),
        handle: asked.one("handle").map(str::to_ascii_uppercase),
        ..JournalFilter::default()
    };
    let page = state.store.journal(&filter, asked.one("after").map(Cursor::new), ROWS).await?;
    let words = asked.words;
    let inputs = [Input::words(asked, "kind", "journal", kinds), Input::Text("host"), Input::Text("handle")];
    let content = html! {
        h1 { (words.say("nav-journal")) }
        (filters(asked, &inputs, &[]))
        @if page.rows.is_empty() {
            (empty(asked, "journal-none", &words.say("journal-none-next")))
        } @else {
            (table(asked, &page.rows))
        }
        (onward(asked, page.next.as_ref().map(Cursor::as_str)))
    };
    Ok(Shown::new(words.say("nav-journal"), content))
}

fn table(asked: &Asked, rows: &[JournalRow]) -> Markup {
    let words = asked.words;
    let columns = ["col-when", "col-kind", "col-actor", "col-text", "col-about"].map(|key| words.say(key));
    let [c_when, c_kind, c_actor, c_text, c_about] = &columns;
    html! {
        table.rows.journal {
            thead { tr { @for column in &columns { th scope="col" { (column) } } } }
            tbody {
                @for row in rows {
                    tr {
                        td.when data-label=(c_when) { (moment(words, row.at, asked.now)) }
                        td data-label=(c_kind) { (words.word("journal", row.kind.as_str())) }
                        td data-label=(c_actor) { (name(&row.actor)) }
                        td.text data-label=(c_text) lang="en" { (clean(&row.text)) }
                        td data-label=(c_about) {
                            @match (&row.drift_key, &row.subject) {
                                (Some(key), _) => (about(asked, key)),
                                (None, Some(subject)) => (row::place(asked, subject, None)),
                                (None, None) => span.quiet { "–" },
                            }
                        }
                    }
                }
            }
        }
    }
}
