//! A database that is away, hangs or is full: passes and deliveries wait, it is said so, and what happened meanwhile is
//! told once when it is back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use evenkeel_lab::receiver::Receiver;
use evenkeel_store::Store;
use evenkeel_tests::load::{
    HOSTS, SERVICES, assert_everything_arrived, assert_one_event_per_transition, is_told,
};
use evenkeel_tests::program::Program;
use evenkeel_tests::replicas::{figure, home, read, readiness, server};
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, all_events, in_words, soon};
use xtask::real::postgres::{Postgres, Setup};

/// Waits until the program says that it is not ready, in words that hold this.
async fn until_it_says(program: &Program, words: &str) {
    let said = async || {
        let (status, body) = readiness(program).await;
        status == 503 && body["store_ok"] == false && body["reasons"].to_string().contains(words)
    };
    assert!(soon(said).await, "{:?}\n{}", readiness(program).await, program.log());
}

async fn until_event(store: &dyn Store, words: &str, program: &Program) {
    let is_there = async || all_events(store).await.first().is_some_and(|event| in_words(event) == words);
    assert!(soon(is_there).await, "no {words}: {}", program.log());
}

fn blocking<T>(act: impl FnOnce() -> anyhow::Result<T>) -> T {
    tokio::task::block_in_place(act).unwrap()
}

/// How a database can be away, and how it comes back.
type Way = (&'static str, fn(&mut Postgres) -> anyhow::Result<()>, fn(&mut Postgres) -> anyhow::Result<()>);

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_everything_waits_and_afterwards_it_is_told_once() {
    let Some(mut server) = server(Setup::default()) else { return };
    let lab = Lab::small(&HOSTS.map(|host| (host, SERVICES))).await;
    let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
    let home = home(&lab, Some(&receiver.url()), &server, "one");
    let program = home.start().await;
    program.until_ready().await;
    let ways: [Way; 3] = [
        ("killed", Postgres::kill, Postgres::restart),
        ("frozen", Postgres::freeze, Postgres::thaw),
        ("stopped", Postgres::stop, Postgres::restart),
    ];
    for (way, leave, come_back) in ways {
        blocking(|| leave(&mut server));
        lab.engine("box").stop("db").unwrap();
        until_it_says(&program, "store").await;
        let is_counted = async || figure(&program, "evenkeel_store_up").await == Some(0.0);
        assert!(soon(is_counted).await, "{way}: {}", program.log());
        blocking(|| come_back(&mut server));
        program.until_ready().await;
        let store = read(&server).await;
        let opened = if way == "killed" { "opened" } else { "reopened" };
        until_event(&*store, &format!("{opened} SERVICE_MISSING db@box"), &program).await;
        lab.engine("box").start_container("db").unwrap();
        until_event(&*store, "resolved SERVICE_MISSING db@box", &program).await;
        assert!(soon(|| is_told(&*store)).await, "{}", program.log());
        store.close().await;
    }
    let store = read(&server).await;
    let mut events = all_events(&*store).await;
    events.reverse();
    assert_eq!(events.len(), 6, "{events:#?}");
    assert_one_event_per_transition(&events);
    assert_everything_arrived(&*store, &events, &receiver).await;
    let log = program.stop().await;
    let said = log.matches("nothing can be kept; passes and deliveries wait").count();
    // Of an absence that was over before anything wanted to be written, nothing is said.
    assert!((1..=6).contains(&said), "said {said} times:\n{log}");
    assert!(!log.contains(server.password()), "{log}");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_its_database_waits_for_it_and_a_wrong_password_does_not() {
    let Some(mut server) = server(Setup::default()) else { return };
    let lab = Lab::small(&HOSTS.map(|host| (host, SERVICES))).await;
    let mut home = home(&lab, None, &server, "one");
    blocking(|| server.stop());
    let program = home.start().await;
    program.until_logged("waiting for the store").await;
    until_it_says(&program, "unavailable").await;
    blocking(|| server.restart());
    program.until_ready().await;
    let log = program.stop().await;
    assert_eq!(log.matches("waiting for the store").count(), 1, "{log}");

    let wrong = server.url().replace(server.password(), "notthepassword");
    home.secrets.push(("LAB_DATABASE".to_owned(), wrong));
    let (status, log) = home.start().await.ended().await;
    assert_eq!(status.code(), Some(2), "{log}");
    assert!(log.contains("user or password are wrong") && log.contains("hint:"), "{log}");
    assert!(!log.contains("notthepassword"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_out_like_a_database_that_is_away() {
    let Some(mut server) = server(Setup { disk_megabytes: Some(120), ..Setup::default() }) else { return };
    let lab = Lab::small(&HOSTS.map(|host| (host, SERVICES))).await;
    let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
    let home = home(&lab, Some(&receiver.url()), &server, "one");
    let program = home.start().await;
    program.until_ready().await;
    blocking(|| server.fill_disk());
    // One more thing each time, until one of them needs a byte that is not there.
    let mut guests = 0_u16;
    let is_full = async |guests: &mut u16| {
        let name = format!("guest-{guests}");
        lab.engine("attic").run(evenkeel_tests::stage::container("attic", &name, 7000 + *guests));
        *guests += 1;
        let (status, body) = readiness(&program).await;
        status == 503 && body["store_ok"] == false
    };
    let mut full = false;
    while !full && guests < 2000 {
        full = is_full(&mut guests).await;
    }
    assert!(full, "{guests} guests fit: {}", program.log());
    blocking(|| server.free_disk());
    program.until_ready().await;
    let store = read(&server).await;
    let all_told = async || all_events(&*store).await.len() == usize::from(guests) && is_told(&*store).await;
    assert!(soon(all_told).await, "{} of {guests}: {}", all_events(&*store).await.len(), program.log());
    let mut events = all_events(&*store).await;
    events.reverse();
    assert_one_event_per_transition(&events);
    assert_everything_arrived(&*store, &events, &receiver).await;
    program.stop().await;
    store.close().await;
}
