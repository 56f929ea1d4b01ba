//! The services of one host: NetBox has one protocol per object and no uniqueness, so several rows of one name are
//! one service.
//!
//! Pure. What does not live here: which rows belong to the host (`decode`).

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_core::ServiceName;
use evenkeel_core::model::{Contradiction, ExpectedService, Lifecycle, Ports};

use super::rows::ServiceRow;

/// One service per name, sorted, and what their rows disagree on. `rows` come by ascending id.
pub(super) fn services(rows: &[(u64, &ServiceRow)]) -> (Vec<ExpectedService>, Vec<Contradiction>) {
    let mut by_name: BTreeMap<ServiceName, Vec<(u64, &ServiceRow)>> = BTreeMap::new();
    for (id, row) in rows {
        by_name
            .entry(ServiceName::new(row.name.trim()))
            .or_default()
            .push((*id, row));
    }
    let mut services = Vec::with_capacity(by_name.len());
    let mut contradictions = Vec::new();
    for (name, rows) in by_name {
        services.push(one(name, &rows, &mut contradictions));
    }
    (services, contradictions)
}

fn one(
    name: ServiceName,
    rows: &[(u64, &ServiceRow)],
    contradictions: &mut Vec<Contradiction>,
) -> ExpectedService {
    let mut report = |what: String| {
        contradictions.push(Contradiction {
            service: Some(name.clone()),
            what: what.into(),
        });
    };
    for (id, row) in rows {
        if let Some(what) = &row.contradiction {
            report(format!("service {id} ({}): {what}", row.name));
        }
    }
    let mut agreed = |on: &str, said: Vec<Arc<str>>| {
        let said = distinct(said);
        if said.len() > 1 {
            report(format!(
                "{} services named {name} disagree on their {on}: {}",
                rows.len(),
                said.join(", ")
            ));
            return None;
        }
        said.into_iter().next()
    };
    let texts = |pick: fn(&ServiceRow) -> &Option<Arc<str>>| -> Vec<Arc<str>> {
        rows.iter().filter_map(|(_, row)| pick(row).clone()).collect()
    };
    let container_name = agreed("container name", texts(|row| &row.container_name));
    let compose_project = agreed("compose project", texts(|row| &row.compose_project));
    let role = agreed("role", texts(|row| &row.role));
    let image = agreed("image", texts(|row| &row.image));
    let mut lifecycles: Vec<Lifecycle> = rows.iter().filter_map(|(_, row)| row.lifecycle).collect();
    lifecycles.sort_unstable();
    lifecycles.dedup();
    let lifecycle = match lifecycles.as_slice() {
        [] => None,
        [one] => Some(*one),
        several => {
            // Words, not a guess: under `planned` neither presence nor absence is a difference.
            agreed(
                "life cycle",
                several
                    .iter()
                    .map(|lifecycle| lifecycle.to_string().into())
                    .collect(),
            );
            Some(Lifecycle::Planned)
        }
    };
    let mut observed_by: Vec<_> = rows
        .iter()
        .flat_map(|(_, row)| row.observed_by.iter().copied())
        .collect();
    observed_by.sort_unstable();
    observed_by.dedup();
    ExpectedService {
        lifecycle,
        ports: rows
            .iter()
            .fold(Ports::default(), |all, (_, row)| all.union(&row.ports)),
        container_name,
        compose_project,
        role,
        image,
        observed_by,
        tags: distinct(
            rows.iter()
                .flat_map(|(_, row)| row.tags.iter().cloned())
                .collect(),
        ),
        netbox_ids: rows.iter().map(|(id, _)| *id).collect(),
        name,
    }
}

fn distinct(mut texts: Vec<Arc<str>>) -> Vec<Arc<str>> {
    texts.sort_unstable();
    texts.dedup();
    texts
}
