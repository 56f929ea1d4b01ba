//! The transport: one POST, bounded in time and size, redirects not followed, addresses guarded. What does not live
//! here: what the answer means.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Certificate;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;

use super::address::Guarded;
use super::answer::{Answer, Body};
use super::config::Config;
use crate::SinkError;

/// An acknowledgement is a line; whoever sends more has something else to say.
const MAX_BODY: usize = 64 * 1024;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a sink could not be built. All of these are mistakes in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The CA file cannot be read.
    #[error("read {path}")]
    ReadCa {
        /// The file.
        path: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The CA file holds no certificate.
    #[error("{path} holds no usable certificate (PEM)")]
    NoCertificate {
        /// The file.
        path: String,
    },
    /// The client cannot be built; mostly: the system has no certificate authorities.
    #[error("set up tls")]
    Tls(#[source] reqwest::Error),
}

#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    config: Config,
}

impl Client {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        // reqwest is built without a provider of its own and takes the process's. An error says that there is one
        // already, which is just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(config.timeout())
            .connect_timeout(CONNECT_TIMEOUT.min(config.timeout()))
            // A proxy from the environment would resolve names itself, past the guard.
            .no_proxy();
        if let Some(path) = config.ca_file() {
            builder = builder.tls_certs_only(read_ca(path)?);
        } else if config.url().scheme() == "http" {
            // Plain HTTP must also work on a system without any authorities (an empty container).
            builder = builder.tls_certs_only([]);
        }
        if !config.allows_link_local() {
            builder = builder.dns_resolver(Guarded);
        }
        let http = builder.build().map_err(Error::Tls)?;
        Ok(Self { http, config: config.clone() })
    }

    /// Posts once. A status is no error here.
    pub(super) async fn post(&self, mut headers: HeaderMap, body: Bytes) -> Result<Answer, SinkError> {
        if let Some((name, value)) = self.config.header() {
            headers.insert(name, value.clone());
        }
        let request = self.http.post(self.config.url().clone()).headers(headers).body(body);
        let mut response = request.send().await.map_err(|error| self.failed(&error))?;
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(str::to_owned);
        let body = if status.is_success() { self.read(&mut response).await? } else { Body::Unread };
        Ok(Answer { status: status.as_u16(), retry_after, body })
    }

    /// The body is read even where only the status counts: a receiver that dies while it answers may not have kept
    /// what it was sent, and a duplicate is better than a loss.
    async fn read(&self, response: &mut reqwest::Response) -> Result<Body, SinkError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(&error))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Ok(Body::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Body::Whole(body))
    }

    /// Says where and why, in words of the innermost cause; reqwest's own text would quote the whole address.
    fn failed(&self, error: &reqwest::Error) -> SinkError {
        let place = self.config.place();
        if error.is_builder() {
            return SinkError::Rejected { why: format!("{place}: the request cannot be built") };
        }
        let why = if error.is_timeout() {
            if error.is_connect() {
                format!("no connection within {:?}", CONNECT_TIMEOUT.min(self.config.timeout()))
            } else {
                format!("no complete answer within {:?}", self.config.timeout())
            }
        } else if error.is_body() || error.is_decode() {
            "the answer ended early".to_owned()
        } else {
            cause_of(error)
        };
        SinkError::Unavailable { why: format!("{place}: {why}") }
    }
}

fn read_ca(path: &std::path::Path) -> Result<Vec<Certificate>, Error> {
    let shown = path.display().to_string();
    let pem = std::fs::read(path).map_err(|source| Error::ReadCa { path: shown.clone(), source })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(Error::NoCertificate { path: shown }),
    }
}

fn cause_of(error: &reqwest::Error) -> String {
    let mut words = None;
    let mut next = error.source();
    while let Some(cause) = next {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        match kind {
            Some(io::ErrorKind::ConnectionRefused) => return "connection refused".to_owned(),
            Some(io::ErrorKind::ConnectionReset) => return "connection reset".to_owned(),
            Some(io::ErrorKind::HostUnreachable) => return "no route to host".to_owned(),
            Some(io::ErrorKind::NetworkUnreachable) => return "network unreachable".to_owned(),
            _ => {}
        }
        let text = cause.to_string();
        if text.contains("before message completed") {
            return "connection closed without an answer".to_owned();
        }
        words = Some(match text.contains("UnknownIssuer") {
            true => "certificate of an unknown issuer; name its authority with ca_file".to_owned(),
            false => text,
        });
        next = cause.source();
    }
    words.unwrap_or_else(|| "the request failed".to_owned())
}
