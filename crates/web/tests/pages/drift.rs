//! One drift, and one host.

use evenkeel_core::drift::Difference;
use evenkeel_core::ledger::{Blind, Entry};
use evenkeel_core::model::{Port, Ports, Published};
use evenkeel_core::{DriftId, EventType, Gap, GapKind};
use evenkeel_store::PassCommit;
use evenkeel_store::Store;
use evenkeel_store::conformance::sample::{at, delivery, docker, entry, event, host, missing};

use crate::client::{World, blind};
use crate::site::{Site, shown};

/// box2-media's engine is away; jellyfin, already missing, cannot be judged. freshrss listens elsewhere.
async fn operator() -> (Site, DriftId, DriftId, DriftId) {
    let services = Some(vec![crate::client::unseen("jellyfin")]);
    let mut world = World { services, ..World::default() };
    world.sources[2] = blind("box2-media");
    world.hosts[0].blind = vec![docker("box2-media")];
    let site = Site::of(world).await;
    let gap = || Gap::new(GapKind::Unreachable, "connect to tcp://box2-media:2376: refused");
    let engine = DriftId::of_source(host("box2-media"), EventType::DockerUnreachable, &docker("box2-media"));
    let root =
        Entry { difference: Difference::Blind { gap: gap(), unknown_services: 5 }, ..entry(engine.clone()) };
    let jellyfin = missing("box2-media", "jellyfin");
    let behind = Entry {
        parent: Some(engine.clone()),
        blind: Some(Blind { since: at(40), gap: gap() }),
        ..entry(jellyfin.clone())
    };
    site.commit(PassCommit { upserts: vec![root, behind], ..PassCommit::new(host("box2-media"), 0, at(2)) })
        .await;
    let rss = DriftId::of_service(&"box2-daily".into(), &"freshrss".into(), EventType::PortMismatch);
    let difference = Difference::PortMismatch {
        expected: Ports::new([Port::tcp(8021)]),
        observed: Published { open: Ports::new([Port::tcp(8099)]), loopback: Ports::default() },
    };
    let (expected, real) = difference.sides(None);
    let said = evenkeel_core::Event { expected, observed: real, ..event(7, &rss) };
    let pass = PassCommit {
        deliveries: vec![delivery("n8n", &said)],
        events: vec![said],
        upserts: vec![Entry { difference, ..entry(rss.clone()) }],
        ..PassCommit::new(host("box2-daily"), 0, at(7))
    };
    site.commit(pass).await;
    (site, engine, jellyfin, rss)
}

#[tokio::test]
async fn a_drift_shows_both_sides_what_it_rests_on_and_what_to_do() {
    let (site, _, _, rss) = operator().await;
    let page = site.get(&format!("/drifts/{}", rss.handle().to_lowercase())).await;
    assert_eq!(page.status, 200);
    page.says("freshrss on box2-daily is declared on 8021/tcp but publishes 8099/tcp.");
    page.says("<tr class=\"differs\">").says("<bdi>8021/tcp</bdi>").says("<bdi>8099/tcp</bdi>").says("≠");
    page.says("docker/a").says("shown by 2").says("title=\"2025-12-22 04:00:01 UTC\"").says("1 min ago");
    page.says("Repair reality").says("Compose file of freshrss").says("complete NetBox");
    page.says(&format!("evenkeel explain {}", rss.handle())).says("opened").says("n8n").says("waiting");
    page.says(&format!("drift={}", "PORT_MISMATCH%7Chost%3Abox2-daily%7Cfreshrss%7C%7C"));
}

#[tokio::test]
async fn a_root_names_what_follows_and_a_consequence_its_cause() {
    let (site, engine, jellyfin, _) = operator().await;
    let root = site.get(&format!("/drifts/{}", engine.handle())).await;
    root.says("5 services are unknown, not missing.").says("jellyfin");
    root.says(&format!("href=\"/drifts/{}\"", jellyfin.handle()));
    let behind = site.get(&format!("/drifts/{}", jellyfin.handle())).await;
    behind.says("It follows from").says(&format!("href=\"/drifts/{}\"", engine.handle()));
    behind.says("Cannot be judged for").says("connect to tcp://box2-media:2376: refused");
    let overview = site.get("/").await;
    overview.says("1 follows from it").never_says(&format!("href=\"/drifts/{}\"", jellyfin.handle()));
}

#[tokio::test]
async fn a_drift_nobody_knows_is_a_page_that_says_so() {
    let page = Site::of(World::default()).await.get("/drifts/7QZ2MK4D").await;
    assert_eq!((page.status, page.headers["content-type"].as_str()), (404, "text/html; charset=utf-8"));
    page.says("There is no such thing").says("7QZ2MK4D");
}

#[tokio::test]
async fn a_host_shows_what_is_declared_beside_what_is_seen() {
    let (site, _, jellyfin, _) = operator().await;
    site.store.save_observed(&[shown("box2-media", "sonarr")]).await.unwrap();
    let page = site.get("/hosts/box2-media").await;
    assert_eq!(page.status, 200);
    page.says("6 declared, 5 must run").says("proxmox/box2").says("sonarr").says("bruce");
    page.says("Docker unreachable").says("1 consequence").says(&jellyfin.handle()).says("docker/box2-media");
    page.says("class=\"stand blind\"").never_says("class=\"stand in-sync\"");
    // Whoever looks at a machine from outside says nothing about its services, least of all that there are none.
    let outside = evenkeel_store::ObservedRow {
        source: evenkeel_core::SourceId::new(evenkeel_core::SourceKind::Proxmox, "box2"),
        snapshot: r#"{"containers":[],"coverage":"complete","machine":{"state":"running"}}"#.to_owned(),
        ..shown("box2-media", "")
    };
    site.store.save_observed(&[outside]).await.unwrap();
    site.get("/hosts/box2-media")
        .await
        .says("shows no services")
        .never_says("there is none")
        .never_says("0 running");
    // A state that was not read is not known; it is not "stopped".
    page.says("not known");
    let page = site.get("/hosts/box2-daily").await;
    page.says("Ports differ").says("/events?host=box2-daily").says("Nothing has been kept");
    let page = site.get("/hosts/nobody").await;
    assert_eq!(page.status, 404);
    page.says("`nobody`");
}
