//! Mistakes an operator makes, each answered with one sentence that says what to do, and the exit codes a pipeline
//! relies on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use std::sync::Arc;

use evenkeel_lab::fault::Fault;
use evenkeel_tests::program::Home;
use evenkeel_tests::stage::{Lab, container};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

const SERVICES: &[(&str, u16)] = &[("web", 80), ("db", 5432), ("cache", 6379)];

async fn home() -> (Lab, Home) {
    let lab = Lab::small(&[("box", SERVICES)]).await;
    let home = Home::new(&lab, None);
    (lab, home)
}

/// Exit code and everything it wrote.
async fn said(home: &Home, args: &[&str]) -> (i32, String) {
    let output = home.command(args).await;
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&text).into_owned())
}

async fn expect(home: &Home, args: &[&str], code: i32, words: &[&str]) {
    let (got, text) = said(home, args).await;
    assert_eq!(got, code, "{args:?}: {text}");
    // Lines are wrapped where a terminal would want it.
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(flat.contains(word), "{args:?}: no {word:?} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diff_ends_with_0_in_sync_1_with_drift_3_when_blind_and_2_when_it_cannot_be_made() {
    let (lab, home) = home().await;
    expect(&home, &["diff"], 0, &[]).await;
    lab.engine("box").stop("db").unwrap();
    expect(&home, &["diff"], 1, &["SERVICE_MISSING", "db"]).await;
    lab.engine("box").start_container("db").unwrap();
    lab.engine("box").run(container("box", "guest", 7000));
    expect(&home, &["diff", "--output", "jsonl"], 1, &["SERVICE_UNEXPECTED", "guest"]).await;
    lab.engine("box").remove("guest").unwrap();
    lab.engine("box").faults().set("", Fault::Status(403));
    expect(&home, &["diff"], 3, &["unauthorized"]).await;
    lab.engine("box").faults().clear_all();
    expect(&home, &["diff"], 0, &[]).await;
    home.write("[netbox]\n");
    expect(&home, &["diff"], 2, &["netbox.url", "netbox.token"]).await;
    std::fs::remove_file(home.config()).unwrap();
    expect(&home, &["diff"], 2, &["evenkeel.toml"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diff_writes_nothing() {
    let (lab, home) = home().await;
    lab.engine("box").stop("db").unwrap();
    expect(&home, &["diff"], 1, &[]).await;
    let files: Vec<_> =
        std::fs::read_dir(home.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["evenkeel.toml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_called_one() {
    let (_lab, mut home) = home().await;
    home.secrets[0].1 = "f".repeat(40);
    expect(&home, &["doctor"], 2, &["token"]).await;
    expect(&home, &["diff"], 3, &["unauthorized", "token"]).await;
    home.secrets[0].1.clear();
    expect(&home, &["check"], 2, &["LAB_NETBOX_TOKEN", "empty"]).await;
    home.secrets.remove(0);
    expect(&home, &["check"], 2, &["LAB_NETBOX_TOKEN", "set it"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_is_named_with_what_happened_there() {
    let (lab, home) = home().await;
    home.edit(&lab.netbox.url(), "http://127.0.0.1:1/");
    expect(&home, &["doctor"], 2, &["127.0.0.1:1", "connection refused"]).await;
    expect(&home, &["diff"], 3, &["127.0.0.1:1", "connection refused"]).await;
    home.edit("http://127.0.0.1:1/", "netbox.lan");
    expect(&home, &["check"], 2, &["netbox.url", "http"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_self_signed_certificate_nobody_pinned_is_refused_with_the_way_to_pin_it() {
    let (lab, home) = home().await;
    let address = self_signed().await;
    home.edit(&lab.netbox.url(), &format!("https://{address}/"));
    let (code, text) = said(&home, &["doctor"]).await;
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("certificate") && text.contains("pin"), "{text}");
    expect(&home, &["diff"], 3, &["certificate"]).await;
}

/// A server that shows a certificate nobody signed, and says nothing else.
async fn self_signed() -> std::net::SocketAddr {
    let signed =
        rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(signed.signing_key.serialize_der().into());
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![signed.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((peer, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { acceptor.accept(peer).await.map(drop) });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_in_the_configuration_is_said_at_once_with_its_place() {
    let (_lab, home) = home().await;
    let text = home.read();
    let wrong = text.replace("probe_interval = \"100ms\"", "probe_intervall = \"100ms\"");
    home.write(&wrong.replace("open_after = 1", "open_after = \"one\""));
    expect(
        &home,
        &["check"],
        2,
        &[
            "netbox.probe_intervall",
            "probe_interval",
            "policy.confirm.open_after",
            "docs/reference/configuration.md",
        ],
    )
    .await;
    expect(&home, &["run"], 2, &["netbox.probe_intervall"]).await;
    home.write(&text);
    expect(&home, &["check"], 0, &["is fine"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_of_one_name_are_a_mistake_and_two_hosts_of_one_name_a_drift() {
    let (lab, home) = home().await;
    let text = home.read();
    let engine = text[text.find("[[docker]]").unwrap()..].to_owned();
    home.write(&format!("{text}\n{engine}"));
    expect(&home, &["check"], 2, &["box"]).await;
    home.write(&text);
    lab.declare_host("box", &[("web", 80)]);
    expect(&home, &["diff"], 1, &["CONFIG_DRIFT", "box", "identity"]).await;
}
