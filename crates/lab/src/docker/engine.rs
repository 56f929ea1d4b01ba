//! The simulated engine's state: its containers, what is done to them, and the events that tell of it. What does not
//! live here: HTTP (`serve`), and how a container is shown (`container`).

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use evenkeel_core::model::Health;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tokio::sync::broadcast;

use super::container::{Container, Live, State, health_word};

/// An engine remembers this many events.
const MEMORY: usize = 256;

/// No container has this name or id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such container: {0}")]
pub struct NoSuchContainer(pub String);

/// One event as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) json: Value,
    pub(super) nanos: i128,
}

#[derive(Debug)]
pub(super) struct Engine {
    name: String,
    id: String,
    state: Mutex<Held>,
    /// Seconds that its clock is ahead.
    clock: AtomicI64,
    stream: broadcast::Sender<Event>,
}

#[derive(Debug, Default)]
struct Held {
    containers: Vec<Live>,
    memory: VecDeque<Event>,
    created: u64,
    /// Those that the last end of the daemon took down.
    taken_down: Vec<String>,
    /// Names that something in front leaves out of lists.
    hidden: BTreeSet<String>,
}

impl Engine {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: format!("LAB0:{}", name.to_ascii_uppercase()),
            state: Mutex::default(),
            clock: AtomicI64::new(0),
            stream: broadcast::channel(4 * MEMORY).0,
        }
    }

    /// The time, as this engine has it.
    pub(super) fn now(&self) -> Timestamp {
        evenkeel_ambient::elsewhere() + SignedDuration::from_secs(self.clock.load(Ordering::Relaxed))
    }

    pub(super) fn set_clock(&self, ahead: i64) {
        self.clock.store(ahead, Ordering::Relaxed);
    }

    pub(super) fn hide(&self, names: impl IntoIterator<Item = String>) {
        self.lock().hidden = names.into_iter().collect();
    }

    pub(super) fn create(&self, spec: Container) -> String {
        let mut held = self.lock();
        held.created += 1;
        // Like a real id: 64 hexadecimal digits whose first twelve tell it apart.
        let id = format!(
            "{:012x}{:052x}",
            held.created.wrapping_mul(0x9E37_79B9_7F4A) & 0xFFFF_FFFF_FFFF,
            held.created
        );
        held.containers.push(Live::new(id.clone(), spec, self.now()));
        self.tell(&mut held, &id, "create", &[]);
        id
    }

    pub(super) fn start(&self, which: &str) -> Result<(), NoSuchContainer> {
        self.with(which, |engine, held, i| {
            held.containers[i].restart_count = 0;
            engine.begin(held, i);
        })
    }

    /// Ends by itself with this code; starts no more.
    pub(super) fn exit(&self, which: &str, code: i64) -> Result<(), NoSuchContainer> {
        self.with(which, |engine, held, i| engine.end(held, i, code, State::Exited))
    }

    pub(super) fn stop(&self, which: &str) -> Result<(), NoSuchContainer> {
        self.with(which, |engine, held, i| engine.stop_one(held, i))
    }

    pub(super) fn kill(&self, which: &str) -> Result<(), NoSuchContainer> {
        self.with(which, |engine, held, i| {
            let id = held.containers[i].id.clone();
            engine.tell(held, &id, "kill", &[("signal", "9")]);
            engine.end(held, i, 137, State::Exited);
        })
    }

    pub(super) fn remove(&self, which: &str) -> Result<(), NoSuchContainer> {
        self.with(which, |engine, held, i| {
            let id = held.containers[i].id.clone();
            engine.tell(held, &id, "destroy", &[]);
            held.containers.remove(i);
        })
    }

    pub(super) fn rename(&self, which: &str, name: &str) -> Result<(), NoSuchContainer> {
        self.with(which, |engine, held, i| {
            let container = &mut held.containers[i];
            let old = format!("/{}", std::mem::replace(&mut container.spec.name, name.to_owned()));
            let id = container.id.clone();
            engine.tell(held, &id, "rename", &[("oldName", &old)]);
        })
    }

    pub(super) fn pause(&self, which: &str, paused: bool) -> Result<(), NoSuchContainer> {
        self.with(which, |engine, held, i| {
            let (state, action) = if paused { (State::Paused, "pause") } else { (State::Running, "unpause") };
            held.containers[i].state = state;
            let id = held.containers[i].id.clone();
            engine.tell(held, &id, action, &[]);
        })
    }

    pub(super) fn set_health(&self, which: &str, health: Health) -> Result<(), NoSuchContainer> {
        self.with(which, |engine, held, i| {
            held.containers[i].set_health(health);
            let id = held.containers[i].id.clone();
            engine.tell(held, &id, &format!("health_status: {}", health_word(health)), &[]);
        })
    }

    /// Fails and is started again this many times, then waits for the next attempt.
    pub(super) fn crash_loop(&self, which: &str, times: u64) -> Result<(), NoSuchContainer> {
        self.with(which, |engine, held, i| {
            for _ in 0..times {
                engine.end(held, i, 1, State::Restarting);
                held.containers[i].restart_count += 1;
                engine.begin(held, i);
            }
            engine.end(held, i, 1, State::Restarting);
        })
    }

    pub(super) fn tamper(&self, which: &str, key: &str, value: Value) -> Result<(), NoSuchContainer> {
        self.with(which, |_, held, i| {
            held.containers[i].tampered.insert(key.to_owned(), value);
        })
    }

    /// The daemon is asked to end: every container is stopped, and everybody listening hears of it.
    pub(super) fn stop_all(&self) {
        let mut held = self.lock();
        let running: Vec<usize> =
            (0..held.containers.len()).filter(|i| held.containers[*i].state != State::Exited).collect();
        held.taken_down = Vec::new();
        for i in running {
            if held.containers[i].state == State::Created {
                continue;
            }
            self.stop_one(&mut held, i);
            if held.containers[i].spec.restarts_itself {
                let id = held.containers[i].id.clone();
                held.taken_down.push(id);
            }
        }
    }

    /// The daemon is killed, and the containers with it; nobody hears of it.
    pub(super) fn kill_all(&self) {
        let now = self.now();
        let mut held = self.lock();
        let mut taken_down = Vec::new();
        for container in held.containers.iter_mut().filter(|container| container.state != State::Created) {
            if container.state != State::Exited {
                container.state = State::Exited;
                container.exit_code = 137;
                container.finished = Some(now);
                if container.spec.restarts_itself {
                    taken_down.push(container.id.clone());
                }
            }
        }
        held.taken_down = taken_down;
    }

    /// A new daemon remembers no events.
    pub(super) fn forget_events(&self) {
        self.lock().memory.clear();
    }

    /// What the end of the daemon took down and is to run, runs again.
    pub(super) fn resume(&self) {
        let mut held = self.lock();
        for id in std::mem::take(&mut held.taken_down) {
            if let Some(i) = held.containers.iter().position(|container| container.id == id) {
                self.begin(&mut held, i);
            }
        }
    }

    /// `GET /containers/json`.
    pub(super) fn list(&self, all: bool, labels: &[String]) -> Value {
        let now = self.now();
        let held = self.lock();
        let shown = held.containers.iter().filter(|container| {
            !held.hidden.contains(&container.spec.name)
                && (all || !matches!(container.state, State::Created | State::Exited))
                && labels.iter().all(|wanted| match wanted.split_once('=') {
                    Some((key, value)) => container.label(key) == Some(value),
                    None => container.label(wanted).is_some(),
                })
        });
        // Newest first, as the engine does.
        shown.rev().map(|container| container.summary(now)).collect()
    }

    /// `GET /containers/{id}/json`; by id, beginning of an id, or name.
    pub(super) fn inspect(&self, which: &str) -> Result<Value, NoSuchContainer> {
        let held = self.lock();
        find(&held, which).map(|i| held.containers[i].inspection())
    }

    /// `GET /info`.
    pub(super) fn info(&self) -> Value {
        let held = self.lock();
        let count = |f: fn(&Live) -> bool| held.containers.iter().filter(|container| f(container)).count();
        let running = count(|c| matches!(c.state, State::Running | State::Restarting));
        let paused = count(|c| c.state == State::Paused);
        json!({
            "ID": self.id,
            "Containers": held.containers.len(),
            "ContainersRunning": running,
            "ContainersPaused": paused,
            "ContainersStopped": held.containers.len() - running - paused,
            "Images": 1,
            "Driver": "overlay2",
            "SystemTime": self.now().to_string(),
            "LoggingDriver": "json-file",
            "CgroupDriver": "systemd",
            "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
            "OSType": "linux",
            "Architecture": "x86_64",
            "NCPU": 2,
            "MemTotal": 25_276_514_304_u64,
            "Name": self.name,
            "ServerVersion": "20.10.24+dfsg1",
            "Swarm": { "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": false },
            "LiveRestoreEnabled": false,
            "Warnings": null,
        })
    }

    /// What is remembered since this moment, and everything from now on, without a hole between them.
    pub(super) fn subscribe(&self, since: Option<i128>) -> (Vec<Event>, broadcast::Receiver<Event>) {
        let held = self.lock();
        let past = match since {
            Some(since) => held.memory.iter().filter(|event| event.nanos >= since).cloned().collect(),
            None => Vec::new(),
        };
        (past, self.stream.subscribe())
    }

    fn with(&self, which: &str, f: impl FnOnce(&Self, &mut Held, usize)) -> Result<(), NoSuchContainer> {
        let mut held = self.lock();
        let i = find(&held, which)?;
        f(self, &mut held, i);
        Ok(())
    }

    fn begin(&self, held: &mut Held, i: usize) {
        let now = self.now();
        let container = &mut held.containers[i];
        container.state = State::Running;
        container.started = Some(now);
        let id = container.id.clone();
        self.tell(held, &id, "start", &[]);
    }

    fn end(&self, held: &mut Held, i: usize, code: i64, state: State) {
        let now = self.now();
        let container = &mut held.containers[i];
        container.state = state;
        container.exit_code = code;
        container.finished = Some(now);
        let id = container.id.clone();
        self.tell(held, &id, "die", &[("exitCode", &code.to_string())]);
    }

    fn stop_one(&self, held: &mut Held, i: usize) {
        let id = held.containers[i].id.clone();
        self.tell(held, &id, "kill", &[("signal", "15")]);
        self.end(held, i, 143, State::Exited);
        self.tell(held, &id, "stop", &[]);
    }

    fn tell(&self, held: &mut Held, id: &str, action: &str, more: &[(&str, &str)]) {
        let Ok(i) = find(held, id) else { return };
        let container = &held.containers[i];
        let mut attributes: Map<String, Value> = container.attributes();
        let image = attributes.get("image").cloned().unwrap_or_default();
        attributes.extend(more.iter().map(|(key, value)| ((*key).to_owned(), json!(value))));
        let now = self.now();
        let json = json!({
            "status": action,
            "id": id,
            "from": image,
            "Type": "container",
            "Action": action,
            "Actor": { "ID": id, "Attributes": attributes },
            "scope": "local",
            "time": now.as_second(),
            "timeNano": i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX),
        });
        let event = Event { json, nanos: now.as_nanosecond() };
        if held.memory.len() == MEMORY {
            held.memory.pop_front();
        }
        held.memory.push_back(event.clone());
        // An error only means that nobody listens.
        let _ = self.stream.send(event);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(held: &Held, which: &str) -> Result<usize, NoSuchContainer> {
    let named = held.containers.iter().position(|c| c.id == which || c.spec.name == which);
    let begun = || held.containers.iter().position(|c| which.len() >= 4 && c.id.starts_with(which));
    named.or_else(begun).ok_or_else(|| NoSuchContainer(which.to_owned()))
}
