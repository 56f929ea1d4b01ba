//! What is kept beside the ledgers: the last complete inventory, and what sources showed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_core::model::{ExpectedHost, Inventory};
use evenkeel_core::{Coverage, HostName, SourceId};
use evenkeel_store::{AssetRow, Error, ExpectedRow, ObservedRow, SavedInventory, Store};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::world::Seen;

/// The form an inventory is kept in.
#[derive(Serialize, Deserialize)]
struct Kept {
    started: Timestamp,
    #[serde(default)]
    filtered: bool,
    hosts: Vec<Arc<ExpectedHost>>,
}

/// Keeps a complete inventory: as one piece for the next start, as snapshots per host for history, as assets.
pub async fn inventory(store: &dyn Store, inventory: &Inventory) -> Result<(), Error> {
    let kept =
        Kept { started: inventory.started, filtered: inventory.filtered, hosts: inventory.hosts.clone() };
    // Every type in it serialises without fail; an empty text would be refused on reading, not believed.
    let bytes = serde_json::to_vec(&kept).unwrap_or_else(|_| Vec::new());
    let saved =
        SavedInventory { source: inventory.source.clone(), observed_at: inventory.observed_at, bytes };
    store.save_inventory(&saved).await?;
    let rows: Vec<ExpectedRow> =
        inventory.hosts.iter().map(|host| ExpectedRow::of(host, inventory.observed_at)).collect();
    store.save_expected(&rows).await?;
    let assets: Vec<AssetRow> = inventory.hosts.iter().map(|host| AssetRow::of(host)).collect();
    store.save_assets(&assets, inventory.observed_at).await
}

/// The last complete inventory of an earlier run. One that cannot be read any more is as good as none: the next read of
/// NetBox brings it back.
pub async fn last_inventory(store: &dyn Store, source: &SourceId) -> Result<Option<Inventory>, Error> {
    let Some(saved) = store.last_inventory(source).await? else { return Ok(None) };
    match serde_json::from_slice::<Kept>(&saved.bytes) {
        Ok(kept) => Ok(Some(Inventory {
            source: source.clone(),
            started: kept.started,
            observed_at: saved.observed_at,
            coverage: Coverage::Complete,
            hosts: kept.hosts,
            filtered: kept.filtered,
        })),
        Err(error) => {
            tracing::warn!(%error, "the kept inventory is of another form; waiting for netbox");
            Ok(None)
        }
    }
}

/// What is shown again and again is noted as seen again this often. Writing it down each time would be most of what a
/// large fleet in agreement writes.
const SEEN_AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// What sources showed, on its way into the store: written where it differs from before, and together with what others
/// showed meanwhile.
#[derive(Debug, Default)]
pub struct Shown {
    /// What this process wrote last, by source and host.
    kept: Mutex<HashMap<(SourceId, HostName), Mark>>,
    /// What waits for whoever writes next.
    waiting: Mutex<Vec<ObservedRow>>,
    /// Held while writing.
    turn: tokio::sync::Mutex<()>,
}

/// What was shown, and when.
#[derive(Debug)]
struct Mark {
    hash: u128,
    at: Timestamp,
}

impl Shown {
    /// Keeps what a source showed. Blindness shows nothing. Returns when it is in the store, be it by somebody else's
    /// write; an error is told to whoever wrote.
    pub async fn keep(&self, store: &dyn Store, seen: &[Seen]) -> Result<(), Error> {
        let complete = seen.iter().filter(|seen| seen.view.coverage.is_complete());
        let rows = complete.map(|seen| ObservedRow::of(&seen.host, &seen.view, seen.sensitive));
        let news: Vec<ObservedRow> = rows.filter(|row| self.is_news(row)).collect();
        if news.is_empty() {
            return Ok(());
        }
        lock(&self.waiting).extend(news);
        let _turn = self.turn.lock().await;
        let rows = std::mem::take(&mut *lock(&self.waiting));
        if rows.is_empty() {
            return Ok(());
        }
        store.save_observed(&rows).await?;
        let mut kept = lock(&self.kept);
        for row in rows {
            kept.insert((row.source, row.hostname), Mark { hash: row.hash, at: row.observed_at });
        }
        Ok(())
    }

    fn is_news(&self, row: &ObservedRow) -> bool {
        let key = (row.source.clone(), row.hostname.clone());
        lock(&self.kept)
            .get(&key)
            .is_none_or(|mark| mark.hash != row.hash || row.observed_at.duration_since(mark.at) >= SEEN_AGAIN)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use evenkeel_core::SourceKind;
    use evenkeel_core::model::{HostFacts, HostView};
    use evenkeel_store::SqliteStore;
    use evenkeel_store::sqlite::Options;

    use super::*;

    fn row(name: &str, hash: u128, minute: i64) -> ObservedRow {
        ObservedRow {
            hostname: HostName::new(name),
            source: SourceId::new(SourceKind::Docker, "box"),
            hash,
            snapshot: "{}".to_owned(),
            observed_at: Timestamp::from_second(minute * 60).unwrap(),
        }
    }

    #[test]
    fn what_is_shown_again_is_written_again_only_when_it_differs_or_after_a_while() {
        let shown = Shown::default();
        assert!(shown.is_news(&row("box", 1, 0)));
        let first = row("box", 1, 0);
        let mark = Mark { hash: first.hash, at: first.observed_at };
        lock(&shown.kept).insert((first.source, first.hostname), mark);
        assert!(!shown.is_news(&row("box", 1, 9)));
        assert!(shown.is_news(&row("box", 2, 1)));
        assert!(shown.is_news(&row("attic", 1, 1)));
        assert!(shown.is_news(&row("box", 1, 10)));
    }

    #[tokio::test]
    async fn everybody_who_shows_something_at_once_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("kept.db"), Options::default()).await.unwrap();
        let shown = Shown::default();
        let seen = |n: u32| {
            let source = SourceId::new(SourceKind::Docker, format!("box-{n}"));
            let now = Timestamp::UNIX_EPOCH;
            let view = HostView {
                source,
                started: now,
                observed_at: now,
                coverage: Coverage::Complete,
                facts: HostFacts::default(),
                services: Vec::new(),
                ambiguous: Vec::new(),
            };
            Seen { host: HostName::new(format!("box-{n}")), view: Arc::new(view), sensitive: false }
        };
        let all: Vec<Seen> = (0..40).map(seen).collect();
        let kept = futures_util::future::join_all(
            all.iter().map(|seen| shown.keep(&store, std::slice::from_ref(seen))),
        )
        .await;
        assert!(kept.iter().all(Result::is_ok), "{kept:?}");
        assert_eq!(lock(&shown.kept).len(), 40);
        assert!(lock(&shown.waiting).is_empty());
        store.close().await;
    }
}
