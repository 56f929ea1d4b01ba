//! One step of repairs in one transaction. Of two at the same time one waits for the other; steps are few.

use std::collections::HashMap;

use evenkeel_core::remediation::Proposal;
use jiff::Timestamp;
use sqlx::postgres::PgConnection;

use super::Inner;
use super::commit::unwritable;
use super::hint::SAY;
use super::values::{key, keys, moment};
use crate::error::{Error, Result};
use crate::repairs::{ControlsChange, NewCallback, NewNotice, ProposalChange, RepairCommit, TokenHash};

/// A callback's revisions; 0 is an unknown one.
const UNUSED: u64 = 1;
const USED: u64 = 2;

/// What it is about does not change.
const PROPOSALS: &str = "INSERT INTO evenkeel_proposals (key, revision, drift_key, subject, host, action, state, phase,
        created_at, updated_at, dispatched_at, proposal)
    SELECT p.key, p.revision, p.drift_key, p.subject, p.host, p.action, p.state, p.phase, p.created_at, $12,
        p.dispatched_at, p.proposal
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::timestamptz[], $10::timestamptz[], $11::text[]) WITH ORDINALITY
        AS p (key, revision, drift_key, subject, host, action, state, phase, created_at, dispatched_at, proposal, place)
    ORDER BY p.place
    ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, state = excluded.state, phase = excluded.phase,
        updated_at = excluded.updated_at, dispatched_at = excluded.dispatched_at, proposal = excluded.proposal";

const NOTICES: &str = "INSERT INTO evenkeel_notices (notice_id, created_at, body)
    SELECT n.id, n.at, n.body FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) WITH ORDINALITY
        AS n (id, at, body, place) ORDER BY n.place";

const TOLD: &str = "INSERT INTO evenkeel_deliveries (sink, drift_key, notice_seq, created_at, due_at)
    SELECT d.sink, d.drift_key, n.id, $4, $4 FROM unnest($1::text[], $2::text[], $3::uuid[]) WITH ORDINALITY
        AS d (sink, drift_key, notice, place) JOIN evenkeel_notices n ON n.notice_id = d.notice ORDER BY d.place";

impl Inner {
    pub(super) async fn commit_repair(&self, step: &RepairCommit) -> Result<()> {
        let mut tx = self.begin().await?;
        let written = self.write_step(tx.connection(), step).await;
        tx.end(written).await
    }

    async fn write_step(&self, connection: &mut PgConnection, step: &RepairCommit) -> Result<()> {
        let RepairCommit { proposals, controls, callbacks, used, journal, notices, at } = step;
        let found = self.take_turn(connection).await?;
        if !proposals.is_empty() {
            self.write_proposals(connection, proposals, *at).await?;
        }
        if let Some(change) = controls {
            self.write_controls(connection, change, found, *at).await?;
        }
        if !callbacks.is_empty() {
            self.write_callbacks(connection, callbacks).await?;
        }
        if let Some(token) = used {
            self.use_up(connection, *token, *at).await?;
        }
        if !journal.is_empty() {
            self.note_in(connection, journal).await?;
        }
        self.write_notices(connection, notices, *at).await
    }

    /// Waits for whoever writes a step; what is read from here on is what that one left. Returns the revision of the
    /// controls.
    async fn take_turn(&self, connection: &mut PgConnection) -> Result<u64> {
        let lock = self.query("SELECT revision FROM evenkeel_repair_controls WHERE id = 1 FOR UPDATE");
        let row = lock.fetch_optional(connection).await.map_err(|error| self.explain(error))?;
        let row = row.ok_or_else(|| self.without_controls())?;
        Ok(self.cell::<i64>(&row, 0)?.cast_unsigned())
    }

    async fn write_proposals(
        &self,
        connection: &mut PgConnection,
        changes: &[ProposalChange],
        at: Timestamp,
    ) -> Result<()> {
        let found = self.proposal_revisions(connection, changes).await?;
        let rows = admitted(changes, found)?;
        let proposals = || rows.iter().map(|(proposal, _)| *proposal);
        let bodies = proposals().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
        let about = |proposal: &Proposal| key(&proposal.id.drift.subject.to_string()).into_owned();
        let host = |p: &Proposal| {
            keys(p.id.drift.subject.host().map(|host| host.as_str())).map(|host| host.into_owned())
        };
        self.query(PROPOSALS)
            .bind(proposals().map(|p| key(p.key.as_str())).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, revision)| revision.cast_signed()).collect::<Vec<_>>())
            .bind(proposals().map(|p| key(&p.id.drift.to_string()).into_owned()).collect::<Vec<_>>())
            .bind(proposals().map(about).collect::<Vec<_>>())
            .bind(proposals().map(host).collect::<Vec<_>>())
            .bind(proposals().map(|p| key(&p.content.action)).collect::<Vec<_>>())
            .bind(proposals().map(|p| p.state().as_str()).collect::<Vec<_>>())
            .bind(proposals().map(|p| p.phase().as_str()).collect::<Vec<_>>())
            .bind(proposals().map(|p| moment(p.created_at)).collect::<Vec<_>>())
            .bind(proposals().map(|p| p.state().run().map(|run| moment(run.at))).collect::<Vec<_>>())
            .bind(bodies.map_err(unwritable)?)
            .bind(moment(at))
            .execute(connection)
            .await
            .map(|_| ())
            .map_err(|error| self.explain(error))
    }

    async fn proposal_revisions(
        &self,
        connection: &mut PgConnection,
        changes: &[ProposalChange],
    ) -> Result<HashMap<String, u64>> {
        let names: Vec<_> = changes.iter().map(|change| key(change.proposal.key.as_str())).collect();
        let rows = self
            .query("SELECT key, revision FROM evenkeel_proposals WHERE key = ANY($1)")
            .bind(names)
            .fetch_all(connection)
            .await
            .map_err(|error| self.explain(error))?;
        rows.iter().map(|row| Ok((self.cell(row, 0)?, self.cell::<i64>(row, 1)?.cast_unsigned()))).collect()
    }

    async fn write_controls(
        &self,
        connection: &mut PgConnection,
        change: &ControlsChange,
        found: u64,
        at: Timestamp,
    ) -> Result<()> {
        let ControlsChange { expected_revision: expected, controls } = change;
        if found != *expected {
            let what = "what holds repairs back".to_owned();
            return Err(Error::Conflict { what, expected: *expected, found });
        }
        self.query(
            "UPDATE evenkeel_repair_controls SET revision = revision + 1, updated_at = $1, controls = $2",
        )
        .bind(moment(at))
        .bind(serde_json::to_string(controls).map_err(unwritable)?)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(|error| self.explain(error))
    }

    /// The database refuses a token twice, and a proposal that is not there.
    async fn write_callbacks(&self, connection: &mut PgConnection, callbacks: &[NewCallback]) -> Result<()> {
        let (mut tokens, mut proposals, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for NewCallback { token, proposal, expires_at } in callbacks {
            tokens.push(token.hex());
            proposals.push(key(proposal.as_str()));
            ends.push(moment(*expires_at));
        }
        self.query(
            "INSERT INTO evenkeel_callbacks (token_hash, proposal, expires_at)
                SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])",
        )
        .bind(tokens)
        .bind(proposals)
        .bind(ends)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(|error| self.explain(error))
    }

    async fn use_up(&self, connection: &mut PgConnection, token: TokenHash, at: Timestamp) -> Result<()> {
        let token = token.hex();
        let used = self
            .query("UPDATE evenkeel_callbacks SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL")
            .bind(&token)
            .bind(moment(at))
            .execute(&mut *connection)
            .await
            .map_err(|error| self.explain(error))?;
        if used.rows_affected() == 1 {
            return Ok(());
        }
        let known = self.query("SELECT 1 FROM evenkeel_callbacks WHERE token_hash = $1").bind(token);
        let known = known.fetch_optional(connection).await.map_err(|error| self.explain(error))?;
        let found = known.map_or(0, |_| USED);
        Err(Error::Conflict { what: "the callback".to_owned(), expected: UNUSED, found })
    }

    async fn write_notices(
        &self,
        connection: &mut PgConnection,
        notices: &[NewNotice],
        at: Timestamp,
    ) -> Result<()> {
        let (mut ids, mut moments, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        let (mut told, mut orders, mut of) = (Vec::new(), Vec::new(), Vec::new());
        for NewNotice { notice, sinks } in notices.iter().filter(|notice| !notice.sinks.is_empty()) {
            ids.push(notice.id.0);
            moments.push(moment(notice.at));
            bodies.push(serde_json::to_string(notice).map_err(unwritable)?);
            for sink in sinks {
                told.push(key(sink));
                orders.push(key(&notice.order_key()).into_owned());
                of.push(notice.id.0);
            }
        }
        if ids.is_empty() {
            return Ok(());
        }
        let explain = |error| self.explain(error);
        let kept = self.query(NOTICES).bind(ids).bind(moments).bind(bodies);
        kept.execute(&mut *connection).await.map_err(explain)?;
        let told = self.query(TOLD).bind(told).bind(orders).bind(of).bind(moment(at));
        told.execute(&mut *connection).await.map_err(explain)?;
        self.query(SAY).bind(&*self.channel).execute(connection).await.map(|_| ()).map_err(explain)
    }
}

/// The proposals to be written, each with the revision it gets. A later change of one builds on the earlier, and counts.
fn admitted(changes: &[ProposalChange], mut found: HashMap<String, u64>) -> Result<Vec<(&Proposal, u64)>> {
    let mut rows: Vec<(&Proposal, u64)> = Vec::new();
    for ProposalChange { expected_revision: expected, proposal } in changes {
        let revision = found.entry(key(proposal.key.as_str()).into_owned()).or_insert(0);
        if *revision != *expected {
            let what = format!("proposal {}", proposal.key);
            return Err(Error::Conflict { what, expected: *expected, found: *revision });
        }
        *revision += 1;
        match rows.iter_mut().find(|(other, _)| other.key == proposal.key) {
            Some(row) => *row = (proposal, *revision),
            None => rows.push((proposal, *revision)),
        }
    }
    Ok(rows)
}
