//! 10,000 hosts end to end in this process: from a cold start until every ledger is settled, then what it costs that
//! nothing changes. Sources answer from memory; everything behind them is the real controller, with its store on disk.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use evenkeel::controller::Running;
use evenkeel::fleet::{Observer, Speaks};
use evenkeel::hub::Hub;
use evenkeel::pass;
use evenkeel::world::Slice;
use evenkeel_core::fingerprint;
use evenkeel_core::ledger::Ledger;
use evenkeel_core::model::{HostSnapshot, Inventory};
use evenkeel_core::policy::Policy;
use evenkeel_core::{EventId, SourceId};
use evenkeel_sources::{Hint, Snapshot, Source};
use jiff::Timestamp;

use crate::fleet::{self, Shape};
use crate::process::{cpu_seconds, resident_bytes, written_bytes};
use crate::{Result, Row, stage};

pub(crate) const SHAPE: Shape = Shape { hosts: 10_000, services: 10, one_in: 100 };
/// How long the cold start may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// So many engines answer at the same time.
const AT_ONCE: usize = 32;
/// How often an engine is listed unless somebody configures otherwise.
const INTERVAL: Duration = Duration::from_secs(30);

/// A source that says the same again and again.
struct Constant {
    id: SourceId,
    says: Snapshot,
}

impl Constant {
    fn says_now(&self) -> Snapshot {
        let now = Timestamp::now();
        match self.says.clone() {
            Snapshot::Inventory(inventory) => {
                Snapshot::Inventory(Inventory { started: now, observed_at: now, ..inventory })
            }
            // What is measured is NetBox and engines.
            survey @ Snapshot::Survey { .. } => survey,
            Snapshot::Hosts(hosts) => Snapshot::Hosts(
                hosts
                    .into_iter()
                    .map(|host| HostSnapshot { started: now, observed_at: now, ..host })
                    .collect(),
            ),
        }
    }
}

#[async_trait]
impl Source for Constant {
    fn id(&self) -> &SourceId {
        &self.id
    }

    async fn observe(&self) -> Snapshot {
        self.says_now()
    }

    async fn changed(&self) -> Hint {
        std::future::pending().await
    }
}

/// Measures one fleet with 1 % drift.
pub fn run() -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let engines: Vec<Arc<Constant>> = (0..SHAPE.hosts).map(engine).collect();
    let name = format!("{} hosts, {} services each", SHAPE.hosts, SHAPE.services);
    let mut rows = Vec::new();

    let floor = compare_all();
    let resident_before = resident_bytes();
    let begun = Instant::now();
    let (running, store) = start(folder.path(), &engines).await?;
    settle(&running.hub).await?;
    let ours = begun.elapsed();
    rows.push(Row::new(
        format!("{name}: cold to settled (floor: the decisions alone)"),
        "ms",
        (millis(ours), millis(floor)),
    ));

    let hub = &running.hub;
    rows.push(resident(resident_before)?);

    let (before, written) = (Passes::of(hub), written_bytes());
    let begun = Instant::now();
    hub.resync();
    let queued = begun.elapsed();
    settle(hub).await?;
    let ours = begun.elapsed();
    let after = Passes::of(hub);
    rows.push(Row::new(
        format!("{name}: a resync, nothing changed (floor: finding out whom to ask)"),
        "ms",
        (millis(ours), millis(queued)),
    ));
    rows.push(Row::new("the same: passes that compared", "passes", (after.compared - before.compared, 0.0)));
    rows.push(Row::new(
        "the same: passes that found nothing to do",
        "passes",
        (after.skipped - before.skipped, 0.0),
    ));
    rows.push(Row::new("the same: bytes written to disk", "bytes", (since(written)?, 0.0)));

    // NetBox answered after most engines, and until it did nobody knew what may be kept of their answers.
    let (written, begun) = (written_bytes(), Instant::now());
    listed_again(hub, &engines).await?;
    settle(hub).await?;
    rows.push(Row::new(
        "the same: what is shown kept for the first time",
        "ms",
        (millis(begun.elapsed()), 0.0),
    ));
    rows.push(Row::new("the same: bytes written to disk", "bytes", (since(written)?, 0.0)));

    let (before, written, cpu) = (Passes::of(hub), written_bytes(), cpu_seconds());
    let begun = Instant::now();
    listed_again(hub, &engines).await?;
    settle(hub).await?;
    let ours = begun.elapsed();
    let after = Passes::of(hub);
    rows.push(Row::new(
        format!("{name}: every engine listed again, nothing changed (floor: the stamps)"),
        "ms",
        (millis(ours), millis(stamp_all())),
    ));
    rows.push(Row::new("the same: passes that compared", "passes", (after.compared - before.compared, 0.0)));
    rows.push(Row::new("the same: bytes written to disk", "bytes", (since(written)?, 0.0)));
    rows.push(share_of_a_core(cpu)?);

    running.stop().await;
    store.close().await;
    Ok(rows)
}

/// Every engine says the same once more, some at a time as collectors do it.
async fn listed_again(hub: &Arc<Hub>, engines: &[Arc<Constant>]) -> Result<()> {
    for some in engines.chunks(AT_ONCE) {
        let mut asked = tokio::task::JoinSet::new();
        for engine in some {
            let (hub, engine) = (hub.clone(), Arc::clone(engine));
            asked.spawn(async move { hub.learn(engine.id(), engine.says_now()) });
        }
        while let Some(done) = asked.join_next().await {
            done?;
        }
    }
    Ok(())
}

/// What the controller occupies beside the answers that its sources hold here anyway.
fn resident(before: Option<u64>) -> Result<Row> {
    let (Some(before), Some(after)) = (before, resident_bytes()) else {
        return Err("/proc does not say what is occupied".into());
    };
    let mib = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
    let figures = (mib(after.saturating_sub(before)), mib(before));
    Ok(Row::new("the same: resident memory (floor: the sources' answers and this program)", "MiB", figures))
}

/// What such a round costs, where each engine is listed once an interval.
fn share_of_a_core(before: Option<f64>) -> Result<Row> {
    let (Some(before), Some(after)) = (before, cpu_seconds()) else {
        return Err("/proc does not say what was computed".into());
    };
    let interval = INTERVAL.as_secs_f64();
    let share = (after - before) / interval * 100.0;
    Ok(Row::new(format!("the same: processor time, of one core, every {interval} s"), "%", (share, 0.0)))
}

fn engine(h: usize) -> Arc<Constant> {
    Arc::new(Constant { id: fleet::engine(h), says: Snapshot::Hosts(vec![fleet::snapshot(h, SHAPE)]) })
}

/// The fleet, running and settled, with its store in this folder.
pub(crate) async fn settled(folder: &Path) -> Result<(Running, Arc<dyn evenkeel_store::Store>)> {
    let engines: Vec<Arc<Constant>> = (0..SHAPE.hosts).map(engine).collect();
    let (running, store) = start(folder, &engines).await?;
    settle(&running.hub).await?;
    Ok((running, store))
}

async fn start(
    folder: &Path,
    engines: &[Arc<Constant>],
) -> Result<(Running, Arc<dyn evenkeel_store::Store>)> {
    let intent = Constant { id: fleet::netbox(), says: Snapshot::Inventory(fleet::inventory(SHAPE)) };
    let observers = engines.iter().enumerate().map(|(h, engine)| Observer {
        source: engine.clone(),
        speaks: Speaks::Host(Some(fleet::host_name(h))),
        interval: None,
    });
    stage::start(folder, Arc::new(intent), observers.collect(), Vec::new(), stage::NEVER).await
}

/// Waits until everybody has answered, every ledger took it into account, and nothing waits.
async fn settle(hub: &Hub) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let idle = hub.queue.read(|queue, _| queue.is_empty());
        if idle && hub.see(|world| world.unsettled(Timestamp::now()).is_empty()) && all_answered(hub) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err("the fleet did not settle".into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn all_answered(hub: &Hub) -> bool {
    let mut born = 0;
    hub.book.visit(|record| born += usize::from(record.ledger.born.is_some()));
    born >= SHAPE.hosts
}

/// Every host compared and decided once, one after the other, in memory.
fn compare_all() -> Duration {
    let fleet = fleet::fleet(SHAPE);
    let (policy, now) = (Policy::default(), Timestamp::now());
    let begun = Instant::now();
    for host in &fleet {
        let slice = Slice::Host {
            expected: host.expected.clone(),
            observed: host.observed.clone(),
            outer: Vec::new(),
            vouched_until: None,
            newcomers: Vec::new(),
        };
        let ledger = Ledger::new(host.subject.clone());
        let mut ids = || EventId::new(now, [7; 10]);
        black_box(pass::decide(&host.subject, &slice, &ledger, &policy, now, &mut ids));
    }
    begun.elapsed()
}

/// Every host stamped once.
fn stamp_all() -> Duration {
    let fleet = fleet::fleet(SHAPE);
    let begun = Instant::now();
    for host in &fleet {
        black_box(fingerprint::of_host(&host.expected, &host.observed, &[]));
    }
    begun.elapsed()
}

/// How many passes there were.
struct Passes {
    compared: f64,
    skipped: f64,
}

impl Passes {
    fn of(hub: &Hub) -> Self {
        let count = |result| hub.metrics.passes.with_label_values(&[result]).get() as f64;
        Self { compared: count("changed") + count("error"), skipped: count("unchanged") }
    }
}

fn since(before: Option<u64>) -> Result<f64> {
    let (Some(before), Some(after)) = (before, written_bytes()) else {
        return Err("/proc does not say what was written".into());
    };
    Ok((after - before) as f64)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
