//! Validated settings of one engine. What does not live here: reading configuration files; that is the controller's.

use std::path::PathBuf;
use std::time::Duration;

use evenkeel_core::{HostName, SourceId};

use super::endpoint::Endpoint;
use crate::http::Trust;

/// How one engine is watched. [`Config::new`] gives the defaults; change what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which source this is.
    pub id: SourceId,
    /// The host it speaks about; `None` takes the name that the engine gives itself.
    pub host: Option<HostName>,
    /// Where the engine is.
    pub endpoint: Endpoint,
    /// Whom to trust and who we are, for a TLS endpoint.
    pub trust: Trust,
    /// Consent to plain HTTP beyond this machine (a read-only socket proxy on a trusted network).
    pub insecure_http: bool,
    /// Ask with this API version (`1.41`) in the path, for a proxy whose rules want one. `None`: without, which every
    /// engine answers in its own version.
    pub api_version: Option<String>,
    /// For one answer, body included.
    pub timeout: Duration,
    /// Whether to hold the engine's event stream.
    pub events: bool,
    /// How long a burst of events is collected into one hint; zero: not at all.
    pub debounce: Duration,
    /// After this much silence on the event stream the engine is asked whether it is still there.
    pub watchdog: Duration,
    /// How long after an engine's return its containers may be down without it being taken for the truth; zero: not
    /// at all.
    pub settle: Duration,
    /// Over how long restarts are counted.
    pub restart_window: Duration,
    /// The program for `ssh://` endpoints.
    pub ssh_command: PathBuf,
}

impl Config {
    /// The defaults for this source at this endpoint.
    pub fn new(id: SourceId, endpoint: Endpoint) -> Self {
        Self {
            id,
            host: None,
            endpoint,
            trust: Trust::default(),
            insecure_http: false,
            api_version: None,
            timeout: Duration::from_secs(10),
            events: true,
            debounce: Duration::from_millis(200),
            watchdog: Duration::from_secs(30),
            settle: Duration::from_secs(10),
            restart_window: Duration::from_secs(600),
            ssh_command: PathBuf::from("ssh"),
        }
    }

    /// Checks what the types cannot.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.endpoint.is_exposed() && !self.insecure_http {
            return Err(ConfigError::PlainHttp { endpoint: self.endpoint.to_string() });
        }
        let tls = matches!(self.endpoint, Endpoint::Tls(_));
        if !tls && self.trust != Trust::default() {
            return Err(ConfigError::TrustWithoutTls { endpoint: self.endpoint.to_string() });
        }
        let durations =
            [("timeout", self.timeout), ("watchdog", self.watchdog), ("restart_window", self.restart_window)];
        if let Some((name, _)) = durations.into_iter().find(|(_, duration)| duration.is_zero()) {
            return Err(ConfigError::Zero(name));
        }
        match &self.api_version {
            Some(version) if !is_version(version) => Err(ConfigError::ApiVersion),
            _ => Ok(()),
        }
    }
}

fn is_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('.').is_some_and(|(major, minor)| digits(major) && digits(minor))
}

/// Settings that contradict each other or make no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Plain HTTP to another machine.
    #[error(
        "{endpoint} is plain http to another machine: whoever reads along sees every container, and whoever reaches the \
         port controls it; use tls (port 2376), ssh, or say insecure_http = true for a read-only socket proxy"
    )]
    PlainHttp {
        /// The endpoint.
        endpoint: String,
    },
    /// Certificates for an endpoint that shows none.
    #[error(
        "{endpoint} does not use tls, but certificates are configured for it; write https:// to use them"
    )]
    TrustWithoutTls {
        /// The endpoint.
        endpoint: String,
    },
    /// A duration that must not be zero.
    #[error("{0} must be longer than zero")]
    Zero(&'static str),
    /// Not `1.41`.
    #[error("api_version must look like 1.41")]
    ApiVersion,
}

#[cfg(test)]
mod tests {
    use evenkeel_core::SourceKind;

    use super::*;

    fn config(endpoint: &str) -> Config {
        Config::new(SourceId::new(SourceKind::Docker, "box"), Endpoint::parse(endpoint).unwrap())
    }

    #[test]
    fn plain_http_to_another_machine_needs_consent() {
        let mut config = config("tcp://192.168.2.16:2375");
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains("insecure_http = true") && error.contains("192.168.2.16:2375"), "{error}");
        config.insecure_http = true;
        assert_eq!(config.validate(), Ok(()));
    }

    #[test]
    fn certificates_without_tls_are_a_mistake_and_said_to_be_one() {
        let mut config = config("tcp://127.0.0.1:2375");
        config.trust.ca_file = Some("ca.pem".into());
        assert!(config.validate().unwrap_err().to_string().contains("https://"));
    }

    #[test]
    fn an_api_version_is_two_numbers() {
        for (version, fine) in [("1.41", true), ("v1.41", false), ("1", false), ("1.41/../x", false)] {
            let config = Config { api_version: Some(version.to_owned()), ..config("unix:///x") };
            assert_eq!(config.validate().is_ok(), fine, "{version}");
        }
    }

    #[test]
    fn a_timeout_of_nothing_is_refused() {
        let config = Config { timeout: Duration::ZERO, ..config("unix:///x") };
        assert_eq!(config.validate(), Err(ConfigError::Zero("timeout")));
    }
}
