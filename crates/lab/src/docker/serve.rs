//! The engine's HTTP, written by hand: faults reach down to half a chunk, which no server library lets one send. What
//! does not live here: what the answers say (`engine`, `container`).

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;

use super::engine::Engine;
use super::stream::{events, filters};
use crate::fault::{Fault, Faults};
use crate::query::{decoded, pairs};

/// The newest and the oldest API version the lab speaks.
const API: (u32, u32) = (41, 12);
const LONGEST_HEAD: usize = 64 * 1024;

/// How the open event streams are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// They stay.
    None,
    /// As if that were all.
    Cleanly,
    /// In the middle.
    Reset,
}

/// What every connection shares.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) engine: Engine,
    pub(super) faults: Faults,
    pub(super) asked: Mutex<BTreeMap<String, usize>>,
    pub(super) connections: AtomicUsize,
    /// The daemon was asked to end: whoever is still to be answered is not.
    pub(super) ending: AtomicBool,
    /// A new value ends the streams that are open.
    pub(super) cut: watch::Sender<(u64, Cut)>,
}

/// A connection that can be broken.
pub(super) trait Peer: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Closing is a reset from now on.
    fn reset_on_close(&self);
}

impl Peer for TcpStream {
    fn reset_on_close(&self) {
        // Where the system refuses, closing in the middle is still a broken answer.
        let _ = self.set_zero_linger();
    }
}

impl Peer for UnixStream {
    fn reset_on_close(&self) {}
}

impl Peer for DuplexStream {
    fn reset_on_close(&self) {}
}

#[derive(Debug)]
pub(super) struct Request {
    method: String,
    /// Without the version.
    path: String,
    /// `41` of `/v1.41/…`.
    version: Option<u32>,
    pub(super) query: BTreeMap<String, String>,
}

/// Whether the connection goes on.
pub(super) enum Next {
    Go,
    Close,
}

/// Serves one connection to its end.
pub(super) async fn connection(mut peer: impl Peer, desk: Arc<Desk>) {
    let mut buffer = BytesMut::new();
    while let Ok(Some(request)) = read_request(&mut peer, &mut buffer).await {
        match answer(&mut peer, &request, &desk).await {
            Ok(Next::Go) => {}
            Ok(Next::Close) | Err(_) => return,
        }
    }
}

async fn read_request(peer: &mut impl Peer, buffer: &mut BytesMut) -> io::Result<Option<Request>> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = buffer.split_to(end + 4);
            return Ok(parse_head(&String::from_utf8_lossy(&head)));
        }
        if buffer.len() > LONGEST_HEAD || peer.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse_head(head: &str) -> Option<Request> {
    let mut words = head.lines().next()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = decoded(path);
    let (version, path) = match path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/')) {
        Some((minor, rest)) => (Some(minor.parse().ok()?), format!("/{rest}")),
        None => (None, path),
    };
    let query = pairs(query).into_iter().collect();
    Some(Request { method: method.to_owned(), path, version, query })
}

async fn answer(peer: &mut impl Peer, request: &Request, desk: &Desk) -> io::Result<Next> {
    *desk.asked.lock().unwrap_or_else(PoisonError::into_inner).entry(request.path.clone()).or_default() += 1;
    let fault = desk.faults.of(&request.path);
    match &fault {
        Some(Fault::Reset) => {
            peer.reset_on_close();
            return Ok(Next::Close);
        }
        Some(Fault::Slow(pause)) => tokio::time::sleep(*pause).await,
        Some(Fault::Hang) => {
            // Until the client gives up.
            let mut rest = [0; 64];
            while peer.read(&mut rest).await? > 0 {}
            return Ok(Next::Close);
        }
        Some(Fault::Status(status)) => {
            let body = json!({ "message": format!("simulated status {status}") });
            return whole(peer, *status, &body.to_string()).await;
        }
        Some(Fault::EmptyList) => return whole(peer, 200, "[]").await,
        Some(Fault::Malformed) => return whole(peer, 200, "<html><body>Sign in</body></html>").await,
        Some(Fault::Truncated | Fault::DuplicateRow | Fault::ResetMidStream) | None => {}
    }
    if request.path == "/events" && request.method == "GET" {
        return events(peer, request, desk, fault.as_ref()).await;
    }
    let (status, body) = respond(request, &desk.engine);
    // Asked after it was made out: an answer that knows of the end is never given.
    if desk.ending.load(Ordering::SeqCst) {
        return Ok(Next::Close);
    }
    match fault {
        Some(Fault::DuplicateRow) => whole(peer, status, &doubled(body).to_string()).await,
        Some(Fault::Truncated) => {
            let body = body.to_string();
            let half = &body.as_bytes()[..body.len() / 2];
            // Without a length, the end of the connection is the end of the body.
            peer.write_all(format!("{}Connection: close\r\n\r\n", head(status)).as_bytes()).await?;
            peer.write_all(half).await?;
            peer.shutdown().await?;
            Ok(Next::Close)
        }
        Some(Fault::ResetMidStream) => {
            let body = body.to_string();
            let first = &body.as_bytes()[..body.len().min(16) / 2];
            peer.write_all(format!("{}Content-Length: {}\r\n\r\n", head(status), body.len()).as_bytes())
                .await?;
            peer.write_all(first).await?;
            peer.flush().await?;
            Ok(Next::Close)
        }
        _ if request.path == "/_ping" => plain(peer, "OK").await,
        _ => whole(peer, status, &body.to_string()).await,
    }
}

fn respond(request: &Request, engine: &Engine) -> (u16, Value) {
    let message = |text: String| json!({ "message": text });
    let (newest, oldest) = API;
    match request.version {
        Some(minor) if minor > newest => {
            let text =
                format!("client version 1.{minor} is too new. Maximum supported API version is 1.{newest}");
            return (400, message(text));
        }
        Some(minor) if minor < oldest => {
            let text =
                format!("client version 1.{minor} is too old. Minimum supported API version is 1.{oldest}");
            return (400, message(text));
        }
        _ => {}
    }
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return (405, message(format!("the lab only reads: {}", request.method)));
    }
    match request.path.as_str() {
        "/_ping" => (200, Value::Null),
        "/version" => (200, version()),
        "/info" => (200, engine.info()),
        "/containers/json" => {
            let all =
                request.query.get("all").is_some_and(|all| matches!(all.as_str(), "true" | "True" | "1"));
            match filters(request) {
                Ok(filters) => {
                    (200, engine.list(all, filters.get("label").map(Vec::as_slice).unwrap_or_default()))
                }
                Err(text) => (400, message(text)),
            }
        }
        path => {
            let which = path.strip_prefix("/containers/").and_then(|rest| rest.strip_suffix("/json"));
            match which.map(|which| engine.inspect(which)) {
                Some(Ok(inspection)) => (200, inspection),
                Some(Err(gone)) => {
                    let text = gone.to_string().replacen("no such", "No such", 1);
                    (404, message(text))
                }
                None => (404, message("page not found".to_owned())),
            }
        }
    }
}

fn version() -> Value {
    let (newest, oldest) = API;
    json!({
        "Platform": { "Name": "" },
        "Components": [{ "Name": "Engine", "Version": "20.10.24+dfsg1" }],
        "Version": "20.10.24+dfsg1",
        "ApiVersion": format!("1.{newest}"),
        "MinAPIVersion": format!("1.{oldest}"),
        "GitCommit": "5d6db84",
        "GoVersion": "go1.19.8",
        "Os": "linux",
        "Arch": "amd64",
        "KernelVersion": "6.1.0",
        "BuildTime": "2026-05-07T21:09:36.000000000+00:00",
    })
}

fn doubled(mut body: Value) -> Value {
    if let Some(rows) = body.as_array_mut()
        && let Some(first) = rows.first().cloned()
    {
        rows.insert(0, first);
    }
    body
}

pub(super) async fn whole(peer: &mut impl Peer, status: u16, body: &str) -> io::Result<Next> {
    let answer = format!("{}Content-Length: {}\r\n\r\n{body}", head(status), body.len());
    peer.write_all(answer.as_bytes()).await?;
    peer.flush().await?;
    Ok(Next::Go)
}

async fn plain(peer: &mut impl Peer, body: &str) -> io::Result<Next> {
    let head = head(200).replace("application/json", "text/plain; charset=utf-8");
    peer.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
    peer.flush().await?;
    Ok(Next::Go)
}

pub(super) fn head(status: u16) -> String {
    let (newest, _) = API;
    format!(
        "HTTP/1.1 {status} Simulated\r\nApi-Version: 1.{newest}\r\nContent-Type: application/json\r\n\
         Docker-Experimental: false\r\nOstype: linux\r\nServer: Docker/20.10.24+dfsg1 (linux)\r\n"
    )
}
