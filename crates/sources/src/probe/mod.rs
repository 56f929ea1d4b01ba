//! The network probe as a source: do the declared ports answer, does the machine answer. It serves machines that have no
//! interface to ask, and the container that runs while its port is closed.
//!
//! What lives here: the targets of the moment, and one observation over all of them. What does not: schedules, metrics,
//! and which differences follow. Only declared ports are ever tried. The rooms: `plan` decides what is probed, `round`
//! takes one machine's turn, `client` and `icmp` are the transport, `decode` turns answers into snapshots.

mod anybody;
mod check;
mod client;
mod config;
mod decode;
mod icmp;
mod pace;
mod plan;
mod round;
mod target;

use std::sync::Arc;

use async_trait::async_trait;
use evenkeel_core::SourceId;
use evenkeel_core::model::HostSnapshot;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::{Mutex, watch};

use self::decode::{Look, Tally};
use self::round::{Found, Prober};
use crate::{Hint, Snapshot, Source, http};

pub use check::Check;
pub use config::{Config, ConfigError, Reference};
pub use plan::{AddressRule, HttpRule, Selection, targets};
pub use target::{HttpCheck, Scheme, ServiceCheck, ServiceTarget, Target};

/// How many machines are asked once more whether the network is still there.
const WITNESSES: usize = 3;

/// Why a probe could not be set up. All of these are mistakes in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings make no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Certificates.
    #[error("prepare tls for web checks")]
    Tls(#[from] http::Error),
}

/// The probe. What it looks at is set from outside, and may change at any time.
#[derive(Debug)]
pub struct ProbeSource {
    prober: Prober,
    vantage: Arc<str>,
    targets: watch::Sender<Arc<[Target]>>,
    news: Mutex<watch::Receiver<Arc<[Target]>>>,
}

impl ProbeSource {
    /// Checks the settings. There are no targets yet.
    pub fn new(config: Config) -> Result<Self, Error> {
        config.validate()?;
        let vantage = config.vantage.clone().unwrap_or_else(this_machine);
        let (targets, news) = watch::channel(Arc::from([]));
        Ok(Self { prober: Prober::new(config)?, vantage, targets, news: Mutex::new(news) })
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        self.prober.config()
    }

    /// Looks at these from the next observation on. Setting the same again changes nothing and hints at nothing.
    pub fn set_targets(&self, targets: Vec<Target>) {
        self.targets.send_if_modified(|now| {
            let differs = **now != *targets;
            if differs {
                *now = Arc::from(targets);
            }
            differs
        });
    }

    /// What it looks at.
    pub fn targets(&self) -> Arc<[Target]> {
        self.targets.borrow().clone()
    }

    /// What `doctor` wants to know.
    pub async fn check(&self) -> Check {
        check::check(&self.prober, &self.vantage).await
    }

    async fn look(&self, targets: &[Target]) -> Vec<HostSnapshot> {
        let config = self.config();
        let started = evenkeel_ambient::now();
        // Machines in flight, not connections: those have limits of their own. A machine that is silent keeps its
        // place for as long as its tries last.
        let turns: Vec<_> = targets.iter().map(|target| self.turn(target)).collect();
        let found: Vec<(&Target, Found)> =
            stream::iter(turns).buffered(4 * config.concurrency).collect().await;
        let look = |observed_at| Look {
            source: &config.id,
            vantage: &self.vantage,
            tries: config.tries,
            icmp: config.icmp,
            started,
            observed_at,
        };
        let tally = Tally::of(look(started), &found);
        let lost = self.is_vantage_lost(tally, &found).await.then(|| decode::lost_vantage(&self.vantage));
        // A clock that was set back meanwhile must not make the end come before the beginning.
        let look = look(evenkeel_ambient::now().max(started));
        found.iter().map(|(target, found)| decode::snapshot(look, target, found, lost.as_ref())).collect()
    }

    async fn turn<'a>(&self, target: &'a Target) -> (&'a Target, Found) {
        (target, self.prober.look(target).await)
    }

    /// Whether the fault is here: nothing answers; or something did, but nobody is left to vouch that the network was still
    /// there when others stayed silent.
    async fn is_vantage_lost(&self, tally: Tally, found: &[(&Target, Found)]) -> bool {
        if tally.is_dark() {
            return tally.vantage_lost(self.reference().await);
        }
        tally.is_torn() && self.reference().await != Some(true) && !self.is_witnessed(found).await
    }

    /// Whether any of a few machines that answered before still does.
    async fn is_witnessed(&self, found: &[(&Target, Found)]) -> bool {
        let answered = found.iter().filter(|(_, found)| found.answers).map(|(target, _)| *target);
        let asked = answered.rev().take(WITNESSES).map(|target| self.prober.still_answers(target));
        futures_util::future::join_all(asked).await.contains(&true)
    }

    /// Whether any address of the own network answers; `None` where none is configured.
    async fn reference(&self) -> Option<bool> {
        let reference = &self.config().reference;
        if reference.is_empty() {
            return None;
        }
        let asked = reference.iter().map(|address| self.prober.reference_answers(address));
        Some(futures_util::future::join_all(asked).await.contains(&true))
    }
}

#[async_trait]
impl Source for ProbeSource {
    fn id(&self) -> &SourceId {
        &self.config().id
    }

    async fn observe(&self) -> Snapshot {
        let targets = self.targets();
        Snapshot::Hosts(self.look(&targets).await)
    }

    async fn changed(&self) -> Hint {
        // The sender lives as long as this does, so there is always a next change to wait for.
        match self.news.lock().await.changed().await {
            Ok(()) => Hint { reason: format!("{} machines are to be probed now", self.targets().len()) },
            Err(_) => std::future::pending().await,
        }
    }
}

/// The name this machine gives itself, where the system tells it in a file.
fn this_machine() -> Arc<str> {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"));
    match told.as_deref().map(str::trim) {
        Ok(name) if !name.is_empty() => Arc::from(name),
        Ok(_) | Err(_) => Arc::from("this machine"),
    }
}
