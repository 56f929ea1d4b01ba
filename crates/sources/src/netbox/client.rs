//! The transport: one NetBox, one token, GET only. A status becomes an answer or a gap that says what to do.
//!
//! What does not live here: paging (`walk`) and the meaning of rows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use evenkeel_core::{Gap, GapKind, Secret};
use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, Request, StatusCode};
use url::Url;

use super::config::{Config, Error};
use super::model::Version;
use super::wire::Refusal;
use crate::http::{self, Answer, Retry, Timeouts};

/// The two kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// 40 characters, sent as `Token …`.
    V1,
    /// `nbt_key.secret`, sent as `Bearer …`; NetBox 4.5 and later.
    V2,
}

impl TokenKind {
    pub(super) fn of(token: &Secret) -> Self {
        if token.expose().starts_with("nbt_") { Self::V2 } else { Self::V1 }
    }
}

/// What was asked of NetBox, for metrics and benches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests, repeated ones included.
    pub requests: u64,
    /// Bytes of all bodies.
    pub bytes: u64,
}

pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: HeaderValue,
    token: TokenKind,
    secret: Secret,
    retry: Retry,
    version: Mutex<Option<Version>>,
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// A JSON answer with status 200.
pub(super) struct Reply {
    pub(super) body: Bytes,
    /// NetBox's (or its proxy's) clock.
    pub(super) date: Option<Timestamp>,
}

impl Client {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let timeouts = Timeouts { total: Some(config.timeout), ..Timeouts::default() };
        let token = TokenKind::of(&config.token);
        let keyword = match token {
            TokenKind::V1 => "Token",
            TokenKind::V2 => "Bearer",
        };
        let mut authorization = HeaderValue::from_str(&format!("{keyword} {}", config.token.expose()))
            .map_err(|_| Error::Token)?;
        authorization.set_sensitive(true);
        Ok(Self {
            http: http::client(&config.trust, &timeouts)?,
            base: api_base(&config.url)?,
            authorization,
            token,
            secret: config.token.clone(),
            retry: config.retry,
            version: Mutex::new(None),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        })
    }

    pub(super) fn token(&self) -> TokenKind {
        self.token
    }

    pub(super) fn stats(&self) -> Stats {
        Stats { requests: self.requests.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) }
    }

    /// The version that the last answers named.
    pub(super) fn version(&self) -> Option<Version> {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_version(&self, version: Option<Version>) {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner) = version;
    }

    /// Where things are, without the token: for phrases.
    pub(super) fn place(&self, path: &str) -> String {
        match self.base.join(path) {
            Ok(url) => http::without_userinfo(&url),
            Err(_) => path.to_owned(),
        }
    }

    /// Reads `path` below `api/`. `permission` is what NetBox wants for it, named when it refuses.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
        permission: Option<&str>,
    ) -> Result<Reply, Gap> {
        let what = format!("GET {}", self.place(path));
        let url =
            self.base.join(path).map_err(|error| Gap::new(GapKind::Malformed, format!("{what}: {error}")))?;
        let answer = http::fetch(&self.http, &self.request(url, query), &self.retry, http::MAX_BODY).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(gap) => {
                self.requests.fetch_add(1, Ordering::Relaxed);
                return Err(gap);
            }
        };
        self.requests.fetch_add(u64::from(answer.requests), Ordering::Relaxed);
        self.bytes.fetch_add(answer.body.len() as u64, Ordering::Relaxed);
        if let Some(version) = header(&answer.headers, "api-version").and_then(Version::parse) {
            self.set_version(Some(version));
        }
        let asked = Asked { what: &what, permission, token: self.token, version: self.version() };
        match refusal(&asked, &answer) {
            None => Ok(Reply { date: date(&answer.headers), body: answer.body }),
            Some(gap) => Err(self.without_token(gap)),
        }
    }

    fn request(&self, mut url: Url, query: &[(&str, String)]) -> Request {
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = Request::new(Method::GET, url);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(AUTHORIZATION, self.authorization.clone());
        request
    }

    /// A proxy's error page may repeat what it was sent.
    fn without_token(&self, gap: Gap) -> Gap {
        // What is shorter is no token but a word, and would only tear holes into the text.
        if self.secret.expose().len() >= 8 && gap.why.contains(self.secret.expose()) {
            return Gap::new(gap.kind, gap.why.replace(self.secret.expose(), "***"));
        }
        gap
    }
}

/// The address of the API: with a slash at its end, and forgiving about an `api/` that was pasted along.
fn api_base(url: &Url) -> Result<Url, Error> {
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/api").unwrap_or(path);
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    base.set_path(&format!("{path}/api/"));
    if base.cannot_be_a_base() { Err(Error::Url) } else { Ok(base) }
}

/// What a refusal is judged by.
pub(super) struct Asked<'a> {
    pub(super) what: &'a str,
    pub(super) permission: Option<&'a str>,
    pub(super) token: TokenKind,
    pub(super) version: Option<Version>,
}

/// The gap an answer stands for; `None` when it is JSON with status 200.
pub(super) fn refusal(asked: &Asked<'_>, answer: &Answer) -> Option<Gap> {
    let what = asked.what;
    let is_json = header(&answer.headers, CONTENT_TYPE.as_str())
        .is_some_and(|value| value.split(';').next().is_some_and(|kind| kind.trim() == "application/json"));
    let said: Refusal =
        if is_json { serde_json::from_slice(&answer.body).unwrap_or_default() } else { Refusal::default() };
    let status = answer.status;
    let gap = |kind, why: String| Some(Gap::new(kind, format!("{what}: {why}")));
    match status {
        StatusCode::OK if is_json => None,
        StatusCode::OK => {
            let kind = header(&answer.headers, CONTENT_TYPE.as_str()).unwrap_or("nothing in particular");
            gap(
                GapKind::Malformed,
                format!("answered with {kind} instead of json — is this netbox's address?"),
            )
        }
        StatusCode::FORBIDDEN => gap(GapKind::Unauthorized, forbidden(asked, said.detail.as_deref())),
        StatusCode::UNAUTHORIZED => gap(
            GapKind::Unauthorized,
            "401, which netbox never says: something before it wants a login".into(),
        ),
        StatusCode::NOT_FOUND => gap(
            GapKind::Malformed,
            "404, no such endpoint — is this netbox's address, and is it 4.0 or later?".into(),
        ),
        StatusCode::BAD_REQUEST => gap(
            GapKind::Malformed,
            format!("netbox refuses the question: {}", excerpt(is_json, &answer.body)),
        ),
        status if status.is_redirection() => {
            let target = header(&answer.headers, LOCATION.as_str())
                .and_then(|target| Url::parse(target).ok())
                .map_or_else(|| "elsewhere".to_owned(), |target| http::without_userinfo(&target));
            gap(
                GapKind::Unreachable,
                format!("redirected to {target}; redirects are not followed with a token"),
            )
        }
        status => gap(GapKind::Unreachable, failure(status, said)),
    }
}

/// The class of the exception, where NetBox names it: its text can name hosts and users of the database.
fn failure(status: StatusCode, said: Refusal) -> String {
    let cause = said.exception.or(said.detail).map(|text| format!(" ({})", short(&text)));
    format!("{status}{}", cause.unwrap_or_default()).to_lowercase()
}

/// NetBox answers everything about credentials and rights with 403; only the text tells which.
fn forbidden(asked: &Asked<'_>, detail: Option<&str>) -> String {
    let detail = detail.unwrap_or("no reason given");
    let advice = match detail {
        "You do not have permission to perform this action." => match asked.permission {
            Some(permission) => format!("give the token's user the permission {permission}"),
            None => "the token's user lacks a permission".to_owned(),
        },
        "Authentication credentials were not provided." => match (asked.token, asked.version) {
            (TokenKind::V2, Some(version)) if version.has_v2_tokens() => {
                "something before netbox drops the authorization header".to_owned()
            }
            (TokenKind::V2, _) => {
                "netbox ignores the token: tokens of the form nbt_… are known from 4.5 on, create a v1 token"
                    .to_owned()
            }
            (TokenKind::V1, _) => "something before netbox drops the authorization header".to_owned(),
        },
        text if text.starts_with("Invalid") => {
            "the token is wrong or was deleted; a v2 token is written nbt_<key>.<secret>".to_owned()
        }
        "Token expired" => "create a new token, or extend this one".to_owned(),
        "Token disabled" => "enable the token in netbox".to_owned(),
        text if text.starts_with("Source IP") => {
            "add this address to the token's allowed addresses".to_owned()
        }
        _ => "check the token".to_owned(),
    };
    format!("403 \"{}\" — {advice}", short(detail))
}

fn excerpt(is_json: bool, body: &[u8]) -> String {
    if !is_json {
        return "an html page; is the host name among netbox's ALLOWED_HOSTS?".to_owned();
    }
    short(&String::from_utf8_lossy(body))
}

fn short(text: &str) -> String {
    const MOST: usize = 200;
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(MOST) {
        line.truncate(end);
        line.push('…');
    }
    line
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = header(headers, DATE.as_str())?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_found_below_a_base_path_and_behind_a_pasted_api() {
        for (given, base) in [
            ("https://h", "https://h/api/"),
            ("https://h/", "https://h/api/"),
            ("https://h/netbox", "https://h/netbox/api/"),
            ("https://h/netbox/", "https://h/netbox/api/"),
            ("https://h/netbox/api/", "https://h/netbox/api/"),
            ("https://h:8443/api?x=1#y", "https://h:8443/api/"),
        ] {
            assert_eq!(api_base(&Url::parse(given).unwrap()).unwrap().as_str(), base, "{given}");
        }
    }
}
