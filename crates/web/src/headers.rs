//! What every request must satisfy and what every answer carries: the name evenkeel is called by, length and time
//! limits, protective headers, entity tags. Not here: routes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use xxhash_rust::xxh3::xxh3_128;

use crate::base::BasePath;
use crate::problem::{Kind, Problem, quoted};

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an address (path and query) may be. The longest honest one, every filter given, stays under 3 KiB.
const LONGEST_ADDRESS: usize = 8 * 1024;

/// By which names evenkeel may be called, and below which path.
///
/// A page anywhere on the web can point a name of its own at this machine and have the visitor's browser read from it
/// (DNS rebinding). Such a request carries the page's name, never an address: so names are checked, and addresses are
/// let through unless only this machine is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPolicy {
    rule: Rule,
    base: BasePath,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Anything,
    Named { names: Arc<[String]>, other_addresses: bool },
}

impl HostPolicy {
    /// The policy for a server bound to this address, with the names the operator gave it (behind a proxy, in DNS).
    ///
    /// Bound to loopback: `localhost`, loopback addresses and the names. Bound to anything else: with names given,
    /// those, `localhost` and any address (probes and scrapers call by address); with none given, anything, because
    /// what the machine is called is not known here.
    pub fn bound_to(address: IpAddr, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let names: Arc<[String]> = names.into_iter().map(|name| normal(name.as_ref())).collect();
        if address.to_canonical().is_loopback() {
            Self::of(Rule::Named { names, other_addresses: false })
        } else if names.is_empty() {
            Self::of(Rule::Anything)
        } else {
            Self::of(Rule::Named { names, other_addresses: true })
        }
    }

    fn of(rule: Rule) -> Self {
        Self { rule, base: BasePath::default() }
    }

    /// The same below a path.
    #[must_use]
    pub fn below(self, base: BasePath) -> Self {
        Self { base, ..self }
    }

    /// What stands before every link; empty if nothing does.
    pub(crate) fn base(&self) -> &str {
        self.base.as_str()
    }

    /// Under which path everything is found.
    pub(crate) fn base_path(&self) -> &BasePath {
        &self.base
    }

    /// Whether a request that calls evenkeel by this name (port allowed) is meant for it.
    fn admits(&self, authority: &str) -> bool {
        let Rule::Named { names, other_addresses } = &self.rule else {
            return true;
        };
        let Ok(authority) = authority.parse::<Authority>() else {
            return false;
        };
        // `user@localhost` is no Host header a browser or client sends.
        if authority.as_str().contains('@') {
            return false;
        }
        let host = normal(authority.host());
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&host);
        match bare.parse::<IpAddr>() {
            Ok(address) => *other_addresses || address.to_canonical().is_loopback() || names.contains(&host),
            Err(_) => host == "localhost" || names.contains(&host),
        }
    }
}

/// Lower case, without the dot that ends a full name.
fn normal(name: &str) -> String {
    name.trim().trim_end_matches('.').to_ascii_lowercase()
}

/// Refuses requests that call evenkeel by a name that is not its own.
pub(crate) async fn known_host(State(policy): State<HostPolicy>, request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    // An absolute address in the request line counts instead of the header.
    let named = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => first.and_then(|value| value.to_str().ok()),
    };
    if second.is_none() && named.is_some_and(|name| policy.admits(name)) || policy.rule == Rule::Anything {
        return next.run(request).await;
    }
    let called = named.map_or_else(|| "no name".to_owned(), quoted);
    let detail = format!(
        "called by {called}; evenkeel answers here to localhost, loopback addresses and the names it was given"
    );
    Problem::new(Kind::UnknownHost, detail).into_response()
}

/// Refuses addresses that are too long.
pub(crate) async fn bounded(request: Request, next: Next) -> Response {
    let length = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if length > LONGEST_ADDRESS {
        let detail = format!("path and query are {length} bytes, at most {LONGEST_ADDRESS} are read");
        return Problem::new(Kind::TooLong, detail).into_response();
    }
    next.run(request).await
}

/// Gives up on what takes too long.
pub(crate) async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("the store did not answer within {} s", PATIENCE.as_secs());
            Problem::new(Kind::TimedOut, detail).into_response()
        }
    }
}

/// Puts the protective headers on every answer.
pub(crate) async fn hardened(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // What never changes under its name says so itself.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // Nobody else is told where a visitor comes from. We are: without it, a browser says of our own forms that they come
    // from nowhere (`Origin: null`).
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // A page says what it may load. All else is none: should a browser take it for one all the same, it may load and run
    // nothing.
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// The entity tag of these bytes. Weak: two answers with the same tag mean the same and may differ in `as_of`.
pub(crate) fn entity_tag(bytes: &[u8]) -> String {
    format!("W/\"{:032x}\"", xxh3_128(bytes))
}

/// Whether the client says that it has what this tag stands for.
pub(crate) fn has_already(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = opaque(tag);
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim() == "*" || opaque(known) == tag)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::{PATIENCE, in_time};

    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_too_long_is_answered_with_a_problem() {
        let router = Router::new().route("/", get(std::future::pending::<()>)).layer(from_fn(in_time));
        let began = tokio::time::Instant::now();
        let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 503);
        assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
    }
}
