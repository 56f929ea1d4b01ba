//! `/api/v1/journal`.

use evenkeel_store::conformance::sample::{event_id, journal, missing};
use evenkeel_store::{JournalKind, JournalRow, Store};
use serde_json::{Value, json};

use crate::client::{Client, World};

/// A decision about a drift, an action on host `a`, a word of the controller's own.
async fn three() -> Client {
    let client = Client::of(World::default()).await;
    let about = JournalRow {
        drift_key: Some(missing("a", "x").to_string()),
        ..journal(JournalKind::Decision, "restart x", 1)
    };
    let own = JournalRow {
        subject: None,
        event: None,
        data: Value::Null,
        ..journal(JournalKind::Log, "started <b>", 3)
    };
    client.store.note(&[about, journal(JournalKind::Action, "restarted x", 2), own]).await.unwrap();
    client
}

async fn found(client: &Client, query: &str) -> Vec<String> {
    let items = client.get(&format!("/api/v1/journal?{query}")).await.items();
    items.iter().map(|item| item["text"].as_str().unwrap().to_owned()).collect()
}

const NOTHING: [&str; 0] = [];

#[tokio::test]
async fn the_journal_is_filtered_by_each_parameter() {
    let client = three().await;
    let handle = missing("a", "x").handle();
    assert_eq!(found(&client, "").await, ["started <b>", "restarted x", "restart x"]);
    assert_eq!(found(&client, "kind=Action,log").await, ["started <b>", "restarted x"]);
    assert_eq!(found(&client, "host=A").await, NOTHING, "nobody knows a host of that spelling");
    assert_eq!(found(&client, "host=a").await, ["restarted x", "restart x"]);
    assert_eq!(found(&client, &format!("handle={}", handle.to_lowercase())).await, ["restart x"]);
    assert_eq!(found(&client, &format!("event={}", event_id(1))).await, ["restarted x", "restart x"]);
    assert_eq!(found(&client, &format!("event={}", event_id(2))).await, NOTHING);
    assert_eq!(found(&client, "since=2025-12-22T04:00:02Z").await, ["started <b>", "restarted x"]);
    assert_eq!(client.walk("/api/v1/journal?limit=1").await.len(), 3);
}

#[tokio::test]
async fn a_row_shows_whom_it_is_about_and_what_lies_behind_it() {
    let items = three().await.get("/api/v1/journal").await.items();
    assert_eq!(
        items[2],
        json!({
            "created_at": "2025-12-22T04:00:01Z", "kind": "decision", "actor": "evenkeel", "text": "restart x",
            "subject": "host:a", "event": event_id(1).to_string(), "drift_id": missing("a", "x").to_string(),
            "handle": missing("a", "x").handle(), "data": { "why": "restart x" }
        })
    );
    for key in ["subject", "event", "drift_id", "handle", "data"] {
        assert_eq!(items[0][key], Value::Null, "{key}");
    }
}
