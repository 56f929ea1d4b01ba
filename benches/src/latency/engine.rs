//! The engine whose containers die: simulated, or real.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use evenkeel_lab::docker::{Container, DockerLab};
use evenkeel_sources::docker::Endpoint;
use jiff::Timestamp;
use serde_json::{Value, json};
use xtask::real::{IMAGE, request};

use crate::Result;
use crate::bare::Bare;

/// The port the first service publishes, as the inventory declares it.
const FIRST_PORT: u16 = 8000;
/// How long a death may take to be on the list.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody who asks for the list until it shows a death; when it did.
pub(super) type Watch = JoinHandle<std::result::Result<Timestamp, String>>;

/// An engine that runs what is declared.
pub(super) enum Engine {
    /// The lab's.
    Simulated(DockerLab),
    /// Somebody's, with containers of ours on it.
    Real(Containers),
}

impl Engine {
    /// A simulated engine of this machine.
    pub(super) async fn simulated(host: &str, services: usize) -> Result<Self> {
        let lab = DockerLab::start(host).await?;
        for (name, port) in declared(services) {
            lab.run(Container::new(name).publish(port, port));
        }
        Ok(Self::Simulated(lab))
    }

    /// The real engine, if there is one to use.
    pub(super) fn real(services: usize) -> Result<Option<Self>> {
        let Ok(address) = std::env::var("EVENKEEL_TEST_DOCKER") else {
            return Ok(None);
        };
        let path = address.strip_prefix("unix://").ok_or("EVENKEEL_TEST_DOCKER is no socket file")?;
        Ok(Some(Self::Real(Containers::start(Path::new(path), services)?)))
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Simulated(_) => "simulated",
            Self::Real(_) => "real",
        }
    }

    /// How many deaths are worth measuring: a real container takes half a second to die and come back.
    pub(super) fn deaths(&self) -> usize {
        match self {
            Self::Simulated(_) => 300,
            Self::Real(_) => 100,
        }
    }

    /// Begins to ask whether this container is still listed as running; `None` where the list is right at once.
    pub(super) fn watch(&self, service: &str) -> Result<Option<Watch>> {
        match self {
            Self::Simulated(_) => Ok(None),
            Self::Real(containers) => {
                let (mut line, id) = (Bare::unix(&containers.socket)?, containers.id(service)?.clone());
                let watching = move || until_down(&mut line, &id).map_err(|error| error.to_string());
                Ok(Some(std::thread::spawn(watching)))
            }
        }
    }

    pub(super) fn endpoint(&self) -> Result<Endpoint> {
        let text = match self {
            Self::Simulated(lab) => lab.url(),
            Self::Real(containers) => format!("unix://{}", containers.socket.display()),
        };
        Ok(Endpoint::parse(&text)?)
    }

    pub(super) fn connect(&self) -> Result<Bare> {
        match self {
            Self::Simulated(lab) => Bare::tcp(lab.address()),
            Self::Real(containers) => Bare::unix(&containers.socket),
        }
    }

    /// Ends a container. When it died, if that is known before the engine is asked: the simulated one says so within
    /// the call, so that the call's beginning is the moment.
    pub(super) fn kill(&self, service: &str, now: Timestamp) -> Result<Option<Timestamp>> {
        match self {
            Self::Simulated(lab) => {
                lab.kill(service)?;
                Ok(Some(now))
            }
            Self::Real(containers) => {
                containers.act(service, "kill")?;
                Ok(None)
            }
        }
    }

    /// When the engine says that the container died.
    pub(super) fn death_of(&self, service: &str, since: Timestamp) -> Result<Timestamp> {
        match self {
            Self::Simulated(_) => Ok(since),
            Self::Real(containers) => containers.death_of(service, since),
        }
    }

    pub(super) fn start(&self, service: &str) -> Result<()> {
        match self {
            Self::Simulated(lab) => Ok(lab.start_container(service)?),
            Self::Real(containers) => containers.act(service, "start"),
        }
    }
}

/// Asks until the list does not show this container as running, and returns when that was asked.
fn until_down(line: &mut Bare, id: &str) -> Result<Timestamp> {
    let path = format!("/containers/json?all=1&filters=%7B%22id%22%3A%5B%22{id}%22%5D%7D");
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let (status, body) = line.ask("GET", &path, "", b"")?;
        let answered = Timestamp::now();
        let list: Value = serde_json::from_slice(&body)?;
        let state = list.get(0).and_then(|row| row.get("State")).and_then(Value::as_str);
        match state {
            Some("running") => pause(Duration::from_millis(1)),
            Some(_) => return Ok(answered),
            None => return Err(format!("the list does not show {id}: {status}").into()),
        }
    }
    Err(format!("{id} is still listed as running after {} s", PATIENCE.as_secs()).into())
}

#[allow(clippy::disallowed_methods, reason = "a thread of its own, no worker of a runtime")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

fn declared(services: usize) -> impl Iterator<Item = (String, u16)> {
    (FIRST_PORT..).take(services).enumerate().map(|(n, port)| (format!("service-{n:02}"), port))
}

/// Containers on a real engine; removed when dropped.
pub(super) struct Containers {
    socket: PathBuf,
    ids: BTreeMap<String, String>,
}

impl Containers {
    fn start(socket: &Path, services: usize) -> Result<Self> {
        let mut containers = Self { socket: socket.to_owned(), ids: BTreeMap::new() };
        let publishes = std::env::var("EVENKEEL_TEST_DOCKER_NETWORK").is_ok_and(|word| word == "bridge");
        for (name, port) in declared(services) {
            let inside = format!("{port}/tcp");
            let bindings = json!({ &inside: [{ "HostPort": port.to_string() }] });
            let body = json!({
                "Image": IMAGE,
                "Labels": { "evenkeel.service": &name },
                "ExposedPorts": { &inside: {} },
                "HostConfig": { "PortBindings": if publishes { bindings } else { json!({}) } },
            });
            let path = format!("/containers/create?name=bench-{}-{name}", std::process::id());
            let id = containers.ask("POST", &path, &body)?;
            let id = id.get("Id").and_then(Value::as_str).ok_or("a container without an id")?;
            containers.ids.insert(name.clone(), id.to_owned());
            containers.act(&name, "start")?;
        }
        Ok(containers)
    }

    fn id(&self, service: &str) -> Result<&String> {
        Ok(self.ids.get(service).ok_or("no such container")?)
    }

    fn act(&self, service: &str, action: &str) -> Result<()> {
        let path = format!("/containers/{}/{action}", self.id(service)?);
        self.ask("POST", &path, &Value::Null).map(drop)
    }

    fn death_of(&self, service: &str, since: Timestamp) -> Result<Timestamp> {
        let id = self.id(service)?;
        let (from, now) = (since.as_second() - 1, Timestamp::now());
        // `until` ends the answer; one that lies ahead would make the engine wait for it.
        let until = format!("{}.{:09}", now.as_second(), now.subsec_nanosecond());
        let filters = format!("%7B%22container%22%3A%5B%22{id}%22%5D%2C%22event%22%3A%5B%22die%22%5D%7D");
        let path = format!("/events?since={from}&until={until}&filters={filters}");
        let answer = request(&self.socket, "GET", &path, ("text/plain", b""))?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let last = text.lines().rfind(|line| line.contains("timeNano")).ok_or("no death on record")?;
        let event: Value = serde_json::from_str(last)?;
        let nanos = event.get("timeNano").and_then(Value::as_i64).ok_or("an event without a time")?;
        let died = Timestamp::from_nanosecond(i128::from(nanos))?;
        if died < since {
            return Err("the death on record is an older one".into());
        }
        Ok(died)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer = request(&self.socket, method, path, ("application/json", text.as_bytes()))?;
        if answer.status >= 400 {
            let said = String::from_utf8_lossy(&answer.body);
            return Err(format!("{method} {path}: {} {said}", answer.status).into());
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&answer.body)?)
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        for id in self.ids.values() {
            let path = format!("/containers/{id}?force=1&v=1");
            // The engine may be gone, and they with it.
            let _ = request(&self.socket, "DELETE", &path, ("text/plain", b""));
        }
    }
}
