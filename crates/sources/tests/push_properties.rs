//! Whatever arrives at an inbox: it never panics, accounts for everything, and never takes for gone what it failed to
//! understand.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::collections::BTreeSet;

use evenkeel_core::model::HostSnapshot;
use evenkeel_core::policy::Matcher;
use evenkeel_core::{Fact, SourceId, SourceKind};
use evenkeel_sources::push::{Config, Form, PushSource};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

const NAMES: [&str; 4] = ["jellyfin", "sonarr", "radarr", "sshd"];

fn now() -> Timestamp {
    "2025-12-22T04:12:00Z".parse().unwrap()
}

fn inbox() -> PushSource {
    PushSource::new(Config::new(SourceId::new(SourceKind::Push, "scripts"), vec![Matcher::glob("*")]))
}

fn valid() -> Value {
    json!({
        "hostname": "box2-media", "source": "docker", "observed_at": "2025-12-22T04:11:00Z",
        "complete": true,
        "snapshot": {
            "containers": [
                { "name": "jellyfin", "ports": ["8096:8096", "8920:8920/tcp"], "state": "running" },
                { "name": "sonarr", "ports": ["8989:8989"], "state": "exited", "health": "none" },
                { "name": "radarr", "ports": ["127.0.0.1:7878:7878"], "state": "running", "restarts": 1 }
            ],
            "services": [{ "name": "sshd", "ports": [22], "state": "running" }]
        }
    })
}

/// Every place of a value, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| places(value, &format!("{at}/{key}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| places(item, &format!("{at}/{i}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[derive(Clone, Debug)]
enum Mutation {
    /// What stands there becomes something else.
    Replace(Index, Value),
    /// A key vanishes. Items of lists stay: a sender that leaves one out says that it is not there.
    Remove(Index),
}

/// Nothing that a sender could mean as "there is none", and no other name.
fn junk() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(7),
        json!(-1.5),
        json!(true),
        json!(""),
        json!({}),
        json!({ "x": 1 }),
        json!([null]),
        json!([[1]]),
        json!("\u{0}"),
    ])
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (any::<Index>(), junk()).prop_map(|(at, value)| Mutation::Replace(at, value)),
        any::<Index>().prop_map(Mutation::Remove),
    ]
}

fn mutate(mut value: Value, mutation: &Mutation) -> Value {
    let mut all = Vec::new();
    places(&value, "", &mut all);
    match mutation {
        Mutation::Replace(at, junk) => {
            if let Some(place) = value.pointer_mut(at.get(&all).as_str()) {
                *place = junk.clone();
            }
        }
        Mutation::Remove(at) => {
            let place = at.get(&all);
            // A key of `snapshot` is a whole list: without it the sender speaks of the other list only.
            let whole_list = place == "/snapshot/containers" || place == "/snapshot/services";
            if let Some((parent, key)) = place.rsplit_once('/').filter(|_| !whole_list)
                && let Some(Value::Object(object)) = value.pointer_mut(parent)
            {
                object.remove(key);
            }
        }
    }
    value
}

/// What is not shown is covered by a gap; what is shown as down was sent as down.
fn nothing_is_invented(snapshot: &HostSnapshot) {
    let shown: BTreeSet<&str> = snapshot.services.iter().map(|service| service.name.as_str()).collect();
    for name in NAMES {
        assert!(
            shown.contains(name) || !snapshot.coverage.is_complete(),
            "{name} is gone from a complete answer"
        );
    }
    for service in &snapshot.services {
        let was_running = service.name.as_str() != "sonarr";
        if let (true, Fact::Known(state)) = (was_running, &service.state) {
            assert_eq!(state.as_str(), "running", "{}", service.name);
        }
        if let Fact::Known(published) = &service.ports {
            assert!(
                !(published.open.is_empty() && published.loopback.is_empty()),
                "{} published something",
                service.name
            );
        }
    }
}

proptest! {
    #[test]
    fn no_absence_is_invented_from_what_was_not_understood(
        mutations in prop::collection::vec(mutation(), 1..4),
        form in prop::sample::select(vec![Form::Either, Form::Lines]),
    ) {
        let body = mutations.iter().fold(valid(), mutate);
        let inbox = inbox();
        // Refused is fine: nothing is known then.
        let _ = inbox.accept(body.to_string().as_bytes(), form, now());
        inbox.snapshots_at(now()).iter().for_each(nothing_is_invented);
    }

    #[test]
    fn a_body_cut_anywhere_never_proves_an_absence(cut in any::<Index>(), lines in 1_usize..4) {
        let line = format!("{}\n", valid());
        let body = line.repeat(lines);
        let cut = cut.index(body.len());
        for form in [Form::Either, Form::Lines] {
            let inbox = inbox();
            let _ = inbox.accept(&body.as_bytes()[..cut], form, now());
            inbox.snapshots_at(now()).iter().for_each(nothing_is_invented);
        }
    }

    #[test]
    fn any_bytes_are_survived(body in prop::collection::vec(any::<u8>(), 0..400)) {
        for form in [Form::Either, Form::Lines] {
            let _ = inbox().accept(&body, form, now());
        }
    }

    #[test]
    fn flipped_bytes_are_survived_and_every_line_is_accounted_for(
        flips in prop::collection::vec((any::<Index>(), 32_u8..127), 1..6),
    ) {
        let line = format!("{}\n", valid());
        let mut body = line.repeat(3).into_bytes();
        for (at, byte) in flips {
            let at = at.index(body.len());
            if body[at] != b'\n' {
                body[at] = byte;
            }
        }
        match inbox().accept(&body, Form::Lines, now()) {
            Ok(outcome) => prop_assert_eq!(outcome.accepted + outcome.duplicates + outcome.refused.len(), 3),
            Err(refused) => prop_assert!(
                matches!(&refused, evenkeel_sources::push::Refused::All(all) if all.len() == 3), "{:?}", refused
            ),
        }
    }
}
