//! Observations that are sent: scripts and collectors of the operator's own feed evenkeel in the seed format. One
//! [`PushSource`] per sender: an inbox that keeps the newest observation of every host.
//!
//! What lives here: what is taken in, what is refused and in which words, and how long it counts. What does not: the door
//! (HTTP and tokens), and asking anybody: a sender that falls silent makes its hosts unknown, nothing more. The rooms:
//! `wire` takes a body apart, `decode` turns an observation into a snapshot.

mod config;
mod decode;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod ports;
mod refusal;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use evenkeel_core::model::HostSnapshot;
use evenkeel_core::{Coverage, Gap, GapKind, HostName, SourceId};
use jiff::Timestamp;
use tokio::sync::watch;

use self::wire::Observation;
use crate::{Hint, Snapshot, Source};

pub use config::Config;
pub use refusal::{Accepted, Refusal, Refused};
pub use wire::Form;

/// The largest body that is taken, in bytes. A host with 1 000 containers sends about 100 kB.
pub const MAX_BODY: usize = 10 * 1024 * 1024;
/// Observations taken at once; each may have to be answered for.
const MOST_OBSERVATIONS: usize = 10_000;
/// Hosts remembered at most, of one sender.
const MOST_HOSTS: usize = 10_000;

/// One sender's inbox.
#[derive(Debug)]
pub struct PushSource {
    config: Config,
    /// By the host's name in lower case.
    newest: Mutex<BTreeMap<String, Kept>>,
    arrivals: watch::Sender<Arc<str>>,
    news: tokio::sync::Mutex<watch::Receiver<Arc<str>>>,
}

/// The newest observation of one host.
#[derive(Clone, Debug)]
struct Kept {
    collector: String,
    /// The sender's own time, for telling what is newer.
    sent_at: Timestamp,
    snapshot: HostSnapshot,
}

/// What became of one observation.
enum Taken {
    Newest(Coverage),
    Duplicate,
}

impl PushSource {
    /// An empty inbox.
    pub fn new(config: Config) -> Self {
        let (arrivals, news) = watch::channel(Arc::from(""));
        Self { config, newest: Mutex::default(), arrivals, news: tokio::sync::Mutex::new(news) }
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Takes a body in. What of it is newer than what is known becomes the newest; everything else is accounted for in
    /// the answer. `now` is the time of arrival.
    pub fn accept(&self, body: &[u8], form: Form, now: Timestamp) -> Result<Accepted, Refused> {
        if body.len() > MAX_BODY {
            return Err(Refused::TooBig { size: body.len(), limit: MAX_BODY });
        }
        let parts = wire::read(body, form)?;
        if parts.len() > MOST_OBSERVATIONS {
            return Err(Refused::TooMany { count: parts.len(), limit: MOST_OBSERVATIONS });
        }
        let mut outcome = Accepted::default();
        {
            let mut newest = self.lock();
            for (place, part) in parts {
                match part.and_then(|observation| self.take(&mut newest, &observation, now)) {
                    Ok(Taken::Newest(coverage)) => {
                        outcome.accepted += 1;
                        outcome.partial.extend(coverage.gap().map(|gap| (place, gap.clone())));
                    }
                    Ok(Taken::Duplicate) => outcome.duplicates += 1,
                    Err(refusal) => outcome.refused.push((place, refusal)),
                }
            }
        }
        if outcome.accepted > 0 {
            self.arrivals.send_replace(Arc::from(format!("{} observations arrived", outcome.accepted)));
        }
        if outcome.accepted + outcome.duplicates == 0 {
            return Err(Refused::All(outcome.refused));
        }
        Ok(outcome)
    }

    /// The newest observation of every host, as it counts at this moment, sorted by host.
    pub fn snapshots_at(&self, now: Timestamp) -> Vec<HostSnapshot> {
        let newest: Vec<Kept> = self.lock().values().cloned().collect();
        newest.into_iter().map(|kept| aged(kept.snapshot, self.config.max_age, now)).collect()
    }

    fn take(
        &self,
        newest: &mut BTreeMap<String, Kept>,
        observation: &Observation,
        now: Timestamp,
    ) -> Result<Taken, Refusal> {
        let host = self.admit(observation, now)?;
        let full = newest.len() >= MOST_HOSTS;
        let entry = newest.entry(host.as_str().to_lowercase());
        if let Entry::Occupied(known) = &entry {
            let known = known.get();
            let fresh = !is_stale(&known.snapshot, self.config.max_age, now);
            if known.collector != observation.collector && fresh {
                let (known, other) = (known.collector.clone(), observation.collector.clone());
                return Err(Refusal::OtherCollector { host, known, other });
            }
            if observation.observed_at <= known.sent_at {
                return Ok(Taken::Duplicate);
            }
        } else if full {
            return Err(Refusal::TooManyHosts(MOST_HOSTS));
        }
        let snapshot = decode::snapshot(observation, &self.config.id, now);
        let coverage = snapshot.coverage.clone();
        let collector = observation.collector.clone();
        let kept = Kept { collector, sent_at: observation.observed_at, snapshot };
        entry.insert_entry(kept);
        Ok(Taken::Newest(coverage))
    }

    /// Whether it may be said by this sender at this moment; the host it is about.
    fn admit(&self, observation: &Observation, now: Timestamp) -> Result<HostName, Refusal> {
        if !decode::is_name(&observation.hostname) {
            return Err(Refusal::BadHost);
        }
        if !decode::is_name(&observation.collector) {
            return Err(Refusal::Form("source is not a word".to_owned()));
        }
        let host = HostName::new(&observation.hostname);
        if !self.config.speaks_about(&host) {
            return Err(Refusal::NotYours(host));
        }
        let observed_at = observation.observed_at;
        let ahead = Duration::try_from(observed_at.duration_since(now)).unwrap_or(Duration::ZERO);
        if ahead > self.config.max_skew {
            return Err(Refusal::Future { observed_at, now, ahead, allowed: self.config.max_skew });
        }
        Ok(host)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Source for PushSource {
    fn id(&self) -> &SourceId {
        &self.config.id
    }

    async fn observe(&self) -> Snapshot {
        Snapshot::Hosts(self.snapshots_at(evenkeel_ambient::now()))
    }

    async fn changed(&self) -> Hint {
        let mut news = self.news.lock().await;
        match news.changed().await {
            Ok(()) => Hint { reason: news.borrow().to_string() },
            // The sender lives as long as this does.
            Err(_) => std::future::pending().await,
        }
    }
}

/// The observation as it counts now: one that is too old proves nothing. Always in the same words: only a change is news.
fn aged(mut snapshot: HostSnapshot, max_age: Duration, now: Timestamp) -> HostSnapshot {
    if is_stale(&snapshot, max_age, now) {
        let why = format!(
            "the newest observation is of {}, and counts for {} s",
            snapshot.observed_at,
            max_age.as_secs()
        );
        snapshot.coverage = Coverage::Partial(Gap::new(GapKind::Stale, why));
    }
    snapshot
}

fn is_stale(snapshot: &HostSnapshot, max_age: Duration, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(snapshot.observed_at)).is_ok_and(|age| age > max_age)
}
