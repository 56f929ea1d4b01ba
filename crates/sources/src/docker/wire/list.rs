//! The container list, taken element by element: one odd container never costs the others. What does not live here:
//! what the words mean; that is `decode`'s.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use evenkeel_core::Gap;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::parse;

/// The labels that are read; every other label's value stays where it is, since people keep secrets in labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    pub(crate) compose_project: Option<String>,
    pub(crate) compose_service: Option<String>,
    pub(crate) compose_oneoff: Option<String>,
    pub(crate) swarm_service: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) ignore: Option<String>,
}

/// One entry of `Ports`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortBinding {
    pub(crate) ip: String,
    /// `None`: exposed between containers only.
    pub(crate) public: Option<u16>,
    pub(crate) protocol: String,
}

/// One element of `GET /containers/json` that could be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) id: String,
    /// Without the leading slash; of several (links), the one without a further slash.
    pub(crate) name: String,
    pub(crate) image: Option<String>,
    /// Seconds since 1970; 0 where the engine does not say.
    pub(crate) created: i64,
    /// What could not be understood about the ports, otherwise.
    pub(crate) ports: Result<Vec<PortBinding>, String>,
    pub(crate) labels: Labels,
    pub(crate) state: String,
    pub(crate) status: String,
    /// The word of the `Health` field of newer engines.
    pub(crate) health: Option<String>,
    pub(crate) network_mode: Option<String>,
    /// The names of the attached networks.
    pub(crate) networks: Vec<String>,
    /// Not from the wire: its being down proves nothing, since the engine itself is stopping or just back.
    pub(crate) held: bool,
}

/// The whole list: what was understood, and one phrase for each element that was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) containers: Vec<Container>,
    pub(crate) odd: Vec<String>,
    /// An id that occurred twice: the parts do not add up.
    pub(crate) repeated: Option<String>,
}

impl List {
    /// How many elements the answer had.
    pub(crate) fn len(&self) -> usize {
        self.containers.len() + self.odd.len()
    }
}

/// Reads the body of `GET /containers/json`.
pub(crate) fn list(body: &[u8]) -> Result<List, Gap> {
    let elements: Vec<Element> = parse(body, "the container list")?;
    let mut list = List::default();
    let mut seen = BTreeSet::new();
    for (i, element) in elements.into_iter().enumerate() {
        match element.understand() {
            Ok(container) if !seen.insert(container.id.clone()) => {
                list.repeated.get_or_insert(container.name);
            }
            Ok(container) => list.containers.push(container),
            Err(why) => list.odd.push(format!("element {i} of the container list: {why}")),
        }
    }
    Ok(list)
}

/// The fields of one list element as they came, before anything is made of them.
#[derive(Debug, Default)]
struct Raw {
    id: Value,
    names: Value,
    image: Value,
    created: Value,
    ports: Option<Value>,
    labels: Value,
    state: Value,
    status: Value,
    health: Value,
    host_config: Value,
    network_settings: Value,
}

/// One element of the list: an object, or something that should not be there.
#[derive(Debug)]
enum Element {
    Object(Box<Raw>),
    Other(&'static str),
}

impl Element {
    fn understand(self) -> Result<Container, String> {
        let raw = match self {
            Self::Object(raw) => raw,
            Self::Other(what) => return Err(format!("{what} instead of an object")),
        };
        let id = text(&raw.id).filter(|id| !id.is_empty()).ok_or("no `Id`")?;
        let name = name_of(&raw.names).ok_or_else(|| format!("container {} has no name", short(&id)))?;
        Ok(Container {
            ports: ports_of(raw.ports.as_ref()),
            labels: labels_of(&raw.labels),
            image: text(&raw.image),
            created: raw.created.as_i64().unwrap_or(0),
            state: text(&raw.state).unwrap_or_default(),
            status: text(&raw.status).unwrap_or_default(),
            health: text(&raw.health).or_else(|| text(raw.health.get("Status")?)),
            network_mode: raw.host_config.get("NetworkMode").and_then(text),
            networks: raw
                .network_settings
                .get("Networks")
                .and_then(Value::as_object)
                .map(|networks| networks.keys().cloned().collect())
                .unwrap_or_default(),
            id,
            name,
            held: false,
        })
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ElementVisitor)
    }
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a container")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        let mut raw = Box::<Raw>::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "Id" => raw.id = map.next_value()?,
                "Names" => raw.names = map.next_value()?,
                "Image" => raw.image = map.next_value()?,
                "Created" => raw.created = map.next_value()?,
                "Ports" => raw.ports = Some(map.next_value()?),
                "Labels" => raw.labels = map.next_value()?,
                "State" => raw.state = map.next_value()?,
                "Status" => raw.status = map.next_value()?,
                "Health" => raw.health = map.next_value()?,
                "HostConfig" => raw.host_config = map.next_value()?,
                "NetworkSettings" => raw.network_settings = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Element::Object(raw))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Element, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Element::Other("a list"))
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Element, E> {
        Ok(Element::Other("a string"))
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Element, E> {
        Ok(Element::Other("a boolean"))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Element, E> {
        Ok(Element::Other("a number"))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Element, E> {
        Ok(Element::Other("a number"))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Element, E> {
        Ok(Element::Other("a number"))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Element, E> {
        Ok(Element::Other("null"))
    }
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
    Ok(PortBinding {
        ip: entry.get("IP").and_then(text).unwrap_or_default(),
        public,
        protocol: entry.get("Type").and_then(text).unwrap_or_default(),
    })
}

fn labels_of(labels: &Value) -> Labels {
    let label = |key: &str| labels.get(key).and_then(text).filter(|value| !value.trim().is_empty());
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

/// The twelve characters by which people know a container without a name.
pub(crate) fn short(id: &str) -> &str {
    id.char_indices().nth(12).map_or(id, |(end, _)| &id[..end])
}
