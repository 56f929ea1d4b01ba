//! What is found in the reference inventory, what is decided about it, and that what is written is a configuration: as it is,
//! and with every `#` that waits for somebody taken away.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use evenkeel_core::model::{ExpectedHost, ExpectedService, HostKind, HostStatus, Lifecycle, Port, Ports};
use evenkeel_core::{Gap, GapKind, HostName, SourceKind};
use evenkeel_sources::docker::Endpoint;
use evenkeel_sources::http::{Fingerprint, Trust};
use evenkeel_sources::netbox::Cluster;
use url::Url;

use super::config::{self, Netbox};
use super::find::{Found, find};
use super::plan::{Answer, Door, Looked, Plan, make};
use super::{recipes, tell};
use crate::config::Config;

fn host(name: &str, with: impl FnOnce(&mut ExpectedHost)) -> Arc<ExpectedHost> {
    let mut host = ExpectedHost::new(name, HostKind::VirtualMachine, 1);
    with(&mut host);
    Arc::new(host)
}

fn device(name: &str, with: impl FnOnce(&mut ExpectedHost)) -> Arc<ExpectedHost> {
    let mut host = ExpectedHost::new(name, HostKind::Device, 1);
    with(&mut host);
    Arc::new(host)
}

fn ip(last: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 168, 2, last]))
}

fn service(name: &str, port: Port) -> ExpectedService {
    ExpectedService {
        name: name.into(),
        lifecycle: None,
        ports: Ports::from_iter([port]),
        container_name: None,
        compose_project: None,
        role: None,
        image: None,
        observed_by: Vec::new(),
        tags: Vec::new(),
        netbox_ids: vec![1],
    }
}

/// A lab with one of everything.
fn lab() -> (Vec<Arc<ExpectedHost>>, Vec<Cluster>) {
    let hosts = vec![
        device("Box2", |host| {
            (host.primary_ip, host.cluster) = (ip(11), Some("box2".into()));
            host.tags = vec!["docker".into()];
            host.services = vec![service("proxmox-ui", Port::tcp(8006)), service("ssh", Port::tcp(22))];
        }),
        device("TrueNAS", |host| {
            (host.primary_ip, host.cluster) = (ip(183), Some("apps".into()));
            host.services = vec![service("truenas-ui", Port::tcp(8443)), service("plex", Port::tcp(32400))];
        }),
        device("Windows Whisper/TTS", |host| {
            (host.primary_ip, host.status) = (ip(33), HostStatus::Staged);
            host.services = vec![service("whisper", Port::tcp(9000)), service("chat", Port::udp(9))];
        }),
        host("box2-media", |host| {
            (host.primary_ip, host.cluster) = (ip(16), Some("box2".into()));
            host.tags = vec!["docker".into(), "media".into()];
            host.services = vec![service("jellyfin", Port::tcp(8096))];
        }),
        host("declared", |host| host.docker_endpoint = Some("tcp://192.168.2.20:2376".into())),
        host("nowhere", |host| host.observed_by = vec![SourceKind::Docker]),
        host("off", |host| {
            (host.primary_ip, host.status) = (ip(17), HostStatus::Offline);
            host.services = vec![service("old", Port::tcp(1))];
        }),
        host("retired", |host| {
            let gone =
                ExpectedService { lifecycle: Some(Lifecycle::Retired), ..service("gone", Port::tcp(1)) };
            host.services = vec![gone];
        }),
    ];
    let cluster = |name: &str, kind: &str| Cluster { name: name.into(), kind: kind.into() };
    (hosts, vec![cluster("apps", "TrueNAS SCALE"), cluster("box2", "Proxmox VE"), cluster("cloud", "AWS")])
}

fn names<'a>(hosts: impl IntoIterator<Item = &'a HostName>) -> Vec<&'a str> {
    hosts.into_iter().map(HostName::as_str).collect()
}

fn engines(found: &Found) -> Vec<&str> {
    names(found.engines.iter().map(|engine| &engine.host))
}

#[test]
fn each_machine_is_found_for_what_it_is() {
    let (hosts, clusters) = lab();
    let found = find(&hosts, Some(&clusters));
    assert_eq!(engines(&found), ["box2-media", "declared", "nowhere"]);
    let [hypervisor] = found.hypervisors.as_slice() else { panic!("{:?}", found.hypervisors) };
    assert_eq!((&*hypervisor.name, hypervisor.is_cluster), ("box2", true));
    assert_eq!(names(hypervisor.nodes.iter().map(|node| &node.host)), ["Box2"]);
    let [appliance] = found.appliances.as_slice() else { panic!("{:?}", found.appliances) };
    assert_eq!((appliance.host.as_str(), appliance.port, appliance.clusters.len()), ("TrueNAS", 8443, 1));
    // A node whose services are no containers is a node, whatever its tags say; what must not run is not tried.
    assert_eq!(names(found.unseen.iter().map(|unseen| &unseen.host)), ["Box2", "Windows Whisper/TTS"]);
    assert_eq!(found.unseen[1].services, [Arc::from("whisper")]);
}

#[test]
fn without_the_types_of_clusters_their_machines_say_what_they_are() {
    let (hosts, clusters) = lab();
    let (typed, guessed) = (find(&hosts, Some(&clusters)), find(&hosts, None));
    let shape = |found: &Found| {
        let nodes = |h: &super::find::Hypervisor| (h.name.clone(), h.nodes.clone());
        (
            found.hypervisors.iter().map(nodes).collect::<Vec<_>>(),
            found.appliances.len(),
            found.unseen.clone(),
        )
    };
    assert_eq!(shape(&guessed), shape(&typed));
    let by_number = [host("vm", |host| (host.cluster, host.proxmox_vmid) = (Some("c".into()), Some(100)))];
    assert_eq!(find(&by_number, None).hypervisors.len(), 1);
    assert_eq!(find(&by_number, Some(&[])).hypervisors.len(), 0);
}

#[test]
fn a_node_of_no_cluster_is_a_hypervisor_by_itself() {
    let alone = [device("pve", |host| host.services = vec![service("pve", Port::tcp(443))])];
    let found = find(&alone, Some(&[]));
    assert_eq!((found.hypervisors.len(), found.hypervisors[0].is_cluster), (1, false));
    assert_eq!(found.hypervisors[0].nodes[0].port, 443);
}

#[test]
fn a_container_named_by_a_service_makes_an_engine_of_its_machine() {
    let of = |name: &str, role: Option<&str>| {
        let named = ExpectedService { container_name: Some(name.into()), ..service(name, Port::tcp(1)) };
        let machine = host("m", |host| {
            host.role = role.map(Arc::from);
            host.services = vec![named];
        });
        engines(&find(&[machine], None)).len()
    };
    assert_eq!((of("web", None), of("ssh", None), of("ssh", Some("docker-host"))), (1, 0, 0));
    let empty = host("m", |host| host.role = Some("docker-host".into()));
    assert_eq!(engines(&find(&[empty], None)), ["m"]);
}

fn plan(given: &[(&str, &str)], looked: &Looked) -> Plan {
    let (hosts, clusters) = lab();
    let given: Vec<_> =
        given.iter().map(|(host, at)| (HostName::new(host), Endpoint::parse(at).unwrap())).collect();
    make(find(&hosts, Some(&clusters)), &hosts, &given, looked).unwrap()
}

fn door<'a>(plan: &'a Plan, host: &str) -> &'a Door {
    &plan.engines.iter().find(|(engine, _)| engine.host.as_str() == host).unwrap().1
}

fn print(byte: &str) -> Fingerprint {
    [byte; 32].join(":").parse().unwrap()
}

fn at(last: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 168, 2, last], port))
}

fn refused() -> Gap {
    Gap::new(GapKind::Unreachable, "connection refused")
}

#[test]
fn what_answers_counts_at_once_and_what_does_not_waits() {
    let media = HostName::new("box2-media");
    let answers = Looked { engines: vec![(media.clone(), Ok(7))], ..Looked::default() };
    assert_eq!(door(&plan(&[], &answers), "box2-media"), &Door::Proxy(at(16, 2375), Answer::Containers(7)));
    let silent = Looked { engines: vec![(media, Err(refused()))], ..Looked::default() };
    let plan_of = plan(&[], &silent);
    assert!(!door(&plan_of, "box2-media").is_open() && !door(&plan_of, "nowhere").is_open());
    assert!(door(&plan_of, "declared").is_open());
    let here = Looked { here: Some("box2-media.lan".into()), ..silent };
    assert_eq!(door(&plan(&[], &here), "box2-media"), &Door::Here);
    let told = plan(&[("BOX2-media", "ssh://me@box2-media")], &here);
    assert!(matches!(door(&told, "box2-media"), Door::Given(Endpoint::Ssh(_))));
}

#[test]
fn whatever_the_operator_calls_an_engine_is_one_if_netbox_has_the_machine() {
    let plan = plan(&[("Windows Whisper/TTS", "tcp://192.168.2.33:2376")], &Looked::default());
    assert!(door(&plan, "Windows Whisper/TTS").is_open());
    assert_eq!(names(plan.unseen.iter().map(|unseen| &unseen.host)), ["Box2"]);
    let (hosts, clusters) = lab();
    let given = [("ghost", 1), ("spirit", 2)]
        .map(|(host, _)| (HostName::new(host), Endpoint::parse("ssh://x").unwrap()));
    let error = make(find(&hosts, Some(&clusters)), &hosts, &given, &Looked::default()).unwrap_err();
    assert_eq!(error.to_string(), "netbox has no machine called ghost, spirit");
}

#[test]
fn a_certificate_that_two_systems_show_is_not_offered_to_be_pinned() {
    let shown = |one: &str, other: &str| Looked {
        certificates: vec![(at(11, 8006), print(one)), (at(183, 8443), print(other))],
        ..Looked::default()
    };
    let apart = plan(&[], &shown("AB", "CD"));
    assert_eq!(
        (apart.hypervisors[0].1.pin, apart.appliances[0].1.pin),
        (Some(print("AB")), Some(print("CD")))
    );
    let same = plan(&[], &shown("AB", "AB"));
    assert_eq!((same.hypervisors[0].1.pin, same.appliances[0].1.pin), (None, None));
}

const URL: &str = "https://netbox.lan/";

fn text(plan: &Plan) -> String {
    let (url, trust): (Url, _) = (URL.parse().unwrap(), Trust { pin: Some(print("AB")), ..Trust::default() });
    let token_file = Path::new("evenkeel.netbox.secret");
    let netbox = Netbox { url: &url, version: "4.5.2", token_file, trust: &trust, insecure_http: false };
    config::text(&netbox, plan, "evenkeel")
}

/// Reads it where every secret is that it names.
fn read(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    for part in text.split("{ file = \"").skip(1) {
        std::fs::write(folder.path().join(part.split('"').next().unwrap()), "1-abcdef0123456789\n").unwrap();
    }
    let env = |_: &str| None;
    Config::parse(&folder.path().join("evenkeel.toml"), text, &env, jiff::Timestamp::now())
        .unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

/// With every `#` that waits for somebody taken away.
fn opened(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') && !rest.is_empty() => rest.to_owned(),
        Some(_) | None => line.to_owned(),
    };
    text.lines().map(|each| line(each) + "\n").collect()
}

#[test]
fn what_is_written_is_a_configuration_as_it_is_and_with_everything_that_waits() {
    let looked = Looked { certificates: vec![(at(11, 8006), print("CD"))], ..Looked::default() };
    let text = text(&plan(&[("box2-media", "http://192.168.2.16:2375")], &looked));
    let now = read(&text);
    assert_eq!((now.docker.len(), now.proxmox.len(), now.truenas.len(), now.sinks.len()), (1, 0, 0, 0));
    assert_eq!(now.netbox.trust.pin, Some(print("AB")));
    assert!(now.warnings.is_empty(), "{:?}", now.warnings);
    assert!(now.docker[0].insecure_http && now.docker[0].host == Some(HostName::new("box2-media")));
    let later = read(&opened(&text));
    assert_eq!(
        (later.docker.len(), later.proxmox.len(), later.truenas.len(), later.sinks.len()),
        (2, 1, 1, 1)
    );
    assert_eq!(later.proxmox[0].source.trust.pin, Some(print("CD")));
    assert_eq!(later.proxmox[0].source.clusters, ["box2"]);
    assert_eq!(later.truenas[0].host, Some(HostName::new("TrueNAS")));
    assert_eq!(later.probe.unwrap().source.reference.len(), 1);
    assert!(now.probe.unwrap().source.reference.is_empty());
}

#[test]
fn a_probe_that_is_not_wanted_waits_like_everything_else() {
    let plan = Plan { probes: false, ..plan(&[], &Looked::default()) };
    let text = text(&plan);
    assert!(read(&text).probe.is_none());
    assert!(read(&opened(&text)).probe.is_some());
}

#[test]
fn no_name_in_netbox_can_write_a_setting() {
    let evil = "x\"\n[http]\nlisten = \"0.0.0.0:1\"\n#\u{1b}[31m\u{7f}\u{2028}";
    let hosts = vec![
        device(evil, |host| {
            (host.cluster, host.primary_ip) = (Some(evil.into()), ip(1));
            host.services = vec![service(evil, Port::tcp(1)), service("pve", Port::tcp(8006))];
        }),
        host(evil, |host| (host.tags, host.primary_ip) = (vec!["docker".into()], ip(2))),
        device("nas", |host| {
            (host.cluster, host.observed_by) = (Some("n".into()), vec![SourceKind::Truenas]);
        }),
    ];
    let clusters = [Cluster { name: evil.into(), kind: format!("proxmox {evil}").into() }];
    let plan = make(find(&hosts, Some(&clusters)), &hosts, &[], &Looked::default()).unwrap();
    for text in [text(&plan), opened(&text(&plan))] {
        let config = read(&text);
        assert!(config.http.listen.ip().is_loopback());
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7f}'));
    }
    for shown in [tell::found(&plan, 100), tell::steps(&plan, Path::new("e.toml"), "e", None)] {
        assert!(
            !shown.contains("[31mx") && !shown.contains("\n[http]") && !shown.contains('\u{7f}'),
            "{shown}"
        );
    }
}

#[test]
fn the_steps_name_files_as_a_shell_takes_them() {
    let plan = plan(&[], &Looked::default());
    let steps = tell::steps(&plan, Path::new("/srv/my lab/it's.toml"), "it's", ip(20));
    assert!(steps.contains("cat > '/srv/my lab/it'\\''s.box2.secret'"), "{steps}");
    assert!(steps.contains("EVENKEEL_FROM=192.168.2.20"), "{steps}");
    assert!(recipes::PVEUM.iter().all(|line| steps.contains(line)), "{steps}");
    let nothing = Plan { engines: Vec::new(), hypervisors: Vec::new(), appliances: Vec::new(), ..plan };
    assert_eq!(tell::steps(&nothing, Path::new("e.toml"), "e", None), "");
}

#[test]
fn two_systems_of_one_name_have_two_files() {
    let nas = |name: &str| device(name, |host| host.observed_by = vec![SourceKind::Truenas]);
    let hosts = [nas("nas/1"), nas("NAS 1"), nas("***")];
    let plan = make(find(&hosts, None), &hosts, &[], &Looked::default()).unwrap();
    let names: BTreeMap<&str, &str> =
        plan.appliances.iter().map(|(found, login)| (found.host.as_str(), login.name.as_str())).collect();
    assert_eq!(names, BTreeMap::from([("***", "unnamed"), ("NAS 1", "nas-1-2"), ("nas/1", "nas-1")]));
}
