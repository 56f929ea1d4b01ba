//! The server under the routes: connections are bounded in number and patience, and a stop lets running requests end.
//! Not here: what is answered.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::{debug, warn};

use crate::access::Peer;

/// How long running requests may take once the stop is asked for; longer than any request may take.
pub const GRACE: Duration = Duration::from_secs(12);

/// How many connections are served at once; more wait in the listener's backlog.
const CONNECTIONS: usize = 256;

/// How long a client may take to send a request's head. It also ends connections that are kept open and unused.
const HEAD_PATIENCE: Duration = Duration::from_secs(15);

/// How many bytes a request's head may have.
const LONGEST_HEAD: usize = 32 * 1024;

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
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let router = router.clone().layer(Extension(Peer(peer.ip().to_canonical())));
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

fn connection(stream: TcpStream, place: OwnedSemaphorePermit, router: Router, graceful: &GracefulShutdown) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let served = graceful.watch(served);
    tokio::spawn(async move {
        if let Err(error) = served.await {
            debug!(%error, "a connection ended early");
        }
        drop(place);
    });
}
