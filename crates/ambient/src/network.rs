//! The network under HTTP: a request goes out, an answer or its loss comes back.
//!
//! What does not live here: how a client trusts, how long it waits, what an answer means.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use reqwest::{Client, Request, Response};

use crate::simulated;
pub use crate::simulated::Sending;

/// Whether this thread may open sockets of its own; in a simulation there are none.
pub fn has_sockets() -> bool {
    simulated::place().is_none()
}

/// Sends a request once, as the client is set up.
///
/// # Errors
/// When there is no answer; a status is none of them.
pub async fn send(client: &Client, request: Request) -> Result<Response, Lost> {
    if let Some(place) = simulated::place() {
        return place.send(request).await;
    }
    client.execute(request).await.map_err(Lost::Client)
}

/// Why there is no answer, or not all of it.
#[derive(Debug)]
pub enum Lost {
    /// What the client says.
    Client(reqwest::Error),
    /// What a simulated network did.
    Failed {
        /// Before there was a connection.
        connecting: bool,
        /// What the system would say.
        source: io::Error,
    },
}

impl Lost {
    /// It took longer than allowed.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Client(error) => error.is_timeout(),
            Self::Failed { source, .. } => source.kind() == io::ErrorKind::TimedOut,
        }
    }

    /// There was no connection yet.
    pub fn is_connect(&self) -> bool {
        match self {
            Self::Client(error) => error.is_connect(),
            Self::Failed { connecting, .. } => *connecting,
        }
    }

    /// The answer's body broke off.
    pub fn is_body(&self) -> bool {
        match self {
            Self::Client(error) => error.is_body() || error.is_decode(),
            Self::Failed { .. } => false,
        }
    }

    /// The request itself cannot be built.
    pub fn is_builder(&self) -> bool {
        match self {
            Self::Client(error) => error.is_builder(),
            Self::Failed { .. } => false,
        }
    }

    /// The causes, from the outermost to the innermost; the client's own words, which quote the address, are not among
    /// them.
    pub fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        let first: Option<&(dyn StdError + 'static)> = match self {
            Self::Client(error) => error.source(),
            Self::Failed { source, .. } => Some(source),
        };
        std::iter::successors(first, |cause| (*cause).source())
    }
}

impl From<reqwest::Error> for Lost {
    fn from(error: reqwest::Error) -> Self {
        Self::Client(error)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer")
    }
}

impl StdError for Lost {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Client(error) => error.source(),
            Self::Failed { source, .. } => Some(source),
        }
    }
}
