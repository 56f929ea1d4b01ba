//! The plausibility brake: an answer that is complete and yet loses too much against the last one is held back.
//!
//! A permission edit in NetBox looks exactly like deletions, an emptied Docker host like an engine that forgot its
//! state. Both are possible; neither is believed on one answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::coverage::{Gap, GapKind};
use crate::model::{HostSnapshot, Inventory};
use crate::policy::Brake;

/// Whether losing `lost` of `before` at once is implausible.
pub fn implausible(brake: &Brake, before: usize, lost: usize) -> bool {
    let allowed = (before as f64 * brake.share).max(f64::from(brake.allowance));
    lost as f64 > allowed || (before >= 3 && lost == before)
}

/// The gap of an inventory that lost too many hosts, or too many services of the hosts it kept.
pub fn inventory_gap(brake: &Brake, before: &Inventory, after: &Inventory) -> Option<Gap> {
    let names: BTreeSet<_> = after.hosts.iter().map(|h| (h.kind, h.netbox_id)).collect();
    let lost_hosts = before.hosts.iter().filter(|h| !names.contains(&(h.kind, h.netbox_id))).count();
    let services: BTreeSet<u64> =
        after.hosts.iter().flat_map(|h| &h.services).flat_map(|s| &s.netbox_ids).copied().collect();
    let before_services: Vec<u64> =
        before.hosts.iter().flat_map(|h| &h.services).flat_map(|s| &s.netbox_ids).copied().collect();
    let lost_services = before_services.iter().filter(|id| !services.contains(id)).count();
    gap(brake, "hosts", before.hosts.len(), lost_hosts)
        .or_else(|| gap(brake, "services", before_services.len(), lost_services))
}

/// The gap of a host's answer that lost too many services.
pub fn host_gap(brake: &Brake, before: &HostSnapshot, after: &HostSnapshot) -> Option<Gap> {
    let names: BTreeSet<_> = after.services.iter().map(|s| &s.name).collect();
    let lost = before.services.iter().filter(|s| !names.contains(&s.name)).count();
    gap(brake, "services", before.services.len(), lost)
}

/// The gap of an answer about many machines that lost too many of them.
pub fn survey_gap(brake: &Brake, before: &BTreeSet<Arc<str>>, after: &BTreeSet<Arc<str>>) -> Option<Gap> {
    gap(brake, "machines", before.len(), before.difference(after).count())
}

fn gap(brake: &Brake, what: &str, before: usize, lost: usize) -> Option<Gap> {
    implausible(brake, before, lost).then(|| {
        Gap::new(
            GapKind::Implausible,
            format!("{lost} of {before} {what} vanished at once; the last answer is kept"),
        )
    })
}
