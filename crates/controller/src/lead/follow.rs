//! What a replica shows while another one leads: that one's last status, and who it is. Not here: becoming the leader.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_store::{SavedStatus, Store};
use evenkeel_web::WorldStatus;
use jiff::Timestamp;
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

use super::PATIENCE;
use crate::face::Face;

/// How often the leader's status is read.
const EVERY: Duration = Duration::from_secs(3);

/// Follows whoever leads.
pub(super) struct Follower {
    store: Arc<dyn Store>,
    face: Arc<Face>,
    leader: Option<String>,
    /// When it was read last.
    read: Option<Instant>,
    shown: Option<(Timestamp, Arc<WorldStatus>)>,
    /// What is wrong was said, and is not said again.
    complained: bool,
    away: bool,
}

impl Follower {
    pub(super) fn new(store: Arc<dyn Store>, face: Arc<Face>) -> Self {
        Self { store, face, leader: None, read: None, shown: None, complained: false, away: false }
    }

    /// This one leads.
    pub(super) async fn follows(&mut self, leader: &str) {
        if std::mem::take(&mut self.away) {
            warn!("the store is back");
        }
        let is_news = self.leader.as_deref() != Some(leader);
        if is_news {
            info!(leader, "following");
            self.leader = Some(leader.to_owned());
        }
        if is_news || self.read.is_none_or(|read| read.elapsed() >= EVERY) {
            self.read = Some(Instant::now());
            self.read_status().await;
            self.face.follow(leader, self.shown.clone());
        }
    }

    /// The database says nothing. What was shown is shown on, with its age.
    pub(super) fn lost_sight(&mut self, why: &str) {
        if !std::mem::replace(&mut self.away, true) {
            warn!(why, "it cannot be told who leads");
        }
        if self.leader.is_none() {
            self.face.wait(format!("it is not known yet who leads: {why}"));
        }
    }

    async fn read_status(&mut self) {
        let saved = match timeout(PATIENCE, self.store.last_status()).await {
            Ok(Ok(Some(saved))) => saved,
            Ok(Ok(None)) => return,
            // Who leads was just read from it; whatever this is, the next look tells.
            Ok(Err(error)) => return debug!(%error, "the leader's status cannot be read"),
            Err(_) => return debug!("the leader's status cannot be read in time"),
        };
        let SavedStatus { at, body } = saved;
        if self.shown.as_ref().is_some_and(|(shown, _)| *shown == at) {
            return;
        }
        match WorldStatus::from_text(&body) {
            Ok(status) => {
                self.shown = Some((at, Arc::new(status)));
                self.complained = false;
            }
            Err(error) => {
                // An older one of the same leader is better than none, and says how old it is.
                if !std::mem::replace(&mut self.complained, true) {
                    warn!(%error, "what the leader shows cannot be shown here");
                }
            }
        }
    }
}
