//! Which certificate does a server show? For `doctor`, which prints the fingerprint to pin.
//!
//! The handshake is broken off as soon as the certificate was seen: nothing is ever sent to a peer that nobody
//! verified. What does not live here: trust, and every request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_core::{Gap, GapKind};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tls::{Fingerprint, provider};

const PATIENCE: Duration = Duration::from_secs(10);

/// The fingerprint of the certificate that `host:port` shows.
pub async fn peer_fingerprint(host: &str, port: u16) -> Result<Fingerprint, Gap> {
    let place = format!("{host}:{port}");
    match timeout(PATIENCE, ask(host, port, &place)).await {
        Ok(answer) => answer,
        Err(_) => Err(Gap::new(GapKind::TimedOut, format!("tls with {place}: no answer in 10 s"))),
    }
}

async fn ask(host: &str, port: u16, place: &str) -> Result<Fingerprint, Gap> {
    let unreachable = |error: std::io::Error| {
        Gap::new(GapKind::Unreachable, format!("connect to {place}: {}", error.to_string().to_lowercase()))
    };
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
        .map_err(|_| Gap::new(GapKind::Unreachable, format!("{host} is not a host name")))?;
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await.map_err(unreachable)?;
    let provider = provider();
    let onlooker = Arc::new(Onlooker { seen: Mutex::new(None), provider: Arc::clone(&provider) });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Gap::new(GapKind::Malformed, error.to_string()))?
        .dangerous() // rustls's word for any verifier that is not its own; this one accepts nothing
        .with_custom_certificate_verifier(Arc::clone(&onlooker) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let refused = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let seen = *onlooker.seen.lock().unwrap_or_else(PoisonError::into_inner);
    match (seen, refused) {
        (Some(fingerprint), _) => Ok(fingerprint),
        (None, Err(error)) => {
            Err(Gap::new(GapKind::Malformed, format!("{place} does not speak tls: {error}")))
        }
        (None, Ok(_)) => Err(Gap::new(GapKind::Malformed, format!("{place} shows no certificate"))),
    }
}

/// Looks at the certificate and refuses it.
#[derive(Debug)]
struct Onlooker {
    seen: Mutex<Option<Fingerprint>>,
    provider: Arc<CryptoProvider>,
}

const REFUSED: rustls::Error =
    rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Fingerprint::of(end_entity));
        Err(REFUSED)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(REFUSED)
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(REFUSED)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
