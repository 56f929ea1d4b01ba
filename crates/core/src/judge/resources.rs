//! Verdicts about what a machine uses: processors, memory, storages, pools.
//!
//! Two thresholds make one hysteresis: over the upper one it is drift, under the lower one it is clean, and between
//! them nobody can say, so that nothing opens and nothing resolves.

use std::sync::Arc;

use super::machine::shown;
use super::{Case, evidence_of, newest};
use crate::coverage::{Coverage, Fact, Gap, GapKind};
use crate::drift::{Difference, Drift, Verdict};
use crate::event::EventType;
use crate::id::{DriftId, Field, ServiceName};
use crate::model::{HostView, MachineKind, ObservedMachine, Usage, Volume, VolumeHealth, VolumeKind};

/// No threshold may lie below this, in percent: what uses less is not told apart.
pub const LOWEST_LIMIT: u64 = 50;

/// How large evenkeel's own database may be unless the operator says otherwise, in bytes.
pub const DATABASE_LIMIT: u64 = 5_000_000_000;

/// A threshold with its hysteresis, in percent of what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// At or above this it is exceeded.
    pub over: u64,
    /// Below this it is not exceeded any more.
    pub under: u64,
}

/// The thresholds of all resources; `None` = not watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Processors.
    pub cpu: Option<Limit>,
    /// Memory of nodes.
    pub memory: Option<Limit>,
    /// Memory of guests. Off by default: a hypervisor counts what the guest merely caches.
    pub guest_memory: Option<Limit>,
    /// Storages.
    pub storage: Option<Limit>,
    /// Pools.
    pub pool: Option<Limit>,
    /// evenkeel's own database, in bytes.
    pub database: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Some(Limit { over: 95, under: 90 }),
            memory: Some(Limit { over: 95, under: 90 }),
            guest_memory: None,
            storage: Some(Limit { over: 90, under: 85 }),
            // ZFS slows down long before it is full.
            pool: Some(Limit { over: 85, under: 80 }),
            database: Some(DATABASE_LIMIT),
        }
    }
}

impl Limits {
    fn of(&self, kind: MachineKind, field: Field) -> Option<Limit> {
        match (field, kind) {
            (Field::Cpu, _) => self.cpu,
            (Field::Memory, MachineKind::Node) => self.memory,
            (Field::Memory, MachineKind::Vm | MachineKind::Container) => self.guest_memory,
            (Field::Storage, _) => self.storage,
            (Field::Pool, _) => self.pool,
            (
                Field::Identity
                | Field::Name
                | Field::Ip
                | Field::Role
                | Field::Cluster
                | Field::Node
                | Field::Vcpus
                | Field::Disk
                | Field::Image
                | Field::Status
                | Field::Health
                | Field::Database,
                _,
            ) => None,
        }
    }
}

/// Everything about resources that is drift now.
pub(crate) fn drifts(case: Case<'_>, out: &mut Vec<Drift>) {
    let mut keep = |verdict| {
        if let Verdict::Drifted(drift) = verdict {
            out.push(drift);
        }
    };
    for (view, machine) in shown(case) {
        keep(usage(case, view, machine, Field::Cpu, None, &machine.cpu));
        keep(usage(case, view, machine, Field::Memory, None, &machine.memory));
        for volume in &machine.volumes {
            let field = field_of(volume.kind);
            keep(usage(case, view, machine, field, Some(&volume.name), &volume.usage));
            keep(health(case, view, volume));
        }
    }
    out.sort_by(|a, b| a.id.cmp(&b.id));
    out.dedup_by(|a, b| a.id == b.id);
}

/// The verdict on a storage or pool.
pub(super) fn judge(case: Case<'_>, id: &DriftId, name: &ServiceName) -> Verdict {
    match id.event_type {
        EventType::ResourceExceeded => exceeded(case, id),
        EventType::ConfigDrift => pool_health(case, name),
        EventType::ServiceMissing
        | EventType::ServiceUnexpected
        | EventType::PortMismatch
        | EventType::VmDown
        | EventType::VmUndeclared
        | EventType::DockerUnreachable
        | EventType::NodeUnreachable
        | EventType::SnapshotError
        | EventType::RestartLoop => untold(case),
    }
}

/// The verdict on `RESOURCE_EXCEEDED` of one id.
pub(super) fn exceeded(case: Case<'_>, id: &DriftId) -> Verdict {
    let mut answer = None;
    for (view, machine) in shown(case) {
        let verdict = match (id.field, &id.service) {
            (Some(Field::Cpu), None) => usage(case, view, machine, Field::Cpu, None, &machine.cpu),
            (Some(Field::Memory), None) => usage(case, view, machine, Field::Memory, None, &machine.memory),
            (Some(field @ (Field::Storage | Field::Pool)), Some(name)) => {
                match volume(machine, field, name) {
                    Ok(Some(volume)) => usage(case, view, machine, field, Some(&volume.name), &volume.usage),
                    Ok(None) => Verdict::Clean(evidence_of(view)),
                    Err(gap) => Verdict::Unknown(gap.clone()),
                }
            }
            (Some(_) | None, _) => continue,
        };
        answer = Some(worse(answer, verdict));
    }
    answer.unwrap_or_else(|| untold(case))
}

/// The verdict on a pool's order.
fn pool_health(case: Case<'_>, name: &ServiceName) -> Verdict {
    let mut answer = None;
    for (view, machine) in shown(case) {
        let verdict = match volume(machine, Field::Pool, name) {
            Ok(Some(volume)) => health(case, view, volume),
            Ok(None) => Verdict::Clean(evidence_of(view)),
            Err(gap) => Verdict::Unknown(gap.clone()),
        };
        answer = Some(worse(answer, verdict));
    }
    answer.unwrap_or_else(|| untold(case))
}

/// Nobody shows the machine: where it is not even declared nothing is left that could be exceeded.
fn untold(case: Case<'_>) -> Verdict {
    match case.observed.views().is_empty() {
        true => Verdict::Clean(newest(case)),
        false => Verdict::Unknown(Gap::new(GapKind::Uncovered, "no source tells what the machine uses")),
    }
}

/// Of two answers the one that alarms, then the one that cannot say.
fn worse(a: Option<Verdict>, b: Verdict) -> Verdict {
    let rank = |v: &Verdict| match v {
        Verdict::Drifted(_) => 2,
        Verdict::Unknown(_) => 1,
        Verdict::Clean(_) => 0,
    };
    match a {
        Some(a) if rank(&a) >= rank(&b) => a,
        Some(_) | None => b,
    }
}

fn volume<'a>(
    machine: &'a ObservedMachine,
    field: Field,
    name: &ServiceName,
) -> Result<Option<&'a Volume>, &'a Gap> {
    let found = machine.volumes.iter().find(|v| field_of(v.kind) == field && *v.name == *name.as_str());
    match (found, &machine.volumes_coverage) {
        (Some(volume), _) => Ok(Some(volume)),
        (None, Coverage::Complete) => Ok(None),
        (None, Coverage::Partial(gap)) => Err(gap),
    }
}

fn field_of(kind: VolumeKind) -> Field {
    match kind {
        VolumeKind::Storage => Field::Storage,
        VolumeKind::Pool => Field::Pool,
    }
}

fn usage(
    case: Case<'_>,
    view: &HostView,
    machine: &ObservedMachine,
    field: Field,
    volume: Option<&Arc<str>>,
    usage: &Fact<Usage>,
) -> Verdict {
    let Some(limit) = case.rules.limits.of(machine.kind, field) else {
        return Verdict::Clean(evidence_of(view));
    };
    let percent = match usage.known().map(|usage| usage.percent()) {
        Ok(Some(percent)) => percent,
        Ok(None) => return Verdict::Clean(evidence_of(view)),
        Err(gap) => return Verdict::Unknown(gap.clone()),
    };
    if percent >= limit.over {
        let whole = DriftId::of(case.subject.clone(), EventType::ResourceExceeded);
        let id = DriftId { service: volume.map(ServiceName::new), field: Some(field), ..whole };
        let difference = Difference::Exceeded { percent, limit: limit.over };
        return Verdict::Drifted(Drift::new(id, difference, evidence_of(view)));
    }
    if percent < limit.under {
        return Verdict::Clean(evidence_of(view));
    }
    Verdict::Unknown(Gap::new(
        GapKind::NotYetObserved,
        format!("{percent} % lies between the thresholds of {} and {} %", limit.under, limit.over),
    ))
}

fn health(case: Case<'_>, view: &HostView, volume: &Volume) -> Verdict {
    match volume.health.as_ref().map(Fact::known) {
        None | Some(Ok(VolumeHealth::Healthy)) => Verdict::Clean(evidence_of(view)),
        Some(Ok(VolumeHealth::Degraded(word))) => {
            let whole = DriftId::of(case.subject.clone(), EventType::ConfigDrift);
            let name = ServiceName::new(&volume.name);
            let id = DriftId { service: Some(name), field: Some(field_of(volume.kind)), ..whole };
            let difference = Difference::Config {
                expected: Some(Arc::from("healthy")),
                observed: Some(Arc::from(word.to_lowercase())),
            };
            Verdict::Drifted(Drift::new(id, difference, evidence_of(view)))
        }
        Some(Err(gap)) => Verdict::Unknown(gap.clone()),
    }
}
