//! The world: the newest and the newest complete answer of every source, and each host's slice of it.
//!
//! What lives here: replacing snapshots, deciding identity, holding back what is implausible, telling whose slice
//! changed, numbering subjects. What does not: I/O, tasks, the store. Time is an argument. Callers put the numbers
//! returned on the queue.

mod first;
mod intent;
mod observations;
mod outer;
mod own;
mod place;
mod settle;
mod sites;
mod slice;
mod stamps;
mod status;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::fingerprint::Fingerprint;
use evenkeel_core::identity::{hosts::NetboxRef, without_apps};
use evenkeel_core::judge::own_store;
use evenkeel_core::model::{ExpectedHost, HostSnapshot, HostView, Inventory, Observed};
use evenkeel_core::policy::Policy;
use evenkeel_core::{Coverage, HostName, OwnStore, SourceId, Subject};
use evenkeel_sources::Snapshot;
use jiff::Timestamp;

use crate::queue::Key;
use first::Known;
use intent::Intent;
use observations::Observation;
use outer::Beyond;
use sites::Site;
pub use slice::{Seen, Slice};
pub use stamps::Stamps;
pub use status::is_called;

/// Everything known at this moment.
#[derive(Debug)]
pub struct World {
    policy: Arc<Policy>,
    /// An answer older than this proves nothing any more.
    stale_after: Duration,
    intent: Intent,
    /// In boxes: there may be thousands, and a map keeps room for more than it holds.
    observations: BTreeMap<SourceId, Box<Observation>>,
    /// Sources that speak about many machines.
    sites: BTreeMap<SourceId, Site>,
    /// Which sources of one host speak about which subject.
    by_subject: BTreeMap<Subject, BTreeSet<SourceId>>,
    stamps: Stamps,
    lost_nodes: BTreeSet<HostName>,
    /// evenkeel's own database, as last read.
    own: Option<OwnStore>,
    known: Known,
}

/// Subjects whose slice may have changed.
type Touched = BTreeSet<Subject>;

impl World {
    /// A world in which nobody has said anything yet: everything is unknown.
    pub fn new(netbox: SourceId, policy: Arc<Policy>, stale_after: Duration) -> Self {
        Self {
            policy,
            stale_after,
            intent: Intent::new(netbox),
            observations: BTreeMap::new(),
            sites: BTreeMap::new(),
            by_subject: BTreeMap::new(),
            stamps: Stamps::default(),
            lost_nodes: BTreeSet::new(),
            own: None,
            known: Known::default(),
        }
    }

    /// What others than these show of a host when it is first looked at is no news.
    pub fn know(&mut self, sources: BTreeSet<SourceId>) {
        self.known = Known::these(sources);
    }

    /// Starts to listen to a source of observation. Until it answers, its host is unknown to it.
    pub fn add_source(
        &mut self,
        id: SourceId,
        configured: Option<HostName>,
        remembered: Option<NetboxRef>,
    ) -> Vec<Key> {
        let mut observation = Observation::new(id.clone(), configured, remembered);
        observation.first = self.known.first_of(&id);
        self.observations.insert(id.clone(), Box::new(observation));
        let touched = self.resettle(&id);
        self.restamp(touched)
    }

    /// Answers of a source of one host count for this long, and not for as long as those of engines.
    pub fn set_stale_after(&mut self, id: &SourceId, stale_after: Duration) {
        if let Some(observation) = self.observations.get_mut(id) {
            observation.stale_after = Some(stale_after);
        }
    }

    /// Starts to listen to a source that speaks about many machines: the NetBox clusters it is the witness of (none:
    /// those it names), how long its answers count (`None`: it says so itself), and whom it was matched with in an
    /// earlier run.
    pub fn add_site(
        &mut self,
        id: SourceId,
        clusters: Vec<Arc<str>>,
        stale_after: Option<Duration>,
        remembered: BTreeMap<Arc<str>, NetboxRef>,
    ) -> Vec<Key> {
        let subject = Subject::Source(id.clone());
        let mut site = Site::new(id.clone(), clusters, stale_after, remembered);
        site.first = self.known.first_of(&id);
        self.sites.insert(id, site);
        self.restamp(Touched::from([subject]))
    }

    /// Stops listening to a source. What it said no longer counts.
    pub fn remove_source(&mut self, id: &SourceId) -> Vec<Key> {
        let mut touched = Touched::new();
        if let Some(observation) = self.observations.remove(id) {
            self.known.part(id, observation.first);
            self.unlink(&observation.subject, id);
            touched.insert(observation.subject);
        }
        if let Some(site) = self.sites.remove(id) {
            self.known.part(id, site.first);
            touched.extend(site.subjects().cloned());
            touched.insert(Subject::Source(id.clone()));
        }
        self.restamp(touched)
    }

    /// Takes whatever a source said.
    pub fn learn(&mut self, id: &SourceId, snapshot: Snapshot, now: Timestamp) -> Vec<Key> {
        match snapshot {
            Snapshot::Inventory(inventory) => self.replace_inventory(inventory, now),
            Snapshot::Hosts(hosts) => match self.sites.get_mut(id) {
                Some(site) => {
                    let touched = site.hosts(hosts, &self.intent, &self.policy, now);
                    self.restamp(touched)
                }
                None => hosts.into_iter().flat_map(|host| self.replace_host(host, now)).collect(),
            },
            Snapshot::Survey { survey, host } => {
                let touched = match self.sites.get_mut(id) {
                    Some(site) => site.survey(survey, &self.intent, &self.policy, now),
                    None => Touched::new(),
                };
                let mut news = self.restamp(touched);
                news.extend(host.into_iter().flat_map(|host| self.replace_host(host, now)));
                news
            }
        }
    }

    /// Takes a new answer of NetBox. A partial one leaves the last complete declaration in place.
    pub fn replace_inventory(&mut self, inventory: Inventory, now: Timestamp) -> Vec<Key> {
        let mut touched = self.intent.replace(inventory, &self.policy, now);
        touched.insert(Subject::Source(self.intent.source.clone()));
        self.rebind_all(&mut touched);
        self.restamp(touched)
    }

    /// The last complete declaration of an earlier run: what was declared stays expected, but proves nothing absent
    /// until NetBox has answered again.
    pub fn remember_inventory(&mut self, inventory: Inventory) -> Vec<Key> {
        let mut touched = self.intent.remember(inventory);
        self.rebind_all(&mut touched);
        self.restamp(touched)
    }

    /// Takes a new answer about one host.
    pub fn replace_host(&mut self, snapshot: HostSnapshot, now: Timestamp) -> Vec<Key> {
        let id = snapshot.source.clone();
        // An answer of a source that was removed while it was asked.
        let Some(observation) = self.observations.get_mut(&id) else { return Vec::new() };
        // Whose it is, and what it looks like, is as it was; a source nobody could match is looked at each time.
        if observation.subject.host().is_some() && observation.repeats(&snapshot) {
            return Vec::new();
        }
        let host = observation.subject.host().and_then(|name| self.intent.host(name)).cloned();
        observation.replace(snapshot, host.as_deref(), &self.policy, now);
        let touched = self.resettle(&id);
        self.restamp(touched)
    }

    /// One subject's slice, as it may be judged at this moment.
    pub fn slice(&self, subject: &Subject, now: Timestamp) -> Slice {
        let Beyond { outer, vouched_until } = self.beyond(subject, now);
        match subject {
            Subject::Host(host) => {
                let (expected, observed) = (self.intent.expected(host), self.observed(subject, now));
                let newcomers = self.newcomers(&observed, now);
                Slice::Host { expected, observed, outer, vouched_until, newcomers }
            }
            Subject::Source(source) => {
                if let Some(own) = self.own(source) {
                    return Slice::Store(own);
                }
                let (coverage, evidence) = match *source == self.intent.source {
                    true => self.intent.state(),
                    false => self.source_state(source, now),
                };
                Slice::Source { source: source.clone(), coverage, evidence, outer, vouched_until }
            }
        }
    }

    /// The ledger has taken this look of a subject into account and waits for nothing.
    pub fn settle(&mut self, subject: &Subject, stamp: Fingerprint) {
        self.stamps.settle(subject, stamp);
    }

    /// The ledger waits for something, whatever the subject looks like.
    pub fn unsettle(&mut self, subject: &Subject) {
        self.stamps.unsettle(subject);
    }

    /// What a periodic resync must look at: subjects whose ledger does not match what they look like, and subjects
    /// with an answer that has grown too old.
    pub fn unsettled(&self, now: Timestamp) -> BTreeSet<Subject> {
        let stale = self.observations.values().filter(|o| o.is_stale(now, self.stale_after));
        let sites = self.sites.values().filter(|s| s.is_stale(now));
        let of_sites = sites.flat_map(|s| s.subjects().cloned().chain([Subject::Source(s.id.clone())]));
        self.stamps.unsettled().cloned().chain(stale.map(|o| o.subject.clone())).chain(of_sites).collect()
    }

    /// The subject's number, by which it waits on the queue; a new one for a subject never heard of.
    pub fn key(&mut self, subject: &Subject) -> Key {
        self.stamps.key(subject)
    }

    /// Whose number this is, of those this world handed out.
    pub fn subject(&self, key: Key) -> &Subject {
        self.stamps.subject(key)
    }

    /// Every subject there is: declared hosts, observed hosts, NetBox itself, the own database.
    pub fn subjects(&self) -> Vec<Subject> {
        let declared = self.intent.hosts().map(|host| Subject::Host(host.name.clone()));
        let observed = self.by_subject.keys().cloned();
        let netbox = std::iter::once(Subject::Source(self.intent.source.clone()));
        let machines = self.sites.values().flat_map(|site| site.subjects().cloned());
        let sites = self.sites.keys().map(|id| Subject::Source(id.clone()));
        let own = self.own.iter().map(|_| Subject::Source(own_store()));
        declared
            .chain(own)
            .chain(observed)
            .chain(netbox)
            .chain(machines)
            .chain(sites)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// The sources that speak about a subject; for NetBox's own subject, NetBox.
    pub fn sources_of(&self, subject: &Subject) -> Vec<SourceId> {
        match subject {
            Subject::Source(source) => vec![source.clone()],
            Subject::Host(_) => {
                let of_one = self.by_subject.get(subject).into_iter().flatten().cloned();
                let of_many = self.sites.values().filter(|site| site.speaks_about(subject, &self.intent));
                of_one.chain(of_many.map(|site| site.id.clone())).collect()
            }
        }
    }

    /// The sources that speak about what a subject depends on, itself included.
    pub fn witnesses_of(&self, subject: &Subject) -> BTreeSet<SourceId> {
        let nodes = self.nodes_of(subject).into_iter().map(|node| Subject::Host(node.clone()));
        std::iter::once(subject.clone()).chain(nodes).flat_map(|subject| self.sources_of(&subject)).collect()
    }

    /// The subjects about which a source's answer may decide something: NetBox's about every one, another's about whom it
    /// shows, whom it would have to show, and what depends on them.
    pub fn subjects_of(&self, id: &SourceId) -> BTreeSet<Subject> {
        let host = self.observations.get(id).map(|observation| observation.subject.clone());
        let site = self.sites.get(id);
        if host.is_none() && site.is_none() {
            return self.subjects().into_iter().collect();
        }
        let mut subjects: Touched = host.into_iter().collect();
        if let Some(site) = site {
            subjects.extend(site.concerned(&self.intent));
            subjects.insert(Subject::Source(id.clone()));
        }
        self.add_dependents(&mut subjects);
        subjects
    }

    /// Whom a source of observation speaks about.
    pub fn subject_of(&self, id: &SourceId) -> Option<Subject> {
        self.observations.get(id).map(|observation| observation.subject.clone())
    }

    /// What a source shows of hosts at this moment. Nothing as long as intent was never read: until then nobody knows
    /// which hosts are sensitive.
    pub fn seen_by(&self, id: &SourceId) -> Vec<Seen> {
        if self.intent.complete().is_none() {
            return Vec::new();
        }
        let one = self.observations.get(id).map(|o| (o.subject.clone(), o.view(), Some(o.edition)));
        let many = self.sites.get(id).into_iter().flat_map(|site| {
            let shown = |subject: &Subject| Some((subject.clone(), site.view(subject, &self.intent)?, None));
            site.subjects().filter_map(shown).collect::<Vec<_>>()
        });
        let seen = |(subject, view, edition): (Subject, Arc<HostView>, Option<u64>)| {
            let host = subject.host()?.clone();
            let sensitive = self.intent.host(&host).is_some_and(|h| h.sensitive);
            Some(Seen { host, view, sensitive, edition })
        };
        one.into_iter().chain(many).filter_map(seen).collect()
    }

    /// What is declared about this host.
    pub fn declared_host(&self, host: &HostName) -> Option<&Arc<ExpectedHost>> {
        self.intent.host(host)
    }

    /// The declared hosts, by name.
    pub fn declared(&self) -> impl Iterator<Item = &Arc<ExpectedHost>> {
        self.intent.hosts()
    }

    /// The last complete inventory, for keeping over a restart.
    pub fn inventory(&self) -> Option<&Arc<Inventory>> {
        self.intent.complete()
    }

    /// Which declared host a source was matched with, for remembering over a restart.
    pub fn remembered(&self, id: &SourceId) -> Option<NetboxRef> {
        self.observations.get(id).and_then(|o| o.remembered)
    }

    /// Which declared hosts the machines of a source were matched with, for remembering over a restart.
    pub fn remembered_machines(&self, id: &SourceId) -> Vec<(Arc<str>, NetboxRef)> {
        self.sites.get(id).into_iter().flat_map(|s| s.matches()).map(|(key, of)| (key.clone(), of)).collect()
    }

    /// The source of intent.
    pub fn netbox(&self) -> &SourceId {
        &self.intent.source
    }

    fn newcomers(&self, observed: &Observed, now: Timestamp) -> Vec<SourceId> {
        let is_new = |view: &&Arc<HostView>| {
            let one = self.observations.get(&view.source).map(|observation| observation.first);
            let many = self.sites.get(&view.source).map(|site| site.first);
            view.coverage.is_complete() && one.into_iter().chain(many).any(|first| first.is_new(now))
        };
        observed.views().iter().filter(is_new).map(|view| view.source.clone()).collect()
    }

    fn observed(&self, subject: &Subject, now: Timestamp) -> Observed {
        let views = self.by_subject.get(subject).into_iter().flatten();
        let views =
            views.filter_map(|id| self.observations.get(id)).map(|o| o.view_at(now, self.stale_after));
        let of_sites = self.sites.values().filter_map(|site| {
            let view = site.view(subject, &self.intent)?;
            Some(match site.is_stale(now) {
                true => {
                    Arc::new(HostView { coverage: Coverage::Partial(site.stale_gap()), ..(*view).clone() })
                }
                false => view,
            })
        });
        Observed::new(without_apps(views.chain(of_sites).collect()))
    }
}
