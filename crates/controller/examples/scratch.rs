//! Scratch: how long pages take at 10,000 hosts.
#![allow(clippy::all, clippy::unwrap_used, clippy::expect_used, missing_docs)]
use axum::body::{Body, to_bytes};
use axum::http::Request;
use evenkeel::world::World;
use evenkeel_core::model::*;
use evenkeel_core::*;
use evenkeel_store::conformance::sample::{at, entry, event, missing};
use evenkeel_store::{PassCommit, SqliteStore, Store};
use evenkeel_web::*;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Instant;
use tower::ServiceExt;

struct L {
    view: Arc<WorldStatus>,
    version: AtomicU64,
}
impl Live for L {
    fn hosts(&self) -> Vec<HostStatus> {
        self.view.hosts.clone()
    }
    fn host(&self, name: &HostName) -> Option<HostStatus> {
        self.view.hosts.iter().find(|h| h.host == *name).cloned()
    }
    fn sources(&self) -> Vec<SourceStatus> {
        self.view.sources.clone()
    }
    fn view(&self) -> Arc<WorldStatus> {
        self.view.clone()
    }
    fn ready(&self) -> Readiness {
        Readiness::of(&self.view.sources)
    }
    fn ledger_version(&self) -> Option<u64> {
        Some(self.version.load(Ordering::Relaxed))
    }
    fn metrics(&self) -> String {
        String::new()
    }
    fn now(&self) -> jiff::Timestamp {
        at(30000)
    }
}

#[tokio::main]
async fn main() {
    let n = 10_000;
    let now = at(20000);
    let netbox = SourceId::new(SourceKind::Netbox, "main");
    let mut world =
        World::new(netbox.clone(), Arc::new(Default::default()), std::time::Duration::from_secs(100000));
    let host = |i: usize| {
        let mut h =
            ExpectedHost::new(format!("host-{i:05}").as_str(), HostKind::VirtualMachine, i as u64 + 1);
        h.site = Some(format!("site-{}", i % 40).as_str().into());
        h.cluster = Some(format!("cluster-{}", i % 200).as_str().into());
        h.services = (0..8)
            .map(|s| ExpectedService {
                name: format!("service-{s}").as_str().into(),
                lifecycle: None,
                ports: [Port::tcp(8000 + s)].into_iter().collect(),
                container_name: None,
                compose_project: None,
                role: None,
                image: None,
                observed_by: vec![],
                tags: vec![],
                netbox_ids: vec![1],
            })
            .collect();
        Arc::new(h)
    };
    world.replace_inventory(
        Inventory {
            source: netbox,
            started: now,
            observed_at: now,
            coverage: Coverage::Complete,
            hosts: (0..n).map(host).collect(),
            filtered: false,
        },
        now,
    );
    for i in 0..n {
        let name = format!("host-{i:05}");
        let id = SourceId::new(SourceKind::Docker, name.as_str());
        world.add_source(id.clone(), Some(name.as_str().into()), None);
        let services = (0..8)
            .map(|s| {
                let sn = format!("service-{s}");
                ObservedService {
                    name: sn.as_str().into(),
                    hints: Arc::new(Hints { container_name: Some(sn.as_str().into()), ..Default::default() }),
                    state: Fact::Known(RunState::Running),
                    ports: Fact::Known(Published {
                        open: [Port::tcp(8000 + s)].into_iter().collect(),
                        loopback: Default::default(),
                    }),
                    health: Fact::Known(Health::None),
                    image: None,
                    role: None,
                    restarts: Fact::Known(0),
                    replicas: 1,
                }
            })
            .collect();
        world.replace_host(
            HostSnapshot {
                source: id,
                started: now,
                observed_at: now,
                coverage: Coverage::Complete,
                facts: HostFacts::default(),
                services,
            },
            now,
        );
    }
    for _ in 0..3 {
        let t = Instant::now();
        let (hosts, _) = world.host_statuses(now);
        let a = t.elapsed();
        let sources = world.source_statuses(now);
        println!(
            "host_statuses {:?} + sources {:?} ({} hosts)",
            a,
            t.elapsed() - a,
            hosts.len() + sources.len() * 0
        );
    }
    let (mut hosts, coverages) = world.host_statuses(now);
    hosts.iter_mut().for_each(|h| h.judged_since = Some(at(0)));
    let view = Arc::new(WorldStatus { hosts, sources: world.source_statuses(now), coverages });
    let store: Arc<SqliteStore> = Arc::new(SqliteStore::in_memory(Default::default()).await.unwrap());
    let mut k = 0u32;
    for i in 0..1000 {
        let name = format!("host-{:05}", i * 10);
        let id = missing(&name, "service-1");
        let mut events = vec![];
        for e in 0..20 {
            let mut ev = event(k, &id);
            ev.created_at = at(i64::from(e) * 1000 + 7);
            if e % 2 == 1 {
                ev.transition = Transition::Resolved;
            }
            k += 1;
            events.push(ev);
        }
        store
            .commit(PassCommit {
                upserts: vec![entry(id)],
                events,
                ..PassCommit::new(Subject::Host(name.as_str().into()), 0, at(100))
            })
            .await
            .unwrap();
    }
    let live = Arc::new(L { view, version: AtomicU64::new(1) });
    let app = router(AppState {
        store,
        live: live.clone(),
        allowed_hosts: HostPolicy::bound_to([127, 0, 0, 1].into(), std::iter::empty::<&str>()),
    });
    for path in [
        "/",
        "/?span=30d",
        "/hosts",
        "/hosts?group=site&sort=name",
        "/hosts?view=tiles&q=0017",
        "/map",
        "/map?cluster=cluster-3",
        "/kiosk",
        "/sources",
        "/hosts/host-00010",
    ] {
        for (what, bump) in [("first", false), ("kept", false), ("drifts changed", true)] {
            if bump {
                tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
                live.version.fetch_add(1, Ordering::Relaxed);
            }
            let mut took = vec![];
            for _ in 0..(if what == "kept" { 50 } else { 1 }) {
                let t = Instant::now();
                let r = app
                    .clone()
                    .oneshot(Request::get(path).header("host", "localhost").body(Body::empty()).unwrap())
                    .await
                    .unwrap();
                let s = r.status();
                let b = to_bytes(r.into_body(), usize::MAX).await.unwrap();
                took.push((t.elapsed(), s, b.len()));
            }
            took.sort();
            println!(
                "{path:40} {what:15} p50 {:?} p95 {:?} {} {} KiB",
                took[took.len() / 2].0,
                took[took.len() * 95 / 100].0,
                took[0].1,
                took[0].2 / 1024
            );
        }
    }
}
