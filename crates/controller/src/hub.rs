//! Where collectors, workers and deliverers meet: the world, the queue, the ledgers, the store, the figures.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use evenkeel_core::fingerprint::Fingerprint;
use evenkeel_core::ledger::Ledger;
use evenkeel_core::model::Inventory;
use evenkeel_core::{Event, OwnStore, SourceId, Subject};
use evenkeel_sources::Snapshot;
use evenkeel_store::{NewDelivery, RetentionPolicy, Store};
use evenkeel_web::{Changes, Intake, Part};
use jiff::Timestamp;
use prometheus::Registry;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;

use crate::book::Book;
use crate::clock::Clock;
use crate::collect::Recheck;
use crate::config::Schedule;
use crate::deliver::route::{Bearing, Route};
use crate::desk::Desk;
use crate::gate::Gate;
use crate::hook::Bell;
use crate::keep::Shown;
use crate::metrics::Metrics;
use crate::queue::Key;
use crate::repair;
use crate::rules::{self, InForce};
use crate::view::{Askings, Pictures};
use crate::work::WorkQueue;
use crate::world::{Slice, World};

/// What the tasks of one controller share.
pub struct Hub {
    /// What is known.
    pub world: RwLock<World>,
    /// What waits for a pass.
    pub queue: WorkQueue,
    /// The ledgers.
    pub book: Book,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// What time it is, until the clock jumps.
    pub clock: Clock,
    /// Where those who write wait while nothing can be kept.
    pub gate: Gate,
    /// What sources showed, on its way there.
    pub shown: Shown,
    /// The figures.
    pub metrics: Metrics,
    /// Where they are registered.
    pub registry: Registry,
    /// What the operator decided, and what is silenced at run time.
    pub rules: InForce,
    /// Rings when a ledger changed: what was to be silent until its drift is resolved may be over.
    pub rules_bell: Notify,
    /// Where silences are made and ended.
    pub silences: Desk<rules::Order>,
    /// When things happen.
    pub schedule: Schedule,
    /// Who gets which events, and who gets notices.
    pub routes: Vec<Route>,
    /// Doors to what is sent.
    pub intakes: Vec<Arc<dyn Intake>>,
    /// What NetBox's webhooks ring, if it is listened to.
    pub netbox_bell: Option<Arc<Bell>>,
    /// Rings when something was put into the outbox.
    pub outbox_bell: Notify,
    /// Rings when a ledger changed: something may be to be repaired, or may have been.
    pub repair_bell: Arc<Notify>,
    /// Where decisions about repairs are taken.
    pub repairs: Desk<repair::Order>,
    /// How often each part of what is shown has changed, for those who watch.
    pub changes: watch::Sender<Changes>,
    /// Events as they happen, for those who watch.
    pub events: broadcast::Sender<Event>,
    /// Rings with every new inventory.
    pub inventory: watch::Sender<u64>,
    /// How each source is asked.
    pub askings: Askings,
    /// What is shown of this moment.
    pub pictures: Pictures,
    /// What the store keeps for how long.
    pub retention: RetentionPolicy,
    /// The collectors' bells, by source.
    pub rechecks: Mutex<HashMap<SourceId, Arc<Recheck>>>,
}

impl Hub {
    /// Takes what a source said, and puts the subjects it concerns on the queue.
    pub fn learn(&self, id: &SourceId, snapshot: Snapshot) {
        let now = crate::collect::now();
        let before = self.see(|world| world.source_status(id, now).map(|status| status.coverage));
        match snapshot {
            Snapshot::Inventory(inventory) => self.learn_inventory(inventory, now),
            observed @ (Snapshot::Hosts(_) | Snapshot::Survey { .. }) => {
                let touched = self.change(|world| world.learn(id, observed, now));
                self.enqueue(id, touched);
                self.shown.note(&self.see(|world| world.seen_by(id)));
            }
        }
        self.show_source(id);
        let after = self.see(|world| world.source_status(id, now).map(|status| status.coverage));
        if before != after {
            self.changed(Part::Sources);
        }
    }

    fn learn_inventory(&self, inventory: Inventory, now: Timestamp) {
        let id = inventory.source.clone();
        let complete = inventory.coverage.is_complete();
        let touched = self.change(|world| world.replace_inventory(inventory, now));
        let changed = !touched.is_empty();
        self.enqueue(&id, touched);
        self.inventory.send_modify(|n| *n += 1);
        if complete && changed {
            self.shown.note_inventory();
        }
    }

    /// Queues what changed, and what waits for another observation by this source even if it is equal.
    fn enqueue(&self, id: &SourceId, mut touched: Vec<Key>) {
        if !touched.is_empty() {
            self.changed(Part::Sources);
        }
        let (spoken_about, forgotten) = self
            .see(|world| (world.subjects_of(id), world.forgotten(id, || self.book.unresolved_subjects())));
        touched.extend(self.keys(&self.book.awaiting(&spoken_about)));
        touched.extend(self.keys(&forgotten));
        self.queue.add_all(touched, self.schedule.debounce);
    }

    /// Queues everything whose ledger may not match the world: the net under every missed trigger.
    pub fn resync(&self) {
        let now = crate::collect::now();
        let mut subjects = self.see(|world| world.unsettled(now));
        subjects.extend(self.book.unresolved_subjects());
        self.queue.add_all(self.keys(&subjects), std::time::Duration::ZERO);
    }

    /// Queues subjects for which other rules hold than when they were last looked at.
    pub fn rethink(&self, subjects: &[Subject]) {
        self.queue.add_all(self.keys(subjects), std::time::Duration::ZERO);
    }

    /// By which numbers these subjects wait on the queue.
    fn keys<'a>(&self, subjects: impl IntoIterator<Item = &'a Subject>) -> Vec<Key> {
        let mut subjects = subjects.into_iter().peekable();
        // Mostly there is none: that needs no turn at writing.
        if subjects.peek().is_none() {
            return Vec::new();
        }
        self.change(|world| subjects.map(|subject| world.key(subject)).collect())
    }

    /// Who waits by this number.
    pub fn subject(&self, key: Key) -> Subject {
        self.see(|world| world.subject(key).clone())
    }

    /// Takes what was read about the own database, and queues its judging.
    pub fn learn_own(&self, own: OwnStore) {
        let key = self.change(|world| world.learn_own(own));
        self.queue.add_all([key], std::time::Duration::ZERO);
    }

    /// One subject's slice at this moment.
    pub fn slice(&self, subject: &Subject, now: Timestamp) -> Slice {
        self.see(|world| world.slice(subject, now))
    }

    /// The ledger has taken this look of its subject into account; `None`: it waits for something.
    pub fn settled(&self, ledger: &Ledger, stamp: Option<Fingerprint>) {
        self.change(|world| {
            world.note_loss(ledger);
            match stamp {
                Some(stamp) => world.settle(&ledger.subject, stamp),
                None => world.unsettle(&ledger.subject),
            }
        });
    }

    /// Asks the sources of a subject to look again at this moment; `widely`: those of what it depends on as well.
    pub fn wish_observation(&self, subject: &Subject, widely: bool, at: Instant) {
        let sources: BTreeSet<SourceId> = self.see(|world| match widely {
            true => world.witnesses_of(subject),
            false => world.sources_of(subject).into_iter().collect(),
        });
        let bells = self.rechecks.lock().unwrap_or_else(PoisonError::into_inner);
        sources.iter().filter_map(|source| bells.get(source)).for_each(|bell| bell.wish(at));
    }

    /// The deliveries that announced events need. `before`: the ledger they are about, as it was.
    pub fn deliveries(&self, subject: &Subject, events: &[Event], before: &Ledger) -> Vec<NewDelivery> {
        let host = match subject {
            Subject::Host(host) => Some(host),
            Subject::Source(_) => None,
        };
        crate::pass::deliveries_of(events, |event| {
            let bearing = self.see(|world| Bearing::of(world, host, event.service.as_ref()));
            let entry = event.drift.as_ref().and_then(|drift| before.entry(drift));
            let is_first = entry.is_none_or(|entry| !entry.announced);
            let wants = |route: &&Route| route.wants(event, &bearing, is_first);
            self.routes.iter().filter(wants).map(|route| route.sink.clone()).collect()
        })
    }

    /// The names of the sinks that are told what remediation has to say.
    pub fn notices_to(&self) -> Vec<String> {
        self.routes.iter().filter(|route| route.notices).map(|route| route.sink.to_string()).collect()
    }

    /// This part of what is shown changed: whoever watches may look again.
    pub fn changed(&self, part: Part) {
        self.changes.send_modify(|changes| changes.note(part));
    }

    /// Tells those who watch.
    pub fn publish(&self, event: &Event) {
        // Nobody watching is no error.
        let _ = self.events.send(event.clone());
    }

    fn show_source(&self, id: &SourceId) {
        if let Some(status) = self.see(|world| world.source_status(id, crate::collect::now())) {
            self.metrics.sources.show(&status);
        }
    }

    /// Reads the world. The lock is never held across an await.
    pub fn see<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&self.world.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the world.
    pub fn change<T>(&self, write: impl FnOnce(&mut World) -> T) -> T {
        let written = write(&mut self.world.write().unwrap_or_else(PoisonError::into_inner));
        self.pictures.changed();
        written
    }
}
