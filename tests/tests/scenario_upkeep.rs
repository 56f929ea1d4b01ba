//! The store looked after: its size as a drift, retention, the journal, backup and restore, the export.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion itself"
)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use evenkeel::upkeep;
use evenkeel_core::{HostName, SourceId, SourceKind};
use evenkeel_lab::receiver::Receiver;
use evenkeel_store::sqlite::{Options, SqliteStore};
use evenkeel_store::{JournalFilter, ObservedRow, RetentionPolicy, Store};
use evenkeel_tests::program::{self, Home};
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, Plan, SinkPlan, Stage, soon};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};

const SERVICES: &[(&str, u16)] = &[("web", 80), ("db", 5432)];
const LIMIT: u64 = 10_000_000;
const TOO_LARGE: &str = "RESOURCE_EXCEEDED database store/evenkeel";

/// What a source showed, of a size.
fn shown(bytes: usize, second: i64) -> ObservedRow {
    ObservedRow {
        hostname: HostName::new("attic"),
        source: SourceId::new(SourceKind::Docker, "gone"),
        hash: second.unsigned_abs().into(),
        snapshot: serde_json::json!({ "containers": [{ "name": "x".repeat(bytes) }] }).to_string(),
        observed_at: Timestamp::from_second(second).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_over_its_limit_is_a_drift_that_is_told_and_ends_when_retention_made_it_small() {
    let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
    let plan = Plan::believing()
        .with_policy(|policy| policy.rules.limits.database = Some(LIMIT))
        .telling(SinkPlan::new("n8n", receiver.url()));
    let stage = Stage::start(Lab::small(&[("box", SERVICES)]).await, plan).await;
    stage.until_blind(&[]).await;
    stage.until(&[]).await;
    stage.store().save_observed(&[shown(12_000_000, 1)]).await.unwrap();
    upkeep::measure(stage.hub()).await;
    stage.until(&[TOO_LARGE]).await;
    let entry = stage.entry(TOO_LARGE);
    let details = entry.difference.details(&entry.id);
    assert!(details.contains(&stage.database().display().to_string()), "{details}");
    assert!(details.contains(" MB, over its limit of 10.0 MB"), "{details}");
    // Nobody is asked there: it is no source.
    let sources = stage.hub().see(|world| world.source_statuses(Timestamp::now()));
    assert!(sources.iter().all(|status| status.source.kind != SourceKind::Store), "{sources:?}");

    // The newest snapshot stays in any case; the large one is not the newest any more.
    stage.store().save_observed(&[shown(1, 2)]).await.unwrap();
    upkeep::prune(stage.hub(), &RetentionPolicy::default()).await;
    stage.until(&[]).await;
    stage.quiet().await;
    assert_eq!(stage.history().await, [format!("opened {TOO_LARGE}"), format!("resolved {TOO_LARGE}")]);
    for event in stage.events().await {
        assert!(soon(|| async { receiver.count(&event.id.to_string()) == 1 }).await, "{event:?}");
    }
    let journal = stage.store().journal(&JournalFilter::default(), None, 9).await.unwrap().rows;
    assert_eq!(journal[0].text, "Retention removed 1 snapshots.");
    let figures = stage.hub().registry.gather();
    let pruned = figures.iter().find(|family| family.name() == "evenkeel_store_pruned_rows_total").unwrap();
    let total: f64 = pruned.get_metric().iter().map(|metric| metric.get_counter().get_value()).sum();
    assert!((total - 1.0).abs() < f64::EPSILON, "{total}");
}

async fn journal(home: &Home, more: &[&str]) -> Vec<Value> {
    let output = home.command(&[&["journal", "-o", "jsonl"], more].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["data"]["what"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_tells_starts_reloads_and_stops_and_is_listed_by_command_and_api() {
    let lab = Lab::small(&[("box", SERVICES)]).await;
    let home = Home::new(&lab, None);
    let program = home.start().await;
    program.until_ready().await;
    program.signal("HUP").await;
    program.until_logged("starting anew with it").await;
    assert!(soon(|| async { journal(&home, &[]).await.len() == 2 }).await);
    let (status, body) = program.get("/api/v1/journal?kind=decision").await;
    assert_eq!(status, 200);
    let listed: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(said(listed["items"].as_array().unwrap()), ["configured"]);
    program.stop().await;

    let rows = journal(&home, &[]).await;
    assert_eq!(said(&rows), ["started", "configured", "stopped"], "newest last");
    assert_eq!(said(&journal(&home, &["--kind", "action", "-n", "1"]).await), ["stopped"]);
    assert!(journal(&home, &["--handle", "7QZ2MK4D"]).await.is_empty());
    let table = home.command(&["journal", "--since", "1h"]).await;
    let table = String::from_utf8(table.stdout).unwrap();
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("action    evenkeel  The controller started (evenkeel "), "{table}");
    let refused = home.command(&["journal", "--kind", "rumour"]).await;
    assert_eq!(refused.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_tells_of_a_stop_that_comes_between_two_configurations() {
    let lab = Lab::small(&[("box", SERVICES)]).await;
    let home = Home::new(&lab, None);
    let program = home.start().await;
    program.until_ready().await;
    program.signal("HUP").await;
    program.until_logged("starting anew with it").await;
    program.stop().await;
    assert_eq!(said(&journal(&home, &[]).await), ["started", "configured", "stopped"], "newest last");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_controller_put_in_place_goes_on_as_if_nothing_had_been() {
    let lab = Lab::small(&[("box", SERVICES)]).await;
    let home = Home::new(&lab, None);
    let program = home.start().await;
    program.until_ready().await;
    lab.engine("box").stop("db").unwrap();
    let address = program.address().await;
    let open = |address: String| async move {
        let (_, body) = program::get(&address, "/api/v1/drifts").await;
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        body["items"].as_array().is_some_and(|items| items.len() == 1)
    };
    assert!(soon(|| open(address.clone())).await, "{}", program.log());
    let made = home.command(&["backup", "copy.db"]).await;
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let report = String::from_utf8(made.stdout).unwrap();
    assert!(report.starts_with("copy.db: ") && report.contains("1 open drifts"), "{report}");
    let again = home.command(&["backup", "copy.db"]).await;
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists already"), "{again:?}");
    program.stop().await;

    for left in ["evenkeel.db-wal", "evenkeel.db-shm"] {
        assert!(!home.folder().join(left).exists(), "{left}");
    }
    std::fs::rename(home.folder().join("copy.db"), home.database()).unwrap();
    let program = home.start().await;
    program.until_ready().await;
    let address = program.address().await;
    assert!(soon(|| open(address.clone())).await, "{}", program.log());
    let (_, events) = program.get("/api/v1/events").await;
    let events: Value = serde_json::from_str(&events).unwrap();
    assert_eq!(events["items"].as_array().unwrap().len(), 1, "{events}");
    program.stop().await;
}

/// A history longer than anybody has memory for.
async fn many_events(home: &Home, count: u32) {
    let store = SqliteStore::open(home.database(), Options::default()).await.unwrap();
    store.close().await;
    let url = format!("sqlite://{}", home.database().display());
    let mut shell = SqliteConnection::connect(&url).await.unwrap();
    let insert = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        INSERT INTO event_log (id, event_id, created_at, hostname, handle, subject, announce, service, event_type,
            severity, transition, body)
        SELECT i, printf('%032x', i), '2026-01-01T00:00:00.000000Z', 'box', 'H', 'host:box', 1, 'web',
            'SERVICE_MISSING', 'high', 'opened', json_object('id', i, 'details', printf('%01000d', i)) FROM n";
    sqlx::query(insert).bind(count).execute(&mut shell).await.unwrap();
    shell.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_needs_no_more_memory_than_a_page_and_ends_quietly_with_its_reader() {
    const EVENTS: u32 = 200_000;
    const READ: u32 = 199_000;
    let lab = Lab::small(&[("box", SERVICES)]).await;
    let home = Home::new(&lab, None);
    many_events(&home, EVENTS).await;
    let mut command = std::process::Command::new(program::path());
    command.arg("--config").arg(home.config()).args(["export", "--jsonl", "--since", "2025-12-31T00:00:00Z"]);
    command.envs(home.secrets.iter().map(|(name, value)| (name, value))).current_dir(home.folder());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();

    let mut lines = BufReader::with_capacity(4096, child.stdout.take().unwrap());
    let (mut line, mut bytes) = (String::new(), 0);
    for n in 1..=READ {
        line.clear();
        bytes += lines.read_line(&mut line).unwrap();
        assert!(line.starts_with(&format!("{{\"record\":\"event\",\"id\":{n},")), "{line}");
    }
    // What is left does not fit into the pipe, so it still runs, and has had its largest moment.
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: usize = peak.trim().trim_end_matches(" kB").trim().parse().unwrap();
    assert!(bytes > 200_000_000, "{bytes}");
    assert!(peak * 1024 < bytes / 3, "{bytes} bytes were written with {peak} kB of memory");

    drop(lines);
    let ended = child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((ended.code(), said.as_str()), (Some(0), ""));
}
