//! Silences made at run time: written one by one, read back whole.

use async_trait::async_trait;
use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::Stands;
use jiff::Timestamp;
use sqlx::postgres::{PgConnection, PgRow};

use super::commit::unwritable;
use super::paging::Listing;
use super::values::{key, keys, moment};
use super::{Inner, PgStore};
use crate::error::Result;
use crate::query::{Cursor, Page};
use crate::rows::JournalRow;
use crate::silences::{SilenceFilter, SilenceStore, conflict, drift_key, read_silence};

#[async_trait]
impl SilenceStore for PgStore {
    async fn silences_left(&self, now: Timestamp) -> Result<Vec<MadeSilence>> {
        self.inner.within(self.inner.silences_left(now)).await
    }

    async fn silences(
        &self,
        filter: &SilenceFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<MadeSilence>> {
        self.inner.within(self.inner.silences(filter, after, limit)).await
    }

    async fn add_silence(&self, silence: &MadeSilence, journal: &[JournalRow]) -> Result<()> {
        self.inner.within(self.inner.adding(|| self.inner.add_silence(silence, journal))).await
    }

    async fn end_silence(&self, silence: &MadeSilence, journal: &[JournalRow]) -> Result<()> {
        self.inner.within(self.inner.adding(|| self.inner.end_silence(silence, journal))).await
    }
}

impl Inner {
    async fn silences_left(&self, now: Timestamp) -> Result<Vec<MadeSilence>> {
        let query = "SELECT id, name, silence FROM evenkeel_silences WHERE over_at > $1 ORDER BY id";
        let rows = self.read(self.query(query).bind(moment(now))).await?;
        rows.iter().map(|row| self.silence(row)).collect()
    }

    async fn silences(
        &self,
        filter: &SilenceFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<MadeSilence>> {
        let SilenceFilter { stands, name, drift_key, owner } = filter;
        let select = "SELECT id, name, silence FROM evenkeel_silences WHERE true";
        let mut list = Listing::newest_first(select, after);
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
        list.any_of("drift_key", drift_key.iter());
        list.any_of("owner", owner.iter());
        list.page(self, limit, |row| self.silence(row)).await
    }

    async fn add_silence(&self, silence: &MadeSilence, journal: &[JournalRow]) -> Result<()> {
        let mut tx = self.begin().await?;
        let added = self.add_silence_in(tx.connection(), silence, journal).await;
        tx.end(added).await
    }

    async fn add_silence_in(
        &self,
        connection: &mut PgConnection,
        silence: &MadeSilence,
        journal: &[JournalRow],
    ) -> Result<()> {
        let drift = drift_key(silence);
        self.query(
            "INSERT INTO evenkeel_silences (name, drift_key, owner, made_at, starts_at, over_at, silence)
                VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&*silence.name)
        .bind(keys(drift.as_deref()))
        .bind(key(&silence.owner))
        .bind(moment(silence.made_at))
        .bind(moment(silence.starts))
        .bind(moment(silence.over_at()))
        .bind(serde_json::to_string(silence).map_err(unwritable)?)
        .execute(&mut *connection)
        .await
        .map_err(|error| self.explain(error))?;
        self.note_in(connection, journal).await
    }

    async fn end_silence(&self, silence: &MadeSilence, journal: &[JournalRow]) -> Result<()> {
        let mut tx = self.begin().await?;
        let ended = self.end_silence_in(tx.connection(), silence, journal).await;
        tx.end(ended).await
    }

    async fn end_silence_in(
        &self,
        connection: &mut PgConnection,
        silence: &MadeSilence,
        journal: &[JournalRow],
    ) -> Result<()> {
        let written = self
            .query(
                "UPDATE evenkeel_silences SET ended = true, over_at = $2, silence = $3
                    WHERE name = $1 AND NOT ended",
            )
            .bind(&*silence.name)
            .bind(moment(silence.over_at()))
            .bind(serde_json::to_string(silence).map_err(unwritable)?)
            .execute(&mut *connection)
            .await
            .map_err(|error| self.explain(error))?;
        if written.rows_affected() == 1 {
            return self.note_in(connection, journal).await;
        }
        let found = self.query("SELECT 1 FROM evenkeel_silences WHERE name = $1").bind(&*silence.name);
        let found = found.fetch_optional(connection).await.map_err(|error| self.explain(error))?;
        Err(conflict(&silence.name, found.is_some()))
    }

    /// Reads number, name, silence.
    fn silence(&self, row: &PgRow) -> Result<MadeSilence> {
        read_silence(&self.at, self.cell(row, 1)?, self.cell(row, 2)?)
    }
}
