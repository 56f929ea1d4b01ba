//! What one source of observation said: its newest answer, its last complete one, and whom it speaks about.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evenkeel_core::brake::{self, outlasted};
use evenkeel_core::identity::{Claim, bind, hosts::NetboxRef};
use evenkeel_core::ledger::CLOCK_TOLERANCE;
use evenkeel_core::model::{ExpectedHost, HostFacts, HostSnapshot, HostView, ObservedService};
use evenkeel_core::policy::Policy;
use evenkeel_core::{Coverage, Evidence, Fact, Gap, GapKind, HostName, SourceId, Subject};
use jiff::{SignedDuration, Timestamp};

use super::first::First;

/// The number of the next edition, whosever it is: a source that went and came back must not repeat one.
static NEXT: AtomicU64 = AtomicU64::new(1);

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
    /// The newest answer; without its services where the view shows just these.
    newest: HostSnapshot,
    /// The services of the newest answer are those of the view. Most are called what they are declared as: they are kept once.
    is_shown_as_it_came: bool,
    /// The newest complete and plausible answer, if it is not the newest.
    complete: Option<HostSnapshot>,
    /// What its answers are held against.
    memory: brake::Memory,
    /// When it was heard for the first time.
    pub(super) first: First,
    /// Since when the newest answers have been partial.
    pub(super) blind_since: Option<Timestamp>,
    /// The newest answer after identity was decided.
    view: Arc<HostView>,
    /// Another number with every view that may show something else than the one before.
    pub(super) edition: u64,
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
            is_shown_as_it_came: false,
            complete: None,
            memory: brake::Memory::default(),
            first: First::default(),
            blind_since: None,
            view,
            edition: 0,
        }
    }

    /// Takes an answer that says what the newest one says, both complete: most answers of a fleet at rest do, and need
    /// neither be bound nor kept anew. `false`: it says something else, and is not taken.
    pub(super) fn repeats(&mut self, snapshot: &HostSnapshot) -> bool {
        let HostSnapshot { source, started, observed_at, coverage, facts, services } = snapshot;
        let listed = self.services();
        let newest = &self.newest;
        let is_same = newest.coverage.is_complete()
            && coverage.is_complete()
            && newest.observed_at <= *observed_at
            && newest.source == *source
            && newest.facts == *facts
            && listed == services;
        if is_same {
            let newest = &mut self.newest;
            (newest.started, newest.observed_at) = (*started, *observed_at);
            // Copied only if a pass holds it at this moment.
            let view = Arc::make_mut(&mut self.view);
            (view.started, view.observed_at) = (*started, *observed_at);
        }
        is_same
    }

    /// Takes a new answer about this host. One that lost too much against the last complete one is held back.
    pub(super) fn replace(
        &mut self,
        mut snapshot: HostSnapshot,
        host: Option<&ExpectedHost>,
        policy: &Policy,
        now: Timestamp,
    ) {
        if is_past(self.newest.observed_at, snapshot.observed_at, now) {
            return;
        }
        if snapshot.coverage.is_complete() {
            let newest = self.newest.coverage.is_complete().then(|| self.whole());
            if let Some(before) = newest.as_ref().or(self.complete.as_ref())
                && let Some(gap) = held_back(&mut self.memory, before, &snapshot, host, policy, now)
            {
                snapshot.coverage = Coverage::Partial(gap);
            }
        }
        match snapshot.coverage {
            Coverage::Complete => {
                self.blind_since = None;
                self.complete = None;
                self.first.answered(now);
            }
            Coverage::Partial(_) => {
                self.blind_since.get_or_insert(now);
                if self.newest.coverage.is_complete() {
                    self.complete = Some(self.whole());
                }
                // Who the machine is does not become unknown because it stopped answering.
                if snapshot.facts == HostFacts::default() {
                    // Whether it is on, and how full, does.
                    snapshot.facts = HostFacts { machine: None, ..self.newest.facts.clone() };
                }
            }
        }
        self.newest = snapshot;
        self.is_shown_as_it_came = false;
    }

    /// What the newest answer lists.
    fn services(&self) -> &[ObservedService] {
        if self.is_shown_as_it_came { &self.view.services } else { &self.newest.services }
    }

    /// The newest answer with all it lists.
    fn whole(&self) -> HostSnapshot {
        let mut whole = self.newest.clone();
        if self.is_shown_as_it_came {
            whole.services.clone_from(&self.view.services);
        }
        whole
    }

    /// Gives the services of the newest answer their declared names.
    pub(super) fn bind(&mut self, host: Option<&Arc<ExpectedHost>>, policy: &Policy) {
        self.edition = NEXT.fetch_add(1, Ordering::Relaxed);
        let whole = self.whole();
        let view = bind(whole.clone(), host.map(|h| &**h), &policy.aliases);
        self.is_shown_as_it_came = view.services == whole.services;
        self.newest.services = if self.is_shown_as_it_came { Vec::new() } else { whole.services };
        self.view = Arc::new(view);
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

    /// When the newest answer came.
    pub(super) fn answered_at(&self) -> Timestamp {
        self.newest.observed_at
    }

    /// When the newest complete answer came, and how many services it lists.
    pub(super) fn last_complete(&self) -> Option<(Timestamp, usize)> {
        if self.newest.coverage.is_complete() {
            return Some((self.newest.observed_at, self.services().len()));
        }
        self.complete.as_ref().map(|complete| (complete.observed_at, complete.services.len()))
    }
}

/// Whether an answer is older than the newest one. Time does not run backwards: it says nothing about now. Unless the clock
/// was set back, and the newest one is of a moment that has not come yet.
pub(super) fn is_past(newest: Timestamp, answer: Timestamp, now: Timestamp) -> bool {
    let has_come =
        newest.duration_since(now) <= SignedDuration::try_from(CLOCK_TOLERANCE).unwrap_or_default();
    answer < newest && has_come
}

/// Why a complete answer about a host is held back; `None`: it is believed.
pub(super) fn held_back(
    memory: &mut brake::Memory,
    before: &HostSnapshot,
    after: &HostSnapshot,
    host: Option<&ExpectedHost>,
    policy: &Policy,
    now: Timestamp,
) -> Option<Gap> {
    let demanded = match memory.remembers() || brake::lost_services(before, after) > 0 {
        true => brake::Demanded::of_host(before, after, host, &policy.aliases),
        false => brake::Demanded::default(),
    };
    memory.judge(&policy.brake, brake::host_gap(&policy.brake, before, after), &demanded, now)
}
