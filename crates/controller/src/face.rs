//! What is shown: the live view behind the API, the health checks and the metrics. It is a running controller's, or, where
//! another replica leads, that one's last status.

use std::sync::{Arc, PoisonError, RwLock};

use evenkeel_core::HostName;
use evenkeel_store::RetentionPolicy;
use evenkeel_web::{
    Changes, HostStatus, Intake, Live, NetboxHook, Part, Readiness, Repairs, Role, RuleLine, ServiceStatus,
    Silences, SourceStatus, WorldStatus,
};
use jiff::Timestamp;
use prometheus::TextEncoder;
use tokio::sync::watch;

use crate::collect::now;
use crate::figures;
use crate::hub::Hub;
use crate::lead::figures::Figures;
use crate::rules;
use crate::view;
use crate::world::is_called;

/// What is shown at the moment, behind one port.
pub struct Face {
    shows: RwLock<Shows>,
    /// How often what is shown has changed, while no controller of this process counts.
    changes: watch::Sender<Changes>,
    figures: Figures,
}

#[derive(Clone)]
enum Shows {
    /// Nothing yet.
    Nothing { why: String },
    /// A controller of this process. A reload puts another one in its place.
    Controller(Arc<Hub>),
    /// What the leader showed last.
    Leader { leader: String, status: Option<(Timestamp, Arc<WorldStatus>)> },
}

impl Face {
    /// Shows nothing yet.
    pub fn new() -> Result<Self, prometheus::Error> {
        let why = "the store has not been reached yet".to_owned();
        Ok(Self {
            shows: RwLock::new(Shows::Nothing { why }),
            changes: watch::Sender::default(),
            figures: Figures::new()?,
        })
    }

    /// From now on this controller is shown.
    pub fn show(&self, hub: Arc<Hub>) {
        self.change(Shows::Controller(hub));
    }

    /// From now on it is said that there is nothing to show, and why.
    pub fn wait(&self, why: impl Into<String>) {
        self.change(Shows::Nothing { why: why.into() });
    }

    /// From now on this is shown, which another replica sees.
    pub fn follow(&self, leader: &str, status: Option<(Timestamp, Arc<WorldStatus>)>) {
        self.change(Shows::Leader { leader: leader.to_owned(), status });
    }

    /// The store does not answer: the controller that runs here makes a pause.
    pub(crate) fn silent(&self, why: &str) {
        if let Some(hub) = self.hub() {
            hub.gate.silent(why);
        }
    }

    /// The figures of this process.
    pub(crate) fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Whoever is shown next counts on from where the one before was: to those who watch, everything has changed.
    fn change(&self, shows: Shows) {
        let mut shown = self.shows.write().unwrap_or_else(PoisonError::into_inner);
        if is_same(&shown, &shows) {
            return;
        }
        let sofar = match &*shown {
            Shows::Controller(hub) => *hub.changes.borrow(),
            Shows::Leader { .. } | Shows::Nothing { .. } => *self.changes.borrow(),
        };
        let sofar = sofar.all();
        if let Shows::Controller(hub) = &shows {
            hub.changes.send_modify(|changes| *changes = changes.and(sofar));
        }
        *shown = shows;
        drop(shown);
        self.changes.send_replace(sofar);
    }

    fn shows(&self) -> Shows {
        self.shows.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hub(&self) -> Option<Arc<Hub>> {
        match self.shows() {
            Shows::Controller(hub) => Some(hub),
            Shows::Nothing { .. } | Shows::Leader { .. } => None,
        }
    }
}

/// Whether that is what is shown already.
fn is_same(shown: &Shows, shows: &Shows) -> bool {
    match (shown, shows) {
        (Shows::Nothing { why }, Shows::Nothing { why: other }) => why == other,
        (Shows::Controller(hub), Shows::Controller(other)) => Arc::ptr_eq(hub, other),
        (Shows::Leader { leader, status }, Shows::Leader { leader: other, status: theirs }) => {
            let at = |status: &Option<(Timestamp, Arc<WorldStatus>)>| status.as_ref().map(|(at, _)| *at);
            leader == other && at(status) == at(theirs)
        }
        (Shows::Nothing { .. } | Shows::Controller(_) | Shows::Leader { .. }, _) => false,
    }
}

impl Live for Face {
    fn hosts(&self) -> Vec<HostStatus> {
        self.view().hosts.clone()
    }

    fn host(&self, name: &HostName) -> Option<HostStatus> {
        match self.shows() {
            Shows::Controller(hub) => view::host(&hub, name, now()),
            Shows::Leader { leader: _, status: Some((_, status)) } => {
                status.hosts.iter().find(|status| is_called(&status.host, name)).cloned()
            }
            Shows::Leader { leader: _, status: None } | Shows::Nothing { .. } => None,
        }
    }

    fn sources(&self) -> Vec<SourceStatus> {
        match self.shows() {
            Shows::Controller(hub) => view::sources(&hub, now()),
            Shows::Leader { leader: _, status: Some((_, status)) } => status.sources.clone(),
            Shows::Leader { leader: _, status: None } | Shows::Nothing { .. } => Vec::new(),
        }
    }

    fn services(&self, host: &HostName) -> Option<Vec<ServiceStatus>> {
        let hub = self.hub()?;
        hub.see(|world| Some(world.services(&world.called(host)?, now())))
    }

    fn view(&self) -> Arc<WorldStatus> {
        match self.shows() {
            Shows::Controller(hub) => hub.pictures.now(&hub),
            Shows::Leader { leader: _, status: Some((_, status)) } => status,
            Shows::Leader { leader: _, status: None } | Shows::Nothing { .. } => Arc::default(),
        }
    }

    fn ledger_version(&self) -> Option<u64> {
        self.hub().map(|hub| hub.book.version())
    }

    fn retention(&self) -> Option<RetentionPolicy> {
        self.hub().map(|hub| hub.retention)
    }

    fn ready(&self) -> Readiness {
        Readiness::of(&self.view().sources)
    }

    fn role(&self) -> Role {
        match self.shows() {
            Shows::Controller(_) => Role::Leader,
            Shows::Leader { leader, status } => Role::Follower { leader, shown_at: status.map(|(at, _)| at) },
            Shows::Nothing { why } => Role::Waiting { why },
        }
    }

    fn changes(&self) -> watch::Receiver<Changes> {
        match self.shows() {
            Shows::Controller(hub) => hub.changes.subscribe(),
            Shows::Leader { .. } | Shows::Nothing { .. } => self.changes.subscribe(),
        }
    }

    fn resent(&self) {
        if let Some(hub) = self.hub() {
            hub.changed(Part::Deliveries);
            hub.outbox_bell.notify_waiters();
        }
    }

    fn paused(&self) -> Option<String> {
        self.hub()?.gate.paused()
    }

    fn intakes(&self) -> Vec<Arc<dyn Intake>> {
        self.hub().map(|hub| hub.intakes.clone()).unwrap_or_default()
    }

    fn netbox_hook(&self) -> Option<Arc<dyn NetboxHook>> {
        self.hub()?.netbox_bell.clone().map(|bell| bell as Arc<dyn NetboxHook>)
    }

    fn repairs(&self) -> Option<Arc<dyn Repairs>> {
        self.hub().map(|hub| Arc::new(hub.repairs.clone()) as Arc<dyn Repairs>)
    }

    fn silences(&self) -> Option<Arc<dyn Silences>> {
        self.hub().map(|hub| Arc::new(hub.silences.clone()) as Arc<dyn Silences>)
    }

    fn rules(&self) -> Option<Vec<RuleLine>> {
        match self.shows() {
            Shows::Controller(hub) => Some(rules::lines(&hub)),
            Shows::Leader { leader: _, status } => status.map(|(_, status)| status.rules.clone()),
            Shows::Nothing { .. } => None,
        }
    }

    fn metrics(&self) -> String {
        let hub = self.hub();
        let paused = hub.as_ref().is_some_and(|hub| hub.gate.paused().is_some());
        let mut text = self.figures.text(paused);
        if let Some(hub) = hub {
            figures::refresh(&hub);
            // The encoder fails only on a metric family without a name; ours have names.
            text.push_str(&TextEncoder::new().encode_to_string(&hub.registry.gather()).unwrap_or_default());
        }
        text
    }
}
