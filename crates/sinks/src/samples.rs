//! Events, notices and messages for tests.

use std::sync::Arc;

use bytes::Bytes;
use evenkeel_core::event::Side;
use evenkeel_core::remediation::{Code, Notice, NoticeKind};
use evenkeel_core::{Event, EventId, EventType, Severity, Transition};
use jiff::Timestamp;

use crate::message::{Line, Message, Tone};
use crate::{Carries, Delivery};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn event() -> Event {
    Event {
        id: EventId(uuid::Uuid::from_u128(0x0194_0000_0000_7000_8000_0000_0000_0001)),
        hostname: Some("box2-daily".into()),
        service: Some("freshrss".into()),
        event_type: EventType::ServiceMissing,
        expected: Some(Side { port: Some(8021), role: Some(Arc::from("rss")), ..Side::default() }),
        observed: None,
        severity: Severity::High,
        details: "Expected service freshrss on box2-daily but container not running.".into(),
        source: Arc::from("docker"),
        created_at: at("2025-12-22T03:14:52Z"),
        transition: Transition::Opened,
        drift_id: "SERVICE_MISSING|host:box2-daily|freshrss||".into(),
        handle: "7K3M9Q2A".into(),
        first_seen: at("2025-12-22T03:14:22Z"),
        last_seen: at("2025-12-22T03:14:52Z"),
        flapping: false,
        baseline: false,
        folded: Vec::new(),
        folded_count: 0,
        announce: true,
        drift: None,
    }
}

pub(crate) fn resolved() -> Event {
    Event {
        transition: Transition::Resolved,
        details: "Resolved: Expected service freshrss on box2-daily but container not running.".into(),
        ..event()
    }
}

/// A name that tries to be JSON, Markdown, a mention, a template, a subject and a second line.
pub(crate) const HOSTILE: &str =
    "x\"},\"a\":{\"*[b](http://evil)*<!channel> @everyone &amp; {{ 7*7 }} > ü\n\u{202e}.*.>";

pub(crate) fn hostile() -> Event {
    Event {
        hostname: Some(HOSTILE.into()),
        service: Some("</script>\\\t\u{0}".into()),
        details: format!("Expected service on {HOSTILE} but \"it\" is \\ not there."),
        severity: Severity::Critical,
        folded: vec!["SERVICE_MISSING a".into(), format!("PORT_MISMATCH {HOSTILE}")],
        folded_count: 7,
        ..event()
    }
}

pub(crate) fn message(tone: Tone) -> Message {
    let lines = vec![Line::Text("Expected service freshrss.".into())];
    Message { tone, lines, ..Message::of(&event()) }
}

pub(crate) fn notice(code: Code) -> Notice {
    Notice {
        id: EventId(uuid::Uuid::from_u128(0x0194_0000_0000_7000_8000_0000_0000_0002)),
        kind: NoticeKind::Notice,
        code,
        text: "restart container for freshrss on box2-daily (SERVICE_MISSING) waits for approval.".into(),
        actor: Arc::from("evenkeel"),
        at: at("2025-12-22T03:15:22Z"),
        drift_id: Some(event().drift_id),
        handle: Some(event().handle),
        proposal: serde_json::from_str("\"EJE00VWG9HAQVEHV78XXY81GC0\"").unwrap(),
    }
}

/// What concerns everything.
pub(crate) fn brake() -> Notice {
    let text = "57 drifts began within an hour; nothing is dispatched.".into();
    Notice { drift_id: None, handle: None, proposal: None, text, ..notice(Code::BrakeEngaged) }
}

pub(crate) fn delivery(event: &Event) -> Delivery {
    carrying(event.id, serde_json::to_vec(event).unwrap())
}

pub(crate) fn delivery_of(notice: &Notice) -> Delivery {
    carrying(notice.id, serde_json::to_vec(notice).unwrap())
}

fn carrying(id: EventId, payload: Vec<u8>) -> Delivery {
    let carries = Carries::of(&payload).unwrap();
    Delivery { id: id.to_string(), attempt: 1, sink: "test".into(), payload: Bytes::from(payload), carries }
}
