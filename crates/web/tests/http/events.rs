//! `/api/v1/events`.

use evenkeel_core::{Event, EventType, Severity, Side, Transition};
use evenkeel_store::PassCommit;
use evenkeel_store::conformance::sample::{self, at, event, event_id, missing};

use crate::client::{Client, World};

fn pass(host: &str, revision: u64, events: Vec<Event>) -> PassCommit {
    PassCommit { events, ..PassCommit::new(sample::host(host), revision, at(0)) }
}

/// Four events that differ in everything a filter can ask for.
async fn four() -> Client {
    let client = Client::of(World::default()).await;
    let freshrss = event(1, &missing("box2-daily", "freshrss"));
    let readeck = Event {
        severity: Severity::Low,
        transition: Transition::Resolved,
        ..event(2, &missing("box2-daily", "readeck"))
    };
    let node = Event {
        event_type: EventType::NodeUnreachable,
        severity: Severity::Critical,
        service: None,
        ..event(3, &missing("box2-media", "jellyfin"))
    };
    let vm = Event {
        event_type: EventType::VmDown,
        severity: Severity::Critical,
        transition: Transition::Reminder,
        service: None,
        ..event(4, &missing("box2-media", "sonarr"))
    };
    client.commit(pass("box2-daily", 0, vec![freshrss, readeck])).await;
    client.commit(pass("box2-media", 0, vec![node, vm])).await;
    client
}

/// Which of the four a query finds, newest first.
async fn found(client: &Client, query: &str) -> Vec<u32> {
    let items = client.get(&format!("/api/v1/events?{query}")).await.items();
    let number = |id: &str| (1..=4).find(|n| event_id(*n).to_string() == id).unwrap();
    items.iter().map(|item| number(item["id"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn an_event_is_its_canonical_form_to_the_byte() {
    let client = Client::of(World::default()).await;
    let event = Event {
        expected: Some(Side { port: Some(8021), role: Some("rss".into()), ..Side::default() }),
        details: "Expected service freshrss on box2-daily but container not running.".to_owned(),
        folded: vec!["PORT_MISMATCH of freshrss".to_owned()],
        folded_count: 1,
        ..event(1, &missing("box2-daily", "freshrss"))
    };
    client.commit(pass("box2-daily", 0, vec![event.clone()])).await;
    let canonical = serde_json::to_string(&event).unwrap();
    assert!(
        canonical.starts_with(&format!(
            "{{\"id\":\"{}\",\"hostname\":\"box2-daily\",\"service\":\"freshrss\",\
             \"event_type\":\"SERVICE_MISSING\",\"expected\":{{\"port\":8021,\"role\":\"rss\"}},\"observed\":null,\
             \"severity\":\"high\",\"details\":\"Expected service freshrss on box2-daily but container not \
             running.\",\"source\":\"docker\",\"created_at\":\"2025-12-22T04:00:01Z\",",
            event.id
        )),
        "{canonical}"
    );

    let one = client.get(&format!("/api/v1/events/{}", event.id)).await;
    assert_eq!(one.text(), canonical);
    let list = client.get("/api/v1/events").await;
    assert!(list.text().starts_with(&format!("{{\"items\":[{canonical}],\"next\":null,")), "{}", list.text());
}

#[tokio::test]
async fn events_are_filtered_by_each_parameter() {
    let client = four().await;
    assert_eq!(found(&client, "").await, [4, 3, 2, 1]);
    assert_eq!(found(&client, "type=SERVICE_MISSING").await, [2, 1]);
    assert_eq!(found(&client, "severity=low").await, [2]);
    assert_eq!(found(&client, "host=box2-media").await, [4, 3]);
    assert_eq!(found(&client, "service=readeck").await, [2]);
    assert_eq!(found(&client, "transition=resolved").await, [2]);
    let handle = missing("box2-daily", "freshrss").handle();
    assert_eq!(found(&client, &format!("handle={}", handle.to_lowercase())).await, [1]);
    assert_eq!(found(&client, "since=2025-12-22T04:00:03Z").await, [4, 3]);
    assert_eq!(found(&client, "until=2025-12-22T04:00:03Z").await, [2, 1]);
    assert_eq!(found(&client, "since=2025-12-22T04:00:02Z&until=2025-12-22T04:00:04Z").await, [3, 2]);
    assert_eq!(found(&client, "limit=1").await, [4]);
}

#[tokio::test]
async fn several_filters_must_all_hold_and_several_values_of_one_need_not() {
    let client = four().await;
    assert_eq!(found(&client, "type=SERVICE_MISSING,NODE_UNREACHABLE").await, [3, 2, 1]);
    assert_eq!(found(&client, "severity=low&severity=critical").await, [4, 3, 2]);
    assert!(found(&client, "type=SERVICE_MISSING&severity=critical").await.is_empty());
}

#[tokio::test]
async fn older_names_of_types_and_any_case_are_accepted() {
    let client = four().await;
    assert_eq!(found(&client, "type=VM_NOT_RUNNING").await, [4]);
    assert_eq!(found(&client, "type=HOST_NOT_RESPONDING").await, [3]);
    assert_eq!(found(&client, "type=vm_down&severity=CRITICAL").await, [4]);
    assert_eq!(found(&client, "host=BOX2-Media").await, [4, 3]);
}

#[tokio::test]
async fn a_moment_may_have_an_offset_even_with_its_plus_unescaped() {
    let client = four().await;
    assert_eq!(found(&client, "since=2025-12-22T05:00:03%2B01:00").await, [4, 3]);
    assert_eq!(found(&client, "since=2025-12-22T05:00:03+01:00").await, [4, 3]);
    assert_eq!(found(&client, "since=2025-12-21T23:00:03-05:00").await, [4, 3]);
}

#[tokio::test]
async fn a_thousand_events_are_paged_through_without_a_gap_or_a_repetition() {
    let client = Client::of(World::default()).await;
    let id = missing("box2-daily", "freshrss");
    client.commit(pass("box2-daily", 0, (0..1000).map(|n| event(n, &id)).collect())).await;

    let pages = client.walk("/api/v1/events?limit=64&type=SERVICE_MISSING").await;
    assert_eq!(pages.len(), 16);
    assert!(pages[..15].iter().all(|page| page.len() == 64));
    let ids: Vec<String> = pages.concat().iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
    let expected: Vec<String> = (0..1000).rev().map(|n| event_id(n).to_string()).collect();
    assert_eq!(ids, expected);

    let whole = client.get("/api/v1/events?limit=1000").await;
    assert_eq!(whole.items().len(), 1000);
    assert!(whole.json()["next"].is_null());
    assert_eq!(client.get("/api/v1/events").await.items().len(), 100);
}

#[tokio::test]
async fn pages_go_on_where_they_were_while_events_are_added() {
    let client = Client::of(World::default()).await;
    let id = missing("box2-daily", "freshrss");
    client.commit(pass("box2-daily", 0, (0..10).map(|n| event(n, &id)).collect())).await;
    let first = client.get("/api/v1/events?limit=5").await.json();
    client.commit(pass("box2-daily", 1, (10..20).map(|n| event(n, &id)).collect())).await;
    let cursor = first["next"].as_str().unwrap();
    let second = client.get(&format!("/api/v1/events?limit=5&cursor={cursor}")).await.items();
    assert_eq!(second[0]["id"], event_id(4).to_string());
}

#[tokio::test]
async fn an_event_nobody_keeps_is_not_found() {
    let client = Client::of(World::default()).await;
    let detail = client.get(&format!("/api/v1/events/{}", event_id(7))).await.problem(404, "not-found");
    assert!(detail.contains(&event_id(7).to_string()));
    let detail = client.get("/api/v1/events/seven").await.problem(404, "not-found");
    assert!(detail.contains("UUID"), "{detail}");
}

#[tokio::test]
async fn hostile_names_come_back_as_json_text() {
    let client = Client::of(World::default()).await;
    let name = "</script><img src=x onerror=alert(1)>\"\\\u{0}\u{202e}\r\nX-Evil: 1";
    client.commit(pass("evil", 0, vec![event(1, &missing(name, name))])).await;
    let answer = client.get("/api/v1/events").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.items()[0]["hostname"], name);
    assert!(!answer.body.contains(&b'\n') && !answer.body.contains(&0));
}
