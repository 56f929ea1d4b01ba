//! What the keeper of the socket and the source both know: how the socket stands, and why to look again. What does not
//! live here: truth. A push only says "look again".

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_core::{Gap, GapKind};
use serde_json::Value;
use tokio::sync::{Notify, watch};

use super::socket::Socket;
use super::wire::clipped;
use crate::Hint;

/// How the socket stands.
#[derive(Clone, Debug)]
pub(super) enum Link {
    /// The first attempt is not over.
    Opening,
    /// Logged in.
    Up(Arc<Socket>),
    /// This TrueNAS is older than JSON-RPC.
    NoJsonRpc,
    /// It ended, or could not be opened; it is tried again later.
    Down(Gap),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Board {
    link: watch::Sender<Link>,
    bell: Notify,
    /// The first reason since the last hint was taken, and how many followed it.
    pending: Mutex<Option<(String, usize)>>,
}

impl Board {
    pub(super) fn new() -> Self {
        Self { link: watch::Sender::new(Link::Opening), bell: Notify::new(), pending: Mutex::new(None) }
    }

    /// How the socket stands, once the first attempt is over.
    pub(super) async fn link(&self, patience: Duration, place: &str) -> Link {
        let mut link = self.link.subscribe();
        let settled = link.wait_for(|link| !matches!(link, Link::Opening));
        match tokio::time::timeout(patience, settled).await {
            Ok(Ok(link)) => link.clone(),
            Ok(Err(_)) | Err(_) => {
                let why = format!("{place}: no connection within the time allowed");
                Link::Down(Gap::new(GapKind::TimedOut, why))
            }
        }
    }

    /// The socket stands otherwise from now on.
    pub(super) fn set(&self, link: Link) {
        self.link.send_replace(link);
    }

    /// There is a reason to look again.
    pub(super) fn signal(&self, reason: String) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *pending {
            Some((_, more)) => *more = more.saturating_add(1),
            None => *pending = Some((reason, 0)),
        }
        drop(pending);
        self.bell.notify_one();
    }

    /// What the server said of its own accord.
    pub(super) fn pushed(&self, message: &Value) {
        let word =
            |key: &str| message.get("params").and_then(|params| params.get(key)?.as_str()).map(clipped);
        match message.get("method").and_then(Value::as_str) {
            Some("collection_update") => {
                let (what, collection) =
                    (word("msg").unwrap_or_default(), word("collection").unwrap_or_default());
                let id = message.get("params").and_then(|params| params.get("id"));
                let id = id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
                let id = id.as_deref().map(clipped).unwrap_or_default();
                self.signal(format!("{what} {collection} {id}").trim().to_owned());
            }
            Some("notify_unsubscribed") => self.signal("a subscription ended".to_owned()),
            Some(_) | None => {}
        }
    }

    /// The next hint. A burst is collected for `debounce` from its first reason on. Cancel-safe: the reasons are taken
    /// at the very end.
    pub(super) async fn hint(&self, debounce: Duration) -> Hint {
        loop {
            let rung = self.bell.notified();
            if self.has_pending() {
                if !debounce.is_zero() {
                    tokio::time::sleep(debounce).await;
                }
                let taken = self.pending.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some((reason, more)) = taken {
                    let reason = if more == 0 { reason } else { format!("{reason} (and {more} more)") };
                    return Hint { reason };
                }
            }
            rung.await;
        }
    }

    fn has_pending(&self) -> bool {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_one_hint_and_its_fields_are_not_repeated() {
        let board = Board::new();
        for id in [json!("plex"), json!(3)] {
            board.pushed(&json!({"jsonrpc": "2.0", "method": "collection_update", "params": {
                "msg": "changed", "collection": "app.query", "id": id, "fields": {"password": "hunter2"}}}));
        }
        board.pushed(&json!({"method": "something_new"}));
        let hint = board.hint(Duration::from_millis(500)).await;
        assert_eq!(hint.reason, "changed app.query plex (and 1 more)");
        let more = tokio::time::timeout(Duration::from_secs(60), board.hint(Duration::ZERO)).await;
        assert!(more.is_err(), "{more:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hint_that_is_not_awaited_to_the_end_is_not_lost() {
        let board = Board::new();
        board.signal("x".to_owned());
        let cut = tokio::time::timeout(Duration::from_millis(1), board.hint(Duration::from_secs(1))).await;
        assert!(cut.is_err());
        assert_eq!(board.hint(Duration::from_secs(1)).await.reason, "x");
    }
}
