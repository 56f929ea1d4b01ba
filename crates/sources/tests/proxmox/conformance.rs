//! Whatever goes wrong between a cluster and its source, no guest is shown as absent or switched off that is neither.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::time::Duration;

use crate::support::*;
use evenkeel_core::model::{MachineState, Survey};
use evenkeel_core::{Fact, GapKind};
use evenkeel_lab::fault::Fault;
use evenkeel_lab::proxmox::{ProxmoxLab, Standing};
use evenkeel_sources::proxmox::{Config, ProxmoxSource};
use serde_json::json;

/// What a survey says must be so in the lab: who is missing from a complete one is not there, who is down is down.
fn assert_honest(survey: &Survey, lab: &ProxmoxLab, when: &str) {
    let truth = lab.pve().cluster();
    for guest in truth.guests.values().filter(|guest| !guest.template) {
        let key = format!("{}/{}", guest.kind(), guest.vmid);
        match survey.machines.iter().find(|machine| *machine.key == key) {
            None => assert!(!survey.coverage.is_complete(), "{when}: {key} is there and is shown as absent"),
            Some(machine) => match machine.state {
                Fact::Known(MachineState::Running) => assert!(guest.running, "{when}: {key}"),
                Fact::Known(MachineState::Stopped | MachineState::Paused) => {
                    assert!(!guest.running, "{when}: {key} runs and is shown as down");
                }
                Fact::Known(MachineState::Unreachable) => panic!("{when}: {key}"),
                Fact::Unknown(_) => {}
            },
        }
    }
    for node in &truth.nodes {
        let key = format!("node/{}", node.name);
        match survey.machines.iter().find(|machine| *machine.key == key) {
            None => assert!(!survey.coverage.is_complete(), "{when}: {key}"),
            Some(machine) => {
                let away = machine.state == Fact::Known(MachineState::Unreachable);
                assert!(!away || node.standing == Standing::Offline, "{when}: {key}");
            }
        }
    }
    let there = |key: &str| {
        key.starts_with("node/")
            || truth.guests.values().any(|guest| format!("{}/{}", guest.kind(), guest.vmid) == key)
    };
    assert!(survey.machines.iter().all(|machine| there(&machine.key)), "{when}: nobody is made up");
}

fn impatient(lab: &ProxmoxLab) -> ProxmoxSource {
    ProxmoxSource::new(Config { timeout: Duration::from_millis(300), ..config(lab) }).unwrap()
}

#[tokio::test]
async fn no_fault_of_the_wire_makes_a_guest_absent_or_down() {
    let faults = [
        (Fault::Reset, Some(GapKind::Unreachable)),
        (Fault::Slow(Duration::from_millis(20)), None),
        (Fault::Hang, Some(GapKind::TimedOut)),
        (Fault::Status(401), Some(GapKind::Unauthorized)),
        (Fault::Status(403), Some(GapKind::Unauthorized)),
        (Fault::Status(500), Some(GapKind::Unreachable)),
        (Fault::Status(502), Some(GapKind::Unreachable)),
        (Fault::Status(595), Some(GapKind::Unreachable)),
        (Fault::Status(301), Some(GapKind::Unreachable)),
        (Fault::EmptyList, Some(GapKind::Truncated)),
        (Fault::Truncated, Some(GapKind::Truncated)),
        (Fault::Malformed, Some(GapKind::Malformed)),
        (Fault::DuplicateRow, Some(GapKind::Truncated)),
        (Fault::ResetMidStream, Some(GapKind::Truncated)),
    ];
    let lab = lab().await;
    for (fault, expected) in faults {
        for warm in [false, true] {
            let source = impatient(&lab);
            if warm {
                with_details(&source).await;
            }
            lab.faults().set("/cluster/resources", fault.clone());
            let survey = observe(&source).await;
            let when = format!("{fault:?}, warm: {warm}");
            assert_honest(&survey, &lab, &when);
            assert_eq!(survey.coverage.gap().map(|gap| gap.kind), expected, "{when}: {:?}", survey.coverage);
            lab.faults().clear_all();
            let survey = observe(&source).await;
            assert!(survey.coverage.is_complete(), "after {when}: {:?}", survey.coverage);
            assert_honest(&survey, &lab, &when);
        }
    }
}

#[tokio::test]
async fn no_fault_of_one_question_makes_a_guest_absent_or_down() {
    let questions = [
        "/cluster/resources?type=vm",
        "/cluster/resources?type=node",
        "/cluster/resources?type=storage",
        "/cluster/status",
        "/version",
        "/access/permissions",
        "/cluster/nextid",
        "/nodes/",
    ];
    let faults = [
        Fault::Reset,
        Fault::Status(403),
        Fault::Status(500),
        Fault::Truncated,
        Fault::Malformed,
        Fault::DuplicateRow,
        Fault::ResetMidStream,
    ];
    let lab = lab().await;
    for question in questions {
        for fault in &faults {
            let source = impatient(&lab);
            lab.faults().set(question, fault.clone());
            for look in ["first", "second"] {
                let survey = with_details(&source).await;
                assert_honest(&survey, &lab, &format!("{question} {fault:?} {look}"));
            }
            lab.faults().clear_all();
        }
    }
}

#[tokio::test]
async fn an_empty_list_of_guests_is_not_believed_where_guests_were() {
    let lab = lab().await;
    let source = impatient(&lab);
    complete(&source).await;
    lab.faults().set("/cluster/resources?type=vm", Fault::EmptyList);
    for _ in 0..2 {
        let survey = observe(&source).await;
        assert_honest(&survey, &lab, "empty");
        assert_eq!(survey.coverage.gap().map(|gap| gap.kind), Some(GapKind::Unauthorized));
    }
}

#[tokio::test]
async fn a_token_that_loses_rights_shows_less_and_says_so() {
    let lab = lab().await;
    let source = impatient(&lab);
    complete(&source).await;
    lab.pve().revoke(lab.token_id(), "");
    lab.pve().grant(lab.token_id(), "/vms/100", "PVEAuditor", true);
    lab.pve().grant(lab.token_id(), "/nodes", "PVEAuditor", true);
    for warm in [&source, &impatient(&lab)] {
        let survey = observe(warm).await;
        assert_honest(&survey, &lab, "shrunken");
        let gap = survey.coverage.gap().expect("a shorter list is no whole list");
        assert_eq!(gap.kind, GapKind::Unauthorized);
        assert!(gap.why.contains("lacks VM.Audit on /vms"), "{gap}");
        assert_eq!(machine(&survey, "qemu/100").state, Fact::Known(MachineState::Running));
    }
}

#[tokio::test]
async fn a_cluster_that_is_down_is_named_and_found_again() {
    let lab = lab().await;
    let source = impatient(&lab);
    complete(&source).await;
    for endpoint in 0..2 {
        lab.down(endpoint).await;
    }
    let survey = observe(&source).await;
    assert_honest(&survey, &lab, "down");
    let gap = survey.coverage.gap().expect("nobody is there");
    assert_eq!(gap.kind, GapKind::Unreachable);
    assert!(gap.why.contains("connection refused") && gap.why.contains("127.0.0.1"), "{gap}");
    assert!(survey.machines.is_empty());
    lab.up(1).await.unwrap();
    complete(&source).await;
}

#[tokio::test]
async fn a_restart_of_the_proxy_is_not_noticed() {
    let lab = lab().await;
    let source = impatient(&lab);
    complete(&source).await;
    for endpoint in 0..2 {
        lab.restart(endpoint).await.unwrap();
        complete(&source).await;
    }
}

#[tokio::test]
async fn a_clock_that_is_off_changes_nothing_and_doctor_sees_it() {
    let lab = lab().await;
    lab.set_clock(-7200);
    let source = impatient(&lab);
    let before = jiff::Timestamp::now();
    let survey = complete(&source).await;
    assert!(survey.started >= before && survey.observed_at >= survey.started);
    let skew = source.check().await.endpoints[0].clock_skew.unwrap();
    assert!((skew.as_secs() + 7200).abs() < 60, "{skew}");
}

#[tokio::test]
async fn odd_rows_cost_the_proof_of_absence_and_nothing_else() {
    let oddities = [
        ("type", json!("oci")),
        ("type", json!(null)),
        ("vmid", json!("many")),
        ("vmid", json!(null)),
        ("node", json!(null)),
        ("node", json!("pve9")),
        ("template", json!("perhaps")),
    ];
    for (key, value) in oddities {
        let lab = lab().await;
        let source = impatient(&lab);
        complete(&source).await;
        lab.pve().tamper(100, key, value.clone());
        let survey = observe(&source).await;
        assert_honest(&survey, &lab, key);
        assert!(!survey.coverage.is_complete(), "{key} = {value}");
        assert_eq!(machine(&survey, "qemu/102").state, Fact::Known(MachineState::Running));
    }
    let lab = lab().await;
    for (key, value) in
        [("status", json!(7)), ("maxcpu", json!("four")), ("cpu", json!(-1)), ("name", json!([]))]
    {
        lab.pve().tamper(100, key, value);
    }
    let survey = complete(&impatient(&lab)).await;
    let odd = machine(&survey, "qemu/100");
    assert!(odd.state.known().is_err() && odd.vcpus.known().is_err() && odd.cpu.known().is_err());
    assert_eq!(odd.memory_mib, Fact::Known(2048));
    assert_honest(&survey, &lab, "odd fields");
}

#[tokio::test]
async fn nothing_said_about_a_failure_holds_a_secret() {
    let lab = lab().await;
    let source = impatient(&lab);
    let secret = lab.token();
    let secret = secret.split('=').nth(1).unwrap();
    for fault in [Fault::Status(401), Fault::Status(500), Fault::Malformed, Fault::Reset] {
        lab.faults().set("", fault);
        let survey = observe(&source).await;
        assert!(!format!("{survey:?} {source:?}").contains(secret));
        assert!(!format!("{:?}", source.check().await).contains(secret));
    }
}
