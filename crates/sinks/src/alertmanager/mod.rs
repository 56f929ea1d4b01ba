//! The Alertmanager sink: a drift is an alert with a life of its own. It is told when it opens, changes and resolves,
//! and repeated while it is open, because Alertmanager forgets what it is not told again. What lives here: putting the
//! rooms together, and sending to all servers of a cluster.

mod config;
mod encode;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use rustls::ClientConfig;
use serde_json::Value;

use crate::http::{Client, Error, SuccessRule};
use crate::{Delivery, OpenDrift, Receipt, Sink, SinkError, Standing};

pub use config::{Config, DEFAULT_REPEAT, Settings};

/// How many alerts one request carries.
const BATCH: usize = 500;
/// An alert that is not repeated ends after so many intervals: three repetitions may be lost.
const LIVES: u32 = 4;

/// One Alertmanager, or the servers of a cluster.
#[derive(Debug)]
pub struct AlertmanagerSink {
    config: Config,
    clients: Vec<Client>,
}

impl AlertmanagerSink {
    /// Builds the clients. `tls` says whom to trust; without it the platform does. Nothing is sent.
    pub fn new(config: Config, tls: Option<&ClientConfig>) -> Result<Self, Error> {
        let clients = config.targets().iter().map(|target| Client::new(target, tls.cloned()));
        Ok(Self { clients: clients.collect::<Result<_, _>>()?, config })
    }

    /// To every server: those of a cluster share silences and what was notified, not alerts. One that took it is enough.
    async fn send(&self, alerts: &[Value]) -> Result<Receipt, SinkError> {
        let body = Bytes::from(Value::from(alerts).to_string());
        let all = self.clients.iter().map(|client| post(client, body.clone()));
        best(futures_util::future::join_all(all).await)
    }

    /// Until when an alert stands if it is not repeated.
    fn until(&self, now: Timestamp) -> Timestamp {
        after(now, self.config.repeat() * LIVES)
    }
}

async fn post(client: &Client, body: Bytes) -> Result<Receipt, SinkError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let answer = client.post(headers, body).await?;
    answer.outcome(&SuccessRule::Status2xx, &client.place(), evenkeel_ambient::now())
}

/// Success if one succeeded; otherwise the most hopeful failure, so that a server with a wrong password does not make
/// a delivery dead that another, which is only starting, would take.
fn best(answers: Vec<Result<Receipt, SinkError>>) -> Result<Receipt, SinkError> {
    let hope = |answer: &Result<Receipt, SinkError>| match answer {
        Ok(_) => 3,
        Err(SinkError::Throttled { .. }) => 2,
        Err(SinkError::Unavailable { .. }) => 1,
        Err(SinkError::Rejected { .. }) => 0,
    };
    let nobody = || Err(SinkError::Rejected { why: "no server is configured".to_owned() });
    answers.into_iter().max_by_key(hope).unwrap_or_else(nobody)
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).ok();
    wait.and_then(|wait| now.checked_add(wait).ok()).unwrap_or(Timestamp::MAX)
}

#[async_trait]
impl Sink for AlertmanagerSink {
    fn name(&self) -> &str {
        self.config.name()
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<Receipt, SinkError> {
        let event = delivery.event()?;
        let alert = encode::of_event(&event, self.config.dress(), self.until(evenkeel_ambient::now()));
        self.send(&[alert]).await
    }

    fn standing(&self) -> Option<&dyn Standing> {
        Some(self)
    }
}

#[async_trait]
impl Standing for AlertmanagerSink {
    fn every(&self) -> Duration {
        self.config.repeat()
    }

    async fn repeat(&self, open: &[OpenDrift], now: Timestamp) -> Result<Receipt, SinkError> {
        let mut receipt = Receipt { status: None };
        for batch in open.chunks(BATCH) {
            let until = self.until(now);
            let alerts: Vec<Value> =
                batch.iter().map(|drift| encode::of_drift(drift, self.config.dress(), until)).collect();
            receipt = self.send(&alerts).await?;
        }
        Ok(receipt)
    }
}
