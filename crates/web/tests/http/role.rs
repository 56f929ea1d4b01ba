//! What a replica answers that does not lead, or does not know yet who does.

use evenkeel_store::conformance::sample;
use evenkeel_web::Role;
use serde_json::json;

use crate::client::{Client, World};

async fn follower(shown_second: Option<i64>) -> Client {
    let role = Role::Follower { leader: "attic".to_owned(), shown_at: shown_second.map(sample::at) };
    Client::of(World { role, ..World::default() }).await
}

#[tokio::test]
async fn a_follower_says_so_in_every_answer_and_how_old_its_view_is() {
    let client = follower(Some(93)).await;
    for path in ["/healthz", "/metrics", "/api/v1/hosts", "/api/v1/nothing"] {
        assert_eq!(client.get(path).await.header("evenkeel-role"), "follower", "{path}");
    }
    let follows = json!({ "leader": "attic", "status_age_seconds": 7 });
    for path in ["/api/v1/hosts", "/api/v1/sources", "/api/v1/events", "/api/v1/hosts/box2-media"] {
        let body = client.get(path).await.json();
        assert_eq!(body["follows"], follows, "{path}");
        assert_eq!(body["coverage"]["complete"], true, "{path}");
    }
    let leader = Client::of(World::default()).await.get("/api/v1/hosts").await;
    assert_eq!((leader.header("evenkeel-role"), leader.json().get("follows")), ("leader", None));
}

#[tokio::test]
async fn a_view_of_long_ago_is_not_called_complete() {
    let client = follower(Some(100 - 301)).await;
    assert_eq!(client.get("/api/v1/sources").await.json()["coverage"]["complete"], false);
}

#[tokio::test]
async fn a_follower_is_ready_and_names_its_leader() {
    let answer = follower(None).await.get("/readyz").await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((&body["role"], &body["leader"]), (&json!("follower"), &json!("attic")));
    assert_eq!(body["reasons"], json!([]));
}

#[tokio::test]
async fn what_nobody_has_said_yet_is_not_an_empty_list() {
    let waiting = Role::Waiting { why: "the store has not been reached yet".to_owned() };
    let waiting = Client::of(World { role: waiting, ..World::default() }).await;
    for client in [follower(None).await, waiting] {
        for path in ["/api/v1/hosts", "/api/v1/sources", "/api/v1/hosts/box2-media"] {
            client.get(path).await.problem(503, "not-known-yet");
        }
    }
}

#[tokio::test]
async fn whoever_waits_is_not_ready_and_says_for_what() {
    let role = Role::Waiting { why: "it is not known yet who leads".to_owned() };
    let answer = Client::of(World { role, ..World::default() }).await.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["reasons"], json!(["it is not known yet who leads"]));
    assert_eq!(answer.json()["role"], "waiting");
}

#[tokio::test]
async fn a_leader_that_can_keep_nothing_is_not_ready_though_its_store_answers() {
    let paused = Some("nothing can be kept for 7 s: no space left".to_owned());
    let answer = Client::of(World { paused, ..World::default() }).await.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["store_ok"], false);
    assert_eq!(answer.json()["reasons"], json!(["nothing can be kept for 7 s: no space left"]));
}
