//! Sending again what was given up.

use std::time::Duration;

use axum::http::Request;
use evenkeel_store::conformance::sample::{at, event_id, opening};
use evenkeel_store::{DeliveryFilter, DeliveryState, JournalFilter, Outcome, Store};
use evenkeel_web::Role;

use crate::client::{Answer, Client, World};

/// A dead delivery of event 1, and a delivered one of event 2.
async fn two(world: World) -> Client {
    let client = Client::of(world).await;
    client.commit(opening("a", "x", 1, 0, &["ntfy"])).await;
    client.commit(opening("b", "x", 2, 0, &["n8n"])).await;
    for claimed in client.store.claim(None, 10, Duration::from_secs(60), at(10)).await.unwrap() {
        let outcome = match claimed.sink.as_str() {
            "n8n" => Outcome::Delivered,
            _ => Outcome::Dead { why: "403".to_owned() },
        };
        client.store.settle(claimed.ticket, outcome, at(11)).await.unwrap();
    }
    client
}

async fn post(client: &Client, path: &str) -> Answer {
    client.send(Request::post(path).header("host", "localhost")).await
}

async fn states(client: &Client) -> Vec<DeliveryState> {
    let rows = client.store.deliveries(&DeliveryFilter::default(), None, 10).await.unwrap().rows;
    rows.iter().map(|row| row.state).collect()
}

#[tokio::test]
async fn a_dead_delivery_is_due_again_and_the_journal_says_who_wanted_that() {
    let client = two(World::default()).await;
    assert_eq!(states(&client).await, [DeliveryState::Delivered, DeliveryState::Dead]);
    let answer = post(&client, "/api/v1/deliveries/1/resend").await;
    assert_eq!(answer.text(), r#"{"resent":1}"#);
    assert_eq!(states(&client).await, [DeliveryState::Delivered, DeliveryState::Pending]);
    let noted = client.store.journal(&JournalFilter::default(), None, 10).await.unwrap().rows;
    assert_eq!((noted[0].actor.as_str(), noted[0].text.as_str()), ("local", "Sent again: delivery 1."));
    assert_eq!(noted[0].data["count"], 1);
}

#[tokio::test]
async fn an_event_is_sent_again_to_whoever_did_not_get_it() {
    let client = two(World::default()).await;
    let answer = post(&client, &format!("/api/v1/events/{}/resend", event_id(1))).await;
    assert_eq!(answer.text(), r#"{"resent":1}"#);
    let noted = client.store.journal(&JournalFilter::default(), None, 10).await.unwrap().rows;
    assert_eq!(noted[0].event, Some(event_id(1)));
}

#[tokio::test]
async fn what_was_not_given_up_is_not_sent_twice() {
    let client = two(World::default()).await;
    for path in [
        "/api/v1/deliveries/2/resend".to_owned(),
        "/api/v1/deliveries/99/resend".to_owned(),
        format!("/api/v1/events/{}/resend", event_id(2)),
    ] {
        let detail = post(&client, &path).await.problem(409, "conflict");
        assert!(detail.contains("given up"), "{detail}");
    }
    post(&client, "/api/v1/deliveries/x/resend").await.problem(404, "not-found");
    post(&client, "/api/v1/events/x/resend").await.problem(404, "not-found");
    client.get("/api/v1/deliveries/1/resend").await.problem(405, "only-post");
    assert_eq!(states(&client).await, [DeliveryState::Delivered, DeliveryState::Dead]);
    assert!(client.store.journal(&JournalFilter::default(), None, 10).await.unwrap().rows.is_empty());
}

#[tokio::test]
async fn a_replica_that_follows_sends_nothing_again() {
    let role = Role::Follower { leader: "one".to_owned(), shown_at: Some(at(90)) };
    let client = two(World { role, ..World::default() }).await;
    post(&client, "/api/v1/deliveries/1/resend").await.problem(503, "only-reads");
    assert_eq!(states(&client).await, [DeliveryState::Delivered, DeliveryState::Dead]);
}
