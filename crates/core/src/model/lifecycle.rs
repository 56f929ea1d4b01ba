//! What a declaration demands: must it run, may it be away, must it not run.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A host's status as NetBox has it. The list is open: `FIELD_CHOICES` lets an administrator add values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostStatus {
    /// Decided, not there yet.
    Planned,
    /// Being prepared.
    Staged,
    /// In service.
    Active,
    /// Switched off on purpose.
    Offline,
    /// Suspended on purpose (NetBox 4.2 and later, virtual machines).
    Paused,
    /// Known to be broken.
    Failed,
    /// In a store room (devices).
    Inventory,
    /// On its way out.
    Decommissioning,
    /// A value of the operator's own.
    Other(Arc<str>),
}

impl HostStatus {
    /// Reads NetBox's choice value.
    pub fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "planned" => Self::Planned,
            "staged" => Self::Staged,
            "active" => Self::Active,
            "offline" => Self::Offline,
            "paused" => Self::Paused,
            "failed" => Self::Failed,
            "inventory" => Self::Inventory,
            "decommissioning" => Self::Decommissioning,
            _ => Self::Other(Arc::from(text)),
        }
    }

    /// What the status asks of the machine.
    pub fn demand(&self) -> Demand {
        match self {
            Self::Active => Demand::Run,
            Self::Planned | Self::Staged => Demand::MayRun,
            Self::Offline | Self::Paused | Self::Inventory => Demand::NotRun,
            // A failed machine is already known to be in trouble, and a value of the operator's own says nothing
            // to us: neither presence nor absence is a difference.
            Self::Failed | Self::Decommissioning | Self::Other(_) => Demand::Either,
        }
    }
}

impl fmt::Display for HostStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Planned => "planned",
            Self::Staged => "staged",
            Self::Active => "active",
            Self::Offline => "offline",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Inventory => "inventory",
            Self::Decommissioning => "decommissioning",
            Self::Other(text) => text,
        })
    }
}

/// A service's own life cycle. NetBox services have none; a custom field or a tag says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lifecycle {
    /// May be absent.
    Planned,
    /// Must run where its host must run.
    Active,
    /// Must not run any more.
    Retired,
}

impl Lifecycle {
    /// Reads `planned`, `active` or `retired`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "planned" => Some(Self::Planned),
            "active" => Some(Self::Active),
            "retired" => Some(Self::Retired),
            _ => None,
        }
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Planned => "planned",
            Self::Active => "active",
            Self::Retired => "retired",
        })
    }
}

/// What is asked of a machine or a service, host status and own life cycle taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// It must run: absence is drift.
    Run,
    /// It may be absent; if it runs, it must run as declared.
    MayRun,
    /// It may be absent or run, and nothing about it is drift.
    Either,
    /// It must not run: presence is drift.
    NotRun,
}

impl Demand {
    /// What is asked of a service, given its host's status and its own life cycle.
    /// A retired service must not run anywhere. Otherwise the host counts first: on a machine that must not run,
    /// the machine itself is the difference and its services are consequences.
    pub fn of_service(host: Demand, own: Option<Lifecycle>) -> Self {
        match (own, host) {
            (Some(Lifecycle::Retired), _) => Self::NotRun,
            (_, Self::NotRun | Self::Either) => Self::Either,
            (_, Self::MayRun) | (Some(Lifecycle::Planned), Self::Run) => Self::MayRun,
            (Some(Lifecycle::Active) | None, Self::Run) => Self::Run,
        }
    }
}
