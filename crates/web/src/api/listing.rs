//! The frame around every answer: the rows, where to go on, how old and how complete what is shown is. Not here: what
//! a row looks like.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;

use crate::headers::{entity_tag, has_already};
use crate::problem::{Kind, Problem};
use crate::role::{self, Follows};
use crate::state::{AppState, SourceStatus};

/// How much of the world stands behind an answer.
#[derive(Clone, Copy, Debug, Serialize)]
struct Reach {
    /// Sources that show nothing, or not everything.
    blind_sources: usize,
    /// None is blind, and there is at least one.
    complete: bool,
}

impl Reach {
    fn of(sources: &[SourceStatus], follows: Option<&Follows>) -> Self {
        let blind_sources = sources.iter().filter(|s| !s.coverage.is_complete()).count();
        // What a leader said long ago is no statement about now.
        let is_outdated = follows.is_some_and(Follows::is_outdated);
        Self { blind_sources, complete: blind_sources == 0 && !sources.is_empty() && !is_outdated }
    }
}

/// The rows of a list, already in words.
pub(super) struct Rows {
    shown: Vec<u8>,
    lasting: Option<Vec<u8>>,
}

impl Rows {
    /// These rows.
    pub(super) fn of(rows: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self { shown: words(rows)?, lasting: None })
    }

    /// The same without what changes by the clock alone: only these make the entity tag.
    pub(super) fn lasting(self, rows: &impl Serialize) -> Result<Self, Problem> {
        Ok(Self { lasting: Some(words(rows)?), ..self })
    }
}

/// Answers with a list, or with "as you have it".
pub(super) fn list(
    state: &AppState,
    request: &HeaderMap,
    rows: &Rows,
    next: Option<&str>,
) -> Result<Response, Problem> {
    let follows = role::follows(state);
    let reach = words(&Reach::of(&state.live.sources(), follows.as_ref()))?;
    let next = words(&next)?;
    let lasting = rows.lasting.as_ref().unwrap_or(&rows.shown);
    let leader = follows.as_ref().map_or("", Follows::lasting);
    let tag = entity_tag(&[lasting, next.as_slice(), reach.as_slice(), leader.as_bytes()].concat());
    let response = if has_already(request, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let as_of = words(&state.live.now())?;
        let body = [
            b"{\"items\":".as_slice(),
            &rows.shown,
            b",\"next\":",
            &next,
            b",\"as_of\":",
            &as_of,
            b",\"coverage\":",
            &reach,
        ];
        let mut body = body.concat();
        if let Some(follows) = &follows {
            body.extend_from_slice(b",\"follows\":");
            body.extend(words(follows)?);
        }
        body.push(b'}');
        let mut response = body.into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    Ok(tagged(response, &tag))
}

#[derive(Serialize)]
struct Framed<T> {
    #[serde(flatten)]
    content: T,
    as_of: Timestamp,
    coverage: Reach,
    #[serde(skip_serializing_if = "Option::is_none")]
    follows: Option<Follows>,
}

/// Answers with one thing, or with "as you have it". `lasting` is what does not change by the clock alone.
pub(super) fn one(
    state: &AppState,
    request: &HeaderMap,
    content: &impl Serialize,
    lasting: &impl Serialize,
) -> Result<Response, Problem> {
    let follows = role::follows(state);
    let coverage = Reach::of(&state.live.sources(), follows.as_ref());
    let leader = follows.as_ref().map_or("", Follows::lasting);
    let tag = entity_tag(&[words(lasting)?, words(&coverage)?, leader.as_bytes().to_vec()].concat());
    if has_already(request, &tag) {
        return Ok(tagged(StatusCode::NOT_MODIFIED.into_response(), &tag));
    }
    let framed = Framed { content, as_of: state.live.now(), coverage, follows };
    Ok(tagged(Json(framed).into_response(), &tag))
}

/// Answers with one thing and nothing around it.
pub(super) fn bare(request: &HeaderMap, content: &impl Serialize) -> Result<Response, Problem> {
    let body = words(content)?;
    let tag = entity_tag(&body);
    if has_already(request, &tag) {
        return Ok(tagged(StatusCode::NOT_MODIFIED.into_response(), &tag));
    }
    Ok(tagged(([(CONTENT_TYPE, "application/json")], body).into_response(), &tag))
}

fn tagged(mut response: Response, tag: &str) -> Response {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn words(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| Problem::new(Kind::Internal, error.to_string()))
}
