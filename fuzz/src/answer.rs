//! What every answer must keep, whatever was asked.

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{Response, StatusCode};

/// No answer to anything we can be asked is longer.
const LONGEST: usize = 16 * 1024 * 1024;

/// Marks that stand in no page of ours. Where one is found as it is, what somebody sent became part of the page. The second has its quote
/// in the middle: at its beginning it could be ours, with what was sent behind it, as in `value="onfz="`.
const MARKS: [&str; 2] = ["<fz", "fz\"onfz="];

/// An answer that was read to its end.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body; empty for a stream, which has no end.
    pub body: Vec<u8>,
}

/// Reads an answer and holds it against what every one of them must keep.
pub async fn checked(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let status = parts.status;
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is = |wanted: &str| kind.split(';').next().is_some_and(|kind| kind.trim() == wanted);
    assert_eq!(
        parts.headers.get(X_CONTENT_TYPE_OPTIONS).map(|value| value.as_bytes()),
        Some(&b"nosniff"[..])
    );
    assert!(parts.headers.contains_key(CONTENT_SECURITY_POLICY));
    if is("text/event-stream") {
        return Answer { status, body: Vec::new() };
    }
    let encoded = parts.headers.contains_key("content-encoding");
    let body = to_bytes(body, LONGEST).await.expect("an answer of a bounded length").to_vec();
    // A machine that is busy with other things is no find; what never ends is found by the fuzzer's own clock.
    let out_of_time = status == StatusCode::SERVICE_UNAVAILABLE && is_about(&body, "timed-out");
    assert!(!status.is_server_error() || out_of_time, "{status}: {}", String::from_utf8_lossy(&body));
    if !encoded && is("text/html") {
        let page = std::str::from_utf8(&body).expect("a page is text");
        for mark in MARKS {
            assert!(!page.contains(mark), "{mark} stands in a page as it was sent");
        }
    }
    if !encoded && (is("application/json") || is("application/problem+json")) && !body.is_empty() {
        serde_json::from_slice::<serde_json::Value>(&body).expect("JSON that says it is JSON");
    }
    Answer { status, body }
}

/// Whether a problem is of the kind of this word.
fn is_about(body: &[u8], word: &str) -> bool {
    String::from_utf8_lossy(body).contains(&format!("urn:evenkeel:problem:{word}\""))
}
