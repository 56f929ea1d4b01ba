//! The filters of lists: unknown ones let everything through, bad values are a 400, repeated ones are alternatives,
//! except tags.
//!
//! What does not live here: order and pages (`list`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::journal;
use super::state::{Change, Kind, State};
use crate::inventory::{Host, Named, ObjectRef};

/// A 400: field and message.
#[derive(Debug)]
pub(super) struct BadRequest(pub(super) Value);

pub(super) fn filter(
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
            Kind::Journal => journal::filter(state, name, values, ids)?,
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

const STATUSES: [&str; 8] =
    ["offline", "active", "planned", "staged", "failed", "decommissioning", "paused", "inventory"];

fn host_filter(
    state: &State,
    hosts: &BTreeMap<u64, Host>,
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
            if let Some(bad) = values.iter().find(|value| !STATUSES.contains(value)) {
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
        "virtual_machine_id" => {
            numbers(name, values)?.into_iter().map(ObjectRef::vm).collect::<BTreeSet<_>>()
        }
        "device_id" => numbers(name, values)?.into_iter().map(ObjectRef::device).collect(),
        "name" => {
            ids.retain(|id| state.services.get(id).is_some_and(|row| values.contains(&row.name.as_str())));
            return Ok(());
        }
        _ => return Ok(()),
    };
    ids.retain(|id| state.services.get(id).is_some_and(|row| parents.contains(&row.parent)));
    Ok(())
}

fn change_filter(state: &State, name: &str, values: &[&str], ids: &mut Vec<u64>) -> Result<(), BadRequest> {
    let moment = || -> Result<jiff::Timestamp, BadRequest> {
        values[0].parse().map_err(|_| BadRequest(json!({name: ["Enter a valid date/time."]})))
    };
    let mut keep = |test: &dyn Fn(&Change) -> bool| {
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

fn slugs(rows: &BTreeMap<u64, Named>, name: &str, values: &[&str]) -> Result<Vec<u64>, BadRequest> {
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

pub(super) fn bad_choice(name: &str, value: &str) -> BadRequest {
    let message = format!("Select a valid choice. {value} is not one of the available choices.");
    BadRequest(json!({name: [message]}))
}

pub(super) fn numbers(name: &str, values: &[&str]) -> Result<BTreeSet<u64>, BadRequest> {
    values
        .iter()
        .map(|value| value.parse().map_err(|_| BadRequest(json!({name: ["Enter a whole number."]}))))
        .collect()
}
