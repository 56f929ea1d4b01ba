//! The journal: what was decided and done.

use std::borrow::Cow;

use evenkeel_core::id::{EventId, Subject};
use jiff_sqlx::Timestamp as Moment;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;

use super::Inner;
use super::paging::Listing;
use super::values::{json, key, keys, moment, text};
use crate::error::Result;
use crate::query::{Cursor, JournalFilter, Page};
use crate::rows::{JournalKind, JournalRow};
use crate::text::Reading;

/// The rows of the journal, column by column.
#[derive(Default)]
pub(super) struct JournalColumns<'a> {
    pub(super) kind: Vec<&'static str>,
    pub(super) subject: Vec<Option<String>>,
    pub(super) event_id: Vec<Option<Uuid>>,
    pub(super) drift_id: Vec<Option<Cow<'a, str>>>,
    pub(super) handle: Vec<Option<String>>,
    pub(super) actor: Vec<Cow<'a, str>>,
    pub(super) text: Vec<Cow<'a, str>>,
    pub(super) created_at: Vec<Moment>,
    pub(super) data: Vec<String>,
}

impl<'a> JournalColumns<'a> {
    pub(super) fn extend(&mut self, rows: &'a [JournalRow]) {
        for row in rows {
            let JournalRow { kind, at, subject, event, drift_key, actor, text: said, data } = row;
            let subject = subject.as_ref().map(ToString::to_string);
            self.kind.push(kind.as_str());
            self.subject.push(subject.map(|subject| key(&subject).into_owned()));
            self.event_id.push(event.map(|event| event.0));
            self.drift_id.push(keys(drift_key.as_deref()));
            self.handle.push(row.handle());
            self.actor.push(text(actor));
            self.text.push(text(said));
            self.created_at.push(moment(*at));
            self.data.push(json(&data.to_string()).into_owned());
        }
    }
}

impl Inner {
    pub(super) async fn note(&self, rows: &[JournalRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let noted = self.note_in(tx.connection(), rows).await;
        tx.end(noted).await
    }

    /// As [`Inner::note`], in a transaction under way.
    pub(super) async fn note_in(&self, connection: &mut PgConnection, rows: &[JournalRow]) -> Result<()> {
        let mut columns = JournalColumns::default();
        columns.extend(rows);
        let JournalColumns { kind, subject, event_id, drift_id, handle, actor, text, created_at, data } =
            columns;
        self.query(
                "INSERT INTO journal (kind, subject, event_id, drift_id, handle, actor, text, created_at, data)
                    SELECT j.kind, j.subject, j.event_id, j.drift_id, j.handle, j.actor, j.text, j.created_at, j.data::jsonb
                    FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[],
                        $7::text[], $8::timestamptz[], $9::text[])
                        AS j (kind, subject, event_id, drift_id, handle, actor, text, created_at, data)",
            )
            .bind(kind)
            .bind(subject)
            .bind(event_id)
            .bind(drift_id)
            .bind(handle)
            .bind(actor)
            .bind(text)
            .bind(created_at)
            .bind(data)
            .execute(connection)
            .await
            .map(|_| ())
            .map_err(|error| self.explain(error))
    }

    pub(super) async fn journal(
        &self,
        filter: &JournalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<JournalRow>> {
        let JournalFilter { kinds, subject, event, drift_key, handle, since } = filter;
        let select = "SELECT id, kind, subject, event_id, drift_id, actor, text, created_at, data::text \
            FROM journal WHERE kind IS NOT NULL";
        let mut list = Listing::newest_first(select, after);
        list.any_of("kind", kinds.iter().map(|kind| kind.as_str()));
        list.any_of("subject", subject.iter().map(ToString::to_string));
        list.equal("event_id = ", event.map(|event| event.0));
        list.any_of("drift_id", drift_key.iter());
        list.any_of("handle", handle.iter().map(|handle| handle.to_ascii_uppercase()));
        list.moment("created_at >= ", *since);
        list.page(self, limit, |row| self.journal_row(row)).await
    }

    fn journal_row(&self, row: &PgRow) -> Result<JournalRow> {
        let reading = |column| Reading { at: &self.at, column };
        let subject: Option<&str> = self.cell(row, 2)?;
        let event: Option<Uuid> = self.cell(row, 3)?;
        let at: Moment = self.cell(row, 7)?;
        let data: Option<&str> = self.cell(row, 8)?;
        Ok(JournalRow {
            kind: reading("journal.kind").word(self.cell(row, 1)?, JournalKind::parse)?,
            at: at.to_jiff(),
            subject: subject.map(|s| reading("journal.subject").word(s, Subject::parse)).transpose()?,
            event: event.map(EventId),
            drift_key: self.cell(row, 4)?,
            actor: self.cell(row, 5)?,
            text: self.cell(row, 6)?,
            data: data.map(|d| reading("journal.data").json(d)).transpose()?.unwrap_or_default(),
        })
    }
}
