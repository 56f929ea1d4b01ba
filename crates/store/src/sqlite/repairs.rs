//! Repairs read back: proposals, controls, callbacks. What does not live here: how they are written; that is
//! [`super::repair_commit`].

use evenkeel_core::remediation::Controls;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::Inner;
use super::paging::Listing;
use super::text::stamp;
use crate::error::Result;
use crate::query::{Cursor, Page};
use crate::repairs::{
    Callback, ProposalFilter, ProposalRow, Repairs, SHORTEST, TokenHash, read_key, read_proposal,
};
use crate::text::Reading;

/// Controls and proposals of one moment, hence one statement: the row with an empty key is the controls'.
const REPAIRS: &str = "SELECT 0, '' AS key, revision, updated_at, controls FROM repair_controls
    UNION ALL
    SELECT id, key, revision, updated_at, proposal FROM proposals WHERE id IN (
        SELECT id FROM proposals WHERE phase <> 'over'
        UNION SELECT id FROM proposals WHERE dispatched_at >= ?1
        UNION SELECT p.id FROM drifts d JOIN proposals p ON p.subject = d.subject AND p.drift_key = d.drift_id
            WHERE d.state = 'open')
    ORDER BY key";

impl Inner {
    pub(super) async fn repairs(&self, since: Timestamp) -> Result<Repairs> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(REPAIRS).bind(stamp(since)).fetch_all(&mut *reader).await;
        let rows = rows.map_err(|error| self.explain(error))?;
        drop(reader);
        let mut repairs = Repairs::default();
        for row in &rows {
            if self.cell::<i64>(row, 0)? == 0 {
                let reading = Reading { at: &self.at, column: "repair_controls.controls" };
                repairs.controls = reading.json::<Controls>(self.cell(row, 4)?)?;
                repairs.controls_revision = self.cell::<i64>(row, 2)?.cast_unsigned();
            } else {
                repairs.proposals.push(self.proposal_row(row)?);
            }
        }
        Ok(repairs)
    }

    pub(super) async fn callback(&self, token: TokenHash) -> Result<Option<Callback>> {
        let mut reader = self.reader().await?;
        let row = sqlx::query("SELECT proposal, expires_at, used_at FROM callbacks WHERE token_hash = ?1")
            .bind(token.hex())
            .fetch_optional(&mut *reader)
            .await
            .map_err(|error| self.explain(error))?;
        let reading = |column| Reading { at: &self.at, column };
        row.map(|row| {
            Ok(Callback {
                proposal: read_key(&self.at, self.cell(&row, 0)?)?,
                expires_at: reading("callbacks.expires_at").moment(self.cell(&row, 1)?)?,
                used_at: reading("callbacks.used_at").moments(self.cell(&row, 2)?)?,
            })
        })
        .transpose()
    }

    pub(super) async fn proposals(
        &self,
        filter: &ProposalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ProposalRow>> {
        let ProposalFilter { phases, states, subject, drift_key, action, key } = filter;
        let select = "SELECT id, key, revision, updated_at, proposal FROM proposals";
        let mut list = Listing::newest_first(select, after);
        list.any_of("phase", phases.iter().map(|phase| phase.as_str()));
        list.any_of("state", states.iter().cloned());
        list.any_of("subject", subject.iter().cloned());
        list.any_of("drift_key", drift_key.iter().cloned());
        list.any_of("action", action.iter().cloned());
        match key.as_ref().map(|key| key.to_ascii_uppercase()) {
            Some(key) if key.chars().count() < SHORTEST => list.any_of("key", [key]),
            Some(key) => list.begins("key", &key),
            None => {}
        }
        list.page(self, limit, |row| self.proposal_row(row)).await
    }

    /// Reads id, key, revision, moment, proposal.
    fn proposal_row(&self, row: &SqliteRow) -> Result<ProposalRow> {
        Ok(ProposalRow {
            proposal: read_proposal(&self.at, self.cell(row, 1)?, self.cell(row, 4)?)?,
            revision: self.cell::<i64>(row, 2)?.cast_unsigned(),
            updated_at: Reading { at: &self.at, column: "proposals.updated_at" }
                .moment(self.cell(row, 3)?)?,
        })
    }
}
