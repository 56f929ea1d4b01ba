//! NetBox, the source of intent: read complete or not at all, and no more often than needed.
//!
//! `config` (settings) · `client` (transport) · `model` (what is asked) · `wire` (its JSON) · `admit`, `custom`
//! (its rows, checked) · `rows`, `tables` (what is kept) · `walk`, `verify` (whole lists) · `delta` (changelog) · `refs`, `loss` (does it hold
//! together) · `decode`, `names`, `merge` (the inventory) · `check` (for `doctor`) · `clusters` (for `init`). Nothing is ever written here.

mod admit;
mod check;
mod client;
mod clusters;
mod config;
mod custom;
mod decode;
mod delta;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod loss;
mod merge;
mod model;
mod names;
mod read;
mod refs;
mod rows;
mod tables;
#[cfg(test)]
mod tests;
mod verify;
mod walk;
mod wire;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use evenkeel_core::model::{ExpectedHost, Inventory};
use evenkeel_core::{Coverage, Gap, GapKind, SourceId};
use jiff::Timestamp;
use tokio::time::Instant;

pub use check::{ModelReport, Report};
pub use client::{Stats, TokenKind};
pub use clusters::Cluster;
pub use config::{Config, Error, FieldNames, Filters};
pub use model::Version;

use self::client::Client;
use self::loss::Recalled;
use self::read::State;
use self::rows::Settings;
use crate::{Hint, Snapshot, Source};

/// How long the probe rests after the changelog was refused: the rights may be given some day.
const DENIED_REST: std::time::Duration = std::time::Duration::from_secs(600);

/// One NetBox.
pub struct NetboxSource {
    config: Config,
    client: Client,
    settings: Settings,
    state: tokio::sync::Mutex<State>,
    probe: Mutex<Probe>,
    last: Mutex<Stats>,
}

/// What the probe knows. Apart from the state, so that probing never waits for a long read.
#[derive(Default)]
struct Probe {
    /// The newest change known.
    newest: Option<u64>,
    /// When to ask next. Kept here and not in the future, which the caller may drop and make anew at any time.
    next: Option<Instant>,
}

impl NetboxSource {
    /// Checks the settings and builds the client. Nothing is sent yet.
    pub fn new(config: Config) -> Result<Self, Error> {
        config.check()?;
        Ok(Self {
            client: Client::new(&config)?,
            settings: Settings {
                fields: config.fields.clone(),
                filters: config.filters.clone(),
                read_config_context: config.read_config_context,
            },
            state: tokio::sync::Mutex::new(State::default()),
            probe: Mutex::new(Probe::default()),
            last: Mutex::new(Stats::default()),
            config,
        })
    }

    /// What the last observation cost.
    pub fn stats(&self) -> Stats {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version NetBox last named.
    pub fn version(&self) -> Option<Version> {
        self.client.version()
    }

    /// The settings it was built from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn inventory(
        &self,
        started: Timestamp,
        outcome: Result<(Vec<Arc<ExpectedHost>>, Option<Gap>), Gap>,
    ) -> Inventory {
        let (hosts, coverage) = match outcome {
            Ok((hosts, None)) => (hosts, Coverage::Complete),
            Ok((hosts, Some(gap))) => (hosts, Coverage::Partial(gap)),
            Err(gap) => (Vec::new(), Coverage::Partial(gap)),
        };
        Inventory {
            source: self.config.id.clone(),
            started,
            observed_at: evenkeel_ambient::now(),
            coverage,
            hosts,
            filtered: !self.config.filters.is_empty(),
        }
    }

    fn probe(&self) -> std::sync::MutexGuard<'_, Probe> {
        self.probe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One look at the changelog: the newest id, if it is another than the one known.
    async fn look(&self) -> Option<u64> {
        let version = self.client.version()?;
        let rest = match delta::newest(&self.client, version).await {
            Ok(newest) => {
                let mut probe = self.probe();
                probe.next = Some(Instant::now() + self.config.probe_interval);
                let before = std::mem::replace(&mut probe.newest, newest);
                return newest.filter(|_| before.is_some() && before != newest);
            }
            Err(gap) if delta::is_denied(&gap) => DENIED_REST.max(self.config.probe_interval),
            Err(_) => self.config.probe_interval,
        };
        self.probe().next = Some(Instant::now() + rest);
        None
    }
}

#[async_trait]
impl Source for NetboxSource {
    fn id(&self) -> &SourceId {
        &self.config.id
    }

    async fn observe(&self) -> Snapshot {
        let started = evenkeel_ambient::now();
        let mut state = self.state.lock().await;
        let before = self.client.stats();
        let outcome = self.refresh(&mut state).await;
        let after = self.client.stats();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) =
            Stats { requests: after.requests - before.requests, bytes: after.bytes - before.bytes };
        if outcome.is_ok()
            && let Some(cursor) = &state.cursor
        {
            let mut probe = self.probe();
            probe.newest = cursor.newest();
            // Whatever closed it for a while: it has just been read.
            let soon = Instant::now() + self.config.probe_interval;
            probe.next = probe.next.map(|next| next.min(soon));
        }
        Snapshot::Inventory(
            self.inventory(started, outcome.map(|()| (state.hosts.clone(), state.gap.clone()))),
        )
    }

    async fn recall(&self, last: &Inventory) {
        let filtered = !self.config.filters.is_empty();
        self.state.lock().await.recalled = Some(Recalled::of(last, filtered));
    }

    async fn changed(&self) -> Hint {
        loop {
            let next = *self.probe().next.get_or_insert_with(|| Instant::now() + self.config.probe_interval);
            tokio::time::sleep_until(next).await;
            // Moved on before asking: should this future be dropped meanwhile, the next does not ask at once again.
            self.probe().next = Some(Instant::now() + self.config.probe_interval);
            if let Some(newest) = self.look().await {
                return Hint { reason: format!("changelog {newest}") };
            }
        }
    }
}

/// The gap of a version that is too old to be read.
fn too_old(place: &str, version: Version) -> Gap {
    let why = format!("{place}: netbox {version} is older than {}, the oldest that is read", Version::OLDEST);
    Gap::new(GapKind::Malformed, why)
}
