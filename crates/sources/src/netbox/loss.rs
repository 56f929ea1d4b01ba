//! Rows that are no longer shown, and nobody deleted them.
//!
//! A permission with constraints answers 200 with fewer rows: an edit of the token's rights looks exactly like
//! deletions. So a full read that lacks rows the last one had, be it one of an earlier run, is believed only where the
//! changelog tells of their end. What does not live here: how much drift at once is plausible (core's brake).

use std::collections::{BTreeMap, BTreeSet};

use evenkeel_core::model::{HostKind, Inventory};
use evenkeel_core::{Gap, GapKind};

use super::delta::Touched;
use super::model::Model;
use super::tables::Tables;

/// Rows of one model that are shown no longer.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) model: Model,
    ids: Vec<u64>,
    /// How many there were.
    of: usize,
}

/// What an earlier run saw last.
#[derive(Debug)]
pub(super) struct Recalled {
    ids: BTreeMap<Model, BTreeSet<u64>>,
}

impl Recalled {
    /// The rows behind an inventory. Where hosts were filtered or are, nobody knows whether a host left the filter.
    pub(super) fn of(inventory: &Inventory, hosts_are_filtered: bool) -> Self {
        let mut ids: BTreeMap<Model, BTreeSet<u64>> = BTreeMap::new();
        for host in &inventory.hosts {
            let services = host.services.iter().flat_map(|service| &service.netbox_ids).copied();
            ids.entry(Model::Services).or_default().extend(services);
            if !inventory.filtered && !hosts_are_filtered {
                ids.entry(model_of(host.kind)).or_default().insert(host.netbox_id);
            }
        }
        Self { ids }
    }

    /// What of it is shown no longer.
    pub(super) fn lost_in(&self, new: &Tables) -> Vec<Lost> {
        let lost = self.ids.iter().map(|(model, ids)| Lost {
            model: *model,
            ids: ids.iter().filter(|id| !new.has(*model, **id)).copied().collect(),
            of: ids.len(),
        });
        lost.filter(|lost| !lost.ids.is_empty()).collect()
    }
}

fn model_of(kind: HostKind) -> Model {
    match kind {
        HostKind::Device => Model::Devices,
        HostKind::VirtualMachine => Model::Vms,
    }
}

/// What the last read had and this one has not.
pub(super) fn between(old: &Tables, new: &Tables) -> Vec<Lost> {
    let lost = Model::ALL.into_iter().map(|model| Lost {
        model,
        ids: old.missing_in(new, model),
        of: old.count(model),
    });
    lost.filter(|lost| !lost.ids.is_empty()).collect()
}

/// The gap that unexplained losses leave. `touched` is what the changelog tells since the last read; `None` where it
/// cannot be read, and then only a large loss is held back. A changelog that lacks what it told before (it was cut,
/// restored, or comes back as empty as everything else) explains nothing that it does not tell.
pub(super) fn unexplained(lost: &[Lost], touched: Option<&Touched>, hosts_are_filtered: bool) -> Option<Gap> {
    lost.iter().find_map(|Lost { model, ids, of }| {
        let unexplained: Vec<u64> = match touched {
            Some(touched)
                if touched.everything.is_none() || (touched.cut && !(hosts_are_filtered && is_host(*model))) =>
            {
                ids.iter().filter(|id| !explains(touched, *model, **id, hosts_are_filtered)).copied().collect()
            }
            Some(_) | None if ids.len() >= 4 && ids.len() * 2 > *of => ids.clone(),
            Some(_) | None => Vec::new(),
        };
        let first = unexplained.first()?;
        let why = format!(
            "{} of {of} {} are no longer shown (the first is id {first}) and nothing tells of their deletion — were the \
             rights of the token changed?",
            unexplained.len(),
            model.label(),
        );
        Some(Gap::new(GapKind::Unauthorized, why))
    })
}

fn is_host(model: Model) -> bool {
    matches!(model, Model::Devices | Model::Vms)
}

fn explains(touched: &Touched, model: Model, id: u64, hosts_are_filtered: bool) -> bool {
    if touched.deleted.contains(&(model, id)) {
        return true;
    }
    // An edited host can leave the filter, one whose tag or site was edited, too.
    hosts_are_filtered
        && is_host(model)
        && (touched.models.contains(&model)
            || touched.rows.get(&model).is_some_and(|rows| rows.contains(&id)))
}
