//! The ntfy sink: one push message per event, or per group of them. What lives here: putting the rooms together.
//!
//! ntfy knows neither repetition nor resolution: a message whose answer was lost is sent again and arrives twice, and a
//! recovery is a message of its own with a lower priority.

mod config;
mod encode;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use rustls::ClientConfig;

use crate::http::{Client, Error, SuccessRule};
use crate::message::Message;
use crate::{Delivery, Receipt, Sink, SinkError, Speaker};

pub use config::{Config, Settings};

/// A topic of an ntfy server.
#[derive(Debug)]
pub struct NtfySink {
    config: Config,
    client: Client,
}

impl NtfySink {
    /// Builds the client. `tls` says whom to trust; without it the platform does. Nothing is sent.
    pub fn new(config: Config, tls: Option<ClientConfig>) -> Result<Self, Error> {
        let client = Client::new(config.target(), tls)?;
        Ok(Self { config, client })
    }
}

#[async_trait]
impl Sink for NtfySink {
    fn name(&self) -> &str {
        self.config.name()
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<Receipt, SinkError> {
        self.tell(&delivery.message()?).await
    }

    fn speaker(&self) -> Option<&dyn Speaker> {
        Some(self)
    }
}

#[async_trait]
impl Speaker for NtfySink {
    async fn tell(&self, message: &Message) -> Result<Receipt, SinkError> {
        let body = encode::body(message, self.config.topic(), self.config.link());
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = self.client.post(headers, Bytes::from(body.to_string())).await?;
        // The message it made of it; a login page in between answers 200 without one.
        let taken = SuccessRule::Ack { field: "id".to_owned(), expected: None };
        answer.outcome(&taken, &self.client.place(), evenkeel_ambient::now())
    }
}
