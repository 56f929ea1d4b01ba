//! About evenkeel itself: which part this process has, whether it is ready, what it keeps. Not here: the checks that
//! machines ask for.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use evenkeel_core::drift::size_words;
use evenkeel_store::{RowCounts, Store};
use maud::{Markup, html};

use super::asked::Asked;
use super::frame::{self, Shown, Tab};
use super::text::name;
use crate::problem::Problem;
use crate::state::AppState;

/// `GET /about`.
pub(super) async fn page(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, Tab::About, made(&state, &asked)).await
}

async fn made(state: &AppState, asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&[])?;
    let words = asked.words;
    let kept = kept(state.store.as_ref()).await;
    let ready = state.live.ready();
    let line = |key: &str, value: Markup| html! { div { dt { (words.say(key)) } dd { (value) } } };
    let content = html! {
        h1 { (words.say("nav-about")) }
        p.lead { (words.say("about-lead")) }
        section {
            h2 { (words.say("about-process")) }
            dl.facts {
                (line("about-version", html! { "evenkeel " (env!("CARGO_PKG_VERSION")) }))
                (line("about-role", html! { (words.word("role", state.live.role().as_str())) }))
                (line("about-ready", html! { (words.say(if ready.is_complete() { "about-ready-yes" } else { "about-ready-no" })) }))
                (line("about-store", name(state.store.at())))
            }
        }
        section {
            h2 { (words.say("about-kept")) }
            @match &kept {
                Ok((counts, size)) => (counted(asked, counts, *size)),
                Err(problem) => div.empty.bad { p { strong { (words.say("trouble-store")) } } p lang="en" { (problem.detail()) } },
            }
        }
        section {
            h2 { (words.say("about-doors")) }
            ul.plain {
                @for (path, key) in [("/healthz", "door-healthz"), ("/readyz", "door-readyz"), ("/metrics", "door-metrics"), ("/api", "door-api")] {
                    li { a href=(asked.at(path)) { code { (path) } } " " (words.say(key)) }
                }
            }
        }
    };
    let status = kept.map_or_else(|problem| problem.status(), |_| StatusCode::OK);
    Ok(Shown { status, ..Shown::new(words.say("nav-about"), content) })
}

async fn kept(store: &dyn Store) -> Result<(RowCounts, u64), Problem> {
    store.health().await?;
    Ok((store.rows().await?, store.size().await?))
}

fn counted(asked: &Asked, counts: &RowCounts, size: u64) -> Markup {
    let words = asked.words;
    let RowCounts { events, deliveries, observed_snapshots, expected_snapshots, journal, proposals, notices } =
        counts;
    let rows = [
        ("kept-events", events),
        ("kept-deliveries", deliveries),
        ("kept-observed", observed_snapshots),
        ("kept-expected", expected_snapshots),
        ("kept-journal", journal),
        ("kept-proposals", proposals),
        ("kept-notices", notices),
    ];
    html! {
        dl.facts {
            div { dt { (words.say("kept-size")) } dd { (size_words(size)) } }
            @for (key, n) in rows { div { dt { (words.say(key)) } dd { (n) } } }
        }
    }
}
