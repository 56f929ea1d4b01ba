//! What a leader leaves in the database for the replicas that only read: everything it shows of hosts and sources.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_store::SavedStatus;
use evenkeel_web::WorldStatus;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::gate::About;
use crate::hub::Hub;
use crate::{rules, view};

/// How soon after a start: most sources have answered then.
const FIRST: Duration = Duration::from_secs(1);
/// How often at most.
const PACE: Duration = Duration::from_secs(5);
/// How many bytes a second at most, on average: what a large fleet shows is kept more rarely.
const RATE: usize = 100_000;
/// How much more rarely where only time has passed.
const QUIET: u32 = 6;
/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Keeps what is shown, until told to stop.
pub async fn run(hub: Arc<Hub>, stop: CancellationToken) {
    let mut sharer = Sharer::default();
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        if !hub.gate.pass().await {
            return;
        }
        wait = sharer.share(&hub).await;
    }
}

#[derive(Default)]
struct Sharer {
    /// What was kept last, without what passes by itself, and when.
    last: Option<(WorldStatus, Instant)>,
}

impl Sharer {
    /// Keeps what is shown if that is worth it; says how long to wait.
    async fn share(&mut self, hub: &Hub) -> Duration {
        let at = crate::collect::now();
        let status = WorldStatus { rules: rules::lines(hub), ..view::of(hub, at) };
        let timeless = status.timeless();
        let body = match status.to_text() {
            Ok(body) => body,
            Err(error) => {
                error!(%error, "what is shown cannot be kept for the other replicas");
                return PACE;
            }
        };
        let pace = pace(body.len());
        if self.last.as_ref().is_some_and(|(last, kept)| *last == timeless && kept.elapsed() < pace * QUIET) {
            return pace;
        }
        match timeout(PATIENCE, hub.store.save_status(&SavedStatus { at, body })).await {
            Ok(Ok(())) => self.last = Some((timeless, Instant::now())),
            Ok(Err(error)) => {
                if hub.gate.heard(&error) == About::Request {
                    error!(%error, "what is shown could not be kept for the other replicas");
                }
            }
            Err(_) => hub.gate.silent("the store does not take the status in time"),
        }
        pace
    }
}

fn pace(bytes: usize) -> Duration {
    let seconds = u64::try_from(bytes / RATE).unwrap_or(u64::MAX);
    // Followers call what is older than a few minutes outdated; even the largest fleet stays well below.
    PACE.max(Duration::from_secs(seconds)).min(Duration::from_secs(40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_kept_more_rarely_the_larger_it_is_and_never_too_rarely() {
        assert_eq!(pace(0), PACE);
        assert_eq!(pace(400_000), PACE);
        assert_eq!(pace(2_000_000), Duration::from_secs(20));
        assert_eq!(pace(usize::MAX), Duration::from_secs(40));
        assert!(pace(usize::MAX) * QUIET < Duration::from_secs(300));
    }
}
