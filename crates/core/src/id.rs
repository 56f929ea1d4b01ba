//! Names of things: hosts, services, sources, drifts, events.
//!
//! Every name is a newtype over a shared string, so that a host cannot be passed where a service is meant and
//! a clone costs a reference count.

mod name;
mod text;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::EventType;

use self::name::name;
use self::text::{Escaped, unescaped};

pub(crate) use self::name::same_text;

name! {
    /// A machine's name, spelled as NetBox (or, for an undeclared machine, its source) spells it.
    /// NetBox compares names without regard to case; [`crate::identity::canonical`] is the form to match on.
    HostName
}
name! {
    /// A service's name on one host: NetBox's service name, or for an undeclared one the name its source gives.
    ServiceName
}

/// The systems evenkeel can ask. The text form is what NetBox's `observed_by` field and events carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// NetBox: the only source of intent.
    Netbox,
    /// A Docker or Podman engine.
    Docker,
    /// A Proxmox VE cluster.
    Proxmox,
    /// A TrueNAS system.
    Truenas,
    /// Network probes.
    Probe,
    /// Scripts and collectors of the operator's own, which send what they see.
    Push,
    /// evenkeel's own database. It is nobody's witness; it is watched itself.
    Store,
}

impl SourceKind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 7] =
        [Self::Netbox, Self::Docker, Self::Proxmox, Self::Truenas, Self::Probe, Self::Push, Self::Store];

    /// The kinds an operator can name as a witness.
    pub const WITNESSES: [Self; 6] =
        [Self::Netbox, Self::Docker, Self::Proxmox, Self::Truenas, Self::Probe, Self::Push];

    /// The lower-case word used in configuration, events and NetBox fields.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Netbox => "netbox",
            Self::Docker => "docker",
            Self::Proxmox => "proxmox",
            Self::Truenas => "truenas",
            Self::Probe => "probe",
            Self::Push => "push",
            Self::Store => "store",
        }
    }

    /// Reads [`SourceKind::as_str`]'s word back, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One configured source: its kind and the name the operator gave it (`docker/box2-media`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceId {
    /// What kind of system it is.
    pub kind: SourceKind,
    /// The name in the configuration, unique within its kind.
    pub name: Arc<str>,
}

impl SourceId {
    /// A source of this kind with this configured name.
    pub fn new(kind: SourceKind, name: impl AsRef<str>) -> Self {
        Self { kind, name: Arc::from(name.as_ref()) }
    }

    /// Reads the text form back (`docker/box2-media`).
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('/')?;
        let kind = SourceKind::parse(kind)?;
        (!name.is_empty()).then(|| Self::new(kind, name))
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// What one pass reconciles, and the key on the work queue: a host, or a source that is watched itself
/// (NetBox being unreadable belongs to no host).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// A machine.
    Host(HostName),
    /// A source of intent or observation.
    Source(SourceId),
}

impl Subject {
    /// The host, where the subject is one.
    pub fn host(&self) -> Option<&HostName> {
        match self {
            Self::Host(host) => Some(host),
            Self::Source(_) => None,
        }
    }

    /// Reads the text form back (`host:box2-media`, `source:netbox/main`).
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("host", name) if !name.is_empty() => Some(Self::Host(HostName::new(name))),
            ("source", id) => SourceId::parse(id).map(Self::Source),
            _ => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(f, "host:{host}"),
            Self::Source(source) => write!(f, "source:{source}"),
        }
    }
}

impl From<HostName> for Subject {
    fn from(host: HostName) -> Self {
        Self::Host(host)
    }
}

/// The attribute a [`EventType::ConfigDrift`] or [`EventType::ResourceExceeded`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// Which thing this is: two things claim one name, address or container.
    Identity,
    /// The name a machine gives itself.
    Name,
    /// An address.
    Ip,
    /// The role declared and the role carried.
    Role,
    /// The cluster a machine belongs to.
    Cluster,
    /// The hypervisor node a machine runs on.
    Node,
    /// Number of virtual processors.
    Vcpus,
    /// Memory, in MiB.
    Memory,
    /// Disk, in MiB.
    Disk,
    /// The container image.
    Image,
    /// Declared life cycle against real power state.
    Status,
    /// The health check's own verdict.
    Health,
    /// Processor use.
    Cpu,
    /// A hypervisor's storage; its name stands in the place of the service's.
    Storage,
    /// A ZFS pool; its name stands in the place of the service's.
    Pool,
    /// The size of evenkeel's own database.
    Database,
}

impl Field {
    /// Every field, in declaration order.
    pub const ALL: [Self; 16] = [
        Self::Identity,
        Self::Name,
        Self::Ip,
        Self::Role,
        Self::Cluster,
        Self::Node,
        Self::Vcpus,
        Self::Memory,
        Self::Disk,
        Self::Image,
        Self::Status,
        Self::Health,
        Self::Cpu,
        Self::Storage,
        Self::Pool,
        Self::Database,
    ];

    /// The lower-case word used in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Name => "name",
            Self::Ip => "ip",
            Self::Role => "role",
            Self::Cluster => "cluster",
            Self::Node => "node",
            Self::Vcpus => "vcpus",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Image => "image",
            Self::Status => "status",
            Self::Health => "health",
            Self::Cpu => "cpu",
            Self::Storage => "storage",
            Self::Pool => "pool",
            Self::Database => "database",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a drift is about, apart from its details: the same difference seen again has the same id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DriftId {
    /// The host or source concerned.
    pub subject: Subject,
    /// The service concerned, or the storage or pool (see `field`), if it is not the host itself.
    pub service: Option<ServiceName>,
    /// The kind of difference.
    pub event_type: EventType,
    /// For `CONFIG_DRIFT` and `RESOURCE_EXCEEDED` the attribute concerned. For blindness `None`.
    pub field: Option<Field>,
    /// For drift that one source alone can state (`DOCKER_UNREACHABLE`, `SNAPSHOT_ERROR`), which one.
    pub source: Option<SourceId>,
}

impl DriftId {
    /// A drift of a whole subject.
    pub fn of(subject: Subject, event_type: EventType) -> Self {
        Self { subject, service: None, event_type, field: None, source: None }
    }

    /// A drift of a whole host.
    pub fn of_host(host: &HostName, event_type: EventType) -> Self {
        Self::of(Subject::Host(host.clone()), event_type)
    }

    /// A drift of one service on a host.
    pub fn of_service(host: &HostName, service: &ServiceName, event_type: EventType) -> Self {
        Self { service: Some(service.clone()), ..Self::of_host(host, event_type) }
    }

    /// A structural difference of a host (`service` = `None`) or of a service.
    pub fn of_field(host: &HostName, service: Option<&ServiceName>, field: Field) -> Self {
        Self { service: service.cloned(), field: Some(field), ..Self::of_host(host, EventType::ConfigDrift) }
    }

    /// The state or use of a storage or pool on a host.
    pub fn of_volume(host: &HostName, volume: &str, event_type: EventType, field: Field) -> Self {
        Self { field: Some(field), ..Self::of_service(host, &ServiceName::new(volume), event_type) }
    }

    /// The blindness of one source, as far as it concerns this subject.
    pub fn of_source(subject: Subject, event_type: EventType, source: &SourceId) -> Self {
        Self { source: Some(source.clone()), ..Self::of(subject, event_type) }
    }

    /// The short handle people type (`evenkeel explain 7QZ2MK4D`): 40 bits of the id's hash in Crockford base 32.
    /// At 10,000 open drifts two share a handle with a chance of about 1 in 20,000; `explain` then shows both.
    pub fn handle(&self) -> String {
        handle_of(xxhash_rust::xxh3::xxh3_64(self.to_string().as_bytes()))
    }
}

/// The lower 40 bits in Crockford base 32.
pub(crate) fn handle_of(bits: u64) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    (0..8).map(|i| char::from(ALPHABET[((bits >> (i * 5)) & 31) as usize])).collect()
}

impl DriftId {
    /// Reads the text form back.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<String> = text.split('|').map(unescaped).collect::<Option<_>>()?;
        let [event_type, subject, service, field, source] = parts.as_slice() else {
            return None;
        };
        let set = |part: &str| (!part.is_empty()).then(|| part.to_owned());
        let field = match set(field) {
            Some(word) => Some(Field::ALL.into_iter().find(|f| f.as_str() == word)?),
            None => None,
        };
        let source = match set(source) {
            Some(word) => Some(SourceId::parse(&word)?),
            None => None,
        };
        Some(Self {
            subject: Subject::parse(subject)?,
            service: set(service).map(ServiceName::new),
            event_type: EventType::parse(event_type)?,
            field,
            source,
        })
    }
}

impl fmt::Display for DriftId {
    /// The stable text form, unique per id: `TYPE|subject|service|field|source`, empty parts kept. The two characters
    /// that would make it ambiguous are written `%7C` and `%25`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, service, event_type, field, source } = self;
        write!(f, "{event_type}|{}|", Escaped(subject))?;
        if let Some(service) = service {
            write!(f, "{}", Escaped(service))?;
        }
        f.write_str("|")?;
        if let Some(field) = field {
            write!(f, "{field}")?;
        }
        f.write_str("|")?;
        match source {
            Some(source) => write!(f, "{}", Escaped(source)),
            None => Ok(()),
        }
    }
}

/// An event's identity: a UUID of version 7, so that ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub uuid::Uuid);

impl EventId {
    /// Builds the id from a moment and 10 random bytes; clock and randomness stay with the caller.
    pub fn new(now: jiff::Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
