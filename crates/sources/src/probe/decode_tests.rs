//! What may be said of a machine from how its ports answered, by example and for every combination.

use proptest::prelude::*;

use evenkeel_core::SourceKind;
use evenkeel_core::model::Ports;

use super::super::target::{HttpCheck, ServiceCheck};
use super::*;

const HERE: &str = "evenkeel";

fn id() -> SourceId {
    SourceId::new(SourceKind::Probe, "main")
}

fn look(source: &SourceId) -> Look<'_> {
    let at = Timestamp::UNIX_EPOCH;
    Look { source, vantage: HERE, tries: 2, icmp: true, started: at, observed_at: at }
}

fn web() -> ServiceCheck {
    ServiceCheck::Http(HttpCheck::default())
}

fn wanted(name: &str, ports: &[&str], check: ServiceCheck) -> ServiceTarget {
    let ports: Ports = ports.iter().map(|port| Port::parse(port).unwrap()).collect();
    ServiceTarget { name: name.into(), ports, check }
}

fn target(services: Vec<ServiceTarget>) -> Target {
    let addresses = vec!["192.168.2.33".parse().unwrap()];
    Target { host: "whisper".into(), addresses, services, reachable_only: false }
}

/// Every declared TCP port told this, in order.
fn found(target: &Target, knocks: impl IntoIterator<Item = Knock>, echo: Option<Echo>) -> Found {
    let ports = target.services.iter().enumerate().flat_map(|(i, service)| {
        let tcp = service.ports.as_slice().iter().filter(|port| port.protocol == Protocol::Tcp);
        tcp.map(move |port| (i, *port))
    });
    let doors: BTreeMap<_, _> = ports.zip(knocks).collect();
    let answers = echo == Some(Echo::Answered) || doors.values().any(|knock| knock.shows_the_machine());
    Found { way: Way::From("192.168.2.2".parse().unwrap()), doors, answers, echo }
}

fn seen(target: &Target, found: &Found) -> HostSnapshot {
    snapshot(look(&id()), target, found, None)
}

fn words(text: &str) -> Arc<str> {
    Arc::from(text)
}

fn machine(snapshot: &HostSnapshot) -> &ObservedMachine {
    snapshot.facts.machine.as_deref().unwrap()
}

fn open(ports: &[u16]) -> Fact<Published> {
    let open = ports.iter().copied().map(Port::tcp).collect();
    Fact::Known(Published { open, ..Published::default() })
}

#[test]
fn a_service_whose_ports_all_answer_runs() {
    let target = target(vec![wanted("whisper", &["9000"], ServiceCheck::Tcp)]);
    let seen = seen(&target, &found(&target, [Knock::Answered], None));
    assert_eq!(seen.coverage, Coverage::Complete);
    assert!(!seen.facts.from_outside);
    assert_eq!(machine(&seen).state, Fact::Known(MachineState::Running));
    assert_eq!(&*machine(&seen).key, "whisper");
    let service = &seen.services[0];
    assert_eq!((&service.state, &service.ports), (&Fact::Known(RunState::Running), &open(&[9000])));
    assert_eq!(*service.hints, Hints::default());
}

#[test]
fn a_service_of_which_one_port_answers_runs_with_that_port() {
    let target = target(vec![wanted("qbittorrent", &["8080", "30024"], ServiceCheck::Tcp)]);
    let seen = seen(&target, &found(&target, [Knock::Answered, Knock::Refused], None));
    assert_eq!(seen.services[0].state, Fact::Known(RunState::Running));
    assert_eq!(seen.services[0].ports, open(&[8080]));
    assert_eq!(&*seen.facts.notes["qbittorrent 30024/tcp"], "refused (2 tries)");
}

#[test]
fn a_refusal_is_an_answer_of_the_machine_and_closes_the_service() {
    let target = target(vec![wanted("tts", &["5002"], ServiceCheck::Tcp)]);
    let seen = seen(&target, &found(&target, [Knock::Refused], None));
    assert_eq!(machine(&seen).state, Fact::Known(MachineState::Running));
    assert_eq!(seen.services[0].state, Fact::Known(RunState::Closed));
    assert_eq!(seen.services[0].ports, open(&[]));
}

#[test]
fn silence_closes_a_service_only_beside_a_sign_of_life() {
    let target = target(vec![
        wanted("tts", &["5002"], ServiceCheck::Tcp),
        wanted("whisper", &["9000"], ServiceCheck::Tcp),
    ]);
    let beside = seen(&target, &found(&target, [Knock::Silent, Knock::Answered], None));
    assert_eq!(beside.services[0].state, Fact::Known(RunState::Closed));
    let pinged = seen(&target, &found(&target, [Knock::Silent, Knock::Silent], Some(Echo::Answered)));
    assert_eq!(pinged.services[0].state, Fact::Known(RunState::Closed));
    let alone = seen(&target, &found(&target, [Knock::Silent, Knock::Silent], Some(Echo::Silent)));
    assert_eq!(machine(&alone).state, Fact::Known(MachineState::Unreachable));
    assert_eq!(alone.coverage, Coverage::Complete, "it was looked at");
    assert!(alone.services.iter().all(|service| service.state.known().is_err()));
}

#[test]
fn what_could_not_be_tried_is_unknown_and_makes_the_machine_no_less_known() {
    let target = target(vec![
        wanted("tts", &["5002"], ServiceCheck::Tcp),
        wanted("whisper", &["9000"], ServiceCheck::Tcp),
    ]);
    let failed = Knock::Failed(words("too many open files"));
    let beside = seen(&target, &found(&target, [failed.clone(), Knock::Answered], None));
    assert!(beside.services[0].state.known().unwrap_err().why.contains("too many open files"));
    assert_eq!(machine(&beside).state, Fact::Known(MachineState::Running));
    let alone = seen(&target, &found(&target, [failed, Knock::Silent], None));
    assert!(machine(&alone).state.known().is_err(), "not unreachable: it was not fully tried");
    assert!(!alone.coverage.is_complete());
}

#[test]
fn udp_is_never_judged() {
    let mixed = target(vec![wanted("syncthing", &["22000", "22000/udp"], ServiceCheck::Tcp)]);
    let seen = seen(&mixed, &found(&mixed, [Knock::Answered], None));
    assert_eq!(seen.services[0].state, Fact::Known(RunState::Running));
    assert!(seen.services[0].ports.known().unwrap_err().why.contains("22000/udp"));

    let only = target(vec![
        wanted("mdns", &["5353/udp"], ServiceCheck::Tcp),
        wanted("web", &["80"], ServiceCheck::Tcp),
    ]);
    let seen = super::snapshot(look(&id()), &only, &found(&only, [Knock::Refused], None), None);
    assert_eq!(seen.services[0].state.known().unwrap_err().kind, GapKind::Uncovered);
    assert_eq!(seen.services[1].state, Fact::Known(RunState::Closed));
}

#[test]
fn a_web_server_with_another_status_runs_and_is_unhealthy() {
    let target = target(vec![wanted("netbox", &["8000"], web())]);
    let of = |knock: Knock| seen(&target, &found(&target, [knock], None)).services.remove(0);
    let sick = of(Knock::Unfit(words("status 502, 200 to 399 expected")));
    assert_eq!(sick.state, Fact::Known(RunState::Running));
    assert_eq!((sick.health, sick.ports), (Fact::Known(Health::Unhealthy), open(&[8000])));
    assert_eq!(of(Knock::Answered).health, Fact::Known(Health::Healthy));
    let hanging = of(Knock::Mute(words("no http answer in time")));
    assert_eq!((hanging.state, hanging.ports), (Fact::Known(RunState::Closed), open(&[])));
    assert!(hanging.health.known().is_err());
}

#[test]
fn a_machine_nobody_gives_an_address_of_is_unknown_and_no_alarm() {
    let target = Target { addresses: Vec::new(), ..target(vec![]) };
    let nothing = Found { way: Way::NoAddress, doors: BTreeMap::new(), answers: false, echo: None };
    let gap = seen(&target, &nothing).coverage.gap().cloned().unwrap();
    assert_eq!(gap.kind, GapKind::Uncovered);
    assert_eq!(&*gap.why, "netbox gives no address of whisper");
}

#[test]
fn a_machine_without_anything_to_try_is_unknown_and_says_why() {
    let target = Target { reachable_only: true, ..target(vec![]) };
    let why = |echo, icmp| {
        let found = found(&target, [], echo);
        let id = id();
        let snapshot = snapshot(Look { icmp, ..look(&id) }, &target, &found, None);
        assert!(snapshot.facts.from_outside);
        snapshot.coverage.gap().map(|gap| gap.why.to_string())
    };
    assert!(why(Some(Echo::NotAllowed("not allowed here".into())), true).unwrap().contains("not allowed"));
    assert!(why(None, false).unwrap().contains("switched off"));
    assert_eq!(why(Some(Echo::Silent), true), None, "asked by icmp, it is unreachable");
}

#[test]
fn the_vantage_is_lost_when_nothing_answers_and_the_reference_does_not_speak_for_it() {
    let tally = |answered, silent, barred| Tally { answered, silent, barred };
    for (tally, reference, lost) in [
        (tally(0, 2, 0), None, true),
        (tally(0, 1, 0), None, false),
        (tally(0, 0, 1), None, true),
        (tally(0, 1, 1), None, true),
        (tally(1, 9, 0), None, false),
        (tally(0, 0, 0), None, false),
        (tally(0, 1, 0), Some(false), true),
        (tally(0, 9, 0), Some(true), false),
        (tally(1, 9, 0), Some(false), false),
        (tally(0, 0, 0), Some(false), false),
    ] {
        assert_eq!(tally.vantage_lost(reference), lost, "{tally:?} {reference:?}");
    }
}

#[test]
fn a_lost_vantage_makes_everything_unknown_for_one_reason() {
    let target = target(vec![wanted("tts", &["5002"], ServiceCheck::Tcp)]);
    let gap = lost_vantage(HERE);
    let found = found(&target, [Knock::Silent], None);
    let seen = snapshot(look(&id()), &target, &found, Some(&gap));
    assert_eq!(seen.coverage, Coverage::Partial(gap.clone()));
    assert_eq!(&*gap.why, "nothing answers from evenkeel: the probe's own network is gone");
    assert_eq!(machine(&seen).state, Fact::Unknown(gap.clone()));
    assert_eq!(seen.services[0].state, Fact::Unknown(gap));
}

fn any_knock() -> impl Strategy<Value = Knock> {
    prop_oneof![
        Just(Knock::Silent),
        Just(Knock::Refused),
        Just(Knock::Mute(words("mute"))),
        Just(Knock::Failed(words("failed"))),
        Just(Knock::Unfit(words("unfit"))),
        Just(Knock::Answered),
    ]
}

proptest! {
    /// Closed is said only where the machine shows itself and every port of the service was tried and did not answer.
    #[test]
    fn closed_is_never_said_without_proof(
        knocks in prop::collection::vec(any_knock(), 6),
        echo in prop::option::of(prop_oneof![
            Just(Echo::Answered), Just(Echo::Silent), Just(Echo::NotAllowed("no".into()))
        ]),
        lost in any::<bool>(),
    ) {
        let services = vec![
            wanted("a", &["1", "2"], ServiceCheck::Tcp),
            wanted("b", &["3", "4", "5/udp"], web()),
            wanted("c", &["6", "7"], ServiceCheck::Tcp),
        ];
        let target = target(services);
        let found = found(&target, knocks.clone(), echo);
        let gap = lost_vantage(HERE);
        let seen = snapshot(look(&id()), &target, &found, lost.then_some(&gap));
        for (i, service) in seen.services.iter().enumerate() {
            let own = &knocks[2 * i..2 * i + 2];
            if service.state == Fact::Known(RunState::Closed) {
                prop_assert!(!lost && found.answers);
                let shut = |k: &Knock| matches!(k, Knock::Silent | Knock::Refused | Knock::Mute(_));
                prop_assert!(own.iter().all(shut), "{:?}", own);
            }
            if let Fact::Known(published) = &service.ports {
                let proved = |k: &Knock| !matches!(k, Knock::Failed(_));
                prop_assert!(own.iter().all(proved));
                let answering = own.iter().filter(|k| takes_connections(k)).count();
                prop_assert_eq!(published.open.as_slice().len(), answering);
            }
        }
        prop_assert_eq!(seen.services.len(), 3, "what was to be probed is always listed");
    }
}
