//! The journal: what was decided and done.

use evenkeel_core::id::{EventId, Subject};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::Inner;
use super::commit::{fields, json};
use super::paging::Listing;
use super::size::Growth;
use super::text::stamp;
use super::writer::Durability;
use crate::error::Result;
use crate::query::{Cursor, JournalFilter, Page};
use crate::rows::{JournalKind, JournalRow};
use crate::text::Reading;

/// The columns in the order of [`JournalTuple`].
pub(super) const COLUMNS: &str = "kind, subject, event_id, drift_id, handle, actor, text, created_at, data";

/// A row in the order of [`COLUMNS`].
pub(super) type JournalTuple<'a> = (
    &'static str,
    Option<String>,
    Option<String>,
    Option<&'a str>,
    Option<String>,
    &'a str,
    &'a str,
    String,
    &'a serde_json::Value,
);

pub(super) fn tuple(row: &JournalRow) -> JournalTuple<'_> {
    let JournalRow { kind, at, subject, event, drift_key, actor, text, data } = row;
    (
        kind.as_str(),
        subject.as_ref().map(ToString::to_string),
        event.as_ref().map(ToString::to_string),
        drift_key.as_deref(),
        row.handle(),
        actor,
        text,
        stamp(*at),
        data,
    )
}

impl Inner {
    pub(super) async fn note(&self, rows: &[JournalRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin(Durability::Kept).await?;
        tx.grows(Growth { journal: rows.len() as i64, ..Growth::default() });
        let noted = self.note_in(tx.connection(), rows).await;
        tx.end(noted).await
    }

    /// Notes it in a transaction that has more to write.
    pub(super) async fn note_in(&self, connection: &mut SqliteConnection, rows: &[JournalRow]) -> Result<()> {
        let rows = json(&rows.iter().map(tuple).collect::<Vec<_>>())?;
        let insert = format!(
            "INSERT INTO journal ({COLUMNS}) SELECT {}, value -> '$[8]' FROM jsonb_each(?1)",
            fields(8)
        );
        let noted = sqlx::query(AssertSqlSafe(insert)).bind(rows).execute(connection).await;
        noted.map(|_| ()).map_err(|error| self.explain(error))
    }

    pub(super) async fn journal(
        &self,
        filter: &JournalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<JournalRow>> {
        let JournalFilter { kinds, subject, event, drift_key, handle, since } = filter;
        let select =
            "SELECT id, kind, subject, event_id, drift_id, actor, text, created_at, data FROM journal";
        let mut list = Listing::newest_first(select, after);
        list.any_of("kind", kinds.iter().map(|kind| kind.as_str()));
        list.any_of("subject", subject.iter().map(ToString::to_string));
        list.any_of("event_id", event.iter().map(ToString::to_string));
        list.any_of("drift_id", drift_key.iter().cloned());
        list.any_of("handle", handle.iter().map(|handle| handle.to_ascii_uppercase()));
        list.moment("created_at >= ", *since);
        list.page(self, limit, |row| self.journal_row(row)).await
    }

    fn journal_row(&self, row: &SqliteRow) -> Result<JournalRow> {
        let reading = |column| Reading { at: &self.at, column };
        let subject: Option<String> = self.cell(row, 2)?;
        let event: Option<String> = self.cell(row, 3)?;
        let data: Option<String> = self.cell(row, 8)?;
        Ok(JournalRow {
            kind: reading("journal.kind").word(self.cell(row, 1)?, JournalKind::parse)?,
            at: reading("journal.created_at").moment(self.cell(row, 7)?)?,
            subject: subject.map(|s| reading("journal.subject").word(&s, Subject::parse)).transpose()?,
            event: event.map(|e| reading("journal.event_id").uuid(&e)).transpose()?.map(EventId),
            drift_key: self.cell(row, 4)?,
            actor: self.cell(row, 5)?,
            text: self.cell(row, 6)?,
            data: data.map(|d| reading("journal.data").json(&d)).transpose()?.unwrap_or_default(),
        })
    }
}
