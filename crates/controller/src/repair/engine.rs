//! The loop: wakes when a ledger changed, when somebody says something, when an attempt to send ended, and when time may
//! have brought something due; then looks at everything once. What does not live here: the turns themselves.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::EventId;
use evenkeel_core::remediation::{JournalEntry, Key, Phase};
use evenkeel_store::Error as StoreError;
use evenkeel_web::Part;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::Remedies;
use super::figures::Figures;
use super::order::Order;
use super::register::{Change, Register};
use super::send::Sends;
use crate::gate::About;
use crate::hub::Hub;

/// How long the store may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How often is looked while something is under way, and while nothing is.
const BUSY: Duration = Duration::from_secs(1);
const CALM: Duration = Duration::from_secs(5);
/// Ledgers that change together are looked at together.
const TOGETHER: Duration = Duration::from_millis(100);
/// What one look brings about may be a reason for another one; more than so many in a row wait for their time.
const ROUNDS: u32 = 8;

/// The engine.
pub struct Engine {
    pub(super) hub: Arc<Hub>,
    pub(super) remedies: Remedies,
    pub(super) register: Register,
    pub(super) sends: Sends,
    pub(super) figures: Figures,
    /// What was dispatched and might be sent at the newest look: nothing else is.
    pub(super) may_send: BTreeSet<Key>,
    /// When its sources were last asked to look again, for each repair whose effect is awaited.
    pub(super) asked: HashMap<Key, Instant>,
    /// What is in memory may not be what is kept: it is read again before anything else is done.
    pub(super) doubtful: bool,
}

/// That a change was not kept. It is known why, and that has been said.
#[derive(Debug)]
pub(super) struct NotKept;

impl Engine {
    /// An engine that has read nothing yet.
    pub fn new(hub: Arc<Hub>, remedies: Remedies, figures: Figures) -> Self {
        Self {
            hub,
            remedies,
            register: Register::default(),
            sends: Sends::default(),
            figures,
            may_send: BTreeSet::new(),
            asked: HashMap::new(),
            doubtful: true,
        }
    }

    /// Works until told to stop. What is being sent then is sent again by the next run, under the same key.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>, stop: CancellationToken) {
        loop {
            if !self.is_certain(&stop).await {
                return;
            }
            self.look_through().await;
            self.send_due().await;
            let (bell, wake) = (self.hub.repair_bell.clone(), self.wake());
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(order) = orders.recv() => self.obey(order).await,
                Some((key, result)) = self.sends.next() => self.sent(&key, result).await,
                () = bell.notified() => tokio::time::sleep(TOGETHER).await,
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// Waits until something can be kept, and reads what is kept if that is not certain. `false`: it is to stop.
    async fn is_certain(&mut self, stop: &CancellationToken) -> bool {
        loop {
            let hub = self.hub.clone();
            let open = tokio::select! {
                biased;
                () = stop.cancelled() => false,
                open = hub.gate.pass() => open,
            };
            if !open || !self.doubtful {
                return open;
            }
            match timeout(PATIENCE, Register::load(&*hub.store, crate::collect::now())).await {
                Ok(Ok(register)) => {
                    self.register = register;
                    self.doubtful = false;
                }
                Ok(Err(error)) => self.failed(&error),
                Err(_) => self.hub.gate.silent("the store does not say what is being repaired"),
            }
            if self.doubtful {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return false,
                    () = tokio::time::sleep(BUSY) => {}
                }
            }
        }
    }

    /// Looks until nothing more follows.
    async fn look_through(&mut self) {
        for _ in 0..ROUNDS {
            // Whose deadline is over, a clock that jumped does not say.
            let Some(now) = self.hub.clock.now() else { return };
            if self.doubtful || !self.look(now).await {
                return;
            }
        }
    }

    fn wake(&self) -> Instant {
        let busy = self.register.iter().any(|proposal| proposal.phase() != Phase::Over);
        let now = Instant::now();
        let next = now + if busy { BUSY } else { CALM };
        self.sends.wake(now).map_or(next, |wake| wake.min(next))
    }

    /// Keeps a change: all of it, or nothing. Only what is kept is done.
    pub(super) async fn keep(&mut self, change: Change, now: Timestamp) -> Result<(), NotKept> {
        if change.is_empty() {
            return Ok(());
        }
        let ids = || EventId::new(now, evenkeel_ambient::random());
        let commit = self.register.commit(&change, &self.hub.notices_to(), ids, now);
        let told = !commit.notices.is_empty();
        match timeout(PATIENCE, self.hub.store.commit_repair(commit)).await {
            Ok(Ok(())) => {
                self.hub.gate.worked();
                change.journal.iter().for_each(|entry| self.say(entry));
                self.register.take(change);
                self.hub.changed(Part::Repairs);
                if told {
                    self.hub.changed(Part::Deliveries);
                    self.hub.outbox_bell.notify_waiters();
                }
                Ok(())
            }
            Ok(Err(error)) => {
                self.doubtful = true;
                self.failed(&error);
                Err(NotKept)
            }
            // It may have been kept.
            Err(_) => {
                self.doubtful = true;
                self.hub.gate.silent("the store does not take what is to be repaired");
                Err(NotKept)
            }
        }
    }

    pub(super) fn failed(&self, error: &StoreError) {
        if let StoreError::Conflict { .. } = error {
            return warn!(%error, "proposals changed under the engine; reading them again");
        }
        if self.hub.gate.heard(error) == About::Request {
            error!(%error, "what is to be repaired could not be kept; it is tried again");
        }
    }

    fn say(&self, entry: &JournalEntry) {
        let proposal = entry.proposal.as_ref().map(Key::handle);
        info!(code = entry.code.as_str(), proposal, actor = %entry.actor, "{}", entry.text);
        self.figures.noted(entry.code);
    }
}
