//! The Docker source against a real engine: what simulated ones can only claim. Needs `cargo xtask test`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion itself"
)]

use std::time::{Duration, Instant};

use evenkeel_core::model::{Health, HostSnapshot, Port, Ports, Published, RunState};
use evenkeel_core::{Fact, GapKind};
use evenkeel_sources::Source as _;
use evenkeel_tests::engine::{self, Containers, SOON, observe, service, source, until};
use serde_json::json;

fn known_state(snapshot: &HostSnapshot, name: &str) -> Option<RunState> {
    match &service(snapshot, name)?.state {
        Fact::Known(state) => Some(*state),
        Fact::Unknown(_) => None,
    }
}

fn sees(snapshot: &HostSnapshot, name: &str, state: RunState) -> bool {
    snapshot.coverage.is_complete() && known_state(snapshot, name) == Some(state)
}

fn is_blind(snapshot: &HostSnapshot, kind: GapKind) -> bool {
    snapshot.services.is_empty() && snapshot.coverage.gap().is_some_and(|gap| gap.kind == kind)
}

#[tokio::test]
async fn containers_in_every_state_are_read_completely() {
    let Some(socket) = engine::shared() else { return };
    let mut containers = Containers::on(&socket);
    let source = source(&socket, |_| ());
    containers.create("created", json!({}));
    containers.run("running", json!({}));
    let exited = containers.run("exited", json!({}));
    containers.act(&exited, "stop");
    let paused = containers.run("paused", json!({}));
    containers.act(&paused, "pause");
    for (short, state) in [
        ("created", RunState::Created),
        ("running", RunState::Running),
        ("exited", RunState::Exited),
        ("paused", RunState::Paused),
    ] {
        let name = containers.name(short);
        let snapshot = until(&source, short, |snapshot| sees(snapshot, &name, state)).await;
        assert_eq!(service(&snapshot, &name).unwrap().image.as_deref(), Some(xtask::real::IMAGE));
        assert!(snapshot.facts.engine_id.is_some() && matches!(snapshot.facts.name, Some(Fact::Known(_))));
    }
    containers.act(&paused, "unpause");
    let name = containers.name("paused");
    until(&source, "unpaused", |snapshot| sees(snapshot, &name, RunState::Running)).await;
}

#[tokio::test]
async fn published_ports_are_host_ports_once_each_and_loopback_is_told_apart() {
    let Some(socket) = engine::shared() else { return };
    if evenkeel_tests::provided("EVENKEEL_TEST_DOCKER_NETWORK").as_deref() != Some("bridge") {
        evenkeel_tests::skip("containers cannot publish ports on this machine");
        return;
    }
    let mut containers = Containers::on(&socket);
    let source = source(&socket, |_| ());
    // Chosen, not left to the engine, which gives each address its own numbers: the same one can then be both open and
    // loopback. The engine has a network of its own, so nobody else listens there.
    containers.run(
        "web",
        json!({
            "ExposedPorts": { "80/tcp": {}, "53/udp": {}, "5432/tcp": {}, "9187/tcp": {} },
            "HostConfig": { "PortBindings": {
                "80/tcp": [{ "HostPort": "28080" }, { "HostPort": "28081" }],
                "53/udp": [{ "HostPort": "28053" }],
                "5432/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "25432" }],
            }},
        }),
    );
    let expected = Published {
        open: Ports::new([Port::tcp(28080), Port::tcp(28081), Port::udp(28053)]),
        loopback: Ports::new([Port::tcp(25432)]),
    };
    let name = containers.name("web");
    let snapshot = until(&source, "web", |snapshot| sees(snapshot, &name, RunState::Running)).await;
    assert_eq!(service(&snapshot, &name).unwrap().ports, Fact::Known(expected));
}

#[tokio::test]
async fn what_stopped_or_uses_the_host_network_has_unknown_ports_not_none() {
    let Some(socket) = engine::shared() else { return };
    let mut containers = Containers::on(&socket);
    let source = source(&socket, |_| ());
    let stopped = containers.run("stopped", json!({}));
    containers.act(&stopped, "stop");
    containers.run("hostnet", json!({ "HostConfig": { "NetworkMode": "host" } }));
    let names = [containers.name("stopped"), containers.name("hostnet")];
    let snapshot = until(&source, "both", |snapshot| {
        sees(snapshot, &names[0], RunState::Exited) && sees(snapshot, &names[1], RunState::Running)
    })
    .await;
    for name in &names {
        let ports = &service(&snapshot, name).unwrap().ports;
        assert!(matches!(ports, Fact::Unknown(_)), "{name}: {ports:?}");
    }
}

#[tokio::test]
async fn compose_labels_make_replicas_one_service_and_one_off_runs_none() {
    let Some(socket) = engine::shared() else { return };
    let mut containers = Containers::on(&socket);
    let source = source(&socket, |_| ());
    let (project, compose) = (containers.name("media"), containers.name("jellyfin"));
    let labels = |number: &str, oneoff: &str| {
        json!({ "Labels": {
            "com.docker.compose.project": project,
            "com.docker.compose.service": compose,
            "com.docker.compose.container-number": number,
            "com.docker.compose.oneoff": oneoff,
            "evenkeel.role": "video",
        }})
    };
    containers.run("media-jellyfin-1", labels("1", "False"));
    containers.run("media-jellyfin-2", labels("2", "False"));
    containers.run("media-jellyfin-run", labels("1", "True"));
    let snapshot = until(&source, "both replicas", |snapshot| {
        service(snapshot, &compose).is_some_and(|service| service.replicas == 2)
    })
    .await;
    let seen = service(&snapshot, &compose).unwrap();
    assert_eq!(seen.hints.compose_project.as_deref(), Some(project.as_str()));
    assert_eq!(seen.hints.compose_service.as_deref(), Some(compose.as_str()));
    assert_eq!(seen.role.as_deref(), Some("video"));
    assert!(service(&snapshot, &containers.name("media-jellyfin-run")).is_none());
}

#[tokio::test]
async fn s1_no_environment_command_or_foreign_label_reaches_the_snapshot() {
    let Some(socket) = engine::shared() else { return };
    let mut containers = Containers::on(&socket);
    let source = source(&socket, |_| ());
    containers.run(
        "secretive",
        json!({
            "Env": ["API_KEY=planted-in-environment"],
            "Cmd": ["sh", "-c", "sleep 86400; echo --token=planted-in-command"],
            "Labels": { "traefik.basicauth": "admin:planted-in-label" },
            "Healthcheck": { "Test": ["CMD-SHELL", "echo planted-in-healthcheck; false"], "Interval": 1_000_000_000, "Retries": 1 },
            "HostConfig": { "RestartPolicy": { "Name": "always" } },
        }),
    );
    let name = containers.name("secretive");
    let unhealthy = |snapshot: &HostSnapshot| {
        service(snapshot, &name).is_some_and(|s| s.health == Fact::Known(Health::Unhealthy))
    };
    let snapshot = until(&source, "unhealthy", unhealthy).await;
    let check = source.check().await;
    let everything = format!("{snapshot:?} {} {check:?}", serde_json::to_string(&snapshot).unwrap());
    assert!(!everything.contains("planted"), "{everything}");
}

#[tokio::test]
async fn a_failing_health_check_is_unhealthy_and_still_running() {
    let Some(socket) = engine::shared() else { return };
    let mut containers = Containers::on(&socket);
    let source = source(&socket, |_| ());
    let check = |test: &str| json!({ "Healthcheck": { "Test": ["CMD", test], "Interval": 1_000_000_000, "Retries": 1 } });
    containers.run("sick", check("false"));
    containers.run("well", check("true"));
    let (sick, well) = (containers.name("sick"), containers.name("well"));
    let snapshot = until(&source, "both verdicts", |snapshot| {
        let health = |name| service(snapshot, name).map(|service| &service.health);
        health(&sick) == Some(&Fact::Known(Health::Unhealthy))
            && health(&well) == Some(&Fact::Known(Health::Healthy))
    })
    .await;
    assert_eq!(known_state(&snapshot, &sick), Some(RunState::Running));
}

#[tokio::test]
async fn a_crash_loop_is_counted_and_a_restart_by_hand_is_not() {
    let Some(socket) = engine::shared() else { return };
    let mut containers = Containers::on(&socket);
    let source = source(&socket, |_| ());
    let asked = containers.run("asked", json!({}));
    let name = containers.name("asked");
    until(&source, "running", |snapshot| sees(snapshot, &name, RunState::Running)).await;
    for _ in 0..3 {
        containers.act(&asked, "restart");
    }
    containers.run(
        "crashing",
        json!({ "Cmd": ["sh", "-c", "exit 3"], "HostConfig": { "RestartPolicy": { "Name": "always" } } }),
    );
    let crashing = containers.name("crashing");
    let snapshot = until(&source, "four restarts", |snapshot| {
        service(snapshot, &crashing).is_some_and(|s| matches!(s.restarts, Fact::Known(n) if n >= 4))
    })
    .await;
    assert_eq!(service(&snapshot, &name).unwrap().restarts, Fact::Known(0));
}

#[tokio::test]
async fn a_container_that_dies_is_known_within_a_moment() {
    let Some(socket) = engine::shared() else { return };
    let mut containers = Containers::on(&socket);
    let source = source(&socket, |_| ());
    let id = containers.run("victim", json!({}));
    let name = containers.name("victim");
    until(&source, "running", |snapshot| sees(snapshot, &name, RunState::Running)).await;
    let killed = Instant::now();
    containers.act(&id, "kill");
    // Other tests' containers cause hints, too: each is a reason to look, as for the controller.
    let deadline = tokio::time::Instant::now() + SOON;
    loop {
        tokio::time::timeout_at(deadline, source.changed()).await.expect("a hint comes");
        let snapshot = observe(&source).await;
        if known_state(&snapshot, &name) == Some(RunState::Exited) {
            break;
        }
    }
    // Generous for a busy machine, and far below any interval at which an engine is polled.
    assert!(killed.elapsed() < Duration::from_secs(5), "{:?}", killed.elapsed());
}

#[tokio::test]
async fn a_death_is_never_missed_though_the_engine_tells_it_before_its_list_shows_it() {
    // Alone, so that nothing but this death is a reason to look.
    let Some(engine) = engine::own() else { return };
    let socket = engine.socket();
    let mut containers = Containers::on(&socket);
    let source = source(&socket, |config| config.debounce = Duration::ZERO);
    let id = containers.run("victim", json!({}));
    let name = containers.name("victim");
    until(&source, "running", |snapshot| sees(snapshot, &name, RunState::Running)).await;
    // The call ends when the list is right; the event is heard before.
    let path = format!("/containers/{id}/kill");
    let killing =
        std::thread::spawn(move || xtask::real::request(&socket, "POST", &path, ("text/plain", b"")));
    let deadline = tokio::time::Instant::now() + SOON;
    let mut died = false;
    while !died || known_state(&observe(&source).await, &name) != Some(RunState::Exited) {
        let hint = tokio::time::timeout_at(deadline, source.changed()).await.expect("a hint comes");
        died |= hint.reason.starts_with("die");
    }
    assert_eq!(killing.join().unwrap().unwrap().status, 204);
}

#[tokio::test]
async fn doctor_finds_a_real_engine_in_order() {
    let Some(socket) = engine::shared() else { return };
    let mut containers = Containers::on(&socket);
    containers.run("any", json!({}));
    let check = source(&socket, |_| ()).check().await;
    assert_eq!((&check.reach, &check.events), (&Ok(()), &Ok(())));
    assert!(
        check.engine_version.is_ok() && check.api_version.is_ok() && check.engine_name.is_ok(),
        "{check:?}"
    );
    assert!(check.containers.is_ok_and(|count| count >= 1));
}

#[tokio::test]
async fn u3_a_planned_stop_of_the_engine_never_shows_its_services_as_gone() {
    let Some(mut engine) = engine::own() else { return };
    let socket = engine.socket();
    let mut containers = Containers::on(&socket);
    let source = source(&socket, |config| config.settle = Duration::from_secs(20));
    containers.run("steady", json!({ "HostConfig": { "RestartPolicy": { "Name": "always" } } }));
    let name = containers.name("steady");
    until(&source, "running", |snapshot| sees(snapshot, &name, RunState::Running)).await;

    // Whatever is seen from the first word of the stop until it runs again must leave room for "unknown".
    let (done, stopped) = tokio::sync::oneshot::channel();
    let work = std::thread::spawn(move || {
        engine.stop().unwrap();
        let _ = done.send(());
        engine
    });
    let proves_absence = |snapshot: &HostSnapshot| {
        snapshot.coverage.is_complete()
            && known_state(snapshot, &name) != Some(RunState::Running)
            && service(snapshot, &name).is_none_or(|service| matches!(service.state, Fact::Known(_)))
    };
    tokio::pin!(stopped);
    loop {
        let snapshot = observe(&source).await;
        assert!(!proves_absence(&snapshot), "while it stops: {snapshot:#?}");
        if tokio::time::timeout(Duration::from_millis(5), &mut stopped).await.is_ok() {
            break;
        }
    }
    let mut engine = work.join().unwrap();
    until(&source, "the stop", |snapshot| is_blind(snapshot, GapKind::Unreachable)).await;

    engine.restart().unwrap();
    until(&source, "the return", |snapshot| {
        assert!(!proves_absence(snapshot), "after its return: {snapshot:#?}");
        sees(snapshot, &name, RunState::Running)
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_dies_is_noticed_by_its_stream_and_its_return_too() {
    let Some(mut engine) = engine::own() else { return };
    let socket = engine.socket();
    let mut containers = Containers::on(&socket);
    // Rests between two attempts, so that the container is still alive when the engine is back.
    let source = source(&socket, |_| ());
    containers.run("orphan", json!({ "HostConfig": { "RestartPolicy": { "Name": "always" } } }));
    let name = containers.name("orphan");
    until(&source, "running", |snapshot| sees(snapshot, &name, RunState::Running)).await;
    engine.kill().unwrap();
    let deadline = tokio::time::Instant::now() + SOON;
    while !is_blind(&observe(&source).await, GapKind::Unreachable) {
        tokio::time::timeout_at(deadline, source.changed()).await.expect("a hint of its death comes");
    }
    engine.restart().unwrap();
    while !sees(&observe(&source).await, &name, RunState::Running) {
        tokio::time::timeout_at(deadline, source.changed()).await.expect("a hint of its return comes");
    }
}

#[tokio::test]
async fn an_engine_that_hangs_is_a_time_out_and_not_an_empty_list() {
    let Some(mut engine) = engine::own() else { return };
    let socket = engine.socket();
    let mut containers = Containers::on(&socket);
    let source = source(&socket, |config| config.timeout = Duration::from_secs(1));
    containers.run("frozen", json!({}));
    let name = containers.name("frozen");
    until(&source, "running", |snapshot| sees(snapshot, &name, RunState::Running)).await;
    engine.freeze().unwrap();
    // What was asked in the moment of the freeze may still be answered, in part or in whole.
    until(&source, "the hang", |snapshot| {
        let absent = service(snapshot, &name).is_none() && snapshot.coverage.is_complete();
        assert!(!absent, "{snapshot:#?}");
        is_blind(snapshot, GapKind::TimedOut)
    })
    .await;
    engine.thaw().unwrap();
    until(&source, "the thaw", |snapshot| sees(snapshot, &name, RunState::Running)).await;
}
