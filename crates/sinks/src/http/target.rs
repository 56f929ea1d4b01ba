//! Where to send, checked: the address, the login, the time it may take. What does not live here: how these are written
//! in the configuration file.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use evenkeel_core::Secret;
use reqwest::header::{HeaderName, HeaderValue};
use url::{Host, Url};

use super::address::is_forbidden;

/// How long a receiver may take for the whole exchange.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);

/// A receiver that needs longer works synchronously where it should accept and queue; meanwhile it holds up every
/// other delivery of this sink.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

/// One mistake in the settings, with the key it is in. Never carries a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {why}")]
pub struct Problem {
    /// The key (`url`, `secrets`).
    pub path: &'static str,
    /// A lower-case phrase.
    pub why: String,
}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Vec<Problem>);

impl Mistakes {
    /// What was checked, or `None` and one mistake more.
    pub(crate) fn note<T>(&mut self, path: &'static str, checked: Result<T, String>) -> Option<T> {
        checked.map_err(|why| self.add(path, why)).ok()
    }

    /// One mistake more.
    pub(crate) fn add(&mut self, path: &'static str, why: impl Into<String>) {
        self.0.push(Problem { path, why: why.into() });
    }

    /// What was made of the settings, if there was no mistake in them.
    pub(crate) fn unless<T>(self, made: Option<T>) -> Result<T, Vec<Problem>> {
        made.filter(|_| self.0.is_empty()).ok_or(self.0)
    }
}

/// Who we are to the receiver.
#[derive(Clone, Debug, Default)]
pub enum Login {
    /// Nobody in particular.
    #[default]
    Anonymous,
    /// The owner of a token.
    Token(Secret),
    /// A user.
    User {
        /// The name.
        name: String,
        /// The password.
        password: Secret,
    },
}

/// Where to send, checked.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) timeout: Duration,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) allow_link_local: bool,
    pub(crate) login: Login,
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
}

impl Target {
    /// A checked address, everything else as it is by default.
    pub(crate) fn new(url: Url, timeout: Duration, allow_link_local: bool) -> Self {
        Self { url, timeout, ca_file: None, allow_link_local, login: Login::Anonymous, header: None }
    }

    /// Scheme, host and port: what of the address may be shown.
    pub(crate) fn place(&self) -> String {
        let host = self.url.host_str().unwrap_or("?");
        match self.url.port() {
            Some(port) => format!("{}://{host}:{port}", self.url.scheme()),
            None => format!("{}://{host}", self.url.scheme()),
        }
    }

    /// Host and port, to try whether anybody is there.
    pub(crate) fn address(&self) -> (&str, u16) {
        (self.url.host_str().unwrap_or_default(), self.url.port_or_known_default().unwrap_or(443))
    }
}

impl fmt::Debug for Target {
    /// Without the path and query of the address, and without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("place", &self.place())
            .field("timeout", &self.timeout)
            .field("ca_file", &self.ca_file)
            .field("allow_link_local", &self.allow_link_local)
            .field("header", &self.header.as_ref().map(|(name, _)| name))
            .finish_non_exhaustive()
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() { Err("is empty".to_owned()) } else { Ok(()) }
}

pub(crate) fn check_timeout(timeout: Duration) -> Result<(), String> {
    if timeout.is_zero() || timeout > MAX_TIMEOUT {
        return Err(format!("must be above zero and at most {} s", MAX_TIMEOUT.as_secs()));
    }
    Ok(())
}

pub(crate) fn check_url(url: &Secret, allow_link_local: bool) -> Result<Url, String> {
    // The parser's own message never quotes its input.
    let url = Url::parse(url.expose().trim()).map_err(|error| format!("is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must start with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not carry a user or password; use header".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must not carry a fragment (#…)".to_owned());
    }
    let literal: Option<IpAddr> = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        Some(Host::Domain(_)) | None => None,
    };
    if literal.is_some_and(is_forbidden) && !allow_link_local {
        return Err("is a link-local or metadata address; set allow_link_local if that is meant".to_owned());
    }
    Ok(url)
}

pub(crate) fn check_header((name, value): (String, Secret)) -> Result<(HeaderName, HeaderValue), String> {
    let Ok(name) = name.parse::<HeaderName>() else {
        return Err("the name is not one a header can have".to_owned());
    };
    let ours = [
        "content-type",
        "content-length",
        "host",
        "transfer-encoding",
        "connection",
        "user-agent",
        "idempotency-key",
    ];
    if ours.contains(&name.as_str()) || name.as_str().starts_with("webhook-") {
        return Err(format!("{name} is set by evenkeel itself"));
    }
    let Ok(mut value) = HeaderValue::from_str(value.expose()) else {
        return Err("the value has characters a header cannot carry (a line break at the end?)".to_owned());
    };
    value.set_sensitive(true);
    Ok((name, value))
}

/// Notes what is wrong with a login, under the key it is in.
pub(crate) fn check_login(login: &Login, mistakes: &mut Mistakes) {
    match login {
        Login::Anonymous => {}
        Login::Token(token) if HeaderValue::from_str(token.expose()).is_err() => {
            mistakes.add("token", "has characters a header cannot carry (a line break at the end?)");
        }
        // Both go into the header as base64; only the colon has a meaning.
        Login::User { name, password: _ } if name.contains(':') => {
            mistakes.add("user", "must not have a colon in it");
        }
        Login::Token(_) | Login::User { .. } => {}
    }
}

/// A page about a drift: an address with `{handle}` where the handle goes, or the start of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// Where the handle goes.
    const PLACE: &'static str = "{handle}";

    /// Checks the address. Without `{handle}` in it, `/drifts/HANDLE` is added.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let url =
            Url::parse(&text.replace(Self::PLACE, "0")).map_err(|error| format!("is no address: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("must start with http:// or https://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "must not carry a user or password: everybody who gets the message would read it".to_owned()
            );
        }
        Ok(Self(text.to_owned()))
    }

    /// The page about this drift, or the start page.
    pub fn to(&self, handle: Option<&str>) -> String {
        match (handle, self.0.contains(Self::PLACE)) {
            (Some(handle), true) => self.0.replace(Self::PLACE, handle),
            (Some(handle), false) => format!("{}/drifts/{handle}", self.0.trim_end_matches('/')),
            (None, true) => self.0.split(Self::PLACE).next().unwrap_or_default().to_owned(),
            (None, false) => self.0.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_drift_or_to_the_start() {
        let page = Link::new("https://evenkeel.lan/ops/").unwrap();
        assert_eq!(page.to(Some("7K3M9Q2A")), "https://evenkeel.lan/ops/drifts/7K3M9Q2A");
        assert_eq!(page.to(None), "https://evenkeel.lan/ops/");
        let placed = Link::new("https://lan/d/{handle}?x=1").unwrap();
        assert_eq!(placed.to(Some("7K3M9Q2A")), "https://lan/d/7K3M9Q2A?x=1");
        assert_eq!(placed.to(None), "https://lan/d/");
        assert!(Link::new("javascript:alert(1)").is_err());
        assert!(Link::new("https://me:secret@lan/").is_err());
    }
}
