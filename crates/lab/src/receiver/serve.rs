//! The connections of a simulated n8n. What does not live here: what is answered.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// Who answers.
pub(crate) trait Answers: Send + Sync + 'static {
    /// What to do with one request.
    fn answer(self: Arc<Self>, request: Request<Body>) -> impl Future<Output = Outcome> + Send;
}

/// What to do with a connection.
pub(crate) enum Outcome {
    /// Answer.
    Answer(Response<Body>),
    /// Close it without a word.
    Cut,
}

pub(crate) fn spawn(listener: TcpListener, shared: Arc<impl Answers>) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        // Owned by this task, so that all connections end with it.
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            let shared = Arc::clone(&shared);
            let service = service_fn(move |request| respond(Arc::clone(&shared), request));
            connections.spawn(async move {
                // The peer going away is no event here; what matters was recorded when it arrived.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }))
}

/// An error here makes hyper close the connection, which no answer could express.
async fn respond(shared: Arc<impl Answers>, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    match shared.answer(request.map(Body::new)).await {
        Outcome::Answer(response) => Ok(response),
        Outcome::Cut => Err(io::ErrorKind::ConnectionReset.into()),
    }
}

/// A body that promises more than it brings.
pub(super) fn broken_body(start: &'static str) -> Body {
    let first = futures_util::stream::iter([Ok(bytes::Bytes::from_static(start.as_bytes()))]);
    let then = futures_util::stream::once(async {
        // hyper sends what it has while a body is pending; an error at once would swallow the beginning, too.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    let parts = futures_util::StreamExt::chain(first, then);
    Body::from_stream(parts)
}

/// Never.
pub(super) async fn hang() -> Infallible {
    std::future::pending().await
}
