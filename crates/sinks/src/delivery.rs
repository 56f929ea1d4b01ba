//! What travels to a sink: a delivery, and what it carries. What does not live here: what a sink makes of it.

use bytes::Bytes;
use evenkeel_core::remediation::{Code, Notice, NoticeKind};
use evenkeel_core::{Event, EventType, Severity};
use serde::Deserialize;

use crate::SinkError;
use crate::message::Message;

/// One event or notice on its way to one sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The idempotency key: the same at every attempt, so that the receiver can tell a repetition from news.
    pub id: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The name of the sink it is for.
    pub sink: String,
    /// The event or notice in its canonical form, byte for byte as the store has it.
    pub payload: Bytes,
    /// What that is.
    pub carries: Carries,
}

/// What a payload is, as far as it must be known without reading it whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carries {
    /// An event.
    Event {
        /// The drift it is about.
        drift_id: String,
        /// Its type.
        event_type: EventType,
        /// Its severity.
        severity: Severity,
    },
    /// An announced line of the journal.
    Notice {
        /// What it says, in one word.
        code: Code,
        /// The drift it is about; `None` for what concerns everything.
        drift_id: Option<String>,
    },
}

/// A payload that was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// An event.
    Event(Box<Event>),
    /// An announced line of the journal.
    Notice(Box<Notice>),
}

#[derive(Deserialize)]
struct EventHead {
    drift_id: String,
    event_type: EventType,
    severity: Severity,
}

#[derive(Deserialize)]
struct NoticeHead {
    #[serde(rename = "kind")]
    _kind: NoticeKind,
    code: Code,
    drift_id: Option<String>,
}

impl Carries {
    /// What this payload is. Mostly an event, so that is tried first; a notice has none of an event's words.
    pub fn of(payload: &[u8]) -> Result<Self, serde_json::Error> {
        let error = match serde_json::from_slice(payload) {
            Ok(EventHead { drift_id, event_type, severity }) => {
                return Ok(Self::Event { drift_id, event_type, severity });
            }
            Err(error) => error,
        };
        match serde_json::from_slice(payload) {
            Ok(NoticeHead { _kind: NoticeKind::Notice, code, drift_id }) => {
                Ok(Self::Notice { code, drift_id })
            }
            Err(_) => Err(error),
        }
    }
}

impl Content {
    /// Reads a payload back.
    pub fn of(payload: &[u8]) -> Result<Self, serde_json::Error> {
        match serde_json::from_slice(payload) {
            Ok(event) => Ok(Self::Event(Box::new(event))),
            Err(error) => match serde_json::from_slice(payload) {
                Ok(notice) => Ok(Self::Notice(Box::new(notice))),
                Err(_) => Err(error),
            },
        }
    }
}

impl Delivery {
    /// What it carries, read back. What cannot be read cannot be told, however often it is tried.
    pub fn content(&self) -> Result<Content, SinkError> {
        Content::of(&self.payload)
            .map_err(|error| SinkError::Rejected { why: format!("the event cannot be read: {error}") })
    }

    /// The event, for a sink that takes no notices.
    pub fn event(&self) -> Result<Event, SinkError> {
        match self.content()? {
            Content::Event(event) => Ok(*event),
            Content::Notice(notice) => Err(SinkError::Rejected {
                why: format!("this kind of sink takes no notices ({})", notice.code.as_str()),
            }),
        }
    }

    /// The message people are told.
    pub fn message(&self) -> Result<Message, SinkError> {
        Ok(match self.content()? {
            Content::Event(event) => Message::of(&event),
            Content::Notice(notice) => Message::of_notice(&notice),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{brake, delivery_of, event, notice};

    #[test]
    fn an_event_is_an_event_and_a_notice_a_notice() {
        let (event, notice) = (event(), notice(Code::Escalated));
        let written = serde_json::to_vec(&event).unwrap();
        let Carries::Event { drift_id, event_type, severity } = Carries::of(&written).unwrap() else {
            panic!("an event is taken for a notice")
        };
        assert_eq!(
            (drift_id, event_type, severity),
            (event.drift_id.clone(), event.event_type, event.severity)
        );
        let read = Content::of(&written).unwrap();
        assert!(matches!(&read, Content::Event(read) if read.id == event.id), "{read:?}");
        let written = serde_json::to_vec(&notice).unwrap();
        let head = Carries::Notice { code: Code::Escalated, drift_id: notice.drift_id.clone() };
        assert_eq!(Carries::of(&written).unwrap(), head);
        assert_eq!(Content::of(&written).unwrap(), Content::Notice(Box::new(notice)));
    }

    #[test]
    fn a_sink_that_takes_no_notices_refuses_one_and_says_why() {
        let why = delivery_of(&brake()).event().unwrap_err();
        assert_eq!(why.to_string(), "rejected: this kind of sink takes no notices (brake_engaged)");
    }

    #[test]
    fn what_is_neither_says_what_an_event_lacks() {
        for payload in ["", "{", "{}", r#"{"kind":"poem","code":"escalated"}"#] {
            assert!(Carries::of(payload.as_bytes()).is_err(), "{payload}");
            assert!(Content::of(payload.as_bytes()).is_err(), "{payload}");
        }
        let why = Carries::of(br#"{"drift_id":"x","event_type":"SERVICE_MISSING"}"#).unwrap_err();
        assert!(why.to_string().contains("severity"), "{why}");
    }
}
