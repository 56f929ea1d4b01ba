//! The sources: who is asked, who answers, how old the answers are. Not here: how they are asked.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use evenkeel_core::{Coverage, GapKind, SourceKind};
use maud::{Markup, html};

use super::asked::Asked;
use super::frame::{self, Shown, Tab};
use super::list::{Input, Part, empty, filters};
use super::text::{clean, name};
use super::time::{moment_or, to_come};
use super::words::Words;
use super::{icon, row, said};
use crate::problem::Problem;
use crate::state::{AppState, Asking, SourceStatus};

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
    let columns = [
        "col-sight",
        "col-source",
        "col-complete",
        "col-took",
        "col-objects",
        "col-rights",
        "col-asked",
        "col-gap",
    ];
    let columns = columns.map(|key| words.say(key));
    let [c_sight, c_source, c_complete, c_took, c_objects, c_rights, c_asked, c_gap] = &columns;
    html! {
        table.rows.sources {
            thead { tr { @for column in &columns { th scope="col" { (column) } } } }
            tbody {
                @for status in rows {
                    @let SourceStatus { source, host, coverage, answered_at, complete_at, blind_since: _, objects, asking } = status;
                    @let sees = coverage.is_complete();
                    @let key = format!("{source} {}", host.as_ref().map_or("", |host| host.as_str()));
                    tr.blind[!sees] data-key=(clean(&key)) {
                        td data-label=(c_sight) {
                            span class={ "stand " (if sees { "in-sync" } else { "blind" }) } {
                                (icon::sight(sees)) " " (words.say(if sees { "sight-complete" } else { "sight-blind" }))
                            }
                        }
                        td data-label=(c_source) {
                            (name(&source.to_string()))
                            @if let Some(host) = host { div.quiet { (words.say("source-of")) " " (row::host(asked, host)) } }
                        }
                        td.when data-label=(c_complete) {
                            (moment_or(words, *complete_at, asked.now, "never"))
                            @if !sees && answered_at.is_some() { div.quiet { (words.say("source-last")) " " (moment_or(words, *answered_at, asked.now, "never")) } }
                        }
                        td.number data-label=(c_took) { @match asking { Some(asking) => (took(words, asking.took_ms)), None => span.quiet { "–" } } }
                        td.number data-label=(c_objects) { @if complete_at.is_some() { (objects) } @else { span.quiet { (words.say("not-known")) } } }
                        td data-label=(c_rights) { (rights(words, &status.coverage)) }
                        td data-label=(c_asked) { (asked_next(asked, asking.as_ref())) }
                        td data-label=(c_gap) { (why(asked, status)) }
                    }
                }
            }
        }
    }
}

/// How long an answer took.
fn took(words: Words, ms: u64) -> String {
    match ms {
        0 => words.with("took-ms", [("n", "<1".into())]),
        1..1000 => words.with("took-ms", [("n", ms.into())]),
        _ => words.with("took-s", [("n", format!("{}.{}", ms / 1000, ms % 1000 / 100).into())]),
    }
}

/// Whether its rights are enough: proved by a complete answer, or refused; of anything else nobody can say.
fn rights(words: Words, coverage: &Coverage) -> Markup {
    html! {
        @match coverage {
            Coverage::Complete => span title=(words.say("rights-enough-title")) { (words.say("rights-enough")) },
            Coverage::Partial(gap) if gap.kind == GapKind::Unauthorized => span.mark.blind { (words.say("rights-refused")) },
            Coverage::Partial(_) => span.quiet { (words.say("not-known")) },
        }
    }
}

/// When it is asked again, and whether it is left alone until then.
fn asked_next(asked: &Asked, asking: Option<&Asking>) -> Markup {
    let words = asked.words;
    html! {
        @match asking {
            None => span.quiet { (words.say("asking-not")) },
            Some(Asking { took_ms: _, next_at, failures, left_alone }) => {
                @if *left_alone { span.mark.blind { (words.say("asking-left-alone")) } " " }
                (to_come(words, *next_at, asked.now))
                @if *failures > 0 { div.quiet { (words.count("asking-in-vain", *failures as usize)) } }
            }
        }
    }
}

/// What is missing, in words, and since when.
fn why(asked: &Asked, status: &SourceStatus) -> Markup {
    let words = asked.words;
    html! {
        @match status.coverage.gap() {
            None => span.quiet { "–" },
            Some(gap) => {
                (said::gap(words, gap))
                @if status.blind_since.is_some() { " " span.quiet { "(" (moment_or(words, status.blind_since, asked.now, "never")) ")" } }
                @let hint = format!("gap-{}", gap.kind.as_str().replace('_', "-"));
                div.quiet { (said::marked(&words.say(&hint))) }
            }
        }
    }
}
