//! Deliveries of sinks that are not configured any more: nobody will send them, so they are given up, where everybody sees
//! it and they can be sent again once a sink has that name. What does not live here: deliveries that their sink refuses.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_store::{Error, Outcome};
use evenkeel_web::Part;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{CLAIM, LEASE};
use crate::collect::now;
use crate::hub::Hub;
use crate::journal;

/// After a failure it is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Gives up what waits for sinks that are gone. Once after a start is enough: sinks go with a configuration, and that
/// begins with a start.
pub async fn give_up(hub: Arc<Hub>, stop: CancellationToken) {
    while !stop.is_cancelled() && hub.gate.pass().await {
        match give_up_all(&hub).await {
            Ok(()) => return,
            Err(error) => {
                hub.gate.heard(&error);
                warn!(%error, "what waits for sinks that are gone cannot be given up yet");
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn give_up_all(hub: &Hub) -> Result<(), Error> {
    let is_gone = |sink: &str| hub.routes.iter().all(|route| *route.sink != *sink);
    for depth in hub.store.outbox().await?.iter().filter(|depth| depth.pending > 0 && is_gone(&depth.sink)) {
        warn!(
            sink = depth.sink,
            pending = depth.pending,
            "no sink of this name is configured; its deliveries are dead"
        );
        // What waits for its next attempt is due now.
        hub.store.hurry(&depth.sink, now()).await?;
        give_up_of(hub, &depth.sink).await?;
        hub.changed(Part::Deliveries);
    }
    Ok(())
}

async fn give_up_of(hub: &Hub, sink: &str) -> Result<(), Error> {
    let why = format!("no sink {sink} is configured any more; send it again once there is one of that name");
    loop {
        // The first of each drift; the next ones are due once it is settled.
        let claimed = hub.store.claim(Some(sink), CLAIM, LEASE, now()).await?;
        if claimed.is_empty() {
            return Ok(());
        }
        for claim in claimed {
            let dead = Outcome::Dead { why: why.clone() };
            if hub.store.settle(claim.ticket, dead, now()).await? {
                journal::note(&*hub.store, journal::died(&claim, &why, now())).await;
            }
        }
    }
}
