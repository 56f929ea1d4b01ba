//! One event as the stream holds it, and who wants it.

use std::sync::Arc;

use axum::response::sse;
use evenkeel_core::{EventType, HostName, Severity};
use evenkeel_store::StoredEvent;

/// An event, written once for all who read it.
#[derive(Clone)]
pub(super) struct Line {
    /// Its number.
    pub(super) seq: u64,
    kind: EventType,
    severity: Severity,
    host: Option<HostName>,
    json: Arc<str>,
}

impl Line {
    /// Writes it down in its canonical form.
    pub(super) fn of(stored: StoredEvent) -> Result<Self, serde_json::Error> {
        let StoredEvent { seq, subject: _, event } = stored;
        let json = serde_json::to_string(&event)?.into();
        Ok(Self { seq, kind: event.event_type, severity: event.severity, host: event.hostname, json })
    }

    /// How much memory it takes, about.
    pub(super) fn size(&self) -> usize {
        self.json.len() + 128
    }

    /// As it is sent.
    pub(super) fn sent(&self) -> sse::Event {
        sse::Event::default().event("event").id(self.seq.to_string()).data(&*self.json)
    }
}

/// Which events a reader wants. An empty list is no restriction.
pub(super) struct Wanted {
    pub(super) types: Vec<EventType>,
    pub(super) severities: Vec<Severity>,
    pub(super) host: Option<HostName>,
}

impl Wanted {
    /// Whether this is one of them.
    pub(super) fn takes(&self, line: &Line) -> bool {
        let Self { types, severities, host } = self;
        (types.is_empty() || types.contains(&line.kind))
            && (severities.is_empty() || severities.contains(&line.severity))
            && host.as_ref().is_none_or(|host| line.host.as_ref() == Some(host))
    }
}
