//! Whether anything can be kept at this moment. While nothing can, passes and deliveries wait here instead of failing one
//! by one; nothing is dropped, because what is not settled is made again. What lives here: the gate, and the task that
//! looks whether the database is back. What does not: what waits.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_store::{Error as StoreError, Store};
use evenkeel_web::Part;
use tokio::sync::watch;
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
    state: watch::Sender<State>,
    /// Nobody waits any more: it is being stopped.
    stopping: CancellationToken,
    /// Somebody else leads.
    lost: CancellationToken,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            state: watch::Sender::new(State::Open),
            stopping: CancellationToken::new(),
            lost: CancellationToken::new(),
        }
    }
}

impl Gate {
    /// Waits until there is hope that something can be kept. `false`: there is nothing to wait for any more.
    pub async fn pass(&self) -> bool {
        let mut state = self.state.subscribe();
        let open = async {
            let state = state.wait_for(|state| !matches!(state, State::Closed(_))).await;
            state.is_ok_and(|state| !matches!(*state, State::Shut))
        };
        tokio::select! {
            biased;
            open = open => open,
            () = self.stopping.cancelled() => false,
        }
    }

    /// An operation of the store failed: closes the gate if that is about the database, and says so once.
    pub fn heard(&self, error: &StoreError) -> About {
        let about = About::of(error);
        match about {
            About::Database => {
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

    /// The database does not answer.
    pub fn silent(&self, why: &str) {
        self.close(&why, false);
    }

    fn close(&self, why: &dyn std::fmt::Display, answers: bool) {
        self.state.send_if_modified(|state| {
            let since = match state {
                State::Open => {
                    error!(error = %why, "nothing can be kept; passes and deliveries wait, nothing is lost");
                    Instant::now()
                }
                State::Trying(away) => away.since,
                State::Closed(_) | State::Shut => return false,
            };
            *state = State::Closed(Away { since, why: why.to_string(), answers });
            true
        });
    }

    /// Something was written.
    pub fn worked(&self) {
        if matches!(*self.state.borrow(), State::Open | State::Shut) {
            return;
        }
        self.state.send_if_modified(|state| match state {
            State::Open | State::Shut => false,
            State::Closed(away) | State::Trying(away) => {
                warn!(after_s = away.since.elapsed().as_secs(), "the store is back");
                *state = State::Open;
                true
            }
        });
    }

    /// Why nothing can be kept, if nothing can.
    pub fn paused(&self) -> Option<String> {
        match &*self.state.borrow() {
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
        self.state.send_replace(State::Shut);
        self.lost.cancel();
    }

    /// Ends when somebody else leads.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Waits until the gate is closed or in doubt.
    async fn doubted(&self) {
        let mut state = self.state.subscribe();
        // The sender lives as long as the gate.
        let _ = state.wait_for(|state| matches!(state, State::Closed(_) | State::Trying(_))).await;
    }

    /// The database answers: either that is all that was wanting, or it is tried.
    fn answered(&self) {
        let is_all = match &*self.state.borrow() {
            State::Closed(away) => !away.answers,
            State::Open | State::Trying(_) | State::Shut => return,
        };
        if is_all {
            return self.worked();
        }
        self.state.send_if_modified(|state| match state {
            State::Closed(away) => {
                *state = State::Trying(away.clone());
                true
            }
            State::Open | State::Trying(_) | State::Shut => false,
        });
    }

    fn is_tried(&self) -> bool {
        matches!(*self.state.borrow(), State::Trying(_))
    }
}

/// Opens the gate when the database is back, and then lets everything be made that is not settled.
pub async fn watch(hub: Arc<Hub>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = hub.gate.doubted() => {}
        }
        hub.changed(Part::Process);
        tokio::select! {
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
        tokio::time::sleep(wait.mul_f64(rand::random_range(0.8..1.2))).await;
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
