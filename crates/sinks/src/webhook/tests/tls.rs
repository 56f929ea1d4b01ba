//! Deliveries over TLS: who is trusted.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{delivery, sink, unavailable};
use crate::webhook::{Config, Error, Settings, WebhookSink};
use crate::{Receipt, Sink};

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A receiver for this name that answers 204 to whatever comes first.
    pub(crate) async fn receiver(&self, name: &str) -> SocketAddr {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let server =
            server.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(server));
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            let _ = stream.shutdown().await;
        });
        address
    }
}

fn trusting(authority: &Authority, receiver: SocketAddr) -> WebhookSink {
    sink(Settings {
        ca_file: Some(authority.file()),
        ..Settings::new("n8n", format!("https://{receiver}/x"))
    })
}

#[tokio::test]
async fn a_receiver_signed_by_the_configured_authority_is_trusted() {
    let authority = Authority::new();
    let receiver = authority.receiver("127.0.0.1").await;
    let outcome = trusting(&authority, receiver).deliver(&delivery(1)).await;
    assert_eq!(outcome, Ok(Receipt { status: Some(204) }));
}

#[tokio::test]
async fn a_receiver_signed_by_another_authority_is_not() {
    let receiver = Authority::new().receiver("127.0.0.1").await;
    let why = unavailable(trusting(&Authority::new(), receiver).deliver(&delivery(1)).await);
    assert!(why.contains("certificate"), "{why}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_accepted() {
    let authority = Authority::new();
    let receiver = authority.receiver("n8n.lan").await;
    let why = unavailable(trusting(&authority, receiver).deliver(&delivery(1)).await);
    assert!(why.contains("certificate"), "{why}");
}

#[test]
fn an_authority_that_cannot_be_read_is_a_mistake_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let build = |file: PathBuf| {
        let settings = Settings { ca_file: Some(file), ..Settings::new("n8n", "https://n8n.lan/x") };
        WebhookSink::new(Config::new(settings).unwrap()).unwrap_err()
    };
    assert!(matches!(build(folder.path().join("missing.pem")), Error::ReadCa { .. }));
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    assert!(matches!(build(empty), Error::NoCertificate { .. }));
}
