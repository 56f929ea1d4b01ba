//! What a commit costs beside what the disk alone would take for it, in turns in the same directory (`TMPDIR` chooses it).
//!
//! An event is what the product writes for one: its row with four indexes, the message that webhooks get in it, and one
//! delivery with three. Where an entry comes with it, that is a row of the ledger with three indexes and a row of its
//! host. Everything is on the disk (`synchronous=FULL`) when a commit counts as done.
//!
//! One event: a pass that opens a drift (event, delivery, entry, host), beside writing and flushing 4 KiB.
//! Batches: many events with their deliveries, or many such passes, in one commit, beside writing the same bytes to a
//! file and flushing it, and beside SQLite inserting them into two bare tables without an index, by one set-based
//! statement each. The rate is that of the fastest tenth: the rest measures what else the machine does.

use std::error::Error;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use evenkeel_benches::{Row, print, quantile};
use evenkeel_store::conformance::sample::{at, delivery, event, host, missing, opening};
use evenkeel_store::sqlite::{Options, SqliteStore};
use evenkeel_store::{PassCommit, Store};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Blocks the floor writes to, over and over, so that it never waits for the file to grow.
const BLOCKS: u64 = 256;

fn main() -> Result<()> {
    let rows = run()?;
    print(&mut std::io::stdout().lock(), "commit", &rows)?;
    Ok(())
}

/// Measures everything.
pub fn run() -> Result<Vec<Row>> {
    let dir = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut rows = one_event(dir.path()).await?;
        for (size, passes) in [(100, false), (1000, false), (1000, true)] {
            rows.extend(batch(dir.path(), size, passes).await?);
        }
        Ok(rows)
    })
}

async fn one_event(dir: &Path) -> Result<Vec<Row>> {
    let store = SqliteStore::open(dir.join("one.db"), Options::default()).await?;
    let mut floor = Floor::new(dir)?;
    let (mut ours, mut disk) = (Vec::new(), Vec::new());
    for n in 0..2000_u32 {
        let pass = opening("box2-daily", &format!("service-{n}"), n, u64::from(n), &["n8n"]);
        let start = Instant::now();
        store.commit(pass).await?;
        ours.push(micros(start));
        disk.push(floor.flush(&[7; 4096])?);
    }
    store.close().await;
    let row = |name: &str, share| Row {
        name: name.to_owned(),
        unit: "us",
        ours: quantile(&mut ours.clone(), share),
        floor: quantile(&mut disk.clone(), share),
    };
    Ok(vec![row("one event, median", 0.5), row("one event, fastest of a hundred", 0.01)])
}

/// Many events in one pass, or in as many passes of as many hosts.
async fn batch(dir: &Path, size: u32, hosts: bool) -> Result<Vec<Row>> {
    let store = SqliteStore::open(dir.join(format!("batch-{size}-{hosts}.db")), Options::default()).await?;
    let mut floor = Floor::new(dir)?;
    let mut bare = Bare::open(&dir.join(format!("bare-{size}-{hosts}.db"))).await?;
    let (mut ours, mut disk, mut tables, mut each) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for round in 0..40_u32 {
        let numbers = round * size..(round + 1) * size;
        let passes: Vec<PassCommit> = if hosts {
            numbers.map(|n| opening(&format!("host-{n}"), "freshrss", n, 0, &["n8n"])).collect()
        } else {
            let mut pass = PassCommit::new(host("box2-daily"), u64::from(round), at(0));
            pass.events = numbers.map(|n| event(n, &missing("box2-daily", "freshrss"))).collect();
            pass.deliveries = pass.events.iter().map(|event| delivery("n8n", event)).collect();
            vec![pass]
        };
        let bytes = vec![7; passes.iter().map(bytes).sum::<usize>()];
        each = bytes.len() / passes.iter().map(|pass| pass.events.len()).sum::<usize>().max(1);
        let (heap, places) = Bare::rows(&passes)?;
        let start = Instant::now();
        for outcome in store.commit_all(passes).await {
            outcome?;
        }
        ours.push(micros(start) / f64::from(size));
        disk.push(floor.flush(&bytes)? / f64::from(size));
        tables.push(bare.insert(heap, places).await? / f64::from(size));
    }
    store.close().await;
    let [ours, floor, tables] = [&mut ours, &mut disk, &mut tables].map(|figures| quantile(figures, 0.1));
    let what = if hosts { "passes, an event and an entry each" } else { "events" };
    let name = format!("{size} {what}, {each} bytes: {:.0} events/s", 1e6 / ours);
    let beside = Row { name: "… beside two bare tables".to_owned(), unit: "us/event", ours, floor: tables };
    Ok(vec![Row { name, unit: "us/event", ours, floor }, beside])
}

fn bytes(pass: &PassCommit) -> usize {
    let events: usize =
        pass.events.iter().filter_map(|e| serde_json::to_vec(e).ok()).map(|json| json.len()).sum();
    let entries: usize =
        pass.upserts.iter().filter_map(|e| serde_json::to_vec(e).ok()).map(|json| json.len()).sum();
    events + entries
}

/// Two tables without an index, in a database opened as the store opens its own.
struct Bare(SqliteConnection);

impl Bare {
    async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", "-16384")
            .pragma("wal_autocheckpoint", "4000");
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let tables = "CREATE TABLE events (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
            CREATE TABLE deliveries (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT";
        sqlx::raw_sql(tables).execute(&mut connection).await?;
        Ok(Self(connection))
    }

    /// What is inserted, and where in it each row lies: events (and entries, one run with its event), deliveries.
    fn rows(passes: &[PassCommit]) -> Result<(Vec<u8>, [String; 2])> {
        let (mut heap, mut places) = (Vec::new(), [Vec::new(), Vec::new()]);
        for pass in passes {
            for (n, event) in pass.events.iter().enumerate() {
                let start = heap.len();
                serde_json::to_writer(&mut heap, event)?;
                if let Some(entry) = pass.upserts.get(n) {
                    serde_json::to_writer(&mut heap, entry)?;
                }
                places[0].push((start + 1, heap.len() - start));
            }
            for delivery in &pass.deliveries {
                let start = heap.len();
                heap.extend_from_slice(delivery.sink.as_bytes());
                heap.extend_from_slice(delivery.drift_key.as_bytes());
                write!(heap, "pending{0:.6}{0:.6}", pass.at)?;
                places[1].push((start + 1, heap.len() - start));
            }
        }
        let [events, deliveries] = places;
        Ok((heap, [serde_json::to_string(&events)?, serde_json::to_string(&deliveries)?]))
    }

    /// Microseconds to insert and commit.
    async fn insert(&mut self, heap: Vec<u8>, [events, deliveries]: [String; 2]) -> Result<f64> {
        let start = Instant::now();
        let piece = "CAST(substr(?1, value ->> '$[0]', value ->> '$[1]') AS TEXT)";
        let sql = format!(
            "BEGIN IMMEDIATE;
            INSERT INTO events (body) SELECT {piece} FROM jsonb_each(?2);
            INSERT INTO deliveries (body) SELECT {piece} FROM jsonb_each(?3);
            COMMIT"
        );
        let insert = sqlx::query(AssertSqlSafe(sql)).bind(heap).bind(events).bind(deliveries);
        insert.execute(&mut self.0).await?;
        Ok(micros(start))
    }
}

/// A file whose blocks are all there.
struct Floor {
    file: File,
    next: u64,
}

impl Floor {
    fn new(dir: &Path) -> Result<Self> {
        let mut file = File::create(dir.join("floor"))?;
        file.write_all(&vec![1; usize::try_from(BLOCKS)? * 4096])?;
        file.sync_all()?;
        Ok(Self { file, next: 0 })
    }

    /// Microseconds to write and flush.
    fn flush(&mut self, bytes: &[u8]) -> Result<f64> {
        let start = Instant::now();
        self.file.seek(SeekFrom::Start(self.next % BLOCKS * 4096))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()?;
        self.next += 1;
        Ok(micros(start))
    }
}

fn micros(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e6
}
