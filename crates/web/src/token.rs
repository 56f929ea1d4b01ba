//! Who shows a token, and whose it is: in a time that does not tell how much of it is right. What does not live here: what
//! its owner may do.

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use evenkeel_core::Secret;
use subtle::ConstantTimeEq;

use crate::problem::{Kind, Problem};

/// Whose token the request shows.
pub(crate) fn owner<'a, T>(
    headers: &HeaderMap,
    owners: &'a [T],
    token: impl Fn(&T) -> &Secret,
) -> Option<&'a T> {
    let shown = bearer(headers)?;
    let mut found = None;
    for owner in owners {
        if bool::from(token(owner).expose().as_bytes().ct_eq(shown)) {
            found = Some(owner);
        }
    }
    found
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (first, second) = (values.next()?, values.next());
    let (scheme, token) = first.as_bytes().split_at_checked(7)?;
    (second.is_none() && scheme.eq_ignore_ascii_case(b"bearer ")).then(|| token.trim_ascii())
}

/// The answer to whoever shows none, or nobody's.
pub(crate) fn unauthorized(detail: &str) -> Response {
    let mut response = Problem::new(Kind::Unauthorized, detail).into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
