//! Whom to trust: the platform's roots, one's own authority, or one pinned certificate.
//!
//! There is no switch that disables verification. A self-signed certificate is trusted by pinning it, which is
//! stronger than an authority and costs one line (`evenkeel doctor` prints it). What does not live here: sockets.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WantsClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};

use super::Error;

/// The SHA-256 of a certificate in its DER form, as browsers and `openssl x509 -fingerprint -sha256` print it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

/// The text is not a SHA-256 fingerprint.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sha-256 fingerprint: 32 bytes in hexadecimal are needed, with or without colons")]
pub struct BadFingerprint;

impl Fingerprint {
    /// The fingerprint of this certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate.as_ref()).into())
    }
}

impl FromStr for Fingerprint {
    type Err = BadFingerprint;

    /// Reads `AA:BB:…`, plain hexadecimal, or either after `sha256:` / `SHA256 Fingerprint=`.
    fn from_str(text: &str) -> Result<Self, BadFingerprint> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        let hex = lower
            .strip_prefix("sha256 fingerprint=")
            .or_else(|| lower.strip_prefix("sha256:"))
            .unwrap_or(&lower)
            .replace(':', "");
        if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(BadFingerprint);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| BadFingerprint)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| BadFingerprint)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(":")?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A certificate of our own to show, with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    /// PEM file of the certificate, intermediates after it.
    pub cert: PathBuf,
    /// PEM file of the private key.
    pub key: PathBuf,
}

/// Whom to trust, and who we are. The default trusts the platform's roots and shows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// PEM file of authorities that replace the platform's.
    pub ca_file: Option<PathBuf>,
    /// The one certificate that is accepted. With `ca_file` both must hold; alone it stands in for chain and name.
    pub pin: Option<Fingerprint>,
    /// For servers that want a client certificate.
    pub client_identity: Option<ClientIdentity>,
}

impl Trust {
    /// The TLS settings that enforce it, for any client that speaks over rustls.
    pub fn client_config(&self) -> Result<ClientConfig, Error> {
        let provider = provider();
        let verifier = match (&self.pin, &self.ca_file) {
            (None, None) => platform_verifier(&provider),
            (None, Some(path)) => authority_verifier(path, &provider)?,
            (Some(pin), ca) => {
                let chain = ca.as_deref().map(|path| authority_verifier(path, &provider)).transpose()?;
                Arc::new(PinVerifier { pin: *pin, chain, provider: Arc::clone(&provider) })
            }
        };
        let builder = builder(provider, verifier)?;
        match &self.client_identity {
            None => Ok(builder.with_no_client_auth()),
            Some(identity) => {
                let (chain, key) = identity.load()?;
                builder.with_client_auth_cert(chain, key).map_err(Error::Tls)
            }
        }
    }
}

/// For a client that never speaks TLS, but insists on knowing how it would: it trusts nobody.
pub(super) fn without_tls() -> Result<ClientConfig, Error> {
    let provider = provider();
    let nobody = Arc::new(TrustNobody { provider: Arc::clone(&provider) });
    Ok(builder(provider, nobody)?.with_no_client_auth())
}

fn builder(
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Error> {
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::Tls)?
        .dangerous() // rustls's word for any verifier that is not its own
        .with_custom_certificate_verifier(verifier))
}

impl ClientIdentity {
    fn load(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?)
            .map_err(|_| Error::Pem { path: self.key.display().to_string(), what: "private key" })?;
        Ok((certificates(&self.cert)?, key))
    }
}

/// ring, named explicitly wherever it is needed: a process-wide default would be whoever installs it first.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static RING: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));
    Arc::clone(&RING)
}

/// A machine without any roots (a bare container) must still reach a NetBox over plain HTTP or a pinned one, so
/// missing roots trust nobody instead of failing here. Read once for all who trust them at the same time: they are a
/// hundred certificates, and there may be thousands of engines.
fn platform_verifier(provider: &Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    static SHARED: Mutex<Option<Weak<rustls_platform_verifier::Verifier>>> = Mutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(verifier) = shared.as_ref().and_then(Weak::upgrade) {
        return verifier;
    }
    match rustls_platform_verifier::Verifier::new(Arc::clone(provider)) {
        Ok(verifier) => {
            let verifier = Arc::new(verifier);
            *shared = Some(Arc::downgrade(&verifier));
            verifier
        }
        Err(error) => {
            tracing::debug!(%error, "the platform offers no roots");
            Arc::new(TrustNobody { provider: Arc::clone(provider) })
        }
    }
}

fn authority_verifier(
    path: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let unusable = || Error::Pem { path: path.display().to_string(), what: "authority certificate" };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|_| unusable())?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|_| unusable())?;
    Ok(verifier)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(Error::Pem { path: path.display().to_string(), what: "certificate" }),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.display().to_string(), source })
}

/// Accepts one certificate, whatever its chain, dates and name say (a self-signed one marked as an authority, which
/// webpki refuses as a server's, included). The handshake's signature is still verified: showing the certificate is
/// not enough, the peer must hold its key.
#[derive(Debug)]
struct PinVerifier {
    pin: Fingerprint,
    chain: Option<Arc<dyn ServerCertVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Fingerprint::of(end_entity);
        if shown != self.pin {
            return Err(rustls::Error::General(format!(
                "the server shows the certificate {shown}, pinned is {}",
                self.pin
            )));
        }
        match &self.chain {
            None => Ok(ServerCertVerified::assertion()),
            Some(chain) => {
                chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Refuses every certificate.
#[derive(Debug)]
struct TrustNobody {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for TrustNobody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_in_every_form_people_paste() {
        let hex = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        for text in [
            hex.clone(),
            colons.clone(),
            format!("sha256:{hex}"),
            format!("SHA256 Fingerprint={colons}"),
            format!("sha256 Fingerprint={colons}"),
            format!(" {colons}\n"),
        ] {
            assert_eq!(text.parse::<Fingerprint>().map(|f| f.to_string()), Ok(colons.clone()), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_sha256_is_refused() {
        for text in ["", "abcd", &"zz".repeat(32), &"ab".repeat(20), &"é".repeat(32)] {
            assert_eq!(text.parse::<Fingerprint>(), Err(BadFingerprint), "{text}");
        }
    }

    #[test]
    fn a_missing_authority_file_is_named() {
        let trust = Trust { ca_file: Some("/nonexistent/ca.pem".into()), ..Trust::default() };
        let error = trust.client_config().map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "read /nonexistent/ca.pem");
    }
}
