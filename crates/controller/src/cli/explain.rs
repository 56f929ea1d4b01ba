//! `evenkeel explain HANDLE`: everything about one drift.

use std::process::ExitCode;

use evenkeel_core::ledger::Entry;
use evenkeel_store::{DriftFilter, EventFilter, SqliteStore, Store};

use super::args::{Args, ExplainOptions, TextOrJson};
use super::events::newest;
use super::failure::Failure;
use super::{Done, history, output};
use crate::collect::now;
use crate::config::Config;
use crate::render;
use crate::render::explain::Explained;

/// How many of a drift's events are shown.
const EVENTS: u32 = 50;

pub(super) async fn run(args: &Args, options: &ExplainOptions) -> Done {
    let config = output::config(args)?;
    let store = history::open(&config).await?;
    let entries = store.drift_by_handle(&options.handle).await?;
    if entries.is_empty() {
        return ended(&store, &options.handle).await;
    }
    for entry in &entries {
        explain(&config, &store, entry, options.output).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn explain(
    config: &Config,
    store: &SqliteStore,
    entry: &Entry,
    form: TextOrJson,
) -> Result<(), Failure> {
    let filter = EventFilter { handle: Some(entry.id.handle()), ..EventFilter::default() };
    let mut events = newest(store, &filter, EVENTS).await?;
    events.reverse();
    let family = DriftFilter { subject: Some(entry.id.subject.clone()), ..DriftFilter::default() };
    let children = store.drifts(&family, None, 1000).await?.rows;
    let children: Vec<Entry> =
        children.into_iter().filter(|e| e.parent.as_ref() == Some(&entry.id)).collect();
    let explained =
        Explained { now: now(), entry, events: &events, children: &children, policy: &config.policy };
    match form {
        TextOrJson::Table => output::text(&render::explain::render(explained, output::width())),
        TextOrJson::Json => output::line(&render::explain::render_json(explained)?),
    }
    Ok(())
}

/// A drift that is no longer in the ledger may still be in the history.
async fn ended(store: &SqliteStore, handle: &str) -> Done {
    let filter = EventFilter { handle: Some(handle.to_uppercase()), ..EventFilter::default() };
    let mut events = newest(store, &filter, EVENTS).await?;
    if events.is_empty() {
        return Err(Failure::new(
            anyhow::anyhow!("no drift has the handle {handle}"),
            Some("`evenkeel events` and `evenkeel diff` show the handles there are"),
        ));
    }
    events.reverse();
    anstream::eprintln!("{handle} ended; this is its history");
    output::text(&render::events::render(&events, output::width()));
    Ok(ExitCode::SUCCESS)
}
