//! An event as a row: a column for every key that people and installations ask for, the others in one JSON object.

use std::sync::Arc;

use evenkeel_core::event::{Event, EventType, Severity, Side, Transition};
use evenkeel_core::id::{EventId, HostName, ServiceName, Subject};
use jiff::Timestamp;
use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;

use super::Inner;
use super::batch::Place;
use super::text::{Reading, stamp};
use crate::error::Result;
use crate::types::StoredEvent;

/// The columns in the order of [`EventTuple`], without `id` before and `extra` behind.
pub(super) const COLUMNS: &str = "event_id, hostname, service, event_type, severity, created_at, transition, handle, \
    subject, announce, drift_id, source, details, expected, observed";

/// A row in the order of [`COLUMNS`], then where its [`Extra`] lies.
pub(super) type EventTuple<'a> = (
    EventId,
    Option<&'a str>,
    Option<&'a str>,
    &'static str,
    &'static str,
    String,
    &'static str,
    &'a str,
    &'a str,
    bool,
    &'a str,
    &'a str,
    &'a str,
    Option<&'a Side>,
    Option<&'a Side>,
    Place,
);

/// What has no column of its own. The moment is here once more, because a column keeps six decimals of it.
#[derive(Serialize, Deserialize)]
pub(super) struct Extra<'a> {
    created_at: Timestamp,
    first_seen: Timestamp,
    last_seen: Timestamp,
    flapping: bool,
    baseline: bool,
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    folded: std::borrow::Cow<'a, [String]>,
    folded_count: u32,
}

impl<'a> Extra<'a> {
    pub(super) fn of(event: &'a Event) -> Self {
        Self {
            created_at: event.created_at,
            first_seen: event.first_seen,
            last_seen: event.last_seen,
            flapping: event.flapping,
            baseline: event.baseline,
            folded: event.folded.as_slice().into(),
            folded_count: event.folded_count,
        }
    }
}

/// The row of an event. A field of [`Event`] that is forgotten here is missed by the compiler where it is read back.
pub(super) fn tuple<'a>(subject: &'a str, event: &'a Event, extra: Place) -> EventTuple<'a> {
    (
        event.id,
        event.hostname.as_ref().map(HostName::as_str),
        event.service.as_ref().map(ServiceName::as_str),
        event.event_type.code(),
        event.severity.as_str(),
        stamp(event.created_at),
        event.transition.as_str(),
        &event.handle,
        subject,
        event.announce,
        &event.drift_id,
        &event.source,
        &event.details,
        event.expected.as_ref(),
        event.observed.as_ref(),
        extra,
    )
}

impl Inner {
    /// Reads `id`, [`COLUMNS`] and `extra` back.
    pub(super) fn stored_event(&self, row: &SqliteRow) -> Result<StoredEvent> {
        let reading = |column| Reading { at: &self.at, column };
        let side = |column, name| {
            self.cell::<Option<&str>>(row, column)?.map(|side| reading(name).json::<Side>(side)).transpose()
        };
        let extra: Extra<'static> = reading("events.extra").json(self.cell(row, 16)?)?;
        let event = Event {
            id: EventId(reading("events.event_id").uuid(self.cell(row, 1)?)?),
            hostname: self.cell::<Option<&str>>(row, 2)?.map(HostName::new),
            service: self.cell::<Option<&str>>(row, 3)?.map(ServiceName::new),
            event_type: reading("events.event_type").word(self.cell(row, 4)?, EventType::parse)?,
            severity: reading("events.severity").word(self.cell(row, 5)?, Severity::parse)?,
            transition: reading("events.transition").word(self.cell(row, 7)?, transition)?,
            handle: self.cell(row, 8)?,
            announce: self.cell(row, 10)?,
            drift_id: self.cell(row, 11)?,
            source: Arc::from(self.cell::<&str>(row, 12)?),
            details: self.cell(row, 13)?,
            expected: side(14, "events.expected")?,
            observed: side(15, "events.observed")?,
            created_at: extra.created_at,
            first_seen: extra.first_seen,
            last_seen: extra.last_seen,
            flapping: extra.flapping,
            baseline: extra.baseline,
            folded: extra.folded.into_owned(),
            folded_count: extra.folded_count,
            drift: None,
        };
        Ok(StoredEvent {
            seq: self.cell::<i64>(row, 0)?.cast_unsigned(),
            subject: reading("events.subject").word(self.cell(row, 9)?, Subject::parse)?,
            event,
        })
    }
}

fn transition(word: &str) -> Option<Transition> {
    let read: Result<_, serde::de::value::Error> = Transition::deserialize(word.into_deserializer());
    read.ok()
}
