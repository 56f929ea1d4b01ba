//! A page that cannot be shown, and why. Not here: when that is so.

use axum::extract::State;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use maud::html;

use super::asked::Asked;
use super::frame::{self, Shown};
use super::text::clean;
use crate::problem::{self, Kind, Problem};
use crate::state::AppState;

/// The page for this trouble.
pub(super) fn shown(asked: &Asked, problem: &Problem) -> Shown {
    let words = asked.words;
    let (title, next) = match problem.kind() {
        Kind::NotFound => ("trouble-not-found", "trouble-not-found-next"),
        Kind::UnknownPath => ("trouble-unknown-path", "trouble-unknown-path-next"),
        Kind::BadParameter | Kind::BadCursor | Kind::BadPath => ("trouble-bad", "trouble-bad-next"),
        Kind::StoreUnavailable | Kind::TimedOut => ("trouble-store", "trouble-store-next"),
        Kind::StoreCorrupt => ("trouble-corrupt", "trouble-corrupt-next"),
        Kind::NotKnownYet => ("trouble-not-known", "trouble-not-known-next"),
        Kind::Unauthorized => ("trouble-unknown", "trouble-unknown-next"),
        Kind::Forbidden => ("trouble-forbidden", "trouble-forbidden-next"),
        Kind::WrongMethod
        | Kind::TooLong
        | Kind::UnknownHost
        | Kind::Internal
        | Kind::TooLarge
        | Kind::NotJson
        | Kind::Refused
        | Kind::BadBody
        | Kind::Conflict
        | Kind::Gone
        | Kind::OnlyPost
        | Kind::OnlyReads
        | Kind::Busy
        | Kind::TooOften => ("trouble-other", "trouble-other-next"),
    };
    let title = words.say(title);
    let content = html! {
        section.trouble {
            p.code aria-hidden="true" { (problem.status().as_u16()) }
            h1 { (title) }
            p.detail lang="en" { (clean(problem.detail())) }
            p { (words.say(next)) }
            p { a.button href=(asked.here()) { (words.say("trouble-again")) } " "
                a.button href=(asked.link("/", &[])) { (words.say("trouble-home")) } }
        }
    };
    Shown { status: problem.status(), ..Shown::new(title, content) }
}

/// The answer where nothing is.
pub(crate) async fn unknown_path(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let problem = problem::unknown_path(uri.clone()).await;
    told(&state, &uri, &headers, problem)
}

/// This trouble: a page for people, a problem for programs.
pub(crate) fn told(state: &AppState, uri: &Uri, headers: &HeaderMap, problem: Problem) -> Response {
    if !is_for_people(uri, headers) {
        return problem.into_response();
    }
    let asked = Asked::of(state, uri, headers);
    frame::finished(state, &asked, None, &shown(&asked, &problem))
}

/// Whether a person reads the answer.
pub(crate) fn is_for_people(uri: &Uri, headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    !uri.path().starts_with("/api/") && accepted.is_some_and(|types| types.contains("text/html"))
}
