//! What is shown of one moment: hosts and sources as the world, the collectors and the ledgers know them together, kept
//! for as long as that is a statement about now. Not here: who asks for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::Duration;

use evenkeel_core::{SourceId, Subject};
use evenkeel_web::{Asking, HostStatus, SourceStatus, WorldStatus};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::hub::Hub;

/// How long a picture counts at most: answers grow too old by the clock alone.
const LONGEST: Duration = Duration::from_secs(1);
/// Making pictures takes up at most one part in this many of the time.
const SHARE: u32 = 10;

/// How each source is asked, as its collector says.
#[derive(Debug, Default)]
pub struct Askings(Mutex<HashMap<SourceId, Asking>>);

impl Askings {
    /// A source was asked.
    pub fn note(&self, source: &SourceId, asking: Asking) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(source.clone(), asking);
    }

    /// Which source is due since the longest, and since when.
    pub fn longest_due(&self) -> Option<(SourceId, Timestamp)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(source, asking)| (source.clone(), asking.next_at)).min_by_key(|(_, at)| *at)
    }

    /// A source is asked no more.
    pub fn forget(&self, source: &SourceId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(source);
    }

    /// Says it of each of these sources.
    fn fill(&self, sources: &mut [SourceStatus]) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for status in sources {
            status.asking = known.get(&status.source).cloned();
        }
    }
}

/// The picture made last.
#[derive(Debug, Default)]
pub struct Pictures {
    newest: RwLock<Option<Picture>>,
    making: Mutex<()>,
    changes: AtomicU64,
}

#[derive(Clone, Debug)]
struct Picture {
    made: Instant,
    /// How long it took.
    took: Duration,
    /// What had changed until then.
    changes: u64,
    view: Arc<WorldStatus>,
}

impl Picture {
    /// Whether it may stand for now. In a large fleet something changes all the time, and a picture takes its while: what
    /// is asked for often must not make one each time.
    fn counts(&self, changes: u64) -> bool {
        let age = self.made.elapsed();
        age < LONGEST && (self.changes == changes || age < self.took * SHARE)
    }
}

impl Pictures {
    /// Something changed.
    pub fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// The picture of this moment.
    pub fn now(&self, hub: &Hub) -> Arc<WorldStatus> {
        let changes = self.changes.load(Ordering::Acquire);
        if let Some(picture) = self.newest().filter(|picture| picture.counts(changes)) {
            return picture.view;
        }
        let _making = match self.making.try_lock() {
            Ok(making) => making,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody makes one already: until it is done the last one stands, if it may.
            Err(TryLockError::WouldBlock) => match self.newest() {
                Some(picture) if picture.made.elapsed() < LONGEST => return picture.view,
                Some(_) | None => self.making.lock().unwrap_or_else(PoisonError::into_inner),
            },
        };
        if let Some(picture) = self.newest().filter(|picture| picture.counts(changes)) {
            return picture.view;
        }
        let made = Instant::now();
        let view = Arc::new(of(hub, crate::collect::now()));
        let picture = Picture { made, took: made.elapsed(), changes, view: view.clone() };
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(picture);
        view
    }

    fn newest(&self) -> Option<Picture> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Everything that is shown but the rules: what each covers is counted over every ledger, and only who asks for them, or
/// shares what is shown, needs that.
pub fn of(hub: &Hub, now: Timestamp) -> WorldStatus {
    let (mut hosts, coverages) = hub.see(|world| world.host_statuses(now));
    let mut born = HashMap::new();
    hub.book.visit(|record| {
        if let (Subject::Host(host), Some(at)) = (&record.ledger.subject, record.ledger.born) {
            born.insert(host.clone(), at);
        }
    });
    for status in &mut hosts {
        status.judged_since = born.get(&status.host).copied();
    }
    WorldStatus { hosts, sources: sources(hub, now), coverages, rules: Vec::new() }
}

/// One host.
pub fn host(hub: &Hub, name: &evenkeel_core::HostName, now: Timestamp) -> Option<HostStatus> {
    let status = hub.see(|world| Some(world.host_status(&world.called(name)?, now)))?;
    let judged_since = hub.book.get(&Subject::Host(status.host.clone())).ledger.born;
    Some(HostStatus { judged_since, ..status })
}

/// Every source.
pub fn sources(hub: &Hub, now: Timestamp) -> Vec<SourceStatus> {
    let mut sources = hub.see(|world| world.source_statuses(now));
    hub.askings.fill(&mut sources);
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_counts_for_a_second_and_after_a_change_only_where_it_took_long() {
        let made = |ago: Duration, took: Duration| Picture {
            made: Instant::now() - ago,
            took,
            changes: 7,
            view: Arc::default(),
        };
        let (short, long) = (Duration::ZERO, Duration::from_secs(60));
        assert!(!made(LONGEST, long).counts(7), "whatever it took");
        assert!(!made(short, short).counts(8));
        assert!(made(short, long).counts(8));
    }
}
