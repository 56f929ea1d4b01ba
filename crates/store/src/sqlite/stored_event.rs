//! An event as a row: its canonical form, and a column for every key that is asked for.

use evenkeel_core::event::Event;
use evenkeel_core::id::{EventId, HostName, ServiceName, Subject};
use sqlx::sqlite::SqliteRow;

use super::Inner;
use super::batch::Place;
use super::text::stamp;
use crate::error::Result;
use crate::text::Reading;
use crate::types::StoredEvent;

/// The columns in the order of [`EventTuple`], without `id` before and `body` behind.
pub(super) const COLUMNS: &str = "event_id, created_at, hostname, handle, subject, announce, service, event_type, \
    severity, transition";

/// A row in the order of [`COLUMNS`], then where its body begins and how long it is.
pub(super) type EventTuple<'a> = (
    EventId,
    String,
    Option<&'a str>,
    &'a str,
    &'a str,
    bool,
    Option<&'a str>,
    &'static str,
    &'static str,
    &'static str,
    usize,
    usize,
);

/// The row of an event.
pub(super) fn tuple<'a>(subject: &'a str, event: &'a Event, body: Place) -> EventTuple<'a> {
    (
        event.id,
        stamp(event.created_at),
        event.hostname.as_ref().map(HostName::as_str),
        &event.handle,
        subject,
        event.announce,
        event.service.as_ref().map(ServiceName::as_str),
        event.event_type.code(),
        event.severity.as_str(),
        event.transition.as_str(),
        body.0,
        body.1,
    )
}

/// `SELECT` of what [`Inner::stored_event`] reads.
pub(super) fn select(tail: &str) -> String {
    format!("SELECT id, subject, announce, body FROM event_log{tail}")
}

impl Inner {
    /// Reads what [`select`] asks for.
    pub(super) fn stored_event(&self, row: &SqliteRow) -> Result<StoredEvent> {
        let reading = |column| Reading { at: &self.at, column };
        let body: Event = reading("event_log.body").json(self.cell(row, 3)?)?;
        Ok(StoredEvent {
            seq: self.cell::<i64>(row, 0)?.cast_unsigned(),
            subject: reading("event_log.subject").word(self.cell(row, 1)?, Subject::parse)?,
            event: Event { announce: self.cell(row, 2)?, ..body },
        })
    }
}
