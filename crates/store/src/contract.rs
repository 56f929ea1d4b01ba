//! What every database behind evenkeel promises. One suite, `conformance`, holds each of them to it.
//!
//! Time is always an argument; no implementation reads a clock.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use evenkeel_core::id::{EventId, HostName, SourceId, Subject};
use evenkeel_core::identity::hosts::NetboxRef;
use evenkeel_core::ledger::Entry;
use jiff::Timestamp;

use crate::clock::ClockStore;
use crate::error::Result;
use crate::query::{Cursor, DeliveryFilter, DriftFilter, EventFilter, ExportStream, JournalFilter, Page};
use crate::repairs::{Callback, ProposalFilter, ProposalRow, RepairCommit, Repairs, TokenHash};
use crate::rows::{AssetRow, ExpectedRow, JournalRow, ObservedRow, SavedInventory, SavedStatus};
use crate::sessions::SessionRow;
use crate::silences::SilenceStore;
use crate::types::{
    Claimed, Committed, DeliveryRow, Leadership, Loaded, OpenCount, OutboxDepth, Outcome, PassCommit, Pruned,
    Resend, RetentionPolicy, RowCounts, Saved, Stats, StoredEvent, Ticket, TurnRow,
};

/// Where everything that must survive a restart is kept. Silences made at run time have a file of their own
/// ([`SilenceStore`]), and so has a clock that is set back ([`ClockStore`]).
#[async_trait]
pub trait Store: SilenceStore + ClockStore + Send + Sync {
    /// The database as the operator knows it: a path, or an address without credentials.
    fn at(&self) -> &str;

    // Leadership: of all processes that have this database open, one writes

    /// Takes the right to write for `ttl`, or keeps it for that long from now; the database's clock counts. Whoever has
    /// it renews it well before its end. A right that ran out and that nobody took meanwhile is renewed as it was.
    ///
    /// Without it every method that writes fails with [`Error::NotLeader`](crate::Error::NotLeader) and changes nothing:
    /// also when it was lost a moment ago and the loser does not know yet. What an earlier leader had claimed is due
    /// again at once. A file is led by whoever has it open.
    async fn lead(&self, who: &str, ttl: Duration) -> Result<Leadership>;

    /// Gives the right to write back, so that the next process need not wait for its end.
    async fn resign(&self) -> Result<()>;

    /// Waits until another process says that something changed: a delivery to be made, a leader that left. Only a hint:
    /// it may come late, come twice or never, and nobody may rely on it.
    async fn hint(&self);

    /// Keeps what the leader shows at this moment in place of what it showed before, for those who only read.
    async fn save_status(&self, status: &SavedStatus) -> Result<()>;

    /// What the leader last kept that it shows.
    async fn last_status(&self) -> Result<Option<SavedStatus>>;

    // Ledger

    /// What is known about one subject; for an unknown one an empty ledger of revision 0.
    async fn load(&self, subject: &Subject) -> Result<Loaded>;

    /// What is known about every subject, sorted by the subject's text form. One query, for the start.
    async fn load_all(&self) -> Result<Vec<Loaded>>;

    /// Writes one pass: ledger, events, outbox and journal, all of it or nothing. Refused with
    /// [`Error::Conflict`](crate::Error::Conflict) if the subject's revision is not the expected one.
    ///
    /// Passes of several callers at the same time may share one transaction of the database; the outcome is each
    /// caller's own. Dropping the future leaves open whether it was written; the revision tells.
    async fn commit(&self, pass: PassCommit) -> Result<Committed>;

    /// Writes several passes in one transaction of the database. Each has its own outcome, in the order given: one that
    /// is refused keeps none of the others from being written.
    async fn commit_all(&self, passes: Vec<PassCommit>) -> Vec<Result<Committed>>;

    /// Remembers (or with `None` forgets) which NetBox object each subject was matched with.
    async fn remember(&self, matches: &[(Subject, Option<NetboxRef>)]) -> Result<()>;

    // Repairs

    /// What the planner needs: the proposals that are not over, those dispatched at or after `since`, and all of drifts
    /// that are open in the ledger, however old; and what persons and the brake decided.
    ///
    /// A proposal that cannot be read back fails the whole answer with [`Error::Corrupt`](crate::Error::Corrupt), which
    /// names its key: without it the planner would count too few, and might do something twice.
    async fn repairs(&self, since: Timestamp) -> Result<Repairs>;

    /// Writes one step of repairs: proposals, controls, callbacks, journal, notices and their deliveries, all of it or
    /// nothing.
    ///
    /// Refused with [`Error::Conflict`](crate::Error::Conflict) if a proposal or the controls are not at the revision
    /// expected (a new one: if it is there already), or if the callback that is used up is unknown or used already.
    /// Whether its time is up is for the caller to say. Refused with [`Error::Refused`](crate::Error::Refused) is what
    /// contradicts what is there: a token or a notice's id twice, a callback of a proposal that does not exist.
    ///
    /// Dropping the future leaves open whether it was written; the revisions tell.
    async fn commit_repair(&self, step: RepairCommit) -> Result<()>;

    /// A callback, used or not, as long as it is kept: until its proposal goes, or a day after its time was up.
    async fn callback(&self, token: TokenHash) -> Result<Option<Callback>>;

    /// Proposals, newest first: in the order in which they were made. The cursor stays valid while proposals are added,
    /// changed and pruned. What cannot be read back fails as in [`Store::repairs`].
    async fn proposals(
        &self,
        filter: &ProposalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ProposalRow>>;

    // Snapshots: a row only where something changed

    /// Keeps what sources reported, where it differs from the newest kept for the same host and source; otherwise only
    /// notes that it was seen again. A report older than the newest is ignored.
    async fn save_observed(&self, rows: &[ObservedRow]) -> Result<Saved>;

    /// What each source shows of a host, as last kept: one row per source, each with when it was last seen so.
    async fn shown(&self, host: &HostName) -> Result<Vec<ObservedRow>>;

    /// The sources that ever showed a host completely, as last kept.
    async fn sources_shown(&self) -> Result<BTreeSet<SourceId>>;

    /// Keeps what is declared, where it differs from the newest kept for the same kind and host.
    async fn save_expected(&self, rows: &[ExpectedRow]) -> Result<Saved>;

    /// Keeps the last complete inventory of a NetBox in place of the one before.
    async fn save_inventory(&self, inventory: &SavedInventory) -> Result<()>;

    /// The last complete inventory of a NetBox.
    async fn last_inventory(&self, source: &SourceId) -> Result<Option<SavedInventory>>;

    /// Makes sure each configured source is listed.
    async fn save_sources(&self, sources: &[SourceId], at: Timestamp) -> Result<()>;

    /// Lists or updates declared hosts.
    async fn save_assets(&self, assets: &[AssetRow], at: Timestamp) -> Result<()>;

    // Outbox: events and notices on their way. What is said of an event holds for a notice: its own JSON is the payload,
    // its id the event's, its order key the drift's. Nothing else shows notices as events.

    /// Takes up to `limit` due deliveries, of one sink or of all in fair shares, and hides them for `lease`.
    ///
    /// A delivery is held back while an earlier one of the same sink and drift is neither delivered nor dead, so order
    /// per drift is kept; a dead one holds nothing back (it is visible and can be sent again). A lease that ends
    /// unsettled makes the delivery due again. What cannot be read back is dead, with its cause, and holds up nothing.
    async fn claim(
        &self,
        sink: Option<&str>,
        limit: u32,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Claimed>>;

    /// Says how claimed deliveries ended, all in one transaction. Says for each whether that changed anything: `Delivered`
    /// counts even when the lease has passed on, because it is a fact; `Retry` and `Dead` of an outdated ticket do not.
    async fn settle_all(&self, outcomes: &[(Ticket, Outcome)], now: Timestamp) -> Result<Vec<bool>>;

    /// Says how one claimed delivery ended; see [`Store::settle_all`].
    async fn settle(&self, ticket: Ticket, outcome: Outcome, now: Timestamp) -> Result<bool> {
        let changed = self.settle_all(&[(ticket, outcome)], now).await?;
        Ok(changed.first().copied().unwrap_or(false))
    }

    /// Gives claimed deliveries back unsent (graceful stop); the attempt is not counted.
    async fn release(&self, tickets: &[Ticket], now: Timestamp) -> Result<()>;

    /// Makes due now what a sink is still to be told and nobody has claimed, whatever it waits for; returns how many. For a
    /// receiver that is back.
    async fn hurry(&self, sink: &str, now: Timestamp) -> Result<u64>;

    /// When the next delivery that nothing holds back is due; in the past if one is due already.
    async fn next_due(&self) -> Result<Option<Timestamp>>;

    /// Deliveries, newest first.
    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DeliveryRow>>;

    /// Makes dead deliveries due again; returns how many.
    async fn resend(&self, what: Resend, now: Timestamp) -> Result<u64>;

    // Questions

    /// Events, newest first. The cursor stays valid while events are added and pruned.
    async fn events(
        &self,
        filter: &EventFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<StoredEvent>>;

    /// What opened, opened again and was resolved not before `since`, and after the event with this sequence number: the
    /// newest ones, at most so many, newest first. Without what the events say: cheap where there are many.
    async fn turns(&self, after: u64, since: Timestamp, limit: u32) -> Result<Vec<TurnRow>>;

    /// The last sign of life in the store: when anything was last noted as seen. Asked for at a start, before anything is
    /// written: it says how long an earlier run, which may have been killed, lasted at least.
    async fn last_sign(&self) -> Result<Option<Timestamp>>;

    /// Events behind this number, oldest first: how a reader that keeps up goes on.
    async fn events_behind(&self, seq: u64, limit: u32) -> Result<Vec<StoredEvent>>;

    /// One event.
    async fn event(&self, id: EventId) -> Result<Option<StoredEvent>>;

    /// Ledger entries of any subject, in the order they were first stored.
    async fn drifts(&self, filter: &DriftFilter, after: Option<Cursor>, limit: u32) -> Result<Page<Entry>>;

    /// The entries behind a handle, in any case; more than one only where two drifts share it.
    async fn drift_by_handle(&self, handle: &str) -> Result<Vec<Entry>>;

    /// Open drifts, counted by type, severity and whether they are folded under another.
    async fn open_counts(&self) -> Result<Vec<OpenCount>>;

    /// What waits in the outbox, by sink.
    async fn outbox(&self) -> Result<Vec<OutboxDepth>>;

    /// How much is kept, counted. As slow as the tables are large: for a person who asks, not for what asks every minute.
    async fn stats(&self) -> Result<Stats>;

    /// Events, snapshots and silences as JSON Lines, oldest first within each kind, read page by page.
    fn export(&self, since: Option<Timestamp>) -> ExportStream<'_>;

    // Journal

    // Append-only, and the database sees to it, for every connection: no row is changed, and none goes but through
    // `prune`, which says first, in a place that never falls back (`journal_horizon`), up to which row they may go.

    /// Notes what was decided or done outside a pass.
    async fn note(&self, rows: &[JournalRow]) -> Result<()>;

    /// Journal rows, newest first.
    async fn journal(
        &self,
        filter: &JournalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<JournalRow>>;

    // Sessions: who is logged in. Written by every replica, whoever leads: who may look is no question of leadership.

    /// Keeps a session and the journal's line about it, both or neither. Of one who has more than fifty the oldest go.
    async fn begin_session(&self, session: &SessionRow, note: &JournalRow) -> Result<()>;

    /// The session whose browser shows this, as long as it is kept. Whether its time is up is for the caller to say.
    async fn session(&self, token: TokenHash) -> Result<Option<SessionRow>>;

    /// Notes that a session was seen at this moment. An earlier one changes nothing.
    async fn touch_session(&self, token: TokenHash, at: Timestamp) -> Result<()>;

    /// Ends a session, with the journal's line about it. `false`: there was none, and nothing is noted.
    async fn end_session(&self, token: TokenHash, note: &JournalRow) -> Result<bool>;

    /// Notes in the journal what happened at the door: who did not get in. As sessions, whoever leads.
    async fn note_at_door(&self, row: &JournalRow) -> Result<()>;

    // Housekeeping

    /// Removes what is older or more than the policy keeps, in small transactions, between which others get in. Never
    /// removes a delivery that is not settled, the event or notice of such a delivery, a ledger entry, the newest snapshot
    /// of anything, or a proposal that is not over, was dispatched within the last 24 hours, or is of an open drift.
    /// Silences go by the journal's limits, from a day after they were over.
    /// Callbacks and sessions whose time was up a day ago go whatever the policy says. Works on a full disk as far as the database can: it is what makes room again. A run that is interrupted
    /// keeps what it did.
    async fn prune(&self, policy: &RetentionPolicy, now: Timestamp) -> Result<Pruned>;

    /// What the database takes up on its disk, in bytes: of a database shared with others, evenkeel's own part, indexes
    /// included. Cheap: asked every minute.
    async fn size(&self) -> Result<u64>;

    /// About how many rows each table holds: exact up to ten thousand, from there on as near as can be told without
    /// reading the table. Cheap: asked every minute.
    async fn rows(&self) -> Result<RowCounts>;

    /// Whether the database answers and can be written.
    async fn health(&self) -> Result<()>;

    /// Finishes what is under way and lets go of the database. Further calls fail as unavailable.
    async fn close(&self);
}
