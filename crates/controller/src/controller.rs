//! The controller: everything running at once, from start to graceful stop. Who is asked and who is told is given to it
//! ([`Setup`]); building that from a configuration is [`crate::wiring`].

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use evenkeel_core::policy::{FirstRun, Policy};
use evenkeel_core::{SourceId, Subject};
use evenkeel_sinks::{Sink, retry};
use evenkeel_sources::Source;
use evenkeel_store::{RetentionPolicy, Store};
use evenkeel_web::Intake;
use jiff::Timestamp;
use prometheus::Registry;
use tokio::sync::{Notify, broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::book::{Book, Record};
use crate::clock::{self, Clock};
use crate::config::{Schedule, SinkFilter};
use crate::deliver::people::{self, Manners, Teller};
use crate::deliver::route::Route;
use crate::deliver::{Deliverer, orphans};
use crate::desk::Desk;
use crate::fleet::{Fleet, MakeDeclared, Observer, Probe};
use crate::gate::{self, Gate};
use crate::heartbeat::{self, Pulse};
use crate::hook::Bell;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::repair::{self, Engine, Remedies};
use crate::rules::{InForce, Keeper};
use crate::view::{Askings, Pictures};
use crate::work::WorkQueue;
use crate::world::World;
use crate::{figures, keep, upkeep, worker};

/// How many sources may be asked at the same moment.
const ASKED_AT_ONCE: usize = 32;
/// How far a watcher of the event stream may fall behind before it misses events.
const WATCHERS_LAG: usize = 1024;

/// A sink and what goes to it.
pub struct Destination {
    /// The sink.
    pub sink: Arc<dyn Sink>,
    /// Which events it gets.
    pub filter: SinkFilter,
    /// Whether it gets notices.
    pub notices: bool,
    /// How people want to be told, if it speaks to people.
    pub manners: Manners,
    /// How long a delivery is tried.
    pub retry: retry::Schedule,
}

/// What a controller is made of.
pub struct Setup {
    /// Who says what should exist.
    pub intent: Arc<dyn Source>,
    /// Who says what does exist.
    pub observers: Vec<Observer>,
    /// Probes, whose targets follow what is declared.
    pub probes: Vec<Probe>,
    /// Doors to what is sent.
    pub intakes: Vec<Arc<dyn Intake>>,
    /// What NetBox's webhooks ring, if it is listened to.
    pub netbox_bell: Option<Arc<Bell>>,
    /// How engines that NetBox declares are made; `None`: they are not watched.
    pub make_declared: Option<MakeDeclared>,
    /// Who is told.
    pub destinations: Vec<Destination>,
    /// What the operator decided.
    pub policy: Policy,
    /// Whether and how drifts are repaired.
    pub remedies: Remedies,
    /// When things happen.
    pub schedule: Schedule,
    /// How long things are kept.
    pub retention: RetentionPolicy,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Where figures are registered.
    pub registry: Registry,
}

/// A running controller.
pub struct Running {
    /// What its tasks share.
    pub hub: Arc<Hub>,
    /// Ends the asking and the telling.
    stop: CancellationToken,
    /// Ends everything where it stands.
    halt: CancellationToken,
    /// Asking and telling.
    tasks: TaskTracker,
    /// Passes.
    workers: TaskTracker,
    deadline: Duration,
}

/// Why a controller could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledgers cannot be read.
    #[error("the store cannot be read")]
    Store(#[from] evenkeel_store::Error),
    /// Figures cannot be registered.
    #[error("the metrics cannot be registered")]
    Metrics(#[from] prometheus::Error),
}

/// Reads the ledgers and starts every task. Until sources have answered, everything is unknown.
pub async fn start(setup: Setup) -> Result<Running, Error> {
    let Setup {
        intent,
        observers,
        probes,
        intakes,
        netbox_bell,
        make_declared,
        destinations,
        policy,
        remedies,
        schedule,
        retention,
        store,
        registry,
    } = setup;
    // Before anything is read that says when it was.
    let clock = Clock::default();
    let now = crate::collect::now();
    let repair_figures = repair::figures::Figures::register(&registry)?;
    remedies.receivers.keys().for_each(|action| repair_figures.expect(action));
    let (repairs, orders) = Desk::new();
    let (silences, wishes) = Desk::new();
    let metrics = Metrics::register(&registry)?;
    let netbox = intent.id().clone();
    let policy = Arc::new(policy);
    if store.set_back(now).await? {
        warn!("the clock is behind what is kept: it was set back; what waits in the outbox is due now");
    }
    let (book, remembered) = open_book(&*store, now).await?;
    // Before the first pass: what is silenced must not be told once more because of a start.
    let mut made = store.silences_left(now).await?;
    made.iter_mut().for_each(|silence| silence.set_back(now));
    let mut world = World::new(netbox.clone(), policy.clone(), stale_after(&schedule));
    book.visit(|record| world.note_loss(&record.ledger));
    match policy.first_run {
        FirstRun::Baseline => world.know(store.sources_shown().await?),
        FirstRun::Announce => {}
    }
    if let Some(inventory) = keep::last_inventory(&*store, &netbox, now).await? {
        info!(hosts = inventory.hosts.len(), read_at = %inventory.observed_at, "remembering the last inventory");
        intent.recall(&inventory).await;
        world.remember_inventory(inventory);
    }
    let sources: Vec<SourceId> =
        std::iter::once(&netbox).chain(observers.iter().map(|o| o.source.id())).cloned().collect();
    store.save_sources(&sources, now).await?;
    let routes = destinations
        .iter()
        .map(|d| Route {
            sink: Arc::from(d.sink.name()),
            filter: d.filter.clone(),
            speaks: d.sink.speaker().is_some(),
            notices: d.notices,
        })
        .collect();
    let hub = Arc::new(Hub {
        world: RwLock::new(world),
        queue: WorkQueue::new(Duration::from_millis(500), Duration::from_secs(60)),
        book,
        store,
        clock,
        gate: Gate::default(),
        shown: keep::Shown::default(),
        metrics,
        registry,
        rules: InForce::new(policy, &made),
        rules_bell: Notify::new(),
        silences,
        schedule,
        routes,
        intakes,
        netbox_bell,
        outbox_bell: Notify::new(),
        repair_bell: Arc::new(Notify::new()),
        changes: watch::Sender::default(),
        repairs,
        events: watchers(),
        inventory: watch::channel(0).0,
        askings: Askings::default(),
        pictures: Pictures::default(),
        retention,
        rechecks: Mutex::new(HashMap::new()),
    });
    let running = Running {
        deadline: hub.schedule.shutdown_deadline,
        stop: CancellationToken::new(),
        halt: CancellationToken::new(),
        tasks: TaskTracker::new(),
        workers: TaskTracker::new(),
        hub,
    };
    let mut fleet = Fleet::new(
        running.hub.clone(),
        running.tasks.clone(),
        running.stop.clone(),
        make_declared,
        probes,
        remembered,
        ASKED_AT_ONCE,
    );
    fleet.aim_probes();
    for observer in observers {
        fleet.start_configured(observer);
    }
    fleet.start_intent(intent);
    running.spawn_all(fleet, destinations, retention);
    let engine = Engine::new(running.hub.clone(), remedies, repair_figures);
    running.spawn(engine.run(orders, running.stop.clone()));
    let keeper = Keeper::new(running.hub.clone(), made);
    running.spawn(keeper.run(wishes, running.stop.clone()));
    Ok(running)
}

impl Running {
    fn spawn_all(&self, fleet: Fleet, destinations: Vec<Destination>, retention: RetentionPolicy) {
        let (hub, stop) = (&self.hub, &self.stop);
        for _ in 0..hub.schedule.workers.max(1) {
            self.workers.spawn(self.until_halted(worker::run(hub.clone())));
        }
        self.spawn(worker::resync(hub.clone(), stop.clone()));
        self.spawn(upkeep::run(hub.clone(), retention, stop.clone()));
        self.spawn(figures::run(hub.clone(), stop.clone()));
        self.spawn(clock::watch(hub.clone(), stop.clone()));
        self.spawn(gate::watch(hub.clone(), stop.clone()));
        self.spawn(keep::run(hub.clone(), stop.clone()));
        self.spawn(orphans::give_up(hub.clone(), stop.clone()));
        for Destination { sink, filter, notices: _, manners, retry: schedule } in destinations {
            hub.metrics.expect_sink(sink.name());
            let (hub, stop) = (hub.clone(), stop.clone());
            if sink.speaker().is_some() {
                let kept = people::kept_for(&retention.delivered);
                self.spawn(Teller { sink, filter, manners, schedule, kept, hub }.run(stop));
            } else {
                self.spawn(Deliverer { sink, filter, schedule, hub }.run(stop));
            }
        }
        self.spawn(fleet.follow());
    }

    /// From now on it is said again and again that all is well, as long as it is.
    pub fn beat(&self, pulse: Pulse) {
        self.spawn(heartbeat::run(self.hub.clone(), pulse, self.stop.clone()));
    }

    /// Runs beside the asking and the telling, as long as they do.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(self.until_halted(task));
    }

    fn until_halted(
        &self,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let halt = self.halt.clone();
        async move {
            tokio::select! {
                biased;
                () = halt.cancelled() => {}
                () = task => {}
            }
        }
    }

    /// Ends when the wall clock jumps: from then on nothing is decided any more, and it is to be started anew.
    pub async fn jumped(&self) {
        self.hub.clock.jumped().await;
    }

    /// Stops: no new questions, the passes that wait are made, what is being delivered is finished.
    /// What is not done by the deadline is abandoned; it is found again at the next start.
    pub async fn stop(self) {
        let Self { hub, stop, halt, tasks, workers, deadline } = self;
        stop.cancel();
        hub.gate.stop();
        hub.queue.shut_down();
        tasks.close();
        workers.close();
        let all_done = async {
            workers.wait().await;
            tasks.wait().await;
        };
        if tokio::time::timeout(deadline, all_done).await.is_err() {
            let left = hub.queue.abandon();
            warn!(
                deadline_s = deadline.as_secs(),
                left = left.len(),
                "stopped without finishing; nothing is lost"
            );
            halt.cancel();
            workers.wait().await;
            tasks.wait().await;
        }
        info!("stopped");
    }

    /// Ends at once, wherever everything stands: somebody else leads, and what is not kept by now will not be. Nothing is
    /// lost; whoever leads sees the same world.
    pub async fn abandon(self) {
        let Self { hub, stop, halt, tasks, workers, deadline: _ } = self;
        hub.gate.shut();
        stop.cancel();
        halt.cancel();
        hub.queue.shut_down();
        let left = hub.queue.abandon();
        tasks.close();
        workers.close();
        workers.wait().await;
        tasks.wait().await;
        info!(left = left.len(), "let go of everything");
    }
}

/// Where events are told as they happen. Whoever does not keep up misses the oldest; nobody is waited for.
fn watchers<T: Clone>() -> broadcast::Sender<T> {
    broadcast::channel(WATCHERS_LAG).0
}

/// An answer proves nothing once three intervals have passed without a new one.
fn stale_after(schedule: &Schedule) -> Duration {
    (schedule.docker_interval * 3).max(Duration::from_secs(120))
}

async fn open_book(
    store: &dyn Store,
    now: Timestamp,
) -> Result<(Book, BTreeMap<SourceId, evenkeel_core::identity::hosts::NetboxRef>), evenkeel_store::Error> {
    let book = Book::default();
    let mut remembered = BTreeMap::new();
    for loaded in store.load_all().await? {
        let subject = loaded.ledger.subject.clone();
        if let (Subject::Source(source), Some(identity)) = (&subject, loaded.identity) {
            remembered.insert(source.clone(), identity);
        }
        book.put(&subject, Record::loaded(loaded.ledger, loaded.revision, now));
    }
    Ok((book, remembered))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use evenkeel_core::model::{HostSnapshot, Inventory};
    use evenkeel_core::{Coverage, Gap, GapKind, SourceKind};
    use evenkeel_sources::{Hint, Snapshot};
    use evenkeel_store::SqliteStore;
    use evenkeel_store::sqlite::Options;
    use tokio::sync::broadcast::error::TryRecvError;

    use super::*;
    use crate::collect::now;
    use crate::config::Breaker;
    use crate::fleet::Speaks;

    /// A source that answers when it is told to.
    struct Slow {
        id: SourceId,
        asked: Arc<AtomicUsize>,
        go: CancellationToken,
    }

    #[async_trait]
    impl Source for Slow {
        fn id(&self) -> &SourceId {
            &self.id
        }

        async fn observe(&self) -> Snapshot {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.go.cancelled().await;
            let gap = Gap::new(GapKind::Unreachable, "nobody is there");
            match self.id.kind {
                SourceKind::Netbox => Snapshot::Inventory(Inventory {
                    source: self.id.clone(),
                    started: now(),
                    observed_at: now(),
                    coverage: Coverage::Complete,
                    hosts: Vec::new(),
                    filtered: false,
                }),
                SourceKind::Docker
                | SourceKind::Proxmox
                | SourceKind::Truenas
                | SourceKind::Probe
                | SourceKind::Push
                | SourceKind::Store => {
                    Snapshot::Hosts(vec![HostSnapshot::blind(self.id.clone(), now(), now(), gap)])
                }
            }
        }

        async fn changed(&self) -> Hint {
            std::future::pending().await
        }
    }

    fn setup(intent: Slow, observers: Vec<Observer>, store: Arc<dyn Store>) -> Setup {
        let never = Duration::from_secs(3600);
        Setup {
            intent: Arc::new(intent),
            observers,
            probes: Vec::new(),
            intakes: Vec::new(),
            netbox_bell: None,
            make_declared: None,
            destinations: Vec::new(),
            policy: Policy::default(),
            remedies: Remedies::default(),
            schedule: Schedule {
                netbox_interval: never,
                docker_interval: never,
                resync: never,
                recheck: never,
                debounce: Duration::ZERO,
                workers: 1,
                breaker: Breaker { failures: 3, open: never, open_max: never },
                shutdown_deadline: Duration::from_secs(5),
            },
            retention: RetentionPolicy::default(),
            store,
            registry: Registry::new(),
        }
    }

    #[tokio::test]
    async fn no_more_sources_are_asked_at_once_than_may() {
        let (asked, go) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let slow = |kind, n: usize| Slow {
            id: SourceId::new(kind, format!("box-{n}")),
            asked: asked.clone(),
            go: go.clone(),
        };
        let observer = |n| Observer {
            source: Arc::new(slow(SourceKind::Docker, n)),
            speaks: Speaks::Host(None),
            interval: None,
        };
        let store = Arc::new(SqliteStore::in_memory(Options::default()).await.unwrap());
        let observers = (0..2 * ASKED_AT_ONCE).map(observer).collect();
        let setup = setup(slow(SourceKind::Netbox, 0), observers, store.clone());
        let running = start(setup).await.unwrap();
        while asked.load(Ordering::SeqCst) < ASKED_AT_ONCE {
            tokio::task::yield_now().await;
        }
        // Everybody had many turns since.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(asked.load(Ordering::SeqCst), ASKED_AT_ONCE);
        go.cancel();
        while asked.load(Ordering::SeqCst) < 2 * ASKED_AT_ONCE + 1 {
            tokio::task::yield_now().await;
        }
        running.stop().await;
        store.close().await;
    }

    #[test]
    fn a_watcher_that_does_not_keep_up_misses_the_oldest_and_holds_up_nobody() {
        let events = watchers();
        let mut slow = events.subscribe();
        for n in 0..WATCHERS_LAG + 500 {
            events.send(n).unwrap();
        }
        assert_eq!(events.len(), WATCHERS_LAG);
        assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(500)));
        assert_eq!(slow.try_recv(), Ok(500));
    }
}
