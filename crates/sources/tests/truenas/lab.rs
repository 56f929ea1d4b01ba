//! Does the simulated TrueNAS speak as middleware does? Asked here by hand over a raw websocket; nothing of evenkeel's own
//! source is involved but its trust. There is no client to be had from a registry to ask it with: the documented answers
//! are the reference.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::*;
use evenkeel_lab::truenas::{App, AppState, KeyState, TruenasLab, TruenasVersion};
use futures_util::{SinkExt, StreamExt};
use rustls_pki_types::ServerName;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

type Stream = WebSocketStream<TlsStream<TcpStream>>;

async fn connect(lab: &TruenasLab, path: &str) -> Result<Stream, tokio_tungstenite::tungstenite::Error> {
    let stream = TcpStream::connect(lab.address()).await.unwrap();
    let tls = Arc::new(config(lab).trust.client_config().unwrap());
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TlsConnector::from(tls).connect(name, stream).await.unwrap();
    let address = format!("wss://{}{path}", lab.address());
    tokio_tungstenite::client_async(address, stream).await.map(|(stream, _)| stream)
}

async fn read(stream: &mut Stream) -> Option<Value> {
    match timeout(SOON, stream.next()).await.expect("something is said")? {
        Ok(Message::Text(text)) => Some(serde_json::from_str(&text).unwrap()),
        _ => None,
    }
}

async fn call(stream: &mut Stream, method: &str, params: Value) -> Value {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    stream.send(Message::text(message.to_string())).await.unwrap();
    read(stream).await.expect("an answer")
}

fn documented(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/truenas/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn ticket(lab: &TruenasLab, key: &str) -> Value {
    let mut params = documented("auth.login_ex.request")["params"].clone();
    params[0]["username"] = json!(lab.user());
    params[0]["api_key"] = json!(key);
    params
}

#[tokio::test]
async fn a_stranger_is_refused_as_documented_and_logs_in_as_documented() {
    let lab = lab(TruenasVersion::V25_10).await;
    let mut stream = connect(&lab, "/api/v25.10.0").await.unwrap();
    let refused = call(&mut stream, "app.query", json!([])).await;
    let mut expected = documented("error.not-authenticated");
    // The simulated one has a trace, so that it shows if somebody repeats it.
    expected["error"]["data"]["trace"] = refused["error"]["data"]["trace"].clone();
    assert_eq!(refused, expected);
    let answer = call(&mut stream, "auth.login_ex", ticket(&lab, "1-wrong")).await;
    assert_eq!(answer["result"], json!({"response_type": "AUTH_ERR"}));
    let answer = call(&mut stream, "auth.login_ex", ticket(&lab, lab.key())).await;
    assert_eq!(answer["result"]["response_type"], "SUCCESS");
    let answer = call(&mut stream, "container.query", json!([])).await;
    assert_eq!(answer["error"]["code"], -32601, "25.10 has no such method");
    let answer = call(&mut stream, "app.query", json!({"name": "plex"})).await;
    assert_eq!(answer["error"]["code"], -32602, "parameters are a list");
}

#[tokio::test]
async fn a_push_has_the_documented_form() {
    let lab = lab(TruenasVersion::V25_10).await;
    let mut stream = connect(&lab, "/api/current").await.unwrap();
    call(&mut stream, "auth.login_ex", ticket(&lab, lab.key())).await;
    call(&mut stream, "core.subscribe", json!(["app.query"])).await;
    lab.set_app("plex", AppState::Stopped);
    let push = read(&mut stream).await.unwrap();
    let expected = documented("app.query.collection_update");
    assert_eq!(keys(&push), keys(&expected));
    assert_eq!(keys(&push["params"]), keys(&expected["params"]));
    assert_eq!((&push["params"]["msg"], &push["params"]["id"]), (&json!("changed"), &json!("plex")));
}

#[tokio::test]
async fn options_select_and_count() {
    let lab = lab(TruenasVersion::V26).await;
    lab.edit(|state| state.apps.insert("immich".into(), App::new("immich:1", &[30041])));
    let mut stream = connect(&lab, "/api/v26.0.0").await.unwrap();
    call(&mut stream, "auth.login_ex", ticket(&lab, lab.key())).await;
    let answer = call(&mut stream, "app.query", json!([[], {"select": ["id", "state"], "limit": 0}])).await;
    assert_eq!(keys(&answer["result"][0]), BTreeSet::from(["id", "state"]));
    let answer = call(&mut stream, "app.query", json!([[], {"count": true}])).await;
    assert_eq!(answer["result"], 4);
}

#[tokio::test]
async fn limits_are_those_of_middleware() {
    let lab = lab(TruenasVersion::V25_10).await;
    let mut stream = connect(&lab, "/api/v25.10.0").await.unwrap();
    for _ in 0..20 {
        call(&mut stream, "auth.login_ex", ticket(&lab, "1-wrong")).await;
    }
    let answer = call(&mut stream, "auth.login_ex", ticket(&lab, lab.key())).await;
    assert_eq!(answer["error"]["data"]["errname"], "EBUSY");
    let long = json!({"jsonrpc": "2.0", "id": 1, "method": "core.ping", "params": ["x".repeat(9000)]});
    stream.send(Message::text(long.to_string())).await.unwrap();
    assert_eq!(read(&mut stream).await, None, "a stranger's long message ends the socket");
}

#[tokio::test]
async fn a_release_serves_the_versions_it_lists_and_no_others() {
    let (old, new) = (lab(TruenasVersion::V24_10).await, lab(TruenasVersion::V25_04).await);
    assert!(connect(&old, "/api/current").await.is_err());
    assert!(connect(&new, "/api/v26.0.0").await.is_err());
    assert!(connect(&new, "/api/v25.04.0").await.is_ok());
}

#[tokio::test]
async fn the_right_key_over_a_plain_websocket_is_revoked() {
    let lab = lab(TruenasVersion::V25_10).await;
    let stream = TcpStream::connect(lab.address()).await.unwrap();
    let address = format!("ws://{}/api/current", lab.address());
    let (mut stream, _) = tokio_tungstenite::client_async(address, stream).await.unwrap();
    let message =
        json!({"jsonrpc": "2.0", "id": 1, "method": "auth.login_ex", "params": ticket(&lab, lab.key())});
    stream.send(Message::text(message.to_string())).await.unwrap();
    timeout(SOON, stream.next()).await.expect("an answer").unwrap().unwrap();
    assert_eq!(lab.state().key, KeyState::Revoked);
}
