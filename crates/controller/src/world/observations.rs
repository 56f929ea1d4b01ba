//! What one source of observation said: its newest answer, its last complete one, and whom it speaks about.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::identity::{Claim, bind, hosts::NetboxRef};
use evenkeel_core::model::{ExpectedHost, HostFacts, HostSnapshot, HostView};
use evenkeel_core::policy::Policy;
use evenkeel_core::{Coverage, Evidence, Fact, Gap, GapKind, HostName, SourceId, Subject, brake};
use jiff::{SignedDuration, Timestamp};

/// One source and what it said.
#[derive(Debug)]
pub(super) struct Observation {
    pub(super) id: SourceId,
    configured: Option<HostName>,
    pub(super) remembered: Option<NetboxRef>,
    /// Whom it speaks about.
    pub(super) subject: Subject,
    /// How long its answers count; `None`: as long as those of any engine.
    pub(super) stale_after: Option<Duration>,
    /// Why it could not be matched with a host.
    pub(super) unmatched: Option<Gap>,
    /// The newest answer.
    newest: HostSnapshot,
    /// The newest complete and plausible answer, if it is not the newest.
    complete: Option<HostSnapshot>,
    /// Since when an implausible answer has been repeated.
    held_since: Option<Timestamp>,
    /// Since when the newest answers have been partial.
    pub(super) blind_since: Option<Timestamp>,
    /// The newest answer after identity was decided.
    view: Arc<HostView>,
}

impl Observation {
    pub(super) fn new(id: SourceId, configured: Option<HostName>, remembered: Option<NetboxRef>) -> Self {
        let gap = Gap::new(GapKind::NotYetObserved, format!("{id} has not answered yet"));
        let newest = HostSnapshot::blind(id.clone(), Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH, gap);
        let view = Arc::new(bind(newest.clone(), None, &[]));
        Self {
            subject: Subject::Source(id.clone()),
            id,
            configured,
            remembered,
            stale_after: None,
            unmatched: None,
            newest,
            complete: None,
            held_since: None,
            blind_since: None,
            view,
        }
    }

    /// Takes a new answer. One that lost too much against the last complete one is held back.
    pub(super) fn replace(&mut self, mut snapshot: HostSnapshot, policy: &Policy, now: Timestamp) {
        if snapshot.observed_at < self.newest.observed_at {
            // Time does not run backwards: an older answer says nothing about now.
            return;
        }
        if snapshot.coverage.is_complete() {
            let before = self.last_complete();
            match before.and_then(|before| brake::host_gap(&policy.brake, before, &snapshot)) {
                None => self.held_since = None,
                Some(gap) => {
                    let since = *self.held_since.get_or_insert(now);
                    if outlasted(since, policy.brake.accept_after, now) {
                        self.held_since = None;
                    } else {
                        snapshot.coverage = Coverage::Partial(gap);
                    }
                }
            }
        }
        match snapshot.coverage {
            Coverage::Complete => {
                self.blind_since = None;
                self.complete = None;
            }
            Coverage::Partial(_) => {
                self.blind_since.get_or_insert(now);
                if self.newest.coverage.is_complete() {
                    self.complete = Some(self.newest.clone());
                }
                // Who the machine is does not become unknown because it stopped answering.
                if snapshot.facts == HostFacts::default() {
                    // Whether it is on, and how full, does.
                    snapshot.facts = HostFacts { machine: None, ..self.newest.facts.clone() };
                }
            }
        }
        self.newest = snapshot;
    }

    /// Gives the services of the newest answer their declared names.
    pub(super) fn bind(&mut self, host: Option<&Arc<ExpectedHost>>, policy: &Policy) {
        self.view = Arc::new(bind(self.newest.clone(), host.map(|h| &**h), &policy.aliases));
    }

    /// What is known for finding its host. A source nobody configured a host for, and that has not named itself, goes
    /// by its own name.
    pub(super) fn claim(&self) -> Claim {
        let name = match &self.newest.facts.name {
            Some(Fact::Known(name)) => name.clone(),
            Some(Fact::Unknown(_)) | None => self.id.name.clone(),
        };
        Claim {
            configured: self.configured.clone(),
            remembered: self.remembered,
            vmid: None,
            name: Some(name),
            macs: Vec::new(),
            addresses: Vec::new(),
        }
    }

    pub(super) fn view(&self) -> Arc<HostView> {
        self.view.clone()
    }

    /// The view as it may be judged now: an answer that is too old is no answer.
    pub(super) fn view_at(&self, now: Timestamp, stale_after: Duration) -> Arc<HostView> {
        if !self.is_stale(now, stale_after) {
            return self.view.clone();
        }
        let why = format!("{} last answered at {}", self.id, self.view.observed_at);
        let stale =
            HostView { coverage: Coverage::Partial(Gap::new(GapKind::Stale, why)), ..(*self.view).clone() };
        Arc::new(stale)
    }

    /// Whether its newest complete answer has grown too old to prove anything.
    pub(super) fn is_stale(&self, now: Timestamp, stale_after: Duration) -> bool {
        let stale_after = self.stale_after.unwrap_or(stale_after);
        self.view.coverage.is_complete() && outlasted(self.view.observed_at, Some(stale_after), now)
    }

    /// How far the answer reaches as to whom it is about.
    pub(super) fn identity_coverage(&self) -> Coverage {
        match &self.unmatched {
            Some(gap) => Coverage::Partial(gap.clone()),
            None => self.newest.coverage.clone(),
        }
    }

    pub(super) fn evidence(&self) -> Evidence {
        Evidence { source: self.id.clone(), observed_at: self.newest.observed_at }
    }

    pub(super) fn newest(&self) -> &HostSnapshot {
        &self.newest
    }

    pub(super) fn last_complete(&self) -> Option<&HostSnapshot> {
        if self.newest.coverage.is_complete() { Some(&self.newest) } else { self.complete.as_ref() }
    }
}

/// Whether `limit` has passed since `since`; no limit never passes.
pub(super) fn outlasted(since: Timestamp, limit: Option<Duration>, now: Timestamp) -> bool {
    limit
        .and_then(|limit| SignedDuration::try_from(limit).ok())
        .is_some_and(|limit| now.duration_since(since) >= limit)
}
