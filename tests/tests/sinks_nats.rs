//! A real NATS server: what JetStream acknowledged is there once, whatever happened on the way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test is the failed assertion"
)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use evenkeel_core::Secret;
use evenkeel_sinks::nats::{Config, Login, NatsSink, Settings};
use evenkeel_sinks::{Carries, Delivery, Sink, SinkError};
use evenkeel_sources::http::{Fingerprint, Trust};
use evenkeel_tests::nats::{Nats, program};
use evenkeel_tests::stage::soon;

const EVENT: &str = r#"{"id":"01940000-0000-7000-8000-000000000001","hostname":"box2.lan > *","service":null,
"event_type":"VM_DOWN","expected":null,"observed":null,"severity":"critical","details":"down","source":"proxmox",
"created_at":"2025-12-22T03:14:52Z","transition":"opened","drift_id":"VM_DOWN|host:box2||","handle":"7K3M9Q2A",
"first_seen":"2025-12-22T03:14:22Z","last_seen":"2025-12-22T03:14:52Z","flapping":false,"baseline":false}"#;

fn delivery(id: &str) -> Delivery {
    Delivery {
        id: id.to_owned(),
        attempt: 1,
        sink: "bus".into(),
        payload: Bytes::from_static(EVENT.as_bytes()),
        carries: Carries::of(EVENT.as_bytes()).unwrap(),
    }
}

fn sink(server: &Nats, change: impl FnOnce(&mut Settings)) -> NatsSink {
    let mut settings = Settings::new("bus", [server.url()]);
    settings.timeout = Duration::from_secs(5);
    change(&mut settings);
    NatsSink::new(Config::new(settings).unwrap(), None)
}

fn making(settings: &mut Settings) {
    settings.create_stream = Some("EVENKEEL".to_owned());
}

/// How many messages the stream holds, and the last of them: subject, id, payload.
async fn kept(server: &Nats) -> (u64, String, String, Bytes) {
    let client = async_nats::connect(server.url()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("EVENKEEL").await.unwrap();
    let state = stream.cached_info().state.clone();
    let message = stream.get_raw_message(state.last_sequence).await.unwrap();
    let id = message.headers.get("Nats-Msg-Id").map(ToString::to_string).unwrap_or_default();
    (state.messages, message.subject.to_string(), id, message.payload)
}

#[tokio::test]
async fn an_event_is_kept_once_however_often_it_is_sent() {
    let Some(program) = program() else { return };
    let server = Nats::start(&program, "").await;
    let sink = sink(&server, making);
    for _ in 0..3 {
        sink.deliver(&delivery("01940000-0000-7000-8000-000000000001")).await.unwrap();
    }
    let (messages, subject, id, payload) = kept(&server).await;
    assert_eq!(messages, 1, "a duplicate is acknowledged and not kept");
    assert_eq!(subject, "evenkeel.events.VM_DOWN.box2_lan____");
    assert_eq!(id, "01940000-0000-7000-8000-000000000001");
    assert_eq!(payload, EVENT.as_bytes());
    sink.deliver(&delivery("01940000-0000-7000-8000-000000000002")).await.unwrap();
    assert_eq!(kept(&server).await.0, 2);
}

#[tokio::test]
async fn without_a_stream_nothing_counts_as_delivered_and_the_error_says_how_to_make_one() {
    let Some(program) = program() else { return };
    let server = Nats::start(&program, "").await;
    let sink = sink(&server, |_| {});
    let Err(SinkError::Unavailable { why }) = sink.deliver(&delivery("a")).await else { panic!("delivered") };
    assert!(why.contains("nats stream add EVENKEEL --subjects 'evenkeel.events.>'"), "{why}");
    assert!(sink.look().await.unwrap_err().to_string().contains("no stream takes"));
    // Somebody makes it.
    self::sink(&server, making).deliver(&delivery("b")).await.unwrap();
    sink.deliver(&delivery("a")).await.unwrap();
    assert_eq!(sink.look().await.unwrap(), "EVENKEEL");
    assert_eq!(kept(&server).await.0, 2);
}

const NOTICE: &str = r#"{"id":"01940000-0000-7000-8000-000000000009","kind":"notice","code":"brake_engaged",
"text":"57 drifts began within an hour; nothing is dispatched.","actor":"evenkeel","at":"2025-12-22T03:14:52Z",
"drift_id":null,"handle":null,"proposal":null}"#;

#[tokio::test]
async fn a_notice_is_kept_under_its_code_in_a_stream_that_was_made_before_there_were_notices() {
    let Some(program) = program() else { return };
    let server = Nats::start(&program, "").await;
    sink(&server, making).deliver(&delivery("a")).await.unwrap();
    let notice = Delivery {
        payload: Bytes::from_static(NOTICE.as_bytes()),
        carries: Carries::of(NOTICE.as_bytes()).unwrap(),
        ..delivery("01940000-0000-7000-8000-000000000009")
    };
    let refused = sink(&server, making).deliver(&notice).await;
    assert!(matches!(refused, Err(SinkError::Rejected { .. })), "it was not asked to take any: {refused:?}");
    let with_notices = |settings: &mut Settings| settings.notices = Some("evenkeel.notices".to_owned());
    let Err(SinkError::Unavailable { why }) = sink(&server, with_notices).deliver(&notice).await else {
        panic!("delivered")
    };
    assert!(why.contains("no stream takes evenkeel.notices.>"), "{why}");
    assert!(why.contains("--subjects 'evenkeel.events.>,evenkeel.notices.>'"), "{why}");
    let both = sink(&server, |settings| {
        making(settings);
        with_notices(settings);
    });
    both.deliver(&notice).await.unwrap();
    let (messages, subject, id, payload) = kept(&server).await;
    assert_eq!((messages, subject.as_str()), (2, "evenkeel.notices.brake_engaged"));
    assert_eq!((id.as_str(), payload), ("01940000-0000-7000-8000-000000000009", notice.payload.clone()));
    assert_eq!(both.look().await.unwrap(), "EVENKEEL");
    both.deliver(&delivery("b")).await.unwrap();
    assert_eq!(kept(&server).await.0, 3, "events go where they went");
}

#[tokio::test]
async fn a_server_that_comes_back_takes_what_could_not_be_delivered() {
    let Some(program) = program() else { return };
    let mut server = Nats::start(&program, "").await;
    let sink = Arc::new(sink(&server, |settings| {
        making(settings);
        settings.timeout = Duration::from_secs(1);
    }));
    sink.deliver(&delivery("a")).await.unwrap();
    server.kill().await;
    let away = sink.deliver(&delivery("b")).await;
    assert!(matches!(away, Err(SinkError::Unavailable { .. })), "{away:?}");
    server.resume().await;
    assert!(soon(|| async { sink.deliver(&delivery("b")).await.is_ok() }).await);
    assert_eq!(kept(&server).await.0, 2, "what was sent while the server was away is not kept twice");
}

#[tokio::test]
async fn each_login_opens_and_a_wrong_one_is_said_without_being_shown() {
    let Some(program) = program() else { return };
    let by_user = Nats::start(&program, "authorization { user: ada, password: hunter2 }").await;
    let user = |password: &str| Login::User { name: "ada".into(), password: Secret::new(password) };
    let look = |server: &Nats, login: Login| {
        let sink = sink(server, |settings| {
            making(settings);
            settings.login = login;
        });
        async move { sink.look().await }
    };
    look(&by_user, user("hunter2")).await.unwrap();
    let by_token = Nats::start(&program, "authorization { token: \"t0ken\" }").await;
    look(&by_token, Login::Token(Secret::new("t0ken"))).await.unwrap();
    for (server, login) in [
        (&by_user, user("wr0ng")),
        (&by_user, Login::Anonymous),
        (&by_token, Login::Token(Secret::new("wr0ng"))),
    ] {
        let refused = look(server, login).await.unwrap_err();
        assert!(matches!(refused, SinkError::Rejected { .. }), "{refused:?}");
        assert!(!refused.to_string().contains("wr0ng"), "{refused}");
    }
}

#[tokio::test]
async fn over_tls_the_pinned_certificate_is_trusted_and_another_is_not() {
    let Some(program) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = format!("tls {{ cert_file: \"{}\", key_file: \"{}\" }}", cert.display(), key.display());
    let server = Nats::start(&program, &tls).await;
    let look = |pin: Fingerprint| {
        let trust = Trust { pin: Some(pin), ..Trust::default() };
        let mut settings = Settings::new("bus", [server.url().replace("nats://", "tls://")]);
        making(&mut settings);
        let sink = NatsSink::new(Config::new(settings).unwrap(), Some(trust.client_config().unwrap()));
        async move { sink.look().await }
    };
    look(Fingerprint::of(made.cert.der())).await.unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let refused = look(Fingerprint::of(other.cert.der())).await.unwrap_err();
    assert!(matches!(refused, SinkError::Unavailable { .. }), "{refused:?}");
}
