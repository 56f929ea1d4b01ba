//! Lists, page by page. Values are bound, never spliced; only fixed pieces of SQL are put together.

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Sqlite};

use super::Inner;
use super::text::stamp;
use crate::error::Result;
use crate::query::{Cursor, Page};

/// A question whose answer is a page. The first column selected is `id`, which is the cursor.
pub(super) struct Listing {
    query: QueryBuilder<Sqlite>,
    order: &'static str,
    /// The cursor was none of ours: the list is at its end.
    ended: bool,
}

impl Listing {
    /// Of this `SELECT … FROM …`, from the newest row or the one before the cursor.
    pub(super) fn newest_first(select: &str, after: Option<Cursor>) -> Self {
        Self::new(select, " WHERE id < ", after, i64::MAX, " ORDER BY id DESC LIMIT ")
    }

    /// Of this `SELECT … FROM …`, from the oldest row or the one behind the cursor.
    pub(super) fn oldest_first(select: &str, after: Option<Cursor>) -> Self {
        Self::new(select, " WHERE id > ", after, 0, " ORDER BY id LIMIT ")
    }

    fn new(
        select: &str,
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

    /// Only rows with any of these values; none is no restriction.
    pub(super) fn any_of<T: Into<String>>(
        &mut self,
        column: &'static str,
        values: impl IntoIterator<Item = T>,
    ) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return;
        }
        self.query.push(" AND ").push(column).push(" IN (");
        let mut list = self.query.separated(", ");
        for value in values {
            list.push_bind(value.into());
        }
        list.push_unseparated(")");
    }

    /// Only rows that fulfil this.
    pub(super) fn only(&mut self, condition: &'static str) {
        self.query.push(" AND ").push(condition);
    }

    /// Only rows whose moment compares like this.
    pub(super) fn moment(&mut self, comparison: &'static str, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.query.push(" AND ").push(comparison).push_bind(stamp(at));
        }
    }

    /// Only rows that fulfil this, which ends where the value and a closing bracket follow.
    pub(super) fn within(&mut self, condition: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.query.push(" AND ").push(condition).push_bind(value).push(")");
        }
    }

    /// Only rows where this begins with that.
    pub(super) fn begins(&mut self, column: &'static str, with: &str) {
        let length = i64::try_from(with.chars().count()).unwrap_or(i64::MAX);
        // The first condition finds the place in the index.
        self.query.push(" AND ").push(column).push(" >= ").push_bind(with.to_owned());
        self.query.push(" AND substr(").push(column).push(", 1, ").push_bind(length);
        self.query.push(") = ").push_bind(with.to_owned());
    }

    /// A page, and one row more, to know whether another page follows.
    pub(super) async fn rows(
        &mut self,
        reader: &mut SqliteConnection,
        limit: u32,
    ) -> sqlx::Result<Vec<SqliteRow>> {
        self.query.push(self.order).push_bind(i64::from(limit) + 1);
        self.query.build().fetch_all(reader).await
    }

    /// A page, read.
    pub(super) async fn page<T>(
        mut self,
        inner: &Inner,
        limit: u32,
        read: impl Fn(&SqliteRow) -> Result<T>,
    ) -> Result<Page<T>> {
        if self.ended {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        let mut reader = inner.reader().await?;
        let mut rows = self.rows(&mut reader, limit).await.map_err(|error| inner.explain(error))?;
        drop(reader);
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| inner.cell::<i64>(row, 0)).transpose()?;
        let rows = rows.iter().map(read).collect::<Result<_>>()?;
        Ok(Page { rows, next: next.map(|id| Cursor::new(id.to_string())) })
    }
}
