//! Where a request that changes something was made: on one of our own pages, by a program, or on somebody else's page that
//! makes a visitor's browser do it. Not here: what is changed.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use url::form_urlencoded;

use super::session::Seal;
use crate::problem::{Kind, Problem};

/// The field of a form that carries its seal.
pub(crate) const FIELD: &str = "seal";
/// The same, for a script.
const HEADER: HeaderName = HeaderName::from_static("evenkeel-seal");
/// The largest form that is read, in bytes.
const LARGEST: usize = 64 * 1024;

/// Refuses what was made on somebody else's page. Browsers say so in `Sec-Fetch-Site`, and, where that is missing (over
/// plain HTTP), in `Origin`; what sends neither is no browser.
pub(super) fn is_ours(headers: &HeaderMap) -> Result<(), Problem> {
    let only = |name: &str| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| elsewhere()),
            (Some(_), Some(_)) => Err(elsewhere()),
        }
    };
    match only("sec-fetch-site")? {
        Some("same-origin" | "none") => return Ok(()),
        Some(_) => return Err(elsewhere()),
        None => {}
    }
    let Some(origin) = only(ORIGIN.as_str())? else { return Ok(()) };
    let called = only(HOST.as_str())?.and_then(|host| host.parse::<Authority>().ok());
    let Some(from) = origin.parse::<Uri>().ok() else { return Err(elsewhere()) };
    // A browser leaves the port out where it is the scheme's own; so may a proxy.
    let own = match from.scheme_str() {
        Some("https") => 443,
        Some("http") => 80,
        Some(_) | None => return Err(elsewhere()),
    };
    let named =
        |authority: &Authority| (authority.host().to_ascii_lowercase(), authority.port_u16().unwrap_or(own));
    match (from.authority(), &called) {
        (Some(from), Some(called)) if named(from) == named(called) => Ok(()),
        (Some(_) | None, Some(_) | None) => Err(elsewhere()),
    }
}

fn elsewhere() -> Problem {
    Problem::new(
        Kind::Forbidden,
        "this was asked for on a page of somebody else's; open the page here and do it again. Behind a proxy, let it pass \
         on the name it is called by (`Host`), or name it in http.trusted_proxies",
    )
}

/// Refuses what does not carry the seal of the session it is done with. A form is handed on without it.
pub(super) async fn sealed(request: Request, seal: &Seal) -> Result<Request, Problem> {
    let unsealed = || {
        Problem::new(
            Kind::Forbidden,
            "this form is not one of this session; open the page again and do it once more",
        )
    };
    let mut values = request.headers().get_all(HEADER).iter();
    if let (Some(shown), None) = (values.next(), values.next()) {
        return match shown.to_str().is_ok_and(|shown| seal.fits(shown)) {
            true => Ok(request),
            false => Err(unsealed()),
        };
    }
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Err(unsealed());
    }
    let (mut parts, body) = request.into_parts();
    let too_large = |_| Problem::new(Kind::TooLarge, format!("a form has at most {LARGEST} bytes"));
    let body = to_bytes(body, LARGEST).await.map_err(too_large)?;
    let (shown, rest) = apart(&body);
    match shown.as_slice() {
        [one] if seal.fits(one) => {}
        [..] => return Err(unsealed()),
    }
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(rest.len()));
    Ok(Request::from_parts(parts, Body::from(rest)))
}

/// The seals of a form, and the form without them.
fn apart(body: &Bytes) -> (Vec<String>, String) {
    let mut seals = Vec::new();
    let mut rest = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(body) {
        if name == FIELD {
            seals.push(value.into_owned())
        } else {
            rest.append_pair(&name, &value);
        }
    }
    (seals, rest.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        is_ours(&headers).is_ok()
    }

    #[test]
    fn what_was_made_on_a_page_of_somebody_else_is_refused() {
        let host = ("host", "evenkeel.lan:9797");
        assert!(of(&[host]), "a program");
        assert!(of(&[host, ("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(of(&[host, ("sec-fetch-site", "none")]));
        for site in ["cross-site", "same-site", "", "SAME-ORIGIN, none"] {
            assert!(!of(&[host, ("sec-fetch-site", site), ("origin", "http://evenkeel.lan:9797")]), "{site}");
        }
        assert!(of(&[host, ("origin", "http://EVENKEEL.lan:9797")]));
        assert!(of(&[("host", "evenkeel.lan"), ("origin", "https://evenkeel.lan:443")]));
        assert!(of(&[("host", "evenkeel.lan:80"), ("origin", "http://evenkeel.lan")]));
        for origin in [
            "null",
            "http://evenkeel.lan",
            "http://evil.lan:9797",
            "http://evenkeel.lan:9797.evil.lan",
            "",
            "x",
        ] {
            assert!(!of(&[host, ("origin", origin)]), "{origin}");
        }
        assert!(!of(&[("origin", "http://evenkeel.lan")]), "nobody was called");
        assert!(!of(&[host, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]));
        assert!(!of(&[host, ("origin", "http://evil.lan"), ("origin", "http://evenkeel.lan:9797")]));
    }

    #[test]
    fn a_form_is_handed_on_without_its_seal() {
        let (seals, rest) = apart(&Bytes::from_static(b"reason=a+%26+b&seal=S%2BT&until=2026-12-31"));
        assert_eq!(seals, ["S+T"]);
        assert_eq!(rest, "reason=a+%26+b&until=2026-12-31");
    }
}
