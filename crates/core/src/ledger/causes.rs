//! Drifts that may explain others, found without asking all of them about each other.

use std::collections::BTreeMap;

use super::Entry;
use crate::fold;
use crate::id::{DriftId, ServiceName};

/// Possible causes on one subject: those of the whole subject, and those of one service, which explain nothing beyond it.
#[derive(Debug, Default)]
pub(super) struct Causes(BTreeMap<Option<ServiceName>, Vec<DriftId>>);

impl Causes {
    pub(super) fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Self {
        let mut causes = Self::default();
        entries.for_each(|entry| causes.add(entry.id.clone()));
        causes
    }

    pub(super) fn add(&mut self, id: DriftId) {
        if fold::can_explain(&id) {
            self.0.entry(id.service.clone()).or_default().push(id);
        }
    }

    /// The root-most one that explains the drift.
    pub(super) fn cause(&self, id: &DriftId, blind: bool) -> Option<&DriftId> {
        let of = |service: &Option<ServiceName>| self.0.get(service).into_iter().flatten();
        let near: Vec<&DriftId> = match id.service {
            Some(_) => of(&None).chain(of(&id.service)).collect(),
            None => of(&None).collect(),
        };
        fold::cause(id, blind, &near)
    }
}
