//! What is sent to us: how much of it is read, and what is said to whoever does not send.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse, Response};

use crate::problem::{Kind, Problem, quoted};

/// Reads a body of at most so many bytes; `advice` goes to whoever sends more.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    largest: usize,
    advice: &str,
) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(Kind::TooLarge, format!("at most {largest} bytes are read; {advice}"));
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > largest)) {
        return Err(too_large());
    }
    to_bytes(body, largest).await.map_err(|error| {
        // A body that announces no length is found too large only by reading it.
        let source = std::error::Error::source(&error);
        if source.is_some_and(|cause| cause.to_string().contains("length limit")) {
            too_large()
        } else {
            Problem::new(Kind::NotJson, "the body ended early")
        }
    })
}

/// Refuses a body that does not say that it is JSON: a page of somebody else's can have a browser send other kinds without
/// asking.
pub(crate) fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Problem::new(Kind::NotJson, "send JSON, and say so: `Content-Type: application/json`")),
    }
}

/// For a path where sending is all that is possible.
pub(crate) fn only_post(path: &str, does: &str, method: &Method) -> Response {
    let detail = format!("`{path}` {does}: POST, not {}", quoted(method.as_str()));
    let mut response = Problem::new(Kind::OnlyPost, detail).into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}
