//! Lists, page by page. Values are bound, never spliced; only fixed pieces of SQL are put together.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};

use super::Inner;
use super::values::{key, moment};
use crate::error::Result;
use crate::query::{Cursor, Page};

/// A question whose answer is a page. The first column selected is `id`, which is the cursor.
pub(super) struct Listing {
    query: QueryBuilder<Postgres>,
    order: &'static str,
    /// The cursor was none of ours: the list is at its end.
    ended: bool,
}

impl Listing {
    /// Of this `SELECT … FROM … WHERE …`, from the newest row or the one before the cursor.
    pub(super) fn newest_first(select: &'static str, after: Option<Cursor>) -> Self {
        Self::new(select, " AND id < ", after, i64::MAX, " ORDER BY id DESC LIMIT ")
    }

    /// Of this `SELECT … FROM … WHERE …`, from the oldest row or the one behind the cursor.
    pub(super) fn oldest_first(select: &'static str, after: Option<Cursor>) -> Self {
        Self::new(select, " AND id > ", after, 0, " ORDER BY id LIMIT ")
    }

    fn new(
        select: &'static str,
        beyond: &'static str,
        after: Option<Cursor>,
        first: i64,
        order: &'static str,
    ) -> Self {
        let start = after.map_or(Some(first), |cursor| cursor.as_str().parse().ok());
        let mut query = QueryBuilder::new(select);
        query.push(beyond).push_bind(start.unwrap_or(first));
        Self { query, order, ended: start.is_none() }
    }

    /// Only rows with any of these texts; none is no restriction.
    pub(super) fn any_of<T: AsRef<str>>(
        &mut self,
        column: &'static str,
        values: impl IntoIterator<Item = T>,
    ) {
        let values: Vec<String> = values.into_iter().map(|value| key(value.as_ref()).into_owned()).collect();
        if let [one] = values.as_slice() {
            // Not as a list of one: only then does an index give the rows in their order, and without that the newest
            // of a host that has long been quiet are looked for among everybody's.
            self.query.push(" AND ").push(column).push(" = ").push_bind(one.clone());
        } else if !values.is_empty() {
            self.query.push(" AND ").push(column).push(" = ANY(").push_bind(values).push(")");
        }
    }

    /// Only rows for which this holds, where the value follows, if there is one.
    pub(super) fn equal<T>(&mut self, condition: &'static str, value: Option<T>)
    where
        T: for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres> + Send + 'static,
    {
        if let Some(value) = value {
            self.query.push(" AND ").push(condition).push_bind(value);
        }
    }

    /// Only rows for which one of two things holds, where the value and a closing bracket follow each, if there is one.
    pub(super) fn either<T>(&mut self, one: &'static str, other: &'static str, value: Option<T>)
    where
        T: for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres> + Send + Copy + 'static,
    {
        if let Some(value) = value {
            self.query.push(" AND (").push(one).push_bind(value);
            self.query.push(") OR ").push(other).push_bind(value).push("))");
        }
    }

    /// Only rows whose text begins with this.
    pub(super) fn begins(&mut self, column: &'static str, with: &str) {
        self.query.push(" AND ").push(column).push(" ^@ ").push_bind(key(with).into_owned());
    }

    /// Only rows that fulfil this.
    pub(super) fn only(&mut self, condition: &'static str) {
        self.query.push(" AND ").push(condition);
    }

    /// Only rows whose moment compares like this.
    pub(super) fn moment(&mut self, comparison: &'static str, at: Option<Timestamp>) {
        self.equal(comparison, at.map(moment));
    }

    /// Asks for one row more than the page holds, to know whether another page follows.
    pub(super) async fn page<T>(
        mut self,
        inner: &Inner,
        limit: u32,
        read: impl Fn(&PgRow) -> Result<T>,
    ) -> Result<Page<T>> {
        if self.ended {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        self.query.push(self.order).push_bind(i64::from(limit) + 1);
        let mut reader = inner.reader().await?;
        let rows = self.query.build().persistent(!inner.pooled).fetch_all(&mut *reader).await;
        let mut rows = rows.map_err(|error| inner.explain(error))?;
        reader.end().await;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| inner.cell::<i64>(row, 0)).transpose()?;
        let rows = rows.iter().map(read).collect::<Result<_>>()?;
        Ok(Page { rows, next: next.map(|id| Cursor::new(id.to_string())) })
    }
}
