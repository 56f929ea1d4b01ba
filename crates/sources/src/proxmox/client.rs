//! Requests to one cluster: reads only, at most four at once, every failure a gap with place and cause. What lives here:
//! endpoints, sessions, statuses and what Proxmox says with them. What does not: what a body means (`wire`), when to
//! ask (`mod`, `details`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use evenkeel_ambient::network;
use evenkeel_core::{Gap, GapKind, Secret};
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue};
use reqwest::{Method, Request, StatusCode};
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;
use url::Url;

use super::Error;
use super::config::{Config, Login};
use super::session::{self, Ticket};
use super::wire;
use crate::http::{self, Timeouts};

/// Calls at once, whatever asks: a node answers with three workers.
const PARALLEL: usize = 4;
/// The heaviest answer known, a thousand guests, is below 1 MiB.
const LIMIT: usize = 16 * 1024 * 1024;

/// A connection to one cluster.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    endpoints: Vec<Url>,
    current: AtomicUsize,
    turns: Semaphore,
    login: Login,
    ticket: Mutex<Option<Ticket>>,
    timeout: Duration,
}

/// The `data` of an answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) data: Value,
    /// The node's clock.
    pub(super) date: Option<Timestamp>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) gap: Gap,
    /// The status, where somebody answered.
    pub(super) status: Option<u16>,
    /// What Proxmox said with it.
    pub(super) said: String,
}

impl Refusal {
    fn lost(gap: Gap) -> Self {
        Self { gap, status: None, said: String::new() }
    }

    /// Whether another node may know better: this one does not answer, is not well, or answers what nobody understands.
    pub(super) fn moves_on(&self) -> bool {
        self.status.is_none_or(|status| status >= 500 || status == 200)
    }
}

impl From<Refusal> for Gap {
    fn from(refusal: Refusal) -> Self {
        refusal.gap
    }
}

impl Client {
    /// Prepares the connection; nothing is sent yet.
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let timeouts = Timeouts { total: Some(config.timeout), ..Timeouts::default() };
        if matches!(config.login, Login::Token { .. }) && session::token_header(&config.login).is_none() {
            return Err(super::config::ConfigError::Token.into());
        }
        Ok(Self {
            http: http::client(&config.trust, &timeouts)?,
            endpoints: config.endpoints.iter().map(base).collect(),
            current: AtomicUsize::new(0),
            turns: Semaphore::new(PARALLEL),
            login: config.login.clone(),
            ticket: Mutex::new(None),
            timeout: config.timeout,
        })
    }

    /// The endpoints in the order in which to try them: the one that worked last first.
    pub(super) fn turn(&self) -> Vec<usize> {
        let first = self.current.load(Ordering::Relaxed);
        (0..self.endpoints.len()).map(|n| (first + n) % self.endpoints.len()).collect()
    }

    /// From now on this one is asked first.
    pub(super) fn stick_to(&self, endpoint: usize) {
        self.current.store(endpoint, Ordering::Relaxed);
    }

    /// The endpoint that is asked first.
    pub(super) fn current(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    /// Host and port, for phrases.
    pub(super) fn place(&self, endpoint: usize) -> String {
        self.endpoints.get(endpoint).map_or_else(String::new, http::place_of)
    }

    /// The addresses of the endpoints.
    pub(super) fn endpoints(&self) -> &[Url] {
        &self.endpoints
    }

    pub(super) fn login(&self) -> &Login {
        &self.login
    }

    /// Reads `path` (`cluster/status`) at this endpoint.
    pub(super) async fn get(
        &self,
        endpoint: usize,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Reply, Refusal> {
        let mut url = self.url(endpoint, path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let ticket = self.ticket(endpoint, None).await?;
        let refused = match self.get_as(&url, ticket.as_ref()).await {
            Err(refused) if refused.status == Some(401) && ticket.is_some() => refused,
            other => return other,
        };
        // The ticket may have ended with the cluster's keys; one new login tells.
        let spent = ticket.map(|ticket| ticket.text);
        match self.ticket(endpoint, spent.as_ref()).await {
            Ok(ticket) => self.get_as(&url, ticket.as_ref()).await,
            Err(_) => Err(refused),
        }
    }

    async fn get_as(&self, url: &Url, ticket: Option<&Ticket>) -> Result<Reply, Refusal> {
        let mut request = Request::new(Method::GET, url.clone());
        let header = ticket.map_or_else(|| session::token_header(&self.login), Ticket::header);
        session::show(request.headers_mut(), header);
        let again = request.try_clone();
        match (self.send(request, ticket).await, again) {
            // A kept connection may be closed while the request travels: a node closes each after 100 requests, and
            // after every refusal.
            (Err(lost), Some(again)) if lost.status.is_none() && lost.gap.kind != GapKind::TimedOut => {
                self.send(again, ticket).await
            }
            (outcome, _) => outcome,
        }
    }

    /// The ticket to show, for a login by password; `spent` is one that was refused.
    async fn ticket(&self, endpoint: usize, spent: Option<&Secret>) -> Result<Option<Ticket>, Refusal> {
        let Login::Password { user, password } = &self.login else {
            return Ok(None);
        };
        let mut kept = self.ticket.lock().await;
        let now = Instant::now();
        let usable = kept.clone().filter(|ticket| Some(&ticket.text) != spent && !ticket.is_over(now));
        let next = match usable {
            Some(ticket) if !ticket.is_old(now) => return Ok(Some(ticket)),
            // An old ticket is exchanged; should that fail, the password is still there.
            Some(ticket) => match self.log_in(endpoint, user, &ticket.text).await {
                Err(refused) if refused.status == Some(401) => self.log_in(endpoint, user, password).await,
                other => other,
            },
            None => self.log_in(endpoint, user, password).await,
        }?;
        *kept = Some(next.clone());
        Ok(Some(next))
    }

    async fn log_in(&self, endpoint: usize, user: &str, password: &Secret) -> Result<Ticket, Refusal> {
        let url = self.url(endpoint, "access/ticket")?;
        let what = format!("POST {}", http::without_userinfo(&url));
        let mut request = Request::new(Method::POST, url);
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, form);
        *request.body_mut() = Some(session::form(user, password).into());
        let reply = self.send(request, None).await?;
        Ticket::of_answer(&reply.data, &what, Instant::now()).map_err(Refusal::lost)
    }

    async fn send(&self, request: Request, ticket: Option<&Ticket>) -> Result<Reply, Refusal> {
        let what = format!("{} {}", request.method(), http::without_userinfo(request.url()));
        let lost = |gap: Gap| Refusal::lost(self.harmless(gap, ticket));
        let waited = tokio::time::timeout(self.timeout, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = waited else {
            return Err(lost(Gap::new(
                GapKind::TimedOut,
                format!("{what}: too many calls wait for answers"),
            )));
        };
        let response =
            network::send(&self.http, request).await.map_err(|error| lost(http::gap_of(&what, &error)))?;
        let status = response.status();
        let headers = response.headers().clone();
        let phrase = response.extensions().get::<hyper::ext::ReasonPhrase>();
        let phrase = phrase.map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned());
        let body = http::read_body(response, LIMIT, &what).await.map_err(lost)?;
        let answer = Answer { status, headers, body, phrase };
        answer.judge(&what, &self.login).map_err(|refused| Refusal {
            gap: self.harmless(refused.gap, ticket),
            said: session::redacted(&refused.said, &self.secrets(ticket)),
            ..refused
        })
    }

    fn url(&self, endpoint: usize, path: &str) -> Result<Url, Refusal> {
        let base = self.endpoints.get(endpoint);
        base.and_then(|base| base.join(path).ok()).ok_or_else(|| {
            Refusal::lost(Gap::new(GapKind::Malformed, format!("{path} is not a path that can be asked")))
        })
    }

    fn harmless(&self, gap: Gap, ticket: Option<&Ticket>) -> Gap {
        Gap::new(gap.kind, session::redacted(&gap.why, &self.secrets(ticket)))
    }

    fn secrets<'a>(&'a self, ticket: Option<&'a Ticket>) -> Vec<&'a Secret> {
        let own = match &self.login {
            Login::Token { secret, .. } => secret,
            Login::Password { password, .. } => password,
        };
        ticket.map(|ticket| &ticket.text).into_iter().chain([own]).collect()
    }
}

/// The address of the API, whatever was pasted along.
fn base(url: &Url) -> Url {
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/api2/json").unwrap_or(path);
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    base.set_path(&format!("{path}/api2/json/"));
    base
}

/// An answer before it is judged.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    phrase: Option<String>,
}

impl Answer {
    fn judge(&self, what: &str, login: &Login) -> Result<Reply, Refusal> {
        if self.status == StatusCode::OK {
            return self.data(what).map_err(|gap| Refusal {
                gap,
                status: Some(self.status.as_u16()),
                said: String::new(),
            });
        }
        let said = self.said();
        let words = if said.is_empty() { String::new() } else { format!(" ({said})") };
        let code = self.status.as_u16();
        let (kind, why) = match code {
            401 => (
                GapKind::Unauthorized,
                format!(
                    "the login of {} is refused{words}; is it right, enabled and not expired?",
                    login.who()
                ),
            ),
            403 => (GapKind::Unauthorized, format!("refused{words}; `{}`", login.grant())),
            400 | 404 | 405 | 501 => {
                (GapKind::Malformed, format!("{code}{words}; is this the address of proxmox ve?"))
            }
            300..=399 => {
                (GapKind::Unreachable, "redirected elsewhere; redirects are not followed with a token".into())
            }
            // A node that should pass the question on to another one says so in numbers of its own.
            595..=599 => (GapKind::Unreachable, format!("the node asked for cannot be reached{words}")),
            _ => (GapKind::Unreachable, format!("{code}{words}")),
        };
        Err(Refusal { gap: Gap::new(kind, format!("{what}: {why}")), status: Some(code), said })
    }

    fn data(&self, what: &str) -> Result<Reply, Gap> {
        let kind = self.headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        if !kind.as_deref().is_some_and(|kind| kind.to_ascii_lowercase().contains("json")) {
            let kind = kind.as_deref().unwrap_or("no content type").chars().take(60).collect::<String>();
            let why = format!("{what}: the answer is not json but {kind}; is this proxmox ve?");
            return Err(Gap::new(GapKind::Malformed, why));
        }
        let date = self.headers.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|text| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok());
        Ok(Reply { data: wire::data(&self.body, what)?, date })
    }

    /// Proxmox's own words: in the body since 8.4, in the status line before.
    fn said(&self) -> String {
        let body = serde_json::from_slice::<Value>(&self.body).ok();
        let words = body.as_ref().map(wire::complaint).filter(|words| !words.is_empty());
        let words = words.or_else(|| self.phrase.clone()).unwrap_or_default();
        words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_found_whatever_was_pasted_along() {
        for (given, found) in [
            ("https://pve1:8006", "https://pve1:8006/api2/json/"),
            ("https://pve1:8006/", "https://pve1:8006/api2/json/"),
            ("https://pve1:8006/api2/json/?x=1#v1:0", "https://pve1:8006/api2/json/"),
            ("https://tools.lan/pve", "https://tools.lan/pve/api2/json/"),
        ] {
            assert_eq!(base(&Url::parse(given).unwrap()).as_str(), found, "{given}");
        }
    }

    fn answer(status: u16, body: &str, phrase: Option<&str>) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=UTF-8"));
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
            phrase: phrase.map(str::to_owned),
        }
    }

    #[test]
    fn what_proxmox_says_is_found_in_the_body_or_in_the_status_line() {
        let new = answer(500, r#"{"data":null,"message":"VM 100 is not running\n"}"#, None);
        assert_eq!(new.said(), "VM 100 is not running");
        let old = answer(500, r#"{"data":null}"#, Some("VM 100 is not running"));
        assert_eq!(old.said(), "VM 100 is not running");
        let wrong =
            answer(400, r#"{"data":null,"errors":{"vmid":"VM 100 already exists"}}"#, Some("Parameter"));
        assert_eq!(wrong.said(), "vmid: VM 100 already exists");
    }

    #[test]
    fn a_node_that_cannot_be_reached_through_another_is_unreachable() {
        let login = Login::Password { user: "root@pam".into(), password: Secret::new("x") };
        for status in [595, 596, 599, 500, 502] {
            let refused = answer(status, "", None).judge("GET x", &login).unwrap_err();
            assert_eq!((refused.gap.kind, refused.moves_on()), (GapKind::Unreachable, true), "{status}");
        }
        let refused = answer(403, "", Some("Permission check failed (/, Sys.Audit)")).judge("GET x", &login);
        let refused = refused.unwrap_err();
        assert_eq!((refused.gap.kind, refused.moves_on()), (GapKind::Unauthorized, false));
        assert!(refused.gap.why.contains("pveum acl modify / --roles PVEAuditor"), "{}", refused.gap);
    }
}
