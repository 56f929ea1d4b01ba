//! Sending what was dispatched, and what came of it. Nothing is sent that is not kept as dispatched. What does not live
//! here: how it travels; when it is tried again is in `send`.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evenkeel_core::Secret;
use evenkeel_core::remediation::{Input, Key, Proposal, SendFailure, State};
use evenkeel_sinks::action::{ActionSink, Request, told};
use evenkeel_sinks::{Receipt, SinkError};
use evenkeel_store::{EventFilter, NewCallback, RepairCommit, TokenHash};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tracing::{debug, error, warn};

use super::engine::{Engine, PATIENCE};
use super::register::Change;
use super::send::Sending;
use crate::config::callback_under;

/// What lets a receiver answer, made for one request.
pub(super) struct Ticket {
    /// The address it answers to, and until when.
    pub(super) callback: (Secret, Timestamp),
    hash: TokenHash,
}

impl Ticket {
    /// As the store keeps it.
    pub(super) fn registered(&self, key: &Key) -> NewCallback {
        NewCallback { token: self.hash, proposal: key.clone(), expires_at: self.callback.1 }
    }
}

/// What the store knows a callback's token by.
pub(super) fn hash_of(token: &Secret) -> TokenHash {
    TokenHash(Sha256::digest(token.expose().as_bytes()).into())
}

impl Engine {
    /// A ticket for this proposal, valid for twice as long as its answer may take: who answers late is heard, and who
    /// answers for ever is not. `None`: there is no such proposal, or nowhere to answer to.
    pub(super) fn ticket(&self, key: &Key, now: Timestamp) -> Option<Ticket> {
        let (base, proposal) = (self.remedies.callback.as_ref()?, self.register.get(key)?);
        let token = Secret::new(URL_SAFE_NO_PAD.encode(evenkeel_ambient::random::<[u8; 32]>()));
        let answer = proposal.patience.answer;
        let expires_at =
            now.checked_add(answer).and_then(|at| at.checked_add(answer)).unwrap_or(Timestamp::MAX);
        Some(Ticket { callback: (callback_under(base, &token), expires_at), hash: hash_of(&token) })
    }

    /// Sends what is dispatched and due.
    pub(super) async fn send_due(&mut self) {
        let dispatched = |proposal: &&Proposal| matches!(proposal.state(), State::Dispatched { .. });
        let keys: BTreeSet<Key> =
            self.register.iter().filter(dispatched).map(|proposal| proposal.key.clone()).collect();
        self.sends.retain(&keys);
        // What is in memory may not be what was decided, and a clock that jumped says nothing about what is due.
        if self.doubtful || self.hub.clock.now().is_none() {
            return;
        }
        // Whoever pulls the kill switch, ends a rule or silences a host means what was not handed over yet as well. What
        // went away meanwhile, or has a cause of its own now, needs no repair. Each is seen when its time is up.
        let may: BTreeSet<Key> = self.may_send.intersection(&keys).cloned().collect();
        for key in may.iter().filter(|key| !self.sends.has(key)).cloned().collect::<Vec<_>>() {
            self.renew(key).await;
        }
        let due = self.sends.due(|key| may.contains(key));
        if due.is_empty() {
            return;
        }
        let leads = self.is_still_ours().await;
        for (key, sending, attempt) in due {
            match leads {
                true => self.send(key, sending, attempt).await,
                false => self.sends.again(&key, None),
            }
        }
    }

    /// Whether this process may still write, and so may still act: one that slept may have lost the lead meanwhile, and
    /// what was decided since.
    async fn is_still_ours(&mut self) -> bool {
        let nothing = RepairCommit::new(crate::collect::now());
        match timeout(PATIENCE, self.hub.store.commit_repair(nothing)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                self.failed(&error);
                false
            }
            Err(_) => {
                self.hub.gate.silent("the store does not say whether repairs may still be sent");
                false
            }
        }
    }

    /// An earlier run dispatched it, and its ticket is not known any more: it gets another one.
    async fn renew(&mut self, key: Key) {
        let now = crate::collect::now();
        let Some(ticket) = self.ticket(&key, now) else {
            return;
        };
        let change = Change { callbacks: vec![ticket.registered(&key)], ..Change::default() };
        if self.keep(change, now).await.is_ok() {
            self.sends.add(key, ticket.callback, true);
        }
    }

    async fn send(&mut self, key: Key, sending: Sending, attempt: u32) {
        let Some(proposal) = self.register.get(&key).cloned() else {
            return;
        };
        let Some(receiver) = self.remedies.receivers.get(&proposal.content.action).cloned() else {
            // Its time will be up, and that is said.
            return debug!(proposal = key.handle(), "its action is not configured any more");
        };
        let request = match self.request(&proposal, &sending, attempt).await {
            Ok(request) => request,
            Err(error) => {
                self.failed(&error);
                return self.sends.again(&key, None);
            }
        };
        self.sends.spawn(attempt_of(receiver, key, request));
    }

    async fn request(
        &self,
        proposal: &Proposal,
        sending: &Sending,
        attempt: u32,
    ) -> Result<Request, evenkeel_store::Error> {
        let drift = &proposal.id.drift;
        let filter = EventFilter { handle: Some(drift.handle()), ..EventFilter::default() };
        let drift_id = drift.to_string();
        let rows = self.hub.store.events(&filter, None, 10).await?.rows;
        // Two drifts may share a handle.
        let newest = rows.into_iter().find(|stored| stored.event.drift_id == drift_id);
        // Its event may be older than events are kept.
        let event = match newest.map(|stored| serde_json::to_value(&stored.event)) {
            Some(Ok(event)) => event,
            Some(Err(error)) => {
                error!(%error, proposal = proposal.key.handle(), "the event cannot be written");
                Value::Null
            }
            None => Value::Null,
        };
        let shown = told(proposal);
        let (callback_url, callback_expires_at) = sending.callback.clone();
        let key = proposal.key.to_string();
        Ok(Request { key, attempt, event, proposal: shown, callback_url, callback_expires_at })
    }

    /// An attempt to send ended.
    pub(super) async fn sent(&mut self, key: &Key, result: Result<Receipt, SinkError>) {
        let action = self.register.get(key).map(|proposal| proposal.content.action.clone());
        let word = match &result {
            Ok(_) => "accepted",
            Err(SinkError::Unavailable { .. } | SinkError::Throttled { .. }) => "retried",
            Err(SinkError::Rejected { .. }) => "refused",
        };
        if let Some(action) = &action {
            self.figures.sent(action, word);
        }
        let (input, again) = match result {
            Ok(_) => (Input::Accepted, None),
            Err(SinkError::Rejected { why }) => {
                (Input::SendFailed(SendFailure::ForGood(Arc::from(why))), None)
            }
            Err(SinkError::Unavailable { why }) => (for_now(why), Some(None)),
            Err(SinkError::Throttled { retry_after, why }) => (for_now(why), Some(retry_after)),
        };
        if let Input::SendFailed(failure) = &input {
            warn!(proposal = key.handle(), ?failure, "the request was not taken");
        }
        match again {
            Some(after) => self.sends.again(key, after),
            None => self.sends.remove(key),
        }
        // Where this cannot be kept the request is sent again, under the same key.
        self.take_step(key, input, crate::collect::now()).await;
    }
}

fn for_now(why: String) -> Input {
    Input::SendFailed(SendFailure::ForNow(Arc::from(why)))
}

async fn attempt_of(receiver: Arc<ActionSink>, key: Key, request: Request) -> super::send::Sent {
    let result = receiver.send(&request).await;
    (key, result)
}
