//! The outbox: what is due, who has it, how it ended.

use std::collections::HashMap;
use std::time::Duration;

use evenkeel_core::id::EventId;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Sqlite};

use super::Inner;
use super::commit::json;
use super::paging::Listing;
use super::text::stamp;
use super::writer::Durability;
use crate::error::{Error, Result};
use crate::query::{Cursor, DeliveryFilter, DeliveryState, Page};
use crate::text::Reading;
use crate::types::{Claimed, DeliveryRow, OutboxDepth, Outcome, Resend, Ticket};

/// Makes what a controller that is gone had claimed due again.
pub(super) const RECLAIM: &str = "UPDATE deliveries SET due_at = claimed_at, claimed_at = NULL \
    WHERE state = 'pending' AND claimed_at IS NOT NULL";

/// The sinks with something pending, found by leaps over the index instead of a walk through it.
const SINKS: &str = "WITH RECURSIVE sinks(sink) AS (
        SELECT min(sink) FROM deliveries WHERE state = 'pending'
        UNION ALL
        SELECT (SELECT min(d.sink) FROM deliveries d WHERE d.state = 'pending' AND d.sink > s.sink)
        FROM sinks s WHERE s.sink IS NOT NULL
    ) SELECT sink FROM sinks WHERE sink IS NOT NULL";

const NEXT_DUE: &str = "SELECT d.due_at FROM deliveries d
    WHERE d.state = 'pending' AND d.sink = ?1 AND NOT EXISTS (
        SELECT 1 FROM deliveries e
        WHERE e.state = 'pending' AND e.sink = d.sink AND e.drift_key = d.drift_key AND e.id < d.id)
    ORDER BY d.due_at, d.id LIMIT 1";

const CLAIM: &str = "UPDATE deliveries SET attempts = attempts + 1, claimed_at = ?2, due_at = ?3
    WHERE id IN (
        SELECT d.id FROM deliveries d
        WHERE d.state = 'pending' AND d.sink = ?1 AND d.due_at <= ?2 AND NOT EXISTS (
            SELECT 1 FROM deliveries e
            WHERE e.state = 'pending' AND e.sink = d.sink AND e.drift_key = d.drift_key AND e.id < d.id)
        ORDER BY d.due_at, d.id LIMIT ?4)
    RETURNING id, attempts, sink,
        coalesce((SELECT e.event_id FROM event_log e WHERE e.id = event_seq),
            (SELECT n.notice_id FROM notices n WHERE n.id = notice_seq)),
        drift_key,
        coalesce((SELECT e.body FROM event_log e WHERE e.id = event_seq),
            (SELECT n.body FROM notices n WHERE n.id = notice_seq)),
        coalesce(resent_at, created_at)";

/// What waits and what is dead, for each sink. A dead row is said to be settled as well: the index of those is used only
/// where the condition repeats its own, and otherwise every delivery ever kept is walked through.
const DEPTHS: &str = "SELECT sink, 'pending', count(*), min(coalesce(resent_at, created_at)) FROM deliveries WHERE state = 'pending' \
        GROUP BY sink
    UNION ALL
    SELECT sink, 'dead', count(*), NULL FROM deliveries WHERE state = 'dead' AND state <> 'pending' GROUP BY sink";

const DELIVERIES: &str = "SELECT id, sink, coalesce((SELECT e.event_id FROM event_log e WHERE e.id = event_seq), \
    (SELECT n.notice_id FROM notices n WHERE n.id = notice_seq)), drift_key, state, attempts, created_at, due_at, claimed_at, settled_at, first_error, last_error FROM deliveries";

/// Deliveries of an event or notice whose id follows.
const OF_EVENT: &str = "id IN (SELECT d.id FROM deliveries d JOIN (
        SELECT e.event_id AS told, e.id AS event_seq, NULL AS notice_seq FROM event_log e
        UNION ALL SELECT n.notice_id, NULL, n.id FROM notices n) t
    ON d.event_seq = t.event_seq OR d.notice_seq = t.notice_seq WHERE t.told = ";

/// What waits behind a delivery need not be looked at before the delivery itself is due again ...
const HOLD_BACK: &str = "UPDATE deliveries SET due_at = ?2 WHERE id IN (
    SELECT w.id FROM deliveries d JOIN deliveries w ON w.sink = d.sink AND w.drift_key = d.drift_key
    WHERE d.id = ?1 AND w.state = 'pending' AND w.id > d.id AND w.claimed_at IS NULL AND w.due_at < ?2)";

/// ... and is due as soon as that is settled.
const LET_GO: &str = "UPDATE deliveries SET due_at = ?2 WHERE id IN (
    SELECT w.id FROM deliveries d JOIN deliveries w ON w.sink = d.sink AND w.drift_key = d.drift_key
    WHERE d.id = ?1 AND w.state = 'pending' AND w.id > d.id AND w.claimed_at IS NULL AND w.due_at > ?2)";

impl Inner {
    pub(super) async fn claim(
        &self,
        sink: Option<&str>,
        limit: u32,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Claimed>> {
        // A claim that a power failure forgets is made again; what was sent under it arrives twice, as it may.
        let mut tx = self.begin(Durability::Relaxed).await?;
        let claimed = self.claim_in(tx.connection(), sink, limit, lease, now).await;
        tx.end(claimed).await
    }

    async fn claim_in(
        &self,
        connection: &mut SqliteConnection,
        sink: Option<&str>,
        limit: u32,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Claimed>> {
        let sinks = match sink {
            Some(sink) => vec![sink.to_owned()],
            None => sqlx::query_scalar(SINKS)
                .fetch_all(&mut *connection)
                .await
                .map_err(|error| self.explain(error))?,
        };
        let until = stamp(now.checked_add(lease).unwrap_or(Timestamp::MAX));
        let mut claimed = Vec::new();
        let mut left = limit;
        for (i, sink) in sinks.iter().enumerate() {
            // Each sink gets an equal part of what is left, so that one with a long queue does not starve the others.
            let waiting = u32::try_from(sinks.len() - i).unwrap_or(u32::MAX);
            let share = left.div_ceil(waiting);
            let rows = sqlx::query(CLAIM)
                .bind(sink)
                .bind(stamp(now))
                .bind(&until)
                .bind(i64::from(share))
                .fetch_all(&mut *connection)
                .await
                .map_err(|error| self.explain(error))?;
            left -= u32::try_from(rows.len()).unwrap_or(u32::MAX).min(left);
            let start = claimed.len();
            for row in &rows {
                match self.claimed(row) {
                    Ok(one) => claimed.push(one),
                    Err(cause) => self.bury(connection, row, &cause, now).await?,
                }
            }
            claimed[start..].sort_by_key(|one: &Claimed| one.ticket.delivery);
        }
        Ok(claimed)
    }

    /// A row that cannot be read must not keep the others from being sent, nor vanish.
    async fn bury(
        &self,
        connection: &mut SqliteConnection,
        row: &SqliteRow,
        cause: &Error,
        now: Timestamp,
    ) -> Result<()> {
        let delivery = self.cell::<i64>(row, 0)?.cast_unsigned();
        let ticket = Ticket { delivery, attempt: self.cell(row, 1)? };
        let outcome = Outcome::Dead { why: cause.to_string() };
        tracing::error!(store = %self.at, delivery, %cause, "dead: it cannot be read");
        let buried = settle(connection, ticket, &outcome, &stamp(now)).await;
        buried.map(|_| ()).map_err(|error| self.explain(error))
    }

    fn claimed(&self, row: &SqliteRow) -> Result<Claimed> {
        let reading = |column| Reading { at: &self.at, column };
        let (Some(event), Some(body)) =
            (self.cell::<Option<&str>>(row, 3)?, self.cell::<Option<&str>>(row, 5)?)
        else {
            return Err(Error::corrupt(&self.at, "deliveries.event_seq", "its event or notice is gone"));
        };
        Ok(Claimed {
            ticket: Ticket {
                delivery: self.cell::<i64>(row, 0)?.cast_unsigned(),
                attempt: self.cell(row, 1)?,
            },
            sink: self.cell(row, 2)?,
            event: EventId(reading("deliveries.event_id").uuid(event)?),
            drift_key: self.cell(row, 4)?,
            payload: body.as_bytes().to_vec(),
            since: reading("deliveries.created_at").moment(self.cell(row, 6)?)?,
        })
    }

    pub(super) async fn settle_all(
        &self,
        outcomes: &[(Ticket, Outcome)],
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        if outcomes.is_empty() {
            return Ok(Vec::new());
        }
        // As with claims: forgotten, a delivery is made twice, which its receiver knows by its id.
        let mut tx = self.begin(Durability::Relaxed).await?;
        let mut changed = Vec::with_capacity(outcomes.len());
        let mut failed = Ok(());
        for (ticket, outcome) in outcomes {
            match settle(tx.connection(), *ticket, outcome, &stamp(now)).await {
                Ok(one) => changed.push(one),
                Err(error) => {
                    failed = Err(self.explain(error));
                    break;
                }
            }
        }
        tx.end(failed.map(|()| changed)).await
    }

    pub(super) async fn release(&self, tickets: &[Ticket], now: Timestamp) -> Result<()> {
        if tickets.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = tickets.iter().map(|ticket| (ticket.delivery, ticket.attempt)).collect();
        let rows = json(&rows)?;
        let mut tx = self.begin(Durability::Relaxed).await?;
        let released = sqlx::query(
            "UPDATE deliveries SET due_at = ?2, claimed_at = NULL, attempts = attempts - 1
                WHERE state = 'pending' AND claimed_at IS NOT NULL
                    AND (id, attempts) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?1))",
        )
        .bind(rows)
        .bind(stamp(now))
        .execute(tx.connection())
        .await;
        tx.end(released.map(|_| ()).map_err(|error| self.explain(error))).await
    }

    pub(super) async fn hurry(&self, sink: &str, now: Timestamp) -> Result<u64> {
        let mut tx = self.begin(Durability::Relaxed).await?;
        let hurried = sqlx::query(
            "UPDATE deliveries SET due_at = ?2
                WHERE state = 'pending' AND sink = ?1 AND due_at > ?2 AND claimed_at IS NULL",
        )
        .bind(sink)
        .bind(stamp(now))
        .execute(tx.connection())
        .await;
        tx.end(hurried.map(|done| done.rows_affected()).map_err(|error| self.explain(error))).await
    }

    pub(super) async fn next_due(&self) -> Result<Option<Timestamp>> {
        let mut reader = self.reader().await?;
        let sinks: Vec<String> =
            sqlx::query_scalar(SINKS).fetch_all(&mut *reader).await.map_err(|error| self.explain(error))?;
        let mut next: Option<String> = None;
        for sink in sinks {
            let due: Option<String> = sqlx::query_scalar(NEXT_DUE)
                .bind(sink)
                .fetch_optional(&mut *reader)
                .await
                .map_err(|error| self.explain(error))?;
            next = [next, due].into_iter().flatten().min();
        }
        Reading { at: &self.at, column: "deliveries.due_at" }.moments(next.as_deref())
    }

    pub(super) async fn resend(&self, what: Resend, now: Timestamp) -> Result<u64> {
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("UPDATE deliveries SET state = 'pending', due_at = ");
        query.push_bind(stamp(now)).push(", resent_at = ").push_bind(stamp(now));
        query.push(", claimed_at = NULL, settled_at = NULL WHERE state = 'dead' AND ");
        match what {
            Resend::Delivery(id) => query.push("id = ").push_bind(id.cast_signed()),
            Resend::Event(event) => query.push(OF_EVENT).push_bind(event.to_string()).push(")"),
            Resend::Sink(sink) => query.push("sink = ").push_bind(sink),
        };
        let mut tx = self.begin(Durability::Kept).await?;
        let resent = query.build().execute(tx.connection()).await;
        tx.end(resent.map(|done| done.rows_affected()).map_err(|error| self.explain(error))).await
    }

    pub(super) async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DeliveryRow>> {
        listing(DELIVERIES, filter, after).page(self, limit, |row| self.delivery(row)).await
    }

    fn delivery(&self, row: &SqliteRow) -> Result<DeliveryRow> {
        let reading = |column| Reading { at: &self.at, column };
        Ok(DeliveryRow {
            id: self.cell::<i64>(row, 0)?.cast_unsigned(),
            sink: self.cell(row, 1)?,
            event: EventId(reading("deliveries.event_id").uuid(self.cell(row, 2)?)?),
            drift_key: self.cell(row, 3)?,
            state: reading("deliveries.state").word(self.cell(row, 4)?, DeliveryState::parse)?,
            attempts: self.cell(row, 5)?,
            created_at: reading("deliveries.created_at").moment(self.cell(row, 6)?)?,
            due_at: reading("deliveries.due_at").moment(self.cell(row, 7)?)?,
            claimed_at: reading("deliveries.claimed_at").moments(self.cell(row, 8)?)?,
            settled_at: reading("deliveries.settled_at").moments(self.cell(row, 9)?)?,
            first_error: self.cell(row, 10)?,
            last_error: self.cell(row, 11)?,
        })
    }

    pub(super) async fn outbox(&self) -> Result<Vec<OutboxDepth>> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query(DEPTHS).fetch_all(&mut *reader).await.map_err(|error| self.explain(error))?;
        let mut sinks: HashMap<String, OutboxDepth> = HashMap::new();
        for row in &rows {
            let sink: String = self.cell(row, 0)?;
            let empty = OutboxDepth { sink: sink.clone(), pending: 0, dead: 0, oldest_pending: None };
            let depth = sinks.entry(sink).or_insert(empty);
            let count = self.cell::<i64>(row, 2)?.cast_unsigned();
            if self.cell::<&str>(row, 1)? == "dead" {
                depth.dead = count;
            } else {
                let reading = Reading { at: &self.at, column: "deliveries.created_at" };
                depth.pending = count;
                depth.oldest_pending = reading.moments(self.cell(row, 3)?)?;
            }
        }
        let mut sinks: Vec<OutboxDepth> = sinks.into_values().collect();
        sinks.sort_by(|a, b| a.sink.cmp(&b.sink));
        Ok(sinks)
    }
}

async fn settle(
    connection: &mut SqliteConnection,
    ticket: Ticket,
    outcome: &Outcome,
    now: &str,
) -> Result<bool, sqlx::Error> {
    let id = ticket.delivery.cast_signed();
    let (update, follow, moment) = match outcome {
        Outcome::Delivered => {
            let delivered = "UPDATE deliveries SET state = 'delivered', settled_at = ?2, claimed_at = NULL \
                WHERE id = ?1 AND state = 'pending'";
            (sqlx::query(delivered).bind(id).bind(now), LET_GO, now.to_owned())
        }
        Outcome::Retry { at, why } => {
            let retry = "UPDATE deliveries SET due_at = ?2, claimed_at = NULL, \
                first_error = coalesce(first_error, ?3), last_error = ?3 \
                WHERE id = ?1 AND state = 'pending' AND claimed_at IS NOT NULL AND attempts = ?4";
            let due = stamp(*at);
            (sqlx::query(retry).bind(id).bind(due.clone()).bind(why).bind(ticket.attempt), HOLD_BACK, due)
        }
        Outcome::Dead { why } => {
            let dead = "UPDATE deliveries SET state = 'dead', settled_at = ?2, claimed_at = NULL, \
                first_error = coalesce(first_error, ?3), last_error = ?3 \
                WHERE id = ?1 AND state = 'pending' AND claimed_at IS NOT NULL AND attempts = ?4";
            (sqlx::query(dead).bind(id).bind(now).bind(why).bind(ticket.attempt), LET_GO, now.to_owned())
        }
    };
    if update.execute(&mut *connection).await?.rows_affected() > 0 {
        sqlx::query(follow).bind(id).bind(moment).execute(connection).await?;
        return Ok(true);
    }
    // A dead one that arrived after all held nothing back, so there is nothing to let go.
    let late = "UPDATE deliveries SET state = 'delivered', settled_at = ?2 WHERE id = ?1 AND state = 'dead'";
    match outcome {
        Outcome::Delivered => {
            Ok(sqlx::query(late).bind(id).bind(now).execute(connection).await?.rows_affected() > 0)
        }
        Outcome::Retry { .. } | Outcome::Dead { .. } => Ok(false),
    }
}

fn listing(select: &str, filter: &DeliveryFilter, after: Option<Cursor>) -> Listing {
    let DeliveryFilter { states, sink, event, drift_key } = filter;
    let mut list = Listing::newest_first(select, after);
    list.any_of("state", states.iter().map(|state| state.as_str()));
    list.any_of("sink", sink.iter().cloned());
    list.within(OF_EVENT, event.map(|event| event.to_string()));
    list.any_of("drift_key", drift_key.iter().cloned());
    list
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Row as _};

    use super::*;
    use crate::sqlite::{Options, open};

    #[tokio::test]
    async fn what_is_asked_all_the_time_does_not_walk_through_every_delivery_ever_kept() {
        let mut store = open::memory("memory", &Options::default()).await.unwrap();
        for often in [SINKS, CLAIM, NEXT_DUE, HOLD_BACK, LET_GO, DEPTHS] {
            let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {often}")));
            let rows = plan.fetch_all(&mut store).await.unwrap();
            let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
            let walks = |step: &&String| step.starts_with("SCAN ") && !step.contains(" INDEX ");
            let tables =
                |step: &&String| ["deliveries", " d", " e", " w"].iter().any(|name| step.ends_with(name));
            assert_eq!(steps.iter().filter(walks).filter(tables).count(), 0, "{often}\n{steps:#?}");
        }
    }

    #[tokio::test]
    async fn what_a_sink_was_told_of_a_drift_is_found_by_the_drift() {
        let mut store = open::memory("memory", &Options::default()).await.unwrap();
        let (sink, drift_key) = (Some("ntfy".to_owned()), Some("drift".to_owned()));
        for states in [vec![], vec![DeliveryState::Delivered]] {
            let filter =
                DeliveryFilter { states, sink: sink.clone(), drift_key: drift_key.clone(), event: None };
            let mut asked = listing(&format!("EXPLAIN QUERY PLAN {DELIVERIES}"), &filter, None);
            let rows = asked.rows(&mut store, 50).await.unwrap();
            let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
            assert!(steps[0].contains("USING INDEX deliveries_of_drift (drift_key=?"), "{steps:#?}");
            assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:#?}");
        }
    }
}
