//! Which observed service a declared one is: explicit link (label `evenkeel.service`, NetBox's `container_name`), then
//! Compose service, then container name, then configured alias.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::coverage::{Fact, Gap, GapKind};
use crate::id::{HostName, ServiceName};
use crate::model::{ExpectedHost, ExpectedService, Hints, HostSnapshot, HostView, ObservedService};

/// Another name a declared service answers to, set by the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The host it holds on; `None` = everywhere.
    pub host: Option<HostName>,
    /// The declared name.
    pub service: ServiceName,
    /// The container name or Compose service it also answers to.
    pub also: Arc<str>,
}

/// Decides identity for one source's answer about one host: every observed service that is a declared one takes the
/// declared name. The result is sorted by name. What more than one thing claims becomes unknown, not a guess.
///
/// What is equal to the declaration shares its text with it: both truths hold it once, and the comparison sees at the
/// pointer that it is equal.
pub fn bind(snapshot: HostSnapshot, expected: Option<&ExpectedHost>, aliases: &[Alias]) -> HostView {
    let HostSnapshot { source, started, observed_at, coverage, mut facts, mut services } = snapshot;
    let mut ambiguous = Vec::new();
    if let Some(host) = expected {
        if let Some(Fact::Known(name)) = &mut facts.name {
            share(name, host.name.text());
        }
        let claims = claims(host, &services, aliases);
        rename(host, &claims, &mut services, &mut ambiguous);
    }
    if expected.is_some_and(|host| host.sensitive) {
        services.iter_mut().for_each(redact);
        facts.notes.clear();
        facts.machine = facts.machine.map(|machine| Box::new(machine.redacted()));
    }
    services.sort_by(|a, b| a.name.cmp(&b.name));
    make_unique(&mut services, &mut ambiguous);
    ambiguous.sort_by(|a, b| a.0.cmp(&b.0));
    HostView { source, started, observed_at, coverage, facts, services, ambiguous }
}

/// Gives what is claimed once the declared name. What is claimed twice, and what claims twice, is taken out: one of
/// the claimants is the declared one, so none may be shown as undeclared beside the ambiguity.
fn rename(
    host: &ExpectedHost,
    claims: &[(&ExpectedService, Vec<usize>)],
    services: &mut Vec<ObservedService>,
    ambiguous: &mut Vec<(ServiceName, Gap)>,
) {
    let mut claimants: Vec<Vec<&ExpectedService>> = vec![Vec::new(); services.len()];
    for (declared, found) in claims {
        found.iter().for_each(|i| claimants[*i].push(declared));
    }
    let mut unclear = vec![false; services.len()];
    for (declared, found) in claims {
        let gap = match found.as_slice() {
            [] => continue,
            [one] if claimants[*one].len() == 1 => continue,
            [one] => contested(&services[*one], &claimants[*one]),
            several => ambiguity(&declared.name, several, services),
        };
        found.iter().for_each(|i| unclear[*i] = true);
        ambiguous.push((declared.name.clone(), gap));
    }
    for (service, claimants) in services.iter_mut().zip(&claimants) {
        match claimants.first() {
            Some(declared) => take_name(service, declared),
            None => own_name(host, service),
        }
    }
    let mut unclear = unclear.into_iter();
    services.retain(|_| !unclear.next().unwrap_or(false));
}

fn take_name(service: &mut ObservedService, declared: &ExpectedService) {
    service.name = declared.name.clone();
    for (real, declared) in [(&mut service.role, &declared.role), (&mut service.image, &declared.image)] {
        if let (Some(real), Some(declared)) = (real, declared) {
            share(real, declared);
        }
    }
}

fn share(real: &mut Arc<str>, declared: &Arc<str>) {
    if real == declared {
        real.clone_from(declared);
    }
}

/// What was found to be no declared service must not pass for one by the name its source happens to give it.
fn own_name(host: &ExpectedHost, service: &mut ObservedService) {
    let Hints { label, compose_project, compose_service, container_name: _ } = &*service.hints;
    let other = match (host.service(&service.name), label, compose_project) {
        (None, _, _) => return,
        // Its owner calls it otherwise.
        (Some(_), Some(label), _) => label.to_string(),
        (Some(declared), None, Some(project))
            if declared.compose_project.as_ref().is_some_and(|p| p != project) =>
        {
            format!("{project}/{}", compose_service.as_deref().unwrap_or(service.name.as_str()))
        }
        // Nothing speaks against it: the source itself says that this is its name.
        (Some(_), None, Some(_) | None) => return,
    };
    service.name = ServiceName::new(other);
}

/// For each declared service the observed ones that answer to it at the best level that has any. An observed thing
/// that is claimed at a better level by another declaration is not available at a weaker one.
fn claims<'a>(
    host: &'a ExpectedHost,
    services: &[ObservedService],
    aliases: &[Alias],
) -> Vec<(&'a ExpectedService, Vec<usize>)> {
    let index = Index::new(services);
    let mut taken = vec![false; services.len()];
    let mut found: Vec<(&ExpectedService, Vec<usize>)> =
        host.services.iter().map(|s| (s, Vec::new())).collect();
    for level in LEVELS {
        let mut newly = Vec::new();
        for (declared, found) in &mut found {
            if !found.is_empty() {
                continue;
            }
            let free = |i: &usize| !taken[*i] && in_project(declared, &services[*i]);
            found.extend(level(&index, declared, host, aliases).into_iter().filter(free));
            found.sort_unstable();
            found.dedup();
            newly.extend_from_slice(found);
        }
        for i in newly {
            taken[i] = true;
        }
    }
    found
}

type Level = fn(&Index, &ExpectedService, &ExpectedHost, &[Alias]) -> Vec<usize>;

const LEVELS: [Level; 4] = [
    |index, declared, _, _| {
        let linked = declared.container_name.as_deref().map(|name| index.container(name)).unwrap_or_default();
        [index.label(declared.name.as_str()), linked].concat()
    },
    |index, declared, _, _| index.compose(declared.name.as_str()),
    |index, declared, _, _| index.container(declared.name.as_str()),
    |index, declared, host, aliases| {
        let applies =
            |a: &&Alias| a.service == declared.name && a.host.as_ref().is_none_or(|h| *h == host.name);
        aliases
            .iter()
            .filter(applies)
            .flat_map(|alias| [index.compose(&alias.also), index.container(&alias.also)].concat())
            .collect()
    },
];

/// Observed services by each of their names. Names match in any case, because people write NetBox for people and
/// Compose files for machines; where one matches exactly, only that one counts.
struct Index<'a> {
    labels: Names<'a>,
    compose: Names<'a>,
    containers: Names<'a>,
}

type Names<'a> = BTreeMap<String, Vec<(&'a str, usize)>>;

impl<'a> Index<'a> {
    fn new(services: &'a [ObservedService]) -> Self {
        let mut index =
            Self { labels: BTreeMap::new(), compose: BTreeMap::new(), containers: BTreeMap::new() };
        let put = |names: &mut Names<'a>, name: &'a Option<Arc<str>>, i| {
            if let Some(name) = name {
                names.entry(name.to_lowercase()).or_default().push((name, i));
            }
        };
        for (i, service) in services.iter().enumerate() {
            let Hints { label, compose_project: _, compose_service, container_name } = &*service.hints;
            put(&mut index.labels, label, i);
            // Where the operator said what it is, its other names no longer count.
            if label.is_none() {
                put(&mut index.compose, compose_service, i);
                put(&mut index.containers, container_name, i);
            }
        }
        index
    }

    fn label(&self, name: &str) -> Vec<usize> {
        named(&self.labels, name)
    }

    fn compose(&self, name: &str) -> Vec<usize> {
        named(&self.compose, name)
    }

    fn container(&self, name: &str) -> Vec<usize> {
        named(&self.containers, name)
    }
}

fn named(names: &Names<'_>, name: &str) -> Vec<usize> {
    let found = names.get(&name.to_lowercase()).map(Vec::as_slice).unwrap_or_default();
    let of = |exact: bool| found.iter().filter(move |(n, _)| !exact || *n == name).map(|(_, i)| *i);
    if of(true).next().is_some() { of(true).collect() } else { of(false).collect() }
}

fn in_project(declared: &ExpectedService, observed: &ObservedService) -> bool {
    match (&declared.compose_project, &observed.hints.compose_project) {
        (Some(wanted), Some(real)) => wanted == real,
        (Some(_) | None, None) | (None, Some(_)) => true,
    }
}

fn ambiguity(declared: &ServiceName, several: &[usize], services: &[ObservedService]) -> Gap {
    let names: Vec<String> = several.iter().map(|i| describe(&services[*i])).collect();
    Gap::new(GapKind::Ambiguous, format!("{} all answer to {declared}", names.join(" and ")))
}

fn contested(service: &ObservedService, claimants: &[&ExpectedService]) -> Gap {
    let names: Vec<&str> = claimants.iter().map(|declared| declared.name.as_str()).collect();
    Gap::new(GapKind::Ambiguous, format!("{} is claimed by {}", describe(service), names.join(" and ")))
}

fn describe(service: &ObservedService) -> String {
    match (&service.hints.compose_project, &service.hints.container_name) {
        (Some(project), _) => format!("{} of project {project}", service.name),
        (None, Some(container)) => format!("container {container}"),
        (None, None) => service.name.to_string(),
    }
}

/// Two things of one name after binding (a declaration took a name an undeclared thing already had, or a source named
/// two things alike): neither can stand for the name.
fn make_unique(services: &mut Vec<ObservedService>, ambiguous: &mut Vec<(ServiceName, Gap)>) {
    let mut start = 0;
    let mut keep = Vec::with_capacity(services.len());
    while start < services.len() {
        let same = services[start..].iter().take_while(|s| s.name == services[start].name).count();
        if same > 1 {
            let name = services[start].name.clone();
            let all: Vec<usize> = (start..start + same).collect();
            if !ambiguous.iter().any(|(n, _)| *n == name) {
                ambiguous.push((name.clone(), ambiguity(&name, &all, services)));
            }
        }
        keep.extend(std::iter::repeat_n(same == 1, same));
        start += same;
    }
    let mut keep = keep.into_iter();
    services.retain(|_| keep.next().unwrap_or(true));
}

/// A sensitive host: names and states only.
fn redact(service: &mut ObservedService) {
    service.ports = Fact::unknown(GapKind::Uncovered, "the host is marked sensitive");
    service.image = None;
    service.role = None;
}
