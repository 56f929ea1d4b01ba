//! 10,000 hosts with 10 services each: evenkeel as it is shipped, in a process of its own, beside its fleet in others. Four
//! figures: from start to the first complete verdict, the processor's time while nothing changes, memory, and the time from
//! a change to the event a receiver holds. Beside each stands the goal.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use evenkeel_lab::receiver::Arrived;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::timeout;

use crate::apart::{Manner, Program, Yard, host_name, service_name};
use crate::{Result, Row, quantile};

/// Hosts, services of each, and every which does not run.
const SIZE: (usize, usize, usize) = (10_000, 10, 100);
/// How long the cold start may take before this gives up.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often every engine is listed and everything resynced.
const INTERVAL: Duration = Duration::from_secs(30);
/// How many intervals of doing nothing are measured.
const ROUNDS: u32 = 4;
/// How many changes are measured, and the time between two.
const CHANGES: (usize, Duration) = (300, Duration::from_millis(100));
/// The goals.
const COLD: f64 = 30.0;
const SHARE: f64 = 10.0;
const MEMORY: f64 = 300.0;
const EVENT: f64 = 1.0;

/// Measures one fleet with 1 % drift.
pub fn run() -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<Vec<Row>> {
    let (hosts, services, one_in) = SIZE;
    let folder = tempfile::tempdir()?;
    let yard = Yard::start(hosts, services, one_in).await?;
    let program = yard.watched(folder.path(), &manner()).await?;
    let cold = program.complete(hosts, PATIENCE).await?;
    let process = program.process();
    let mut rows = Vec::new();
    let name = format!("{hosts} hosts, {services} services each");
    rows.push(Row::new(
        format!("{name}: start to first complete verdict (goal)"),
        "s",
        (cold.as_secs_f64(), COLD),
    ));
    rows.push(Row::new("the same: processor time until then", "s", (process.cpu_seconds()?, 0.0)));
    told(&program, &yard).await?;
    // What follows a start, such as keeping what was shown, is not what a quiet hour costs.
    tokio::time::sleep(INTERVAL).await;
    let (cpu, begun) = (process.cpu_seconds()?, Instant::now());
    tokio::time::sleep(INTERVAL * ROUNDS).await;
    let share = (process.cpu_seconds()? - cpu) / begun.elapsed().as_secs_f64() * 100.0;
    let every = INTERVAL.as_secs();
    rows.push(Row::new(
        format!("{name}: processor while nothing changes, of one core, every engine each {every} s (goal)"),
        "%",
        (share, SHARE),
    ));
    rows.push(Row::new(format!("{name}: resident memory (goal)"), "MiB", (process.resident_mib()?, MEMORY)));
    let lags = changes(&yard).await?;
    for (word, share) in [("p50", 0.5), ("p99", 0.99), ("longest", 1.0)] {
        let name = format!("{name}: from a change to its event, {word} of {} (goal)", lags.len());
        rows.push(Row::new(name, "s", (quantile(&lags, share), EVENT)));
    }
    rows.push(Row::new(
        "the same: resident memory after the changes (goal)",
        "MiB",
        (process.resident_mib()?, MEMORY),
    ));
    rows.push(Row::new("the same: the most it ever was", "MiB", (process.peak_mib()?, 0.0)));
    rows.push(Row::new("the same: files open", "files", (process.open_files()? as f64, 0.0)));
    let metrics = program.metrics()?;
    let blind = hosts as f64 + 1.0 - Program::figure(&metrics, "evenkeel_source_up", &[]);
    rows.push(Row::new("the same: sources that are blind at the end (goal)", "sources", (blind, 0.0)));
    program.stop().await?;
    Ok(rows)
}

/// Everything as shipped, but that each observation is believed: what waits on purpose is not what is measured.
fn manner() -> Manner {
    let lines = format!(
        "[schedule]\nresync = \"{0}s\"\ndocker_interval = \"{0}s\"\n\n[policy.confirm]\nopen_after = 1\nresolve_after = 1\n\n\
         [log]\nlevel = \"warn\"\n",
        INTERVAL.as_secs()
    );
    Manner { lines, variables: Vec::new() }
}

/// Waits until everything that was found at the start has been told.
async fn told(program: &Program, yard: &Yard) -> Result<()> {
    let begun = Instant::now();
    loop {
        while let Ok(Some(_)) = timeout(Duration::from_millis(500), yard.receiver.next()).await {}
        if Program::figure(&program.metrics()?, "evenkeel_outbox_depth", &[]) == 0.0 {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!("what was found is not told: {}", program.said()).into());
        }
    }
}

/// Seconds from each change to its event.
async fn changes(yard: &Yard) -> Result<Vec<f64>> {
    let mut open: HashMap<(String, String), Timestamp> = HashMap::new();
    let mut lags = Vec::new();
    let (count, pause) = CHANGES;
    let mut tick = tokio::time::interval(pause);
    let here = yard.engines.here();
    let mut made = 0;
    let deadline = Instant::now() + PATIENCE;
    while lags.len() < count {
        tokio::select! {
            _ = tick.tick(), if made < count => {
                // Far apart, and none of those that do not run anyway.
                let (host, service) = (made * 1013 % here.len(), 1 + made % 8);
                open.insert((host_name(host), service_name(service)), Timestamp::now());
                here[host].exit(&service_name(service), 1)?;
                made += 1;
            }
            arrived = yard.receiver.next() => {
                let arrived = arrived.ok_or("the receiver ended")?;
                lags.extend(lag(&arrived, &mut open)?);
            }
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                if Instant::now() > deadline {
                    return Err(format!("{} changes were not told", open.len()).into());
                }
            }
        }
    }
    Ok(lags)
}

/// What this request says of a change that was made.
fn lag(arrived: &Arrived, open: &mut HashMap<(String, String), Timestamp>) -> Result<Option<f64>> {
    let event: Value = serde_json::from_slice(&arrived.body)?;
    let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
    if text("event_type") != "SERVICE_MISSING" || text("transition") != "opened" || !arrived.accepted {
        return Ok(None);
    }
    let begun = open.remove(&(text("hostname"), text("service")));
    Ok(begun.map(|begun| arrived.at.duration_since(begun).as_secs_f64()))
}
