//! `/api/v1/drifts`.

use evenkeel_core::drift::Difference;
use evenkeel_core::ledger::{Blind, Entry, State};
use evenkeel_core::{DriftId, EventType, Field, Gap, GapKind, Severity};
use evenkeel_store::PassCommit;
use evenkeel_store::conformance::sample::{at, docker, entry, event, host, missing};
use serde_json::{Value, json};

use crate::client::{self, Client, World};

fn engine() -> DriftId {
    DriftId::of_source(host("box2-media"), EventType::DockerUnreachable, &docker("box2-media"))
}

fn upserts(name: &str, upserts: Vec<Entry>) -> PassCommit {
    PassCommit { upserts, ..PassCommit::new(host(name), 0, at(1)) }
}

/// A daemon that cannot be reached with two services behind it, a pending drift, a resolved one and a structural one.
async fn several() -> Client {
    let client = Client::of(World::default()).await;
    let gap = Gap::new(GapKind::TimedOut, "no answer from tcp://192.168.2.16:2376 within 10 s");
    let root =
        Entry { difference: Difference::Blind { gap: gap.clone(), unknown_services: 2 }, ..entry(engine()) };
    let behind = |service: &str| Entry {
        parent: Some(engine()),
        announced: false,
        blind: Some(Blind { since: at(60), gap: gap.clone() }),
        ..entry(missing("box2-media", service))
    };
    client.commit(upserts("box2-media", vec![root, behind("jellyfin"), behind("sonarr")])).await;
    let pending =
        Entry { state: State::Pending, opened_at: None, ..entry(missing("box2-daily", "freshrss")) };
    let resolved =
        Entry { state: State::Resolved, resolved_at: Some(at(50)), ..entry(missing("box2-daily", "maloja")) };
    let config = Entry {
        difference: Difference::Config {
            expected: Some("192.168.2.12".into()),
            observed: Some("192.168.2.99".into()),
        },
        severity: Severity::Low,
        flapping: true,
        silenced: Some("move".into()),
        baseline: true,
        ..entry(DriftId::of_field(&"box2-daily".into(), None, Field::Ip))
    };
    client.commit(upserts("box2-daily", vec![pending, resolved, config])).await;
    client
}

fn names(items: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut names: Vec<String> =
        items.iter().map(|i| format!("{} {}", text(&i["event_type"]), text(&i["service"]))).collect();
    names.sort();
    names
}

const NOTHING: [&str; 0] = [];

async fn found(client: &Client, query: &str) -> Vec<String> {
    names(&client.get(&format!("/api/v1/drifts?{query}")).await.items())
}

const ENGINE: &str = "DOCKER_UNREACHABLE -";
const CONFIG: &str = "CONFIG_DRIFT -";
const JELLYFIN: &str = "SERVICE_MISSING jellyfin";
const SONARR: &str = "SERVICE_MISSING sonarr";
const FRESHRSS: &str = "SERVICE_MISSING freshrss";
const MALOJA: &str = "SERVICE_MISSING maloja";

#[tokio::test]
async fn drifts_are_filtered_by_each_parameter() {
    let client = several().await;
    assert_eq!(found(&client, "type=SERVICE_MISSING").await, [JELLYFIN, SONARR]);
    assert_eq!(found(&client, "severity=low").await, [CONFIG]);
    assert_eq!(found(&client, "host=Box2-Daily").await, [CONFIG]);
    assert_eq!(found(&client, "service=sonarr").await, [SONARR]);
    assert_eq!(found(&client, "state=pending").await, [FRESHRSS]);
    assert_eq!(found(&client, "state=resolved").await, [MALOJA]);
    assert_eq!(found(&client, "state=pending,resolved").await, [FRESHRSS, MALOJA]);
    assert_eq!(found(&client, "folded=false").await, [CONFIG, ENGINE]);
    assert_eq!(found(&client, "folded=true").await, [JELLYFIN, SONARR]);
    assert_eq!(found(&client, "type=VM_NOT_RUNNING").await, NOTHING);
}

#[tokio::test]
async fn only_open_drifts_are_listed_unless_others_are_asked_for() {
    let client = several().await;
    assert_eq!(found(&client, "").await, [CONFIG, ENGINE, JELLYFIN, SONARR]);
}

#[tokio::test]
async fn drifts_are_paged_and_an_empty_page_is_the_end() {
    let client = several().await;
    let pages = client.walk("/api/v1/drifts?state=open,pending,resolved&limit=2").await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2]);
    let pages = client.walk("/api/v1/drifts?folded=true&limit=1").await;
    assert!(pages[..2].iter().all(|page| page.len() == 1), "{pages:?}");
    assert_eq!(names(&pages.concat()), [JELLYFIN, SONARR]);
}

#[tokio::test]
async fn a_drift_shows_both_sides_and_everything_the_ledger_knows() {
    let client = several().await;
    let items = client.get("/api/v1/drifts?service=jellyfin").await.items();
    let id = missing("box2-media", "jellyfin");
    let expected = json!({
        "handle": id.handle(),
        "id": "SERVICE_MISSING|host:box2-media|jellyfin||",
        "event_type": "SERVICE_MISSING",
        "host": "box2-media",
        "service": "jellyfin",
        "field": null,
        "severity": "high",
        "state": "open",
        "expected": {
            "port": 53, "ports": ["53/udp", "8021/tcp"], "role": "rss", "state": "running"
        },
        "observed": null,
        "details": "Expected service jellyfin on box2-media but no container of that name exists.",
        "source": "docker/a",
        "first_seen": "2025-12-22T04:00:00Z",
        "last_seen": "2025-12-22T04:00:01Z",
        "opened_at": "2025-12-22T04:00:01Z",
        "resolved_at": null,
        "blind": {
            "since": "2025-12-22T04:01:00Z",
            "gap": { "kind": "timed_out", "why": "no answer from tcp://192.168.2.16:2376 within 10 s" }
        },
        "parent": engine().handle(),
        "folded_count": 0,
        "flapping": false,
        "silenced": null,
        "baseline": false,
        "announced": false
    });
    assert_eq!(items[0], expected);

    let config = &client.get("/api/v1/drifts?type=CONFIG_DRIFT").await.items()[0];
    assert_eq!(config["field"], "ip");
    assert_eq!(config["expected"], json!({ "field": "ip", "value": "192.168.2.12" }));
    assert_eq!(config["observed"], json!({ "field": "ip", "value": "192.168.2.99" }));
    assert_eq!(config["flapping"], true);
    assert_eq!(config["silenced"], "move");
    assert_eq!(config["baseline"], true);
    assert_eq!(config["announced"], true);
    assert_eq!(config["parent"], Value::Null);
}

#[tokio::test]
async fn a_root_counts_its_consequences_on_whatever_page_it_is() {
    let client = several().await;
    let items = client.get("/api/v1/drifts?type=DOCKER_UNREACHABLE").await.items();
    assert_eq!(items[0]["folded_count"], 2);
    assert_eq!(items[0]["observed"]["state"], "timed_out");
}

#[tokio::test]
async fn one_drift_comes_with_its_evidence_and_its_events() {
    let client = Client::of(World::default()).await;
    let (rss, readeck) = (missing("box2-daily", "freshrss"), missing("box2-daily", "readeck"));
    client
        .commit(PassCommit {
            upserts: vec![entry(rss.clone()), entry(readeck.clone())],
            events: vec![event(1, &rss), event(2, &readeck), event(3, &rss)],
            ..PassCommit::new(host("box2-daily"), 0, at(3))
        })
        .await;
    let answer = client.get(&format!("/api/v1/drifts/{}", rss.handle().to_lowercase())).await.json();
    assert_eq!(answer["drift"]["id"], rss.to_string());
    assert_eq!(answer["evidence"]["source"], "docker/a");
    assert_eq!(answer["evidence"]["observed_at"], "2025-12-22T04:00:01Z");
    assert_eq!(answer["evidence"]["seen"], 2);
    let events = serde_json::to_value([event(3, &rss), event(1, &rss)]).unwrap();
    assert_eq!(answer["events"], events);
    assert_eq!(answer["others"], json!([]));
    assert_eq!(answer["as_of"], "2025-12-22T04:01:40Z");
    assert_eq!(answer["coverage"], json!({ "blind_sources": 0, "complete": true }));
}

#[tokio::test]
async fn an_unknown_handle_is_not_found() {
    let client = Client::of(World::default()).await;
    let detail = client.get("/api/v1/drifts/7QZ2MK4D").await.problem(404, "not-found");
    assert!(detail.contains("7QZ2MK4D"));
}

#[tokio::test]
async fn what_is_shown_beside_a_blind_source_says_so() {
    let mut world = World::default();
    world.sources[2] = client::blind("box2-media");
    let client = Client::of(world).await;
    let answer = client.get("/api/v1/drifts").await.json();
    assert_eq!(answer["items"], json!([]));
    assert_eq!(answer["coverage"], json!({ "blind_sources": 1, "complete": false }));
}
