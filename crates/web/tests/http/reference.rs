//! The examples in `docs/reference/api.md` are what the API answers.

use std::fmt::Write;
use std::time::Duration;

use evenkeel_core::drift::{Difference, Evidence};
use evenkeel_core::ledger::{Blind, Entry};
use evenkeel_core::model::{Port, Ports, RunState};
use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::{Target, Until, Wish};
use evenkeel_core::{DriftId, Event, EventType, Gap, GapKind, SourceKind};
use evenkeel_store::conformance::sample::{at, delivery, docker, entry, event, host, journal, missing};
use evenkeel_store::{JournalKind, JournalRow, Outcome, PassCommit, SilenceStore, Store};
use serde_json::{Value, json};

use crate::client::{self, Client, World, seeing};

const PAGE: &str = include_str!("../../../../docs/reference/api.md");

/// box2-daily misses freshrss; box2-media's engine is away, and jellyfin, already missing, cannot be judged.
async fn operator() -> Client {
    let gap = || Gap::new(GapKind::Unreachable, "connect to tcp://box2-media:2376: refused");
    let blind = client::blind("box2-media");
    let mut media = client::host("box2-media");
    media.blind = vec![docker("box2-media")];
    let sources =
        vec![seeing(SourceKind::Netbox, "main", 80), seeing(SourceKind::Docker, "box2-daily", 95), blind];
    let hosts = vec![client::host("box2-daily"), media];
    let client = Client::of(World { hosts, sources, ..World::default() }).await;

    let rss = missing("box2-daily", "freshrss");
    let seen = |source: &str, seconds| Evidence { source: docker(source), observed_at: at(seconds) };
    let rss_entry = Entry {
        difference: Difference::Missing {
            ports: Ports::new([Port::tcp(8021)]),
            role: Some("rss".into()),
            state: None,
        },
        evidence: seen("box2-daily", 95),
        last_seen: at(95),
        opened_at: Some(at(30)),
        said_at: Some(at(30)),
        transitions: vec![at(30)],
        ..entry(rss)
    };
    client.commit(opened(1, vec![rss_entry])).await;

    let engine = DriftId::of_source(host("box2-media"), EventType::DockerUnreachable, &docker("box2-media"));
    let engine_entry = Entry {
        difference: Difference::Blind { gap: gap(), unknown_services: 5 },
        first_seen: at(60),
        last_seen: at(90),
        evidence: seen("box2-media", 90),
        opened_at: Some(at(70)),
        said_at: Some(at(70)),
        transitions: vec![at(70)],
        ..entry(engine.clone())
    };
    let behind = Entry {
        difference: Difference::Missing {
            ports: Ports::new([Port::tcp(8096), Port::tcp(8920)]),
            role: None,
            state: Some(RunState::Exited),
        },
        evidence: seen("box2-media", 50),
        last_seen: at(50),
        parent: Some(engine),
        blind: Some(Blind { since: at(60), gap: gap() }),
        ..entry(missing("box2-media", "jellyfin"))
    };
    client.commit(opened(2, vec![engine_entry, behind])).await;

    let started = JournalRow {
        subject: None,
        event: None,
        data: json!({ "what": "started", "version": "0.1.0" }),
        ..journal(JournalKind::Action, "The controller started (evenkeel 0.1.0).", 0)
    };
    client.store.note(&[started]).await.unwrap();

    let drift = Target::Drift(missing("box2-daily", "freshrss"));
    let until = Some(Until::After(jiff::SignedDuration::from_hours(2)));
    let wish = Wish { target: drift, reason: "new disks".to_owned(), starts: None, until };
    let longest = Duration::from_secs(90 * 86_400);
    let silence = MadeSilence::new("0F3K9ZQX".into(), wish, "ada".into(), longest, at(90)).unwrap();
    client.store.add_silence(&silence, &[]).await.unwrap();

    for claimed in client.store.claim(None, 1, Duration::from_secs(60), at(75)).await.unwrap() {
        client.store.settle(claimed.ticket, Outcome::Delivered, at(75)).await.unwrap();
    }
    client
}

/// The pass that opens the first of these entries, and the event that says so.
fn opened(n: u32, upserts: Vec<Entry>) -> PassCommit {
    let first = &upserts[0];
    let moment = first.opened_at.unwrap();
    let (expected, observed) = first.difference.sides(first.id.field);
    let event = Event {
        expected,
        observed,
        details: first.difference.details(&first.id),
        severity: first.severity,
        created_at: moment,
        first_seen: first.first_seen,
        last_seen: moment,
        ..event(n, &first.id)
    };
    PassCommit {
        deliveries: vec![delivery("n8n", &event)],
        events: vec![event],
        ..PassCommit { upserts, ..PassCommit::new(host_of(n), 0, moment) }
    }
}

fn host_of(n: u32) -> evenkeel_core::Subject {
    host(if n == 1 { "box2-daily" } else { "box2-media" })
}

/// Every `GET` of the page with the JSON below it.
fn examples() -> Vec<(&'static str, &'static str)> {
    let mut examples = Vec::new();
    for part in PAGE.split("```http\nGET ").skip(1) {
        let (path, rest) = part.split_once('\n').unwrap();
        let json = rest.split_once("```json\n").unwrap().1;
        examples.push((path, json.split_once("```").unwrap().0));
    }
    examples
}

#[tokio::test]
async fn every_example_of_the_reference_is_a_real_answer() {
    let client = operator().await;
    let examples = examples();
    let mut wrong = String::new();
    for (path, shown) in &examples {
        let real = client.get(path).await;
        if serde_json::from_str::<Value>(shown).ok() != Some(real.json()) {
            let _ = writeln!(wrong, "GET {path}\n{}\n", real.text());
        }
    }
    assert!(wrong.is_empty(), "docs/reference/api.md shows something else than:\n{wrong}");
    assert!(examples.len() >= 10);
}

#[tokio::test]
async fn every_problem_type_is_in_the_reference() {
    for word in [
        "bad-parameter",
        "bad-cursor",
        "bad-path",
        "unknown-path",
        "not-found",
        "wrong-method",
        "too-long",
        "unknown-host",
        "store-unavailable",
        "store-corrupt",
        "timed-out",
        "internal",
        "unauthorized",
        "too-large",
        "not-json",
        "refused",
        "only-post",
        "only-reads",
        "not-known-yet",
        "busy",
        "too-often",
    ] {
        assert!(PAGE.contains(&format!("`{word}`")), "{word}");
    }
}
