//! A receiver that acts once per id, as receivers are asked to, and keeps whatever comes: what it makes of the drifts is
//! what its readers believe.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_core::{Event, Transition};
use evenkeel_lab::receiver::{Arrived, Receiver};
use tokio::task::JoinHandle;

use crate::stage::in_words;
use crate::stage::plan::SIGNING_SECRET;

/// One id, however often it came.
#[derive(Clone, Debug)]
struct Letter {
    body: Vec<u8>,
    times: usize,
    accepted: bool,
}

#[derive(Debug, Default)]
struct Held {
    letters: BTreeMap<String, Letter>,
    /// The ids of each drift, in the order in which they first came.
    threads: BTreeMap<String, Vec<String>>,
    open: BTreeSet<String>,
    complaints: Vec<String>,
}

/// The receiver and what came.
#[derive(Debug)]
pub struct Inbox {
    /// The name of the sink that fills it.
    pub sink: String,
    /// The receiver.
    pub receiver: Arc<Receiver>,
    held: Arc<Mutex<Held>>,
    reading: JoinHandle<()>,
}

impl Inbox {
    /// For the sink of this name.
    pub async fn start(sink: &str) -> Self {
        let receiver = Arc::new(Receiver::start(SIGNING_SECRET).await.unwrap());
        let held = Arc::new(Mutex::new(Held::default()));
        let (source, into) = (receiver.clone(), held.clone());
        let reading = tokio::spawn(async move {
            while let Some(arrived) = source.next().await {
                into.lock().unwrap_or_else(PoisonError::into_inner).take(&arrived);
            }
        });
        Self { sink: sink.to_owned(), receiver, held, reading }
    }

    /// The drifts that are open, for all its reader knows.
    pub fn open(&self) -> BTreeSet<String> {
        self.held().open.clone()
    }

    /// How many requests came, repetitions included.
    pub fn requests(&self) -> usize {
        self.held().letters.values().map(|letter| letter.times).sum()
    }

    /// The ids of each drift, in the order in which they first came.
    pub fn threads(&self) -> BTreeMap<String, Vec<String>> {
        self.held().threads.clone()
    }

    /// Everything was taken, and nothing came that should not have come.
    pub fn assert_in_order(&self) {
        let held = self.held();
        assert!(held.complaints.is_empty(), "{}: {:#?}", self.sink, held.complaints);
        let lost: Vec<_> = held.letters.iter().filter(|(_, letter)| !letter.accepted).collect();
        assert!(lost.is_empty(), "{}: never accepted: {lost:#?}", self.sink);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Held {
    fn take(&mut self, arrived: &Arrived) {
        if !arrived.verified {
            self.complaints.push(format!("{} is not signed", arrived.id));
        }
        if let Some(letter) = self.letters.get_mut(&arrived.id) {
            letter.times += 1;
            letter.accepted |= arrived.accepted;
            if letter.body != arrived.body {
                self.complaints.push(format!("{} came with two contents", arrived.id));
            }
            return;
        }
        let letter = Letter { body: arrived.body.to_vec(), times: 1, accepted: arrived.accepted };
        self.letters.insert(arrived.id.clone(), letter);
        match serde_json::from_slice::<Event>(&arrived.body) {
            Ok(event) if event.id.to_string() == arrived.id => self.act(&event),
            Ok(event) => self.complaints.push(format!("{} came under the id {}", event.id, arrived.id)),
            Err(error) => self.complaints.push(format!("{}: {error}", arrived.id)),
        }
    }

    /// What an id that was never seen before is the reason for.
    fn act(&mut self, event: &Event) {
        let words = in_words(event);
        let drift = words.split_once(' ').map_or(words.as_str(), |(_, drift)| drift).to_owned();
        let twice = match event.transition {
            Transition::Opened | Transition::Reopened => !self.open.insert(drift.clone()),
            Transition::Resolved => !self.open.remove(&drift),
            Transition::Changed | Transition::Reminder => false,
        };
        if twice {
            self.complaints.push(format!("{words}, and it was so before"));
        }
        self.threads.entry(drift).or_default().push(event.id.to_string());
    }
}
