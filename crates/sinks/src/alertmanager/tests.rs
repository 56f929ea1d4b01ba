//! Deliveries over the wire, to receivers in place of Alertmanagers. The real one is asked in `tests/`.

use std::time::Duration;

use evenkeel_lab::receiver::{Mode, Receiver};
use serde_json::Value;

use super::{AlertmanagerSink, Config, Settings};
use crate::samples::{at, delivery, event};
use crate::{OpenDrift, Sink, SinkError, Standing};

fn url(server: &Receiver) -> String {
    format!("http://{}", server.address())
}

fn sink(servers: &[&Receiver]) -> AlertmanagerSink {
    let config = Config::new(Settings::new("alerts", servers.iter().map(|server| url(server)))).unwrap();
    AlertmanagerSink::new(config, None).unwrap()
}

#[tokio::test]
async fn one_server_of_a_cluster_that_is_there_is_enough() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = format!("http://{}", listener.local_addr().unwrap());
    let taken = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 8192];
        let length = stream.read(&mut request).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let away = Receiver::start_unsigned().await.unwrap();
    away.close().await;
    let config = Config::new(Settings::new("alerts", [url(&away), there])).unwrap();
    AlertmanagerSink::new(config, None).unwrap().deliver(&delivery(&event())).await.unwrap();
    let request = taken.await.unwrap();
    assert!(request.starts_with("POST /api/v2/alerts HTTP/1.1"), "{request}");
    let body: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body[0]["labels"]["alertname"], "SERVICE_MISSING");
    assert_eq!(body[0]["startsAt"], "2025-12-22T03:14:22Z");
}

#[tokio::test]
async fn without_any_server_the_delivery_is_tried_again() {
    let (one, other) = (Receiver::start_unsigned().await.unwrap(), Receiver::start_unsigned().await.unwrap());
    one.close().await;
    other.set_mode(Mode::status(503));
    let outcome = sink(&[&one, &other]).deliver(&delivery(&event())).await;
    assert!(matches!(outcome, Err(SinkError::Unavailable { .. })), "{outcome:?}");
}

#[tokio::test]
async fn what_is_open_is_repeated_in_bounded_requests_until_one_fails() {
    let away = Receiver::start_unsigned().await.unwrap();
    away.close().await;
    let sink = sink(&[&away]);
    assert_eq!(Standing::every(&sink), Duration::from_secs(60));
    let drift = OpenDrift {
        event_type: event().event_type,
        hostname: event().hostname,
        service: event().service,
        severity: event().severity,
        handle: event().handle,
        details: event().details,
        first_seen: event().first_seen,
    };
    let now = at("2025-12-22T03:14:52Z");
    assert!(sink.repeat(&[], now).await.is_ok(), "nothing open is nothing to tell");
    let failed = sink.repeat(&[drift], now).await;
    assert!(matches!(failed, Err(SinkError::Unavailable { .. })), "{failed:?}");
}
