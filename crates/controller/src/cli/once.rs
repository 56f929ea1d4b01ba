//! Asking everything once: what `diff` does instead of running for ever.

use std::sync::Arc;

use evenkeel_core::Subject;
use evenkeel_core::model::Inventory;
use evenkeel_sources::netbox::NetboxSource;
use evenkeel_sources::{Snapshot, Source};
use evenkeel_store::Store;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::failure::{Failure, OrFail};
use crate::collect::now;
use crate::config::Config;
use crate::fleet::Observer;
use crate::world::World;
use crate::{keep, wiring};

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
    for observer in &observers {
        world.add_source(observer.source.id().clone(), observer.host.clone(), None);
    }
    if let Some(inventory) = remembered(config).await {
        world.remember_inventory(inventory);
    }
    learn(&mut world, netbox.observe().await);
    let declared = declared(config, &world, &observers);
    for observer in &declared {
        world.add_source(observer.source.id().clone(), observer.host.clone(), None);
    }
    let mut answers: FuturesUnordered<_> =
        observers.iter().chain(&declared).map(|observer| observer.source.observe()).collect();
    while let Some(snapshot) = answers.next().await {
        learn(&mut world, snapshot);
    }
    Ok(Asked { world, netbox_version: netbox.version().map(|version| version.to_string()) })
}

/// What a controller read last, if one keeps its history here: should NetBox be away, that is still what is expected.
async fn remembered(config: &Config) -> Option<Inventory> {
    let store = wiring::store_read_only(&config.store).await.ok()?;
    let inventory = keep::last_inventory(&store, &config.netbox.id).await.ok().flatten();
    store.close().await;
    inventory
}

fn learn(world: &mut World, snapshot: Snapshot) {
    match snapshot {
        Snapshot::Inventory(inventory) => {
            world.replace_inventory(inventory, now());
        }
        Snapshot::Hosts(hosts) => {
            for host in hosts {
                world.replace_host(host, now());
            }
        }
    }
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
            Ok(source) => observers.push(Observer { source, host: Some(host.name.clone()) }),
            Err(error) => {
                tracing::error!(host = %host.name, error, "the docker endpoint declared in netbox cannot be used")
            }
        }
    }
    observers
}
