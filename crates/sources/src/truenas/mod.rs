//! A TrueNAS (24.04 to 26) as a source: its apps as services of the machine it is, its pools and alerts as that
//! machine's, and its virtual machines and system containers as machines that run on it. Read through JSON-RPC over a
//! websocket, which also tells of changes; through REST where a version has none; or through `midclt` over ssh.
//!
//! `config` (settings) · `question` (what is asked) · `client` (the ways: `socket` opened by `dial` and kept by `link`,
//! which leaves what it hears on `board`; `rest`; `shell`) · `refusal` (errors in one form) · `wire` (foreign JSON) ·
//! `look` (the order of questions, and how far answers reach) · `decode`, `machines`, `ports` (wire → snapshot) · `check`
//! (for `doctor`) · `version`. What does not live here: schedules, metrics, anything that changes a TrueNAS.

mod board;
mod check;
mod client;
mod config;
mod decode;
mod dial;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod link;
mod look;
mod machines;
mod ports;
mod question;
mod refusal;
mod rest;
mod shell;
mod socket;
mod version;
mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use evenkeel_core::model::ObservedService;
use evenkeel_core::{Fact, Gap, HostName, SourceId};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::board::Board;
use self::client::Client;
use crate::{Hint, Snapshot, Source, http};

pub use check::{Check, MethodCheck};
pub use config::{Address, AddressError, Config, ConfigError, Transport};

/// Why a source could not be set up. All but [`Error::NoRuntime`] are mistakes in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings make no sense together; the first of what is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Certificates or the client.
    #[error("prepare the connection to TrueNAS")]
    Client(#[from] http::Error),
    /// The key cannot be sent.
    #[error("the api key has characters that no key has")]
    Key,
    /// Built outside a tokio runtime.
    #[error("a truenas source needs a tokio runtime to keep its connection in")]
    NoRuntime,
}

/// One TrueNAS. Dropping it ends its session.
#[derive(Debug)]
pub struct TruenasSource {
    config: Config,
    client: Client,
    board: Arc<Board>,
    /// The name it gave itself last.
    known_as: Mutex<Option<Arc<str>>>,
    /// Whether the last look was answered in full.
    was_whole: AtomicBool,
    _keeper: DropGuard,
}

impl TruenasSource {
    /// Checks the settings and begins to connect. Within a tokio runtime.
    pub fn new(config: Config) -> Result<Self, Error> {
        if let Some(mistake) = config.mistakes().into_iter().next() {
            return Err(mistake.into());
        }
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let board = Arc::new(Board::new());
        let client = Client::new(&config, &board)?;
        let cancel = CancellationToken::new();
        if let Some(keeper) = client.keeper() {
            let cancelled = cancel.clone().cancelled_owned();
            runtime.spawn(async move {
                tokio::select! {
                    biased;
                    () = cancelled => {}
                    () = keeper => {}
                }
            });
        }
        Ok(Self {
            config,
            client,
            board,
            known_as: Mutex::new(None),
            was_whole: AtomicBool::new(false),
            _keeper: cancel.drop_guard(),
        })
    }

    /// The host it is, where the configuration says so; otherwise the snapshot's `facts.name` does.
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
}

#[async_trait]
impl Source for TruenasSource {
    fn id(&self) -> &SourceId {
        &self.config.id
    }

    async fn observe(&self) -> Snapshot {
        let known_as = self.known_as.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let look = || look::look(&self.client, &self.config, evenkeel_ambient::now(), known_as.clone());
        let mut looked = look().await;
        // It may have gone in the middle of its answer. Then it is gone as a whole, which another look shows; what
        // stays half is half.
        if self.was_whole.load(Ordering::Relaxed) && looked.is_half_silent() {
            looked = look().await;
        }
        self.was_whole.store(looked.is_whole(), Ordering::Relaxed);
        let look::Look { survey, host } = looked;
        if let Some(Fact::Known(name)) = &host.facts.name {
            *self.known_as.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(name));
        }
        Snapshot::Survey { survey, host: Some(host) }
    }

    async fn changed(&self) -> Hint {
        self.board.hint(self.config.debounce).await
    }
}

/// The services in the `result` of `app.query` or `chart.release.query`: what an observation makes of the list before it
/// asks anything else. What cannot be understood is left out.
pub fn decode_apps(result: &[u8]) -> Result<Vec<ObservedService>, Gap> {
    let answer: serde_json::Value =
        serde_json::from_slice(result).map_err(|_| wire::malformed("the answer is not json".to_owned()))?;
    Ok(decode::services(&wire::rows(&answer)?.rows, None))
}
