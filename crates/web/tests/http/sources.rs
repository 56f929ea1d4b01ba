//! `/api/v1/sources`, and the entity tags every list has.

use axum::http::Request;
use evenkeel_core::SourceKind;
use evenkeel_store::conformance::sample::{at, opening};
use serde_json::json;

use crate::client::{Client, World, blind, unheard};

#[tokio::test]
async fn a_source_shows_its_gap_and_its_age() {
    let mut world = World::default();
    world.sources[2] = blind("box2-media");
    world.sources.push(unheard(SourceKind::Docker, "box2-docs"));
    let client = Client::of(world).await;
    let answer = client.get("/api/v1/sources").await;
    let items = answer.items();
    assert_eq!(
        items[0],
        json!({
            "source": "netbox/main", "kind": "netbox", "host": null, "up": true, "gap": null,
            "answered_at": "2025-12-22T04:01:20Z", "complete_at": "2025-12-22T04:01:20Z", "blind_since": null,
            "objects": 7, "age_seconds": 20, "asking": {
                "took_ms": 12, "next_at": "2025-12-22T04:01:50Z", "failures": 0, "left_alone": false
            }
        })
    );
    assert_eq!(
        items[2],
        json!({
            "source": "docker/box2-media", "kind": "docker", "host": "box2-media", "up": false,
            "gap": { "kind": "unreachable", "why": "connect to tcp://box2-media:2376: refused" },
            "answered_at": "2025-12-22T04:01:30Z", "complete_at": "2025-12-22T04:00:30Z",
            "blind_since": "2025-12-22T04:01:00Z", "objects": 7, "age_seconds": 70, "asking": {
                "took_ms": 3, "next_at": "2025-12-22T04:02:30Z", "failures": 3, "left_alone": true
            }
        })
    );
    assert_eq!(items[3]["gap"]["kind"], "not_yet_observed");
    assert_eq!(items[3]["age_seconds"], json!(null));
    assert_eq!(answer.json()["coverage"], json!({ "blind_sources": 2, "complete": false }));
}

#[tokio::test]
async fn sources_are_paged_in_their_order() {
    let client = Client::of(World::default()).await;
    let pages = client.walk("/api/v1/sources?limit=2").await;
    let names: Vec<_> = pages.concat().iter().map(|s| s["source"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["netbox/main", "docker/box2-daily", "docker/box2-media"]);
    assert_eq!(pages.len(), 2);
}

#[tokio::test]
async fn an_answer_from_the_future_is_new_and_not_negative() {
    let client = Client::of(World::default()).await;
    *client.world.now.lock().unwrap() = at(10);
    assert_eq!(client.get("/api/v1/sources").await.items()[0]["age_seconds"], 0);
}

#[tokio::test]
async fn a_list_the_client_has_already_is_not_sent_again() {
    let client = Client::of(World::default()).await;
    client.commit(opening("box2-daily", "freshrss", 1, 0, &["n8n"])).await;
    for list in ["hosts", "drifts", "events", "sources", "deliveries", "journal"] {
        let path = format!("/api/v1/{list}");
        *client.world.now.lock().unwrap() = at(100);
        let tag = client.get(&path).await.header("etag").to_owned();
        // The time alone changes nothing.
        *client.world.now.lock().unwrap() = at(200);
        for known in [tag.clone(), format!("\"other\", {tag}"), tag.replace("W/", ""), "*".to_owned()] {
            let request = Request::get(&path).header("host", "localhost").header("if-none-match", &known);
            let again = client.send(request).await;
            assert_eq!(again.status, 304, "{list} {known}");
            assert!(again.body.is_empty());
            assert_eq!(again.header("etag"), tag);
        }
        let request = Request::get(&path).header("host", "localhost").header("if-none-match", "W/\"other\"");
        assert_eq!(client.send(request).await.status, 200, "{list}");
    }
}

#[tokio::test]
async fn a_list_that_changed_has_another_tag() {
    let client = Client::of(World::default()).await;
    let before = client.get("/api/v1/events").await.header("etag").to_owned();
    client.commit(opening("box2-daily", "freshrss", 1, 0, &[])).await;
    let after = client.get("/api/v1/events").await.header("etag").to_owned();
    assert_ne!(before, after);
    let mut world = World::default();
    world.sources[1] = blind("box2-daily");
    let darker = Client::of(world).await;
    darker.commit(opening("box2-daily", "freshrss", 1, 0, &[])).await;
    let darker = darker.get("/api/v1/events").await.header("etag").to_owned();
    assert_ne!(after, darker, "the same rows with less behind them are not the same answer");
}
