//! The configuration: TOML text → validated values, or every mistake at once with its line.
//!
//! What lives here: the shape of the configuration ([`Config`]), how it is read ([`Config::load`]), how mistakes are said
//! ([`Errors`]), and the reference text made from the same tables the reader uses ([`reference`]). What does not:
//! defaults of a source or sink that the operator cannot change, and building anything from the values; that is wiring.

mod access;
mod approvers;
mod docker;
mod file;
mod heartbeat;
mod key;
mod machines;
mod netbox;
mod policy;
mod probe;
mod problem;
mod proxmox;
mod proxy;
mod push;
mod reader;
mod reference;
mod remediation;
mod repairs;
mod retention;
mod rules;
mod secret;
mod sinks;
mod store;
mod system;
mod table;
mod truenas;
mod trust;
mod value;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::policy::Policy;
use evenkeel_core::remediation::{Action, Policy as Remedies};
use evenkeel_core::{EventType, HostName, Secret, Severity, Transition};
use evenkeel_sinks::netbox as netbox_journal;
use evenkeel_sinks::{alertmanager, chat, nats, ntfy, webhook};
use evenkeel_sources::docker::Config as DockerConfig;
use evenkeel_sources::http::Trust;
use evenkeel_sources::netbox::Config as NetboxConfig;
use evenkeel_sources::truenas::Config as TruenasConfig;
use evenkeel_web::BasePath;
use ipnet::IpNet;
use jiff::Timestamp;
use url::Url;
use wildmatch::WildMatch;

use self::reader::Reader;
use crate::deliver::people::Manners;

pub use access::AccessConfig;
pub use approvers::ApproverConfig;
pub use heartbeat::HeartbeatConfig;
pub(crate) use netbox::is_loopback;
pub use probe::ProbeConfig;
pub use problem::{Errors, Problem};
pub use proxmox::ProxmoxConfig;
pub use push::PushConfig;
pub use reference::reference;
pub use store::{Place, Postgres, StoreConfig, Synchronous};
pub(crate) use value::duration;

/// Everything the operator said, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from; relative paths in it start at its folder.
    pub path: PathBuf,
    /// The NetBox that says what should exist.
    pub netbox: NetboxConfig,
    /// What NetBox's webhooks are signed with, if it is listened to.
    pub webhook_secret: Option<Secret>,
    /// The engines that are watched, in the order of the file.
    pub docker: Vec<DockerConfig>,
    /// What holds for an engine that the file does not name but NetBox does.
    pub docker_defaults: DockerDefaults,
    /// The TrueNAS systems that are watched, in the order of the file.
    pub truenas: Vec<TruenasConfig>,
    /// The network probe, where there is to be one.
    pub probe: Option<ProbeConfig>,
    /// Who may send observations, in the order of the file.
    pub push: Vec<PushConfig>,
    /// The Proxmox VE clusters that are watched, in the order of the file.
    pub proxmox: Vec<ProxmoxConfig>,
    /// How differences are judged, believed, weighed and kept quiet.
    pub policy: Policy,
    /// Where state is kept, and for how long.
    pub store: StoreConfig,
    /// The page, the API and the metrics.
    pub http: HttpConfig,
    /// Who may look and do what.
    pub access: AccessConfig,
    /// Where events go, in the order of the file.
    pub sinks: Vec<SinkConfig>,
    /// Whether drifts are repaired, and within which bounds.
    pub remediation: RemediationConfig,
    /// Who is told again and again that all is well.
    pub heartbeat: Option<HeartbeatConfig>,
    /// When things happen.
    pub schedule: Schedule,
    /// What is logged.
    pub log: LogConfig,
    /// What is not wrong, but probably not meant.
    pub warnings: Vec<Problem>,
}

/// Settings for engines whose endpoint is declared in NetBox and that no `[[docker]]` names.
#[derive(Clone, Debug)]
pub struct DockerDefaults {
    /// Whether endpoints declared in NetBox are watched at all.
    pub declared_endpoints: bool,
    /// The settings such an engine takes; its id, host and endpoint are placeholders.
    pub template: DockerConfig,
}

/// The page, the API and the metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// The address listened on.
    pub listen: SocketAddr,
    /// Names it is called by beside `localhost`.
    pub names: Vec<String>,
    /// Below which path it is found.
    pub base_path: BasePath,
    /// Whose word counts about where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
}

impl HttpConfig {
    /// It is called by this name, too: whoever is told an address may use it. Where any name will do, none is added: with
    /// one, only those that are named would do.
    fn is_called_as_well(&mut self, name: &str) {
        let is_named = self.listen.ip().is_loopback() || !self.names.is_empty();
        if is_named && !self.names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            self.names.push(name.to_owned());
        }
    }
}

/// One destination of events.
#[derive(Clone, Debug)]
pub struct SinkConfig {
    /// Its name, unique.
    pub name: Arc<str>,
    /// What it is.
    pub kind: SinkKind,
    /// Which events it gets.
    pub filter: SinkFilter,
    /// Whether it gets what remediation has to say.
    pub notices: bool,
    /// Whom to trust on the way there. A webhook's is in its own settings.
    pub trust: Trust,
    /// How people want to be told; of no use to a sink that tells machines.
    pub manners: Manners,
}

/// What a destination is.
#[derive(Clone, Debug)]
pub enum SinkKind {
    /// n8n, or anything else that takes a POST.
    Webhook(webhook::Config),
    /// Push messages.
    Ntfy(ntfy::Config),
    /// Prometheus' Alertmanager.
    Alertmanager(alertmanager::Config),
    /// NATS JetStream.
    Nats(nats::Config),
    /// A chat system.
    Chat(Box<chat::Config>),
    /// The journals of NetBox.
    NetboxJournal(netbox_journal::Config),
}

impl SinkKind {
    /// The word in the configuration.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Ntfy(_) => "ntfy",
            Self::Alertmanager(_) => "alertmanager",
            Self::Nats(_) => "nats",
            Self::Chat(_) => "chat",
            Self::NetboxJournal(_) => "netbox_journal",
        }
    }

    /// Where it is, as far as that may be shown.
    pub fn place(&self) -> String {
        match self {
            Self::Webhook(webhook) => webhook.place(),
            Self::Ntfy(ntfy) => ntfy.place(),
            Self::Alertmanager(alertmanager) => alertmanager.places().join(", "),
            Self::Nats(nats) => nats.place(),
            Self::Chat(chat) => chat.place(),
            Self::NetboxJournal(netbox) => netbox.place(),
        }
    }
}

/// Whether drifts are repaired, by whom, and within which bounds.
#[derive(Clone, Debug)]
pub struct RemediationConfig {
    /// Rules, the allow-list and the guards, as the planner takes them.
    pub policy: Remedies,
    /// The base address under which receivers reach this evenkeel; there if it is switched on.
    pub callback_url: Option<Url>,
    /// Where each action is sent, in the order of the file.
    pub actions: Vec<RepairAction>,
    /// Who may decide, in the order of the file.
    pub approvers: Vec<ApproverConfig>,
}

/// Where the receiver of one request says how it went, under this base address. A token is letters and digits that an
/// address can carry as they are. Whoever knows the whole may answer, so the whole is a secret.
pub fn callback_under(base: &Url, token: &Secret) -> Secret {
    let base = base.as_str().trim_end_matches('/');
    Secret::new(format!("{base}/api/v1/callbacks/{}", token.expose()))
}

/// One action and its receiver.
#[derive(Clone, Debug)]
pub struct RepairAction {
    /// What it is, as the planner takes it.
    pub action: Action,
    /// Where it is sent, and how it is signed.
    pub webhook: webhook::Config,
}

/// Which events a destination gets. Within one list any entry suffices; all lists that are not empty must match.
#[derive(Clone, Debug, Default)]
pub struct SinkFilter {
    /// Event types; empty = all.
    pub types: Vec<EventType>,
    /// The least severity.
    pub min_severity: Option<Severity>,
    /// Globs on the tenant's slug; empty = all.
    pub tenants: Vec<WildMatch>,
    /// Globs on the slugs of tags, of the host or of the service; empty = all.
    pub tags: Vec<WildMatch>,
    /// Globs on the host's name; empty = all.
    pub hosts: Vec<WildMatch>,
    /// Transitions; empty = all.
    pub transitions: Vec<Transition>,
}

/// When things happen.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Between two reads of NetBox.
    pub netbox_interval: Duration,
    /// Between two full observations of an engine; its event stream is heard in between.
    pub docker_interval: Duration,
    /// Every host is compared again at least this often.
    pub resync: Duration,
    /// How soon a host is looked at again whose drift is not confirmed yet.
    pub recheck: Duration,
    /// How long further triggers for one host are collected before it is compared.
    pub debounce: Duration,
    /// How many hosts are compared at the same time.
    pub workers: usize,
    /// When a source that fails is left alone for a while.
    pub breaker: Breaker,
    /// How long a stop may take.
    pub shutdown_deadline: Duration,
}

/// When a source that fails is left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// After this many failures in a row.
    pub failures: u32,
    /// For this long at first …
    pub open: Duration,
    /// … and for this long at most.
    pub open_max: Duration,
}

/// What is logged, and in which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// A level or a filter (`info`, `evenkeel=debug,warn`).
    pub level: String,
    /// Text for people or JSON for machines.
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object per line.
    Json,
}

/// How the environment is asked; tests pass a map.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    /// Reads and checks the file. Secrets are taken from `env` or from the files the configuration names.
    pub fn load(path: &Path, env: Env<'_>) -> Result<Self, Errors> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text, env, Timestamp::now()),
            Err(error) => {
                Err(Errors::one(path, format!("cannot be read: {error}; examples/minimal.toml is a start")))
            }
        }
    }

    /// Reads and checks the text of a file of this name. `now` decides which rules have ended.
    pub fn parse(path: &Path, text: &str, env: Env<'_>, now: Timestamp) -> Result<Self, Errors> {
        let reader = Reader::new(path, text, env, now);
        let (table, mistakes) = toml::de::DeTable::parse_recoverable(text);
        if !mistakes.is_empty() {
            for mistake in &mistakes {
                reader.syntax(mistake);
            }
            return Err(reader.failed());
        }
        let config = file::read(&reader, table.get_ref());
        let warnings = reader.finish()?;
        config.map(|config| Self { warnings, ..config }).ok_or_else(|| Errors::one(path, "cannot be used"))
    }
}

/// What a filter looks at.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    /// The event's type.
    pub kind: EventType,
    /// Its severity.
    pub severity: Severity,
    /// The host; `None` for what belongs to no host.
    pub host: Option<&'a HostName>,
    /// The host's tenant.
    pub tenant: Option<&'a str>,
    /// The tags of the host and of the service.
    pub tags: &'a [Arc<str>],
}

impl SinkFilter {
    /// Whether an event of this description goes to the sink.
    pub fn passes(&self, event: Described<'_>, transition: Transition) -> bool {
        self.hears_of(transition) && self.concerns(event)
    }

    /// Whether the sink hears of what happens to a drift in this way, if the drift concerns it.
    pub fn hears_of(&self, transition: Transition) -> bool {
        self.transitions.is_empty() || self.transitions.contains(&transition)
    }

    /// Whether a drift of this description concerns the sink, whatever happened to it.
    pub fn concerns(&self, event: Described<'_>) -> bool {
        let Self { types: _, min_severity, tenants, tags, hosts: _, transitions: _ } = self;
        self.may_have_concerned(event)
            && min_severity.is_none_or(|least| event.severity >= least)
            && is_any(tenants, event.tenant)
            && (tags.is_empty() || event.tags.iter().any(|tag| is_any(tags, Some(tag))))
    }

    /// Whether it may have concerned the sink before: a severity, a tenant and tags change, a type and a name do not.
    pub fn may_have_concerned(&self, event: Described<'_>) -> bool {
        let Self { types, min_severity: _, tenants: _, tags: _, hosts, transitions: _ } = self;
        (types.is_empty() || types.contains(&event.kind)) && is_any(hosts, event.host.map(HostName::as_str))
    }
}

fn is_any(globs: &[WildMatch], text: Option<&str>) -> bool {
    globs.is_empty() || text.is_some_and(|text| globs.iter().any(|glob| glob.matches(text)))
}
