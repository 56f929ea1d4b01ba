//! How an observation is made: a full read, or what the changelog says, or one after the other.
//!
//! What does not live here: the single steps. This file decides their order and what is kept.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::model::ExpectedHost;
use evenkeel_core::{Gap, GapKind};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::decode;
use super::delta::{self, Cursor, Touched};
use super::loss::{self, Lost, Recalled};
use super::model::{Model, Version};
use super::refs::{self, Dangling};
use super::tables::{Rows, Tables};
use super::walk::Reader;
use super::wire::Status;
use super::{NetboxSource, too_old};

/// Rounds of reading dangling references again. One settles a race; a second settles one that met another.
const SETTLE_ROUNDS: usize = 2;

/// What is kept between observations. Changed only by a read that succeeded.
#[derive(Default)]
pub(super) struct State {
    tables: Option<Tables>,
    /// What an earlier run saw, until this one has read everything once.
    pub(super) recalled: Option<Recalled>,
    pub(super) cursor: Option<Cursor>,
    pub(super) hosts: Vec<Arc<ExpectedHost>>,
    pub(super) gap: Option<Gap>,
    full_at: Option<Instant>,
    /// The version a `status/` told, and when: some versions do not name it in every answer.
    status_at: Option<Instant>,
    /// Since when rows are missing without an explanation.
    lost_since: Option<Instant>,
}

impl NetboxSource {
    pub(super) async fn refresh(&self, state: &mut State) -> Result<(), Gap> {
        let version = self.known_version(state).await?;
        let reader = Reader {
            client: &self.client,
            settings: &self.settings,
            version,
            page_size: self.config.page_size,
        };
        if self.may_use_changelog(state) && self.incremental(state, &reader).await? {
            return Ok(());
        }
        self.full(state, &reader).await
    }

    /// The version, asked for once and then every `full_interval`: 4.2 names it in no answer to a read.
    async fn known_version(&self, state: &mut State) -> Result<Version, Gap> {
        let fresh = state.status_at.is_some_and(|at| at.elapsed() < self.config.full_interval);
        if fresh && let Some(version) = self.client.version() {
            return Ok(version);
        }
        let reply = self.client.get("status/", &[], None).await?;
        let place = self.client.place("status/");
        let malformed = |why: String| Gap::new(GapKind::Malformed, format!("GET {place}: {why}"));
        let status: Status = serde_json::from_slice(&reply.body)
            .map_err(|error| malformed(format!("not netbox's status: {error}")))?;
        let version = Version::parse(&status.version)
            .ok_or_else(|| malformed(format!("`{}` is not a version", status.version)))?;
        if version < Version::OLDEST {
            return Err(too_old(&place, version));
        }
        self.client.set_version(Some(version));
        state.status_at = Some(Instant::now());
        Ok(version)
    }

    fn may_use_changelog(&self, state: &State) -> bool {
        let large = state.tables.as_ref().is_some_and(|tables| tables.len() > self.config.incremental_above);
        let recent = state.full_at.is_some_and(|at| at.elapsed() < self.config.full_interval);
        large && recent && state.cursor.is_some() && state.gap.is_none()
    }

    /// Reads what the changelog names. `false` where that does not suffice and everything must be read.
    async fn incremental(&self, state: &mut State, reader: &Reader<'_>) -> Result<bool, Gap> {
        let (Some(cursor), Some(tables)) = (&state.cursor, &state.tables) else {
            return Ok(false);
        };
        let (touched, next) = self.changes(reader, cursor).await?;
        if let Some(why) = &touched.everything {
            tracing::debug!(%why, "everything is read again");
            return Ok(false);
        }
        if touched.is_empty() {
            state.cursor = Some(next);
            return Ok(true);
        }
        let Some(patches) = self.patches(reader, tables, &touched).await? else {
            return Ok(false);
        };
        // Nothing is waited for from here on: whoever drops this future leaves it as it was before or after.
        let mut tables = state.tables.take().unwrap_or_default();
        let before: Vec<Patch> = patches.into_iter().map(|patch| patch.apply(&mut tables)).collect();
        if refs::dangling(&tables, !self.settings.filters.is_empty()).is_empty() {
            state.cursor = Some(next);
            self.publish(state, tables, None);
            return Ok(true);
        }
        for patch in before.into_iter().rev() {
            patch.apply(&mut tables);
        }
        state.tables = Some(tables);
        Ok(false)
    }

    async fn changes(&self, reader: &Reader<'_>, cursor: &Cursor) -> Result<(Touched, Cursor), Gap> {
        delta::since(
            &self.client,
            reader.version,
            cursor,
            reader.page_size,
            self.settings.read_config_context,
        )
        .await
    }

    /// Reads what was touched. `None` where a row is gone that nobody deleted.
    async fn patches(
        &self,
        reader: &Reader<'_>,
        tables: &Tables,
        touched: &Touched,
    ) -> Result<Option<Vec<Patch>>, Gap> {
        let mut jobs: Vec<Job> =
            touched.models.iter().map(|model| Job { model: *model, ids: None }).collect();
        for (model, ids) in touched.rows.iter().filter(|(model, _)| !touched.models.contains(model)) {
            if *model == Model::Macs && !reader.version.has_mac_model() {
                continue;
            }
            // Beyond a fifth of the model, pages cost less than lists of ids.
            let many = ids.len() > 1000 && ids.len() * 5 > tables.count(*model);
            jobs.push(Job { model: *model, ids: (!many).then(|| ids.clone()) });
        }
        let patches: Vec<Patch> = self.run(reader, jobs).await?;
        let unexplained = patches
            .iter()
            .any(|patch| patch.gone(tables).any(|id| !touched.deleted.contains(&(patch.model, id))));
        Ok((!unexplained).then_some(patches))
    }

    async fn run(&self, reader: &Reader<'_>, jobs: Vec<Job>) -> Result<Vec<Patch>, Gap> {
        stream::iter(jobs)
            .map(|Job { model, ids }| async move {
                let rows = match &ids {
                    None => reader.all(model).await?,
                    Some(ids) => reader.some(model, ids).await?,
                };
                Ok(Patch { model, ids, rows })
            })
            .buffer_unordered(self.config.concurrency)
            .try_collect()
            .await
    }

    /// Reads everything.
    async fn full(&self, state: &mut State, reader: &Reader<'_>) -> Result<(), Gap> {
        let cursor = delta::baseline(&self.client, reader.version).await;
        let jobs = Model::of(reader.version).map(|model| Job { model, ids: None }).collect();
        let mut tables = Tables::default();
        for patch in self.run(reader, jobs).await? {
            patch.apply(&mut tables);
        }
        let dangling = self.settle(reader, &mut tables).await?;
        self.hold_losses(state, reader, &tables).await?;
        if let Some(version) = self.client.version().filter(|version| *version != reader.version) {
            state.status_at = None;
            let why = format!("netbox changed from {} to {version} during the read", reader.version);
            return Err(Gap::new(GapKind::Truncated, why));
        }
        state.cursor = cursor;
        state.full_at = Some(Instant::now());
        state.recalled = None;
        self.publish(state, tables, dangling.first().map(hidden));
        Ok(())
    }

    /// Reads both ends of references that lead nowhere again, and returns those that still do.
    async fn settle(&self, reader: &Reader<'_>, tables: &mut Tables) -> Result<Vec<Dangling>, Gap> {
        let filtered = !self.settings.filters.is_empty();
        for _ in 0..SETTLE_ROUNDS {
            let dangling = refs::dangling(tables, filtered);
            if dangling.is_empty() {
                return Ok(dangling);
            }
            let jobs = refs::both_ends(&dangling)
                .into_iter()
                .map(|(model, ids)| Job { model, ids: Some(ids) })
                .collect();
            for patch in self.run(reader, jobs).await? {
                patch.apply(tables);
            }
        }
        Ok(refs::dangling(tables, filtered))
    }

    /// Holds a read back that lacks rows nobody deleted. For `full_interval` only: what stays away that long without a
    /// trace was deleted by direct SQL, or is hidden on purpose.
    async fn hold_losses(&self, state: &mut State, reader: &Reader<'_>, new: &Tables) -> Result<(), Gap> {
        let lost = match (&state.tables, &state.recalled) {
            (Some(old), _) => loss::between(old, new),
            (None, Some(recalled)) => recalled.lost_in(new),
            (None, None) => Vec::new(),
        };
        if lost.is_empty() {
            state.lost_since = None;
            return Ok(());
        }
        let touched = match self.told(state, reader, &lost).await {
            Ok(touched) => touched,
            // Closed for good: it has nothing to say. Out of reach for a moment: nobody knows what it would say.
            Err(gap) if delta::is_denied(&gap) => None,
            Err(gap) => return Err(gap),
        };
        let filtered = !self.settings.filters.is_empty();
        let Some(gap) = loss::unexplained(&lost, touched.as_ref(), filtered) else {
            state.lost_since = None;
            return Ok(());
        };
        let since = *state.lost_since.get_or_insert_with(Instant::now);
        if since.elapsed() < self.config.full_interval.max(Duration::from_secs(60)) {
            return Err(gap);
        }
        tracing::warn!(%gap, "taken as it is: it has been so for a whole full_interval");
        state.lost_since = None;
        Ok(())
    }

    /// What the changelog tells since the last read, be it one of an earlier run. `None` where it never could be read.
    async fn told(&self, state: &State, reader: &Reader<'_>, lost: &[Lost]) -> Result<Option<Touched>, Gap> {
        match (&state.tables, &state.cursor, &state.recalled) {
            (Some(_), Some(cursor), _) => Ok(Some(self.changes(reader, cursor).await?.0)),
            (None, _, Some(_)) => {
                let models = lost.iter().map(|lost| lost.model);
                delta::deletions(&self.client, reader.version, models, reader.page_size).await.map(Some)
            }
            (Some(_), None, _) | (None, _, None) => Ok(None),
        }
    }

    /// Makes the inventory of what was read. Hosts that stayed as they were stay the same allocation.
    fn publish(&self, state: &mut State, tables: Tables, hidden: Option<Gap>) {
        let decoded = decode::inventory(&tables, &self.settings, &state.hosts);
        state.hosts = decoded.hosts;
        state.gap = decoded.gap.or(hidden);
        state.tables = Some(tables);
    }
}

/// Something to read: a model, or some of its rows.
struct Job {
    model: Model,
    ids: Option<std::collections::BTreeSet<u64>>,
}

/// What was read.
struct Patch {
    model: Model,
    ids: Option<std::collections::BTreeSet<u64>>,
    rows: Rows,
}

impl Patch {
    /// Known rows that were asked for by id and did not come.
    fn gone<'a>(&'a self, tables: &'a Tables) -> impl Iterator<Item = u64> + 'a {
        self.ids
            .iter()
            .flatten()
            .copied()
            .filter(move |id| !self.rows.has(*id) && tables.has(self.model, *id))
    }

    /// Puts it in, and returns what takes it back.
    fn apply(self, tables: &mut Tables) -> Self {
        let rows = tables.swap(self.rows, self.ids.as_ref());
        Self { rows, ..self }
    }
}

/// The gap of a row whose other end this token is not shown.
fn hidden(dangling: &Dangling) -> Gap {
    let Dangling { from, to } = dangling;
    let why = format!(
        "{} {} belongs to {} {}, which this token is not shown — give its user {} without constraints, or set filters",
        from.0.label(),
        from.1,
        to.0.label(),
        to.1,
        to.0.permission(),
    );
    Gap::new(GapKind::Unauthorized, why)
}
