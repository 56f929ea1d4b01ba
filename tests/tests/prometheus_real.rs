//! The metrics as Prometheus sees them. Needs `cargo xtask test`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion itself"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use evenkeel::metrics::Metrics;
use evenkeel_tests::prometheus::tools;
use prometheus::{Registry, TextEncoder};

fn exposition() -> String {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    metrics.observations.with_label_values(&["docker/box2-media", "complete"]).inc();
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
