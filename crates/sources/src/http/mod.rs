//! The room every HTTP-speaking source shares: whom to trust ([`Trust`], [`Fingerprint`]), how a client is built
//! ([`client`]), how a read is made ([`fetch`]), and how a failure becomes a gap in words ([`gap_of`]).
//!
//! What does not live here: anything that knows NetBox, Docker or another system. Only reads are made here; there is
//! no way to send a body.

mod failure;
mod fetch;
mod peer;
mod tls;

use std::time::Duration;

pub use failure::{gap_of, place_of, without_userinfo};
pub use fetch::{Answer, MAX_BODY, Retry, fetch, read_body};
pub use peer::peer_fingerprint;
pub use tls::{BadFingerprint, ClientIdentity, Fingerprint, Trust};

/// Why a client could not be built. All of these are mistakes in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of certificates or keys cannot be read.
    #[error("read {path}")]
    Read {
        /// The file.
        path: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file was read but holds no usable certificate or key.
    #[error("{path} holds no usable {what}")]
    Pem {
        /// The file.
        path: String,
        /// What was looked for.
        what: &'static str,
    },
    /// The TLS library refuses the combination.
    #[error("set up tls")]
    Tls(#[source] rustls::Error),
    /// The HTTP client refuses its settings.
    #[error("set up the http client")]
    Client(#[source] reqwest::Error),
}

/// How long a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, TLS included.
    pub connect: Duration,
    /// For a whole answer, body included. `None` for streams, which have no end.
    pub total: Option<Duration>,
    /// How long an unused connection is kept. Servers close theirs without a word (gunicorn after 2 s), and a
    /// request sent into a closed connection is lost.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Some(Duration::from_secs(30)),
            idle: Duration::from_millis(1500),
        }
    }
}

/// A client that trusts exactly what `trust` says.
///
/// Redirects are not followed: an address that moved is the operator's to correct, and following would carry the
/// token to wherever the answer points. Proxies of the environment are not used for the same reason: the
/// configuration says where a token goes, nothing else does.
pub fn client(trust: &Trust, timeouts: &Timeouts) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(trust.client_config()?)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("evenkeel/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeouts.connect)
        .pool_idle_timeout(timeouts.idle);
    if let Some(total) = timeouts.total {
        builder = builder.timeout(total);
    }
    builder.build().map_err(Error::Client)
}
