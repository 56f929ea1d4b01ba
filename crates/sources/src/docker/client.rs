//! Requests to one engine: only reads, every failure a gap with place and cause. What lives here: paths, statuses and
//! content types. What does not: what a body means (`wire`), when to ask (`mod`, `events`).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use evenkeel_ambient::network;
use evenkeel_core::{Gap, GapKind};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Request, Response, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::Error;
use super::bare::Bare;
use super::config::Config;
use super::endpoint::Endpoint;
use super::ssh::Bridge;
use super::wire::{self, Refusal};
use crate::http::{self, Retry, Timeouts};

/// The host name in requests that travel through a socket file; nothing resolves it.
const SOCKET_HOST: &str = "http://docker";

/// What is asked of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question<'a> {
    Ping,
    Version,
    Info,
    /// Every container, whatever its state.
    List,
    /// One container, by id.
    Inspect(&'a str),
    Events,
}

impl Question<'_> {
    fn path(&self) -> String {
        match self {
            Self::Ping => "/_ping".to_owned(),
            Self::Version => "/version".to_owned(),
            Self::Info => "/info".to_owned(),
            Self::List => "/containers/json".to_owned(),
            Self::Inspect(id) => format!("/containers/{id}/json"),
            Self::Events => "/events".to_owned(),
        }
    }

    fn query(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Ping | Self::Version | Self::Info | Self::Inspect(_) => None,
            Self::List => Some(("all", "true")),
            // Health checks alone would otherwise send three exec events each interval.
            Self::Events => Some((
                "filters",
                concat!(
                    r#"{"type":["container"],"event":["create","start","die","oom","stop","kill","pause","#,
                    r#""unpause","rename","destroy","health_status","update"]}"#
                ),
            )),
        }
    }

    /// The variable by which the common socket proxies open this path.
    fn proxy_switch(&self) -> &'static str {
        match self {
            Self::Ping => "PING=1",
            Self::Version => "VERSION=1",
            Self::Info => "INFO=1",
            Self::List | Self::Inspect(_) => "CONTAINERS=1",
            Self::Events => "EVENTS=1",
        }
    }

    /// The largest answers seen are far below: 9 containers are 14 kB.
    fn limit(&self) -> usize {
        match self {
            Self::List => http::MAX_BODY,
            Self::Ping | Self::Version | Self::Info | Self::Inspect(_) | Self::Events => 4 * 1024 * 1024,
        }
    }
}

/// An open event stream.
#[derive(Debug)]
pub(super) enum Events {
    /// Over a connection of our own.
    Bare(Bare),
    /// Through the client. In a box: the task of every engine has room for the larger of the two.
    Response(Box<Response>),
}

impl Events {
    /// Its next bytes; `None` at its end. Nothing is lost where it is not awaited to its end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Gap> {
        match self {
            Self::Bare(bare) => {
                let read = bare.chunk().await.map(|bytes| bytes.map(Bytes::from));
                read.map_err(|error| Gap::new(GapKind::Unreachable, format!("the event stream: {error}")))
            }
            Self::Response(response) => {
                response.chunk().await.map_err(|error| http::gap_of("the event stream", &error.into()))
            }
        }
    }
}

/// A connection to one engine.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    timeout: Duration,
    place: String,
    bridge: Option<Bridge>,
    /// Over TCP in the clear.
    is_plain: bool,
    /// When a question was asked whose answer came.
    heard: Mutex<Option<Instant>>,
}

impl Client {
    /// Prepares the connection; nothing is sent yet. Within a tokio runtime.
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let kept = Timeouts { connect: config.timeout, total: None, ..Timeouts::default() };
        // An engine that is asked to stop refuses new connections before it stops its containers, but answers on old
        // ones to the end. On a fresh connection one never hears that everything is down when only the engine is.
        let timeouts = Timeouts { idle: Duration::ZERO, ..kept };
        let mut bridge = None;
        let (http, base) = match &config.endpoint {
            Endpoint::Unix(path) => (http::socket_client(path, &timeouts)?, SOCKET_HOST.to_owned()),
            Endpoint::Ssh(target) => {
                let open = Bridge::open(target, &config.ssh_command, config.timeout)
                    .map_err(|source| Error::Bridge { target: target.to_string(), source })?;
                // Each of these is a login: they are kept for the questions of one observation.
                let http = http::socket_client(open.socket(), &kept)?;
                bridge = Some(open);
                (http, SOCKET_HOST.to_owned())
            }
            Endpoint::Plain(url) => (http::plain_client(&timeouts)?, url.to_string()),
            Endpoint::Tls(url) => (http::client(&config.trust, &timeouts)?, url.to_string()),
        };
        let mut base = Url::parse(&base).map_err(|_| Error::Address)?;
        if let Some(version) = &config.api_version {
            let path = format!("{}/v{version}", base.path().trim_end_matches('/'));
            base.set_path(&path);
        }
        Ok(Self {
            http,
            base,
            timeout: config.timeout,
            place: config.endpoint.to_string(),
            is_plain: matches!(config.endpoint, Endpoint::Plain(_)),
            bridge,
            heard: Mutex::default(),
        })
    }

    /// Asks and reads a whole JSON answer.
    pub(super) async fn ask(&self, question: Question<'_>) -> Result<Bytes, Gap> {
        let asked = Instant::now();
        let mut request = self.request(question);
        *request.timeout_mut() = Some(self.timeout);
        // One more try, for a connection lost on the way.
        let retry = Retry { times: 1, first: Duration::from_millis(50), longest: Duration::from_millis(500) };
        let answer = http::fetch(&self.http, &request, &retry, question.limit())
            .await
            .map_err(|gap| self.localised(gap))?;
        let content_type =
            answer.headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        self.judge_status(question, answer.status, &answer.body)?;
        match content_type {
            Some(kind) if kind.to_ascii_lowercase().contains("json") => {
                *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
                Ok(answer.body)
            }
            other => {
                let kind = other.as_deref().unwrap_or("no content type").chars().take(60).collect::<String>();
                let why = format!(
                    "{}: the answer is not json but {kind}; is this a docker engine?",
                    self.what(question)
                );
                Err(Gap::new(GapKind::Malformed, why))
            }
        }
    }

    /// Whether a question that was asked since this moment was answered.
    pub(super) fn has_answered_since(&self, moment: Instant) -> bool {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|asked| asked >= moment)
    }

    /// Whether the engine is there. A proxy may refuse the path, which is a sign of life; one that reports that it finds
    /// nobody behind it is not.
    pub(super) async fn ping(&self) -> Result<(), Gap> {
        let mut request = self.request(Question::Ping);
        *request.timeout_mut() = Some(self.timeout);
        let fetched = http::fetch(&self.http, &request, &Retry::never(), Question::Ping.limit()).await;
        let answer = fetched.map_err(|gap| self.localised(gap))?;
        if answer.status.is_server_error() {
            return self.judge_status(Question::Ping, answer.status, &answer.body);
        }
        Ok(())
    }

    /// Opens the event stream; it has no end of its own, only its beginning is bounded in time.
    pub(super) async fn events(&self) -> Result<Events, Gap> {
        if self.is_plain && network::has_sockets() {
            let url = self.request(Question::Events).url().clone();
            match tokio::time::timeout(self.timeout, Bare::open(&url)).await {
                Ok(Ok(Some(bare))) => return Ok(Events::Bare(bare)),
                // Whatever goes wrong there goes wrong here as well, with words for it.
                Ok(Ok(None) | Err(_)) => {}
                Err(_) => return Err(self.too_late(Question::Events)),
            }
        }
        self.response().await.map(|response| Events::Response(Box::new(response)))
    }

    async fn response(&self) -> Result<Response, Gap> {
        let question = Question::Events;
        let what = self.what(question);
        let sent = network::send(&self.http, self.request(question));
        let response = match tokio::time::timeout(self.timeout, sent).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.blamed(http::gap_of(&what, &error))),
            Err(_) => return Err(self.too_late(question)),
        };
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response);
        }
        let body =
            tokio::time::timeout(self.timeout, http::read_body(response, question.limit(), &what)).await;
        self.judge_status(question, status, &body.ok().and_then(Result::ok).unwrap_or_default())?;
        Err(Gap::new(GapKind::Malformed, format!("{what}: {status}")))
    }

    fn too_late(&self, question: Question<'_>) -> Gap {
        Gap::new(GapKind::TimedOut, format!("{}: no answer within the time allowed", self.what(question)))
    }

    /// How many inspections may travel at once. Through ssh each would be a login of its own.
    pub(super) fn parallel(&self) -> usize {
        if self.bridge.is_some() { 1 } else { 4 }
    }

    /// The endpoint, for phrases.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    fn request(&self, question: Question<'_>) -> Request {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), question.path()));
        if let Some((key, value)) = question.query() {
            // Braces and quotes are escaped: strict proxies refuse them bare.
            url.query_pairs_mut().append_pair(key, value);
        }
        Request::new(Method::GET, url)
    }

    fn what(&self, question: Question<'_>) -> String {
        format!("{}: GET {}", self.place, question.path())
    }

    fn judge_status(&self, question: Question<'_>, status: StatusCode, body: &[u8]) -> Result<(), Gap> {
        if status == StatusCode::OK {
            return Ok(());
        }
        let (kind, hint) = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => (
                GapKind::Unauthorized,
                format!(" (a socket proxy in front of the engine needs {})", question.proxy_switch()),
            ),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                (GapKind::Unreachable, String::new())
            }
            _ => (GapKind::Malformed, String::new()),
        };
        let said = serde_json::from_slice::<Refusal>(body).ok().and_then(|refusal| refusal.message);
        let said =
            said.map(|said| format!(": {}", said.chars().take(200).collect::<String>())).unwrap_or_default();
        Err(Gap::new(kind, format!("{}: {status}{said}{hint}", self.what(question))))
    }

    /// A gap of the shared room names the address it asked; for a socket file that address is made up.
    fn localised(&self, gap: Gap) -> Gap {
        let made_up = format!("GET {SOCKET_HOST}");
        let gap = match gap.why.strip_prefix(made_up.as_str()) {
            Some(rest) => Gap::new(gap.kind, format!("{}: GET {rest}", self.place)),
            None => gap,
        };
        self.blamed(gap)
    }

    /// Behind the bridge every failure looks like a closed connection; `ssh` knows more. So does the file system.
    fn blamed(&self, gap: Gap) -> Gap {
        if let Some(said) = self.bridge.as_ref().and_then(Bridge::complaint) {
            let denied =
                ["Permission denied", "Host key verification failed", "Too many authentication failures"];
            let refused = denied.iter().any(|words| said.contains(words));
            let kind = if refused { GapKind::Unauthorized } else { gap.kind };
            return Gap::new(kind, format!("{} (ssh says: {said})", gap.why));
        }
        if gap.why.contains("ermission denied") && gap.kind == GapKind::Unreachable {
            return Gap::new(GapKind::Unauthorized, format!("{} (may this user use the socket?)", gap.why));
        }
        gap
    }
}

/// Reads the answer to a question as one JSON object.
pub(super) async fn object<T: serde::de::DeserializeOwned>(
    client: &Client,
    question: Question<'_>,
) -> Result<T, Gap> {
    let body = client.ask(question).await?;
    wire::parse(&body, &client.what(question))
}

/// Reads the container list.
pub(super) async fn list(client: &Client) -> Result<wire::List, Gap> {
    let body = client.ask(Question::List).await?;
    wire::list(&body).map_err(|gap| Gap::new(gap.kind, format!("{}: {}", client.place, gap.why)))
}
