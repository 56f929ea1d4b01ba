//! The comparison: one verdict per [`DriftId`], three answers.
//!
//! [`judge`] answers for one id. [`crate::diff`] walks a whole host and calls the same functions, so both always agree.
//! Everything here asks through [`Lookup`]; no function can see an entity without seeing what covers it.

mod host;
mod service;

use crate::coverage::{Coverage, Gap, Lookup};
use crate::drift::{Evidence, Verdict};
use crate::event::EventType;
use crate::id::{DriftId, ServiceName, SourceKind, Subject};
use crate::model::observed::{HostView, uncovered};
use crate::model::{Expected, ExpectedService, Observed, ObservedService, RunState};

pub use host::source_verdict;
pub(crate) use host::{HOST_FIELDS, HOST_TYPES};
pub(crate) use service::Subject as ServiceCase;

/// How ports are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortRule {
    /// Declared and published ports are the same set.
    #[default]
    Exact,
    /// Every declared port is published; more may be.
    Subset,
}

/// What the operator decided about the comparison itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How ports are compared.
    pub ports: PortRule,
    /// From how many unasked-for restarts within the source's window a service is in a restart loop.
    pub restart_loop: u32,
    /// Declared services that never are containers; a container engine that does not show them proves nothing.
    /// Lower case.
    pub not_containers: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        // Services of the machine itself, which people declare on the same hosts as their containers.
        let not_containers = [
            "ssh", "sshd", "rdp", "winrm", "smb", "nfs", "snmp", "ntp", "cockpit", "webmin", "proxmox-ui", "truenas-ui",
            "pve", "ipmi",
        ];
        Self {
            ports: PortRule::Exact,
            restart_loop: 3,
            not_containers: not_containers.map(str::to_owned).to_vec(),
        }
    }
}

/// Both truths about one host, side by side.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The host.
    pub subject: &'a Subject,
    /// What NetBox says.
    pub expected: &'a Expected,
    /// What the sources say.
    pub observed: &'a Observed,
    /// How to compare.
    pub rules: &'a Rules,
}

/// The verdict for one id. Ids of types that no source here can produce are `Unknown`.
pub fn judge(id: &DriftId, case: Case<'_>) -> Verdict {
    match &id.service {
        Some(name) => ServiceCase::new(case, name).judge(id),
        None => host::judge(id, case),
    }
}

/// What the views together say about one service.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'a> {
    /// This view shows it.
    Present(&'a HostView, &'a ObservedService),
    /// Every view that was asked proves that it is not there; one of them, for the evidence.
    Absent(&'a HostView),
    /// A view that was asked cannot say.
    Unknown(&'a Gap),
    /// No view was asked.
    Uncovered,
}

/// Asks every view that may speak about the service. Present beats unknown beats absent: a thing seen is there,
/// and it is absent only if everybody who could see it proves so.
pub(crate) fn seen<'a>(case: Case<'a>, name: &ServiceName, expected: Option<&ExpectedService>) -> Seen<'a> {
    let mut answer = Seen::Uncovered;
    for view in case.observed.views() {
        if !speaks_about(view, expected) {
            continue;
        }
        let outside = || never_a_container(case.rules, view, name);
        answer = match (view.service(name), answer) {
            (Lookup::Present(new), Seen::Present(_, old)) if rank(old) >= rank(new) => answer,
            (Lookup::Present(new), _) => Seen::Present(view, new),
            (_, Seen::Present(..) | Seen::Unknown(_)) => answer,
            (Lookup::Unknown(_) | Lookup::Absent, _) if expected.is_some() && outside() => answer,
            (Lookup::Unknown(gap), _) => Seen::Unknown(gap),
            (Lookup::Absent, _) => Seen::Absent(view),
        };
    }
    answer
}

/// Between two sources that both show a service, the one that says it runs is believed.
fn rank(service: &ObservedService) -> u8 {
    match service.state.known() {
        Ok(RunState::Running) => 2,
        Ok(RunState::Restarting | RunState::Paused | RunState::Created | RunState::Exited) => 1,
        Err(_) => 0,
    }
}

fn speaks_about(view: &HostView, expected: Option<&ExpectedService>) -> bool {
    expected.is_none_or(|service| service.observed_by.is_empty() || service.observed_by.contains(&view.source.kind))
}

fn never_a_container(rules: &Rules, view: &HostView, name: &ServiceName) -> bool {
    match view.source.kind {
        SourceKind::Docker => rules.not_containers.iter().any(|n| n.eq_ignore_ascii_case(name.as_str())),
        SourceKind::Netbox | SourceKind::Proxmox | SourceKind::Truenas | SourceKind::Probe => false,
    }
}

pub(crate) fn evidence_of(view: &HostView) -> Evidence {
    Evidence { source: view.source.clone(), observed_at: view.observed_at }
}

/// The newest observation of the host, or the read of the intent if nothing observes it.
pub(crate) fn newest(case: Case<'_>) -> Evidence {
    case.observed
        .views()
        .iter()
        .max_by_key(|view| view.observed_at)
        .map_or_else(|| case.expected.evidence().clone(), |view| evidence_of(view))
}

pub(crate) fn uncovered_gap(subject: &Subject) -> Gap {
    match subject {
        Subject::Host(host) => uncovered(host),
        Subject::Source(source) => Gap::new(crate::coverage::GapKind::Uncovered, format!("{source} is not configured")),
    }
}

/// Which type a gap is reported as, for a source of this kind; `None` for gaps that are no alarm.
pub(crate) fn blindness_type(kind: SourceKind, coverage: &Coverage) -> Option<EventType> {
    use crate::coverage::GapKind as G;
    let gap = coverage.gap()?;
    match (gap.kind, kind) {
        (G::NotYetObserved | G::Uncovered, _) => None,
        (G::Unreachable | G::TimedOut, SourceKind::Docker) => Some(EventType::DockerUnreachable),
        (
            G::Unreachable
            | G::TimedOut
            | G::Unauthorized
            | G::Malformed
            | G::Truncated
            | G::Stale
            | G::Implausible
            | G::Ambiguous,
            _,
        ) => Some(EventType::SnapshotError),
    }
}
