//! Who is logged in.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::Inner;
use super::size::Growth;
use super::text::stamp;
use super::writer::Durability;
use crate::error::Result;
use crate::repairs::TokenHash;
use crate::rows::JournalRow;
use crate::sessions::{MOST, SessionRow};
use crate::text::Reading;

impl Inner {
    pub(super) async fn begin_session(&self, session: &SessionRow, note: &JournalRow) -> Result<()> {
        let mut tx = self.begin(Durability::Kept).await?;
        tx.grows(Growth { journal: 1, ..Growth::default() });
        let begun = self.begin_session_in(tx.connection(), session, note).await;
        tx.end(begun).await
    }

    async fn begin_session_in(
        &self,
        connection: &mut SqliteConnection,
        session: &SessionRow,
        note: &JournalRow,
    ) -> Result<()> {
        let SessionRow { token, name, credential, created_at, seen_at, ends_at } = session;
        let kept = sqlx::query(
            "INSERT INTO sessions (token_hash, name, credential, created_at, seen_at, ends_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(token.hex())
        .bind(name)
        .bind(credential)
        .bind(stamp(*created_at))
        .bind(stamp(*seen_at))
        .bind(stamp(*ends_at))
        .execute(&mut *connection)
        .await;
        kept.map_err(|error| self.explain(error))?;
        let thinned = sqlx::query(
            "DELETE FROM sessions WHERE token_hash IN (SELECT token_hash FROM sessions WHERE name = ?1
                ORDER BY created_at DESC, token_hash LIMIT -1 OFFSET ?2)",
        )
        .bind(name)
        .bind(MOST)
        .execute(&mut *connection)
        .await;
        thinned.map_err(|error| self.explain(error))?;
        self.note_in(connection, std::slice::from_ref(note)).await
    }

    pub(super) async fn session(&self, token: TokenHash) -> Result<Option<SessionRow>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query(
            "SELECT name, credential, created_at, seen_at, ends_at FROM sessions WHERE token_hash = ?1",
        )
        .bind(token.hex())
        .fetch_optional(&mut *reader)
        .await
        .map_err(|error| self.explain(error))?;
        let Some(row) = row else { return Ok(None) };
        let reading = |column| Reading { at: &self.at, column };
        Ok(Some(SessionRow {
            token,
            name: self.cell(&row, 0)?,
            credential: self.cell(&row, 1)?,
            created_at: reading("sessions.created_at").moment(self.cell(&row, 2)?)?,
            seen_at: reading("sessions.seen_at").moment(self.cell(&row, 3)?)?,
            ends_at: reading("sessions.ends_at").moment(self.cell(&row, 4)?)?,
        }))
    }

    pub(super) async fn touch_session(&self, token: TokenHash, at: Timestamp) -> Result<()> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        let touched = sqlx::query("UPDATE sessions SET seen_at = ?2 WHERE token_hash = ?1 AND seen_at < ?2")
            .bind(token.hex())
            .bind(stamp(at))
            .execute(tx.connection())
            .await;
        tx.end(touched.map(|_| ()).map_err(|error| self.explain(error))).await
    }

    pub(super) async fn end_session(&self, token: TokenHash, note: &JournalRow) -> Result<bool> {
        let mut tx = self.begin(Durability::Kept).await?;
        let ended = self.end_session_in(tx.connection(), token, note).await;
        if matches!(ended, Ok(true)) {
            tx.grows(Growth { journal: 1, ..Growth::default() });
        }
        tx.end(ended).await
    }

    async fn end_session_in(
        &self,
        connection: &mut SqliteConnection,
        token: TokenHash,
        note: &JournalRow,
    ) -> Result<bool> {
        let gone = sqlx::query("DELETE FROM sessions WHERE token_hash = ?1").bind(token.hex());
        let gone = gone.execute(&mut *connection).await.map_err(|error| self.explain(error))?;
        if gone.rows_affected() == 0 {
            return Ok(false);
        }
        self.note_in(connection, std::slice::from_ref(note)).await?;
        Ok(true)
    }
}
