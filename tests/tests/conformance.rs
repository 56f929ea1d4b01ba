//! The conformance suite, one test per source, all its faults beside each other; and the table in the docs, which says
//! what these tests hold to be so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::panic::AssertUnwindSafe;

use evenkeel_tests::conformance::{Expected, Fault, Outcome, System, expected, run, table};
use evenkeel_tests::repo;
use futures_util::{FutureExt, StreamExt, stream};

/// Each fault with systems and a controller of its own; more at a time only wait for each other.
const AT_ONCE: usize = 8;

async fn conforms(system: System) {
    let only = std::env::var("CONFORMANCE_FAULT").ok();
    let wanted = |fault: &Fault| only.as_ref().is_none_or(|only| only == fault.title());
    let faults = Fault::ALL.into_iter().filter(wanted).filter_map(|fault| match expected(system, fault) {
        Expected::Blind(_) => Some((fault, Outcome::Blind)),
        Expected::Unaffected => Some((fault, Outcome::Unaffected)),
        Expected::Senseless(_) => None,
    });
    // One that fails must not hide how the others end.
    let runs = faults.map(|(fault, held)| async move {
        let ended = AssertUnwindSafe(run(system, fault)).catch_unwind().await;
        (ended.ok() != Some(held)).then(|| fault.title())
    });
    let ended: Vec<_> = stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
    let failed: Vec<_> = ended.into_iter().flatten().collect();
    assert!(failed.is_empty(), "{} fails at {failed:?}, as said above", system.title());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_netbox_opens_or_resolves_what_is_not_so() {
    conforms(System::Netbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_an_engine_opens_or_resolves_what_is_not_so() {
    conforms(System::Docker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_proxmox_8_opens_or_resolves_what_is_not_so() {
    conforms(System::Proxmox8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_proxmox_9_opens_or_resolves_what_is_not_so() {
    conforms(System::Proxmox9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_truenas_over_rest_opens_or_resolves_what_is_not_so() {
    conforms(System::TruenasRest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_truenas_over_its_websocket_opens_or_resolves_what_is_not_so() {
    conforms(System::TruenasSocket).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_the_probes_network_opens_or_resolves_what_is_not_so() {
    conforms(System::Probe).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_a_sender_opens_or_resolves_what_is_not_so() {
    conforms(System::Push).await;
}

#[test]
fn the_table_in_the_docs_says_what_these_tests_prove() {
    let document = repo::read(table::DOCUMENT);
    let fresh = table::put_into(&document, &table::as_expected()).expect("a place for the table");
    assert_eq!(document, fresh, "run: cargo conformance --write");
}
