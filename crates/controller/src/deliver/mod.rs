//! Deliverers: one task per sink that takes what is due from the outbox, sends it, and says how that ended.
//! At-least-once, in order per drift, dead letters visible. Which sink gets what is in [`route`]; what follows from a receiver
//! that is back, in `relief`; telling again what is open, for sinks that forget, in `standing`; sinks that speak to people
//! have a task of their own, in [`people`]; what waits for a sink that is gone is given up in [`orphans`].

pub mod orphans;
pub mod people;
mod relief;
pub mod route;
mod standing;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use evenkeel_core::Transition;
use evenkeel_sinks::retry::{Dead, Retry, Schedule};
use evenkeel_sinks::{Carries, Content, Delivery, Sink, SinkError};
use evenkeel_store::{Claimed, Error as StoreError, Outcome, Ticket};
use evenkeel_web::Part;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, error, info_span, warn};

use self::people::history::{self, Run, Told};
use self::relief::Relief;
use self::route::concerns_now;
use self::standing::Repeater;
use crate::collect::now;
use crate::config::SinkFilter;
use crate::gate::About;
use crate::hub::Hub;
use crate::journal;

/// How long a claim hides a delivery from others: longer than the slowest attempt.
const LEASE: Duration = Duration::from_secs(60);
/// How many deliveries of one sink are under way at once.
const CONCURRENCY: usize = 8;
/// How long to sleep when nothing is due; the bell ends it sooner.
const IDLE: Duration = Duration::from_secs(30);

/// One sink's deliverer.
pub struct Deliverer {
    /// Whom it serves.
    pub sink: Arc<dyn Sink>,
    /// What concerns it, for what is told without an event.
    pub filter: SinkFilter,
    /// How long a delivery is tried.
    pub schedule: Schedule,
    /// Where the outbox is.
    pub hub: Arc<Hub>,
}

impl Deliverer {
    /// Delivers until told to stop; what is under way then is finished, what is claimed and not begun is given back.
    pub async fn run(self, stop: CancellationToken) {
        let (mut repeater, relief) = (Repeater::of(&*self.sink), Relief::default());
        while !stop.is_cancelled() && self.hub.gate.pass().await {
            if let Some(repeater) = &mut repeater {
                repeater.repeat_if_due(&*self.sink, &self.hub, &self.filter).await;
            }
            let bell = self.hub.outbox_bell.notified();
            tokio::pin!(bell);
            // From here on the bell is heard, so that nothing falls between the claim and the wait.
            bell.as_mut().enable();
            let claimed = match self.hub.store.claim(Some(self.sink.name()), CLAIM, LEASE, now()).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    self.report(&error);
                    Vec::new()
                }
            };
            if !claimed.is_empty() {
                self.send_all(claimed, &relief, &stop).await;
                continue;
            }
            let wake = self.next_wake().await;
            let wake = repeater.as_ref().map_or(wake, |repeater| wake.min(repeater.due()));
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = bell => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    async fn send_all(&self, claimed: Vec<Claimed>, relief: &Relief, stop: &CancellationToken) {
        let mut waiting = claimed.into_iter();
        let mut under_way = FuturesUnordered::new();
        loop {
            while under_way.len() < CONCURRENCY && !stop.is_cancelled() {
                match waiting.next() {
                    Some(claim) => under_way.push(self.send(claim, relief)),
                    None => break,
                }
            }
            if under_way.next().await.is_none() {
                break;
            }
        }
        let unsent: Vec<Ticket> = waiting.map(|claim| claim.ticket).collect();
        if !unsent.is_empty()
            && let Err(error) = self.hub.store.release(&unsent, now()).await
        {
            // Their leases end by themselves.
            self.report(&error);
        }
    }

    async fn send(&self, claim: Claimed, relief: &Relief) {
        let span = info_span!("deliver", sink = self.sink.name(), event = %claim.event, attempt = claim.ticket.attempt);
        let (outcome, counted) = match delivery(&claim, self.sink.name()) {
            Ok(_) if !self.is_due_an_end(&claim).await => (Outcome::Delivered, WITHHELD),
            Ok(delivery) => {
                let answer = self.sink.deliver(&delivery).instrument(span).await;
                relief.heard(answer.as_ref().map(|_| ()));
                self.judge(&claim, answer.map(|_| ()))
            }
            Err(why) => (Outcome::Dead { why }, "dead"),
        };
        self.hub.metrics.deliveries.with_label_values(&[self.sink.name(), counted]).inc();
        let is_told = outcome == Outcome::Delivered && counted != WITHHELD;
        if is_told {
            self.hub.metrics.delivered_now(self.sink.name(), now());
        }
        let died = match &outcome {
            Outcome::Dead { why } => Some(journal::died(&claim, why, now())),
            Outcome::Delivered | Outcome::Retry { .. } => None,
        };
        // A settlement that cannot be kept leaves the lease to end: the delivery is repeated with the same id.
        while let Err(error) = self.hub.store.settle(claim.ticket, outcome.clone(), now()).await {
            if self.report(&error) != About::Database || !self.hub.gate.pass().await {
                return;
            }
        }
        self.hub.changed(Part::Deliveries);
        if is_told {
            relief.hurry(&self.hub, self.sink.name()).await;
        }
        if let Some(row) = died {
            journal::note(&*self.hub.store, row).await;
        }
    }

    /// Whether the delivery is no end, or the end of something that concerns the sink or that it was told of: a severity,
    /// a tag or a tenant may have changed since, and whatever was told to begin is told to end.
    async fn is_due_an_end(&self, claim: &Claimed) -> bool {
        let Ok(Content::Event(event)) = Content::of(&claim.payload) else { return true };
        if event.transition != Transition::Resolved || concerns_now(&self.hub, &self.filter, &event) {
            return true;
        }
        let run =
            Run { sink: self.sink.name(), drift_key: &claim.drift_key, since: event.first_seen, kept: None };
        match history::told(&*self.hub.store, run, now()).await {
            Ok(told) => told == Told::Yes,
            Err(error) => {
                self.report(&error);
                true
            }
        }
    }

    fn judge(&self, claim: &Claimed, answer: Result<(), SinkError>) -> (Outcome, &'static str) {
        let Err(error) = answer else {
            debug!(sink = self.sink.name(), event = %claim.event, "delivered");
            return (Outcome::Delivered, "delivered");
        };
        let now = now();
        let age = Duration::try_from(now.duration_since(claim.since)).unwrap_or(Duration::ZERO);
        match self.schedule.next(&error, claim.ticket.attempt, age, evenkeel_ambient::random()) {
            Retry::After(wait) => {
                warn!(sink = self.sink.name(), event = %claim.event, %error, ?wait, "not delivered yet");
                let at = SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
                (Outcome::Retry { at: at.unwrap_or(Timestamp::MAX), why: error.to_string() }, "retried")
            }
            Retry::Dead(why) => {
                let why = match why {
                    Dead::TooOld => format!("given up after {}s; {error}", age.as_secs()),
                    Dead::Rejected => error.to_string(),
                };
                error!(sink = self.sink.name(), event = %claim.event, why, "dead; send it again once it is mended");
                (Outcome::Dead { why }, "dead")
            }
        }
    }

    async fn next_wake(&self) -> Instant {
        let idle = Instant::now() + IDLE;
        match self.hub.store.next_due().await {
            Ok(Some(at)) => {
                let wait = Duration::try_from(at.duration_since(now())).unwrap_or(Duration::ZERO);
                // Another sink's delivery may be due; its deliverer is on it.
                idle.min(Instant::now() + wait.max(Duration::from_millis(100)))
            }
            Ok(None) | Err(_) => idle,
        }
    }

    fn report(&self, error: &StoreError) -> About {
        let about = self.hub.gate.heard(error);
        if about == About::Request {
            error!(sink = self.sink.name(), %error, "the outbox cannot be reached; nothing is lost");
        }
        about
    }
}

/// What is counted for an end of something the sink was not told of.
const WITHHELD: &str = "withheld";

/// How many deliveries one claim takes.
const CLAIM: u32 = 32;

/// What is sent: an event or a notice, as the outbox has it.
fn delivery(claim: &Claimed, sink: &str) -> Result<Delivery, String> {
    let carries = Carries::of(&claim.payload)
        .map_err(|error| format!("the event cannot be read back from the store: {error}"))?;
    Ok(Delivery {
        id: format!("{}", claim.event),
        attempt: claim.ticket.attempt,
        sink: sink.to_owned(),
        payload: Bytes::from(claim.payload.clone()),
        carries,
    })
}

#[cfg(test)]
mod tests {
    use evenkeel_core::remediation::Code;

    use super::*;

    fn claim(body: &[u8]) -> Claimed {
        Claimed {
            ticket: Ticket { delivery: 1, attempt: 1 },
            sink: "n8n".to_owned(),
            event: evenkeel_core::EventId::new(Timestamp::UNIX_EPOCH, [0; 10]),
            drift_key: String::new(),
            payload: body.to_vec(),
            since: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_notice_is_sent_as_one() {
        let body = br#"{"id":"x","kind":"notice","code":"escalated","drift_id":null}"#;
        let carried = delivery(&claim(body), "n8n").unwrap().carries;
        assert_eq!(carried, Carries::Notice { code: Code::Escalated, drift_id: None });
    }

    #[test]
    fn an_event_that_cannot_be_read_back_gives_a_cause_and_no_delivery() {
        for body in
            ["", "{", "{\"event_type\":\"SERVICE_MISSING\"}", "{\"event_type\":\"?\",\"severity\":\"high\"}"]
        {
            let why = delivery(&claim(body.as_bytes()), "n8n").unwrap_err();
            assert!(why.starts_with("the event cannot be read back from the store: "), "{why}");
        }
    }
}
