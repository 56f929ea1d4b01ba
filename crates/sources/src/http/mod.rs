//! The room every HTTP-speaking source shares: whom to trust ([`Trust`], [`Fingerprint`]), how a client is built
//! ([`client`]), how a read is made ([`fetch`]), and how a failure becomes a gap in words ([`gap_of`]).
//!
//! What does not live here: anything that knows NetBox, Docker or another system. Only reads are made here; there is
//! no way to send a body.

mod failure;
mod fetch;
mod peer;
mod tls;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
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

/// How many clients are kept to be shared.
const MOST_SHARED: usize = 16;
/// Those that are.
static SHARED: Mutex<Vec<(Timeouts, reqwest::Client)>> = Mutex::new(Vec::new());

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
    prepared(trust.client_config()?, timeouts).build().map_err(Error::Client)
}

/// The same for addresses that begin with `http://`; to any other it does not connect. There is one for all who wait
/// alike: of thousands of engines none needs one of its own.
pub(crate) fn plain_client(timeouts: &Timeouts) -> Result<reqwest::Client, Error> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, client)) = shared.iter().find(|(of, _)| of == timeouts) {
        return Ok(client.clone());
    }
    let client = prepared(tls::without_tls()?, timeouts).build().map_err(Error::Client)?;
    // As many as there are settings in a configuration; those of older ones are not kept on and on.
    if shared.len() == MOST_SHARED {
        shared.remove(0);
    }
    shared.push((*timeouts, client.clone()));
    Ok(client)
}

/// A client that speaks through this socket file.
pub(crate) fn socket_client(path: &Path, timeouts: &Timeouts) -> Result<reqwest::Client, Error> {
    prepared(tls::without_tls()?, timeouts).unix_socket(path).build().map_err(Error::Client)
}

fn prepared(tls: rustls::ClientConfig, timeouts: &Timeouts) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("evenkeel/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(timeouts.connect)
        .pool_idle_timeout(timeouts.idle)
        // The timeout alone keeps a connection until somebody asks for the next one, however long that takes.
        .pool_max_idle_per_host(if timeouts.idle.is_zero() { 0 } else { usize::MAX });
    match timeouts.total {
        Some(total) => builder.timeout(total),
        None => builder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_clients_are_kept_to_be_shared_than_may() {
        for n in 1..=3 * MOST_SHARED {
            let seconds = u64::try_from(n).unwrap();
            plain_client(&Timeouts { connect: Duration::from_secs(seconds), ..Timeouts::default() }).unwrap();
        }
        assert_eq!(SHARED.lock().unwrap().len(), MOST_SHARED);
    }
}
