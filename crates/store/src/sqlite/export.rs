//! The export: events, snapshots and silences as lines, read in pages of bounded size, so that neither memory nor a read
//! transaction grows with the history.

use std::collections::VecDeque;

use futures_util::stream;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use super::Inner;
use super::text::stamp;
use crate::error::Result;
use crate::query::{ExportLine, ExportStream, Record};

/// How much is read at a time; a single larger row is read alone.
const PAGE_BYTES: i64 = 1 << 20;

struct Position<'a> {
    inner: &'a Inner,
    since: String,
    record: Record,
    after: i64,
    lines: VecDeque<ExportLine>,
}

/// The lines: events, expected snapshots, observed snapshots, silences.
pub(super) fn stream(inner: &Inner, since: Option<Timestamp>) -> ExportStream<'_> {
    let since = since.map(stamp).unwrap_or_default();
    let start = Position { inner, since, record: Record::Event, after: 0, lines: VecDeque::new() };
    Box::pin(stream::try_unfold(start, |mut position| async move {
        loop {
            if let Some(line) = position.lines.pop_front() {
                return Ok(Some((line, position)));
            }
            if !position.read().await? {
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
                "SELECT id, octet_length(body) FROM event_log \
                    WHERE id > ?1 AND created_at >= ?2 ORDER BY id LIMIT 500",
                "SELECT id, body FROM event_log WHERE id > ?1 AND id <= ?3 AND created_at >= ?2 ORDER BY id",
            ),
            Record::Expected => (
                "SELECT id, octet_length(data) FROM snapshots WHERE id > ?1 AND created_at >= ?2 \
                    ORDER BY id LIMIT 500",
                "SELECT id, data FROM snapshots WHERE id > ?1 AND id <= ?3 AND created_at >= ?2 ORDER BY id",
            ),
            Record::Observed => (
                "SELECT id, octet_length(snapshot) FROM observed_snapshots WHERE id > ?1 AND observed_at >= ?2 \
                    ORDER BY id LIMIT 500",
                "SELECT id, snapshot, hostname, source, observed_at, source_id FROM observed_snapshots \
                    WHERE id > ?1 AND id <= ?3 AND observed_at >= ?2 ORDER BY id",
            ),
            Record::Silence => (
                "SELECT id, octet_length(silence) FROM silences WHERE id > ?1 AND made_at >= ?2 ORDER BY id LIMIT 500",
                "SELECT id, silence FROM silences WHERE id > ?1 AND id <= ?3 AND made_at >= ?2 ORDER BY id",
            ),
        };
        let mut reader = self.inner.reader().await?;
        let explain = |error| self.inner.explain(error);
        let rows = sqlx::query(sizes).bind(self.after).bind(&self.since).fetch_all(&mut *reader).await;
        let Some(last) = self.fitting(&rows.map_err(explain)?)? else {
            self.after = 0;
            self.record = match self.record {
                Record::Event => Record::Expected,
                Record::Expected => Record::Observed,
                Record::Observed => Record::Silence,
                Record::Silence => return Ok(false),
            };
            return Ok(true);
        };
        let query = sqlx::query(page).bind(self.after).bind(&self.since).bind(last);
        let rows = query.fetch_all(&mut *reader).await.map_err(explain)?;
        drop(reader);
        self.lines = rows.iter().map(|row| self.line(row)).collect::<Result<_>>()?;
        self.after = last;
        Ok(true)
    }

    /// The last row that fits into a page.
    fn fitting(&self, sizes: &[SqliteRow]) -> Result<Option<i64>> {
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

    fn line(&self, row: &SqliteRow) -> Result<ExportLine> {
        let stored = || self.inner.cell::<&str>(row, 1).map(one_line);
        let object = match self.record {
            Record::Event | Record::Expected | Record::Silence => stored()?,
            Record::Observed => {
                let quoted = |column| {
                    let text: &str = self.inner.cell(row, column)?;
                    Ok(serde_json::Value::from(text).to_string())
                };
                format!(
                    "{{\"hostname\":{},\"source\":{},\"observed_at\":{},\"source_id\":{},\"snapshot\":{}}}",
                    quoted(2)?,
                    quoted(3)?,
                    quoted(4)?,
                    quoted(5)?,
                    stored()?
                )
            }
        };
        Ok(ExportLine::new(self.record, &object))
    }
}

/// JSON without line breaks. Within its strings they are escaped, so the ones there are mean nothing.
fn one_line(json: &str) -> String {
    if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ") } else { json.to_owned() }
}
