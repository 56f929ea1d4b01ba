//! The world in words: what each source and each host looks like at this moment, for API, metrics and command line.

use evenkeel_core::model::{Demand, HostView};
use evenkeel_core::{HostName, Lookup, SourceId, Subject};
use evenkeel_web::{HostStatus, MachineStatus, SourceStatus};
use jiff::Timestamp;

use super::observations::Observation;
use super::sites::Site;
use super::{Slice, World};

impl World {
    /// Every source, NetBox first. What runs on a source's own machine and the machines it looks after are two.
    pub fn source_statuses(&self, now: Timestamp) -> Vec<SourceStatus> {
        let hosts = self.observations.values().map(of_host);
        let sites = self.sites.values().map(|site| of_site(site, now));
        std::iter::once(self.of_intent()).chain(hosts).chain(sites).collect()
    }

    /// One source, as the first of [`World::source_statuses`] that is its own.
    pub fn source_status(&self, id: &SourceId, now: Timestamp) -> Option<SourceStatus> {
        if *id == self.intent.source {
            return Some(self.of_intent());
        }
        let host = self.observations.get(id).map(of_host);
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
        }
    }

    /// One host.
    pub fn host_status(&self, name: &HostName, now: Timestamp) -> HostStatus {
        let subject = Subject::Host(name.clone());
        let Slice::Host { expected, observed, .. } = self.slice(&subject, now) else {
            return HostStatus {
                host: name.clone(),
                declared: None,
                status: None,
                site: None,
                tenant: None,
                expected_services: 0,
                required_services: 0,
                sources: Vec::new(),
                blind: Vec::new(),
                machines: Vec::new(),
            };
        };
        let host = match expected.host() {
            Lookup::Present(host) => Some(host),
            Lookup::Absent | Lookup::Unknown(_) => None,
        };
        let text = |value: Option<&std::sync::Arc<str>>| value.map(|v| v.to_string());
        let required = |h: &evenkeel_core::model::ExpectedHost| {
            h.services.iter().filter(|s| Demand::of_service(h.demand(), s.lifecycle) == Demand::Run).count()
        };
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
            expected_services: host.map_or(0, |h| h.services.len()),
            required_services: host.map_or(0, required),
            sources: observed.views().iter().map(|v| v.source.clone()).collect(),
            blind: observed
                .views()
                .iter()
                .filter(|v| !v.coverage.is_complete())
                .map(|v| v.source.clone())
                .collect(),
            machines: observed.views().iter().filter_map(|view| machine(view)).collect(),
        }
    }
}

fn of_host(observation: &Observation) -> SourceStatus {
    let complete = observation.last_complete();
    SourceStatus {
        source: observation.id.clone(),
        host: observation.subject.host().cloned(),
        coverage: observation.identity_coverage(),
        answered_at: answered(observation.newest().observed_at),
        complete_at: complete.map(|snapshot| snapshot.observed_at),
        blind_since: observation.blind_since,
        objects: complete.map_or(0, |snapshot| snapshot.services.len()),
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
