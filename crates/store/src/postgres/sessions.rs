//! Who is logged in. Written by every replica: who leads decides what is known of the world, not who may look at it.

use jiff::Timestamp;
use jiff_sqlx::Timestamp as Moment;
use sqlx::postgres::PgConnection;

use super::Inner;
use super::session::Tx;
use super::values::{moment, text};
use crate::error::Result;
use crate::repairs::TokenHash;
use crate::rows::JournalRow;
use crate::sessions::{MOST, SessionRow};

impl Inner {
    /// Begins a transaction that every replica may begin.
    async fn begin_shared(&self) -> Result<Tx<'_>> {
        if self.read_only {
            return Err(self.reads_only());
        }
        self.begin_unfenced().await
    }

    pub(super) async fn begin_session(&self, session: &SessionRow, note: &JournalRow) -> Result<()> {
        let mut tx = self.begin_shared().await?;
        let begun = self.begin_session_in(tx.connection(), session, note).await;
        tx.end(begun).await
    }

    async fn begin_session_in(
        &self,
        connection: &mut PgConnection,
        session: &SessionRow,
        note: &JournalRow,
    ) -> Result<()> {
        let SessionRow { token, name, credential, created_at, seen_at, ends_at } = session;
        let kept = self
            .query(
                "INSERT INTO evenkeel_sessions (token_hash, name, credential, created_at, seen_at, ends_at)
                    VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(token.hex())
            .bind(text(name))
            .bind(text(credential))
            .bind(moment(*created_at))
            .bind(moment(*seen_at))
            .bind(moment(*ends_at))
            .execute(&mut *connection)
            .await;
        kept.map_err(|error| self.explain(error))?;
        let thinned = self
            .query(
                "DELETE FROM evenkeel_sessions WHERE id IN (SELECT id FROM evenkeel_sessions WHERE name = $1
                    ORDER BY created_at DESC, token_hash OFFSET $2)",
            )
            .bind(text(name))
            .bind(MOST)
            .execute(&mut *connection)
            .await;
        thinned.map_err(|error| self.explain(error))?;
        self.note_in(connection, std::slice::from_ref(note)).await
    }

    pub(super) async fn session(&self, token: TokenHash) -> Result<Option<SessionRow>> {
        let rows = self
            .read(
                self.query(
                    "SELECT name, credential, created_at, seen_at, ends_at FROM evenkeel_sessions WHERE token_hash = $1",
                )
                .bind(token.hex()),
            )
            .await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let at = |column| self.cell::<Moment>(row, column).map(|at| at.to_jiff());
        Ok(Some(SessionRow {
            token,
            name: self.cell(row, 0)?,
            credential: self.cell(row, 1)?,
            created_at: at(2)?,
            seen_at: at(3)?,
            ends_at: at(4)?,
        }))
    }

    pub(super) async fn touch_session(&self, token: TokenHash, at: Timestamp) -> Result<()> {
        let mut tx = self.begin_shared().await?;
        let touched = self
            .query("UPDATE evenkeel_sessions SET seen_at = $2 WHERE token_hash = $1 AND seen_at < $2")
            .bind(token.hex())
            .bind(moment(at))
            .execute(tx.connection())
            .await;
        tx.end(touched.map(|_| ()).map_err(|error| self.explain(error))).await
    }

    pub(super) async fn end_session(&self, token: TokenHash, note: &JournalRow) -> Result<bool> {
        let mut tx = self.begin_shared().await?;
        let ended = self.end_session_in(tx.connection(), token, note).await;
        tx.end(ended).await
    }

    async fn end_session_in(
        &self,
        connection: &mut PgConnection,
        token: TokenHash,
        note: &JournalRow,
    ) -> Result<bool> {
        let gone = self.query("DELETE FROM evenkeel_sessions WHERE token_hash = $1").bind(token.hex());
        let gone = gone.execute(&mut *connection).await.map_err(|error| self.explain(error))?;
        if gone.rows_affected() == 0 {
            return Ok(false);
        }
        self.note_in(connection, std::slice::from_ref(note)).await?;
        Ok(true)
    }

    pub(super) async fn note_at_door(&self, row: &JournalRow) -> Result<()> {
        let mut tx = self.begin_shared().await?;
        let noted = self.note_in(tx.connection(), std::slice::from_ref(row)).await;
        tx.end(noted).await
    }
}
