//! `/healthz`, `/readyz`, `/metrics`.

use evenkeel_core::SourceKind;
use evenkeel_store::Store;
use serde_json::json;

use crate::client::{Client, World, blind, unheard};

#[tokio::test]
async fn the_process_is_alive_whatever_is_away() {
    let client = Client::of(World { sources: Vec::new(), ..World::default() }).await;
    client.store.close().await;
    let answer = client.get("/healthz").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "ok"));
}

#[tokio::test]
async fn it_is_ready_once_everything_was_heard_of() {
    let client = Client::of(World::default()).await;
    let answer = client.get("/readyz").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "ready": true, "role": "leader", "reasons": [], "store_ok": true, "intent_read": true, "unanswered": [], "blind": []
        })
    );
}

#[tokio::test]
async fn blindness_is_listed_and_no_reason_to_be_unready() {
    let mut world = World::default();
    world.sources[2] = blind("box2-media");
    let answer = Client::of(world).await.get("/readyz").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json()["blind"],
        json!([{
            "source": "docker/box2-media", "host": "box2-media",
            "gap": { "kind": "unreachable", "why": "connect to tcp://box2-media:2376: refused" },
            "since": "2025-12-22T04:01:00Z"
        }])
    );
}

#[tokio::test]
async fn it_is_not_ready_before_the_first_intent_and_the_first_answers() {
    let mut world = World::default();
    world.sources[0] = unheard(SourceKind::Netbox, "main");
    world.sources[1] = unheard(SourceKind::Docker, "box2-daily");
    let answer = Client::of(world).await.get("/readyz").await;
    assert_eq!(answer.status, 503);
    let body = answer.json();
    assert_eq!(body["ready"], false);
    assert_eq!(body["intent_read"], false);
    assert_eq!(body["unanswered"], json!(["netbox/main", "docker/box2-daily"]));
    assert_eq!(
        body["reasons"],
        json!([
            "netbox has not been read completely yet",
            "netbox/main has not been heard of yet",
            "docker/box2-daily has not been heard of yet"
        ])
    );
}

#[tokio::test]
async fn it_is_not_ready_without_its_store() {
    let client = Client::of(World::default()).await;
    client.store.close().await;
    let answer = client.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["store_ok"], false);
    assert!(answer.json()["reasons"][0].as_str().unwrap().contains("unavailable"), "{}", answer.text());
}

#[tokio::test]
async fn metrics_are_prometheus_text_and_need_no_store() {
    let client = Client::of(World::default()).await;
    client.store.close().await;
    let answer = client.get("/metrics").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let world = "# TYPE evenkeel_hosts gauge\nevenkeel_hosts 2\n";
    assert!(
        answer.text().starts_with(world) && answer.text().contains("evenkeel_logins_total"),
        "{}",
        answer.text()
    );
}
