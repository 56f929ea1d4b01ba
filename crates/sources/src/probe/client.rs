//! The transport: routes, connections, web requests, each told as one [`Knock`]. What lives here: what a failure of the
//! network means. What does not: which ports are tried (`target`), in which order (`round`), what follows (`decode`).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_ambient::network::Lost;
use reqwest::header::ACCEPT;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use super::anybody;
use super::config::Config;
use super::target::{HttpCheck, Scheme};
use crate::http::{self, gap_of};

/// What one try at one port told. In the order of what is believed where several tries tell different things.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Knock {
    /// Nothing came back.
    Silent,
    /// The machine refused: it is there, and nothing listens.
    Refused,
    /// The connection was taken, but the web server that should be there said nothing it could be known by.
    Mute(Arc<str>),
    /// It could not be tried, for a reason that lies here: nothing is known.
    Failed(Arc<str>),
    /// A web server answered otherwise than it should.
    Unfit(Arc<str>),
    /// As it should be.
    Answered,
}

impl Knock {
    /// Whether the machine showed itself. A refusal is an answer, too.
    pub(super) fn shows_the_machine(&self) -> bool {
        match self {
            Self::Refused | Self::Mute(_) | Self::Unfit(_) | Self::Answered => true,
            Self::Silent | Self::Failed(_) => false,
        }
    }
}

/// Opens connections.
#[derive(Debug)]
pub(super) struct Client {
    timeout: Duration,
    checked: ClientConfig,
    unchecked: ClientConfig,
}

impl Client {
    /// Prepares; nothing is sent yet.
    pub(super) fn new(config: &Config) -> Result<Self, http::Error> {
        let checked = config.trust.client_config()?;
        let unchecked = anybody::trusting(checked.clone());
        Ok(Self { timeout: config.timeout, checked, unchecked })
    }

    /// Tries a port, and the web server on it where there should be one.
    pub(super) async fn knock(&self, at: SocketAddr, check: Option<&HttpCheck>) -> Knock {
        let knock = self.connect(at).await;
        match (knock, check) {
            (Knock::Answered, Some(check)) => self.ask(at, check).await,
            (knock, _) => knock,
        }
    }

    /// One connection, closed at once.
    pub(super) async fn connect(&self, at: SocketAddr) -> Knock {
        match timeout(self.timeout, TcpStream::connect(at)).await {
            Ok(Ok(_)) => Knock::Answered,
            Ok(Err(error)) => meaning(&error),
            Err(_) => Knock::Silent,
        }
    }

    async fn ask(&self, at: SocketAddr, check: &HttpCheck) -> Knock {
        let request = async {
            let (client, url) = match self.request(at, check) {
                Ok(parts) => parts,
                Err(why) => return Knock::Failed(Arc::from(why)),
            };
            // The answer is dropped, and the connection with it: its body is nobody's business here.
            match client.get(url).header(ACCEPT, "*/*").send().await {
                Ok(answer) => status(answer.status().as_u16(), check),
                Err(error) => failure(&error.into(), check.scheme),
            }
        };
        // The client's own limit begins anew with each stage of the connection.
        let mute = || Knock::Mute(Arc::from(format!("no {} answer in time", check.scheme.as_str())));
        timeout(self.timeout, request).await.unwrap_or_else(|_| mute())
    }

    fn request(&self, at: SocketAddr, check: &HttpCheck) -> Result<(reqwest::Client, Url), String> {
        let tls = if check.verify_tls { &self.checked } else { &self.unchecked };
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("evenkeel/", env!("CARGO_PKG_VERSION"), " (probe)"))
            .pool_max_idle_per_host(0);
        let mut authority = at.to_string();
        if let Some(name) = &check.server_name {
            builder = builder.resolve(name, at);
            authority = format!("{name}:{}", at.port());
        }
        let address = format!("{}://{authority}{}", check.scheme.as_str(), check.path);
        let url = Url::parse(&address).map_err(|error| format!("{address} cannot be asked: {error}"))?;
        let client = builder.build().map_err(|error| format!("no web client: {error}"))?;
        Ok((client, url))
    }
}

fn status(status: u16, check: &HttpCheck) -> Knock {
    if check.expect.contains(&status) {
        return Knock::Answered;
    }
    let (least, most) = (check.expect.start(), check.expect.end());
    Knock::Unfit(Arc::from(format!("status {status}, {least} to {most} expected")))
}

/// A failed connection. What is not known to come from elsewhere is taken to be a fault of our own.
fn meaning(error: &io::Error) -> Knock {
    #[expect(clippy::wildcard_enum_match_arm, reason = "not our enum; whatever else there is proves nothing")]
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Knock::Refused,
        // A port that refuses does so before there is a connection; one that is reset was taken first.
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Knock::Answered,
        // There is a route, so it is a router (or the neighbour's absence) that says so.
        io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Knock::Silent
        }
        _ => Knock::Failed(Arc::from(format!("no connection could be tried: {error}"))),
    }
}

/// A failed web request on a port that took a connection a moment ago.
fn failure(error: &Lost, scheme: Scheme) -> Knock {
    let words = Arc::from(gap_of(scheme.as_str(), error).why.as_ref());
    for cause in error.causes() {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            if io.kind() == io::ErrorKind::ConnectionRefused {
                return Knock::Refused;
            }
            if about_the_certificate(io) {
                return Knock::Unfit(words);
            }
        }
    }
    Knock::Mute(words)
}

/// TLS failures come wrapped once or twice.
fn about_the_certificate(error: &io::Error) -> bool {
    let Some(inner) = error.get_ref() else { return false };
    match (inner.downcast_ref::<rustls::Error>(), inner.downcast_ref::<io::Error>()) {
        (Some(tls), _) => matches!(tls, rustls::Error::InvalidCertificate(_)),
        (None, Some(io)) => about_the_certificate(io),
        (None, None) => false,
    }
}

/// The address this machine would speak from, if it has a way to that one. Nothing is sent.
pub(super) fn route(to: IpAddr) -> io::Result<IpAddr> {
    let from: IpAddr = match to {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((from, 0))?;
    // Any port will do: a datagram socket only notes it.
    socket.connect((to, 9))?;
    Ok(socket.local_addr()?.ip())
}

/// Whether the address is one of this machine's own.
pub(super) fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}
