//! What may be said in one word: of everything, and of one host. Never "in sync" while anything is blind, unknown, or
//! watched by nobody. Pure; not here: how it looks.

use std::sync::Arc;

use evenkeel_core::{Coverages, SourceId, SourceKind};
use jiff::Timestamp;

use super::fleet::Fleet;
use super::kept::Kept;
use super::now::Now;
use crate::role::Role;
use crate::state::{AppState, HostStatus, Readiness, SourceStatus};

/// How everything stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// Nobody can say yet, or any more.
    Unknown,
    /// Something cannot be seen.
    Blind,
    /// Everything is seen, and something differs.
    Drift,
    /// Nothing differs where somebody looks, and somewhere nobody does.
    Unwatched,
    /// Everything is seen, and nothing differs.
    InSync,
}

/// How one host stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HostStand {
    /// A source that speaks about it is blind.
    Blind,
    /// Something differs.
    Drift,
    /// It cannot be said whether it is declared.
    Unknown,
    /// It should run, and no source would see it.
    Unwatched,
    /// It is seen, and not declared.
    Undeclared,
    /// It is seen, and is as declared.
    InSync,
    /// Nothing is asked of it.
    Idle,
}

impl HostStand {
    /// Every stand, loudest first.
    pub(super) const ALL: [Self; 7] = [
        Self::Blind,
        Self::Drift,
        Self::Unknown,
        Self::Unwatched,
        Self::Undeclared,
        Self::InSync,
        Self::Idle,
    ];

    /// The word in addresses, class names and keys.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::Drift => "drift",
            Self::Unknown => "unknown",
            Self::Unwatched => "unwatched",
            Self::Undeclared => "undeclared",
            Self::InSync => "in-sync",
            Self::Idle => "idle",
        }
    }

    /// Reads the word back.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stand| stand.as_str() == text)
    }

    /// How a host with so many open roots stands.
    pub(super) fn of(host: &HostStatus, drifts: usize) -> Self {
        if !host.blind.is_empty() {
            return Self::Blind;
        }
        if drifts > 0 {
            return Self::Drift;
        }
        match host.declared {
            None => Self::Unknown,
            Some(false) => Self::Undeclared,
            Some(true) if is_unwatched(host) => Self::Unwatched,
            Some(true) if host.sources.is_empty() => Self::Idle,
            Some(true) => Self::InSync,
        }
    }
}

/// Whether it must run, and no source would see whether it does. What must run on it and is seen by nobody is another
/// matter, and counted beside the verdict: whoever sees the machine watches the machine.
fn is_unwatched(host: &HostStatus) -> bool {
    host.sources.is_empty() && host.status.as_deref() == Some("active")
}

/// Whether such a source speaks about services, and not only about machines.
pub(super) fn sees_services(kind: SourceKind) -> bool {
    match kind {
        SourceKind::Docker | SourceKind::Truenas | SourceKind::Probe | SourceKind::Push => true,
        SourceKind::Netbox | SourceKind::Proxmox | SourceKind::Store => false,
    }
}

/// The verdict on everything, and the figures it rests on.
pub(super) struct Verdict {
    /// In one word.
    pub(super) stand: Stand,
    /// Open roots that say that something differs; `None` where the store cannot say.
    pub(super) drifts: Option<usize>,
    /// Sources that show nothing, or not everything.
    pub(super) blind: usize,
    /// Every host and how it stands; `None` where the store cannot say.
    pub(super) fleet: Option<Arc<Fleet>>,
    /// The source whose newest complete answer is the oldest, and when that came; `None` for the answer: never.
    pub(super) oldest: Option<(SourceId, Option<Timestamp>)>,
    /// When the next source is asked.
    pub(super) next: Option<Timestamp>,
    /// How much of each truth the other one confirms.
    pub(super) coverages: Coverages,
}

impl Verdict {
    /// The verdict. `now` is `None` where the store did not answer.
    pub(super) fn of(state: &AppState, kept: &Kept, now: Option<&Arc<Now>>) -> Self {
        let live = state.live.as_ref();
        let fleet = now.map(|now| kept.fleet(state, now));
        let view = fleet.as_ref().map_or_else(|| live.view(), |fleet| fleet.view.clone());
        let sources = &view.sources;
        let known =
            is_current(&live.role(), live.now()) && live.paused().is_none() && live.ready().is_complete();
        let unseeing = sources.iter().filter(|source| !source.coverage.is_complete()).count();
        let blind = unseeing.max(now.map_or(0, |now| now.blind()));
        let drifts = now.map(|now| now.differing());
        let has = |stand| fleet.as_ref().is_some_and(|fleet| fleet.count(stand) > 0);
        let stand = match drifts {
            None => Stand::Unknown,
            Some(_) if !known || sources.is_empty() => Stand::Unknown,
            Some(_) if blind > 0 || has(HostStand::Blind) => Stand::Blind,
            Some(1..) => Stand::Drift,
            Some(0) if has(HostStand::Unknown) => Stand::Unknown,
            Some(0) if has(HostStand::Unwatched) => Stand::Unwatched,
            Some(0) => Stand::InSync,
        };
        let next = sources.iter().filter_map(|source| source.asking.as_ref()).map(|asking| asking.next_at);
        let (oldest, next) = (oldest(sources), next.min());
        Self { stand, drifts, blind, oldest, next, coverages: view.coverages, fleet }
    }

    /// How many hosts stand so.
    pub(super) fn count(&self, stand: HostStand) -> usize {
        self.fleet.as_ref().map_or(0, |fleet| fleet.count(stand))
    }

    /// Services that must run and that nobody watches.
    pub(super) fn unwatched(&self) -> usize {
        self.fleet.as_ref().map_or(0, |fleet| fleet.unwatched)
    }
}

/// Whether what is shown is a statement about this moment.
pub(super) fn is_current(role: &Role, now: Timestamp) -> bool {
    match role {
        Role::Leader => true,
        Role::Waiting { why: _ } => false,
        Role::Follower { .. } => role.follows(now).is_none_or(|follows| !follows.is_outdated()),
    }
}

/// What is still missing before anything can be said, where something is.
pub(super) fn missing(ready: &Readiness) -> Option<&Readiness> {
    (!ready.is_complete()).then_some(ready)
}

fn oldest(sources: &[SourceStatus]) -> Option<(SourceId, Option<Timestamp>)> {
    // `None`, never, sorts before every moment.
    let source = sources.iter().min_by_key(|source| source.complete_at)?;
    Some((source.source.clone(), source.complete_at))
}
