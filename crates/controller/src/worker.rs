//! Workers: take a subject from the queue, make a pass, say when it wants another.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span};

use crate::hub::Hub;
use crate::pass::{self, Outcome};
use crate::work::Again;

/// Makes passes until the queue is shut down and empty.
pub async fn run(hub: Arc<Hub>) {
    while let Some((key, waited)) = hub.queue.next().await {
        if !hub.gate.pass().await {
            // Not settled: it is found again at the next start.
            hub.queue.done(key, Again::OnChange);
            continue;
        }
        let Some(now) = hub.clock.now() else {
            // Every answer has the wrong age: nothing may follow from it. All of it is asked anew at the next start.
            hub.queue.done(key, Again::OnChange);
            continue;
        };
        let subject = hub.subject(key);
        let metrics = &hub.metrics;
        metrics.queue_seconds.observe(waited.as_secs_f64());
        metrics.active_workers.inc();
        let pass_id = evenkeel_ambient::random::<u32>();
        let span = info_span!("pass", subject = %subject, pass_id = format!("{pass_id:08x}"));
        let timer = metrics.pass_seconds.start_timer();
        let (outcome, again) = pass::run(&hub, &subject, now).instrument(span).await;
        timer.observe_duration();
        metrics.active_workers.dec();
        let result = match outcome {
            Outcome::Unchanged => "unchanged",
            Outcome::Settled => "changed",
            Outcome::Failed => "error",
        };
        metrics.passes.with_label_values(&[result]).inc();
        hub.queue.done(key, again);
    }
}

/// Puts everything that may be out of step on the queue, again and again.
pub async fn resync(hub: Arc<Hub>, stop: CancellationToken) {
    let mut timer = tokio::time::interval(hub.schedule.resync);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = timer.tick() => hub.resync(),
        }
    }
}
