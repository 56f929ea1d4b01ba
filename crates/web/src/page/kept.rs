//! What pages ask for again and again, kept from one request to the next for as long as it is a statement about now: the
//! open drifts, how every host stands, and what happened before. Not here: what is shown of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use evenkeel_core::HostName;
use evenkeel_core::heartbeat::Bar;
use evenkeel_store::Result;

use super::fleet::Fleet;
use super::now::Now;
use super::past::{Past, Reach, Trend};
use crate::state::AppState;

/// The open drifts count for this long at most while others change all the time.
const LONGEST: Duration = Duration::from_secs(1);
/// Reading them takes up at most one part in this many of the time.
const SHARE: u32 = 10;

/// What is kept between requests.
#[derive(Default)]
pub(crate) struct Kept {
    drifts: Mutex<Option<Drifts>>,
    fleet: Mutex<Option<Arc<Fleet>>>,
    past: tokio::sync::Mutex<Past>,
}

struct Drifts {
    version: u64,
    read: Instant,
    took: Duration,
    now: Arc<Now>,
}

impl Drifts {
    fn counts(&self, version: u64) -> bool {
        let age = self.read.elapsed();
        self.version == version || (age < LONGEST && age < self.took * SHARE)
    }
}

impl Kept {
    /// Every drift that is not over. Read anew unless whoever writes them says that nothing changed.
    pub(super) async fn now(&self, state: &AppState) -> Result<Arc<Now>> {
        // Before reading: what is written meanwhile makes the next request read again.
        let Some(version) = state.live.ledger_version() else {
            return Ok(Arc::new(Now::read(state.store.as_ref()).await?));
        };
        if let Some(drifts) = locked(&self.drifts).as_ref().filter(|drifts| drifts.counts(version)) {
            return Ok(drifts.now.clone());
        }
        let read = Instant::now();
        let now = Arc::new(Now::read(state.store.as_ref()).await?);
        let drifts = Drifts { version, read, took: read.elapsed(), now: now.clone() };
        *locked(&self.drifts) = Some(drifts);
        Ok(now)
    }

    /// Every host and how it stands.
    pub(super) fn fleet(&self, state: &AppState, now: &Arc<Now>) -> Arc<Fleet> {
        let view = state.live.view();
        let mut kept = locked(&self.fleet);
        if let Some(fleet) = kept.as_ref().filter(|fleet| fleet.is_of(&view, now)) {
            return fleet.clone();
        }
        let fleet = Arc::new(Fleet::new(view, now.clone()));
        *kept = Some(fleet.clone());
        fleet
    }

    /// How each of these hosts stood over the last while. One question to the store, whatever their number.
    pub(super) async fn bars(
        &self,
        state: &AppState,
        now: &Now,
        hosts: &[(&HostName, Option<jiff::Timestamp>)],
        reaches: &[Reach],
    ) -> Result<Vec<Vec<Vec<Bar>>>> {
        let mut past = self.past.lock().await;
        past.read(state).await?;
        Ok(past.of_hosts(state, now, hosts, reaches))
    }

    /// How many drifts were open, and how many could not be seen, over the last while.
    pub(super) async fn trend(&self, state: &AppState, now: &Now, reach: Reach) -> Result<Trend> {
        let mut past = self.past.lock().await;
        past.read(state).await?;
        Ok(past.trend(state, now, reach))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
