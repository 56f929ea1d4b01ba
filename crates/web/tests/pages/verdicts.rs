//! What the overview says in one word. Blind is never green.

use evenkeel_core::drift::Difference;
use evenkeel_core::ledger::Entry;
use evenkeel_core::{Coverage, DriftId, EventType, Gap, GapKind, SourceKind};
use evenkeel_store::PassCommit;
use evenkeel_store::conformance::sample::{at, docker, entry, host as subject, missing};
use evenkeel_web::{HostStatus, Role, SourceStatus};

use crate::client::{World, host, seeing, unheard};
use crate::site::{Page, Site};

const GREEN: &str = "verdict in-sync";

async fn overview(world: World) -> Page {
    Site::of(world).await.get("/").await
}

async fn with_drift(world: World) -> Page {
    let site = Site::of(world).await;
    let drift = entry(missing("box2-media", "sonarr"));
    site.commit(PassCommit { upserts: vec![drift], ..PassCommit::new(subject("box2-media"), 0, at(1)) })
        .await;
    site.get("/").await
}

#[tokio::test]
async fn everything_seen_and_nothing_different_is_in_sync() {
    let page = overview(World::default()).await;
    assert_eq!(page.status, 200);
    page.says(GREEN).says("In sync").says("docker/box2-media").says("No drift is open.");
}

#[tokio::test]
async fn a_drift_is_counted_and_listed() {
    let page = with_drift(World::default()).await;
    page.says("verdict drift").says("1 drift<").says("Service missing").says("sonarr").never_says(GREEN);
}

#[tokio::test]
async fn blind_is_never_green_whatever_the_gap() {
    for kind in [
        GapKind::NotYetObserved,
        GapKind::Uncovered,
        GapKind::Unreachable,
        GapKind::TimedOut,
        GapKind::Unauthorized,
        GapKind::Malformed,
        GapKind::Truncated,
        GapKind::Stale,
        GapKind::Implausible,
        GapKind::Ambiguous,
    ] {
        let source = SourceStatus {
            coverage: Coverage::Partial(Gap::new(kind, "")),
            ..seeing(SourceKind::Docker, "box2-media", 95)
        };
        let sources = || vec![seeing(SourceKind::Netbox, "main", 80), source.clone()];
        let page = overview(World { sources: sources(), ..World::default() }).await;
        page.says("verdict blind").says("1 source blind").never_says(GREEN);
        let page = with_drift(World { sources: sources(), ..World::default() }).await;
        page.says("verdict blind").says("1 drift · 1 source blind").never_says(GREEN);
    }
}

#[tokio::test]
async fn a_blind_netbox_is_never_green() {
    let netbox = SourceStatus {
        coverage: Coverage::Partial(Gap::new(GapKind::Unauthorized, "")),
        ..seeing(SourceKind::Netbox, "main", 80)
    };
    overview(World { sources: vec![netbox], ..World::default() })
        .await
        .says("verdict blind")
        .never_says(GREEN);
}

#[tokio::test]
async fn a_host_that_a_source_sees_only_in_part_is_not_green() {
    let partly = HostStatus { blind: vec![docker("box2-media")], ..host("box2-media") };
    let page = overview(World { hosts: vec![partly], ..World::default() }).await;
    page.says("verdict blind").says("1 host partly unseen").never_says(GREEN);
}

#[tokio::test]
async fn an_open_blindness_is_not_green_even_if_its_source_answers_again() {
    let site = Site::of(World::default()).await;
    let id = DriftId::of_source(subject("box2-media"), EventType::DockerUnreachable, &docker("box2-media"));
    let difference = Difference::Blind { gap: Gap::new(GapKind::TimedOut, ""), unknown_services: 0 };
    let drift = Entry { difference, ..entry(id) };
    site.commit(PassCommit { upserts: vec![drift], ..PassCommit::new(subject("box2-media"), 0, at(1)) })
        .await;
    site.get("/").await.says("verdict blind").never_says(GREEN);
}

#[tokio::test]
async fn what_is_not_known_yet_is_not_green() {
    let mut starting = World::default();
    starting.sources[2] = unheard(SourceKind::Docker, "box2-media");
    overview(starting).await.says("verdict unknown").says("Still starting").never_says(GREEN);
    let nothing = World { sources: Vec::new(), hosts: Vec::new(), ..World::default() };
    overview(nothing).await.says("No source is configured.").never_says(GREEN);
    let undecided = HostStatus { declared: None, ..host("box2-media") };
    overview(World { hosts: vec![undecided], ..World::default() })
        .await
        .says("verdict unknown")
        .never_says(GREEN);
}

#[tokio::test]
async fn a_host_that_nobody_watches_is_not_green() {
    let lonely = HostStatus { sources: Vec::new(), machines: Vec::new(), ..host("windows-tts") };
    let world = World { hosts: vec![host("box2-media"), lonely], ..World::default() };
    let page = overview(world).await;
    page.says("verdict unwatched").says("1 host is watched by nobody").never_says(GREEN);
}

#[tokio::test]
async fn a_machine_that_its_hypervisor_sees_is_watched_and_what_nobody_sees_on_it_is_counted_beside() {
    let by = evenkeel_core::SourceId::new(SourceKind::Proxmox, "box2");
    let seen = HostStatus { sources: vec![by], required_services: 0, ..host("box2-media") };
    let page = overview(World { hosts: vec![seen.clone()], ..World::default() }).await;
    page.says(GREEN).never_says("watched by nobody");
    let partly = HostStatus { required_services: 3, unwatched_services: 2, ..seen };
    let page = overview(World { hosts: vec![partly.clone()], ..World::default() }).await;
    page.says(GREEN).says("2 services that must run are watched by nobody").says("/hosts?watch=partly");
    let site = Site::of(World { hosts: vec![partly, host("box2-daily")], ..World::default() }).await;
    site.get("/hosts/box2-media").await.says("2 services that must run here are watched by nobody");
    let page = site.get("/hosts?watch=partly").await;
    page.says("box2-media").says("2 unwatched").never_says("/hosts/box2-daily");
}

#[tokio::test]
async fn a_pause_is_not_green() {
    let page = overview(World { paused: Some("the disk is full".to_owned()), ..World::default() }).await;
    page.says("verdict unknown").says("the disk is full").never_says(GREEN);
}

#[tokio::test]
async fn a_follower_says_whose_view_it_shows_and_an_old_view_is_not_green() {
    let follower = |seconds| Role::Follower { leader: "node-a".to_owned(), shown_at: Some(at(seconds)) };
    let page = overview(World { role: follower(90), ..World::default() }).await;
    page.says(GREEN).says("node-a").says("only reads");
    let page = overview(World { role: follower(-1000), ..World::default() }).await;
    page.says("verdict unknown").says("too old").never_says(GREEN);
}
