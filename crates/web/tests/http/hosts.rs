//! `/api/v1/hosts`.

use evenkeel_core::SourceKind;
use evenkeel_store::PassCommit;
use evenkeel_store::conformance::sample::{self, at, docker, entry, missing};
use serde_json::json;

use crate::client::{Client, World, blind, host, seeing};

#[tokio::test]
async fn hosts_are_listed_by_name() {
    let client = Client::of(World::default()).await;
    let answer = client.get("/api/v1/hosts").await;
    let items = answer.items();
    assert_eq!(
        items[0],
        json!({
            "host": "box2-daily", "declared": true, "status": "active", "site": "bruce", "tenant": null,
            "cluster": "box2-cluster", "node": "box2", "expected_services": 6, "required_services": 5,
            "unwatched_services": 0, "judged_since": "2025-12-22T04:00:00Z", "sources": ["docker/box2-daily"], "blind": [],
            "machines": [{
                "source": "proxmox/box2", "kind": "vm", "state": "running", "node": "box2",
                "observed_at": "2025-12-22T04:01:30Z",
            }]
        })
    );
    assert_eq!(items[1]["host"], "box2-media");
    assert_eq!(answer.json()["as_of"], "2025-12-22T04:01:40Z");
    assert_eq!(answer.json()["coverage"], json!({ "blind_sources": 0, "complete": true }));
}

#[tokio::test]
async fn hosts_are_paged() {
    let names: Vec<String> = (0..25).map(|n| format!("host-{n:02}")).collect();
    let client =
        Client::of(World { hosts: names.iter().map(|n| host(n)).collect(), ..World::default() }).await;
    let pages = client.walk("/api/v1/hosts?limit=10").await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    let shown: Vec<String> = pages.concat().iter().map(|h| h["host"].as_str().unwrap().to_owned()).collect();
    assert_eq!(shown, names);
}

#[tokio::test]
async fn one_host_comes_with_its_sources_and_its_open_drifts() {
    let mut world = World::default();
    world.sources[2] = blind("box2-media");
    world.hosts[0].blind = vec![docker("box2-media")];
    let client = Client::of(world).await;
    for (name, service) in [("box2-media", "jellyfin"), ("box2-daily", "freshrss")] {
        let upserts = vec![entry(missing(name, service))];
        client.commit(PassCommit { upserts, ..PassCommit::new(sample::host(name), 0, at(1)) }).await;
    }
    let answer = client.get("/api/v1/hosts/BOX2-media").await.json();
    assert_eq!(answer["host"]["host"], "box2-media");
    assert_eq!(answer["host"]["blind"], json!(["docker/box2-media"]));
    assert_eq!(answer["sources"][0]["source"], "docker/box2-media");
    assert_eq!(answer["sources"][0]["age_seconds"], 70);
    assert_eq!(answer["sources"].as_array().unwrap().len(), 1);
    assert_eq!(answer["services"][0]["sight"], "unknown");
    assert_eq!(answer["services"][1]["observed"]["unknown"]["ports"]["kind"], "uncovered");
    assert_eq!(answer["drifts"][0]["service"], "jellyfin");
    assert_eq!(answer["drifts"].as_array().unwrap().len(), 1);
    assert_eq!(answer["coverage"]["complete"], false);
}

#[tokio::test]
async fn names_of_any_script_are_percent_encoded_in_a_path() {
    let hosts = vec![host("сервер-日本 é/1"), host("a b")];
    let client = Client::of(World { hosts, ..World::default() }).await;
    let path = "/api/v1/hosts/%D1%81%D0%B5%D1%80%D0%B2%D0%B5%D1%80-%E6%97%A5%E6%9C%AC%20%C3%A9%2F1";
    assert_eq!(client.get(path).await.json()["host"]["host"], "сервер-日本 é/1");
    assert_eq!(client.get("/api/v1/hosts/a%20b").await.json()["host"]["host"], "a b");
    client.get("/api/v1/hosts/%FF%FE").await.problem(400, "bad-path");
}

#[tokio::test]
async fn a_host_nobody_knows_is_not_found() {
    let client = Client::of(World::default()).await;
    let detail = client.get("/api/v1/hosts/nowhere").await.problem(404, "not-found");
    assert!(detail.contains("nowhere"));
    let long = "x".repeat(4000);
    let detail = client.get(&format!("/api/v1/hosts/{long}")).await.problem(404, "not-found");
    assert!(detail.chars().count() < 200, "a problem does not repeat everything it was sent");
}

#[tokio::test]
async fn a_world_without_sources_is_not_called_complete() {
    let client = Client::of(World { sources: Vec::new(), ..World::default() }).await;
    assert_eq!(
        client.get("/api/v1/hosts").await.json()["coverage"],
        json!({ "blind_sources": 0, "complete": false })
    );
    let sources = vec![seeing(SourceKind::Netbox, "main", 1)];
    let client = Client::of(World { sources, ..World::default() }).await;
    assert_eq!(client.get("/api/v1/hosts").await.json()["coverage"]["complete"], true);
}
