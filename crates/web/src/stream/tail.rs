//! The newest events, read from the store once for all readers. What lives here: reading on when something changed, and a
//! piece of what was read, for those who keep up. What does not: what a reader is sent.
//!
//! It runs while somebody reads. What it is told by the controller only wakes it; what it sends on is what the store says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use evenkeel_store::{Error as StoreError, EventFilter, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, warn};

use super::STREAMS;
use super::line::Line;
use crate::changes::{Changes, Part};
use crate::role::Role;
use crate::state::Live;

/// How many events are read at once.
const PAGE: u32 = 256;
/// How many events are held for those who keep up, and how many bytes of them.
const HELD: usize = 1024;
const HELD_BYTES: usize = 4 << 20;
/// How often the store is asked although nobody said that something changed: where this process leads that should not
/// be needed; where another one does, nobody says anything.
const TICK: Duration = Duration::from_secs(3);
const TICK_FOLLOWING: Duration = Duration::from_secs(1);
/// What comes within this time goes out together.
const REST: Duration = Duration::from_millis(25);
/// How long a number may be missing before it is taken for one that was never kept. Numbers are given in order, but of
/// two commits the later may be seen first, where this process gave up waiting for the earlier.
const MISSING: Duration = Duration::from_secs(5);

/// How far things are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct News {
    /// The newest event that may be sent.
    pub(super) upto: u64,
    /// How often everything else has changed.
    pub(super) changes: Changes,
}

/// The newest events, for as long as somebody reads them.
pub(super) struct Tail {
    store: Arc<dyn Store>,
    live: Arc<dyn Live>,
    running: Mutex<Weak<Running>>,
    places: Arc<Semaphore>,
}

/// What readers share.
pub(super) struct Running {
    ring: Arc<RwLock<Ring>>,
    news: watch::Receiver<News>,
    _task: AbortOnDropHandle<()>,
}

/// The newest events: all behind `from`.
struct Ring {
    from: u64,
    lines: VecDeque<Line>,
    bytes: usize,
}

impl Tail {
    pub(super) fn new(store: Arc<dyn Store>, live: Arc<dyn Live>) -> Self {
        Self { store, live, running: Mutex::default(), places: Arc::new(Semaphore::new(STREAMS)) }
    }

    /// A place among the readers, if there is one.
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        Arc::clone(&self.places).try_acquire_owned()
    }

    /// Joins those who read; the first one starts it.
    pub(super) async fn join(&self) -> Result<Arc<Running>, StoreError> {
        if let Some(running) = self.current().upgrade() {
            return Ok(running);
        }
        let newest = newest(self.store.as_ref()).await?;
        let mut current = self.current();
        if let Some(running) = current.upgrade() {
            return Ok(running);
        }
        let ring = Arc::new(RwLock::new(Ring { from: newest, lines: VecDeque::new(), bytes: 0 }));
        let (say, news) = watch::channel(News { upto: newest, changes: Changes::default() });
        let reading = Reading {
            store: self.store.clone(),
            live: self.live.clone(),
            ring: ring.clone(),
            say,
            missing: None,
            seen: *self.live.changes().borrow(),
        };
        let task = AbortOnDropHandle::new(tokio::spawn(reading.run()));
        let running = Arc::new(Running { ring, news, _task: task });
        *current = Arc::downgrade(&running);
        Ok(running)
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Weak<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Says when there is something new.
    pub(super) fn news(&self) -> watch::Receiver<News> {
        self.news.clone()
    }

    /// Up to so many events behind this one; `None` where they are no longer held.
    pub(super) fn behind(&self, seq: u64, most: usize) -> Option<Vec<Line>> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        if seq < ring.from {
            return None;
        }
        let start = ring.lines.partition_point(|line| line.seq <= seq);
        Some(ring.lines.iter().skip(start).take(most).cloned().collect())
    }
}

/// The number of the newest event; 0 before the first.
pub(super) async fn newest(store: &dyn Store) -> Result<u64, StoreError> {
    Ok(store.events(&EventFilter::default(), None, 1).await?.rows.first().map_or(0, |row| row.seq))
}

/// The task behind it.
struct Reading {
    store: Arc<dyn Store>,
    live: Arc<dyn Live>,
    ring: Arc<RwLock<Ring>>,
    say: watch::Sender<News>,
    /// Behind which event a number is missing, and since when.
    missing: Option<(u64, Instant)>,
    seen: Changes,
}

impl Reading {
    async fn run(mut self) {
        let mut asked = Instant::now();
        loop {
            // Before the store is asked: what changes from here on is heard below.
            let mut heard = self.live.changes();
            let now = *heard.borrow_and_update();
            let tick = self.tick();
            if now.differs(self.seen, Part::Events) || asked.elapsed() >= tick || self.missing.is_some() {
                asked = Instant::now();
                while self.read_on().await {}
            }
            self.hint(now);
            sleep(REST).await;
            let again = if self.missing.is_some() { asked + REST * 8 } else { asked + tick };
            tokio::select! {
                // Whoever would say is gone (a reload): somebody else is listened to after the pause.
                () = async { if heard.changed().await.is_err() { std::future::pending().await } } => {}
                () = sleep_until(again) => {}
            }
        }
    }

    fn tick(&self) -> Duration {
        match self.live.role() {
            Role::Leader => TICK,
            Role::Follower { .. } | Role::Waiting { .. } => TICK_FOLLOWING,
        }
    }

    /// Passes on which parts changed.
    fn hint(&mut self, now: Changes) {
        let parts: Vec<Part> = now.since(self.seen).filter(|part| *part != Part::Events).collect();
        self.seen = now;
        if !parts.is_empty() {
            self.say.send_modify(|news| parts.into_iter().for_each(|part| news.changes.note(part)));
        }
    }

    /// Reads the next events; whether there may be more.
    async fn read_on(&mut self) -> bool {
        let at = self.say.borrow().upto;
        let rows = match self.store.events_behind(at, PAGE).await {
            Ok(rows) => rows,
            Err(error) => {
                // Those who write to it say so, and more loudly.
                debug!(%error, "the stream cannot be read on");
                return false;
            }
        };
        let whole = rows.len() == PAGE as usize;
        let mut upto = at;
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            let seq = row.seq;
            if seq == upto + 1 {
                self.missing = None;
            } else if !self.is_waited_for(upto) {
                break;
            }
            match Line::of(row) {
                Ok(line) => lines.push(line),
                Err(error) => warn!(%error, seq, "an event cannot be written as JSON"),
            }
            upto = seq;
        }
        if upto == at {
            return false;
        }
        self.hold(lines);
        self.say.send_modify(|news| news.upto = upto);
        whole && self.missing.is_none()
    }

    /// Whether the number behind this one has been missing for long enough.
    fn is_waited_for(&mut self, behind: u64) -> bool {
        let since = match self.missing {
            Some((at, since)) if at == behind => since,
            Some(_) | None => {
                let since = Instant::now();
                self.missing = Some((behind, since));
                since
            }
        };
        let over = since.elapsed() >= MISSING;
        if over {
            self.missing = None;
        }
        over
    }

    fn hold(&self, lines: Vec<Line>) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        for line in lines {
            ring.bytes += line.size();
            ring.lines.push_back(line);
        }
        while ring.lines.len() > HELD || ring.bytes > HELD_BYTES {
            let Some(gone) = ring.lines.pop_front() else { break };
            ring.bytes -= gone.size();
            ring.from = gone.seq;
        }
    }
}
