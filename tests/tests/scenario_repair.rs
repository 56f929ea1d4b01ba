//! A repair from the drift to its verification, with the real binary and a simulated n8n, and the ways it can go wrong.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::time::Duration;

use evenkeel_lab::n8n::Conduct;
use evenkeel_tests::stage::soon;
use evenkeel_tests::workshop::Workshop;
use serde_json::Value;

/// The places of these words in the text, each after the one before.
fn in_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let at = rest.find(word).unwrap_or_else(|| panic!("no {word:?} where it belongs in\n{text}"));
        rest = &rest[at + word.len()..];
    }
}

fn word<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_container_is_proposed_approved_restarted_and_seen_to_run() {
    let shop = Workshop::open("approve", "").await;
    let program = shop.home.start().await;
    program.until_ready().await;
    shop.lab.engine("box").stop("db").unwrap();
    let rows = shop.until(&program, &["proposed"]).await;
    let handle = word(&rows[0], "handle").to_owned();
    let listed = shop.repairs(&["list"]).await;
    assert!(listed.contains(&handle) && listed.contains("db@box"), "{listed}");
    let rehearsed = shop.repairs(&["rehearse"]).await;
    assert!(rehearsed.contains("a person must approve it"), "{rehearsed}");
    assert!(shop.n8n.executions().is_empty(), "nothing runs without consent");

    let said = shop.repairs(&["approve", &handle.to_lowercase(), "--reason", "the disk is fine again"]).await;
    assert!(said.contains("approved"), "{said}");
    let rows = shop.until(&program, &["verified"]).await;
    assert_eq!((word(&rows[0], "approved_by"), word(&rows[0], "answer")), ("ada", "succeeded"));
    let ran = shop.n8n.executions();
    assert_eq!(ran.len(), 1, "{ran:#?}");
    assert_eq!((ran[0].attempt, ran[0].callbacks.len()), (1, 1), "{ran:#?}");
    assert_eq!(ran[0].callbacks[0].answer, Ok(200), "{ran:#?}");
    assert_eq!(ran[0].request["event"]["event_type"], "SERVICE_MISSING");
    assert_eq!(ran[0].request["proposal"]["approved_by"], "ada");

    let journal = shop.journal().await;
    println!("{}", shop.journal_as("table").await);
    in_order(
        &journal,
        &[
            "is proposed",
            "waits for approval",
            "ada",
            "the disk is fine",
            "is dispatched",
            "has succeeded, as its receiver says: db started",
            "worked: the drift is gone",
        ],
    );
    let show = shop.repairs(&["show", &handle]).await;
    assert!(show.contains("verified") && show.contains("by ada"), "{show}");
    let log = program.stop().await;
    assert!(!log.contains("/callbacks/"), "a callback's address is a secret: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_n8n_that_is_away_or_starting_is_asked_again_under_the_same_key() {
    let shop = Workshop::open("auto", "").await;
    shop.home.edit("answer_within = \"20s\"", "answer_within = \"2m\"");
    shop.n8n.go_away().await;
    let program = shop.home.start().await;
    program.until_ready().await;
    shop.lab.engine("box").stop("db").unwrap();
    let rows = shop.until(&program, &["dispatched"]).await;
    let asked = || async { !word(&shop.proposals(&program).await[0], "why").is_empty() };
    assert!(soon(asked).await, "what n8n said is shown: {rows:?}");
    shop.n8n.once(Conduct::Starting);
    shop.n8n.come_back().await.unwrap();
    shop.until(&program, &["verified"]).await;
    let ran = shop.n8n.executions();
    let acted = ran.last().unwrap();
    assert!(acted.attempt >= 3, "{ran:#?}");
    assert_eq!(shop.n8n.acted(&acted.key), 1);
    in_order(&shop.journal().await, &["is dispatched", "could not be sent yet", "has succeeded"]);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drift_that_ends_while_n8n_is_away_is_not_repaired_when_it_is_back() {
    let shop = Workshop::open("auto", "").await;
    shop.home.edit("answer_within = \"20s\"", "answer_within = \"8s\"");
    shop.n8n.go_away().await;
    let program = shop.home.start().await;
    program.until_ready().await;
    shop.lab.engine("box").stop("db").unwrap();
    shop.until(&program, &["dispatched"]).await;
    let asked = || async { !word(&shop.proposals(&program).await[0], "why").is_empty() };
    assert!(soon(asked).await);
    shop.lab.engine("box").start_container("db").unwrap();
    program.until_logged("transition=\"resolved\"").await;
    shop.n8n.come_back().await.unwrap();
    shop.until(&program, &["verified"]).await;
    assert!(shop.n8n.executions().is_empty(), "{:#?}", shop.n8n.executions());
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_rule_no_longer_asks_for_is_not_sent_when_n8n_is_back() {
    for (from, to) in [("mode = \"auto\"", "mode = \"off\""), ("enabled = true", "enabled = false")] {
        let shop = Workshop::open("auto", "").await;
        shop.n8n.go_away().await;
        let program = shop.home.start().await;
        program.until_ready().await;
        shop.lab.engine("box").stop("db").unwrap();
        shop.until(&program, &["dispatched"]).await;
        shop.home.edit(from, to);
        program.signal("HUP").await;
        program.until_logged("starting anew with it").await;
        shop.n8n.come_back().await.unwrap();
        // The first repetition is due two seconds after the failure, the next ones four seconds later.
        tokio::time::sleep(Duration::from_secs(8)).await;
        assert!(shop.n8n.executions().is_empty(), "{to}: {:#?}", shop.n8n.executions());
        program.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_crashes_was_not_accepted_and_ends_with_a_person() {
    let shop = Workshop::open("auto", "attempts = 1").await;
    shop.home.edit("answer_within = \"20s\"", "answer_within = \"3s\"");
    shop.n8n.set(Conduct::Crashed);
    let program = shop.home.start().await;
    program.until_ready().await;
    shop.lab.engine("box").stop("db").unwrap();
    let rows = shop.until(&program, &["escalated"]).await;
    assert!(word(&rows[0], "why").contains("tried 1 times"), "{rows:?}");
    in_order(
        &shop.journal().await,
        &["could not be sent yet", "could not be sent in time", "did not help", "A person is needed"],
    );
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_says_done_is_a_claim_and_only_looking_verifies() {
    let shop = Workshop::open("auto", "attempts = 2").await;
    shop.n8n.set(Conduct::Pretends);
    let program = shop.home.start().await;
    program.until_ready().await;
    shop.lab.engine("box").stop("db").unwrap();
    let rows = shop.until(&program, &["not_verified", "escalated"]).await;
    assert_eq!(word(&rows[0], "answer"), "succeeded");
    let ran = shop.n8n.executions();
    assert_eq!(ran.len(), 2, "{ran:#?}");
    assert_ne!(ran[0].key, ran[1].key, "another attempt is another request");
    in_order(&shop.journal().await, &["has succeeded", "did not help", "is proposed", "A person is needed"]);
    // With a person it stays until the drift ends; then the next one begins anew.
    shop.n8n.set(Conduct::Well);
    shop.lab.engine("box").start_container("db").unwrap();
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_never_comes_times_out_and_what_is_seen_counts() {
    let shop = Workshop::open("auto", "").await;
    shop.home.edit("answer_within = \"20s\"", "answer_within = \"3s\"");
    shop.n8n.set(Conduct::Silent);
    let program = shop.home.start().await;
    program.until_ready().await;
    shop.lab.engine("box").stop("db").unwrap();
    let rows = shop.until(&program, &["verified"]).await;
    assert_eq!(word(&rows[0], "answer"), "timed_out");
    in_order(
        &shop.journal().await,
        &["has been accepted", "was not answered in time", "worked: the drift is gone"],
    );
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_allowed_to_does_not_decide_and_what_is_rejected_is_not_asked_again() {
    let shop = Workshop::open("propose", "").await;
    let program = shop.home.start().await;
    program.until_ready().await;
    shop.lab.engine("box").stop("db").unwrap();
    let rows = shop.until(&program, &["proposed"]).await;
    let handle = word(&rows[0], "handle").to_owned();
    let (status, _, body) = evenkeel_tests::program::ask(
        &program.address().await,
        "POST",
        &format!("/api/v1/proposals/{handle}/approve"),
    )
    .await;
    assert_eq!(status, 401, "{body}");
    let without_reason = shop.home.command(&["repairs", "reject", &handle]).await;
    assert_eq!(without_reason.status.code(), Some(2));
    shop.repairs(&["reject", &handle, "--reason", "it is being moved"]).await;
    let rows = shop.until(&program, &["rejected"]).await;
    assert_eq!(word(&rows[0], "why"), "it is being moved");
    let rehearsed = shop.repairs(&["rehearse"]).await;
    assert!(rehearsed.contains("it is rejected, until the drift ends"), "{rehearsed}");
    assert!(shop.journal().await.contains("ada"));
    assert!(shop.n8n.executions().is_empty());
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drift_that_ends_by_itself_and_one_nobody_approves_run_nothing() {
    let shop = Workshop::open("approve", "approve_within = \"12s\"").await;
    let program = shop.home.start().await;
    program.until_ready().await;
    shop.lab.engine("box").stop("db").unwrap();
    shop.until(&program, &["proposed"]).await;
    shop.lab.engine("box").start_container("db").unwrap();
    let rows = shop.until(&program, &["withdrawn"]).await;
    assert_eq!(word(&rows[0], "why"), "the drift went away by itself");
    shop.lab.engine("box").stop("web").unwrap();
    let expired =
        || async { shop.proposals(&program).await.iter().any(|row| word(row, "state") == "expired") };
    assert!(soon(expired).await, "{}", program.log());
    assert!(shop.n8n.executions().is_empty());
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_dispatch_and_answer_it_goes_on_and_the_receiver_acts_once() {
    let shop = Workshop::open("auto", "").await;
    shop.home.edit("answer_within = \"20s\"", "answer_within = \"2m\"");
    shop.n8n.set_callback_tries(100, Duration::from_millis(500));
    let program = shop.home.start().await;
    program.until_ready().await;
    shop.n8n.set(Conduct::SaysLate(Duration::from_secs(2)));
    shop.lab.engine("box").stop("db").unwrap();
    let ran = shop.n8n.until(|ran| !ran.is_empty()).await;
    program.kill().await;
    let program = shop.home.start().await;
    program.until_ready().await;
    shop.until(&program, &["verified"]).await;
    assert_eq!(shop.n8n.acted(&ran[0].key), 1, "{:#?}", shop.n8n.executions());
    assert!(shop.n8n.executions().iter().all(|run| run.key == ran[0].key));
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_halt_stops_everything_until_it_is_lifted() {
    let shop = Workshop::open("auto", "").await;
    let program = shop.home.start().await;
    program.until_ready().await;
    let said = shop.repairs(&["halt", "--reason", "the rack is open"]).await;
    assert!(said.contains("stopped"), "{said}");
    shop.lab.engine("box").stop("db").unwrap();
    shop.until(&program, &["approved"]).await;
    let rehearsed = shop.repairs(&["rehearse"]).await;
    assert!(rehearsed.contains("ada stopped all repairs: the rack is open"), "{rehearsed}");
    let (_, metrics) = program.get("/metrics").await;
    assert!(metrics.contains("evenkeel_repair_halted 1"), "{metrics}");
    assert!(shop.n8n.executions().is_empty());
    program.kill().await;
    let program = shop.home.start().await;
    program.until_ready().await;
    shop.until(&program, &["approved"]).await;
    assert!(shop.n8n.executions().is_empty(), "a restart lifts no halt");
    shop.repairs(&["resume", "--reason", "it is closed"]).await;
    shop.until(&program, &["verified"]).await;
    program.stop().await;
}
