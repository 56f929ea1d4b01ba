//! From a configuration to the things it describes: sources, sinks, the store, a controller's setup.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{HostName, SourceId, SourceKind};
use evenkeel_sinks::action::ActionSink;
use evenkeel_sinks::alertmanager::AlertmanagerSink;
use evenkeel_sinks::chat::ChatSink;
use evenkeel_sinks::heartbeat::Heartbeat;
use evenkeel_sinks::nats::NatsSink;
use evenkeel_sinks::netbox::NetboxSink;
use evenkeel_sinks::ntfy::NtfySink;
use evenkeel_sinks::retry;
use evenkeel_sinks::webhook::WebhookSink;
use evenkeel_sinks::{Sink, http};
use evenkeel_sources::Source;
use evenkeel_sources::docker::{self, DockerSource, Endpoint};
use evenkeel_sources::http::Trust;
use evenkeel_sources::netbox::{self, NetboxSource};
use evenkeel_sources::probe::{self, ProbeSource};
use evenkeel_sources::proxmox::{self, ProxmoxSource};
use evenkeel_sources::push::PushSource;
use evenkeel_sources::truenas::{self, TruenasSource};
use evenkeel_store::sqlite::{self, Synchronous};
use evenkeel_store::{PgStore, SqliteStore, Store, postgres};
use evenkeel_web::{Approver, Intake, Rules};
use prometheus::Registry;

use crate::config::{
    self, AccessConfig, ApproverConfig, Config, DockerDefaults, HeartbeatConfig, Place, ProbeConfig,
    ProxmoxConfig, RemediationConfig, RepairAction, SinkConfig, SinkKind, StoreConfig,
};
use crate::controller::{Destination, Setup};
use crate::fleet::{MakeDeclared, Observer, Probe, Speaks};
use crate::heartbeat::Pulse;
use crate::hook::Bell;
use crate::intake::Inbox;
use crate::repair::Remedies;

/// How often an inbox is looked into when nothing comes: what lies in it grows too old by itself.
const INBOX_INTERVAL: Duration = Duration::from_secs(30);

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
    /// A cluster: a certificate file, for example.
    #[error("{id} cannot be asked")]
    Proxmox {
        /// Which.
        id: SourceId,
        /// Why.
        #[source]
        source: proxmox::Error,
    },
    /// A TrueNAS: a certificate file, for example.
    #[error("{id} cannot be asked")]
    Truenas {
        /// Which.
        id: SourceId,
        /// Why.
        #[source]
        source: truenas::Error,
    },
    /// The probe: a certificate file, for example.
    #[error("{id} cannot look")]
    Probe {
        /// Which.
        id: SourceId,
        /// Why.
        #[source]
        source: probe::Error,
    },
    /// A sink: a certificate file, for example.
    #[error("sink {name} cannot be used")]
    Sink {
        /// Which.
        name: Arc<str>,
        /// Why.
        #[source]
        source: http::Error,
    },
    /// A repair: a certificate file, for example.
    #[error("action {name} cannot be asked for")]
    Action {
        /// Which.
        name: Arc<str>,
        /// Why.
        #[source]
        source: http::Error,
    },
    /// A sink: whom it should trust cannot be read.
    #[error("sink {name} cannot be used")]
    Trust {
        /// Which.
        name: Arc<str>,
        /// Why.
        #[source]
        source: evenkeel_sources::http::Error,
    },
}

/// A controller's setup. Within a tokio runtime: engines begin to listen for events here.
pub fn setup(config: &Config, store: Arc<dyn Store>, registry: Registry) -> Result<Setup, Error> {
    let mut observers: Vec<Observer> = config.docker.iter().map(observer).collect::<Result<_, _>>()?;
    for cluster in &config.proxmox {
        let (source, speaks) = hypervisor(cluster)?;
        observers.push(Observer { source, speaks, interval: Some(cluster.interval) });
    }
    for appliance in &config.truenas {
        observers.push(self::appliance(appliance)?);
    }
    let probes: Vec<Probe> = config.probe.iter().map(self::probe).collect::<Result<_, _>>()?;
    let probe_interval = config.probe.as_ref().map(|probe| probe.interval);
    observers.extend(probes.iter().map(|probe| looking(probe, probe_interval)));
    let mut intakes: Vec<Arc<dyn Intake>> = Vec::new();
    for sender in &config.push {
        let source = Arc::new(PushSource::new(sender.source.clone()));
        observers.push(Observer {
            source: source.clone(),
            speaks: Speaks::Machines(Vec::new()),
            interval: Some(INBOX_INTERVAL),
        });
        intakes.push(Arc::new(Inbox { source, token: sender.token.clone() }));
    }
    Ok(Setup {
        intent: Arc::new(NetboxSource::new(config.netbox.clone())?),
        observers,
        probes,
        intakes,
        netbox_bell: config.webhook_secret.clone().map(|secret| Arc::new(Bell::new(secret))),
        make_declared: declared(&config.docker_defaults),
        destinations: config.sinks.iter().map(destination).collect::<Result<_, _>>()?,
        policy: config.policy.clone(),
        remedies: remedies(config)?,
        schedule: config.schedule.clone(),
        retention: config.store.retention,
        store,
        registry,
    })
}

/// Who is told that all is well, if somebody is.
pub fn pulse(config: &Config) -> Result<Option<Pulse>, Error> {
    let Some(HeartbeatConfig { webhook, every, undelivered_after }) = &config.heartbeat else {
        return Ok(None);
    };
    let failed = |source| Error::Sink { name: webhook.name().into(), source };
    let heartbeat = Heartbeat::new(webhook.clone()).map_err(failed)?;
    Ok(Some(Pulse { heartbeat, every: *every, undelivered_after: *undelivered_after }))
}

/// Who may do what.
pub fn rules(config: &Config) -> Rules {
    let AccessConfig { users, tokens, proxy, sessions, anonymous, local, open_metrics } = &config.access;
    let approver = |ApproverConfig { name, token }: &ApproverConfig| Approver {
        name: name.clone(),
        token: token.clone(),
    };
    Rules {
        users: users.clone(),
        tokens: tokens.clone(),
        proxy: proxy.clone(),
        trusted_proxies: config.http.trusted_proxies.clone(),
        sessions: *sessions,
        approvers: config.remediation.approvers.iter().map(approver).collect(),
        anonymous: *anonymous,
        local: *local,
        is_show: false,
        open_metrics: *open_metrics,
    }
}

/// What is repaired, and by whom.
fn remedies(config: &Config) -> Result<Remedies, Error> {
    let RemediationConfig { policy, callback_url, actions, approvers } = &config.remediation;
    let receiver = |action: &RepairAction| {
        let name = action.action.name.clone();
        let sink = ActionSink::new(action.webhook.clone())
            .map_err(|source| Error::Action { name: name.clone(), source })?;
        Ok((name, Arc::new(sink)))
    };
    let tokens = approvers.iter().map(|approver| approver.token.clone());
    Ok(Remedies {
        policy: policy.clone(),
        receivers: actions.iter().map(receiver).collect::<Result<_, Error>>()?,
        callback: callback_url.clone(),
        secrets: tokens.chain(actions.iter().flat_map(|action| action.webhook.secrets().to_vec())).collect(),
        epoch: 0,
    })
}

/// The source of one configured engine.
pub fn observer(config: &docker::Config) -> Result<Observer, Error> {
    let source = DockerSource::new(config.clone())
        .map_err(|source| Error::Docker { id: config.id.clone(), source })?;
    Ok(Observer { source: Arc::new(source), speaks: Speaks::Host(config.host.clone()), interval: None })
}

/// The source of one Proxmox cluster.
pub fn hypervisor(config: &ProxmoxConfig) -> Result<(Arc<ProxmoxSource>, Speaks), Error> {
    let id = || config.source.id.clone();
    let source =
        ProxmoxSource::new(config.source.clone()).map_err(|source| Error::Proxmox { id: id(), source })?;
    Ok((
        Arc::new(source),
        Speaks::Machines(config.source.clusters.iter().map(|name| Arc::from(name.as_str())).collect()),
    ))
}

/// The source of one TrueNAS.
pub fn appliance(config: &truenas::Config) -> Result<Observer, Error> {
    let source = TruenasSource::new(config.clone())
        .map_err(|source| Error::Truenas { id: config.id.clone(), source })?;
    let speaks = Speaks::HostAndMachines(config.host.clone(), config.clusters.clone());
    Ok(Observer { source: Arc::new(source), speaks, interval: Some(config.interval) })
}

/// The probe. It has no targets before something is declared.
pub fn probe(config: &ProbeConfig) -> Result<Probe, Error> {
    let source = ProbeSource::new(config.source.clone())
        .map_err(|source| Error::Probe { id: config.source.id.clone(), source })?;
    Ok(Probe { source: Arc::new(source), selection: config.selection.clone() })
}

/// A probe among the observers.
pub fn looking(probe: &Probe, interval: Option<Duration>) -> Observer {
    Observer { source: probe.source.clone(), speaks: Speaks::Machines(Vec::new()), interval }
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
    let sink = sink(config)?;
    let (filter, manners) = (config.filter.clone(), config.manners.clone());
    Ok(Destination { sink, filter, notices: config.notices, manners, retry: retry::Schedule::default() })
}

/// A NATS sink as itself, to look at its stream; `None` for a sink of another kind.
pub fn nats(config: &SinkConfig) -> Option<Result<NatsSink, Error>> {
    match &config.kind {
        SinkKind::Nats(settings) => Some(tls(config).map(|tls| NatsSink::new(settings.clone(), tls))),
        SinkKind::Webhook(_)
        | SinkKind::Ntfy(_)
        | SinkKind::Alertmanager(_)
        | SinkKind::Chat(_)
        | SinkKind::NetboxJournal(_) => None,
    }
}

/// A NetBox sink as itself, to see whether it could write; `None` for a sink of another kind.
pub fn netbox_journal(config: &SinkConfig) -> Option<Result<NetboxSink, Error>> {
    let failed = |source| Error::Sink { name: config.name.clone(), source };
    match &config.kind {
        SinkKind::NetboxJournal(settings) => {
            Some(tls(config).and_then(|tls| NetboxSink::new(settings.clone(), tls).map_err(failed)))
        }
        SinkKind::Webhook(_)
        | SinkKind::Ntfy(_)
        | SinkKind::Alertmanager(_)
        | SinkKind::Nats(_)
        | SinkKind::Chat(_) => None,
    }
}

/// What a sink is told to trust. The platform is trusted by the client itself; only what differs from it is built here.
fn tls(config: &SinkConfig) -> Result<Option<rustls::ClientConfig>, Error> {
    if config.trust == Trust::default() {
        return Ok(None);
    }
    let made = config.trust.client_config();
    made.map(Some).map_err(|source| Error::Trust { name: config.name.clone(), source })
}

/// The sink alone.
pub fn sink(config: &SinkConfig) -> Result<Arc<dyn Sink>, Error> {
    let SinkConfig { name, kind, filter: _, notices: _, trust: _, manners: _ } = config;
    let failed = |source| Error::Sink { name: name.clone(), source };
    let tls = tls(config)?;
    Ok(match kind {
        SinkKind::Webhook(settings) => Arc::new(WebhookSink::new(settings.clone()).map_err(failed)?),
        SinkKind::Ntfy(settings) => Arc::new(NtfySink::new(settings.clone(), tls).map_err(failed)?),
        SinkKind::Alertmanager(settings) => {
            Arc::new(AlertmanagerSink::new(settings.clone(), tls.as_ref()).map_err(failed)?)
        }
        SinkKind::Nats(settings) => Arc::new(NatsSink::new(settings.clone(), tls)),
        SinkKind::Chat(settings) => Arc::new(ChatSink::new(settings.as_ref().clone(), tls).map_err(failed)?),
        SinkKind::NetboxJournal(settings) => {
            Arc::new(NetboxSink::new(settings.clone(), tls).map_err(failed)?)
        }
    })
}

/// The store, for a process that is to write it.
pub async fn store(config: &StoreConfig) -> Result<Arc<dyn Store>, evenkeel_store::Error> {
    Ok(match &config.place {
        Place::Sqlite { path, synchronous } => Arc::new(SqliteStore::open(path, sqlite(*synchronous)).await?),
        Place::Postgres(server) => Arc::new(PgStore::open(&postgres(server)).await?),
    })
}

/// The store, for reading beside a running controller.
pub async fn store_read_only(config: &StoreConfig) -> Result<Arc<dyn Store>, evenkeel_store::Error> {
    Ok(match &config.place {
        Place::Sqlite { path, synchronous } => {
            Arc::new(SqliteStore::open_read_only(path, sqlite(*synchronous)).await?)
        }
        Place::Postgres(server) => Arc::new(PgStore::open_read_only(&postgres(server)).await?),
    })
}

/// How a configured server is spoken with.
pub fn postgres(config: &config::Postgres) -> postgres::Options {
    let config::Postgres { url, password, ca_file, schema, transaction_pooler, plaintext, connections } =
        config.clone();
    postgres::Options { url, password, ca_file, schema, transaction_pooler, plaintext, connections }
}

fn sqlite(synchronous: config::Synchronous) -> sqlite::Options {
    let synchronous = match synchronous {
        config::Synchronous::Normal => Synchronous::Normal,
        config::Synchronous::Full => Synchronous::Full,
    };
    sqlite::Options { synchronous, ..sqlite::Options::default() }
}
