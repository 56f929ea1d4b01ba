//! From the moment an engine says that a container died until a receiver holds the signed and verified request. Nothing
//! waits on purpose: no confirmation, no debounce, no settling. The floor is a bare loop in turns with it: ask for the
//! list, flush 4 KiB, post.
//!
//! On the simulated engine always; on the real one that `EVENKEEL_TEST_DOCKER` names (see `cargo xtask systems`), too.
//! A real one tells a death before its own list shows it. From when on the list does is measured for each death beside
//! us, by somebody who asks for nothing else, and is the floor there.

mod engine;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel::controller::Running;
use evenkeel::wiring;
use evenkeel_core::{HostName, Secret, SourceId, SourceKind};
use evenkeel_lab::inventory;
use evenkeel_lab::netbox::{NetboxLab, NetboxVersion};
use evenkeel_lab::receiver::Receiver;
use evenkeel_sources::docker;
use evenkeel_sources::netbox::{self, NetboxSource};
use evenkeel_store::Store;
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{timeout, timeout_at};

use self::engine::Engine;
use crate::bare::Bare;
use crate::{Result, Row, quantile, stage};

/// The one machine of the inventory.
const HOST: &str = "vm-00000";
/// Services on it.
const SERVICES: usize = 20;
/// Deaths measured without events; each waits for the next list.
const DEATHS_UNHEARD: usize = 40;
/// Between two lists, when there are no events.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long a webhook may take before the measurement fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Measures both engines, with and without events.
pub fn run() -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut rows = measure(Engine::simulated(HOST, SERVICES).await?).await?;
        if let Some(engine) = Engine::real(SERVICES)? {
            rows.extend(measure(engine).await?);
        }
        Ok(rows)
    })
}

async fn measure(engine: Engine) -> Result<Vec<Row>> {
    let kind = engine.kind();
    let mut rows = Vec::new();
    let deaths = engine.deaths();
    xtask::say::say(format!(
        "latency: {deaths} deaths on the {kind} engine, {DEATHS_UNHEARD} more without events"
    ));
    let mut scene = Scene::start(engine, true).await?;
    let floor = Floor::start(&scene.engine).await?;
    let times = scene.deaths(deaths, Some(floor)).await?;
    let seen_late = !times.shown.is_empty();
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("longest", 1.0)] {
        let floor = quantile(if seen_late { &times.shown } else { &times.floor }, share);
        let what = if seen_late { " (floor: until its own list shows it)" } else { "" };
        let name = format!("{kind} engine, {deaths} events: {name}{what}");
        rows.push(Row::new(name, "ms", (quantile(&times.ours, share), floor)));
    }
    for (name, share) in [("p50", 0.5), ("p99", 0.99)].into_iter().filter(|_| seen_late) {
        let figures = (quantile(&times.after_shown, share), quantile(&times.floor, share));
        rows.push(Row::new(format!("the same from when its list shows it on: {name}"), "ms", figures));
    }
    let engine = scene.end().await;
    let mut scene = Scene::start(engine, false).await?;
    let times = scene.deaths(DEATHS_UNHEARD, None).await?;
    scene.end().await;
    let interval = INTERVAL.as_secs_f64() * 1e3;
    for (name, share) in [("p50", 0.5), ("longest", 1.0)] {
        let name = format!("{kind} engine, no events, list every {interval} ms: {name}");
        rows.push(Row::new(name, "ms", (quantile(&times.ours, share), interval)));
    }
    Ok(rows)
}

/// Milliseconds.
#[derive(Default)]
struct Times {
    /// From the death to the verified request.
    ours: Vec<f64>,
    /// One bare round.
    floor: Vec<f64>,
    /// From the death to a list that shows it, where that is not the same moment.
    shown: Vec<f64>,
    /// From that list to the verified request.
    after_shown: Vec<f64>,
}

/// A controller that watches an engine and tells a receiver.
struct Scene {
    engine: Engine,
    receiver: Receiver,
    running: Running,
    store: Arc<dyn Store>,
    _netbox: NetboxLab,
    _folder: TempDir,
}

impl Scene {
    async fn start(engine: Engine, events: bool) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let receiver = Receiver::start(stage::SIGNING_SECRET).await?;
        let netbox = NetboxLab::start(inventory::fleet(1, SERVICES), NetboxVersion::V4_5).await?;
        let intent = netbox::Config {
            probe_interval: stage::NEVER,
            ..netbox::Config::new(netbox.url().parse()?, Secret::new(netbox.token_v1()))
        };
        let watched = docker::Config {
            host: Some(HostName::new(HOST)),
            events,
            debounce: Duration::ZERO,
            settle: Duration::ZERO,
            ..docker::Config::new(SourceId::new(SourceKind::Docker, HOST), engine.endpoint()?)
        };
        let interval = if events { stage::NEVER } else { INTERVAL };
        let (running, store) = stage::start(
            folder.path(),
            Arc::new(NetboxSource::new(intent)?),
            vec![wiring::observer(&watched)?],
            vec![stage::destination(&receiver)?],
            interval,
        )
        .await?;
        let scene = Self { engine, receiver, running, store, _netbox: netbox, _folder: folder };
        scene.calm().await?;
        Ok(scene)
    }

    /// Waits until everybody has answered and nothing arrives any more.
    async fn calm(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let complete = || {
            let statuses = self.running.hub.see(|world| world.source_statuses(evenkeel::collect::now()));
            statuses.iter().all(|status| status.coverage.is_complete())
        };
        while !complete() {
            if Instant::now() > deadline {
                return Err("the engine or netbox did not answer".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        while timeout(Duration::from_secs(1), self.receiver.next()).await.is_ok() {}
        Ok(())
    }

    async fn deaths(&mut self, count: usize, mut floor: Option<Floor>) -> Result<Times> {
        let mut times = Times::default();
        for n in 0..count {
            let service = format!("service-{:02}", n % SERVICES);
            // So that lists at an interval are met at any of its moments.
            tokio::time::sleep(Duration::from_millis((n as u64 * 37) % INTERVAL.as_millis() as u64 / 10))
                .await;
            let watch = self.engine.watch(&service)?;
            let before = Timestamp::now();
            let died = tokio::task::block_in_place(|| self.engine.kill(&service, before))?;
            let arrived = self.hear(&service, &["opened", "reopened"]).await?;
            let died = match died {
                Some(died) => died,
                None => tokio::task::block_in_place(|| self.engine.death_of(&service, before))?,
            };
            times.ours.push(millis(died, arrived));
            if let Some(watch) = watch {
                let shown = watch.join().map_err(|_| "the one who asks for lists panicked")??;
                times.shown.push(millis(died, shown));
                times.after_shown.push(millis(shown, arrived));
            }
            tokio::task::block_in_place(|| self.engine.start(&service))?;
            self.hear(&service, &["resolved"]).await?;
            if let Some(floor) = &mut floor {
                times.floor.push(tokio::task::block_in_place(|| floor.round())?);
            }
        }
        Ok(times)
    }

    /// When the verified request about this service arrived.
    async fn hear(&self, service: &str, transitions: &[&str]) -> Result<Timestamp> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut others = 0;
        loop {
            let arrived = timeout_at(deadline, self.receiver.next())
                .await
                .map_err(|_| self.silence(service, transitions, others))?
                .ok_or("the receiver ended")?;
            let event: Value = serde_json::from_slice(&arrived.body)?;
            let is = |key: &str, wanted: &str| event.get(key).and_then(Value::as_str) == Some(wanted);
            let wanted = is("event_type", "SERVICE_MISSING")
                && is("service", service)
                && transitions.iter().any(|transition| is("transition", transition));
            if wanted && arrived.verified {
                return Ok(arrived.at);
            }
            others += 1;
        }
    }

    /// What is known when a webhook did not come.
    fn silence(&self, service: &str, transitions: &[&str], others: usize) -> String {
        let statuses = self.running.hub.see(|world| world.source_statuses(evenkeel::collect::now()));
        let answers: Vec<String> = statuses
            .iter()
            .map(|status| {
                let (at, gap) = (status.answered_at, status.coverage.gap());
                format!(
                    "{} answered at {}, {}",
                    status.source,
                    at.map_or_else(|| "no time".to_owned(), |at| at.to_string()),
                    gap.map_or_else(|| "completely".to_owned(), ToString::to_string)
                )
            })
            .collect();
        format!(
            "within {} s no webhook said that {service} is missing ({}), {others} said something else; now {}; {}",
            PATIENCE.as_secs(),
            transitions.join(" or "),
            Timestamp::now(),
            answers.join("; ")
        )
    }

    async fn end(self) -> Engine {
        self.running.stop().await;
        self.store.close().await;
        self.engine
    }
}

fn millis(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() * 1e3
}

/// The least that lies between an engine and a receiver.
struct Floor {
    list: Bare,
    post: Bare,
    file: File,
    _receiver: Receiver,
    _folder: TempDir,
}

impl Floor {
    async fn start(engine: &Engine) -> Result<Self> {
        let receiver = Receiver::start(stage::SIGNING_SECRET).await?;
        let folder = tempfile::tempdir()?;
        let (list, post, file) = tokio::task::block_in_place(|| -> Result<_> {
            Ok((engine.connect()?, Bare::tcp(receiver.address())?, prepared(folder.path())?))
        })?;
        Ok(Self { list, post, file, _receiver: receiver, _folder: folder })
    }

    /// Milliseconds of one round.
    fn round(&mut self) -> Result<f64> {
        let start = Instant::now();
        self.list.ask("GET", "/containers/json?all=1", "", b"")?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&[7; 4096])?;
        self.file.sync_data()?;
        self.post.ask("POST", evenkeel_lab::receiver::PATH, "Content-Type: application/json\r\n", b"{}")?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    }
}

/// A file whose block is there already.
fn prepared(folder: &Path) -> Result<File> {
    let mut file = File::create(folder.join("floor"))?;
    file.write_all(&[1; 4096])?;
    file.sync_all()?;
    Ok(file)
}
