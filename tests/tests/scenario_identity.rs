//! Machines that are renamed, and engines that NetBox declares: who is who, while running and over a restart.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use evenkeel_tests::stage::{Lab, Plan, Stage, container, soon};
use sqlx::{Connection, Executor, SqliteConnection};

const SERVICES: &[(&str, u16)] = &[("web", 80), ("db", 5432), ("cache", 6379)];

async fn stage() -> Stage {
    let lab = Lab::small(&[("box", SERVICES), ("attic", SERVICES)]).await;
    let stage = Stage::start(lab, Plan::default()).await;
    stage.until_blind(&[]).await;
    stage.engine("box").stop("db").unwrap();
    stage.until(&["SERVICE_MISSING db@box"]).await;
    let matched =
        || async { stage.store().load_all().await.unwrap().iter().filter(|l| l.identity.is_some()).count() };
    assert!(soon(|| async { matched().await == 2 }).await, "who was matched is kept");
    stage
}

/// The machine goes on under its new name: what was open is open there, nothing is undeclared, nothing unreachable.
async fn assert_renamed(stage: &Stage, before: usize) {
    stage.until(&["SERVICE_MISSING db@cellar", "CONFIG_DRIFT name cellar"]).await;
    stage.quiet().await;
    let mut news = stage.history().await.split_off(before);
    news.sort();
    assert_eq!(
        news,
        [
            "opened CONFIG_DRIFT name cellar",
            "opened SERVICE_MISSING db@cellar",
            "resolved SERVICE_MISSING db@box"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_renamed_in_netbox_while_running_is_a_rename() {
    let stage = stage().await;
    let before = stage.history().await.len();
    stage.lab.netbox.netbox().rename("box", "cellar");
    assert_renamed(&stage, before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_renamed_in_netbox_during_a_restart_is_a_rename() {
    let mut stage = stage().await;
    let before = stage.history().await.len();
    stage.stop().await;
    stage.lab.netbox.netbox().rename("box", "cellar");
    stage.resume().await;
    assert_renamed(&stage, before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_matched_is_remembered_even_without_the_inventory_of_then() {
    let mut stage = stage().await;
    let before = stage.history().await.len();
    stage.stop().await;
    let url = format!("sqlite://{}", stage.database().display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    database.execute("DELETE FROM inventories").await.unwrap();
    stage.lab.netbox.netbox().rename("box", "cellar");
    stage.resume().await;
    assert_renamed(&stage, before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_another_machine_takes_over_is_that_machine() {
    let stage = stage().await;
    // `box` becomes `cellar`, and a new machine takes the name the engine is configured for.
    stage.lab.netbox.netbox().rename("box", "cellar");
    stage.lab.declare_host("box", &[("web", 80)]);
    stage.until(&["SERVICE_UNEXPECTED cache@box"]).await;
    stage.quiet().await;
}

fn declaring() -> Plan {
    Plan { configured: Some(Vec::new()), declared_engines: true, ..Plan::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn engines_that_netbox_declares_come_and_go_with_the_declaration() {
    let lab = Lab::small(&[("box", SERVICES), ("attic", SERVICES)]).await;
    let stage = Stage::start(lab, declaring()).await;
    stage.until_blind(&[]).await;
    stage.looks(1).await;
    let watched =
        |stage: &Stage| stage.hub().see(|world| world.source_statuses(evenkeel::collect::now()).len()) - 1;
    assert_eq!(watched(&stage), 0);

    stage.engine("box").stop("db").unwrap();
    stage.lab.declare_endpoint("box", Some(&stage.engine("box").url()));
    stage.until(&["SERVICE_MISSING db@box"]).await;
    assert_eq!(watched(&stage), 1);

    // It moves: nobody listens at the new place, and then somebody does.
    stage.lab.declare_endpoint("box", Some("tcp://127.0.0.1:1"));
    stage.until(&["DOCKER_UNREACHABLE box"]).await;
    assert_eq!(stage.folded().into_iter().collect::<Vec<_>>(), ["SERVICE_MISSING db@box"]);
    stage.lab.declare_endpoint("box", Some(&stage.engine("box").url()));
    stage.until(&["SERVICE_MISSING db@box"]).await;
    stage.quiet().await;

    // An address that is none is said in the log and opens nothing; the other hosts are not concerned.
    stage.lab.declare_endpoint("attic", Some("carrier pigeon"));
    stage.quiet().await;

    // No longer declared: nobody looks any more, so nobody can say that it is mended, and it is not called so.
    stage.lab.declare_endpoint("box", None);
    assert!(soon(|| async { watched(&stage) == 0 }).await);
    stage.looks(2).await;
    assert!(!stage.history().await.contains(&"resolved SERVICE_MISSING db@box".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_in_the_configuration_is_not_watched_twice_for_being_declared() {
    let lab = Lab::small(&[("box", SERVICES)]).await;
    lab.declare_endpoint("box", Some(&lab.engine("box").url()));
    let plan = Plan { configured: None, ..declaring() };
    let stage = Stage::start(lab, plan).await;
    stage.until_blind(&[]).await;
    stage.engine("box").run(container("box", "guest", 7000));
    stage.until(&["SERVICE_UNEXPECTED guest@box"]).await;
    stage.quiet().await;
    assert_eq!(stage.hub().see(|world| world.source_statuses(evenkeel::collect::now()).len()), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_deleted_in_netbox_with_its_declared_engine_leaves_nothing_open() {
    let lab = Lab::small(&[("box", SERVICES), ("attic", SERVICES)]).await;
    lab.declare_endpoint("box", Some(&lab.engine("box").url()));
    lab.engine("box").stop("db").unwrap();
    let stage = Stage::start(lab, declaring()).await;
    stage.until(&["SERVICE_MISSING db@box"]).await;
    let vm = stage.lab.netbox.netbox().vm("box").unwrap();
    stage.lab.netbox.netbox().remove_vm(vm);
    stage.until(&[]).await;
    stage.quiet().await;
}
