//! Several replicas on one PostgreSQL: one leads, and whatever becomes of it, another takes over. No event is told as two,
//! none is lost.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use evenkeel_lab::receiver::{Mode, Receiver};
use evenkeel_store::Store;
use evenkeel_tests::load::{
    HOSTS, Random, SERVICES, assert_everything_arrived, assert_one_event_per_transition, is_open, is_told,
    load, settle,
};
use evenkeel_tests::program::{Program, ask};
use evenkeel_tests::replicas::{figure, has_role, home, read, readiness, server, until_role};
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, all_events, soon};
use xtask::real::postgres::Setup;

/// How often the leader is killed.
const ROUNDS: u32 = 10;
/// How long it may take until another leads.
const TAKEOVER: Duration = Duration::from_secs(15);

async fn lab() -> Arc<Lab> {
    Arc::new(Lab::small(&HOSTS.map(|host| (host, SERVICES))).await)
}

/// Everything that happened was kept as one event and arrived.
async fn assert_history(store: &dyn Store, receiver: &Receiver, least: usize) {
    let mut events = all_events(store).await;
    events.reverse();
    assert!(events.len() >= least, "{} events are no load", events.len());
    assert_one_event_per_transition(&events);
    assert_everything_arrived(store, &events, receiver).await;
}

/// Which of the two leads.
async fn leader(programs: &[Program; 2]) -> usize {
    let [one, two] = programs;
    let one_leads = || async { has_role(one, "leader").await || has_role(two, "leader").await };
    assert!(soon(one_leads).await, "{}\n{}", one.log(), two.log());
    usize::from(!has_role(one, "leader").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leader_is_killed_ten_times_and_nothing_is_lost_or_told_twice() {
    let Some(server) = server(Setup::default()) else { return };
    let lab = lab().await;
    let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
    receiver.set_mode(Mode::Slow(Duration::from_millis(20)));
    let homes = ["one", "two"].map(|name| home(&lab, Some(&receiver.url()), &server, name));
    let mut random = Random::seeded();
    let ended = Arc::new(AtomicBool::new(false));
    let loading = tokio::spawn(load(lab.clone(), Random::of(random.below(u64::MAX)), ended.clone()));

    let mut programs = [homes[0].start().await, homes[1].start().await];
    let mut leads = leader(&programs).await;
    let mut longest = Duration::ZERO;
    for _ in 0..ROUNDS {
        // Some die while they begin to lead, most while they do.
        tokio::time::sleep(random.pause(0, 1500)).await;
        let successor = homes[leads].start().await;
        std::mem::replace(&mut programs[leads], successor).kill().await;
        let killed = Instant::now();
        // The one that waited, or the one that has just been started.
        leads = leader(&programs).await;
        assert!(killed.elapsed() < TAKEOVER, "{:?}: {}", killed.elapsed(), programs[leads].log());
        longest = longest.max(killed.elapsed());
    }
    eprintln!("{ROUNDS} times another led after {longest:?} at the longest");
    ended.store(true, Ordering::Relaxed);
    loading.await.unwrap();
    let truth = settle(&lab);
    receiver.set_mode(Mode::Acknowledge);

    let store = read(&server).await;
    let log = || programs[leads].log();
    assert!(soon(|| is_open(&*store, &truth)).await, "{}", log());
    assert!(soon(|| is_told(&*store)).await, "{}", log());
    for program in programs {
        program.stop().await;
    }
    assert_history(&*store, &receiver, 50).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_frozen_and_overtaken_commits_nothing_and_follows() {
    let Some(server) = server(Setup::default()) else { return };
    let lab = lab().await;
    let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
    let homes = ["one", "two"].map(|name| home(&lab, Some(&receiver.url()), &server, name));
    let programs = [homes[0].start().await, homes[1].start().await];
    let first = leader(&programs).await;
    let (old, new) = (&programs[first], &programs[1 - first]);
    old.until_ready().await;
    until_role(new, "follower").await;

    old.signal("STOP").await;
    let took = until_role(new, "leader").await;
    assert!(took < TAKEOVER, "{took:?}");
    new.until_ready().await;
    let truth = settle(&lab);
    let store = read(&server).await;
    assert!(soon(|| is_open(&*store, &truth)).await, "{}", new.log());
    // It wakes up in the middle of what it knows, and sees the same difference as the other one.
    old.signal("CONT").await;
    until_role(old, "follower").await;
    assert_eq!(figure(old, "evenkeel_leader").await, Some(0.0));
    assert_eq!(figure(new, "evenkeel_leader").await, Some(1.0));
    assert!(old.log().contains("the right to lead is lost") || old.log().contains("somebody else leads"));

    lab.engine("box").start_container("db").unwrap();
    lab.engine("attic").remove("guest").unwrap();
    let nothing = BTreeSet::new();
    assert!(soon(|| is_open(&*store, &nothing)).await, "{}", new.log());
    assert!(soon(|| is_told(&*store)).await, "{}", new.log());
    for program in programs {
        program.stop().await;
    }
    let events = all_events(&*store).await;
    assert_eq!(events.len(), 4, "{events:#?}");
    assert_history(&*store, &receiver, 4).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_shows_what_the_leader_sees_and_takes_over_at_once_when_it_leaves() {
    let Some(server) = server(Setup::default()) else { return };
    let lab = lab().await;
    lab.engine("box").stop("db").unwrap();
    let homes = ["one", "two"].map(|name| home(&lab, None, &server, name));
    let leading = homes[0].start().await;
    leading.until_ready().await;
    let following = homes[1].start().await;
    until_role(&following, "follower").await;

    let shown = async |program: &Program| {
        let (_, _, body) = ask(&program.address().await, "GET", "/api/v1/hosts").await;
        let body: serde_json::Value = serde_json::from_str(&body).ok()?;
        Some((body["items"].clone(), body["coverage"].clone()))
    };
    let is_same = async || {
        shown(&leading).await.is_some_and(|of| of.1["complete"] == true)
            && shown(&leading).await == shown(&following).await
    };
    assert!(soon(is_same).await, "{:?}\n{:?}", shown(&leading).await, shown(&following).await);
    let address = following.address().await;
    let (status, head, body) = ask(&address, "GET", "/api/v1/sources").await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    assert!(head.contains("evenkeel-role: follower"), "{head}");
    assert_eq!(body["follows"]["leader"], "one");
    assert!(body["follows"]["status_age_seconds"].as_i64().unwrap() < 60, "{body}");
    let open = async || ask(&address, "GET", "/api/v1/drifts?state=open").await.2.contains("SERVICE_MISSING");
    assert!(soon(open).await);
    for door in ["/api/v1/observations", "/webhooks/netbox"] {
        let (status, head, body) = ask(&address, "POST", door).await;
        assert_eq!(status, 503, "{body}");
        assert!(
            head.contains("retry-after: ") && body.contains("this replica only reads; one leads"),
            "{head}{body}"
        );
    }
    let (ready, body) = readiness(&following).await;
    assert_eq!((ready, &body["role"], &body["leader"]), (200, &"follower".into(), &"one".into()), "{body}");
    assert_eq!(figure(&following, "evenkeel_leader").await, Some(0.0));
    assert_eq!(figure(&following, "evenkeel_store_up").await, Some(1.0));
    assert_eq!(figure(&following, "evenkeel_hosts").await, None, "what it does not see it does not count");

    leading.signal("HUP").await;
    leading.until_logged("the configuration changed").await;
    assert!(has_role(&following, "follower").await, "a new configuration is no reason to change the leader");
    let log = leading.stop().await;
    assert!(log.contains("no longer leading"), "{log}");
    let took = until_role(&following, "leader").await;
    assert!(took < Duration::from_secs(3), "{took:?}: {}", following.log());
    following.until_ready().await;
    following.stop().await;
}
