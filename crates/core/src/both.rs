//! Both sides of every service of one host: what is declared of it beside what is seen of it, and what the comparison
//! says. Not here: the comparison itself ([`crate::judge`], whose verdicts these are), the ledger, words for people.

use crate::coverage::{Gap, Lookup};
use crate::diff::service_names;
use crate::drift::Drift;
use crate::id::{DriftId, ServiceName};
use crate::judge::{Case, Seen, ServiceCase};
use crate::model::{Demand, ExpectedHost, ExpectedService, HostView, ObservedService};

/// One service with both its sides.
#[derive(Clone, Debug)]
pub struct Both<'a> {
    /// Its name: the declared one where it is declared.
    pub name: &'a ServiceName,
    /// What NetBox says.
    pub expected: Lookup<'a, ExpectedService>,
    /// What is asked of it; `None` where it is not declared, or nobody can say.
    pub demand: Option<Demand>,
    /// What the sources say together.
    pub sighting: Sighting<'a>,
    /// How the two compare at this moment, before anything is confirmed, folded or accepted.
    pub drifts: Vec<Drift>,
}

/// What all sources that were asked about a service say together.
#[derive(Clone, Copy, Debug)]
pub enum Sighting<'a> {
    /// This source shows it.
    Present(&'a HostView, &'a ObservedService),
    /// Everybody who was asked proves that it is not there; one of them.
    Absent(&'a HostView),
    /// Somebody who was asked cannot say.
    Unknown(&'a Gap),
    /// Nobody was asked: no source looks where it would be.
    Unwatched,
}

/// Both sides of every service that either truth speaks about, by name.
pub fn services(case: Case<'_>) -> Vec<Both<'_>> {
    let host = declared(case);
    service_names(case, host).into_iter().map(|name| of(case, host, name)).collect()
}

/// How many services must run there of which no source would see whether they do.
pub fn unwatched(case: Case<'_>) -> usize {
    let Some(host) = declared(case) else {
        return 0;
    };
    let must_run =
        |service: &&ExpectedService| Demand::of_service(host.demand(), service.lifecycle) == Demand::Run;
    let is_unseen = |service: &ExpectedService| {
        matches!(crate::judge::seen(case, &service.name, Some(service)), Seen::Uncovered)
    };
    host.services.iter().filter(must_run).filter(|service| is_unseen(service)).count()
}

fn declared(case: Case<'_>) -> Option<&ExpectedHost> {
    match case.expected.host() {
        Lookup::Present(host) => Some(host),
        Lookup::Absent | Lookup::Unknown(_) => None,
    }
}

fn of<'a>(case: Case<'a>, host: Option<&'a ExpectedHost>, name: &'a ServiceName) -> Both<'a> {
    let expected = case.expected.service(name);
    let service = match expected {
        Lookup::Present(service) => Some(service),
        Lookup::Absent | Lookup::Unknown(_) => None,
    };
    let sighting = match crate::judge::seen(case, name, service) {
        Seen::Present(view, seen) | Seen::AtLeast(view, seen, _) => Sighting::Present(view, seen),
        Seen::Absent(view) => Sighting::Absent(view),
        Seen::Unknown(gap) => Sighting::Unknown(gap),
        Seen::Uncovered => Sighting::Unwatched,
    };
    let mut drifts = Vec::new();
    ServiceCase::new(case, name).drifts(&mut drifts);
    let demand =
        host.zip(service).map(|(host, service)| Demand::of_service(host.demand(), service.lifecycle));
    Both { name, expected, demand, sighting, drifts }
}

impl Both<'_> {
    /// The drifts it would be, in the order of their types.
    pub fn drift_ids(&self) -> impl Iterator<Item = &DriftId> {
        self.drifts.iter().map(|drift| &drift.id)
    }
}
