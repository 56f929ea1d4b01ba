//! The sources: who is asked, who answers, how old the answers are. Not here: how they are asked.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::SourceKind;
use maud::{Markup, html};

use super::asked::Asked;
use super::frame::{self, Shown, Tab};
use super::list::{Input, Part, empty, filters};
use super::text::name;
use super::time::moment_or;
use super::{icon, row, said};
use crate::problem::Problem;
use crate::state::{AppState, SourceStatus};

const SIGHTS: [&str; 2] = ["complete", "blind"];

/// `GET /sources`.
pub(super) async fn page(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::Sources, made(&state, &asked)).await
}

async fn made(state: &AppState, asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&["q", "kind", "sight", "page"])?;
    state.live.role().knows()?;
    let kind = asked.among("kind", SourceKind::parse, &SourceKind::WITNESSES.map(SourceKind::as_str))?;
    let wanted = |text: &str| SIGHTS.contains(&text).then_some(text == "complete");
    let sight = asked.among("sight", wanted, &SIGHTS)?;
    let text = asked.one("q").map(str::to_lowercase);
    let mut sources = state.live.sources();
    sources.retain(|status| {
        kind.is_none_or(|kind| status.source.kind == kind)
            && sight.is_none_or(|sees| status.coverage.is_complete() == sees)
            && text.as_ref().is_none_or(|part| status.source.to_string().to_lowercase().contains(part))
    });
    sources.sort_by_key(|status| status.coverage.is_complete());
    let part = Part::of(sources, asked.page()?);
    let inputs = [
        Input::Text("q"),
        Input::Choice(
            "kind",
            SourceKind::WITNESSES.map(|kind| (kind.to_string(), kind.to_string())).to_vec(),
        ),
        Input::words(asked, "sight", "sight", SIGHTS),
    ];
    let words = asked.words;
    let content = html! {
        h1 { (words.say("nav-sources")) " " span.total { (part.total) } }
        (filters(asked, &inputs, &[]))
        @if part.rows.is_empty() {
            (empty(asked, "sources-none", &words.say("sources-none-next")))
        } @else {
            (table(asked, &part.rows))
            (part.pager(asked))
        }
    };
    Ok(Shown::new(words.say("nav-sources"), content))
}

fn table(asked: &Asked, rows: &[SourceStatus]) -> Markup {
    let words = asked.words;
    let columns =
        ["col-sight", "col-source", "col-host", "col-complete", "col-answered", "col-objects", "col-gap"];
    let columns = columns.map(|key| words.say(key));
    let [c_sight, c_source, c_host, c_complete, c_answered, c_objects, c_gap] = &columns;
    html! {
        table.rows.sources {
            thead { tr { @for column in &columns { th scope="col" { (column) } } } }
            tbody {
                @for status in rows {
                    @let SourceStatus { source, host, coverage, answered_at, complete_at, blind_since, objects } = status;
                    @let sees = coverage.is_complete();
                    tr.blind[!sees] {
                        td data-label=(c_sight) {
                            span class={ "stand " (if sees { "in-sync" } else { "blind" }) } {
                                (icon::sight(sees)) " " (words.say(if sees { "sight-complete" } else { "sight-blind" }))
                            }
                        }
                        td data-label=(c_source) { (name(&source.to_string())) }
                        td data-label=(c_host) { @match host { Some(host) => (row::host(asked, host)), None => span.quiet { "–" } } }
                        td.when data-label=(c_complete) { (moment_or(words, *complete_at, asked.now, "never")) }
                        td.when data-label=(c_answered) { (moment_or(words, *answered_at, asked.now, "never")) }
                        td.number data-label=(c_objects) { @if complete_at.is_some() { (objects) } @else { span.quiet { (words.say("not-known")) } } }
                        td data-label=(c_gap) {
                            @match coverage.gap() {
                                None => span.quiet { "–" },
                                Some(gap) => {
                                    (said::gap(words, gap))
                                    @if blind_since.is_some() { " " span.quiet { "(" (moment_or(words, *blind_since, asked.now, "never")) ")" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
