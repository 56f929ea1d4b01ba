//! The NetBox sink: what happened to a host is written into the journal of its device or virtual machine. What lives
//! here: putting the rooms together, and that nothing is written twice.
//!
//! The one sink that writes where intent is kept. It writes journal entries and nothing else: an entry changes no field
//! of its object, not even the time of its last change, so that reading NetBox never finds our own writing.

mod answer;
mod client;
mod config;
mod encode;
mod find;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use async_trait::async_trait;
use evenkeel_core::Event;
use rustls::ClientConfig;

use self::client::Client;
use crate::http::Error;
use crate::{Delivery, Receipt, Sink, SinkError};

pub use config::{Config, Settings};

/// The journals of one NetBox.
#[derive(Debug)]
pub struct NetboxSink {
    config: Config,
    client: Client,
}

/// A NetBox that would take entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its version, as it names it.
    pub version: String,
}

impl NetboxSink {
    /// Builds the client. `tls` says whom to trust; without it the platform does. Nothing is sent.
    pub fn new(config: Config, tls: Option<ClientConfig>) -> Result<Self, Error> {
        let client = Client::new(&config, tls)?;
        Ok(Self { config, client })
    }

    /// Whether an entry could be written: every right it takes is tried, and nothing is written.
    pub async fn look(&self) -> Result<Ready, SinkError> {
        self.in_time(self.client.look()).await
    }

    /// One entry for one event, unless it is there.
    ///
    /// Whether it is there is asked at every attempt, the first included: a claim that a power failure forgot is made
    /// again under the same number.
    async fn write(&self, event: &Event, id: &str) -> Result<Receipt, SinkError> {
        let Some(host) = &event.hostname else {
            let why =
                "the event is about no host, and only hosts have a journal; sink.filter can leave it out";
            return Err(SinkError::Rejected { why: why.to_owned() });
        };
        let object = self.client.find(host).await?;
        if self.client.has_entry(object, id).await? {
            return Ok(Receipt { status: Some(200) });
        }
        self.client.add_entry(object, &encode::entry(event, id, self.config.link())).await
    }

    /// All requests of one attempt together take no longer than the operator allows: the claim on the delivery ends too.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, SinkError>>) -> Result<T, SinkError> {
        let timeout: Duration = self.config.timeout();
        match tokio::time::timeout(timeout, work).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let why = format!("{}: no complete answer within {timeout:?}", self.config.place());
                Err(SinkError::Unavailable { why })
            }
        }
    }
}

#[async_trait]
impl Sink for NetboxSink {
    fn name(&self) -> &str {
        self.config.name()
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<Receipt, SinkError> {
        let event = delivery.event()?;
        self.in_time(self.write(&event, &delivery.id)).await
    }
}
