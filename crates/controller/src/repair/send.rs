//! What is being sent: which request, how often it was tried, when it is tried again. What does not live here: what may be
//! sent, and what becomes of the proposal; what travels is in [`evenkeel_sinks::action`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use evenkeel_core::Secret;
use evenkeel_core::remediation::Key;
use evenkeel_sinks::{Receipt, SinkError};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long to wait after the first failure, and at the longest. An action has minutes to be answered.
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(30);
/// How long a receiver may ask to wait.
const BELIEVED: Duration = Duration::from_hours(1);

/// What an attempt to send led to.
pub(super) type Sent = (Key, Result<Receipt, SinkError>);

/// Everything that is being sent.
#[derive(Default)]
pub(super) struct Sends {
    waiting: BTreeMap<Key, Sending>,
    under_way: JoinSet<Sent>,
}

/// One request on its way.
#[derive(Clone)]
pub(super) struct Sending {
    /// The address the receiver answers to, and until when: it carries the token.
    pub(super) callback: (Secret, jiff::Timestamp),
    /// How often it was tried.
    tried: u32,
    /// When it is tried next; `None` while it is being tried.
    next: Option<Instant>,
}

impl Sends {
    /// A request that is to be sent now. `again`: it may have been sent before, by an earlier run.
    pub(super) fn add(&mut self, key: Key, callback: (Secret, jiff::Timestamp), again: bool) {
        let sending = Sending { callback, tried: u32::from(again), next: Some(Instant::now()) };
        self.waiting.insert(key, sending);
    }

    /// Whether it is known how to send it.
    pub(super) fn has(&self, key: &Key) -> bool {
        self.waiting.contains_key(key)
    }

    /// Keeps only these.
    pub(super) fn retain(&mut self, keys: &BTreeSet<Key>) {
        self.waiting.retain(|key, _| keys.contains(key));
    }

    /// The requests that are due and may be sent, each with the number of its attempt. They are under way from then on.
    pub(super) fn due(&mut self, may: impl Fn(&Key) -> bool) -> Vec<(Key, Sending, u32)> {
        let now = Instant::now();
        let due = self
            .waiting
            .iter_mut()
            .filter(|(key, sending)| sending.next.is_some_and(|next| next <= now) && may(key));
        due.map(|(key, sending)| {
            sending.next = None;
            sending.tried = sending.tried.saturating_add(1);
            (key.clone(), sending.clone(), sending.tried)
        })
        .collect()
    }

    /// Sends.
    pub(super) fn spawn(&mut self, attempt: impl Future<Output = Sent> + Send + 'static) {
        self.under_way.spawn(attempt);
    }

    /// Waits for the end of an attempt; for ever if none is under way.
    pub(super) async fn next(&mut self) -> Option<Sent> {
        match self.under_way.join_next().await {
            Some(Ok(sent)) => Some(sent),
            // A task that ended otherwise is tried again when its proposal is looked at.
            Some(Err(_)) => None,
            None => std::future::pending().await,
        }
    }

    /// It is tried again after a while.
    pub(super) fn again(&mut self, key: &Key, after: Option<Duration>) {
        if let Some(sending) = self.waiting.get_mut(key) {
            let doubled = FIRST.saturating_mul(1 << sending.tried.saturating_sub(1).min(8)).min(LONGEST);
            // A receiver that says when is believed; past the time for its answer the request is not sent any more.
            let wait = after.map_or(doubled, |after| after.min(BELIEVED));
            // Up to a quarter more, so that what failed together is not tried together.
            let wait = wait + wait.mul_f64(evenkeel_ambient::random::<f64>() / 4.0);
            sending.next = Some(Instant::now() + wait);
        }
    }

    /// It is not sent any more.
    pub(super) fn remove(&mut self, key: &Key) {
        self.waiting.remove(key);
    }

    /// When the next attempt comes due. What is due already and was not sent is held back by something else, and waits
    /// for that.
    pub(super) fn wake(&self, now: Instant) -> Option<Instant> {
        self.waiting.values().filter_map(|sending| sending.next).filter(|next| *next > now).min()
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_core::remediation::ProposalId;
    use evenkeel_core::{DriftId, EventType};

    use super::*;

    /// One request that is to be sent now.
    fn one() -> (Sends, Key) {
        let mut sends = Sends::default();
        let drift = DriftId::of_host(&"box".into(), EventType::VmDown);
        let key = ProposalId { drift, occasion: jiff::Timestamp::UNIX_EPOCH, number: 1 }.key();
        sends.add(key.clone(), (Secret::new("x"), jiff::Timestamp::MAX), false);
        (sends, key)
    }

    #[tokio::test(start_paused = true)]
    async fn a_receiver_that_says_when_is_asked_then_and_not_before() {
        let (mut sends, key) = one();
        assert_eq!(sends.due(|_| true).len(), 1);
        sends.again(&key, Some(Duration::from_secs(300)));
        tokio::time::advance(Duration::from_secs(299)).await;
        assert!(sends.due(|_| true).is_empty());
        tokio::time::advance(Duration::from_secs(77)).await;
        assert_eq!(sends.due(|_| true).len(), 1);
        sends.again(&key, Some(Duration::MAX));
        assert!(sends.wake(Instant::now()).is_some_and(|wake| wake > Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_due_and_held_back_wakes_nobody() {
        let (mut sends, key) = one();
        assert!(sends.due(|_| false).is_empty());
        assert_eq!(sends.wake(Instant::now()), None);
        assert_eq!(sends.due(|_| true).len(), 1);
        sends.again(&key, None);
        assert!(sends.wake(Instant::now()).is_some_and(|wake| wake > Instant::now()));
    }
}
