//! How often rules hit, as one pass found. What does not live here: silences, which the ledger's entries name themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_core::Report;
use evenkeel_core::ledger::Ledger;
use evenkeel_core::model::Expected;
use evenkeel_core::policy::{Labels, Policy};

/// What the rules made of one subject's newest report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// How many differences each ignore rule accepted, by its name.
    pub ignored: BTreeMap<Arc<str>, u64>,
    /// How many open drifts each severity rule weighs, by its place.
    pub weighed: BTreeMap<usize, u64>,
}

impl Hits {
    /// Counts. `expected` is what labels come from, where the subject has any.
    pub fn of(report: &Report, expected: Option<&Expected>, ledger: &Ledger, policy: &Policy) -> Self {
        let mut hits = Self::default();
        for (_, rule) in &report.ignored {
            *hits.ignored.entry(rule.clone()).or_default() += 1;
        }
        if policy.severity.is_empty() {
            return hits;
        }
        for id in ledger.open().map(|entry| &entry.id) {
            let labels = expected.map_or(Labels::default(), |expected| Labels::of(expected, id));
            if let Some(rule) = policy.weighing(id, labels) {
                *hits.weighed.entry(rule).or_default() += 1;
            }
        }
        hits
    }
}
