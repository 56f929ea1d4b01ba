//! Validated settings of one cluster. What does not live here: reading configuration files; that is the controller's.

use std::time::Duration;

use evenkeel_core::{Secret, SourceId};
use url::{Host, Url};

use crate::http::Trust;

/// How one cluster is watched. [`Config::new`] gives the defaults; change what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which source this is.
    pub id: SourceId,
    /// Nodes of the cluster that may be asked, in the order of preference. Any of them speaks for all.
    pub endpoints: Vec<Url>,
    /// Who we are.
    pub login: Login,
    /// Whom to trust: the cluster's own authority (`/etc/pve/pve-root-ca.pem`) or one certificate.
    pub trust: Trust,
    /// For one answer, body included. Longer than 3 s, which a refused login takes.
    pub timeout: Duration,
    /// How old the configuration and the addresses of a guest may become before they are read again.
    pub detail_interval: Duration,
    /// How long a lock (backup, migration) excuses a guest, counted from when it was first seen.
    pub lock_cap: Duration,
    /// How old the proof of the rights may become while nothing seems to be missing.
    pub rights_interval: Duration,
    /// The NetBox clusters this source is a witness of; none: the one with the cluster's own name, or its node's.
    pub clusters: Vec<String>,
}

/// Who we are to Proxmox VE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// An API token.
    Token {
        /// `user@realm!name`.
        id: String,
        /// The token's secret, a UUID.
        secret: Secret,
    },
    /// A user, who is given a ticket.
    Password {
        /// `user@realm`.
        user: String,
        /// The password.
        password: Secret,
    },
}

impl Login {
    /// Reads a token as Proxmox shows it and as it is sent: `user@realm!name=uuid`, with or without `PVEAPIToken=`.
    pub fn token(text: &Secret) -> Result<Self, ConfigError> {
        let text = text.expose().trim();
        let text = text.strip_prefix("PVEAPIToken=").unwrap_or(text);
        let (id, secret) = text.split_once('=').ok_or(ConfigError::Token)?;
        Self::token_of(id, &Secret::new(secret))
    }

    /// A token whose name and secret are known apart.
    pub fn token_of(id: &str, secret: &Secret) -> Result<Self, ConfigError> {
        let (id, secret) = (id.trim(), secret.expose().trim());
        let (user, name) = id.split_once('!').ok_or(ConfigError::Token)?;
        let fine = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
        if !user.contains('@') || ![user, name, secret].into_iter().all(fine) {
            return Err(ConfigError::Token);
        }
        Ok(Self::Token { id: id.to_owned(), secret: Secret::new(secret) })
    }

    /// Who it is, without the secret: what rights are given to.
    pub fn who(&self) -> &str {
        match self {
            Self::Token { id, .. } => id,
            Self::Password { user, .. } => user,
        }
    }

    /// The command that gives the right to read everything.
    pub fn grant(&self) -> String {
        match self {
            Self::Token { id, .. } => {
                // The rights of a token with privilege separation are those it shares with its user.
                let user = id.split('!').next().unwrap_or(id);
                format!(
                    "pveum acl modify / --roles PVEAuditor --propagate 1 --users '{user}' --tokens '{id}'"
                )
            }
            Self::Password { user, .. } => {
                format!("pveum acl modify / --roles PVEAuditor --propagate 1 --users '{user}'")
            }
        }
    }
}

impl Config {
    /// The defaults for this source.
    pub fn new(id: SourceId, endpoints: Vec<Url>, login: Login) -> Self {
        Self {
            id,
            endpoints,
            login,
            trust: Trust::default(),
            timeout: Duration::from_secs(10),
            detail_interval: Duration::from_secs(600),
            lock_cap: Duration::from_secs(6 * 3600),
            rights_interval: Duration::from_secs(300),
            clusters: Vec::new(),
        }
    }

    /// Checks what the types cannot.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.endpoints.is_empty() {
            return Err(ConfigError::NoEndpoint);
        }
        for url in &self.endpoints {
            check_endpoint(url)?;
        }
        let durations = [
            ("timeout", self.timeout),
            ("detail_interval", self.detail_interval),
            ("rights_interval", self.rights_interval),
        ];
        match durations.into_iter().find(|(_, duration)| duration.is_zero()) {
            Some((name, _)) => Err(ConfigError::Zero(name)),
            None => Ok(()),
        }
    }
}

/// Whether a token or password may be sent to this address: over TLS, or within this machine.
pub fn check_endpoint(url: &Url) -> Result<(), ConfigError> {
    let place = || crate::http::place_of(url);
    let loopback = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => return Err(ConfigError::Endpoint { place: place() }),
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => Err(ConfigError::PlainHttp { place: place() }),
        _ => Err(ConfigError::Endpoint { place: place() }),
    }
}

/// Settings that make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Nobody to ask.
    #[error("no endpoint is named")]
    NoEndpoint,
    /// Not an address of a node.
    #[error("{place} is not an address of a proxmox node; write https://node:8006")]
    Endpoint {
        /// Host and port, as far as there are any.
        place: String,
    },
    /// The token would travel in the clear.
    #[error("{place} is plain http to another machine: whoever reads along has the token; write https://")]
    PlainHttp {
        /// Host and port.
        place: String,
    },
    /// Not `user@realm!name=uuid`.
    #[error("a token is written user@realm!name=uuid")]
    Token,
    /// A duration that must not be zero.
    #[error("{0} must be longer than zero")]
    Zero(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_token_is_read_as_it_is_shown_and_as_it_is_sent() {
        let secret = "12345678-1234-1234-1234-123456789abc";
        for text in [format!("evenkeel@pve!ro={secret}"), format!("PVEAPIToken=evenkeel@pve!ro={secret}\n")] {
            let login = Login::token(&Secret::new(text)).unwrap();
            assert_eq!(login.who(), "evenkeel@pve!ro");
            assert_eq!(login, Login::Token { id: "evenkeel@pve!ro".into(), secret: Secret::new(secret) });
            assert!(!format!("{login:?}").contains(secret));
        }
        for text in ["", secret, "evenkeel@pve=x", "evenkeel!ro=x", "evenkeel@pve!ro=", "a@b!c=d e"] {
            assert_eq!(Login::token(&Secret::new(text)), Err(ConfigError::Token), "{text}");
        }
    }

    #[test]
    fn a_token_goes_over_tls_or_stays_on_this_machine() {
        for fine in ["https://pve1:8006", "http://127.0.0.1:8006/", "http://localhost/"] {
            assert_eq!(check_endpoint(&url(fine)), Ok(()), "{fine}");
        }
        assert!(matches!(check_endpoint(&url("http://pve1:8006")), Err(ConfigError::PlainHttp { .. })));
        assert!(matches!(check_endpoint(&url("ftp://pve1")), Err(ConfigError::Endpoint { .. })));
    }

    #[test]
    fn nobody_to_ask_and_no_time_to_answer_are_mistakes() {
        let login = Login::Password { user: "root@pam".into(), password: Secret::new("x") };
        let id = SourceId::new(evenkeel_core::SourceKind::Proxmox, "box");
        let none = Config::new(id.clone(), Vec::new(), login.clone());
        assert_eq!(none.validate(), Err(ConfigError::NoEndpoint));
        let config = Config::new(id, vec![url("https://pve1:8006")], login);
        assert_eq!(config.validate(), Ok(()));
        let config = Config { timeout: Duration::ZERO, ..config };
        assert_eq!(config.validate(), Err(ConfigError::Zero("timeout")));
    }
}
