//! What a sink was told, read from the outbox, and when it was last told a summary, read from the journal.

use std::time::Duration;

use evenkeel_core::{Event, EventId, Transition};
use evenkeel_store::{
    Claimed, DeliveryFilter, DeliveryState, Error, JournalFilter, JournalKind, JournalRow, Store,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// How many deliveries of one drift are read at once.
const PAGE: u32 = 50;

/// Whether people were told of a trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::deliver) enum Told {
    /// They were.
    Yes,
    /// They were not.
    No,
    /// What would say so is not kept any more.
    Unknown,
}

/// A run of a drift, as one sink sees it.
#[derive(Clone, Copy, Debug)]
pub(in crate::deliver) struct Run<'a> {
    pub(in crate::deliver) sink: &'a str,
    /// The drift's text form.
    pub(in crate::deliver) drift_key: &'a str,
    /// When it began.
    pub(in crate::deliver) since: Timestamp,
    /// For how long delivered deliveries are kept; `None`: for ever, or by number, which says nothing about time.
    pub(in crate::deliver) kept: Option<Duration>,
}

/// Whether the sink took an event of this run that told of trouble.
pub(in crate::deliver) async fn told(store: &dyn Store, run: Run<'_>, now: Timestamp) -> Result<Told, Error> {
    let filter = DeliveryFilter {
        states: vec![DeliveryState::Delivered],
        sink: Some(run.sink.to_owned()),
        drift_key: Some(run.drift_key.to_owned()),
        ..DeliveryFilter::default()
    };
    let mut after = None;
    loop {
        let page = store.deliveries(&filter, after, PAGE).await?;
        for row in &page.rows {
            if row.created_at < run.since {
                return Ok(Told::No);
            }
            // A resolve that was withheld is settled like one that was sent; it tells nothing about its beginning.
            let event = store.event(row.event).await?;
            if event.is_none_or(|stored| stored.event.transition != Transition::Resolved) {
                return Ok(Told::Yes);
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let kept_since = run.kept.and_then(|kept| SignedDuration::try_from(kept).ok());
    let kept_since = kept_since.and_then(|kept| now.checked_sub(kept).ok());
    Ok(if kept_since.is_some_and(|kept| run.since > kept) { Told::No } else { Told::Unknown })
}

/// `Some`: what a claimed event tells of is over by now, and these events of it wait behind it. What is sent again may be over
/// for long; the ledger in the store says so, which was written together with the delivery.
pub(super) async fn over(
    store: &dyn Store,
    claim: &Claimed,
    event: &Event,
) -> Result<Option<Vec<EventId>>, Error> {
    let entries = store.drift_by_handle(&event.handle).await?;
    if entries.iter().any(|entry| entry.is_open() && entry.id.to_string() == claim.drift_key) {
        return Ok(None);
    }
    let filter = DeliveryFilter {
        states: vec![DeliveryState::Pending],
        sink: Some(claim.sink.clone()),
        drift_key: Some(claim.drift_key.clone()),
        ..DeliveryFilter::default()
    };
    let page = store.deliveries(&filter, None, PAGE).await?;
    let behind = page.rows.iter().filter(|row| row.id > claim.ticket.delivery);
    Ok(Some(behind.map(|row| row.event).collect()))
}

/// A summary that is told again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Summary {
    Reminder,
    Digest,
}

impl Summary {
    fn as_str(self) -> &'static str {
        match self {
            Self::Reminder => "reminder",
            Self::Digest => "digest",
        }
    }

    /// Under which the journal knows it. No drift has such a text form.
    fn key(self, sink: &str) -> String {
        format!("sink:{sink}:{}", self.as_str())
    }
}

/// When the summary was last told, or when it was first wanted.
pub(super) async fn last(store: &dyn Store, sink: &str, what: Summary) -> Result<Option<Timestamp>, Error> {
    let filter = JournalFilter { drift_key: Some(what.key(sink)), ..JournalFilter::default() };
    let page = store.journal(&filter, None, 1).await?;
    Ok(page.rows.first().map(|row| row.at))
}

/// Notes that it was told now, or is wanted from now on.
pub(super) async fn mark(
    store: &dyn Store,
    sink: &str,
    what: Summary,
    text: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let row = JournalRow {
        kind: JournalKind::Log,
        at,
        subject: None,
        event: None,
        drift_key: Some(what.key(sink)),
        actor: "evenkeel".to_owned(),
        text: format!("{} for {sink}: {text}", what.as_str()),
        data: Value::Null,
    };
    store.note(&[row]).await
}
