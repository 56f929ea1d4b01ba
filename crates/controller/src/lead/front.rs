//! The store before it is reached: what is shown and asked meanwhile fails as unavailable, with the reason. Not here:
//! reaching it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use evenkeel_core::identity::hosts::NetboxRef;
use evenkeel_core::ledger::Entry;
use evenkeel_core::policy::MadeSilence;
use evenkeel_core::{EventId, HostName, SourceId, Subject};
use evenkeel_store::{
    AssetRow, Callback, Claimed, ClockStore, Committed, Cursor, DeliveryFilter, DeliveryRow, DriftFilter,
    Error, EventFilter, ExpectedRow, ExportStream, JournalFilter, JournalRow, Leadership, Loaded,
    ObservedRow, OpenCount, OutboxDepth, Outcome, Page, PassCommit, ProposalFilter, ProposalRow, Pruned,
    RepairCommit, Repairs, Resend, Result, RetentionPolicy, RowCounts, Saved, SavedInventory, SavedStatus,
    SessionRow, SilenceFilter, SilenceStore, Stats, Store, StoredEvent, Ticket, TokenHash, TurnRow,
};
use jiff::Timestamp;

/// Before anything is known of it.
const UNNAMED: &str = "named in the configuration";

/// Stands where a store will be.
#[derive(Default)]
pub struct Front {
    store: OnceLock<Arc<dyn Store>>,
    /// The database as the operator knows it, and what is wrong with it.
    why: Mutex<Option<(String, String)>>,
}

impl Front {
    /// The store is there. The first one stays.
    pub fn reached(&self, store: Arc<dyn Store>) {
        // A second one is nobody's: the store does not change while a process lives.
        let _ = self.store.set(store);
    }

    /// Whether it is there.
    pub fn is_reached(&self) -> bool {
        self.store.get().is_some()
    }

    /// Why it is not there yet.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the store's list of errors is open to others")]
    pub fn waits(&self, error: &Error) {
        let (at, why) = match error {
            Error::Unavailable { at, why, source: _ } => (at.clone(), why.clone()),
            error => (UNNAMED.to_owned(), error.to_string()),
        };
        *self.why.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, why));
    }

    fn store(&self) -> Result<&Arc<dyn Store>> {
        self.store.get().ok_or_else(|| self.missing())
    }

    fn missing(&self) -> Error {
        let why = self.why.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (at, why) = why.unwrap_or_else(|| (UNNAMED.to_owned(), "it has not been reached yet".to_owned()));
        Error::Unavailable { at, why, source: None }
    }
}

#[async_trait]
impl SilenceStore for Front {
    async fn silences_left(&self, now: Timestamp) -> Result<Vec<MadeSilence>> {
        self.store()?.silences_left(now).await
    }

    async fn silences(
        &self,
        filter: &SilenceFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<MadeSilence>> {
        self.store()?.silences(filter, after, limit).await
    }

    async fn add_silence(&self, silence: &MadeSilence, journal: &[JournalRow]) -> Result<()> {
        self.store()?.add_silence(silence, journal).await
    }

    async fn end_silence(&self, silence: &MadeSilence, journal: &[JournalRow]) -> Result<()> {
        self.store()?.end_silence(silence, journal).await
    }
}

#[async_trait]
impl ClockStore for Front {
    async fn set_back(&self, now: Timestamp) -> Result<bool> {
        self.store()?.set_back(now).await
    }
}

#[async_trait]
impl Store for Front {
    fn at(&self) -> &str {
        self.store.get().map_or(UNNAMED, |store| store.at())
    }

    async fn lead(&self, who: &str, ttl: Duration) -> Result<Leadership> {
        self.store()?.lead(who, ttl).await
    }

    async fn resign(&self) -> Result<()> {
        self.store()?.resign().await
    }

    async fn hint(&self) {
        match self.store.get() {
            Some(store) => store.hint().await,
            None => std::future::pending().await,
        }
    }

    async fn save_status(&self, status: &SavedStatus) -> Result<()> {
        self.store()?.save_status(status).await
    }

    async fn last_status(&self) -> Result<Option<SavedStatus>> {
        self.store()?.last_status().await
    }

    async fn load(&self, subject: &Subject) -> Result<Loaded> {
        self.store()?.load(subject).await
    }

    async fn load_all(&self) -> Result<Vec<Loaded>> {
        self.store()?.load_all().await
    }

    async fn commit(&self, pass: PassCommit) -> Result<Committed> {
        self.store()?.commit(pass).await
    }

    async fn commit_all(&self, passes: Vec<PassCommit>) -> Vec<Result<Committed>> {
        match self.store() {
            Ok(store) => store.commit_all(passes).await,
            Err(_) => passes.iter().map(|_| Err(self.missing())).collect(),
        }
    }

    async fn remember(&self, matches: &[(Subject, Option<NetboxRef>)]) -> Result<()> {
        self.store()?.remember(matches).await
    }

    async fn repairs(&self, since: Timestamp) -> Result<Repairs> {
        self.store()?.repairs(since).await
    }

    async fn commit_repair(&self, step: RepairCommit) -> Result<()> {
        self.store()?.commit_repair(step).await
    }

    async fn callback(&self, token: TokenHash) -> Result<Option<Callback>> {
        self.store()?.callback(token).await
    }

    async fn proposals(
        &self,
        filter: &ProposalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ProposalRow>> {
        self.store()?.proposals(filter, after, limit).await
    }

    async fn save_observed(&self, rows: &[ObservedRow]) -> Result<Saved> {
        self.store()?.save_observed(rows).await
    }

    async fn shown(&self, host: &HostName) -> Result<Vec<ObservedRow>> {
        self.store()?.shown(host).await
    }

    async fn sources_shown(&self) -> Result<BTreeSet<SourceId>> {
        self.store()?.sources_shown().await
    }

    async fn save_expected(&self, rows: &[ExpectedRow]) -> Result<Saved> {
        self.store()?.save_expected(rows).await
    }

    async fn save_inventory(&self, inventory: &SavedInventory) -> Result<()> {
        self.store()?.save_inventory(inventory).await
    }

    async fn last_inventory(&self, source: &SourceId) -> Result<Option<SavedInventory>> {
        self.store()?.last_inventory(source).await
    }

    async fn save_sources(&self, sources: &[SourceId], at: Timestamp) -> Result<()> {
        self.store()?.save_sources(sources, at).await
    }

    async fn save_assets(&self, assets: &[AssetRow], at: Timestamp) -> Result<()> {
        self.store()?.save_assets(assets, at).await
    }

    async fn claim(
        &self,
        sink: Option<&str>,
        limit: u32,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Claimed>> {
        self.store()?.claim(sink, limit, lease, now).await
    }

    async fn settle_all(&self, outcomes: &[(Ticket, Outcome)], now: Timestamp) -> Result<Vec<bool>> {
        self.store()?.settle_all(outcomes, now).await
    }

    async fn release(&self, tickets: &[Ticket], now: Timestamp) -> Result<()> {
        self.store()?.release(tickets, now).await
    }

    async fn hurry(&self, sink: &str, now: Timestamp) -> Result<u64> {
        self.store()?.hurry(sink, now).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.store()?.next_due().await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DeliveryRow>> {
        self.store()?.deliveries(filter, after, limit).await
    }

    async fn resend(&self, what: Resend, now: Timestamp) -> Result<u64> {
        self.store()?.resend(what, now).await
    }

    async fn events(
        &self,
        filter: &EventFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<StoredEvent>> {
        self.store()?.events(filter, after, limit).await
    }

    async fn turns(&self, after: u64, since: Timestamp, limit: u32) -> Result<Vec<TurnRow>> {
        self.store()?.turns(after, since, limit).await
    }

    async fn last_sign(&self) -> Result<Option<Timestamp>> {
        self.store()?.last_sign().await
    }

    async fn events_behind(&self, seq: u64, limit: u32) -> Result<Vec<StoredEvent>> {
        self.store()?.events_behind(seq, limit).await
    }

    async fn event(&self, id: EventId) -> Result<Option<StoredEvent>> {
        self.store()?.event(id).await
    }

    async fn drifts(&self, filter: &DriftFilter, after: Option<Cursor>, limit: u32) -> Result<Page<Entry>> {
        self.store()?.drifts(filter, after, limit).await
    }

    async fn drift_by_handle(&self, handle: &str) -> Result<Vec<Entry>> {
        self.store()?.drift_by_handle(handle).await
    }

    async fn open_counts(&self) -> Result<Vec<OpenCount>> {
        self.store()?.open_counts().await
    }

    async fn outbox(&self) -> Result<Vec<OutboxDepth>> {
        self.store()?.outbox().await
    }

    async fn stats(&self) -> Result<Stats> {
        self.store()?.stats().await
    }

    fn export(&self, since: Option<Timestamp>) -> ExportStream<'_> {
        match self.store() {
            Ok(store) => store.export(since),
            Err(error) => Box::pin(futures_util::stream::once(async { Err(error) })),
        }
    }

    async fn note(&self, rows: &[JournalRow]) -> Result<()> {
        self.store()?.note(rows).await
    }

    async fn journal(
        &self,
        filter: &JournalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<JournalRow>> {
        self.store()?.journal(filter, after, limit).await
    }

    async fn begin_session(&self, session: &SessionRow, note: &JournalRow) -> Result<()> {
        self.store()?.begin_session(session, note).await
    }

    async fn session(&self, token: TokenHash) -> Result<Option<SessionRow>> {
        self.store()?.session(token).await
    }

    async fn touch_session(&self, token: TokenHash, at: Timestamp) -> Result<()> {
        self.store()?.touch_session(token, at).await
    }

    async fn end_session(&self, token: TokenHash, note: &JournalRow) -> Result<bool> {
        self.store()?.end_session(token, note).await
    }

    async fn note_at_door(&self, row: &JournalRow) -> Result<()> {
        self.store()?.note_at_door(row).await
    }

    async fn prune(&self, policy: &RetentionPolicy, now: Timestamp) -> Result<Pruned> {
        self.store()?.prune(policy, now).await
    }

    async fn size(&self) -> Result<u64> {
        self.store()?.size().await
    }

    async fn rows(&self) -> Result<RowCounts> {
        self.store()?.rows().await
    }

    async fn health(&self) -> Result<()> {
        self.store()?.health().await
    }

    async fn close(&self) {
        if let Some(store) = self.store.get() {
            store.close().await;
        }
    }
}
