//! One session with a WebDriver server (W3C WebDriver, and chromedriver's own commands): a JSON request a command.

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
