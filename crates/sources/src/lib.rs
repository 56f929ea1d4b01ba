//! The systems evenkeel asks, one folder each with the same rooms: `mod` (the source), `config` (validated settings),
//! `client` (transport), `wire` (foreign JSON, never leaves the folder), `decode` (wire → snapshot, pure).
//!
//! A source only reads. It contains no metric, no schedule and no retry beyond the transport's own; those sit in the
//! controller. It never fails: what could not be read is a gap in the snapshot.

use async_trait::async_trait;
use evenkeel_core::SourceId;
use evenkeel_core::model::{HostSnapshot, Inventory, Survey};

pub mod docker;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod http;
pub mod netbox;
pub mod probe;
pub mod proxmox;
pub mod push;
pub mod truenas;

/// What a source said in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Snapshot {
    /// The whole intent.
    Inventory(Inventory),
    /// What runs on one or several hosts.
    Hosts(Vec<HostSnapshot>),
    /// The machines a source looks after; and what runs on the source's own machine, where it is one (TrueNAS).
    Survey {
        /// The machines.
        survey: Survey,
        /// What runs on the source's own machine.
        host: Option<HostSnapshot>,
    },
}

/// Why a source believes that a new observation would differ from the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// For logs and spans: `die sonarr`, `changelog 4711`.
    pub reason: String,
}

/// A system that can be asked. Production implementations: one per folder; fakes speak the wire instead (crate `lab`).
#[async_trait]
pub trait Source: Send + Sync {
    /// Which one this is.
    fn id(&self) -> &SourceId;

    /// Asks once. There is no error: failure is a gap in the snapshot. Bounded by the source's own timeouts.
    async fn observe(&self) -> Snapshot;

    /// Is told, before it is asked for the first time, what an earlier run of the controller saw last: what is shown no
    /// longer may be lost rather than gone. A source that cannot tell the two apart does not listen.
    async fn recall(&self, _last: &Inventory) {}

    /// Is told when somebody waits for the next observation to confirm the last one, or not: nothing that was kept of earlier
    /// answers may stand in it. A source that keeps nothing does not listen.
    fn doubt(&self) {}

    /// Completes when the source has reason to believe that a new observation would differ; never, for a source
    /// that cannot be told. A hint is never truth: the caller observes again. Cancel-safe.
    async fn changed(&self) -> Hint;
}
