//! A PostgreSQL that restarts, dies, freezes or has no space left, under load.

use std::time::Instant;

use evenkeel_tests::faults::{Figures, rounds};
use evenkeel_tests::replicas;
use xtask::real::Postgres;
use xtask::real::postgres::Setup;

use super::{Scene, blocking, server_books, until};

type Act = fn(&mut Postgres) -> anyhow::Result<()>;

/// How it goes, and how it comes back.
const WAYS: [(&str, Act, Act); 4] = [
    ("PostgreSQL, fast restart", Postgres::stop, Postgres::restart),
    ("PostgreSQL, immediate restart", Postgres::quit, Postgres::restart),
    ("PostgreSQL, killed", Postgres::kill, Postgres::restart),
    ("PostgreSQL, SIGSTOP", Postgres::freeze, Postgres::thaw),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_restarts_dies_or_freezes_costs_time_and_nothing_else() {
    let Some(mut server) = replicas::server(Setup::default()) else { return };
    let mut scene = Scene::new(&["n8n"]).await;
    let home = scene.home_on(&server);
    let program = home.start().await;
    program.until_logged("running").await;
    let mut oracle = scene.oracle(server_books(&server).await);
    for (way, leave, come_back) in WAYS {
        let mut figures = Figures::of(way);
        for _ in 0..rounds(1) {
            let churn = scene.churn(800);
            scene.pause(0, 400).await;
            blocking(|| leave(&mut server));
            scene.pause(100, 1500).await;
            churn.await.unwrap();
            let begun = Instant::now();
            blocking(|| come_back(&mut server));
            figures.add(oracle.recovered(begun, &program).await);
        }
        figures.tell();
    }
    oracle.assert_outbox_whole().await;
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_postgresql_costs_time_and_nothing_else() {
    let Some(mut server) = replicas::server(Setup { disk_megabytes: Some(120), ..Setup::default() }) else {
        return;
    };
    let mut scene = Scene::new(&["n8n"]).await;
    let home = scene.home_on(&server);
    let program = home.start().await;
    program.until_logged("running").await;
    let mut oracle = scene.oracle(server_books(&server).await);
    let mut figures = Figures::of("full disk, PostgreSQL");
    for _ in 0..rounds(1) {
        blocking(|| server.fill_disk());
        scene.churn(500).await.unwrap();
        super::disk::until_nothing_can_be_kept(&mut scene, &program).await;
        let begun = Instant::now();
        blocking(|| server.free_disk());
        figures.add(oracle.recovered(begun, &program).await);
    }
    until("the store is back", &program, async || program.log().contains("the store is back")).await;
    oracle.assert_outbox_whole().await;
    figures.tell();
    program.stop().await;
}
