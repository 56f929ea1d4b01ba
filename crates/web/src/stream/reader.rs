//! One reader of the stream: what it is sent next. It holds its place and a handful of events, however slow it is: what it
//! has not taken stays in the store. Not here: reading the store for all.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::Event;
use evenkeel_store::{Error as StoreError, Store, StoredEvent};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tracing::debug;

use super::line::{Line, Wanted};
use super::tail::{self, News, Running};
use crate::changes::{Changes, Part};
use crate::serve::Closing;

/// How often something is sent although nothing happens: proxies close what is silent for a minute.
const BEAT: Duration = Duration::from_secs(15);
/// How far apart hints are, at least.
const HINTS: Duration = Duration::from_secs(1);
/// How many events a reader holds.
const HANDFUL: usize = 64;

/// One reader.
pub(super) struct Reader {
    running: Arc<Running>,
    store: Arc<dyn Store>,
    news: watch::Receiver<News>,
    /// The last event that was sent or passed over.
    at: u64,
    wanted: Wanted,
    queue: VecDeque<Event>,
    /// Which changes it was told of.
    told: Changes,
    next_hint: Instant,
    beat: Interval,
    /// It was said that something may be missing.
    gap_said: bool,
    closing: Option<Closing>,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// Begins behind the event it had last, or with the next one.
    pub(super) async fn open(
        running: Arc<Running>,
        store: Arc<dyn Store>,
        from: Option<u64>,
        wanted: Wanted,
        closing: Option<Closing>,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, StoreError> {
        let news = running.news();
        let News { upto, changes } = *news.borrow();
        let mut beat = interval_at(Instant::now() + BEAT, BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reader = Self {
            at: from.unwrap_or(upto),
            running,
            store,
            news,
            wanted,
            queue: VecDeque::new(),
            told: changes,
            next_hint: Instant::now(),
            beat,
            gap_said: false,
            closing,
            _place: place,
        };
        reader.queue.push_back(Event::default().retry(pause(reader.at)).comment("evenkeel"));
        if reader.at > upto {
            // Another replica may have been ahead. What is beyond everything kept is of another database.
            let newest = tail::newest(reader.store.as_ref()).await?;
            if reader.at > newest {
                let at = std::mem::replace(&mut reader.at, newest);
                let why = format!("no event has the number {at}: the newest is {newest}");
                reader.gap(at, newest, &why);
            }
        }
        // Whoever gets nothing for a while still comes back to this place.
        reader.queue.push_back(Event::default().id(reader.at.to_string()).comment("from here"));
        Ok(reader)
    }

    /// What is sent next; `None` is the end.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if self.closing.as_ref().is_some_and(Closing::is_closing) {
                return None;
            }
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            let News { upto, changes } = *self.news.borrow_and_update();
            if self.at < upto {
                if let Err(error) = self.read_on(upto).await {
                    // It comes back, and says where it was.
                    debug!(%error, "a reader of the stream is sent away");
                    return None;
                }
                continue;
            }
            let parts: Vec<&str> = changes.since(self.told).map(Part::as_str).collect();
            if !parts.is_empty() && Instant::now() >= self.next_hint {
                self.told = changes;
                self.next_hint = Instant::now() + HINTS;
                return Some(Event::default().event("state").data(json!({ "changed": parts }).to_string()));
            }
            tokio::select! {
                () = closed(self.closing.as_mut()) => return None,
                heard = self.news.changed() => heard.ok()?,
                () = sleep_until(self.next_hint), if !parts.is_empty() => {}
                _ = self.beat.tick() => {
                    return Some(Event::default().id(self.at.to_string()).comment("still here"));
                }
            }
        }
    }

    /// Takes the next handful of events, from memory or from the store.
    async fn read_on(&mut self, upto: u64) -> Result<(), StoreError> {
        if let Some(lines) = self.running.behind(self.at, HANDFUL) {
            lines.iter().for_each(|line| self.take(line));
            if lines.len() < HANDFUL {
                self.at = self.at.max(upto);
            }
            return Ok(());
        }
        let limit = u32::try_from(HANDFUL).unwrap_or(u32::MAX);
        let mut rows = self.store.events_behind(self.at, limit).await?;
        rows.retain(|row| row.seq <= upto);
        if rows.is_empty() {
            self.missing(upto + 1);
            self.at = upto;
        }
        for row in rows {
            self.missing(row.seq);
            self.take_row(row);
        }
        Ok(())
    }

    /// Says, once, that numbers between the last event and this one are not kept.
    fn missing(&mut self, seq: u64) {
        if seq > self.at + 1 && !self.gap_said {
            let (first, last) = (self.at + 1, seq - 1);
            let why = format!("the events {first} to {last} are not kept any more");
            self.gap(self.at, last, &why);
        }
    }

    fn gap(&mut self, after: u64, upto: u64, why: &str) {
        self.gap_said = true;
        let said = json!({ "after": after, "upto": upto, "why": why });
        self.queue.push_back(Event::default().event("gap").data(said.to_string()));
    }

    fn take_row(&mut self, row: StoredEvent) {
        let seq = row.seq;
        match Line::of(row) {
            Ok(line) => self.take(&line),
            Err(error) => debug!(%error, seq, "an event cannot be written as JSON"),
        }
        self.at = seq;
    }

    fn take(&mut self, line: &Line) {
        self.at = line.seq;
        if self.wanted.takes(line) {
            self.queue.push_back(line.sent());
        }
    }
}

async fn closed(closing: Option<&mut Closing>) {
    match closing {
        Some(closing) => closing.closed().await,
        None => std::future::pending().await,
    }
}

/// How long to wait before coming back: not the same for everybody, so that not all come at once.
fn pause(at: u64) -> Duration {
    use std::sync::atomic::{AtomicU64, Ordering};
    static READERS: AtomicU64 = AtomicU64::new(0);
    let nth = READERS.fetch_add(1, Ordering::Relaxed).wrapping_add(at);
    Duration::from_millis(2000 + nth.wrapping_mul(617) % 3000)
}
