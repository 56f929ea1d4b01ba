//! A Proxmox VE cluster on loopback that speaks the real wire types: every node answers for the whole cluster, over HTTP
//! or over TLS with certificates that the caller brings, with tokens and tickets, rights, and faults on demand.
//!
//! `cluster` (what it holds) · `edit` (changing it) · `access` (who may see what) · `render` (how it looks) · `serve`
//! (HTTP) · `reference` (the reference inventory's clusters). What does not live here: running anything, and writes.

mod access;
mod cluster;
mod edit;
mod reference;
mod render;
mod serve;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use cluster::{Agent, Cluster, Guest, Node, PveVersion, Standing, Storage};
pub use edit::Pve;
/// What a cluster's TLS is set up with.
pub use tokio_rustls::rustls::ServerConfig;

use self::access::Access;
use self::edit::State;
use crate::fault::Faults;

/// The user, and the token of that user, which a new cluster lets see everything.
const USER: &str = "evenkeel@pve";
const PASSWORD: &str = "correct horse battery staple";
const TOKEN: &str = "evenkeel@pve!lab";
const TOKEN_SECRET: &str = "12345678-1234-4234-8234-123456789abc";

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 128;

/// What every connection shares.
#[derive(Debug)]
struct Desk {
    pve: Pve,
    faults: Faults,
    endpoints: Vec<Endpoint>,
    tickets: Mutex<BTreeMap<String, String>>,
    logins: AtomicU64,
    /// Milliseconds.
    refusals_after: AtomicU64,
    /// Seconds that the nodes' clocks are ahead.
    clock: AtomicI64,
    log: Mutex<Vec<(usize, String)>>,
    busy: AtomicUsize,
    busiest: AtomicUsize,
}

/// One node's address.
#[derive(Debug)]
struct Endpoint {
    address: SocketAddr,
    faults: Faults,
    up: Mutex<Option<Up>>,
}

/// A node that listens; ends when dropped.
#[derive(Debug)]
struct Up {
    stop: CancellationToken,
    accepting: tokio::task::JoinHandle<()>,
    _end: DropGuard,
}

/// A running cluster. Stops when it is dropped.
#[derive(Debug)]
pub struct ProxmoxLab {
    desk: Arc<Desk>,
    tls: Option<Arc<ServerConfig>>,
}

impl ProxmoxLab {
    /// Starts a cluster, one address per node, over plain HTTP.
    pub async fn start(cluster: Cluster) -> io::Result<Self> {
        Self::start_with(cluster, None)
    }

    /// The same over TLS.
    pub async fn start_tls(cluster: Cluster, tls: Arc<ServerConfig>) -> io::Result<Self> {
        Self::start_with(cluster, Some(tls))
    }

    fn start_with(cluster: Cluster, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let mut access = Access::default();
        for who in [USER, TOKEN] {
            access.grant(who, "/", "PVEAuditor", true);
        }
        let mut endpoints = Vec::new();
        let mut sockets = Vec::new();
        for _ in &cluster.nodes {
            let socket = bound((Ipv4Addr::LOCALHOST, 0).into())?;
            let address = socket.local_addr()?;
            endpoints.push(Endpoint { address, faults: Faults::default(), up: Mutex::new(None) });
            sockets.push(socket.listen(BACKLOG)?);
        }
        let desk = Arc::new(Desk {
            pve: Pve(Arc::new(Mutex::new(State { cluster, access }))),
            faults: Faults::default(),
            endpoints,
            tickets: Mutex::new(BTreeMap::new()),
            logins: AtomicU64::new(0),
            refusals_after: AtomicU64::new(3000),
            clock: AtomicI64::new(0),
            log: Mutex::new(Vec::new()),
            busy: AtomicUsize::new(0),
            busiest: AtomicUsize::new(0),
        });
        let lab = Self { desk, tls };
        for (n, listener) in sockets.into_iter().enumerate() {
            lab.listen(n, listener);
        }
        Ok(lab)
    }

    /// One node speaks on this connection, without a socket, until it ends.
    pub fn serve(&self, endpoint: usize, stream: DuplexStream) -> impl Future<Output = ()> + Send + use<> {
        serve_one(stream, Arc::clone(&self.desk), endpoint)
    }

    /// The addresses of the nodes, in their order.
    pub fn urls(&self) -> Vec<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.desk.endpoints.iter().map(|endpoint| format!("{scheme}://{}/", endpoint.address)).collect()
    }

    /// The token in the form it is shown and sent: `user@realm!name=uuid`.
    pub fn token(&self) -> String {
        format!("{TOKEN}={TOKEN_SECRET}")
    }

    /// The token without its secret: what rights are given to.
    pub fn token_id(&self) -> &'static str {
        TOKEN
    }

    /// The user and the password.
    pub fn login(&self) -> (&'static str, &'static str) {
        (USER, PASSWORD)
    }

    /// What the cluster holds, to be changed.
    pub fn pve(&self) -> &Pve {
        &self.desk.pve
    }

    /// The faults of all nodes, by path and query below `/api2/json` (`/cluster/resources?type=vm`).
    pub fn faults(&self) -> &Faults {
        &self.desk.faults
    }

    /// The faults of one node; `None` for a node there is not.
    pub fn faults_of(&self, endpoint: usize) -> Option<&Faults> {
        self.desk.endpoints.get(endpoint).map(|endpoint| &endpoint.faults)
    }

    /// How long a refused login waits for its answer, 3 s at first.
    pub fn refuse_after(&self, wait: Duration) {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.desk.refusals_after.store(millis, Ordering::Relaxed);
    }

    /// The nodes' clocks are this many seconds ahead of everybody else's.
    pub fn set_clock(&self, ahead: i64) {
        self.desk.clock.store(ahead, Ordering::Relaxed);
    }

    /// No ticket is good any more: the cluster's keys were changed.
    pub fn forget_tickets(&self) {
        self.desk.tickets.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many tickets were given.
    pub fn logins(&self) -> u64 {
        self.desk.logins.load(Ordering::Relaxed)
    }

    /// How many requests came for paths (below `/api2/json`) that begin so.
    pub fn requests(&self, prefix: &str) -> usize {
        let log = self.desk.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().filter(|(_, target)| target.starts_with(prefix)).count()
    }

    /// How many requests came to one node.
    pub fn requests_to(&self, endpoint: usize) -> usize {
        let log = self.desk.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().filter(|(at, _)| *at == endpoint).count()
    }

    /// How many requests were answered at the same time, at most.
    pub fn busiest(&self) -> usize {
        self.desk.busiest.load(Ordering::SeqCst)
    }

    /// A node's address answers no more; its port is kept for [`ProxmoxLab::up`].
    pub async fn down(&self, endpoint: usize) {
        let Some(there) = self.desk.endpoints.get(endpoint) else { return };
        let up = there.up.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(up) = up {
            up.stop.cancel();
            // The port is free when the task that listens has ended.
            let _ = up.accepting.await;
        }
    }

    /// It answers again.
    pub async fn up(&self, endpoint: usize) -> io::Result<()> {
        let Some(there) = self.desk.endpoints.get(endpoint) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        if there.up.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            self.listen(endpoint, bound(there.address)?.listen(BACKLOG)?);
        }
        Ok(())
    }

    /// pveproxy is started anew: every connection is cut, and it listens again at once.
    pub async fn restart(&self, endpoint: usize) -> io::Result<()> {
        self.down(endpoint).await;
        self.up(endpoint).await
    }

    fn listen(&self, endpoint: usize, listener: TcpListener) {
        let Some(there) = self.desk.endpoints.get(endpoint) else { return };
        let stop = CancellationToken::new();
        let accepting = tokio::spawn(accept(
            listener,
            Arc::clone(&self.desk),
            endpoint,
            self.tls.clone().map(TlsAcceptor::from),
            stop.clone(),
        ));
        let up = Up { _end: stop.clone().drop_guard(), stop, accepting };
        *there.up.lock().unwrap_or_else(PoisonError::into_inner) = Some(up);
    }
}

impl Drop for ProxmoxLab {
    fn drop(&mut self) {
        // The connections hold the desk, and the desk what ends them.
        for endpoint in &self.desk.endpoints {
            endpoint.up.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Its own last connections linger on the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(
    listener: TcpListener,
    desk: Arc<Desk>,
    endpoint: usize,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (desk, tls, stop) = (Arc::clone(&desk), tls.clone(), stop.clone());
        tokio::spawn(async move {
            let serving = async {
                match tls {
                    None => serve_one(stream, desk, endpoint).await,
                    Some(acceptor) => {
                        // A client that does not trust us goes away in the middle of it.
                        if let Ok(stream) = acceptor.accept(stream).await {
                            serve_one(stream, desk, endpoint).await;
                        }
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = serving => {}
            }
        });
    }
}

async fn serve_one(stream: impl AsyncRead + AsyncWrite + Unpin, desk: Arc<Desk>, endpoint: usize) {
    let service = service_fn(move |request| serve::answer(Arc::clone(&desk), endpoint, request));
    // A connection that ends badly is what some faults are for.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
