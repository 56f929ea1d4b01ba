//! A disk that is full, and has room again: a small one that is really filled.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use evenkeel_tests::faults::{Books, Figures, rounds};
use evenkeel_tests::program::Program;

use super::{PATIENCE, Scene, assert_file_is_whole, until};

/// Holds the small disk's folder for whoever runs beside it.
const DISK: &str = "EVENKEEL_TEST_SMALL_DISK";
/// A name for what fills it.
const BALLAST: &str = "ballast";

/// The small disk, inside; outside, `None` after the test of this name was run inside, in a mount namespace of its own.
fn small_disk(test: &str) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(DISK) {
        return Some(PathBuf::from(disk));
    }
    let folder = tempfile::tempdir().unwrap();
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c"]);
        command
    };
    let probe = unshare().arg("mount -t tmpfs -o size=1m tmpfs \"$0\"").arg(folder.path()).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        evenkeel_tests::skip("this user may not mount a file system to fill up");
        return None;
    }
    let inside = unshare()
        .arg("mount -t tmpfs -o size=40m tmpfs \"$0\" && exec \"$@\"")
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(DISK, folder.path())
        .status()
        .unwrap();
    assert!(inside.success(), "{inside}");
    None
}

/// Leaves not a byte.
fn fill(disk: &Path) {
    let full = fs::write(disk.join(BALLAST), vec![1; 64 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
}

/// What the log says once, when it begins.
const SAID: &str = "nothing can be kept; passes and deliveries wait";

/// Lets things come and go until something had to be kept that could not be.
pub(super) async fn until_nothing_can_be_kept(scene: &mut Scene, program: &Program) {
    let begun = Instant::now();
    while !is_waiting(&program.log()) {
        assert!(begun.elapsed() < PATIENCE, "it finds room: {}", program.log());
        scene.world.fidget(&mut scene.random);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.world.calm();
}

/// Waits until it waits, or has found room for everything where its log was.
async fn until_it_waits_or_manages(scene: &Scene, books: &Books, program: &Program) {
    let truth = scene.world.truth();
    until("it waits or manages", program, async || {
        let nothing_left =
            async || books.waiting().await.is_some_and(|waiting| waiting.values().all(|count| *count == 0));
        is_waiting(&program.log()) || (scene.inboxes[0].open() == truth && nothing_left().await)
    })
    .await;
}

/// It began more often than it ended.
fn is_waiting(log: &str) -> bool {
    log.matches(SAID).count() > log.matches("the store is back").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_sqlite_costs_time_and_nothing_else() {
    let name = "disk::a_full_disk_under_sqlite_costs_time_and_nothing_else";
    let Some(disk) = tokio::task::block_in_place(|| small_disk(name)) else { return };
    let database = disk.join("evenkeel.db");
    let mut scene = Scene::new(&["n8n"]).await;
    let home = scene.home();
    home.edit("evenkeel.db", &database.display().to_string());
    let program = home.start().await;
    program.until_logged("running").await;
    let books = Books::File(database);
    let mut oracle = scene.oracle(books.clone());
    let mut figures = Figures::of("full disk, SQLite");
    for _ in 0..rounds(2) {
        fill(&disk);
        scene.churn(500).await.unwrap();
        until_it_waits_or_manages(&scene, &books, &program).await;
        let begun = Instant::now();
        fs::remove_file(disk.join(BALLAST)).unwrap();
        figures.add(oracle.recovered(begun, &program).await);
    }
    oracle.assert_outbox_whole().await;
    figures.tell();
    let log = program.stop().await;
    assert!(log.contains(SAID), "the disk was never too full: {log}");
    assert_file_is_whole(&home).await;
}
