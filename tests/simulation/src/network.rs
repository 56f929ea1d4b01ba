//! The network below HTTP: requests become bytes on a pipe in memory to whoever serves that address, after the time a
//! network takes, or are refused, swallowed, or cut.
//!
//! What does not live here: what the systems answer (`lab`), and when a link fails (`faults`).

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evenkeel_ambient::network::Lost;
use evenkeel_tests::load::Random;
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use reqwest::{Request, Response};
use tokio::io::DuplexStream;
use tokio_util::sync::CancellationToken;

/// How long a request without a limit of its own may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How much lies in a pipe before the writer waits.
const PIPE: usize = 256 * 1024;

/// How an address is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Well.
    Up,
    /// Nobody listens.
    Refused,
    /// Nothing comes back.
    Silent,
}

type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What stands behind an address.
#[derive(Clone)]
struct Peer {
    link: Link,
    /// How long a way takes, in milliseconds.
    latency: (u64, u64),
    /// One in so many answers is lost after it was made; 0: none.
    loses: u64,
    serve: Arc<dyn Fn(DuplexStream) -> Serving + Send + Sync>,
    /// Ends what is open.
    cut: CancellationToken,
}

/// All addresses.
pub struct Network {
    peers: Mutex<BTreeMap<String, Peer>>,
    random: Mutex<Random>,
}

impl Network {
    /// A network without addresses.
    pub fn new(seed: u64) -> Self {
        Self { peers: Mutex::default(), random: Mutex::new(Random::of(seed ^ 0x6e65_7477)) }
    }

    /// From now on this address (`host:port`) is served so.
    pub fn serve<F>(&self, address: &str, serve: impl Fn(DuplexStream) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let serve: Arc<dyn Fn(DuplexStream) -> Serving + Send + Sync> =
            Arc::new(move |stream| Box::pin(serve(stream)));
        let peer = Peer { link: Link::Up, latency: (1, 30), loses: 0, serve, cut: CancellationToken::new() };
        self.peers().insert(address.to_owned(), peer);
    }

    /// From now on an address is connected so; what is open is cut.
    pub fn link(&self, address: &str, link: Link) {
        if let Some(peer) = self.peers().get_mut(address) {
            if peer.link != link {
                std::mem::take(&mut peer.cut).cancel();
            }
            peer.link = link;
        }
    }

    /// Nobody is served any more. Whoever serves holds the world, and the world holds the network.
    pub fn close(&self) {
        self.peers().clear();
    }

    /// What is open to an address is cut, once.
    pub fn cut(&self, address: &str) {
        if let Some(peer) = self.peers().get_mut(address) {
            std::mem::take(&mut peer.cut).cancel();
        }
    }

    /// How long a way to an address takes from now on, in milliseconds.
    pub fn latency(&self, address: &str, latency: (u64, u64)) {
        if let Some(peer) = self.peers().get_mut(address) {
            peer.latency = latency;
        }
    }

    /// From now on one in so many answers of an address is lost after it was made; 0: none.
    pub fn loses(&self, address: &str, one_in: u64) {
        if let Some(peer) = self.peers().get_mut(address) {
            peer.loses = one_in;
        }
    }

    /// Carries a request to whoever serves its address, and the answer back.
    pub async fn carry(&self, request: Request) -> Result<Response, Lost> {
        let limit = request.timeout().copied().unwrap_or(LIMIT);
        match tokio::time::timeout(limit, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(lost(false, io::ErrorKind::TimedOut)),
        }
    }

    async fn exchange(&self, request: Request) -> Result<Response, Lost> {
        let url = request.url().clone();
        let address =
            format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0));
        let Some(peer) = self.peers().get(&address).cloned() else {
            return Err(lost(true, io::ErrorKind::ConnectionRefused));
        };
        self.travel(peer.latency).await;
        match peer.link {
            Link::Up => {}
            Link::Refused => return Err(lost(true, io::ErrorKind::ConnectionRefused)),
            Link::Silent => std::future::pending().await,
        }
        let (near, far) = tokio::io::duplex(PIPE);
        until(peer.cut.clone(), (peer.serve)(far));
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near))
            .await
            .map_err(|_| lost(true, io::ErrorKind::ConnectionReset))?;
        until(peer.cut.clone(), async {
            // How it ends, whoever reads the answer is told.
            let _ = connection.await;
        });
        let mut request = http::Request::try_from(request).map_err(Lost::Client)?;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        if let (Ok(path), Ok(host)) = (path.parse(), HeaderValue::from_str(&address)) {
            *request.uri_mut() = path;
            request.headers_mut().insert(HOST, host);
        }
        let answer =
            sender.send_request(request).await.map_err(|_| lost(false, io::ErrorKind::ConnectionReset))?;
        self.travel(peer.latency).await;
        if peer.loses > 0 && self.below(peer.loses) == 0 {
            return Err(lost(false, io::ErrorKind::ConnectionReset));
        }
        Ok(Response::from(answer.map(reqwest::Body::wrap)))
    }

    async fn travel(&self, (least, most): (u64, u64)) {
        let wait = least + self.below(most.saturating_sub(least).max(1));
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }

    fn below(&self, end: u64) -> u64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).below(end)
    }

    fn peers(&self) -> MutexGuard<'_, BTreeMap<String, Peer>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost(connecting: bool, kind: io::ErrorKind) -> Lost {
    Lost::Failed { connecting, source: kind.into() }
}

/// Runs beside, until it ends or is cut.
fn until(cut: CancellationToken, task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        tokio::select! {
            biased;
            () = cut.cancelled() => {}
            () = task => {}
        }
    });
}
