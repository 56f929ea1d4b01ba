//! A stage: simulated systems, a store in a file, and the controller running on them in this process. Tests change the
//! systems and wait for what the ledgers, the events and the outbox say.
//!
//! What does not live here: the systems (`lab`), the settings (`plan`), the binary.

pub mod lab;
pub mod plan;

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel::controller::{self, Running};
use evenkeel::hub::Hub;
use evenkeel::pass;
use evenkeel_core::ledger::{Entry, Ledger, State};
use evenkeel_core::{DriftId, Event, SourceId, Subject};
use evenkeel_store::sqlite::Options;
use evenkeel_store::{DeliveryFilter, DeliveryRow, DeliveryState, EventFilter, SqliteStore, Store};
use jiff::Timestamp;
use tempfile::TempDir;

pub use lab::{Lab, container};
pub use plan::{Beside, Ear, Plan, SinkPlan, Wired};

/// How long anything may take on a busy machine before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// The database's name.
const FILE: &str = "evenkeel.db";
/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// Systems and a controller that runs on them.
pub struct Stage {
    /// The systems.
    pub lab: Lab,
    /// What the controller is made of; a change holds from the next start on.
    pub plan: Plan,
    folder: TempDir,
    store: Arc<dyn Store>,
    running: Option<Running>,
}

impl Stage {
    /// Starts a controller with an empty store.
    pub async fn start(lab: Lab, plan: Plan) -> Self {
        let mut stage = Self::prepare(lab, plan).await;
        stage.resume().await;
        stage
    }

    /// Starts a controller with an empty store that is wrapped in another one.
    pub async fn start_on<S: Store + 'static>(
        lab: Lab,
        plan: Plan,
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<S>,
    ) -> (Self, Arc<S>) {
        let mut stage = Self::prepare(lab, plan).await;
        let wrapped = wrap(stage.store.clone());
        stage.store = wrapped.clone();
        stage.resume().await;
        (stage, wrapped)
    }

    /// Everything but the controller.
    pub async fn prepare(lab: Lab, plan: Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder).await;
        Self { lab, plan, folder, store, running: None }
    }

    /// Starts the controller on what the store holds.
    pub async fn resume(&mut self) {
        let setup = self.plan.setup(&self.lab, self.store.clone());
        self.running = Some(controller::start(setup).await.unwrap());
    }

    /// Stops the controller gracefully and lets go of the store. What the outbox looked like in between: whoever opens
    /// the store next takes over what was still claimed.
    pub async fn stop(&mut self) -> Vec<DeliveryRow> {
        self.running.take().expect("a running controller").stop().await;
        let left = self.deliveries().await;
        self.store.close().await;
        self.store = open(&self.folder).await;
        left
    }

    /// Stops, and starts anew with the plan as it is now.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.resume().await;
    }

    /// What the controller's tasks share.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.running.as_ref().expect("a running controller").hub
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    /// A machine's engine.
    pub fn engine(&self, host: &str) -> &evenkeel_lab::docker::DockerLab {
        self.lab.engine(host)
    }

    /// The drifts that stand for themselves, in words.
    pub fn open(&self) -> BTreeSet<String> {
        self.entries().iter().filter(|entry| entry.is_root()).map(|entry| label(&entry.id)).collect()
    }

    /// The drifts that are consequences of another.
    pub fn folded(&self) -> BTreeSet<String> {
        let folded = |entry: &&Entry| entry.is_open() && entry.parent.is_some();
        self.entries().iter().filter(folded).map(|entry| label(&entry.id)).collect()
    }

    /// The ledger's entry of a drift.
    pub fn entry(&self, drift: &str) -> Entry {
        self.entries()
            .into_iter()
            .find(|entry| label(&entry.id) == drift)
            .unwrap_or_else(|| panic!("no {drift}"))
    }

    fn entries(&self) -> Vec<Entry> {
        self.hub().book.entries()
    }

    /// Waits until exactly these drifts stand for themselves and nothing is undecided.
    pub async fn until(&self, drifts: &[&str]) {
        let wanted: BTreeSet<String> = drifts.iter().map(|drift| (*drift).to_owned()).collect();
        let there = || async { self.open() == wanted && self.nothing_pending() };
        if !soon(there).await {
            let open = self.open();
            let (lacking, surplus) = (wanted.difference(&open), open.difference(&wanted));
            panic!(
                "lacking {:#?}, surplus {:#?}, in the ledgers {:#?}, after {:#?}",
                lacking.collect::<Vec<_>>(),
                surplus.collect::<Vec<_>>(),
                self.entries_in_words(),
                self.history().await
            );
        }
    }

    /// Waits until the sources of these names (`docker/box`) are blind, and only these.
    pub async fn until_blind(&self, sources: &[&str]) {
        let wanted: BTreeSet<String> = sources.iter().map(|source| (*source).to_owned()).collect();
        if !soon(|| async { self.blind() == wanted }).await {
            panic!("expected {wanted:?} to be blind, but it is {:?}", self.blind());
        }
    }

    /// The sources that do not see everything.
    pub fn blind(&self) -> BTreeSet<String> {
        let statuses = self.hub().see(|world| world.source_statuses(evenkeel::collect::now()));
        statuses.iter().filter(|s| !s.coverage.is_complete()).map(|s| s.source.to_string()).collect()
    }

    /// Waits until every source was asked so many more times, complete or not, and every pass that followed is made.
    pub async fn looks(&self, times: usize) {
        self.looks_but(times, &[]).await;
    }

    /// The same for every source but these.
    pub async fn looks_but(&self, times: usize, others: &[&str]) {
        for _ in 0..times {
            let mut before = self.answered();
            before.retain(|(id, _)| !others.contains(&id.to_string().as_str()));
            let moved = || async {
                let after = self.answered();
                before.iter().all(|(id, at)| after.iter().all(|(other, now)| other != id || now > at))
            };
            assert!(soon(moved).await, "no new answers after {before:?}");
        }
        self.idle().await;
    }

    /// Waits until no subject waits for a pass.
    pub async fn idle(&self) {
        let idle = || async { self.hub().queue.read(|queue, _| queue.is_empty()) };
        assert!(soon(idle).await, "passes never end");
    }

    fn answered(&self) -> Vec<(SourceId, Option<Timestamp>)> {
        let statuses = self.hub().see(|world| world.source_statuses(evenkeel::collect::now()));
        statuses.into_iter().map(|s| (s.source, s.answered_at)).collect()
    }

    /// Asserts that nothing happens while every source is asked a few more times, and that every ledger equals the
    /// difference of both truths.
    pub async fn quiet(&self) {
        let before = (self.open(), self.events().await.len());
        self.looks(3).await;
        let after = (self.open(), self.events().await.len());
        assert_eq!(before, after, "something happened: {:#?}", self.history().await);
        self.assert_ledgers_equal_the_difference().await;
    }

    async fn assert_ledgers_equal_the_difference(&self) {
        let hub = self.hub();
        let now = Timestamp::now();
        let mut difference = BTreeSet::new();
        for subject in hub.see(|world| world.subjects()) {
            let slice = hub.slice(&subject, now);
            let report =
                pass::compare(&subject, &slice, &Ledger::new(subject.clone()), &hub.rules.now().policy, now);
            difference.extend(report.drifted.iter().map(|drift| label(&drift.id)));
        }
        let blind = |entry: &&Entry| entry.is_open() && entry.blind.is_none();
        let in_memory: BTreeSet<String> =
            self.entries().iter().filter(blind).map(|entry| label(&entry.id)).collect();
        assert_eq!(in_memory, difference, "the ledger (left) is not the difference (right)");
        let mut stored = BTreeSet::new();
        for loaded in self.store.load_all().await.unwrap() {
            let seen = loaded.ledger.open().filter(|entry| entry.blind.is_none());
            stored.extend(seen.map(|entry| label(&entry.id)));
        }
        assert_eq!(stored, difference, "the store (left) is not the difference (right)");
    }

    fn nothing_pending(&self) -> bool {
        self.entries().iter().all(|entry| entry.state != State::Pending)
    }

    fn entries_in_words(&self) -> Vec<String> {
        self.entries()
            .iter()
            .map(|e| format!("{} {} under {:?}", e.state.as_str(), label(&e.id), e.parent))
            .collect()
    }

    /// Every event, oldest first.
    pub async fn events(&self) -> Vec<Event> {
        let mut events = all_events(&*self.store).await;
        events.reverse();
        events
    }

    /// Every event in words, oldest first: `opened SERVICE_MISSING sonarr@box`.
    pub async fn history(&self) -> Vec<String> {
        self.events().await.iter().map(in_words).collect()
    }

    /// Waits until a sink has something and nothing waits for it.
    pub async fn until_delivered(&self, sink: &str) {
        let done = || async {
            let rows: Vec<_> = self.deliveries().await.into_iter().filter(|row| row.sink == sink).collect();
            !rows.is_empty() && rows.iter().all(|row| row.state == DeliveryState::Delivered)
        };
        assert!(soon(done).await, "not delivered: {:#?}", self.deliveries().await);
    }

    /// Every delivery, oldest first.
    pub async fn deliveries(&self) -> Vec<DeliveryRow> {
        all_deliveries(&*self.store).await
    }
}

/// Every event of a store, newest first.
pub async fn all_events(store: &dyn Store) -> Vec<Event> {
    let mut events = Vec::new();
    let mut after = None;
    loop {
        let page = store.events(&EventFilter::default(), after, 500).await.unwrap();
        events.extend(page.rows.into_iter().map(|row| row.event));
        after = page.next;
        if after.is_none() {
            return events;
        }
    }
}

/// Every delivery of a store, oldest first.
pub async fn all_deliveries(store: &dyn Store) -> Vec<DeliveryRow> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = store.deliveries(&DeliveryFilter::default(), after, 500).await.unwrap();
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            rows.reverse();
            return rows;
        }
    }
}

/// A drift in words: `SERVICE_MISSING sonarr@box`, `CONFIG_DRIFT status box`, `SNAPSHOT_ERROR netbox/main`.
pub fn label(id: &DriftId) -> String {
    let subject = match &id.subject {
        Subject::Host(host) => host.to_string(),
        Subject::Source(source) => source.to_string(),
    };
    words(
        id.event_type.code(),
        id.field.map(|field| field.as_str()),
        id.service.as_ref().map(|s| s.as_str()),
        &subject,
    )
}

/// An event in words: its transition and its drift.
pub fn in_words(event: &Event) -> String {
    let field = [&event.expected, &event.observed].into_iter().flatten().find_map(|side| side.field.clone());
    let of_source = || event.drift_id.split("source:").nth(1).and_then(|rest| rest.split('|').next());
    let subject = event.hostname.as_ref().map(ToString::to_string);
    let subject = subject.unwrap_or_else(|| of_source().unwrap_or_default().to_owned());
    let drift = words(
        event.event_type.code(),
        field.as_deref(),
        event.service.as_ref().map(|s| s.as_str()),
        &subject,
    );
    format!("{} {drift}", event.transition)
}

fn words(code: &str, field: Option<&str>, service: Option<&str>, subject: &str) -> String {
    let field = field.map(|field| format!(" {field}")).unwrap_or_default();
    let service = service.map(|service| format!("{service}@")).unwrap_or_default();
    format!("{code}{field} {service}{subject}")
}

/// Whether the condition comes true before patience ends.
pub async fn soon<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) -> bool {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if condition().await {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(GLANCE).await;
    }
}

async fn open(folder: &TempDir) -> Arc<dyn Store> {
    // A store that is away must not make a test wait.
    let options = Options { busy_timeout: Duration::from_millis(200), ..Options::default() };
    Arc::new(SqliteStore::open(folder.path().join(FILE), options).await.unwrap())
}
