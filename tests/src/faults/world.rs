//! A world that keeps changing, and what is true of it.
//!
//! Two kinds of things differ from what is declared and differ no more. *Steady* ones change when they are told to and
//! stay: each change is one transition, no more and no less. *Restless* ones come and go faster than anybody looks; of them
//! only the end is known.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::engine::Containers;
use crate::load::Random;
use crate::stage::{Lab, container};

/// The machines.
pub const HOSTS: [&str; 3] = ["box", "attic", "cellar"];
/// What runs on each of them.
const DECLARED: &[(&str, u16)] = &[("web", 80), ("db", 5432), ("cache", 6379), ("queue", 5672), ("mail", 25)];
/// What nobody declared and comes and goes.
const GUESTS: &[(&str, u16)] = &[("guest", 7000), ("visitor", 7001)];
/// Which of them are restless.
const RESTLESS: [&str; 2] = ["mail", "visitor"];

/// Something that is as declared or not.
#[derive(Clone, Debug)]
struct Thing {
    host: &'static str,
    name: String,
    port: u16,
    declared: bool,
    restless: bool,
    differs: bool,
    changes: usize,
}

impl Thing {
    fn label(&self) -> String {
        let code = if self.declared { "SERVICE_MISSING" } else { "SERVICE_UNEXPECTED" };
        format!("{code} {}@{}", self.name, self.host)
    }
}

/// Containers on a real engine, each with its id.
#[derive(Debug)]
struct Real {
    containers: Containers,
    ids: BTreeMap<String, String>,
}

/// Systems, and what is true of them.
#[derive(Debug)]
pub struct World {
    /// The simulated systems.
    pub lab: Lab,
    /// What runs on a real one instead.
    real: Option<Real>,
    things: Mutex<Vec<Thing>>,
}

impl World {
    /// Everything as declared.
    pub async fn start() -> Self {
        let lab = Lab::small(&HOSTS.map(|host| (host, DECLARED))).await;
        let mut things = Vec::new();
        for host in HOSTS {
            for (from, declared) in [(DECLARED, true), (GUESTS, false)] {
                things.extend(from.iter().map(|&(name, port)| Thing {
                    host,
                    name: name.to_owned(),
                    port,
                    declared,
                    restless: RESTLESS.contains(&name),
                    differs: false,
                    changes: 0,
                }));
            }
        }
        Self { lab, real: None, things: Mutex::new(things) }
    }

    /// The first of the machines alone, with a real engine on which a few declared services run.
    pub async fn on_engine(mut containers: Containers) -> Self {
        let host = HOSTS[0];
        let (mut things, mut ids) = (Vec::new(), BTreeMap::new());
        for &(short, port) in &DECLARED[..3] {
            let name = containers.name(short);
            // What its ports are is nobody's business, and some engines have no network to publish them in.
            let id = containers.run(short, json!({ "HostConfig": { "NetworkMode": "host" } }));
            ids.insert(name.clone(), id);
            things.push(Thing {
                host,
                name,
                port,
                declared: true,
                restless: false,
                differs: false,
                changes: 0,
            });
        }
        let lab = Lab::small(&[]).await;
        let declared: Vec<_> = things.iter().map(|thing| (thing.name.as_str(), thing.port)).collect();
        lab.declare_host(host, &declared);
        Self { lab, real: Some(Real { containers, ids }), things: Mutex::new(things) }
    }

    /// For this long: every steady thing changes once, at a moment of its own, and the restless ones do not rest.
    pub async fn churn(&self, mut random: Random, span: Duration) {
        let begun = Instant::now();
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1);
        let (steady, restless): (Vec<_>, Vec<_>) = {
            let things = self.things();
            (0..things.len()).partition(|index| !things[*index].restless)
        };
        let mut moments: Vec<(u64, usize)> =
            steady.into_iter().map(|index| (random.below(millis), index)).collect();
        let fidgets = random.below(millis / 15 + 1);
        moments.extend((0..fidgets).map(|_| {
            let which = random.below(restless.len() as u64);
            (random.below(millis), restless[usize::try_from(which).unwrap_or(0)])
        }));
        moments.sort_unstable();
        for (at, index) in moments {
            sleep_until(begun + Duration::from_millis(at)).await;
            self.change(index);
        }
        sleep_until(begun + span).await;
        self.calm();
    }

    /// A restless thing changes, any of them.
    pub fn fidget(&self, random: &mut Random) {
        let restless: Vec<_> = {
            let things = self.things();
            (0..things.len()).filter(|index| things[*index].restless).collect()
        };
        let which = random.below(restless.len() as u64);
        self.change(restless[usize::try_from(which).unwrap_or(0)]);
    }

    /// The restless ones come to rest, as declared.
    pub fn calm(&self) {
        let count = self.things().len();
        for index in 0..count {
            let astray = {
                let thing = &self.things()[index];
                thing.restless && thing.differs
            };
            if astray {
                self.change(index);
            }
        }
    }

    /// Which drifts there are.
    pub fn truth(&self) -> BTreeSet<String> {
        self.things().iter().filter(|thing| thing.differs).map(Thing::label).collect()
    }

    /// How often each steady thing changed; `None` stands for one that is restless.
    pub fn changes(&self) -> BTreeMap<String, Option<usize>> {
        let things = self.things();
        things.iter().map(|thing| (thing.label(), (!thing.restless).then_some(thing.changes))).collect()
    }

    /// Some of the containers on the real engine die, without its doing; at least one.
    pub fn die(&self, random: &mut Random) {
        let real = self.real.as_ref().expect("a real engine");
        let mut things = self.things();
        let first = random.below(things.len() as u64);
        for (index, thing) in things.iter_mut().enumerate().filter(|(_, thing)| !thing.differs) {
            if index as u64 == first || random.below(2) == 0 {
                slay(&real.ids[&thing.name]);
                thing.differs = true;
                thing.changes += 1;
            }
        }
    }

    /// Everything is as declared again.
    pub fn mend(&self) {
        let count = self.things().len();
        for index in 0..count {
            if self.things()[index].differs {
                self.change(index);
            }
        }
    }

    /// Whether its own restlessness may be the reason for this: an engine that counts its guests after it listed them, and
    /// has new ones each time, cannot be shown to have listed all of them.
    pub fn blinds(&self, drift: &str) -> bool {
        let host = drift.strip_prefix("SNAPSHOT_ERROR ");
        self.real.is_none() && host.is_some_and(|host| HOSTS.contains(&host))
    }

    fn change(&self, index: usize) {
        let mut things = self.things();
        let thing = &mut things[index];
        match &self.real {
            Some(real) => {
                let act = if thing.differs { "start" } else { "kill" };
                real.containers.act(&real.ids[&thing.name], act);
            }
            None => simulate(&self.lab, thing),
        }
        thing.differs = !thing.differs;
        thing.changes += 1;
    }

    fn things(&self) -> MutexGuard<'_, Vec<Thing>> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn simulate(lab: &Lab, thing: &Thing) {
    let (engine, name) = (lab.engine(thing.host), thing.name.as_str());
    match (thing.declared, thing.differs) {
        (true, false) => engine.stop(name).unwrap(),
        (true, true) => engine.start_container(name).unwrap(),
        (false, false) => drop(engine.run(container(thing.host, name, thing.port))),
        (false, true) => engine.remove(name).unwrap(),
    }
}

/// Kills every process of a container from outside, as the kernel does when memory runs out.
fn slay(id: &str) {
    let mut killed = false;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(process) =
            entry.file_name().to_str().filter(|name| name.parse::<u32>().is_ok()).map(str::to_owned)
        else {
            continue;
        };
        // It may have ended since its folder was listed.
        let is_of_it =
            fs::read_to_string(entry.path().join("cgroup")).is_ok_and(|groups| groups.contains(id));
        killed |= is_of_it && Command::new("kill").args(["-KILL", &process]).status().unwrap().success();
    }
    assert!(killed, "no process of the container {id}");
}
