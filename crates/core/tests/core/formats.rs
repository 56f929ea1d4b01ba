//! The canonical forms: the event installations read, and the sets of ports inside it.

// A panic in a test's helper is the failed assertion itself, as in the test.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use crate::world::run::Run;
use crate::world::{Plan, declared_on, docker, host, immediate, ports, shown};
use evenkeel_core::model::{ExpectedService, Port, Ports, Protocol, RunState};
use evenkeel_core::policy::Policy;
use evenkeel_core::{Event, EventType, Fact, Gap, GapKind, Severity, SourceKind, Subject, Transition};
use proptest::prelude::*;

fn freshrss(views: impl IntoIterator<Item = evenkeel_core::model::HostView>, policy: Policy) -> Event {
    let rss = ExpectedService { role: Some("rss".into()), ..declared_on("freshrss", &[8021]) };
    let mut declared = host([rss]);
    declared.name = "box2-daily".into();
    let mut world = Plan::new(declared, views).at(0);
    world.subject = Subject::Host("box2-daily".into());
    let step = Run::new(policy).look(&world, 0);
    step.advance.events.into_iter().next().unwrap()
}

#[test]
fn the_missions_example_comes_out_as_the_mission_writes_it() {
    let event = freshrss([docker([])], immediate());
    let text = serde_json::to_string(&event).unwrap();
    let id = event.id.to_string();
    let first_ten = format!(
        concat!(
            r#"{{"id":"{}","hostname":"box2-daily","service":"freshrss","event_type":"SERVICE_MISSING","#,
            r#""expected":{{"port":8021,"ports":["8021/tcp"],"role":"rss","state":"running"}},"observed":null,"#,
            r#""severity":"high","details":"Expected service freshrss on box2-daily but no container of that name exists.","#,
            r#""source":"docker","created_at":"2025-10-09T08:53:20Z","#,
        ),
        id
    );
    assert!(text.starts_with(&first_ten), "{text}");
    assert_eq!(event.source, Arc::from(SourceKind::Docker.as_str()));
}

#[test]
fn a_stopped_container_is_told_from_one_that_does_not_exist() {
    let event = freshrss([docker([shown("freshrss", RunState::Exited)])], immediate());
    assert_eq!(event.details, "Expected service freshrss on box2-daily but container not running (exited).");
    let observed = serde_json::to_value(&event.observed).unwrap();
    assert_eq!(observed, serde_json::json!({"state": "exited"}));
}

#[test]
fn an_event_is_read_back_from_its_json() {
    let event = freshrss([docker([])], immediate());
    let text = serde_json::to_string(&event).unwrap();
    let back: Event = serde_json::from_str(&text).unwrap();
    // Whom it is sent to and the typed drift are the sender's business.
    assert_eq!(back, Event { announce: false, drift: None, ..event });
    assert!(!text.contains("announce"));
}

#[test]
fn codes_are_fixed_and_older_names_are_read() {
    for kind in EventType::ALL {
        assert_eq!(EventType::parse(kind.code()), Some(kind));
        assert_eq!(EventType::parse(&format!(" {} ", kind.code().to_lowercase())), Some(kind));
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.code()));
    }
    for (old, kind) in
        [("VM_NOT_RUNNING", EventType::VmDown), ("HOST_NOT_RESPONDING", EventType::NodeUnreachable)]
    {
        assert_eq!(EventType::parse(old), Some(kind));
        assert_eq!(serde_json::from_str::<EventType>(&format!("\"{old}\"")).unwrap(), kind);
    }
    assert_eq!(EventType::parse("SERVICE_GONE"), None);
}

#[test]
fn default_severities_are_those_of_the_table() {
    use EventType as T;
    let table = [
        (T::ServiceMissing, Severity::High),
        (T::ServiceUnexpected, Severity::Medium),
        (T::PortMismatch, Severity::Medium),
        (T::VmDown, Severity::Critical),
        (T::VmUndeclared, Severity::Medium),
        (T::DockerUnreachable, Severity::High),
        (T::NodeUnreachable, Severity::Critical),
        (T::ConfigDrift, Severity::Low),
        (T::SnapshotError, Severity::Medium),
        (T::ResourceExceeded, Severity::Medium),
        (T::RestartLoop, Severity::High),
    ];
    assert_eq!(table.map(|(kind, _)| kind), EventType::ALL);
    for (kind, severity) in table {
        assert_eq!(kind.default_severity(), severity, "{kind}");
        assert_eq!(Severity::parse(&severity.to_string().to_uppercase()), Some(severity));
    }
    assert_eq!(serde_json::to_string(&Transition::Reopened).unwrap(), "\"reopened\"");
}

#[test]
fn a_port_is_read_in_every_form_netbox_and_docker_have() {
    for text in ["8096", "8096/tcp", "8096/TCP", "tcp/8096"] {
        assert_eq!(Port::parse(text), Some(Port::tcp(8096)), "{text}");
    }
    assert_eq!(Port::parse("udp/53"), Some(Port::udp(53)));
    assert_eq!(Port::parse("132/sctp").map(|p| p.protocol), Some(Protocol::Sctp));
    for text in
        ["", "0", "0/tcp", "65536", "-1", "+80", "80/", "/80", "80/icmp", "tcp/udp", "80/tcp/udp", " 80"]
    {
        assert_eq!(Port::parse(text), None, "{text}");
    }
}

#[test]
fn ports_are_a_set() {
    let twice = Ports::new([Port::tcp(443), Port::tcp(80), Port::tcp(80), Port::udp(80)]);
    assert_eq!(twice.to_string(), "80/tcp 80/udp 443/tcp");
    assert!(twice.contains(Port::udp(80)) && !twice.contains(Port::udp(443)));
    assert_eq!(ports(&[80]).union(&ports(&[443, 80])), ports(&[80, 443]));
    assert!(Ports::default().is_empty());
}

proptest! {
    #[test]
    fn ports_survive_json_in_any_order(numbers in proptest::collection::vec(1_u16.., 0..8)) {
        let set = ports(&numbers);
        let text = serde_json::to_string(&set).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Ports>(&text).unwrap(), &set);
        let mut words: Vec<String> = set.as_slice().iter().map(ToString::to_string).collect();
        words.reverse();
        words.extend(words.clone());
        prop_assert_eq!(serde_json::from_value::<Ports>(serde_json::json!(words)).unwrap(), set);
    }
}

#[test]
fn a_gap_is_written_with_its_kind_and_its_cause() {
    let unread: Fact<Ports> = Fact::Unknown(Gap::new(GapKind::TimedOut, "no answer within 10 s"));
    let json = r#"{"unknown":{"kind":"timed_out","why":"no answer within 10 s"}}"#;
    assert_eq!(serde_json::to_string(&unread).unwrap(), json);
    assert_eq!(serde_json::from_str::<Fact<Ports>>(json).unwrap(), unread);
}

#[test]
fn few_ports_and_many_are_written_alike() {
    for count in [0_u16, 1, 4, 5, 9] {
        let all = Ports::new((1..=count).rev().map(Port::tcp));
        let words: Vec<String> = (1..=count).map(|n| format!("{n}/tcp")).collect();
        let json = serde_json::to_string(&words).unwrap();
        assert_eq!(serde_json::to_string(&all).unwrap(), json);
        assert_eq!(serde_json::from_str::<Ports>(&json).unwrap(), all.clone());
    }
}

#[test]
fn the_cause_of_a_gap_is_one_calm_line_of_a_bounded_length_whoever_wrote_it() {
    let gap = |why: &str| Gap::new(GapKind::Malformed, why).why.to_string();
    assert_eq!(gap("container \u{1b}[2Jweb\r\nis down\u{0}"), "container  [2Jweb  is down ");
    let whole = "é".repeat(Gap::LONGEST);
    assert_eq!(gap(&whole), whole);
    let cut = gap(&format!("{whole}\n"));
    assert_eq!(cut.chars().count(), Gap::LONGEST);
    assert!(cut.ends_with("é…"), "what is cut says so");
}
