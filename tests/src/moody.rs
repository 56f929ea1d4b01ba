//! A store that fails, hangs and changes its leader on command, around a real one. What does not live here: what a
//! database really does then; that is asked of a real one (`scenario_store_away`).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
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

/// How the database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Well.
    Well,
    /// Away: every call fails at once.
    Away,
    /// Without space: whatever writes fails.
    Full,
    /// Somebody else writes it: whatever writes is refused.
    Led,
    /// It never answers.
    Silent,
}

/// Who leads.
#[derive(Clone, Debug, Default)]
struct Lease {
    holder: Option<String>,
    epoch: u64,
}

/// Stands beside every call, and may let it wait, fail it, or never let it return.
#[async_trait]
pub trait Watch: Send + Sync {
    /// Before the store is asked.
    async fn before(&self, writes: bool) -> Result<()>;
    /// After it answered; an error stands for the answer, which is lost.
    async fn after(&self, writes: bool, failed: Option<&Error>) -> Result<()>;
}

/// A store with moods.
pub struct MoodyStore {
    inner: Arc<dyn Store>,
    watch: Option<Arc<dyn Watch>>,
    mood: Mutex<Mood>,
    lease: Mutex<Lease>,
    status: Mutex<Option<SavedStatus>>,
    resigned: AtomicUsize,
    slipped: Mutex<Vec<Claimed>>,
    settled: Mutex<Vec<(Ticket, Outcome)>>,
    /// How many steps of repairs are kept from now on; `None`: all.
    repairs: Mutex<Option<usize>>,
}

/// Deliveries that were slipped in have numbers from here on.
const SLIPPED: u64 = 1 << 60;

impl MoodyStore {
    /// In good mood, and led by nobody.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            watch: None,
            mood: Mutex::new(Mood::Well),
            lease: Mutex::default(),
            status: Mutex::default(),
            resigned: AtomicUsize::new(0),
            slipped: Mutex::default(),
            settled: Mutex::default(),
            repairs: Mutex::new(None),
        }
    }

    /// In good mood, with somebody beside every call. The call itself then takes no time on tokio's clock, and nothing else
    /// runs on this thread meanwhile: a database has threads of its own, for which a paused clock does not wait.
    pub fn watched_by(inner: Arc<dyn Store>, watch: Arc<dyn Watch>) -> Self {
        Self { watch: Some(watch), ..Self::new(inner) }
    }

    /// Keeps so many steps of repairs, and then none for want of space; `None`: all of them again.
    pub fn keep_repairs(&self, steps: Option<usize>) {
        *lock(&self.repairs) = steps;
    }

    /// From now on it is so.
    pub fn set(&self, mood: Mood) {
        *lock(&self.mood) = mood;
    }

    /// Somebody else leads from now on; `None`: nobody.
    pub fn led_by(&self, holder: Option<&str>) {
        let mut lease = lock(&self.lease);
        lease.holder = holder.map(str::to_owned);
        lease.epoch += 1;
    }

    /// Who leads.
    pub fn leader(&self) -> Option<String> {
        lock(&self.lease).holder.clone()
    }

    /// How often the right to lead was given back.
    pub fn resigned(&self) -> usize {
        self.resigned.load(Ordering::Relaxed)
    }

    /// The next claim of this sink finds this in the outbox as well, under this id.
    pub fn slip(&self, sink: &str, id: EventId, payload: Vec<u8>) {
        let mut slipped = lock(&self.slipped);
        let delivery = SLIPPED + slipped.len() as u64;
        let ticket = Ticket { delivery, attempt: 1 };
        let (sink, drift_key) = (sink.to_owned(), format!("slipped|{delivery}"));
        let since = Timestamp::now();
        slipped.push(Claimed { ticket, sink, event: id, drift_key, payload, since });
    }

    /// How what was slipped in ended, in the order in which it did.
    pub fn settled(&self) -> Vec<Outcome> {
        lock(&self.settled).iter().map(|(_, outcome)| outcome.clone()).collect()
    }

    /// What reads, if the mood allows it.
    async fn read<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.admit_reading().await?;
        self.watched(false, call).await
    }

    /// What writes, if the mood allows it.
    async fn write<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.admit().await?;
        self.watched(true, call).await
    }

    async fn watched<T>(&self, writes: bool, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let Some(watch) = &self.watch else { return call.await };
        watch.before(writes).await?;
        let done = at_once(call).await;
        watch.after(writes, done.as_ref().err()).await?;
        done
    }

    async fn admit_reading(&self) -> Result<()> {
        let mood = *lock(&self.mood);
        match mood {
            Mood::Well | Mood::Full | Mood::Led => Ok(()),
            Mood::Away | Mood::Silent => self.admit().await,
        }
    }

    async fn admit(&self) -> Result<()> {
        let mood = *lock(&self.mood);
        let at = || "moody".to_owned();
        match mood {
            Mood::Well => Ok(()),
            Mood::Away => Err(away()),
            Mood::Full => Err(Error::Full { at: at() }),
            Mood::Led => Err(Error::NotLeader { at: at(), leader: "another".to_owned() }),
            Mood::Silent => std::future::pending().await,
        }
    }
}

/// Runs this to its end as soon as it is asked for.
fn at_once<T>(call: impl Future<Output = T>) -> impl Future<Output = T> {
    let mut call = Some(call);
    std::future::poll_fn(move |_| match call.take() {
        Some(call) => Poll::Ready(futures_executor::block_on(call)),
        None => Poll::Pending,
    })
}

fn away() -> Error {
    Error::Unavailable { at: "moody".to_owned(), why: "it is away".to_owned(), source: None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl SilenceStore for MoodyStore {
    async fn silences_left(&self, now: Timestamp) -> Result<Vec<MadeSilence>> {
        self.read(self.inner.silences_left(now)).await
    }

    async fn silences(
        &self,
        filter: &SilenceFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<MadeSilence>> {
        self.read(self.inner.silences(filter, after, limit)).await
    }

    async fn add_silence(&self, silence: &MadeSilence, journal: &[JournalRow]) -> Result<()> {
        self.write(self.inner.add_silence(silence, journal)).await
    }

    async fn end_silence(&self, silence: &MadeSilence, journal: &[JournalRow]) -> Result<()> {
        self.write(self.inner.end_silence(silence, journal)).await
    }
}

#[async_trait]
impl ClockStore for MoodyStore {
    async fn set_back(&self, now: Timestamp) -> Result<bool> {
        self.write(self.inner.set_back(now)).await
    }
}

#[async_trait]
impl Store for MoodyStore {
    fn at(&self) -> &str {
        self.inner.at()
    }

    async fn lead(&self, who: &str, _ttl: Duration) -> Result<Leadership> {
        self.admit().await?;
        let mut lease = lock(&self.lease);
        match &lease.holder {
            Some(holder) if holder != who => {
                Ok(Leadership::Theirs { holder: holder.clone(), until: Timestamp::MAX })
            }
            Some(_) => Ok(Leadership::Ours { epoch: lease.epoch }),
            None => {
                lease.holder = Some(who.to_owned());
                lease.epoch += 1;
                Ok(Leadership::Ours { epoch: lease.epoch })
            }
        }
    }

    async fn resign(&self) -> Result<()> {
        self.admit().await?;
        self.resigned.fetch_add(1, Ordering::Relaxed);
        lock(&self.lease).holder = None;
        Ok(())
    }

    async fn save_status(&self, status: &SavedStatus) -> Result<()> {
        self.admit().await?;
        *lock(&self.status) = Some(status.clone());
        Ok(())
    }

    async fn last_status(&self) -> Result<Option<SavedStatus>> {
        self.admit_reading().await?;
        Ok(lock(&self.status).clone())
    }

    async fn hint(&self) {
        std::future::pending().await
    }

    async fn load(&self, subject: &Subject) -> Result<Loaded> {
        self.read(self.inner.load(subject)).await
    }

    async fn load_all(&self) -> Result<Vec<Loaded>> {
        self.read(self.inner.load_all()).await
    }

    async fn commit(&self, pass: PassCommit) -> Result<Committed> {
        self.write(self.inner.commit(pass)).await
    }

    async fn commit_all(&self, passes: Vec<PassCommit>) -> Vec<Result<Committed>> {
        let passes_in = passes.len();
        let all = self.write(async { Ok(self.inner.commit_all(passes).await) }).await;
        all.unwrap_or_else(|_| (0..passes_in).map(|_| Err(away())).collect())
    }

    async fn remember(&self, matches: &[(Subject, Option<NetboxRef>)]) -> Result<()> {
        self.write(self.inner.remember(matches)).await
    }

    async fn repairs(&self, since: Timestamp) -> Result<Repairs> {
        self.read(self.inner.repairs(since)).await
    }

    async fn commit_repair(&self, step: RepairCommit) -> Result<()> {
        // What is not admitted is no step.
        self.admit().await?;
        match &mut *lock(&self.repairs) {
            None => {}
            Some(0) => return Err(Error::Full { at: "moody".to_owned() }),
            Some(left) => *left -= 1,
        }
        self.watched(true, self.inner.commit_repair(step)).await
    }

    async fn callback(&self, token: TokenHash) -> Result<Option<Callback>> {
        self.read(self.inner.callback(token)).await
    }

    async fn proposals(
        &self,
        filter: &ProposalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ProposalRow>> {
        self.read(self.inner.proposals(filter, after, limit)).await
    }

    async fn save_observed(&self, rows: &[ObservedRow]) -> Result<Saved> {
        self.write(self.inner.save_observed(rows)).await
    }

    async fn shown(&self, host: &HostName) -> Result<Vec<ObservedRow>> {
        self.read(self.inner.shown(host)).await
    }

    async fn sources_shown(&self) -> Result<BTreeSet<SourceId>> {
        self.read(self.inner.sources_shown()).await
    }

    async fn save_expected(&self, rows: &[ExpectedRow]) -> Result<Saved> {
        self.write(self.inner.save_expected(rows)).await
    }

    async fn save_inventory(&self, inventory: &SavedInventory) -> Result<()> {
        self.write(self.inner.save_inventory(inventory)).await
    }

    async fn last_inventory(&self, source: &SourceId) -> Result<Option<SavedInventory>> {
        self.read(self.inner.last_inventory(source)).await
    }

    async fn save_sources(&self, sources: &[SourceId], at: Timestamp) -> Result<()> {
        self.write(self.inner.save_sources(sources, at)).await
    }

    async fn save_assets(&self, assets: &[AssetRow], at: Timestamp) -> Result<()> {
        self.write(self.inner.save_assets(assets, at)).await
    }

    async fn claim(
        &self,
        sink: Option<&str>,
        limit: u32,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Vec<Claimed>> {
        let mut claimed = self.write(self.inner.claim(sink, limit, lease, now)).await?;
        let due = |slipped: &mut Claimed| sink.is_none_or(|sink| slipped.sink == sink);
        claimed.extend(lock(&self.slipped).extract_if(.., due));
        Ok(claimed)
    }

    async fn settle_all(&self, outcomes: &[(Ticket, Outcome)], now: Timestamp) -> Result<Vec<bool>> {
        self.admit().await?;
        let (slipped, kept): (Vec<_>, Vec<_>) =
            outcomes.iter().cloned().partition(|(ticket, _)| ticket.delivery >= SLIPPED);
        let known = vec![true; slipped.len()];
        lock(&self.settled).extend(slipped);
        let kept = self.write(self.inner.settle_all(&kept, now)).await?;
        Ok(kept.into_iter().chain(known).collect())
    }

    async fn release(&self, tickets: &[Ticket], now: Timestamp) -> Result<()> {
        self.write(self.inner.release(tickets, now)).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>> {
        self.read(self.inner.next_due()).await
    }

    async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<DeliveryRow>> {
        self.read(self.inner.deliveries(filter, after, limit)).await
    }

    async fn hurry(&self, sink: &str, now: Timestamp) -> Result<u64> {
        self.write(self.inner.hurry(sink, now)).await
    }

    async fn resend(&self, what: Resend, now: Timestamp) -> Result<u64> {
        self.write(self.inner.resend(what, now)).await
    }

    async fn events(
        &self,
        filter: &EventFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<StoredEvent>> {
        self.read(self.inner.events(filter, after, limit)).await
    }

    async fn turns(&self, after: u64, since: Timestamp, limit: u32) -> Result<Vec<TurnRow>> {
        self.read(self.inner.turns(after, since, limit)).await
    }

    async fn last_sign(&self) -> Result<Option<Timestamp>> {
        self.read(self.inner.last_sign()).await
    }

    async fn events_behind(&self, seq: u64, limit: u32) -> Result<Vec<StoredEvent>> {
        self.read(self.inner.events_behind(seq, limit)).await
    }

    async fn event(&self, id: EventId) -> Result<Option<StoredEvent>> {
        self.read(self.inner.event(id)).await
    }

    async fn drifts(&self, filter: &DriftFilter, after: Option<Cursor>, limit: u32) -> Result<Page<Entry>> {
        self.read(self.inner.drifts(filter, after, limit)).await
    }

    async fn drift_by_handle(&self, handle: &str) -> Result<Vec<Entry>> {
        self.read(self.inner.drift_by_handle(handle)).await
    }

    async fn open_counts(&self) -> Result<Vec<OpenCount>> {
        self.read(self.inner.open_counts()).await
    }

    async fn outbox(&self) -> Result<Vec<OutboxDepth>> {
        self.read(self.inner.outbox()).await
    }

    async fn stats(&self) -> Result<Stats> {
        self.read(self.inner.stats()).await
    }

    fn export(&self, since: Option<Timestamp>) -> ExportStream<'_> {
        self.inner.export(since)
    }

    async fn note(&self, rows: &[JournalRow]) -> Result<()> {
        self.write(self.inner.note(rows)).await
    }

    async fn journal(
        &self,
        filter: &JournalFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<JournalRow>> {
        self.read(self.inner.journal(filter, after, limit)).await
    }

    async fn begin_session(&self, session: &SessionRow, note: &JournalRow) -> Result<()> {
        self.write(self.inner.begin_session(session, note)).await
    }

    async fn session(&self, token: TokenHash) -> Result<Option<SessionRow>> {
        self.read(self.inner.session(token)).await
    }

    async fn touch_session(&self, token: TokenHash, at: Timestamp) -> Result<()> {
        self.write(self.inner.touch_session(token, at)).await
    }

    async fn end_session(&self, token: TokenHash, note: &JournalRow) -> Result<bool> {
        self.write(self.inner.end_session(token, note)).await
    }

    async fn note_at_door(&self, row: &JournalRow) -> Result<()> {
        self.write(self.inner.note_at_door(row)).await
    }

    async fn prune(&self, policy: &RetentionPolicy, now: Timestamp) -> Result<Pruned> {
        self.write(self.inner.prune(policy, now)).await
    }

    async fn size(&self) -> Result<u64> {
        self.read(self.inner.size()).await
    }

    async fn rows(&self) -> Result<RowCounts> {
        self.read(self.inner.rows()).await
    }

    async fn health(&self) -> Result<()> {
        self.read(self.inner.health()).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
