//! How answers travel: compressed, not at all if they are known, not too often; and whole, as a file.

use axum::body::Body;
use axum::http::Request;
use evenkeel_core::Event;
use evenkeel_store::PassCommit;
use evenkeel_store::conformance::sample::{self, at, event, event_id, missing};
use tower::ServiceExt;

use crate::client::{Answer, Client, World};

async fn many() -> Client {
    let client = Client::of(World::default()).await;
    let id = missing("box2-daily", "freshrss");
    let events = (0..1200).map(|n| event(n, &id)).collect();
    client.commit(PassCommit { events, ..PassCommit::new(sample::host("box2-daily"), 0, at(0)) }).await;
    client
}

async fn accepting(client: &Client, path: &str, encoding: &str) -> Answer {
    let request = Request::get(path).header("host", "localhost").header("accept-encoding", encoding);
    client.send(request).await
}

#[tokio::test]
async fn long_answers_are_compressed_and_short_ones_and_the_stream_are_not() {
    let client = many().await;
    let plain = client.get("/api/v1/events").await;
    for (encoding, begins) in [("gzip", Some([0x1f, 0x8b])), ("br", None)] {
        let answer = accepting(&client, "/api/v1/events", encoding).await;
        assert_eq!(answer.header("content-encoding"), encoding);
        assert!(answer.body.len() * 4 < plain.body.len(), "{} of {}", answer.body.len(), plain.body.len());
        assert!(begins.is_none_or(|begins| answer.body.starts_with(&begins)));
        assert!(answer.header("vary").contains("accept-encoding"));
        assert_eq!(answer.header("etag"), plain.header("etag"));
        let page = accepting(&client, "/events", encoding).await;
        assert_eq!(page.header("content-encoding"), encoding);
    }
    assert!(!accepting(&client, "/healthz", "gzip").await.headers.contains_key("content-encoding"));
    assert!(!accepting(&client, "/api/v1/hosts/none", "br").await.headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn one_thing_that_is_known_is_not_sent_again() {
    let client = many().await;
    client.commit(sample::opening("box2-media", "x", 5000, 0, &[])).await;
    let drift = missing("box2-media", "x").handle();
    for path in [
        format!("/api/v1/events/{}", event_id(1)),
        "/api/v1/hosts/box2-media".to_owned(),
        format!("/api/v1/drifts/{drift}"),
        "/api/v1/openapi.json".to_owned(),
    ] {
        let answer = client.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        let tag = answer.header("etag").to_owned();
        *client.world.now.lock().unwrap() = at(500);
        let request = || Request::get(&path).header("host", "localhost");
        let again = client.send(request().header("if-none-match", &tag)).await;
        assert_eq!((again.status.as_u16(), again.body.len()), (304, 0), "{path}");
        assert_eq!(again.header("etag"), tag);
        assert_eq!(client.send(request().header("if-none-match", "\"other\"")).await.status, 200);
    }
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_to_come_back_and_health_is_never_refused() {
    let client = Client::of(World::default()).await;
    let first = client.get("/api/v1/hosts").await;
    assert_eq!(first.header("ratelimit-policy"), "\"requests\";q=1000;w=10");
    assert!(first.header("ratelimit").starts_with("\"requests\";r=999;t="), "{}", first.header("ratelimit"));
    let refused = loop {
        let answer = client.get("/api/v1/sources").await;
        if answer.status != 200 {
            break answer;
        }
    };
    refused.problem(429, "too-often");
    assert_eq!(refused.header("retry-after"), "1");
    for path in ["/healthz", "/readyz", "/metrics"] {
        for _ in 0..1200 {
            assert_ne!(client.get(path).await.status, 429, "{path}");
        }
    }
}

#[tokio::test]
async fn an_export_has_every_event_once_as_lines_and_as_a_table() {
    let client = many().await;
    let lines = client.get("/api/v1/events/export").await;
    assert_eq!(lines.header("content-type"), "application/jsonl");
    assert!(lines.header("content-disposition").contains("evenkeel-events.jsonl"));
    let ids: Vec<String> = lines
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Event>(line).unwrap().id.to_string())
        .collect();
    assert_eq!(ids, (0..1200).rev().map(|n| event_id(n).to_string()).collect::<Vec<_>>());
    assert_eq!(
        lines.text().lines().next().unwrap(),
        client.get(&format!("/api/v1/events/{}", event_id(1199))).await.text()
    );

    let table = client
        .get("/api/v1/events/export?format=csv&since=2025-12-22T04:10:00Z&until=2025-12-22T04:10:02Z")
        .await;
    assert!(table.header("content-type").starts_with("text/csv"));
    let rows: Vec<&str> = table.text().split("\r\n").collect();
    assert!(rows[0].starts_with("created_at,event_type,transition,"), "{rows:?}");
    assert_eq!(rows.len(), 4, "a head, two events, and the end of the last line: {rows:?}");
    for encoding in ["identity", "gzip", "br"] {
        let nothing = accepting(&client, "/api/v1/events/export?host=nobody", encoding).await;
        assert_eq!(nothing.status, 200, "{encoding}");
    }
    client.get("/api/v1/events/export?format=xml").await.problem(400, "bad-parameter");
    client.get("/api/v1/events/export?limit=5").await.problem(400, "bad-parameter");
}

#[tokio::test]
async fn as_many_exports_are_written_at_once_as_may_and_the_next_is_told_to_come_back() {
    let client = many().await;
    let request = || {
        let request = Request::get("/api/v1/events/export").header("host", "localhost");
        request.body(Body::empty()).unwrap()
    };
    let mut written = Vec::new();
    for _ in 0..4 {
        // Its head is there, its rows are not read.
        written.push(client.router.clone().oneshot(request()).await.unwrap());
    }
    client.get("/api/v1/events/export").await.problem(503, "busy");
    drop(written.pop());
    assert_eq!(client.get("/api/v1/events/export").await.status, 200);
}

#[tokio::test]
async fn a_name_that_is_a_formula_is_text_in_a_table() {
    let client = Client::of(World::default()).await;
    let name = "=HYPERLINK(\"http://evil\",\"a,b\")";
    let events = vec![event(1, &missing("box2-daily", name))];
    client.commit(PassCommit { events, ..PassCommit::new(sample::host("box2-daily"), 0, at(0)) }).await;
    let table = client.get("/api/v1/events/export?format=csv").await;
    assert!(table.text().contains("\"'=HYPERLINK(\"\"http://evil\"\",\"\"a,b\"\")\""), "{}", table.text());
}
