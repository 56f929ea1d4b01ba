//! The clock was set back: what the ledger has is no later than now. What does not live here: how that is noticed.

use jiff::Timestamp;

use super::Ledger;
use super::entry::{Blind, Entry, Freed};

impl Ledger {
    /// Says of whatever lies after now that it was now: the clock was ahead when that was written, and nothing may wait until
    /// it is as late again. What was counted stays counted, and stands where it stood.
    ///
    /// Only when a drift was opened stays as it was: that is the name of this opening, by which what was done about it is
    /// known, and nothing here waits for it.
    pub fn set_back(&mut self, now: Timestamp) {
        let Self { subject: _, born, entries } = self;
        if let Some(born) = born {
            *born = now.min(*born);
        }
        entries.values_mut().for_each(|entry| entry.set_back(now));
    }
}

impl Entry {
    fn set_back(&mut self, now: Timestamp) {
        let Self {
            first_seen,
            last_seen,
            evidence,
            clean_since,
            resolved_at,
            freed,
            transitions,
            said_at,
            blind,
            opened_at: _,
            id: _,
            state: _,
            difference: _,
            severity: _,
            seen: _,
            clean: _,
            parent: _,
            announced: _,
            recorded: _,
            baseline: _,
            flapping: _,
            silenced: _,
        } = self;
        let may_be = [clean_since, resolved_at, said_at].into_iter().flatten();
        let blind = blind.iter_mut().map(|Blind { since, gap: _ }| since);
        let freed = freed.iter_mut().map(|Freed { seen: _, at }| at);
        [first_seen, last_seen, &mut evidence.observed_at]
            .into_iter()
            .chain(may_be)
            .chain(blind)
            .chain(freed)
            .chain(transitions)
            .for_each(|at| *at = now.min(*at));
    }
}
