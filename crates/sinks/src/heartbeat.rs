//! A sign of life: one POST, again and again, to somebody outside who notices when it stays away (a dead man's switch:
//! Healthchecks, Uptime Kuma, a workflow). Settings, signature and transport are the [`webhook`](crate::webhook) sink's.
//! What does not live here: how often, and whether all is well.

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;

use crate::SinkError;
use crate::webhook::{Config, Error, WebhookSink};

/// Who is told that all is well.
#[derive(Debug)]
pub struct Heartbeat {
    webhook: WebhookSink,
}

impl Heartbeat {
    /// Builds the client; reads the CA file, if there is one. Nothing is sent.
    pub fn new(config: Config) -> Result<Self, Error> {
        Ok(Self { webhook: WebhookSink::new(config)? })
    }

    /// Scheme, host and port: what of the address may be shown.
    pub fn place(&self) -> String {
        self.webhook.config().place()
    }

    /// Says once that all is well. One that did not arrive is not repeated: the next one says more.
    pub async fn beat(&self, now: Timestamp) -> Result<(), SinkError> {
        let id = format!("heartbeat-{}", now.as_microsecond());
        let body = json!({ "kind": "heartbeat", "at": now.to_string() }).to_string();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.webhook.post(&id, Bytes::from(body), headers).await.map(|_| ())
    }
}
