//! A Docker (or Podman) engine as a source: which services run on one host. Read through the Engine API over a socket
//! file, TCP, TLS, a socket proxy or ssh; changes are learnt from its event stream.
//!
//! What lives here: the order of questions, and how far the answers reach. What does not: schedules, metrics,
//! anything that changes an engine, environment and command lines, which are never asked for.
//! Why not an existing client library: docs/adr/0002-docker-over-reqwest.md.

mod bare;
mod check;
mod client;
mod config;
mod daemon;
mod decode;
mod endpoint;
mod events;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod ports;
mod reach;
mod restarts;
mod settle;
mod ssh;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use evenkeel_core::model::{HostFacts, HostSnapshot, ObservedService, RunState};
use evenkeel_core::{Fact, Gap, GapKind, HostName, SourceId};
use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::client::{Client, Question};
use self::daemon::Daemon;
use self::events::{Board, Stream};
use self::reach::coverage;
use self::restarts::Inspected;
use self::wire::{Container, Info, Inspect, List, Version};
use crate::{Hint, Snapshot, Source, http};

pub use check::Check;
pub use config::{Config, ConfigError};
pub use endpoint::{Endpoint, EndpointError, SshTarget};

/// Inspections per observation: a loop shows in the first few, and each is a request.
const MOST_INSPECTIONS: usize = 20;
/// A container up for less than this when it is seen for the first time gets its base line at once.
const YOUNG: Duration = Duration::from_secs(60);
/// How long an observation waits for a list that knows of the deaths that were told; it is asked again and again.
const LAG: Duration = Duration::from_secs(2);
/// The pauses between, from this one on.
const LAG_PAUSE: Duration = Duration::from_millis(4);
/// The longest of them.
const LAG_PAUSE_MAX: Duration = Duration::from_millis(10);

/// Why a source could not be set up. All but [`Error::NoRuntime`] are mistakes in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings make no sense together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Certificates or the client.
    #[error("prepare the connection to the engine")]
    Client(#[from] http::Error),
    /// The private socket for ssh.
    #[error("open the bridge for ssh://{target}")]
    Bridge {
        /// Whom ssh would reach.
        target: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The endpoint cannot be written as an address.
    #[error("the endpoint is not an address that can be asked")]
    Address,
    /// Built outside a tokio runtime.
    #[error("a docker source needs a tokio runtime to listen in")]
    NoRuntime,
}

/// One engine. Dropping it ends its event stream and its ssh.
#[derive(Debug)]
pub struct DockerSource {
    config: Config,
    client: Arc<Client>,
    board: Arc<Board>,
    daemon: Daemon,
    last_look: Mutex<Option<Instant>>,
    _listener: DropGuard,
}

impl DockerSource {
    /// Checks the settings and begins to listen for events, unless those are switched off. Within a tokio runtime.
    pub fn new(config: Config) -> Result<Self, Error> {
        config.validate()?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let client = Arc::new(Client::new(&config)?);
        let board = Arc::new(Board::new(config.restart_window, config.settle));
        let cancel = CancellationToken::new();
        if config.events {
            // In a box: what awaits it would otherwise have room for it twice.
            let listening =
                Box::pin(events::listen(Arc::clone(&client), Arc::clone(&board), config.watchdog));
            let cancelled = cancel.clone().cancelled_owned();
            runtime.spawn(async move {
                tokio::select! {
                    biased;
                    () = cancelled => {}
                    () = listening => {}
                }
            });
        }
        let daemon = Daemon::new(Arc::clone(&client), Arc::clone(&board));
        Ok(Self {
            config,
            client,
            board,
            daemon,
            last_look: Mutex::new(None),
            _listener: cancel.drop_guard(),
        })
    }

    /// The host it speaks about, where the configuration says so; otherwise the snapshot's `facts.name` does.
    pub fn host(&self) -> Option<&HostName> {
        self.config.host.as_ref()
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What `doctor` wants to know. Asks everything once; writes nothing.
    pub async fn check(&self) -> Check {
        check::check(&self.client, &self.config).await
    }

    async fn look(&self, started: Timestamp) -> Result<HostSnapshot, Gap> {
        let (list, version) = (self.list(), self.daemon.version());
        let (list, version) = if self.client.parallel() > 1 {
            tokio::join!(list, version)
        } else {
            (list.await, version.await)
        };
        let podman = version.as_ref().is_ok_and(|version| version.is_podman);
        let mut list = list?;
        if self.config.host.is_none() {
            // Its name says whose containers these are.
            self.daemon.forget();
        }
        let (mut info, mut short) = self.daemon.witness(&list, podman).await;
        let broke_off = info
            .as_ref()
            .err()
            .map(|gap| gap.kind)
            .filter(|kind| matches!(kind, GapKind::Unreachable | GapKind::TimedOut | GapKind::Truncated));
        if short.is_some() || broke_off.is_some() {
            // A container created between the two questions explains it as well. And an engine that is gone a moment after its
            // list may have ended everything in it first; who asks again learns that it is gone.
            list = self.list().await?;
            // What is slow is not waited for twice.
            if broke_off != Some(GapKind::TimedOut) {
                (info, short) = self.daemon.witness(&list, podman).await;
            }
        }
        let now = Instant::now();
        self.hold_back(&mut list.containers, now);
        let held = list.containers.iter().any(|container| container.held);
        let blind = self.count_restarts(&list.containers, now).await;
        let services =
            decode::services(&list.containers, |container| match blind.get(container.id.as_str()) {
                Some(gap) => Fact::Unknown(gap.clone()),
                None => Fact::Known(self.board.with_tracker(|tracker| tracker.count(&container.id, now))),
            });
        Ok(HostSnapshot {
            source: self.config.id.clone(),
            started,
            observed_at: evenkeel_ambient::now(),
            coverage: coverage(&list, short, held, self.client.place()),
            facts: facts(info, version),
            services,
        })
    }

    /// The newest list, held against what is known of the engine at this moment.
    async fn list(&self) -> Result<List, Gap> {
        let mut list = self.settled_list().await?;
        self.hold_back(&mut list.containers, Instant::now());
        Ok(list)
    }

    /// The list, once it knows of every death that the stream told of. Engines such as 20.10 say `die` first, then clear
    /// away the network and write the state to disk, and until then (50 to 250 ms, measured) list the container as
    /// running; nothing would make anybody look again afterwards. Not the event is believed, since it does not tell
    /// whether a restart policy goes on; it only says that this list is too old.
    async fn settled_list(&self) -> Result<List, Gap> {
        let begun = Instant::now();
        let mut pause = LAG_PAUSE;
        loop {
            let asked = Instant::now();
            let list = client::list(&self.client).await?;
            let now = Instant::now();
            if !self.is_behind(&list, now) {
                return Ok(list);
            }
            if now.duration_since(begun) >= LAG {
                self.board.look_again("the list does not know yet who died");
                return Ok(list);
            }
            // A long list is not asked for more than half of the time.
            tokio::time::sleep(pause.max(now.duration_since(asked))).await;
            pause = (pause * 3 / 2).min(LAG_PAUSE_MAX);
        }
    }

    /// Whether the list shows somebody alive who died a moment ago.
    fn is_behind(&self, list: &List, now: Instant) -> bool {
        let alive = |container: &&Container| match decode::state(container) {
            Fact::Known(RunState::Running | RunState::Paused) => true,
            Fact::Known(RunState::Restarting | RunState::Created | RunState::Exited | RunState::Closed)
            | Fact::Unknown(_) => false,
        };
        self.board.with_settle(|settle| {
            list.containers.iter().filter(alive).any(|container| settle.is_dead(&container.id, now))
        })
    }

    /// Marks the containers whose being down proves nothing, while the engine itself stops or comes back. One that was marked
    /// stays so: what was heard since is newer than the list.
    fn hold_back(&self, containers: &mut [Container], now: Instant) {
        let runs = |container: &Container| match decode::state(container) {
            Fact::Unknown(_) if container.held => false,
            Fact::Known(RunState::Running | RunState::Paused | RunState::Restarting) => true,
            Fact::Known(RunState::Created | RunState::Exited | RunState::Closed) => false,
            // Not known to be down, so there is nothing to hold back.
            Fact::Unknown(_) => true,
        };
        let seen = containers.iter().map(|container| (container.id.as_str(), runs(container)));
        let held = self.board.with_settle(|settle| settle.observed(seen, now));
        for container in containers {
            container.held |= held.contains(&container.id);
        }
    }

    /// Reads the engine's own count of the containers that may have restarted since the last look. Returns those of
    /// which neither it nor the events can tell.
    async fn count_restarts<'a>(&self, containers: &'a [Container], now: Instant) -> BTreeMap<&'a str, Gap> {
        let before = self.last_look.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        let since = before.map_or(YOUNG, |before| now.duration_since(before).max(YOUNG));
        let there: BTreeSet<&str> = containers.iter().map(|container| container.id.as_str()).collect();
        self.board.with_tracker(|tracker| tracker.retain(&there, now));

        let mut suspects: Vec<(bool, &Container)> = containers
            .iter()
            .filter_map(|container| suspicion(container, since).map(|restarting| (restarting, container)))
            .collect();
        suspects.sort_by_key(|(restarting, container)| (!restarting, container.id.as_str()));
        suspects.truncate(MOST_INSPECTIONS);
        let asked: Vec<_> =
            suspects.into_iter().map(|(restarting, container)| self.inspect(container, restarting)).collect();
        let answers: Vec<_> =
            futures_util::stream::iter(asked).buffer_unordered(self.client.parallel()).collect().await;

        let listening = self.board.stream() == Stream::Open;
        let mut blind = BTreeMap::new();
        let wall = evenkeel_ambient::now();
        for (container, restarting, answer) in answers {
            match answer.map(|inspect: Inspect| inspected(&inspect, restarting, wall)) {
                Ok(Some(inspected)) => {
                    self.board.with_tracker(|tracker| tracker.inspected(&container.id, inspected, now));
                }
                // Events alone are a fair count; without them there is none.
                Err(gap) if !listening => {
                    blind.insert(container.id.as_str(), gap);
                }
                Ok(None) if !listening => {
                    let why =
                        format!("the engine does not say how often container {} restarted", container.name);
                    blind.insert(container.id.as_str(), Gap::new(GapKind::Malformed, why));
                }
                Ok(None) | Err(_) => {}
            }
        }
        blind
    }

    async fn inspect<'a>(
        &self,
        container: &'a Container,
        restarting: bool,
    ) -> (&'a Container, bool, Result<Inspect, Gap>) {
        let question = Question::Inspect(&container.id);
        (container, restarting, client::object(&self.client, question).await)
    }
}

#[async_trait]
impl Source for DockerSource {
    fn id(&self) -> &SourceId {
        &self.config.id
    }

    async fn observe(&self) -> Snapshot {
        let started = evenkeel_ambient::now();
        let snapshot = match self.look(started).await {
            Ok(snapshot) => snapshot,
            Err(gap) => HostSnapshot::blind(self.config.id.clone(), started, evenkeel_ambient::now(), gap),
        };
        Snapshot::Hosts(vec![snapshot])
    }

    fn doubt(&self) {
        self.daemon.forget();
    }

    async fn changed(&self) -> Hint {
        self.board.hint(self.config.debounce).await
    }
}

/// The services in a body of `GET /containers/json`: what an observation makes of the list before it asks anything
/// else. Elements that cannot be understood are left out, and nothing has restarted.
pub fn decode_list(body: &[u8]) -> Result<Vec<ObservedService>, Gap> {
    let list = wire::list(body)?;
    Ok(decode::services(&list.containers, |_| Fact::Known(0)))
}

/// Whether the container may have restarted within `since`; if so, whether it is between two attempts right now.
fn suspicion(container: &Container, since: Duration) -> Option<bool> {
    // The id becomes part of a path.
    if !container.id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match decode::state(container) {
        Fact::Known(RunState::Restarting) => Some(true),
        Fact::Known(RunState::Running) => {
            restarts::up_at_least(&container.status).is_some_and(|up| up < since).then_some(false)
        }
        Fact::Known(RunState::Paused | RunState::Created | RunState::Exited | RunState::Closed)
        | Fact::Unknown(_) => None,
    }
}

fn inspected(inspect: &Inspect, restarting: bool, now: Timestamp) -> Option<Inspected> {
    let started_at = inspect.state.started_at.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let started_ago = started_at.and_then(|at| Duration::try_from(now.duration_since(at)).ok());
    Some(Inspected { restart_count: inspect.restart_count?, restarting, started_ago })
}

fn facts(info: Result<Info, Gap>, version: Result<Version, Gap>) -> HostFacts {
    let mut notes: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
    let mut note = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            notes.insert(Arc::from(key), Arc::from(value));
        }
    };
    if let Ok(version) = version {
        note("engine_version", version.version);
        note("api_version", version.api_version);
        note("os", version.os);
    }
    let (name, engine_id) = match info {
        Ok(info) => (
            match info.name.filter(|name| !name.is_empty()) {
                Some(name) => Fact::Known(Arc::from(name)),
                None => Fact::unknown(GapKind::Malformed, "the engine does not say its name"),
            },
            info.id.filter(|id| !id.is_empty()).map(Arc::from),
        ),
        Err(gap) => (Fact::Unknown(gap), None),
    };
    HostFacts { name: Some(name), engine_id, notes, ..HostFacts::default() }
}
