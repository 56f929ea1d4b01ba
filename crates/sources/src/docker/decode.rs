//! Containers → services, pure. What lives here: which containers make up one service, what it is called, and what
//! may be said about it. What does not: reading JSON (`wire`), the form of ports (`ports`), counting restarts
//! (`restarts`), how far the whole answer reaches (`mod`).

mod names;

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_core::model::{Health, Hints, ObservedService, Published, RunState};
use evenkeel_core::{Fact, Gap, GapKind, ServiceName};

use super::ports;
use super::wire::{Container, Networks, short};

/// Why a container that is down is not taken to be down.
pub(super) const ENGINE_UNSETTLED: &str = "the engine is stopping or restarting";

/// The words for a state, the usual ones first.
const STATES: [(&str, RunState); 10] = [
    ("running", RunState::Running),
    ("exited", RunState::Exited),
    ("restarting", RunState::Restarting),
    ("paused", RunState::Paused),
    ("created", RunState::Created),
    ("dead", RunState::Exited),
    ("removing", RunState::Exited),
    // Podman's own words.
    ("configured", RunState::Created),
    ("initialized", RunState::Created),
    ("stopped", RunState::Exited),
];

/// What makes containers one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Compose { project: &'a str, service: &'a str },
    Swarm(&'a str),
    Container { name: &'a str, id: &'a str },
}

/// The containers of one service, best first.
#[derive(Debug)]
struct Group<'a> {
    key: Key<'a>,
    members: Vec<&'a Container>,
}

/// The services behind these containers, sorted by name; every name occurs once. `restarts` answers for one container.
pub(super) fn services(
    containers: &[Container],
    restarts: impl Fn(&Container) -> Fact<u32>,
) -> Vec<ObservedService> {
    let groups = groups(containers);
    let names = names::unique(&groups);
    let mut services: Vec<ObservedService> =
        groups.iter().zip(names).map(|(group, name)| service(group, name, &restarts)).collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    services
}

/// What the engine says the container does.
pub(super) fn state(container: &Container) -> Fact<RunState> {
    if container.held {
        return Fact::unknown(GapKind::Stale, ENGINE_UNSETTLED);
    }
    let word = container.state.as_str();
    if let Some((_, state)) = STATES.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)) {
        return Fact::Known(*state);
    }
    let name = &container.name;
    let why = match word {
        "" => format!("the engine does not say what container {name} does"),
        word => format!("container {name} is in the unknown state `{}`", clipped(word)),
    };
    Fact::unknown(GapKind::Malformed, why)
}

fn groups(containers: &[Container]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<Key<'_>, Vec<&Container>> = BTreeMap::new();
    for container in containers {
        if !is_left_out(container) {
            groups.entry(key(container)).or_default().push(container);
        }
    }
    groups
        .into_iter()
        .map(|(key, mut members)| {
            // Best first; the name decides among equals, so that the answer does not depend on the engine's order.
            members.sort_by(|a, b| by_rank(a).cmp(&by_rank(b)));
            if matches!(key, Key::Swarm(_)) {
                drop_past_tasks(&mut members);
            }
            Group { key, members }
        })
        .collect()
}

/// Whether it is somebody's wish that it is no service: a label says so, or it is a command that Compose ran once.
pub(super) fn is_left_out(container: &Container) -> bool {
    is_set(container.labels.ignore.as_deref()) || is_set(container.labels.compose_oneoff.as_deref())
}

fn is_set(label: Option<&str>) -> bool {
    label.is_some_and(|value| ["true", "1", "yes"].iter().any(|yes| yes.eq_ignore_ascii_case(value.trim())))
}

fn key(container: &Container) -> Key<'_> {
    let labels = &container.labels;
    match (&labels.compose_project, &labels.compose_service, &labels.swarm_service) {
        (Some(project), Some(service), _) => Key::Compose { project, service },
        (_, _, Some(service)) => Key::Swarm(service),
        _ => Key::Container { name: &container.name, id: &container.id },
    }
}

/// Swarm leaves the containers of replaced tasks behind; they are the past of a service, not its replicas. Of several that
/// were created last the first stays.
fn drop_past_tasks(members: &mut Vec<&Container>) {
    let newest = members.iter().map(|member| member.created).max().unwrap_or(0);
    let mut newest_kept = false;
    members.retain(|member| {
        let over = matches!(state(member), Fact::Known(RunState::Exited));
        let keep = !over || (member.created == newest && !newest_kept);
        newest_kept |= keep && member.created == newest;
        keep
    });
}

/// Declaration order of [`RunState`] is best first; what is not known could be anything but is not better than running.
fn rank(container: &Container) -> u8 {
    match state(container) {
        Fact::Known(RunState::Running) => 0,
        Fact::Unknown(_) => 1,
        Fact::Known(RunState::Restarting) => 2,
        Fact::Known(RunState::Paused) => 3,
        Fact::Known(RunState::Created) => 4,
        Fact::Known(RunState::Exited | RunState::Closed) => 5,
    }
}

/// The order of replicas.
fn by_rank(container: &Container) -> (u8, &str, &str) {
    (rank(container), &container.name, &container.id)
}

fn service(
    group: &Group<'_>,
    name: ServiceName,
    restarts: &impl Fn(&Container) -> Fact<u32>,
) -> ObservedService {
    let best = group.members[0];
    let first =
        |label: fn(&Container) -> Option<&Arc<str>>| group.members.iter().find_map(|member| label(member));
    ObservedService {
        name,
        hints: Arc::new(Hints {
            label: first(|c| c.labels.service.as_ref()).map(trimmed),
            compose_project: best.labels.compose_project.clone(),
            compose_service: best.labels.compose_service.clone(),
            container_name: container_name(group),
        }),
        state: state(best),
        ports: ports_of(group),
        health: health_of(group),
        image: best.image.as_deref().and_then(image),
        role: first(|c| c.labels.role.as_ref()).map(trimmed),
        restarts: worst_restarts(group.members.iter().map(|member| restarts(member))),
        replicas: u32::try_from(group.members.len()).unwrap_or(u32::MAX),
    }
}

fn trimmed(label: &Arc<str>) -> Arc<str> {
    let text = label.trim();
    if text.len() == label.len() { label.clone() } else { Arc::from(text) }
}

/// The first replica's name. A Swarm task's container has a random name, so the Swarm service's stands for it.
fn container_name(group: &Group<'_>) -> Option<Arc<str>> {
    match group.key {
        Key::Swarm(service) => Some(Arc::from(service)),
        Key::Compose { .. } | Key::Container { .. } => {
            group.members.iter().map(|member| &member.name).min().cloned()
        }
    }
}

/// What the running replicas publish together. A replica that cannot be judged makes the whole unknown; one that
/// really ended does not, since what it published is really gone.
fn ports_of(group: &Group<'_>) -> Fact<Published> {
    let mut known: Option<Published> = None;
    for member in &group.members {
        let published = match state(member) {
            Fact::Known(RunState::Running | RunState::Paused) => match running_ports(member) {
                Fact::Known(published) => published,
                Fact::Unknown(gap) => return Fact::Unknown(gap),
            },
            Fact::Known(RunState::Restarting) => {
                let why = format!("container {} is restarting and publishes nothing now", member.name);
                return Fact::unknown(GapKind::NotYetObserved, why);
            }
            Fact::Known(RunState::Created | RunState::Exited | RunState::Closed) => continue,
            Fact::Unknown(gap) => return Fact::Unknown(gap),
        };
        known = Some(match known {
            None => published,
            Some(others) => ports::union(&others, &published),
        });
    }
    match known {
        Some(published) => Fact::Known(published),
        None => Fact::unknown(GapKind::NotYetObserved, "stopped containers publish nothing"),
    }
}

fn running_ports(container: &Container) -> Fact<Published> {
    let name = &container.name;
    let bindings = match &container.ports {
        Ok(bindings) => bindings,
        Err(why) => return Fact::unknown(GapKind::Malformed, format!("ports of container {name}: {why}")),
    };
    let on_host = || Fact::unknown(GapKind::Uncovered, format!("container {name} uses the host network"));
    match container.network_mode.as_deref() {
        Some("host") => return on_host(),
        Some(mode) => {
            if let Some(other) = mode.strip_prefix("container:") {
                let why = format!("container {name} shares the network of container {}", short(other));
                return Fact::unknown(GapKind::Uncovered, why);
            }
        }
        None if container.networks == Networks::Host => return on_host(),
        // Podman's list says neither the network mode nor, on the host network, any port.
        None if bindings.is_empty() && container.networks == Networks::None => {
            let why = format!("the engine does not say which network container {name} uses");
            return Fact::unknown(GapKind::Uncovered, why);
        }
        None => {}
    }
    match ports::normalise(bindings) {
        Ok(published) => Fact::Known(published),
        Err(why) => Fact::unknown(GapKind::Malformed, format!("ports of container {name}: {why}")),
    }
}

/// The worst verdict among the running replicas.
fn health_of(group: &Group<'_>) -> Fact<Health> {
    let running = group.members.iter().filter(|c| matches!(state(c), Fact::Known(RunState::Running)));
    let mut worst: Option<Health> = None;
    let mut gap: Option<Gap> = None;
    for member in running {
        match health(member) {
            Fact::Known(health) => worst = Some(worst.map_or(health, |other| worse(other, health))),
            Fact::Unknown(why) => gap = Some(why),
        }
    }
    match (worst, gap) {
        // Nothing is worse, whatever the others are.
        (Some(Health::Unhealthy), _) => Fact::Known(Health::Unhealthy),
        (_, Some(gap)) => Fact::Unknown(gap),
        (Some(health), None) => Fact::Known(health),
        (None, None) => Fact::unknown(GapKind::NotYetObserved, "only a running container has a health"),
    }
}

/// Not [`Health`]'s own order: a replica that is still starting is worse than one that passed.
fn worse(a: Health, b: Health) -> Health {
    let badness = |health: Health| match health {
        Health::None => 0,
        Health::Healthy => 1,
        Health::Starting => 2,
        Health::Unhealthy => 3,
    };
    if badness(b) > badness(a) { b } else { a }
}

fn health(container: &Container) -> Fact<Health> {
    let word = match container.health.as_deref() {
        Some(word) => word,
        // Engines before API 1.52 tell it in the status text only.
        None => match container.status.rsplit_once('(').and_then(|(_, rest)| rest.split_once(')')) {
            Some((word, _)) => word.trim_start_matches("health: "),
            None => "",
        },
    };
    match word.to_ascii_lowercase().as_str() {
        "" | "none" => Fact::Known(Health::None),
        "starting" => Fact::Known(Health::Starting),
        "healthy" => Fact::Known(Health::Healthy),
        "unhealthy" => Fact::Known(Health::Unhealthy),
        word if container.health.is_some() => {
            let why = format!("container {} has the unknown health `{}`", container.name, clipped(word));
            Fact::unknown(GapKind::Malformed, why)
        }
        // Some other remark in the status text.
        _ => Fact::Known(Health::None),
    }
}

/// The image as the container was created from it, without a digest. An image whose tag moved on has only its id left.
fn image(image: &str) -> Option<Arc<str>> {
    let name = image.split('@').next().unwrap_or_default().trim();
    let is_id =
        name.starts_with("sha256:") || (name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()));
    (!name.is_empty() && !is_id).then(|| Arc::from(name))
}

fn worst_restarts(counts: impl Iterator<Item = Fact<u32>>) -> Fact<u32> {
    let mut worst = 0;
    for count in counts {
        match count {
            Fact::Known(count) => worst = worst.max(count),
            Fact::Unknown(gap) => return Fact::Unknown(gap),
        }
    }
    Fact::Known(worst)
}

fn clipped(word: &str) -> String {
    word.chars().take(40).collect()
}
