//! The transport: one request, bounded in time and size, redirects not followed, addresses guarded. What does not live
//! here: what the answer means.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use evenkeel_ambient::network::{self, Lost};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Method, Response};
use url::Url;

use super::address::Guarded;
use super::answer::{Answer, Body};
use super::target::{Login, Target};
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
pub(crate) struct Client {
    http: reqwest::Client,
    target: Target,
}

impl Client {
    /// `tls` says whom to trust; without it the target's CA file does, and without one the platform.
    pub(crate) fn new(target: &Target, tls: Option<rustls::ClientConfig>) -> Result<Self, Error> {
        // reqwest is built without a provider of its own and takes the process's. An error says that there is one
        // already, which is just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT.min(target.timeout))
            .user_agent(concat!("evenkeel/", env!("CARGO_PKG_VERSION")))
            // A proxy from the environment would resolve names itself, past the guard.
            .no_proxy();
        if target.url.scheme() == "http" {
            // Plain HTTP must also work on a system without any authorities (an empty container).
            builder = builder.tls_certs_only([]);
        } else if let Some(tls) = tls {
            builder = builder.tls_backend_preconfigured(tls);
        } else if let Some(path) = &target.ca_file {
            builder = builder.tls_certs_only(read_ca(path)?);
        }
        if !target.allow_link_local {
            builder = builder.dns_resolver(Guarded);
        }
        let http = builder.build().map_err(Error::Tls)?;
        Ok(Self { http, target: target.clone() })
    }

    /// Where it speaks to, as far as that may be shown.
    pub(crate) fn place(&self) -> String {
        self.target.place()
    }

    /// Posts once. A status is no error here.
    pub(crate) async fn post(&self, headers: HeaderMap, body: Bytes) -> Result<Answer, SinkError> {
        self.send(Method::POST, self.target.url.clone(), headers, body).await
    }

    /// Sends once, to an address on the target's place.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, SinkError> {
        let mut response = self.begin(method, url, headers, body).await?;
        let body =
            if response.status().is_success() { self.read(&mut response).await? } else { Body::Unread };
        Ok(answer(&response, body))
    }

    /// As [`Client::send`], for a receiver whose refusals say in their body what is missing.
    pub(crate) async fn ask(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, SinkError> {
        let mut response = self.begin(method, url, headers, body).await?;
        let body = match self.read(&mut response).await {
            Ok(body) => body,
            Err(error) if response.status().is_success() => return Err(error),
            // The status is known, and says more than that its reason broke off.
            Err(_) => Body::Unread,
        };
        Ok(answer(&response, body))
    }

    async fn begin(
        &self,
        method: Method,
        url: Url,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response, SinkError> {
        if let Some((name, value)) = &self.target.header {
            headers.insert(name, value.clone());
        }
        let mut request = self.http.request(method, url).headers(headers).body(body);
        request = match &self.target.login {
            Login::Anonymous => request,
            Login::Token(token) => request.bearer_auth(token.expose()),
            Login::User { name, password } => request.basic_auth(name, Some(password.expose())),
        };
        let request =
            request.timeout(self.target.timeout).build().map_err(|error| self.failed(&error.into()))?;
        network::send(&self.http, request).await.map_err(|error| self.failed(&error))
    }

    /// The body is read even where only the status counts: a receiver that dies while it answers may not have kept
    /// what it was sent, and a duplicate is better than a loss.
    async fn read(&self, response: &mut Response) -> Result<Body, SinkError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(&error.into()))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Ok(Body::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Body::Whole(body))
    }

    /// Says where and why, in words of the innermost cause; reqwest's own text would quote the whole address.
    fn failed(&self, error: &Lost) -> SinkError {
        let place = self.target.place();
        if error.is_builder() {
            return SinkError::Rejected { why: format!("{place}: the request cannot be built") };
        }
        let why = if error.is_timeout() {
            if error.is_connect() {
                format!("no connection within {:?}", CONNECT_TIMEOUT.min(self.target.timeout))
            } else {
                format!("no complete answer within {:?}", self.target.timeout)
            }
        } else if error.is_body() {
            "the answer ended early".to_owned()
        } else {
            cause_of(error)
        };
        SinkError::Unavailable { why: format!("{place}: {why}") }
    }
}

fn answer(response: &Response, body: Body) -> Answer {
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Answer { status: response.status().as_u16(), retry_after: retry_after.map(str::to_owned), body }
}

fn read_ca(path: &std::path::Path) -> Result<Vec<Certificate>, Error> {
    let shown = path.display().to_string();
    let pem = std::fs::read(path).map_err(|source| Error::ReadCa { path: shown.clone(), source })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(Error::NoCertificate { path: shown }),
    }
}

fn cause_of(error: &Lost) -> String {
    let mut words = None;
    for cause in error.causes() {
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
    }
    words.unwrap_or_else(|| "the request failed".to_owned())
}
