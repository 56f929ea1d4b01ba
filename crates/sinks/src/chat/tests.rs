//! Deliveries over the wire, to the lab's receiver.

use std::sync::Arc;

use evenkeel_core::Secret;
use evenkeel_lab::receiver::{Mode, Receiver};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

use super::{Body, ChatSink, Config, Preset, Settings};
use crate::samples::{HOSTILE, brake, delivery, delivery_of, event, hostile};
use crate::webhook::tests::tls::Authority;
use crate::{Sink, SinkError};

fn sink(settings: Settings) -> ChatSink {
    ChatSink::new(Config::new(settings).unwrap(), None).unwrap()
}

#[tokio::test]
async fn a_room_gets_what_its_system_takes_and_no_signature() {
    let room = Receiver::start_unsigned().await.unwrap();
    let header = Some(("Authorization".to_owned(), Secret::new("Bearer hunter2")));
    let sink = sink(Settings { header, ..Settings::new("room", room.url(), Body::Preset(Preset::Slack)) });
    sink.deliver(&delivery(&hostile())).await.unwrap();
    let arrived = room.next().await.unwrap();
    let body: Value = serde_json::from_slice(&arrived.body).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("&lt;!channel&gt;") && !text.contains("<!channel>"), "{text}");
    assert_eq!(arrived.headers["authorization"], "Bearer hunter2");
    assert_eq!(arrived.headers["content-type"], "application/json");
    assert!(!arrived.headers.contains_key("webhook-signature"));
}

#[tokio::test]
async fn a_notice_is_a_message_of_its_own_tone() {
    let room = Receiver::start_unsigned().await.unwrap();
    let template = r#"{"title": {{ title }}, "tone": {{ tone }}, "severity": {{ severity }}}"#;
    let sink = sink(Settings::new("room", room.url(), Body::Json(template.to_owned())));
    sink.deliver(&delivery_of(&brake())).await.unwrap();
    let body: Value = serde_json::from_slice(&room.next().await.unwrap().body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({ "title": "The brake is on", "tone": "notice", "severity": "critical" })
    );
}

#[tokio::test]
async fn a_template_of_ones_own_carries_a_hostile_name_whole() {
    let room = Receiver::start_unsigned().await.unwrap();
    let template = r#"{"title": {{ title }}, "text": {{ text }}}"#;
    let sink = sink(Settings::new("room", room.url(), Body::Json(template.to_owned())));
    sink.deliver(&delivery(&hostile())).await.unwrap();
    let body: Value = serde_json::from_slice(&room.next().await.unwrap().body).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 2);
    let harmless = HOSTILE.replace(['\n', '\u{202e}'], " ");
    assert!(body["text"].as_str().unwrap().contains(&harmless), "{body}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_server_error_is_tried_again() {
    let room = Receiver::start_unsigned().await.unwrap();
    let sink = sink(Settings::new("room", room.url(), Body::Preset(Preset::Discord)));
    room.set_mode(Mode::with_header(302, "location", "http://169.254.169.254/"));
    let moved = sink.deliver(&delivery(&event())).await;
    assert!(matches!(moved, Err(SinkError::Rejected { .. })), "{moved:?}");
    room.set_mode(Mode::status(503));
    let away = sink.deliver(&delivery(&event())).await;
    assert!(matches!(away, Err(SinkError::Unavailable { .. })), "{away:?}");
    assert_eq!(room.arrived().len(), 2);
}

#[tokio::test]
async fn whom_to_trust_is_taken_from_what_the_sink_is_given() {
    let authority = Authority::new();
    let trusting = |authority: &Authority| {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority.file()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        builder.with_root_certificates(roots).with_no_client_auth()
    };
    let room = authority.receiver("127.0.0.1").await;
    let settings = Settings::new("room", format!("https://{room}/x"), Body::Preset(Preset::Slack));
    let config = Config::new(settings).unwrap();
    let stranger = ChatSink::new(config.clone(), Some(trusting(&Authority::new()))).unwrap();
    let refused = stranger.deliver(&delivery(&event())).await;
    assert!(matches!(refused, Err(SinkError::Unavailable { .. })), "{refused:?}");
    let room = authority.receiver("127.0.0.1").await;
    let settings = Settings::new("room", format!("https://{room}/x"), Body::Preset(Preset::Slack));
    let known = ChatSink::new(Config::new(settings).unwrap(), Some(trusting(&authority))).unwrap();
    known.deliver(&delivery(&event())).await.unwrap();
}
