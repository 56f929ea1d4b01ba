//! Where events and notices go: one folder per destination with the same rooms: `mod` (the sink), `config` (validated settings),
//! `encode` (delivery → headers, pure), `client` (transport).
//!
//! What people are told is a [`message`]; what the HTTP speakers share is in [`http`]. What repairs are sent with is an
//! [`action`], and what says again and again that all is well a [`heartbeat`]; they are no sinks: nothing of theirs goes
//! through the outbox.
//!
//! A sink sends one delivery once and says what became of it. It contains no metric and no loop: when a delivery is
//! tried again is decided by [`retry`] (pure) and done by the controller, which owns the outbox.

use std::time::Duration;

use async_trait::async_trait;
use evenkeel_core::{EventType, HostName, ServiceName, Severity};
use jiff::Timestamp;

pub mod action;
pub mod alertmanager;
pub mod chat;
mod delivery;
pub mod heartbeat;
pub mod http;
pub mod message;
pub mod nats;
pub mod netbox;
pub mod ntfy;
pub mod retry;
#[cfg(test)]
mod samples;
pub mod webhook;

use message::Message;

pub use delivery::{Carries, Content, Delivery};

/// A drift that is open and was announced, for sinks that must be told again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDrift {
    /// The official code.
    pub event_type: EventType,
    /// The host; `None` for a source that belongs to none.
    pub hostname: Option<HostName>,
    /// The service, if it is about one.
    pub service: Option<ServiceName>,
    /// How much it matters.
    pub severity: Severity,
    /// The short handle.
    pub handle: String,
    /// One sentence for people.
    pub details: String,
    /// When the difference was first seen.
    pub first_seen: Timestamp,
}

/// The destination has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What it answered, for sinks that speak HTTP.
    pub status: Option<u16>,
}

/// The destination does not have it, or did not say so. None of these carries a secret, a query or a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// It may work later: nobody there, no answer, a server's own error, no acknowledgement.
    #[error("unavailable: {why}")]
    Unavailable {
        /// A lower-case phrase saying what happened and where.
        why: String,
    },
    /// The destination asks for patience.
    #[error("throttled: {why}")]
    Throttled {
        /// How long, where it said so.
        retry_after: Option<Duration>,
        /// A lower-case phrase saying what happened and where.
        why: String,
    },
    /// It cannot work until somebody changes the configuration here or there.
    #[error("rejected: {why}")]
    Rejected {
        /// A lower-case phrase saying what happened and where.
        why: String,
    },
}

/// A destination. Production implementations: one per folder.
#[async_trait]
pub trait Sink: Send + Sync {
    /// The name it has in the configuration.
    fn name(&self) -> &str;

    /// Sends once. Bounded by the sink's own timeouts. Dropping the future may leave the delivery done or not done,
    /// like any error: the caller repeats it with the same id.
    async fn deliver(&self, delivery: &Delivery) -> Result<Receipt, SinkError>;

    /// Whether what is open must be repeated to it, and how.
    fn standing(&self) -> Option<&dyn Standing> {
        None
    }

    /// Whether it speaks to people, who want one message for many events.
    fn speaker(&self) -> Option<&dyn Speaker> {
        None
    }
}

/// A destination that forgets what it is not told again.
#[async_trait]
pub trait Standing: Send + Sync {
    /// How often.
    fn every(&self) -> Duration;

    /// Tells everything that is open. A repetition is no delivery: the next one makes up for one that failed.
    async fn repeat(&self, open: &[OpenDrift], now: Timestamp) -> Result<Receipt, SinkError>;
}

/// A destination that people read.
#[async_trait]
pub trait Speaker: Send + Sync {
    /// Sends one message once.
    async fn tell(&self, message: &Message) -> Result<Receipt, SinkError>;
}
