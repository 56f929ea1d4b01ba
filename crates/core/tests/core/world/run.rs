//! A ledger that is led through a sequence of reports.

use evenkeel_core::ledger::{Advance, Entry, Ledger, State, advance};
use evenkeel_core::policy::Policy;
use evenkeel_core::{DriftId, Event, EventId, Report, Transition};
use jiff::Timestamp;

use super::{Plan, World, at, subject};

/// One step of a sequence: what was reported, and what came of it.
pub struct Step {
    pub now: Timestamp,
    pub before: Ledger,
    pub report: Report,
    pub advance: Advance,
}

/// A ledger under one policy.
pub struct Run {
    pub ledger: Ledger,
    pub policy: Policy,
    ids: u8,
}

impl Run {
    pub fn new(policy: Policy) -> Self {
        Self { ledger: Ledger::new(subject()), policy, ids: 0 }
    }

    /// Observes the plan at this moment and advances.
    pub fn observe(&mut self, plan: &Plan, seconds: i64) -> Step {
        self.look(&plan.at(seconds), seconds)
    }

    /// Looks at a world observed earlier, at this moment.
    pub fn look(&mut self, world: &World, seconds: i64) -> Step {
        self.look_at(world, at(seconds))
    }

    pub fn look_at(&mut self, world: &World, now: Timestamp) -> Step {
        let open: Vec<DriftId> = self.ledger.unresolved().cloned().collect();
        let report = self.policy.apply(world.diff(&open), &world.expected, now);
        self.take(report, now, &[])
    }

    pub fn take(&mut self, report: Report, now: Timestamp, outer: &[DriftId]) -> Step {
        let before = self.ledger.clone();
        let ids = &mut self.ids;
        let mut next = || {
            *ids = ids.wrapping_add(1);
            EventId::new(now, [*ids; 10])
        };
        let advance = advance(&before, &report, &self.policy, outer, now, &mut next);
        self.ledger = advance.ledger.clone();
        Step { now, before, report, advance }
    }

    pub fn entry(&self, part: &str) -> Option<&Entry> {
        self.ledger.entries.values().map(Box::as_ref).find(|e| e.id.to_string().contains(part))
    }

    pub fn open(&self) -> Vec<DriftId> {
        self.ledger.open().map(|e| e.id.clone()).collect()
    }

    pub fn is(&self, part: &str, state: State) -> bool {
        self.entry(part).is_some_and(|e| e.state == state)
    }
}

impl Step {
    /// What was said: `transition TYPE`, with `(quietly)` where no sink hears it.
    pub fn said(&self) -> Vec<String> {
        self.advance.events.iter().map(said).collect()
    }
}

fn said(event: &Event) -> String {
    let quietly = if event.announce { "" } else { " (quietly)" };
    format!("{} {}{quietly}", event.transition, event.event_type)
}

pub fn begins(event: &Event) -> bool {
    matches!(event.transition, Transition::Opened | Transition::Reopened)
}

pub fn ends(event: &Event) -> bool {
    event.transition == Transition::Resolved
}

pub fn id_of(event: &Event) -> DriftId {
    event.drift.clone().unwrap()
}
