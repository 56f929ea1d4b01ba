//! Real faults on the real binary, again and again, while the world it watches keeps changing. After each: nothing lost,
//! nothing twice, and how long it took (`docs/faults.md`).
//!
//! A few rounds of each in every run of the tests; `cargo xtask faults` makes as many as one likes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion itself"
)]

mod disk;
mod docker;
mod kill;
mod network;
mod postgres;
mod receiver;

use std::sync::Arc;
use std::time::{Duration, Instant};

use evenkeel_tests::faults::{Books, Inbox, Oracle, World};
use evenkeel_tests::load::Random;
use evenkeel_tests::program::{Home, Program};
use evenkeel_tests::replicas;
use tokio::task::JoinHandle;
use xtask::real::Postgres;

/// How long something may take that is sure to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A world, whoever is told of it, and whoever watches over both.
struct Scene {
    world: Arc<World>,
    inboxes: Vec<Arc<Inbox>>,
    random: Random,
}

impl Scene {
    /// A world that tells the sinks of these names.
    async fn new(sinks: &[&str]) -> Self {
        Self::of(World::start().await, sinks).await
    }

    /// This world, telling the sinks of these names.
    async fn of(world: World, sinks: &[&str]) -> Self {
        let world = Arc::new(world);
        let mut inboxes = Vec::new();
        for sink in sinks {
            inboxes.push(Arc::new(Inbox::start(sink).await));
        }
        Self { world, inboxes, random: Random::seeded() }
    }

    /// A configuration for a file.
    fn home(&self) -> Home {
        let home = Home::new(&self.world.lab, Some(&self.inboxes[0].receiver.url()));
        self.quicken(&home);
        home
    }

    /// A configuration for a database on this server.
    fn home_on(&self, server: &Postgres) -> Home {
        let url = self.inboxes[0].receiver.url();
        let home = replicas::home(&self.world.lab, Some(&url), server, "one");
        self.quicken(&home);
        home
    }

    /// Nobody is waited for as long as in earnest, and whoever else there is is told, too.
    fn quicken(&self, home: &Home) {
        home.edit("[docker_defaults]\n", "[docker_defaults]\ntimeout = \"1s\"\n");
        home.edit("probe_interval", "timeout = \"1s\"\nprobe_interval");
        home.edit("name = \"n8n\"\n", "name = \"n8n\"\ntimeout = \"1s\"\n");
        let (first, others) = self.inboxes.split_first().expect("a receiver");
        let text = home.read();
        let (_, sink) = text.split_once("\n[[sink]]\n").expect("a sink");
        for inbox in others {
            let sink = sink.replace("\"n8n\"", &format!("\"{}\"", inbox.sink));
            let sink = sink.replace(&first.receiver.url(), &inbox.receiver.url());
            home.write(&format!("{}\n[[sink]]\n{sink}", home.read()));
        }
    }

    fn oracle(&self, books: Books) -> Oracle {
        Oracle::new(self.world.clone(), books, &self.inboxes)
    }

    /// Lets the world change for this long.
    fn churn(&mut self, millis: u64) -> JoinHandle<()> {
        let random = Random::of(self.random.below(u64::MAX));
        let world = self.world.clone();
        tokio::spawn(async move { world.churn(random, Duration::from_millis(millis)).await })
    }

    async fn pause(&mut self, from: u64, to: u64) {
        tokio::time::sleep(self.random.pause(from, to)).await;
    }
}

/// The books in a home's file.
fn file(home: &Home) -> Books {
    Books::File(home.database())
}

/// The file reads from end to end: a backup checks that before it is one.
async fn assert_file_is_whole(home: &Home) {
    let copy = home.folder().join("copy.db").display().to_string();
    let output = home.command(&["backup", &copy]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The books on a server.
async fn server_books(server: &Postgres) -> Books {
    Books::Server(replicas::read(server).await)
}

/// What speaks to a real system waits for it.
fn blocking<T>(act: impl FnOnce() -> anyhow::Result<T>) -> T {
    tokio::task::block_in_place(act).unwrap()
}

/// Waits until this is so.
async fn until(what: &str, program: &Program, is_so: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}\n{}", program.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
