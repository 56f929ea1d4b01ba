//! One drift in full, the history, and the checks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::path::Path;
use std::sync::Arc;

use evenkeel::config::Config;
use evenkeel::render::doctor::{Check, Status};
use evenkeel::render::explain::Explained;
use evenkeel::render::{self, ignore_rule};
use evenkeel_core::drift::Difference;
use evenkeel_core::ledger::{Blind, Entry, State};
use evenkeel_core::model::{Port, Ports, Published, RunState};
use evenkeel_core::policy::Policy;
use evenkeel_core::{
    DriftId, Event, EventId, EventType, Evidence, Field, Gap, GapKind, HostName, ServiceName, SourceId,
    SourceKind, Subject, Transition,
};
use jiff::{SignedDuration, Timestamp};

fn now() -> Timestamp {
    "2026-11-21T04:10:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_mins(minutes)).unwrap()
}

fn docker() -> SourceId {
    SourceId::new(SourceKind::Docker, "box2-media")
}

fn entry(id: DriftId, state: State, difference: Difference) -> Entry {
    Entry {
        severity: id.event_type.default_severity(),
        id,
        state,
        difference,
        first_seen: ago(130),
        last_seen: ago(1),
        evidence: Evidence { source: docker(), observed_at: ago(1) },
        seen: 1,
        clean: 0,
        clean_since: None,
        opened_at: (state == State::Open).then(|| ago(129)),
        resolved_at: None,
        parent: None,
        freed: None,
        announced: false,
        recorded: false,
        baseline: false,
        flapping: false,
        transitions: Vec::new(),
        said_at: None,
        blind: None,
        silenced: None,
    }
}

fn media() -> HostName {
    HostName::new("box2-media")
}

fn missing(service: &str, state: State) -> Entry {
    let ports: Ports = [Port::tcp(8989)].into_iter().collect();
    let id = DriftId::of_service(&media(), &ServiceName::new(service), EventType::ServiceMissing);
    entry(id, state, Difference::Missing { ports, role: None, state: Some(RunState::Exited) })
}

fn event(entry: &Entry, transition: Transition, at: Timestamp) -> Event {
    let (expected, observed) = entry.difference.sides(entry.id.field);
    Event {
        id: EventId::new(at, [7; 10]),
        hostname: entry.id.subject.host().cloned(),
        service: entry.id.service.clone(),
        event_type: entry.id.event_type,
        expected,
        observed,
        severity: entry.severity,
        details: entry.difference.details(&entry.id),
        source: Arc::from("docker"),
        created_at: at,
        transition,
        drift_id: entry.id.to_string(),
        handle: entry.id.handle(),
        first_seen: entry.first_seen,
        last_seen: entry.last_seen,
        flapping: entry.flapping,
        baseline: entry.baseline,
        folded: vec!["PORT_MISMATCH sonarr".to_owned()],
        folded_count: 1,
        announce: true,
        drift: None,
    }
}

fn explained(entry: &Entry, events: &[Event], children: &[Entry]) -> String {
    let policy = Policy::default();
    let of = Explained { now: now(), entry, events, children, witnesses: &[], policy: &policy };
    anstream::adapter::strip_str(&render::explain::render(of, 100)).to_string()
}

#[test]
fn an_open_drift_with_its_history_and_what_follows_from_it() {
    let sonarr = missing("sonarr", State::Open);
    let id = DriftId::of_service(&media(), &ServiceName::new("sonarr"), EventType::PortMismatch);
    let child = entry(
        id,
        State::Open,
        Difference::PortMismatch { expected: Ports::default(), observed: Published::default() },
    );
    let events = [event(&sonarr, Transition::Opened, ago(129)), event(&sonarr, Transition::Reminder, ago(9))];
    insta::assert_snapshot!(explained(&sonarr, &events, &[child]));
}

#[test]
fn a_pending_drift_says_what_it_takes_to_be_believed() {
    insta::assert_snapshot!(explained(&missing("sonarr", State::Pending), &[], &[]));
}

#[test]
fn an_open_drift_nobody_can_see_any_more_says_since_when_and_why() {
    let mut sonarr = missing("sonarr", State::Open);
    sonarr.blind = Some(Blind {
        since: ago(12),
        gap: Gap::new(GapKind::TimedOut, "connect to tcp://192.168.2.16:2376 took longer than 10 s"),
    });
    sonarr.parent = Some(DriftId::of_source(Subject::Host(media()), EventType::DockerUnreachable, &docker()));
    sonarr.flapping = true;
    sonarr.baseline = true;
    sonarr.silenced = Some(Arc::from("new disks"));
    insta::assert_snapshot!(explained(&sonarr, &[], &[]));
}

#[test]
fn a_difference_of_one_attribute_names_it() {
    let id = DriftId::of_field(&media(), None, Field::Name);
    let difference =
        Difference::Config { expected: Some(Arc::from("box2-media")), observed: Some(Arc::from("mediabox")) };
    insta::assert_snapshot!(explained(&entry(id, State::Open, difference), &[], &[]));
}

#[test]
fn the_machine_form_holds_no_control_character() {
    let evil = missing("evil\u{1b}[2J\u{9b}", State::Open);
    let policy = Policy::default();
    let of =
        Explained { now: now(), entry: &evil, events: &[], children: &[], witnesses: &[], policy: &policy };
    let text = render::explain::render_json(of).unwrap();
    assert!(!text.chars().any(|c| c != '\n' && render::text::is_harmful(c)), "{text}");
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["service"], "evil\u{1b}[2J\u{9b}");
    assert_eq!(value["state"], "open");
}

#[test]
fn the_rule_that_is_offered_is_one_that_is_read_and_matches() {
    let netbox = SourceId::new(SourceKind::Netbox, "main");
    let blind = Difference::Blind { gap: Gap::new(GapKind::Stale, ""), unknown_services: 0 };
    let of_netbox = DriftId::of_source(Subject::Source(netbox.clone()), EventType::SnapshotError, &netbox);
    for drift in [
        missing("sonarr", State::Open),
        missing("so\"na\\rr\u{1b}[2J\u{202e}", State::Open),
        entry(of_netbox, State::Open, blind),
    ] {
        let text = format!(
            "[netbox]\nurl = \"https://netbox.lan\"\ntoken = {{ env = \"TOKEN\" }}\n{}",
            ignore_rule(&drift, now())
        );
        let env = |_: &str| Some("0123456789".to_owned());
        let config = Config::parse(Path::new("evenkeel.toml"), &text, &env, now()).unwrap();
        let rule = &config.policy.ignore[0];
        assert!(rule.matcher.matches(&drift.id, evenkeel_core::policy::Labels::default()), "{text}");
        assert_eq!(rule.expires.unwrap().to_string(), "2026-12-22T00:00:00Z");
    }
}

#[test]
fn the_history_is_one_line_per_event_and_two_where_there_is_no_room() {
    let sonarr = missing("sonarr", State::Open);
    let events = [event(&sonarr, Transition::Opened, ago(129)), event(&sonarr, Transition::Resolved, ago(2))];
    let at = |columns| anstream::adapter::strip_str(&render::events::render(&events, columns)).to_string();
    insta::assert_snapshot!(format!("{}\n{}", at(160), at(80)));
    assert_eq!(render::events::render_lines(&events).unwrap().lines().count(), 2);
    assert_eq!(render::events::render(&[], 80), "");
}

#[test]
fn checks_stand_by_group_with_what_to_do() {
    let checks = [
        Check::ok("netbox/main", "https://netbox.bruce.lan answers, version 4.5.2"),
        Check::ok("docker/box2-media", "the engine answers, version 29.3"),
        Check::warn(
            "netbox/main",
            "the token may write, and evenkeel only reads",
            "make a token without write permission",
        ),
        Check::fail(
            "docker/box2-daily",
            "the certificate is not trusted: self-signed",
            "pin it: pin = \"AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB\"",
        ),
    ];
    insta::assert_snapshot!(anstream::adapter::strip_str(&render::doctor::render(&checks, 100)).to_string());
    assert_eq!(render::doctor::worst(&checks), Status::Fail);
    assert!(render::doctor::render_json(&checks).unwrap().contains("\"status\": \"fail\""));
}
