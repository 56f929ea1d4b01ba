//! Event types, severities, and the event itself in its canonical form.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{DriftId, EventId, HostName, ServiceName};
use crate::model::Port;

/// The official typology. The codes are fixed; the order is that of the mission's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventType {
    /// An expected service does not exist, or does not run.
    ServiceMissing,
    /// An undeclared (or retired) service really runs.
    ServiceUnexpected,
    /// Real ports differ from expected ports.
    PortMismatch,
    /// An expected active virtual machine does not run.
    #[serde(alias = "VM_NOT_RUNNING")]
    VmDown,
    /// A virtual machine runs that NetBox does not know.
    VmUndeclared,
    /// A host's Docker daemon does not answer.
    DockerUnreachable,
    /// A machine or hypervisor node cannot be reached.
    #[serde(alias = "HOST_NOT_RESPONDING")]
    NodeUnreachable,
    /// A structural difference; the field is named.
    ConfigDrift,
    /// The observed (or expected) state could not be collected or understood.
    SnapshotError,
    /// A measured resource is over its threshold.
    ResourceExceeded,
    /// A container restarts abnormally often.
    RestartLoop,
}

impl EventType {
    /// Every type, in the order of the mission's table.
    pub const ALL: [Self; 11] = [
        Self::ServiceMissing,
        Self::ServiceUnexpected,
        Self::PortMismatch,
        Self::VmDown,
        Self::VmUndeclared,
        Self::DockerUnreachable,
        Self::NodeUnreachable,
        Self::ConfigDrift,
        Self::SnapshotError,
        Self::ResourceExceeded,
        Self::RestartLoop,
    ];

    /// The official code.
    pub fn code(self) -> &'static str {
        match self {
            Self::ServiceMissing => "SERVICE_MISSING",
            Self::ServiceUnexpected => "SERVICE_UNEXPECTED",
            Self::PortMismatch => "PORT_MISMATCH",
            Self::VmDown => "VM_DOWN",
            Self::VmUndeclared => "VM_UNDECLARED",
            Self::DockerUnreachable => "DOCKER_UNREACHABLE",
            Self::NodeUnreachable => "NODE_UNREACHABLE",
            Self::ConfigDrift => "CONFIG_DRIFT",
            Self::SnapshotError => "SNAPSHOT_ERROR",
            Self::ResourceExceeded => "RESOURCE_EXCEEDED",
            Self::RestartLoop => "RESTART_LOOP",
        }
    }

    /// Reads a code in any case, older names (`VM_NOT_RUNNING`, `HOST_NOT_RESPONDING`) included.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("VM_NOT_RUNNING") {
            return Some(Self::VmDown);
        }
        if text.eq_ignore_ascii_case("HOST_NOT_RESPONDING") {
            return Some(Self::NodeUnreachable);
        }
        Self::ALL.into_iter().find(|kind| kind.code().eq_ignore_ascii_case(text))
    }

    /// The severity it has unless a rule says otherwise.
    pub fn default_severity(self) -> Severity {
        match self {
            Self::VmDown | Self::NodeUnreachable => Severity::Critical,
            Self::ServiceMissing | Self::DockerUnreachable | Self::RestartLoop => Severity::High,
            Self::ServiceUnexpected
            | Self::PortMismatch
            | Self::VmUndeclared
            | Self::SnapshotError
            | Self::ResourceExceeded => Severity::Medium,
            Self::ConfigDrift => Severity::Low,
        }
    }

    /// Whether it says that something could not be seen, rather than that something differs.
    pub fn is_blindness(self) -> bool {
        match self {
            Self::DockerUnreachable | Self::NodeUnreachable | Self::SnapshotError => true,
            Self::ServiceMissing
            | Self::ServiceUnexpected
            | Self::PortMismatch
            | Self::VmDown
            | Self::VmUndeclared
            | Self::ConfigDrift
            | Self::ResourceExceeded
            | Self::RestartLoop => false,
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// How much an event matters, ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth a look now.
    High,
    /// Something people rely on is down.
    Critical,
}

impl Severity {
    /// Every severity, ascending.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The lower-case word used in events and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Reads the word back, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str().eq_ignore_ascii_case(text.trim()))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What happened to the drift an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transition {
    /// Confirmed for the first time.
    Opened,
    /// Confirmed again soon after it was resolved.
    Reopened,
    /// Still open, but not the same any more (other ports, other severity, flapping began).
    Changed,
    /// Confirmed gone.
    Resolved,
    /// Still open, said again because the operator wants reminders.
    Reminder,
}

impl Transition {
    /// Every one, in the order they happen.
    pub const ALL: [Self; 5] = [Self::Opened, Self::Reopened, Self::Changed, Self::Resolved, Self::Reminder];

    /// Reads the word back, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transition| transition.as_str().eq_ignore_ascii_case(text.trim()))
    }

    /// The lower-case word used in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reopened => "reopened",
            Self::Changed => "changed",
            Self::Resolved => "resolved",
            Self::Reminder => "reminder",
        }
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One side of a difference as it appears in an event: only what is known and relevant is present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Side {
    /// The lowest port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// All ports with their protocols.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// The role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Arc<str>>,
    /// What it does or should do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Arc<str>>,
    /// The image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Arc<str>>,
    /// The attribute a `CONFIG_DRIFT` is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Arc<str>>,
    /// That attribute's value, or a measured figure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Arc<str>>,
}

/// An event in its canonical form: on webhooks, in the API, in exports. The first ten keys are fixed by the
/// installations that read them; more may follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// UUID of version 7.
    pub id: EventId,
    /// The host; null for a source that belongs to no host (NetBox).
    pub hostname: Option<HostName>,
    /// The service, if it is about one.
    pub service: Option<ServiceName>,
    /// The official code.
    pub event_type: EventType,
    /// What should be; null if nothing was declared.
    pub expected: Option<Side>,
    /// What is; null if nothing is there.
    pub observed: Option<Side>,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence for people.
    pub details: String,
    /// The kind of source that saw it (`docker`).
    pub source: Arc<str>,
    /// When the transition was decided.
    pub created_at: Timestamp,
    /// What happened to the drift.
    pub transition: Transition,
    /// Stable id of the drift ([`DriftId`]'s text form), the same for all events about one difference.
    pub drift_id: String,
    /// The short handle for `evenkeel explain`.
    pub handle: String,
    /// When the difference was first seen.
    pub first_seen: Timestamp,
    /// When it was last seen; the observation the event rests on.
    pub last_seen: Timestamp,
    /// It opens and closes too often; further changes are held back until it is quiet.
    pub flapping: bool,
    /// It was there at the first look and taken as the baseline.
    pub baseline: bool,
    /// Consequences folded under this drift, in words, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folded: Vec<String>,
    /// How many consequences are folded under it in all.
    #[serde(default)]
    pub folded_count: u32,
    /// Whether it goes to the sinks; a silenced, folded or baseline event is kept and shown, not sent.
    #[serde(skip)]
    pub announce: bool,
    /// The drift, typed; the text form travels as `drift_id`.
    #[serde(skip)]
    pub drift: Option<DriftId>,
}
