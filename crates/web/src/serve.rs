//! The server under the routes: connections are bounded in number and patience, and a stop lets running requests end.
//! Not here: what is answered.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_io_timeout::TimeoutStream;
use tracing::{debug, warn};

use crate::access::Peer;

/// How long a client may leave what it is sent untaken.
const TAKING: Duration = Duration::from_secs(30);

/// How long running requests may take once the stop is asked for; longer than any request may take.
pub const GRACE: Duration = Duration::from_secs(12);

/// How many connections are served at once; more wait in the listener's backlog. Readers of the stream have places of their
/// own.
const CONNECTIONS: usize = 256;

/// How long a client may take to send a request's head. It also ends connections that are kept open and unused.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);

/// How many bytes a request's head may have.
const LONGEST_HEAD: usize = 32 * 1024;

/// A connection's place among those served at once, until it is given away.
#[derive(Clone)]
pub(crate) struct Place(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Place {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(Mutex::new(Some(permit))))
    }

    /// Somebody else may have it: this connection carries something that has places of its own.
    pub(crate) fn leave(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Says when the server is told to stop, for answers without an end.
#[derive(Clone)]
pub(crate) struct Closing(watch::Receiver<bool>);

impl Closing {
    /// Whether it was told to.
    pub(crate) fn is_closing(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is told to.
    pub(crate) async fn closed(&mut self) {
        // A server that is gone without a word has stopped, too.
        let _ = self.0.wait_for(|closing| *closing).await;
    }
}

/// Serves until `shutdown` ends, then lets running requests end for at most [`GRACE`].
///
/// # Errors
/// Never for a single connection; only if the listener itself is gone.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let (close, closing) = watch::channel(false);
    let closing = Closing(closing);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let place = Place::new(place);
                let router = router
                    .clone()
                    .layer(Extension(Peer(peer.ip().to_canonical())))
                    .layer(Extension(place.clone()))
                    .layer(Extension(closing.clone()));
                connection(stream, place, router, &graceful);
            }
            // A client that is gone before it was accepted, or too many open files: the listener lives on, and a
            // short rest keeps a lasting shortage from turning into a busy loop.
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    close.send_replace(true);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        warn!("requests still running after {} s were cut off", GRACE.as_secs());
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

fn connection(stream: TcpStream, place: Place, router: Router, graceful: &GracefulShutdown) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(TAKING));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(router));
    let served = graceful.watch(served);
    tokio::spawn(async move {
        if let Err(error) = served.await {
            debug!(%error, "a connection ended early");
        }
        drop(place);
    });
}
