//! The world in words: what each source, each host and each service looks like at this moment, for API, pages, metrics and
//! command line. Not here: what only the collectors or the ledger know of them (`view`).

use std::collections::BTreeSet;
use std::sync::Arc;

use evenkeel_core::both::{self, Both, Sighting};
use evenkeel_core::identity::canonical;
use evenkeel_core::model::{Demand, Expected, ExpectedHost, HostView, Observed};
use evenkeel_core::{Case, Coverages, DriftId, Fact, HostName, Lookup, Report, SourceId, Subject};
use evenkeel_web::{
    ExpectedService, HostStatus, MachineStatus, ObservedService, ServiceStatus, Sight, SourceStatus,
};
use jiff::Timestamp;

use super::World;
use super::observations::Observation;
use super::sites::Site;

impl World {
    /// Every source, NetBox first. What runs on a source's own machine and the machines it looks after are two.
    pub fn source_statuses(&self, now: Timestamp) -> Vec<SourceStatus> {
        let hosts = self.observations.values().map(|of| of_host(of));
        let sites = self.sites.values().map(|site| of_site(site, now));
        std::iter::once(self.of_intent()).chain(hosts).chain(sites).collect()
    }

    /// One source, as the first of [`World::source_statuses`] that is its own.
    pub fn source_status(&self, id: &SourceId, now: Timestamp) -> Option<SourceStatus> {
        if *id == self.intent.source {
            return Some(self.of_intent());
        }
        let host = self.observations.get(id).map(|of| of_host(of));
        host.or_else(|| self.sites.get(id).map(|site| of_site(site, now)))
    }

    fn of_intent(&self) -> SourceStatus {
        let (coverage, evidence) = self.intent.state();
        let complete = self.intent.complete();
        SourceStatus {
            source: self.intent.source.clone(),
            host: None,
            coverage,
            answered_at: answered(evidence.observed_at),
            complete_at: complete.map(|inventory| inventory.observed_at),
            blind_since: self.intent.blind_since,
            objects: complete
                .map_or(0, |i| i.hosts.len() + i.hosts.iter().map(|h| h.services.len()).sum::<usize>()),
            asking: None,
        }
    }

    /// The host of this name, as names are matched everywhere: its own spelling, any case, without its domain.
    pub fn called(&self, name: &HostName) -> Option<HostName> {
        let exact = Subject::Host(name.clone());
        if self.intent.host(name).is_some() || self.by_subject.contains_key(&exact) {
            return Some(name.clone());
        }
        let subjects = self.subjects();
        subjects.iter().filter_map(Subject::host).find(|host| is_called(host, name)).cloned()
    }

    /// One host, without what only the ledger knows of it.
    pub fn host_status(&self, name: &HostName, now: Timestamp) -> HostStatus {
        let (expected, observed) = self.both(name, now);
        self.status_of(name, &expected, &observed)
    }

    /// Every host, and how much of each truth the other one confirms.
    pub fn host_statuses(&self, now: Timestamp) -> (Vec<HostStatus>, Coverages) {
        let mut coverages = Coverages::default();
        let subjects = self.subjects();
        let hosts = subjects.iter().filter_map(Subject::host).map(|name| {
            let (expected, observed) = self.both(name, now);
            coverages.add(Coverages::of(&expected, &observed, &self.policy.rules));
            self.status_of(name, &expected, &observed)
        });
        let hosts = hosts.collect();
        (hosts, coverages)
    }

    fn both(&self, name: &HostName, now: Timestamp) -> (Expected, Observed) {
        (self.intent.expected(name), self.observed(&Subject::Host(name.clone()), now))
    }

    fn status_of(&self, name: &HostName, expected: &Expected, observed: &Observed) -> HostStatus {
        let subject = Subject::Host(name.clone());
        let case = Case { subject: &subject, expected, observed, rules: &self.policy.rules };
        let host = match expected.host() {
            Lookup::Present(host) => Some(host),
            Lookup::Absent | Lookup::Unknown(_) => None,
        };
        let text = |value: Option<&Arc<str>>| value.map(|v| v.to_string());
        let required = |h: &ExpectedHost| {
            h.services.iter().filter(|s| Demand::of_service(h.demand(), s.lifecycle) == Demand::Run).count()
        };
        let machines: Vec<_> = observed.views().iter().filter_map(|view| machine(view)).collect();
        HostStatus {
            host: name.clone(),
            declared: match expected.host() {
                Lookup::Present(_) => Some(true),
                Lookup::Absent => Some(false),
                Lookup::Unknown(_) => None,
            },
            status: host.map(|h| h.status.to_string()),
            site: host.and_then(|h| text(h.site.as_ref())),
            tenant: host.and_then(|h| text(h.tenant.as_ref())),
            cluster: host.and_then(|h| text(h.cluster.as_ref())).or_else(|| found_in(observed)),
            node: self.carrier_of(&subject).or_else(|| host.and_then(|h| h.node.clone())),
            expected_services: host.map_or(0, |h| h.services.len()),
            required_services: host.map_or(0, required),
            unwatched_services: both::unwatched(case),
            judged_since: None,
            sources: observed.views().iter().map(|v| v.source.clone()).collect(),
            blind: observed
                .views()
                .iter()
                .filter(|v| !v.coverage.is_complete())
                .map(|v| v.source.clone())
                .collect(),
            machines,
        }
    }

    /// The node that a machine was last seen on, if it is a known one.
    fn carrier_of(&self, subject: &Subject) -> Option<HostName> {
        self.sites.values().find_map(|site| site.node(site.carrier(subject)?)).cloned()
    }

    /// Both sides of every service of one host. What a rule accepts is no difference.
    pub fn services(&self, name: &HostName, now: Timestamp) -> Vec<ServiceStatus> {
        let (expected, observed) = self.both(name, now);
        let subject = Subject::Host(name.clone());
        let case =
            Case { subject: &subject, expected: &expected, observed: &observed, rules: &self.policy.rules };
        let sensitive = matches!(expected.host(), Lookup::Present(host) if host.sensitive);
        let both = both::services(case);
        let drifted = both.iter().flat_map(|service| service.drifts.iter().cloned()).collect();
        let report = self.policy.apply(Report { drifted, ..Report::default() }, &expected, now);
        let counts: BTreeSet<DriftId> = report.drifted.into_iter().map(|drift| drift.id).collect();
        both.iter().map(|service| service_status(service, sensitive, &counts)).collect()
    }
}

/// The cluster that a machine was found in.
fn found_in(observed: &Observed) -> Option<String> {
    let machines = observed.views().iter().filter_map(|view| view.facts.machine.as_ref());
    machines.filter_map(|machine| machine.cluster.as_ref()).map(ToString::to_string).next()
}

fn service_status(both: &Both<'_>, sensitive: bool, counts: &BTreeSet<DriftId>) -> ServiceStatus {
    let Both { name, expected, demand, sighting, drifts: _ } = both;
    let (sight, gap, view, seen) = match sighting {
        Sighting::Present(view, seen) => (Sight::Present, None, Some(view), Some(seen)),
        Sighting::Absent(view) => (Sight::Absent, None, Some(view), None),
        Sighting::Unknown(gap) => (Sight::Unknown, Some((*gap).clone()), None, None),
        Sighting::Unwatched => (Sight::Unwatched, None, None, None),
    };
    let (declared, service, undecided) = match expected {
        Lookup::Present(service) => (Some(true), Some(*service), None),
        Lookup::Absent => (Some(false), None, None),
        Lookup::Unknown(gap) => (None, None, Some((*gap).clone())),
    };
    let open = |text: Option<&Arc<str>>| text.filter(|_| !sensitive).map(ToString::to_string);
    ServiceStatus {
        service: (*name).clone(),
        declared,
        demand: *demand,
        expected: service.map(|service| ExpectedService {
            ports: (!sensitive).then(|| service.ports.clone()),
            lifecycle: service.lifecycle,
            image: open(service.image.as_ref()),
            role: open(service.role.as_ref()),
        }),
        sight,
        gap: gap.or(undecided),
        observed: seen.map(|seen| ObservedService {
            state: seen.state.clone(),
            ports: match &seen.ports {
                Fact::Known(ports) => Fact::Known((ports.open.clone(), ports.loopback.clone())),
                Fact::Unknown(gap) => Fact::Unknown(gap.clone()),
            },
            image: open(seen.image.as_ref()),
            role: open(seen.role.as_ref()),
        }),
        source: view.map(|view| view.source.clone()),
        observed_at: view.map(|view| view.observed_at),
        differs: both.drift_ids().filter(|id| counts.contains(*id)).cloned().collect(),
    }
}

fn of_host(observation: &Observation) -> SourceStatus {
    let complete = observation.last_complete();
    SourceStatus {
        source: observation.id.clone(),
        host: observation.subject.host().cloned(),
        coverage: observation.identity_coverage(),
        answered_at: answered(observation.answered_at()),
        complete_at: complete.map(|(at, _)| at),
        blind_since: observation.blind_since,
        objects: complete.map_or(0, |(_, services)| services),
        asking: None,
    }
}

fn of_site(site: &Site, now: Timestamp) -> SourceStatus {
    SourceStatus {
        source: site.id.clone(),
        host: None,
        coverage: site.coverage_at(now),
        answered_at: answered(site.observed_at),
        complete_at: site.complete_at,
        blind_since: site.blind_since,
        objects: site.machines(),
        asking: None,
    }
}

/// The machine as one view shows it from outside, if the view speaks about machines.
fn machine(view: &HostView) -> Option<MachineStatus> {
    let status = |kind, state, node| MachineStatus {
        source: view.source.to_string(),
        kind,
        state,
        node,
        observed_at: view.observed_at,
    };
    Some(match view.machine()? {
        Lookup::Present(machine) => {
            let state = machine.state.known().ok().map(|state| state.as_str().into());
            status(Some(machine.kind), state, machine.node.as_ref().map(ToString::to_string))
        }
        Lookup::Absent => status(None, Some("absent".into()), None),
        Lookup::Unknown(_) => status(None, None, None),
    })
}

/// The epoch stands for "never" inside the world; it does not leave it.
fn answered(at: Timestamp) -> Option<Timestamp> {
    (at != Timestamp::UNIX_EPOCH).then_some(at)
}

/// Whether a host of this name is meant.
pub fn is_called(host: &HostName, name: &HostName) -> bool {
    host.as_str().eq_ignore_ascii_case(name.as_str()) || canonical(host.as_str()) == canonical(name.as_str())
}
