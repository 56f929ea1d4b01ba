//! What a pass is given, and what is kept of what sources show.

use std::sync::Arc;

use evenkeel_core::model::{Expected, HostView, Observed};
use evenkeel_core::{Coverage, DriftId, Evidence, HostName, OwnStore, SourceId};
use jiff::Timestamp;

/// What a pass needs to know about its subject.
#[derive(Clone, Debug)]
pub enum Slice {
    /// Both truths about a host.
    Host {
        /// What NetBox says.
        expected: Expected,
        /// What the sources say.
        observed: Observed,
        /// Drifts of machines it depends on, which explain whatever is wrong here.
        outer: Vec<DriftId>,
        /// Up to which moment somebody vouches for those machines: a later silence here may be theirs.
        vouched_until: Option<Timestamp>,
        /// Sources of it that are new here, and answered completely.
        newcomers: Vec<SourceId>,
    },
    /// The state of a source that belongs to no host.
    Source {
        /// Which.
        source: SourceId,
        /// How far its newest answer reaches.
        coverage: Coverage,
        /// That answer.
        evidence: Evidence,
        /// Drifts of the machines that would answer for it, if all of them are lost.
        outer: Vec<DriftId>,
        /// Up to which moment somebody vouches for one of them.
        vouched_until: Option<Timestamp>,
    },
    /// evenkeel's own database.
    Store(OwnStore),
}

/// What one source shows of one host.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The host.
    pub host: HostName,
    /// What is seen.
    pub view: Arc<HostView>,
    /// Only names and states may be kept.
    pub sensitive: bool,
    /// The same number as before: it shows the same as before. `None`: nobody counts.
    pub edition: Option<u64>,
}
