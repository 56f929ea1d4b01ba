//! The metrics as Prometheus sees them: every one of them, and those of the whole program at work.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion itself"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use evenkeel::metrics::Metrics;
use evenkeel_core::{SourceId, SourceKind};
use evenkeel_lab::fault::Fault;
use evenkeel_lab::receiver::{Mode, Receiver};
use evenkeel_tests::program::Home;
use evenkeel_tests::prometheus::{Prometheus, tools};
use evenkeel_tests::stage::plan::SIGNING_SECRET;
use evenkeel_tests::stage::{Lab, container};
use prometheus::{Registry, TextEncoder};

fn exposition() -> String {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    metrics.sources.answered(&SourceId::new(SourceKind::Docker, "box2-media"), true, false);
    metrics.deliveries.with_label_values(&["n8n", "delivered"]).inc_by(3);
    metrics.pass_seconds.observe(0.002);
    TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
}

#[test]
fn promtool_has_nothing_to_say_about_our_metrics() {
    let Some(tools) = tools() else { return };
    let findings = tools.lint(&exposition()).unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn promtool_does_find_a_bad_metric() {
    let Some(tools) = tools() else { return };
    let findings = tools.lint("# TYPE someThing counter\nsomeThing 1\n").unwrap();
    assert!(findings.iter().any(|line| line.contains("_total")), "{findings:#?}");
}

#[test]
fn a_real_prometheus_scrapes_what_we_expose() {
    let Some(tools) = tools() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        // Ends with the process; a scrape is one request on one connection.
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let body = exposition();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all((head + &body).as_bytes());
        }
    });
    let server = tools.start(target, "/metrics").unwrap();
    let samples = server.until("evenkeel_deliveries_total", |samples| !samples.is_empty()).unwrap();
    assert_eq!((samples[0].label("sink"), samples[0].value), ("n8n", 3.0));
    // Zero before the first event: an alert on a rise would miss the first one otherwise.
    let open = server.query("count(evenkeel_drift_open == 0)").unwrap();
    assert!(open[0].value >= 11.0, "{open:?}");
}

/// Waits until an expression has this value and nothing else.
fn until_is(server: &Prometheus, expression: &str, value: f64) {
    let is = |samples: &[evenkeel_tests::prometheus::Sample]| matches!(samples, [one] if one.value == value);
    tokio::task::block_in_place(|| server.until(expression, is)).unwrap();
}

/// Waits until an expression, which compares, holds for exactly these sources.
fn until_true_of(server: &Prometheus, expression: &str, sources: &[&str]) {
    let of = |samples: &[evenkeel_tests::prometheus::Sample]| {
        let mut names: Vec<&str> = samples.iter().map(|sample| sample.label("source")).collect();
        names.sort_unstable();
        names == sources
    };
    tokio::task::block_in_place(|| server.until(expression, of)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_learns_from_the_running_binary_what_is_open_blind_and_undelivered() {
    let Some(tools) = tools() else { return };
    let services: &[(&str, u16)] = &[("web", 80), ("db", 5432)];
    let lab = Lab::small(&[("box", services), ("attic", services)]).await;
    lab.engine("box").stop("db").unwrap();
    lab.engine("attic").run(container("attic", "guest", 7000));
    let receiver = Receiver::start(SIGNING_SECRET).await.unwrap();
    receiver.set_mode(Mode::Failing);
    let home = Home::new(&lab, Some(&receiver.url()));
    let program = home.start().await;
    program.until_ready().await;
    let target = program.address().await.parse().unwrap();
    let server = tokio::task::block_in_place(|| tools.start(target, "/metrics")).unwrap();
    let all = ["docker/attic", "docker/box", "netbox/main"];

    until_is(&server, "up{job=\"evenkeel\"}", 1.0);
    until_is(&server, "sum(evenkeel_drift_open{type=\"SERVICE_MISSING\"})", 1.0);
    until_is(&server, "sum(evenkeel_drift_open{type=\"SERVICE_UNEXPECTED\"})", 1.0);
    until_is(&server, "sum(evenkeel_drift_open)", 2.0);
    until_is(&server, "evenkeel_hosts", 2.0);
    until_is(&server, "evenkeel_hosts_blind", 0.0);
    // Nothing but its running passes can hold the queue up here.
    until_is(&server, "evenkeel_workqueue_depth", 0.0);
    until_true_of(&server, "evenkeel_source_up == 1", &all);
    until_true_of(&server, "abs(time() - evenkeel_source_last_complete_timestamp_seconds) < 30", &all);
    let version = tokio::task::block_in_place(|| server.query("evenkeel_build_info == 1")).unwrap();
    assert_eq!(version[0].label("version"), env!("CARGO_PKG_VERSION"));

    // Who receives is away: what waits, and for how long.
    until_is(&server, "evenkeel_outbox_depth", 2.0);
    until_is(&server, "evenkeel_outbox_oldest_seconds > bool 1", 1.0);
    receiver.set_mode(Mode::Acknowledge);
    until_is(&server, "evenkeel_outbox_depth", 0.0);
    until_is(&server, "evenkeel_outbox_oldest_seconds", 0.0);
    until_is(&server, "evenkeel_deliveries_total{sink=\"n8n\",outcome=\"delivered\"}", 2.0);

    // An engine is away: which one, and since when.
    lab.engine("attic").faults().set("", Fault::Status(502));
    until_true_of(&server, "evenkeel_source_up == 0", &["docker/attic"]);
    until_is(&server, "evenkeel_hosts_blind", 1.0);
    let age = "time() - evenkeel_source_last_complete_timestamp_seconds > 4";
    until_true_of(&server, age, &["docker/attic"]);
    // What was open there hides behind the blindness, which is the one root now, and comes back as what it was.
    until_is(&server, "sum(evenkeel_drift_open{type=\"SERVICE_UNEXPECTED\"})", 0.0);
    until_is(&server, "sum(evenkeel_drift_open)", 2.0);
    lab.engine("attic").faults().clear_all();
    until_true_of(&server, "evenkeel_source_up == 1", &all);
    until_is(&server, "sum(evenkeel_drift_open{type=\"SERVICE_UNEXPECTED\"})", 1.0);
    let openings = "sum(evenkeel_drift_transitions_total{type=\"SERVICE_UNEXPECTED\"})";
    until_is(&server, openings, 1.0);

    let (status, exposition) = program.get("/metrics").await;
    assert_eq!(status, 200);
    let findings = tokio::task::block_in_place(|| tools.lint(&exposition)).unwrap();
    assert!(findings.is_empty(), "{findings:#?}");
    program.stop().await;
}
