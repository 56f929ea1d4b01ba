//! The journal: what was decided and done.

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite};

use evenkeel_core::id::{EventId, Subject};

use super::Inner;
use super::commit::json;
use super::queries::{any_of, page, start};
use super::text::{Reading, stamp};
use super::writer::Durability;
use crate::error::Result;
use crate::query::{Cursor, JournalFilter, Page};
use crate::rows::{JournalKind, JournalRow};

/// A row in the column order of the insert.
pub(super) type JournalTuple<'a> = (
    &'static str,
    Option<String>,
    Option<String>,
    Option<&'a str>,
    &'a str,
    &'a str,
    &'a serde_json::Value,
    String,
);

pub(super) fn tuple(row: &JournalRow) -> JournalTuple<'_> {
    let JournalRow { kind, at, subject, event, drift_key, actor, text, data } = row;
    (
        kind.as_str(),
        subject.as_ref().map(ToString::to_string),
        event.as_ref().map(ToString::to_string),
        drift_key.as_deref(),
        actor,
        text,
        data,
        stamp(*at),
    )
}

impl Inner {
    pub(super) async fn note(&self, rows: &[JournalRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let rows = json(&rows.iter().map(tuple).collect::<Vec<_>>())?;
        let mut tx = self.begin(Durability::Kept).await?;
        let noted = sqlx::query(
            "INSERT INTO journal (kind, subject, event_id, drift_id, actor, text, data, created_at)
                SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value -> 6,
                    value ->> 7 FROM jsonb_each(?1)",
        )
        .bind(rows)
        .execute(tx.connection())
        .await;
        tx.end(noted.map(|_| ()).map_err(|error| self.explain(error))).await
    }

    pub(super) async fn journal(
        &self,
        filter: &JournalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<JournalRow>> {
        let Some(before) = start(after, i64::MAX) else {
            return Ok(Page { rows: Vec::new(), next: None });
        };
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT id, kind, subject, event_id, drift_id, actor, text, data, created_at FROM journal WHERE id < ",
        );
        query.push_bind(before);
        any_of(&mut query, "kind", filter.kinds.iter().map(|kind| kind.as_str()));
        any_of(&mut query, "subject", filter.subject.iter().map(ToString::to_string));
        any_of(&mut query, "event_id", filter.event.iter().map(ToString::to_string));
        any_of(&mut query, "drift_id", filter.drift_key.iter().cloned());
        query.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit) + 1);
        let mut reader = self.reader().await?;
        let rows = query.build().fetch_all(&mut *reader).await.map_err(|error| self.explain(error))?;
        page(rows, limit, |row| self.journal_row(row))
    }

    fn journal_row(&self, row: &SqliteRow) -> Result<JournalRow> {
        let reading = |column| Reading { at: &self.at, column };
        let subject: Option<String> = self.cell(row, 2)?;
        let event: Option<String> = self.cell(row, 3)?;
        let data: Option<String> = self.cell(row, 7)?;
        Ok(JournalRow {
            kind: reading("journal.kind").word(self.cell(row, 1)?, JournalKind::parse)?,
            at: reading("journal.created_at").moment(self.cell(row, 8)?)?,
            subject: subject.map(|s| reading("journal.subject").word(&s, Subject::parse)).transpose()?,
            event: event.map(|e| reading("journal.event_id").uuid(&e)).transpose()?.map(EventId),
            drift_key: self.cell(row, 4)?,
            actor: self.cell(row, 5)?,
            text: self.cell(row, 6)?,
            data: data.map(|d| reading("journal.data").json(&d)).transpose()?.unwrap_or_default(),
        })
    }
}
