//! Believing: which drifts open in a step, and which are consequences of which.

use super::advance::{Step, after, push_transition};
use super::causes::Causes;
use super::entry::{Entry, Freed, State};
use crate::coverage::GapKind;
use crate::diff::Report;
use crate::drift::Difference;
use crate::fold;
use crate::id::{DriftId, SourceId};
use crate::policy::{FirstRun, Policy};

/// What is believed at once, and is no news.
pub(super) enum Baseline<'a> {
    /// Everything: it is the first pass.
    Everything,
    /// What these sources show, where nobody has seen it before.
    Of(&'a [SourceId]),
}

impl<'a> Baseline<'a> {
    pub(super) fn of(report: &'a Report, policy: &Policy, first_complete: bool) -> Self {
        match (policy.first_run, first_complete) {
            (FirstRun::Announce, _) => Self::Of(&[]),
            (FirstRun::Baseline, true) => Self::Everything,
            (FirstRun::Baseline, false) => Self::Of(&report.newcomers),
        }
    }

    fn has(&self, entry: &Entry) -> bool {
        match self {
            Self::Everything => true,
            Self::Of(sources) => {
                let is_new = entry.seen == 1 && entry.resolved_at.is_none();
                is_new && sources.contains(&entry.evidence.source)
            }
        }
    }
}

impl Step<'_> {
    /// Believes what has been confirmed, causes first, and decides what is a consequence of what.
    pub(super) fn open(&mut self, baseline: &Baseline<'_>, outer: &[DriftId]) {
        let mut pending: Vec<DriftId> = self
            .entries
            .values()
            .filter(|e| e.state == State::Pending && self.drifted.contains(&e.id))
            .map(|e| e.id.clone())
            .collect();
        pending.sort_by_key(fold::depth);
        let mut open = Causes::of(self.entries.values().map(Box::as_ref).filter(|e| e.is_open()));
        let mut unsure = Causes::default();
        for id in pending {
            let Some(entry) = self.entries.get(&id) else {
                continue;
            };
            let baseline = baseline.has(entry);
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
            .map(|e| (e.id.clone(), outer.first().or(open.cause(&e.id, e.blind.is_some())).cloned()))
            .filter(|(id, parent)| self.entries.get(id).is_some_and(|e| e.parent != *parent))
            .collect();
        for (id, parent) in parents {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.freed = match parent {
                    None if !entry.recorded => Some(Freed { seen: entry.seen, at: entry.last_seen }),
                    None | Some(_) => None,
                };
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
        if let Difference::Blind { gap, unknown_services: _ } = &entry.difference
            && gap.kind == GapKind::Stale
        {
            // Staleness is that observations do not come: there is nothing to count, and the time it is allowed to
            // last has passed already.
            return true;
        }
        if self.vouched_until.is_some_and(|until| until < entry.first_seen) && is_silence(entry) {
            return false;
        }
        entry.seen >= window.open_after || entry.last_seen >= after(entry.first_seen, window.open_after_time)
    }

    /// A cause that is seen but not yet believed speaks first, or vanishes. It is given as many observations as its
    /// own window asks for, and no more: a cause that is never confirmed must not keep its consequences quiet.
    fn gives_way(&self, entry: &Entry, unsure: &Causes) -> bool {
        unsure.cause(&entry.id, false).is_some_and(|cause| {
            let windows =
                (self.policy.confirm.of(entry.id.event_type), self.policy.confirm.of(cause.event_type));
            entry.seen < windows.0.open_after.saturating_add(windows.1.open_after)
        })
    }
}

/// Whether the entry says that a machine or its engine is silent.
fn is_silence(entry: &Entry) -> bool {
    match &entry.difference {
        Difference::Blind { gap, unknown_services: _ } => {
            matches!(gap.kind, GapKind::Unreachable | GapKind::TimedOut)
        }
        Difference::Missing { .. }
        | Difference::Unexpected { .. }
        | Difference::PortMismatch { .. }
        | Difference::PortClosed { .. }
        | Difference::VmDown { .. }
        | Difference::VmUndeclared { .. }
        | Difference::Exceeded { .. }
        | Difference::TooLarge { .. }
        | Difference::RestartLoop { .. }
        | Difference::Config { .. } => false,
    }
}
