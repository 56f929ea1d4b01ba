//! Recorded answers, played back on loopback: the proof that what reads the simulated NetBox reads the real one.
//!
//! Lists are answered in one page and, as every reader asks, by ascending id. What does not live here: filters, pages,
//! credentials.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::serve::Body;

/// One recorded answer.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The status.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Answers recorded from a real NetBox, by path. Stops when it is dropped.
#[derive(Debug)]
pub struct Replay {
    address: SocketAddr,
    stop: CancellationToken,
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Replay {
    /// Plays these answers; what is not among them is a 404.
    pub async fn start(answers: BTreeMap<String, Recorded>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        tokio::spawn(accept(listener, Arc::new(answers), stop.clone()));
        Ok(Self { address, stop })
    }

    /// The base address.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

async fn accept(listener: TcpListener, answers: Arc<BTreeMap<String, Recorded>>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        let answers = Arc::clone(&answers);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(&answers, &request);
                async move { answer }
            });
            // The client going away is no event here.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(
    answers: &BTreeMap<String, Recorded>,
    request: &Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let Some(recorded) = answers.get(request.uri().path()) else {
        return Response::builder().status(404).body(Body::empty()).map_err(io::Error::other);
    };
    let mut response = Response::builder().status(recorded.status);
    for (name, value) in &recorded.headers {
        response = response.header(name, value);
    }
    let body = by_id(&recorded.body).unwrap_or_else(|| recorded.body.clone());
    response.body(Body::from(body)).map_err(io::Error::other)
}

/// A list as one page by ascending id; `None` for what is no list.
fn by_id(body: &str) -> Option<String> {
    let mut list: Value = serde_json::from_str(body).ok()?;
    let rows = list.get_mut("results")?.as_array_mut()?;
    rows.sort_by_key(|row| row.get("id").and_then(Value::as_u64));
    let count = rows.len();
    list["count"] = count.into();
    list["next"] = Value::Null;
    Some(list.to_string())
}
