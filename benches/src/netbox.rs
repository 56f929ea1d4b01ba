//! Reading NetBox: requests, bytes, seconds and our own processor time, for a full read, for changes and for nothing.
//! The simulated NetBox runs in a process of its own, so that its work is not counted as ours. The floor asks the same
//! paths on one connection and makes nothing of the answers.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use evenkeel_core::Secret;
use evenkeel_core::model::Inventory;
use evenkeel_lab::inventory::measured_fleet;
use evenkeel_lab::netbox::{NetboxLab, NetboxVersion};
use evenkeel_sources::netbox::{Config, NetboxSource};
use evenkeel_sources::{Snapshot, Source};

use crate::bare::Bare;
use crate::process::cpu_seconds;
use crate::{Result, Row};

/// The argument that makes this program a simulated NetBox.
pub const SERVE: &str = "serve-netbox";
/// Processor seconds a real NetBox 4.5 took for the same full read, measured once beside this shape.
const SERVER_CPU: f64 = 6.4;
const ROUNDS: usize = 5;

/// Serves a simulated NetBox and obeys orders from standard input until that ends: `edit N`, `log`.
pub fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let lab = runtime.block_on(NetboxLab::start(measured_fleet(), NetboxVersion::V4_5))?;
    let mut out = io::stdout();
    writeln!(out, "{} {}", lab.url(), lab.token_v1())?;
    for (n, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        if let Some(count) = line.strip_prefix("edit ") {
            let port = 9000 + u32::try_from(n)?;
            for id in lab.netbox().ids("ipam.service").into_iter().take(count.parse()?) {
                lab.netbox().edit_service(id, |service| service.ports = vec![port]);
            }
            writeln!(out, "done")?;
        } else {
            writeln!(out, "{}", lab.take_log().join(" "))?;
        }
    }
    Ok(())
}

/// The simulated NetBox in its process; it ends when its standard input does.
struct Lab {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    url: String,
    token: String,
}

impl Lab {
    fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let (url, token) = line.trim().split_once(' ').ok_or("no address")?;
        Ok(Self { child, orders, answers, url: url.to_owned(), token: token.to_owned() })
    }

    fn order(&mut self, order: &str) -> Result<String> {
        writeln!(self.orders.as_mut().ok_or("no input")?, "{order}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// Paths and queries asked for since the last time.
    fn log(&mut self) -> Result<Vec<String>> {
        Ok(self.order("log")?.split(' ').filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }

    fn source(&self) -> Result<NetboxSource> {
        Ok(NetboxSource::new(Config::new(self.url.parse()?, Secret::new(self.token.clone())))?)
    }

    /// Asks all these paths, one after the other, and reads the answers.
    fn floor(&self, paths: &[String]) -> Result<Cost> {
        let address = self.url.trim_start_matches("http://").trim_end_matches('/').parse()?;
        let mut bare = Bare::tcp(address)?;
        let headers = format!("Authorization: Token {}\r\nAccept: application/json\r\n", self.token);
        let meter = Meter::start()?;
        let mut bytes = 0;
        for path in paths {
            let (status, body) = bare.ask("GET", path, &headers, b"")?;
            if status != 200 {
                return Err(format!("GET {path}: {status}").into());
            }
            bytes += body.len() as u64;
        }
        meter.stop(paths.len() as u64, bytes)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.orders.take());
        // It ends by itself; this only collects it.
        let _ = self.child.wait();
    }
}

/// What a read cost.
#[derive(Clone, Copy)]
struct Cost {
    requests: u64,
    bytes: u64,
    seconds: f64,
    cpu: f64,
}

impl Cost {
    fn least(self, other: Self) -> Self {
        Self { seconds: self.seconds.min(other.seconds), cpu: self.cpu.min(other.cpu), ..other }
    }
}

struct Meter(Instant, f64);

impl Meter {
    fn start() -> Result<Self> {
        Ok(Self(Instant::now(), cpu_seconds().ok_or("no processor time in /proc")?))
    }

    fn stop(self, requests: u64, bytes: u64) -> Result<Cost> {
        let cpu = cpu_seconds().ok_or("no processor time in /proc")? - self.1;
        let seconds = self.0.elapsed().as_secs_f64();
        Ok(Cost { requests, bytes, seconds, cpu })
    }
}

/// Measures the fleet of 14,106 objects.
pub fn run() -> Result<Vec<Row>> {
    // One thread, so that its processor time is all of ours.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<Vec<Row>> {
    let mut lab = Lab::start()?;
    let objects = measured_fleet().objects();
    let mut rows = Vec::new();
    let (mut source, ours, floor) = full(&mut lab).await?;
    let name = format!("full read, {objects} objects");
    rows.extend(table(&name, ours, floor));
    rows.push(Row::new(format!("{name}: our CPU beside the real server's"), "CPU s", (ours.cpu, SERVER_CPU)));
    for edits in [0, 1, 100] {
        let name = match edits {
            0 => "nothing changed".to_owned(),
            1 => "1 service changed".to_owned(),
            n => format!("{n} services changed"),
        };
        let (ours, floor) = incremental(&mut lab, &mut source, edits).await?;
        rows.extend(table(&name, ours, floor));
    }
    Ok(rows)
}

fn table(name: &str, ours: Cost, floor: Cost) -> [Row; 4] {
    let row = |what: &str, unit, figures| Row::new(format!("{name}: {what}"), unit, figures);
    [
        row("requests", "requests", (ours.requests as f64, floor.requests as f64)),
        row("bytes", "KB", (ours.bytes as f64 / 1e3, floor.bytes as f64 / 1e3)),
        row("time", "ms", (ours.seconds * 1e3, floor.seconds * 1e3)),
        row("our CPU", "CPU ms", (ours.cpu * 1e3, floor.cpu * 1e3)),
    ]
}

async fn full(lab: &mut Lab) -> Result<(NetboxSource, Cost, Cost)> {
    let mut best: Option<(Cost, Cost)> = None;
    let mut last = lab.source()?;
    for _ in 0..ROUNDS {
        last = lab.source()?;
        lab.log()?;
        let ours = read(&last).await?;
        let paths = lab.log()?;
        let floor = lab.floor(&paths)?;
        best = Some(best.map_or((ours, floor), |(o, f)| (o.least(ours), f.least(floor))));
    }
    let (ours, floor) = best.ok_or("no rounds")?;
    Ok((last, ours, floor))
}

async fn incremental(lab: &mut Lab, source: &mut NetboxSource, edits: usize) -> Result<(Cost, Cost)> {
    let mut best: Option<(Cost, Cost)> = None;
    for _ in 0..ROUNDS {
        if edits > 0 {
            lab.order(&format!("edit {edits}"))?;
        }
        lab.log()?;
        let ours = read(source).await?;
        let paths = lab.log()?;
        let floor = lab.floor(&paths)?;
        best = Some(best.map_or((ours, floor), |(o, f)| (o.least(ours), f.least(floor))));
    }
    best.ok_or_else(|| "no rounds".into())
}

async fn read(source: &NetboxSource) -> Result<Cost> {
    let meter = Meter::start()?;
    let Snapshot::Inventory(Inventory { coverage, hosts, .. }) = source.observe().await else {
        return Err("netbox is no source of intent".into());
    };
    let cost = meter.stop(source.stats().requests, source.stats().bytes)?;
    if !coverage.is_complete() || hosts.is_empty() {
        return Err(format!("netbox was not read completely: {coverage:?}").into());
    }
    Ok(cost)
}
