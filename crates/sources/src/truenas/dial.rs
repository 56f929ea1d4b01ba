//! Opening a websocket: which version of the API, TLS, upgrade, login, subscriptions. What does not live here: when to
//! try again (`link`).

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{Gap, GapKind, Secret};
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;
use url::Url;

use super::refusal;
use super::socket::{self, Failure, Socket};
use super::version::{self, ApiVersion};
use super::wire::clipped;
use super::{Config, Error};
use crate::http::{self, Retry, Timeouts};

/// What is listened to. One that a version does not have is refused, and then nothing of it is heard.
const COLLECTIONS: [&str; 7] = [
    "app.query",
    "docker.state",
    "vm.query",
    "virt.instance.query",
    "container.query",
    "pool.query",
    "alert.list",
];

/// Everything it takes to open a socket.
#[derive(Debug)]
pub(super) struct Dial {
    http: reqwest::Client,
    tls: Arc<ClientConfig>,
    base: Url,
    place: String,
    user: String,
    key: Secret,
    timeout: Duration,
    watchdog: Duration,
    events: bool,
}

/// Why no socket could be opened.
#[derive(Clone, Debug)]
pub(super) enum Closed {
    /// This TrueNAS is older than JSON-RPC.
    NoJsonRpc,
    /// Nobody could be asked to log us in.
    Unreached(Gap),
    /// The login was refused. It costs the server a second and an entry in its audit log.
    Refused(Gap),
}

impl Dial {
    pub(super) fn new(config: &Config, base: &Url) -> Result<Self, Error> {
        let timeouts =
            Timeouts { connect: config.timeout, total: Some(config.timeout), ..Timeouts::default() };
        Ok(Self {
            http: http::client(&config.trust, &timeouts)?,
            tls: Arc::new(config.trust.client_config()?),
            base: base.clone(),
            place: config.address.to_string(),
            user: config.user.clone().unwrap_or_default(),
            key: config.api_key.clone().unwrap_or_else(|| Secret::new("")),
            timeout: config.timeout,
            watchdog: config.watchdog,
            events: config.events,
        })
    }

    /// The versions of the API that are served; `None`: this TrueNAS is older than the question.
    pub(super) async fn versions(&self) -> Result<Option<Vec<ApiVersion>>, Gap> {
        let mut url = self.base.clone();
        url.set_path("/api/versions");
        let request = reqwest::Request::new(reqwest::Method::GET, url);
        let retry = Retry { times: 1, first: Duration::from_millis(50), longest: Duration::from_millis(500) };
        let answer = http::fetch(&self.http, &request, &retry, 1024 * 1024).await?;
        let what = format!("{}: GET /api/versions", self.place);
        let is_json = answer
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        match answer.status {
            StatusCode::OK if is_json => {
                let list: Value = serde_json::from_slice(&answer.body).map_err(|error| {
                    let kind = if error.is_eof() { GapKind::Truncated } else { GapKind::Malformed };
                    Gap::new(kind, format!("{what}: the answer is not whole json"))
                })?;
                let list = list.as_array().ok_or_else(|| {
                    Gap::new(GapKind::Malformed, format!("{what}: the answer is no list of versions"))
                })?;
                Ok(Some(list.iter().filter_map(|word| ApiVersion::parse(word.as_str()?)).collect()))
            }
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => {
                Err(Gap::new(GapKind::Malformed, format!("{what}: the answer is not json; is this TrueNAS?")))
            }
            status => Err(Gap::new(GapKind::Unreachable, format!("{what}: {status}"))),
        }
    }

    /// Opens a socket and logs in. `pushed` hears what the server says of its own accord.
    pub(super) async fn open(&self, pushed: impl Fn(&Value) + Send + 'static) -> Result<Socket, Closed> {
        let versions = self.versions().await.map_err(Closed::Unreached)?.ok_or(Closed::NoJsonRpc)?;
        let path = version::path(&versions);
        let socket = match timeout(self.timeout, self.connect(&path, pushed)).await {
            Ok(socket) => socket.map_err(Closed::Unreached)?,
            Err(_) => {
                let why = format!("{}{path}: no connection within the time allowed", self.place);
                return Err(Closed::Unreached(Gap::new(GapKind::TimedOut, why)));
            }
        };
        self.log_in(&socket).await?;
        if self.events {
            self.subscribe(&socket).await.map_err(Closed::Unreached)?;
        }
        Ok(socket)
    }

    async fn connect(&self, path: &str, pushed: impl Fn(&Value) + Send + 'static) -> Result<Socket, Gap> {
        let unreachable = |error: std::io::Error| {
            Gap::new(GapKind::Unreachable, format!("{}{path}: {}", self.place, clipped(&error.to_string())))
        };
        let host = self.base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = self.base.port_or_known_default().unwrap_or(443);
        let name = ServerName::try_from(host.clone())
            .map_err(|_| Gap::new(GapKind::Unreachable, format!("{} names no host", self.place)))?;
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(unreachable)?;
        // Questions are small and each waits for its answer.
        stream.set_nodelay(true).map_err(unreachable)?;
        let stream =
            TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await.map_err(unreachable)?;
        let address = format!("wss://{}{path}", http::place_of(&self.base));
        let (stream, _) = client_async_with_config(address, stream, Some(socket::limits()))
            .await
            .map_err(|error| socket::broken(&format!("{}{path}", self.place), &error))?;
        Ok(Socket::new(stream, self.place.clone(), self.timeout, self.watchdog, pushed))
    }

    async fn log_in(&self, socket: &Socket) -> Result<(), Closed> {
        let ticket = json!({
            "mechanism": "API_KEY_PLAIN",
            "username": self.user,
            "api_key": self.key.expose(),
        });
        match socket.call("auth.login_ex", &[ticket]).await {
            Ok(answer) => match refusal::login(&self.place, &self.user, &answer) {
                None => Ok(()),
                Some(gap) => Err(Closed::Refused(gap)),
            },
            // The error may repeat what was sent; only its name is passed on.
            Err(Failure::Rpc(error)) => {
                let why =
                    format!("{}: the login ends in an error ({})", self.place, login_error(&error.errname));
                Err(Closed::Refused(Gap::new(GapKind::Unreachable, why)))
            }
            Err(Failure::Lost(gap)) => Err(Closed::Unreached(gap)),
        }
    }

    async fn subscribe(&self, socket: &Socket) -> Result<(), Gap> {
        for collection in COLLECTIONS {
            match socket.call("core.subscribe", &[json!(collection)]).await {
                Ok(_) => {}
                Err(Failure::Rpc(error)) => {
                    tracing::debug!(collection, errname = error.errname, "cannot be subscribed to");
                }
                Err(Failure::Lost(gap)) => return Err(gap),
            }
        }
        Ok(())
    }
}

fn login_error(errname: &str) -> &str {
    match errname {
        "EBUSY" => "too many logins from this address; it is tried again later",
        "" => "no name",
        name => name,
    }
}
