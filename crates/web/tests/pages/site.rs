//! A server with pages, a browser that asks it, and a world in which everything has happened.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use evenkeel_core::drift::{Difference, Evidence};
use evenkeel_core::ledger::{Blind, Entry, State};
use evenkeel_core::model::{Lifecycle, Port, Ports, RunState};
use evenkeel_core::policy::MadeSilence;
use evenkeel_core::policy::silence::{Target, Until, Wish};
use evenkeel_core::remediation::ProposalLine;
use evenkeel_core::{DriftId, EventType, Fact, Field, Gap, GapKind, HostName, SourceId, SourceKind, Subject};
use evenkeel_store::conformance::sample::{at, delivery, entry, event, journal};
use evenkeel_store::conformance::{repairs_sample as repairs, sample};
use evenkeel_store::sqlite::Options;
use evenkeel_store::{ControlsChange, JournalKind, Outcome, PassCommit, RepairCommit, SqliteStore, Store};
use evenkeel_web::{
    Access, Answered, AppState, Claimed, Decision, ExpectedService, HeldLine, HostPolicy, HostStatus, Live,
    MachineStatus, ObservedService, Rehearsal, RepairTrouble, Repairs, Role, RuleKind, RuleLine, RuleOrigin,
    Selects, ServiceStatus, Sight, SilenceTrouble, Silences, SourceStatus, Switch, Switched, router, serve,
};
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{self, World, host, seeing};

/// Every page that has an address of its own.
pub(crate) const PAGES: [&str; 13] = [
    "/",
    "/hosts",
    "/map",
    "/kiosk",
    "/events",
    "/sources",
    "/deliveries",
    "/actions",
    "/rules",
    "/journal",
    "/about",
    "/hosts?group=tenant&view=tiles&span=30d",
    "/hosts?group=cluster",
];

/// A world, and somebody who decides about repairs in it.
struct Scene {
    world: World,
    desk: Option<Arc<dyn Repairs>>,
    keeper: Arc<Keeper>,
}

impl Live for Scene {
    fn hosts(&self) -> Vec<HostStatus> {
        self.world.hosts()
    }

    fn host(&self, name: &HostName) -> Option<HostStatus> {
        self.world.host(name)
    }

    fn sources(&self) -> Vec<SourceStatus> {
        self.world.sources()
    }

    fn role(&self) -> Role {
        self.world.role()
    }

    fn paused(&self) -> Option<String> {
        self.world.paused()
    }

    fn services(&self, host: &HostName) -> Option<Vec<ServiceStatus>> {
        self.world.services(host)
    }

    fn metrics(&self) -> String {
        self.world.metrics()
    }

    fn repairs(&self) -> Option<Arc<dyn Repairs>> {
        self.desk.clone()
    }

    fn silences(&self) -> Option<Arc<dyn Silences>> {
        Some(self.keeper.clone())
    }

    fn rules(&self) -> Option<Vec<RuleLine>> {
        Some(self.keeper.rules.lock().unwrap().clone())
    }

    fn now(&self) -> Timestamp {
        self.world.now()
    }
}

/// Whoever keeps silences: what was asked is noted, and done as core does it.
#[derive(Default)]
pub(crate) struct Keeper {
    pub(crate) asked: Mutex<Vec<String>>,
    pub(crate) rules: Mutex<Vec<RuleLine>>,
}

#[async_trait]
impl Silences for Keeper {
    async fn make(&self, wish: Wish, by: &str) -> Result<MadeSilence, SilenceTrouble> {
        let longest = std::time::Duration::from_secs(90 * 86_400);
        let made = MadeSilence::new("QUIET000".into(), wish, by.into(), longest, at(100));
        let silence = made.map_err(SilenceTrouble::Wrong)?;
        let MadeSilence { reason, ends, until_resolved, .. } = &silence;
        self.asked.lock().unwrap().push(format!("{by}: {reason} until {ends} {until_resolved}"));
        Ok(silence)
    }

    async fn end(&self, name: &str, by: &str, _: &str) -> Result<MadeSilence, SilenceTrouble> {
        self.asked.lock().unwrap().push(format!("{by} ends {name}"));
        let target = Target::Drift(sample::missing("a", "x"));
        let until = Some(Until::Resolved);
        let wish = Wish { target, reason: "x".to_owned(), starts: None, until };
        MadeSilence::new(name.into(), wish, by.into(), std::time::Duration::from_secs(60), at(100))
            .map_err(SilenceTrouble::Wrong)
    }
}

/// Rules of every kind, with this text wherever a person can write one.
pub(crate) fn rules_of(text: &str) -> Vec<RuleLine> {
    let selects = Selects {
        drift_id: Some(sample::missing(text, text).to_string()),
        drift_handle: Some(sample::missing(text, text).handle()),
        types: vec![EventType::VmDown],
        hosts: vec![text.into()],
        services: vec![text.into()],
        tags: vec![text.into()],
        tenants: vec![text.into()],
    };
    let line = |kind, origin| RuleLine {
        kind,
        origin,
        name: Some(text.into()),
        reason: Some(text.into()),
        owner: Some(text.into()),
        severity: None,
        selects: selects.clone(),
        starts: None,
        ends: Some(at(3600)),
        until_resolved: false,
        hits: 0,
    };
    vec![
        line(RuleKind::Ignore, RuleOrigin::Configuration),
        line(RuleKind::Silence, RuleOrigin::Made),
        line(RuleKind::Severity, RuleOrigin::Configuration),
    ]
}

/// Whoever decides about repairs, of whom only what waits is asked.
pub(crate) struct Desk(pub(crate) String);

#[async_trait]
impl Repairs for Desk {
    async fn decide(&self, _: &str, _: Decision, _: &str, _: &str) -> Result<ProposalLine, RepairTrouble> {
        Err(RepairTrouble::Refused("a page only reads".to_owned()))
    }

    async fn switch(&self, _: Switch, _: &str, _: &str) -> Result<Switched, RepairTrouble> {
        Err(RepairTrouble::Refused("a page only reads".to_owned()))
    }

    async fn answered(&self, _: Claimed) -> Result<Answered, RepairTrouble> {
        Err(RepairTrouble::Refused("a page only reads".to_owned()))
    }

    async fn rehearse(&self) -> Result<Rehearsal, RepairTrouble> {
        let held = HeldLine::of(&sample::missing("box2-media", "sonarr"), None, "closed", self.0.clone());
        let controls = repairs::halted(&self.0);
        Ok(Rehearsal {
            at: at(0),
            enabled: true,
            controls,
            propose: vec![],
            dispatch: vec![],
            held: vec![held],
        })
    }
}

/// A server with pages.
pub(crate) struct Site {
    address: SocketAddr,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) keeper: Arc<Keeper>,
}

/// A page, as it came.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Page {
    /// Checks that it says this, and says what it says instead if it does not.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "no {text:?} in {}", self.body);
        self
    }

    /// Checks that it does not say this.
    #[track_caller]
    pub(crate) fn never_says(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "{text:?} in {}", self.body);
        self
    }
}

impl Site {
    /// A site over this world, with an empty store and nobody who decides.
    pub(crate) async fn of(world: World) -> Self {
        Self::with(world, None).await
    }

    /// A site with somebody who decides about repairs.
    pub(crate) async fn with(world: World, desk: Option<Arc<dyn Repairs>>) -> Self {
        let keeper = Arc::new(Keeper::default());
        let store = Arc::new(SqliteStore::in_memory(Options::default()).await.unwrap());
        let allowed_hosts = HostPolicy::bound_to([127, 0, 0, 1].into(), std::iter::empty::<&str>());
        let scene = Scene { world, desk, keeper: keeper.clone() };
        let (live, access) = (Arc::new(scene), Arc::new(Access::local()));
        let state = AppState { store: store.clone(), live, allowed_hosts, access };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, router(state), std::future::pending()));
        Self { address, store, keeper }
    }

    /// Asks for a page as a browser does.
    pub(crate) async fn get(&self, path: &str) -> Page {
        self.ask(path, "Accept: text/html,*/*;q=0.8\r\n").await
    }

    /// Asks with these headers.
    pub(crate) async fn ask(&self, path: &str, headers: &str) -> Page {
        self.exchange(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
        ))
        .await
    }

    /// Sends a form as a browser does.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Page {
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{kind}\r\nContent-Length: {}",
            form.len()
        );
        self.exchange(&format!("{head}\r\nAccept: text/html\r\n\r\n{form}")).await
    }

    async fn exchange(&self, request: &str) -> Page {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        };
        let mut headers = HashMap::<String, String>::new();
        for (name, value) in lines.map(header) {
            // A header that comes twice says both.
            headers.entry(name).and_modify(|all| *all = format!("{all}, {value}")).or_insert(value);
        }
        Page { status, headers, body: body.to_owned() }
    }

    /// Asks for every page, and for a host's and each of these drifts'.
    pub(crate) async fn every_page(&self, host: &str, drifts: &[String], query: &str) -> Vec<(String, Page)> {
        let mut paths: Vec<String> = PAGES.map(str::to_owned).to_vec();
        paths.push(format!("/hosts/{host}"));
        paths.extend(drifts.iter().map(|handle| format!("/drifts/{handle}")));
        let mut pages = Vec::new();
        for path in paths {
            let query = if path.contains('?') { query.replace('?', "&") } else { query.to_owned() };
            let page = self.get(&format!("{path}{query}")).await;
            pages.push((path, page));
        }
        pages
    }

    pub(crate) async fn commit(&self, pass: PassCommit) {
        self.store.commit(pass).await.unwrap();
    }
}

/// A text that is safe in an address.
pub(crate) fn in_path(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A world in which every text is this one, as far as sources and people can write it.
pub(crate) fn world_of(text: &str) -> World {
    let docker = SourceId::new(SourceKind::Docker, text);
    let gap = Gap::new(GapKind::Unreachable, text);
    let blind = SourceStatus {
        source: docker.clone(),
        coverage: evenkeel_core::Coverage::Partial(gap),
        blind_since: Some(at(20)),
        ..seeing(SourceKind::Docker, text, 10)
    };
    let machine = MachineStatus {
        source: text.to_owned(),
        kind: None,
        state: Some(text.to_owned().into()),
        node: Some(text.to_owned()),
        observed_at: at(10),
    };
    let status = HostStatus {
        status: Some(text.to_owned()),
        site: Some(text.to_owned()),
        tenant: Some(text.to_owned()),
        cluster: Some(text.to_owned()),
        node: Some(text.into()),
        sources: vec![docker.clone(), SourceId::new(SourceKind::Proxmox, text)],
        blind: vec![docker],
        machines: vec![machine],
        ..host(text)
    };
    World {
        hosts: vec![status],
        sources: vec![seeing(SourceKind::Netbox, text, 80), blind],
        services: Some(vec![both_of(text), client::unseen(text)]),
        ..World::default()
    }
}

/// A service all of whose texts are this one, and that differs.
fn both_of(text: &str) -> ServiceStatus {
    let some = || Some(text.to_owned());
    let expected =
        ExpectedService { ports: None, lifecycle: Some(Lifecycle::Planned), image: some(), role: some() };
    let observed = ObservedService {
        state: Fact::unknown(GapKind::Malformed, text),
        ports: Fact::unknown(GapKind::Malformed, text),
        image: some(),
        role: some(),
    };
    ServiceStatus {
        expected: Some(expected),
        sight: Sight::Present,
        gap: None,
        observed: Some(observed),
        source: Some(SourceId::new(SourceKind::Docker, text)),
        observed_at: Some(at(5)),
        differs: vec![DriftId::of_field(&text.into(), Some(&text.into()), Field::Image)],
        ..client::unseen(text)
    }
}

/// One drift of every kind on a host of this name, with this text wherever a source or person can put one. The handles.
pub(crate) async fn everything(site: &Site, text: &str) -> Vec<String> {
    let entries = entries(text);
    let handles = entries.iter().map(|entry| entry.id.handle()).collect();
    let store = &site.store;
    let mut passes: HashMap<Subject, PassCommit> = HashMap::new();
    for (n, entry) in (1..).zip(entries) {
        let (expected, observed) = entry.difference.sides(entry.id.field);
        let event =
            evenkeel_core::Event { expected, observed, details: text.to_owned(), ..event(n, &entry.id) };
        let subject = entry.id.subject.clone();
        let pass = passes.entry(subject.clone()).or_insert_with(|| PassCommit::new(subject, 0, at(9)));
        pass.deliveries.push(delivery(text, &event));
        pass.events.push(event);
        pass.upserts.push(entry);
    }
    for pass in passes.into_values() {
        site.commit(pass).await;
    }
    for (n, claimed) in
        (0..).zip(store.claim(None, 4, std::time::Duration::from_secs(60), at(75)).await.unwrap())
    {
        let outcome = if n % 2 == 0 { Outcome::Delivered } else { Outcome::Dead { why: text.to_owned() } };
        store.settle(claimed.ticket, outcome, at(75)).await.unwrap();
    }
    let noted = |kind| evenkeel_store::JournalRow {
        subject: Some(sample::host(text)),
        actor: text.to_owned(),
        ..journal(kind, text, 40)
    };
    store.note(&JournalKind::ALL.map(noted)).await.unwrap();
    store.save_observed(&[shown(text, text)]).await.unwrap();
    let proposals: Vec<_> = (1..)
        .zip(repairs::every_state())
        .map(|(n, state)| repairs::in_state(&repairs::proposal(text, text, n, text), state).unwrap())
        .collect();
    let controls = ControlsChange { expected_revision: 0, controls: repairs::halted(text) };
    let step = repairs::making(60, &proposals.iter().collect::<Vec<_>>());
    store.commit_repair(RepairCommit { controls: Some(controls), ..step }).await.unwrap();
    handles
}

fn entries(text: &str) -> Vec<Entry> {
    let on: HostName = text.into();
    let (docker, probe) = (SourceId::new(SourceKind::Docker, text), SourceId::new(SourceKind::Probe, text));
    let gap = || Gap::new(GapKind::TimedOut, text);
    let some = |text: &str| Some(std::sync::Arc::<str>::from(text));
    let ports = || Ports::new([Port::tcp(80)]);
    let of = |id: DriftId, difference: Difference| Entry {
        difference,
        evidence: Evidence { source: docker.clone(), observed_at: at(5) },
        silenced: some(text),
        baseline: true,
        flapping: true,
        ..entry(id)
    };
    let service = |name: &str, kind| DriftId::of_service(&on, &format!("{text}{name}").as_str().into(), kind);
    let machine = |kind| DriftId::of_source(Subject::Host(on.clone()), kind, &docker);
    let field = |field| DriftId::of_field(&on, Some(&text.into()), field);
    let missing = |name, state| {
        of(
            service(name, EventType::ServiceMissing),
            Difference::Missing { ports: ports(), role: some(text), state },
        )
    };
    let blind = machine(EventType::DockerUnreachable);
    let config = |name, expected, observed| of(field(name), Difference::Config { expected, observed });
    vec![
        missing("a", None),
        missing("b", Some(RunState::Exited)),
        missing("c", Some(RunState::Closed)),
        of(
            service("d", EventType::ServiceUnexpected),
            Difference::Unexpected {
                retired: false,
                ports: Some(ports()),
                state: RunState::Running,
                image: some(text),
            },
        ),
        of(
            service("e", EventType::ServiceUnexpected),
            Difference::Unexpected { retired: true, ports: None, state: RunState::Running, image: None },
        ),
        of(
            service("f", EventType::PortMismatch),
            Difference::PortMismatch { expected: ports(), observed: Default::default() },
        ),
        of(
            service("g", EventType::PortMismatch),
            Difference::PortClosed {
                expected: ports(),
                open: Ports::default(),
                seen_by: docker.clone(),
                probed_by: probe,
            },
        ),
        of(machine(EventType::VmDown), Difference::VmDown { state: None }),
        of(
            machine(EventType::VmUndeclared),
            Difference::VmUndeclared {
                kind: evenkeel_core::model::MachineKind::Vm,
                key: text.into(),
                node: some(text),
            },
        ),
        of(field(Field::Storage), Difference::Exceeded { percent: 97, limit: 90 }),
        of(
            field(Field::Database),
            Difference::TooLarge { at: text.into(), bytes: 5_000_000, limit: 4_000_000 },
        ),
        of(blind.clone(), Difference::Blind { gap: gap(), unknown_services: 3 }),
        of(machine(EventType::NodeUnreachable), Difference::Blind { gap: gap(), unknown_services: 0 }),
        of(
            service("h", EventType::RestartLoop),
            Difference::RestartLoop { restarts: Some(4), state: RunState::Restarting },
        ),
        of(
            service("i", EventType::RestartLoop),
            Difference::RestartLoop { restarts: None, state: RunState::Running },
        ),
        config(Field::Ip, some(text), some(text)),
        config(Field::Identity, some(text), None),
        config(Field::Role, None, some(text)),
        config(Field::Image, None, None),
        Entry { parent: Some(blind), blind: Some(Blind { since: at(30), gap: gap() }), ..missing("j", None) },
        Entry { state: State::Resolved, resolved_at: Some(at(60)), clean: 2, ..missing("k", None) },
    ]
}

/// What a source showed of this host: one service of this name, of whose state nothing could be read.
pub(crate) fn shown(host: &str, service: &str) -> evenkeel_store::ObservedRow {
    let snapshot =
        serde_json::json!({ "containers": [{ "name": service, "state": null }], "coverage": "complete" });
    evenkeel_store::ObservedRow { snapshot: snapshot.to_string(), ..sample::observed(host, service, 50) }
}
