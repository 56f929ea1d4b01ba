//! The NATS JetStream sink: one message per event on a subject of its type and host, and per notice on one of its code,
//! taken when the stream says so.
//! What lives here: putting the rooms together.

mod client;
mod config;
mod encode;

use async_trait::async_trait;
use rustls::ClientConfig;

use crate::{Content, Delivery, Receipt, Sink, SinkError};

pub use config::{Config, DEFAULT_NOTICES, DEFAULT_STREAM, DEFAULT_SUBJECT, Login, Settings};

/// A stream of a NATS server.
#[derive(Debug)]
pub struct NatsSink {
    config: Config,
    client: client::Client,
}

impl NatsSink {
    /// Nothing is connected before the first delivery. `tls` says whom to trust; without it the platform does.
    pub fn new(config: Config, tls: Option<ClientConfig>) -> Self {
        let client = client::Client::new(config.clone(), tls);
        Self { config, client }
    }

    /// Connects and looks for the stream, for `doctor`: its name.
    pub async fn look(&self) -> Result<String, SinkError> {
        self.client.look().await
    }
}

#[async_trait]
impl Sink for NatsSink {
    fn name(&self) -> &str {
        self.config.name()
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<Receipt, SinkError> {
        let subject = match (delivery.content()?, self.config.notices()) {
            (Content::Event(event), _) => encode::subject(self.config.subject(), &event),
            (Content::Notice(notice), Some(below)) => encode::subject_of_notice(below, notice.code),
            (Content::Notice(_), None) => {
                let why = format!("{}: it is not configured to take notices", self.config.place());
                return Err(SinkError::Rejected { why });
            }
        };
        self.client.publish(subject, delivery).await?;
        Ok(Receipt { status: None })
    }
}
