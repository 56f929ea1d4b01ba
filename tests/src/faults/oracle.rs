//! What is asked after every fault: nothing lost, nothing twice, and since when.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel_core::ledger::State;
use evenkeel_core::{Event, Transition};
use evenkeel_store::{DeliveryState, DriftFilter, EventFilter, SqliteStore, Store};

use super::{Inbox, World};
use crate::program::Program;
use crate::stage::{all_deliveries, in_words, label};

/// How long recovery may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often it is looked.
const GLANCE: Duration = Duration::from_millis(10);

/// What the program keeps, read beside it.
#[derive(Clone)]
pub enum Books {
    /// A file, opened anew for each question: a reader that stays would change how the file is recovered.
    File(PathBuf),
    /// A server.
    Server(Arc<dyn Store>),
}

impl Books {
    async fn open(&self) -> Option<Arc<dyn Store>> {
        match self {
            Self::File(path) => {
                let store = SqliteStore::open_read_only(path, Default::default()).await.ok()?;
                Some(Arc::new(store))
            }
            Self::Server(store) => Some(store.clone()),
        }
    }

    async fn close(&self, store: Arc<dyn Store>) {
        match self {
            Self::File(_) => store.close().await,
            Self::Server(_) => {}
        }
    }

    /// The drifts that are open or about to be; `None` if nobody can tell.
    pub async fn open_drifts(&self) -> Option<BTreeSet<String>> {
        let store = self.open().await?;
        let filter = DriftFilter { states: vec![State::Open, State::Pending], ..DriftFilter::default() };
        let page = store.drifts(&filter, None, 1000).await;
        self.close(store).await;
        Some(page.ok()?.rows.iter().map(|entry| label(&entry.id)).collect())
    }

    /// How many deliveries wait for each sink; `None` if nobody can tell.
    pub async fn waiting(&self) -> Option<BTreeMap<String, u64>> {
        let store = self.open().await?;
        let depths = store.outbox().await;
        self.close(store).await;
        Some(depths.ok()?.into_iter().map(|depth| (depth.sink, depth.pending + depth.dead)).collect())
    }

    /// Every event since this number, oldest first, with its number.
    async fn events_since(&self, seq: u64) -> Vec<(u64, Event)> {
        let store = self.open().await.expect("a database that can be read");
        let mut events = Vec::new();
        let mut after = None;
        loop {
            let page = store.events(&EventFilter::default(), after, 200).await.unwrap();
            let before = events.len();
            let found = page.rows.len();
            events
                .extend(page.rows.into_iter().map(|row| (row.seq, row.event)).take_while(|(n, _)| *n > seq));
            after = page.next;
            if after.is_none() || events.len() < before + found {
                break;
            }
        }
        self.close(store).await;
        events.reverse();
        events
    }
}

/// The history of one drift so far.
#[derive(Debug, Default)]
struct Course {
    open: bool,
    transitions: usize,
    announced: Vec<String>,
}

/// Who knows the world, what is kept of it, and what was told.
pub struct Oracle {
    world: Arc<World>,
    books: Books,
    inboxes: Vec<Arc<Inbox>>,
    read: u64,
    courses: BTreeMap<String, Course>,
    ids: BTreeSet<String>,
    /// How drifts may be called that are no difference of the world: blindness, while there is reason for it.
    pub blindness: Vec<&'static str>,
}

impl Oracle {
    /// For a program that watches this world, keeps these books and tells these receivers.
    pub fn new(world: Arc<World>, books: Books, inboxes: &[Arc<Inbox>]) -> Self {
        Self {
            world,
            books,
            inboxes: inboxes.to_vec(),
            read: 0,
            courses: BTreeMap::new(),
            ids: BTreeSet::new(),
            blindness: Vec::new(),
        }
    }

    /// Waits until the ledger equals the world, everybody knows it and nothing waits to be sent; says how long after
    /// `begun` that was. Then asks whether anything was lost or came twice on the way there.
    pub async fn recovered(&mut self, begun: Instant, program: &Program) -> Duration {
        let truth = self.world.truth();
        while !self.is_settled(&truth).await {
            if begun.elapsed() > PATIENCE {
                let told: Vec<_> = self.inboxes.iter().map(|inbox| inbox.open()).collect();
                let (kept, waiting) = (self.books.open_drifts().await, self.books.waiting().await);
                panic!(
                    "no recovery\ntrue {truth:#?}\ntold {told:#?}\nkept {kept:#?}\nwaiting {waiting:?}\n{}",
                    program.log()
                );
            }
            tokio::time::sleep(GLANCE).await;
        }
        let took = begun.elapsed();
        self.ask(program).await;
        took
    }

    async fn is_settled(&self, truth: &BTreeSet<String>) -> bool {
        // What receivers know costs nothing to ask.
        self.inboxes.iter().all(|inbox| inbox.open() == *truth)
            && self.books.open_drifts().await.as_ref() == Some(truth)
            && self.books.waiting().await.is_some_and(|waiting| waiting.values().all(|count| *count == 0))
    }

    /// Reads what was written since the last time and compares it with what the world knows.
    async fn ask(&mut self, program: &Program) {
        for (seq, event) in self.books.events_since(self.read).await {
            self.read = seq;
            self.follow(&event, program);
        }
        for (drift, changes) in self.world.changes() {
            let course = self.courses.remove(&drift).unwrap_or_default();
            if let Some(changes) = changes {
                assert_eq!(course.transitions, changes, "transitions of {drift}: {}", program.log());
            }
            self.courses.insert(drift, course);
        }
        for inbox in &self.inboxes {
            inbox.assert_in_order();
            for (drift, ids) in inbox.threads() {
                let kept = self.courses.get(&drift).map(|course| course.announced.as_slice());
                assert_eq!(Some(ids.as_slice()), kept, "{}: {drift}: {}", inbox.sink, program.log());
            }
        }
    }

    fn follow(&mut self, event: &Event, program: &Program) {
        let words = in_words(event);
        let drift = words.split_once(' ').map_or(words.as_str(), |(_, drift)| drift);
        let known = self.world.changes().contains_key(drift)
            || self.world.blinds(drift)
            || self.blindness.iter().any(|blindness| drift.starts_with(blindness));
        assert!(known, "{words}, of which the world knows nothing: {}", program.log());
        assert!(self.ids.insert(event.id.to_string()), "{} twice", event.id);
        let course = self.courses.entry(drift.to_owned()).or_default();
        let after = match event.transition {
            Transition::Opened | Transition::Reopened => Some(true),
            Transition::Resolved => Some(false),
            Transition::Changed | Transition::Reminder => None,
        };
        if let Some(after) = after {
            assert_ne!(course.open, after, "{words} twice: {}", program.log());
            course.open = after;
            course.transitions += 1;
        }
        if event.announce {
            course.announced.push(event.id.to_string());
        }
    }

    /// At the very end: one delivery per event and receiver, all of them delivered.
    pub async fn assert_outbox_whole(&self) {
        let store = self.books.open().await.expect("a database that can be read");
        let deliveries = all_deliveries(&*store).await;
        self.books.close(store).await;
        let announced: BTreeSet<_> =
            self.courses.values().flat_map(|course| course.announced.iter().cloned()).collect();
        for inbox in &self.inboxes {
            let rows: Vec<_> = deliveries.iter().filter(|row| row.sink == inbox.sink).collect();
            assert!(rows.iter().all(|row| row.state == DeliveryState::Delivered), "{rows:#?}");
            let told: BTreeSet<_> = rows.iter().map(|row| row.event.to_string()).collect();
            assert_eq!((told.len(), &told), (rows.len(), &announced), "one delivery per event");
        }
    }
}
