//! Verdicts about what a machine is like: its address, its place, its size, as declared and as seen from outside.
//!
//! Several sources may tell the same fact. Which one is believed is the operator's decision ([`FactRule`]); where they
//! want to decide themselves, the disagreement is the drift.

use std::sync::Arc;

use super::machine::shown;
use super::{Case, config_drift, evidence_of, newest};
use crate::coverage::{Gap, GapKind, Lookup};
use crate::drift::{Difference, Verdict};
use crate::id::{Field, SourceKind};
use crate::identity::canonical;
use crate::model::{ExpectedHost, HostView, MachineState, ObservedMachine};

/// Which source is believed where several tell the same fact about a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactRule {
    /// The first kind in this order that tells it; kinds not named come last, in the order of their names.
    Priority(Vec<SourceKind>),
    /// The newest observation.
    Newest,
    /// None: a disagreement is a `CONFIG_DRIFT` that names both.
    Manual,
}

impl Default for FactRule {
    /// Who runs the machine knows it best.
    fn default() -> Self {
        Self::Priority(vec![SourceKind::Proxmox, SourceKind::Truenas, SourceKind::Docker, SourceKind::Push])
    }
}

/// The attributes of a machine that are compared, its name apart.
pub(crate) const SHAPE: [Field; 6] =
    [Field::Ip, Field::Cluster, Field::Node, Field::Vcpus, Field::Memory, Field::Disk];

/// One attribute as a view tells it: the words for people, and whether it is what is declared.
type Told<'a> = (&'a HostView, Arc<str>, bool);

pub(super) fn judge(case: Case<'_>, field: Field) -> Verdict {
    let host = match case.expected.host() {
        Lookup::Present(host) => host,
        Lookup::Absent => return Verdict::Clean(newest(case)),
        Lookup::Unknown(gap) => return Verdict::Unknown(gap.clone()),
    };
    let Some(declared) = declared(host, field) else {
        return Verdict::Clean(newest(case));
    };
    let (mut told, mut gap): (Vec<Told<'_>>, Option<Gap>) = (Vec::new(), None);
    for (view, machine) in shown(case) {
        match real(case, host, machine, field) {
            Ok((words, same)) => told.push((view, words, same)),
            Err(unknown) => gap = gap.or(Some(unknown)),
        }
    }
    match believe(case, &told) {
        Believed::One((view, _, true)) => Verdict::Clean(evidence_of(view)),
        Believed::One((view, words, false)) => {
            config_drift(case, field, differing(declared, words.clone()), evidence_of(view))
        }
        Believed::Conflict(view, words) => {
            config_drift(case, field, differing(declared, words), evidence_of(view))
        }
        Believed::Nobody => Verdict::Unknown(
            gap.unwrap_or_else(|| Gap::new(GapKind::Uncovered, format!("no source tells the {field}"))),
        ),
    }
}

fn differing(declared: Arc<str>, real: Arc<str>) -> Difference {
    Difference::Config { expected: Some(declared), observed: Some(real) }
}

enum Believed<'a, 'b> {
    One(&'b Told<'a>),
    Conflict(&'a HostView, Arc<str>),
    Nobody,
}

fn believe<'a, 'b>(case: Case<'_>, told: &'b [Told<'a>]) -> Believed<'a, 'b> {
    let Some(first) = told.first() else { return Believed::Nobody };
    let found = match &case.rules.facts {
        FactRule::Priority(order) => {
            let place = |kind| order.iter().position(|k| *k == kind).unwrap_or(order.len());
            told.iter().min_by_key(|(view, _, _)| place(view.source.kind))
        }
        FactRule::Newest => told.iter().max_by_key(|(view, _, _)| view.observed_at),
        FactRule::Manual => match told.iter().any(|(_, words, same)| (words, same) != (&first.1, &first.2)) {
            false => Some(first),
            true => {
                let words: Vec<String> =
                    told.iter().map(|(view, words, _)| format!("{words} ({})", view.source)).collect();
                return Believed::Conflict(first.0, Arc::from(words.join(", ")));
            }
        },
    };
    found.map_or(Believed::Nobody, Believed::One)
}

/// The declared value in words, where something is declared.
fn declared(host: &ExpectedHost, field: Field) -> Option<Arc<str>> {
    match field {
        Field::Ip => host.primary_ip.map(|ip| Arc::from(ip.to_string())),
        Field::Cluster => host.cluster.clone(),
        Field::Node => host.node.as_ref().map(|node| Arc::from(node.as_str())),
        Field::Vcpus => host.vcpus.map(|n| Arc::from(n.to_string())),
        Field::Memory => host.memory_mib.map(mebibytes),
        Field::Disk => host.disk_mib.map(mebibytes),
        Field::Identity
        | Field::Name
        | Field::Role
        | Field::Image
        | Field::Status
        | Field::Health
        | Field::Cpu
        | Field::Storage
        | Field::Pool
        | Field::Database => None,
    }
}

/// The real value in words, and whether it is the declared one. Called only where something is declared.
fn real(
    case: Case<'_>,
    host: &ExpectedHost,
    machine: &ObservedMachine,
    field: Field,
) -> Result<(Arc<str>, bool), Gap> {
    let state = machine.state.known().map_err(Clone::clone)?;
    let untold = || Gap::new(GapKind::Uncovered, format!("the source does not tell the {field}"));
    let rules = case.rules;
    match field {
        Field::Ip if *state != MachineState::Running => {
            Err(Gap::new(GapKind::NotYetObserved, "what does not run has no address"))
        }
        Field::Ip => {
            let addresses = machine.addresses.known().map_err(Clone::clone)?;
            if addresses.is_empty() {
                return Err(Gap::new(GapKind::NotYetObserved, "it has no address yet"));
            }
            let words: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            Ok((Arc::from(words.join(" ")), host.primary_ip.is_some_and(|ip| addresses.contains(&ip))))
        }
        Field::Cluster => {
            let cluster = machine.cluster.as_ref().ok_or_else(untold)?;
            let same = host.cluster.as_ref().is_some_and(|c| c.eq_ignore_ascii_case(cluster));
            Ok((cluster.clone(), same))
        }
        Field::Node => {
            let node = machine.node.as_ref().ok_or_else(untold)?;
            let same = host.node.as_ref().is_some_and(|n| canonical(n.as_str()) == canonical(node));
            Ok((node.clone(), same))
        }
        Field::Vcpus => {
            let n = machine.vcpus.known().map_err(Clone::clone)?;
            Ok((Arc::from(n.to_string()), host.vcpus == Some(*n)))
        }
        Field::Memory => {
            let n = *machine.memory_mib.known().map_err(Clone::clone)?;
            Ok((mebibytes(n), near(host.memory_mib, n, rules.memory_tolerance)))
        }
        Field::Disk => {
            let n = *machine.disk_mib.known().map_err(Clone::clone)?;
            Ok((mebibytes(n), near(host.disk_mib, n, rules.disk_tolerance)))
        }
        Field::Identity
        | Field::Name
        | Field::Role
        | Field::Image
        | Field::Status
        | Field::Health
        | Field::Cpu
        | Field::Storage
        | Field::Pool
        | Field::Database => Err(untold()),
    }
}

/// Whether the real figure lies within the tolerance, in percent of the declared one. NetBox counts in megabytes of
/// whichever kind its users mean, hypervisors in bytes: 1,000 and 1,024 must not be a difference.
fn near(declared: Option<u64>, real: u64, percent: u32) -> bool {
    declared.is_some_and(|declared| {
        u128::from(declared.abs_diff(real)) * 100 <= u128::from(declared) * u128::from(percent)
    })
}

fn mebibytes(n: u64) -> Arc<str> {
    Arc::from(format!("{n} MiB"))
}
