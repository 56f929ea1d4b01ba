//! What waits for a receiver that was down need not wait out its step once the receiver is back: the first success says
//! so. What does not live here: how long a step is, see [`evenkeel_sinks::retry`].

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use evenkeel_sinks::SinkError;
use tokio::time::Instant;

use crate::collect::now;
use crate::hub::Hub;

/// How often at most. One delivery that always fails is not a receiver that is down, and looks like it after each success.
const APART: Duration = Duration::from_secs(60);

/// How one sink's receiver answered lately.
#[derive(Debug)]
pub(super) struct Relief(Mutex<Lately>);

#[derive(Debug)]
struct Lately {
    /// Something failed, and nothing has been hurried since.
    failed: bool,
    /// When something was hurried last.
    hurried: Option<Instant>,
    /// Until when the receiver asked not to be asked.
    not_before: Option<Instant>,
}

impl Default for Relief {
    /// Whether something failed before the process began is not known: the first success tells.
    fn default() -> Self {
        Self(Mutex::new(Lately { failed: true, hurried: None, not_before: None }))
    }
}

impl Relief {
    /// Takes note of an answer.
    pub(super) fn heard(&self, answer: Result<(), &SinkError>) {
        let mut lately = self.lately();
        match answer {
            Ok(()) => {}
            // That is about one delivery.
            Err(SinkError::Rejected { .. }) => {}
            Err(SinkError::Unavailable { .. }) => lately.failed = true,
            Err(SinkError::Throttled { retry_after, .. }) => {
                lately.failed = true;
                let until = retry_after.and_then(|wait| Instant::now().checked_add(wait));
                lately.not_before = until.max(lately.not_before);
            }
        }
    }

    /// After a success: makes due what waits for this sink, if something had failed before.
    pub(super) async fn hurry(&self, hub: &Hub, sink: &str) {
        if !self.is_due(Instant::now()) {
            return;
        }
        match hub.store.hurry(sink, now()).await {
            Ok(0) => {}
            Ok(waiting) => {
                tracing::info!(sink, waiting, "the receiver is back; what waits for it is tried now")
            }
            // Then each waits out its step.
            Err(error) => tracing::debug!(sink, %error, "what waits is not hurried"),
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        let mut lately = self.lately();
        let is_early = lately.hurried.is_some_and(|last| now < last + APART)
            || lately.not_before.is_some_and(|until| now < until);
        let is_due = lately.failed && !is_early;
        if is_due {
            (lately.failed, lately.hurried) = (false, Some(now));
        }
        is_due
    }

    fn lately(&self) -> std::sync::MutexGuard<'_, Lately> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> SinkError {
        SinkError::Unavailable { why: "refused".to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_success_after_a_failure_hurries_and_the_next_ones_do_not() {
        let relief = Relief::default();
        assert!(relief.is_due(Instant::now()), "what failed before the process began is not known");
        assert!(!relief.is_due(Instant::now()));
        tokio::time::advance(APART).await;
        assert!(!relief.is_due(Instant::now()), "nothing failed");
        relief.heard(Err(&down()));
        relief.heard(Ok(()));
        assert!(relief.is_due(Instant::now()));
        assert!(!relief.is_due(Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_each_time_beside_successes_is_hurried_once_a_minute() {
        let relief = Relief::default();
        let mut hurried = 0;
        for _ in 0..600 {
            relief.heard(Err(&down()));
            hurried += u32::from(relief.is_due(Instant::now()));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(hurried, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_to_be_left_alone_is() {
        let relief = Relief::default();
        let wait = Some(Duration::from_secs(300));
        relief.heard(Err(&SinkError::Throttled { retry_after: wait, why: "429".to_owned() }));
        tokio::time::advance(Duration::from_secs(299)).await;
        assert!(!relief.is_due(Instant::now()));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(relief.is_due(Instant::now()));
        relief.heard(Err(&SinkError::Rejected { why: "403".to_owned() }));
        tokio::time::advance(APART).await;
        assert!(!relief.is_due(Instant::now()), "a rejection says nothing of the others");
    }
}
