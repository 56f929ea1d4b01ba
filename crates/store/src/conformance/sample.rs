//! Things to put into a store.

use std::sync::Arc;

use evenkeel_core::drift::{Difference, Evidence};
use evenkeel_core::event::{Event, EventType, Severity, Transition};
use evenkeel_core::id::{DriftId, EventId, HostName, SourceId, SourceKind, Subject};
use evenkeel_core::ledger::{Entry, State};
use evenkeel_core::model::{Port, Ports};
use jiff::{SignedDuration, Timestamp};

use crate::rows::{JournalKind, JournalRow, ObservedRow};
use crate::types::{NewDelivery, PassCommit};

/// A moment: so many seconds after 22 December 2025, 04:00 UTC.
pub fn at(seconds: i64) -> Timestamp {
    let start = Timestamp::from_second(1_766_376_000).unwrap_or_default();
    start.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(start)
}

/// A configured Docker source.
pub fn docker(name: &str) -> SourceId {
    SourceId::new(SourceKind::Docker, name)
}

/// A host as a subject.
pub fn host(name: &str) -> Subject {
    Subject::Host(HostName::new(name))
}

/// The drift of a missing service.
pub fn missing(host: &str, service: &str) -> DriftId {
    DriftId::of_service(&host.into(), &service.into(), EventType::ServiceMissing)
}

/// An open entry of that drift.
pub fn entry(id: DriftId) -> Entry {
    let evidence = Evidence { source: docker("a"), observed_at: at(1) };
    Entry {
        difference: Difference::Missing {
            ports: Ports::new([Port::tcp(8021), Port::udp(53)]),
            role: Some(Arc::from("rss")),
            state: None,
        },
        state: State::Open,
        severity: id.event_type.default_severity(),
        first_seen: at(0),
        last_seen: at(1),
        evidence,
        seen: 2,
        clean: 0,
        clean_since: None,
        opened_at: Some(at(1)),
        resolved_at: None,
        parent: None,
        freed: None,
        announced: true,
        recorded: true,
        baseline: false,
        flapping: false,
        transitions: vec![at(1)],
        said_at: None,
        blind: None,
        silenced: None,
        id,
    }
}

/// An event's id, from a number.
pub fn event_id(n: u32) -> EventId {
    let [a, b, c, d] = n.to_be_bytes();
    EventId::new(at(i64::from(n)), [a, b, c, d, 0, 0, a, b, c, d])
}

/// The event that opens a drift, made from a number; it happened that many seconds after the start.
pub fn event(n: u32, id: &DriftId) -> Event {
    Event {
        id: event_id(n),
        hostname: id.subject.host().cloned(),
        service: id.service.clone(),
        event_type: id.event_type,
        expected: None,
        observed: None,
        severity: Severity::High,
        details: format!("Expected service on {} but container not running.", id.subject),
        source: Arc::from("docker"),
        created_at: at(i64::from(n)),
        transition: Transition::Opened,
        drift_id: id.to_string(),
        handle: id.handle(),
        first_seen: at(0),
        last_seen: at(1),
        flapping: false,
        baseline: false,
        folded: Vec::new(),
        folded_count: 0,
        announce: true,
        drift: None,
    }
}

/// A delivery of an event.
pub fn delivery(sink: &str, event: &Event) -> NewDelivery {
    NewDelivery { sink: sink.to_owned(), event: event.id, drift_key: event.drift_id.clone() }
}

/// A pass that opens one drift of a service and tells each of these sinks, made from a number.
pub fn opening(host_name: &str, service: &str, n: u32, revision: u64, sinks: &[&str]) -> PassCommit {
    let id = missing(host_name, service);
    let event = event(n, &id);
    PassCommit {
        upserts: vec![entry(id)],
        deliveries: sinks.iter().map(|sink| delivery(sink, &event)).collect(),
        events: vec![event],
        ..PassCommit::new(host(host_name), revision, at(i64::from(n)))
    }
}

/// What a source reported, with a text standing for all of it.
pub fn observed(host: &str, text: &str, seconds: i64) -> ObservedRow {
    let snapshot = serde_json::json!({ "containers": [{ "name": text }] }).to_string();
    ObservedRow {
        hostname: host.into(),
        source: docker(host),
        hash: xxhash_rust::xxh3::xxh3_128(snapshot.as_bytes()),
        snapshot,
        observed_at: at(seconds),
    }
}

/// A journal row.
pub fn journal(kind: JournalKind, text: &str, seconds: i64) -> JournalRow {
    JournalRow {
        kind,
        at: at(seconds),
        subject: Some(host("a")),
        event: Some(event_id(1)),
        drift_key: None,
        actor: "evenkeel".to_owned(),
        text: text.to_owned(),
        data: serde_json::json!({ "why": text }),
    }
}
