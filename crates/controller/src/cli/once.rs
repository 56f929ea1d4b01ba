//! Asking everything once: what `diff` does instead of running for ever.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_core::model::Inventory;
use evenkeel_core::{SourceId, Subject};
use evenkeel_sources::netbox::NetboxSource;
use evenkeel_sources::proxmox::ProxmoxSource;
use evenkeel_sources::{Snapshot, Source};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;

use super::failure::{Failure, OrFail, chain};
use crate::collect::now;
use crate::config::Config;
use crate::fleet::{Observer, Speaks};
use crate::world::World;
use crate::{keep, wiring};

/// How long `diff` waits for what is inside a cluster's guests.
const DETAILS_PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// A world in which everybody has been asked once.
pub(super) struct Asked {
    pub(super) world: World,
    pub(super) netbox_version: Option<String>,
}

/// Asks NetBox first (it may declare engines), then every engine at the same time.
pub(super) async fn ask(config: &Config) -> Result<Asked, Failure> {
    let hint = "`evenkeel doctor` tries everything in the configuration";
    let netbox = NetboxSource::new(config.netbox.clone()).or_fail(hint)?;
    let stale_after = std::time::Duration::MAX;
    let mut world = World::new(config.netbox.id.clone(), Arc::new(config.policy.clone()), stale_after);
    let mut observers = Vec::new();
    for docker in &config.docker {
        // A look at one moment needs no event stream.
        let quiet = evenkeel_sources::docker::Config { events: false, ..docker.clone() };
        observers.push(wiring::observer(&quiet).or_fail(hint)?);
    }
    let mut clusters = Vec::new();
    for cluster in &config.proxmox {
        let (source, speaks) = wiring::hypervisor(cluster).or_fail(hint)?;
        observers.push(Observer { source: source.clone(), speaks, interval: None });
        clusters.push(source);
    }
    for appliance in &config.truenas {
        let quiet = evenkeel_sources::truenas::Config { events: false, ..appliance.clone() };
        observers.push(wiring::appliance(&quiet).or_fail(hint)?);
    }
    let probe = config.probe.as_ref().map(wiring::probe).transpose().or_fail(hint)?;
    observers.extend(probe.iter().map(|probe| wiring::looking(probe, None)));
    let unknown = BTreeMap::new();
    observers.iter().for_each(|observer| observer.enlist(&mut world, &unknown));
    if let Some(inventory) = remembered(config).await {
        world.remember_inventory(inventory);
    }
    world.learn(&config.netbox.id, netbox.observe().await, now());
    if let Some(probe) = &probe {
        probe.source.set_targets(probe.targets(&world));
    }
    let declared = declared(config, &world, &observers);
    declared.iter().for_each(|observer| observer.enlist(&mut world, &unknown));
    let ask = |observer: &Observer| {
        let source = observer.source.clone();
        async move { (source.id().clone(), source.observe().await) }
    };
    let mut answers: FuturesUnordered<_> = observers.iter().chain(&declared).map(ask).collect();
    while let Some((id, snapshot)) = answers.next().await {
        world.learn(&id, snapshot, now());
    }
    drop(answers);
    for (id, snapshot) in join_all(clusters.iter().map(with_details)).await {
        world.learn(&id, snapshot, now());
    }
    Ok(Asked { world, netbox_version: netbox.version().map(|version| version.to_string()) })
}

/// A cluster tells what is inside its guests in pieces: it is asked until it has read all, or has had time enough.
async fn with_details(source: &Arc<ProxmoxSource>) -> (SourceId, Snapshot) {
    let reading = async { while !source.details_read().await && is_complete(&source.observe().await) {} };
    // What is not read by then stays unknown.
    let _ = tokio::time::timeout(DETAILS_PATIENCE, reading).await;
    (source.id().clone(), source.observe().await)
}

fn is_complete(snapshot: &Snapshot) -> bool {
    match snapshot {
        Snapshot::Survey { survey, host: _ } => survey.coverage.is_complete(),
        Snapshot::Inventory(_) | Snapshot::Hosts(_) => false,
    }
}

/// What a controller read last, if one keeps its history here: should NetBox be away, that is still what is expected.
async fn remembered(config: &Config) -> Option<Inventory> {
    let store = match wiring::store_read_only(&config.store).await {
        Ok(store) => store,
        Err(error) => {
            // Nothing unusual: no controller has run here.
            tracing::debug!(error = chain(&error), "there is no history to read what netbox said last from");
            return None;
        }
    };
    let inventory = keep::last_inventory(&*store, &config.netbox.id, now()).await;
    store.close().await;
    inventory.unwrap_or_else(|error| {
        tracing::warn!(error = chain(&error), "what netbox said last cannot be read from the history");
        None
    })
}

/// Engines that NetBox declares and the configuration does not name.
fn declared(config: &Config, world: &World, configured: &[Observer]) -> Vec<Observer> {
    let Some(make) = wiring::declared(&config.docker_defaults) else { return Vec::new() };
    let taken: Vec<Option<Subject>> = configured.iter().map(|o| world.subject_of(o.source.id())).collect();
    let free = world.declared().filter(|host| !taken.contains(&Some(Subject::Host(host.name.clone()))));
    let mut observers = Vec::new();
    for host in free {
        let Some(endpoint) = &host.docker_endpoint else { continue };
        match make(&host.name, endpoint) {
            Ok(source) => observers.push(Observer {
                source,
                speaks: Speaks::Host(Some(host.name.clone())),
                interval: None,
            }),
            Err(error) => {
                tracing::error!(host = %host.name, error, "the docker endpoint declared in netbox cannot be used")
            }
        }
    }
    observers
}
