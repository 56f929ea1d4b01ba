//! `evenkeel diff`: one comparison of everything; writes nothing.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use evenkeel_core::judge::own_store;
use evenkeel_core::ledger::{Ledger, State};
use evenkeel_core::policy::Matcher;
use evenkeel_core::{DriftId, Subject};
use evenkeel_store::{DriftFilter, Store};
use jiff::Timestamp;
use tokio::time::Instant;

use super::args::{Args, DiffOptions, Format};
use super::once::{self, Asked};
use super::{Done, output};
use crate::collect::now;
use crate::config::{Config, LogFormat};
use crate::render::{self, Netbox, Outcome, SourceLine, SubjectOutcome};
use crate::world::Slice;
use crate::{pass, wiring};

pub(super) async fn run(args: &Args, options: &DiffOptions) -> Done {
    let config = output::config(args)?;
    output::log(args, "error", LogFormat::Text);
    let begun = Instant::now();
    let asked = once::ask(&config).await?;
    let since = remembered(&config).await;
    let outcome = outcome(&config, &asked, options, &since, begun.elapsed());
    match options.output {
        Format::Table => output::text(&render::table::render(&outcome, output::width(), options.all)),
        Format::Json => output::line(&render::json::render(&outcome)?),
        Format::Jsonl => output::text(&render::json::render_lines(&outcome)?),
        Format::Markdown => output::text(&render::markdown::render(&outcome)),
        Format::Junit => output::text(&render::junit::render(&outcome)),
    }
    Ok(ExitCode::from(outcome.exit().code()))
}

fn outcome(
    config: &Config,
    asked: &Asked,
    options: &DiffOptions,
    since: &BTreeMap<DriftId, Timestamp>,
    took: Duration,
) -> Outcome {
    let world = &asked.world;
    let now = now();
    let wanted = |subject: &Subject| match subject {
        Subject::Source(_) => true,
        Subject::Host(host) => {
            options.hosts.is_empty()
                || options.hosts.iter().any(|glob| Matcher::glob(glob).matches(host.as_str()))
        }
    };
    let subjects = world.subjects();
    let subjects = subjects.iter().filter(|subject| wanted(subject)).map(|subject| {
        let slice = world.slice(subject, now);
        let nothing_known = Ledger::new(subject.clone());
        let report = pass::compare(subject, &slice, &nothing_known, &config.policy, now);
        let since = |id: &DriftId| since.get(id).copied();
        match (subject, slice) {
            (Subject::Host(host), Slice::Host { expected, observed, .. }) => {
                SubjectOutcome::of_host(host, &expected, &observed, &config.policy.rules, report, since)
            }
            (_, Slice::Store(_)) => SubjectOutcome::of_source(&own_store(), report, since),
            (_, Slice::Source { source, .. }) => SubjectOutcome::of_source(&source, report, since),
            // A host's slice is a host's; this keeps the match total without a panic.
            (Subject::Source(source), Slice::Host { .. }) => SubjectOutcome::of_source(source, report, since),
        }
    });
    Outcome {
        now,
        took,
        subjects: subjects.collect(),
        netbox: netbox(asked),
        sources: world
            .source_statuses(crate::collect::now())
            .into_iter()
            .filter(|s| s.source != *world.netbox())
            .map(source_line)
            .collect(),
        expiring: expiring(config, now),
    }
}

fn netbox(asked: &Asked) -> Netbox {
    let world = &asked.world;
    let status = world.source_status(world.netbox(), crate::collect::now());
    let hosts: Vec<_> = world.declared().collect();
    Netbox {
        source: world.netbox().clone(),
        version: asked.netbox_version.clone(),
        hosts: hosts.len(),
        services: hosts.iter().map(|host| host.services.len()).sum(),
        as_of: status.as_ref().and_then(|s| s.complete_at),
        coverage: status.map_or(evenkeel_core::Coverage::Complete, |s| s.coverage),
    }
}

fn source_line(status: evenkeel_web::SourceStatus) -> SourceLine {
    SourceLine {
        source: status.source,
        host: status.host,
        coverage: status.coverage,
        answered_at: status.answered_at,
    }
}

/// Since when drifts have been known, if a controller keeps that here. A look without a history is a look all the same.
async fn remembered(config: &Config) -> BTreeMap<DriftId, Timestamp> {
    let mut since = BTreeMap::new();
    let Ok(store) = wiring::store_read_only(&config.store).await else { return since };
    let filter = DriftFilter { states: vec![State::Open, State::Pending], ..DriftFilter::default() };
    let mut after = None;
    while let Ok(page) = store.drifts(&filter, after, 1000).await {
        since.extend(page.rows.into_iter().map(|entry| (entry.id, entry.first_seen)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    store.close().await;
    since
}

/// Ignore rules that end within a week, or ended.
fn expiring(config: &Config, now: Timestamp) -> Vec<(std::sync::Arc<str>, Timestamp)> {
    let soon = now.checked_add(jiff::SignedDuration::from_hours(7 * 24)).unwrap_or(Timestamp::MAX);
    let rules = config.policy.ignore.iter().filter_map(|rule| Some((rule.name.clone(), rule.expires?)));
    rules.filter(|(_, end)| *end <= soon).collect()
}
