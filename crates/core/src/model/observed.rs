//! What the sources say does exist.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::machine::ObservedMachine;
use super::ports::Ports;
use crate::coverage::{Coverage, Fact, Gap, GapKind, Lookup};
use crate::id::{HostName, ServiceName, SourceId};

/// What a container or app is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// It runs.
    Running,
    /// It is between two attempts to run.
    Restarting,
    /// It exists and is suspended.
    Paused,
    /// It exists and was never started.
    Created,
    /// It exists and ended, or is being removed.
    Exited,
    /// Nothing answers where it is declared to listen. Only probes say so; they cannot see what is behind a port.
    Closed,
}

impl RunState {
    /// The lower-case word used in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Paused => "paused",
            Self::Created => "created",
            Self::Exited => "exited",
            Self::Closed => "closed",
        }
    }
}

/// The verdict of a health check the operator defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// No check is defined.
    None,
    /// Not decided yet.
    Starting,
    /// Passing.
    Healthy,
    /// Failing.
    Unhealthy,
}

/// The host ports a service publishes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Published {
    /// Reachable from other machines.
    pub open: Ports,
    /// Bound to a loopback address: they satisfy a declaration, but are not undeclared exposure.
    pub loopback: Ports,
}

/// How a source names a thing, best first. Matching uses these; nothing matches by substring.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hints {
    /// The label `evenkeel.service`.
    pub label: Option<Arc<str>>,
    /// The Compose project.
    pub compose_project: Option<Arc<str>>,
    /// The Compose service.
    pub compose_service: Option<Arc<str>>,
    /// The container or app name.
    pub container_name: Option<Arc<str>>,
}

/// A service as one source sees it: the containers of one Compose service taken together, or one container, or an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedService {
    /// Its name on this host: the source's own name until it is bound to a declaration, then the declared one.
    pub name: ServiceName,
    /// How the source names it. Read when identity is decided, and never again: kept elsewhere.
    pub hints: Arc<Hints>,
    /// What it is doing; the best of its replicas.
    pub state: Fact<RunState>,
    /// What it publishes. Unknown for stopped containers and for the host network.
    pub ports: Fact<Published>,
    /// Its health check's verdict.
    pub health: Fact<Health>,
    /// The image as `name:tag`.
    pub image: Option<Arc<str>>,
    /// The label `evenkeel.role`.
    pub role: Option<Arc<str>>,
    /// Unasked-for restarts within the window the source counts over.
    pub restarts: Fact<u32>,
    /// How many containers stand behind it.
    pub replicas: u32,
}

/// What a source says about the machine itself. An attribute that is absent from the map was not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The name the machine gives itself.
    pub name: Option<Fact<Arc<str>>>,
    /// A stable id the source gives it (Docker's engine id).
    pub engine_id: Option<Arc<str>>,
    /// Addresses, MACs, versions and the like, for matching and display only.
    pub notes: BTreeMap<Arc<str>, Arc<str>>,
    /// The machine itself: as its hypervisor, its storage system or a probe sees it. `None`: the source says nothing
    /// about it, or, seen from outside under complete coverage, shows that there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Box<ObservedMachine>>,
    /// The source sees the machine from outside only, and says nothing about what runs on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_outside: bool,
    /// What is missing here is missing everywhere the source looks: it is told on the source, once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared_gap: bool,
}

/// One source's answer about one host: the raw form, before identity is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostSnapshot {
    /// Who says so.
    pub source: SourceId,
    /// When the question was put: nothing that happened later is contradicted by the answer.
    pub started: Timestamp,
    /// When the answer was complete.
    pub observed_at: Timestamp,
    /// How far it reaches.
    pub coverage: Coverage,
    /// About the machine.
    pub facts: HostFacts,
    /// The services that could be read, in any order.
    pub services: Vec<ObservedService>,
}

impl HostSnapshot {
    /// An answer that did not come: nothing is known but the cause.
    pub fn blind(source: SourceId, started: Timestamp, observed_at: Timestamp, gap: Gap) -> Self {
        Self {
            source,
            started,
            observed_at,
            coverage: Coverage::Partial(gap),
            facts: HostFacts::default(),
            services: Vec::new(),
        }
    }
}

/// One source's view of one host after identity was decided: services carry declared names and are sorted by them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostView {
    /// Who says so.
    pub source: SourceId,
    /// When the question was put.
    pub started: Timestamp,
    /// When the answer was complete.
    pub observed_at: Timestamp,
    /// How far it reaches.
    pub coverage: Coverage,
    /// About the machine.
    pub facts: HostFacts,
    /// The services, sorted by name, each name once.
    pub services: Vec<ObservedService>,
    /// Declared services that more than one observed thing claims, sorted by name; they are unknown, not absent.
    pub ambiguous: Vec<(ServiceName, Gap)>,
}

impl HostView {
    /// Whether the answer is too old to rest anything on, even that something is there.
    pub(crate) fn is_stale(&self) -> bool {
        self.coverage.gap().is_some_and(|gap| gap.kind == GapKind::Stale)
    }

    /// The machine as this view shows it from outside; `None` for a view that was not asked for it.
    pub fn machine(&self) -> Option<Lookup<'_, ObservedMachine>> {
        match (&self.facts.machine, &self.coverage) {
            (None, _) if !self.facts.from_outside => None,
            (_, Coverage::Partial(gap)) if gap.kind == GapKind::Stale => Some(Lookup::Unknown(gap)),
            (Some(machine), _) => Some(Lookup::Present(machine)),
            (None, Coverage::Complete) => Some(Lookup::Absent),
            (None, Coverage::Partial(gap)) => Some(Lookup::Unknown(gap)),
        }
    }

    /// Does this view show the service?
    pub fn service(&self, name: &ServiceName) -> Lookup<'_, ObservedService> {
        if let Ok(i) = self.ambiguous.binary_search_by(|(n, _)| n.cmp(name)) {
            return Lookup::Unknown(&self.ambiguous[i].1);
        }
        match (self.services.binary_search_by(|s| s.name.cmp(name)), &self.coverage) {
            (_, Coverage::Partial(gap)) if gap.kind == GapKind::Stale => Lookup::Unknown(gap),
            (Ok(i), _) => Lookup::Present(&self.services[i]),
            (Err(_), Coverage::Complete | Coverage::Partial(_)) => self.unlisted(),
        }
    }

    /// What it means that a service is not among those shown.
    pub(crate) fn unlisted(&self) -> Lookup<'_, ObservedService> {
        match &self.coverage {
            Coverage::Complete => Lookup::Absent,
            Coverage::Partial(gap) => Lookup::Unknown(gap),
        }
    }
}

/// Everything the sources say about one host, as a pass sees it. Views are sorted by source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    views: Vec<Arc<HostView>>,
}

impl Observed {
    /// Takes the views in any order: one for every source that is configured to speak about the host, also for one
    /// that has not answered yet. A source without a view is taken to be configured no more.
    pub fn new(mut views: Vec<Arc<HostView>>) -> Self {
        views.sort_by(|a, b| a.source.cmp(&b.source));
        Self { views }
    }

    /// The views, sorted by source.
    pub fn views(&self) -> &[Arc<HostView>] {
        &self.views
    }

    /// The view of one source.
    pub fn view(&self, source: &SourceId) -> Option<&HostView> {
        self.views.iter().find(|view| view.source == *source).map(|view| &**view)
    }
}

/// The gap of a host that no configured source speaks about.
pub fn uncovered(host: &HostName) -> Gap {
    Gap::new(GapKind::Uncovered, format!("no source observes {host}"))
}
