//! Five hundred hosts drift within ten seconds, with rules that approve by themselves: the brake holds, one notice says
//! so, and when it is over a single repair works as ever. And a slow storm, in which each is repaired before the next one
//! drifts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::time::Duration;

use evenkeel_lab::receiver::Receiver;
use evenkeel_tests::program::Program;
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, soon};
use evenkeel_tests::workshop::Workshop;
use serde_json::Value;

const HOSTS: usize = 500;
/// So many may begin to drift before it is a storm: 50 in any fleet this large, and the one that makes it one.
const REPAIRED: usize = 51;
const OPEN: &str = "evenkeel_drift_open{severity=\"high\",type=\"SERVICE_MISSING\"}";

/// What the process holds, in MiB.
fn resident(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

async fn figure(program: &Program, name: &str) -> f64 {
    let (_, metrics) = program.get("/metrics").await;
    let line = metrics.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("no {name} in {metrics}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_storm_the_brake_holds_and_afterwards_a_single_repair_works() {
    let names: Vec<String> = (0..HOSTS).map(|n| format!("box{n:03}")).collect();
    let services: &[(&str, u16)] = &[("web", 80)];
    let hosts: Vec<(&str, &[(&str, u16)])> = names.iter().map(|name| (name.as_str(), services)).collect();
    let shop = Workshop::around(Lab::small(&hosts).await, "auto", "per_hour = 100\nper_day = 100").await;
    let watcher = Receiver::start(SIGNING_SECRET).await.unwrap();
    // Five hundred engines in one process: they are listed when they say that something happened.
    shop.home.edit("docker_interval = \"500ms\"", "docker_interval = \"20s\"");
    let sink = format!(
        "\n[[sink]]\nname = \"pager\"\nurl = \"{}\"\nsecrets = [{{ env = \"LAB_SIGNING_SECRET\" }}]\nnotices = true\n\n[sink.filter]\nmin_severity = \"critical\"\n",
        watcher.url()
    );
    shop.home.write(&format!("{}{sink}", shop.home.read()));
    let program = shop.home.start().await;
    program.until_ready().await;
    let before = resident(&program);

    for (n, name) in names.iter().enumerate() {
        shop.lab.engine(name).stop("web").unwrap();
        if n % 50 == 49 {
            tokio::time::sleep(Duration::from_millis(900)).await;
        }
    }
    let open = || figure(&program, OPEN);
    // Before it is a storm some are repaired, as ever, and then none.
    let nearly_all = || async { open().await as usize + REPAIRED >= HOSTS };
    assert!(soon(nearly_all).await, "{} of {HOSTS} are open", open().await);
    assert!(soon(|| async { figure(&program, "evenkeel_repair_brake_engaged").await == 1.0 }).await);
    let ran = shop.n8n.executions().len();
    assert!(ran <= REPAIRED, "{ran} were dispatched before it was a storm");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(shop.n8n.executions().len(), ran, "none is dispatched while the brake is on");
    let held = figure(&program, "evenkeel_repairs_held{reason=\"braked\"}").await;
    assert!(held as usize >= HOSTS - 60, "{held} are held by the brake");
    let grown = resident(&program).saturating_sub(before);
    assert!(grown < 200, "{grown} MiB more than before");
    let notices = || {
        let arrived = watcher.arrived();
        let code = |one: &evenkeel_lab::receiver::Arrived| {
            let body: Value = serde_json::from_slice(&one.body).unwrap();
            body["code"].as_str().unwrap_or_default().to_owned()
        };
        arrived.iter().map(code).collect::<Vec<_>>()
    };
    assert!(soon(|| async { notices() == ["brake_engaged"] }).await, "{:?}", notices());
    let rehearsed = shop.repairs(&["rehearse"]).await;
    assert!(rehearsed.contains("brake on") && rehearsed.contains("0 would be dispatched"), "{rehearsed}");

    for name in &names {
        shop.lab.engine(name).start_container("web").unwrap();
    }
    assert!(soon(|| async { open().await as usize == 0 }).await, "{} are still open", open().await);
    assert_eq!(
        figure(&program, "evenkeel_repair_brake_engaged").await,
        1.0,
        "a calm moment releases nothing"
    );
    shop.repairs(&["release", "--reason", "it was the switch"]).await;
    let ran = shop.n8n.executions().len();
    shop.lab.engine("box007").stop("web").unwrap();
    let repaired = || async {
        let rows = shop.proposals(&program).await;
        rows.last().is_some_and(|row| row["state"] == "verified" && row["host"] == "box007")
    };
    assert!(soon(repaired).await, "{:#?}", shop.proposals(&program).await.last());
    assert_eq!(shop.n8n.executions().len(), ran + 1);
    assert!(soon(|| async { notices() == ["brake_engaged", "brake_released"] }).await, "{:?}", notices());
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_in_which_each_is_repaired_before_the_next_is_one_as_well() {
    const NAMES: [&str; 7] = ["box0", "box1", "box2", "box3", "box4", "box5", "box6"];
    let services: &[(&str, u16)] = &[("web", 80)];
    let hosts: Vec<(&str, &[(&str, u16)])> = NAMES.iter().map(|name| (*name, services)).collect();
    let shop = Workshop::around(Lab::small(&hosts).await, "auto", "").await;
    let program = shop.home.start().await;
    program.until_ready().await;

    // Five may begin to drift within the hour in a fleet this small, and their repairs do not make them undone.
    let (sixth, five) = NAMES[..6].split_last().unwrap();
    for (n, name) in five.iter().enumerate() {
        shop.lab.engine(name).stop("web").unwrap();
        shop.until(&program, &vec!["verified"; n + 1]).await;
    }
    assert_eq!(figure(&program, "evenkeel_repair_brake_engaged").await, 0.0);
    shop.lab.engine(sixth).stop("web").unwrap();
    let engaged = || async { figure(&program, "evenkeel_repair_brake_engaged").await == 1.0 };
    assert!(soon(engaged).await, "{:#?}", shop.proposals(&program).await);
    assert_eq!(shop.n8n.executions().len(), five.len(), "the sixth waits for a person");
    program.stop().await;
}
