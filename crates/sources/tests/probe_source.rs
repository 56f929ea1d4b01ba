//! The probe against real sockets: whatever a machine does to its connections, no service is shown closed unless it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::model::{Health, HostSnapshot, MachineState, ObservedService, Port, RunState};
use evenkeel_core::{Coverage, Fact, GapKind, SourceId, SourceKind};
use evenkeel_lab::listener::{Behaviour, Machine};
use evenkeel_sources::probe::{
    Config, HttpCheck, ProbeSource, Reference, Scheme, ServiceCheck, ServiceTarget, Target,
};
use evenkeel_sources::{Snapshot, Source};
use tokio::time::timeout;

/// Generous: the machine may be busy. No test waits for it unless it fails.
const SOON: Duration = Duration::from_secs(30);

/// Quick, and without ICMP: loopback answers that for every machine, however dead it plays.
fn config() -> Config {
    Config {
        vantage: Some("the-lab".into()),
        timeout: Duration::from_millis(400),
        pause: Duration::from_millis(10),
        spacing: Duration::ZERO,
        per_second: 10_000,
        icmp: false,
        ..Config::new(SourceId::new(SourceKind::Probe, "main"))
    }
}

fn tcp(name: &str, ports: &[u16]) -> ServiceTarget {
    let ports = ports.iter().copied().map(Port::tcp).collect();
    ServiceTarget { name: name.into(), ports, check: ServiceCheck::Tcp }
}

fn web(name: &str, port: u16) -> ServiceTarget {
    ServiceTarget { check: ServiceCheck::Http(HttpCheck::default()), ..tcp(name, &[port]) }
}

fn target(host: &str, machine: &Machine, services: Vec<ServiceTarget>) -> Target {
    Target { host: host.into(), addresses: vec![machine.address()], services, reachable_only: false }
}

async fn observe_with(config: Config, targets: Vec<Target>) -> Vec<HostSnapshot> {
    let source = ProbeSource::new(config).unwrap();
    source.set_targets(targets);
    observed(&source).await
}

async fn observe(targets: Vec<Target>) -> Vec<HostSnapshot> {
    observe_with(config(), targets).await
}

async fn observed(source: &ProbeSource) -> Vec<HostSnapshot> {
    match timeout(SOON, source.observe()).await.expect("an observation ends") {
        Snapshot::Hosts(hosts) => hosts,
        other @ (Snapshot::Inventory(_) | Snapshot::Survey { .. }) => panic!("hosts expected, got {other:?}"),
    }
}

fn machine_state(snapshot: &HostSnapshot) -> &Fact<MachineState> {
    &snapshot.facts.machine.as_ref().unwrap().state
}

fn service<'a>(snapshot: &'a HostSnapshot, name: &str) -> &'a ObservedService {
    snapshot.services.iter().find(|service| service.name.as_str() == name).unwrap()
}

fn open_ports(service: &ObservedService) -> Vec<u16> {
    service.ports.known().unwrap().open.as_slice().iter().map(|port| port.number).collect()
}

/// Waits until the machine has noticed a connection on this port.
async fn taken(machine: &Machine, port: u16) {
    let noticed = async {
        while machine.connections(port) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, noticed).await.expect("a connection arrives");
}

const RUNNING: Fact<RunState> = Fact::Known(RunState::Running);
const CLOSED: Fact<RunState> = Fact::Known(RunState::Closed);

#[tokio::test]
async fn every_behaviour_of_a_port_is_told_for_what_it_is() {
    use Behaviour::{Closed, Filtered, Garbage, Http, Open, Reset, SlowHttp};
    let slow = SlowHttp(200, Duration::from_millis(100));
    let never = SlowHttp(200, Duration::from_secs(3600));
    // The last column: what a web check makes of it.
    let cases = [
        ("open", Open, RUNNING, CLOSED),
        ("web", Http(200), RUNNING, RUNNING),
        ("moved", Http(302), RUNNING, RUNNING),
        ("sick", Http(503), RUNNING, RUNNING),
        ("slow", slow, RUNNING, RUNNING),
        ("hang", never, RUNNING, CLOSED),
        ("reset", Reset, RUNNING, CLOSED),
        ("garbage", Garbage, RUNNING, CLOSED),
        ("refused", Closed, CLOSED, CLOSED),
        ("filtered", Filtered, CLOSED, CLOSED),
    ];
    let machine = Machine::start();
    let mut services = Vec::new();
    for (name, behaviour, ..) in &cases {
        let port = machine.open(behaviour.clone()).await.unwrap();
        services.push(tcp(&format!("tcp-{name}"), &[port]));
        services.push(web(&format!("web-{name}"), port));
    }
    // Patient enough for a busy machine: what is slow must be told from what hangs.
    let config = Config { per_host: 8, timeout: Duration::from_millis(1500), ..config() };
    let seen = observe_with(config, vec![target("box", &machine, services)]).await.remove(0);
    assert_eq!(seen.coverage, Coverage::Complete);
    assert_eq!(machine_state(&seen), &Fact::Known(MachineState::Running));
    for (name, _, by_tcp, by_web) in &cases {
        assert_eq!(&service(&seen, &format!("tcp-{name}")).state, by_tcp, "tcp {name}");
        assert_eq!(&service(&seen, &format!("web-{name}")).state, by_web, "web {name}: {:?}", seen.facts);
    }
    let health = |name: &str| service(&seen, name).health.clone();
    assert_eq!(health("web-web"), Fact::Known(Health::Healthy));
    assert_eq!(health("web-sick"), Fact::Known(Health::Unhealthy));
    assert_eq!(health("tcp-sick"), Fact::Known(Health::None));
    let note = |part: &str| seen.facts.notes.iter().find(|(key, _)| key.contains(part)).map(|(_, v)| &**v);
    assert_eq!(note("tcp-refused"), Some("refused (2 tries)"));
    assert_eq!(note("tcp-filtered"), Some("no answer (2 tries)"));
    assert_eq!(note("web-sick"), Some("status 503, 200 to 399 expected"));
    assert_eq!(note("vantage"), Some("the-lab"));
    assert_eq!(note("tcp-web"), None);
}

#[tokio::test]
async fn a_machine_that_is_silent_is_unreachable_and_its_services_unknown() {
    let (alive, down) = (Machine::start(), Machine::start());
    let open = alive.open(Behaviour::Open).await.unwrap();
    let (a, b) =
        (down.open(Behaviour::Filtered).await.unwrap(), down.open(Behaviour::Filtered).await.unwrap());
    let seen = observe(vec![
        target("alive", &alive, vec![tcp("ssh", &[open])]),
        target("down", &down, vec![tcp("ssh", &[a]), web("web", b)]),
    ])
    .await;
    assert_eq!(machine_state(&seen[0]), &Fact::Known(MachineState::Running));
    assert_eq!(machine_state(&seen[1]), &Fact::Known(MachineState::Unreachable));
    assert_eq!(seen[1].coverage, Coverage::Complete);
    for service in &seen[1].services {
        assert_eq!(service.state.known().unwrap_err().kind, GapKind::Unreachable);
    }
}

#[tokio::test]
async fn where_nothing_answers_the_fault_is_the_probes_own() {
    let (one, two) = (Machine::start(), Machine::start());
    let (a, b) = (one.open(Behaviour::Filtered).await.unwrap(), two.open(Behaviour::Filtered).await.unwrap());
    let targets =
        vec![target("one", &one, vec![tcp("ssh", &[a])]), target("two", &two, vec![tcp("ssh", &[b])])];
    let source = ProbeSource::new(config()).unwrap();
    source.set_targets(targets.clone());
    let dark = observed(&source).await;
    let gaps: Vec<_> = dark.iter().map(|seen| seen.coverage.gap().unwrap()).collect();
    assert_eq!(gaps[0], gaps[1], "one cause");
    assert_eq!(gaps[0].kind, GapKind::Unreachable);
    assert!(gaps[0].why.contains("nothing answers from the-lab"), "{}", gaps[0]);
    assert!(dark.iter().all(|seen| machine_state(seen).known().is_err()));
    assert!(dark.iter().flat_map(|seen| &seen.services).all(|service| service.state.known().is_err()));

    // The gateway answers, so the network is there, and both machines are really down.
    let gateway = Machine::start();
    let port = gateway.open(Behaviour::Closed).await.unwrap();
    let reference = vec![Reference { address: gateway.address(), port: Some(port) }];
    let seen = observe_with(Config { reference, ..config() }, targets.clone()).await;
    assert!(seen.iter().all(|seen| machine_state(seen) == &Fact::Known(MachineState::Unreachable)));

    // With a gateway that is silent, too, a single silent machine is no proof of anything.
    gateway.set(port, Behaviour::Filtered).await.unwrap();
    let reference = vec![Reference { address: gateway.address(), port: Some(port) }];
    let seen = observe_with(Config { reference, ..config() }, vec![targets[0].clone()]).await;
    assert!(!seen[0].coverage.is_complete());

    // It comes back, and everything with it.
    one.set(a, Behaviour::Open).await.unwrap();
    let light = observed(&source).await;
    assert_eq!(service(&light[0], "ssh").state, RUNNING);
    assert_eq!(machine_state(&light[1]), &Fact::Known(MachineState::Unreachable));
}

/// The cable is pulled in the middle of a look: who was asked before it answered, who is asked after it is silent.
#[tokio::test]
async fn a_network_that_goes_during_a_look_makes_nobody_unreachable() {
    let (early, late) = (Machine::start(), Machine::start());
    let a = early.open(Behaviour::Open).await.unwrap();
    let b = late.open(Behaviour::Filtered).await.unwrap();
    let targets =
        vec![target("early", &early, vec![tcp("ssh", &[a])]), target("late", &late, vec![tcp("ssh", &[b])])];
    let cut = async {
        taken(&early, a).await;
        early.set(a, Behaviour::Filtered).await.unwrap();
    };
    let (seen, ()) = tokio::join!(observe(targets.clone()), cut);
    assert!(machine_state(&seen[1]).known().is_err(), "{:?}", machine_state(&seen[1]));
    assert!(seen[1].coverage.gap().unwrap().why.contains("own network is gone"));

    // A gateway that answers vouches as well, whoever else has gone meanwhile.
    early.set(a, Behaviour::Open).await.unwrap();
    let gateway = Machine::start();
    let port = gateway.open(Behaviour::Closed).await.unwrap();
    let reference = vec![Reference { address: gateway.address(), port: Some(port) }];
    let before = early.connections(a);
    let cut = async {
        while early.connections(a) == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        early.set(a, Behaviour::Filtered).await.unwrap();
    };
    let (seen, ()) = tokio::join!(observe_with(Config { reference, ..config() }, targets), cut);
    assert_eq!(machine_state(&seen[1]), &Fact::Known(MachineState::Unreachable));
}

#[tokio::test]
async fn a_service_that_restarts_between_two_tries_runs() {
    let machine = Machine::start();
    let (steady, port) =
        (machine.open(Behaviour::Open).await.unwrap(), machine.open(Behaviour::Closed).await.unwrap());
    let source = Arc::new(
        ProbeSource::new(Config { tries: 3, pause: Duration::from_millis(600), ..config() }).unwrap(),
    );
    source.set_targets(vec![target("box", &machine, vec![tcp("steady", &[steady]), tcp("app", &[port])])]);
    let looking = tokio::spawn({
        let source = Arc::clone(&source);
        async move { observed(&source).await }
    });
    // Its first round is over once the neighbour was reached; the pauses leave time enough.
    taken(&machine, steady).await;
    machine.set(port, Behaviour::Open).await.unwrap();
    let seen = looking.await.unwrap();
    assert_eq!(service(&seen[0], "app").state, RUNNING);
    machine.set(port, Behaviour::Closed).await.unwrap();
    assert_eq!(service(&observed(&source).await[0], "app").state, CLOSED);
}

#[tokio::test]
async fn only_declared_ports_are_ever_tried_and_open_ones_once() {
    let machine = Machine::start();
    let declared = machine.open(Behaviour::Open).await.unwrap();
    let other = machine.open(Behaviour::Open).await.unwrap();
    let seen = observe(vec![target("box", &machine, vec![tcp("app", &[declared])])]).await;
    assert_eq!(open_ports(&seen[0].services[0]), [declared]);
    taken(&machine, declared).await;
    assert_eq!((machine.connections(declared), machine.connections(other)), (1, 0));
}

#[tokio::test]
async fn a_service_of_which_one_port_is_closed_runs_with_the_others() {
    let machine = Machine::start();
    let open = machine.open(Behaviour::Open).await.unwrap();
    let closed = machine.open(Behaviour::Closed).await.unwrap();
    let seen = observe(vec![target("media", &machine, vec![tcp("qbittorrent", &[open, closed])])]).await;
    assert_eq!(seen[0].services[0].state, RUNNING);
    assert_eq!(open_ports(&seen[0].services[0]), [open]);
}

#[tokio::test]
async fn a_port_that_answers_at_any_address_is_open() {
    let (first, second) = (Machine::start(), Machine::start());
    let port = second.open(Behaviour::Open).await.unwrap();
    let mut target = target("box", &first, vec![tcp("app", &[port])]);
    target.addresses.push(second.address());
    assert_eq!(service(&observe(vec![target]).await[0], "app").state, RUNNING);
}

#[tokio::test]
async fn reachability_alone_says_nothing_about_services_and_stops_at_the_first_sign() {
    let machine = Machine::start();
    let a = machine.open(Behaviour::Open).await.unwrap();
    let b = machine.open(Behaviour::Open).await.unwrap();
    let only =
        Target { reachable_only: true, ..target("box", &machine, vec![tcp("a", &[a]), tcp("b", &[b])]) };
    let seen = observe(vec![only]).await.remove(0);
    assert!(seen.facts.from_outside && seen.services.is_empty());
    assert_eq!(machine_state(&seen), &Fact::Known(MachineState::Running));
    taken(&machine, a).await;
    assert_eq!(machine.connections(a) + machine.connections(b), 1);
}

#[tokio::test]
async fn a_machine_without_an_address_is_not_looked_at() {
    let lost = Target {
        host: "box2-automation".into(),
        addresses: Vec::new(),
        services: vec![tcp("webhook", &[8080])],
        reachable_only: false,
    };
    let seen = observe(vec![lost]).await.remove(0);
    let gap = seen.coverage.gap().unwrap();
    assert_eq!((gap.kind, &*gap.why), (GapKind::Uncovered, "netbox gives no address of box2-automation"));
}

#[tokio::test]
async fn many_ports_of_one_host_are_taken_one_after_the_other() {
    let machine = Machine::start();
    let mut services = Vec::new();
    for i in 0..8 {
        let port = machine.open(Behaviour::Open).await.unwrap();
        services.push(tcp(&format!("s{i}"), &[port]));
    }
    let config = Config { spacing: Duration::from_millis(40), ..config() };
    let began = tokio::time::Instant::now();
    let seen = observe_with(config, vec![target("box", &machine, services)]).await;
    assert!(seen[0].services.iter().all(|service| service.state == RUNNING));
    assert!(began.elapsed() >= Duration::from_millis(280), "{:?}", began.elapsed());
}

#[tokio::test]
async fn new_targets_ring_once_and_the_same_ones_do_not() {
    let machine = Machine::start();
    let source = ProbeSource::new(config()).unwrap();
    assert!(observed(&source).await.is_empty());
    source.set_targets(vec![target("box", &machine, vec![tcp("app", &[1])])]);
    let hint = timeout(SOON, source.changed()).await.unwrap();
    assert!(hint.reason.contains("1 machines"), "{}", hint.reason);
    source.set_targets(vec![target("box", &machine, vec![tcp("app", &[1])])]);
    assert!(timeout(Duration::from_millis(50), source.changed()).await.is_err());
}

#[tokio::test]
async fn the_end_of_a_look_is_never_before_its_beginning() {
    let machine = Machine::start();
    let port = machine.open(Behaviour::Open).await.unwrap();
    let seen = observe(vec![target("box", &machine, vec![tcp("app", &[port])])]).await;
    assert!(seen[0].started <= seen[0].observed_at);
}

mod tls {
    use evenkeel_sources::http::Trust;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls_pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A web server with a certificate nobody vouches for; answers 200 to everything.
    async fn serve(machine: &Machine) -> (u16, String) {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["box.lan".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(server));
        let listener = TcpListener::bind((machine.address(), 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut buffer = [0; 4096];
                    let _ = stream.read(&mut buffer).await;
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    let _ = stream.write_all(answer).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        (port, cert.pem())
    }

    fn https(name: &str, port: u16, verify_tls: bool) -> ServiceTarget {
        let check = HttpCheck {
            scheme: Scheme::Https,
            verify_tls,
            server_name: Some("box.lan".into()),
            ..HttpCheck::default()
        };
        ServiceTarget { check: ServiceCheck::Http(check), ..tcp(name, &[port]) }
    }

    #[tokio::test]
    async fn a_certificate_nobody_vouches_for_is_a_fault_of_health_not_of_presence() {
        let machine = Machine::start();
        let (port, pem) = serve(&machine).await;
        let config = Config { timeout: Duration::from_secs(5), ..config() };
        let services = vec![https("checked", port, true), https("unchecked", port, false)];
        let seen = observe_with(config.clone(), vec![target("box", &machine, services)]).await.remove(0);
        let (checked, unchecked) = (service(&seen, "checked"), service(&seen, "unchecked"));
        assert_eq!((&checked.state, &checked.health), (&RUNNING, &Fact::Known(Health::Unhealthy)));
        assert_eq!((&unchecked.state, &unchecked.health), (&RUNNING, &Fact::Known(Health::Healthy)));
        let note = seen.facts.notes.iter().find(|(key, _)| key.starts_with("checked")).unwrap().1;
        assert!(note.contains("certificate"), "{note}");

        // With its authority named, all is well.
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, pem).unwrap();
        let trust = Trust { ca_file: Some(ca), ..Trust::default() };
        let targets = vec![target("box", &machine, vec![https("checked", port, true)])];
        let seen = observe_with(Config { trust, ..config }, targets).await.remove(0);
        assert_eq!(service(&seen, "checked").health, Fact::Known(Health::Healthy), "{:?}", seen.facts.notes);
    }
}
