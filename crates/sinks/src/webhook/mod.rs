//! The webhook sink: one signed POST per delivery, to n8n or anything else that takes one.
//!
//! Signed as Standard Webhooks 1.0 says: `webhook-id` stays the same over all attempts, `webhook-timestamp` is that
//! of the attempt, `webhook-signature` has one signature per secret. What lives here: putting the rooms together.

mod address;
mod answer;
mod client;
mod config;
mod encode;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{Delivery, Receipt, Sink, SinkError};

pub use client::Error;
pub use config::{Config, DEFAULT_TIMEOUT, Problem, Settings, SuccessRule};

/// A receiver of webhooks.
#[derive(Debug)]
pub struct WebhookSink {
    config: Config,
    signer: encode::Signer,
    client: client::Client,
}

impl WebhookSink {
    /// Builds the client; reads the CA file, if there is one. Nothing is sent.
    pub fn new(config: Config) -> Result<Self, Error> {
        let client = client::Client::new(&config)?;
        let signer = encode::Signer::new(config.secrets());
        Ok(Self { config, signer, client })
    }
}

#[async_trait]
impl Sink for WebhookSink {
    fn name(&self) -> &str {
        self.config.name()
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<Receipt, SinkError> {
        let headers = self
            .signer
            .headers(delivery, Timestamp::now())
            .map_err(|why| SinkError::Rejected { why: format!("{}: {why}", self.config.place()) })?;
        let answer = self.client.post(headers, delivery.payload.clone()).await?;
        answer.outcome(self.config.success(), self.config.place(), Timestamp::now())
    }
}
