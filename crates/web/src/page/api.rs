//! The API for people: every operation with what it takes, answers and needs, from the same table as the document for
//! programs. Not here: that table.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::asked::Asked;
use super::frame::{self, Shown};
use crate::openapi::{self, Needs, Operation, Param};
use crate::problem::Problem;
use crate::state::AppState;

/// `GET /api`.
pub(super) async fn page(State(state): State<AppState>, uri: Uri, headers: HeaderMap) -> Response {
    let asked = Asked::of(&state, &uri, &headers);
    frame::answer(&state, &asked, frame::Tab::About, std::future::ready(made(&asked))).await
}

fn made(asked: &Asked) -> Result<Shown, Problem> {
    asked.only(&[])?;
    let words = asked.words;
    let mut tags: Vec<&str> = Vec::new();
    for operation in openapi::all() {
        if !tags.contains(&operation.tag) {
            tags.push(operation.tag);
        }
    }
    let content = html! {
        h1 { (words.say("api-title")) }
        p.lead { (words.say("api-lead")) " " a href=(asked.at(openapi::PATH)) { (words.say("api-document")) } }
        @for tag in tags {
            section lang="en" {
                h2 { (tag) }
                @for operation in openapi::all().iter().filter(|operation| operation.tag == tag) {
                    (shown(asked, operation))
                }
            }
        }
    };
    Ok(Shown::new(words.say("api-title"), content))
}

fn shown(asked: &Asked, operation: &Operation) -> Markup {
    let words = asked.words;
    let Operation { method, path, id, what, params, body, status, answer, problems, needs, .. } = operation;
    html! {
        details id=(id) {
            summary { code { (method.to_ascii_uppercase()) " " (path) } " " (what) }
            dl.facts {
                @if *method == "get" && !path.contains('{') {
                    div { dt { (words.say("api-open")) } dd { a href=(asked.at(path)) { code { (asked.at(path)) } } } }
                }
                div { dt { (words.say("api-needs")) } dd { (needed(asked, *needs)) } }
                @if !params.is_empty() {
                    div { dt { (words.say("api-params")) } dd { ul { @for param in params { li { (taken(param)) } } } } }
                }
                @if let Some(body) = body {
                    div { dt { (words.say("api-body")) } dd { (forms(body)) } }
                }
                div { dt { (words.say("api-answer")) } dd { (status) " " (forms(answer)) } }
                div { dt { (words.say("api-problems")) } dd {
                    @for (at, status) in problems.iter().enumerate() { @if at > 0 { ", " } (status) }
                } }
            }
        }
    }
}

fn needed(asked: &Asked, needs: Needs) -> Markup {
    html! {
        @match needs {
            Needs::Nothing => { "–" }
            Needs::Role(level) => (asked.words.word("level", level.as_str())),
            Needs::Credential(name) => (name),
        }
    }
}

fn taken(param: &Param) -> Markup {
    let Param { name, place, what, schema } = param;
    let accepted = schema.get("enum").or_else(|| schema["items"].get("enum")).and_then(Value::as_array);
    html! {
        code { (name) } " (" (place.as_str()) "): " (what)
        @if let Some(accepted) = accepted {
            " " @for (at, word) in accepted.iter().filter_map(Value::as_str).enumerate() { @if at > 0 { ", " } code { (word) } }
        }
    }
}

/// Types of content, each with the name of what is in it.
fn forms(body: &openapi::Body) -> Markup {
    html! {
        @for (at, (kind, schema)) in body.forms.iter().enumerate() {
            @if at > 0 { ", " }
            (kind)
            @if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) { " (" code { (name) } ")" }
        }
    }
}
