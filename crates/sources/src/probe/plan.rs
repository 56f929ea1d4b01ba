//! What is to be probed, decided from intent alone: pure. What does not live here: probing.

use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_core::SourceKind;
use evenkeel_core::model::{Demand, ExpectedHost, ExpectedService, Lifecycle, Ports, Protocol};
use wildmatch::WildMatch;

use super::target::{HttpCheck, ServiceCheck, ServiceTarget, Target};

/// What the operator wants probed, beside what is declared `observed_by` a probe.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The slug of the tag that asks for it, on a service or on a host.
    pub tag: Arc<str>,
    /// Globs of hosts all of whose services are probed.
    pub hosts: Vec<WildMatch>,
    /// Globs of services that are probed on whichever host.
    pub services: Vec<WildMatch>,
    /// Globs of hosts that are asked whether they answer, and nothing else.
    pub reachability: Vec<WildMatch>,
    /// Which services are asked as web servers. The first rule that matches decides.
    pub http: Vec<HttpRule>,
    /// Where hosts are from here, if not where they are declared. The first rule that matches decides.
    pub addresses: Vec<AddressRule>,
}

/// A host that is reached at another address from here than the declared one: through a VPN or a forwarded port.
#[derive(Clone, Debug)]
pub struct AddressRule {
    /// Globs of hosts.
    pub hosts: Vec<WildMatch>,
    /// Where they are.
    pub address: IpAddr,
}

/// Services that are asked as web servers.
#[derive(Clone, Debug)]
pub struct HttpRule {
    /// Globs of hosts; empty: all.
    pub hosts: Vec<WildMatch>,
    /// Globs of services; empty: all.
    pub services: Vec<WildMatch>,
    /// How they are asked.
    pub check: HttpCheck,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            tag: Arc::from("probe"),
            hosts: Vec::new(),
            services: Vec::new(),
            reachability: Vec::new(),
            http: Vec::new(),
            addresses: Vec::new(),
        }
    }
}

/// The targets among these hosts, in their order. Only ports that are declared are ever tried, and only on machines
/// that must run or may: what should be off is not knocked at.
pub fn targets<'a>(hosts: impl IntoIterator<Item = &'a ExpectedHost>, selection: &Selection) -> Vec<Target> {
    let wanted = hosts.into_iter().filter(|host| match host.demand() {
        Demand::Run | Demand::MayRun => true,
        Demand::Either | Demand::NotRun => false,
    });
    wanted.filter_map(|host| target(host, selection)).collect()
}

fn target(host: &ExpectedHost, selection: &Selection) -> Option<Target> {
    let name = host.name.as_str();
    let whole_host = has(&host.tags, &selection.tag)
        || any(&selection.hosts, name)
        || (!host.observed_by.is_empty() && host.observed_by.iter().all(|kind| *kind == SourceKind::Probe));
    let chosen: Vec<ServiceTarget> = host
        .services
        .iter()
        .filter(|service| whole_host || asks(host, service, selection))
        .filter_map(|service| service_target(host, service, selection))
        .collect();
    let reachable_only = chosen.is_empty();
    let services = if reachable_only {
        if !whole_host && !any(&selection.reachability, name) {
            return None;
        }
        host.services.iter().filter_map(|service| service_target(host, service, selection)).collect()
    } else {
        chosen
    };
    Some(Target { host: host.name.clone(), addresses: addresses(host, selection), services, reachable_only })
}

/// Whether this service asks to be probed: by its tag, by `observed_by` (its own, or its host's), or by the operator's
/// globs.
fn asks(host: &ExpectedHost, service: &ExpectedService, selection: &Selection) -> bool {
    let observed_by = if service.observed_by.is_empty() { &host.observed_by } else { &service.observed_by };
    has(&service.tags, &selection.tag)
        || observed_by.contains(&SourceKind::Probe)
        || any(&selection.services, service.name.as_str())
}

/// `None` for a service without a TCP port that could tell anything about it: it is left to other sources, rather than
/// listed as something nobody can know.
fn service_target(
    host: &ExpectedHost,
    service: &ExpectedService,
    selection: &Selection,
) -> Option<ServiceTarget> {
    let ports: Ports = service
        .ports
        .as_slice()
        .iter()
        .copied()
        // Where a retired service's port belongs to another one now, an answer says nothing about the retired one.
        .filter(|port| service.lifecycle != Some(Lifecycle::Retired) || !is_in_use(host, service, *port))
        .collect();
    if !ports.as_slice().iter().any(|port| port.protocol == Protocol::Tcp) {
        return None;
    }
    let matching = selection.http.iter().find(|rule| {
        let fits = |globs: &[WildMatch], name: &str| globs.is_empty() || any(globs, name);
        fits(&rule.hosts, host.name.as_str()) && fits(&rule.services, service.name.as_str())
    });
    let check = matching.map_or(ServiceCheck::Tcp, |rule| ServiceCheck::Http(rule.check.clone()));
    Some(ServiceTarget { name: service.name.clone(), ports, check })
}

fn is_in_use(host: &ExpectedHost, retired: &ExpectedService, port: evenkeel_core::model::Port) -> bool {
    host.services.iter().any(|other| {
        other.name != retired.name
            && other.lifecycle != Some(Lifecycle::Retired)
            && other.ports.contains(port)
    })
}

/// The primary address first. The others are left out where they mean nothing from elsewhere.
fn addresses(host: &ExpectedHost, selection: &Selection) -> Vec<IpAddr> {
    if let Some(rule) = selection.addresses.iter().find(|rule| any(&rule.hosts, host.name.as_str())) {
        return vec![rule.address];
    }
    let others = host.addresses.iter().copied().filter(|ip| Some(*ip) != host.primary_ip && is_remote(*ip));
    host.primary_ip.into_iter().chain(others).collect()
}

fn is_remote(ip: IpAddr) -> bool {
    let link_local = match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let canonical = ip.to_canonical();
    !(link_local || canonical.is_loopback() || canonical.is_unspecified() || canonical.is_multicast())
}

fn has(tags: &[Arc<str>], tag: &str) -> bool {
    tags.iter().any(|own| own.eq_ignore_ascii_case(tag))
}

fn any(globs: &[WildMatch], name: &str) -> bool {
    globs.iter().any(|glob| glob.matches(name))
}

#[cfg(test)]
mod tests {
    use evenkeel_core::model::{HostKind, HostStatus, Port};
    use evenkeel_core::policy::Matcher;

    use super::*;

    fn service(name: &str, ports: &[&str]) -> ExpectedService {
        ExpectedService {
            name: name.into(),
            lifecycle: None,
            ports: ports.iter().map(|port| Port::parse(port).unwrap()).collect(),
            container_name: None,
            compose_project: None,
            role: None,
            image: None,
            observed_by: Vec::new(),
            tags: Vec::new(),
            netbox_ids: Vec::new(),
        }
    }

    fn host(name: &str, services: Vec<ExpectedService>) -> ExpectedHost {
        ExpectedHost {
            primary_ip: Some("192.168.2.33".parse().unwrap()),
            services,
            ..ExpectedHost::new(name, HostKind::Device, 1)
        }
    }

    /// The Windows machine: no API, two services.
    fn windows() -> ExpectedHost {
        host("whisper", vec![service("tts", &["5002"]), service("whisper", &["9000"])])
    }

    /// What is planned, in short: `host: service service`, in brackets where only reachability is asked.
    fn planned(host: ExpectedHost, selection: &Selection) -> String {
        let targets = targets([&host], selection);
        let words = |target: &Target| {
            let names: Vec<&str> = target.services.iter().map(|s| s.name.as_str()).collect();
            if target.reachable_only { format!("({})", names.join(" ")) } else { names.join(" ") }
        };
        targets.iter().map(words).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn nothing_is_probed_that_nobody_asked_for() {
        assert_eq!(planned(windows(), &Selection::default()), "");
    }

    #[test]
    fn a_tagged_service_is_probed_alone_and_a_tagged_host_with_all_its_services() {
        let mut tagged = windows();
        tagged.services[1].tags = vec!["Probe".into()];
        assert_eq!(planned(tagged, &Selection::default()), "whisper");
        let tagged = ExpectedHost { tags: vec!["probe".into()], ..windows() };
        assert_eq!(planned(tagged.clone(), &Selection::default()), "tts whisper");
        let renamed = Selection { tag: "knock".into(), ..Selection::default() };
        assert_eq!(planned(tagged, &renamed), "");
    }

    #[test]
    fn observed_by_counts_on_the_service_and_else_on_the_host() {
        let only = ExpectedHost { observed_by: vec![SourceKind::Probe], ..windows() };
        assert_eq!(planned(only.clone(), &Selection::default()), "tts whisper");
        let mut mixed =
            ExpectedHost { observed_by: vec![SourceKind::Docker, SourceKind::Probe], ..windows() };
        mixed.services[0].observed_by = vec![SourceKind::Docker];
        assert_eq!(planned(mixed, &Selection::default()), "whisper");
    }

    #[test]
    fn globs_choose_hosts_and_services() {
        let by_host = Selection { hosts: vec![Matcher::glob("WHIS*")], ..Selection::default() };
        assert_eq!(planned(windows(), &by_host), "tts whisper");
        let by_service = Selection { services: vec![Matcher::glob("t?s")], ..Selection::default() };
        assert_eq!(planned(windows(), &by_service), "tts");
    }

    #[test]
    fn a_machine_that_should_be_off_is_not_knocked_at() {
        let all = Selection { hosts: vec![Matcher::glob("*")], ..Selection::default() };
        for (status, probed) in [
            (HostStatus::Active, true),
            (HostStatus::Staged, true),
            (HostStatus::Planned, true),
            (HostStatus::Offline, false),
            (HostStatus::Decommissioning, false),
            (HostStatus::Failed, false),
        ] {
            assert_eq!(!planned(ExpectedHost { status, ..windows() }, &all).is_empty(), probed);
        }
    }

    #[test]
    fn what_has_no_tcp_port_is_left_to_others() {
        let all = Selection { hosts: vec![Matcher::glob("*")], ..Selection::default() };
        let services = vec![service("home-assistant", &["8123"]), service("mdns", &["5353/udp"])];
        assert_eq!(planned(host("ha", services), &all), "home-assistant");
        assert_eq!(planned(host("ha", vec![service("mdns", &["5353/udp"])]), &all), "()");
    }

    #[test]
    fn a_retired_service_is_judged_only_by_ports_that_are_nobody_elses() {
        let all = Selection { hosts: vec![Matcher::glob("*")], ..Selection::default() };
        let retired = |ports: &[&str]| ExpectedService {
            lifecycle: Some(Lifecycle::Retired),
            ..service("jackett", ports)
        };
        let with = |ports: &[&str]| host("media", vec![retired(ports), service("prowlarr", &["9696"])]);
        assert_eq!(planned(with(&["9117"]), &all), "jackett prowlarr");
        assert_eq!(planned(with(&["9696"]), &all), "prowlarr");
    }

    #[test]
    fn reachability_alone_borrows_the_declared_ports_as_doors() {
        let reach = Selection { reachability: vec![Matcher::glob("*")], ..Selection::default() };
        assert_eq!(planned(windows(), &reach), "(tts whisper)");
    }

    #[test]
    fn the_primary_address_comes_first_and_local_ones_are_no_use() {
        let ips = |texts: &[&str]| -> Vec<IpAddr> { texts.iter().map(|t| t.parse().unwrap()).collect() };
        let many = ExpectedHost {
            tags: vec!["probe".into()],
            addresses: ips(&["10.0.0.5", "127.0.0.1", "169.254.3.4", "192.168.2.33", "fe80::1", "fd00::5"]),
            ..windows()
        };
        let target = targets([&many], &Selection::default()).remove(0);
        assert_eq!(target.addresses, ips(&["192.168.2.33", "10.0.0.5", "fd00::5"]));
        let nowhere = ExpectedHost { primary_ip: None, tags: vec!["probe".into()], ..windows() };
        assert_eq!(targets([&nowhere], &Selection::default()).remove(0).addresses, ips(&[]));
    }

    #[test]
    fn a_host_is_looked_for_where_the_operator_says_and_else_where_it_is_declared() {
        let rule = |glob: &str, address: &str| AddressRule {
            hosts: vec![Matcher::glob(glob)],
            address: address.parse().unwrap(),
        };
        let selection = Selection {
            hosts: vec![Matcher::glob("*")],
            addresses: vec![rule("whis*", "10.8.0.33"), rule("*per", "10.8.0.34")],
            ..Selection::default()
        };
        let many = ExpectedHost { addresses: vec!["10.0.0.5".parse().unwrap()], ..windows() };
        assert_eq!(targets([&many], &selection)[0].addresses, ["10.8.0.33".parse::<IpAddr>().unwrap()]);
        let other = host("nas", vec![service("smb", &["445"])]);
        assert_eq!(targets([&other], &selection)[0].addresses, ["192.168.2.33".parse::<IpAddr>().unwrap()]);
    }

    #[test]
    fn the_first_web_rule_that_matches_decides() {
        let check = |path: &str| HttpCheck { path: path.into(), ..HttpCheck::default() };
        let rule = |service: &str, path: &str| HttpRule {
            hosts: Vec::new(),
            services: vec![Matcher::glob(service)],
            check: check(path),
        };
        let selection = Selection {
            hosts: vec![Matcher::glob("*")],
            http: vec![rule("tts", "/voices"), rule("t*", "/")],
            ..Selection::default()
        };
        let target = targets([&windows()], &selection).remove(0);
        assert_eq!(target.services[0].check, ServiceCheck::Http(check("/voices")));
        assert_eq!(target.services[1].check, ServiceCheck::Tcp);
    }
}
