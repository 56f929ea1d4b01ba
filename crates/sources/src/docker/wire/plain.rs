//! The container list read the plain way: the whole body into a tree of values, then one row after the other. Slow and
//! obvious; what the real reading must agree with.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::list::{Container, Labels, List, Networks, short};
use crate::docker::ports::PortBinding;

/// What the list in this body says; `None`: it is no JSON list.
pub(crate) fn list(body: &[u8]) -> Option<List> {
    let Ok(Value::Array(elements)) = serde_json::from_slice(body) else { return None };
    let mut list = List::default();
    let mut seen = BTreeSet::new();
    for (i, element) in elements.iter().enumerate() {
        match container(element) {
            Ok(container) if !seen.insert(container.id.clone()) => {
                list.repeated.get_or_insert(container.name);
            }
            Ok(container) => list.containers.push(container),
            Err(why) => list.odd.push(format!("element {i} of the container list: {why}")),
        }
    }
    Some(list)
}

fn container(element: &Value) -> Result<Container, String> {
    let raw = match element {
        Value::Object(raw) => |name: &str| raw.get(name).unwrap_or(&Value::Null),
        Value::Null => return Err("null instead of an object".to_owned()),
        Value::Bool(_) => return Err("a boolean instead of an object".to_owned()),
        Value::Number(_) => return Err("a number instead of an object".to_owned()),
        Value::String(_) => return Err("a string instead of an object".to_owned()),
        Value::Array(_) => return Err("a list instead of an object".to_owned()),
    };
    let id = text(raw("Id")).filter(|id| !id.is_empty()).ok_or("no `Id`")?;
    let name = name_of(raw("Names")).ok_or_else(|| format!("container {} has no name", short(&id)))?;
    let networks = raw("NetworkSettings").get("Networks").and_then(Value::as_object);
    Ok(Container {
        ports: ports_of(element.get("Ports")),
        labels: labels_of(raw("Labels")),
        image: text(raw("Image")),
        created: raw("Created").as_i64().unwrap_or(0),
        state: text(raw("State")).unwrap_or_default(),
        status: text(raw("Status")).unwrap_or_default(),
        health: text(raw("Health")).or_else(|| text(raw("Health").get("Status")?)),
        network_mode: raw("HostConfig").get("NetworkMode").and_then(text),
        networks: networks
            .map_or(Networks::None, |all| all.keys().fold(Networks::None, |known, name| known.and(name))),
        id,
        name: Arc::from(name),
        held: false,
    })
}

fn name_of(names: &Value) -> Option<String> {
    let names: Vec<&str> = match names {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        Value::String(name) => vec![name],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    let names = names.into_iter().map(|name| name.strip_prefix('/').unwrap_or(name));
    let mut names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    // A linked container is also listed as `/other/alias`.
    names.sort_by_key(|name| name.contains('/'));
    names.first().map(|name| (*name).to_owned())
}

fn ports_of(ports: Option<&Value>) -> Result<Vec<PortBinding>, String> {
    match ports {
        None => Err("the engine does not say which ports it publishes".to_owned()),
        // Go writes an empty list as null.
        Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(entries)) => entries.iter().map(binding_of).collect(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Err("`Ports` is not a list".to_owned())
        }
    }
}

fn binding_of(entry: &Value) -> Result<PortBinding, String> {
    if !entry.is_object() {
        return Err("an entry of `Ports` is not an object".to_owned());
    }
    let public = match entry.get("PublicPort") {
        None | Some(Value::Null) => None,
        Some(value) => match number(value) {
            Some(0) => None,
            Some(number) => {
                Some(u16::try_from(number).map_err(|_| format!("{number} is given as a published port"))?)
            }
            None => return Err("a published port is not a number".to_owned()),
        },
    };
    let word = |name: &str| entry.get(name).and_then(text).unwrap_or_default();
    Ok(PortBinding::new(&word("IP"), public, &word("Type")))
}

fn labels_of(labels: &Value) -> Labels {
    let label =
        |key: &str| labels.get(key).and_then(text).filter(|value| !value.trim().is_empty()).map(Arc::from);
    Labels {
        compose_project: label("com.docker.compose.project"),
        compose_service: label("com.docker.compose.service"),
        compose_oneoff: label("com.docker.compose.oneoff"),
        swarm_service: label("com.docker.swarm.service.name"),
        service: label("evenkeel.service"),
        role: label("evenkeel.role"),
        ignore: label("evenkeel.ignore"),
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}
