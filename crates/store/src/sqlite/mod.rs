//! The embedded store: one SQLite file, or memory.
//!
//! One connection writes, a few read. What every method of the contract does lies in the file named after it; here is
//! how a store is opened and closed, and who is called.

pub mod backup;
mod batch;
mod clock;
mod commit;
mod export;
mod failure;
mod health;
mod journal;
mod ledger;
mod lock;
mod open;
mod outbox;
mod paging;
mod queries;
mod repair_commit;
mod repairs;
mod reserve;
mod retention;
mod sessions;
mod silences;
mod size;
mod snapshots;
mod status;
mod stored_event;
mod text;
mod turns;
mod writer;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use evenkeel_core::id::{EventId, HostName, SourceId, Subject};
use evenkeel_core::identity::hosts::NetboxRef;
use evenkeel_core::ledger::Entry;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use tokio::sync::Mutex;

use crate::contract::Store;
use crate::error::Result;
use crate::group::{self, Queue};
use crate::query::{Cursor, DeliveryFilter, DriftFilter, EventFilter, ExportStream, JournalFilter, Page};
use crate::repairs::{Callback, ProposalFilter, ProposalRow, RepairCommit, Repairs, TokenHash};
use crate::rows::{AssetRow, ExpectedRow, JournalRow, ObservedRow, SavedInventory, SavedStatus};
use crate::sessions::SessionRow;
use crate::types::{
    Claimed, Committed, DeliveryRow, Leadership, Loaded, OpenCount, OutboxDepth, Outcome, PassCommit, Pruned,
    Resend, RetentionPolicy, RowCounts, Saved, Stats, StoredEvent, Ticket, TurnRow,
};
use lock::FileLock;
pub use open::{Options, Synchronous};
use writer::Writer;

/// A [`Store`] in SQLite. Clones share it.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The database as the operator knows it.
    at: Arc<str>,
    /// `None` for a database in memory.
    path: Option<PathBuf>,
    synchronous: Synchronous,
    read_only: bool,
    /// `None` once closed.
    writer: Mutex<Option<Writer>>,
    /// `None` for a database in memory, which has one connection for everything.
    readers: Option<SqlitePool>,
    queue: Queue,
    /// Let go of last.
    lock: std::sync::Mutex<Option<FileLock>>,
}

impl SqliteStore {
    /// Opens a database file, creating or migrating it. Refused while another process has it open this way.
    pub async fn open(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        let path = path.as_ref();
        let lock = FileLock::take(path)?;
        let connection = open::writer(path, &options).await?;
        let readers = Some(open::readers(path, &options));
        Self::start(Some(path), options, connection, readers, Some(lock)).await
    }

    /// Opens a database that lives as long as the store.
    pub async fn in_memory(options: Options) -> Result<Self> {
        let connection = open::memory(&name(None), &options).await?;
        Self::start(None, options, connection, None, None).await
    }

    /// Opens a database file for questions only, whether or not a controller has it open.
    pub async fn open_read_only(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        let path = path.as_ref();
        let readers = Some(open::readers_alone(path, &options).await?);
        Ok(Self::build(Some(path), options, None, readers, None))
    }

    async fn start(
        path: Option<&Path>,
        options: Options,
        mut connection: SqliteConnection,
        readers: Option<SqlitePool>,
        lock: Option<FileLock>,
    ) -> Result<Self> {
        let at = name(path);
        let explain = |error| failure::explain(&at, error);
        let last_seq =
            sqlx::query_scalar(writer::LAST_SEQ).fetch_one(&mut connection).await.map_err(explain)?;
        // Nobody else can hold a claim: the lock is ours alone. What was claimed when the last controller ended is due
        // again at once instead of when its lease ends.
        sqlx::query(outbox::RECLAIM).execute(&mut connection).await.map_err(explain)?;
        Ok(Self::build(path, options, Some(Writer::new(connection, last_seq)), readers, lock))
    }

    fn build(
        path: Option<&Path>,
        options: Options,
        writer: Option<Writer>,
        readers: Option<SqlitePool>,
        lock: Option<FileLock>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                at: Arc::from(name(path)),
                path: path.map(Path::to_owned),
                synchronous: options.synchronous,
                read_only: writer.is_none(),
                writer: Mutex::new(writer),
                readers,
                queue: Queue::default(),
                lock: std::sync::Mutex::new(lock),
            }),
        }
    }
}

/// The database as the operator knows it.
fn name(path: Option<&Path>) -> String {
    path.map_or_else(|| "in memory".to_owned(), |path| path.display().to_string())
}

#[async_trait]
impl Store for SqliteStore {
    fn at(&self) -> &str {
        &self.inner.at
    }

    async fn lead(&self, _who: &str, _ttl: Duration) -> Result<Leadership> {
        self.inner.lead()
    }

    /// The lock is let go of when the store is closed.
    async fn resign(&self) -> Result<()> {
        Ok(())
    }

    /// Nobody else writes a file, so nobody says anything.
    async fn hint(&self) {
        std::future::pending().await
    }

    async fn save_status(&self, status: &SavedStatus) -> Result<()> {
        self.inner.save_status(status).await
    }

    async fn last_status(&self) -> Result<Option<SavedStatus>> {
        self.inner.last_status().await
    }

    async fn load(&self, subject: &Subject) -> Result<Loaded> {
        self.inner.load(subject).await
    }

    async fn load_all(&self) -> Result<Vec<Loaded>> {
        self.inner.load_all().await
    }

    async fn commit(&self, pass: PassCommit) -> Result<Committed> {
        group::commit(&self.inner, pass).await
    }

    async fn commit_all(&self, passes: Vec<PassCommit>) -> Vec<Result<Committed>> {
        group::commit_all(&*self.inner, passes).await
    }

    async fn remember(&self, matches: &[(Subject, Option<NetboxRef>)]) -> Result<()> {
        self.inner.remember(matches).await
    }

    async fn repairs(&self, since: Timestamp) -> Result<Repairs> {
        self.inner.repairs(since).await
    }

    async fn commit_repair(&self, step: RepairCommit) -> Result<()> {
        self.inner.commit_repair(&step).await
    }

    async fn callback(&self, token: TokenHash) -> Result<Option<Callback>> {
        self.inner.callback(token).await
    }

    async fn proposals(
        &self,
        filter: &ProposalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ProposalRow>> {
        self.inner.proposals(filter, after, limit).await
    }

    async fn save_observed(&self, rows: &[ObservedRow]) -> Result<Saved> {
        self.inner.save_observed(rows).await
    }

    async fn shown(&self, host: &HostName) -> Result<Vec<ObservedRow>> {
        self.inner.shown(host).await
    }

    async fn sources_shown(&self) -> Result<BTreeSet<SourceId>> {
        self.inner.sources_shown().await
    }

    async fn save_expected(&self, rows: &[ExpectedRow]) -> Result<Saved> {
        self.inner.save_expected(rows).await
    }

    async fn save_inventory(&self, inventory: &SavedInventory) -> Result<()> {
        self.inner.save_inventory(inventory).await
    }

    async fn last_inventory(&self, source: &SourceId) -> Result<Option<SavedInventory>> {
        self.inner.last_inventory(source).await
    }

    async fn save_sources(&self, sources: &[SourceId], at: Timestamp) -> Result<()> {
        self.inner.save_sources(sources, at).await
    }

    async fn save_assets(&self, assets: &[AssetRow], at: Timestamp) -> Result<()> {
        self.inner.save_assets(assets, at).await
    }

    async fn claim(
        &self,
        sink: Option<&str>,
        limit: u32,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Claimed>> {
        self.inner.claim(sink, limit, lease, now).await
    }

    async fn settle_all(&self, outcomes: &[(Ticket, Outcome)], now: Timestamp) -> Result<Vec<bool>> {
        self.inner.settle_all(outcomes, now).await
    }

    async fn release(&self, tickets: &[Ticket], now: Timestamp) -> Result<()> {
        self.inner.release(tickets, now).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.inner.next_due().await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DeliveryRow>> {
        self.inner.deliveries(filter, after, limit).await
    }

    async fn hurry(&self, sink: &str, now: Timestamp) -> Result<u64> {
        self.inner.hurry(sink, now).await
    }

    async fn resend(&self, what: Resend, now: Timestamp) -> Result<u64> {
        self.inner.resend(what, now).await
    }

    async fn events(
        &self,
        filter: &EventFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<StoredEvent>> {
        self.inner.events(filter, after, limit).await
    }

    async fn turns(&self, after: u64, since: Timestamp, limit: u32) -> Result<Vec<TurnRow>> {
        self.inner.turns(after, since, limit).await
    }

    async fn last_sign(&self) -> Result<Option<Timestamp>> {
        self.inner.last_sign().await
    }

    async fn events_behind(&self, seq: u64, limit: u32) -> Result<Vec<StoredEvent>> {
        self.inner.events_behind(seq, limit).await
    }

    async fn event(&self, id: EventId) -> Result<Option<StoredEvent>> {
        self.inner.event(id).await
    }

    async fn drifts(&self, filter: &DriftFilter, after: Option<Cursor>, limit: u32) -> Result<Page<Entry>> {
        self.inner.drifts(filter, after, limit).await
    }

    async fn drift_by_handle(&self, handle: &str) -> Result<Vec<Entry>> {
        self.inner.drift_by_handle(handle).await
    }

    async fn open_counts(&self) -> Result<Vec<OpenCount>> {
        self.inner.open_counts().await
    }

    async fn outbox(&self) -> Result<Vec<OutboxDepth>> {
        self.inner.outbox().await
    }

    async fn stats(&self) -> Result<Stats> {
        self.inner.stats().await
    }

    fn export(&self, since: Option<Timestamp>) -> ExportStream<'_> {
        export::stream(&self.inner, since)
    }

    async fn note(&self, rows: &[JournalRow]) -> Result<()> {
        self.inner.note(rows).await
    }

    async fn journal(
        &self,
        filter: &JournalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<JournalRow>> {
        self.inner.journal(filter, after, limit).await
    }

    async fn begin_session(&self, session: &SessionRow, note: &JournalRow) -> Result<()> {
        self.inner.begin_session(session, note).await
    }

    async fn session(&self, token: TokenHash) -> Result<Option<SessionRow>> {
        self.inner.session(token).await
    }

    async fn touch_session(&self, token: TokenHash, at: Timestamp) -> Result<()> {
        self.inner.touch_session(token, at).await
    }

    async fn end_session(&self, token: TokenHash, note: &JournalRow) -> Result<bool> {
        self.inner.end_session(token, note).await
    }

    async fn note_at_door(&self, row: &JournalRow) -> Result<()> {
        self.inner.note(std::slice::from_ref(row)).await
    }

    async fn prune(&self, policy: &RetentionPolicy, now: Timestamp) -> Result<Pruned> {
        self.inner.prune(policy, now).await
    }

    async fn size(&self) -> Result<u64> {
        self.inner.size().await
    }

    async fn rows(&self) -> Result<RowCounts> {
        self.inner.rows().await
    }

    async fn health(&self) -> Result<()> {
        self.inner.health().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
