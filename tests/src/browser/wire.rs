//! One session with a WebDriver server (W3C WebDriver, and chromedriver's own commands): a JSON request a command.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// A session.
#[derive(Debug)]
pub(super) struct Wire {
    client: reqwest::Client,
    session: String,
}

impl Wire {
    /// Begins a session with these capabilities.
    pub(super) async fn open(server: &str, capabilities: &Value) -> Self {
        // The driver is spoken to in plain words, but the client wants to know what it would encrypt with.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let answer = sent(client.post(format!("{server}/session")).json(&body), "begin").await;
        let id = answer["sessionId"].as_str().expect("a session");
        Self { session: format!("{server}/session/{id}"), client }
    }

    /// A command with a body.
    pub(super) async fn post(&self, command: &str, body: &Value) -> Value {
        sent(self.client.post(format!("{}/{command}", self.session)).json(body), command).await
    }

    /// Ends the session and its browser. Waits on the spot: whoever drops a browser is not in a position to await.
    pub(super) fn end(&self) {
        let Some((server, path)) = self.session.strip_prefix("http://").and_then(|s| s.split_once('/'))
        else {
            return;
        };
        let ended = TcpStream::connect(server).and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            let head = format!("DELETE /{path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes())?;
            stream.read_to_end(&mut Vec::new())
        });
        if let Err(error) = ended {
            // Past `print!`, which is not shown for tests that pass.
            let _ = writeln!(std::io::stderr(), "a browser may still run: {error}");
        }
    }

    /// A question.
    pub(super) async fn get(&self, command: &str) -> Value {
        sent(self.client.get(format!("{}/{command}", self.session)), command).await
    }
}

async fn sent(request: reqwest::RequestBuilder, command: &str) -> Value {
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let value = answer["value"].clone();
    assert!(value["error"].is_null(), "{command}: {} {}", value["error"], value["message"]);
    value
}
