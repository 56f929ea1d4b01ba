//! `/api/v1/stream`: what a reader is sent.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use evenkeel_core::{Event, EventType, Severity};
use evenkeel_store::conformance::sample::{self, at, event, event_id, missing};
use evenkeel_store::{Keep, PassCommit, RetentionPolicy, Store};
use evenkeel_web::{Part, Role};
use futures_util::StreamExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::client::{Client, World};

/// One thing the stream said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) event: String,
    pub(crate) id: String,
    pub(crate) data: String,
    pub(crate) retry: String,
}

impl Said {
    fn of(block: &str) -> Self {
        let mut said = Self::default();
        for line in block.lines() {
            match line.split_once(": ").unwrap_or_else(|| line.split_once(':').unwrap_or((line, ""))) {
                ("event", text) => said.event = text.to_owned(),
                ("id", text) => said.id = text.to_owned(),
                ("data", text) => said.data.push_str(text),
                ("retry", text) => said.retry = text.to_owned(),
                ("", _) => {}
                (other, _) => panic!("a line {other:?} in {block:?}"),
            }
        }
        said
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A reader of the stream.
struct Listener {
    body: BodyDataStream,
    text: String,
}

impl Listener {
    async fn of(client: &Client, query: &str, last: Option<u64>) -> Self {
        let mut request = Request::get(format!("/api/v1/stream{query}"))
            .header("host", "localhost")
            .body(Body::empty())
            .unwrap();
        if let Some(last) = last {
            request.headers_mut().insert("last-event-id", last.to_string().parse().unwrap());
        }
        let response = client.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next block, whatever it says.
    async fn block(&mut self) -> Said {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let said = Said::of(block);
                self.text = rest.to_owned();
                return said;
            }
            let chunk = self.body.next().await.expect("the stream goes on").unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next thing that is more than a sign of life.
    async fn next(&mut self) -> Said {
        loop {
            let said = self.block().await;
            if !said.event.is_empty() {
                return said;
            }
        }
    }

    /// The numbers of the next events.
    async fn ids(&mut self, count: usize) -> Vec<u64> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let said = self.next().await;
            match said.event.as_str() {
                "event" => ids.push(said.id.parse().unwrap()),
                "state" => {}
                other => panic!("{other}: {}", said.data),
            }
        }
        ids
    }
}

async fn commit(client: &Client, revision: u64, events: Vec<Event>) {
    let pass = PassCommit { events, ..PassCommit::new(sample::host("box2-daily"), revision, at(0)) };
    client.commit(pass).await;
    client.world.changes.send_modify(|changes| changes.note(Part::Events));
}

fn numbered(n: u32) -> Event {
    event(n, &missing("box2-daily", "freshrss"))
}

fn keep(most: u64) -> RetentionPolicy {
    RetentionPolicy { events: Keep { age: None, count: Some(most) }, ..RetentionPolicy::default() }
}

#[tokio::test]
async fn an_event_is_sent_as_it_is_listed_and_with_its_number() {
    let client = Client::of(World::default()).await;
    commit(&client, 0, vec![numbered(1)]).await;
    let mut listener = Listener::of(&client, "", None).await;
    let first = listener.block().await;
    assert!((2000..5000).contains(&first.retry.parse::<u64>().unwrap()), "{first:?}");
    assert_eq!(
        listener.block().await.id,
        "1",
        "whoever is cut off before anything happens comes back to here"
    );
    commit(&client, 1, vec![numbered(2), numbered(3)]).await;
    for n in [2, 3] {
        let said = listener.next().await;
        assert_eq!((said.event.as_str(), said.id), ("event", n.to_string()));
        let one = client.get(&format!("/api/v1/events/{}", event_id(n))).await;
        assert_eq!(said.data, one.text());
    }
}

#[tokio::test]
async fn a_reader_goes_on_behind_the_event_it_had_last() {
    let client = Client::of(World::default()).await;
    commit(&client, 0, (1..=300).map(numbered).collect()).await;
    let mut listener = Listener::of(&client, "?after=100", None).await;
    assert_eq!(listener.ids(200).await, (101..=300).collect::<Vec<_>>());
    commit(&client, 1, vec![numbered(301)]).await;
    assert_eq!(listener.ids(1).await, [301]);
    // What the browser says when it comes back counts more than the address, which it repeats.
    let mut listener = Listener::of(&client, "?after=0", Some(299)).await;
    assert_eq!(listener.ids(2).await, [300, 301]);
    let mut listener = Listener::of(&client, "?after=0", None).await;
    assert_eq!(listener.ids(301).await, (1..=301).collect::<Vec<_>>());
}

#[tokio::test]
async fn none_is_left_out_and_none_comes_twice_while_readers_come_and_go() {
    let client = Client::of(World::default()).await;
    const ALL: u32 = 3000;
    let writing = async {
        for (revision, n) in (0..).zip((1..=ALL).step_by(30)) {
            commit(&client, revision, (n..n + 30).map(numbered).collect()).await;
        }
    };
    let reading = async {
        let (mut last, mut seen, mut turn) = (0, Vec::new(), 0);
        while seen.len() < ALL as usize {
            // Each time it is cut off somewhere else.
            turn += 1;
            let mut listener = Listener::of(&client, "?after=0", (last > 0).then_some(last)).await;
            let count = (turn * 37 % 400).min(ALL as usize - seen.len()).max(1);
            let ids = listener.ids(count).await;
            last = *ids.last().unwrap();
            seen.extend(ids);
        }
        seen
    };
    let ((), seen) = tokio::join!(writing, reading);
    assert_eq!(seen, (1..=u64::from(ALL)).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_said_to_be_missing() {
    let client = Client::of(World::default()).await;
    commit(&client, 0, (1..=50).map(numbered).collect()).await;
    client.store.prune(&keep(10), at(100)).await.unwrap();
    let mut listener = Listener::of(&client, "", Some(7)).await;
    let gap = listener.next().await;
    assert_eq!(gap.event, "gap");
    assert_eq!(gap.id, "", "the place stays where it was until an event follows");
    assert_eq!(gap.json()["after"], 7);
    let first = gap.json()["upto"].as_u64().unwrap() + 1;
    assert!(gap.json()["why"].as_str().unwrap().contains("not kept"), "{gap:?}");
    assert_eq!(listener.ids(3).await, (first..first + 3).collect::<Vec<_>>());

    // A number of another database: nothing is waited for that will not come.
    let mut listener = Listener::of(&client, "", Some(1000)).await;
    let gap = listener.next().await;
    assert_eq!((gap.event.as_str(), &gap.json()["upto"]), ("gap", &Value::from(50)));
    commit(&client, 1, vec![numbered(51)]).await;
    assert_eq!(listener.ids(1).await, [51]);
}

#[tokio::test]
async fn a_number_that_is_missing_at_the_end_is_waited_for_and_then_passed_over() {
    let client = Client::of(World::default()).await;
    commit(&client, 0, vec![numbered(1)]).await;
    let mut listener = Listener::of(&client, "", None).await;
    let pass = PassCommit {
        events: (2..=4).map(numbered).collect(),
        ..PassCommit::new(sample::host("box2-daily"), 1, at(0))
    };
    client.commit(pass).await;
    client.store.prune(&keep(1), at(100)).await.unwrap();
    let began = tokio::time::Instant::now();
    client.world.changes.send_modify(|changes| changes.note(Part::Events));
    assert_eq!(listener.ids(1).await, [4]);
    assert!(began.elapsed() >= Duration::from_secs(5));
}

#[tokio::test]
async fn a_reader_gets_what_its_filters_say() {
    let client = Client::of(World::default()).await;
    let low = |n| Event { severity: Severity::Low, ..numbered(n) };
    let node = |n| Event { event_type: EventType::NodeUnreachable, ..event(n, &missing("box2-media", "x")) };
    let mut all = Listener::of(&client, "", None).await;
    let mut lows = Listener::of(&client, "?severity=low", None).await;
    let mut media = Listener::of(&client, "?host=BOX2-media", None).await;
    let mut nodes = Listener::of(&client, "?type=HOST_NOT_RESPONDING&host=box2-media", None).await;
    commit(&client, 0, vec![numbered(1), low(2), node(3), event(4, &missing("box2-media", "y")), low(5)])
        .await;
    assert_eq!(all.ids(5).await, [1, 2, 3, 4, 5]);
    assert_eq!(lows.ids(2).await, [2, 5]);
    assert_eq!(media.ids(2).await, [3, 4]);
    assert_eq!(nodes.ids(1).await, [3]);
    // From the store as from memory.
    assert_eq!(Listener::of(&client, "?severity=low&after=2", None).await.ids(1).await, [5]);
    assert_eq!(Listener::of(&client, "?type=NODE_UNREACHABLE&after=0", None).await.ids(1).await, [3]);
}

#[tokio::test]
async fn other_changes_are_hints_of_which_there_is_at_most_one_a_second() {
    let client = Client::of(World::default()).await;
    let mut listener = Listener::of(&client, "", None).await;
    let note = |part| client.world.changes.send_modify(|changes| changes.note(part));
    note(Part::Sources);
    assert_eq!(listener.next().await.data, r#"{"changed":["sources"]}"#);
    let first = tokio::time::Instant::now();
    for _ in 0..5 {
        note(Part::Deliveries);
        note(Part::Repairs);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let second = listener.next().await;
    assert_eq!(
        (second.event.as_str(), second.data.as_str()),
        ("state", r#"{"changed":["deliveries","repairs"]}"#)
    );
    assert_eq!(second.id, "", "a hint is no place to come back to");
    assert!(first.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn while_nothing_happens_there_is_a_sign_of_life() {
    let client = Client::of(World::default()).await;
    commit(&client, 0, vec![numbered(1)]).await;
    let mut listener = Listener::of(&client, "?severity=low", None).await;
    listener.block().await;
    listener.block().await;
    let mut all = Listener::of(&client, "", None).await;
    commit(&client, 1, vec![numbered(2)]).await;
    assert_eq!(all.ids(1).await, [2]);
    tokio::time::pause();
    // Timers count whole milliseconds: without one between them, the end of the wait is rounded to behind its own limit.
    tokio::time::advance(Duration::from_millis(1)).await;
    let began = tokio::time::Instant::now();
    let beat = listener.block().await;
    assert_eq!(
        beat,
        Said { id: "2".to_owned(), ..Said::default() },
        "what is passed over is not asked for again"
    );
    assert!(began.elapsed() <= Duration::from_secs(15));
}

#[tokio::test]
async fn a_replica_that_nobody_tells_anything_finds_events_by_looking() {
    let role = Role::Follower { leader: "one".to_owned(), shown_at: Some(at(90)) };
    let client = Client::of(World { role, ..World::default() }).await;
    let mut listener = Listener::of(&client, "", None).await;
    client
        .commit(PassCommit { events: vec![numbered(1)], ..PassCommit::new(sample::host("a"), 0, at(0)) })
        .await;
    assert_eq!(listener.ids(1).await, [1]);
}

#[tokio::test]
async fn bad_places_and_parameters_are_refused() {
    let client = Client::of(World::default()).await;
    let detail = client.get("/api/v1/stream?after=x").await.problem(400, "bad-parameter");
    assert!(detail.contains("`after`") && detail.contains("`id`"), "{detail}");
    client.get("/api/v1/stream?limit=5").await.problem(400, "bad-parameter");
    client.get("/api/v1/stream?severity=urgent").await.problem(400, "bad-parameter");
    let request = Request::get("/api/v1/stream").header("host", "localhost").header("last-event-id", "-1");
    let detail = client.send(request).await.problem(400, "bad-parameter");
    assert!(detail.contains("Last-Event-ID"), "{detail}");
}
