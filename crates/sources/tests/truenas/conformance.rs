//! Fault by fault, over every transport: no answer, however bad, shows an app or a machine as absent or down that is not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::time::Duration;

use crate::support::*;
use evenkeel_core::GapKind;
use evenkeel_lab::fault::Fault;
use evenkeel_lab::truenas::{AppState, TruenasLab, TruenasVersion};
use evenkeel_sources::truenas::{Config, Transport};

const APPS: [&str; 3] = ["nextcloud", "plex", "syncthing"];
const VMS: [&str; 1] = ["minecraft"];

/// A release and a way that it can be asked by.
const WAYS: [(TruenasVersion, Transport); 8] = [
    (TruenasVersion::V24_04, Transport::Rest),
    (TruenasVersion::V24_10, Transport::Auto),
    (TruenasVersion::V24_10, Transport::Ssh),
    (TruenasVersion::V25_04, Transport::Auto),
    (TruenasVersion::V25_10, Transport::Rest),
    (TruenasVersion::V25_10, Transport::Websocket),
    (TruenasVersion::V26, Transport::Auto),
    (TruenasVersion::V26, Transport::Ssh),
];

/// Everything that is asked, one after the other, and everything at once.
const WHERE: [&str; 10] = [
    "app.query",
    "chart.release.query",
    "docker.network.query",
    "docker.status",
    "vm.query",
    "virt.instance.query",
    "container.query",
    "system.info",
    "pool.query",
    "",
];

fn impatient(lab: &TruenasLab, transport: Transport) -> Config {
    Config { timeout: Duration::from_secs(2), ..by(lab, transport) }
}

async fn accused(lab: &TruenasLab, config: Config, what: &str) {
    let source = source(config);
    let (survey, host) = observe(&source).await;
    assert_eq!(accusations(&survey, &host, &APPS, &VMS), [""; 0], "{what}: {survey:#?} {host:#?}");
    let said = format!("{survey:?} {host:?}");
    assert!(!said.contains(lab.key()), "{what}: {said}");
}

async fn never_accuses(fault: &Fault, places: &[&str]) {
    for (version, transport) in WAYS {
        let lab = lab(version).await;
        for place in places {
            lab.faults().set(*place, fault.clone());
            accused(
                &lab,
                impatient(&lab, transport),
                &format!("{version:?} {transport:?} {fault:?} at `{place}`"),
            )
            .await;
            lab.faults().clear_all();
        }
    }
}

#[tokio::test]
async fn an_empty_answer_is_no_absence() {
    never_accuses(&Fault::EmptyList, &WHERE).await;
}

#[tokio::test]
async fn half_an_answer_is_no_absence() {
    never_accuses(&Fault::Truncated, &WHERE).await;
}

#[tokio::test]
async fn what_is_not_json_is_no_absence() {
    never_accuses(&Fault::Malformed, &WHERE).await;
}

#[tokio::test]
async fn a_row_that_stands_twice_is_no_absence() {
    never_accuses(&Fault::DuplicateRow, &WHERE).await;
}

#[tokio::test]
async fn a_lost_connection_is_no_absence() {
    never_accuses(&Fault::Reset, &WHERE).await;
    never_accuses(&Fault::ResetMidStream, &["app.query", "vm.query"]).await;
}

#[tokio::test]
async fn an_error_is_no_absence() {
    for status in [401, 403, 429, 500, 503] {
        never_accuses(&Fault::Status(status), &["app.query", "vm.query", "virt.instance.query", ""]).await;
    }
}

#[tokio::test]
async fn slowness_is_no_absence() {
    never_accuses(&Fault::Slow(Duration::from_millis(20)), &[""]).await;
}

#[tokio::test]
async fn silence_is_no_absence_and_ends_in_time() {
    for (version, transport) in [
        (TruenasVersion::V24_10, Transport::Rest),
        (TruenasVersion::V25_10, Transport::Auto),
        (TruenasVersion::V26, Transport::Ssh),
    ] {
        let lab = lab(version).await;
        let quick = Config { timeout: Duration::from_millis(500), ..by(&lab, transport) };
        for place in ["app.query", "vm.query", "container.query", "/api/versions", "auth.login_ex"] {
            lab.faults().set(place, Fault::Hang);
            accused(&lab, quick.clone(), &format!("{version:?} {transport:?} silence at {place}")).await;
            lab.faults().clear_all();
        }
    }
}

#[tokio::test]
async fn faults_before_the_login_leave_both_answers_blind_with_their_cause() {
    let lab = lab(TruenasVersion::V25_10).await;
    for (place, fault, kind) in [
        ("/api/versions", Fault::Malformed, GapKind::Malformed),
        ("/api/versions", Fault::Truncated, GapKind::Truncated),
        ("/api/versions", Fault::Status(502), GapKind::Unreachable),
        ("auth.login_ex", Fault::Malformed, GapKind::Malformed),
        ("auth.login_ex", Fault::Reset, GapKind::Unreachable),
        ("auth.login_ex", Fault::EmptyList, GapKind::Unauthorized),
    ] {
        lab.faults().set(place, fault.clone());
        let (survey, host) = observe(&source(impatient(&lab, Transport::Auto))).await;
        assert_eq!(gap(&host.coverage).kind, kind, "{place} {fault:?}: {:?}", host.coverage);
        assert_eq!(survey.coverage, host.coverage);
        lab.faults().clear_all();
    }
}

#[tokio::test]
async fn a_machine_that_is_off_is_blindness_and_not_absence() {
    for (version, transport) in WAYS {
        if transport == Transport::Ssh {
            continue;
        }
        let lab = lab(version).await;
        lab.stop().await;
        let (survey, host) = observe(&source(impatient(&lab, transport))).await;
        assert_eq!(gap(&host.coverage).kind, GapKind::Unreachable, "{version:?}");
        assert_eq!(gap(&survey.coverage).kind, GapKind::Unreachable, "{version:?}");
    }
}

#[tokio::test]
async fn a_list_that_lost_rows_without_a_word_is_no_absence() {
    for (version, transport) in WAYS {
        let lab = lab(version).await;
        lab.edit(|state| {
            for method in ["vm.query", "virt.instance.query", "container.query"] {
                state.shortened.insert(method.into(), 1);
            }
        });
        accused(&lab, impatient(&lab, transport), &format!("{version:?} {transport:?} short machines")).await;
        // On 24.04 nothing outside the list knows of an app; there the plausibility brake has to hold.
        if version > TruenasVersion::V24_04 {
            lab.edit(|state| state.apps.get_mut("plex").unwrap().unreadable = true);
            accused(&lab, impatient(&lab, transport), &format!("{version:?} {transport:?} short apps")).await;
        }
    }
}

#[tokio::test]
async fn what_is_really_gone_is_seen_to_be_gone() {
    // The other tests would pass with a source that never says anything.
    for (version, transport) in WAYS {
        let lab = lab(version).await;
        lab.edit(|state| {
            state.apps.remove("plex");
            state.vms.clear();
        });
        lab.set_app("nextcloud", AppState::Stopped);
        let (survey, host) = observe(&source(by(&lab, transport))).await;
        assert_eq!(
            accusations(&survey, &host, &APPS, &VMS),
            ["app nextcloud is exited", "app plex is absent", "machine minecraft is absent"],
            "{version:?} {transport:?}: {survey:#?} {host:#?}"
        );
    }
}
