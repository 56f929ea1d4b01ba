//! The task that tells people. What does not live here: what is said (`group`, `digest`) and when it is quiet (`clock`).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{Event, EventId, Severity, Transition};
use evenkeel_sinks::message::Message;
use evenkeel_sinks::retry::{Dead, Retry, Schedule};
use evenkeel_sinks::{Content, Receipt, Sink, SinkError};
use evenkeel_store::{Claimed, Error as StoreError, Outcome, Ticket};
use evenkeel_web::Part;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::group::{self, Item};
use super::history::{self, Run, Told};
use super::summary::Summaries;
use super::{By, Manners};
use crate::collect::now;
use crate::config::SinkFilter;
use crate::deliver::relief::Relief;
use crate::deliver::route::concerns_now;
use crate::deliver::{CLAIM, IDLE, LEASE};
use crate::gate::About;
use crate::hub::Hub;
use crate::journal;

/// A group this large is told without waiting for more: what is held is in memory.
const MOST: usize = 2000;

/// Tells people through one sink.
pub struct Teller {
    /// Whom.
    pub sink: Arc<dyn Sink>,
    /// What concerns them, for what is told without an event.
    pub filter: SinkFilter,
    /// How they want to be told.
    pub manners: Manners,
    /// How long a delivery is tried.
    pub schedule: Schedule,
    /// For how long delivered deliveries are kept; `None` where no time says it.
    pub kept: Option<Duration>,
    /// Where the outbox is.
    pub hub: Arc<Hub>,
}

/// A delivery that waits for its group.
struct Held {
    claim: Claimed,
    event: Event,
}

/// Deliveries that are told together.
struct Group {
    due: Instant,
    held: Vec<Held>,
}

/// What the task remembers. All of it may be lost: what waits is in the outbox.
#[derive(Default)]
struct Desk {
    groups: BTreeMap<String, Group>,
    /// Events that were told before they were claimed: the end of what was over when its beginning was told.
    told_ahead: HashSet<EventId>,
    /// How people could be reached lately.
    relief: Relief,
}

/// What becomes of a claimed delivery.
enum Turn {
    /// It waits with the others of its group.
    Join(String, Box<Event>),
    /// It is told now and by itself, at night as well: somebody waits for a person, or nothing is repaired any more.
    Tell(Box<Message>),
    /// It is done, without a message.
    Settle(Outcome, &'static str),
}

impl Teller {
    /// Tells until told to stop; what is held then is given back.
    pub fn run(self, stop: CancellationToken) -> impl Future<Output = ()> {
        // What happens before the task has its first turn belongs into the first summary, too.
        let wanted = now();
        self.run_from(wanted, stop)
    }

    async fn run_from(self, wanted: Timestamp, stop: CancellationToken) {
        let mut desk = Desk::default();
        let mut summaries = Summaries::wanted_from(wanted);
        while !stop.is_cancelled() && self.hub.gate.pass().await {
            let bell = self.hub.outbox_bell.notified();
            tokio::pin!(bell);
            // From here on the bell is heard, so that nothing falls between the claim and the wait.
            bell.as_mut().enable();
            let took = self.collect(&mut desk).await;
            let told = self.tell_due(&mut desk).await;
            summaries.tell_due(&self).await;
            // What was settled may have held something back.
            if took || told {
                continue;
            }
            let wake = self.next_wake(&desk, &summaries).await;
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = bell => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        let held: Vec<Ticket> =
            desk.groups.values().flat_map(|group| &group.held).map(|held| held.claim.ticket).collect();
        if !held.is_empty()
            && let Err(error) = self.hub.store.release(&held, now()).await
        {
            // Their leases end by themselves.
            self.report(&error);
        }
    }

    /// Claims what is due and puts it where it belongs; whether there was any.
    async fn collect(&self, desk: &mut Desk) -> bool {
        let lease = LEASE + self.manners.group_wait;
        let claimed = match self.hub.store.claim(Some(self.sink.name()), CLAIM, lease, now()).await {
            Ok(claimed) => claimed,
            Err(error) => {
                self.report(&error);
                return false;
            }
        };
        let any = !claimed.is_empty();
        for claim in claimed {
            let turn = match self.turn(desk, &claim).await {
                Ok(turn) => turn,
                // Its lease ends, and it comes again.
                Err(error) => {
                    self.report(&error);
                    continue;
                }
            };
            match turn {
                Turn::Join(key, event) => {
                    desk.join(key, Held { claim, event: *event }, self.manners.group_wait)
                }
                Turn::Tell(message) => {
                    let answer = self.tell(&message).await;
                    let outcomes = self.judge(&[&claim], answer.map(|_| ()));
                    self.settle(&[&claim], outcomes).await;
                }
                Turn::Settle(outcome, counted) => {
                    self.count(counted, 1);
                    self.settle(&[&claim], vec![(claim.ticket, outcome)]).await;
                }
            }
        }
        any
    }

    async fn turn(&self, desk: &mut Desk, claim: &Claimed) -> Result<Turn, StoreError> {
        if desk.told_ahead.remove(&claim.event) {
            return Ok(Turn::Settle(Outcome::Delivered, "delivered"));
        }
        let event = match Content::of(&claim.payload) {
            Ok(Content::Event(event)) => event,
            Ok(Content::Notice(notice)) => return Ok(Turn::Tell(Box::new(Message::of_notice(&notice)))),
            Err(error) => {
                let why = format!("the event cannot be read back from the store: {error}");
                return Ok(Turn::Settle(Outcome::Dead { why }, "dead"));
            }
        };
        let now = now();
        if event.transition == Transition::Resolved {
            let run = self.run_of(&claim.drift_key, event.first_seen);
            let heard = match history::told(&*self.hub.store, run, now).await? {
                Told::Yes => true,
                Told::No => false,
                // Nobody can say. Then whoever would hear of such a beginning now hears of the end.
                Told::Unknown => concerns_now(&self.hub, &self.filter, &event),
            };
            if !heard {
                debug!(sink = self.sink.name(), event = %claim.event, "a recovery from what was not told is not told");
                return Ok(Turn::Settle(Outcome::Delivered, "withheld"));
            }
        }
        if let Some(at) = self.quiet_until(event.severity, now) {
            let why = "quiet hours; told when they end".to_owned();
            return Ok(Turn::Settle(Outcome::Retry { at, why }, "waiting"));
        }
        Ok(Turn::Join(self.key(&event), event))
    }

    pub(super) fn run_of<'a>(&'a self, drift_key: &'a str, since: Timestamp) -> Run<'a> {
        Run { sink: self.sink.name(), drift_key, since, kept: self.kept }
    }

    /// When the quiet that something of this severity must keep ends.
    pub(super) fn quiet_until(&self, severity: Severity, at: Timestamp) -> Option<Timestamp> {
        let urgent = self.manners.urgent.is_some_and(|least| severity >= least);
        self.manners.quiet.as_ref().filter(|_| !urgent)?.ends(at)
    }

    /// What an event is told together with: what the night held back is one group, whatever it is about.
    fn key(&self, event: &Event) -> String {
        if self.quiet_until(event.severity, event.created_at).is_some() {
            return "since the quiet hours began".to_owned();
        }
        let host = event.hostname.as_ref();
        let of_host = || host.map(|host| format!("on {host}")).unwrap_or_default();
        match self.manners.group_by {
            By::All => String::new(),
            By::Host => of_host(),
            By::Site => {
                let site = host.and_then(|host| {
                    self.hub.see(|world| world.declared_host(host).and_then(|declared| declared.site.clone()))
                });
                site.map(|site| format!("at {site}")).unwrap_or_default()
            }
        }
    }

    /// Tells the groups whose wait is over; whether there was one.
    async fn tell_due(&self, desk: &mut Desk) -> bool {
        let now = Instant::now();
        let due: Vec<String> = desk
            .groups
            .iter()
            .filter(|(_, group)| is_due(group.due, group.held.len(), now))
            .map(|(key, _)| key.clone())
            .collect();
        for key in &due {
            if let Some(group) = desk.groups.remove(key) {
                self.tell_group(key, group.held, desk).await;
            }
        }
        !due.is_empty()
    }

    async fn tell_group(&self, place: &str, held: Vec<Held>, desk: &mut Desk) {
        let mut items = Vec::with_capacity(held.len());
        let mut ahead = Vec::new();
        for Held { claim, event } in &held {
            let behind = match event.transition {
                Transition::Resolved => Ok(None),
                Transition::Opened | Transition::Reopened | Transition::Changed | Transition::Reminder => {
                    history::over(&*self.hub.store, claim, event).await
                }
            };
            // Where nobody can say, its end is told by itself.
            let behind = behind.unwrap_or_else(|error| {
                self.report(&error);
                None
            });
            items.push(Item { event: event.clone(), over: behind.is_some() });
            ahead.extend(behind.unwrap_or_default());
        }
        let Some(message) = group::message(place, &items) else { return };
        let claims: Vec<&Claimed> = held.iter().map(|held| &held.claim).collect();
        let answer = self.tell(&message).await;
        desk.relief.heard(answer.as_ref().map(|_| ()));
        let outcomes = self.judge(&claims, answer.map(|_| ()));
        let told = outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Delivered);
        if told {
            desk.told_ahead.extend(ahead);
        }
        // Together, and only now: what a crash leaves unsettled is told again, in a message of its own.
        self.settle(&claims, outcomes).await;
        // At night some wait for the morning, and not for the receiver.
        if told && self.quiet_until(Severity::Info, now()).is_none() {
            desk.relief.hurry(&self.hub, self.sink.name()).await;
        }
    }

    /// Settles in one transaction, and notes what was given up.
    async fn settle(&self, claims: &[&Claimed], outcomes: Vec<(Ticket, Outcome)>) {
        // It was told: as long as that can be kept some day, it is not told again.
        while let Err(error) = self.hub.store.settle_all(&outcomes, now()).await {
            if self.report(&error) != About::Database || !self.hub.gate.pass().await {
                return;
            }
        }
        self.hub.changed(Part::Deliveries);
        for (claim, (_, outcome)) in claims.iter().zip(&outcomes) {
            match outcome {
                Outcome::Dead { why } => {
                    journal::note(&*self.hub.store, journal::died(claim, why, now())).await;
                }
                Outcome::Delivered | Outcome::Retry { .. } => {}
            }
        }
    }

    /// Sends one message, if the sink speaks to people, as all do that this task serves.
    pub(super) async fn tell(&self, message: &Message) -> Result<Receipt, SinkError> {
        let Some(speaker) = self.sink.speaker() else {
            return Err(SinkError::Rejected { why: "it does not speak to people".to_owned() });
        };
        let answer = speaker.tell(message).await;
        if answer.is_ok() {
            self.hub.metrics.delivered_now(self.sink.name(), now());
        }
        answer
    }

    /// How each delivery of one message ended. Those that are tried again come back at the same time, as a group.
    fn judge(&self, claims: &[&Claimed], answer: Result<(), SinkError>) -> Vec<(Ticket, Outcome)> {
        let Err(error) = answer else {
            debug!(sink = self.sink.name(), events = claims.len(), "told");
            self.count("delivered", claims.len());
            return claims.iter().map(|claim| (claim.ticket, Outcome::Delivered)).collect();
        };
        let (now, random) = (now(), evenkeel_ambient::random());
        let next = |claim: &&Claimed| {
            let age = Duration::try_from(now.duration_since(claim.since)).unwrap_or(Duration::ZERO);
            self.schedule.next(&error, claim.ticket.attempt, age, random)
        };
        let verdicts: Vec<Retry> = claims.iter().map(next).collect();
        let wait = verdicts.iter().filter_map(|verdict| match verdict {
            Retry::After(wait) => Some(*wait),
            Retry::Dead(_) => None,
        });
        let at = wait.max().and_then(|wait| SignedDuration::try_from(wait).ok());
        let at = at.and_then(|wait| now.checked_add(wait).ok()).unwrap_or(Timestamp::MAX);
        warn!(sink = self.sink.name(), events = claims.len(), %error, "not told");
        let outcome = |verdict: Retry| match verdict {
            Retry::After(_) => Outcome::Retry { at, why: error.to_string() },
            Retry::Dead(Dead::TooOld) => Outcome::Dead { why: format!("given up; {error}") },
            Retry::Dead(Dead::Rejected) => Outcome::Dead { why: error.to_string() },
        };
        let dead = verdicts.iter().filter(|verdict| matches!(verdict, Retry::Dead(_))).count();
        if dead > 0 {
            error!(sink = self.sink.name(), events = dead, %error, "dead; send them again once it is mended");
        }
        self.count("dead", dead);
        self.count("retried", claims.len() - dead);
        claims.iter().zip(verdicts).map(|(claim, verdict)| (claim.ticket, outcome(verdict))).collect()
    }

    async fn next_wake(&self, desk: &Desk, summaries: &Summaries) -> Instant {
        let now = now();
        let after = |at: Timestamp| {
            let wait = Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO);
            Instant::now() + wait.clamp(Duration::from_millis(100), IDLE)
        };
        let mut wake = Instant::now() + IDLE;
        if let Ok(Some(at)) = self.hub.store.next_due().await {
            // Another sink's delivery may be due; its deliverer is on it.
            wake = wake.min(after(at));
        }
        if let Some(at) = summaries.due() {
            wake = wake.min(after(at));
        }
        desk.groups.values().map(|group| group.due).fold(wake, Instant::min)
    }

    pub(super) fn count(&self, outcome: &str, events: usize) {
        let events = u64::try_from(events).unwrap_or(u64::MAX);
        self.hub.metrics.deliveries.with_label_values(&[self.sink.name(), outcome]).inc_by(events);
    }

    pub(super) fn report(&self, error: &StoreError) -> About {
        let about = self.hub.gate.heard(error);
        if about == About::Request {
            error!(sink = self.sink.name(), %error, "the outbox cannot be used; nothing is lost");
        }
        about
    }
}

impl Desk {
    fn join(&mut self, key: String, held: Held, wait: Duration) {
        let group = self.groups.entry(key);
        group.or_insert_with(|| Group { due: Instant::now() + wait, held: Vec::new() }).held.push(held);
    }
}

/// Whether a group is told now: it has waited, or it is as large as a group becomes.
fn is_due(due: Instant, held: usize, now: Instant) -> bool {
    due <= now || held >= MOST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_is_large_enough_does_not_wait_for_more() {
        let now = Instant::now();
        let later = now + Duration::from_secs(60);
        assert!(!is_due(later, MOST - 1, now));
        assert!(is_due(later, MOST, now));
        assert!(is_due(now, 1, now));
    }
}
