//! Upkeep of evenkeel's own store: retention, and how much the store takes up, which is looked at like anything else that
//! can fill up. What does not live here: what goes (the policy), how it goes (the store), whether it is too much (core).

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{Fact, Gap, GapKind, OwnStore};
use evenkeel_store::{Error, Pruned, RetentionPolicy};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use crate::collect::now;
use crate::hub::Hub;
use crate::journal;

/// How often retention runs.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// How often the store is measured.
const MEASURE_EVERY: Duration = Duration::from_secs(60);
/// After a run that was asked for because the store is full, how long until it may be asked for again.
const FULL_PAUSE: Duration = Duration::from_secs(60);

/// Keeps the store within its retention, and its figures up to date.
pub async fn run(hub: Arc<Hub>, policy: RetentionPolicy, stop: CancellationToken) {
    let mut prune_timer = tokio::time::interval(PRUNE_EVERY);
    let mut measure_timer = tokio::time::interval(MEASURE_EVERY);
    prune_timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    measure_timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut may_hurry = Instant::now();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = prune_timer.tick() => tokio::select! {
                biased;
                // What it did by then is done; the rest waits for the next run.
                () = stop.cancelled() => return,
                () = prune(&hub, &policy) => {}
            },
            _ = measure_timer.tick() => measure(&hub).await,
            // What is kept long enough stands in the way of what happens now: it need not wait for its hour.
            () = hurried(&hub, may_hurry) => {
                prune_timer.reset_immediately();
                may_hurry = Instant::now() + FULL_PAUSE;
            }
        }
    }
}

/// Waits until the store is full, and until it may be asked for.
async fn hurried(hub: &Hub, from: Instant) {
    tokio::time::sleep_until(from).await;
    hub.gate.full().await;
}

/// Removes what is kept long enough, and notes it.
pub async fn prune(hub: &Hub, policy: &RetentionPolicy) {
    // How old anything is, a clock that jumped does not say.
    let Some(now) = hub.clock.now() else { return };
    match hub.store.prune(policy, now).await {
        Ok(pruned) if pruned == Pruned::default() => debug!("retention found nothing to remove"),
        Ok(pruned) => {
            let Pruned { events, snapshots, deliveries, journal, proposals, notices, silences } = pruned;
            info!(
                events,
                snapshots,
                deliveries,
                journal,
                proposals,
                notices,
                silences,
                "retention removed what was kept long enough"
            );
            hub.metrics.pruned(&pruned);
            journal::note(&*hub.store, journal::pruned(&pruned, now)).await;
        }
        // Who says that the store is away are the passes; here it only means that rows stay for another while.
        Err(error) if error.is_transient() && !matches!(error, Error::Full { .. }) => {
            debug!(%error, "retention waits for the store");
        }
        Err(error) => error!(%error, "old rows could not be removed"),
    }
    measure(hub).await;
}

/// Reads how much there is, and has it judged.
pub async fn measure(hub: &Hub) {
    let size = match hub.store.size().await {
        Ok(bytes) => Fact::Known(bytes),
        Err(error) => {
            debug!(%error, "the size of the store cannot be read");
            Fact::Unknown(Gap::new(GapKind::Unreachable, "the store does not answer"))
        }
    };
    hub.metrics.store_size(size.known().ok().copied());
    match hub.store.rows().await {
        Ok(rows) => hub.metrics.store_rows(&rows),
        Err(error) => debug!(%error, "the rows of the store cannot be counted"),
    }
    hub.learn_own(OwnStore { at: Arc::from(hub.store.at()), size, read_at: now() });
}
