//! What NetBox says should exist.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::lifecycle::{Demand, HostStatus, Lifecycle};
use super::ports::Ports;
use crate::coverage::{Coverage, Gap, GapKind, Lookup};
use crate::drift::Evidence;
use crate::id::{HostName, ServiceName, SourceId, SourceKind};

/// Which NetBox model a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostKind {
    /// `dcim.device`.
    Device,
    /// `virtualization.virtualmachine`.
    VirtualMachine,
}

/// A host as declared in NetBox, with the services declared on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedHost {
    /// The name, spelled as in NetBox.
    pub name: HostName,
    /// Device or virtual machine.
    pub kind: HostKind,
    /// NetBox's id within the model.
    pub netbox_id: u64,
    /// NetBox's status.
    pub status: HostStatus,
    /// The primary address, without its mask.
    pub primary_ip: Option<IpAddr>,
    /// Every address assigned to its interfaces, sorted; the primary one included.
    pub addresses: Vec<IpAddr>,
    /// MAC addresses of its interfaces, lower-case colon form, sorted.
    pub macs: Vec<Arc<str>>,
    /// Other names it answers to: DNS names and configured aliases, sorted.
    pub aliases: Vec<Arc<str>>,
    /// Slug of the role.
    pub role: Option<Arc<str>>,
    /// Slug of the site.
    pub site: Option<Arc<str>>,
    /// Slug of the tenant.
    pub tenant: Option<Arc<str>>,
    /// Name of the cluster.
    pub cluster: Option<Arc<str>>,
    /// The hypervisor node NetBox pins it to.
    pub node: Option<HostName>,
    /// Virtual processors.
    pub vcpus: Option<u32>,
    /// Memory in MiB.
    pub memory_mib: Option<u64>,
    /// Disk in MiB.
    pub disk_mib: Option<u64>,
    /// Slugs of its tags, sorted.
    pub tags: Vec<Arc<str>>,
    /// Custom field `observed_by`: the sources meant to speak about it. Empty: whichever is configured.
    pub observed_by: Vec<SourceKind>,
    /// The Docker endpoint declared in NetBox (custom field or config context), as text to be parsed by the source.
    pub docker_endpoint: Option<Arc<str>>,
    /// Custom field `proxmox_vmid`: Proxmox's number of the guest, the explicit link to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxmox_vmid: Option<u64>,
    /// Names and states only: ports, images and labels of its services are not kept.
    pub sensitive: bool,
    /// The declared services, sorted by name, each name once.
    pub services: Vec<ExpectedService>,
    /// Whether `services` is all there is. Partial when one of its services could not be understood.
    pub services_coverage: Coverage,
    /// What about this host's declaration is contradictory (`two services named dns disagree on their life cycle`).
    pub contradictions: Vec<Contradiction>,
}

impl ExpectedHost {
    /// An active host that declares nothing but itself.
    pub fn new(name: impl Into<HostName>, kind: HostKind, netbox_id: u64) -> Self {
        Self {
            name: name.into(),
            kind,
            netbox_id,
            status: HostStatus::Active,
            primary_ip: None,
            addresses: Vec::new(),
            macs: Vec::new(),
            aliases: Vec::new(),
            role: None,
            site: None,
            tenant: None,
            cluster: None,
            node: None,
            vcpus: None,
            memory_mib: None,
            disk_mib: None,
            tags: Vec::new(),
            observed_by: Vec::new(),
            docker_endpoint: None,
            proxmox_vmid: None,
            sensitive: false,
            services: Vec::new(),
            services_coverage: Coverage::Complete,
            contradictions: Vec::new(),
        }
    }

    /// What the host's status asks of it.
    pub fn demand(&self) -> Demand {
        self.status.demand()
    }

    /// A service by its exact name.
    pub fn service(&self, name: &ServiceName) -> Option<&ExpectedService> {
        self.services.binary_search_by(|s| s.name.cmp(name)).ok().map(|i| &self.services[i])
    }
}

/// A declaration that cannot be taken at its word. Reported as `CONFIG_DRIFT` on `identity`, never resolved by guess.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Contradiction {
    /// The service it concerns, if it is not the host itself.
    pub service: Option<ServiceName>,
    /// What contradicts what, in words.
    pub what: Arc<str>,
}

/// A service as declared: NetBox services of one name on one host, taken together (NetBox has one protocol per object).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedService {
    /// NetBox's service name.
    pub name: ServiceName,
    /// Own life cycle, where a custom field or a tag says one.
    pub lifecycle: Option<Lifecycle>,
    /// Published host ports.
    pub ports: Ports,
    /// Custom field `container_name`: the explicit link to a container.
    pub container_name: Option<Arc<str>>,
    /// Custom field `compose_project`: narrows the Compose project.
    pub compose_project: Option<Arc<str>>,
    /// Custom field `role`.
    pub role: Option<Arc<str>>,
    /// Custom field `image`: the image it should run, as `name:tag`.
    pub image: Option<Arc<str>>,
    /// Custom field `observed_by` of the service, where defined. Empty: the host's.
    pub observed_by: Vec<SourceKind>,
    /// Slugs of its tags, sorted.
    pub tags: Vec<Arc<str>>,
    /// Ids of the NetBox services behind it, ascending.
    pub netbox_ids: Vec<u64>,
}

/// The whole of what NetBox says, as one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// Which NetBox.
    pub source: SourceId,
    /// When the read began: nothing that happened later is contradicted by it.
    pub started: Timestamp,
    /// When the read ended.
    pub observed_at: Timestamp,
    /// Complete only if every page of every model was read and understood and the rights are plausibly unchanged.
    pub coverage: Coverage,
    /// The hosts that could be read, sorted by name.
    pub hosts: Vec<Arc<ExpectedHost>>,
    /// Only some hosts were asked for: what is not here may be declared all the same, and does not concern us.
    pub filtered: bool,
}

/// One host's slice of the intent, as a pass sees it.
///
/// After a failed read the last complete declaration stays (`host`), but `coverage` turns partial: what is declared
/// is still expected, and what is not declared is no longer proved undeclared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    evidence: Evidence,
    coverage: Coverage,
    host: Option<Arc<ExpectedHost>>,
}

impl Expected {
    /// Builds the slice. `evidence` is the last complete read, the one `host` comes from.
    pub fn new(evidence: Evidence, coverage: Coverage, host: Option<Arc<ExpectedHost>>) -> Self {
        Self { evidence, coverage, host }
    }

    /// The slice before this NetBox has answered at all.
    pub fn not_yet(source: SourceId) -> Self {
        let gap = Gap::new(GapKind::NotYetObserved, "netbox has not been read yet");
        Self::new(Evidence { source, observed_at: Timestamp::UNIX_EPOCH }, Coverage::Partial(gap), None)
    }

    /// The read the declaration comes from.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// How far the intent reaches.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Is the host declared?
    pub fn host(&self) -> Lookup<'_, ExpectedHost> {
        match (&self.host, &self.coverage) {
            (Some(host), _) => Lookup::Present(host),
            (None, Coverage::Complete) => Lookup::Absent,
            (None, Coverage::Partial(gap)) => Lookup::Unknown(gap),
        }
    }

    /// Is the service declared?
    pub fn service(&self, name: &ServiceName) -> Lookup<'_, ExpectedService> {
        match self.host() {
            Lookup::Present(host) => match host.service(name) {
                Some(service) => Lookup::Present(service),
                None => match self.services_gap(host) {
                    None => Lookup::Absent,
                    Some(gap) => Lookup::Unknown(gap),
                },
            },
            Lookup::Absent => Lookup::Absent,
            Lookup::Unknown(gap) => Lookup::Unknown(gap),
        }
    }

    /// What keeps the list of this host's services from being proof, if anything.
    pub(crate) fn services_gap<'a>(&'a self, host: &'a ExpectedHost) -> Option<&'a Gap> {
        self.coverage.gap().or_else(|| host.services_coverage.gap())
    }
}
