//! What may be said about one guest.

use std::sync::Arc;

use evenkeel_core::model::{MachineKind, MachineState, ObservedMachine, Usage};
use evenkeel_core::{Fact, Gap, GapKind};
use jiff::{SignedDuration, Timestamp};

use super::super::wire::{GuestKind, GuestRow, short};
use super::{Beside, Figures, mib, note, usage};

/// The word for a guest that was written to disk and switched off.
const HIBERNATED: &str = "suspended";
/// The word for a guest that is still being made: even its name may be another one afterwards.
const CREATED: &str = "create";

/// A guest of which nothing can be believed but that it is there.
pub(super) fn unknown(row: &GuestRow, beside: &Beside<'_>, gap: &Gap) -> ObservedMachine {
    let mut machine = ObservedMachine::unknown(row.key(), kind(row), gap);
    place(&mut machine, row, beside);
    machine
}

/// A guest on a node that is online.
pub(super) fn running_node(row: &GuestRow, beside: &Beside<'_>) -> ObservedMachine {
    if row.status.as_deref() == Some("unknown") {
        let why = format!("the cluster has no recent word of guest {}", row.vmid);
        let mut machine = unknown(row, beside, &Gap::new(GapKind::Stale, why));
        if let Some(name) = &row.name {
            machine.name = Fact::Known(Arc::from(name.as_str()));
        }
        return machine;
    }
    let mut machine = ObservedMachine::new(row.key(), kind(row));
    place(&mut machine, row, beside);
    let vmid = row.vmid.to_string();
    let said = Figures { place: &vmid, rights: None };
    let detail = (beside.detail)(row);
    machine.name = said.fact(row.name.as_deref().map(Arc::from), "the name");
    machine.state = state(row);
    machine.up_since = up_since(row, beside.asked_at);
    machine.macs = detail.macs;
    machine.addresses = detail.addresses;
    machine.vcpus =
        said.fact(row.maxcpu.and_then(|cpus| u32::try_from(cpus).ok()), "the number of processors");
    machine.memory_mib = said.fact(row.maxmem.map(mib), "the memory");
    machine.disk_mib = detail.disk_mib;
    machine.cpu = said.fact(row.cpu.and_then(Usage::of_share), "the processor use");
    machine.memory = said.fact(usage(row.mem, row.maxmem), "the memory use");
    if let Some(uuid) = &detail.uuid {
        note(&mut machine, "uuid", uuid);
    }
    if let Some(gap) = (beside.excuse)(row) {
        hold_back(&mut machine, row, &gap);
    }
    machine
}

/// A locked guest keeps its name and its MAC addresses, by which it is recognised; the rest may be on the move.
fn hold_back(machine: &mut ObservedMachine, row: &GuestRow, gap: &Gap) {
    machine.state = Fact::Unknown(gap.clone());
    machine.addresses = Fact::Unknown(gap.clone());
    machine.vcpus = Fact::Unknown(gap.clone());
    machine.memory_mib = Fact::Unknown(gap.clone());
    machine.disk_mib = Fact::Unknown(gap.clone());
    machine.cpu = Fact::Unknown(gap.clone());
    machine.memory = Fact::Unknown(gap.clone());
    if row.lock.as_deref() == Some(CREATED) {
        machine.name = Fact::Unknown(gap.clone());
        machine.macs = Fact::Unknown(gap.clone());
    }
}

/// Whether the lock says all there is to say: a guest that sleeps on disk.
pub(in super::super) fn is_hibernated(row: &GuestRow) -> bool {
    row.lock.as_deref() == Some(HIBERNATED) && row.status.as_deref() == Some("stopped")
}

fn kind(row: &GuestRow) -> MachineKind {
    match row.kind {
        GuestKind::Qemu => MachineKind::Vm,
        GuestKind::Lxc => MachineKind::Container,
    }
}

fn place(machine: &mut ObservedMachine, row: &GuestRow, beside: &Beside<'_>) {
    machine.node = row.node.as_deref().map(Arc::from);
    machine.cluster = beside.cluster.clone();
    machine.vmid = Some(row.vmid);
    let said = [("tags", &row.tags), ("lock", &row.lock), ("pool", &row.pool), ("ha", &row.hastate)];
    for (key, value) in said {
        if let Some(value) = value {
            note(machine, key, value);
        }
    }
}

/// Since when it has been on, by our own clock: nodes' clocks differ. The figure may be 12 s old, which makes this so much
/// too late at most.
fn up_since(row: &GuestRow, asked_at: Timestamp) -> Option<Timestamp> {
    let uptime = row.uptime.filter(|_| row.status.as_deref() == Some("running"))?;
    asked_at.checked_sub(SignedDuration::from_secs(i64::try_from(uptime).ok()?)).ok()
}

fn state(row: &GuestRow) -> Fact<MachineState> {
    if row.template.is_none() {
        // A template is never on, and nobody expects it to be.
        let why = format!("guest {} does not say whether it is a template", row.vmid);
        return Fact::unknown(GapKind::Malformed, why);
    }
    if is_hibernated(row) {
        return Fact::Known(MachineState::Paused);
    }
    Fact::Known(match row.status.as_deref() {
        Some("running") => MachineState::Running,
        Some("stopped") => MachineState::Stopped,
        Some("paused" | "suspended") => MachineState::Paused,
        Some(word) => {
            let why = format!("guest {} is in the unknown state `{}`", row.vmid, short(word));
            return Fact::unknown(GapKind::Malformed, why);
        }
        None => {
            let why = format!("the cluster does not say what guest {} does", row.vmid);
            return Fact::unknown(GapKind::Malformed, why);
        }
    })
}
