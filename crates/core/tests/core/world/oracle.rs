//! The comparison written a second time, slowly and from its meaning: what is unknown could be anything, and only what
//! holds whatever it turns out to be is drift.

use std::collections::BTreeSet;

use evenkeel_core::model::{Demand, ExpectedService, Health, HostView, ObservedService, Published, RunState};
use evenkeel_core::{
    Coverage, DriftId, EventType as T, Fact, Field, Gap, GapKind as G, Lookup, ServiceName, SourceKind as K,
};

use super::World;

/// Everything that is drift.
pub fn drifts(world: &World) -> BTreeSet<DriftId> {
    let mut found = BTreeSet::new();
    found.extend(blindness(world));
    found.extend(host_fields(world));
    for name in super::strategy::NAMES {
        let name = ServiceName::new(name);
        for (kind, field) in service(world, &name) {
            let id = DriftId::of_service(world.subject.host().unwrap(), &name, kind);
            found.insert(DriftId { field, ..id });
        }
    }
    found
}

fn gap_of(view: &HostView) -> Option<&Gap> {
    view.coverage.gap()
}

fn demand_of_host(world: &World) -> Option<Demand> {
    match world.expected.host() {
        Lookup::Present(host) => Some(host.demand()),
        Lookup::Absent | Lookup::Unknown(_) => None,
    }
}

fn blindness(world: &World) -> Vec<DriftId> {
    let intent_unknown = !world.expected.coverage().is_complete() && demand_of_host(world).is_none();
    let may_be_away = demand_of_host(world).is_some_and(|d| d != Demand::Run);
    let mut found = Vec::new();
    for view in world.observed.views() {
        let Some(gap) = gap_of(view) else { continue };
        let silent = matches!(gap.kind, G::Unreachable | G::TimedOut);
        if matches!(gap.kind, G::NotYetObserved | G::Uncovered) || silent && (may_be_away || intent_unknown) {
            continue;
        }
        let kind =
            if silent && view.source.kind == K::Docker { T::DockerUnreachable } else { T::SnapshotError };
        found.push(DriftId::of_source(world.subject.clone(), kind, &view.source));
    }
    found
}

/// The machine itself was seen at work.
fn machine_answers(view: &HostView) -> bool {
    let stale = gap_of(view).is_some_and(|g| g.kind == G::Stale);
    let works =
        |s: &ObservedService| matches!(s.state, Fact::Known(RunState::Running | RunState::Restarting));
    match view.source.kind {
        K::Docker | K::Truenas => view.coverage.is_complete() || !stale && view.services.iter().any(works),
        K::Probe | K::Push => !stale && view.services.iter().any(works),
        K::Proxmox | K::Netbox | K::Store => false,
    }
}

fn host_fields(world: &World) -> Vec<DriftId> {
    let name = world.subject.host().unwrap();
    let views = world.observed.views();
    let answers = views.iter().any(|v| machine_answers(v));
    let mut found = Vec::new();
    match world.expected.host() {
        Lookup::Unknown(_) | Lookup::Absent => {
            if answers && world.expected.coverage().is_complete() {
                found.push(Field::Identity);
            }
        }
        Lookup::Present(host) => {
            if host.contradictions.iter().any(|c| c.service.is_none()) {
                found.push(Field::Identity);
            }
            if host.demand() == Demand::NotRun && answers {
                found.push(Field::Status);
            }
            let other = |v: &HostView| matches!(&v.facts.name, Some(Fact::Known(n)) if &**n == "crate");
            if views.iter().any(|v| other(v)) {
                found.push(Field::Name);
            }
        }
    }
    found.into_iter().map(|field| DriftId::of_field(name, None, field)).collect()
}

/// What one view leaves possible about one service.
#[derive(Clone, Copy, PartialEq)]
enum Possible<'a> {
    Only(RunState, &'a ObservedService),
    Gone,
    Anything,
}

fn possible<'a>(view: &'a HostView, name: &ServiceName) -> Possible<'a> {
    let unclear =
        view.ambiguous.iter().any(|(n, _)| n == name) || gap_of(view).is_some_and(|g| g.kind == G::Stale);
    match view.services.iter().find(|s| s.name == *name) {
        _ if unclear => Possible::Anything,
        Some(s) => match &s.state {
            Fact::Known(state) => Possible::Only(*state, s),
            Fact::Unknown(_) => Possible::Anything,
        },
        None if view.coverage == Coverage::Complete => Possible::Gone,
        None => Possible::Anything,
    }
}

/// The views that speak about the service, first the one that is asked first.
fn speakers<'a>(world: &'a World, name: &ServiceName, e: Option<&ExpectedService>) -> Vec<Possible<'a>> {
    let views: Vec<_> = world
        .observed
        .views()
        .iter()
        .filter(|v| matches!(v.source.kind, K::Docker | K::Truenas | K::Push))
        .filter(|v| e.is_none_or(|e| e.observed_by.is_empty() || e.observed_by.contains(&v.source.kind)))
        .collect();
    let never_a_container = e.is_some() && world.rules.not_containers.iter().any(|n| n == name.as_str());
    if !never_a_container {
        return views.into_iter().map(|v| possible(v, name)).collect();
    }
    let others: Vec<_> = views
        .iter()
        .filter(|v| !matches!(v.source.kind, K::Docker | K::Truenas))
        .map(|v| possible(v, name))
        .collect();
    if !others.is_empty() {
        return others;
    }
    let engines: Vec<_> = views.iter().map(|v| possible(v, name)).collect();
    if !engines.iter().any(|p| matches!(p, Possible::Only(..))) {
        return Vec::new();
    }
    engines.into_iter().filter(|p| !matches!(p, Possible::Gone)).collect()
}

fn could_run(p: &Possible<'_>) -> bool {
    matches!(p, Possible::Anything | Possible::Only(RunState::Running, _))
}

/// The one observation that counts whatever the unknown ones turn out to be.
fn certain<'a>(all: &[Possible<'a>]) -> Option<(RunState, &'a ObservedService)> {
    for p in all {
        match p {
            Possible::Anything => return None,
            Possible::Only(RunState::Running, s) => return Some((RunState::Running, s)),
            Possible::Only(..) | Possible::Gone => {}
        }
    }
    all.iter().find_map(|p| match p {
        Possible::Only(RunState::Restarting, s) => Some((RunState::Restarting, *s)),
        Possible::Only(..) | Possible::Gone | Possible::Anything => None,
    })
}

fn service(world: &World, name: &ServiceName) -> Vec<(T, Option<Field>)> {
    let host = match world.expected.host() {
        Lookup::Present(host) => Some(host),
        Lookup::Absent | Lookup::Unknown(_) => None,
    };
    let e = host.and_then(|h| h.services.iter().find(|s| s.name == *name));
    // Only what NetBox was read in full about can be undeclared.
    let read_in_full =
        world.expected.coverage().is_complete() && host.is_none_or(|h| h.services_coverage.is_complete());
    let undeclared = e.is_none() && read_in_full;
    let all = speakers(world, name, e);
    let certain = certain(&all);
    let mut found = Vec::new();
    let runs_surely =
        all.iter().any(|p| matches!(p, Possible::Only(RunState::Running | RunState::Restarting, _)));
    let demand = e.map(|e| Demand::of_service(demand_of_host(world).unwrap(), e.lifecycle));

    let surely_down = !all.is_empty()
        && all.iter().all(|p| !could_run(p) && !matches!(p, Possible::Only(RunState::Restarting, _)));
    if demand == Some(Demand::Run) && surely_down {
        found.push((T::ServiceMissing, None));
    }
    if runs_surely && (undeclared || demand == Some(Demand::NotRun)) {
        found.push((T::ServiceUnexpected, None));
    }
    let cares = undeclared || matches!(demand, Some(Demand::Run | Demand::MayRun));
    if let (true, Some((state, s))) = (cares, certain) {
        let looping = match s.restarts {
            Fact::Known(n) => n >= world.rules.restart_loop,
            Fact::Unknown(_) => state == RunState::Restarting,
        };
        if looping {
            found.push((T::RestartLoop, None));
        }
    }
    if let (Some(e), Some(Demand::Run | Demand::MayRun), Some((RunState::Running, s))) = (e, demand, certain)
    {
        attributes(e, s, &mut found);
    }
    let unclear = world
        .observed
        .views()
        .iter()
        .any(|v| v.source.kind != K::Proxmox && v.ambiguous.iter().any(|(n, _)| n == name));
    if let Some(host) = host
        && (unclear || host.contradictions.iter().any(|c| c.service.as_ref() == Some(name)))
    {
        found.push((T::ConfigDrift, Some(Field::Identity)));
    }
    found
}

fn attributes(e: &ExpectedService, s: &ObservedService, found: &mut Vec<(T, Option<Field>)>) {
    if let Fact::Known(Published { open, loopback }) = &s.ports
        && !e.ports.is_empty()
    {
        let all_there = e.ports.as_slice().iter().all(|p| open.contains(*p) || loopback.contains(*p));
        let more = open.as_slice().iter().any(|p| !e.ports.contains(*p));
        if !all_there || more {
            found.push((T::PortMismatch, None));
        }
    }
    for (field, a, b) in [(Field::Role, &e.role, &s.role), (Field::Image, &e.image, &s.image)] {
        if a.is_some() && b.is_some() && a != b {
            found.push((T::ConfigDrift, Some(field)));
        }
    }
    if s.health == Fact::Known(Health::Unhealthy) {
        found.push((T::ConfigDrift, Some(Field::Health)));
    }
}
