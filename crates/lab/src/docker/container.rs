//! One simulated container: what it was created from, what it is doing, and how the engine shows it. What does not
//! live here: events and requests.

use std::collections::BTreeMap;

use evenkeel_core::model::{Health, Port};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What a container is created from.
#[derive(Clone, Debug)]
pub struct Container {
    pub(super) name: String,
    image: String,
    command: Vec<String>,
    env: Vec<String>,
    labels: BTreeMap<String, String>,
    ports: Vec<Publish>,
    exposed: Vec<Port>,
    network_mode: String,
    health: Health,
    pub(super) restarts_itself: bool,
}

#[derive(Clone, Debug)]
struct Publish {
    /// `None`: every address, of IPv4 and of IPv6.
    address: Option<String>,
    host: u16,
    inside: Port,
}

impl Container {
    /// A container of this name that does nothing remarkable.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            image: "lab/busybox:1.35".to_owned(),
            command: vec!["sleep".to_owned(), "86400".to_owned()],
            env: Vec::new(),
            labels: BTreeMap::new(),
            ports: Vec::new(),
            exposed: Vec::new(),
            network_mode: "bridge".to_owned(),
            health: Health::None,
            restarts_itself: true,
        }
    }

    /// The first replica of a Compose service, named and labelled as Compose does.
    pub fn compose(project: &str, service: &str) -> Self {
        Self::new(format!("{project}-{service}-1"))
            .label("com.docker.compose.project", project)
            .label("com.docker.compose.service", service)
            .label("com.docker.compose.container-number", "1")
            .label("com.docker.compose.oneoff", "False")
            .network(&format!("{project}_default"))
    }

    /// Under another name.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// From this image.
    pub fn image(mut self, image: &str) -> Self {
        image.clone_into(&mut self.image);
        self
    }

    /// With this command line.
    pub fn command<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.command = words.into_iter().map(str::to_owned).collect();
        self
    }

    /// With this environment variable.
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.env.push(format!("{key}={value}"));
        self
    }

    /// With this label.
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Publishes a TCP port on every address.
    pub fn publish(self, host: u16, inside: u16) -> Self {
        self.publish_as(None, host, Port::tcp(inside))
    }

    /// Publishes a UDP port on every address.
    pub fn publish_udp(self, host: u16, inside: u16) -> Self {
        self.publish_as(None, host, Port::udp(inside))
    }

    /// Publishes a TCP port on one address.
    pub fn publish_on(self, address: &str, host: u16, inside: u16) -> Self {
        self.publish_as(Some(address.to_owned()), host, Port::tcp(inside))
    }

    fn publish_as(mut self, address: Option<String>, host: u16, inside: Port) -> Self {
        self.ports.push(Publish { address, host, inside });
        self
    }

    /// Exposes a TCP port to other containers only.
    pub fn expose(mut self, inside: u16) -> Self {
        self.exposed.push(Port::tcp(inside));
        self
    }

    /// On this network: `host`, `none`, `container:…` or a name.
    pub fn network(mut self, mode: &str) -> Self {
        mode.clone_into(&mut self.network_mode);
        self
    }

    /// With a health check of this verdict.
    pub fn health(mut self, health: Health) -> Self {
        self.health = health;
        self
    }

    /// Without a restart policy: it stays down when it ends.
    pub fn stays_down(mut self) -> Self {
        self.restarts_itself = false;
        self
    }
}

/// The states an engine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Created,
    Running,
    Restarting,
    Paused,
    Exited,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Paused => "paused",
            Self::Exited => "exited",
        }
    }
}

/// A container on the engine.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) id: String,
    pub(super) spec: Container,
    pub(super) state: State,
    pub(super) exit_code: i64,
    pub(super) restart_count: u64,
    created: Timestamp,
    pub(super) started: Option<Timestamp>,
    pub(super) finished: Option<Timestamp>,
    /// Keys of the list entry that a test wants otherwise.
    pub(super) tampered: Map<String, Value>,
}

impl Live {
    pub(super) fn new(id: String, spec: Container, now: Timestamp) -> Self {
        Self {
            id,
            spec,
            state: State::Created,
            exit_code: 0,
            restart_count: 0,
            created: now,
            started: None,
            finished: None,
            tampered: Map::new(),
        }
    }

    pub(super) fn set_health(&mut self, health: Health) {
        self.spec.health = health;
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.state, State::Running | State::Paused)
    }

    pub(super) fn label(&self, key: &str) -> Option<&str> {
        self.spec.labels.get(key).map(String::as_str)
    }

    /// The attributes of its events: name, image and every label.
    pub(super) fn attributes(&self) -> Map<String, Value> {
        let mut attributes: Map<String, Value> =
            self.spec.labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        attributes.insert("image".to_owned(), json!(self.spec.image));
        attributes.insert("name".to_owned(), json!(self.spec.name));
        attributes
    }

    /// Its element of `GET /containers/json`.
    pub(super) fn summary(&self, now: Timestamp) -> Value {
        let mut summary = json!({
            "Id": self.id,
            "Names": [format!("/{}", self.spec.name)],
            "Image": self.spec.image,
            "ImageID": image_id(),
            "Command": self.spec.command.join(" "),
            "Created": self.created.as_second(),
            "Ports": self.ports(),
            "Labels": self.spec.labels,
            "State": self.state.word(),
            "Status": self.status(now),
            "HostConfig": { "NetworkMode": self.spec.network_mode },
            "NetworkSettings": { "Networks": self.networks() },
            "Mounts": [],
        });
        if let Value::Object(summary) = &mut summary {
            summary.extend(self.tampered.clone());
        }
        summary
    }

    /// `GET /containers/{id}/json`.
    pub(super) fn inspection(&self) -> Value {
        let bindings: Map<String, Value> = self
            .spec
            .ports
            .iter()
            .map(|port| {
                let ip = port.address.as_deref().unwrap_or_default();
                (port.inside.to_string(), json!([{ "HostIp": ip, "HostPort": port.host.to_string() }]))
            })
            .collect();
        let policy = if self.spec.restarts_itself { "unless-stopped" } else { "no" };
        let path = self.spec.command.first().map(String::as_str).unwrap_or_default();
        json!({
            "Id": self.id,
            "Created": self.created.to_string(),
            "Path": path,
            "Args": self.spec.command.get(1..).unwrap_or_default(),
            "State": self.inspected_state(),
            "Image": image_id(),
            "Name": format!("/{}", self.spec.name),
            "RestartCount": self.restart_count,
            "Driver": "overlay2",
            "Platform": "linux",
            "HostConfig": {
                "NetworkMode": self.spec.network_mode,
                "PortBindings": bindings,
                "RestartPolicy": { "Name": policy, "MaximumRetryCount": 0 },
            },
            "Mounts": [],
            "Config": {
                "Hostname": self.id.get(..12),
                "Env": self.spec.env,
                "Cmd": self.spec.command,
                "Image": self.spec.image,
                "Labels": self.spec.labels,
            },
            "NetworkSettings": { "Networks": self.networks() },
        })
    }

    fn inspected_state(&self) -> Value {
        let moment =
            |at: Option<Timestamp>| at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at| at.to_string());
        let mut state = json!({
            "Status": self.state.word(),
            // An engine calls a container that waits for its next attempt running, too.
            "Running": matches!(self.state, State::Running | State::Paused | State::Restarting),
            "Paused": self.state == State::Paused,
            "Restarting": self.state == State::Restarting,
            "OOMKilled": false,
            "Dead": false,
            "Pid": if self.is_up() { 4242 } else { 0 },
            "ExitCode": self.exit_code,
            "Error": "",
            "StartedAt": moment(self.started),
            "FinishedAt": moment(self.finished),
        });
        if self.spec.health != Health::None {
            let streak = i32::from(self.spec.health == Health::Unhealthy);
            state["Health"] =
                json!({ "Status": health_word(self.spec.health), "FailingStreak": streak, "Log": [] });
        }
        state
    }

    fn ports(&self) -> Vec<Value> {
        // Only what runs publishes, and the host network needs no publishing.
        if !self.is_up() || self.spec.network_mode == "host" {
            return Vec::new();
        }
        let entry = |port: Port| (port.number, port.protocol.as_str());
        let mut ports: Vec<Value> = self
            .spec
            .exposed
            .iter()
            .map(|port| {
                let (number, protocol) = entry(*port);
                json!({ "PrivatePort": number, "Type": protocol })
            })
            .collect();
        for port in &self.spec.ports {
            let (inside, protocol) = entry(port.inside);
            let addresses = match &port.address {
                Some(address) => vec![address.as_str()],
                None => vec!["0.0.0.0", "::"],
            };
            ports.extend(addresses.into_iter().map(
                |ip| json!({ "IP": ip, "PrivatePort": inside, "PublicPort": port.host, "Type": protocol }),
            ));
        }
        ports
    }

    fn networks(&self) -> Value {
        let name = match self.spec.network_mode.as_str() {
            "default" => "bridge",
            mode if mode.starts_with("container:") => return json!({}),
            mode => mode,
        };
        json!({ name: { "IPAddress": if self.is_up() { "172.17.0.2" } else { "" }, "MacAddress": "" } })
    }

    fn status(&self, now: Timestamp) -> String {
        let since = |at: Option<Timestamp>| ago(now.as_second() - at.unwrap_or(now).as_second());
        match self.state {
            State::Created => "Created".to_owned(),
            State::Running => match self.spec.health {
                Health::None => format!("Up {}", since(self.started)),
                Health::Starting => format!("Up {} (health: starting)", since(self.started)),
                health @ (Health::Healthy | Health::Unhealthy) => {
                    format!("Up {} ({})", since(self.started), health_word(health))
                }
            },
            State::Paused => format!("Up {} (Paused)", since(self.started)),
            State::Restarting => format!("Restarting ({}) {} ago", self.exit_code, since(self.finished)),
            State::Exited => format!("Exited ({}) {} ago", self.exit_code, since(self.finished)),
        }
    }
}

pub(super) fn health_word(health: Health) -> &'static str {
    match health {
        Health::None => "none",
        Health::Starting => "starting",
        Health::Healthy => "healthy",
        Health::Unhealthy => "unhealthy",
    }
}

fn image_id() -> &'static str {
    "sha256:cf94ab21207aa8b733cda16ccc2c5fdbfaa862d35163779e84ee3757d7345f65"
}

/// Docker's way to say how long.
fn ago(seconds: i64) -> String {
    match seconds {
        i64::MIN..=0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..=59 => format!("{seconds} seconds"),
        60..=119 => "About a minute".to_owned(),
        120..=3_599 => format!("{} minutes", seconds / 60),
        3_600..=5_399 => "About an hour".to_owned(),
        _ => format!("{} hours", (seconds + 1_800) / 3_600),
    }
}
