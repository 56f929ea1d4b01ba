//! The comparison: one verdict per [`DriftId`], three answers.
//!
//! [`judge`] answers for one id. [`crate::diff`] walks a whole host and calls the same functions, so both always agree.
//! Everything here asks through [`Lookup`]; no function can see an entity without seeing what covers it.

mod attributes;
mod finding;
mod host;
pub(crate) mod machine;
mod own;
pub(crate) mod resources;
mod service;
pub(crate) mod shape;

use crate::coverage::{Coverage, Gap, Lookup};
use crate::drift::{Difference, Drift, Evidence, Verdict};
use crate::event::EventType;
use crate::id::{DriftId, Field, ServiceName, SourceKind, Subject};
use crate::model::observed::{HostView, uncovered};
use crate::model::{Expected, ExpectedService, Observed, ObservedService, RunState};

pub use host::source_verdict;
pub(crate) use host::{HOST_FIELDS, HOST_TYPES, MACHINE_TYPES, may_be_booting};
pub use machine::vouched_until;
pub use own::{OwnStore, own_store};
pub use resources::{DATABASE_LIMIT, LOWEST_LIMIT, Limit, Limits};
pub(crate) use service::{Subject as ServiceCase, plainly_equal};
pub use shape::FactRule;

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
    /// Which source is believed where several tell the same fact about a machine.
    pub facts: FactRule,
    /// How far real memory may be from the declared one, in percent of it.
    pub memory_tolerance: u32,
    /// How far real disk space may be from the declared one, in percent of it.
    pub disk_tolerance: u32,
    /// When a resource is exceeded.
    pub limits: Limits,
    /// How long a machine may take from being switched on until what runs on it answers.
    pub boot_grace: std::time::Duration,
}

impl Default for Rules {
    fn default() -> Self {
        // Services of the machine itself, which people declare on the same hosts as their containers.
        let not_containers = [
            "ssh",
            "sshd",
            "rdp",
            "winrm",
            "smb",
            "nfs",
            "snmp",
            "ntp",
            "cockpit",
            "webmin",
            "proxmox-ui",
            "truenas-ui",
            "pve",
            "ipmi",
        ];
        Self {
            ports: PortRule::Exact,
            restart_loop: 3,
            not_containers: not_containers.map(str::to_owned).to_vec(),
            facts: FactRule::default(),
            memory_tolerance: 5,
            disk_tolerance: 10,
            limits: Limits::default(),
            boot_grace: std::time::Duration::from_secs(180),
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
        Some(name) if is_of_volume(id) => resources::judge(case, id, name),
        Some(name) => ServiceCase::new(case, name).judge(id),
        None => host::judge(id, case),
    }
}

/// A storage or pool stands in the place of a service, and is none.
fn is_of_volume(id: &DriftId) -> bool {
    id.event_type == EventType::ResourceExceeded || matches!(id.field, Some(Field::Storage | Field::Pool))
}

/// What the views together say about one service.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'a> {
    /// This view shows it, and whatever the others would say, this is the one to believe.
    Present(&'a HostView, &'a ObservedService),
    /// This view shows it at work, so it is there; but a view that cannot say might have been believed rather than
    /// this one, so nothing beyond that is certain.
    AtLeast(&'a HostView, &'a ObservedService, &'a Gap),
    /// Every view that was asked proves that it is not there; one of them, for the evidence.
    Absent(&'a HostView),
    /// A view that was asked cannot say.
    Unknown(&'a Gap),
    /// No view was asked.
    Uncovered,
}

/// Asks every view that may speak about the service. Between two that show it, the one that says it runs is believed;
/// between equals, the first. What a view cannot say could be anything: the answer is what holds whatever that is. So
/// seen running beats unknown, unknown beats seen stopped, and it is absent only if everybody asked proves so.
pub(crate) fn seen<'a>(case: Case<'a>, name: &ServiceName, expected: Option<&ExpectedService>) -> Seen<'a> {
    seen_as(case, name, expected, |view| view.service(name))
}

/// The same, for a walk that knows what each view answers without a look-up.
pub(crate) fn seen_as<'a>(
    case: Case<'a>,
    name: &ServiceName,
    expected: Option<&ExpectedService>,
    answer: impl Fn(&'a HostView) -> Lookup<'a, ObservedService>,
) -> Seen<'a> {
    let mut asked = Asked::default();
    let mut engines = Asked::default();
    for view in case.observed.views() {
        if !speaks_about(view, name, expected) {
            continue;
        }
        let answer = answer(view);
        if expected.is_some() && never_a_container(case.rules, view, name) {
            // The engine is no witness for what is no container, unless it is one after all and nobody else was asked:
            // that it shows none proves nothing.
            match answer {
                Lookup::Present(_) | Lookup::Unknown(_) => engines.hear(view, answer),
                Lookup::Absent => {}
            }
            continue;
        }
        asked.hear(view, answer);
    }
    match asked.answer() {
        Seen::Uncovered if engines.best.is_some() => engines.answer(),
        Seen::Uncovered => Seen::Uncovered,
        answer @ (Seen::Present(..) | Seen::AtLeast(..) | Seen::Absent(_) | Seen::Unknown(_)) => answer,
    }
}

/// What the views said so far.
#[derive(Clone, Copy, Default)]
struct Asked<'a> {
    best: Option<(&'a HostView, &'a ObservedService)>,
    absent: Option<&'a HostView>,
    /// The first view that could not say.
    gap: Option<&'a Gap>,
    /// The first state that could not be read.
    unread: Option<&'a Gap>,
    /// That gap, if it came before the best answer.
    before_best: Option<&'a Gap>,
}

impl<'a> Asked<'a> {
    fn hear(&mut self, view: &'a HostView, answer: Lookup<'a, ObservedService>) {
        match answer {
            Lookup::Present(service) => {
                if self.best.is_none_or(|(_, old)| rank(service) > rank(old)) {
                    self.best = Some((view, service));
                    self.before_best = self.gap.or(self.unread);
                }
                if let Err(gap) = service.state.known() {
                    self.unread = self.unread.or(Some(gap));
                }
            }
            Lookup::Unknown(gap) => self.gap = self.gap.or(Some(gap)),
            Lookup::Absent => self.absent = self.absent.or(Some(view)),
        }
    }

    fn answer(self) -> Seen<'a> {
        let Some((view, service)) = self.best else {
            return match (self.gap, self.absent) {
                (Some(gap), _) => Seen::Unknown(gap),
                (None, Some(view)) => Seen::Absent(view),
                (None, None) => Seen::Uncovered,
            };
        };
        match (service.state.known(), self.gap.or(self.unread)) {
            (Ok(RunState::Running), _) => match self.before_best {
                Some(gap) => Seen::AtLeast(view, service, gap),
                None => Seen::Present(view, service),
            },
            (Ok(RunState::Restarting), Some(gap)) => Seen::AtLeast(view, service, gap),
            (Ok(RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed), Some(gap)) => {
                Seen::Unknown(gap)
            }
            (Err(_), _) => match self.gap {
                Some(gap) => Seen::Unknown(gap),
                None => Seen::Present(view, service),
            },
            (Ok(_), None) => Seen::Present(view, service),
        }
    }
}

fn rank(service: &ObservedService) -> u8 {
    match service.state.known() {
        Ok(RunState::Running) => 3,
        Ok(RunState::Restarting) => 2,
        Ok(RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed) => 1,
        Err(_) => 0,
    }
}

/// Whether this view was asked about a service, and its silence means something. What only sees machines from outside
/// says nothing about what runs in them.
pub fn speaks_about(view: &HostView, name: &ServiceName, expected: Option<&ExpectedService>) -> bool {
    looks_inside(view)
        && (view.source.kind != SourceKind::Probe || lists(view, name))
        && expected.is_none_or(|service| {
            service.observed_by.is_empty() || service.observed_by.contains(&view.source.kind)
        })
}

/// A probe was asked about the services it lists and about no other.
fn lists(view: &HostView, name: &ServiceName) -> bool {
    view.services.binary_search_by(|s| s.name.cmp(name)).is_ok()
        || view.ambiguous.binary_search_by(|(n, _)| n.cmp(name)).is_ok()
}

/// Whether the view says anything about what runs on the machine.
pub fn looks_inside(view: &HostView) -> bool {
    sees_services(view.source.kind) && !view.facts.from_outside
}

/// Whether a source of this kind looks into machines. One that only sees machines from outside proves nothing about
/// what runs in them, however complete its answer is.
pub(crate) fn sees_services(kind: SourceKind) -> bool {
    match kind {
        SourceKind::Docker | SourceKind::Truenas | SourceKind::Probe | SourceKind::Push => true,
        SourceKind::Netbox | SourceKind::Proxmox | SourceKind::Store => false,
    }
}

fn never_a_container(rules: &Rules, view: &HostView, name: &ServiceName) -> bool {
    match view.source.kind {
        // TrueNAS lists its apps, and its own web interface is none of them.
        SourceKind::Docker | SourceKind::Truenas => {
            rules.not_containers.iter().any(|n| n.eq_ignore_ascii_case(name.as_str()))
        }
        SourceKind::Netbox
        | SourceKind::Proxmox
        | SourceKind::Probe
        | SourceKind::Push
        | SourceKind::Store => false,
    }
}

/// A drift of the case's whole subject.
fn drifted(case: Case<'_>, kind: EventType, difference: Difference, evidence: Evidence) -> Verdict {
    Verdict::Drifted(Drift::new(DriftId::of(case.subject.clone(), kind), difference, evidence))
}

/// A structural difference of the case's whole subject.
fn config_drift(case: Case<'_>, field: Field, difference: Difference, evidence: Evidence) -> Verdict {
    let whole = DriftId::of(case.subject.clone(), EventType::ConfigDrift);
    Verdict::Drifted(Drift::new(DriftId { field: Some(field), ..whole }, difference, evidence))
}

pub(crate) fn evidence_of(view: &HostView) -> Evidence {
    Evidence { source: view.source.clone(), observed_at: view.observed_at }
}

/// The newest of what both truths rest on: the evidence for what is clean because of what is declared.
pub(crate) fn newest(case: Case<'_>) -> Evidence {
    let intent = case.expected.evidence();
    match case.observed.views().iter().max_by_key(|view| view.observed_at) {
        Some(view) if view.observed_at >= intent.observed_at => evidence_of(view),
        Some(_) | None => intent.clone(),
    }
}

pub(crate) fn uncovered_gap(subject: &Subject) -> Gap {
    match subject {
        Subject::Host(host) => uncovered(host),
        Subject::Source(source) => {
            Gap::new(crate::coverage::GapKind::Uncovered, format!("{source} is not configured"))
        }
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
