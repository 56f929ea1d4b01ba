//! Rows as they are kept: compact and checked.
//!
//! What does not live here: the checks (`admit`), and joining rows to hosts (`decode`).

use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_core::SourceKind;
use evenkeel_core::model::{HostKind, HostStatus, Lifecycle, Ports};
use serde_json::Value;

use super::config::{FieldNames, Filters};
use super::model::Version;
use super::wire::{Parsed, Wire};

/// What decides how rows are read.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) fields: FieldNames,
    pub(super) filters: Filters,
    pub(super) read_config_context: bool,
}

/// A host by kind and id: the only identity NetBox guarantees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct HostKey {
    pub(super) kind: HostKind,
    pub(super) id: u64,
}

/// An interface by the kind of its host and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct InterfaceKey {
    pub(super) kind: HostKind,
    pub(super) id: u64,
}

/// Why a row was refused, and whose it is where even that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) why: String,
    pub(super) owner: Option<HostKey>,
}

impl From<String> for Flaw {
    fn from(why: String) -> Self {
        Self { why, owner: None }
    }
}

/// A device or virtual machine.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HostRow {
    pub(super) name: Option<Arc<str>>,
    pub(super) status: HostStatus,
    pub(super) site: Option<Arc<str>>,
    pub(super) cluster: Option<Arc<str>>,
    pub(super) node: Option<(u64, Option<Arc<str>>)>,
    pub(super) role: Option<Arc<str>>,
    pub(super) tenant: Option<Arc<str>>,
    /// Id and address of the primary one. The address itself is looked up among the addresses first: editing it
    /// leaves no trace on the host.
    pub(super) primary: Option<(u64, IpAddr)>,
    pub(super) vcpus: Option<u32>,
    pub(super) memory_mib: Option<u64>,
    pub(super) disk_mib: Option<u64>,
    pub(super) tags: Vec<Arc<str>>,
    pub(super) observed_by: Vec<SourceKind>,
    pub(super) docker_endpoint: Option<Arc<str>>,
    pub(super) proxmox_vmid: Option<u64>,
    pub(super) sensitive: bool,
    pub(super) aliases: Vec<Arc<str>>,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ServiceRow {
    pub(super) owner: Owner,
    pub(super) name: Arc<str>,
    pub(super) ports: Ports,
    pub(super) lifecycle: Option<Lifecycle>,
    pub(super) container_name: Option<Arc<str>>,
    pub(super) compose_project: Option<Arc<str>>,
    pub(super) role: Option<Arc<str>>,
    pub(super) image: Option<Arc<str>>,
    pub(super) observed_by: Vec<SourceKind>,
    pub(super) tags: Vec<Arc<str>>,
    /// What the row says against itself.
    pub(super) contradiction: Option<String>,
}

/// Whose service it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// A host's.
    Host(HostKey),
    /// A redundancy group's, a site's, or a model's we do not know: nobody one could look at.
    Other(Arc<str>),
}

/// An IP address.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct IpRow {
    pub(super) address: IpAddr,
    pub(super) vrf: Option<u64>,
    /// Carried by several hosts on purpose (a role such as `vip` or `anycast`), or no longer in use.
    pub(super) shared: bool,
    pub(super) dns_name: Option<Arc<str>>,
    pub(super) interface: Option<InterfaceKey>,
}

/// An interface, of whichever model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct InterfaceRow {
    pub(super) host: HostKey,
    pub(super) mac: Option<Arc<str>>,
}

/// A MAC address.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MacRow {
    pub(super) mac: Arc<str>,
    pub(super) interface: Option<InterfaceKey>,
}

/// A row type that is kept.
pub(super) trait Row: Sized {
    /// What it is made of.
    type Wire: Wire;

    /// Checks a row of the wire.
    fn admit(wire: Self::Wire, settings: &Settings, version: Version) -> Result<Self, Flaw>;

    /// Whose row it is, asked of what did not even decode.
    fn owner_in(_: &Value) -> Option<HostKey> {
        None
    }
}

/// Keeps what a page brought, understood or not.
pub(super) fn keep<R: Row>(
    parsed: Parsed<R::Wire>,
    settings: &Settings,
    version: Version,
) -> Result<R, Flaw> {
    match parsed.row {
        Ok(wire) => R::admit(wire, settings, version),
        Err((why, value)) => Err(Flaw { why, owner: R::owner_in(&value) }),
    }
}
