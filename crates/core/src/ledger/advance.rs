//! One step of the ledger: what a report changes, and which events say so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Ledger;
use super::causes::Causes;
use super::entry::{Blind, Entry, State};
use crate::coverage::{Gap, GapKind};
use crate::diff::Report;
use crate::drift::{Difference, Drift, Evidence};
use crate::event::{Event, Transition};
use crate::fold;
use crate::id::{DriftId, EventId, Subject};
use crate::policy::{FirstRun, Policy};

/// How many folded consequences an event names.
const FOLDED_SHOWN: usize = 20;

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
        entries: ledger.entries.clone(),
        drifted: report.drifted.iter().map(|d| &d.id).collect(),
        events: Vec::new(),
        due: None,
        awaits: false,
    };
    let first_complete = ledger.born.is_none() && report.complete;
    report.drifted.iter().for_each(|drift| step.see(drift));
    report
        .clean
        .iter()
        .for_each(|(id, evidence)| step.see_clean(id, evidence));
    report
        .unknown
        .iter()
        .for_each(|(id, gap)| step.see_nothing(id, gap));
    report
        .ignored
        .iter()
        .for_each(|(drift, rule)| step.accept(&drift.id, rule));
    step.open(first_complete && policy.first_run == FirstRun::Baseline, outer);
    step.say();
    step.forget();
    let born = ledger.born.or(first_complete.then_some(now));
    step.finish(ledger, born, !report.ignored.is_empty())
}

struct Step<'a> {
    policy: &'a Policy,
    now: Timestamp,
    ids: &'a mut dyn FnMut() -> EventId,
    entries: BTreeMap<DriftId, Entry>,
    /// Ids this report shows as drift; only these may open or speak.
    drifted: BTreeSet<&'a DriftId>,
    events: Vec<Event>,
    due: Option<Timestamp>,
    awaits: bool,
}

impl Step<'_> {
    /// A drift was seen: count the observation, take its present form.
    fn see(&mut self, drift: &Drift) {
        let Some(entry) = self.entries.get_mut(&drift.id) else {
            self.entries.insert(drift.id.clone(), Entry::first(drift));
            return;
        };
        if is_past(&entry.evidence, &drift.evidence) {
            return;
        }
        if entry.state == State::Resolved {
            let first = Entry::first(drift);
            *entry = Entry {
                resolved_at: entry.resolved_at,
                transitions: std::mem::take(&mut entry.transitions),
                ..first
            };
            return;
        }
        if newer(&entry.evidence, &drift.evidence) || entry.seen == 0 {
            entry.seen = entry.seen.saturating_add(1);
            entry.evidence = drift.evidence.clone();
        }
        entry.last_seen = entry.last_seen.max(drift.evidence.observed_at);
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
        if is_past(&entry.evidence, evidence) {
            return;
        }
        match entry.state {
            State::Resolved => {}
            State::Pending => self.unbelieve(id),
            State::Open => {
                // Where one observation is enough, the one that showed it suffices if intent has changed since.
                if newer(&entry.evidence, evidence) || (window.resolve_after <= 1 && entry.clean == 0) {
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
            None => {
                entry.blind = Some(Blind {
                    since: self.now,
                    gap: gap.clone(),
                })
            }
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
                Some(_) => entry.state = State::Resolved,
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
        entry.state = State::Resolved;
        entry.resolved_at = Some(self.now);
        entry.blind = None;
        entry.parent = None;
        if std::mem::take(&mut entry.flapping) {
            entry.transitions.clear();
        }
        push_transition(entry, self.now, self.policy.flap.window);
        if recorded {
            self.record(id, Transition::Resolved, announced, rule);
        }
        if let Some(entry) = self.entries.get_mut(id) {
            entry.announced = false;
            entry.recorded = false;
            entry.baseline = false;
            entry.said_at = None;
        }
    }

    /// Believes what has been confirmed, causes first, and decides what is a consequence of what.
    fn open(&mut self, baseline: bool, outer: &[DriftId]) {
        let mut pending: Vec<DriftId> = self
            .entries
            .values()
            .filter(|e| e.state == State::Pending && self.drifted.contains(&e.id))
            .map(|e| e.id.clone())
            .collect();
        pending.sort_by_key(fold::depth);
        let mut open = Causes::of(self.entries.values().filter(|e| e.is_open()));
        let mut unsure = Causes::default();
        for id in pending {
            let Some(entry) = self.entries.get(&id) else {
                continue;
            };
            let explained = !outer.is_empty() || open.cause(&id, false).is_some();
            if (baseline || self.is_confirmed(entry)) && (explained || !self.gives_way(entry, &unsure)) {
                self.believe(&id, baseline);
                open.add(id);
            } else {
                self.awaits = true;
                unsure.add(id);
            }
        }
        let parents: Vec<(DriftId, Option<DriftId>)> = self
            .entries
            .values()
            .filter(|e| e.is_open())
            .map(|e| {
                (
                    e.id.clone(),
                    outer.first().or(open.cause(&e.id, e.blind.is_some())).cloned(),
                )
            })
            .filter(|(id, parent)| self.entries.get(id).is_some_and(|e| e.parent != *parent))
            .collect();
        for (id, parent) in parents {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.parent = parent;
            }
        }
    }

    fn believe(&mut self, id: &DriftId, baseline: bool) {
        let Some(entry) = self.entries.get_mut(id) else {
            return;
        };
        entry.state = State::Open;
        entry.opened_at = Some(self.now);
        entry.baseline = baseline;
        push_transition(entry, self.now, self.policy.flap.window);
        entry.flapping = entry.transitions.len() >= self.policy.flap.transitions as usize;
    }

    /// Enough distinct observations showed it, or they span enough time. Time alone confirms nothing: it would make
    /// one observation two.
    fn is_confirmed(&self, entry: &Entry) -> bool {
        let window = self.policy.confirm.of(entry.id.event_type);
        if let Difference::Blind {
            gap,
            unknown_services: _,
        } = &entry.difference
            && gap.kind == GapKind::Stale
        {
            // Staleness is that observations do not come: there is nothing to count, and the time it is allowed to
            // last has passed already.
            return true;
        }
        entry.seen >= window.open_after || entry.last_seen >= after(entry.first_seen, window.open_after_time)
    }

    /// A cause that is seen but not yet believed speaks first, or vanishes. It is given as many observations as its
    /// own window asks for, and no more: a cause that is never confirmed must not keep its consequences quiet.
    fn gives_way(&self, entry: &Entry, unsure: &Causes) -> bool {
        unsure.cause(&entry.id, false).is_some_and(|cause| {
            let windows = (
                self.policy.confirm.of(entry.id.event_type),
                self.policy.confirm.of(cause.event_type),
            );
            entry.seen < windows.0.open_after.saturating_add(windows.1.open_after)
        })
    }

    /// Says what is open and has not been said: newly opened roots, consequences whose root is gone, drifts whose
    /// silence ended, reminders.
    fn say(&mut self) {
        let remind_after = self.policy.remind_after.filter(|every| !every.is_zero());
        let speaking: Vec<DriftId> = self
            .entries
            .values()
            .filter(|e| e.is_root() && self.drifted.contains(&e.id))
            .map(|e| e.id.clone())
            .collect();
        for id in speaking {
            let Some(entry) = self.entries.get(&id) else {
                continue;
            };
            let audible = entry.silenced.is_none() && !entry.baseline;
            if !entry.recorded {
                let recently = entry
                    .resolved_at
                    .is_some_and(|at| self.now < after(at, self.policy.flap.window));
                let transition = if recently {
                    Transition::Reopened
                } else {
                    Transition::Opened
                };
                self.record(&id, transition, audible, None);
            } else if audible && !entry.announced {
                self.record(&id, Transition::Reminder, true, None);
            } else if let (true, Some(every), Some(said)) = (audible, remind_after, entry.said_at)
                && self.now >= after(said, every)
            {
                self.record(&id, Transition::Reminder, true, None);
            }
            let said = self
                .entries
                .get(&id)
                .filter(|_| audible)
                .and_then(|entry| entry.said_at);
            if let (Some(every), Some(said)) = (remind_after, said) {
                self.due = earlier(self.due, after(said, every));
            }
        }
    }

    /// Drops resolved entries whose return would no longer be a reopening.
    fn forget(&mut self) {
        let (now, window) = (self.now, self.policy.flap.window);
        self.entries.retain(|_, e| {
            e.resolved_at
                .is_none_or(|at| e.state != State::Resolved || now < after(at, window))
        });
    }

    fn record(&mut self, id: &DriftId, transition: Transition, announce: bool, rule: Option<&Arc<str>>) {
        let folded: Vec<String> = self.folded_under(id);
        let Some(entry) = self.entries.get_mut(id) else {
            return;
        };
        entry.recorded = true;
        if announce {
            entry.announced = true;
            entry.said_at = Some(self.now);
        }
        let event = event(entry, transition, announce, self.now, (self.ids)(), folded, rule);
        self.events.push(event);
    }

    fn folded_under(&self, root: &DriftId) -> Vec<String> {
        if !fold::can_explain(root) {
            return Vec::new();
        }
        let of = |e: &Entry| match (&e.id.service, e.id.field) {
            (Some(service), _) => format!("{} {service}", e.id.event_type),
            (None, Some(field)) => format!("{} {field}", e.id.event_type),
            (None, None) => e.id.event_type.to_string(),
        };
        self.entries
            .values()
            .filter(|e| e.parent.as_ref() == Some(root))
            .map(of)
            .collect()
    }

    fn finish(mut self, before: &Ledger, born: Option<Timestamp>, accepted: bool) -> Advance {
        let changed: Vec<DriftId> = self
            .entries
            .iter()
            .filter(|(id, entry)| before.entries.get(id) != Some(entry))
            .map(|(id, _)| id.clone())
            .collect();
        let removed = before
            .entries
            .keys()
            .filter(|id| !self.entries.contains_key(id))
            .cloned()
            .collect();
        self.events.sort_by(|a, b| a.drift.cmp(&b.drift));
        // What a rule accepts has no entry, but comes back when the rule ends.
        if let (Some(at), true) = (
            self.policy.next_change(self.now),
            accepted || !self.entries.is_empty(),
        ) {
            self.due = earlier(self.due, at);
        }
        Advance {
            ledger: Ledger {
                subject: before.subject.clone(),
                born,
                entries: self.entries,
            },
            events: self.events,
            changed,
            removed,
            due: self.due,
            awaits_observation: self.awaits,
        }
    }
}

fn event(
    entry: &Entry,
    transition: Transition,
    announce: bool,
    now: Timestamp,
    id: EventId,
    mut folded: Vec<String>,
    rule: Option<&Arc<str>>,
) -> Event {
    let (expected, observed) = entry.difference.sides(entry.id.field);
    let mut details = entry.difference.details(&entry.id);
    if transition == Transition::Resolved {
        details = match rule {
            Some(rule) => format!("Accepted by ignore rule {rule}: {details}"),
            None => format!("Resolved: {details}"),
        };
    }
    let folded_count = u32::try_from(folded.len()).unwrap_or(u32::MAX);
    folded.truncate(FOLDED_SHOWN);
    Event {
        id,
        hostname: match &entry.id.subject {
            Subject::Host(host) => Some(host.clone()),
            Subject::Source(_) => None,
        },
        service: entry.id.service.clone(),
        event_type: entry.id.event_type,
        expected,
        observed,
        severity: entry.severity,
        details,
        source: Arc::from(entry.evidence.source.kind.as_str()),
        created_at: now,
        transition,
        drift_id: entry.id.to_string(),
        handle: entry.id.handle(),
        first_seen: entry.first_seen,
        last_seen: entry.last_seen,
        flapping: entry.flapping,
        baseline: entry.baseline,
        folded,
        folded_count,
        announce,
        drift: Some(entry.id.clone()),
    }
}

/// Whether `new` is another observation than the last one counted. Every moment is the controller's own, so answers of
/// different sources compare; what two sources said alternately is not counted again and again.
fn newer(old: &Evidence, new: &Evidence) -> bool {
    new.observed_at > old.observed_at
}

/// Whether `new` is an older answer of the same source. Time does not run backwards: it says nothing about now.
fn is_past(old: &Evidence, new: &Evidence) -> bool {
    old.source == new.source && new.observed_at < old.observed_at
}

fn push_transition(entry: &mut Entry, now: Timestamp, window: Duration) {
    entry.transitions.retain(|at| now < after(*at, window));
    entry.transitions.push(now);
}

fn after(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| at.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

fn earlier(a: Option<Timestamp>, b: Timestamp) -> Option<Timestamp> {
    Some(a.map_or(b, |a| a.min(b)))
}
