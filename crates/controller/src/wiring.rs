//! From a configuration to the things it describes: sources, sinks, the store, a controller's setup.

use std::sync::Arc;

use evenkeel_core::{HostName, SourceId, SourceKind};
use evenkeel_sinks::retry;
use evenkeel_sinks::webhook::{self, WebhookSink};
use evenkeel_sources::Source;
use evenkeel_sources::docker::{self, DockerSource, Endpoint};
use evenkeel_sources::netbox::{self, NetboxSource};
use evenkeel_store::sqlite::{Options, Synchronous};
use evenkeel_store::{SqliteStore, Store};
use prometheus::Registry;

use crate::config::{self, Config, DockerDefaults, SinkConfig, SinkKind, StoreConfig};
use crate::controller::{Destination, Setup};
use crate::fleet::{MakeDeclared, Observer, Speaks};

/// Something the configuration describes could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// NetBox: a certificate file, for example.
    #[error("netbox cannot be asked")]
    Netbox(#[from] netbox::Error),
    /// An engine: a certificate file, for example.
    #[error("{id} cannot be asked")]
    Docker {
        /// Which.
        id: SourceId,
        /// Why.
        #[source]
        source: docker::Error,
    },
    /// A webhook: a certificate file, for example.
    #[error("sink {name} cannot be used")]
    Webhook {
        /// Which.
        name: Arc<str>,
        /// Why.
        #[source]
        source: webhook::Error,
    },
}

/// A controller's setup. Within a tokio runtime: engines begin to listen for events here.
pub fn setup(config: &Config, store: Arc<dyn Store>, registry: Registry) -> Result<Setup, Error> {
    Ok(Setup {
        intent: Arc::new(NetboxSource::new(config.netbox.clone())?),
        observers: config.docker.iter().map(observer).collect::<Result<_, _>>()?,
        make_declared: declared(&config.docker_defaults),
        destinations: config.sinks.iter().map(destination).collect::<Result<_, _>>()?,
        policy: config.policy.clone(),
        schedule: config.schedule.clone(),
        retention: config.store.retention,
        store,
        registry,
    })
}

/// The source of one configured engine.
pub fn observer(config: &docker::Config) -> Result<Observer, Error> {
    let source = DockerSource::new(config.clone())
        .map_err(|source| Error::Docker { id: config.id.clone(), source })?;
    Ok(Observer { source: Arc::new(source), speaks: Speaks::Host(config.host.clone()), interval: None })
}

/// How the source of an engine that NetBox declares is made, if such engines are to be watched.
pub fn declared(defaults: &DockerDefaults) -> Option<MakeDeclared> {
    let template = defaults.declared_endpoints.then(|| defaults.template.clone())?;
    Some(Box::new(move |host: &HostName, endpoint: &str| {
        let endpoint = Endpoint::parse(endpoint).map_err(|error| error.to_string())?;
        let config = docker::Config {
            id: SourceId::new(SourceKind::Docker, host.as_str()),
            host: Some(host.clone()),
            endpoint,
            ..template.clone()
        };
        let source = DockerSource::new(config).map_err(|error| error.to_string())?;
        Ok(Arc::new(source) as Arc<dyn Source>)
    }))
}

/// One sink.
pub fn destination(config: &SinkConfig) -> Result<Destination, Error> {
    let SinkConfig { name, kind, filter } = config;
    let sink = match kind {
        SinkKind::Webhook(settings) => WebhookSink::new(settings.clone())
            .map_err(|source| Error::Webhook { name: name.clone(), source })?,
    };
    Ok(Destination { sink: Arc::new(sink), filter: filter.clone(), retry: retry::Schedule::default() })
}

/// The store, for the one process that writes it.
pub async fn store(config: &StoreConfig) -> Result<SqliteStore, evenkeel_store::Error> {
    SqliteStore::open(&config.path, options(config)).await
}

/// The store, for reading beside a running controller.
pub async fn store_read_only(config: &StoreConfig) -> Result<SqliteStore, evenkeel_store::Error> {
    SqliteStore::open_read_only(&config.path, options(config)).await
}

fn options(config: &StoreConfig) -> Options {
    let synchronous = match config.synchronous {
        config::Synchronous::Normal => Synchronous::Normal,
        config::Synchronous::Full => Synchronous::Full,
    };
    Options { synchronous, ..Options::default() }
}
