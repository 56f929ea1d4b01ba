//! What is refused, and in which words.

use axum::http::{Method, Request};
use evenkeel_store::Store;
use evenkeel_store::conformance::sample::opening;
use evenkeel_web::HostPolicy;

use crate::client::{Client, World};

const LISTS: [&str; 6] = ["hosts", "drifts", "events", "sources", "deliveries", "journal"];

async fn client() -> Client {
    Client::of(World::default()).await
}

async fn refused(query: &str) -> String {
    client().await.get(&format!("/api/v1/{query}")).await.problem(400, "bad-parameter")
}

#[tokio::test]
async fn a_bad_value_names_its_parameter_and_what_is_accepted() {
    for (query, parameter, accepted) in [
        ("drifts?type=SERVICE_GONE", "type", "SERVICE_MISSING"),
        ("drifts?type=SERVICE_GONE", "type", "VM_NOT_RUNNING"),
        ("events?type=SERVICE_MISSING,", "type", "CONFIG_DRIFT"),
        ("drifts?severity=urgent", "severity", "info, low, medium, high, critical"),
        ("events?severity=urgent", "severity", "info, low, medium, high, critical"),
        ("drifts?state=closed", "state", "pending, open, resolved"),
        ("drifts?folded=yes", "folded", "true, false"),
        ("events?transition=closed", "transition", "opened, reopened, changed, resolved, reminder"),
        ("events?since=yesterday", "since", "RFC 3339"),
        ("events?until=2025-12-22", "until", "RFC 3339"),
        ("events?limit=0", "limit", "1 to 1000"),
        ("events?limit=1001", "limit", "1 to 1000"),
        ("hosts?limit=-1", "limit", "1 to 1000"),
        ("sources?limit=ten", "limit", "1 to 1000"),
        ("deliveries?state=lost", "state", "pending, delivered, dead"),
        ("deliveries?event=7", "event", "UUID"),
        ("journal?kind=rumour", "kind", "decision, task, action, log"),
        ("journal?event=7", "event", "UUID"),
        ("journal?since=soon", "since", "RFC 3339"),
    ] {
        let detail = refused(query).await;
        assert!(detail.contains(&format!("`{parameter}`")), "{query}: {detail}");
        assert!(detail.contains(accepted), "{query}: {detail}");
    }
}

#[tokio::test]
async fn a_parameter_that_would_be_passed_over_is_refused() {
    for list in LISTS {
        let detail = refused(&format!("{list}?hostname=a")).await;
        assert!(detail.contains("`hostname`") && detail.contains("cursor, limit"), "{detail}");
    }
    assert!(refused("events?host=").await.contains("`host` is empty"));
    assert!(refused("events?host=a&host=b").await.contains("more than once"));
    assert!(
        refused("events?since=2025-12-22T04:00:00Z&until=2025-12-22T04:00:00Z").await.contains("`until`")
    );
}

#[tokio::test]
async fn a_cursor_of_nobody_is_refused() {
    for list in LISTS {
        for cursor in ["1", "%00", "AAAAAAAAAAAx", "not-a-cursor!", &"A".repeat(2000)] {
            let path = format!("/api/v1/{list}?cursor={cursor}");
            client().await.get(&path).await.problem(400, "bad-cursor");
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_or_of_other_filters_is_refused() {
    let client = client().await;
    for (n, service) in [(1, "x"), (2, "y")] {
        client.commit(opening(service, service, n, 0, &["n8n"])).await;
    }
    let next = client.get("/api/v1/events?severity=high&limit=1").await.json();
    let cursor = next["next"].as_str().unwrap();
    client.get(&format!("/api/v1/deliveries?cursor={cursor}")).await.problem(400, "bad-cursor");
    client.get(&format!("/api/v1/events?cursor={cursor}")).await.problem(400, "bad-cursor");
    let path = format!("/api/v1/events?limit=7&cursor={cursor}&severity=high");
    assert_eq!(client.get(&path).await.items().len(), 1, "another limit is no other list");
}

#[tokio::test]
async fn unknown_paths_are_problems() {
    for path in ["/api/v1", "/api/v1/", "/api/v1/drift", "/api/v2/hosts", "/healthz/x", "/../etc"] {
        let detail = client().await.get(path).await.problem(404, "unknown-path");
        assert!(detail.contains(&format!("`{path}`")), "{detail}");
    }
}

#[tokio::test]
async fn everything_but_reading_is_refused() {
    for path in ["/api/v1/events", "/api/v1/drifts/7QZ2MK4D", "/healthz", "/metrics"] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
            let request = Request::builder().method(&method).uri(path).header("host", "localhost");
            let answer = client().await.send(request).await;
            let detail = answer.problem(405, "wrong-method");
            assert!(detail.contains(method.as_str()), "{detail}");
            assert_eq!(answer.header("allow").replace(' ', ""), "GET,HEAD");
        }
    }
}

#[tokio::test]
async fn head_answers_without_a_body() {
    let answer = client().await.send(Request::head("/api/v1/hosts").header("host", "localhost")).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
}

#[tokio::test]
async fn a_store_that_is_away_is_said_to_be() {
    let client = client().await;
    client.store.close().await;
    for path in ["drifts", "drifts/7QZ2MK4D", "events", "deliveries", "journal", "hosts/box2-daily"] {
        let answer = client.get(&format!("/api/v1/{path}")).await;
        let detail = answer.problem(503, "store-unavailable");
        assert!(detail.contains("in memory"), "{detail}");
        assert_eq!(answer.header("retry-after"), "5");
    }
    assert_eq!(client.get("/api/v1/sources").await.status, 200, "what is live does not need the store");
}

#[tokio::test]
async fn an_address_that_is_too_long_is_refused() {
    let path = format!("/api/v1/events?service={}", "x".repeat(9000));
    client().await.get(&path).await.problem(414, "too-long");
}

#[tokio::test]
async fn every_answer_carries_the_protective_headers() {
    for path in ["/healthz", "/readyz", "/metrics", "/api/v1/hosts", "/nowhere", "/api/v1/events?limit=x"] {
        let answer = client().await.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    let foreign = client().await.send(Request::get("/healthz").header("host", "evil.example")).await;
    assert_eq!(foreign.header("x-content-type-options"), "nosniff");
}

async fn called(client: &Client, name: &str) -> u16 {
    client.send(Request::get("/healthz").header("host", name)).await.status.as_u16()
}

#[tokio::test]
async fn on_loopback_only_loopback_and_given_names_are_answered_to() {
    let policy = HostPolicy::bound_to([127, 0, 0, 1].into(), ["Evenkeel.Bruce.lan"]);
    let client = Client::named(World::default(), policy).await;
    for name in [
        "localhost",
        "LOCALHOST:8480",
        "localhost.",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.1.2.3",
        "[::1]:80",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "evenkeel.bruce.lan:443",
    ] {
        assert_eq!(called(&client, name).await, 200, "{name}");
    }
    for name in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "192.168.2.10",
        "0.0.0.0",
        "evil@localhost",
        "localhost@evil",
        "x.evenkeel.bruce.lan",
        "",
        "[::1",
        "::1",
    ] {
        assert_eq!(called(&client, name).await, 421, "{name}");
    }
}

#[tokio::test]
async fn a_foreign_name_is_a_problem_before_anything_is_looked_up() {
    let answer = client().await.send(Request::get("/api/v1/hosts").header("host", "evil.example")).await;
    assert!(answer.problem(421, "unknown-host").contains("`evil.example`"));
    let nameless = client().await.send(Request::get("/api/v1/hosts")).await;
    nameless.problem(421, "unknown-host");
    let twice = Request::get("/healthz").header("host", "localhost").header("host", "evil.example");
    client().await.send(twice).await.problem(421, "unknown-host");
    let absolute = Request::get("http://evil.example/healthz").header("host", "localhost");
    client().await.send(absolute).await.problem(421, "unknown-host");
}

#[tokio::test]
async fn beyond_loopback_names_are_checked_only_where_names_were_given() {
    let open = HostPolicy::bound_to([0, 0, 0, 0].into(), std::iter::empty::<&str>());
    let client = Client::named(World::default(), open).await;
    assert_eq!(called(&client, "whatever.example").await, 200);
    let given = HostPolicy::bound_to([0, 0, 0, 0].into(), ["evenkeel.bruce.lan"]);
    let client = Client::named(World::default(), given).await;
    for name in ["evenkeel.bruce.lan", "10.42.0.7:8480", "[fd00::1]:8480", "localhost"] {
        assert_eq!(called(&client, name).await, 200, "{name}");
    }
    assert_eq!(called(&client, "evil.example").await, 421);
}
