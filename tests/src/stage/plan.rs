//! How the controller of a stage is set up: quick, and with everything a test may want otherwise in the open.

use std::sync::Arc;
use std::time::Duration;

use evenkeel::config::{Breaker, DockerDefaults, Schedule, SinkFilter};
use evenkeel::controller::{Destination, Setup};
use evenkeel::deliver::people::Manners;
use evenkeel::fleet::{Observer, Probe};
use evenkeel::hook::Bell;
use evenkeel::repair::Remedies;
use evenkeel::wiring;
use evenkeel_core::policy::confirm::Window;
use evenkeel_core::policy::{Confirm, Policy};
use evenkeel_core::{HostName, Secret, SourceId, SourceKind};
use evenkeel_sinks::webhook::{self, SuccessRule, WebhookSink};
use evenkeel_sinks::{Sink, retry};
use evenkeel_sources::docker::{self, Endpoint};
use evenkeel_sources::http::Retry;
use evenkeel_sources::netbox::{self, Filters, NetboxSource};
use evenkeel_store::{RetentionPolicy, Store};
use evenkeel_web::Intake;
use prometheus::Registry;

use super::lab::Lab;

/// What the receivers of a stage check signatures with.
pub const SIGNING_SECRET: &str = "whsec_c3RhZ2Utc2lnbmluZy1zZWNyZXQtb2YtdGhlLXRlc3Rz";

/// A sink: its name and where it posts.
#[derive(Clone, Debug)]
pub struct SinkPlan {
    /// The sink's name.
    pub name: String,
    /// The webhook's address.
    pub url: String,
    /// What counts as delivered.
    pub success: SuccessRule,
    /// Which events it gets.
    pub filter: SinkFilter,
    /// How long the whole exchange may take.
    pub timeout: Duration,
}

impl SinkPlan {
    /// Everything, to this address, acknowledged as n8n does it.
    pub fn new(name: &str, url: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            url: url.into(),
            success: SuccessRule::accepted(),
            filter: SinkFilter::default(),
            timeout: Duration::from_secs(5),
        }
    }
}

/// A sink of any kind; one object for every start of a controller.
#[derive(Clone)]
pub struct Ear {
    sink: Arc<dyn Sink>,
    filter: SinkFilter,
    manners: Manners,
    notices: bool,
}

impl Ear {
    /// This sink, for what passes this filter.
    pub fn new(sink: impl Sink + 'static, filter: SinkFilter) -> Self {
        Self { sink: Arc::new(sink), filter, manners: Manners::default(), notices: false }
    }

    /// In this manner, for a sink that speaks to people.
    pub fn mannered(mut self, manners: Manners) -> Self {
        self.manners = manners;
        self
    }

    /// And what remediation has to say.
    pub fn noticing(mut self) -> Self {
        self.notices = true;
        self
    }
}

impl std::fmt::Debug for Ear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ear({})", self.sink.name())
    }
}

/// Sources of observation beside the engines, and what belongs to them.
#[derive(Default)]
pub struct Wired {
    /// Who is asked.
    pub observers: Vec<Observer>,
    /// Probes, which are among them.
    pub probes: Vec<Probe>,
    /// The doors to what is sent.
    pub intakes: Vec<Arc<dyn Intake>>,
}

/// Makes sources anew for every start of a controller.
#[derive(Clone)]
pub struct Beside(Arc<dyn Fn() -> Wired + Send + Sync>);

impl Beside {
    /// Made so.
    pub fn new(make: impl Fn() -> Wired + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }
}

/// Says anew for every start of a controller what is repaired.
#[derive(Clone)]
pub struct Repairing(Arc<dyn Fn() -> Remedies + Send + Sync>);

impl std::fmt::Debug for Repairing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Repairing")
    }
}

impl std::fmt::Debug for Beside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Beside")
    }
}

/// Everything a test may want otherwise.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the operator decided.
    pub policy: Policy,
    /// When things happen.
    pub schedule: Schedule,
    /// The engines that the configuration names; `None`: every engine of the lab.
    pub configured: Option<Vec<String>>,
    /// Whether engines that NetBox declares are watched.
    pub declared_engines: bool,
    /// Whom to tell.
    pub sinks: Vec<SinkPlan>,
    /// Whom to tell, other than by webhook.
    pub ears: Vec<Ear>,
    /// How long an engine may take for an answer.
    pub docker_timeout: Duration,
    /// How long after an engine's return its containers may be down.
    pub settle: Duration,
    /// How long NetBox may take for an answer.
    pub netbox_timeout: Duration,
    /// Which of its hosts concern us.
    pub netbox_filters: Filters,
    /// How often it is asked whether something was edited.
    pub netbox_probe: Duration,
    /// What its webhooks are signed with, if they are listened to.
    pub webhook_secret: Option<&'static str>,
    /// What is watched beside the engines.
    pub beside: Vec<Beside>,
    /// What is repaired; `None`: nothing.
    pub repairing: Option<Repairing>,
}

impl Default for Plan {
    /// Two observations for every verdict, as in production, but soon after each other.
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            schedule: Schedule {
                netbox_interval: Duration::from_millis(300),
                docker_interval: Duration::from_millis(300),
                resync: Duration::from_secs(2),
                recheck: Duration::from_millis(50),
                debounce: Duration::ZERO,
                workers: 4,
                breaker: Breaker {
                    failures: 3,
                    open: Duration::from_millis(300),
                    open_max: Duration::from_millis(600),
                },
                shutdown_deadline: Duration::from_secs(10),
            },
            configured: None,
            declared_engines: false,
            sinks: Vec::new(),
            ears: Vec::new(),
            docker_timeout: Duration::from_secs(10),
            settle: Duration::ZERO,
            netbox_timeout: Duration::from_secs(10),
            netbox_filters: Filters::default(),
            netbox_probe: Duration::from_millis(100),
            webhook_secret: None,
            beside: Vec::new(),
            repairing: None,
        }
    }
}

impl Plan {
    /// Believes everything at once: whatever is wrongly seen for one moment is an alarm.
    pub fn believing() -> Self {
        Self::default().with_policy(|policy| {
            policy.confirm = Confirm { default: Window::IMMEDIATE, ..Confirm::default() };
        })
    }

    /// With another policy.
    pub fn with_policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    /// With repairs.
    pub fn repairing(mut self, make: impl Fn() -> Remedies + Send + Sync + 'static) -> Self {
        self.repairing = Some(Repairing(Arc::new(make)));
        self
    }

    /// With one more sink.
    pub fn telling(mut self, sink: SinkPlan) -> Self {
        self.sinks.push(sink);
        self
    }

    /// With one more ear.
    pub fn hearing(mut self, ear: Ear) -> Self {
        self.ears.push(ear);
        self
    }

    /// The controller's setup for these systems.
    pub(super) fn setup(&self, lab: &Lab, store: Arc<dyn Store>) -> Setup {
        let configured = |host: &&String| self.configured.as_ref().is_none_or(|names| names.contains(host));
        let observers = lab.engines.keys().filter(configured).map(|host| {
            let endpoint = Endpoint::parse(&lab.engine(host).url()).unwrap();
            wiring::observer(&self.engine(host, endpoint)).unwrap()
        });
        let defaults = DockerDefaults {
            declared_endpoints: self.declared_engines,
            template: self.engine("template", Endpoint::parse("unix:///nowhere").unwrap()),
        };
        let mut setup = Setup {
            intent: Arc::new(NetboxSource::new(self.netbox(lab)).unwrap()),
            observers: observers.collect(),
            probes: Vec::new(),
            intakes: Vec::new(),
            netbox_bell: self.webhook_secret.map(|secret| Arc::new(Bell::new(Secret::new(secret)))),
            make_declared: wiring::declared(&defaults),
            destinations: self.sinks.iter().map(destination).chain(self.ears.iter().map(heard)).collect(),
            policy: self.policy.clone(),
            remedies: self.repairing.as_ref().map_or_else(Remedies::default, |repairing| (repairing.0)()),
            schedule: self.schedule.clone(),
            retention: RetentionPolicy::default(),
            store,
            registry: Registry::new(),
        };
        for Wired { observers, probes, intakes } in self.beside.iter().map(|beside| (beside.0)()) {
            setup.observers.extend(observers);
            setup.probes.extend(probes);
            setup.intakes.extend(intakes);
        }
        setup
    }

    fn engine(&self, host: &str, endpoint: Endpoint) -> docker::Config {
        docker::Config {
            host: Some(HostName::new(host)),
            debounce: Duration::from_millis(20),
            settle: self.settle,
            timeout: self.docker_timeout,
            ..docker::Config::new(SourceId::new(SourceKind::Docker, host), endpoint)
        }
    }

    fn netbox(&self, lab: &Lab) -> netbox::Config {
        netbox::Config {
            timeout: self.netbox_timeout,
            filters: self.netbox_filters.clone(),
            probe_interval: self.netbox_probe,
            retry: Retry { times: 1, first: Duration::from_millis(10), longest: Duration::from_millis(50) },
            ..netbox::Config::new(lab.netbox.url().parse().unwrap(), Secret::new(lab.netbox.token_v1()))
        }
    }
}

fn heard(ear: &Ear) -> Destination {
    let Ear { sink, filter, manners, notices } = ear.clone();
    Destination { sink, filter, notices, manners, retry: retry::Schedule::default() }
}

fn destination(plan: &SinkPlan) -> Destination {
    let settings = webhook::Settings {
        secrets: vec![Secret::new(SIGNING_SECRET)],
        success: plan.success.clone(),
        timeout: plan.timeout,
        ..webhook::Settings::new(plan.name.clone(), plan.url.clone())
    };
    let sink = WebhookSink::new(webhook::Config::new(settings).unwrap()).unwrap();
    Destination {
        sink: Arc::new(sink),
        filter: plan.filter.clone(),
        notices: false,
        manners: Manners::default(),
        retry: retry::Schedule::default(),
    }
}
