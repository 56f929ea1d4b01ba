//! The services of one host: NetBox has one protocol per object and no uniqueness, so several rows of one name are
//! one service.
//!
//! Pure. What does not live here: which rows belong to the host (`decode`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evenkeel_core::ServiceName;
use evenkeel_core::model::{Contradiction, ExpectedService, Lifecycle, Ports};

use super::rows::ServiceRow;

/// One service per name, sorted, and what their rows disagree on. `rows` come by ascending id.
pub(super) fn services(rows: &[(u64, &ServiceRow)]) -> (Vec<ExpectedService>, Vec<Contradiction>) {
    let mut by_name: BTreeMap<ServiceName, Vec<(u64, &ServiceRow)>> = BTreeMap::new();
    for (id, row) in rows {
        by_name.entry(ServiceName::new(row.name.trim())).or_default().push((*id, row));
    }
    let mut services = Vec::with_capacity(by_name.len());
    let mut contradictions = Vec::new();
    for (name, rows) in by_name {
        services.push(one(name, &rows, &mut contradictions));
    }
    (services, contradictions)
}

fn one(name: ServiceName, rows: &[(u64, &ServiceRow)], found: &mut Vec<Contradiction>) -> ExpectedService {
    for (id, row) in rows {
        if let Some(what) = &row.contradiction {
            report(found, &name, format!("service {id} ({}): {what}", row.name));
        }
    }
    let mut agreed = |on: &str, pick: fn(&ServiceRow) -> Option<Arc<str>>| {
        let said = distinct(rows.iter().filter_map(|(_, row)| pick(row)).collect());
        if said.len() > 1 {
            let (all, said) = (rows.len(), said.join(", "));
            report(found, &name, format!("{all} services named {name} disagree on their {on}: {said}"));
            return None;
        }
        said.into_iter().next()
    };
    let container_name = agreed("container name", |row| row.container_name.clone());
    let compose_project = agreed("compose project", |row| row.compose_project.clone());
    let role = agreed("role", |row| row.role.clone());
    let image = agreed("image", |row| row.image.clone());
    agreed("life cycle", |row| row.lifecycle.map(|lifecycle| lifecycle.to_string().into()));
    let sources: BTreeSet<_> = rows.iter().flat_map(|(_, row)| row.observed_by.iter().copied()).collect();
    let tags = rows.iter().flat_map(|(_, row)| row.tags.iter().cloned());
    ExpectedService {
        lifecycle: lifecycle(rows),
        ports: rows.iter().fold(Ports::default(), |all, (_, row)| all.union(&row.ports)),
        container_name,
        compose_project,
        role,
        image,
        observed_by: sources.into_iter().collect(),
        tags: distinct(tags.collect()),
        netbox_ids: rows.iter().map(|(id, _)| *id).collect(),
        name,
    }
}

fn report(found: &mut Vec<Contradiction>, name: &ServiceName, what: String) {
    found.push(Contradiction { service: Some(name.clone()), what: what.into() });
}

/// What all rows that say anything say. Where they disagree nothing is guessed: under `planned` neither presence nor
/// absence is a difference.
fn lifecycle(rows: &[(u64, &ServiceRow)]) -> Option<Lifecycle> {
    let mut said = rows.iter().filter_map(|(_, row)| row.lifecycle);
    let first = said.next()?;
    if said.all(|other| other == first) { Some(first) } else { Some(Lifecycle::Planned) }
}

fn distinct(mut texts: Vec<Arc<str>>) -> Vec<Arc<str>> {
    texts.sort_unstable();
    texts.dedup();
    texts
}
