//! `/api/v1/deliveries`.

use std::time::Duration;

use evenkeel_store::conformance::sample::{at, event_id, missing, opening};
use evenkeel_store::{Outcome, Store};
use serde_json::json;

use crate::client::{Client, World};

/// Three deliveries: one delivered to n8n, one dead at ntfy, one waiting.
async fn three() -> Client {
    let client = Client::of(World::default()).await;
    client.commit(opening("a", "x", 1, 0, &["n8n"])).await;
    client.commit(opening("b", "x", 2, 0, &["ntfy"])).await;
    for claimed in client.store.claim(None, 10, Duration::from_secs(60), at(10)).await.unwrap() {
        let outcome = match claimed.sink.as_str() {
            "n8n" => Outcome::Delivered,
            _ => Outcome::Dead { why: "403 <b>forbidden</b>".to_owned() },
        };
        client.store.settle(claimed.ticket, outcome, at(11)).await.unwrap();
    }
    client.commit(opening("c", "x", 3, 0, &["n8n"])).await;
    client
}

const NOTHING: [&str; 0] = [];

async fn found(client: &Client, query: &str) -> Vec<String> {
    let items = client.get(&format!("/api/v1/deliveries?{query}")).await.items();
    let word = |v: &serde_json::Value| v.as_str().unwrap().to_owned();
    items.iter().map(|i| format!("{} {}", word(&i["sink"]), word(&i["state"]))).collect()
}

#[tokio::test]
async fn deliveries_are_filtered_by_each_parameter() {
    let client = three().await;
    assert_eq!(found(&client, "").await, ["n8n pending", "ntfy dead", "n8n delivered"]);
    assert_eq!(found(&client, "state=dead").await, ["ntfy dead"]);
    assert_eq!(found(&client, "state=Pending,delivered").await, ["n8n pending", "n8n delivered"]);
    assert_eq!(found(&client, "sink=n8n").await, ["n8n pending", "n8n delivered"]);
    assert_eq!(found(&client, "sink=n8n&state=dead").await, NOTHING);
    assert_eq!(found(&client, &format!("event={}", event_id(2))).await, ["ntfy dead"]);
    let pages = client.walk("/api/v1/deliveries?limit=1").await;
    assert_eq!(pages.len(), 3);
}

#[tokio::test]
async fn a_delivery_shows_what_the_sink_said_but_not_the_message() {
    let client = three().await;
    let items = client.get("/api/v1/deliveries?state=dead").await.items();
    let mut dead = items[0].clone();
    assert!(dead["id"].is_u64());
    dead["id"] = json!(0);
    assert_eq!(
        dead,
        json!({
            "id": 0, "sink": "ntfy", "event": event_id(2).to_string(), "drift_id": missing("b", "x").to_string(),
            "state": "dead", "attempts": 1, "created_at": "2025-12-22T04:00:02Z",
            "due_at": items[0]["due_at"], "claimed_at": null, "settled_at": "2025-12-22T04:00:11Z",
            "first_error": "403 <b>forbidden</b>", "last_error": "403 <b>forbidden</b>"
        })
    );
}
