//! The script of the simulated homelab: on a machine without an interface, it sends what runs there.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use evenkeel_lab::homelab::SCRIPTED;
use jiff::Timestamp;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::lab::SCRIPT_TOKEN;

/// Between two reports.
const EVERY: Duration = Duration::from_secs(5);

/// Sends for ever.
pub(super) async fn run(api: SocketAddr) {
    loop {
        match report(api).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "the script's report did not arrive"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// What `curl` would do.
async fn report(api: SocketAddr) -> io::Result<()> {
    let (host, service, port) = SCRIPTED;
    let containers = json!([{"name": service, "ports": [format!("{port}:{port}")], "state": "running"}]);
    let body = json!({
        "hostname": host, "source": "docker", "observed_at": Timestamp::now().to_string(),
        "snapshot": {"containers": containers},
    })
    .to_string();
    let mut stream = TcpStream::connect(api).await?;
    let head = format!(
        "POST /api/v1/observations HTTP/1.1\r\nhost: {api}\r\nauthorization: Bearer {SCRIPT_TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.lines().next().unwrap_or_default();
    match status.contains(" 20") {
        true => Ok(()),
        false => Err(io::Error::other(format!("it was answered with {status}"))),
    }
}
