//! The look in all its forms, over worlds like the ones people have: incidents, blindness, folding, hostile names.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::sync::Arc;
use std::time::Duration;

use evenkeel::render::{self, Netbox, Outcome, SourceLine, SubjectOutcome};
use evenkeel_core::model::{
    Expected, ExpectedHost, ExpectedService, Health, HostFacts, HostKind, HostStatus, HostView, Lifecycle,
    Observed, ObservedService, Port, Ports, Published, RunState,
};
use evenkeel_core::policy::{Covers, IgnoreRule, Matcher, Policy, Silence};
use evenkeel_core::{
    Case, Coverage, EventType, Evidence, Fact, Gap, GapKind, HostName, Rules, ServiceName, SourceId,
    SourceKind, Subject, diff, diff_source,
};
use jiff::{SignedDuration, Timestamp};

const BOX2_MEDIA: [(&str, u16); 6] = [
    ("bazarr", 6767),
    ("jellyfin", 8096),
    ("prowlarr", 9696),
    ("qbittorrent", 30024),
    ("radarr", 7878),
    ("sonarr", 8989),
];

fn now() -> Timestamp {
    "2026-11-21T04:10:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_mins(minutes)).unwrap()
}

fn netbox() -> SourceId {
    SourceId::new(SourceKind::Netbox, "main")
}

fn ports(numbers: &[u16]) -> Ports {
    numbers.iter().copied().map(Port::tcp).collect()
}

fn declared(name: &str, numbers: &[u16]) -> ExpectedService {
    ExpectedService {
        name: ServiceName::new(name),
        lifecycle: None,
        ports: ports(numbers),
        container_name: None,
        compose_project: None,
        role: None,
        image: None,
        observed_by: Vec::new(),
        tags: Vec::new(),
        netbox_ids: Vec::new(),
    }
}

fn host(name: &str, status: HostStatus, mut services: Vec<ExpectedService>) -> ExpectedHost {
    services.sort_by(|a, b| a.name.cmp(&b.name));
    ExpectedHost {
        status,
        tenant: Some(Arc::from("bruce")),
        services,
        ..ExpectedHost::new(HostName::new(name), HostKind::VirtualMachine, 1)
    }
}

fn seen(name: &str, numbers: &[u16], state: RunState) -> ObservedService {
    ObservedService {
        name: ServiceName::new(name),
        hints: Arc::default(),
        state: Fact::Known(state),
        ports: Fact::Known(Published { open: ports(numbers), loopback: Ports::default() }),
        health: Fact::Known(Health::None),
        image: None,
        role: None,
        restarts: Fact::Known(0),
        replicas: 1,
    }
}

fn view(host: &str, coverage: Coverage, mut services: Vec<ObservedService>) -> HostView {
    services.sort_by(|a, b| a.name.cmp(&b.name));
    HostView {
        source: SourceId::new(SourceKind::Docker, host),
        started: ago(0),
        observed_at: ago(0),
        coverage,
        facts: HostFacts::default(),
        services,
        ambiguous: Vec::new(),
    }
}

/// A look that grows host by host.
struct Look {
    policy: Policy,
    outcome: Outcome,
}

impl Look {
    fn new() -> Self {
        let outcome = Outcome {
            now: now(),
            took: Duration::from_millis(1240),
            netbox: Netbox {
                source: netbox(),
                version: Some("4.5.2".to_owned()),
                hosts: 0,
                services: 0,
                as_of: Some(ago(0)),
                coverage: Coverage::Complete,
            },
            sources: Vec::new(),
            subjects: Vec::new(),
            expiring: Vec::new(),
        };
        Self { policy: Policy::default(), outcome }
    }

    fn host(mut self, declared: Option<ExpectedHost>, views: Vec<HostView>) -> Self {
        let name = match (&declared, views.first()) {
            (Some(host), _) => host.name.clone(),
            (None, Some(view)) => HostName::new(&*view.source.name),
            (None, None) => panic!("a host is declared or seen"),
        };
        self.outcome.netbox.hosts += usize::from(declared.is_some());
        self.outcome.netbox.services += declared.as_ref().map_or(0, |host| host.services.len());
        let evidence = Evidence { source: netbox(), observed_at: ago(0) };
        let expected = Expected::new(evidence, Coverage::Complete, declared.map(Arc::new));
        self.outcome.sources.extend(views.iter().map(|view| SourceLine {
            source: view.source.clone(),
            host: Some(name.clone()),
            coverage: view.coverage.clone(),
            answered_at: Some(view.observed_at),
        }));
        let observed = Observed::new(views.into_iter().map(Arc::new).collect());
        let subject = Subject::Host(name.clone());
        let case =
            Case { subject: &subject, expected: &expected, observed: &observed, rules: &self.policy.rules };
        let report = self.policy.apply(diff(case, []), &expected, now());
        let since = |id: &evenkeel_core::DriftId| match id.event_type {
            EventType::ServiceMissing => Some(ago(6)),
            EventType::PortMismatch => Some(ago(2 * 24 * 60)),
            EventType::DockerUnreachable => Some(ago(12)),
            EventType::ServiceUnexpected
            | EventType::VmDown
            | EventType::VmUndeclared
            | EventType::NodeUnreachable
            | EventType::ConfigDrift
            | EventType::SnapshotError
            | EventType::ResourceExceeded
            | EventType::RestartLoop => None,
        };
        let rules = Rules::default();
        self.outcome
            .subjects
            .push(SubjectOutcome::of_host(&name, &expected, &observed, &rules, report, since));
        self
    }

    fn blind_netbox(mut self) -> Self {
        let gap = Gap::new(GapKind::Unauthorized, "https://netbox.bruce.lan answers 403: Invalid v2 token");
        let coverage = Coverage::Partial(gap);
        let report =
            diff_source(&netbox(), &coverage, &Evidence { source: netbox(), observed_at: ago(0) }, []);
        self.outcome.subjects.push(SubjectOutcome::of_source(&netbox(), report, |_| None));
        self.outcome.netbox.coverage = coverage;
        self.outcome.netbox.as_of = Some(ago(125));
        self
    }

    fn table(&self, columns: usize) -> String {
        plain(&render::table::render(&self.outcome, columns, false))
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn media(services: Vec<ObservedService>) -> (Option<ExpectedHost>, Vec<HostView>) {
    let mut all: Vec<_> = BOX2_MEDIA.iter().map(|(name, port)| declared(name, &[*port])).collect();
    all.push(ExpectedService { lifecycle: Some(Lifecycle::Retired), ..declared("jackett", &[9117]) });
    (
        Some(host("box2-media", HostStatus::Active, all)),
        vec![view("box2-media", Coverage::Complete, services)],
    )
}

fn media_in_sync() -> Vec<ObservedService> {
    BOX2_MEDIA.iter().map(|(name, port)| seen(name, &[*port], RunState::Running)).collect()
}

fn tube_blind() -> (Option<ExpectedHost>, Vec<HostView>) {
    let all = vec![
        declared("elasticsearch", &[9200]),
        declared("redis", &[6379]),
        declared("tubearchivist", &[8000]),
    ];
    let gap = Gap::new(GapKind::TimedOut, "connect to tcp://192.168.2.17:2376 took longer than 10 s");
    (
        Some(host("box2-tube", HostStatus::Active, all)),
        vec![view("box2-tube", Coverage::Partial(gap), Vec::new())],
    )
}

/// What the operator of the reference inventory saw one morning.
fn incident() -> Look {
    let mut services = media_in_sync();
    services[5].state = Fact::Known(RunState::Exited);
    services.retain(|service| service.name.as_str() != "radarr");
    services[3].ports = Fact::Known(Published { open: ports(&[8080]), loopback: Ports::default() });
    services.retain(|service| service.name.as_str() != "bazarr");
    services.push(seen("bazarr", &[6767], RunState::Restarting));
    services.push(seen("jackett", &[9117], RunState::Running));
    services.push(seen("watchtower", &[], RunState::Running));
    let mut look = Look::new();
    look.policy.ignore.push(IgnoreRule {
        name: Arc::from("watchtower everywhere"),
        matcher: Matcher { services: vec![Matcher::glob("watchtower")], ..Matcher::default() },
        reason: Arc::from("part of the base image"),
        owner: None,
        expires: Some(ago(-3 * 24 * 60)),
    });
    look.outcome.expiring.push((Arc::from("watchtower everywhere"), ago(-3 * 24 * 60)));
    let (tube, tube_view) = tube_blind();
    let (media_host, media_view) = media(services);
    let daily = vec![declared("freshrss", &[8021]), declared("readeck", &[8022])];
    let planned = ExpectedService { lifecycle: Some(Lifecycle::Planned), ..declared("traefik", &[443]) };
    look.host(tube, tube_view)
        .host(media_host, media_view)
        .host(
            Some(host("box2-daily", HostStatus::Active, daily)),
            vec![view(
                "box2-daily",
                Coverage::Complete,
                vec![
                    seen("freshrss", &[8031], RunState::Running),
                    seen("readeck", &[8022], RunState::Running),
                ],
            )],
        )
        .host(
            Some(host("box2-edge", HostStatus::Active, vec![planned])),
            vec![view("box2-edge", Coverage::Complete, Vec::new())],
        )
        .host(
            Some(host("Proxmox-Box", HostStatus::Active, vec![declared("proxmox-ui", &[8006])])),
            Vec::new(),
        )
}

fn hostile() -> Look {
    let evil = "evil\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\n| `x` <b>&amp;\u{202e}gpj.exe\"'";
    Look::new().host(
        Some(host("größe-日本語サーバー", HostStatus::Active, vec![declared("ünïcödé", &[80])])),
        vec![view("docker-ß", Coverage::Complete, vec![seen(evil, &[31337], RunState::Running)])],
    )
}

#[test]
fn an_incident_at_100_columns() {
    insta::assert_snapshot!(incident().table(100));
}

#[test]
fn an_incident_at_60_columns() {
    insta::assert_snapshot!(incident().table(60));
}

#[test]
fn an_incident_at_160_columns_with_what_is_ignored() {
    insta::assert_snapshot!(plain(&render::table::render(&incident().outcome, 160, true)));
}

#[test]
fn an_incident_in_colour() {
    insta::assert_snapshot!(render::table::render(&incident().outcome, 100, false).replace('\u{1b}', "␛"));
}

#[test]
fn an_incident_as_json() {
    insta::assert_snapshot!(render::json::render(&incident().outcome).unwrap());
}

#[test]
fn an_incident_as_json_lines() {
    let text = render::json::render_lines(&incident().outcome).unwrap();
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in [
            "id",
            "hostname",
            "service",
            "event_type",
            "expected",
            "observed",
            "severity",
            "details",
            "source",
        ] {
            assert!(value.get(key).is_some(), "{key} is missing in {line}");
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn an_incident_as_markdown() {
    insta::assert_snapshot!(render::markdown::render(&incident().outcome));
}

#[test]
fn an_incident_as_junit() {
    insta::assert_snapshot!(render::junit::render(&incident().outcome));
}

#[test]
fn nothing_differs() {
    let (declared, views) = media(media_in_sync());
    let look = Look::new().host(declared, views);
    assert_eq!(look.outcome.exit().code(), 0);
    insta::assert_snapshot!(look.table(100));
}

#[test]
fn only_blind() {
    let (declared, views) = tube_blind();
    let look = Look::new().host(declared, views).blind_netbox();
    assert_eq!(look.outcome.exit().code(), 3);
    insta::assert_snapshot!(look.table(100));
}

#[test]
fn drift_outweighs_blindness_in_the_exit_code() {
    assert_eq!(incident().outcome.exit().code(), 1);
}

#[test]
fn a_host_no_source_observes_is_said_and_is_no_alarm() {
    let proxmox = host("Proxmox-Box", HostStatus::Active, vec![declared("proxmox-ui", &[8006])]);
    let look = Look::new().host(Some(proxmox), Vec::new());
    assert_eq!(look.outcome.exit().code(), 0);
    assert!(look.table(100).contains("No source sees what runs on Proxmox-Box."));
}

#[test]
fn seen_running_outweighs_unknown_and_unknown_outweighs_seen_stopped() {
    let gap = || Coverage::Partial(Gap::new(GapKind::TimedOut, "no answer"));
    let second = |coverage, services| HostView {
        source: SourceId::new(SourceKind::Probe, "lan"),
        ..view("edge", coverage, services)
    };
    let counted = |first: HostView, second: HostView| {
        let edge = host("edge", HostStatus::Active, vec![declared("nginx", &[80])]);
        let coverages = Look::new().host(Some(edge), vec![first, second]).outcome.totals().coverages;
        (coverages.declared_running, coverages.declared, coverages.declared_unknown)
    };
    let running = || vec![seen("nginx", &[80], RunState::Running)];
    let stopped = || vec![seen("nginx", &[80], RunState::Exited)];
    assert_eq!(counted(view("edge", gap(), Vec::new()), second(Coverage::Complete, running())), (1, 1, 0));
    assert_eq!(counted(view("edge", gap(), Vec::new()), second(Coverage::Complete, stopped())), (0, 0, 1));
    assert_eq!(
        counted(view("edge", Coverage::Complete, stopped()), second(Coverage::Complete, Vec::new())),
        (0, 1, 0)
    );
}

#[test]
fn consequences_are_counted_beneath_their_cause_and_not_among_the_drifts() {
    let off = host("box2-tube", HostStatus::Offline, vec![declared("redis", &[6379])]);
    let running = vec![seen("redis", &[6379], RunState::Running), seen("stray", &[1234], RunState::Running)];
    let look = Look::new().host(Some(off), vec![view("box2-tube", Coverage::Complete, running)]);
    let totals = look.outcome.totals();
    assert_eq!((totals.drifts, totals.folded), (1, 1));
    insta::assert_snapshot!(look.table(100));
}

#[test]
fn a_silenced_drift_is_shown_as_silenced() {
    let mut look = Look::new();
    look.policy.silences.push(Silence {
        name: Arc::from("new disks"),
        covers: Covers::Rule(Matcher { hosts: vec![Matcher::glob("box2-*")], ..Matcher::default() }),
        reason: Arc::from("the machine is open on the table"),
        owner: None,
        starts: None,
        ends: ago(-60),
    });
    let (declared, views) = media(Vec::new());
    assert!(look.host(declared, views).table(100).contains("└ silenced by `new disks`"));
}

#[test]
fn hostile_and_foreign_names_at_100_columns() {
    insta::assert_snapshot!(hostile().table(100));
}

#[test]
fn no_form_lets_an_escape_sequence_through() {
    let outcome = hostile().outcome;
    let forms = [
        hostile().table(60),
        hostile().table(160),
        render::json::render(&outcome).unwrap(),
        render::json::render_lines(&outcome).unwrap(),
        render::markdown::render(&outcome),
        render::junit::render(&outcome),
    ];
    for form in forms {
        let left: Vec<char> = form.chars().filter(|c| *c != '\n' && render::text::is_harmful(*c)).collect();
        assert!(left.is_empty(), "{left:?} in {form}");
    }
}

#[test]
fn the_junit_form_of_a_hostile_name_is_well_formed() {
    insta::assert_snapshot!(render::junit::render(&hostile().outcome));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for columns in [60, 79, 80, 100, 160] {
        for line in incident().table(columns).lines().chain(hostile().table(columns).lines()) {
            assert!(render::text::width(line) <= columns, "{columns}: {line}");
        }
    }
}
