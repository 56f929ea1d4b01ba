//! NetBox's journal as a sink, through the real binary and through the controller: a drift is two entries on its own
//! object, none is written twice, and what evenkeel wrote never makes it write again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::process::Output;

use evenkeel::config::SinkFilter;
use evenkeel_lab::fault::Fault;
use evenkeel_lab::inventory::ObjectRef;
use evenkeel_lab::netbox::{Aftermath, JournalEntry, NetboxLab};
use evenkeel_sinks::netbox::{Config, NetboxSink, Settings};
use evenkeel_store::DeliveryState;
use evenkeel_tests::program::Home;
use evenkeel_tests::stage::{Ear, Lab, Plan, Stage, soon};

const SINK: &str =
    "\n[[sink]]\nname = \"journal\"\nkind = \"netbox_journal\"\ntoken = { env = \"LAB_JOURNAL_TOKEN\" }\n";

/// A machine that shares its NetBox with another, and a configuration that writes with this token.
async fn home(token: fn(&NetboxLab) -> &'static str) -> (Home, Lab) {
    let lab = Lab::small(&[("other", &[("mail", 25)]), ("box", &[("web", 80), ("db", 5432)])]).await;
    let mut home = Home::new(&lab, None);
    home.secrets.push(("LAB_JOURNAL_TOKEN".to_owned(), token(&lab.netbox).to_owned()));
    home.write(&(home.read() + SINK));
    (home, lab)
}

fn entries(lab: &Lab) -> Vec<JournalEntry> {
    lab.netbox.netbox().journal()
}

async fn until_written(lab: &Lab, count: usize) {
    assert!(soon(|| async { entries(lab).len() == count }).await, "{:#?}", entries(lab));
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drift_that_opens_and_is_over_is_two_entries_on_its_host_and_none_twice_after_a_kill() {
    let (home, lab) = home(NetboxLab::writer_v1).await;
    // The entry is made, and evenkeel dies before it learns that.
    lab.netbox.netbox().set_aftermath(Aftermath::Silence);
    let program = home.start().await;
    program.until_ready().await;
    lab.engine("box").stop("db").unwrap();
    until_written(&lab, 1).await;
    program.kill().await;

    lab.netbox.netbox().set_aftermath(Aftermath::Answered);
    let program = home.start().await;
    program.until_ready().await;
    let settled = || async {
        let (_, body) = program.get("/api/v1/deliveries?state=pending").await;
        let rows: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
        rows["items"].as_array().is_some_and(Vec::is_empty)
    };
    assert!(soon(settled).await, "{}", program.get("/api/v1/deliveries").await.1);
    lab.engine("box").start_container("db").unwrap();
    until_written(&lab, 2).await;
    assert!(soon(settled).await, "{}", program.get("/api/v1/deliveries").await.1);
    let log = program.stop().await;
    assert!(!log.contains(lab.netbox.writer_v1()), "{log}");

    let vm = ObjectRef::vm(lab.netbox.netbox().vm("box").unwrap());
    let written = entries(&lab);
    let kinds: Vec<_> = written.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["danger", "success"]);
    for entry in &written {
        assert_eq!(entry.object, vm);
        assert!(entry.comments.contains("SERVICE\\_MISSING: db on box"), "{}", entry.comments);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_the_sink_and_the_doctor_say_whether_it_may_write_and_write_nothing() {
    let (writing, lab) = home(NetboxLab::writer_v2).await;
    let output = writing.command(&["sink", "test", "journal"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("NetBox 4.5.2 at http://127.0.0.1:"), "{}", said(&output));
    assert!(said(&output).contains("none was written"), "{}", said(&output));
    let list = said(&writing.command(&["sink", "list"]).await);
    assert!(list.contains("journal  netbox_journal  http://127.0.0.1:"), "{list}");
    let doctor = said(&writing.command(&["doctor"]).await);
    assert!(doctor.contains("NetBox 4.5.2 takes journal entries from this token"), "{doctor}");
    assert!(entries(&lab).is_empty());

    // The token that reads intent.
    let (reading, lab) = home(NetboxLab::token_v1).await;
    for command in [&["sink", "test", "journal"][..], &["doctor"]] {
        let output = reading.command(command).await;
        assert_ne!(output.status.code(), Some(0), "{}", said(&output));
        assert!(said(&output).contains("extras.add_journalentry"), "{}", said(&output));
        assert!(!said(&output).contains(lab.netbox.token_v1()), "{}", said(&output));
    }
    let check = said(&reading.command(&["check"]).await);
    assert!(check.contains("is the token of [netbox]"), "{check}");
    assert!(entries(&lab).is_empty());
}

fn ear(lab: &Lab) -> Ear {
    let settings = Settings::new("journal", lab.netbox.url(), lab.netbox.writer_v1());
    Ear::new(NetboxSink::new(Config::new(settings).unwrap(), None).unwrap(), SinkFilter::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_wrote_is_seen_in_the_changelog_and_leads_to_nothing() {
    let lab = Lab::small(&[("box", &[("web", 80), ("db", 5432)])]).await;
    let plan = Plan::believing().hearing(ear(&lab));
    let stage = Stage::start(lab, plan).await;
    stage.until_blind(&[]).await;
    stage.engine("box").stop("db").unwrap();
    stage.until(&["SERVICE_MISSING db@box"]).await;
    until_written(&stage.lab, 1).await;
    stage.quiet().await;
    assert_eq!(entries(&stage.lab).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_netbox_that_is_away_gets_its_entries_in_order_when_it_is_back_and_a_refusal_is_seen() {
    let lab = Lab::small(&[("box", &[("web", 80), ("db", 5432)])]).await;
    let plan = Plan::believing().hearing(ear(&lab));
    let stage = Stage::start(lab, plan).await;
    stage.until_blind(&[]).await;
    stage.lab.netbox.faults().set("/api/extras/journal-entries/", Fault::Status(503));
    stage.engine("box").stop("db").unwrap();
    stage.until(&["SERVICE_MISSING db@box"]).await;
    stage.engine("box").start_container("db").unwrap();
    stage.until(&[]).await;
    let failed = || async { stage.deliveries().await.iter().any(|row| row.last_error.is_some()) };
    assert!(soon(failed).await);
    stage.lab.netbox.faults().clear_all();
    until_written(&stage.lab, 2).await;
    let kinds: Vec<_> = entries(&stage.lab).into_iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, ["danger", "success"]);

    stage.lab.netbox.netbox().deny_adding("extras.journalentry");
    stage.engine("box").stop("web").unwrap();
    let dead = || async { stage.deliveries().await.iter().any(|row| row.state == DeliveryState::Dead) };
    assert!(soon(dead).await, "{:#?}", stage.deliveries().await);
    let rows = stage.deliveries().await;
    let row = rows.iter().find(|row| row.state == DeliveryState::Dead).unwrap();
    let why = row.last_error.as_deref().unwrap();
    assert!(why.contains("needs the permission extras.add_journalentry"), "{why}");
}
