//! `[policy.machines]` and `[policy.limits]`: how machines seen from outside are compared, and when a resource is exceeded.

use std::time::Duration;

use evenkeel_core::judge::{FactRule, LOWEST_LIMIT, Limit, Limits};
use evenkeel_core::{Rules, SourceKind};

use super::key::{Key, Section};
use super::table::{Table, Value};
use super::value::{Read, word};

const FACTS: Key = Key::with_default(
    "facts",
    "`priority`, `newest` or `manual`",
    "\"priority\"",
    "Which source is believed where several tell the same fact about a machine: the first in `order`, the newest, or \
     none (then their disagreement is a `CONFIG_DRIFT` that names both).",
);
const ORDER: Key = Key::with_default(
    "order",
    "list of source kinds",
    "[\"proxmox\", \"truenas\", \"docker\", \"push\"]",
    "With `facts = \"priority\"`: whom to believe first.",
);
const MEMORY_TOLERANCE: Key = Key::with_default(
    "memory_tolerance",
    "percent",
    "5",
    "How far real memory may be from the declared one. NetBox's megabytes are of whichever kind its users mean.",
);
const DISK_TOLERANCE: Key = Key::with_default(
    "disk_tolerance",
    "percent",
    "10",
    "How far real disk space may be from the declared one.",
);
const BOOT_GRACE: Key = Key::with_default(
    "boot_grace",
    "duration",
    "\"3m\"",
    "How long a machine that was just switched on may take until its engine answers.",
);

/// `[policy.machines]`.
pub(super) const SECTION: Section = Section {
    header: "[policy.machines]",
    doc: "How machines are compared that a hypervisor, a storage system or a probe sees from outside.",
    keys: &[&FACTS, &ORDER, &MEMORY_TOLERANCE, &DISK_TOLERANCE, &BOOT_GRACE],
    inherits: &[],
};

const CPU: Key = Key::with_default("cpu", "percent or `off`", "95", "Processors of nodes and guests.");
const MEMORY: Key = Key::with_default("memory", "percent or `off`", "95", "Memory of nodes.");
const GUEST_MEMORY: Key = Key::with_default(
    "guest_memory",
    "percent or `off`",
    "\"off\"",
    "Memory of guests. A hypervisor counts what a guest merely caches: switch it on where the balloon driver reports.",
);
const STORAGE: Key = Key::with_default("storage", "percent or `off`", "90", "Storages of hypervisors.");
const POOL: Key =
    Key::with_default("pool", "percent or `off`", "85", "ZFS pools, which slow down before they are full.");
const HYSTERESIS: Key = Key::with_default(
    "hysteresis",
    "percentage points",
    "5",
    "So far below its limit a resource must fall before it is not exceeded any more.",
);

/// `[policy.limits]`.
pub(super) const LIMITS_SECTION: Section = Section {
    header: "[policy.limits]",
    doc: "From which use on a resource is exceeded. It must last: see `RESOURCE_EXCEEDED` in `[policy.confirm]` \
          (default: observations over five minutes).",
    keys: &[&CPU, &MEMORY, &GUEST_MEMORY, &STORAGE, &POOL, &HYSTERESIS],
    inherits: &[],
};

#[derive(Clone, Copy)]
enum Facts {
    Priority,
    Newest,
    Manual,
}

impl Read for Facts {
    fn read(value: &Value<'_>) -> Option<Self> {
        let words = [("priority", Self::Priority), ("newest", Self::Newest), ("manual", Self::Manual)];
        word(value, "a way to choose between sources", &words)
    }
}

/// A percentage, or nothing to watch.
struct OrOff(Option<u64>);

impl Read for OrOff {
    fn read(value: &Value<'_>) -> Option<Self> {
        match value.as_str() {
            Some(text) if text.trim().eq_ignore_ascii_case("off") => Some(Self(None)),
            _ => u32::read(value).map(|percent| Self(Some(u64::from(percent)))),
        }
    }
}

impl Read for SourceKind {
    fn read(value: &Value<'_>) -> Option<Self> {
        word(value, "a kind of source", &SourceKind::WITNESSES.map(|kind| (kind.as_str(), kind)))
    }
}

/// Adds both tables to the rules.
pub(super) fn read(machines: &Table<'_>, limits: &Table<'_>, rules: Rules) -> Option<Rules> {
    let facts = machines.get(&FACTS);
    let order: Option<Vec<SourceKind>> = machines.get(&ORDER);
    let memory = machines.get(&MEMORY_TOLERANCE);
    let disk = machines.get(&DISK_TOLERANCE);
    let boot: Option<Duration> = machines.get(&BOOT_GRACE);
    let limits = self::limits(limits);
    Some(Rules {
        facts: match facts? {
            Facts::Priority => FactRule::Priority(order?),
            Facts::Newest => FactRule::Newest,
            Facts::Manual => FactRule::Manual,
        },
        memory_tolerance: memory?,
        disk_tolerance: disk?,
        boot_grace: boot?,
        limits: limits?,
        ..rules
    })
}

fn limits(table: &Table<'_>) -> Option<Limits> {
    let hysteresis = table.checked::<u32>(&HYSTERESIS, |points| match *points {
        1..=40 => Ok(()),
        _ => Err("must be from 1 to 40".to_owned()),
    });
    let hysteresis = hysteresis.map(u64::from);
    let over = |key: &Key| -> Option<Option<u64>> {
        let lowest = LOWEST_LIMIT + hysteresis.unwrap_or(0);
        let read: OrOff = table.checked(key, |OrOff(percent)| match percent {
            Some(percent) if !(lowest..=100).contains(percent) => {
                Err(format!("must be from {lowest} (50 and the hysteresis) to 100, or \"off\""))
            }
            Some(_) | None => Ok(()),
        })?;
        Some(read.0)
    };
    let (cpu, memory, guest_memory) = (over(&CPU), over(&MEMORY), over(&GUEST_MEMORY));
    let (storage, pool) = (over(&STORAGE), over(&POOL));
    let below = hysteresis?;
    let limit = |over: Option<u64>| over.map(|over| Limit { over, under: over.saturating_sub(below) });
    Some(Limits {
        cpu: limit(cpu?),
        memory: limit(memory?),
        guest_memory: limit(guest_memory?),
        storage: limit(storage?),
        pool: limit(pool?),
        // `[store]` says it: it is about evenkeel itself.
        database: Limits::default().database,
    })
}
