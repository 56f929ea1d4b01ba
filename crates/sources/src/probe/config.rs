//! Validated settings of the probe. What does not live here: what is probed (`plan`), and reading configuration files;
//! that is the controller's.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_core::SourceId;

use crate::http::Trust;

/// How is probed. [`Config::new`] gives the defaults; change what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which source this is.
    pub id: SourceId,
    /// From where it looks, in words; `None`: this machine's name.
    pub vantage: Option<Arc<str>>,
    /// For one connection, and for one answer of a web server.
    pub timeout: Duration,
    /// How often a port is tried before it is said not to answer.
    pub tries: u32,
    /// Between two tries of the same port, at least; up to half as much is added by chance.
    pub pause: Duration,
    /// How many connections may be open at once.
    pub concurrency: usize,
    /// How many of them to one host.
    pub per_host: usize,
    /// Between two connections to one host.
    pub spacing: Duration,
    /// How many connections are begun per second at most, all hosts together.
    pub per_second: u32,
    /// Whether ICMP echo may be used, where the system allows it.
    pub icmp: bool,
    /// Addresses of the own network, such as the gateway's: if none of them answers, and nothing else does, the fault
    /// is here.
    pub reference: Vec<Reference>,
    /// Whom to trust where a web server's certificate is checked.
    pub trust: Trust,
}

/// An address of the own network that should always answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The address.
    pub address: IpAddr,
    /// The TCP port to try. `None`: ICMP echo, or where that is not allowed [`Reference::USUAL_PORT`].
    pub port: Option<u16>,
}

impl Reference {
    /// Most gateways answer for DNS. A refusal is an answer, too, so it matters little.
    pub const USUAL_PORT: u16 = 53;

    /// Reads `192.168.2.1`, `192.168.2.1:53`, `fd00::1` or `[fd00::1]:53`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(address) = text.parse() {
            return Some(Self { address, port: None });
        }
        let with_port: SocketAddr = text.parse().ok()?;
        (with_port.port() != 0).then(|| Self { address: with_port.ip(), port: Some(with_port.port()) })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => self.address.fmt(f),
            Some(port) => SocketAddr::new(self.address, port).fmt(f),
        }
    }
}

impl Config {
    /// The defaults for this source.
    pub fn new(id: SourceId) -> Self {
        Self {
            id,
            vantage: None,
            timeout: Duration::from_secs(3),
            tries: 2,
            pause: Duration::from_secs(1),
            concurrency: 32,
            per_host: 2,
            spacing: Duration::from_millis(50),
            per_second: 50,
            icmp: true,
            reference: Vec::new(),
            trust: Trust::default(),
        }
    }

    /// Checks what the types cannot.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.timeout.is_zero() {
            return Err(ConfigError::Zero("timeout"));
        }
        let numbers = [
            ("tries", self.tries as usize),
            ("concurrency", self.concurrency),
            ("per_host", self.per_host),
            ("per_second", self.per_second as usize),
        ];
        match numbers.into_iter().find(|(_, number)| *number == 0) {
            Some((name, _)) => Err(ConfigError::None(name)),
            None => Ok(()),
        }
    }
}

/// Settings that make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A duration that must not be zero.
    #[error("{0} must be longer than zero")]
    Zero(&'static str),
    /// A number that must not be zero.
    #[error("{0} must be at least 1")]
    None(&'static str),
}

#[cfg(test)]
mod tests {
    use evenkeel_core::SourceKind;

    use super::*;

    #[test]
    fn a_reference_is_an_address_with_or_without_a_port() {
        for (text, shown) in [
            ("192.168.2.1", Some("192.168.2.1")),
            (" 192.168.2.1:443 ", Some("192.168.2.1:443")),
            ("fd00::1", Some("fd00::1")),
            ("[fd00::1]:53", Some("[fd00::1]:53")),
            ("gateway", None),
            ("192.168.2.1:0", None),
            ("192.168.2.1/24", None),
        ] {
            assert_eq!(Reference::parse(text).map(|r| r.to_string()).as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn settings_that_could_never_look_are_refused() {
        let config = Config::new(SourceId::new(SourceKind::Probe, "main"));
        assert_eq!(config.validate(), Ok(()));
        let without = |change: fn(&mut Config)| {
            let mut config = config.clone();
            change(&mut config);
            config.validate()
        };
        assert_eq!(without(|c| c.timeout = Duration::ZERO), Err(ConfigError::Zero("timeout")));
        assert_eq!(without(|c| c.tries = 0), Err(ConfigError::None("tries")));
        assert_eq!(without(|c| c.per_second = 0), Err(ConfigError::None("per_second")));
    }
}
