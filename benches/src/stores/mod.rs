//! Both databases side by side: what a commit costs beside a loop of single inserts of the same rows into bare tables, and
//! what the newest page and the summary cost over a million events.

mod loops;
mod million;
mod place;

use std::time::Instant;

use evenkeel_store::PassCommit;
use evenkeel_store::conformance::sample::{at, delivery, entry, event, host, missing};

use crate::{Result, Row, quantile};
use loops::Loop;
use place::Place;

/// Commits measured, by events in each.
const SIZES: [(u32, u32); 2] = [(1, 600), (100, 60)];

/// Measures everything; without PostgreSQL, SQLite alone, and says so.
pub fn run() -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut rows = Vec::new();
        for place in Place::all()? {
            for (events, commits) in SIZES {
                rows.push(committing(&place, events, commits).await?);
            }
            rows.extend(million::run(&place).await?);
        }
        Ok(rows)
    })
}

/// Commits per second of one pass after the other, in turns with the loop: the more, the better.
async fn committing(place: &Place, events: u32, commits: u32) -> Result<Row> {
    let store = place.store(&format!("commit_{events}")).await?;
    let mut bare = Loop::open(place, &format!("bare_{events}")).await?;
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for n in 0..commits {
        let pass = pass(n, events);
        let start = Instant::now();
        bare.insert(&pass).await?;
        floor.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        store.commit(pass).await?;
        ours.push(start.elapsed().as_secs_f64());
    }
    store.close().await;
    let rate = |times: &mut Vec<f64>| 1.0 / quantile(times, 0.5);
    let name = format!("{place}: {events} events in a commit, median");
    Ok(Row { name, unit: "commits/s", ours: rate(&mut ours), floor: rate(&mut floor) })
}

/// A pass over one host that opens so many drifts and tells one sink of each.
fn pass(n: u32, events: u32) -> PassCommit {
    let mut pass = PassCommit::new(host("box2-daily"), u64::from(n), at(i64::from(n)));
    for k in 0..events {
        let id = missing("box2-daily", &format!("service-{n}-{k}"));
        let event = event(n * events + k, &id);
        pass.deliveries.push(delivery("n8n", &event));
        pass.events.push(event);
        pass.upserts.push(entry(id));
    }
    pass
}
