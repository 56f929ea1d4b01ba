//! Leading and following. Of all replicas that share a database one leads: it asks, compares, tells and writes. The
//! others show what it sees, and one of them takes over when it is gone.
//!
//! What lives here: taking the right to lead, keeping it, noticing that it is lost ([`Seat`], [`Term`]); what is shown
//! meanwhile ([`follow`]), what a leader leaves for the others ([`share`]), the store before it is reached ([`front`]).
//! What does not: the right itself, which the database gives and enforces; whoever lost it and does not know yet is
//! refused there. That the database is away is no loss: nobody else can take the right then, either.

pub mod figures;
mod follow;
pub mod front;
pub mod share;

use std::sync::Arc;
use std::time::Duration;

use evenkeel_store::{Leadership, Store};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use crate::face::Face;
use follow::Follower;

/// How long the right to lead lasts without being renewed. A leader that was killed is followed this long at most.
pub const TTL: Duration = Duration::from_secs(9);
/// How often a leader renews it: three may be lost.
const RENEW: Duration = Duration::from_millis(2500);
/// How often a follower looks whether it can be had.
const POLL: Duration = Duration::from_secs(1);
/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// A hint is a reason to look at once, but not more often than this.
const BREATH: Duration = Duration::from_millis(200);

/// Where a replica waits for its turn.
pub struct Seat {
    store: Arc<dyn Store>,
    /// What it is called.
    who: Arc<str>,
    /// Shows who leads.
    face: Arc<Face>,
}

/// What the database says about the right to lead.
enum Word {
    Ours(u64),
    Theirs(String),
    /// It says nothing, and why.
    Nothing(String),
}

impl Seat {
    /// A replica of this name among those that share the store.
    pub fn new(store: Arc<dyn Store>, who: impl Into<Arc<str>>, face: Arc<Face>) -> Self {
        Self { store, who: who.into(), face }
    }

    /// Follows whoever leads until the right to lead is ours.
    pub async fn take(&self) -> Term {
        let mut follower = Follower::new(self.store.clone(), self.face.clone());
        loop {
            match self.ask().await {
                Word::Ours(epoch) => {
                    info!(epoch, replica = %self.who, "leading");
                    return self.begin(epoch);
                }
                Word::Theirs(leader) => {
                    self.face.figures().contact(true);
                    follower.follows(&leader).await;
                }
                Word::Nothing(why) => {
                    self.face.figures().contact(false);
                    follower.lost_sight(&why);
                }
            }
            tokio::time::sleep(BREATH).await;
            tokio::select! {
                () = tokio::time::sleep(POLL - BREATH) => {}
                () = self.store.hint() => {}
            }
        }
    }

    fn begin(&self, epoch: u64) -> Term {
        let figures = self.face.figures();
        figures.contact(true);
        figures.began();
        let lost = CancellationToken::new();
        let seat = Self { store: self.store.clone(), who: self.who.clone(), face: self.face.clone() };
        let keep = seat.keep(epoch, lost.clone());
        Term { epoch, lost, _keeper: AbortOnDropHandle::new(tokio::spawn(keep)) }
    }

    /// Renews the right until it is lost.
    async fn keep(self, epoch: u64, lost: CancellationToken) {
        let mut unanswered = 0_u32;
        loop {
            tokio::time::sleep(RENEW).await;
            let successor = match self.ask().await {
                Word::Ours(now) if now == epoch => {
                    if unanswered > 1 {
                        info!(epoch, "still leading");
                    }
                    unanswered = 0;
                    self.face.figures().contact(true);
                    self.face.figures().renewed();
                    continue;
                }
                Word::Nothing(why) => {
                    unanswered += 1;
                    self.face.figures().contact(false);
                    // One may have been slow. Nobody else can lead while the database is away.
                    if unanswered > 1 {
                        self.face.silent(&why);
                    }
                    continue;
                }
                // Somebody led meanwhile: what was loaded under the old epoch may be outdated.
                Word::Ours(_) => self.who.to_string(),
                Word::Theirs(leader) => leader,
            };
            warn!(epoch, leader = successor, "the right to lead is lost");
            return lost.cancel();
        }
    }

    async fn ask(&self) -> Word {
        match timeout(PATIENCE, self.store.lead(&self.who, TTL)).await {
            Ok(Ok(Leadership::Ours { epoch })) => Word::Ours(epoch),
            Ok(Ok(Leadership::Theirs { holder, until: _ })) => Word::Theirs(holder),
            Ok(Err(error)) => Word::Nothing(error.to_string()),
            Err(_) => Word::Nothing(format!("the store does not answer within {} s", PATIENCE.as_secs())),
        }
    }

    /// Gives the right back, so that the next replica need not wait until it has run out.
    pub async fn resign(&self, term: Term) {
        // Renewed once more, it would be taken back.
        drop(term);
        self.face.figures().ended();
        match timeout(PATIENCE, self.store.resign()).await {
            Ok(Ok(())) => info!("no longer leading"),
            Ok(Err(error)) => warn!(%error, "the right to lead could not be given back; it runs out"),
            Err(_) => warn!("the right to lead could not be given back in time; it runs out"),
        }
    }

    /// The right went to somebody else.
    pub fn cede(&self, term: Term) {
        drop(term);
        self.face.figures().ended();
    }
}

/// The time in which this replica leads.
pub struct Term {
    /// Under which number; no two terms of any replica have the same.
    pub epoch: u64,
    lost: CancellationToken,
    _keeper: AbortOnDropHandle<()>,
}

impl Term {
    /// Ends when somebody else leads, or led meanwhile.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }
}
