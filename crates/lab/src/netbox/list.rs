//! Lists: filters, order, pages and the choice of keys, each as generous about nonsense as NetBox is.
//!
//! What does not live here: what is wrong with the request as a whole (`serve`).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::render::Renderer;
use super::state::{Kind, State};
use crate::inventory::{Host, Named, ObjectRef};

/// The query, in order; names repeat.
pub(super) type Query = [(String, String)];

/// A 400: field and message.
#[derive(Debug)]
pub(super) struct BadRequest(pub(super) Value);

/// The rows that pass the filters, in order.
pub(super) fn select(state: &State, kind: Kind, query: &Query) -> Result<Vec<u64>, BadRequest> {
    let mut ids: Vec<u64> = state
        .ids(kind)
        .into_iter()
        .filter(|id| !state.is_hidden(kind, *id))
        .collect();
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

fn filter(
    state: &State,
    kind: Kind,
    name: &str,
    values: &[&str],
    ids: &mut Vec<u64>,
) -> Result<(), BadRequest> {
    match name {
        "id" => {
            let wanted = numbers(name, values)?;
            ids.retain(|id| wanted.contains(id));
        }
        "id__gt" | "id__gte" | "id__lt" | "id__lte" => {
            let bounds = numbers(name, values)?;
            ids.retain(|id| bounds.iter().any(|bound| compare(name, *id, *bound)));
        }
        _ => match kind {
            Kind::Device => host_filter(state, &state.devices, name, values, ids)?,
            Kind::Vm => host_filter(state, &state.vms, name, values, ids)?,
            Kind::Service => service_filter(state, name, values, ids)?,
            Kind::Change => change_filter(state, name, values, ids)?,
            // Their own filters are not simulated: like unknown ones, they let everything through.
            Kind::Cluster
            | Kind::Site
            | Kind::Tenant
            | Kind::Role
            | Kind::Tag
            | Kind::CustomField
            | Kind::Interface
            | Kind::VmInterface
            | Kind::Mac
            | Kind::Ip => {}
        },
    }
    Ok(())
}

fn compare(name: &str, id: u64, bound: u64) -> bool {
    match name {
        "id__gt" => id > bound,
        "id__gte" => id >= bound,
        "id__lt" => id < bound,
        _ => id <= bound,
    }
}

fn host_filter(
    state: &State,
    hosts: &std::collections::BTreeMap<u64, Host>,
    name: &str,
    values: &[&str],
    ids: &mut Vec<u64>,
) -> Result<(), BadRequest> {
    let mut keep = |test: &dyn Fn(&Host) -> bool| ids.retain(|id| hosts.get(id).is_some_and(test));
    match name {
        "name" => keep(&|host| {
            host.name
                .as_deref()
                .is_some_and(|name| values.iter().any(|value| name.eq_ignore_ascii_case(value)))
        }),
        "status" => {
            let known = [
                "offline",
                "active",
                "planned",
                "staged",
                "failed",
                "decommissioning",
                "paused",
                "inventory",
            ];
            if let Some(bad) = values.iter().find(|value| !known.contains(value)) {
                return Err(bad_choice(name, bad));
            }
            keep(&|host| values.contains(&host.status.as_str()));
        }
        "site" => {
            let wanted = slugs(&state.sites, name, values)?;
            keep(&|host| host.site.is_some_and(|id| wanted.contains(&id)));
        }
        "tenant" => {
            let wanted = slugs(&state.tenants, name, values)?;
            keep(&|host| host.tenant.is_some_and(|id| wanted.contains(&id)));
        }
        "role" => {
            let wanted = slugs(&state.roles, name, values)?;
            keep(&|host| host.role.is_some_and(|id| wanted.contains(&id)));
        }
        "tag" => {
            // A repeated tag means all of them.
            let wanted = slugs(&state.tags, name, values)?;
            keep(&|host| wanted.iter().all(|id| host.tags.contains(id)));
        }
        "cluster" => {
            let wanted: Vec<u64> = state
                .clusters
                .values()
                .filter(|cluster| values.contains(&cluster.name.as_str()))
                .map(|cluster| cluster.id)
                .collect();
            if wanted.is_empty() {
                return Err(bad_choice(name, values[0]));
            }
            keep(&|host| host.cluster.is_some_and(|id| wanted.contains(&id)));
        }
        _ => {}
    }
    Ok(())
}

fn service_filter(state: &State, name: &str, values: &[&str], ids: &mut Vec<u64>) -> Result<(), BadRequest> {
    let parents = match name {
        "virtual_machine_id" => numbers(name, values)?
            .into_iter()
            .map(ObjectRef::vm)
            .collect::<BTreeSet<_>>(),
        "device_id" => numbers(name, values)?
            .into_iter()
            .map(ObjectRef::device)
            .collect(),
        "name" => {
            ids.retain(|id| {
                state
                    .services
                    .get(id)
                    .is_some_and(|row| values.contains(&row.name.as_str()))
            });
            return Ok(());
        }
        _ => return Ok(()),
    };
    ids.retain(|id| {
        state
            .services
            .get(id)
            .is_some_and(|row| parents.contains(&row.parent))
    });
    Ok(())
}

fn change_filter(state: &State, name: &str, values: &[&str], ids: &mut Vec<u64>) -> Result<(), BadRequest> {
    let moment = || -> Result<jiff::Timestamp, BadRequest> {
        values[0]
            .parse()
            .map_err(|_| BadRequest(json!({name: ["Enter a valid date/time."]})))
    };
    let mut keep = |test: &dyn Fn(&super::state::Change) -> bool| {
        ids.retain(|id| state.changes.get(id).is_some_and(test));
    };
    match name {
        "time_after" => {
            let moment = moment()?;
            keep(&|change| change.time >= moment);
        }
        "time_before" => {
            let moment = moment()?;
            keep(&|change| change.time <= moment);
        }
        "action" => keep(&|change| values.contains(&change.action.value())),
        "changed_object_type" => keep(&|change| values.contains(&change.object.kind.as_str())),
        "changed_object_id" => {
            let wanted = numbers(name, values)?;
            keep(&|change| wanted.contains(&change.object.id));
        }
        _ => {}
    }
    Ok(())
}

fn slugs(
    rows: &std::collections::BTreeMap<u64, Named>,
    name: &str,
    values: &[&str],
) -> Result<Vec<u64>, BadRequest> {
    values
        .iter()
        .map(|value| {
            rows.values()
                .find(|row| row.slug == *value)
                .map(|row| row.id)
                .ok_or_else(|| bad_choice(name, value))
        })
        .collect()
}

fn bad_choice(name: &str, value: &str) -> BadRequest {
    let message = format!("Select a valid choice. {value} is not one of the available choices.");
    BadRequest(json!({name: [message]}))
}

fn numbers(name: &str, values: &[&str]) -> Result<BTreeSet<u64>, BadRequest> {
    values
        .iter()
        .map(|value| {
            value
                .parse()
                .map_err(|_| BadRequest(json!({name: ["Enter a whole number."]})))
        })
        .collect()
}

/// `id`, `-id`, or the model's own order; an unknown one is ignored.
fn order(state: &State, kind: Kind, ids: &mut [u64], ordering: Option<&str>) {
    match (ordering, kind) {
        (Some("id"), _) => {}
        (Some("-id"), _) => ids.reverse(),
        (_, Kind::Change) => ids.reverse(),
        (_, Kind::Device) => ids.sort_by_key(|id| state.devices.get(id).and_then(|row| row.name.clone())),
        (_, Kind::Vm) => ids.sort_by_key(|id| state.vms.get(id).and_then(|row| row.name.clone())),
        (_, Kind::Service) => {
            ids.sort_by_key(|id| {
                state
                    .services
                    .get(id)
                    .map(|row| (row.protocol.clone(), row.ports.clone()))
            });
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
    let offset = value_of(query, "offset")
        .and_then(|text| text.parse::<usize>().ok())
        .unwrap_or(0);
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
    let next = if offset + results.len() < ids.len() {
        link(Some(offset + limit))
    } else {
        Value::Null
    };
    let previous = if offset == 0 {
        Value::Null
    } else {
        link(offset.checked_sub(limit).filter(|at| *at > 0))
    };
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
    let mut pairs: Vec<(String, String)> = query
        .iter()
        .filter(|(name, _)| name != "limit" && name != "offset")
        .cloned()
        .collect();
    pairs.push(("limit".into(), limit.to_string()));
    if let Some(offset) = offset {
        pairs.push(("offset".into(), offset.to_string()));
    }
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(',', "%2C")))
        .collect();
    pairs.join("&")
}

pub(super) fn value_of<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query
        .iter()
        .rev()
        .find(|(other, _)| other == name)
        .map(|(_, value)| value.as_str())
}

/// Which keys of a row are answered. `fields` beats `omit` beats `brief`.
enum Keys {
    All,
    Only(BTreeSet<String>),
    Without(BTreeSet<String>),
}

impl Keys {
    fn of(query: &Query, kind: Kind) -> Self {
        let split = |text: &str| {
            text.split(',')
                .map(|key| key.trim().to_owned())
                .collect::<BTreeSet<_>>()
        };
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
        Kind::Change => &["id", "url", "display", "time", "action"],
    }
}
