//! What repairs are sent with: one signed POST that asks a receiver (a workflow in n8n, anything that takes a POST) for one
//! action. Settings, signature and transport are the [`webhook`](crate::webhook) sink's. What does not live here: whether
//! and when a request is sent, what is tried again, and what the receiver says afterwards; that is the controller's.
//!
//! Accepted is what the settings' `success` says, and by default that takes a body: n8n answers 200 with nothing if a
//! workflow crashes.

mod encode;
#[cfg(test)]
mod tests;

use std::fmt;

use evenkeel_core::Secret;
use jiff::Timestamp;
use serde_json::Value;

use crate::webhook::{Config, Error, WebhookSink};
use crate::{Receipt, SinkError};

pub use encode::told;

/// One request for one action.
#[derive(Clone)]
pub struct Request {
    /// The idempotency key: the same for every repetition, so that the receiver acts once.
    pub key: String,
    /// 1 for the first time it is sent.
    pub attempt: u32,
    /// The drift, in its canonical form.
    pub event: Value,
    /// What is asked for, see [`told`].
    pub proposal: Value,
    /// Where the receiver says how it went. Whoever knows it may say so, hence a secret.
    pub callback_url: Secret,
    /// Until when it may.
    pub callback_expires_at: Timestamp,
}

impl fmt::Debug for Request {
    /// Which request it is; what it says is for its receiver.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("key", &self.key)
            .field("attempt", &self.attempt)
            .field("callback_expires_at", &self.callback_expires_at)
            .finish_non_exhaustive()
    }
}

/// The receiver of one action's requests.
#[derive(Debug)]
pub struct ActionSink {
    webhook: WebhookSink,
}

impl ActionSink {
    /// Builds the client; reads the CA file, if there is one. Nothing is sent.
    pub fn new(config: Config) -> Result<Self, Error> {
        Ok(Self { webhook: WebhookSink::new(config)? })
    }

    /// The action's name.
    pub fn name(&self) -> &str {
        self.webhook.config().name()
    }

    /// Scheme, host and port: what of the receiver's address may be shown.
    pub fn place(&self) -> String {
        self.webhook.config().place()
    }

    /// Sends once. Bounded by the settings' timeout. Dropping the future may leave the request sent or not sent, like any
    /// error: the caller repeats it under the same key.
    pub async fn send(&self, request: &Request) -> Result<Receipt, SinkError> {
        let headers = encode::headers(&request.key).ok_or_else(|| SinkError::Rejected {
            why: format!("{}: the idempotency key cannot be a header", self.place()),
        })?;
        self.webhook.post(&request.key, encode::body(request), headers).await
    }
}
