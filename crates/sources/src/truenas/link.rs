//! Keeping one socket: opened, logged in and subscribed once, and again after it ended, with patience. What does not live
//! here: how it is opened (`dial`).

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::board::{Board, Link};
use super::dial::{Closed, Dial};

/// A socket that lasted this long was a good one: the next attempt is made at once again.
const CALM: Duration = Duration::from_secs(30);
/// How often a TrueNAS without JSON-RPC is asked whether it was updated.
const UPDATED: Duration = Duration::from_secs(300);

/// Holds the socket until cancelled from outside.
pub(super) async fn keep(dial: Arc<Dial>, board: Arc<Board>) {
    let mut losses = pauses(Duration::from_millis(200), Duration::from_secs(15));
    let mut refusals = refusals();
    loop {
        let listener = Arc::clone(&board);
        let pause = match dial.open(move |message| listener.pushed(message)).await {
            Ok(socket) => {
                let socket = Arc::new(socket);
                let opened = Instant::now();
                board.set(Link::Up(Arc::clone(&socket)));
                // Nothing is told of what happened before: whoever hears this reads everything again.
                board.signal("the socket is open".to_owned());
                let gap = socket.ended().await;
                tracing::debug!(%gap, "the socket ended");
                board.set(Link::Down(gap.clone()));
                board.signal(format!("the socket ended: {gap}"));
                refusals = self::refusals();
                if opened.elapsed() >= CALM {
                    losses = pauses(Duration::from_millis(200), Duration::from_secs(15));
                }
                losses.next()
            }
            Err(Closed::NoJsonRpc) => {
                board.set(Link::NoJsonRpc);
                Some(UPDATED)
            }
            Err(Closed::Unreached(gap)) => {
                board.set(Link::Down(gap));
                losses.next()
            }
            Err(Closed::Refused(gap)) => {
                board.set(Link::Down(gap));
                refusals.next()
            }
        };
        tokio::time::sleep(pause.unwrap_or(Duration::from_secs(30))).await;
    }
}

/// A refused login costs the server a second or two and is written to its audit log: from half a minute to ten.
fn refusals() -> ExponentialBackoff {
    pauses(Duration::from_secs(20), Duration::from_secs(300))
}

/// The jitter adds up to as much again.
fn pauses(first: Duration, longest: Duration) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(longest)
        .without_max_times()
        .with_jitter()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_login_is_repeated_rarely() {
        let pauses: Vec<Duration> = refusals().take(20).collect();
        assert!(pauses[0] >= Duration::from_secs(20) && pauses[0] <= Duration::from_secs(40), "{pauses:?}");
        assert!(
            pauses[19] >= Duration::from_secs(300) && pauses[19] <= Duration::from_secs(600),
            "{pauses:?}"
        );
    }
}
