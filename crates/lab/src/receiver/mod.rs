//! An n8n-like receiver of webhooks: it answers as n8n 1.123 was recorded to answer, checks signatures, and remembers
//! every request that arrived.
//!
//! What lives here: starting, telling it how to behave, asking what arrived. `answer` says what it answers, `serve`
//! holds the connections. What does not: deduplication. n8n runs a workflow once per request, however often the same
//! delivery comes, and so does this one; [`Receiver::count`] shows it. Nor workflows that act: see [`crate::n8n`].

pub(crate) mod answer;
pub(crate) mod serve;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// The path of the one webhook that is registered.
pub const PATH: &str = "/webhook/drift";

/// How the receiver behaves towards a request to [`PATH`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A workflow that answers through its Respond node: 202 with `accepted: true`, or 401 if the signature is wrong.
    Acknowledge,
    /// A workflow that answers on receipt: 200 `{"message":"Workflow was started"}`, whatever the signature.
    Started,
    /// The workflow dies before its Respond node: 200 and nothing else.
    Crashed,
    /// n8n is still starting, or the workflow is inactive: 404.
    Starting,
    /// The header n8n wants is missing or wrong: 403 in plain text.
    BadAuth,
    /// n8n cannot run the workflow: 500.
    Failing,
    /// The request is read and never answered.
    Hang,
    /// The request is read and the connection closed without an answer.
    Reset,
    /// The answer starts well and ends in the middle.
    ResetMidAnswer,
    /// Like [`Mode::Acknowledge`], this much later.
    Slow(Duration),
    /// Exactly this, for systems that are not n8n.
    Answer {
        /// The status.
        status: u16,
        /// Headers beside the usual ones.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
}

impl Mode {
    /// [`Mode::Answer`] with this status and nothing else.
    pub fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: String::new() }
    }

    /// [`Mode::Answer`] with this status and header.
    pub fn with_header(status: u16, name: &str, value: &str) -> Self {
        let headers = vec![(name.to_owned(), value.to_owned())];
        Self::Answer { status, headers, body: String::new() }
    }
}

/// A request that arrived at [`PATH`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The `webhook-id`; empty if there was none.
    pub id: String,
    /// 1 for the first request with this id, 2 for the second …
    pub nth: usize,
    /// All headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as it came.
    pub body: Bytes,
    /// When it had been read.
    pub at: Timestamp,
    /// The signature is right and its time is within five minutes.
    pub verified: bool,
    /// The receiver acknowledged it (or would have, had the sender waited).
    pub accepted: bool,
}

/// The receiver; it ends when dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    arrivals: tokio::sync::Mutex<mpsc::UnboundedReceiver<Arrived>>,
    server: Mutex<Option<AbortOnDropHandle<()>>>,
}

/// What connections and the owner both see.
struct Shared {
    key: Option<Webhook>,
    state: Mutex<State>,
    arrivals: mpsc::UnboundedSender<Arrived>,
}

#[derive(Debug)]
struct State {
    standing: Mode,
    once: VecDeque<Mode>,
    arrived: Vec<Arrived>,
    /// One per workflow run; true once its resume address was called.
    executions: Vec<bool>,
}

impl Receiver {
    /// Starts on a free port of loopback. `secret` is what signatures are checked with: `whsec_…`, or raw text.
    pub async fn start(secret: &str) -> io::Result<Self> {
        Self::start_with(Some(key_of(secret)?)).await
    }

    /// Starts on a free port of loopback and accepts what is not signed; nothing counts as verified.
    pub async fn start_unsigned() -> io::Result<Self> {
        Self::start_with(None).await
    }

    async fn start_with(key: Option<Webhook>) -> io::Result<Self> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let state = State {
            standing: Mode::Acknowledge,
            once: VecDeque::new(),
            arrived: Vec::new(),
            executions: Vec::new(),
        };
        let shared = Arc::new(Shared { key, state: Mutex::new(state), arrivals: sender });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = serve::spawn(listener, Arc::clone(&shared));
        Ok(Self {
            address,
            shared,
            arrivals: tokio::sync::Mutex::new(receiver),
            server: Mutex::new(Some(server)),
        })
    }

    /// The address of the webhook.
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it behaves like this.
    pub fn set_mode(&self, mode: Mode) {
        self.shared.state().standing = mode;
    }

    /// The next request (after those already scripted) meets this, later ones the standing mode again.
    pub fn once(&self, mode: Mode) {
        self.shared.state().once.push_back(mode);
    }

    /// Waits for the next arrival, in order, each told once.
    pub async fn next(&self) -> Option<Arrived> {
        self.arrivals.lock().await.recv().await
    }

    /// Everything that arrived so far.
    pub fn arrived(&self) -> Vec<Arrived> {
        self.shared.state().arrived.clone()
    }

    /// How often this id arrived.
    pub fn count(&self, id: &str) -> usize {
        self.shared.state().arrived.iter().filter(|arrived| arrived.id == id).count()
    }

    /// How many workflows ran: one per accepted request, duplicates included.
    pub fn executions(&self) -> usize {
        self.shared.state().executions.len()
    }

    /// Stops listening and cuts every connection: from now on connecting is refused.
    pub async fn close(&self) {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(server) = server {
            server.abort();
            // Cancelled is what it should be.
            let _ = server.await;
        }
    }

    /// Listens on the same port again.
    pub async fn reopen(&self) -> io::Result<()> {
        self.close().await;
        let listener = TcpListener::bind(self.address).await?;
        let server = serve::spawn(listener, Arc::clone(&self.shared));
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }
}

/// What signatures are checked with.
pub(crate) fn key_of(secret: &str) -> io::Result<Webhook> {
    let key = match secret.starts_with("whsec_") {
        true => Webhook::new(secret),
        false => Webhook::from_bytes(secret.as_bytes().to_vec()),
    };
    key.map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why.to_string()))
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}
