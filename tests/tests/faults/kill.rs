//! `kill -9` at any moment: while it works, and while it comes back from the last time.

use std::time::{Duration, Instant};

use evenkeel_lab::receiver::Mode;
use evenkeel_tests::faults::{Books, Figures, rounds};
use evenkeel_tests::program::Home;
use evenkeel_tests::replicas;
use xtask::real::postgres::Setup;

use super::{Scene, assert_file_is_whole, file, server_books};

/// How long the world changes in each round: most kills are within, and the rest of the changes happen unseen.
const SPAN: u64 = 500;

async fn killed(fault: &str, mut scene: Scene, home: &Home, books: Books, rounds: u32) {
    // Slow enough that some deliveries are under way.
    scene.inboxes[0].receiver.set_mode(Mode::Slow(Duration::from_millis(10)));
    let mut oracle = scene.oracle(books);
    let mut figures = Figures::of(fault);
    let mut program = home.start().await;
    program.until_logged("running").await;
    for round in 0..rounds {
        let churn = scene.churn(SPAN);
        scene.pause(0, SPAN + 100).await;
        program.kill().await;
        churn.await.unwrap();
        if round % 3 == 2 {
            program = home.start().await;
            scene.pause(0, 400).await;
            program.kill().await;
        }
        let begun = Instant::now();
        program = home.start().await;
        figures.add(oracle.recovered(begun, &program).await);
    }
    program.stop().await;
    oracle.assert_outbox_whole().await;
    figures.tell();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_on_sqlite_it_loses_nothing_and_says_nothing_twice() {
    let scene = Scene::new(&["n8n"]).await;
    let home = scene.home();
    let books = file(&home);
    killed("kill -9, SQLite", scene, &home, books, rounds(4)).await;
    assert_file_is_whole(&home).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_on_postgresql_it_loses_nothing_and_says_nothing_twice() {
    let Some(server) = replicas::server(Setup::default()) else { return };
    let scene = Scene::new(&["n8n"]).await;
    let home = scene.home_on(&server);
    let program = home.start().await;
    program.until_logged("running").await;
    let books = server_books(&server).await;
    program.stop().await;
    killed("kill -9, PostgreSQL", scene, &home, books, rounds(2)).await;
}
