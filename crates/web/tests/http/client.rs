//! A client of a router, and the world behind it.

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::{Extension, Router};
use evenkeel_core::model::{Demand, Port, RunState};
use evenkeel_core::{Coverage, Fact, Gap, GapKind, HostName, SourceId, SourceKind};
use evenkeel_store::conformance::sample;
use evenkeel_store::sqlite::Options;
use evenkeel_store::{PassCommit, SqliteStore, Store};
use evenkeel_web::{
    Access, AppState, Asking, Changes, ExpectedService, HostPolicy, HostStatus, Live, MachineStatus,
    ObservedService, Peer, Role, ServiceStatus, Sight, SourceStatus, router,
};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt;

/// A world that is whatever the test says.
pub(crate) struct World {
    pub(crate) hosts: Vec<HostStatus>,
    pub(crate) sources: Vec<SourceStatus>,
    pub(crate) now: Mutex<Timestamp>,
    pub(crate) role: Role,
    pub(crate) paused: Option<String>,
    /// Those of every host.
    pub(crate) services: Option<Vec<ServiceStatus>>,
    pub(crate) changes: watch::Sender<Changes>,
}

impl Live for World {
    fn hosts(&self) -> Vec<HostStatus> {
        self.hosts.clone()
    }

    fn host(&self, name: &HostName) -> Option<HostStatus> {
        self.hosts.iter().find(|h| h.host.as_str().eq_ignore_ascii_case(name.as_str())).cloned()
    }

    fn sources(&self) -> Vec<SourceStatus> {
        self.sources.clone()
    }

    fn role(&self) -> Role {
        self.role.clone()
    }

    fn paused(&self) -> Option<String> {
        self.paused.clone()
    }

    fn services(&self, _: &HostName) -> Option<Vec<ServiceStatus>> {
        self.services.clone()
    }

    fn changes(&self) -> watch::Receiver<Changes> {
        self.changes.subscribe()
    }

    fn metrics(&self) -> String {
        "# TYPE evenkeel_hosts gauge\nevenkeel_hosts 2\n".to_owned()
    }

    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
}

/// A source that answered completely, so many seconds after the start.
pub(crate) fn seeing(kind: SourceKind, name: &str, seconds: i64) -> SourceStatus {
    SourceStatus {
        source: SourceId::new(kind, name),
        host: (kind != SourceKind::Netbox).then(|| name.into()),
        coverage: Coverage::Complete,
        answered_at: Some(sample::at(seconds)),
        complete_at: Some(sample::at(seconds)),
        blind_since: None,
        objects: 7,
        asking: Some(Asking {
            took_ms: 12,
            next_at: sample::at(seconds + 30),
            failures: 0,
            left_alone: false,
        }),
    }
}

/// A source that answered once and cannot be reached since.
pub(crate) fn blind(name: &str) -> SourceStatus {
    let gap = Gap::new(GapKind::Unreachable, format!("connect to tcp://{name}:2376: refused"));
    SourceStatus {
        coverage: Coverage::Partial(gap),
        answered_at: Some(sample::at(90)),
        blind_since: Some(sample::at(60)),
        asking: Some(Asking { took_ms: 3, next_at: sample::at(150), failures: 3, left_alone: true }),
        ..seeing(SourceKind::Docker, name, 30)
    }
}

/// A source nobody has heard of.
pub(crate) fn unheard(kind: SourceKind, name: &str) -> SourceStatus {
    SourceStatus {
        coverage: Coverage::Partial(Gap::new(GapKind::NotYetObserved, "")),
        answered_at: None,
        complete_at: None,
        objects: 0,
        asking: None,
        ..seeing(kind, name, 0)
    }
}

/// A declared host its Docker source speaks about.
pub(crate) fn host(name: &str) -> HostStatus {
    HostStatus {
        host: name.into(),
        declared: Some(true),
        status: Some("active".to_owned()),
        site: Some("bruce".to_owned()),
        tenant: None,
        cluster: Some("box2-cluster".to_owned()),
        node: Some("box2".into()),
        expected_services: 6,
        required_services: 5,
        unwatched_services: 0,
        judged_since: Some(sample::at(0)),
        sources: vec![sample::docker(name)],
        blind: Vec::new(),
        machines: vec![MachineStatus {
            source: "proxmox/box2".to_owned(),
            kind: Some(evenkeel_core::model::MachineKind::Vm),
            state: Some("running".into()),
            node: Some("box2".to_owned()),
            observed_at: "2025-12-22T04:01:30Z".parse().unwrap(),
        }],
    }
}

impl Default for World {
    /// Two hosts, everything seen.
    fn default() -> Self {
        Self {
            hosts: vec![host("box2-media"), host("box2-daily")],
            sources: vec![
                seeing(SourceKind::Netbox, "main", 80),
                seeing(SourceKind::Docker, "box2-daily", 90),
                seeing(SourceKind::Docker, "box2-media", 95),
            ],
            now: Mutex::new(sample::at(100)),
            role: Role::Leader,
            paused: None,
            services: Some(vec![unseen("jellyfin"), running("ssh")]),
            changes: watch::Sender::default(),
        }
    }
}

/// A declared service of which its blind source cannot say whether it is there.
pub(crate) fn unseen(name: &str) -> ServiceStatus {
    let ports = [Port::tcp(8096), Port::tcp(8920)].into_iter().collect();
    let gap = Gap::new(GapKind::Unreachable, "connect to tcp://box2-media:2376: refused");
    ServiceStatus {
        service: name.into(),
        declared: Some(true),
        demand: Some(Demand::Run),
        expected: Some(ExpectedService { ports: Some(ports), lifecycle: None, image: None, role: None }),
        sight: Sight::Unknown,
        gap: Some(gap),
        observed: None,
        source: None,
        observed_at: None,
        differs: Vec::new(),
    }
}

/// A declared service that a probe reaches, which cannot say on which ports others find it.
pub(crate) fn running(name: &str) -> ServiceStatus {
    let gap = Gap::new(GapKind::Uncovered, "a probe sees no ports but those it tries");
    ServiceStatus {
        expected: Some(ExpectedService {
            ports: Some([Port::tcp(22)].into_iter().collect()),
            lifecycle: None,
            image: None,
            role: None,
        }),
        sight: Sight::Present,
        gap: None,
        observed: Some(ObservedService {
            state: Fact::Known(RunState::Running),
            ports: Fact::Unknown(gap),
            image: None,
            role: None,
        }),
        source: Some(SourceId::new(SourceKind::Probe, "main")),
        observed_at: Some(sample::at(85)),
        ..unseen(name)
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {:?}", self.text()))
    }

    pub(crate) fn items(&self) -> Vec<Value> {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        self.json()["items"].as_array().unwrap().clone()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
    }

    /// Checks that it is a problem of this kind and returns its detail.
    pub(crate) fn problem(&self, status: u16, word: &str) -> String {
        let body = self.json();
        assert_eq!(self.status.as_u16(), status, "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["type"], format!("urn:evenkeel:problem:{word}"));
        assert_eq!(body["status"], status);
        assert!(body["title"].is_string());
        body["detail"].as_str().unwrap().to_owned()
    }
}

/// Where requests come from.
pub(crate) const LOCALHOST: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// A router to ask.
pub(crate) struct Client {
    pub(crate) router: Router,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) world: Arc<World>,
}

impl Client {
    /// A client of an empty store.
    pub(crate) async fn of(world: World) -> Self {
        Self::named(world, HostPolicy::bound_to([127, 0, 0, 1].into(), std::iter::empty::<&str>())).await
    }

    pub(crate) async fn named(world: World, allowed_hosts: HostPolicy) -> Self {
        let store = Arc::new(SqliteStore::in_memory(Options::default()).await.unwrap());
        let world = Arc::new(world);
        let access = Arc::new(Access::local());
        let state = AppState { store: store.clone(), live: world.clone(), allowed_hosts, access };
        Self { router: router(state).layer(Extension(Peer(LOCALHOST))), store, world }
    }

    pub(crate) async fn commit(&self, pass: PassCommit) {
        self.store.commit(pass).await.unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).header("host", "localhost:9797")).await
    }

    pub(crate) async fn send(&self, request: axum::http::request::Builder) -> Answer {
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Follows a list to its end.
    pub(crate) async fn walk(&self, path: &str) -> Vec<Vec<Value>> {
        let mut pages = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let address = next.map_or_else(|| path.to_owned(), |n| format!("{path}{joint}cursor={n}"));
            let answer = self.get(&address).await;
            pages.push(answer.items());
            match answer.json()["next"].as_str() {
                Some(cursor) => next = Some(cursor.to_owned()),
                None => return pages,
            }
        }
    }
}
