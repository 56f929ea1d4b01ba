//! Whether anything can be kept at this moment. While nothing can, passes and deliveries wait here instead of failing one
//! by one; nothing is dropped, because what is not settled is made again. What lives here: the gate, and the task that
//! looks whether the database is back. What does not: what waits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evenkeel_store::{Error as StoreError, Store};
use evenkeel_web::Part;
use rand::Rng as _;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::hub::Hub;

/// How soon the database is looked at again, at first and at the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);
/// How long it may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// What an error of the store is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The database: nothing else would go better at this moment. Those who write wait.
    Database,
    /// The right to write, which is somebody else's now.
    Leadership,
    /// What was asked for.
    Request,
}

impl About {
    /// What this error is about.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the store's list of errors is open to others")]
    pub fn of(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. }
            | StoreError::Denied { .. }
            | StoreError::Full { .. }
            | StoreError::ReadOnly { .. }
            | StoreError::Locked { .. }
            | StoreError::Newer { .. }
            | StoreError::Older { .. }
            | StoreError::Foreign { .. } => Self::Database,
            StoreError::NotLeader { .. } => Self::Leadership,
            StoreError::Conflict { .. } | StoreError::Refused { .. } | StoreError::Corrupt { .. } => {
                Self::Request
            }
            _ => Self::Request,
        }
    }
}

/// Why nothing can be kept, and since when.
#[derive(Clone, Debug)]
struct Away {
    since: Instant,
    why: String,
    /// It answers while it cannot be written (a full disk): only a write that worked tells that it is over.
    answers: bool,
}

#[derive(Clone, Debug)]
enum State {
    Open,
    Closed(Away),
    /// It answers again; whether it can be written, the next write tells.
    Trying(Away),
    /// Nothing will be kept any more by whoever shares this gate: somebody else leads.
    Shut,
}

/// Where those who write wait while nothing can be kept.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
    /// Rung when the state is another. Who came first is let through first: tokio's `watch` wakes in an order of chance.
    turned: Notify,
    /// Nobody waits any more: it is being stopped.
    stopping: CancellationToken,
    /// Somebody else leads.
    lost: CancellationToken,
    /// Rung when something could not be kept because the disk is full, whoever wanted to keep it.
    full: Notify,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            state: Mutex::new(State::Open),
            turned: Notify::new(),
            stopping: CancellationToken::new(),
            lost: CancellationToken::new(),
            full: Notify::new(),
        }
    }
}

impl Gate {
    /// Waits until there is hope that something can be kept. `false`: there is nothing to wait for any more.
    pub async fn pass(&self) -> bool {
        let open = async {
            let state = self.until(|state| !matches!(state, State::Closed(_))).await;
            !matches!(state, State::Shut)
        };
        tokio::select! {
            biased;
            open = open => open,
            () = self.stopping.cancelled() => false,
        }
    }

    async fn until(&self, is_so: impl Fn(&State) -> bool) -> State {
        loop {
            let turned = self.turned.notified();
            let state = self.state().clone();
            if is_so(&state) {
                return state;
            }
            turned.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, if it is to be changed.
    fn turn(&self, change: impl FnOnce(&State) -> Option<State>) {
        let mut state = self.state();
        if let Some(next) = change(&state) {
            *state = next;
            drop(state);
            self.turned.notify_waiters();
        }
    }

    /// An operation of the store failed: closes the gate if that is about the database, and says so once.
    pub fn heard(&self, error: &StoreError) -> About {
        let about = About::of(error);
        match about {
            About::Database => {
                if matches!(error, StoreError::Full { .. }) {
                    self.full.notify_one();
                }
                let answers = !matches!(error, StoreError::Unavailable { .. });
                self.close(error, answers);
            }
            About::Leadership => {
                if !self.lost.is_cancelled() {
                    warn!(%error, "somebody else leads; this replica stops writing");
                }
                self.shut();
            }
            About::Request => {}
        }
        about
    }

    /// Waits until the disk is full.
    pub async fn full(&self) {
        self.full.notified().await;
    }

    /// The database does not answer.
    pub fn silent(&self, why: &str) {
        self.close(&why, false);
    }

    fn close(&self, why: &dyn std::fmt::Display, answers: bool) {
        self.turn(|state| {
            let since = match state {
                State::Open => {
                    error!(error = %why, "nothing can be kept; passes and deliveries wait, nothing is lost");
                    Instant::now()
                }
                State::Trying(away) => away.since,
                State::Closed(_) | State::Shut => return None,
            };
            Some(State::Closed(Away { since, why: why.to_string(), answers }))
        });
    }

    /// Something was written.
    pub fn worked(&self) {
        self.turn(|state| match state {
            State::Open | State::Shut => None,
            State::Closed(away) | State::Trying(away) => Some(back(away)),
        });
    }

    /// Why nothing can be kept, if nothing can.
    pub fn paused(&self) -> Option<String> {
        match &*self.state() {
            State::Open => None,
            State::Closed(away) | State::Trying(away) => {
                let since = away.since.elapsed().as_secs();
                Some(format!("nothing can be kept for {since} s, passes and deliveries wait: {}", away.why))
            }
            State::Shut => Some("somebody else leads".to_owned()),
        }
    }

    /// Whoever waits at the closed gate, waits no more.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Somebody else leads: nothing of this will be kept.
    pub fn shut(&self) {
        self.turn(|_| Some(State::Shut));
        self.lost.cancel();
    }

    /// Ends when somebody else leads.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Waits until the gate is closed or in doubt.
    async fn doubted(&self) {
        self.until(|state| matches!(state, State::Closed(_) | State::Trying(_))).await;
    }

    /// The database answers: either that is all that was wanting, or it is tried.
    fn answered(&self) {
        self.turn(|state| match state {
            State::Closed(away) if away.answers => Some(State::Trying(away.clone())),
            State::Closed(away) => Some(back(away)),
            State::Open | State::Trying(_) | State::Shut => None,
        });
    }

    fn is_tried(&self) -> bool {
        matches!(*self.state(), State::Trying(_))
    }
}

fn back(away: &Away) -> State {
    warn!(after_s = away.since.elapsed().as_secs(), "the store is back");
    State::Open
}

/// Opens the gate when the database is back, and then lets everything be made that is not settled.
pub async fn watch(hub: Arc<Hub>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = hub.gate.doubted() => {}
        }
        hub.changed(Part::Process);
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = until_back(&hub) => {}
        }
        hub.changed(Part::Process);
    }
}

async fn until_back(hub: &Hub) {
    let mut wait = FIRST;
    while hub.gate.paused().is_some() {
        // Spread, so that replicas and programs that lost the database together do not all come back at once.
        let jitter = evenkeel_ambient::rng().random_range(0.8..1.2);
        tokio::time::sleep(wait.mul_f64(jitter)).await;
        wait = (wait * 2).min(LONGEST);
        if hub.gate.is_tried() {
            // Nothing wanted to be written meanwhile, or it worked with what was there.
            prove(hub).await;
            continue;
        }
        match answers(&*hub.store).await {
            Ok(()) => {
                hub.gate.answered();
                hub.resync();
                hub.outbox_bell.notify_waiters();
                hub.shown.ring();
            }
            Err(why) => tracing::debug!(why, "the store is still away"),
        }
    }
}

async fn answers(store: &dyn Store) -> Result<(), String> {
    match timeout(PATIENCE, store.health()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it does not answer within {} s", PATIENCE.as_secs())),
    }
}

/// Writes something that is there already.
async fn prove(hub: &Hub) {
    let sources = [hub.see(|world| world.netbox().clone())];
    match timeout(PATIENCE, hub.store.save_sources(&sources, crate::collect::now())).await {
        Ok(Ok(())) => hub.gate.worked(),
        Ok(Err(error)) => {
            hub.gate.heard(&error);
        }
        Err(_) => hub.gate.silent("the database does not answer in time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_finds_the_disk_full_calls_for_retention() {
        let gate = Gate::default();
        assert_eq!(gate.heard(&StoreError::Full { at: "here".to_owned() }), About::Database);
        // Rung before anybody listened, and heard all the same.
        assert!(timeout(PATIENCE, gate.full()).await.is_ok());
    }

    #[tokio::test]
    async fn who_came_first_is_let_through_first() {
        let gate = Arc::new(Gate::default());
        gate.silent("a test");
        let through = Arc::new(Mutex::new(Vec::new()));
        let waiting: Vec<_> = (0..20)
            .map(|number| {
                let (gate, through) = (gate.clone(), through.clone());
                tokio::spawn(async move {
                    assert!(gate.pass().await);
                    through.lock().unwrap_or_else(PoisonError::into_inner).push(number);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        gate.worked();
        for one in waiting {
            one.await.unwrap();
        }
        assert_eq!(*through.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }
}
