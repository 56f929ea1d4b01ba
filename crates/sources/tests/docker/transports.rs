//! The ways to an engine: socket file, mutual TLS, ssh, a proxy under a path, and what is no engine at all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic in a test, or in what tests share, is the failed assertion itself"
)]

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::model::HostSnapshot;
use evenkeel_core::{GapKind, SourceId, SourceKind};
use evenkeel_lab::docker::{Container, DockerLab};
use evenkeel_sources::docker::{Config, DockerSource, Endpoint, Error};
use evenkeel_sources::http::{ClientIdentity, Fingerprint, Trust};
use evenkeel_sources::{Snapshot, Source};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Generous: the machine may be busy. No test waits for it unless it fails.
const SOON: Duration = Duration::from_secs(20);

fn config(endpoint: &str) -> Config {
    Config {
        debounce: Duration::ZERO,
        ..Config::new(SourceId::new(SourceKind::Docker, "box"), Endpoint::parse(endpoint).unwrap())
    }
}

fn polling(endpoint: &str) -> Config {
    Config { events: false, ..config(endpoint) }
}

async fn observe(source: &DockerSource) -> HostSnapshot {
    match timeout(SOON, source.observe()).await.expect("an observation ends") {
        Snapshot::Hosts(mut hosts) if hosts.len() == 1 => hosts.remove(0),
        other @ (Snapshot::Hosts(_) | Snapshot::Inventory(_) | Snapshot::Survey { .. }) => {
            panic!("one host expected, got {other:?}")
        }
    }
}

fn assert_read(snapshot: &HostSnapshot) {
    assert!(snapshot.coverage.is_complete(), "{:?}", snapshot.coverage);
    assert_eq!(snapshot.services.len(), 1);
    assert_eq!(snapshot.services[0].name.as_str(), "jellyfin");
}

fn gap(snapshot: &HostSnapshot) -> (GapKind, String) {
    let gap = snapshot.coverage.gap().unwrap_or_else(|| panic!("complete: {snapshot:#?}"));
    (gap.kind, gap.why.to_string())
}

async fn hears(source: &DockerSource, part: &str) {
    let hint = timeout(SOON, async { while !source.changed().await.reason.contains(part) {} });
    hint.await.expect("a hint comes");
}

async fn lab() -> DockerLab {
    let lab = DockerLab::start("box").await.unwrap();
    lab.run(Container::new("jellyfin").publish(8096, 8096));
    lab
}

#[tokio::test]
async fn a_socket_file_is_read_and_listened_to() {
    let lab = lab().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("docker.sock");
    lab.listen_unix(&path).unwrap();
    let source = DockerSource::new(config(&format!("unix://{}", path.display()))).unwrap();
    hears(&source, "stream is open").await;
    assert_read(&observe(&source).await);
    lab.stop("jellyfin").unwrap();
    hears(&source, "die jellyfin").await;
}

#[tokio::test]
async fn a_socket_file_that_is_missing_is_named() {
    let (kind, why) =
        gap(&observe(&DockerSource::new(polling("unix:///nonexistent/docker.sock")).unwrap()).await);
    assert_eq!(kind, GapKind::Unreachable);
    assert!(why.starts_with("unix:///nonexistent/docker.sock: GET /containers/json: "), "{why}");
}

#[tokio::test]
async fn every_observation_uses_a_connection_of_its_own() {
    let lab = lab().await;
    let source = DockerSource::new(polling(&lab.url())).unwrap();
    observe(&source).await;
    let before = lab.connections();
    observe(&source).await;
    assert!(lab.connections() > before, "an engine that stops still answers on old connections");
}

fn fake_ssh() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/docker/fake-ssh")
}

fn over_ssh(user: &str, port: u16, events: bool) -> DockerSource {
    let endpoint = format!("ssh://{user}@127.0.0.1:{port}");
    DockerSource::new(Config { ssh_command: fake_ssh(), events, ..config(&endpoint) }).unwrap()
}

#[tokio::test]
async fn an_engine_behind_ssh_is_read_and_listened_to() {
    let lab = lab().await;
    let source = over_ssh("ops", lab.address().port(), true);
    hears(&source, "stream is open").await;
    assert_read(&observe(&source).await);
    lab.stop("jellyfin").unwrap();
    hears(&source, "die jellyfin").await;
}

#[tokio::test]
async fn what_ssh_says_is_in_the_gap() {
    let source = over_ssh("denied", 22, false);
    let (kind, why) = gap(&observe(&source).await);
    assert_eq!(kind, GapKind::Unauthorized);
    assert!(why.contains("ssh://denied@127.0.0.1:22"), "{why}");
    assert!(why.ends_with("(ssh says: denied@127.0.0.1: Permission denied (publickey).)"), "{why}");
}

#[tokio::test]
async fn an_ssh_that_reaches_nobody_leaves_the_engine_unreachable() {
    let lab = lab().await;
    lab.kill_daemon().await.unwrap();
    let source = over_ssh("ops", lab.address().port(), false);
    let (kind, why) = gap(&observe(&source).await);
    assert_eq!(kind, GapKind::Unreachable);
    assert!(why.contains("Connection refused"), "{why}");
    // And it is not held against the next attempt.
    lab.start_daemon().await.unwrap();
    assert!(observe(&source).await.coverage.is_complete());
}

#[tokio::test]
async fn a_missing_ssh_is_said_to_be_missing() {
    let ssh_command = PathBuf::from("/nonexistent/ssh");
    let source = DockerSource::new(Config { ssh_command, ..polling("ssh://ops@box") }).unwrap();
    let (kind, why) = gap(&observe(&source).await);
    assert_eq!(kind, GapKind::Unreachable);
    assert!(why.contains("cannot start /nonexistent/ssh"), "{why}");
}

/// An authority, a server certificate for 127.0.0.1 and a client certificate of it, as PEM files.
struct Papers {
    dir: tempfile::TempDir,
    authority: CertificateDer<'static>,
    server: (CertificateDer<'static>, KeyPair),
}

impl Papers {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let leaf = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            (params.signed_by(&key, &issuer).unwrap(), key)
        };
        let (server, server_key) = leaf("127.0.0.1");
        let (client, client_key) = leaf("evenkeel");
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        std::fs::write(dir.path().join("cert.pem"), client.pem()).unwrap();
        std::fs::write(dir.path().join("key.pem"), client_key.serialize_pem()).unwrap();
        Self { authority: issuer.der().clone(), server: (server.der().clone(), server_key), dir }
    }

    fn trust(&self, with_identity: bool) -> Trust {
        let file = |name: &str| self.dir.path().join(name);
        Trust {
            ca_file: Some(file("ca.pem")),
            pin: None,
            client_identity: with_identity
                .then(|| ClientIdentity { cert: file("cert.pem"), key: file("key.pem") }),
        }
    }

    /// In front of the lab: only who shows a certificate of the authority gets through.
    async fn guard(&self, lab: &DockerLab) -> u16 {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
        let key = PrivateKeyDer::try_from(self.server.1.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![self.server.0.clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let engine = lab.address();
        tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut peer = acceptor.accept(peer).await?;
                    let mut engine = TcpStream::connect(engine).await?;
                    copy_bidirectional(&mut peer, &mut engine).await?;
                    io::Result::Ok(())
                });
            }
        });
        port
    }
}

#[tokio::test]
async fn mutual_tls_lets_in_who_shows_a_certificate() {
    let (lab, papers) = (lab().await, Papers::new());
    let port = papers.guard(&lab).await;
    let endpoint = format!("https://127.0.0.1:{port}");
    let source = DockerSource::new(Config { trust: papers.trust(true), ..config(&endpoint) }).unwrap();
    hears(&source, "stream is open").await;
    assert_read(&observe(&source).await);
    lab.stop("jellyfin").unwrap();
    hears(&source, "die jellyfin").await;
    let shown = source.check().await.fingerprint.unwrap().unwrap();
    assert_eq!(shown, Fingerprint::of(&papers.server.0));

    let pinned = Trust { ca_file: None, pin: Some(shown), ..papers.trust(true) };
    let source = DockerSource::new(Config { trust: pinned, ..polling(&endpoint) }).unwrap();
    assert_read(&observe(&source).await);
}

#[tokio::test]
async fn mutual_tls_keeps_everybody_else_out() {
    let (lab, papers) = (lab().await, Papers::new());
    let endpoint = format!("https://127.0.0.1:{}", papers.guard(&lab).await);
    for trust in [papers.trust(false), Papers::new().trust(true), Trust::default()] {
        let source = DockerSource::new(Config { trust, ..polling(&endpoint) }).unwrap();
        let snapshot = observe(&source).await;
        let (_, why) = gap(&snapshot);
        assert!(snapshot.services.is_empty() && !why.is_empty());
    }
    assert_eq!(lab.requests(""), 0);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_a_mistake_of_the_configuration() {
    let trust = Trust { ca_file: Some("/nonexistent/ca.pem".into()), ..Trust::default() };
    let error = DockerSource::new(Config { trust, ..polling("https://127.0.0.1:2376") }).unwrap_err();
    assert!(matches!(error, Error::Client(_)), "{error:?}");
}

#[tokio::test]
async fn plain_http_to_a_tls_port_is_not_an_engine() {
    let (lab, papers) = (lab().await, Papers::new());
    let port = papers.guard(&lab).await;
    let snapshot = observe(&DockerSource::new(polling(&format!("tcp://127.0.0.1:{port}"))).unwrap()).await;
    assert!(!snapshot.coverage.is_complete());
}

/// Answers every request with this, and tells what was asked first.
async fn always(answer: &'static str) -> (u16, tokio::sync::oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, asked) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut tell = Some(tell);
        while let Ok((mut peer, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let read = peer.read(&mut head).await.unwrap_or(0);
            if let Some(tell) = tell.take() {
                let _ = tell.send(String::from_utf8_lossy(&head[..read]).into_owned());
            }
            let _ = peer.write_all(answer.as_bytes()).await;
        }
    });
    (port, asked)
}

#[tokio::test]
async fn a_login_page_is_not_an_engine() {
    let (port, _asked) = always(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>",
    )
    .await;
    let (kind, why) =
        gap(&observe(&DockerSource::new(polling(&format!("http://127.0.0.1:{port}"))).unwrap()).await);
    assert_eq!(kind, GapKind::Malformed);
    assert!(why.contains("text/html") && why.contains("is this a docker engine?"), "{why}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (port, _asked) = always(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    )
    .await;
    let (kind, why) =
        gap(&observe(&DockerSource::new(polling(&format!("http://127.0.0.1:{port}"))).unwrap()).await);
    assert_eq!(kind, GapKind::Malformed);
    assert!(why.contains("302"), "{why}");
}

#[tokio::test]
async fn a_base_path_and_a_version_lead_every_question() {
    let (port, asked) =
        always("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    let endpoint = format!("http://127.0.0.1:{port}/engines/media/");
    let source =
        DockerSource::new(Config { api_version: Some("1.44".to_owned()), ..polling(&endpoint) }).unwrap();
    assert!(!observe(&source).await.coverage.is_complete());
    let asked = asked.await.unwrap();
    assert!(asked.starts_with("GET /engines/media/v1.44/containers/json?all=true HTTP/1.1"), "{asked}");
}
