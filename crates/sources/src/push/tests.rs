//! What an inbox takes in, what it refuses, and how long what it holds counts.

use evenkeel_core::model::{Health, ObservedService, RunState};
use evenkeel_core::policy::Matcher;
use evenkeel_core::{Fact, SourceKind};
use serde_json::{Value, json};

use super::*;

const SEED: &str = include_str!("../../tests/fixtures/push/seed.json");

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A minute after the seed was observed.
fn now() -> Timestamp {
    at("2025-12-22T04:12:00Z")
}

fn inbox() -> PushSource {
    PushSource::new(Config::new(SourceId::new(SourceKind::Push, "scripts"), vec![Matcher::glob("box2-*")]))
}

fn seed() -> Value {
    serde_json::from_str(SEED).unwrap()
}

/// The seed with these keys in place of its own.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut seed = seed();
    for (key, value) in changes {
        seed[*key] = value.clone();
    }
    seed
}

fn containers(rows: Value) -> Value {
    with(&[("snapshot", json!({ "containers": rows }))])
}

fn push(inbox: &PushSource, value: &Value) -> Result<Accepted, Refused> {
    inbox.accept(value.to_string().as_bytes(), Form::Either, now())
}

/// The only refusal of a body with one observation.
fn refusal(inbox: &PushSource, value: &Value) -> Refusal {
    match push(inbox, value) {
        Err(Refused::All(mut all)) if all.len() == 1 => all.remove(0).1,
        other => panic!("one refusal expected, got {other:?}"),
    }
}

fn accepted(n: usize) -> Accepted {
    Accepted { accepted: n, ..Accepted::default() }
}

#[test]
fn no_more_hosts_are_remembered_and_no_more_observations_taken_than_so_many() {
    let inbox = inbox();
    let named = |n: usize| with(&[("hostname", json!(format!("box2-{n}")))]);
    let all: Vec<Value> = (0..MOST_OBSERVATIONS).map(named).collect();
    assert_eq!(push(&inbox, &Value::Array(all.clone())), Ok(accepted(MOST_HOSTS)));
    assert_eq!(refusal(&inbox, &named(MOST_HOSTS)), Refusal::TooManyHosts(MOST_HOSTS));
    let newer = with(&[("hostname", json!("box2-7")), ("observed_at", json!("2025-12-22T04:11:30Z"))]);
    assert_eq!(push(&inbox, &newer), Ok(accepted(1)), "who is known is heard on");
    let one_more = [all, vec![named(0)]].concat();
    let refused = Refused::TooMany { count: MOST_OBSERVATIONS + 1, limit: MOST_OBSERVATIONS };
    assert_eq!(push(&inbox, &Value::Array(one_more)), Err(refused));
}

/// What the inbox holds about the only host.
fn held(inbox: &PushSource) -> HostSnapshot {
    let mut all = inbox.snapshots_at(now());
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn only_service(rows: Value) -> ObservedService {
    let inbox = inbox();
    push(&inbox, &containers(rows)).unwrap();
    held(&inbox).services.remove(0)
}

#[test]
fn the_seed_is_taken_as_it_is() {
    let inbox = inbox();
    assert_eq!(inbox.accept(SEED.as_bytes(), Form::Either, now()), Ok(accepted(1)));
    let held = held(&inbox);
    assert_eq!(held.coverage, Coverage::Complete);
    assert_eq!(held.source.to_string(), "push/scripts");
    assert_eq!(held.facts.name, Some(Fact::Known(Arc::from("box2-media"))));
    assert_eq!(&*held.facts.notes["collector"], "docker");
    assert_eq!((held.started, held.observed_at), (at("2025-12-22T04:11:00Z"), at("2025-12-22T04:11:00Z")));
    let jellyfin = &held.services[0];
    assert_eq!(jellyfin.name.as_str(), "jellyfin");
    assert_eq!(jellyfin.hints.container_name.as_deref(), Some("jellyfin"));
    assert_eq!(jellyfin.state, Fact::Known(RunState::Running));
    assert_eq!(jellyfin.ports.known().unwrap().open.to_string(), "8096/tcp");
}

#[test]
fn lines_and_lists_are_taken_one_by_one_and_every_one_is_accounted_for() {
    let line = |host: &str| with(&[("hostname", json!(host))]).to_string();
    let body =
        format!("{}\n\n{{broken\n{}\r\n{}\n", line("box2-media"), line("proxmox-box"), line("box2-daily"));
    for form in [Form::Lines, Form::Either] {
        let outcome = inbox().accept(body.as_bytes(), form, now()).unwrap();
        assert_eq!(outcome.accepted, 2);
        let places: Vec<usize> = outcome.refused.iter().map(|(line, _)| *line).collect();
        assert_eq!(places, [3, 4]);
        assert!(matches!(outcome.refused[0].1, Refusal::NotJson { .. }));
        assert_eq!(outcome.refused[1].1, Refusal::NotYours("proxmox-box".into()));
    }
    let list = json!([with(&[("hostname", json!("box2-docs"))]), 7]);
    let outcome = push(&inbox(), &list).unwrap();
    assert_eq!((outcome.accepted, outcome.refused[0].0), (1, 2));
    let pretty = serde_json::to_string_pretty(&seed()).unwrap();
    assert_eq!(inbox().accept(pretty.as_bytes(), Form::Either, now()), Ok(accepted(1)));
}

#[test]
fn a_body_that_is_not_json_is_refused_with_its_place() {
    let refused = |body: &str| inbox().accept(body.as_bytes(), Form::Either, now()).unwrap_err();
    assert_eq!(refused("{\n \"hostname\": oops"), Refused::NotJson { line: 2, column: 14 });
    assert_eq!(refused("[]"), Refused::Empty);
    assert!(matches!(refused(" \n "), Refused::NotJson { .. }));
    assert_eq!(inbox().accept(b" \n ", Form::Lines, now()), Err(Refused::Empty));
    let half = &SEED[..SEED.len() / 2];
    assert!(matches!(refused(half), Refused::NotJson { .. }));
    let big = vec![b' '; MAX_BODY + 1];
    assert!(matches!(inbox().accept(&big, Form::Either, now()), Err(Refused::TooBig { .. })));
}

#[test]
fn what_is_missing_or_misshapen_is_named() {
    for (key, value, words) in [
        ("hostname", json!(7), "hostname is not a text"),
        ("source", Value::Null, "source is not a text"),
        ("observed_at", json!("2025-12-22T04:11:00"), "time zone"),
        ("observed_at", json!("yesterday"), "observed_at"),
    ] {
        let said = refusal(&inbox(), &with(&[(key, value)])).to_string();
        assert!(said.contains(words), "{said}");
    }
    for key in ["hostname", "source", "observed_at", "snapshot"] {
        let mut without = seed();
        without.as_object_mut().unwrap().remove(key);
        assert_eq!(refusal(&inbox(), &without), Refusal::Form(format!("has no {key}")));
    }
    for host in ["", "   ", "box2\u{7}media", &"b".repeat(256)] {
        assert_eq!(refusal(&inbox(), &with(&[("hostname", json!(host))])), Refusal::BadHost);
    }
}

#[test]
fn a_host_the_sender_may_not_speak_about_is_refused() {
    let said = refusal(&inbox(), &with(&[("hostname", json!("TrueNAS"))]));
    assert_eq!(said, Refusal::NotYours("TrueNAS".into()));
    assert!(inbox().snapshots_at(now()).is_empty());
}

#[test]
fn a_clock_that_is_a_little_ahead_is_taken_back_to_now_and_one_far_ahead_is_refused() {
    let inbox = inbox();
    let ahead = |text: &str| with(&[("observed_at", json!(text))]);
    push(&inbox, &ahead("2025-12-22T04:16:59Z")).unwrap();
    let held = held(&inbox);
    assert_eq!((held.started, held.observed_at), (now(), now()));
    assert_eq!(&*held.facts.notes["clock_ahead_seconds"], "299");
    let said = refusal(&self::inbox(), &ahead("2025-12-22T04:17:01Z"));
    assert!(said.to_string().contains("301 s ahead"), "{said}");
}

#[test]
fn what_is_not_newer_is_a_duplicate_and_changes_nothing() {
    let inbox = inbox();
    push(&inbox, &seed()).unwrap();
    let before = held(&inbox);
    let stopped = json!([{ "name": "jellyfin", "state": "exited" }]);
    for late in ["2025-12-22T04:11:00Z", "2025-12-22T04:10:59Z"] {
        let mut replay = containers(stopped.clone());
        replay["observed_at"] = json!(late);
        assert_eq!(push(&inbox, &replay), Ok(Accepted { duplicates: 1, ..Accepted::default() }));
        assert_eq!(held(&inbox), before);
    }
    let mut newer = containers(stopped);
    newer["observed_at"] = json!("2025-12-22T05:11:01+01:00");
    newer["hostname"] = json!("BOX2-Media");
    assert_eq!(push(&inbox, &newer), Ok(accepted(1)));
    assert_eq!(held(&inbox).services[0].state, Fact::Known(RunState::Exited));
}

#[test]
fn what_is_too_old_proves_nothing_any_more() {
    let inbox = inbox();
    push(&inbox, &seed()).unwrap();
    let coverage = |text: &str| inbox.snapshots_at(at(text)).remove(0).coverage;
    assert_eq!(coverage("2025-12-22T04:26:00Z"), Coverage::Complete);
    let stale = coverage("2025-12-22T04:26:01Z");
    assert_eq!(stale.gap().map(|gap| gap.kind), Some(GapKind::Stale));
    assert_eq!(stale, coverage("2025-12-22T09:00:00Z"), "the same words: it is no news that time passes");
}

#[test]
fn two_collectors_of_one_host_need_two_inboxes_until_one_falls_silent() {
    let inbox = inbox();
    push(&inbox, &seed()).unwrap();
    let mut other = with(&[("source", json!("systemd"))]);
    other["observed_at"] = json!("2025-12-22T04:11:30Z");
    assert!(matches!(refusal(&inbox, &other), Refusal::OtherCollector { .. }));
    other["observed_at"] = json!("2025-12-22T04:40:00Z");
    let later = at("2025-12-22T04:40:01Z");
    assert_eq!(inbox.accept(other.to_string().as_bytes(), Form::Either, later), Ok(accepted(1)));
}

#[test]
fn a_row_that_does_not_fit_is_a_gap_and_the_others_stand() {
    let inbox = inbox();
    let rows = json!([{ "name": "jellyfin", "state": "running" }, { "state": "running" }, "sonarr", 7]);
    let outcome = push(&inbox, &containers(rows)).unwrap();
    let gap = &outcome.partial[0].1;
    assert_eq!(&*gap.why, "containers[1] has no name (and 2 more)");
    assert_eq!(held(&inbox).coverage, Coverage::Partial(gap.clone()));
    assert_eq!(held(&inbox).services.len(), 1);
}

#[test]
fn a_snapshot_that_shows_no_list_proves_nothing() {
    for snapshot in [json!({}), json!([]), json!(null), json!({ "vms": [] }), json!({ "containers": null })] {
        let inbox = inbox();
        let outcome = push(&inbox, &with(&[("snapshot", snapshot.clone())])).unwrap();
        assert_eq!(outcome.partial.len(), 1, "{snapshot}");
        assert!(!held(&inbox).coverage.is_complete(), "{snapshot}");
    }
    let inbox = inbox();
    push(&inbox, &containers(json!([]))).unwrap();
    assert!(held(&inbox).coverage.is_complete(), "an empty list says that there is nothing");
}

#[test]
fn the_sender_can_say_that_it_does_not_show_everything() {
    let inside = json!({ "containers": [], "complete": false });
    for partial in [
        with(&[("complete", json!(false))]),
        with(&[("snapshot", inside)]),
        with(&[("complete", json!("no"))]),
    ] {
        let inbox = inbox();
        push(&inbox, &partial).unwrap();
        assert_eq!(held(&inbox).coverage.gap().map(|gap| gap.kind), Some(GapKind::Truncated), "{partial}");
    }
    let inbox = inbox();
    push(&inbox, &with(&[("complete", json!(true)), ("of_no_concern", json!({}))])).unwrap();
    assert!(held(&inbox).coverage.is_complete());
}

#[test]
fn what_is_not_said_of_a_service_is_unknown_and_not_nothing() {
    let bare = only_service(json!([{ "name": "/sonarr", "state": "running" }]));
    assert_eq!(bare.name.as_str(), "sonarr");
    assert!(bare.ports.known().is_err() && bare.health.known().is_err() && bare.restarts.known().is_err());
    let odd = json!([{ "name": "a", "state": "up", "ports": ["x"], "health": 7, "restarts": -1 }]);
    let odd = only_service(odd);
    assert!(odd.state.known().unwrap_err().why.contains("`up`"));
    assert!(odd.ports.known().is_err() && odd.health.known().is_err() && odd.restarts.known().is_err());
    let full = only_service(json!([{
        "name": "sonarr", "state": "Running", "ports": [], "health": "healthy", "restarts": 2,
        "image": "sonarr:4", "service": "tv", "compose_project": "media", "compose_service": "sonarr"
    }]));
    assert!(full.ports.known().unwrap().open.is_empty());
    assert_eq!((full.health, full.restarts), (Fact::Known(Health::Healthy), Fact::Known(2)));
    assert_eq!(full.image.as_deref(), Some("sonarr:4"));
    assert_eq!(full.hints.label.as_deref(), Some("tv"));
    let down = only_service(json!([{ "name": "a", "state": "exited", "ports": [] }]));
    assert!(down.ports.known().is_err(), "what is down publishes nothing, and that is no difference");
}

#[tokio::test]
async fn an_arrival_rings_and_a_duplicate_does_not() {
    let inbox = inbox();
    push(&inbox, &seed()).unwrap();
    let hint = tokio::time::timeout(Duration::from_secs(20), inbox.changed()).await.unwrap();
    assert_eq!(hint.reason, "1 observations arrived");
    push(&inbox, &seed()).unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(20), inbox.changed()).await.is_err());
}
