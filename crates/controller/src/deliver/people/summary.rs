//! When reminders and digests are sent, and what goes into them. Each is told at least once per turn: it is noted in the
//! journal after it was taken, so a crash in between repeats it.

use std::time::Duration;

use evenkeel_core::Event;
use evenkeel_core::ledger::{CLOCK_TOLERANCE, Entry};
use evenkeel_store::{Error as StoreError, EventFilter};
use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use super::Manners;
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
        self.set_back(&teller.manners, now);
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

    /// A clock that was set back must not keep them waiting until it is as late again.
    fn set_back(&mut self, manners: &Manners, now: Timestamp) {
        let Manners { remind, digest, .. } = manners;
        let late = after(now, CLOCK_TOLERANCE).unwrap_or(now);
        if self.summed.is_some_and(|summed| summed > late) {
            self.summed = Some(now);
            self.digest = digest.as_ref().and_then(|at| at.next(now));
        }
        let latest = remind.and_then(|every| after(now, every));
        self.reminder = self.reminder.map(|due| latest.map_or(due, |latest| due.min(latest)));
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

#[cfg(test)]
mod tests {
    use jiff::civil::time;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::deliver::people::At;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_that_was_set_back_holds_up_no_summary() {
        let manners = Manners {
            digest: Some(At::new(time(8, 0, 0, 0), None, TimeZone::UTC)),
            remind: Some(Duration::from_secs(4 * 3600)),
            ..Manners::default()
        };
        let then = moment("2027-03-01T08:00:00Z");
        let mut summaries = Summaries {
            read: true,
            reminder: after(then, Duration::from_secs(4 * 3600)),
            digest: Some(moment("2027-03-02T08:00:00Z")),
            summed: Some(then),
            ..Summaries::wanted_from(then)
        };
        let before = (summaries.reminder, summaries.digest, summaries.summed);
        summaries.set_back(&manners, moment("2027-03-01T09:00:00Z"));
        assert_eq!((summaries.reminder, summaries.digest, summaries.summed), before, "time goes on");
        summaries.set_back(&manners, then - SignedDuration::from_millis(100));
        assert_eq!((summaries.digest, summaries.summed), (before.1, before.2), "a digest is not sent twice");
        let now = moment("2026-11-20T10:00:00Z");
        summaries.set_back(&manners, now);
        assert_eq!(summaries.reminder, Some(moment("2026-11-20T14:00:00Z")));
        assert_eq!((summaries.digest, summaries.summed), (Some(moment("2026-11-21T08:00:00Z")), Some(now)));
    }
}
