//! The store in PostgreSQL: tables that an installation already has, adopted in place, and our own beside them.
//!
//! Several processes may have it open; one of them leads and writes. What every method of the contract does lies in the
//! file named after it; here is how a store is opened and closed, and who is called.

mod address;
mod adopt;
mod batch;
mod clock;
mod commit;
mod export;
mod face;
mod failure;
mod hint;
mod journal;
mod lease;
mod ledger;
mod migrate;
mod open;
mod outbox;
mod paging;
mod queries;
mod repair_commit;
mod repairs;
mod retention;
mod rights;
mod sequences;
mod session;
mod sessions;
mod silences;
mod size;
mod snapshots;
mod status;
mod stored_event;
mod trial;
mod turns;
mod values;

pub use address::Options;
pub use face::{Face, Relation, Standing};

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use async_trait::async_trait;
use evenkeel_core::id::{EventId, HostName, SourceId, Subject};
use evenkeel_core::identity::hosts::NetboxRef;
use evenkeel_core::ledger::Entry;
use jiff::Timestamp;
use sqlx::PgPool;

use crate::contract::Store;
use crate::error::Result;
use crate::group::{self, Committer, Queue};
use crate::query::{Cursor, DeliveryFilter, DriftFilter, EventFilter, ExportStream, JournalFilter, Page};
use crate::repairs::{Callback, ProposalFilter, ProposalRow, RepairCommit, Repairs, TokenHash};
use crate::rows::{AssetRow, ExpectedRow, JournalRow, ObservedRow, SavedInventory, SavedStatus};
use crate::sessions::SessionRow;
use crate::types::{
    Claimed, Committed, DeliveryRow, Leadership, Loaded, OpenCount, OutboxDepth, Outcome, PassCommit, Pruned,
    Resend, RetentionPolicy, RowCounts, Saved, Stats, StoredEvent, Ticket, TurnRow,
};

/// A [`Store`] in PostgreSQL 13 or newer. Clones share it.
#[derive(Clone, Debug)]
pub struct PgStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The database as the operator knows it.
    at: Arc<str>,
    pool: PgPool,
    /// For leading alone.
    steady: PgPool,
    begin_reading: Arc<str>,
    begin_writing: Arc<str>,
    /// Nothing survives a transaction.
    pooled: bool,
    read_only: bool,
    /// Under which we lead; [`lease::NONE`] if we do not.
    epoch: AtomicI64,
    queue: Queue,
    /// What others are told on.
    channel: Arc<str>,
    listening: hint::Listening,
}

impl PgStore {
    /// Opens a database, adopting or migrating what is in it. Before it writes, it must [`lead`](Store::lead).
    pub async fn open(options: &Options) -> Result<Self> {
        let store = Self::build(options, false)?;
        store.inner.migrate(&options.schema).await?;
        Ok(store)
    }

    /// Opens a database for questions only.
    pub async fn open_read_only(options: &Options) -> Result<Self> {
        let store = Self::build(options, true)?;
        store.inner.check_version(&options.schema).await?;
        Ok(store)
    }

    fn build(options: &Options, read_only: bool) -> Result<Self> {
        let open::Server { at, pool, steady, begin_reading, begin_writing, channel } =
            open::server(options, read_only)?;
        Ok(Self {
            inner: Arc::new(Inner {
                at,
                pool,
                steady,
                begin_reading,
                begin_writing,
                pooled: options.transaction_pooler,
                read_only,
                epoch: AtomicI64::new(lease::NONE),
                queue: Queue::default(),
                channel,
                listening: hint::Listening::default(),
            }),
        })
    }
}

#[async_trait]
impl Committer for Inner {
    async fn commit_together(&self, passes: &[&PassCommit]) -> Result<Vec<Result<Committed>>> {
        self.within(self.adding(|| self.together(passes))).await
    }

    fn at(&self) -> &str {
        &self.at
    }

    fn queue(&self) -> &Queue {
        &self.queue
    }
}

#[async_trait]
impl Store for PgStore {
    fn at(&self) -> &str {
        &self.inner.at
    }

    async fn lead(&self, who: &str, ttl: Duration) -> Result<Leadership> {
        self.inner.within_steady(self.inner.lead(who, ttl)).await
    }

    async fn resign(&self) -> Result<()> {
        self.inner.within_steady(self.inner.resign()).await
    }

    async fn hint(&self) {
        self.inner.hint().await;
    }

    async fn save_status(&self, status: &SavedStatus) -> Result<()> {
        self.inner.within(self.inner.save_status(status)).await
    }

    async fn last_status(&self) -> Result<Option<SavedStatus>> {
        self.inner.within(self.inner.last_status()).await
    }

    async fn load(&self, subject: &Subject) -> Result<Loaded> {
        self.inner.within(self.inner.load(subject)).await
    }

    async fn load_all(&self) -> Result<Vec<Loaded>> {
        self.inner.within(self.inner.load_all()).await
    }

    async fn commit(&self, pass: PassCommit) -> Result<Committed> {
        group::commit(&self.inner, pass).await
    }

    async fn commit_all(&self, passes: Vec<PassCommit>) -> Vec<Result<Committed>> {
        group::commit_all(&*self.inner, passes).await
    }

    async fn remember(&self, matches: &[(Subject, Option<NetboxRef>)]) -> Result<()> {
        self.inner.within(self.inner.remember(matches)).await
    }

    async fn repairs(&self, since: Timestamp) -> Result<Repairs> {
        self.inner.within(self.inner.repairs(since)).await
    }

    async fn commit_repair(&self, step: RepairCommit) -> Result<()> {
        self.inner.within(self.inner.adding(|| self.inner.commit_repair(&step))).await
    }

    async fn callback(&self, token: TokenHash) -> Result<Option<Callback>> {
        self.inner.within(self.inner.callback(token)).await
    }

    async fn proposals(
        &self,
        filter: &ProposalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ProposalRow>> {
        self.inner.within(self.inner.proposals(filter, after, limit)).await
    }

    async fn save_observed(&self, rows: &[ObservedRow]) -> Result<Saved> {
        self.inner.within(self.inner.adding(|| self.inner.save_observed(rows))).await
    }

    async fn shown(&self, host: &HostName) -> Result<Vec<ObservedRow>> {
        self.inner.within(self.inner.shown(host)).await
    }

    async fn sources_shown(&self) -> Result<BTreeSet<SourceId>> {
        self.inner.within(self.inner.sources_shown()).await
    }

    async fn save_expected(&self, rows: &[ExpectedRow]) -> Result<Saved> {
        self.inner.within(self.inner.adding(|| self.inner.save_expected(rows))).await
    }

    async fn save_inventory(&self, inventory: &SavedInventory) -> Result<()> {
        self.inner.within(self.inner.save_inventory(inventory)).await
    }

    async fn last_inventory(&self, source: &SourceId) -> Result<Option<SavedInventory>> {
        self.inner.within(self.inner.last_inventory(source)).await
    }

    async fn save_sources(&self, sources: &[SourceId], at: Timestamp) -> Result<()> {
        self.inner.within(self.inner.adding(|| self.inner.save_sources(sources, at))).await
    }

    async fn save_assets(&self, assets: &[AssetRow], at: Timestamp) -> Result<()> {
        self.inner.within(self.inner.adding(|| self.inner.save_assets(assets, at))).await
    }

    async fn claim(
        &self,
        sink: Option<&str>,
        limit: u32,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Claimed>> {
        self.inner.within(self.inner.claim(sink, limit, lease, now)).await
    }

    async fn settle_all(&self, outcomes: &[(Ticket, Outcome)], now: Timestamp) -> Result<Vec<bool>> {
        self.inner.within(self.inner.settle_all(outcomes, now)).await
    }

    async fn release(&self, tickets: &[Ticket], now: Timestamp) -> Result<()> {
        self.inner.within(self.inner.release(tickets, now)).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.inner.within(self.inner.next_due()).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DeliveryRow>> {
        self.inner.within(self.inner.deliveries(filter, after, limit)).await
    }

    async fn hurry(&self, sink: &str, now: Timestamp) -> Result<u64> {
        self.inner.within(self.inner.hurry(sink, now)).await
    }

    async fn resend(&self, what: Resend, now: Timestamp) -> Result<u64> {
        self.inner.within(self.inner.resend(what, now)).await
    }

    async fn events(
        &self,
        filter: &EventFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<StoredEvent>> {
        self.inner.within(self.inner.events(filter, after, limit)).await
    }

    async fn turns(&self, after: u64, since: Timestamp, limit: u32) -> Result<Vec<TurnRow>> {
        self.inner.within(self.inner.turns(after, since, limit)).await
    }

    async fn last_sign(&self) -> Result<Option<Timestamp>> {
        self.inner.within(self.inner.last_sign()).await
    }

    async fn events_behind(&self, seq: u64, limit: u32) -> Result<Vec<StoredEvent>> {
        self.inner.within(self.inner.events_behind(seq, limit)).await
    }

    async fn event(&self, id: EventId) -> Result<Option<StoredEvent>> {
        self.inner.within(self.inner.event(id)).await
    }

    async fn drifts(&self, filter: &DriftFilter, after: Option<Cursor>, limit: u32) -> Result<Page<Entry>> {
        self.inner.within(self.inner.drifts(filter, after, limit)).await
    }

    async fn drift_by_handle(&self, handle: &str) -> Result<Vec<Entry>> {
        self.inner.within(self.inner.drift_by_handle(handle)).await
    }

    async fn open_counts(&self) -> Result<Vec<OpenCount>> {
        self.inner.within(self.inner.open_counts()).await
    }

    async fn outbox(&self) -> Result<Vec<OutboxDepth>> {
        self.inner.within(self.inner.outbox()).await
    }

    async fn stats(&self) -> Result<Stats> {
        self.inner.within(self.inner.stats()).await
    }

    fn export(&self, since: Option<Timestamp>) -> ExportStream<'_> {
        export::stream(&self.inner, since)
    }

    async fn note(&self, rows: &[JournalRow]) -> Result<()> {
        self.inner.within(self.inner.adding(|| self.inner.note(rows))).await
    }

    async fn journal(
        &self,
        filter: &JournalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<JournalRow>> {
        self.inner.within(self.inner.journal(filter, after, limit)).await
    }

    async fn begin_session(&self, session: &SessionRow, note: &JournalRow) -> Result<()> {
        self.inner.within(self.inner.adding(|| self.inner.begin_session(session, note))).await
    }

    async fn session(&self, token: TokenHash) -> Result<Option<SessionRow>> {
        self.inner.within(self.inner.session(token)).await
    }

    async fn touch_session(&self, token: TokenHash, at: Timestamp) -> Result<()> {
        self.inner.within(self.inner.touch_session(token, at)).await
    }

    async fn end_session(&self, token: TokenHash, note: &JournalRow) -> Result<bool> {
        self.inner.within(self.inner.adding(|| self.inner.end_session(token, note))).await
    }

    async fn note_at_door(&self, row: &JournalRow) -> Result<()> {
        self.inner.within(self.inner.adding(|| self.inner.note_at_door(row))).await
    }

    async fn prune(&self, policy: &RetentionPolicy, now: Timestamp) -> Result<Pruned> {
        self.inner.prune(policy, now).await
    }

    async fn size(&self) -> Result<u64> {
        self.inner.within(self.inner.size()).await
    }

    async fn rows(&self) -> Result<RowCounts> {
        self.inner.within(self.inner.rows()).await
    }

    async fn health(&self) -> Result<()> {
        self.inner.within(self.inner.health()).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
