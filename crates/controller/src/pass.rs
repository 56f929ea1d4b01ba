//! A pass: one subject, no network. Take the slice, compare, advance the ledger, commit what changed, in one
//! transaction with the events and deliveries that say so. Nobody else writes drifts.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::fingerprint::{self, Fingerprint};
use evenkeel_core::judge::own_store;
use evenkeel_core::ledger::{Advance, Ledger, State, advance};
use evenkeel_core::model::Expected;
use evenkeel_core::policy::Policy;
use evenkeel_core::{
    Case, Coverage, Event, EventId, Report, SourceId, Subject, diff, diff_source, diff_store,
};
use evenkeel_store::{Error as StoreError, NewDelivery, PassCommit};
use evenkeel_web::Part;
use jiff::Timestamp;
use tokio::time::{Instant, timeout};
use tracing::{debug, error, info, warn};

use crate::book::Record;
use crate::gate::About;
use crate::hub::Hub;
use crate::repair::look::Looked;
use crate::rules::Hits;
use crate::work::Again;
use crate::world::Slice;

/// How long a commit may take. A connection whose other end is gone without a word would be waited for much longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why a pass could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store refused it or is away.
    #[error("the store did not take the pass")]
    Store(#[from] StoreError),
    /// The store took longer than anything takes that still comes to an end.
    #[error("the store did not take a pass within {} s", PATIENCE.as_secs())]
    Silent,
}

/// How a pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The world looks as it did when the ledger was last settled.
    Unchanged,
    /// The ledger took the world into account.
    Settled,
    /// It could not be kept; the pass will be made again.
    Failed,
}

/// What one comparison decided, before anything is kept.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What was found.
    pub report: Report,
    /// What it changes.
    pub advance: Advance,
}

/// Compares and advances; the pure part of a pass.
pub fn decide(
    subject: &Subject,
    slice: &Slice,
    ledger: &Ledger,
    policy: &Policy,
    now: Timestamp,
    ids: &mut dyn FnMut() -> EventId,
) -> Decision {
    let report = compare(subject, slice, ledger, policy, now);
    let outer = match slice {
        Slice::Host { outer, .. } | Slice::Source { outer, .. } => outer.as_slice(),
        Slice::Store(_) => &[],
    };
    let mut advance = advance(ledger, &report, policy, outer, now, ids);
    if !report.ignored.is_empty() {
        // An accepted drift has no entry that could wake the pass when its rule ends.
        advance.due = [advance.due, policy.next_change(now)].into_iter().flatten().min();
    }
    Decision { report, advance }
}

/// The comparison alone, rules applied.
pub fn compare(subject: &Subject, slice: &Slice, ledger: &Ledger, policy: &Policy, now: Timestamp) -> Report {
    let mut report = match slice {
        Slice::Host { expected, observed, .. } => {
            let case = Case { subject, expected, observed, rules: &policy.rules };
            policy.apply(diff(case, ledger.unresolved()), expected, now)
        }
        Slice::Source { source, coverage, evidence, .. } => {
            let report = diff_source(source, coverage, evidence, ledger.unresolved());
            policy.apply(report, &Expected::not_yet(source.clone()), now)
        }
        Slice::Store(own) => {
            let report = diff_store(own, policy.rules.limits.database, ledger.unresolved());
            policy.apply(report, &Expected::not_yet(own_store()), now)
        }
    };
    let vouched_until = match slice {
        Slice::Host { vouched_until, .. } | Slice::Source { vouched_until, .. } => *vouched_until,
        Slice::Store(_) => None,
    };
    if let Slice::Host { newcomers, .. } = slice {
        report.newcomers.clone_from(newcomers);
    }
    report.vouched_until = [report.vouched_until, vouched_until].into_iter().flatten().min();
    report
}

/// One pass over one subject.
pub async fn run(hub: &Hub, subject: &Subject, now: Timestamp) -> (Outcome, Again) {
    let mut slice = hub.slice(subject, now);
    let stamp = stamp_of(&slice);
    let record = hub.book.get(subject);
    let due = record.due.is_some_and(|due| due <= now);
    let edition = hub.rules.now();
    let same_rules = record.edition == edition.number;
    if stamp.is_some() && record.stamp == stamp && !record.awaits_observation && !due && same_rules {
        debug!("nothing to do");
        return (Outcome::Unchanged, again(record.due, now));
    }
    let met = meet(&mut slice, &record.met);
    let decision = decide(subject, &slice, &record.ledger, &edition.policy, now, &mut || event_id(now));
    let expected = match &slice {
        Slice::Host { expected, .. } => Some(expected),
        Slice::Source { .. } | Slice::Store(_) => None,
    };
    let rested = Rested {
        stamp,
        looked: Looked::at(&slice, subject.host(), record.looked.as_ref()),
        hits: Hits::of(&decision.report, expected, &decision.advance.ledger, &edition.policy),
        edition: edition.number,
        met,
    };
    match keep(hub, subject, &record, decision.advance, rested, now).await {
        Ok(again) => (Outcome::Settled, again),
        Err(error) => (Outcome::Failed, failed(hub, subject, &error, now).await),
    }
}

/// What a pass rested on.
struct Rested {
    stamp: Option<Fingerprint>,
    looked: Looked,
    hits: Hits,
    edition: u64,
    met: Vec<SourceId>,
}

/// Leaves of the newcomers those that were not heard about this subject, and returns whom it knows after this pass. While
/// intent is not known nobody is heard.
fn meet(slice: &mut Slice, met: &[SourceId]) -> Vec<SourceId> {
    let mut all = met.to_vec();
    if let Slice::Host { expected, newcomers, .. } = slice {
        match expected.coverage() {
            Coverage::Complete => newcomers.retain(|source| !met.contains(source)),
            Coverage::Partial(_) => newcomers.clear(),
        }
        all.extend(newcomers.iter().cloned());
    }
    all
}

/// Commits what changed, if anything did, and replaces the record.
async fn keep(
    hub: &Hub,
    subject: &Subject,
    record: &Record,
    advance: Advance,
    rested: Rested,
    now: Timestamp,
) -> Result<Again, Error> {
    let Rested { stamp, looked, hits, edition, met } = rested;
    let ledger = Arc::new(advance.ledger);
    let is_news = !advance.changed.is_empty()
        || !advance.removed.is_empty()
        || !advance.events.is_empty()
        || ledger.born != record.ledger.born;
    let revision = if is_news {
        let upserts = advance.changed.iter().filter_map(|id| ledger.entry(id)).cloned().collect();
        let deliveries = hub.deliveries(subject, &advance.events, &record.ledger);
        let outbox = !deliveries.is_empty();
        let commit = PassCommit {
            born: ledger.born,
            upserts,
            removals: advance.removed,
            events: advance.events.clone(),
            deliveries,
            ..PassCommit::new(subject.clone(), record.revision, now)
        };
        let revision = match timeout(PATIENCE, hub.store.commit(commit)).await {
            Ok(committed) => committed?.revision,
            Err(_) => return Err(Error::Silent),
        };
        hub.gate.worked();
        advance.events.iter().for_each(|event| say(hub, event));
        hub.changed(Part::Drifts);
        if !advance.events.is_empty() {
            hub.changed(Part::Events);
        }
        if outbox {
            hub.changed(Part::Deliveries);
            hub.outbox_bell.notify_waiters();
        }
        revision
    } else {
        record.revision
    };
    let awaits = advance.awaits_observation;
    let is_silent =
        ledger.entries.values().any(|e| e.state == State::Pending && e.id.event_type.is_blindness());
    hub.book.put(
        subject,
        Record {
            ledger: ledger.clone(),
            revision,
            stamp,
            awaits_observation: awaits,
            due: advance.due,
            looked: Some(looked),
            hits,
            edition,
            met,
        },
    );
    hub.settled(&ledger, stamp.filter(|_| !awaits));
    if is_news {
        hub.book.changed();
        hub.repair_bell.notify_one();
        hub.rules_bell.notify_one();
    }
    if awaits {
        hub.wish_observation(subject, is_silent, Instant::now() + hub.schedule.recheck);
    }
    Ok(again(advance.due, now))
}

/// Another process wrote the ledger, or the store is away. Nothing is lost: the ledger in memory is what was last kept,
/// and the world still shows what differs.
///
/// Where it is open whether it was written (the connection broke on the way back), the next try conflicts and tells.
async fn failed(hub: &Hub, subject: &Subject, error: &Error, now: Timestamp) -> Again {
    match error {
        Error::Store(StoreError::Conflict { .. }) => {
            warn!(%error, "the ledger changed under the pass; reading it again");
            match hub.store.load(subject).await {
                Ok(loaded) => {
                    hub.book.put(subject, Record::loaded(loaded.ledger, loaded.revision, now));
                    hub.book.changed();
                }
                Err(error) if hub.gate.heard(&error) == About::Database => return Again::Paused,
                Err(error) => error!(%error, "the ledger cannot be read"),
            }
            Again::Failed
        }
        Error::Store(about) => match hub.gate.heard(about) {
            About::Database | About::Leadership => Again::Paused,
            About::Request => {
                let cause = std::error::Error::source(error).map(ToString::to_string);
                error!(%error, cause, "the pass could not be kept; it will be made again");
                Again::Failed
            }
        },
        Error::Silent => {
            hub.gate.silent(&error.to_string());
            Again::Paused
        }
    }
}

/// What the world looks like there, for what one look of it tells as much as the next.
pub fn stamp_of(slice: &Slice) -> Option<Fingerprint> {
    match slice {
        Slice::Host { expected, observed, outer, .. } => {
            Some(fingerprint::of_host(expected, observed, outer))
        }
        // Each answer of such a source is an observation of its own.
        Slice::Source { .. } | Slice::Store(_) => None,
    }
}

fn again(due: Option<Timestamp>, now: Timestamp) -> Again {
    match due {
        None => Again::OnChange,
        Some(at) => {
            Again::After(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO).max(MIN_WAIT))
        }
    }
}

/// A due moment that has just passed must not spin.
const MIN_WAIT: Duration = Duration::from_millis(5);

/// An id for something that happens now.
pub fn event_id(now: Timestamp) -> EventId {
    EventId::new(now, evenkeel_ambient::random())
}

fn say(hub: &Hub, event: &Event) {
    hub.metrics.transitions.with_label_values(&[event.event_type.code(), event.transition.as_str()]).inc();
    info!(
        event_type = event.event_type.code(),
        transition = event.transition.as_str(),
        severity = event.severity.as_str(),
        handle = event.handle,
        announced = event.announce,
        "{}",
        event.details
    );
    hub.publish(event);
}

/// Routes announced events to the sinks that want them.
pub fn deliveries_of(events: &[Event], wants: impl Fn(&Event) -> Vec<Arc<str>>) -> Vec<NewDelivery> {
    let mut deliveries = Vec::new();
    for event in events.iter().filter(|event| event.announce) {
        deliveries.extend(wants(event).into_iter().map(|sink| NewDelivery {
            sink: sink.to_string(),
            event: event.id,
            drift_key: event.drift_id.clone(),
        }));
    }
    deliveries
}
