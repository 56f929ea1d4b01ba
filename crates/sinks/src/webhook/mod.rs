//! The webhook sink: one signed POST per delivery, to n8n or anything else that takes one.
//!
//! Signed as Standard Webhooks 1.0 says: `webhook-id` stays the same over all attempts, `webhook-timestamp` is that
//! of the attempt, `webhook-signature` has one signature per secret. What lives here: putting the rooms together.

mod config;
mod encode;
#[cfg(test)]
pub(crate) mod tests;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::HeaderMap;

use crate::http::Client;
use crate::{Delivery, Receipt, Sink, SinkError};

pub use crate::http::{DEFAULT_TIMEOUT, Error, Problem, SuccessRule};
pub use config::{Config, Settings};

/// A receiver of webhooks.
#[derive(Debug)]
pub struct WebhookSink {
    config: Config,
    signer: encode::Signer,
    client: Client,
}

impl WebhookSink {
    /// Builds the client; reads the CA file, if there is one. Nothing is sent.
    pub fn new(config: Config) -> Result<Self, Error> {
        let client = Client::new(config.target(), None)?;
        let signer = encode::Signer::new(config.secrets());
        Ok(Self { config, signer, client })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Posts a body under this id once, signed, with `more` headers beside those a webhook has.
    pub(crate) async fn post(&self, id: &str, body: Bytes, more: HeaderMap) -> Result<Receipt, SinkError> {
        let place = self.config.place();
        let mut headers = self
            .signer
            .headers(id, &body, evenkeel_ambient::now())
            .map_err(|why| SinkError::Rejected { why: format!("{place}: {why}") })?;
        headers.extend(more);
        let answer = self.client.post(headers, body).await?;
        answer.outcome(self.config.success(), &place, evenkeel_ambient::now())
    }
}

#[async_trait]
impl Sink for WebhookSink {
    fn name(&self) -> &str {
        self.config.name()
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<Receipt, SinkError> {
        self.post(&delivery.id, delivery.payload.clone(), HeaderMap::new()).await
    }
}
