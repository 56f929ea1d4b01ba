//! A million events, and five hundred open drifts among them: what the newest page and the summary take, as a client of
//! the API sees it. The floor is the same rows read by one statement of one's own.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use evenkeel::face::Face;
use evenkeel_store::PassCommit;
use evenkeel_store::Store;
use evenkeel_store::conformance::sample::{at, event, missing};
use evenkeel_web::{Access, AppState, HostPolicy, router, serve};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection, Row as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::place::Place;
use crate::bare::Bare;
use crate::{Result, Row, quantile};

const EVENTS: u32 = 1_000_000;
const HOSTS: u32 = 500;
const BATCH: u32 = 2_000;
const ROUNDS: usize = 200;

const NAME: &str = "million";
/// What is asked of the database itself, and what its planner has to say about it.
const NEWEST: &str = "SELECT id, body FROM EVENTS WHERE event_id IS NOT NULL ORDER BY id DESC LIMIT 50";
const SUMMARY: &str = "SELECT * FROM drift_summary";

/// Fills the store and measures.
pub(super) async fn run(place: &Place) -> Result<Vec<Row>> {
    let store = place.store(NAME).await?;
    fill(&*store).await?;
    let mut database = Database::open(place).await?;
    database.settle().await?;
    let mut rows = Vec::new();
    let (address, stop) = serving(store.clone()).await?;
    for (name, path) in [
        ("the newest page of events", "/api/v1/events?limit=50"),
        ("the newest page of one host", "/api/v1/events?host=host-7&limit=50"),
        ("the first page of open drifts", "/api/v1/drifts?state=open&limit=50"),
    ] {
        let mut asked = Vec::new();
        tokio::task::block_in_place(|| -> Result<()> {
            let mut client = Bare::tcp(address)?;
            for _ in 0..ROUNDS {
                let start = Instant::now();
                let (status, body) = client.ask("GET", path, "", b"")?;
                asked.push(start.elapsed().as_secs_f64() * 1e3);
                if status != 200 {
                    return Err(format!("{path}: {status} {}", String::from_utf8_lossy(&body)).into());
                }
            }
            Ok(())
        })?;
        let mut floor = database.time(&database.newest()).await?;
        rows.push(row(place, name, &mut asked, &mut floor));
    }
    let mut summary = database.time(SUMMARY).await?;
    let mut floor = database.time(&database.newest()).await?;
    rows.push(row(place, "the view drift_summary", &mut summary, &mut floor));
    for sql in [database.newest(), SUMMARY.to_owned()] {
        writeln!(std::io::stdout(), "{place}: {sql}\n{}\n", database.explain(&sql).await?)?;
    }
    stop.cancel();
    store.close().await;
    Ok(rows)
}

fn row(place: &Place, name: &str, ours: &mut [f64], floor: &mut [f64]) -> Row {
    let name = format!("{place}, a million events: {name}, p95");
    Row { name, unit: "ms", ours: quantile(ours, 0.95), floor: quantile(floor, 0.95) }
}

/// A million events of five hundred hosts; the drift of the last event of each is open.
async fn fill(store: &dyn Store) -> Result<()> {
    for batch in 0..EVENTS / BATCH {
        let name = format!("host-{}", batch % HOSTS);
        let revision = u64::from(batch / HOSTS);
        let mut pass =
            PassCommit::new(evenkeel_store::conformance::sample::host(&name), revision, at(i64::from(batch)));
        for k in 0..BATCH {
            let id = missing(&name, &format!("service-{}", k % 20));
            pass.events.push(event(batch * BATCH + k, &id));
        }
        pass.upserts.push(evenkeel_store::conformance::sample::entry(missing(&name, "service-0")));
        store.commit(pass).await?;
    }
    Ok(())
}

async fn serving(store: Arc<dyn Store>) -> Result<(std::net::SocketAddr, CancellationToken)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let state = AppState {
        store,
        live: Arc::new(Face::new()?),
        allowed_hosts: HostPolicy::bound_to(address.ip(), ["bare"]),
        access: Arc::new(Access::local()),
    };
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, router(state), stop.clone().cancelled_owned()));
    Ok((address, stop))
}

/// A connection of one's own to the same database.
enum Database {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

impl Database {
    async fn open(place: &Place) -> Result<Self> {
        match place {
            Place::Sqlite(_) => {
                let options = SqliteConnectOptions::new().filename(place.file(NAME));
                Ok(Self::Sqlite(Box::new(SqliteConnection::connect_with(&options).await?)))
            }
            Place::Postgres(server) => {
                let options: PgConnectOptions = server.url().parse()?;
                let mut connection = PgConnection::connect_with(&options).await?;
                let path = format!("SET search_path TO {NAME}");
                sqlx::raw_sql(AssertSqlSafe(path)).execute(&mut connection).await?;
                Ok(Self::Postgres(Box::new(connection)))
            }
        }
    }

    /// What a server does by itself within a minute of such growth.
    async fn settle(&mut self) -> Result<()> {
        if let Self::Postgres(connection) = self {
            sqlx::raw_sql("VACUUM ANALYZE").execute(&mut **connection).await?;
        }
        Ok(())
    }

    fn newest(&self) -> String {
        match self {
            Self::Sqlite(_) => NEWEST.replace("EVENTS", "event_log"),
            Self::Postgres(_) => NEWEST.replace("EVENTS", "events"),
        }
    }

    /// Milliseconds of each of many rounds.
    async fn time(&mut self, sql: &str) -> Result<Vec<f64>> {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
            let rows = match self {
                Self::Sqlite(connection) => query_sqlite(connection, sql).await?,
                Self::Postgres(connection) => query.fetch_all(&mut **connection).await?.len(),
            };
            times.push(start.elapsed().as_secs_f64() * 1e3);
            if rows == 0 {
                return Err(format!("{sql}: no rows").into());
            }
        }
        Ok(times)
    }

    async fn explain(&mut self, sql: &str) -> Result<String> {
        let lines: Vec<String> = match self {
            Self::Sqlite(connection) => {
                let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")));
                let rows = plan.fetch_all(&mut **connection).await?;
                rows.iter().map(|row| row.try_get("detail")).collect::<std::result::Result<_, _>>()?
            }
            Self::Postgres(connection) => {
                let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN (ANALYZE, COSTS OFF) {sql}")));
                let rows = plan.fetch_all(&mut **connection).await?;
                rows.iter().map(|row| row.try_get(0)).collect::<std::result::Result<_, _>>()?
            }
        };
        Ok(lines.join("\n"))
    }
}

async fn query_sqlite(connection: &mut SqliteConnection, sql: &str) -> Result<usize> {
    Ok(sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(connection).await?.len())
}
