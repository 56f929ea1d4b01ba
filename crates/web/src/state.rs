//! What the routes are given: the store, the live view of the world, and the shapes in which the controller describes
//! it. Not here: how any of it is found out.

use std::borrow::Cow;
use std::sync::Arc;

use evenkeel_core::model::MachineKind;
use evenkeel_core::{Coverage, Coverages, Gap, GapKind, HostName, SourceId, SourceKind};
use evenkeel_store::{RetentionPolicy, Store};
use jiff::Timestamp;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use tokio::sync::watch;

use crate::access::Access;
use crate::changes::Changes;
use crate::headers::HostPolicy;
use crate::hook::NetboxHook;
use crate::push::Intake;
use crate::repairs::Repairs;
use crate::role::Role;
use crate::services::ServiceStatus;
use crate::silences::{RuleLine, Silences};
use crate::status::WorldStatus;

/// What every route can reach.
#[derive(Clone)]
pub struct AppState {
    /// What is kept: drifts, events, deliveries.
    pub store: Arc<dyn Store>,
    /// What is known at this moment.
    pub live: Arc<dyn Live>,
    /// By which names evenkeel may be called.
    pub allowed_hosts: HostPolicy,
    /// Who may do what.
    pub access: Arc<Access>,
}

/// The world as it is at this moment. Every method is called on a thread that serves requests: it reads memory and
/// waits for nothing.
pub trait Live: Send + Sync {
    /// Every host, declared or seen, in any order.
    fn hosts(&self) -> Vec<HostStatus>;

    /// One host, matched as names are matched everywhere (case does not count); `None` if nobody knows it.
    fn host(&self, name: &HostName) -> Option<HostStatus>;

    /// Every configured source, NetBox first.
    fn sources(&self) -> Vec<SourceStatus>;

    /// Both sides of every service of a host; `None` where this process does not know them (another one leads), or
    /// nobody knows the host.
    fn services(&self, host: &HostName) -> Option<Vec<ServiceStatus>> {
        let _ = host;
        None
    }

    /// Hosts, sources and what they come to, as one picture of one moment. What is asked with every page and is large in
    /// a large fleet: kept for as long as nothing has changed, and never longer than a moment.
    fn view(&self) -> Arc<WorldStatus> {
        Arc::new(WorldStatus {
            hosts: self.hosts(),
            sources: self.sources(),
            coverages: Coverages::default(),
            rules: self.rules().unwrap_or_default(),
        })
    }

    /// Rises whenever a drift changes; `None` where this process does not write drifts.
    fn ledger_version(&self) -> Option<u64> {
        None
    }

    /// What the store keeps for how long, where that is known: what came before is not known any more.
    fn retention(&self) -> Option<RetentionPolicy> {
        None
    }

    /// How far the start has come. [`Readiness::of`] the sources is the answer unless the controller knows more.
    fn ready(&self) -> Readiness {
        Readiness::of(&self.sources())
    }

    /// Which part this process has among those that share the database.
    fn role(&self) -> Role {
        Role::Leader
    }

    /// Why nothing can be kept at this moment, if nothing can: nothing is compared and told then, either.
    fn paused(&self) -> Option<String> {
        None
    }

    /// The figures, in Prometheus' text format.
    fn metrics(&self) -> String;

    /// The inboxes of those who may send observations. None, unless the controller has some.
    fn intakes(&self) -> Vec<Arc<dyn Intake>> {
        Vec::new()
    }

    /// How often each part of what is shown has changed. It only wakes; what changed is read anew. Asked for again now and
    /// then: whoever counts may be replaced.
    fn changes(&self) -> watch::Receiver<Changes> {
        watch::channel(Changes::default()).1
    }

    /// Deliveries are due that were not: whoever sends is woken.
    fn resent(&self) {}

    /// Whom NetBox's webhooks wake. Nobody, unless the operator gave NetBox a secret to sign with.
    fn netbox_hook(&self) -> Option<Arc<dyn NetboxHook>> {
        None
    }

    /// Whoever decides about repairs. Nobody where another replica does.
    fn repairs(&self) -> Option<Arc<dyn Repairs>> {
        None
    }

    /// Whoever keeps the silences made at run time. Nobody where another replica does.
    fn silences(&self) -> Option<Arc<dyn Silences>> {
        None
    }

    /// Every rule that was decided, with what it covers; `None` while nothing is known of them.
    fn rules(&self) -> Option<Vec<RuleLine>> {
        None
    }

    /// The time, from which ages are counted.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// One source at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// Which.
    pub source: SourceId,
    /// The host it speaks about, where it speaks about one.
    pub host: Option<HostName>,
    /// How far its newest answer reaches.
    pub coverage: Coverage,
    /// When the newest answer came, complete or not; `None` before the first.
    pub answered_at: Option<Timestamp>,
    /// When the newest complete answer came.
    pub complete_at: Option<Timestamp>,
    /// Since when it has been blind.
    pub blind_since: Option<Timestamp>,
    /// How many objects the newest complete answer shows.
    pub objects: usize,
    /// How it is asked; `None` for what is sent of its own accord, and where another replica asks.
    pub asking: Option<Asking>,
}

/// How a source is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// How long the newest answer took, in milliseconds, whatever it was worth.
    pub took_ms: u64,
    /// When it is asked again, at the latest.
    pub next_at: Timestamp,
    /// How often in a row it was asked in vain.
    pub failures: u32,
    /// The circuit is open: it failed so often that it is left alone until `next_at`.
    pub left_alone: bool,
}

impl Serialize for SourceStatus {
    /// By hand, so that a reader gets `docker/box2-media` and a plain `gap` and not the enums behind them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { source, host, coverage, answered_at, complete_at, blind_since, objects, asking } = self;
        let mut object = serializer.serialize_struct("SourceStatus", 10)?;
        object.serialize_field("source", &source.to_string())?;
        object.serialize_field("kind", &source.kind)?;
        object.serialize_field("host", host)?;
        object.serialize_field("up", &coverage.is_complete())?;
        object.serialize_field("gap", &coverage.gap())?;
        object.serialize_field("answered_at", answered_at)?;
        object.serialize_field("complete_at", complete_at)?;
        object.serialize_field("blind_since", blind_since)?;
        object.serialize_field("objects", objects)?;
        object.serialize_field("asking", asking)?;
        object.end()
    }
}

/// One host at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStatus {
    /// Its name.
    pub host: HostName,
    /// Whether NetBox declares it; `None` if that cannot be said now.
    pub declared: Option<bool>,
    /// NetBox's status.
    pub status: Option<String>,
    /// Slug of its site.
    pub site: Option<String>,
    /// Slug of its tenant.
    pub tenant: Option<String>,
    /// Its cluster: NetBox's, or the one it was found in.
    pub cluster: Option<String>,
    /// The machine that carries it: the one it was found on, or the one NetBox pins it to.
    pub node: Option<HostName>,
    /// Declared services.
    pub expected_services: usize,
    /// Declared services that must run.
    pub required_services: usize,
    /// Those of them that no source would see.
    pub unwatched_services: usize,
    /// Since when it has been judged: the first time that both sides of it were seen in full.
    pub judged_since: Option<Timestamp>,
    /// The sources that speak about it.
    pub sources: Vec<SourceId>,
    /// Those of them that are blind now.
    pub blind: Vec<SourceId>,
    /// The machine itself, as each of those says that sees it from outside.
    pub machines: Vec<MachineStatus>,
}

/// A machine as one source sees it from outside; null is "not known".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MachineStatus {
    /// Who says so (`proxmox/box2`).
    pub source: String,
    /// `node`, `vm` or `container`; null where the source proves that it has no such machine.
    pub kind: Option<MachineKind>,
    /// `running`, `paused`, `stopped`, `unreachable`, or `absent`.
    pub state: Option<Cow<'static, str>>,
    /// The node it runs on.
    pub node: Option<String>,
    /// When it was seen so.
    pub observed_at: Timestamp,
}

impl Serialize for HostStatus {
    /// By hand for the same reason as [`SourceStatus`].
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            host,
            declared,
            status,
            site,
            tenant,
            cluster,
            node,
            expected_services,
            required_services,
            unwatched_services,
            judged_since,
            sources,
            blind,
            machines,
        } = self;
        let words = |ids: &[SourceId]| ids.iter().map(SourceId::to_string).collect::<Vec<_>>();
        let mut object = serializer.serialize_struct("HostStatus", 14)?;
        object.serialize_field("host", host)?;
        object.serialize_field("declared", declared)?;
        object.serialize_field("status", status)?;
        object.serialize_field("site", site)?;
        object.serialize_field("tenant", tenant)?;
        object.serialize_field("cluster", cluster)?;
        object.serialize_field("node", node)?;
        object.serialize_field("expected_services", expected_services)?;
        object.serialize_field("required_services", required_services)?;
        object.serialize_field("unwatched_services", unwatched_services)?;
        object.serialize_field("judged_since", judged_since)?;
        object.serialize_field("sources", &words(sources))?;
        object.serialize_field("blind", &words(blind))?;
        object.serialize_field("machines", machines)?;
        object.end()
    }
}

/// A source that shows nothing, or not everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlindScope {
    /// Which (`docker/box2-media`).
    pub source: String,
    /// The host it speaks about, where it speaks about one.
    pub host: Option<HostName>,
    /// Why.
    pub gap: Gap,
    /// Since when; `None` if it has never been otherwise.
    pub since: Option<Timestamp>,
}

/// How far the start has come. Blindness is listed, but it is no reason to be unready: a host that is switched off
/// must not keep evenkeel from reporting on the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// NetBox was read completely at least once, now or before a restart.
    pub intent_read: bool,
    /// Sources nobody has heard of yet, neither an answer nor a failure.
    pub unanswered: Vec<String>,
    /// Sources that show nothing, or not everything.
    pub blind: Vec<BlindScope>,
}

impl Readiness {
    /// What the sources' own state says.
    pub fn of(sources: &[SourceStatus]) -> Self {
        let unheard = |s: &&SourceStatus| {
            s.answered_at.is_none() && s.coverage.gap().is_some_and(|gap| gap.kind == GapKind::NotYetObserved)
        };
        let blind = |s: &SourceStatus| {
            s.coverage.gap().map(|gap| BlindScope {
                source: s.source.to_string(),
                host: s.host.clone(),
                gap: gap.clone(),
                since: s.blind_since,
            })
        };
        Self {
            intent_read: sources
                .iter()
                .any(|s| s.source.kind == SourceKind::Netbox && s.complete_at.is_some()),
            unanswered: sources.iter().filter(unheard).map(|s| s.source.to_string()).collect(),
            blind: sources.iter().filter_map(blind).collect(),
        }
    }

    /// Whether every source has been heard of and intent is known.
    pub fn is_complete(&self) -> bool {
        self.intent_read && self.unanswered.is_empty()
    }
}
