//! Since when guests are locked. A backup or a migration excuses a guest, but not for ever: a lock that a crashed task
//! left behind would hide it. What does not live here: what a lock means for a machine (`decode`).

use std::collections::BTreeMap;
use std::time::Duration;

use evenkeel_core::{Gap, GapKind};
use tokio::time::Instant;

use super::decode::is_hibernated;
use super::wire::{GuestRow, short};

/// Locks by guest: the word, and when it was first seen.
#[derive(Debug, Default)]
pub(super) struct Locks(BTreeMap<String, (String, Instant)>);

impl Locks {
    /// Takes note of the locks in a list that was read whole enough to be a list.
    pub(super) fn observed(&mut self, rows: &[GuestRow], now: Instant) {
        let mut next = BTreeMap::new();
        for row in rows {
            if let Some(word) = &row.lock {
                let key = row.key();
                let since =
                    self.0.get(&key).filter(|(other, _)| other == word).map_or(now, |(_, since)| *since);
                next.insert(key, (word.clone(), since));
            }
        }
        self.0 = next;
    }

    /// Why a guest is not judged now, if it is locked and has not been for longer than `cap`.
    pub(super) fn excuse(&self, row: &GuestRow, cap: Duration, now: Instant) -> Option<Gap> {
        let word = row.lock.as_deref()?;
        if is_hibernated(row) {
            return None;
        }
        let since = self.0.get(&row.key()).map_or(now, |(_, since)| *since);
        let fresh = now.duration_since(since) < cap;
        fresh.then(|| Gap::new(GapKind::Stale, format!("guest {} is locked: {}", row.vmid, short(word))))
    }
}
