//! What goes into the store with a pass and what comes out: ledgers, events, deliveries, figures.

use std::time::Duration;

use evenkeel_core::event::{Event, EventType, Severity, Transition};
use evenkeel_core::fingerprint::Fingerprint;
use evenkeel_core::id::{DriftId, EventId, Subject};
use evenkeel_core::identity::hosts::NetboxRef;
use evenkeel_core::ledger::{Entry, Ledger};
use jiff::Timestamp;

use crate::query::DeliveryState;
use crate::rows::JournalRow;

/// Who may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leadership {
    /// This process.
    Ours {
        /// Rises with every change of leader: what was loaded under another one may be outdated.
        epoch: u64,
    },
    /// Another one.
    Theirs {
        /// Who, in its own words.
        holder: String,
        /// When its right ends unless it is renewed, by the database's clock.
        until: Timestamp,
    },
}

/// What is known about one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Its drifts.
    pub ledger: Ledger,
    /// How often it was committed; 0 if never. The next commit must name it.
    pub revision: u64,
    /// The stamp of the world at the last pass that left nothing to be done.
    pub fingerprint: Option<Fingerprint>,
    /// The NetBox object it was last matched with.
    pub identity: Option<NetboxRef>,
}

impl Loaded {
    /// What is known about a subject nobody has committed.
    pub fn unknown(subject: Subject) -> Self {
        Self { ledger: Ledger::new(subject), revision: 0, fingerprint: None, identity: None }
    }
}

/// Everything one pass changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassCommit {
    /// The subject.
    pub subject: Subject,
    /// The revision the pass was based on ([`Loaded::revision`]).
    pub expected_revision: u64,
    /// When its first complete pass was made; `None` leaves what is there.
    pub born: Option<Timestamp>,
    /// Entries that are new or differ.
    pub upserts: Vec<Entry>,
    /// Entries that are gone.
    pub removals: Vec<DriftId>,
    /// Events, in the order they happened.
    pub events: Vec<Event>,
    /// What goes to the sinks, in the order it must arrive there.
    pub deliveries: Vec<NewDelivery>,
    /// The stamp of the world this pass saw if it left nothing to be done; `None` clears it.
    pub fingerprint: Option<Fingerprint>,
    /// What was decided and done.
    pub journal: Vec<JournalRow>,
    /// The time of the pass: deliveries are due from then on.
    pub at: Timestamp,
}

impl PassCommit {
    /// A commit that changes nothing but the revision, to be filled in.
    pub fn new(subject: Subject, expected_revision: u64, at: Timestamp) -> Self {
        Self {
            subject,
            expected_revision,
            born: None,
            upserts: Vec::new(),
            removals: Vec::new(),
            events: Vec::new(),
            deliveries: Vec::new(),
            fingerprint: None,
            journal: Vec::new(),
            at,
        }
    }
}

/// What a commit led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The subject's revision now.
    pub revision: u64,
    /// The sequence numbers of the events, in the order given. They rise from commit to commit; there may be gaps.
    pub event_seqs: Vec<u64>,
}

/// That one sink is to get one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// The sink's configured name.
    pub sink: String,
    /// The event it is about; in the same commit or an earlier one.
    pub event: EventId,
    /// What must stay in order: the drift's text form.
    pub drift_key: String,
}

/// The right to settle one claimed delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    /// The delivery.
    pub delivery: u64,
    /// Which attempt this is; a later claim outdates the ticket.
    pub attempt: u32,
}

/// A delivery taken from the outbox, hidden from others until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The right to settle it.
    pub ticket: Ticket,
    /// The sink's configured name.
    pub sink: String,
    /// The event or notice it is about: the idempotency key.
    pub event: EventId,
    /// What must stay in order: a drift's text form, or what [`Notice::order_key`] gives.
    ///
    /// [`Notice::order_key`]: evenkeel_core::remediation::Notice::order_key
    pub drift_key: String,
    /// The event in its canonical form, or the notice, as it was committed: at every attempt the same bytes.
    pub payload: Vec<u8>,
    /// Since when it is tried: when it was put into the outbox, or sent again by hand.
    pub since: Timestamp,
}

/// How an attempt to deliver ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The sink has it.
    Delivered,
    /// Not yet: try again then.
    Retry {
        /// When.
        at: Timestamp,
        /// What the sink said.
        why: String,
    },
    /// Never: kept visible until it is sent again by hand.
    Dead {
        /// What the sink said.
        why: String,
    },
}

/// A delivery as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// The delivery.
    pub id: u64,
    /// The sink's configured name.
    pub sink: String,
    /// The event or notice it is about.
    pub event: EventId,
    /// What must stay in order.
    pub drift_key: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was put into the outbox.
    pub created_at: Timestamp,
    /// When it is tried next, or when its lease ends.
    pub due_at: Timestamp,
    /// Since when it is claimed, if it is.
    pub claimed_at: Option<Timestamp>,
    /// When it was delivered or given up.
    pub settled_at: Option<Timestamp>,
    /// What the sink said the first time it failed.
    pub first_error: Option<String>,
    /// What the sink said the last time it failed.
    pub last_error: Option<String>,
}

/// Which dead deliveries to send again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resend {
    /// This one.
    Delivery(u64),
    /// Those of this event or notice.
    Event(EventId),
    /// Those of this sink.
    Sink(String),
}

/// An event with its place in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its sequence number: rises with every event.
    pub seq: u64,
    /// The host or source it belongs to.
    pub subject: Subject,
    /// The event. [`Event::drift`] is not kept; the text form is.
    pub event: Event,
}

/// That a drift opened or ended: as much of an event as its place in time needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnRow {
    /// The event's sequence number.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The host or source it belongs to.
    pub subject: Subject,
    /// The drift's handle.
    pub handle: String,
    /// Its type.
    pub event_type: EventType,
    /// Opened, reopened or resolved.
    pub transition: Transition,
}

/// How many drifts are open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenCount {
    /// Of this type.
    pub event_type: EventType,
    /// Of this severity.
    pub severity: Severity,
    /// Folded under another drift, or standing for themselves.
    pub folded: bool,
    /// How many.
    pub count: u64,
}

/// What waits for one sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxDepth {
    /// The sink's configured name.
    pub sink: String,
    /// Neither delivered nor dead.
    pub pending: u64,
    /// Given up.
    pub dead: u64,
    /// Since when the oldest pending one is tried.
    pub oldest_pending: Option<Timestamp>,
}

/// How much is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Subjects with a ledger.
    pub subjects: u64,
    /// Pending drifts.
    pub drifts_pending: u64,
    /// Open drifts.
    pub drifts_open: u64,
    /// Resolved drifts still kept.
    pub drifts_resolved: u64,
    /// Events.
    pub events: u64,
    /// The newest event's sequence number; 0 if there was none yet.
    pub last_seq: u64,
    /// Deliveries, settled ones included.
    pub deliveries: u64,
    /// Observed snapshots.
    pub observed_snapshots: u64,
    /// Expected snapshots.
    pub expected_snapshots: u64,
    /// Journal rows.
    pub journal: u64,
    /// Proposals.
    pub proposals: u64,
    /// Notices that sinks are told.
    pub notices: u64,
    /// Size of the database in bytes.
    pub bytes: u64,
}

/// How many rows the tables hold that grow with time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Events.
    pub events: u64,
    /// Deliveries, settled ones included.
    pub deliveries: u64,
    /// Observed snapshots.
    pub observed_snapshots: u64,
    /// Expected snapshots.
    pub expected_snapshots: u64,
    /// Journal rows.
    pub journal: u64,
    /// Proposals.
    pub proposals: u64,
    /// Notices that sinks are told.
    pub notices: u64,
}

/// What saving snapshots led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Kept, because new or changed.
    pub changed: u64,
    /// Seen again as they were.
    pub unchanged: u64,
    /// Ignored, because older than what is kept.
    pub stale: u64,
}

/// How long and how many to keep. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Nothing older.
    pub age: Option<Duration>,
    /// No more than this many.
    pub count: Option<u64>,
}

impl Keep {
    /// Keeps what is younger than this many days, and no more than this many.
    pub const fn new(days: u64, count: u64) -> Self {
        Self { age: Some(Duration::from_secs(days * 86_400)), count: Some(count) }
    }
}

/// What [`Store::prune`](crate::Store::prune) leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Events; and notices, each by these limits.
    pub events: Keep,
    /// Expected and observed snapshots, each; the newest of every host stays in any case.
    pub snapshots: Keep,
    /// Delivered deliveries.
    pub delivered: Keep,
    /// Dead deliveries.
    pub dead: Keep,
    /// The journal; and silences that are over, each by these limits.
    pub journal: Keep,
    /// Proposals, by when they last changed; what is not over or still counts stays in any case.
    pub proposals: Keep,
}

impl Default for RetentionPolicy {
    /// Events, dead deliveries, the journal and proposals for 90 days, snapshots for 30, delivered deliveries for 7. The counts are
    /// what a fleet in trouble reaches, not one at work.
    fn default() -> Self {
        Self {
            events: Keep::new(90, 1_000_000),
            snapshots: Keep::new(30, 200_000),
            delivered: Keep::new(7, 500_000),
            dead: Keep::new(90, 100_000),
            journal: Keep::new(90, 200_000),
            proposals: Keep::new(90, 50_000),
        }
    }
}

/// How many rows were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Events.
    pub events: u64,
    /// Expected and observed snapshots.
    pub snapshots: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Journal rows.
    pub journal: u64,
    /// Proposals. Callbacks go with them, or when their time is long up, and are not counted.
    pub proposals: u64,
    /// Notices.
    pub notices: u64,
    /// Silences.
    pub silences: u64,
}
