//! `evenkeel events`: what happened, newest last, so that the end of the screen is the present.

use std::process::ExitCode;

use evenkeel_core::{Event, HostName, ServiceName, Severity};
use evenkeel_store::{EventFilter, Store};

use super::args::{Args, EventsFormat, EventsOptions};
use super::failure::Failure;
use super::{Done, history, output};
use crate::render;

pub(super) async fn run(args: &Args, options: &EventsOptions) -> Done {
    let store = history::open(&output::config(args)?).await?;
    let mut events = newest(&*store, &filter(options), options.limit).await?;
    events.reverse();
    match options.output {
        EventsFormat::Table if events.is_empty() => {
            anstream::eprintln!("nothing happened, as far as this goes back and this selects");
        }
        EventsFormat::Table => output::text(&render::events::render(&events, output::width())),
        EventsFormat::Json => output::line(&render::events::render_json(&events)?),
        EventsFormat::Jsonl => output::text(&render::events::render_lines(&events)?),
    }
    Ok(ExitCode::SUCCESS)
}

fn filter(options: &EventsOptions) -> EventFilter {
    let least = options.severity.unwrap_or(Severity::Info);
    EventFilter {
        types: options.types.clone(),
        severities: Severity::ALL.into_iter().filter(|severity| *severity >= least).collect(),
        host: options.host.as_deref().map(HostName::new),
        service: options.service.as_deref().map(ServiceName::new),
        since: options.since,
        ..EventFilter::default()
    }
}

/// The newest events that pass the filter, newest first.
pub(super) async fn newest(
    store: &dyn Store,
    filter: &EventFilter,
    limit: u32,
) -> Result<Vec<Event>, Failure> {
    let mut events = Vec::new();
    let mut after = None;
    loop {
        let left = limit.saturating_sub(u32::try_from(events.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        let page = store.events(filter, after, left.min(500)).await?;
        events.extend(page.rows.into_iter().map(|stored| stored.event));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(events)
}
