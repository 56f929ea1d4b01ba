//! Who shows a token, and whose it is: in a time that does not tell how much of it is right. What does not live here: what
//! its owner may do.

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use evenkeel_core::Secret;
use subtle::ConstantTimeEq;

use crate::problem::{Kind, Problem};

/// What a request shows as `Authorization: Bearer …`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown<'a> {
    /// Nothing at all.
    Nothing,
    /// A token.
    Bearer(&'a [u8]),
    /// Something else, or several: whoever shows something wants to be somebody, and is nobody.
    Unreadable,
}

/// What this request shows.
pub(crate) fn shown(headers: &HeaderMap) -> Shown<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (first, second) = (values.next(), values.next());
    let Some(first) = first else { return Shown::Nothing };
    match first.as_bytes().split_at_checked(7) {
        Some((scheme, token)) if second.is_none() && scheme.eq_ignore_ascii_case(b"bearer ") => {
            Shown::Bearer(token.trim_ascii())
        }
        Some(_) | None => Shown::Unreadable,
    }
}

/// The one of these that it is. All of them are looked at, so that the time does not tell which one was nearly right.
pub(crate) fn whose<T>(owners: &[T], is_it: impl Fn(&T) -> bool) -> Option<&T> {
    owners.iter().fold(None, |found, owner| if is_it(owner) { Some(owner) } else { found })
}

/// Whether this is the token that is shown.
pub(crate) fn is_shown(token: &Secret, shown: &[u8]) -> bool {
    token.expose().as_bytes().ct_eq(shown).into()
}

/// Whose token the request shows.
pub(crate) fn owner<'a, T>(
    headers: &HeaderMap,
    owners: &'a [T],
    token: impl Fn(&T) -> &Secret,
) -> Option<&'a T> {
    match shown(headers) {
        Shown::Bearer(shown) => whose(owners, |owner| is_shown(token(owner), shown)),
        Shown::Nothing | Shown::Unreadable => None,
    }
}

/// The answer to whoever shows none, or nobody's.
pub(crate) fn unauthorized(detail: &str) -> Response {
    let mut response = Problem::new(Kind::Unauthorized, detail).into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
