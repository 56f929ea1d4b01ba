//! How the store is asked: filters, pages, cursors, the export.

use std::fmt;
use std::pin::Pin;

use evenkeel_core::event::{EventType, Severity, Transition};
use evenkeel_core::id::{EventId, HostName, ServiceName, Subject};
use evenkeel_core::ledger::State;
use futures_util::Stream;
use jiff::Timestamp;

use crate::error::Result;
use crate::rows::JournalKind;

/// A place in a list, to go on from. It stays valid while rows are added and removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// Takes the text a client brought back. A text no page ever gave finds the end of the list, not an error.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text to hand to a client.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next part begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// Which events. An empty list is no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Any of these types.
    pub types: Vec<EventType>,
    /// Any of these severities.
    pub severities: Vec<Severity>,
    /// Any of these transitions.
    pub transitions: Vec<Transition>,
    /// On this host.
    pub host: Option<HostName>,
    /// About this service.
    pub service: Option<ServiceName>,
    /// About the drift with this handle.
    pub handle: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// Which ledger entries. An empty list is no restriction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriftFilter {
    /// In any of these states.
    pub states: Vec<State>,
    /// Any of these types.
    pub types: Vec<EventType>,
    /// Any of these severities.
    pub severities: Vec<Severity>,
    /// Of this host or source.
    pub subject: Option<Subject>,
    /// About this service.
    pub service: Option<ServiceName>,
    /// Only those that are no consequence of another.
    pub roots_only: bool,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryState {
    /// Neither delivered nor given up.
    Pending,
    /// The sink has it.
    Delivered,
    /// Given up.
    Dead,
}

impl DeliveryState {
    /// The lower-case word used in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Dead].into_iter().find(|state| state.as_str() == text)
    }
}

/// Which deliveries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Any of these states; empty for all.
    pub states: Vec<DeliveryState>,
    /// To this sink.
    pub sink: Option<String>,
    /// Of this event or notice.
    pub event: Option<EventId>,
    /// Of this drift's text form.
    pub drift_key: Option<String>,
}

/// Which journal rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalFilter {
    /// Any of these kinds; empty for all.
    pub kinds: Vec<JournalKind>,
    /// About this subject.
    pub subject: Option<Subject>,
    /// About this event.
    pub event: Option<EventId>,
    /// About this drift's text form.
    pub drift_key: Option<String>,
    /// About the drift with this handle, in any case.
    pub handle: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
}

/// What one exported line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// An event in its canonical form.
    Event,
    /// The expected snapshot of a host.
    Expected,
    /// An observed snapshot of a host.
    Observed,
    /// A silence made at run time.
    Silence,
}

impl Record {
    /// The word under the key `record` of every exported line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Expected => "expected",
            Self::Observed => "observed",
            Self::Silence => "silence",
        }
    }
}

/// One line of an export: a JSON object without line breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportLine {
    /// What it is; also under the key `record`.
    pub record: Record,
    /// The line, without its end.
    pub json: String,
}

impl ExportLine {
    /// Marks a canonical JSON object with what it is. The key comes first, so that a reader knows before it parses.
    pub fn new(record: Record, object: &str) -> Self {
        let rest = object.trim_start().strip_prefix('{').unwrap_or("}");
        let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
        Self { record, json: format!("{{\"record\":\"{}\"{comma}{rest}", record.as_str()) }
    }
}

/// The lines of an export.
pub type ExportStream<'a> = Pin<Box<dyn Stream<Item = Result<ExportLine>> + Send + 'a>>;
