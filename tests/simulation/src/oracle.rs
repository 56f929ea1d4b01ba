//! Whether what the controller did was right: after every step, and once the world has been left alone.
//!
//! The oracle knows the truth and the events, nothing else. What it asks for by number is in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use evenkeel_core::ledger::State;
use evenkeel_core::{Event, Transition};
use evenkeel_store::{DeliveryState, Store};
use evenkeel_tests::stage::{all_deliveries, in_words, label};
use futures_executor::block_on;

use crate::world::World;

/// How long after a change it may still be told: the slowest look, a store that hesitates, a restart.
const LATEST: Duration = Duration::from_secs(150);

/// How long after a change of what is declared it is usually read.
const LATELY: Duration = Duration::from_secs(15);

/// What was heard so far.
#[derive(Default)]
pub struct Oracle {
    seq: u64,
    /// Every event, oldest first.
    pub events: Vec<Event>,
    open: BTreeMap<String, bool>,
    /// How often a drift was told that was true only by a declaration that had just changed.
    overtaken: BTreeMap<String, usize>,
}

impl Oracle {
    /// Reads what happened since, judges it, and says it in words; an error is a broken promise.
    pub fn step(&mut self, world: &World, store: &dyn Store) -> Result<Vec<String>, String> {
        let mut said = Vec::new();
        let fresh = block_on(store.events_behind(self.seq, 10_000)).map_err(|error| error.to_string())?;
        for stored in fresh {
            self.seq = self.seq.max(stored.seq);
            let words = in_words(&stored.event);
            let quiet = if stored.event.announce { "" } else { " (not told)" };
            said.push(world.named(&format!("{words}{quiet}: {}", stored.event.details)));
            if let Err(broken) = self.judge(world, &stored.event, &words) {
                return Err(world.named(&format!("{broken}: {}", stored.event.details)));
            }
            self.events.push(stored.event);
        }
        Ok(said)
    }

    /// How many drifts opened or ended so far.
    pub fn transitions(&self) -> usize {
        let is_turn =
            |event: &&Event| !matches!(event.transition, Transition::Changed | Transition::Reminder);
        self.events.iter().filter(is_turn).count()
    }

    fn judge(&mut self, world: &World, event: &Event, words: &str) -> Result<(), String> {
        let is_open = self.open.entry(event.drift_id.clone()).or_default();
        let opens = match event.transition {
            Transition::Opened | Transition::Reopened => true,
            Transition::Resolved => false,
            Transition::Changed | Transition::Reminder => return Ok(()),
        };
        if *is_open == opens {
            return Err(format!("one event per transition: {words} twice"));
        }
        *is_open = opens;
        let drift = words.split_once(' ').map_or(words, |(_, drift)| drift);
        let (to, history) = (world.elapsed(), world.history());
        let from = to.saturating_sub(LATEST);
        let subject = subject_of(drift);
        let who = match subject {
            _ if subject.starts_with("netbox") => "netbox",
            _ if subject.starts_with("proxmox") => "cluster",
            host => host,
        };
        let hidden = history.was_hidden(|hidden| hidden == who || hidden == "everybody", from, to);
        let is_blindness = ["DOCKER_UNREACHABLE", "NODE_UNREACHABLE", "SNAPSHOT_ERROR"]
            .iter()
            .any(|kind| drift.starts_with(kind));
        let off = history.was(&format!("VM_DOWN {who}"), from, to);
        match (opens, is_blindness) {
            (true, true) if hidden || off => Ok(()),
            (true, true) => Err(format!("a false alarm: {words}, and everybody could be seen")),
            (true, false) if !event.announce || history.was(drift, from, to) => {
                if !history.was_literally(drift, to.saturating_sub(LATELY), to) {
                    *self.overtaken.entry(drift.to_owned()).or_default() += 1;
                }
                Ok(())
            }
            (true, false) => Err(format!("U1, U2, U3: a false alarm: {words}, which was not true")),
            (false, false) if event.announce && !history.was_not(drift, from, to) => {
                Err(format!("U3: a false all-clear: {words}, which was true all the time"))
            }
            (false, _) => Ok(()),
        }
    }

    /// What keeps the ledger from being the truth, with nothing left to do (E1); `None`: nothing.
    pub fn unsettled(&self, world: &World, store: &dyn Store) -> Option<String> {
        let truth = world.drifts();
        let loaded = match block_on(store.load_all()) {
            Ok(loaded) => loaded,
            Err(error) => return Some(error.to_string()),
        };
        let entries = || loaded.iter().flat_map(|loaded| loaded.ledger.entries.values());
        if let Some(untold) = entries().find(|entry| entry.is_root() && !entry.announced) {
            return Some(format!("E1: {} is true and was not told", label(&untold.id)));
        }
        let pending: Vec<String> = entries()
            .filter(|entry| entry.state == State::Pending)
            .map(|entry| label(&entry.id))
            .filter(|drift| !world.is_undecidable(drift, &truth))
            .collect();
        let kept: BTreeSet<String> =
            entries().filter(|entry| entry.is_root()).map(|entry| label(&entry.id)).collect();
        if kept != truth {
            let lacking: Vec<_> = truth.difference(&kept).collect();
            let surplus: Vec<_> = kept.difference(&truth).collect();
            return Some(format!("E1: the ledger lacks {lacking:?} and has {surplus:?} that is not true"));
        }
        if !pending.is_empty() {
            return Some(format!("E1: {pending:?} stays undecided"));
        }
        let depths = block_on(store.outbox()).ok()?;
        let left: Vec<String> = depths
            .iter()
            .filter(|depth| depth.pending + depth.dead > 0)
            .map(|depth| format!("{}: {} wait, {} are dead", depth.sink, depth.pending, depth.dead))
            .collect();
        (!left.is_empty()).then(|| format!("O2: the outbox is not empty: {left:?}"))
    }

    /// What must be true of the whole history once everything is settled.
    pub fn verdict(&self, world: &World, store: &dyn Store) -> Result<(), String> {
        let deliveries = block_on(all_deliveries(store));
        let delivered: BTreeSet<_> = deliveries.iter().map(|row| row.event).collect();
        let announced: BTreeSet<_> =
            self.events.iter().filter(|event| event.announce).map(|event| event.id).collect();
        if delivered != announced || delivered.len() != deliveries.len() {
            return Err("O1: the outbox is not what was announced".to_owned());
        }
        if let Some(row) = deliveries.iter().find(|row| row.state != DeliveryState::Delivered) {
            return Err(format!("O2: {} was never delivered", row.event));
        }
        self.arrived(world)?;
        let mut told: BTreeMap<&str, bool> = BTreeMap::new();
        let mut opened: BTreeMap<String, usize> = BTreeMap::new();
        for event in &self.events {
            let words = in_words(event);
            let drift = words.split_once(' ').map_or("", |(_, drift)| drift).to_owned();
            match event.transition {
                Transition::Opened | Transition::Reopened => {
                    *opened.entry(drift).or_default() += 1;
                    told.insert(&event.drift_id, event.announce);
                }
                Transition::Resolved => {
                    if told.get(event.drift_id.as_str()) == Some(&true) && !event.announce {
                        return Err(format!("{words} was not told, though its beginning was"));
                    }
                    told.remove(event.drift_id.as_str());
                }
                Transition::Changed | Transition::Reminder => {}
            }
        }
        let history = world.history();
        let is_condition = |drift: &str| history.onsets(drift) > 0;
        let expected = |drift: &str| history.onsets(drift) + self.overtaken.get(drift).copied().unwrap_or(0);
        match opened.iter().find(|(drift, times)| is_condition(drift) && **times > expected(drift)) {
            Some((drift, times)) => Err(format!(
                "{drift} was opened {times} times and became true {} times",
                history.onsets(drift)
            )),
            None => Ok(()),
        }
    }

    /// Whatever was announced arrived, and whatever arrived twice was the same.
    fn arrived(&self, world: &World) -> Result<(), String> {
        let kept = world.receiver.kept();
        let mut arrived: BTreeMap<&str, &Event> = BTreeMap::new();
        for (id, event) in kept.iter() {
            if let Some(before) = arrived.insert(id, event)
                && before != event
            {
                return Err(format!("{id} arrived with two contents"));
            }
        }
        for event in self.events.iter().filter(|event| event.announce) {
            match arrived.remove(event.id.to_string().as_str()) {
                Some(same) if same.transition == event.transition && same.drift_id == event.drift_id => {}
                Some(_) => return Err(format!("{} arrived as something else", event.id)),
                None => return Err(format!("O2: {} never arrived", in_words(event))),
            }
        }
        match arrived.keys().next() {
            Some(id) => Err(format!("O1: {id} arrived and is not kept")),
            None => Ok(()),
        }
    }
}

/// `vm0` of `SERVICE_MISSING web@vm0`.
fn subject_of(drift: &str) -> &str {
    drift.rsplit([' ', '@']).next().unwrap_or_default()
}
