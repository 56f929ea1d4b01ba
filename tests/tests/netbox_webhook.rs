//! NetBox's webhook through the whole controller: nothing but the webhook can tell it, because NetBox is asked once an
//! hour otherwise.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use evenkeel::config::SinkFilter;
use evenkeel::face::Face;
use evenkeel_sinks::netbox::{Config, NetboxSink, Settings};
use evenkeel_tests::stage::{Ear, Lab, Plan, Stage, soon};
use evenkeel_web::{Access, AppState, HostPolicy, router, serve};
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

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_about_our_own_journal_entry_is_one_more_read_and_nothing_else() {
    let lab = Lab::small(&[("box", &[("web", 80)])]).await;
    let settings = Settings::new("journal", lab.netbox.url(), lab.netbox.writer_v1());
    let sink = NetboxSink::new(Config::new(settings).unwrap(), None).unwrap();
    let mut plan = Plan { netbox_probe: HOUR, webhook_secret: Some(SECRET), ..Plan::believing() }
        .hearing(Ear::new(sink, SinkFilter::default()));
    plan.schedule.netbox_interval = HOUR;
    plan.schedule.resync = HOUR;
    let stage = Stage::start(lab, plan).await;
    assert!(soon(|| async { stage.hub().see(|world| world.declared().count() == 1) }).await);
    let (address, _serving) = serve_stage(&stage).await;
    stage.engine("box").stop("web").unwrap();
    stage.until(&["SERVICE_MISSING web@box"]).await;
    let written = || async { stage.lab.netbox.netbox().journal().len() == 1 };
    assert!(soon(written).await);

    let events = stage.events().await.len();
    stage.lab.netbox.take_log();
    let body = r#"{"event":"created","object_type":"extras.journalentry"}"#;
    assert_eq!(send(address, body, signed(body)).await, 202);
    // Once at the ring, and once when it is silent: a read of the changelog's end begins each.
    let mut reads = 0;
    let mut read_twice = || {
        let log = stage.lab.netbox.take_log();
        reads += log.iter().filter(|line| line.contains("object-changes") && line.contains("-id")).count();
        let read = reads;
        async move { read == 2 }
    };
    assert!(soon(&mut read_twice).await);
    stage.looks_but(3, &["netbox/main"]).await;
    assert!(read_twice().await, "no further read");
    assert_eq!((stage.events().await.len(), stage.lab.netbox.netbox().journal().len()), (events, 1));
}

async fn serve_stage(stage: &Stage) -> (SocketAddr, DropGuard) {
    let face = Arc::new(Face::new().unwrap());
    face.show(stage.hub().clone());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let names: [&str; 0] = [];
    let state = AppState {
        store: stage.store().clone(),
        live: face,
        allowed_hosts: HostPolicy::bound_to(address.ip(), names),
        access: Arc::new(Access::local()),
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
