//! Saying: which events a step writes down, and which of them somebody is told.

use std::sync::Arc;

use jiff::Timestamp;

use super::advance::{Step, after, earlier};
use super::entry::Entry;
use crate::event::{Event, Transition};
use crate::fold;
use crate::id::{DriftId, EventId, Subject};

/// How many folded consequences an event names.
const FOLDED_SHOWN: usize = 20;

impl Step<'_> {
    /// Says what is open and has not been said: newly opened roots, consequences whose root is gone, drifts whose
    /// silence ended, reminders.
    pub(super) fn say(&mut self) {
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
            if !entry.recorded && !self.outlived(entry) {
                self.awaits = true;
                continue;
            }
            if !entry.recorded {
                let recently =
                    entry.resolved_at.is_some_and(|at| self.now < after(at, self.policy.flap.window));
                let transition = if recently { Transition::Reopened } else { Transition::Opened };
                self.record(&id, transition, audible, None);
            } else if audible && !entry.announced {
                self.record(&id, Transition::Reminder, true, None);
            } else if let (true, Some(every), Some(said)) = (audible, remind_after, entry.said_at)
                && self.now >= after(said, every)
            {
                self.record(&id, Transition::Reminder, true, None);
            }
            let said = self.entries.get(&id).filter(|_| audible).and_then(|entry| entry.said_at);
            if let (Some(every), Some(said)) = (remind_after, said) {
                self.due = earlier(self.due, after(said, every));
            }
        }
    }

    /// Whether a drift whose cause is gone has been seen often or long enough since.
    fn outlived(&self, entry: &Entry) -> bool {
        let window = self.policy.confirm.of(entry.id.event_type);
        entry.freed.is_none_or(|freed| {
            // The observation that freed it is the first of them.
            let seen = entry.seen.saturating_sub(freed.seen).saturating_add(1);
            seen >= window.open_after || entry.last_seen >= after(freed.at, window.open_after_time)
        })
    }

    pub(super) fn record(
        &mut self,
        id: &DriftId,
        transition: Transition,
        announce: bool,
        rule: Option<&Arc<str>>,
    ) {
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
        self.entries.values().map(Box::as_ref).filter(|e| e.parent.as_ref() == Some(root)).map(of).collect()
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
