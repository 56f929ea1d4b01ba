//! The collectors that run at this moment: those of the configuration, and those of engines that NetBox declares.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use evenkeel_core::identity::hosts::NetboxRef;
use evenkeel_core::{HostName, SourceId, SourceKind};
use evenkeel_sources::Source;
use evenkeel_sources::probe::{ProbeSource, Selection, Target, targets};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use crate::breaker::Settings;
use crate::collect::{Collector, Recheck};
use crate::gate::About;
use crate::hub::Hub;
use crate::world::World;

/// How often it is looked whether somebody new was matched.
const REMEMBER: Duration = Duration::from_secs(10);

/// Whom a source speaks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// One host; `None`: as the source names itself.
    Host(Option<HostName>),
    /// The machines it looks after: the NetBox clusters it is the witness of (none: those it names itself).
    Machines(Vec<Arc<str>>),
    /// Both.
    HostAndMachines(Option<HostName>, Vec<Arc<str>>),
}

/// A source and whom it was configured for.
pub struct Observer {
    /// The source.
    pub source: Arc<dyn Source>,
    /// Whom it speaks about.
    pub speaks: Speaks,
    /// How often it is asked; `None`: as often as engines are.
    pub interval: Option<Duration>,
}

impl Observer {
    /// The host it was configured for.
    pub fn host(&self) -> Option<&HostName> {
        match &self.speaks {
            Speaks::Host(host) | Speaks::HostAndMachines(host, _) => host.as_ref(),
            Speaks::Machines(_) => None,
        }
    }

    /// Three missed looks, and no less than two minutes. Who is sent to, and not asked, says itself what is too old.
    fn stale_after(&self) -> Option<Duration> {
        let interval = self.interval.filter(|_| self.source.id().kind != SourceKind::Push)?;
        Some((interval * 3).max(Duration::from_secs(120)))
    }

    /// Makes the world listen to it. `remembered`: whom it and its machines were matched with in an earlier run.
    pub fn enlist(&self, world: &mut World, remembered: &BTreeMap<SourceId, NetboxRef>) {
        let id = self.source.id();
        let clusters = match &self.speaks {
            Speaks::Host(_) => None,
            Speaks::Machines(clusters) | Speaks::HostAndMachines(_, clusters) => Some(clusters.clone()),
        };
        if let Some(clusters) = clusters {
            let machines = remembered.iter().filter_map(|(of, known)| Some((machine_of(id, of)?, *known)));
            world.add_site(id.clone(), clusters, self.stale_after(), machines.collect());
        }
        if let Speaks::Host(host) | Speaks::HostAndMachines(host, _) = &self.speaks {
            world.add_source(id.clone(), host.clone(), remembered.get(id).copied());
            if let Some(stale_after) = self.stale_after() {
                world.set_stale_after(id, stale_after);
            }
        }
    }
}

/// The name under which the identity of one machine of a source is kept: `proxmox/box2#qemu/100`.
fn kept_as(id: &SourceId, machine: &str) -> SourceId {
    SourceId::new(id.kind, format!("{}#{machine}", id.name))
}

/// The machine whose identity is kept under this name, if it is one of this source's.
fn machine_of(id: &SourceId, kept: &SourceId) -> Option<Arc<str>> {
    let machine = kept.name.strip_prefix(&*id.name)?.strip_prefix('#')?;
    (kept.kind == id.kind).then(|| Arc::from(machine))
}

/// A probe and what it is to try, beside what NetBox asks for.
pub struct Probe {
    /// The probe, which is among the observers as well.
    pub source: Arc<ProbeSource>,
    /// What it tries.
    pub selection: Selection,
}

impl Probe {
    /// What there is to try, as things are declared.
    pub fn targets(&self, world: &World) -> Vec<Target> {
        targets(world.declared().map(|host| &**host), &self.selection)
    }
}

/// Makes the source of an engine that NetBox declares on a host, or says why it cannot.
pub type MakeDeclared = Box<dyn Fn(&HostName, &str) -> Result<Arc<dyn Source>, String> + Send + Sync>;

/// Starts and stops collectors.
pub struct Fleet {
    hub: Arc<Hub>,
    tasks: TaskTracker,
    stop: CancellationToken,
    permits: Arc<Semaphore>,
    make_declared: Option<MakeDeclared>,
    /// Probes, and what they are to try.
    probes: Vec<Probe>,
    /// Hosts the configuration has an engine for; a declaration does not replace it.
    configured_hosts: BTreeSet<HostName>,
    /// Engines that NetBox declares, by host, with the endpoint they were made for.
    declared: BTreeMap<HostName, Declared>,
    /// Which NetBox object each source was matched with in an earlier run.
    remembered: BTreeMap<SourceId, NetboxRef>,
}

struct Declared {
    endpoint: Arc<str>,
    id: Option<SourceId>,
    stop: CancellationToken,
}

impl Fleet {
    /// A fleet without collectors.
    pub fn new(
        hub: Arc<Hub>,
        tasks: TaskTracker,
        stop: CancellationToken,
        make_declared: Option<MakeDeclared>,
        probes: Vec<Probe>,
        remembered: BTreeMap<SourceId, NetboxRef>,
        at_once: usize,
    ) -> Self {
        Self {
            hub,
            tasks,
            stop,
            permits: Arc::new(Semaphore::new(at_once)),
            make_declared,
            probes,
            configured_hosts: BTreeSet::new(),
            declared: BTreeMap::new(),
            remembered,
        }
    }

    /// Starts to ask NetBox.
    pub fn start_intent(&mut self, source: Arc<dyn Source>) {
        let interval = self.hub.schedule.netbox_interval;
        let recheck = self.spawn(source, interval, self.stop.child_token());
        if let Some(bell) = self.hub.netbox_bell.clone() {
            self.tasks.spawn(bell.run(recheck, self.stop.clone()));
        }
    }

    /// Starts to ask a source of observation that the configuration names.
    pub fn start_configured(&mut self, observer: Observer) {
        let id = observer.source.id().clone();
        if id.kind == SourceKind::Docker {
            let known_as = observer.host().cloned().unwrap_or_else(|| HostName::new(&*id.name));
            self.configured_hosts.insert(known_as);
        }
        self.start(observer, self.stop.child_token());
    }

    fn start(&self, observer: Observer, stop: CancellationToken) {
        self.hub.change(|world| observer.enlist(world, &self.remembered));
        let interval = observer.interval.unwrap_or(self.hub.schedule.docker_interval);
        self.spawn(observer.source, interval, stop);
    }

    fn spawn(&self, source: Arc<dyn Source>, interval: Duration, stop: CancellationToken) -> Arc<Recheck> {
        let recheck = Arc::new(Recheck::default());
        self.bells().insert(source.id().clone(), recheck.clone());
        let breaker = self.hub.schedule.breaker;
        let collector = Collector {
            source,
            hub: self.hub.clone(),
            interval,
            breaker: Settings { failures: breaker.failures, open: breaker.open, cap: breaker.open_max },
            permits: self.permits.clone(),
            recheck: recheck.clone(),
        };
        self.tasks.spawn(collector.run(stop));
        recheck
    }

    /// Follows the inventory: engines that NetBox declares come and go with it. Ends with the stop. Who was matched with
    /// whom is kept in between as well: a machine may first be seen long after NetBox was read.
    pub async fn follow(mut self) {
        let mut inventory = self.hub.inventory.subscribe();
        loop {
            self.aim_probes();
            self.match_declared();
            self.remember().await;
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return self.remember().await,
                () = tokio::time::sleep(REMEMBER) => {}
                changed = inventory.changed() => if changed.is_err() { return },
            }
        }
    }

    /// What is probed follows what is declared. Before a probe looks for the first time, it is what was declared in an
    /// earlier run: a look at nothing would find nothing wrong.
    pub fn aim_probes(&self) {
        for probe in &self.probes {
            let targets = self.hub.see(|world| probe.targets(world));
            probe.source.set_targets(targets);
        }
    }

    fn match_declared(&mut self) {
        let Some(make) = &self.make_declared else { return };
        let wanted: BTreeMap<HostName, Arc<str>> = self.hub.see(|world| {
            let with_endpoint =
                world.declared().filter_map(|h| h.docker_endpoint.clone().map(|e| (h.name.clone(), e)));
            with_endpoint.filter(|(host, _)| !self.configured_hosts.contains(host)).collect()
        });
        let gone: Vec<HostName> = self
            .declared
            .iter()
            .filter(|(host, declared)| wanted.get(*host) != Some(&declared.endpoint))
            .map(|(host, _)| host.clone())
            .collect();
        for host in gone {
            if let Some(declared) = self.declared.remove(&host) {
                declared.stop.cancel();
                if let Some(id) = declared.id {
                    info!(source = %id, "no longer declared in netbox");
                    self.bells().remove(&id);
                    self.hub.askings.forget(&id);
                    let touched = self.hub.change(|world| world.remove_source(&id));
                    self.hub.queue.add_all(touched, Duration::ZERO);
                    self.hub.metrics.sources.forget(&id);
                }
            }
        }
        let new: Vec<(HostName, Arc<str>)> =
            wanted.into_iter().filter(|(host, _)| !self.declared.contains_key(host)).collect();
        let made: Vec<_> =
            new.into_iter().map(|(host, endpoint)| (make(&host, &endpoint), host, endpoint)).collect();
        for (made, host, endpoint) in made {
            let stop = self.stop.child_token();
            let id = match made {
                Ok(source) => {
                    let id = source.id().clone();
                    info!(source = %id, "declared in netbox");
                    self.start(
                        Observer { source, speaks: Speaks::Host(Some(host.clone())), interval: None },
                        stop.clone(),
                    );
                    Some(id)
                }
                // Said once: the declaration is not tried again until it changes.
                Err(error) => {
                    error!(%host, error, "the docker endpoint declared in netbox cannot be used");
                    None
                }
            };
            self.declared.insert(host, Declared { endpoint, id, stop });
        }
    }

    /// Keeps whom each source was matched with, so that a rename during a restart stays a rename.
    async fn remember(&mut self) {
        let ids: Vec<SourceId> =
            self.bells().keys().filter(|id| id.kind != SourceKind::Netbox).cloned().collect();
        let now: BTreeMap<SourceId, NetboxRef> = self.hub.see(|world| {
            let hosts = ids.iter().filter_map(|id| Some((id.clone(), world.remembered(id)?)));
            let of = |id: &SourceId| {
                let kept = |(machine, known): (Arc<str>, NetboxRef)| (kept_as(id, &machine), known);
                world.remembered_machines(id).into_iter().map(kept).collect::<Vec<_>>()
            };
            hosts.chain(ids.iter().flat_map(of)).collect()
        });
        let news: Vec<_> = now
            .iter()
            .filter(|(id, reference)| self.remembered.get(*id) != Some(*reference))
            .map(|(id, reference)| (evenkeel_core::Subject::Source(id.clone()), Some(*reference)))
            .collect();
        if news.is_empty() || self.hub.gate.paused().is_some() {
            return;
        }
        match self.hub.store.remember(&news).await {
            Ok(()) => self.remembered.extend(now),
            Err(error) => {
                if self.hub.gate.heard(&error) == About::Request {
                    error!(%error, "identities could not be kept");
                }
            }
        }
    }

    fn bells(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<SourceId, Arc<Recheck>>> {
        self.hub.rechecks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
