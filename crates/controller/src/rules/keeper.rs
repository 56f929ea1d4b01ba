//! The task that makes and ends silences, the only writer of them: what persons say reaches it as an [`Order`]. A change
//! holds once it is kept; then the subjects it concerns are queued. That time brings one to its end needs nobody: the
//! policy knows its next change, and passes wait for it.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::Subject;
use evenkeel_core::policy::silence::{Stands, Target, Wish, name_of};
use evenkeel_core::policy::{Labels, MadeSilence, Silence};
use evenkeel_store::{Error as StoreError, JournalRow, SilenceFilter};
use evenkeel_web::{Part, SilenceTrouble};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::order::Order;
use crate::collect::now;
use crate::gate::About;
use crate::hub::Hub;
use crate::journal;

/// How long the store may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How soon is tried again what could not be read.
const AGAIN: Duration = Duration::from_secs(1);
/// Ledgers that change together are looked at together.
const TOGETHER: Duration = Duration::from_millis(100);
/// How many may hold or be to come at a time. Each is compared with each drift.
const MOST: usize = 1000;
/// Who ends what was to last until its drift is resolved.
const OURSELVES: &str = "evenkeel";

/// The keeper of silences.
pub struct Keeper {
    hub: Arc<Hub>,
    made: Vec<MadeSilence>,
    /// What is in memory may not be what is kept: it is read again before anything else is done.
    doubtful: bool,
}

impl Keeper {
    /// A keeper of what was kept when the controller started.
    pub fn new(hub: Arc<Hub>, made: Vec<MadeSilence>) -> Self {
        Self { hub, made, doubtful: false }
    }

    /// Works until told to stop.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>, stop: CancellationToken) {
        loop {
            if !self.is_certain(&stop).await {
                return;
            }
            self.end_fulfilled().await;
            let hub = self.hub.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(order) = orders.recv() => self.obey(order).await,
                () = hub.rules_bell.notified() => tokio::time::sleep(TOGETHER).await,
            }
        }
    }

    /// Waits until something can be kept, and reads what is kept if that is not certain. `false`: it is to stop.
    async fn is_certain(&mut self, stop: &CancellationToken) -> bool {
        loop {
            let hub = self.hub.clone();
            let open = tokio::select! {
                biased;
                () = stop.cancelled() => false,
                open = hub.gate.pass() => open,
            };
            if !open || !self.doubtful {
                return open;
            }
            match timeout(PATIENCE, hub.store.silences_left(now())).await {
                Ok(Ok(mut made)) => {
                    self.doubtful = false;
                    made.iter_mut().for_each(|silence| silence.set_back(now()));
                    let before = std::mem::replace(&mut self.made, made);
                    self.apply(&before);
                }
                Ok(Err(error)) => self.failed(&error),
                Err(_) => hub.gate.silent("the store does not say what is silenced"),
            }
            if self.doubtful {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return false,
                    () = tokio::time::sleep(AGAIN) => {}
                }
            }
        }
    }

    /// Does what is asked, and answers. Nobody waiting for the answer any more is no error; whoever was told that it takes
    /// too long does not expect it to be done later.
    async fn obey(&mut self, order: Order) {
        match order {
            Order::Make { reply, .. } | Order::End { reply, .. } if reply.is_closed() => {}
            Order::Make { wish, by, reply } => {
                let _ = reply.send(self.make(wish, &by).await);
            }
            Order::End { name, by, reason, reply } => {
                let _ = reply.send(self.end(&name, &by, &reason).await);
            }
        }
    }

    async fn make(&mut self, wish: Wish, by: &str) -> Result<MadeSilence, SilenceTrouble> {
        let now = now();
        room_for_one(&self.made, now)?;
        let longest = self.hub.rules.configured().longest_silence;
        let made = MadeSilence::new(self.name(), wish, by.into(), longest, now);
        let silence = made.map_err(SilenceTrouble::Wrong)?;
        if let Target::Drift(drift) = &silence.target
            && self.is_fulfilled(&silence)
        {
            let why =
                format!("drift {} is not open any more; there is nothing to acknowledge", drift.handle());
            return Err(SilenceTrouble::Refused(why));
        }
        self.keep(&silence, journal::silenced(&silence)).await?;
        let before = self.made.clone();
        self.made.push(silence.clone());
        self.apply(&before);
        Ok(silence)
    }

    async fn end(&mut self, name: &str, by: &str, reason: &str) -> Result<MadeSilence, SilenceTrouble> {
        let found = self.made.iter().position(|silence| silence.name.eq_ignore_ascii_case(name));
        let Some(at) = found else { return Err(self.unknown(name).await) };
        let ended = self.made[at].end(by.into(), reason, now());
        let ended = ended.map_err(|over| SilenceTrouble::Refused(over.to_string()))?;
        self.keep(&ended, journal::unsilenced(&ended)).await?;
        let before = self.made.clone();
        self.made[at] = ended.clone();
        self.apply(&before);
        Ok(ended)
    }

    /// Why a silence that does not hold cannot be ended.
    async fn unknown(&self, name: &str) -> SilenceTrouble {
        let configured = self.hub.rules.configured();
        if configured.silences.iter().any(|silence| silence.name.eq_ignore_ascii_case(name)) {
            return SilenceTrouble::Refused(
                "this silence stands in the configuration; it is ended there".to_owned(),
            );
        }
        let filter = SilenceFilter { name: Some(name.to_owned()), ..SilenceFilter::default() };
        match self.hub.store.silences(&filter, None, 1).await {
            Ok(page) => match page.rows.first() {
                Some(silence) => {
                    SilenceTrouble::Refused(format!("this silence ended at {}", silence.over_at()))
                }
                None => SilenceTrouble::Unknown("there is no such silence".to_owned()),
            },
            Err(error) => {
                self.failed(&error);
                away()
            }
        }
    }

    /// Ends what was to last until its drift is resolved, where that is so.
    async fn end_fulfilled(&mut self) {
        let over =
            |silence: &&MadeSilence| silence.stands(now()) != Stands::Over && self.is_fulfilled(silence);
        let names: Vec<Arc<str>> =
            self.made.iter().filter(over).map(|silence| silence.name.clone()).collect();
        for name in names {
            if self.end(&name, OURSELVES, "its drift is resolved").await.is_err() {
                // It has been said why; what is in memory is read again, and then this is done.
                return;
            }
        }
    }

    fn is_fulfilled(&self, silence: &MadeSilence) -> bool {
        match &silence.target {
            Target::Drift(drift) => {
                let record = self.hub.book.get(&drift.subject);
                silence.is_fulfilled(record.ledger.entry(drift), now())
            }
            Target::Pattern(_) => false,
        }
    }

    /// Keeps a silence as it is now, with its line of the journal: both, or nothing.
    async fn keep(&mut self, silence: &MadeSilence, row: JournalRow) -> Result<(), SilenceTrouble> {
        let rows = std::slice::from_ref(&row);
        let store = self.hub.store.clone();
        let kept = async {
            match silence.ended {
                None => store.add_silence(silence, rows).await,
                Some(_) => store.end_silence(silence, rows).await,
            }
        };
        match timeout(PATIENCE, kept).await {
            Ok(Ok(())) => {
                self.hub.gate.worked();
                info!(silence = &*silence.name, actor = row.actor, "{}", row.text);
                Ok(())
            }
            Ok(Err(error)) => {
                self.doubtful = true;
                self.failed(&error);
                Err(away())
            }
            // It may have been kept.
            Err(_) => {
                self.doubtful = true;
                self.hub.gate.silent("the store does not take a silence");
                Err(away())
            }
        }
    }

    fn failed(&self, error: &StoreError) {
        if let StoreError::Conflict { .. } = error {
            return warn!(%error, "silences changed under their keeper; reading them again");
        }
        if self.hub.gate.heard(error) == About::Request {
            error!(%error, "what is silenced could not be kept or read; it is tried again");
        }
    }

    /// Puts what is silenced now in force, and queues the subjects for which that differs from before.
    fn apply(&mut self, before: &[MadeSilence]) {
        self.made.retain(|silence| silence.stands(now()) != Stands::Over);
        self.hub.rules.replace(&self.made);
        let is_in = |list: &[MadeSilence], silence: &MadeSilence| list.contains(silence);
        let differ = self.made.iter().filter(|silence| !is_in(before, silence));
        let differ = differ.chain(before.iter().filter(|silence| !is_in(&self.made, silence)));
        let silences: Vec<Silence> = differ.map(MadeSilence::silence).collect();
        self.hub.rethink(&concerned(&self.hub, &silences));
        self.hub.changed(Part::Silences);
    }

    /// A name no rule has.
    fn name(&self) -> Arc<str> {
        let configured = self.hub.rules.configured();
        loop {
            let name = name_of(evenkeel_ambient::random());
            let taken = self.made.iter().any(|silence| silence.name == name)
                || configured.silences.iter().any(|silence| silence.name == name);
            if !taken {
                return name;
            }
        }
    }
}

/// Refuses where as many hold already as may.
fn room_for_one(made: &[MadeSilence], now: Timestamp) -> Result<(), SilenceTrouble> {
    let left = made.iter().filter(|silence| silence.stands(now) != Stands::Over).count();
    if left < MOST {
        return Ok(());
    }
    Err(SilenceTrouble::Refused(format!(
        "{MOST} silences hold already, which is as many as may; end some, or use a pattern"
    )))
}

/// The subjects with a drift that one of these covers. Patterns made at run time ask for nothing that NetBox says.
fn concerned(hub: &Hub, silences: &[Silence]) -> Vec<Subject> {
    let mut subjects = Vec::new();
    hub.book.visit(|record| {
        let covered = |id| silences.iter().any(|silence| silence.covers(id, Labels::default()));
        if record.ledger.unresolved().any(covered) {
            subjects.push(record.ledger.subject.clone());
        }
    });
    subjects
}

fn away() -> SilenceTrouble {
    SilenceTrouble::Away("nothing can be kept at this moment; nothing was done".to_owned())
}

#[cfg(test)]
mod tests {
    use evenkeel_core::policy::silence::{Pattern, Until};
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_thousand_silences_hold_and_the_next_is_made_when_one_is_over() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let wish = Wish {
            target: Target::Pattern(Pattern { hosts: vec!["box2-*".into()], ..Pattern::default() }),
            reason: "the racks are moved".to_owned(),
            starts: None,
            until: Some(Until::After(SignedDuration::from_hours(1))),
        };
        let day = Duration::from_secs(86_400);
        let one = MadeSilence::new("quiet-fox".into(), wish, "ada".into(), day, now).unwrap();
        let mut made = vec![one; MOST];
        let SilenceTrouble::Refused(why) = room_for_one(&made, now).unwrap_err() else {
            panic!("it is refused, and for no other reason")
        };
        assert!(why.starts_with("1000 silences hold already"), "{why}");
        assert_eq!(made.iter().filter(|silence| silence.stands(now) == Stands::Over).count(), 0);
        made[7].ends = now;
        assert!(room_for_one(&made, now).is_ok());
    }
}
