//! `evenkeel journal`: what was decided and done, newest last, so that the end of the screen is the present.

use std::process::ExitCode;

use evenkeel_core::{HostName, Subject};
use evenkeel_store::{JournalFilter, JournalRow, Store};

use super::args::{Args, EventsFormat, JournalOptions};
use super::failure::Failure;
use super::{Done, history, output};
use crate::render;

pub(super) async fn run(args: &Args, options: &JournalOptions) -> Done {
    let store = history::open(&output::config(args)?).await?;
    let mut rows = newest(&store, &filter(options), options.limit).await?;
    rows.reverse();
    match options.output {
        EventsFormat::Table if rows.is_empty() => {
            anstream::eprintln!("nothing was noted, as far as this goes back and this selects");
        }
        EventsFormat::Table => output::text(&render::journal::render(&rows, output::width())),
        EventsFormat::Json => output::line(&render::journal::render_json(&rows)?),
        EventsFormat::Jsonl => output::text(&render::journal::render_lines(&rows)?),
    }
    Ok(ExitCode::SUCCESS)
}

fn filter(options: &JournalOptions) -> JournalFilter {
    JournalFilter {
        kinds: options.kinds.clone(),
        subject: options.host.as_deref().map(HostName::new).map(Subject::Host),
        handle: options.handle.clone(),
        since: options.since,
        ..JournalFilter::default()
    }
}

/// The newest rows that pass the filter, newest first.
async fn newest(store: &impl Store, filter: &JournalFilter, limit: u32) -> Result<Vec<JournalRow>, Failure> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let left = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        let page = store.journal(filter, after, left.min(500)).await?;
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(rows)
}
