//! What a person with psql finds in the views, and how the server gets at it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed test itself"
)]

use std::sync::Arc;
use std::time::Duration;

use crate::installation::{ask, run, shell};
use crate::rig::{DIRECT, Schema};
use evenkeel_core::drift::Difference;
use evenkeel_core::event::{EventType, Severity};
use evenkeel_core::id::{DriftId, Field, SourceId, SourceKind};
use evenkeel_core::ledger::{Entry, State};
use evenkeel_core::model::{Port, Ports, Published, RunState};
use evenkeel_store::conformance::sample::{at, entry, event, host, missing, observed};
use evenkeel_store::postgres::PgStore;
use evenkeel_store::{PassCommit, Store};

async fn leading(schema: &Schema) -> PgStore {
    let store = schema.open().await;
    store.lead("the test", Duration::from_secs(600)).await.unwrap();
    store
}

async fn commit(store: &PgStore, name: &str, entries: Vec<Entry>) {
    let mut pass = PassCommit::new(host(name), 0, at(0));
    let first = u32::try_from(store.stats().await.unwrap().last_seq).unwrap();
    pass.events = (first..).zip(&entries).map(|(n, entry)| event(n, &entry.id)).collect();
    pass.upserts = entries;
    store.commit(pass).await.unwrap();
}

fn of(id: DriftId, difference: Difference) -> Entry {
    Entry { difference, ..entry(id) }
}

fn service(name: &str, kind: EventType) -> DriftId {
    DriftId::of_service(&"box2-media".into(), &name.into(), kind)
}

fn drifts() -> Vec<Entry> {
    let ports = Difference::PortMismatch {
        expected: Ports::new([Port::tcp(8080), Port::tcp(30024), Port::tcp(9000)]),
        observed: Published {
            open: Ports::new([Port::tcp(8080), Port::tcp(6881)]),
            loopback: Ports::new([Port::tcp(9000)]),
        },
    };
    let address = Difference::Config {
        expected: Some(Arc::from("192.168.2.16")),
        observed: Some(Arc::from("192.168.2.99")),
    };
    let mut resolved = entry(missing("box2-media", "bazarr"));
    resolved.state = State::Resolved;
    let mut pending = entry(missing("box2-media", "sonarr"));
    pending.state = State::Pending;
    let mut loud = of(
        service("jackett", EventType::RestartLoop),
        Difference::RestartLoop { restarts: Some(9), state: RunState::Restarting },
    );
    loud.severity = Severity::High;
    let unexpected =
        Difference::Unexpected { retired: false, ports: None, state: RunState::Running, image: None };
    vec![
        entry(missing("box2-media", "radarr")),
        of(service("jackett", EventType::ServiceUnexpected), unexpected),
        loud,
        of(service("qbittorrent", EventType::PortMismatch), ports),
        of(DriftId::of_field(&"box2-media".into(), None, Field::Ip), address),
        resolved,
        pending,
    ]
}

const SUMMARY: &str =
    "SELECT concat_ws(' | ', hostname, coalesce(service, '-'), expected_minus_observed::text,
        observed_minus_expected::text, to_char(last_event_at AT TIME ZONE 'UTC', 'HH24:MI:SS'), importance)
    FROM drift_summary ORDER BY hostname, service NULLS FIRST";

#[tokio::test]
async fn drift_summary_tells_per_service_what_is_missing_and_what_is_too_much() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let store = leading(&schema).await;
    commit(&store, "box2-media", drifts()).await;
    let down = entry(DriftId::of_host(&"box2-tube".into(), EventType::VmDown));
    commit(&store, "box2-tube", vec![down]).await;
    assert_eq!(
        ask(&mut shell(&schema).await, SUMMARY).await,
        [
            r#"box2-media | - | ["ip 192.168.2.16"] | ["ip 192.168.2.99"] | 04:00:04 | low"#,
            r#"box2-media | jackett | [] | ["jackett"] | 04:00:02 | high"#,
            r#"box2-media | qbittorrent | ["30024/tcp"] | ["6881/tcp"] | 04:00:03 | medium"#,
            r#"box2-media | radarr | ["radarr"] | [] | 04:00:00 | high"#,
            r#"box2-tube | - | ["box2-tube"] | [] | 04:00:07 | critical"#,
        ]
    );
}

#[tokio::test]
async fn a_hostile_name_spoils_the_summary_for_nobody() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let store = leading(&schema).await;
    let config = |text: &str| Difference::Config { expected: Some(Arc::from(text)), observed: None };
    let entries = vec![
        of(DriftId::of_field(&"box2-media".into(), Some(&"a".into()), Field::Image), config("nul \0 here")),
        of(
            DriftId::of_field(&"box2-media".into(), Some(&"b".into()), Field::Image),
            config(r"no nul: \u0000 🗄 \"),
        ),
    ];
    commit(&store, "box2-media", entries).await;
    let rows = ask(
        &mut shell(&schema).await,
        "SELECT expected_minus_observed ->> 0 FROM drift_summary ORDER BY service",
    )
    .await;
    assert_eq!(rows.len(), 2);
    assert!(rows[0].contains("nul \u{fffd} here"), "{rows:?}");
    assert!(rows[1].contains("no nul:") && rows[1].ends_with("🗄 \\"), "{rows:?}");
}

#[tokio::test]
async fn truenas_state_latest_has_the_newest_truenas_observation_of_each_host() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let store = leading(&schema).await;
    let nas = |name: &str, text: &str, seconds| {
        let mut row = observed(name, text, seconds);
        row.source = SourceId::new(SourceKind::Truenas, name);
        row
    };
    store.save_observed(&[nas("truenas", "old", 1), nas("backup", "only", 2)]).await.unwrap();
    store.save_observed(&[nas("truenas", "new", 3), observed("truenas", "docker", 9)]).await.unwrap();
    // Seen again as it was: the observation is as old as its last change, and was seen later.
    store.save_observed(&[nas("truenas", "new", 5)]).await.unwrap();
    let found = ask(
        &mut shell(&schema).await,
        "SELECT concat_ws(' ', hostname, source_id, snapshot #>> '{containers,0,name}',
                to_char(observed_at AT TIME ZONE 'UTC', 'SS'), to_char(last_seen AT TIME ZONE 'UTC', 'SS'))
            FROM truenas_state_latest ORDER BY hostname",
    )
    .await;
    assert_eq!(found, ["backup truenas/backup only 02 02", "truenas truenas/truenas new 03 05"]);
}

#[tokio::test]
async fn the_summary_looks_events_up_and_never_reads_them_all() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    let store = leading(&schema).await;
    commit(&store, "box2-media", drifts()).await;
    let mut shell = shell(&schema).await;
    run(
        &mut shell,
        "INSERT INTO events (hostname, event_type, event_id, handle, created_at, body)
            SELECT 'h' || n % 50, 'SERVICE_MISSING', gen_random_uuid(), 'handle-' || n % 500, now(), repeat('x', 200)
            FROM generate_series(1, 20000) n;
        ANALYZE events; ANALYZE evenkeel_drifts",
    )
    .await;
    let plan = ask(&mut shell, "EXPLAIN SELECT * FROM drift_summary").await.join("\n");
    assert!(plan.contains("evenkeel_events_of_handle"), "{plan}");
    assert!(!plan.contains("Seq Scan on events"), "{plan}");
    let newest = "EXPLAIN SELECT body FROM events WHERE event_id IS NOT NULL ORDER BY id DESC LIMIT 50";
    let plan = ask(&mut shell, newest).await.join("\n");
    assert!(plan.contains("Index Scan Backward"), "{plan}");
}

#[tokio::test]
async fn the_views_say_whose_they_are() {
    let Some(schema) = Schema::new(DIRECT) else { return };
    schema.open().await;
    let comments = ask(
        &mut shell(&schema).await,
        "SELECT relname || ': ' || obj_description(oid, 'pg_class') FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind = 'v' ORDER BY 1",
    )
    .await;
    let ours = "made by evenkeel; a later version may replace it";
    assert_eq!(comments, [format!("drift_summary: {ours}"), format!("truenas_state_latest: {ours}")]);
}
