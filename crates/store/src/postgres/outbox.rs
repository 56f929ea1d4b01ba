//! The outbox: what is due, who has it, how it ended.

use std::collections::HashSet;
use std::time::Duration;

use evenkeel_core::id::EventId;
use jiff::Timestamp;
use jiff_sqlx::Timestamp as Moment;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;

use super::Inner;
use super::hint::SAY;
use super::paging::Listing;
use super::values::{key, moment, texts};
use crate::error::{Error, Result};
use crate::query::{Cursor, DeliveryFilter, DeliveryState, Page};
use crate::text::Reading;
use crate::types::{Claimed, DeliveryRow, OutboxDepth, Outcome, Resend, Ticket};

/// The sinks with something pending, found by leaps over the index instead of a walk through it.
macro_rules! sinks {
    ($tail:literal) => {
        concat!(
            "WITH RECURSIVE sinks (sink) AS (
                SELECT min(sink) FROM evenkeel_deliveries WHERE state = 'pending'
                UNION ALL
                SELECT (SELECT min(d.sink) FROM evenkeel_deliveries d WHERE d.state = 'pending' AND d.sink > s.sink)
                FROM sinks s WHERE s.sink IS NOT NULL
            ) ",
            $tail
        )
    };
}

/// Chosen first and then taken: rows that somebody else is taking at this moment are left to them.
const CLAIM: &str = "WITH due AS MATERIALIZED (
        SELECT d.id FROM evenkeel_deliveries d
        WHERE d.state = 'pending' AND d.sink = $1 AND d.due_at <= $2 AND NOT EXISTS (
            SELECT 1 FROM evenkeel_deliveries e
            WHERE e.state = 'pending' AND e.sink = d.sink AND e.drift_key = d.drift_key AND e.id < d.id)
        ORDER BY d.due_at, d.id LIMIT $4 FOR UPDATE SKIP LOCKED)
    UPDATE evenkeel_deliveries AS u SET attempts = u.attempts + 1, claimed_at = $2, due_at = $3
    FROM due WHERE u.id = due.id
    RETURNING u.id, u.attempts, u.sink, coalesce((SELECT e.event_id FROM events e WHERE e.id = u.event_seq),
            (SELECT n.notice_id FROM evenkeel_notices n WHERE n.id = u.notice_seq)), u.drift_key,
        coalesce((SELECT e.body FROM events e WHERE e.id = u.event_seq),
            (SELECT n.body FROM evenkeel_notices n WHERE n.id = u.notice_seq)), coalesce(u.resent_at, u.created_at)";

/// The first in line of each sink, the earliest of them.
const NEXT_DUE: &str = sinks!(
    "SELECT min(next.due_at) FROM sinks CROSS JOIN LATERAL (
        SELECT d.due_at FROM evenkeel_deliveries d
        WHERE d.state = 'pending' AND d.sink = sinks.sink AND NOT EXISTS (
            SELECT 1 FROM evenkeel_deliveries e
            WHERE e.state = 'pending' AND e.sink = d.sink AND e.drift_key = d.drift_key AND e.id < d.id)
        ORDER BY d.due_at, d.id LIMIT 1) AS next"
);

const DELIVERIES: &str = "SELECT id, sink, coalesce((SELECT e.event_id FROM events e WHERE e.id = event_seq),
        (SELECT n.notice_id FROM evenkeel_notices n WHERE n.id = notice_seq)), drift_key, state, attempts, created_at, due_at, claimed_at, settled_at, first_error, last_error FROM evenkeel_deliveries WHERE true";

/// Deliveries of an event, or of a notice, whose id follows.
macro_rules! of_event {
    () => {
        "event_seq = (SELECT e.id FROM events e WHERE e.event_id = "
    };
}
macro_rules! of_notice {
    () => {
        "notice_seq = (SELECT n.id FROM evenkeel_notices n WHERE n.notice_id = "
    };
}

/// How deliveries ended, each at most once. Locked in the order of their numbers, so that two of these never wait for each
/// other. `was` is the state before: a dead one that arrived after all held nothing back, so there is nothing to let go.
const SETTLE: &str = "WITH told AS MATERIALIZED (
        SELECT t.*, d.state AS was FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::timestamptz[], $5::text[])
            WITH ORDINALITY AS t (id, attempt, outcome, at, why, place)
        JOIN evenkeel_deliveries d ON d.id = t.id ORDER BY d.id FOR UPDATE OF d)
    UPDATE evenkeel_deliveries d SET state = t.outcome, claimed_at = NULL,
        due_at = CASE WHEN t.outcome = 'pending' THEN t.at ELSE d.due_at END,
        settled_at = CASE WHEN t.outcome = 'pending' THEN NULL ELSE t.at END,
        first_error = coalesce(d.first_error, t.why), last_error = coalesce(t.why, d.last_error)
    FROM told t WHERE d.id = t.id AND CASE WHEN t.outcome = 'delivered' THEN d.state <> 'delivered'
        ELSE d.state = 'pending' AND d.claimed_at IS NOT NULL AND d.attempts = t.attempt END
    RETURNING t.place, t.was";

/// What waits behind a delivery need not be looked at before the delivery itself is due again, and is due as soon as that
/// is settled. Of several before it, the one that was told last counts.
const FOLLOW: &str = "UPDATE evenkeel_deliveries w SET due_at = f.at FROM (
        SELECT DISTINCT ON (w.id) w.id, t.at, t.again
        FROM unnest($1::bigint[], $2::timestamptz[], $3::boolean[]) WITH ORDINALITY AS t (id, at, again, place)
        JOIN evenkeel_deliveries d ON d.id = t.id
        JOIN evenkeel_deliveries w ON w.sink = d.sink AND w.drift_key = d.drift_key AND w.id > d.id
        WHERE w.state = 'pending' AND w.claimed_at IS NULL
        ORDER BY w.id, t.place DESC) AS f
    WHERE w.id = f.id AND w.state = 'pending' AND w.claimed_at IS NULL
        AND CASE WHEN f.again THEN w.due_at < f.at ELSE w.due_at > f.at END";

impl Inner {
    pub(super) async fn claim(
        &self,
        sink: Option<&str>,
        limit: u32,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Claimed>> {
        let mut tx = self.begin().await?;
        let claimed = self.claim_in(tx.connection(), sink, limit, lease, now).await;
        tx.end(claimed).await
    }

    async fn claim_in(
        &self,
        connection: &mut PgConnection,
        sink: Option<&str>,
        limit: u32,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Claimed>> {
        let sinks: Vec<String> = match sink {
            Some(sink) => vec![key(sink).into_owned()],
            None => {
                let all = self.query(sinks!("SELECT sink FROM sinks WHERE sink IS NOT NULL"));
                let rows = all.fetch_all(&mut *connection).await.map_err(|error| self.explain(error))?;
                rows.iter().map(|row| self.cell(row, 0)).collect::<Result<_>>()?
            }
        };
        let until = now.checked_add(lease).unwrap_or(Timestamp::MAX);
        let mut claimed = Vec::new();
        let mut left = limit;
        for (i, sink) in sinks.iter().enumerate() {
            // Each sink gets an equal part of what is left, so that one with a long queue does not starve the others.
            let waiting = u32::try_from(sinks.len() - i).unwrap_or(u32::MAX);
            let share = left.div_ceil(waiting);
            let claim =
                self.query(CLAIM).bind(sink).bind(moment(now)).bind(moment(until)).bind(i64::from(share));
            let rows = claim.fetch_all(&mut *connection).await.map_err(|error| self.explain(error))?;
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
        connection: &mut PgConnection,
        row: &PgRow,
        cause: &Error,
        now: Timestamp,
    ) -> Result<()> {
        let ticket = self.ticket(row)?;
        let outcome = Outcome::Dead { why: cause.to_string() };
        tracing::error!(store = %self.at, delivery = ticket.delivery, %cause, "dead: it cannot be read");
        self.settle_in(connection, &[(ticket, outcome)], now).await.map(|_| ())
    }

    fn ticket(&self, row: &PgRow) -> Result<Ticket> {
        Ok(Ticket {
            delivery: self.cell::<i64>(row, 0)?.cast_unsigned(),
            attempt: self.cell::<i32>(row, 1)?.cast_unsigned(),
        })
    }

    fn claimed(&self, row: &PgRow) -> Result<Claimed> {
        let (Some(event), Some(body)) =
            (self.cell::<Option<Uuid>>(row, 3)?, self.cell::<Option<&str>>(row, 5)?)
        else {
            return Err(Error::corrupt(
                &self.at,
                "evenkeel_deliveries.event_seq",
                "its event or notice is gone",
            ));
        };
        Ok(Claimed {
            ticket: self.ticket(row)?,
            sink: self.cell(row, 2)?,
            event: EventId(event),
            drift_key: self.cell(row, 4)?,
            payload: body.as_bytes().to_vec(),
            since: self.cell::<Moment>(row, 6)?.to_jiff(),
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
        let mut tx = self.begin().await?;
        let settled = self.settle_in(tx.connection(), outcomes, now).await;
        tx.end(settled).await
    }

    async fn settle_in(
        &self,
        connection: &mut PgConnection,
        outcomes: &[(Ticket, Outcome)],
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        let mut changed = vec![false; outcomes.len()];
        let mut left: Vec<usize> = (0..outcomes.len()).collect();
        // Usually one round: a statement takes each delivery once.
        while !left.is_empty() {
            let mut deliveries = HashSet::new();
            let (round, later): (Vec<usize>, Vec<usize>) =
                left.into_iter().partition(|&i| deliveries.insert(outcomes[i].0.delivery));
            left = later;
            self.settle_round(connection, outcomes, &round, now, &mut changed).await?;
        }
        Ok(changed)
    }

    async fn settle_round(
        &self,
        connection: &mut PgConnection,
        outcomes: &[(Ticket, Outcome)],
        round: &[usize],
        now: Timestamp,
        changed: &mut [bool],
    ) -> Result<()> {
        let told = |i: &usize| match &outcomes[*i].1 {
            Outcome::Delivered => (DeliveryState::Delivered.as_str(), now, None),
            Outcome::Retry { at, why } => (DeliveryState::Pending.as_str(), *at, Some(why.as_str())),
            Outcome::Dead { why } => (DeliveryState::Dead.as_str(), now, Some(why.as_str())),
        };
        let id = |i: &usize| outcomes[*i].0.delivery.cast_signed();
        let rows = self
            .query(SETTLE)
            .bind(round.iter().map(id).collect::<Vec<_>>())
            .bind(round.iter().map(|i| outcomes[*i].0.attempt.cast_signed()).collect::<Vec<_>>())
            .bind(round.iter().map(|i| told(i).0).collect::<Vec<_>>())
            .bind(round.iter().map(|i| moment(told(i).1)).collect::<Vec<_>>())
            .bind(round.iter().map(|i| texts(told(i).2)).collect::<Vec<_>>())
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.explain(error))?;
        let mut follow = Vec::new();
        for row in &rows {
            let place = usize::try_from(self.cell::<i64>(row, 0)?).unwrap_or(0);
            let Some(&i) = round.get(place.wrapping_sub(1)) else { continue };
            changed[i] = true;
            if self.cell::<&str>(row, 1)? == DeliveryState::Pending.as_str() {
                follow.push(i);
            }
        }
        follow.sort_unstable();
        if follow.is_empty() {
            return Ok(());
        }
        let followed = self
            .query(FOLLOW)
            .bind(follow.iter().map(id).collect::<Vec<_>>())
            .bind(follow.iter().map(|i| moment(told(i).1)).collect::<Vec<_>>())
            .bind(follow.iter().map(|i| matches!(outcomes[*i].1, Outcome::Retry { .. })).collect::<Vec<_>>())
            .execute(connection)
            .await;
        followed.map(|_| ()).map_err(|error| self.explain(error))
    }

    pub(super) async fn release(&self, tickets: &[Ticket], now: Timestamp) -> Result<()> {
        if tickets.is_empty() {
            return Ok(());
        }
        let (ids, attempts): (Vec<i64>, Vec<i32>) = tickets
            .iter()
            .map(|ticket| (ticket.delivery.cast_signed(), ticket.attempt.cast_signed()))
            .unzip();
        let mut tx = self.begin().await?;
        let released = self
            .query(
                "UPDATE evenkeel_deliveries d SET due_at = $3, claimed_at = NULL, attempts = d.attempts - 1
                    FROM unnest($1::bigint[], $2::integer[]) AS t (id, attempt)
                    WHERE d.id = t.id AND d.attempts = t.attempt AND d.state = 'pending' AND d.claimed_at IS NOT NULL",
            )
            .bind(ids)
            .bind(attempts)
            .bind(moment(now))
            .execute(tx.connection())
            .await;
        tx.end(released.map(|_| ()).map_err(|error| self.explain(error))).await
    }

    pub(super) async fn next_due(&self) -> Result<Option<Timestamp>> {
        let rows = self.read(self.query(NEXT_DUE)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(self.cell::<Option<Moment>>(row, 0)?.map(|due| due.to_jiff()))
    }

    pub(super) async fn hurry(&self, sink: &str, now: Timestamp) -> Result<u64> {
        let mut tx = self.begin().await?;
        let hurried = self
            .query(
                "UPDATE evenkeel_deliveries SET due_at = $2
                    WHERE state = 'pending' AND sink = $1 AND due_at > $2 AND claimed_at IS NULL",
            )
            .bind(key(sink))
            .bind(moment(now))
            .execute(tx.connection())
            .await;
        tx.end(hurried.map(|done| done.rows_affected()).map_err(|error| self.explain(error))).await
    }

    pub(super) async fn resend(&self, what: Resend, now: Timestamp) -> Result<u64> {
        let mut tx = self.begin().await?;
        let resent = self.resend_in(tx.connection(), what, now).await;
        tx.end(resent).await
    }

    async fn resend_in(&self, connection: &mut PgConnection, what: Resend, now: Timestamp) -> Result<u64> {
        macro_rules! resend {
            ($which:expr) => {
                self.query(concat!(
                    "UPDATE evenkeel_deliveries SET state = 'pending', due_at = $1, resent_at = $1, claimed_at = NULL,
                        settled_at = NULL WHERE state = 'dead' AND ",
                    $which
                ))
                .bind(moment(now))
            };
        }
        let query = match &what {
            Resend::Delivery(id) => resend!("id = $2").bind(id.cast_signed()),
            Resend::Event(event) => {
                resend!(concat!("(", of_event!(), "$2) OR ", of_notice!(), "$2))")).bind(event.0)
            }
            Resend::Sink(sink) => resend!("sink = $2").bind(key(sink)),
        };
        let resent =
            query.execute(&mut *connection).await.map_err(|error| self.explain(error))?.rows_affected();
        let said = self.query(SAY).bind(&*self.channel).execute(connection).await;
        said.map(|_| resent).map_err(|error| self.explain(error))
    }

    pub(super) async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DeliveryRow>> {
        let DeliveryFilter { states, sink, event, drift_key } = filter;
        let mut list = Listing::newest_first(DELIVERIES, after);
        list.any_of("state", states.iter().map(|state| state.as_str()));
        list.any_of("sink", sink.iter());
        list.either(of_event!(), of_notice!(), event.map(|event| event.0));
        list.any_of("drift_key", drift_key.iter());
        list.page(self, limit, |row| self.delivery(row)).await
    }

    fn delivery(&self, row: &PgRow) -> Result<DeliveryRow> {
        let at = |column| Ok::<_, Error>(self.cell::<Moment>(row, column)?.to_jiff());
        let maybe = |column| Ok::<_, Error>(self.cell::<Option<Moment>>(row, column)?.map(|at| at.to_jiff()));
        Ok(DeliveryRow {
            id: self.cell::<i64>(row, 0)?.cast_unsigned(),
            sink: self.cell(row, 1)?,
            event: EventId(self.cell(row, 2)?),
            drift_key: self.cell(row, 3)?,
            state: Reading { at: &self.at, column: "evenkeel_deliveries.state" }
                .word(self.cell(row, 4)?, DeliveryState::parse)?,
            attempts: self.cell::<i32>(row, 5)?.cast_unsigned(),
            created_at: at(6)?,
            due_at: at(7)?,
            claimed_at: maybe(8)?,
            settled_at: maybe(9)?,
            first_error: self.cell(row, 10)?,
            last_error: self.cell(row, 11)?,
        })
    }

    pub(super) async fn outbox(&self) -> Result<Vec<OutboxDepth>> {
        let query = self.query(
            "SELECT sink, count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'dead'),
                min(coalesce(resent_at, created_at)) FILTER (WHERE state = 'pending')
            FROM evenkeel_deliveries WHERE state = 'pending' OR state = 'dead' GROUP BY sink",
        );
        let rows = self.read(query).await?;
        let depth = |row: &PgRow| {
            Ok(OutboxDepth {
                sink: self.cell(row, 0)?,
                pending: self.cell::<i64>(row, 1)?.cast_unsigned(),
                dead: self.cell::<i64>(row, 2)?.cast_unsigned(),
                oldest_pending: self.cell::<Option<Moment>>(row, 3)?.map(|at| at.to_jiff()),
            })
        };
        let mut sinks = rows.iter().map(depth).collect::<Result<Vec<_>>>()?;
        sinks.sort_by(|a, b| a.sink.cmp(&b.sink));
        Ok(sinks)
    }
}
