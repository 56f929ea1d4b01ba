//! `evenkeel explain HANDLE`: everything about one drift.

use std::process::ExitCode;

use anyhow::Context;
use evenkeel_core::EventType;
use evenkeel_core::ledger::Entry;
use evenkeel_store::{DriftFilter, EventFilter, ObservedRow, Store};

use super::args::{Args, ExplainOptions, TextOrJson};
use super::events::newest;
use super::failure::Failure;
use super::{Done, history, output};
use crate::collect::now;
use crate::config::Config;
use crate::render;
use crate::render::explain::Explained;
use crate::render::witness::Witness;

/// How many of a drift's events are shown.
const EVENTS: u32 = 50;

pub(super) async fn run(args: &Args, options: &ExplainOptions) -> Done {
    let config = output::config(args)?;
    let store = history::open(&config).await?;
    let entries = store.drift_by_handle(&options.handle).await?;
    if entries.is_empty() {
        return ended(&*store, &options.handle).await;
    }
    for entry in &entries {
        explain(&config, &*store, entry, options.output).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn explain(config: &Config, store: &dyn Store, entry: &Entry, form: TextOrJson) -> Result<(), Failure> {
    let filter = EventFilter { handle: Some(entry.id.handle()), ..EventFilter::default() };
    let mut events = newest(store, &filter, EVENTS).await?;
    events.reverse();
    // A lost node explains what is wrong with the machines it carried; anything else explains its own host alone.
    let subject = (entry.id.event_type != EventType::NodeUnreachable).then(|| entry.id.subject.clone());
    let family = DriftFilter { subject, ..DriftFilter::default() };
    let witnesses = witnesses(store, entry).await?;
    let children = store.drifts(&family, None, 1000).await?.rows;
    let children: Vec<Entry> =
        children.into_iter().filter(|e| e.parent.as_ref() == Some(&entry.id)).collect();
    let explained = Explained {
        now: now(),
        entry,
        events: &events,
        children: &children,
        witnesses: &witnesses,
        policy: &config.policy,
    };
    match form {
        TextOrJson::Table => output::text(&render::explain::render(explained, output::width())),
        TextOrJson::Json => output::line(&render::explain::render_json(explained)?),
    }
    Ok(())
}

/// What each source shows of the host, as last kept.
async fn witnesses(store: &dyn Store, entry: &Entry) -> Result<Vec<Witness>, Failure> {
    let Some(host) = entry.id.subject.host() else { return Ok(Vec::new()) };
    let witness = |row: ObservedRow| {
        Ok(Witness {
            source: row.source.to_string(),
            observed_at: row.observed_at,
            snapshot: serde_json::from_str(&row.snapshot)
                .with_context(|| format!("what {} showed of {host} cannot be read back", row.source))?,
        })
    };
    store.shown(host).await?.into_iter().map(witness).collect()
}

/// A drift that is no longer in the ledger may still be in the history.
async fn ended(store: &dyn Store, handle: &str) -> Done {
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
