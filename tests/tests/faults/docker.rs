//! A real Docker engine that stops in its tracks (SIGSTOP) while its containers die: for less time than an answer may
//! take nobody notices, for more it is blindness, and never is anything missing that nobody saw go.

use std::time::Instant;

use evenkeel_tests::engine::{self, Containers};
use evenkeel_tests::faults::{Figures, HOSTS, World, rounds};
use evenkeel_tests::program::{Home, Program};

use super::{Scene, blocking, file, until};

/// How its silence is called.
const BLIND: &str = "DOCKER_UNREACHABLE";

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_stops_in_its_tracks_is_blindness_and_nothing_of_it_goes_missing() {
    let Some(mut engine) = tokio::task::block_in_place(engine::own) else { return };
    let containers = Containers::on(&engine.socket());
    let mut scene = Scene::of(World::on_engine(containers).await, &["n8n"]).await;
    let home = scene.home();
    let host = HOSTS[0];
    home.write(&format!("{}\n{}", home.read(), watched(host, &engine.endpoint())));
    let books = file(&home);
    let mut oracle = scene.oracle(books.clone());

    // An answer may take a minute: whatever is shorter is not even blindness.
    home.edit("[docker_defaults]\ntimeout = \"1s\"", "[docker_defaults]\ntimeout = \"60s\"");
    let program = start(&home).await;
    let mut figures = Figures::of("Docker engine, SIGSTOP for less than an answer may take");
    for _ in 0..rounds(1) {
        blocking(|| engine.freeze());
        scene.world.die(&mut scene.random);
        scene.pause(100, 900).await;
        let begun = Instant::now();
        blocking(|| engine.thaw());
        figures.add(oracle.recovered(begun, &program).await);
        scene.world.mend();
        oracle.recovered(Instant::now(), &program).await;
    }
    figures.tell();
    program.stop().await;

    home.edit("timeout = \"60s\"", "timeout = \"1s\"");
    oracle.blindness = vec![BLIND];
    let program = start(&home).await;
    let mut figures = Figures::of("Docker engine, SIGSTOP until it is blindness");
    let blind = format!("{BLIND} {host}");
    for _ in 0..rounds(1) {
        blocking(|| engine.freeze());
        scene.world.die(&mut scene.random);
        until("blind", &program, async || {
            let Some(open) = books.open_drifts().await else { return false };
            // Everything ran when it froze, and nobody has seen anything since.
            assert!(open.iter().all(|drift| *drift == blind), "{open:#?}: {}", program.log());
            open.contains(&blind) && scene.inboxes[0].open().contains(&blind)
        })
        .await;
        let begun = Instant::now();
        blocking(|| engine.thaw());
        figures.add(oracle.recovered(begun, &program).await);
        scene.world.mend();
        oracle.recovered(Instant::now(), &program).await;
    }
    figures.tell();
    program.stop().await;
    oracle.assert_outbox_whole().await;
}

/// The lines of the configuration for this engine, whose own name, and how often its containers are killed, is nobody's business here.
fn watched(host: &str, endpoint: &str) -> String {
    format!(
        r#"
[[docker]]
name = "{host}"
host = "{host}"
endpoint = "{endpoint}"

[[ignore]]
name = "its name, and how often we kill"
reason = "the one is the machine's, the other is the test"
owner = "the test"
types = ["CONFIG_DRIFT", "RESTART_LOOP"]
"#
    )
}

/// Running, and having seen that all is well.
async fn start(home: &Home) -> Program {
    let program = home.start().await;
    program.until_ready().await;
    program
}
