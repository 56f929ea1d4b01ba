//! Containers on a real engine, and the source that watches them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use evenkeel_core::model::{HostSnapshot, ObservedService};
use evenkeel_core::{SourceId, SourceKind};
use evenkeel_sources::docker::{Config, DockerSource, Endpoint};
use evenkeel_sources::{Snapshot, Source};
use serde_json::{Value, json};
use xtask::real::{Engine, IMAGE, is_root, request};

/// Long enough for a busy machine; no test waits for it unless it fails.
pub const SOON: Duration = Duration::from_secs(60);

static COUNT: AtomicU32 = AtomicU32::new(0);

/// The socket of the engine that all tests share.
pub fn shared() -> Option<PathBuf> {
    let address = crate::provided("EVENKEEL_TEST_DOCKER")?;
    Some(PathBuf::from(address.strip_prefix("unix://").expect("a socket file")))
}

/// An engine for one test alone, to be stopped and killed.
pub fn own() -> Option<Engine> {
    // Where the shared one cannot be had, neither can this one.
    crate::provided("EVENKEEL_TEST_DOCKER")?;
    if !is_root() {
        crate::skip("needs root for an engine of its own");
        return None;
    }
    Some(Engine::start().expect("a second engine starts where a first did"))
}

/// Containers under names of their own; dropping this removes them.
#[derive(Debug)]
pub struct Containers {
    socket: PathBuf,
    prefix: String,
    made: Vec<String>,
}

impl Containers {
    /// For a test on this engine.
    pub fn on(socket: &Path) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            socket: socket.to_owned(),
            prefix: format!("t{}-{number}-", std::process::id()),
            made: Vec::new(),
        }
    }

    /// The name a container of ours has on the engine.
    pub fn name(&self, short: &str) -> String {
        format!("{}{short}", self.prefix)
    }

    /// Creates a container; `spec` is laid over an image that sleeps for a day and dies at once when told to.
    pub fn create(&mut self, short: &str, spec: Value) -> String {
        let mut body = json!({ "Image": IMAGE, "StopSignal": "SIGKILL" });
        let (Value::Object(body_map), Value::Object(spec)) = (&mut body, spec) else {
            panic!("a specification is an object");
        };
        body_map.extend(spec);
        let name = self.name(short);
        let answer = self.ask("POST", &format!("/containers/create?name={name}"), &body);
        let id = answer["Id"].as_str().expect("an id").to_owned();
        self.made.push(id.clone());
        id
    }

    /// Creates a container and starts it.
    pub fn run(&mut self, short: &str, spec: Value) -> String {
        let id = self.create(short, spec);
        self.act(&id, "start");
        id
    }

    /// `start`, `stop`, `kill`, `pause`, `unpause`, `restart`.
    pub fn act(&self, id: &str, action: &str) {
        self.ask("POST", &format!("/containers/{id}/{action}"), &Value::Null);
    }

    /// What the engine itself says about it.
    pub fn inspect(&self, id: &str) -> Value {
        self.ask("GET", &format!("/containers/{id}/json"), &Value::Null)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer = request(&self.socket, method, path, ("application/json", text.as_bytes())).unwrap();
        let said = String::from_utf8_lossy(&answer.body);
        assert!(answer.status < 400, "{method} {path}: {} {said}", answer.status);
        if answer.body.is_empty() { Value::Null } else { serde_json::from_slice(&answer.body).unwrap() }
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        for id in &self.made {
            // The engine may be gone on purpose, and a container with it.
            let _ = request(
                &self.socket,
                "DELETE",
                &format!("/containers/{id}?force=1&v=1"),
                ("text/plain", b""),
            );
        }
    }
}

/// A source on this engine; `change` what should not be as it is by default.
pub fn source(socket: &Path, change: impl FnOnce(&mut Config)) -> DockerSource {
    let endpoint = Endpoint::parse(&format!("unix://{}", socket.display())).unwrap();
    let mut config = Config::new(SourceId::new(SourceKind::Docker, "real"), endpoint);
    config.debounce = Duration::from_millis(10);
    change(&mut config);
    DockerSource::new(config).unwrap()
}

/// One look.
pub async fn observe(source: &DockerSource) -> HostSnapshot {
    match source.observe().await {
        Snapshot::Hosts(mut hosts) if hosts.len() == 1 => hosts.remove(0),
        other @ (Snapshot::Hosts(_) | Snapshot::Inventory(_) | Snapshot::Survey { .. }) => {
            panic!("one host expected, got {other:?}")
        }
    }
}

/// Looks again and again until this is seen.
pub async fn until(source: &DockerSource, what: &str, seen: impl Fn(&HostSnapshot) -> bool) -> HostSnapshot {
    let deadline = Instant::now() + SOON;
    loop {
        let snapshot = observe(source).await;
        if seen(&snapshot) {
            return snapshot;
        }
        assert!(Instant::now() < deadline, "{what}: not seen in time; last look: {snapshot:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The service of this name, if it was seen.
pub fn service<'a>(snapshot: &'a HostSnapshot, name: &str) -> Option<&'a ObservedService> {
    snapshot.services.iter().find(|service| service.name.as_str() == name)
}
