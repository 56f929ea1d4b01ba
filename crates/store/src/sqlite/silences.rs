//! Silences made at run time: written one by one, read back whole.

use async_trait::async_trait;
use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::Stands;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::commit::json;
use super::paging::Listing;
use super::size::Growth;
use super::text::stamp;
use super::writer::Durability;
use super::{Inner, SqliteStore};
use crate::error::Result;
use crate::query::{Cursor, Page};
use crate::rows::JournalRow;
use crate::silences::{SilenceFilter, SilenceStore, conflict, drift_key, read_silence};

#[async_trait]
impl SilenceStore for SqliteStore {
    async fn silences_left(&self, now: Timestamp) -> Result<Vec<MadeSilence>> {
        self.inner.silences_left(now).await
    }

    async fn silences(
        &self,
        filter: &SilenceFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<MadeSilence>> {
        self.inner.silences(filter, after, limit).await
    }

    async fn add_silence(&self, silence: &MadeSilence, journal: &[JournalRow]) -> Result<()> {
        let mut tx = self.inner.begin(Durability::Kept).await?;
        tx.grows(Growth { journal: journal.len() as i64, ..Growth::default() });
        let added = self.inner.add_silence(tx.connection(), silence, journal).await;
        tx.end(added).await
    }

    async fn end_silence(&self, silence: &MadeSilence, journal: &[JournalRow]) -> Result<()> {
        let mut tx = self.inner.begin(Durability::Kept).await?;
        tx.grows(Growth { journal: journal.len() as i64, ..Growth::default() });
        let ended = self.inner.end_silence(tx.connection(), silence, journal).await;
        tx.end(ended).await
    }
}

impl Inner {
    async fn silences_left(&self, now: Timestamp) -> Result<Vec<MadeSilence>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT id, name, silence FROM silences WHERE over_at > ?1 ORDER BY id")
            .bind(stamp(now))
            .fetch_all(&mut *reader)
            .await
            .map_err(|error| self.explain(error))?;
        drop(reader);
        rows.iter().map(|row| self.silence(row)).collect()
    }

    async fn silences(
        &self,
        filter: &SilenceFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<MadeSilence>> {
        let SilenceFilter { stands, name, drift_key, owner } = filter;
        let mut list = Listing::newest_first("SELECT id, name, silence FROM silences", after);
        match *stands {
            None => {}
            Some((Stands::Over, now)) => list.moment("over_at <= ", Some(now)),
            Some((Stands::Coming, now)) => {
                list.moment("over_at > ", Some(now));
                list.moment("starts_at > ", Some(now));
            }
            Some((Stands::InForce, now)) => {
                list.moment("over_at > ", Some(now));
                list.moment("starts_at <= ", Some(now));
            }
        }
        list.any_of("name", name.iter().map(|name| name.to_ascii_uppercase()));
        list.any_of("drift_key", drift_key.iter().cloned());
        list.any_of("owner", owner.iter().cloned());
        list.page(self, limit, |row| self.silence(row)).await
    }

    async fn add_silence(
        &self,
        connection: &mut SqliteConnection,
        silence: &MadeSilence,
        journal: &[JournalRow],
    ) -> Result<()> {
        sqlx::query(
            "INSERT INTO silences (name, drift_key, owner, made_at, starts_at, over_at, silence)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(&*silence.name)
        .bind(drift_key(silence))
        .bind(&*silence.owner)
        .bind(stamp(silence.made_at))
        .bind(stamp(silence.starts))
        .bind(stamp(silence.over_at()))
        .bind(json(silence)?)
        .execute(&mut *connection)
        .await
        .map_err(|error| self.explain(error))?;
        self.note_in(connection, journal).await
    }

    async fn end_silence(
        &self,
        connection: &mut SqliteConnection,
        silence: &MadeSilence,
        journal: &[JournalRow],
    ) -> Result<()> {
        let written = sqlx::query(
            "UPDATE silences SET ended = 1, over_at = ?2, silence = ?3 WHERE name = ?1 AND ended = 0",
        )
        .bind(&*silence.name)
        .bind(stamp(silence.over_at()))
        .bind(json(silence)?)
        .execute(&mut *connection)
        .await
        .map_err(|error| self.explain(error))?;
        if written.rows_affected() == 1 {
            return self.note_in(connection, journal).await;
        }
        let found = sqlx::query("SELECT 1 FROM silences WHERE name = ?1").bind(&*silence.name);
        let found = found.fetch_optional(connection).await.map_err(|error| self.explain(error))?;
        Err(conflict(&silence.name, found.is_some()))
    }

    /// Reads number, name, silence.
    fn silence(&self, row: &SqliteRow) -> Result<MadeSilence> {
        read_silence(&self.at, self.cell(row, 1)?, self.cell(row, 2)?)
    }
}
