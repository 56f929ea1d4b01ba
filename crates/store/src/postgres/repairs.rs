//! Repairs read back: proposals, controls, callbacks. What does not live here: how they are written; that is
//! `repair_commit`.

use evenkeel_core::remediation::Controls;
use jiff::Timestamp;
use jiff_sqlx::Timestamp as Moment;
use sqlx::postgres::PgRow;

use super::Inner;
use super::paging::Listing;
use super::values::moment;
use crate::error::{Error, Result};
use crate::query::{Cursor, Page};
use crate::repairs::{
    Callback, ProposalFilter, ProposalRow, Repairs, SHORTEST, TokenHash, read_key, read_proposal,
};
use crate::text::Reading;

/// Controls and proposals of one moment, hence one statement: the row without a key is the controls'.
const REPAIRS: &str = "SELECT 0::bigint, NULL, revision, updated_at, controls FROM evenkeel_repair_controls
    UNION ALL
    SELECT id, key, revision, updated_at, proposal FROM evenkeel_proposals WHERE id IN (
        SELECT id FROM evenkeel_proposals WHERE phase <> 'over'
        UNION SELECT id FROM evenkeel_proposals WHERE dispatched_at >= $1
        UNION SELECT p.id FROM evenkeel_drifts d
            JOIN evenkeel_proposals p ON p.subject = d.subject AND p.drift_key = d.drift_id
            WHERE d.state = 'open')";

impl Inner {
    pub(super) async fn repairs(&self, since: Timestamp) -> Result<Repairs> {
        let rows = self.read(self.query(REPAIRS).bind(moment(since))).await?;
        let mut repairs = Repairs::default();
        let mut controls = None;
        for row in &rows {
            if self.cell::<Option<&str>>(row, 1)?.is_some() {
                repairs.proposals.push(self.proposal_row(row)?);
                continue;
            }
            let reading = Reading { at: &self.at, column: "evenkeel_repair_controls.controls" };
            let decided = self.cell::<Option<&str>>(row, 4)?;
            let decided = decided.map(|decided| reading.json::<Controls>(decided)).transpose()?;
            controls = Some((decided.unwrap_or_default(), self.cell::<i64>(row, 2)?.cast_unsigned()));
        }
        let Some((controls, controls_revision)) = controls else { return Err(self.without_controls()) };
        // By bytes, whatever the database sorts by.
        repairs.proposals.sort_by(|a, b| a.proposal.key.cmp(&b.proposal.key));
        Ok(Repairs { controls, controls_revision, ..repairs })
    }

    /// Somebody got past the trigger. That nobody decided anything would be a guess.
    pub(super) fn without_controls(&self) -> Error {
        Error::corrupt(&self.at, "evenkeel_repair_controls", "its only row is gone")
    }

    pub(super) async fn callback(&self, token: TokenHash) -> Result<Option<Callback>> {
        let query = "SELECT proposal, expires_at, used_at FROM evenkeel_callbacks WHERE token_hash = $1";
        let rows = self.read(self.query(query).bind(token.hex())).await?;
        let callback = |row: &PgRow| {
            Ok(Callback {
                proposal: read_key(&self.at, self.cell(row, 0)?)?,
                expires_at: self.cell::<Moment>(row, 1)?.to_jiff(),
                used_at: self.cell::<Option<Moment>>(row, 2)?.map(|at| at.to_jiff()),
            })
        };
        rows.first().map(callback).transpose()
    }

    pub(super) async fn proposals(
        &self,
        filter: &ProposalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ProposalRow>> {
        let ProposalFilter { phases, states, subject, drift_key, action, key } = filter;
        let select = "SELECT id, key, revision, updated_at, proposal FROM evenkeel_proposals WHERE true";
        let mut list = Listing::newest_first(select, after);
        list.any_of("phase", phases.iter().map(|phase| phase.as_str()));
        list.any_of("state", states.iter());
        list.any_of("subject", subject.iter());
        list.any_of("drift_key", drift_key.iter());
        list.any_of("action", action.iter());
        match key.as_ref().map(|key| key.to_ascii_uppercase()) {
            Some(key) if key.chars().count() < SHORTEST => list.any_of("key", [key]),
            Some(key) => list.begins("key", &key),
            None => {}
        }
        list.page(self, limit, |row| self.proposal_row(row)).await
    }

    /// Reads number, key, revision, moment, proposal.
    fn proposal_row(&self, row: &PgRow) -> Result<ProposalRow> {
        Ok(ProposalRow {
            proposal: read_proposal(&self.at, self.cell(row, 1)?, self.cell(row, 4)?)?,
            revision: self.cell::<i64>(row, 2)?.cast_unsigned(),
            updated_at: self.cell::<Moment>(row, 3)?.to_jiff(),
        })
    }
}
