//! When reminders and digests are sent, and what goes into them. Each is told at least once per turn: it is noted in the
//! journal after it was taken, so a crash in between repeats it.

use std::time::Duration;

use evenkeel_core::Event;
use evenkeel_core::ledger::Entry;
use evenkeel_store::{Error as StoreError, EventFilter};
use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use super::digest::{self, Sum};
use super::history::{self, Summary, Told};
use super::teller::Teller;
use crate::collect::now;
use crate::deliver::route::{self, Bearing};

/// How many events a digest looks at.
const LOOKED_AT: usize = 5000;
/// How soon a summary that could not be sent is tried again.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);

/// When each summary is due; read from the journal when the task begins.
#[derive(Debug)]
pub(super) struct Summaries {
    /// Since when they are wanted, if none was ever sent.
    wanted: Timestamp,
    read: bool,
    reminder: Option<Timestamp>,
    digest: Option<Timestamp>,
    /// Up to when the last digest reached.
    summed: Option<Timestamp>,
}

impl Summaries {
    /// None is due before the store was asked for the last ones.
    pub(super) fn wanted_from(wanted: Timestamp) -> Self {
        Self { wanted, read: false, reminder: None, summed: None, digest: None }
    }

    /// When to look again.
    pub(super) fn due(&self) -> Option<Timestamp> {
        [self.reminder, self.digest].into_iter().flatten().min()
    }

    /// Sends what is due.
    pub(super) async fn tell_due(&mut self, teller: &Teller) {
        if let Err(error) = self.try_tell(teller).await {
            teller.report(&error);
        }
    }

    async fn try_tell(&mut self, teller: &Teller) -> Result<(), StoreError> {
        if !self.read {
            self.begin(teller).await?;
            self.read = true;
        }
        let now = now();
        if self.reminder.is_some_and(|due| due <= now) {
            self.remind(teller, now).await?;
        }
        if self.digest.is_some_and(|due| due <= now) {
            self.sum_up(teller, now).await?;
        }
        Ok(())
    }

    /// From where the last run left off. What was never sent is wanted from now on.
    async fn begin(&mut self, teller: &Teller) -> Result<(), StoreError> {
        let now = self.wanted;
        if let Some(every) = teller.manners.remind {
            self.reminder = after(begun(teller, Summary::Reminder, now).await?, every);
        }
        if let Some(at) = &teller.manners.digest {
            let last = begun(teller, Summary::Digest, now).await?;
            (self.summed, self.digest) = (Some(last), at.next(last));
        }
        Ok(())
    }

    async fn remind(&mut self, teller: &Teller, now: Timestamp) -> Result<(), StoreError> {
        let Some(every) = teller.manners.remind else { return Ok(()) };
        let old = SignedDuration::try_from(every).ok().and_then(|every| now.checked_sub(every).ok());
        let mut open = open(teller);
        open.retain(|entry| entry.opened_at.is_some_and(|opened| old.is_some_and(|old| opened <= old)));
        let mut heard_of = Vec::new();
        for entry in open {
            let key = entry.id.to_string();
            let run = teller.run_of(&key, entry.first_seen);
            if history::told(&*teller.hub.store, run, now).await? != Told::No {
                heard_of.push(entry);
            }
        }
        if let Some(message) = digest::reminder(teller.sink.name(), &heard_of, now) {
            if let Some(end) = teller.quiet_until(message.severity, now) {
                self.reminder = Some(end);
                return Ok(());
            }
            if let Err(error) = teller.tell(&message).await {
                warn!(sink = teller.sink.name(), %error, "the reminder was not taken; it is tried again");
                self.reminder = now.checked_add(AGAIN).ok();
                return Ok(());
            }
        }
        let told = format!("{} still open", heard_of.len());
        history::mark(&*teller.hub.store, teller.sink.name(), Summary::Reminder, &told, now).await?;
        self.reminder = after(now, every);
        Ok(())
    }

    /// At the hour the operator chose, quiet or not.
    async fn sum_up(&mut self, teller: &Teller, now: Timestamp) -> Result<(), StoreError> {
        let Some(at) = &teller.manners.digest else { return Ok(()) };
        let since = self.summed.unwrap_or(now);
        let (events, more) = events(teller, since, now).await?;
        let (open, blind) = (open(teller), blind(teller, now));
        let message = digest::digest(&Sum {
            sink: teller.sink.name(),
            period: at.period(),
            since,
            now,
            open: &open,
            events: &events,
            more,
            blind: &blind,
        });
        if let Err(error) = teller.tell(&message).await {
            warn!(sink = teller.sink.name(), %error, "the digest was not taken; it is tried again");
            self.digest = now.checked_add(AGAIN).ok();
            return Ok(());
        }
        history::mark(&*teller.hub.store, teller.sink.name(), Summary::Digest, &message.title, now).await?;
        (self.summed, self.digest) = (Some(now), at.next(now));
        Ok(())
    }
}

async fn begun(teller: &Teller, what: Summary, now: Timestamp) -> Result<Timestamp, StoreError> {
    let (store, sink) = (&*teller.hub.store, teller.sink.name());
    if let Some(last) = history::last(store, sink, what).await? {
        return Ok(last);
    }
    history::mark(store, sink, what, "wanted from now on", now).await?;
    Ok(now)
}

fn after(at: Timestamp, wait: Duration) -> Option<Timestamp> {
    at.checked_add(SignedDuration::try_from(wait).ok()?).ok()
}

/// What stands for itself, was announced, and is covered by no silence.
fn open(teller: &Teller) -> Vec<Entry> {
    let mut open: Vec<Entry> = Vec::new();
    let stands = |entry: &&Entry| entry.is_root() && entry.announced && entry.silenced.is_none();
    teller.hub.book.visit(|record| open.extend(record.ledger.open().filter(stands).cloned()));
    teller.hub.see(|world| open.retain(|entry| route::concerns(&teller.filter, entry, world)));
    open.sort_by(|a, b| a.id.cmp(&b.id));
    open
}

/// What happened that concerns the sink, oldest first; and whether there was more than is looked at.
async fn events(
    teller: &Teller,
    since: Timestamp,
    until: Timestamp,
) -> Result<(Vec<Event>, bool), StoreError> {
    let filter = EventFilter { since: Some(since), until: Some(until), ..EventFilter::default() };
    let (mut found, mut after, mut looked) = (Vec::new(), None, 0);
    loop {
        let page = teller.hub.store.events(&filter, after, 500).await?;
        looked += page.rows.len();
        teller.hub.see(|world| {
            for event in page.rows.into_iter().map(|stored| stored.event) {
                let bearing = Bearing::of(world, event.hostname.as_ref(), event.service.as_ref());
                if !event.baseline && teller.filter.concerns(bearing.describe(&event)) {
                    found.push(event);
                }
            }
        });
        after = page.next;
        if after.is_none() || looked >= LOOKED_AT {
            break;
        }
    }
    found.reverse();
    Ok((found, after.is_some()))
}

/// Nothing open and nothing seen are two things.
fn blind(teller: &Teller, now: Timestamp) -> Vec<String> {
    let statuses = teller.hub.see(|world| world.source_statuses(now));
    statuses
        .iter()
        .filter(|status| !status.coverage.is_complete())
        .map(|status| status.source.to_string())
        .collect()
}
