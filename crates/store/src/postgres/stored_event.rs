//! An event as a row: its canonical form, and a column for every key that is asked for or that installations read.

use std::borrow::Cow;

use evenkeel_core::event::{Event, Side};
use evenkeel_core::id::{HostName, ServiceName, Subject};
use jiff_sqlx::Timestamp as Moment;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::Inner;
use super::commit::unwritable;
use super::values::{json, moment, text, texts};
use crate::error::Result;
use crate::text::Reading;
use crate::types::StoredEvent;

/// The rows of events, column by column, in the order of [`COLUMNS`].
#[derive(Default)]
pub(super) struct EventColumns<'a> {
    pub(super) event_id: Vec<Uuid>,
    pub(super) created_at: Vec<Moment>,
    pub(super) hostname: Vec<Option<Cow<'a, str>>>,
    pub(super) handle: Vec<Cow<'a, str>>,
    pub(super) subject: Vec<Cow<'a, str>>,
    pub(super) announce: Vec<bool>,
    pub(super) service: Vec<Option<Cow<'a, str>>>,
    pub(super) event_type: Vec<&'static str>,
    pub(super) severity: Vec<&'static str>,
    pub(super) transition: Vec<&'static str>,
    pub(super) expected: Vec<Option<String>>,
    pub(super) observed: Vec<Option<String>>,
    pub(super) details: Vec<Cow<'a, str>>,
    pub(super) source: Vec<Cow<'a, str>>,
    pub(super) drift_id: Vec<Cow<'a, str>>,
    pub(super) body: Vec<String>,
}

impl<'a> EventColumns<'a> {
    /// Adds the row of an event.
    pub(super) fn push(&mut self, subject: &Cow<'a, str>, event: &'a Event) -> Result<()> {
        let side = |side: &Option<Side>| {
            let written = side.as_ref().map(serde_json::to_string).transpose().map_err(unwritable)?;
            Ok(written.map(|written| json(&written).into_owned()))
        };
        self.event_id.push(event.id.0);
        self.created_at.push(moment(event.created_at));
        self.hostname.push(texts(event.hostname.as_ref().map(HostName::as_str)));
        self.handle.push(text(&event.handle));
        self.subject.push(subject.clone());
        self.announce.push(event.announce);
        self.service.push(texts(event.service.as_ref().map(ServiceName::as_str)));
        self.event_type.push(event.event_type.code());
        self.severity.push(event.severity.as_str());
        self.transition.push(event.transition.as_str());
        self.expected.push(side(&event.expected)?);
        self.observed.push(side(&event.observed)?);
        self.details.push(text(&event.details));
        self.source.push(text(&event.source));
        self.drift_id.push(text(&event.drift_id));
        self.body.push(serde_json::to_string(event).map_err(unwritable)?);
        Ok(())
    }
}

/// `SELECT` of what [`Inner::stored_event`] reads. The number comes first: it is the cursor.
macro_rules! select_events {
    ($tail:literal) => {
        concat!("SELECT id, subject, announce, body FROM events WHERE event_id IS NOT NULL", $tail)
    };
}
pub(super) use select_events;

impl Inner {
    /// Reads what [`select_events`] asks for.
    pub(super) fn stored_event(&self, row: &PgRow) -> Result<StoredEvent> {
        let reading = |column| Reading { at: &self.at, column };
        let body: Event = reading("events.body").json(self.cell(row, 3)?)?;
        Ok(StoredEvent {
            seq: self.cell::<i64>(row, 0)?.cast_unsigned(),
            subject: reading("events.subject").word(self.cell(row, 1)?, Subject::parse)?,
            event: Event { announce: self.cell(row, 2)?, ..body },
        })
    }
}
