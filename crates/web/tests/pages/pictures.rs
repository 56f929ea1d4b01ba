//! Pictures and what stands beside them: both sides of services, the map, how hosts stood, the kiosk.

use evenkeel_core::model::{Demand, RunState};
use evenkeel_core::{DriftId, EventType, Fact, Transition};
use evenkeel_store::conformance::sample::{at, event, host as subject, journal, missing, opening};
use evenkeel_store::{JournalKind, JournalRow, PassCommit, Store};
use evenkeel_web::{HostStatus, ObservedService, ServiceStatus, Sight};
use serde_json::json;

use crate::client::{World, blind, host, running, unseen};
use crate::site::{Page, Site};

/// An hour on the clock of the samples.
const HOUR: i64 = 3600;

fn now_is(world: World, second: i64) -> World {
    *world.now.lock().unwrap() = at(second);
    world
}

fn service(name: &str, sight: Sight) -> ServiceStatus {
    ServiceStatus { sight, gap: None, observed: None, ..unseen(name) }
}

/// Where these texts begin, which must all be there.
fn places(page: &Page, texts: &[&str]) -> Vec<usize> {
    let table = page.body.split("class=\"rows both\"").nth(1).unwrap();
    texts.iter().map(|text| table.find(text).unwrap_or_else(|| panic!("no {text} in {table}"))).collect()
}

#[tokio::test]
async fn services_stand_side_by_side_and_trouble_comes_first() {
    let id = missing("box2-media", "sonarr");
    let gone = ServiceStatus { differs: vec![id.clone()], ..service("sonarr", Sight::Absent) };
    let other = ServiceStatus {
        declared: Some(false),
        demand: None,
        expected: None,
        differs: vec![DriftId::of_service(
            &"box2-media".into(),
            &"watchtower".into(),
            EventType::ServiceUnexpected,
        )],
        observed: Some(ObservedService {
            state: Fact::Known(RunState::Running),
            ports: Fact::Known(Default::default()),
            image: Some("containrrr/watchtower:1".to_owned()),
            role: None,
        }),
        ..service("watchtower", Sight::Present)
    };
    let alone = ServiceStatus { demand: Some(Demand::Run), ..service("cockpit", Sight::Unwatched) };
    let services = vec![running("bazarr"), alone, gone, other, unseen("jellyfin")];
    let site = Site::of(World { services: Some(services), ..World::default() }).await;
    site.commit(opening("box2-media", "sonarr", 1, 0, &[])).await;
    let page = site.get("/hosts/box2-media").await;
    let order = places(&page, &[">sonarr<", ">watchtower<", ">jellyfin<", ">cockpit<", ">bazarr<"]);
    assert!(order.is_sorted(), "{order:?}");
    // What is believed has a page of its own; what was just seen has none yet.
    page.says(&format!("href=\"/drifts/{}\"", id.handle())).says("waits for a second look");
    page.says("containrrr/watchtower:1").says("connect to tcp://box2-media:2376: refused");
    page.says("Watched by nobody").says("no source looks here").says("As declared");
}

#[tokio::test]
async fn a_replica_that_only_reads_does_not_make_up_the_other_side() {
    let site = Site::of(World { services: None, ..World::default() }).await;
    site.get("/hosts/box2-media").await.says("This replica only reads").never_says("class=\"rows both\"");
}

#[tokio::test]
async fn how_a_host_stood_is_said_in_words_as_well() {
    // It is six o'clock; a drift lasted from one to three.
    let world = now_is(World::default(), 6 * HOUR);
    let site = Site::of(world).await;
    let began = at(-20 * HOUR);
    let started =
        JournalRow { at: began, data: json!({ "what": "started" }), ..journal(JournalKind::Action, "", 0) };
    site.store.note(&[started]).await.unwrap();
    let turn = |n, hour: i64, transition| {
        let id = missing("box2-media", "sonarr");
        let event = evenkeel_core::Event { created_at: at(hour * HOUR), transition, ..event(n, &id) };
        PassCommit {
            events: vec![event],
            ..PassCommit::new(subject("box2-media"), u64::from(n) - 1, at(hour * HOUR))
        }
    };
    site.commit(turn(1, 1, Transition::Opened)).await;
    site.commit(turn(2, 3, Transition::Resolved)).await;
    // Judged since midnight (of the samples): 2 of 24 hours differed, 4 were in sync, before that nothing is known.
    let page = site.get("/hosts/box2-media").await;
    page.says("The last 24 hours: in sync 17 %, drift 8 %, not known 75 %");
    page.says("class=\"in-sync\"").says("class=\"drift\"").says("class=\"unknown\"");
    // Another host had nothing; one that was never judged is not known.
    site.get("/hosts/box2-daily").await.says("The last 24 hours: in sync 25 %, not known 75 %");
    let page = site.get("/").await;
    page.says("Open drifts over the last 24 hours. Most at 2025-12-22").says("1 open, 0 blind");
}

#[tokio::test]
async fn a_host_that_was_never_judged_was_never_in_sync() {
    let fresh = HostStatus { judged_since: None, ..host("box2-media") };
    let site = Site::of(World { hosts: vec![fresh], ..World::default() }).await;
    let page = site.get("/hosts/box2-media").await;
    page.says("The last 30 days: not known 100 %").never_says("The last 30 days: in sync");
}

#[tokio::test]
async fn the_map_says_where_everything_is_and_folds_what_is_too_much() {
    let guest = HostStatus { node: Some("box2".into()), ..host("box2-media") };
    let node = HostStatus { node: None, cluster: None, ..host("box2") };
    let site = Site::of(World { hosts: vec![guest, node], ..World::default() }).await;
    let page = site.get("/map").await;
    page.says("role=\"img\"").says(">bruce<").says(">jellyfin<").says("The same as a list");
    // In the list, the machine is within its node.
    let (_, list) = page.body.split_once("class=\"nested\"").unwrap();
    let (node, guest) = (list.find("/hosts/box2\"").unwrap(), list.find("/hosts/box2-media\"").unwrap());
    assert!(node < guest && list[node..guest].contains("<ul class=\"nested\">"), "{list}");
    page.says("declared, seen: running");
    let many = |n| HostStatus { cluster: Some(format!("rack-{}", n % 3)), ..host(&format!("host-{n:03}")) };
    let site = Site::of(World { hosts: (0..300).map(many).collect(), ..World::default() }).await;
    let page = site.get("/map").await;
    page.says("counted by cluster").says("100 × In sync").never_says("host-000");
    page.says("/map?site=bruce&amp;cluster=rack-1");
    let page = site.get("/map?cluster=rack-1").await;
    page.says("host-001").never_says("host-000").says("hosts are shown without theirs");
}

#[tokio::test]
async fn hosts_are_grouped_and_shown_as_tiles_where_the_address_says_so() {
    let in_site = |n: usize| HostStatus {
        site: [Some("annex"), Some("bruce"), None][n % 3].map(str::to_owned),
        ..host(&format!("host-{n:03}"))
    };
    let dark = HostStatus { blind: vec![blind("host-001").source], ..in_site(1) };
    let hosts = (0..60).map(|n| if n == 1 { dark.clone() } else { in_site(n) }).collect();
    let site = Site::of(World { hosts, ..World::default() }).await;
    let page = site.get("/hosts?group=site&sort=name").await;
    let (annex, bruce) = (page.body.find(">annex</bdi>").unwrap(), page.body.find("host-001").unwrap());
    assert!(annex < bruce && bruce < page.body.find("no site").unwrap(), "those without one come last");
    page.says("</svg> 1 Blind").says("</svg> 19 In sync");
    // On the next page the group goes on and says so.
    site.get("/hosts?group=site&sort=name&page=2").await.says("no site").never_says(">annex</bdi>");
    let page = site.get("/hosts?view=tiles&group=site").await;
    page.says("class=\"tile blind\"").never_says("<table").says("aria-current=\"true\">Tiles");
    assert_eq!(site.get("/hosts?group=colour").await.status, 400);
}

#[tokio::test]
async fn a_source_says_how_it_is_asked_and_its_error_in_words() {
    let mut world = World::default();
    world.sources[2] = blind("box2-media");
    let page = Site::of(world).await.get("/sources").await;
    page.says("left alone until").says("asked 3 times in vain").says("12 ms");
    page.says("Nobody listens there")
        .says("<code>evenkeel doctor</code>")
        .says("It proved that it sees everything.");
}

#[tokio::test]
async fn the_kiosk_is_fetched_anew_by_itself_and_has_nothing_to_press() {
    let mut world = World::default();
    world.sources[2] = blind("box2-media");
    let site = Site::of(world).await;
    site.commit(opening("box2-media", "sonarr", 1, 0, &[])).await;
    let page = site.get("/kiosk").await;
    page.says("<noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript>")
        .says("verdict blind")
        .says("sonarr");
    page.says("2025-12-22 04:01:40 UTC").never_says("<nav").never_says("<form");
    assert_eq!(page.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_kiosk_whose_store_is_away_says_so_and_goes_on_asking() {
    let site = Site::of(World::default()).await;
    site.store.close().await;
    let page = site.get("/kiosk").await;
    assert_eq!(page.status, 503);
    page.says("content=\"10\"").says("verdict unknown").never_says("In sync");
}
