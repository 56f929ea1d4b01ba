//! The Docker source against the simulated engine, over real sockets: what it reads, what it refuses to believe, and
//! how it learns of changes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::model::{Health, HostSnapshot, RunState};
use evenkeel_core::{Fact, GapKind, HostName, SourceId, SourceKind};
use evenkeel_lab::docker::{Container, DockerLab};
use evenkeel_lab::fault::Fault;
use evenkeel_sources::docker::{Config, DockerSource, Endpoint, Error};
use evenkeel_sources::{Hint, Snapshot, Source};
use serde_json::json;
use tokio::time::timeout;

/// Generous: the machine may be busy. No test waits for it unless it fails.
const SOON: Duration = Duration::from_secs(20);

fn config(url: &str) -> Config {
    let endpoint = Endpoint::parse(url).unwrap();
    Config {
        debounce: Duration::ZERO,
        timeout: Duration::from_secs(5),
        ..Config::new(SourceId::new(SourceKind::Docker, "box2-media"), endpoint)
    }
}

/// A source that only polls.
fn quiet(lab: &DockerLab) -> DockerSource {
    DockerSource::new(Config { events: false, ..config(&lab.url()) }).unwrap()
}

async fn observe(source: &DockerSource) -> HostSnapshot {
    match timeout(SOON, source.observe()).await.expect("an observation ends") {
        Snapshot::Hosts(mut hosts) if hosts.len() == 1 => hosts.remove(0),
        other @ (Snapshot::Hosts(_) | Snapshot::Inventory(_) | Snapshot::Survey { .. }) => {
            panic!("one host expected, got {other:?}")
        }
    }
}

async fn changed(source: &DockerSource) -> Hint {
    timeout(SOON, source.changed()).await.expect("a hint comes")
}

/// Waits for a hint whose reason contains this.
async fn hint(source: &DockerSource, part: &str) -> Hint {
    loop {
        let hint = changed(source).await;
        if hint.reason.contains(part) {
            return hint;
        }
    }
}

/// Looks after each hint, as the controller does, until this is seen.
async fn until(source: &DockerSource, seen: impl Fn(&HostSnapshot) -> bool) -> HostSnapshot {
    loop {
        changed(source).await;
        let snapshot = observe(source).await;
        if seen(&snapshot) {
            return snapshot;
        }
    }
}

fn is_blind(snapshot: &HostSnapshot, kind: GapKind) -> bool {
    snapshot.coverage.gap().is_some_and(|gap| gap.kind == kind)
}

fn state(snapshot: &HostSnapshot, name: &str) -> Fact<RunState> {
    let service = snapshot.services.iter().find(|service| service.name.as_str() == name);
    service.unwrap_or_else(|| panic!("no {name} in {snapshot:#?}")).state.clone()
}

fn restarts(snapshot: &HostSnapshot, name: &str) -> Fact<u32> {
    snapshot.services.iter().find(|service| service.name.as_str() == name).unwrap().restarts.clone()
}

fn gap(snapshot: &HostSnapshot) -> (GapKind, String) {
    let gap = snapshot.coverage.gap().unwrap_or_else(|| panic!("complete: {snapshot:#?}"));
    (gap.kind, gap.why.to_string())
}

async fn media() -> DockerLab {
    let lab = DockerLab::start("box2-media").await.unwrap();
    lab.run(
        Container::compose("media", "jellyfin")
            .image("jellyfin/jellyfin:10.10")
            .publish(8096, 8096)
            .publish(8920, 8920)
            .health(Health::Healthy)
            .label("evenkeel.role", "video")
            .label("traefik.basicauth", "admin:hunter2-label")
            .env("API_KEY", "hunter2-env")
            .command(["jellyfin", "--token=hunter2-command"]),
    );
    lab.run(Container::compose("media", "db").publish_on("127.0.0.1", 5432, 5432).expose(9187));
    lab.run(Container::new("mdns").network("host"));
    let old = lab.run(Container::new("jackett"));
    lab.stop(&old).unwrap();
    lab.create(Container::new("new"));
    lab
}

#[tokio::test]
async fn an_engine_is_read_completely() {
    let lab = media().await;
    let source = DockerSource::new(Config {
        host: Some(HostName::new("box2-media")),
        events: false,
        ..config(&lab.url())
    })
    .unwrap();
    assert_eq!(source.host().map(HostName::as_str), Some("box2-media"));
    assert_eq!(source.id().to_string(), "docker/box2-media");
    let snapshot = observe(&source).await;
    assert!(snapshot.coverage.is_complete(), "{:?}", snapshot.coverage);
    assert!(snapshot.started <= snapshot.observed_at);
    assert_eq!(snapshot.facts.name, Some(Fact::Known(Arc::from("box2-media"))));
    assert_eq!(snapshot.facts.engine_id.as_deref(), Some("LAB0:BOX2-MEDIA"));
    let notes: Vec<String> =
        snapshot.facts.notes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(notes, ["api_version=1.41", "engine_version=20.10.24+dfsg1", "os=linux"]);
    let names: Vec<&str> = snapshot.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["db", "jackett", "jellyfin", "mdns", "new"]);
    let jellyfin = &snapshot.services[2];
    assert_eq!(jellyfin.ports.known().unwrap().open.to_string(), "8096/tcp 8920/tcp");
    assert_eq!(
        (jellyfin.image.as_deref(), jellyfin.role.as_deref()),
        (Some("jellyfin/jellyfin:10.10"), Some("video"))
    );
    assert_eq!((&jellyfin.health, &jellyfin.restarts), (&Fact::Known(Health::Healthy), &Fact::Known(0)));
    assert_eq!(snapshot.services[0].ports.known().unwrap().loopback.to_string(), "5432/tcp");
    assert!(snapshot.services[0].ports.known().unwrap().open.is_empty());
    assert_eq!(snapshot.services[3].ports.known().unwrap_err().kind, GapKind::Uncovered);
    assert_eq!(state(&snapshot, "jackett"), Fact::Known(RunState::Exited));
    assert_eq!(state(&snapshot, "new"), Fact::Known(RunState::Created));
}

#[tokio::test]
async fn no_environment_command_or_foreign_label_gets_into_a_snapshot() {
    let lab = media().await;
    lab.crash_loop("media-jellyfin-1", 3).unwrap();
    let snapshot = observe(&quiet(&lab)).await;
    assert!(lab.requests("/containers/") > 1, "something was inspected, so the secrets were within reach");
    let text = format!("{} {snapshot:?}", serde_json::to_string(&snapshot).unwrap());
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn every_fault_has_its_kind_of_gap_and_none_passes_for_complete() {
    let lab = media().await;
    let short = Config { timeout: Duration::from_millis(300), events: false, ..config(&lab.url()) };
    let source = DockerSource::new(short).unwrap();
    for (fault, kind) in [
        (Fault::Reset, GapKind::Unreachable),
        (Fault::Slow(Duration::from_secs(30)), GapKind::TimedOut),
        (Fault::Hang, GapKind::TimedOut),
        (Fault::Status(401), GapKind::Unauthorized),
        (Fault::Status(403), GapKind::Unauthorized),
        (Fault::Status(404), GapKind::Malformed),
        (Fault::Status(500), GapKind::Unreachable),
        (Fault::Status(503), GapKind::Unreachable),
        (Fault::EmptyList, GapKind::Truncated),
        (Fault::Truncated, GapKind::Truncated),
        (Fault::Malformed, GapKind::Malformed),
        (Fault::DuplicateRow, GapKind::Truncated),
        (Fault::ResetMidStream, GapKind::Truncated),
    ] {
        lab.faults().set("/containers/json", fault.clone());
        let (found, why) = gap(&observe(&source).await);
        assert_eq!(found, kind, "{fault:?}: {why}");
        assert!(!why.is_empty());
        // The same everywhere at once is no better.
        lab.faults().clear_all();
        lab.faults().set("", fault.clone());
        let snapshot = observe(&source).await;
        assert!(!snapshot.coverage.is_complete(), "{fault:?} everywhere: {snapshot:?}");
        lab.faults().clear_all();
    }
    assert!(observe(&source).await.coverage.is_complete());
}

#[tokio::test]
async fn a_refused_list_names_the_switch_of_the_proxy() {
    let lab = media().await;
    lab.faults().set("/containers", Fault::Status(403));
    let (_, why) = gap(&observe(&quiet(&lab)).await);
    assert!(why.contains("CONTAINERS=1") && why.contains("127.0.0.1"), "{why}");
}

#[tokio::test]
async fn a_proxy_that_withholds_who_the_engine_is_does_not_make_it_blind() {
    let lab = media().await;
    lab.faults().set("/info", Fault::Status(403));
    lab.faults().set("/version", Fault::Status(403));
    let snapshot = observe(&quiet(&lab)).await;
    assert!(snapshot.coverage.is_complete(), "{:?}", snapshot.coverage);
    assert_eq!(snapshot.services.len(), 5);
    let name = snapshot.facts.name.unwrap();
    let gap = name.known().unwrap_err();
    assert_eq!(gap.kind, GapKind::Unauthorized);
    assert!(gap.why.contains("INFO=1"), "{gap}");
    assert!(snapshot.facts.notes.is_empty());
}

#[tokio::test]
async fn a_list_of_an_engine_that_was_gone_a_moment_later_proves_nothing() {
    let lab = media().await;
    let source = quiet(&lab);
    lab.faults().set("/info", Fault::Slow(Duration::from_millis(500)));
    // What a stop of the engine does first.
    lab.exit("mdns", 0).unwrap();
    let look = async { observe(&source).await };
    let stop = async {
        while lab.requests("/info") == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Time enough for the list, and too little for the other answer.
        tokio::time::sleep(Duration::from_millis(200)).await;
        lab.kill_daemon().await.unwrap();
    };
    let (snapshot, ()) = tokio::join!(look, stop);
    assert_eq!(gap(&snapshot).0, GapKind::Unreachable);
}

#[tokio::test]
async fn an_engine_that_never_says_who_it_is_is_believed_the_second_time() {
    let lab = media().await;
    for fault in [Fault::Status(503), Fault::Reset] {
        lab.faults().set("/info", fault);
        let before = lab.requests("/containers/json");
        assert!(observe(&quiet(&lab)).await.coverage.is_complete());
        assert_eq!(lab.requests("/containers/json") - before, 2);
    }
}

#[tokio::test]
async fn an_engine_in_which_nothing_happens_is_not_asked_again_who_it_is() {
    let lab = media().await;
    let host = Some(HostName::new("box2-media"));
    let source = DockerSource::new(Config { host, ..config(&lab.url()) }).unwrap();
    hint(&source, "the event stream is open").await;
    for _ in 0..5 {
        let snapshot = observe(&source).await;
        assert!(snapshot.coverage.is_complete());
        assert_eq!(snapshot.facts.name, Some(Fact::Known("box2-media".into())));
    }
    assert_eq!((lab.requests("/info"), lab.requests("/version")), (1, 1));

    // Whoever waits for a confirmation wants a new answer.
    source.doubt();
    assert!(observe(&source).await.coverage.is_complete());
    assert_eq!(lab.requests("/info"), 2);

    // Whoever is there now, a list that does not show it says less than all.
    lab.run(Container::new("unseen"));
    lab.hide(&["unseen"]);
    hint(&source, "unseen").await;
    assert_eq!(gap(&observe(&source).await).0, GapKind::Truncated);
    lab.hide(&[]);
    assert!(observe(&source).await.coverage.is_complete());

    // And one that vanishes from it without a word has to be accounted for.
    let before = lab.requests("/info");
    lab.hide(&["unseen"]);
    assert_eq!(gap(&observe(&source).await).0, GapKind::Truncated);
    assert!(lab.requests("/info") > before);
}

#[tokio::test]
async fn an_engine_whose_name_says_whose_it_is_is_asked_for_it_every_time() {
    let lab = media().await;
    let source = DockerSource::new(config(&lab.url())).unwrap();
    hint(&source, "the event stream is open").await;
    for times in 1..4 {
        assert!(observe(&source).await.coverage.is_complete());
        assert_eq!(lab.requests("/info"), times);
    }
}

#[tokio::test]
async fn an_engine_without_containers_is_complete_and_empty() {
    let lab = DockerLab::start("empty").await.unwrap();
    let snapshot = observe(&quiet(&lab)).await;
    assert!(snapshot.coverage.is_complete() && snapshot.services.is_empty(), "{snapshot:?}");
}

#[tokio::test]
async fn an_unknown_state_costs_one_fact_and_an_odd_element_the_coverage() {
    let lab = media().await;
    lab.tamper("mdns", "State", json!("hibernating")).unwrap();
    let source = quiet(&lab);
    let snapshot = observe(&source).await;
    assert!(snapshot.coverage.is_complete());
    assert_eq!(state(&snapshot, "mdns").known().unwrap_err().kind, GapKind::Malformed);
    assert_eq!(state(&snapshot, "jellyfin"), Fact::Known(RunState::Running));

    lab.tamper("new", "Names", json!(7)).unwrap();
    let snapshot = observe(&source).await;
    let (kind, why) = gap(&snapshot);
    assert_eq!(kind, GapKind::Malformed);
    assert!(why.contains("has no name"), "{why}");
    assert_eq!(snapshot.services.len(), 4);
}

#[tokio::test]
async fn an_api_version_is_put_into_the_path_and_a_refused_one_is_explained() {
    let lab = media().await;
    let pinned = |version: &str| {
        let version = Some(version.to_owned());
        DockerSource::new(Config { api_version: version, events: false, ..config(&lab.url()) }).unwrap()
    };
    assert!(observe(&pinned("1.41")).await.coverage.is_complete());
    let (kind, why) = gap(&observe(&pinned("1.99")).await);
    assert_eq!(kind, GapKind::Malformed);
    assert!(why.contains("client version 1.99 is too new"), "{why}");
}

#[tokio::test]
async fn a_refused_connection_says_where() {
    let lab = media().await;
    let source = quiet(&lab);
    lab.kill_daemon().await.unwrap();
    let (kind, why) = gap(&observe(&source).await);
    assert_eq!(kind, GapKind::Unreachable);
    assert!(why.contains(&lab.address().to_string()) && why.contains("refused"), "{why}");
}

#[tokio::test]
async fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let error = DockerSource::new(config("tcp://192.0.2.1:2375")).unwrap_err();
    assert!(matches!(error, Error::Config(_)));
    assert!(error.to_string().contains("insecure_http"), "{error}");
}

#[tokio::test]
async fn a_crash_loop_seen_by_polling_alone_is_counted_from_the_engines_count() {
    let lab = media().await;
    let source = quiet(&lab);
    lab.crash_loop("mdns", 2).unwrap();
    assert_eq!(restarts(&observe(&source).await, "mdns"), Fact::Known(0), "the first sight is the base line");
    lab.crash_loop("mdns", 3).unwrap();
    let snapshot = observe(&source).await;
    assert_eq!(restarts(&snapshot, "mdns"), Fact::Known(3));
    assert_eq!(state(&snapshot, "mdns"), Fact::Known(RunState::Restarting));
    assert_eq!(restarts(&snapshot, "jellyfin"), Fact::Known(0));
}

#[tokio::test]
async fn a_loop_found_in_full_swing_is_a_loop_at_first_sight() {
    let lab = media().await;
    lab.crash_loop("mdns", 7).unwrap();
    assert_eq!(restarts(&observe(&quiet(&lab)).await, "mdns"), Fact::Known(7));
}

#[tokio::test]
async fn restarts_are_unknown_where_neither_inspection_nor_events_are_allowed() {
    let lab = media().await;
    let id = lab.run(Container::new("looper"));
    lab.crash_loop("looper", 3).unwrap();
    lab.faults().set(format!("/containers/{id}"), Fault::Status(403));
    let snapshot = observe(&quiet(&lab)).await;
    assert!(snapshot.coverage.is_complete());
    assert_eq!(restarts(&snapshot, "looper").known().unwrap_err().kind, GapKind::Unauthorized);
}

#[tokio::test]
async fn restarts_are_counted_from_events_where_inspection_is_refused() {
    let lab = media().await;
    let id = lab.run(Container::new("looper"));
    lab.faults().set(format!("/containers/{id}"), Fault::Status(403));
    let source = DockerSource::new(config(&lab.url())).unwrap();
    hint(&source, "stream is open").await;
    lab.crash_loop("looper", 4).unwrap();
    until(&source, |snapshot| restarts(snapshot, "looper") == Fact::Known(4)).await;
}

#[tokio::test]
async fn an_event_is_a_hint_at_once_and_names_what_happened() {
    let lab = media().await;
    let source = DockerSource::new(config(&lab.url())).unwrap();
    hint(&source, "stream is open").await;
    lab.exit("media-jellyfin-1", 1).unwrap();
    assert_eq!(changed(&source).await.reason, "die media-jellyfin-1");
    assert_eq!(state(&observe(&source).await, "jellyfin"), Fact::Known(RunState::Exited));
    lab.set_health("media-db-1", Health::Unhealthy).unwrap();
    assert_eq!(changed(&source).await.reason, "health_status media-db-1");
    lab.remove("jackett").unwrap();
    assert_eq!(changed(&source).await.reason, "destroy jackett");
}

/// As engines such as 20.10 do it for a moment: `die` is told, and the list still says that it runs.
fn kill_behind_the_lists_back(lab: &DockerLab, name: &str) {
    lab.tamper(name, "State", json!("running")).unwrap();
    lab.tamper(name, "Status", json!("Up 2 hours")).unwrap();
    lab.kill(name).unwrap();
}

#[tokio::test]
async fn a_list_that_does_not_know_yet_who_died_is_asked_for_again() {
    let lab = Arc::new(media().await);
    let source = DockerSource::new(config(&lab.url())).unwrap();
    hint(&source, "open").await;
    observe(&source).await;
    let before = lab.requests("/containers/json");
    kill_behind_the_lists_back(&lab, "mdns");
    hint(&source, "die mdns").await;
    let engine = lab.clone();
    let writing = tokio::spawn(async move {
        // The engine has written it down after it was asked twice.
        while engine.requests("/containers/json") < before + 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        engine.tamper("mdns", "State", json!("exited")).unwrap();
        engine.tamper("mdns", "Status", json!("Exited (137) 1 second ago")).unwrap();
    });
    assert_eq!(state(&observe(&source).await, "mdns"), Fact::Known(RunState::Exited));
    writing.await.unwrap();
}

#[tokio::test]
async fn a_list_that_never_learns_who_died_is_taken_as_it_is_and_looked_at_again() {
    let lab = media().await;
    let source = DockerSource::new(config(&lab.url())).unwrap();
    hint(&source, "open").await;
    kill_behind_the_lists_back(&lab, "mdns");
    hint(&source, "die mdns").await;
    assert_eq!(state(&observe(&source).await, "mdns"), Fact::Known(RunState::Running));
    hint(&source, "does not know yet").await;
}

#[tokio::test]
async fn a_broken_stream_is_a_hint_and_comes_back_with_another() {
    let lab = media().await;
    let source = DockerSource::new(config(&lab.url())).unwrap();
    hint(&source, "stream is open").await;
    for cut in [DockerLab::cut_streams, DockerLab::end_streams] {
        cut(&lab);
        hint(&source, "stream ended").await;
        hint(&source, "stream is open").await;
    }
    lab.pause("mdns").unwrap();
    assert_eq!(changed(&source).await.reason, "pause mdns");
    assert_eq!(lab.requests("/events"), 3);
    assert!(observe(&source).await.coverage.is_complete(), "a cut stream alone holds nothing back");
}

#[tokio::test]
async fn an_event_broken_in_the_middle_ends_the_stream_and_not_the_source() {
    let lab = media().await;
    lab.faults().set("/events", Fault::ResetMidStream);
    let source = DockerSource::new(config(&lab.url())).unwrap();
    hint(&source, "stream is open").await;
    lab.pause("mdns").unwrap();
    hint(&source, "stream ended").await;
    lab.faults().clear_all();
    hint(&source, "stream is open").await;
    assert_eq!(state(&observe(&source).await, "mdns"), Fact::Known(RunState::Paused));
}

#[tokio::test]
async fn a_refused_stream_leaves_polling_as_it_is() {
    let lab = media().await;
    lab.faults().set("/events", Fault::Status(403));
    let source = DockerSource::new(config(&lab.url())).unwrap();
    assert!(observe(&source).await.coverage.is_complete());
    lab.faults().clear_all();
    hint(&source, "stream is open").await;
}

#[tokio::test]
async fn an_engine_whose_stream_alone_fails_is_believed_at_once() {
    let lab = media().await;
    lab.faults().set("/events", Fault::Status(500));
    let source = DockerSource::new(config(&lab.url())).unwrap();
    assert!(observe(&source).await.coverage.is_complete());
    let tried = lab.requests("/events");
    let again = timeout(SOON, async {
        while lab.requests("/events") < tried + 3 {
            tokio::task::yield_now().await;
        }
    });
    again.await.expect("it tries again");
    lab.stop("mdns").unwrap();
    let snapshot = observe(&source).await;
    assert!(snapshot.coverage.is_complete(), "{:?}", snapshot.coverage);
    assert_eq!(state(&snapshot, "mdns"), Fact::Known(RunState::Exited));
}

#[tokio::test]
async fn a_hung_engine_is_noticed_in_the_silence_of_its_stream() {
    let lab = media().await;
    let watchdog = Duration::from_millis(50);
    let source =
        DockerSource::new(Config { watchdog, timeout: Duration::from_millis(200), ..config(&lab.url()) })
            .unwrap();
    hint(&source, "stream is open").await;
    lab.faults().set("/_ping", Fault::Hang);
    let reason = hint(&source, "stream ended").await.reason;
    assert!(reason.contains("_ping"), "{reason}");
}

#[tokio::test]
async fn a_planned_stop_of_the_engine_is_no_storm_of_missing_services() {
    let lab = media().await;
    let settle = Duration::from_secs(3600);
    let source = DockerSource::new(Config { settle, ..config(&lab.url()) }).unwrap();
    hint(&source, "stream is open").await;
    assert!(observe(&source).await.coverage.is_complete());

    lab.stop_daemon().await.unwrap();
    let snapshot = until(&source, |snapshot| !snapshot.coverage.is_complete()).await;
    assert!(is_blind(&snapshot, GapKind::Unreachable), "{snapshot:?}");

    lab.start_daemon().await.unwrap();
    let snapshot = until(&source, |snapshot| !is_blind(snapshot, GapKind::Unreachable)).await;
    let (kind, why) = gap(&snapshot);
    assert_eq!((kind, why.as_str()), (GapKind::NotYetObserved, "the engine is stopping or restarting"));
    // Not even the single service is said to be down.
    assert_eq!(state(&snapshot, "jellyfin").known().unwrap_err().kind, GapKind::Stale);
    // This one was down before: that it still is, is known.
    assert_eq!(state(&snapshot, "jackett"), Fact::Known(RunState::Exited));

    lab.resume();
    let snapshot = until(&source, |snapshot| snapshot.coverage.is_complete()).await;
    assert_eq!(state(&snapshot, "jellyfin"), Fact::Known(RunState::Running));
    assert_eq!(restarts(&snapshot, "jellyfin"), Fact::Known(0), "nobody restarted unasked");
}

#[tokio::test]
async fn what_stays_down_after_the_engine_settled_is_down() {
    let lab = media().await;
    let settle = Duration::from_millis(300);
    let source = DockerSource::new(Config { settle, ..config(&lab.url()) }).unwrap();
    hint(&source, "stream is open").await;
    assert!(observe(&source).await.coverage.is_complete());
    lab.stop_daemon().await.unwrap();
    lab.start_daemon().await.unwrap();
    // The source itself asks for the look that ends the waiting.
    let snapshot = until(&source, |snapshot| snapshot.coverage.is_complete()).await;
    assert_eq!(state(&snapshot, "jellyfin"), Fact::Known(RunState::Exited));
}

#[tokio::test]
async fn a_source_that_is_dropped_lets_its_stream_go() {
    let lab = media().await;
    let source = DockerSource::new(config(&lab.url())).unwrap();
    hint(&source, "stream is open").await;
    drop(source);
    timeout(SOON, lab.streams_gone()).await.expect("the stream ends");
}

#[tokio::test]
async fn a_check_tells_reach_versions_and_rights_apart() {
    let lab = media().await;
    let source = quiet(&lab);
    let check = source.check().await;
    assert_eq!(check.reach, Ok(()));
    assert_eq!(check.api_version.as_deref(), Ok("1.41"));
    assert_eq!(check.engine_version.as_deref(), Ok("20.10.24+dfsg1"));
    assert_eq!(check.engine_name.as_deref(), Ok("box2-media"));
    assert_eq!(
        (check.containers, check.inspect, check.events, check.fingerprint),
        (Ok(5), Some(Ok(())), Ok(()), None)
    );

    lab.faults().set("/events", Fault::Status(403));
    lab.faults().set("/info", Fault::Status(403));
    let check = source.check().await;
    assert_eq!(check.containers, Ok(5));
    assert!(check.events.unwrap_err().why.contains("EVENTS=1"));
    assert_eq!(check.engine_name.unwrap_err().kind, GapKind::Unauthorized);

    lab.kill_daemon().await.unwrap();
    let check = source.check().await;
    assert_eq!(check.reach.unwrap_err().kind, GapKind::Unreachable);
    assert_eq!(check.inspect, None);
}
