//! Whom the shared HTTP room trusts: nobody unasked, one's own authority, one pinned certificate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failed assertion itself"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenkeel_core::{Gap, GapKind};
use evenkeel_sources::http::{self, ClientIdentity, Fingerprint, Retry, Timeouts, Trust};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::{Method, Request};
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server on loopback that answers every request with `{}`.
struct Server {
    port: u16,
}

fn key_of(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

async fn serve(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: Option<CertificateDer<'static>>,
) -> Server {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(authority).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    Server { port }
}

/// A certificate that signs itself and calls itself an authority, as home appliances make them.
fn self_signed(name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.self_signed(&key).unwrap().der().clone(), key_of(&key))
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issued(by: &CertifiedIssuer<'static, KeyPair>, name: &str) -> (CertificateDer<'static>, KeyPair, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, by).unwrap();
    (certificate.der().clone(), key, certificate.pem())
}

fn file(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

async fn get(trust: &Trust, host: &str, port: u16) -> Result<(), Gap> {
    let client = http::client(trust, &Timeouts::default()).unwrap();
    let request = Request::new(Method::GET, format!("https://{host}:{port}/api/status/").parse().unwrap());
    http::fetch(&client, &request, &Retry::never(), http::MAX_BODY)
        .await
        .map(|answer| assert_eq!(&*answer.body, b"{}"))
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_and_the_gap_says_how_to_trust_it() {
    let (certificate, key) = self_signed("localhost");
    let server = serve(vec![certificate], key, None).await;
    let gap = get(&Trust::default(), "localhost", server.port).await.unwrap_err();
    assert_eq!(gap.kind, GapKind::Unreachable);
    assert!(
        // Whether it counts as an authority's is for the platform to say.
        gap.why.contains("certificate: ") && gap.why.contains("pin it with `pin`"),
        "{gap}"
    );
}

#[tokio::test]
async fn a_pin_trusts_a_self_signed_authority_under_any_name() {
    let (certificate, key) = self_signed("some-appliance");
    let pin = Some(Fingerprint::of(&certificate));
    let server = serve(vec![certificate], key, None).await;
    for host in ["localhost", "127.0.0.1"] {
        get(&Trust { pin, ..Trust::default() }, host, server.port).await.unwrap();
    }
}

#[tokio::test]
async fn another_certificate_than_the_pinned_one_is_refused_and_both_are_named() {
    let (certificate, key) = self_signed("localhost");
    let (other, _) = self_signed("localhost");
    let (shown, pinned) = (Fingerprint::of(&certificate), Fingerprint::of(&other));
    let server = serve(vec![certificate], key, None).await;
    let gap =
        get(&Trust { pin: Some(pinned), ..Trust::default() }, "localhost", server.port).await.unwrap_err();
    assert!(gap.why.contains(&format!("shows the certificate {shown}, pinned is {pinned}")), "{gap}");
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_for_the_names_it_signs_and_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let ours = authority();
    let (certificate, key, _) = issued(&ours, "localhost");
    let pin = Fingerprint::of(&certificate);
    let server = serve(vec![certificate], key_of(&key), None).await;
    let trust = Trust { ca_file: Some(file(directory.path(), "ca.pem", &ours.pem())), ..Trust::default() };
    get(&trust, "localhost", server.port).await.unwrap();
    let gap = get(&trust, "127.0.0.1", server.port).await.unwrap_err();
    assert!(gap.why.contains("issued for another name"), "{gap}");
    // With both, both must hold.
    let both = Trust { pin: Some(pin), ..trust.clone() };
    get(&both, "localhost", server.port).await.unwrap();
    get(&both, "127.0.0.1", server.port).await.unwrap_err();
    // The authority replaces the platform's; another one's does not do.
    let theirs =
        Trust { ca_file: Some(file(directory.path(), "other.pem", &authority().pem())), ..Trust::default() };
    let gap = get(&theirs, "localhost", server.port).await.unwrap_err();
    assert!(gap.why.contains("unknown issuer") || gap.why.contains("certificate: "), "{gap}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_one_is_wanted() {
    let directory = tempfile::tempdir().unwrap();
    let ours = authority();
    let (certificate, key, _) = issued(&ours, "localhost");
    let (_, client_key, client_pem) = issued(&ours, "evenkeel");
    let pin = Some(Fingerprint::of(&certificate));
    let server = serve(vec![certificate], key_of(&key), Some(ours.der().clone())).await;
    let without = Trust { pin, ..Trust::default() };
    get(&without, "localhost", server.port).await.unwrap_err();
    let client_identity = Some(ClientIdentity {
        cert: file(directory.path(), "client.pem", &client_pem),
        key: file(directory.path(), "client.key", &client_key.serialize_pem()),
    });
    get(&Trust { pin, client_identity, ..Trust::default() }, "localhost", server.port).await.unwrap();
}

#[tokio::test]
async fn the_fingerprint_to_pin_can_be_asked_for() {
    let (certificate, key) = self_signed("localhost");
    let expected = Fingerprint::of(&certificate);
    let server = serve(vec![certificate], key, None).await;
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(http::peer_fingerprint(host, server.port).await, Ok(expected));
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_has_no_fingerprint() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let gap = http::peer_fingerprint("127.0.0.1", port).await.unwrap_err();
    assert_eq!(gap.kind, GapKind::Malformed, "{gap}");
    let gap = get(&Trust::default(), "127.0.0.1", port).await.unwrap_err();
    assert!(gap.why.contains("does not speak tls"), "{gap}");
}

#[tokio::test]
async fn files_that_hold_nothing_usable_are_named_before_anything_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let empty = file(directory.path(), "empty.pem", "nothing here");
    let trust = Trust { ca_file: Some(empty.clone()), ..Trust::default() };
    let error = http::client(&trust, &Timeouts::default()).unwrap_err();
    assert_eq!(error.to_string(), format!("{} holds no usable certificate", empty.display()));
    let client_identity = Some(ClientIdentity { cert: empty.clone(), key: empty.clone() });
    let error =
        http::client(&Trust { client_identity, ..Trust::default() }, &Timeouts::default()).unwrap_err();
    assert_eq!(error.to_string(), format!("{} holds no usable private key", empty.display()));
}

/// Answers the first connection with these bytes and closes.
async fn once(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(&bytes).await;
        }
    });
    format!("http://{address}/")
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_a_token() {
    let url = once(
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/elsewhere\r\ncontent-length: 0\r\n\r\n".to_vec(),
    )
    .await;
    let client = http::client(&Trust::default(), &Timeouts::default()).unwrap();
    let request = Request::new(Method::GET, url.parse().unwrap());
    let answer = http::fetch(&client, &request, &Retry::never(), http::MAX_BODY).await.unwrap();
    assert_eq!(answer.status, 302);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read_whether_announced_or_not() {
    for head in ["content-length: 4096\r\n", "transfer-encoding: chunked\r\n"] {
        let mut bytes = format!("HTTP/1.1 200 OK\r\n{head}\r\n").into_bytes();
        if head.starts_with("transfer") {
            bytes.extend(b"1000\r\n");
        }
        bytes.extend(vec![b'x'; 4096]);
        bytes.extend(b"\r\n0\r\n\r\n");
        let url = once(bytes).await;
        let client = http::client(&Trust::default(), &Timeouts::default()).unwrap();
        let request = Request::new(Method::GET, url.parse().unwrap());
        let gap = http::fetch(&client, &request, &Retry::never(), 1024).await.unwrap_err();
        assert_eq!(gap.kind, GapKind::Malformed, "{gap}");
        assert!(gap.why.contains("the answer is larger than"), "{gap}");
    }
}

#[tokio::test]
async fn a_wish_to_wait_longer_than_allowed_ends_the_attempts() {
    let url =
        once(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n".to_vec())
            .await;
    let client = http::client(&Trust::default(), &Timeouts::default()).unwrap();
    let request = Request::new(Method::GET, url.parse().unwrap());
    let answer = http::fetch(&client, &request, &Retry::default(), 1024).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.requests), (429, 1));
}

#[tokio::test]
async fn a_certificate_that_is_over_or_not_valid_yet_is_refused_even_where_its_authority_is_trusted() {
    let (directory, authority) = (tempfile::tempdir().unwrap(), authority());
    let trust =
        Trust { ca_file: Some(file(directory.path(), "ca.pem", &authority.pem())), ..Trust::default() };
    for (from, until) in [(2020, 2021), (3000, 3001)] {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let server = serve(vec![certificate.der().clone()], key_of(&key), None).await;
        let gap = get(&trust, "localhost", server.port).await.unwrap_err();
        assert_eq!(gap.kind, GapKind::Unreachable, "{from}: {gap}");
        assert!(gap.why.contains("certificate"), "{from}: {gap}");
    }
    let (certificate, key, _) = issued(&authority, "localhost");
    let server = serve(vec![certificate], key_of(&key), None).await;
    get(&trust, "localhost", server.port).await.unwrap();
}
