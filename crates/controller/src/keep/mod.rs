//! What is kept beside the ledgers: the last complete inventory (`inventory`), and what sources showed.

mod inventory;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_core::{HostName, SourceId};
use evenkeel_store::{Error, ObservedRow, Store};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::error;

use self::inventory::Declared;
pub use self::inventory::last_inventory;
use crate::gate::About;
use crate::hub::Hub;
use crate::world::Seen;

/// How many hosts are written at a time: all that is known of ten thousand is never one text in memory.
const AT_ONCE: usize = 200;
/// What is shown again and again is noted as seen again this often. Writing it down each time would be most of what a
/// large fleet in agreement writes.
const SEEN_AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// What is to be kept beside the ledgers, on its way into the store: written by one task, together with what came
/// meanwhile. Of each host and source only the newest waits, so that a database that is away fills no memory.
#[derive(Debug, Default)]
pub struct Shown {
    /// What this process wrote last, by source and host.
    kept: Mutex<BTreeMap<Whose, Mark>>,
    /// What waits for its turn.
    waiting: Mutex<BTreeMap<Whose, Row>>,
    /// The inventory.
    declared: Declared,
    bell: Notify,
}

/// Which source showed which host.
type Whose = (SourceId, HostName);

/// What was shown, and when.
#[derive(Debug)]
struct Mark {
    hash: u128,
    at: Timestamp,
    edition: Option<u64>,
}

/// What waits, and which edition of what its source shows that is.
#[derive(Debug)]
struct Row {
    row: ObservedRow,
    edition: Option<u64>,
}

impl Shown {
    /// What a source showed is to be kept, where it differs from before. Blindness shows nothing.
    pub fn note(&self, seen: &[Seen]) {
        let complete = seen.iter().filter(|seen| seen.view.coverage.is_complete());
        let rows = complete.filter(|seen| !self.is_kept(seen)).map(|seen| Row {
            row: ObservedRow::of(&seen.host, &seen.view, seen.sensitive),
            edition: seen.edition,
        });
        let news: Vec<Row> = rows.filter(|row| self.is_news(&row.row)).collect();
        if !news.is_empty() {
            lock(&self.waiting).extend(news.into_iter().map(|row| (whose(&row.row), row)));
            self.ring();
        }
    }

    /// Whether what was written last is this very edition, and was not long ago: then it need not even be put into words.
    fn is_kept(&self, seen: &Seen) -> bool {
        let whose = (seen.view.source.clone(), seen.host.clone());
        let is_same = |mark: &Mark| {
            mark.edition.is_some()
                && mark.edition == seen.edition
                && seen.view.observed_at.duration_since(mark.at) < SEEN_AGAIN
        };
        lock(&self.kept).get(&whose).is_some_and(is_same) && !lock(&self.waiting).contains_key(&whose)
    }

    /// The inventory is to be kept.
    pub fn note_inventory(&self) {
        self.declared.note();
        self.ring();
    }

    /// Whatever waits may have another try.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// How much waits.
    pub fn waiting(&self) -> usize {
        lock(&self.waiting).len()
    }

    /// What waits is compared with what came last, and that may be what is kept: what went and came back while it waited
    /// must not end as gone.
    fn is_news(&self, row: &ObservedRow) -> bool {
        let whose = whose(row);
        if let Some(waiting) = lock(&self.waiting).get(&whose) {
            return waiting.row.hash != row.hash;
        }
        lock(&self.kept)
            .get(&whose)
            .is_none_or(|mark| mark.hash != row.hash || row.observed_at.duration_since(mark.at) >= SEEN_AGAIN)
    }

    /// Writes what waits. What could not be written waits on, unless something newer came.
    pub async fn write(&self, store: &dyn Store) -> Result<(), Error> {
        loop {
            let next = self.next();
            if next.is_empty() {
                return Ok(());
            }
            self.write_these(store, next).await?;
        }
    }

    fn next(&self) -> Vec<Row> {
        let mut waiting = lock(&self.waiting);
        std::iter::from_fn(|| waiting.pop_first()).map(|(_, row)| row).take(AT_ONCE).collect()
    }

    async fn write_these(&self, store: &dyn Store, waiting: Vec<Row>) -> Result<(), Error> {
        let (rows, editions): (Vec<ObservedRow>, Vec<Option<u64>>) =
            waiting.into_iter().map(|Row { row, edition }| (row, edition)).unzip();
        let written = store.save_observed(&rows).await;
        let rows = rows.into_iter().zip(editions);
        if let Err(error) = written {
            let mut waiting = lock(&self.waiting);
            for (row, edition) in rows {
                waiting.entry(whose(&row)).or_insert(Row { row, edition });
            }
            return Err(error);
        }
        let mut kept = lock(&self.kept);
        for (row, edition) in rows {
            let mark = Mark { hash: row.hash, at: row.observed_at, edition };
            kept.insert(whose(&row), mark);
        }
        Ok(())
    }
}

/// Writes what is to be kept beside the ledgers, as long as anything can be kept; what is left at the end, once more.
pub async fn run(hub: Arc<Hub>, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = hub.shown.bell.notified() => {}
        }
        let open = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            open = hub.gate.pass() => open,
        };
        if !open {
            return;
        }
        write(&hub).await;
    }
    if hub.gate.paused().is_none() {
        write(&hub).await;
    }
}

async fn write(hub: &Hub) {
    if hub.shown.declared.take() {
        keep_inventory(hub).await;
    }
    match hub.shown.write(&*hub.store).await {
        Ok(()) => {}
        Err(error) => {
            if hub.gate.heard(&error) == About::Request {
                error!(%error, "what sources showed could not be kept");
            }
        }
    }
}

/// The last complete declaration survives a restart, so that NetBox being away then makes nothing undeclared.
async fn keep_inventory(hub: &Hub) {
    let Some(newest) = hub.see(|world| world.inventory().cloned()) else { return };
    if let Err(error) = hub.shown.declared.write(&*hub.store, newest).await {
        match hub.gate.heard(&error) {
            About::Database => hub.shown.note_inventory(),
            About::Leadership => {}
            About::Request => error!(%error, "the inventory could not be kept"),
        }
    }
}

fn whose(row: &ObservedRow) -> Whose {
    (row.source.clone(), row.hostname.clone())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use evenkeel_core::model::{HostFacts, HostView};
    use evenkeel_core::{Coverage, SourceKind};
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
        let mark = Mark { hash: first.hash, at: first.observed_at, edition: None };
        lock(&shown.kept).insert((first.source, first.hostname), mark);
        assert!(!shown.is_news(&row("box", 1, 9)));
        assert!(shown.is_news(&row("box", 2, 1)));
        assert!(shown.is_news(&row("attic", 1, 1)));
        assert!(shown.is_news(&row("box", 1, 10)));
    }

    fn seen(n: u32, minute: i64) -> Seen {
        let now = Timestamp::from_second(minute * 60).unwrap();
        let view = HostView {
            source: SourceId::new(SourceKind::Docker, format!("box-{n}")),
            started: now,
            observed_at: now,
            coverage: Coverage::Complete,
            facts: HostFacts::default(),
            services: Vec::new(),
            ambiguous: Vec::new(),
        };
        Seen {
            host: HostName::new(format!("box-{n}")),
            view: Arc::new(view),
            sensitive: false,
            edition: Some(u64::from(n)),
        }
    }

    #[tokio::test]
    async fn whatever_waits_is_written_together_and_what_fails_waits_on_and_grows_no_further() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.db");
        let store = SqliteStore::open(&path, Options::default()).await.unwrap();
        let shown = Shown::default();
        (0..40).for_each(|n| shown.note(&[seen(n, 0)]));
        store.close().await;
        for minute in 0..1000 {
            (0..40).for_each(|n| shown.note(&[seen(n, minute)]));
            shown.write(&store).await.unwrap_err();
            assert_eq!(shown.waiting(), 40);
        }
        let store = SqliteStore::open(&path, Options::default()).await.unwrap();
        shown.write(&store).await.unwrap();
        assert_eq!((lock(&shown.kept).len(), shown.waiting()), (40, 0));
        assert_eq!(store.stats().await.unwrap().observed_snapshots, 40);
        store.close().await;
    }

    #[tokio::test]
    async fn more_than_is_written_at_once_is_written_all_the_same() {
        let store = SqliteStore::in_memory(Options::default()).await.unwrap();
        let most = u32::try_from(AT_ONCE).unwrap();
        let shown = Shown::default();
        (0..=2 * most).for_each(|n| shown.note(&[seen(n, 0)]));
        shown.write(&store).await.unwrap();
        assert_eq!((lock(&shown.kept).len(), shown.waiting()), (2 * AT_ONCE + 1, 0));
        assert_eq!(store.stats().await.unwrap().observed_snapshots, u64::from(2 * most + 1));
    }

    #[tokio::test]
    async fn what_shows_the_same_edition_is_not_even_put_into_words_until_it_is_due_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("kept.db"), Options::default()).await.unwrap();
        let shown = Shown::default();
        shown.note(&[seen(1, 0)]);
        assert!(!shown.is_kept(&seen(1, 0)), "it waits");
        shown.write(&store).await.unwrap();
        assert!(shown.is_kept(&seen(1, 9)));
        assert!(!shown.is_kept(&seen(1, 10)), "seen again after a while");
        assert!(!shown.is_kept(&Seen { edition: Some(7), ..seen(1, 1) }), "it shows something else");
        assert!(!shown.is_kept(&Seen { edition: None, ..seen(1, 1) }), "nobody counts");
        store.close().await;
    }

    #[test]
    fn what_went_and_came_back_while_it_waited_ends_as_it_is() {
        let shown = Shown::default();
        let first = row("box", 1, 0);
        let mark = Mark { hash: first.hash, at: first.observed_at, edition: None };
        lock(&shown.kept).insert(whose(&first), mark);
        lock(&shown.waiting).insert(whose(&first), Row { row: row("box", 2, 1), edition: None });
        assert!(shown.is_news(&row("box", 1, 2)));
    }
}
