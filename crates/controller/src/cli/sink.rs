//! `evenkeel sink list` and `evenkeel sink test NAME`: who is told, and whether it arrives.

use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use evenkeel_core::{Event, EventId, EventType, Severity, Transition};
use evenkeel_sinks::message::{Line, Message, Tone};
use evenkeel_sinks::netbox::Ready;
use evenkeel_sinks::{Carries, Delivery, Receipt, Sink, SinkError};
use evenkeel_store::OutboxDepth;
use jiff::Timestamp;
use serde_json::json;

use super::args::{Args, SinkCommand, SinkListOptions, TextOrJson};
use super::failure::{Failure, OrFail};
use super::{Done, history, output};
use crate::config::{Config, LogFormat, SinkConfig};
use crate::render::text::{age, clean, cut, fit, harmless_json, width};
use crate::wiring;

pub(super) async fn run(args: &Args, command: &SinkCommand) -> Done {
    let config = output::config(args)?;
    output::log(args, "off", LogFormat::Text);
    match command {
        SinkCommand::List(options) => list(&config, options).await,
        SinkCommand::Test { name } => test(&config, name).await,
    }
}

async fn list(config: &Config, options: &SinkListOptions) -> Done {
    // Without a database nothing is known about what waits, which is not the same as nothing waiting.
    let depths: Option<Vec<OutboxDepth>> = match history::open(config).await {
        Ok(store) => Some(store.outbox().await?),
        Err(_) => None,
    };
    match options.output {
        TextOrJson::Table => output::text(&table(&config.sinks, depths.as_deref(), Timestamp::now())),
        TextOrJson::Json => output::line(&as_json(&config.sinks, depths.as_deref())?),
    }
    if config.sinks.is_empty() {
        anstream::eprintln!("no sink is configured: nobody is told; add [[sink]]");
    }
    Ok(ExitCode::SUCCESS)
}

fn depth<'a>(depths: &'a [OutboxDepth], sink: &SinkConfig) -> Option<&'a OutboxDepth> {
    depths.iter().find(|depth| *depth.sink == *sink.name)
}

fn table(sinks: &[SinkConfig], depths: Option<&[OutboxDepth]>, now: Timestamp) -> String {
    let row = |sink: &SinkConfig| -> [String; 6] {
        let (waiting, dead, oldest) = match depths.map(|depths| depth(depths, sink)) {
            None => ("?".to_owned(), "?".to_owned(), "?".to_owned()),
            Some(None) => ("0".to_owned(), "0".to_owned(), "-".to_owned()),
            Some(Some(depth)) => {
                let oldest = depth.oldest_pending.map_or_else(|| "-".to_owned(), |at| age(at, now));
                (depth.pending.to_string(), depth.dead.to_string(), oldest)
            }
        };
        let place = cut(&clean(&sink.kind.place()), 60);
        [clean(&sink.name).into_owned(), sink.kind.word().to_owned(), place, waiting, dead, oldest]
    };
    let head = ["sink", "kind", "where", "waiting", "dead", "oldest"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(sinks.iter().map(row)).collect();
    if sinks.is_empty() {
        return String::new();
    }
    let widths: Vec<usize> =
        (0..6).map(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| fit(cell, *width)).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

fn as_json(sinks: &[SinkConfig], depths: Option<&[OutboxDepth]>) -> Result<String, serde_json::Error> {
    let one = |sink: &SinkConfig| {
        let known = depths.map(|depths| depth(depths, sink));
        json!({
            "name": &*sink.name,
            "kind": sink.kind.word(),
            "where": sink.kind.place(),
            "waiting": known.map(|depth| depth.map_or(0, |depth| depth.pending)),
            "dead": known.map(|depth| depth.map_or(0, |depth| depth.dead)),
            "oldest_waiting": known.flatten().and_then(|depth| depth.oldest_pending),
        })
    };
    let all: Vec<_> = sinks.iter().map(one).collect();
    serde_json::to_string_pretty(&all).map(|text| harmless_json(&text))
}

async fn test(config: &Config, name: &str) -> Done {
    let Some(sink) = config.sinks.iter().find(|sink| sink.name.eq_ignore_ascii_case(name)) else {
        let known: Vec<&str> = config.sinks.iter().map(|sink| &*sink.name).collect();
        let hint = match known.is_empty() {
            true => "no sink is configured; add [[sink]]".to_owned(),
            false => format!("there are {}", known.join(", ")),
        };
        return Err(Failure::new(anyhow::anyhow!("no sink is called {name}"), Some(&hint)));
    };
    let built = wiring::sink(sink).or_fail("`[[sink]]` in the configuration")?;
    let place = sink.kind.place();
    if let Some(journal) = wiring::netbox_journal(sink) {
        // What is written there stays: an entry about nothing has no place in anybody's journal.
        let journal = journal.or_fail("`[[sink]]` in the configuration")?;
        let Ready { version } = journal.look().await.map_err(|error| refused(sink, &error))?;
        output::line(&format!(
            "{}: NetBox {version} at {place} would take an entry; none was written",
            sink.name
        ));
        return Ok(ExitCode::SUCCESS);
    }
    match send(&built, Timestamp::now()).await {
        Ok(Receipt { status: Some(status) }) => {
            output::line(&format!("{}: taken by {place}, which answered {status}", sink.name));
        }
        Ok(Receipt { status: None }) => output::line(&format!("{}: taken by {place}", sink.name)),
        Err(error) => return Err(refused(sink, &error)),
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(sink: &SinkConfig, error: &SinkError) -> Failure {
    let hint = match error {
        SinkError::Unavailable { .. } | SinkError::Throttled { .. } => {
            "an event would be kept and tried again for three days"
        }
        SinkError::Rejected { .. } => "an event would be given up; something must change here or there",
    };
    Failure::new(anyhow::anyhow!("{}: {error}", sink.name), Some(hint))
}

/// Sends what cannot be taken for something that happened. People get a message, machines an event.
async fn send(sink: &Arc<dyn Sink>, now: Timestamp) -> Result<Receipt, SinkError> {
    let event = event(now);
    if let Some(speaker) = sink.speaker() {
        let lines = vec![Line::Text(event.details.clone())];
        let title = "Test: evenkeel can reach you".to_owned();
        let message = Message { tone: Tone::Test, title, lines, handle: None, ..Message::of(&event) };
        return speaker.tell(&message).await;
    }
    let payload = serde_json::to_vec(&event)
        .map_err(|error| SinkError::Rejected { why: format!("the test event cannot be written: {error}") })?;
    let delivery = Delivery {
        id: event.id.to_string(),
        attempt: 1,
        sink: sink.name().to_owned(),
        payload: Bytes::from(payload),
        carries: Carries::Event {
            drift_id: event.drift_id.clone(),
            event_type: event.event_type,
            severity: event.severity,
        },
    };
    sink.deliver(&delivery).await
}

fn event(now: Timestamp) -> Event {
    Event {
        id: EventId::new(now, rand::random()),
        hostname: Some("evenkeel-test".into()),
        service: None,
        event_type: EventType::ConfigDrift,
        expected: None,
        observed: None,
        severity: Severity::Info,
        details: "This is a test that somebody asked for with `evenkeel sink test`. Nothing is wrong."
            .to_owned(),
        source: Arc::from("test"),
        created_at: now,
        transition: Transition::Opened,
        drift_id: "TEST".to_owned(),
        handle: "TESTTEST".to_owned(),
        first_seen: now,
        last_seen: now,
        flapping: false,
        baseline: false,
        folded: Vec::new(),
        folded_count: 0,
        announce: true,
        drift: None,
    }
}
