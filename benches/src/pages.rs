//! The overview of 10,000 hosts, asked for fifty times a second while five hundred readers follow the stream and things go on
//! happening. The floor is an answer that says nothing, asked for in the same moment over the same sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evenkeel::face::Face;
use evenkeel::hub::Hub;
use evenkeel_core::model::HostSnapshot;
use evenkeel_sources::Snapshot;
use evenkeel_store::Store;
use evenkeel_web::{Access, AppState, HostPolicy, router, serve};
use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::process::resident_bytes;
use crate::resync::{self, SHAPE};
use crate::{Result, Row, fleet, quantile};

const READERS: usize = 500;
const LOADS: usize = 1_000;
/// Fifty a second.
const EVERY: Duration = Duration::from_millis(20);
/// How often an engine shows something else.
const NEWS: Duration = Duration::from_millis(100);

/// Measures one fleet with 1 % drift.
pub fn run() -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let before = resident()?;
    let (running, store) = resync::settled(folder.path()).await?;
    let settled = resident()?;
    let (address, stop) = serving(store.clone(), running.hub.clone()).await?;
    let heard = Arc::new(AtomicUsize::new(0));
    let mut readers = JoinSet::new();
    for n in 0..READERS {
        let stream = asked(address, n, "/api/v1/stream").await?;
        readers.spawn(read_on(stream, heard.clone()));
    }
    let news = tokio::spawn(keep_changing(running.hub.clone()));
    let (mut pages, mut floor) = load(address).await?;
    news.abort();
    let loaded = resident()?;
    let heard = heard.load(Ordering::Relaxed);
    if heard < READERS {
        return Err(format!(
            "{READERS} readers heard of {heard} events: nothing happened while it was measured"
        )
        .into());
    }
    let name = format!("{} hosts, {READERS} readers of the stream: the overview, 50 a second", SHAPE.hosts);
    let mut rows: Vec<Row> = [(0.5, "p50"), (0.95, "p95")]
        .map(|(share, word)| {
            let figures = (quantile(&pages, share), quantile(&floor, share));
            Row::new(format!("{name}, {word} (floor: /healthz)"), "ms", figures)
        })
        .into();
    pages.clear();
    floor.clear();
    rows.push(Row::new("the same: events sent to readers", "events", (heard as f64, 0.0)));
    rows.push(Row::new(
        "the same: resident memory in all (floor: before anybody asked)",
        "MiB",
        (loaded, settled),
    ));
    rows.push(Row::new("the same: resident memory before the fleet was read", "MiB", (before, 0.0)));
    readers.abort_all();
    stop.cancel();
    running.stop().await;
    store.close().await;
    Ok(rows)
}

async fn serving(store: Arc<dyn Store>, hub: Arc<Hub>) -> Result<(SocketAddr, CancellationToken)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let face = Arc::new(Face::new()?);
    face.show(hub);
    let allowed_hosts = HostPolicy::bound_to(address.ip(), ["bare"]);
    let state = AppState { store, live: face, allowed_hosts, access: Arc::new(Access::local()) };
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, router(state), stop.clone().cancelled_owned()));
    Ok((address, stop))
}

/// A request from an address of its own, so that nobody asks too often.
async fn asked(server: SocketAddr, n: usize, path: &str) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let [.., last] = (n % 200 + 1).to_be_bytes();
    socket.bind((Ipv4Addr::new(127, 0, 1, last), 0).into())?;
    let mut stream = socket.connect(server).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

async fn read_on(mut stream: TcpStream, heard: Arc<AtomicUsize>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        let events = buffer[..read].windows(12).filter(|part| *part == b"event: event").count();
        heard.fetch_add(events, Ordering::Relaxed);
    }
}

/// One engine after the other loses a service, and has it again.
async fn keep_changing(hub: Arc<Hub>) {
    let mut tick = interval(NEWS);
    for turn in 0.. {
        tick.tick().await;
        let (host, gone) = (turn / 2 % SHAPE.hosts, turn % 2 == 0);
        // Twice: one observation alone is not believed.
        for _ in 0..2 {
            let now = Timestamp::now();
            let mut shown = HostSnapshot { started: now, observed_at: now, ..fleet::snapshot(host, SHAPE) };
            if gone {
                shown.services.pop();
            }
            hub.learn(&fleet::engine(host), Snapshot::Hosts(vec![shown]));
            tick.tick().await;
        }
    }
}

/// Milliseconds of every load of the overview, and of the floor.
async fn load(address: SocketAddr) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut asking = JoinSet::new();
    for n in 0..LOADS {
        tick.tick().await;
        asking.spawn(async move {
            let page = timed(address, n, "/").await?;
            let floor = timed(address, n, "/healthz").await?;
            io::Result::Ok((page, floor))
        });
    }
    let (mut pages, mut floors) = (Vec::new(), Vec::new());
    while let Some(done) = asking.join_next().await {
        let (page, floor) = done??;
        pages.push(page);
        floors.push(floor);
    }
    Ok((pages, floors))
}

async fn timed(address: SocketAddr, n: usize, path: &str) -> io::Result<f64> {
    let begun = Instant::now();
    let mut answer = Vec::new();
    asked(address, n, path).await?.read_to_end(&mut answer).await?;
    let took = begun.elapsed();
    if !answer.starts_with(b"HTTP/1.1 200") {
        let said = String::from_utf8_lossy(&answer[..answer.len().min(200)]);
        return Err(io::Error::other(format!("{path}: {said}")));
    }
    Ok(took.as_secs_f64() * 1e3)
}

fn resident() -> Result<f64> {
    let bytes = resident_bytes().ok_or("/proc does not say what is occupied")?;
    Ok(bytes as f64 / (1024.0 * 1024.0))
}
