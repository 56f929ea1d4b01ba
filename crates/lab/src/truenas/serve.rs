//! Connections of a simulated TrueNAS, written by hand: TLS and plain on one port, HTTP up to the upgrade, faults down to
//! half a body. What does not live here: JSON-RPC (`socket`), what answers say (`desk`, `render`).

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::desk::{Desk, Failure, Outcome};
use super::socket;
use crate::fault::Fault;

const LONGEST_HEAD: usize = 64 * 1024;
/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;

/// One end of a connection, encrypted or not.
pub(super) trait Peer: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Peer for T {}

struct Request {
    path: String,
    query: String,
    key: Option<String>,
    upgrade: Option<String>,
}

/// Serves one connection to its end.
pub(super) async fn connection(stream: TcpStream, acceptor: TlsAcceptor, desk: Arc<Desk>) {
    let mut first = [0];
    if !matches!(stream.peek(&mut first).await, Ok(1)) {
        return;
    }
    // Whatever ends badly here is a fault that was asked for, or a peer that went away.
    if first[0] == HANDSHAKE {
        if let Ok(stream) = acceptor.accept(stream).await {
            let _ = talk(stream, true, desk).await;
        }
    } else {
        let _ = talk(stream, false, desk).await;
    }
}

async fn talk(mut peer: impl Peer, encrypted: bool, desk: Arc<Desk>) -> io::Result<()> {
    let mut buffer = BytesMut::new();
    while let Some(request) = read_request(&mut peer, &mut buffer).await? {
        let versions = desk.state().version.api_versions();
        let named = request.path.strip_prefix("/api/").unwrap_or_default();
        if request.path == "/api/versions" {
            if !answer(&mut peer, "/api/versions", &desk, || versions_of(versions)).await? {
                return Ok(());
            }
        } else if let Some(token) = &request.upgrade
            && !versions.is_empty()
            && (named == "current" || versions.contains(&named))
        {
            let accept = derive_accept_key(token.as_bytes());
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            peer.write_all(head.as_bytes()).await?;
            socket::serve(peer, encrypted, desk).await;
            return Ok(());
        } else if let Some(path) = request.path.strip_prefix("/api/v2.0/")
            && desk.state().version.has_rest()
        {
            let method = method_of(path);
            desk.count(method);
            if !answer(&mut peer, method, &desk, || rest(&desk, method, &request, encrypted)).await? {
                return Ok(());
            }
        } else {
            whole(&mut peer, 404, "text/plain", "404: Not Found").await?;
        }
    }
    Ok(())
}

fn versions_of(versions: &[&str]) -> (u16, Value) {
    if versions.is_empty() { (404, json!({"message": "404: Not Found"})) } else { (200, json!(versions)) }
}

fn rest(desk: &Desk, method: &str, request: &Request, encrypted: bool) -> (u16, Value) {
    let failed = |failure: Failure| (failure.status, json!({"message": failure.reason}));
    let key = request.key.as_deref().unwrap_or_default();
    if desk.log_in(None, key, encrypted) != "SUCCESS" {
        return failed(Failure::logged_out());
    }
    let params = if request.query.contains("count=true") {
        vec![json!([]), json!({"count": true})]
    } else {
        Vec::new()
    };
    match desk.call(method, &params) {
        Outcome::Result(value) => (200, value),
        Outcome::Error(failure) => failed(failure),
    }
}

/// The method behind a path of REST.
fn method_of(path: &str) -> &'static str {
    match path {
        "system/info" => "system.info",
        "system/state" => "system.state",
        "app" => "app.query",
        "docker/status" => "docker.status",
        "docker/network" => "docker.network.query",
        "chart/release" => "chart.release.query",
        "kubernetes" => "kubernetes.config",
        "vm" => "vm.query",
        "virt/instance" => "virt.instance.query",
        "virt/global" => "virt.global.config",
        "container" => "container.query",
        "pool" => "pool.query",
        "alert/list" => "alert.list",
        _ => "unknown.method",
    }
}

/// Answers, with the fault that was asked for; `false` ends the connection.
async fn answer(
    peer: &mut impl Peer,
    name: &str,
    desk: &Desk,
    honest: impl FnOnce() -> (u16, Value),
) -> io::Result<bool> {
    let json = "application/json; charset=utf-8";
    let fault = desk.faults.of(name);
    match &fault {
        Some(Fault::Reset) => return Ok(false),
        Some(Fault::Slow(pause)) => tokio::time::sleep(*pause).await,
        Some(Fault::Hang) => {
            let mut rest = [0; 64];
            while peer.read(&mut rest).await? > 0 {}
            return Ok(false);
        }
        Some(Fault::Status(status)) => {
            let body = json!({"message": Failure::of_status(*status).reason}).to_string();
            return whole(peer, *status, json, &body).await.map(|()| true);
        }
        Some(Fault::EmptyList) => return whole(peer, 200, json, "[]").await.map(|()| true),
        Some(Fault::Malformed) => {
            return whole(peer, 200, "text/html", "<html>Sign in</html>").await.map(|()| true);
        }
        Some(Fault::Truncated | Fault::DuplicateRow | Fault::ResetMidStream) | None => {}
    }
    let (status, mut value) = honest();
    if fault == Some(Fault::DuplicateRow) {
        double(&mut value);
    }
    let body = value.to_string();
    match fault {
        Some(Fault::Truncated) => {
            let head =
                format!("HTTP/1.1 {status} Simulated\r\nContent-Type: {json}\r\nConnection: close\r\n\r\n");
            peer.write_all(head.as_bytes()).await?;
            peer.write_all(&body.as_bytes()[..body.len() / 2]).await?;
            peer.shutdown().await?;
            Ok(false)
        }
        Some(Fault::ResetMidStream) => {
            let head = format!(
                "HTTP/1.1 {status} Simulated\r\nContent-Type: {json}\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            peer.write_all(head.as_bytes()).await?;
            peer.write_all(&body.as_bytes()[..body.len() / 2]).await?;
            peer.flush().await?;
            Ok(false)
        }
        _ => whole(peer, status, json, &body).await.map(|()| true),
    }
}

/// The first row twice.
pub(super) fn double(value: &mut Value) {
    if let Some(rows) = value.as_array_mut()
        && let Some(first) = rows.first().cloned()
    {
        rows.insert(0, first);
    }
}

async fn whole(peer: &mut impl Peer, status: u16, kind: &str, body: &str) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} Simulated\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    peer.write_all(head.as_bytes()).await?;
    peer.flush().await
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
    let mut lines = head.lines();
    let target = lines.next()?.split(' ').nth(1)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let header = |name: &str| {
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .next()
    };
    Some(Request {
        path: path.to_owned(),
        query: query.to_owned(),
        key: header("authorization").and_then(|value| Some(value.strip_prefix("Bearer ")?.to_owned())),
        upgrade: header("sec-websocket-key"),
    })
}
