//! The chat sink: a body made by a template, for Slack, Discord, Mattermost, Teams, Matrix, and whatever else takes a
//! request. What lives here: putting the rooms together.
//!
//! Unsigned: these receivers know no signature, their address is the secret.

mod config;
mod encode;
mod presets;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use rustls::ClientConfig;

use crate::http::{Client, Error, SuccessRule};
use crate::message::Message;
use crate::{Delivery, Receipt, Sink, SinkError, Speaker};

pub use config::{Body, Config, Method, Settings};
pub use presets::Preset;

/// A room of a chat system.
#[derive(Debug)]
pub struct ChatSink {
    config: Config,
    client: Client,
}

impl ChatSink {
    /// Builds the client. `tls` says whom to trust; without it the platform does. Nothing is sent.
    pub fn new(config: Config, tls: Option<ClientConfig>) -> Result<Self, Error> {
        let client = Client::new(config.target(), tls)?;
        Ok(Self { config, client })
    }
}

#[async_trait]
impl Sink for ChatSink {
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
impl Speaker for ChatSink {
    async fn tell(&self, message: &Message) -> Result<Receipt, SinkError> {
        let place = self.client.place();
        let template = self.config.template();
        let body = template
            .render(message, self.config.link())
            .map_err(|why| SinkError::Rejected { why: format!("{place}: the template fails: {why}") })?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(template.content_type()));
        let (method, url) = self.config.address_of(&message.id);
        let answer = self.client.send(method, url, headers, Bytes::from(body)).await?;
        answer.outcome(&SuccessRule::Status2xx, &place, evenkeel_ambient::now())
    }
}
