//! NetBox's webhook through the whole controller: nothing but the webhook can tell it, because NetBox is asked once an
//! hour otherwise.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use evenkeel::face::Face;
use evenkeel_tests::stage::{Lab, Plan, Stage, soon};
use evenkeel_web::{AppState, HostPolicy, router, serve};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

const SECRET: &str = "what-netbox-signs-with";
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_in_netbox_is_seen_when_its_webhook_rings() {
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let mut plan = Plan { netbox_probe: HOUR, webhook_secret: Some(SECRET), ..Plan::believing() };
    plan.schedule.netbox_interval = HOUR;
    plan.schedule.resync = HOUR;
    let stage = Stage::start(lab, plan).await;
    assert!(soon(|| async { stage.hub().see(|world| world.declared().count() == 1) }).await);
    let (address, _serving) = serve_stage(&stage).await;

    stage.lab.declare("box", "mail", 25);
    // Nobody looks by himself: three answers of the engine go by without a drift.
    stage.looks_but(3, &["netbox/main"]).await;
    assert!(stage.open().is_empty());

    let body = r#"{"event":"created","model":"service"}"#;
    assert_eq!(send(address, body, "0".repeat(128)).await, 401);
    stage.looks_but(3, &["netbox/main"]).await;
    assert!(stage.open().is_empty(), "a forged webhook is not heard");

    assert_eq!(send(address, body, signed(body)).await, 202);
    stage.until(&["SERVICE_MISSING mail@box"]).await;
}

async fn serve_stage(stage: &Stage) -> (SocketAddr, DropGuard) {
    let face = Arc::new(Face::default());
    face.show(stage.hub().clone());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let names: [&str; 0] = [];
    let state = AppState {
        store: stage.store().clone(),
        live: face,
        allowed_hosts: HostPolicy::bound_to(address.ip(), names),
    };
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, router(state), stop.clone().cancelled_owned()));
    (address, stop.drop_guard())
}

fn signed(body: &str) -> String {
    let mac = Hmac::<Sha512>::new_from_slice(SECRET.as_bytes()).unwrap().chain_update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn send(address: SocketAddr, body: &str, signature: String) -> u16 {
    let length = body.len();
    let head = format!(
        "POST /webhooks/netbox HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Length: {length}\r\nX-Hook-Signature: {signature}\r\n\r\n"
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}
