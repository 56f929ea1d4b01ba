//! Lists: order, pages and the choice of keys, each as generous about nonsense as NetBox is.
//!
//! What does not live here: filters (`filter`), and what is wrong with the request as a whole (`serve`).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::filter::{BadRequest, filter};
use super::render::Renderer;
use super::state::{Kind, State};

/// The query, in order; names repeat.
pub(super) type Query = [(String, String)];

/// The rows that pass the filters, in order.
pub(super) fn select(state: &State, kind: Kind, query: &Query) -> Result<Vec<u64>, BadRequest> {
    let mut ids: Vec<u64> = state.ids(kind).into_iter().filter(|id| !state.is_hidden(kind, *id)).collect();
    let mut names: Vec<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let values: Vec<&str> = query
            .iter()
            .filter(|(other, value)| other == name && !value.is_empty())
            .map(|(_, v)| v.as_str())
            .collect();
        if values.is_empty() {
            continue;
        }
        filter(state, kind, name, &values, &mut ids)?;
    }
    order(state, kind, &mut ids, value_of(query, "ordering"));
    Ok(ids)
}

/// `id`, `-id`, or the model's own order; an unknown one is ignored.
fn order(state: &State, kind: Kind, ids: &mut [u64], ordering: Option<&str>) {
    match (ordering, kind) {
        (Some("id"), _) => {}
        (Some("-id"), _) => ids.reverse(),
        (_, Kind::Change | Kind::Journal) => ids.reverse(),
        (_, Kind::Device) => ids.sort_by_key(|id| state.devices.get(id).and_then(|row| row.name.clone())),
        (_, Kind::Vm) => ids.sort_by_key(|id| state.vms.get(id).and_then(|row| row.name.clone())),
        (_, Kind::Service) => {
            ids.sort_by_key(|id| state.services.get(id).map(|row| (row.protocol.clone(), row.ports.clone())));
        }
        (_, Kind::Ip) => ids.sort_by_key(|id| state.ips.get(id).map(|row| row.address.clone())),
        (_, Kind::Tag) => ids.sort_by_key(|id| state.tags.get(id).map(|row| row.name.clone())),
        (
            _,
            Kind::Cluster
            | Kind::Site
            | Kind::Tenant
            | Kind::Role
            | Kind::CustomField
            | Kind::Interface
            | Kind::VmInterface
            | Kind::Mac,
        ) => {}
    }
}

/// The page of a list that the query asks for.
pub(super) fn page(state: &State, kind: Kind, query: &Query, base: &str) -> Result<Value, BadRequest> {
    let ids = select(state, kind, query)?;
    let limit = limit(state, query);
    let offset = value_of(query, "offset").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let renderer = Renderer::new(state, base, kind);
    let keys = Keys::of(query, kind);
    let results: Vec<Value> = ids
        .iter()
        .skip(offset)
        .take(limit)
        .filter_map(|id| renderer.object(kind, *id))
        .map(|row| Value::Object(keys.choose(row)))
        .collect();
    let link = |offset: Option<usize>| {
        let path = kind.path(state.version);
        Value::String(format!("{base}api/{path}?{}", link_query(query, limit, offset)))
    };
    let next = if offset + results.len() < ids.len() { link(Some(offset + limit)) } else { Value::Null };
    let previous =
        if offset == 0 { Value::Null } else { link(offset.checked_sub(limit).filter(|at| *at > 0)) };
    Ok(json!({"count": ids.len(), "next": next, "previous": previous, "results": results}))
}

/// One object, its keys chosen like a list's.
pub(super) fn detail(state: &State, kind: Kind, id: u64, query: &Query, base: &str) -> Option<Value> {
    if state.is_hidden(kind, id) {
        return None;
    }
    let row = Renderer::new(state, base, kind).object(kind, id)?;
    Some(Value::Object(Keys::of(query, kind).choose(row)))
}

/// 0 is the cap, nonsense the default.
fn limit(state: &State, query: &Query) -> usize {
    match value_of(query, "limit").map(str::parse::<usize>) {
        Some(Ok(0)) => state.max_page_size,
        Some(Ok(limit)) => limit.min(state.max_page_size),
        Some(Err(_)) | None => 50,
    }
}

fn link_query(query: &Query, limit: usize, offset: Option<usize>) -> String {
    let mut pairs: Vec<(String, String)> =
        query.iter().filter(|(name, _)| name != "limit" && name != "offset").cloned().collect();
    pairs.push(("limit".into(), limit.to_string()));
    if let Some(offset) = offset {
        pairs.push(("offset".into(), offset.to_string()));
    }
    pairs.sort();
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={}", value.replace(',', "%2C"))).collect();
    pairs.join("&")
}

pub(super) fn value_of<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}

/// Which keys of a row are answered. `fields` beats `omit` beats `brief`.
enum Keys {
    All,
    Only(BTreeSet<String>),
    Without(BTreeSet<String>),
}

impl Keys {
    fn of(query: &Query, kind: Kind) -> Self {
        let split = |text: &str| text.split(',').map(|key| key.trim().to_owned()).collect::<BTreeSet<_>>();
        if let Some(fields) = value_of(query, "fields") {
            return Self::Only(split(fields));
        }
        if let Some(omit) = value_of(query, "omit") {
            return Self::Without(split(omit));
        }
        if value_of(query, "brief").is_some_and(|brief| !brief.is_empty()) {
            return Self::Only(brief_keys(kind).iter().map(|key| (*key).to_owned()).collect());
        }
        match value_of(query, "exclude") {
            Some(exclude) => Self::Without(split(exclude)),
            None => Self::All,
        }
    }

    fn choose(&self, mut row: Map<String, Value>) -> Map<String, Value> {
        match self {
            Self::All => row,
            Self::Only(keys) => {
                row.retain(|key, _| keys.contains(key));
                row
            }
            Self::Without(keys) => {
                row.retain(|key, _| !keys.contains(key));
                row
            }
        }
    }
}

fn brief_keys(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Service => &["id", "url", "display", "name", "protocol", "ports", "description"],
        Kind::Ip => &["id", "url", "display", "family", "address", "description"],
        Kind::Mac => &["id", "url", "display", "mac_address", "description"],
        Kind::Interface => &["id", "url", "display", "device", "name", "description"],
        Kind::VmInterface => &["id", "url", "display", "virtual_machine", "name", "description"],
        Kind::Site | Kind::Tenant | Kind::Role => &["id", "url", "display", "name", "slug", "description"],
        Kind::Tag => &["id", "url", "display", "name", "slug", "color", "description"],
        Kind::Device | Kind::Vm | Kind::Cluster | Kind::CustomField => {
            &["id", "url", "display", "name", "description"]
        }
        Kind::Journal => &["id", "url", "display", "created"],
        Kind::Change => &["id", "url", "display", "time", "action"],
    }
}
