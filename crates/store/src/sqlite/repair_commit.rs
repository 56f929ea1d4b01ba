//! One step of repairs in one transaction. Steps are few and small, so each row is a statement of its own.

use evenkeel_core::remediation::Proposal;
use sqlx::sqlite::SqliteConnection;

use super::Inner;
use super::commit::json;
use super::size::Growth;
use super::text::stamp;
use super::writer::Durability;
use crate::error::{Error, Result};
use crate::repairs::{ControlsChange, NewCallback, NewNotice, ProposalChange, RepairCommit, TokenHash};

/// A callback's revisions; 0 is an unknown one.
const UNUSED: u64 = 1;
const USED: u64 = 2;

impl Inner {
    pub(super) async fn commit_repair(&self, step: &RepairCommit) -> Result<()> {
        let mut tx = self.begin(Durability::Kept).await?;
        tx.grows(growth(step));
        let written = self.write_step(tx.connection(), step).await;
        tx.end(written).await
    }

    async fn write_step(&self, connection: &mut SqliteConnection, step: &RepairCommit) -> Result<()> {
        let RepairCommit { proposals, controls, callbacks, used, journal, notices, at } = step;
        let at = &*stamp(*at);
        for change in proposals {
            self.write_proposal(connection, change, at).await?;
        }
        if let Some(change) = controls {
            self.write_controls(connection, change, at).await?;
        }
        for callback in callbacks {
            self.write_callback(connection, callback).await?;
        }
        if let Some(token) = used {
            self.use_up(connection, *token, at).await?;
        }
        if !journal.is_empty() {
            self.note_in(connection, journal).await?;
        }
        for notice in notices.iter().filter(|notice| !notice.sinks.is_empty()) {
            self.write_notice(connection, notice, at).await?;
        }
        Ok(())
    }

    async fn write_proposal(
        &self,
        connection: &mut SqliteConnection,
        change: &ProposalChange,
        at: &str,
    ) -> Result<()> {
        let ProposalChange { expected_revision: expected, proposal } = change;
        let Proposal { id, key, content, created_at, .. } = proposal;
        let dispatched = proposal.state().run().map(|run| stamp(run.at));
        let body = json(proposal)?;
        let (state, phase) = (proposal.state().as_str(), proposal.phase().as_str());
        let write = match expected {
            // What it is about does not change.
            0 => sqlx::query(
                "INSERT INTO proposals (key, revision, updated_at, state, phase, dispatched_at, proposal,
                        drift_key, subject, host, action, created_at)
                    VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (key) DO NOTHING",
            ),
            _ => sqlx::query(
                "UPDATE proposals SET revision = revision + 1, updated_at = ?2, state = ?3, phase = ?4,
                    dispatched_at = ?5, proposal = ?6 WHERE key = ?1 AND revision = ?7",
            ),
        };
        let write = write.bind(key.as_str()).bind(at).bind(state).bind(phase).bind(dispatched).bind(body);
        let write = match expected {
            0 => {
                let host = id.drift.subject.host().map(|host| host.as_str());
                let write = write.bind(id.drift.to_string()).bind(id.drift.subject.to_string()).bind(host);
                write.bind(&*content.action).bind(stamp(*created_at))
            }
            expected => write.bind(expected.cast_signed()),
        };
        let written = write.execute(&mut *connection).await.map_err(|error| self.explain(error))?;
        if written.rows_affected() == 1 {
            return Ok(());
        }
        let found = sqlx::query_scalar("SELECT revision FROM proposals WHERE key = ?1").bind(key.as_str());
        let found: Option<i64> =
            found.fetch_optional(connection).await.map_err(|error| self.explain(error))?;
        Err(conflict(format!("proposal {key}"), *expected, found))
    }

    async fn write_controls(
        &self,
        connection: &mut SqliteConnection,
        change: &ControlsChange,
        at: &str,
    ) -> Result<()> {
        let ControlsChange { expected_revision: expected, controls } = change;
        let write = match expected {
            0 => {
                "INSERT INTO repair_controls (id, revision, updated_at, controls) VALUES (1, ?1 + 1, ?2, ?3)
                    ON CONFLICT (id) DO NOTHING"
            }
            _ => {
                "UPDATE repair_controls SET revision = ?1 + 1, updated_at = ?2, controls = ?3 WHERE revision = ?1"
            }
        };
        let write = sqlx::query(write).bind(expected.cast_signed()).bind(at).bind(json(controls)?);
        let written = write.execute(&mut *connection).await.map_err(|error| self.explain(error))?;
        if written.rows_affected() == 1 {
            return Ok(());
        }
        let found = sqlx::query_scalar("SELECT revision FROM repair_controls");
        let found: Option<i64> =
            found.fetch_optional(connection).await.map_err(|error| self.explain(error))?;
        Err(conflict("what holds repairs back".to_owned(), *expected, found))
    }

    /// The database refuses a token twice, and a proposal that is not there.
    async fn write_callback(&self, connection: &mut SqliteConnection, callback: &NewCallback) -> Result<()> {
        let NewCallback { token, proposal, expires_at } = callback;
        let insert = "INSERT INTO callbacks (token_hash, proposal, expires_at) VALUES (?1, ?2, ?3)";
        let insert = sqlx::query(insert).bind(token.hex()).bind(proposal.as_str()).bind(stamp(*expires_at));
        insert.execute(connection).await.map(|_| ()).map_err(|error| self.explain(error))
    }

    async fn use_up(&self, connection: &mut SqliteConnection, token: TokenHash, at: &str) -> Result<()> {
        let token = token.hex();
        let used = sqlx::query("UPDATE callbacks SET used_at = ?2 WHERE token_hash = ?1 AND used_at IS NULL")
            .bind(&token)
            .bind(at)
            .execute(&mut *connection)
            .await
            .map_err(|error| self.explain(error))?;
        if used.rows_affected() == 1 {
            return Ok(());
        }
        let known = sqlx::query_scalar("SELECT ?2 FROM callbacks WHERE token_hash = ?1").bind(token);
        let known = known.bind(USED.cast_signed()).fetch_optional(connection).await;
        Err(conflict("the callback".to_owned(), UNUSED, known.map_err(|error| self.explain(error))?))
    }

    async fn write_notice(
        &self,
        connection: &mut SqliteConnection,
        notice: &NewNotice,
        at: &str,
    ) -> Result<()> {
        let NewNotice { notice, sinks } = notice;
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO notices (notice_id, created_at, body) VALUES (?1, ?2, ?3) RETURNING id",
        )
        .bind(notice.id.to_string())
        .bind(stamp(notice.at))
        .bind(json(notice)?)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| self.explain(error))?;
        let order = notice.order_key();
        for sink in sinks {
            sqlx::query(
                "INSERT INTO deliveries (sink, drift_key, created_at, due_at, event_seq, notice_seq)
                    VALUES (?1, ?2, ?3, ?3, 0, ?4)",
            )
            .bind(sink)
            .bind(&order)
            .bind(at)
            .bind(number)
            .execute(&mut *connection)
            .await
            .map_err(|error| self.explain(error))?;
        }
        Ok(())
    }
}

/// By how many rows it makes the tables grow.
fn growth(step: &RepairCommit) -> Growth {
    let told = step.notices.iter().filter(|notice| !notice.sinks.is_empty());
    Growth {
        proposals: step.proposals.iter().filter(|change| change.expected_revision == 0).count() as i64,
        journal: step.journal.len() as i64,
        notices: told.clone().count() as i64,
        deliveries: told.map(|notice| notice.sinks.len() as i64).sum(),
        ..Growth::default()
    }
}

/// Nothing found is revision 0.
fn conflict(what: String, expected: u64, found: Option<i64>) -> Error {
    Error::Conflict { what, expected, found: found.map_or(0, i64::cast_unsigned) }
}
