//! Does the simulated engine speak the published schema? An independent client, with closed types for all of it, reads
//! the lab here. Nothing of evenkeel's own source is involved.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::collections::HashMap;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{ContainerSummaryStateEnum, EventMessage, HealthStatusEnum, RestartPolicyNameEnum};
use bollard::query_parameters::{EventsOptions, InspectContainerOptions, ListContainersOptions};
use bollard::{API_DEFAULT_VERSION, Docker};
use evenkeel_core::model::Health;
use evenkeel_lab::docker::{Container, DockerLab};
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

fn client(lab: &DockerLab) -> Docker {
    Docker::connect_with_http(&lab.url(), 20, API_DEFAULT_VERSION).unwrap()
}

fn filters(pairs: &[(&str, &str)]) -> Option<HashMap<String, Vec<String>>> {
    Some(pairs.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()])).collect())
}

fn all() -> Option<ListContainersOptions> {
    Some(ListContainersOptions { all: true, ..Default::default() })
}

async fn engine() -> DockerLab {
    let lab = DockerLab::start("box2-media").await.unwrap();
    lab.run(
        Container::compose("media", "jellyfin")
            .image("jellyfin/jellyfin:10.10")
            .publish(8096, 8096)
            .publish_udp(7359, 7359)
            .expose(9000)
            .env("API_KEY", "planted")
            .health(Health::Unhealthy),
    );
    lab.run(Container::new("paused"));
    lab.pause("paused").unwrap();
    lab.run(Container::new("looping"));
    lab.crash_loop("looping", 6).unwrap();
    lab.run(Container::new("done").stays_down());
    lab.exit("done", 0).unwrap();
    lab.create(Container::new("new").network("host"));
    lab
}

#[tokio::test]
async fn version_and_info_are_what_the_schema_says() {
    let lab = engine().await;
    let client = client(&lab);
    let version = client.version().await.unwrap();
    assert_eq!(version.api_version.as_deref(), Some("1.41"));
    assert_eq!(version.version.as_deref(), Some("20.10.24+dfsg1"));
    let info = client.info().await.unwrap();
    assert_eq!((info.name.as_deref(), info.containers), (Some("box2-media"), Some(5)));
    assert_eq!(
        (info.containers_running, info.containers_paused, info.containers_stopped),
        (Some(2), Some(1), Some(2))
    );
    assert_eq!(client.ping().await.unwrap(), "OK");
    let negotiated = Docker::connect_with_http(&lab.url(), 20, API_DEFAULT_VERSION).unwrap();
    assert!(negotiated.negotiate_version().await.is_ok());
}

#[tokio::test]
async fn every_state_and_port_in_the_list_is_what_the_schema_says() {
    let lab = engine().await;
    let client = client(&lab);
    let containers = client.list_containers(all()).await.unwrap();
    let state = |name: &str| {
        let name = format!("/{name}");
        containers.iter().find(|c| c.names.as_ref().is_some_and(|names| names.contains(&name))).unwrap().state
    };
    assert_eq!(state("media-jellyfin-1"), Some(ContainerSummaryStateEnum::RUNNING));
    assert_eq!(state("paused"), Some(ContainerSummaryStateEnum::PAUSED));
    assert_eq!(state("looping"), Some(ContainerSummaryStateEnum::RESTARTING));
    assert_eq!(state("done"), Some(ContainerSummaryStateEnum::EXITED));
    assert_eq!(state("new"), Some(ContainerSummaryStateEnum::CREATED));
    assert_eq!(client.list_containers(None).await.unwrap().len(), 3, "without all, only what is up");

    let labelled = ListContainersOptions {
        all: true,
        filters: filters(&[("label", "com.docker.compose.service=jellyfin")]),
        ..Default::default()
    };
    let jellyfin = client.list_containers(Some(labelled)).await.unwrap();
    assert_eq!(jellyfin.len(), 1);
    let ports = jellyfin[0].ports.as_ref().unwrap();
    assert_eq!(ports.len(), 5, "one exposed, two published with a twin each: {ports:?}");
    assert!(ports.iter().any(|port| port.public_port == Some(7359) && port.ip.as_deref() == Some("::")));
    assert!(jellyfin[0].status.as_deref().unwrap().ends_with("(unhealthy)"));
    assert_eq!(jellyfin[0].host_config.as_ref().unwrap().network_mode.as_deref(), Some("media_default"));
}

#[tokio::test]
async fn an_inspection_has_what_the_list_has_not() {
    let lab = engine().await;
    let client = client(&lab);
    let inspect = |name: &'static str| client.inspect_container(name, None::<InspectContainerOptions>);
    let jellyfin = inspect("media-jellyfin-1").await.unwrap();
    assert_eq!(jellyfin.config.unwrap().env.unwrap(), ["API_KEY=planted"]);
    let health = jellyfin.state.unwrap().health.unwrap();
    assert_eq!((health.status, health.failing_streak), (Some(HealthStatusEnum::UNHEALTHY), Some(1)));
    let bindings = jellyfin.host_config.unwrap().port_bindings.unwrap();
    assert_eq!(bindings["8096/tcp"].as_ref().unwrap()[0].host_port.as_deref(), Some("8096"));
    let looping = inspect("looping").await.unwrap();
    assert_eq!(looping.restart_count, Some(6));
    let state = looping.state.unwrap();
    assert_eq!((state.restarting, state.running, state.exit_code), (Some(true), Some(true), Some(1)));
    let policy = inspect("done").await.unwrap().host_config.unwrap().restart_policy.unwrap();
    assert_eq!(policy.name, Some(RestartPolicyNameEnum::NO));
    match inspect("nobody").await {
        Err(Error::DockerResponseServerError { status_code: 404, message }) => {
            assert_eq!(message, "No such container: nobody");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_filter_nobody_knows_is_refused_as_the_engine_refuses_it() {
    let lab = engine().await;
    let odd = ListContainersOptions { filters: filters(&[("x", "y")]), ..Default::default() };
    match client(&lab).list_containers(Some(odd)).await {
        Err(Error::DockerResponseServerError { status_code: 400, message }) => {
            assert_eq!(message, "Invalid filter 'x'");
        }
        other => panic!("{other:?}"),
    }
}

async fn next(events: &mut (impl Stream<Item = Result<EventMessage, Error>> + Unpin)) -> Option<String> {
    let event = timeout(SOON, events.next()).await.expect("an event or the end comes")?;
    Some(event.map_or_else(
        |_| "broken".to_owned(),
        |event| {
            let actor = event.actor.unwrap();
            let mut text =
                format!("{} {}", event.action.unwrap(), actor.attributes.as_ref().unwrap()["name"]);
            if let Some(code) = actor.attributes.unwrap().get("exitCode") {
                text += &format!(" {code}");
            }
            text
        },
    ))
}

#[tokio::test]
async fn events_tell_what_was_done_in_the_engines_words() {
    let lab = engine().await;
    let client = client(&lab);
    let options = EventsOptions {
        // From the beginning, so that nothing depends on who is faster.
        since: Some("0".to_owned()),
        filters: filters(&[("type", "container"), ("container", "web")]),
        ..Default::default()
    };
    let mut events = Box::pin(client.events(Some(options)));
    lab.run(Container::new("web").stays_down());
    lab.set_health("web", Health::Healthy).unwrap();
    lab.stop("web").unwrap();
    lab.start_container("web").unwrap();
    lab.exit("web", 3).unwrap();
    lab.remove("web").unwrap();
    for expected in [
        "create web",
        "start web",
        "health_status: healthy web",
        "kill web",
        "die web 143",
        "stop web",
        "start web",
        "die web 3",
        "destroy web",
    ] {
        assert_eq!(next(&mut events).await.as_deref(), Some(expected));
    }
    lab.end_streams();
    assert_eq!(next(&mut events).await, None, "a clean end is no error");
}

#[tokio::test]
async fn an_engine_remembers_256_events_until_its_daemon_ends() {
    let lab = DockerLab::start("box").await.unwrap();
    lab.run(Container::new("busy"));
    for _ in 0..200 {
        lab.pause("busy").unwrap();
        lab.unpause("busy").unwrap();
    }
    let client = client(&lab);
    let past = || {
        let until = Some("1".to_owned());
        client.events(Some(EventsOptions { since: Some("0".to_owned()), until, ..Default::default() }))
    };
    assert_eq!(timeout(SOON, past().count()).await.unwrap(), 256);
    lab.kill_daemon().await.unwrap();
    assert!(client.ping().await.is_err());
    lab.start_daemon().await.unwrap();
    assert_eq!(timeout(SOON, past().count()).await.unwrap(), 0);
    lab.resume();
    assert_eq!(timeout(SOON, past().count()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_killed_daemon_breaks_the_stream_and_a_stopped_one_says_goodbye() {
    let lab = DockerLab::start("box").await.unwrap();
    lab.run(Container::new("web"));
    let client = client(&lab);
    let options = || Some(EventsOptions { since: Some("0".to_owned()), ..Default::default() });
    let mut events = Box::pin(client.events(options()));
    assert_eq!(next(&mut events).await.as_deref(), Some("create web"));
    assert_eq!(next(&mut events).await.as_deref(), Some("start web"));
    lab.kill_daemon().await.unwrap();
    assert_eq!(next(&mut events).await.as_deref(), Some("broken"));

    lab.start_daemon().await.unwrap();
    lab.resume();
    let mut events = Box::pin(client.events(options()));
    assert_eq!(next(&mut events).await.as_deref(), Some("start web"));
    lab.stop_daemon().await.unwrap();
    for expected in ["kill web", "die web 143", "stop web"] {
        assert_eq!(next(&mut events).await.as_deref(), Some(expected));
    }
    assert_eq!(next(&mut events).await, None);
}
