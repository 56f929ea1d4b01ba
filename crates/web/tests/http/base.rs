//! Below a path: every link has it, and both ways of a proxy work.

use evenkeel_web::{BasePath, HostPolicy};

use crate::client::{Client, World};

async fn below(path: &str) -> Client {
    let policy = HostPolicy::bound_to([127, 0, 0, 1].into(), std::iter::empty::<&str>());
    Client::named(World::default(), policy.below(BasePath::parse(path).unwrap())).await
}

/// What a page links to, loads and sends forms to.
fn addresses(page: &str) -> Vec<&str> {
    let attributes = ["href=\"", "src=\"", "action=\"", "data-stream=\""];
    let found = attributes.iter().flat_map(|name| page.split(name).skip(1));
    found.map(|rest| rest.split('"').next().unwrap()).filter(|address| !address.starts_with('#')).collect()
}

#[tokio::test]
async fn every_address_on_every_page_has_the_path_and_leads_somewhere() {
    let client = below("/ops/keel").await;
    let mut all = Vec::new();
    for path in [
        "/",
        "/hosts",
        "/hosts/box2-media",
        "/events",
        "/sources",
        "/deliveries",
        "/actions",
        "/journal",
        "/about",
        "/kiosk",
        "/map",
        "/api",
        "/nothing",
    ] {
        let request = axum::http::Request::get(format!("/ops/keel{path}"));
        let page = client.send(request.header("host", "localhost").header("accept", "text/html")).await;
        assert!(page.text().starts_with("<!DOCTYPE html>"), "{path}");
        for address in addresses(page.text()) {
            assert!(address.starts_with("/ops/keel"), "{path} leads to {address}");
            all.push(address.replace("&amp;", "&"));
        }
    }
    all.sort();
    all.dedup();
    assert!(all.len() > 20, "{all:?}");
    for address in all.iter().filter(|address| !address.contains("/stream") && !address.contains("/nothing"))
    {
        let answer = client.get(address).await;
        // A node may be no host of ours; its page says so.
        assert!(answer.status != 404 || answer.text().starts_with("<!DOCTYPE"), "{address}");
    }
}

#[tokio::test]
async fn it_is_found_with_the_path_and_without() {
    let client = below("/keel").await;
    let cut_off = client.get("/hosts?lang=fr").await;
    let passed_on = client.get("/keel/hosts?lang=fr").await;
    assert_eq!(cut_off.text(), passed_on.text());
    assert_eq!(client.get("/keel").await.status, 200);
    assert_eq!(client.get("/healthz").await.text(), "ok");
    assert_eq!(client.get("/keel/healthz").await.text(), "ok");
    assert_eq!(client.get("/keel/api/v1/hosts/box2-media").await.status, 200);
    client.get("/keelhaul").await.problem(404, "unknown-path");
    let document = client.get("/keel/api/v1/openapi.json").await;
    assert_eq!(document.json()["servers"][0]["url"], "/keel");
}
