//! A sent snapshot → services, pure. What lives here: what may be said of a service, and how far the snapshot reaches. A
//! row that does not fit is a gap with its cause; it is never left out as if it were not there.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_core::model::{Health, Hints, HostFacts, HostSnapshot, ObservedService, Published, RunState};
use evenkeel_core::{Coverage, Fact, Gap, GapKind, ServiceName, SourceId};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::ports;
use super::wire::Observation;

/// The lists a snapshot may hold. The first is the seed's own; services are for what runs outside of containers.
const LISTS: [&str; 2] = ["containers", "services"];
/// The longest name that is one.
pub(super) const LONGEST_NAME: usize = 255;

/// What was sent, as a snapshot. A sender's clock that is a little ahead makes nothing happen in the future.
pub(super) fn snapshot(observation: &Observation, source: &SourceId, now: Timestamp) -> HostSnapshot {
    let mut services = Vec::new();
    let mut odd = Vec::new();
    match &observation.snapshot {
        Value::Object(snapshot) => lists(snapshot, &mut services, &mut odd),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            odd.push("the snapshot is not an object".to_owned())
        }
    }
    let observed_at = observation.observed_at.min(now);
    HostSnapshot {
        source: source.clone(),
        started: observed_at,
        observed_at,
        coverage: coverage(observation, &odd),
        facts: HostFacts {
            name: Some(Fact::Known(Arc::from(observation.hostname.as_str()))),
            notes: notes(observation, now),
            ..HostFacts::default()
        },
        services,
    }
}

fn lists(snapshot: &Map<String, Value>, services: &mut Vec<ObservedService>, odd: &mut Vec<String>) {
    let mut any = false;
    for list in LISTS {
        match snapshot.get(list) {
            None => {}
            Some(Value::Array(rows)) => {
                any = true;
                for (i, row) in rows.iter().enumerate() {
                    match service(row) {
                        Ok(service) => services.push(service),
                        Err(why) => odd.push(format!("{list}[{i}] {why}")),
                    }
                }
            }
            Some(_) => {
                any = true;
                odd.push(format!("{list} is not a list"));
            }
        }
    }
    if !any {
        odd.push(format!("the snapshot has no {}", LISTS.join(" and no ")));
    }
}

/// Complete unless something in it was not understood or the sender says that there is more.
fn coverage(observation: &Observation, odd: &[String]) -> Coverage {
    if let Some(first) = odd.first() {
        let more = match odd.len() {
            1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        return Coverage::Partial(Gap::new(GapKind::Malformed, format!("{first}{more}")));
    }
    let said = [observation.complete.as_ref(), observation.snapshot.get("complete")];
    let truncated = |why: &str| Coverage::Partial(Gap::new(GapKind::Truncated, why));
    if said.contains(&Some(&Value::Bool(false))) {
        return truncated("the sender says that it does not show everything");
    }
    if said.into_iter().flatten().any(|complete| *complete != Value::Bool(true)) {
        return truncated("the sender does not say clearly whether it shows everything");
    }
    Coverage::Complete
}

fn notes(observation: &Observation, now: Timestamp) -> BTreeMap<Arc<str>, Arc<str>> {
    let mut notes: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
    notes.insert(Arc::from("collector"), Arc::from(observation.collector.as_str()));
    if observation.observed_at > now {
        let ahead = observation.observed_at.duration_since(now).as_secs();
        notes.insert(Arc::from("clock_ahead_seconds"), Arc::from(ahead.to_string()));
    }
    notes
}

fn service(row: &Value) -> Result<ObservedService, String> {
    let Value::Object(row) = row else {
        return Err("is not an object with a name".to_owned());
    };
    let name = match row.get("name") {
        // Docker itself writes container names with a slash in front.
        Some(Value::String(name)) => name.trim().trim_start_matches('/'),
        Some(_) => return Err("has a name that is not a text".to_owned()),
        None => return Err("has no name".to_owned()),
    };
    if !is_name(name) {
        return Err("has a name that is not one".to_owned());
    }
    let state = state(name, row.get("state"));
    Ok(ObservedService {
        name: ServiceName::new(name),
        hints: Arc::new(Hints {
            label: text(row, "service"),
            compose_project: text(row, "compose_project"),
            compose_service: text(row, "compose_service"),
            container_name: Some(Arc::from(name)),
        }),
        ports: published(name, row.get("ports"), &state),
        health: health(name, row.get("health")),
        image: text(row, "image"),
        role: text(row, "role"),
        restarts: restarts(name, row.get("restarts")),
        replicas: 1,
        state,
    })
}

/// Whether it can name something.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

fn text(row: &Map<String, Value>, key: &str) -> Option<Arc<str>> {
    row.get(key)?.as_str().map(str::trim).filter(|text| is_name(text)).map(Arc::from)
}

fn state(name: &str, sent: Option<&Value>) -> Fact<RunState> {
    let word = match sent {
        Some(Value::String(word)) => word.trim().to_ascii_lowercase(),
        Some(_) => return Fact::unknown(GapKind::Malformed, format!("the state of {name} is not a word")),
        None => {
            return Fact::unknown(GapKind::Uncovered, format!("the sender does not say what {name} does"));
        }
    };
    Fact::Known(match word.as_str() {
        "running" => RunState::Running,
        "restarting" => RunState::Restarting,
        "paused" => RunState::Paused,
        "created" | "configured" | "initialized" => RunState::Created,
        "exited" | "dead" | "removing" | "stopped" => RunState::Exited,
        word => {
            let word: String = word.chars().filter(|c| !c.is_control()).take(40).collect();
            let why = format!("{name} is in the unknown state `{word}`");
            return Fact::unknown(GapKind::Malformed, why);
        }
    })
}

/// Ports belong to what runs: what is down publishes nothing, whatever it is configured to.
fn published(name: &str, sent: Option<&Value>, state: &Fact<RunState>) -> Fact<Published> {
    match state {
        Fact::Known(RunState::Running | RunState::Paused) => {}
        Fact::Known(RunState::Restarting | RunState::Created | RunState::Exited | RunState::Closed) => {
            return Fact::unknown(GapKind::NotYetObserved, "what does not run publishes nothing");
        }
        Fact::Unknown(gap) => return Fact::Unknown(gap.clone()),
    }
    match sent {
        None | Some(Value::Null) => {
            Fact::unknown(GapKind::Uncovered, format!("the sender does not say which ports {name} has"))
        }
        Some(list) => match ports::read(list) {
            Ok(published) => Fact::Known(published),
            Err(why) => Fact::unknown(GapKind::Malformed, format!("the ports of {name} {why}")),
        },
    }
}

fn health(name: &str, sent: Option<&Value>) -> Fact<Health> {
    let word = match sent {
        None | Some(Value::Null) => {
            return Fact::unknown(GapKind::Uncovered, format!("the sender does not say how {name} is"));
        }
        Some(value) => value.as_str().unwrap_or_default().trim().to_ascii_lowercase(),
    };
    match word.as_str() {
        "none" => Fact::Known(Health::None),
        "starting" => Fact::Known(Health::Starting),
        "healthy" => Fact::Known(Health::Healthy),
        "unhealthy" => Fact::Known(Health::Unhealthy),
        _ => Fact::unknown(GapKind::Malformed, format!("the health of {name} is none that is known")),
    }
}

fn restarts(name: &str, sent: Option<&Value>) -> Fact<u32> {
    match sent.map(|value| value.as_u64().and_then(|count| u32::try_from(count).ok())) {
        Some(Some(count)) => Fact::Known(count),
        Some(None) => Fact::unknown(GapKind::Malformed, format!("the restarts of {name} are not a number")),
        None => {
            let why = format!("the sender does not say how often {name} restarted");
            Fact::unknown(GapKind::Uncovered, why)
        }
    }
}
