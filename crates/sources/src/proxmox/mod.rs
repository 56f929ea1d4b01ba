//! A Proxmox VE cluster (8.x, 9.x) as a source: its nodes with their storages, its virtual machines and containers.
//!
//! `config` (settings) · `client`, `session` (transport, login) · `wire` (its JSON) · `rights` (what may be seen) ·
//! `locks`, `details`, `errand`, `guest_config` (what is kept and read slowly) · `look` (the order of questions) ·
//! `decode` (machines) · `check` (for `doctor`). What does not live here: schedules, metrics, anything that changes a
//! cluster. Why not an existing client library: docs/adr/0004-proxmox-over-reqwest.md.

mod check;
mod client;
mod config;
mod decode;
mod details;
mod errand;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod guest_config;
mod locks;
mod look;
mod rights;
mod session;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use evenkeel_core::SourceId;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use check::{EndpointReport, Report, RightReport};
pub use config::{Config, ConfigError, Login, check_endpoint};

use self::client::Client;
use self::details::{Ask, Details};
use self::errand::Board;
use self::look::Memory;
use crate::{Hint, Snapshot, Source, http};

/// Why a source could not be set up. All but [`Error::NoRuntime`] are mistakes in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings make no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Certificates or the client.
    #[error("prepare the connection to the cluster")]
    Client(#[from] http::Error),
    /// Built outside a tokio runtime.
    #[error("a proxmox source needs a tokio runtime to read details in")]
    NoRuntime,
}

/// One cluster. Dropping it ends what it reads in the background.
#[derive(Debug)]
pub struct ProxmoxSource {
    config: Config,
    client: Arc<Client>,
    board: Arc<Board>,
    errands: UnboundedSender<Vec<Ask>>,
    memory: tokio::sync::Mutex<Memory>,
    _reader: DropGuard,
}

impl ProxmoxSource {
    /// Checks the settings. Nothing is sent yet. Within a tokio runtime.
    pub fn new(config: Config) -> Result<Self, Error> {
        config.validate()?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| Error::NoRuntime)?;
        let client = Arc::new(Client::new(&config)?);
        let board = Arc::new(Board::new(Arc::clone(&client), Details::new(config.detail_interval)));
        let (errands, waiting) = tokio::sync::mpsc::unbounded_channel();
        let cancel = CancellationToken::new();
        let reading = errand::run(Arc::clone(&board), waiting);
        let cancelled = cancel.clone().cancelled_owned();
        runtime.spawn(async move {
            tokio::select! {
                biased;
                () = cancelled => {}
                () = reading => {}
            }
        });
        let memory = tokio::sync::Mutex::new(Memory::default());
        Ok(Self { config, client, board, errands, memory, _reader: cancel.drop_guard() })
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Completes when what is read in the background has come back, for callers that look only a few times. Says
    /// whether every guest was read; if not, another observation reads more of them.
    pub async fn details_read(&self) -> bool {
        self.board.idle().await;
        !self.board.details().has_unread()
    }

    /// What `doctor` wants to know. Asks everything once; writes nothing.
    pub async fn check(&self) -> Report {
        check::check(&self.client).await
    }
}

#[async_trait]
impl Source for ProxmoxSource {
    fn id(&self) -> &SourceId {
        &self.config.id
    }

    async fn observe(&self) -> Snapshot {
        Snapshot::Survey { survey: self.survey().await, host: None }
    }

    async fn changed(&self) -> Hint {
        Hint { reason: self.board.news().await }
    }
}
