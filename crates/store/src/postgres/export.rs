//! The export: events, snapshots and silences as lines, read in pages of bounded size, so that neither memory nor a read
//! transaction grows with the history.

use std::collections::VecDeque;

use futures_util::stream;
use jiff::Timestamp;
use jiff_sqlx::Timestamp as Moment;
use sqlx::postgres::PgRow;

use super::Inner;
use super::values::moment;
use crate::error::Result;
use crate::query::{ExportLine, ExportStream, Record};

/// How much is read at a time, as it is stored, which may be compressed; a single larger row is read alone.
const PAGE_BYTES: i64 = 1 << 18;

struct Position<'a> {
    inner: &'a Inner,
    since: Timestamp,
    record: Record,
    after: i64,
    lines: VecDeque<ExportLine>,
}

/// The lines: events, expected snapshots, observed snapshots, silences.
pub(super) fn stream(inner: &Inner, since: Option<Timestamp>) -> ExportStream<'_> {
    let since = since.unwrap_or(Timestamp::MIN);
    let start = Position { inner, since, record: Record::Event, after: 0, lines: VecDeque::new() };
    Box::pin(stream::try_unfold(start, |mut position| async move {
        loop {
            if let Some(line) = position.lines.pop_front() {
                return Ok(Some((line, position)));
            }
            if !position.inner.within(position.read()).await? {
                return Ok(None);
            }
        }
    }))
}

impl Position<'_> {
    /// Reads the next page; false at the end.
    async fn read(&mut self) -> Result<bool> {
        // The sizes first: how many rows fit into a page is not known before.
        let (sizes, page) = match self.record {
            Record::Event => (
                "SELECT id, pg_column_size(body)::bigint FROM events
                    WHERE event_id IS NOT NULL AND id > $1 AND created_at >= $2 ORDER BY id LIMIT 500",
                "SELECT id, body FROM events
                    WHERE event_id IS NOT NULL AND id > $1 AND id <= $3 AND created_at >= $2 ORDER BY id",
            ),
            Record::Expected => (
                "SELECT id, pg_column_size(data)::bigint FROM snapshots
                    WHERE hash IS NOT NULL AND id > $1 AND created_at >= $2 ORDER BY id LIMIT 500",
                "SELECT id, data::text FROM snapshots
                    WHERE hash IS NOT NULL AND id > $1 AND id <= $3 AND created_at >= $2 ORDER BY id",
            ),
            Record::Observed => (
                "SELECT id, pg_column_size(snapshot)::bigint FROM observed_snapshots
                    WHERE hash IS NOT NULL AND id > $1 AND observed_at >= $2 ORDER BY id LIMIT 500",
                "SELECT id, snapshot::text, hostname, source, observed_at, source_id FROM observed_snapshots
                    WHERE hash IS NOT NULL AND id > $1 AND id <= $3 AND observed_at >= $2 ORDER BY id",
            ),
            Record::Silence => (
                "SELECT id, pg_column_size(silence)::bigint FROM evenkeel_silences WHERE id > $1 AND made_at >= $2 ORDER BY id LIMIT 500",
                "SELECT id, silence FROM evenkeel_silences WHERE id > $1 AND id <= $3 AND made_at >= $2 ORDER BY id",
            ),
        };
        let inner = self.inner;
        let query = |sql| inner.query(sql).bind(self.after).bind(moment(self.since));
        let Some(last) = self.fitting(&inner.read(query(sizes)).await?)? else {
            self.after = 0;
            self.record = match self.record {
                Record::Event => Record::Expected,
                Record::Expected => Record::Observed,
                Record::Observed => Record::Silence,
                Record::Silence => return Ok(false),
            };
            return Ok(true);
        };
        let rows = inner.read(query(page).bind(last)).await?;
        self.lines = rows.iter().map(|row| self.line(row)).collect::<Result<_>>()?;
        self.after = last;
        Ok(true)
    }

    /// The last row that fits into a page.
    fn fitting(&self, sizes: &[PgRow]) -> Result<Option<i64>> {
        let (mut last, mut total) = (None, 0);
        for row in sizes {
            total += self.inner.cell::<i64>(row, 1)?;
            if last.is_some() && total > PAGE_BYTES {
                break;
            }
            last = Some(self.inner.cell(row, 0)?);
        }
        Ok(last)
    }

    fn line(&self, row: &PgRow) -> Result<ExportLine> {
        let stored = || self.inner.cell::<&str>(row, 1);
        let object = match self.record {
            Record::Event | Record::Expected | Record::Silence => stored()?.to_owned(),
            Record::Observed => {
                let quoted = |column| {
                    let text: &str = self.inner.cell(row, column)?;
                    Ok(serde_json::Value::from(text).to_string())
                };
                format!(
                    "{{\"hostname\":{},\"source\":{},\"observed_at\":\"{:.6}\",\"source_id\":{},\"snapshot\":{}}}",
                    quoted(2)?,
                    quoted(3)?,
                    self.inner.cell::<Moment>(row, 4)?.to_jiff(),
                    quoted(5)?,
                    stored()?
                )
            }
        };
        Ok(ExportLine::new(self.record, &object))
    }
}
