//! A drift: one difference between the two truths, typed, with the observation it rests on.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::coverage::{Gap, GapKind};
use crate::event::{EventType, Severity, Side};
use crate::id::{DriftId, Field, SourceId, Subject};
use crate::model::{MachineKind, MachineState, Ports, Published, RunState};

/// The observation a verdict rests on. Two verdicts with the same evidence are one observation, not two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// Who answered.
    pub source: SourceId,
    /// When the answer was complete.
    pub observed_at: Timestamp,
}

/// What differs. Each variant carries what a reader needs to see both sides, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum Difference {
    /// `SERVICE_MISSING`.
    Missing {
        /// Declared ports.
        ports: Ports,
        /// Declared role.
        role: Option<Arc<str>>,
        /// What it does instead of running; `None` if nothing of that name exists.
        state: Option<RunState>,
    },
    /// `SERVICE_UNEXPECTED`.
    Unexpected {
        /// Declared, but as retired.
        retired: bool,
        /// What it publishes, where known.
        ports: Option<Ports>,
        /// What it does.
        state: RunState,
        /// Its image, where the source may say it.
        image: Option<Arc<str>>,
    },
    /// `PORT_MISMATCH`.
    PortMismatch {
        /// Declared ports.
        expected: Ports,
        /// Published ports.
        observed: Published,
    },
    /// `PORT_MISMATCH`: it runs and publishes, and all the same nothing answers.
    PortClosed {
        /// Declared ports.
        expected: Ports,
        /// Those that answer.
        open: Ports,
        /// Who says that it runs.
        seen_by: SourceId,
        /// Who found the ports closed.
        probed_by: SourceId,
    },
    /// `VM_DOWN`.
    VmDown {
        /// What it does instead of running; `None` if no hypervisor has it.
        state: Option<MachineState>,
    },
    /// `VM_UNDECLARED`.
    VmUndeclared {
        /// Virtual machine or system container.
        kind: MachineKind,
        /// The hypervisor's own key (`qemu/100`).
        key: Arc<str>,
        /// The node it runs on.
        node: Option<Arc<str>>,
    },
    /// `RESOURCE_EXCEEDED`.
    Exceeded {
        /// Use, in percent.
        percent: u64,
        /// The threshold it is over, in percent.
        limit: u64,
    },
    /// `RESOURCE_EXCEEDED` of evenkeel's own database.
    TooLarge {
        /// Which database, as the operator knows it.
        at: Arc<str>,
        /// What it takes up, in bytes.
        bytes: u64,
        /// What it may take up, in bytes.
        limit: u64,
    },
    /// `DOCKER_UNREACHABLE`, `NODE_UNREACHABLE` or `SNAPSHOT_ERROR`.
    Blind {
        /// Why nothing, or not everything, is known.
        gap: Gap,
        /// How many declared services are unknown because of it.
        unknown_services: u32,
    },
    /// `RESTART_LOOP`.
    RestartLoop {
        /// Unasked-for restarts within the source's window, where they could be counted.
        restarts: Option<u32>,
        /// What it does at this moment.
        state: RunState,
    },
    /// `CONFIG_DRIFT`.
    Config {
        /// The declared value; `None` if nothing is declared.
        expected: Option<Arc<str>>,
        /// The real value; `None` if the declaration itself is what is wrong.
        observed: Option<Arc<str>>,
    },
}

impl Difference {
    /// Whether this is still the same difference for a reader. Counters, causes in words and the exact way in which
    /// a service does not run may change without a new event.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Missing { ports: a, role: b, state: _ },
                Self::Missing { ports: c, role: d, state: _ },
            ) => a == c && b == d,
            (
                Self::Unexpected { retired: a, ports: _, state: _, image: _ },
                Self::Unexpected { retired: b, ports: _, state: _, image: _ },
            ) => a == b,
            (Self::Blind { gap: a, unknown_services: _ }, Self::Blind { gap: b, unknown_services: _ }) => {
                // A machine that goes down refuses one moment and is silent the next.
                let silent = |kind: GapKind| matches!(kind, GapKind::Unreachable | GapKind::TimedOut);
                a.kind == b.kind || (silent(a.kind) && silent(b.kind))
            }
            (Self::RestartLoop { restarts: _, state: _ }, Self::RestartLoop { restarts: _, state: _ }) => {
                true
            }
            (Self::VmDown { state: _ }, Self::VmDown { state: _ })
            | (
                Self::VmUndeclared { kind: _, key: _, node: _ },
                Self::VmUndeclared { kind: _, key: _, node: _ },
            ) => true,
            (Self::Exceeded { percent: _, limit: a }, Self::Exceeded { percent: _, limit: b }) => a == b,
            (Self::TooLarge { at: a, bytes: _, limit: b }, Self::TooLarge { at: c, bytes: _, limit: d }) => {
                a == c && b == d
            }
            (
                Self::PortClosed { expected: a, open: b, seen_by: _, probed_by: _ },
                Self::PortClosed { expected: c, open: d, seen_by: _, probed_by: _ },
            ) => a == c && b == d,
            (Self::PortMismatch { .. } | Self::Config { .. } | Self::Missing { .. }, _)
            | (Self::PortClosed { .. } | Self::VmDown { .. } | Self::VmUndeclared { .. }, _)
            | (Self::Unexpected { .. } | Self::Blind { .. } | Self::RestartLoop { .. }, _)
            | (Self::Exceeded { .. } | Self::TooLarge { .. }, _) => self == other,
        }
    }

    /// Both sides as an event shows them: expected, observed.
    pub fn sides(&self, field: Option<Field>) -> (Option<Side>, Option<Side>) {
        let word = |text: &str| Some(Arc::<str>::from(text));
        let ports_side = |ports: &Ports| Side {
            port: ports.as_slice().first().map(|p| p.number),
            ports: ports.as_slice().to_vec(),
            ..Side::default()
        };
        match self {
            Self::Missing { ports, role, state } => (
                Some(Side { role: role.clone(), state: word("running"), ..ports_side(ports) }),
                state.map(|state| Side { state: word(state.as_str()), ..Side::default() }),
            ),
            Self::Unexpected { retired, ports, state, image } => (
                retired.then(|| Side { state: word("retired"), ..Side::default() }),
                Some(Side {
                    state: word(state.as_str()),
                    image: image.clone(),
                    ..ports.as_ref().map(ports_side).unwrap_or_default()
                }),
            ),
            Self::PortMismatch { expected, observed } => {
                (Some(ports_side(expected)), Some(ports_side(&observed.open.union(&observed.loopback))))
            }
            Self::PortClosed { expected, open, seen_by: _, probed_by: _ } => {
                (Some(ports_side(expected)), Some(Side { state: word("closed"), ..ports_side(open) }))
            }
            Self::VmDown { state } => (
                Some(Side { state: word("running"), ..Side::default() }),
                state.map(|state| Side { state: word(state.as_str()), ..Side::default() }),
            ),
            Self::VmUndeclared { kind, key, node: _ } => (
                None,
                Some(Side {
                    state: word("running"),
                    value: Some(Arc::from(format!("{} {key}", kind.as_str()))),
                    ..Side::default()
                }),
            ),
            Self::Exceeded { percent, limit } => {
                (measure(field, format!("at most {limit} %")), measure(field, format!("{percent} %")))
            }
            Self::TooLarge { at: _, bytes, limit } => (
                measure(field, format!("at most {}", size_words(*limit))),
                measure(field, size_words(*bytes)),
            ),
            Self::Blind { gap, unknown_services: _ } => (
                Some(Side { state: word("observable"), ..Side::default() }),
                Some(Side {
                    state: word(gap.kind.as_str()),
                    value: Some(gap.why.clone()),
                    ..Side::default()
                }),
            ),
            Self::RestartLoop { restarts, state } => (
                Some(Side { state: word("running"), ..Side::default() }),
                Some(Side {
                    state: word(state.as_str()),
                    value: restarts.map(|n| Arc::from(format!("{n} restarts"))),
                    ..Side::default()
                }),
            ),
            Self::Config { expected, observed } => {
                let side = |value: &Option<Arc<str>>| {
                    value.clone().map(|value| Side {
                        field: field.map(|f| Arc::from(f.as_str())),
                        value: Some(value),
                        ..Side::default()
                    })
                };
                (side(expected), side(observed))
            }
        }
    }

    /// One sentence for people.
    pub fn details(&self, id: &DriftId) -> String {
        let host = match &id.subject {
            Subject::Host(host) => host.to_string(),
            Subject::Source(source) => source.to_string(),
        };
        let service = id.service.as_ref().map_or("", |s| s.as_str());
        let source = id.source.as_ref().map_or("its source", |s| s.kind.as_str());
        match self {
            Self::Missing { state: None, .. } => {
                format!("Expected service {service} on {host} but no container of that name exists.")
            }
            Self::Missing { state: Some(RunState::Closed), .. } => {
                format!("Expected service {service} on {host} but nothing answers where it should listen.")
            }
            Self::Missing { state: Some(state), .. } => {
                format!(
                    "Expected service {service} on {host} but container not running ({}).",
                    state.as_str()
                )
            }
            Self::Unexpected { retired: true, .. } => {
                format!("Service {service} on {host} is retired in NetBox but still runs.")
            }
            Self::Unexpected { retired: false, .. } => {
                format!("Service {service} runs on {host} but is not declared in NetBox.")
            }
            Self::PortMismatch { expected, observed } => format!(
                "Service {service} on {host} is declared on {expected} but publishes {}.",
                observed.open.union(&observed.loopback)
            ),
            Self::PortClosed { expected, open, seen_by, probed_by } => format!(
                "Service {service} on {host} runs ({seen_by}), but of its ports {expected} only {open} answer ({probed_by})."
            ),
            Self::VmDown { state: Some(state) } => {
                format!("Expected virtual machine {host} to run but it is {}.", state.as_str())
            }
            Self::VmDown { state: None } => {
                format!(
                    "Expected virtual machine {host} to run but no hypervisor has a machine of that name."
                )
            }
            Self::VmUndeclared { kind, key, node } => {
                let on = node.as_ref().map_or_else(String::new, |node| format!(" on {node}"));
                format!("The {} {host} ({key}) runs{on} but is not declared in NetBox.", kind.as_str())
            }
            Self::Exceeded { percent, limit } => exceeded_details(id, &host, *percent, *limit),
            Self::TooLarge { at, bytes, limit } => format!(
                "evenkeel's own database ({at}) takes up {}, over its limit of {}; `[store.retention]` says how much is kept.",
                size_words(*bytes),
                size_words(*limit)
            ),
            Self::Blind { gap, unknown_services: _ } if id.event_type == EventType::NodeUnreachable => {
                format!("{host} cannot be reached: {}.", gap.why)
            }
            Self::Blind { gap, unknown_services: 0 } => {
                format!("{host} cannot be observed through {source}: {gap}.")
            }
            Self::Blind { gap, unknown_services: n } => {
                let plural = if *n == 1 { "service is" } else { "services are" };
                format!(
                    "{host} cannot be observed through {source}: {gap}; {n} {plural} unknown, not missing."
                )
            }
            Self::RestartLoop { restarts: Some(n), .. } => {
                format!("Service {service} on {host} restarted {n} times without being asked to.")
            }
            Self::RestartLoop { restarts: None, .. } => {
                format!("Service {service} on {host} keeps restarting.")
            }
            Self::Config { expected, observed } => {
                config_details(id, &host, expected.as_deref(), observed.as_deref())
            }
        }
    }
}

fn measure(field: Option<Field>, value: String) -> Option<Side> {
    let field = field.map(|f| Arc::from(f.as_str()));
    Some(Side { field, value: Some(Arc::from(value)), ..Side::default() })
}

/// A number of bytes as people say it: `5.2 GB`, in units of a thousand.
pub fn size_words(bytes: u64) -> String {
    let (unit, word) = match bytes {
        0..1_000 => return format!("{bytes} bytes"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        1_000_000_000..1_000_000_000_000 => (1_000_000_000, "GB"),
        1_000_000_000_000.. => (1_000_000_000_000, "TB"),
    };
    format!("{}.{} {word}", bytes / unit, bytes % unit / (unit / 10))
}

fn exceeded_details(id: &DriftId, host: &str, percent: u64, limit: u64) -> String {
    let of = match (id.field, &id.service) {
        (Some(field), Some(volume)) => format!("{field} {volume}"),
        (Some(field), None) => field.to_string(),
        (None, Some(volume)) => volume.to_string(),
        (None, None) => "resource".to_owned(),
    };
    format!("The {of} of {host} is at {percent} %, over the limit of {limit} %.")
}

fn config_details(id: &DriftId, host: &str, expected: Option<&str>, observed: Option<&str>) -> String {
    let field = id.field.map_or("configuration", Field::as_str);
    let what = match &id.service {
        Some(pool) if id.field == Some(Field::Pool) => format!("{pool} on {host}"),
        Some(service) => format!("service {service} on {host}"),
        None => host.to_owned(),
    };
    match (expected, observed) {
        (Some(e), Some(o)) => format!("The {field} of {what} is declared as {e} but is {o}."),
        (Some(e), None) => format!("The {field} of {what} is ambiguous: {e}."),
        (None, Some(o)) => format!("The {field} of {what} is not declared in NetBox: {o}."),
        (None, None) => format!("The {field} of {what} cannot be determined."),
    }
}

/// One difference, found in one comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// What it is about; the same difference seen again has the same id.
    pub id: DriftId,
    /// What differs.
    pub difference: Difference,
    /// The observation it rests on.
    pub evidence: Evidence,
    /// How much it matters, rules applied.
    pub severity: Severity,
    /// The name of the silence that covers it, if one does.
    pub silenced: Option<Arc<str>>,
}

impl Drift {
    /// A drift of its type's default severity, covered by no silence.
    pub fn new(id: DriftId, difference: Difference, evidence: Evidence) -> Self {
        let severity = id.event_type.default_severity();
        Self { id, difference, evidence, severity, silenced: None }
    }
}

/// The answer for one [`DriftId`]: three answers, never two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They differ.
    Drifted(Drift),
    /// They agree, and this observation says so.
    Clean(Evidence),
    /// Nobody can say.
    Unknown(Gap),
}
