//! One service of a host with both its sides, as API and pages show it. Not here: the comparison (core), and what is open
//! in the ledger.

use evenkeel_core::model::{Demand, Lifecycle, Ports, RunState};
use evenkeel_core::{DriftId, Fact, Gap, ServiceName, SourceId};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// What is declared of a service beside what is seen of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceStatus {
    /// Its name: the declared one where it is declared.
    pub service: ServiceName,
    /// Whether NetBox declares it; `None` if that cannot be said now.
    pub declared: Option<bool>,
    /// What the declaration asks: `run`, `may_run`, `either`, `not_run`; `None` where there is none.
    pub demand: Option<Demand>,
    /// The declaration.
    pub expected: Option<ExpectedService>,
    /// Whether it is there, as all sources that were asked say together.
    pub sight: Sight,
    /// Why that cannot be said, where it cannot.
    pub gap: Option<Gap>,
    /// What is there.
    pub observed: Option<ObservedService>,
    /// Who says so.
    #[serde(serialize_with = "in_words")]
    pub source: Option<SourceId>,
    /// When it was seen so.
    pub observed_at: Option<Timestamp>,
    /// How the two differ at this moment, whether that is believed yet or not, as ids of drifts.
    #[serde(serialize_with = "ids")]
    pub differs: Vec<DriftId>,
}

/// Whether a service is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// Somebody shows it.
    Present,
    /// Everybody who was asked proves that it is not there.
    Absent,
    /// Somebody who was asked cannot say.
    Unknown,
    /// No source looks where it would be.
    Unwatched,
}

impl Sight {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
            Self::Unwatched => "unwatched",
        }
    }
}

/// What NetBox says of a service. Null is "says nothing about it".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExpectedService {
    /// Published host ports; `None` where only names and states may be shown.
    pub ports: Option<Ports>,
    /// Its own life cycle.
    pub lifecycle: Option<Lifecycle>,
    /// The image it should run.
    pub image: Option<String>,
    /// Its role.
    pub role: Option<String>,
}

/// What a source shows of a service. Where something is not known, its place says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedService {
    /// What it does.
    pub state: Fact<RunState>,
    /// Ports that others reach, and that only the machine itself reaches.
    pub ports: Fact<(Ports, Ports)>,
    /// The image it runs; `None` where the source does not tell.
    pub image: Option<String>,
    /// Its role, where it bears one.
    pub role: Option<String>,
}

impl Serialize for ObservedService {
    /// Null is "not known", and `unknown` says why.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Unknown<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            state: Option<&'a Gap>,
            #[serde(skip_serializing_if = "Option::is_none")]
            ports: Option<&'a Gap>,
        }
        #[derive(Serialize)]
        struct Shown<'a> {
            state: Option<&'a RunState>,
            ports: Option<&'a Ports>,
            loopback: Option<&'a Ports>,
            image: Option<&'a str>,
            role: Option<&'a str>,
            unknown: Unknown<'a>,
        }
        let Self { state, ports, image, role } = self;
        let both = ports.known().ok();
        Shown {
            state: state.known().ok(),
            ports: both.map(|(open, _)| open),
            loopback: both.map(|(_, loopback)| loopback),
            image: image.as_deref(),
            role: role.as_deref(),
            unknown: Unknown { state: state.known().err(), ports: ports.known().err() },
        }
        .serialize(serializer)
    }
}

fn in_words<S: Serializer>(source: &Option<SourceId>, serializer: S) -> Result<S::Ok, S::Error> {
    source.as_ref().map(ToString::to_string).serialize(serializer)
}

fn ids<S: Serializer>(ids: &[DriftId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(ToString::to_string))
}
