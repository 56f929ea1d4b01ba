//! One step of the ledger: what a report changes. Which drifts are believed lives in `open`, which events say so in `say`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Ledger;
use super::entry::{Blind, Entry, Freed, State};
use super::open::Baseline;
use crate::coverage::Gap;
use crate::diff::Report;
use crate::drift::{Drift, Evidence};
use crate::event::{Event, Transition};
use crate::id::{DriftId, EventId};
use crate::policy::Policy;

/// An answer may come while a pass begins, and then is newer than the moment of the pass.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// What one step changed.
#[derive(Clone, Debug)]
pub struct Advance {
    /// The ledger as it is now.
    pub ledger: Ledger,
    /// What there is to say, in the order of the drift ids.
    pub events: Vec<Event>,
    /// Ids whose entries are new or differ from before.
    pub changed: Vec<DriftId>,
    /// Ids whose entries are gone.
    pub removed: Vec<DriftId>,
    /// When the next step is due even if nothing new is observed.
    pub due: Option<Timestamp>,
    /// Another observation would decide something: a drift or its end waits for confirmation.
    pub awaits_observation: bool,
}

/// Advances the ledger of one subject by one report. `outer` are open roots of machines this one depends on; they
/// explain everything here. Idempotent: the same report at the same time changes nothing the second time.
pub fn advance(
    ledger: &Ledger,
    report: &Report,
    policy: &Policy,
    outer: &[DriftId],
    now: Timestamp,
    ids: &mut dyn FnMut() -> EventId,
) -> Advance {
    let mut step = Step {
        policy,
        now,
        ids,
        entries: caught_up(ledger, now),
        drifted: report.drifted.iter().map(|d| &d.id).collect(),
        vouched_until: report.vouched_until,
        events: Vec::new(),
        due: None,
        awaits: report.undecided,
    };
    let first_complete = ledger.born.is_none() && report.complete;
    report.drifted.iter().for_each(|drift| step.see(drift));
    report.clean.iter().for_each(|(id, evidence)| step.see_clean(id, evidence));
    report.unknown.iter().for_each(|(id, gap)| step.see_nothing(id, gap));
    report.ignored.iter().for_each(|(drift, rule)| step.accept(&drift.id, rule));
    step.open(&Baseline::of(report, policy, first_complete), outer);
    step.say();
    step.forget();
    let born = ledger.born.or(first_complete.then_some(now));
    step.finish(ledger, born, !report.ignored.is_empty())
}

pub(super) struct Step<'a> {
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    pub(super) ids: &'a mut dyn FnMut() -> EventId,
    pub(super) entries: BTreeMap<DriftId, Box<Entry>>,
    /// Ids this report shows as drift; only these may open or speak.
    pub(super) drifted: BTreeSet<&'a DriftId>,
    /// See [`Report::vouched_until`].
    pub(super) vouched_until: Option<Timestamp>,
    pub(super) events: Vec<Event>,
    pub(super) due: Option<Timestamp>,
    pub(super) awaits: bool,
}

impl Step<'_> {
    /// A drift was seen: count the observation, take its present form.
    fn see(&mut self, drift: &Drift) {
        let Some(entry) = self.entries.get_mut(&drift.id) else {
            self.entries.insert(drift.id.clone(), Box::new(Entry::first(drift)));
            return;
        };
        if is_past(&entry.evidence, &drift.evidence, self.now) {
            return;
        }
        if entry.state == State::Resolved {
            let first = Entry::first(drift);
            **entry = Entry {
                opened_at: entry.opened_at,
                resolved_at: entry.resolved_at,
                transitions: std::mem::take(&mut entry.transitions),
                ..first
            };
            return;
        }
        if entry.seen == 0 {
            // It was clean in between: what is counted from here on is counted from nothing.
            entry.freed = entry.freed.map(|freed| Freed { seen: 1, ..freed });
        }
        if another(&entry.evidence, &drift.evidence, self.policy.confirm.apart, self.now) || entry.seen == 0 {
            entry.seen = entry.seen.saturating_add(1);
            entry.evidence = drift.evidence.clone();
        }
        entry.first_seen = entry.first_seen.min(drift.evidence.observed_at);
        entry.last_seen = match is_ahead(entry.last_seen, self.now) {
            true => drift.evidence.observed_at,
            false => entry.last_seen.max(drift.evidence.observed_at),
        };
        entry.clean = 0;
        entry.clean_since = None;
        entry.blind = None;
        entry.silenced = drift.silenced.clone();
        let differs = !entry.difference.same(&drift.difference) || entry.severity != drift.severity;
        entry.difference = drift.difference.clone();
        entry.severity = drift.severity;
        // What changes all the time is as loud as what comes and goes: both are held by the same measure.
        if differs && entry.is_open() && entry.recorded && !entry.flapping {
            push_transition(entry, self.now, self.policy.flap.window);
            entry.flapping = entry.transitions.len() >= self.policy.flap.transitions as usize;
            let announce = entry.announced && entry.parent.is_none() && entry.silenced.is_none();
            self.record(&drift.id, Transition::Changed, announce, None);
        }
    }

    /// An observation without it: an unbelieved drift is forgotten, a believed one waits for confirmation of its end.
    fn see_clean(&mut self, id: &DriftId, evidence: &Evidence) {
        let window = self.policy.confirm.of(id.event_type);
        let Some(entry) = self.entries.get_mut(id) else {
            return;
        };
        if is_past(&entry.evidence, evidence, self.now) {
            return;
        }
        match entry.state {
            State::Resolved => {}
            State::Pending => self.unbelieve(id),
            State::Open => {
                // Where one observation is enough, the one that showed it suffices if intent has changed since.
                let apart = if entry.clean == 0 { Duration::ZERO } else { self.policy.confirm.apart };
                if another(&entry.evidence, evidence, apart, self.now)
                    || (window.resolve_after <= 1 && entry.clean == 0)
                {
                    entry.clean = entry.clean.saturating_add(1);
                    entry.evidence = evidence.clone();
                }
                entry.seen = 0;
                entry.blind = None;
                let since = *entry.clean_since.get_or_insert(self.now);
                let quiet_at = after(since, self.policy.flap.quiet);
                if entry.clean < window.resolve_after {
                    self.awaits = true;
                } else if entry.flapping && self.now < quiet_at {
                    self.due = earlier(self.due, quiet_at);
                } else {
                    self.resolve(id, None);
                }
            }
        }
    }

    /// Nobody can say: nothing opens, nothing resolves, and the entry says since when.
    fn see_nothing(&mut self, id: &DriftId, gap: &Gap) {
        let Some(entry) = self.entries.get_mut(id) else {
            return;
        };
        match &mut entry.blind {
            Some(blind) => blind.gap = gap.clone(),
            None => entry.blind = Some(Blind { since: self.now, gap: gap.clone() }),
        }
        // "Clean without interruption" ends here; what was counted before stays counted.
        entry.clean_since = None;
    }

    /// The operator accepts it.
    fn accept(&mut self, id: &DriftId, rule: &Arc<str>) {
        match self.entries.get(id).map(|e| e.state) {
            Some(State::Open) => self.resolve(id, Some(rule)),
            Some(State::Pending) => self.unbelieve(id),
            Some(State::Resolved) | None => {}
        }
    }

    fn unbelieve(&mut self, id: &DriftId) {
        if let Some(entry) = self.entries.get_mut(id) {
            match entry.resolved_at {
                // It is over as it was before, and what was only true of it while it was not says nothing any more.
                Some(resolved_at) => {
                    entry.state = State::Resolved;
                    entry.opened_at = entry.opened_at.map(|at| at.min(resolved_at));
                    (entry.blind, entry.parent, entry.freed) = (None, None, None);
                    entry.flapping = false;
                }
                None => {
                    self.entries.remove(id);
                }
            }
        }
    }

    fn resolve(&mut self, id: &DriftId, rule: Option<&Arc<str>>) {
        let Some(entry) = self.entries.get_mut(id) else {
            return;
        };
        let (recorded, announced) = (entry.recorded, entry.announced);
        if !recorded {
            // Nobody heard of it: its return will not be a return.
            return self.unbelieve(id);
        }
        entry.state = State::Resolved;
        entry.resolved_at = Some(self.now);
        entry.blind = None;
        entry.parent = None;
        entry.freed = None;
        if std::mem::take(&mut entry.flapping) {
            entry.transitions.clear();
        }
        push_transition(entry, self.now, self.policy.flap.window);
        self.record(id, Transition::Resolved, announced, rule);
        if let Some(entry) = self.entries.get_mut(id) {
            entry.announced = false;
            entry.recorded = false;
            entry.baseline = false;
            entry.said_at = None;
        }
    }

    /// Drops resolved entries whose return would no longer be a reopening, once nobody counts them any more.
    fn forget(&mut self) {
        let (now, window) = (self.now, self.policy.flap.window.max(self.policy.remember));
        self.entries.retain(|_, e| {
            e.resolved_at.is_none_or(|at| e.state != State::Resolved || now < after(at, window))
        });
    }

    fn finish(mut self, before: &Ledger, born: Option<Timestamp>, accepted: bool) -> Advance {
        let changed: Vec<DriftId> = self
            .entries
            .iter()
            .filter(|(id, entry)| before.entries.get(id) != Some(entry))
            .map(|(id, _)| id.clone())
            .collect();
        let removed = before.entries.keys().filter(|id| !self.entries.contains_key(id)).cloned().collect();
        self.events.sort_by(|a, b| a.drift.cmp(&b.drift));
        // What a rule accepts has no entry, but comes back when the rule ends.
        if let (Some(at), true) = (self.policy.next_change(self.now), accepted || !self.entries.is_empty()) {
            self.due = earlier(self.due, at);
        }
        if self.entries.is_empty() {
            // A map that lost its last entry keeps room for eleven, in each of ten thousand ledgers at rest.
            self.entries = BTreeMap::new();
        }
        Advance {
            ledger: Ledger { subject: before.subject.clone(), born, entries: self.entries },
            events: self.events,
            changed,
            removed,
            due: self.due,
            awaits_observation: self.awaits,
        }
    }
}

/// Whether `new` is another observation than the last one counted, and not the same moment looked at twice. Every moment
/// is the controller's own, so answers of different sources compare; what two sources said alternately is not counted
/// again and again.
fn another(old: &Evidence, new: &Evidence, apart: Duration, now: Timestamp) -> bool {
    let (old, new) = (old.observed_at, new.observed_at);
    (new > old && new >= after(old, apart)) || (new < old && is_ahead(old, now))
}

/// Whether `new` is an older answer of the same source. Time does not run backwards: it says nothing about now. Unless it
/// does: where the clock was set back, what was seen by the clock before must not hold up what is seen by this one.
fn is_past(old: &Evidence, new: &Evidence, now: Timestamp) -> bool {
    old.source == new.source && new.observed_at < old.observed_at && !is_ahead(old.observed_at, now)
}

/// Whether a moment of ours lies ahead of us by more than an answer can overtake a pass.
fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at > after(now, CLOCK_TOLERANCE)
}

/// The entries, with nothing to wait for until the clock is where it was before it was set back. When a drift was opened
/// stays: its repairs go by that moment.
fn caught_up(ledger: &Ledger, now: Timestamp) -> BTreeMap<DriftId, Box<Entry>> {
    let back = |at: Timestamp| if is_ahead(at, now) { now } else { at };
    let mut entries = ledger.entries.clone();
    for entry in entries.values_mut() {
        entry.clean_since = entry.clean_since.map(back);
        entry.resolved_at = entry.resolved_at.map(back);
        entry.said_at = entry.said_at.map(back);
        entry.transitions.iter_mut().for_each(|at| *at = back(*at));
    }
    entries
}

pub(super) fn push_transition(entry: &mut Entry, now: Timestamp, window: Duration) {
    entry.transitions.retain(|at| now < after(*at, window));
    entry.transitions.push(now);
}

pub(super) fn after(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

pub(super) fn earlier(a: Option<Timestamp>, b: Timestamp) -> Option<Timestamp> {
    Some(a.map_or(b, |a| a.min(b)))
}
