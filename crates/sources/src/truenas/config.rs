//! Validated settings of one TrueNAS. What does not live here: reading configuration files; that is the controller's.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::{HostName, Secret, SourceId};
use url::Url;

use crate::docker::{Endpoint, SshTarget};
use crate::http::Trust;

/// No user name and no key is longer; the server closes the socket on a login above 8 KiB.
const LONGEST_CREDENTIAL: usize = 1024;

/// Where a TrueNAS is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Its web address; always over TLS.
    Web(Url),
    /// Its shell, through the local `ssh`.
    Shell(SshTarget),
}

/// How it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// JSON-RPC where the version has it (25.04 and later), REST otherwise; `midclt` for an `ssh://` address.
    Auto,
    /// JSON-RPC 2.0 over a websocket: 25.04 and later.
    Websocket,
    /// REST v2.0: up to 25.10, which raises an alert about it every day.
    Rest,
    /// `midclt` through `ssh`.
    Ssh,
}

impl Transport {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Websocket => "websocket",
            Self::Rest => "rest",
            Self::Ssh => "ssh",
        }
    }
}

/// How one TrueNAS is watched. [`Config::new`] gives the defaults; change what differs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which source this is.
    pub id: SourceId,
    /// The host it is, by its name in NetBox; `None` takes the name it gives itself.
    pub host: Option<HostName>,
    /// Where it is.
    pub address: Address,
    /// How it is asked.
    pub transport: Transport,
    /// The user the key belongs to. JSON-RPC wants it; REST does not ask, and `ssh` has it in the address.
    pub user: Option<String>,
    /// An API key; `None` for `ssh`, which uses its own.
    pub api_key: Option<Secret>,
    /// Whom to trust.
    pub trust: Trust,
    /// How often it is asked; the schedule is the controller's.
    pub interval: Duration,
    /// For one answer.
    pub timeout: Duration,
    /// Whether to subscribe to changes. Only a websocket can.
    pub events: bool,
    /// How long a burst of changes is collected into one hint; zero: not at all.
    pub debounce: Duration,
    /// After this much silence on the websocket its other end is asked whether it is still there.
    pub watchdog: Duration,
    /// The NetBox clusters (or the device's own name) whose virtual machines this TrueNAS is the witness of.
    pub clusters: Vec<Arc<str>>,
    /// The program for `ssh://` addresses.
    pub ssh_command: PathBuf,
}

impl Config {
    /// The defaults for this source at this address.
    pub fn new(id: SourceId, address: Address) -> Self {
        Self {
            id,
            host: None,
            address,
            transport: Transport::Auto,
            user: None,
            api_key: None,
            trust: Trust::default(),
            interval: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
            events: true,
            debounce: Duration::from_millis(500),
            watchdog: Duration::from_secs(30),
            clusters: Vec::new(),
            ssh_command: PathBuf::from("ssh"),
        }
    }

    /// Checks what the types cannot. Returns every mistake.
    pub fn mistakes(&self) -> Vec<ConfigError> {
        let mut found = Vec::new();
        match (&self.address, self.transport) {
            (Address::Web(_), Transport::Ssh) => found.push(ConfigError::ShellWanted),
            (Address::Shell(_), Transport::Websocket | Transport::Rest) => found.push(ConfigError::WebWanted),
            (Address::Shell(_), Transport::Auto | Transport::Ssh) => {
                if self.api_key.is_some() {
                    found.push(ConfigError::KeyUnused);
                }
                if self.trust != Trust::default() {
                    found.push(ConfigError::TrustWithoutTls);
                }
            }
            (Address::Web(_), Transport::Auto | Transport::Websocket | Transport::Rest) => {
                let key = self.api_key.as_ref().map(Secret::expose);
                match key {
                    None => found.push(ConfigError::NoKey),
                    Some(key) if !is_sendable(key) => found.push(ConfigError::BadKey),
                    Some(_) => {}
                }
                match self.user.as_deref() {
                    None if self.transport != Transport::Rest => found.push(ConfigError::NoUser),
                    Some(user) if !is_sendable(user) => found.push(ConfigError::BadUser),
                    Some(_) | None => {}
                }
            }
        }
        let durations = [("interval", self.interval), ("timeout", self.timeout), ("watchdog", self.watchdog)];
        found.extend(
            durations.iter().filter(|(_, time)| time.is_zero()).map(|(name, _)| ConfigError::Zero(name)),
        );
        found
    }
}

fn is_sendable(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_CREDENTIAL && text.bytes().all(|b| b.is_ascii_graphic())
}

impl Address {
    /// Reads `https://nas.lan`, `wss://nas.lan` or `ssh://user@nas.lan`. A path that browsers show (`/ui/…`) is dropped.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::NotAnAddress)?;
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => Err(AddressError::Unencrypted),
            "https" | "wss" => web(rest),
            "ssh" => match Endpoint::parse(text) {
                Ok(Endpoint::Ssh(target)) if target.socket.is_none() => Ok(Self::Shell(target)),
                Ok(_) => Err(AddressError::Path),
                Err(error) => Err(AddressError::Shell(error)),
            },
            other => Err(AddressError::Scheme(other.chars().take(20).collect())),
        }
    }
}

fn web(rest: &str) -> Result<Address, AddressError> {
    let mut url = Url::parse(&format!("https://{rest}")).map_err(|_| AddressError::NotAnAddress)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::Credentials);
    }
    if url.path() != "/" && url.path() != "/ui" && !url.path().starts_with("/ui/") {
        return Err(AddressError::Path);
    }
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    Ok(Address::Web(url))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => f.write_str(url.as_str().trim_end_matches('/')),
            Self::Shell(target) => write!(f, "ssh://{target}"),
        }
    }
}

/// Why a text is no address of a TrueNAS. Never repeats the text, which may carry a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not an address at all.
    #[error("the address is none; write https://nas.lan or ssh://root@nas.lan")]
    NotAnAddress,
    /// Without TLS.
    #[error("TrueNAS revokes an API key at once that arrives unencrypted; write https://")]
    Unencrypted,
    /// A scheme nothing here speaks.
    #[error("the scheme `{0}` is not supported; use https or ssh")]
    Scheme(String),
    /// A user or password.
    #[error("the address carries a user or password; those are `user` and `api_key`")]
    Credentials,
    /// A path.
    #[error("the address must end with the host: TrueNAS answers at no other path")]
    Path,
    /// The parts of an ssh address.
    #[error(transparent)]
    Shell(crate::docker::EndpointError),
}

/// Settings that contradict each other or make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// `transport = "ssh"` with a web address.
    #[error("transport = \"ssh\" needs an address of the form ssh://root@nas.lan")]
    ShellWanted,
    /// An `ssh://` address with another transport.
    #[error("an ssh:// address can only be asked with transport = \"ssh\"")]
    WebWanted,
    /// A key nobody would see.
    #[error("api_key has no use with ssh, which has keys of its own")]
    KeyUnused,
    /// Certificates where there is no TLS.
    #[error("certificates have no use with ssh")]
    TrustWithoutTls,
    /// No key.
    #[error("api_key is missing; make one under Credentials > Users > API Keys")]
    NoKey,
    /// A key with characters that no key has.
    #[error("api_key is empty, too long, or has characters that no key has")]
    BadKey,
    /// No user.
    #[error("user is missing: the name of the user the API key belongs to")]
    NoUser,
    /// A user with characters that no user name has.
    #[error("user is empty, too long, or has characters that no user name has")]
    BadUser,
    /// A duration that must not be zero.
    #[error("{0} must be longer than zero")]
    Zero(&'static str),
}

#[cfg(test)]
mod tests {
    use evenkeel_core::SourceKind;

    use super::*;

    fn shown(text: &str) -> String {
        Address::parse(text).map_or_else(|error| format!("error: {error}"), |address| address.to_string())
    }

    #[test]
    fn every_documented_form_is_read_and_what_a_browser_shows_as_well() {
        for (text, expected) in [
            ("https://nas.lan", "https://nas.lan"),
            ("wss://nas.lan:8443/", "https://nas.lan:8443"),
            ("https://192.168.2.183/ui/dashboard?x=1", "https://192.168.2.183"),
            ("ssh://root@nas.lan:2222", "ssh://root@nas.lan:2222"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn an_address_without_encryption_is_refused_before_a_key_leaves() {
        for text in ["http://nas.lan", "ws://nas.lan/websocket", "HTTP://127.0.0.1:80"] {
            assert!(shown(text).contains("revokes an API key"), "{text}: {}", shown(text));
        }
    }

    #[test]
    fn a_bad_address_is_refused_in_words_without_repeating_it() {
        for (text, part) in [
            ("nas.lan", "write https://"),
            ("https://me:hunter2@nas.lan", "user or password"),
            ("https://nas.lan/hunter2", "no other path"),
            ("ssh://root@nas.lan/hunter2", "no other path"),
            ("ssh://-oProxyCommand=hunter2@nas", "user of the ssh"),
            ("ftp://hunter2", "`ftp` is not supported"),
        ] {
            let error = shown(text);
            assert!(error.contains(part) && !error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn every_mistake_is_found_at_once() {
        let id = SourceId::new(SourceKind::Truenas, "nas");
        let web = Config {
            timeout: Duration::ZERO,
            ..Config::new(id.clone(), Address::parse("https://nas").unwrap())
        };
        assert_eq!(web.mistakes(), [ConfigError::NoKey, ConfigError::NoUser, ConfigError::Zero("timeout")]);
        let rest = Config {
            transport: Transport::Rest,
            api_key: Some(Secret::new("1-abc")),
            timeout: Duration::from_secs(1),
            ..web.clone()
        };
        assert_eq!(rest.mistakes(), []);
        let shell = Config {
            api_key: Some(Secret::new("1-abc")),
            transport: Transport::Rest,
            ..Config::new(id, Address::parse("ssh://root@nas").unwrap())
        };
        assert_eq!(shell.mistakes(), [ConfigError::WebWanted]);
        assert_eq!(Config { transport: Transport::Ssh, ..shell }.mistakes(), [ConfigError::KeyUnused]);
    }
}
