//! The path under which everything is found, where a proxy has evenkeel below one. Both ways of a proxy work: passing the path on
//! and cutting it off. Not here: links; `page::asked` makes those.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::LOCATION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Uri};
use axum::response::Response;
use tower::ServiceExt;

/// Paths of our own begin so: a proxy's path that does, too, could not be told from one of them.
const OURS: [&str; 16] = [
    "about",
    "account",
    "actions",
    "api",
    "assets",
    "deliveries",
    "drifts",
    "events",
    "healthz",
    "hosts",
    "journal",
    "login",
    "logout",
    "metrics",
    "readyz",
    "webhooks",
];

/// A path without an end: `/evenkeel`; or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

impl BasePath {
    /// Reads it; `""` and `/` are none.
    ///
    /// # Errors
    /// With a sentence for whoever wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = text.trim_end_matches('/');
        if path.is_empty() {
            return Ok(Self::default());
        }
        let Some(rest) = path.strip_prefix('/') else {
            return Err(format!("begins with a slash: /{path}"));
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
        let is_part = |part: &str| !part.is_empty() && !matches!(part, "." | "..") && part.chars().all(plain);
        if !rest.split('/').all(is_part) {
            return Err(
                "has parts of letters, digits, `-`, `_`, `.` and `~`, with a slash between them".to_owned()
            );
        }
        let first = rest.split('/').next().unwrap_or_default();
        if OURS.contains(&first) {
            return Err(format!("/{first} is a path of evenkeel's own; choose another, such as /evenkeel"));
        }
        Ok(Self(path.into()))
    }

    /// As it stands before every link; empty if there is none.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is behind it, if the address begins with it.
    fn strip(&self, uri: &Uri) -> Option<Uri> {
        let rest = uri.path_and_query()?.as_str().strip_prefix(self.as_str())?;
        let rest = match rest.chars().next() {
            Some('/') => rest.to_owned(),
            None | Some('?') => format!("/{rest}"),
            // Another path that begins with the same letters.
            Some(_) => return None,
        };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(rest).ok()?);
        Uri::from_parts(parts).ok()
    }

    /// The same routes, found below the path as well.
    pub(crate) fn over(&self, router: Router) -> Router {
        if self.0.is_empty() {
            return router;
        }
        let (base, there) = (self.clone(), self.clone());
        let below = router
            .map_request(move |mut request: Request| {
                if let Some(uri) = base.strip(request.uri()) {
                    *request.uri_mut() = uri;
                }
                request
            })
            .map_response(move |response| there.led(response));
        Router::new().fallback_service(below)
    }

    /// Whether an address has the path before it already, as those on pages have.
    fn is_over(&self, address: &str) -> bool {
        address
            .strip_prefix(self.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }

    /// Where an answer leads to somewhere else of ours, that is below the path as well.
    fn led(&self, mut response: Response) -> Response {
        let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        let ours = |to: &&str| to.starts_with('/') && !to.starts_with("//") && !self.is_over(to);
        if let Some(path) = to.filter(ours)
            && let Ok(to) = HeaderValue::try_from(format!("{}{path}", self.as_str()))
        {
            response.headers_mut().insert(LOCATION, to);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::BasePath;

    #[test]
    fn a_base_path_is_plain_and_no_path_of_ours() {
        assert_eq!(BasePath::parse("/evenkeel/").unwrap().as_str(), "/evenkeel");
        assert_eq!(BasePath::parse("/ops/evenkeel").unwrap().as_str(), "/ops/evenkeel");
        assert_eq!(BasePath::parse("/").unwrap(), BasePath::default());
        assert_eq!(BasePath::parse("").unwrap().as_str(), "");
        for wrong in
            ["evenkeel", "/a//b", "/a b", "/..", "/a?b", "/hosts", "/api/v2", "//evil", "/ä", "/a\"b"]
        {
            assert!(BasePath::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_the_whole_path_is_cut_off() {
        let base = BasePath::parse("/keel").unwrap();
        let strip = |uri: &str| base.strip(&uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(strip("/keel"), Some("/".to_owned()));
        assert_eq!(strip("/keel?lang=fr"), Some("/?lang=fr".to_owned()));
        assert_eq!(strip("/keel/hosts/a%2Fb?x=1"), Some("/hosts/a%2Fb?x=1".to_owned()));
        assert_eq!(strip("http://h/keel/x"), Some("http://h/x".to_owned()));
        assert_eq!(strip("/keelhaul"), None);
        assert_eq!(strip("/hosts"), None);
    }
}
