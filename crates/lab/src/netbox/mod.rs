//! A NetBox on loopback that speaks the real wire: lists, filters, pages, errors and changelog as recorded from 4.2.9,
//! 4.5.2 and 4.6.8.
//!
//! `version` · `state` (what it holds) · `edit`, `remove`, `limits` (changing it) · `render`, `network`, `nested` (how
//! objects look) · `list`, `filter` · `journal` (the one thing that is written over HTTP) · `tokens` · `serve` (HTTP) ·
//! `replay` (recorded answers). What does not live here: which objects there are (`inventory`).

mod edit;
mod filter;
mod journal;
mod limits;
mod list;
mod nested;
mod network;
mod remove;
mod render;
mod replay;
mod serve;
mod state;
mod tokens;
mod version;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use edit::{NetBox, Transaction};
pub use journal::JournalEntry;
pub use limits::Aftermath;
pub use replay::{Recorded, Replay};
pub use state::Action;
pub use version::NetboxVersion;

use self::state::State;
use crate::fault::Faults;
use crate::inventory::Inventory;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 128;

/// What every connection shares.
#[derive(Debug)]
struct Shared {
    netbox: NetBox,
    faults: Faults,
    requests: AtomicU64,
    bytes: AtomicU64,
    log: Mutex<Vec<String>>,
}

/// A running NetBox. Stops when it is dropped.
#[derive(Debug)]
pub struct NetboxLab {
    address: SocketAddr,
    shared: Arc<Shared>,
    up: Mutex<Option<Up>>,
}

/// It listens; ends when dropped.
#[derive(Debug)]
struct Up {
    stop: CancellationToken,
    accepting: tokio::task::JoinHandle<()>,
    _end: DropGuard,
}

impl Up {
    fn new(listener: TcpListener, shared: &Arc<Shared>) -> Self {
        let stop = CancellationToken::new();
        let accepting = tokio::spawn(accept(listener, Arc::clone(shared), stop.clone()));
        Self { _end: stop.clone().drop_guard(), stop, accepting }
    }
}

impl NetboxLab {
    /// Starts a NetBox of this version with these objects, on a free port of loopback.
    pub async fn start(inventory: Inventory, version: NetboxVersion) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            netbox: NetBox(Arc::new(Mutex::new(State::new(inventory, version)))),
            faults: Faults::default(),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            log: Mutex::new(Vec::new()),
        });
        let up = Mutex::new(Some(Up::new(listener, &shared)));
        Ok(Self { address, shared, up })
    }

    /// Nobody listens any more, and every connection is broken off.
    pub async fn down(&self) {
        let up = self.up.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(up) = up {
            up.stop.cancel();
            // The port is free when the task that listens has ended.
            let _ = up.accepting.await;
        }
    }

    /// It listens again, on the same port.
    pub fn up(&self) -> io::Result<()> {
        let mut up = self.up.lock().unwrap_or_else(PoisonError::into_inner);
        if up.is_none() {
            let socket = TcpSocket::new_v4()?;
            // Its own last connections linger on the port.
            socket.set_reuseaddr(true)?;
            socket.bind(self.address)?;
            *up = Some(Up::new(socket.listen(BACKLOG)?, &self.shared));
        }
        Ok(())
    }

    /// Speaks on this connection, without a socket, until it ends.
    pub fn serve(&self, stream: DuplexStream) -> impl Future<Output = ()> + Send + use<> {
        speak(stream, Arc::clone(&self.shared))
    }

    /// The base address.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The same NetBox below a path, as behind a shared proxy.
    pub fn url_below_path(&self) -> String {
        format!("http://{}/netbox/", self.address)
    }

    /// A v1 token that may read.
    pub fn token_v1(&self) -> &'static str {
        tokens::READER_V1
    }

    /// A v2 token that may read, valid from 4.5 on.
    pub fn token_v2(&self) -> &'static str {
        tokens::READER_V2
    }

    /// A v1 token that may write.
    pub fn writer_v1(&self) -> &'static str {
        tokens::WRITER_V1
    }

    /// A v2 token that may write, valid from 4.5 on.
    pub fn writer_v2(&self) -> &'static str {
        tokens::WRITER_V2
    }

    /// The objects, to be changed.
    pub fn netbox(&self) -> &NetBox {
        &self.shared.netbox
    }

    /// The faults, by path (`/api/ipam/services/`).
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Another version from now on: an upgrade.
    pub fn upgrade(&self, version: NetboxVersion) {
        self.shared.netbox.lock().version = version;
    }

    /// How many requests there were.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// How many bytes all bodies had.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Paths and queries of the requests since the last call.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Serves until told to stop; connections end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        connections.spawn(speak(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    shared: Arc<Shared>,
) -> impl Future<Output = ()> + Send {
    let service = service_fn(move |request| serve::answer(Arc::clone(&shared), request));
    async move {
        // A connection that ends badly is what some faults are for.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }
}
