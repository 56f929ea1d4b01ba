//! Where an engine is reached: the forms people write (`unix://`, `tcp://`, `http://`, `https://`, `ssh://`), read
//! once and checked. What does not live here: connecting.

use std::fmt;
use std::path::PathBuf;

use url::{Host, Url};

/// A checked address of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A socket file on this machine.
    Unix(PathBuf),
    /// HTTP without encryption: `tcp://host:2375`, `http://proxy:2375/base`.
    Plain(Url),
    /// HTTP over TLS: `https://host:2376`, `tcp://host:2376`.
    Tls(Url),
    /// A remote engine through the local `ssh`.
    Ssh(SshTarget),
}

/// Whom `ssh` is asked to reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshTarget {
    /// The user, where one is given.
    pub user: Option<String>,
    /// A host name, address or alias of `~/.ssh/config`.
    pub host: String,
    /// The port, where one is given.
    pub port: Option<u16>,
    /// The socket on the far side, where it is not the usual one.
    pub socket: Option<String>,
}

/// Why a text is not an endpoint. Never repeats the text, which may carry a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not an address at all.
    #[error(
        "the endpoint is not an address; write unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host"
    )]
    NotAnAddress,
    /// A scheme nothing here speaks.
    #[error("the endpoint scheme `{0}` is not supported; use unix, tcp, http, https or ssh")]
    Scheme(String),
    /// `unix://` without an absolute path.
    #[error("a unix endpoint needs an absolute path: unix:///var/run/docker.sock")]
    NotAbsolute,
    /// No host.
    #[error("the endpoint names no host")]
    NoHost,
    /// A password, or a user where none belongs.
    #[error("the endpoint carries a user or password; an engine takes none, and ssh uses keys")]
    Credentials,
    /// `?…` or `#…`.
    #[error("the endpoint must end with its path: no `?` and no `#`")]
    Trailer,
    /// A part of an ssh address that a shell or `ssh` could take for something else.
    #[error("the {0} of the ssh endpoint may hold letters, digits and . _ - only, and not begin with -")]
    SshPart(&'static str),
}

impl Endpoint {
    /// Reads `unix://`, `tcp://`, `http://`, `https://` or `ssh://`. `tcp` means TLS on port 2376 and plain HTTP on any
    /// other, as Docker's own conventions have it; `https://` says TLS on any port.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or(EndpointError::NotAnAddress)?;
        match scheme.to_ascii_lowercase().as_str() {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(PathBuf::from(rest))),
            "unix" => Err(EndpointError::NotAbsolute),
            // Neither of these is a scheme with rules of its own, so `https` lends them its parser.
            "ssh" => ssh(&parsed("https", rest)?, explicit_port(rest)),
            "tcp" => {
                let url = bare(parsed("https", rest)?)?;
                let port = explicit_port(rest).or(url.port()).unwrap_or(2375);
                if port == 2376 { tls(&url, port) } else { plain(&url, port) }
            }
            "http" => {
                let url = bare(parsed("http", rest)?)?;
                plain(&url, url.port().unwrap_or(80))
            }
            "https" => {
                let url = bare(parsed("https", rest)?)?;
                tls(&url, url.port().unwrap_or(443))
            }
            other => Err(EndpointError::Scheme(other.chars().take(20).collect())),
        }
    }

    /// Whether what travels can be read or changed on the way: unencrypted, and not within this machine.
    pub fn is_exposed(&self) -> bool {
        match self {
            Self::Unix(_) | Self::Tls(_) | Self::Ssh(_) => false,
            Self::Plain(url) => match url.host() {
                Some(Host::Ipv4(ip)) => !ip.is_loopback(),
                Some(Host::Ipv6(ip)) => !ip.is_loopback(),
                Some(Host::Domain(name)) => !name.eq_ignore_ascii_case("localhost"),
                None => true,
            },
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Plain(url) | Self::Tls(url) => f.write_str(url.as_str().trim_end_matches('/')),
            Self::Ssh(target) => write!(f, "ssh://{target}"),
        }
    }
}

impl fmt::Display for SshTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(self.socket.as_deref().unwrap_or_default())
    }
}

fn parsed(scheme: &str, rest: &str) -> Result<Url, EndpointError> {
    if rest.is_empty() || rest.starts_with('/') || rest.starts_with(':') {
        return Err(EndpointError::NoHost);
    }
    let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| EndpointError::NotAnAddress)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(EndpointError::Trailer);
    }
    match url.host() {
        Some(_) => Ok(url),
        None => Err(EndpointError::NoHost),
    }
}

fn bare(url: Url) -> Result<Url, EndpointError> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::Credentials);
    }
    Ok(url)
}

/// The parser drops the port that its scheme implies; `tcp://host:443` means that port all the same.
fn explicit_port(rest: &str) -> Option<u16> {
    let authority = rest.split('/').next()?;
    let (before, port) = authority.rsplit_once(':')?;
    // The last part of an IPv6 address is not a port.
    if before.contains(':') && !before.ends_with(']') { None } else { port.parse().ok() }
}

fn plain(url: &Url, port: u16) -> Result<Endpoint, EndpointError> {
    rebuilt("http", url, port).map(Endpoint::Plain)
}

fn tls(url: &Url, port: u16) -> Result<Endpoint, EndpointError> {
    rebuilt("https", url, port).map(Endpoint::Tls)
}

fn rebuilt(scheme: &str, url: &Url, port: u16) -> Result<Url, EndpointError> {
    let host = url.host_str().ok_or(EndpointError::NoHost)?;
    let path = url.path().trim_end_matches('/');
    Url::parse(&format!("{scheme}://{host}:{port}{path}")).map_err(|_| EndpointError::NotAnAddress)
}

fn ssh(url: &Url, port: Option<u16>) -> Result<Endpoint, EndpointError> {
    if url.password().is_some() {
        return Err(EndpointError::Credentials);
    }
    let host = url.host_str().unwrap_or_default();
    // These become arguments of a command here and words of a shell over there.
    let harmless = |text: &str, extra: &str| {
        !text.starts_with('-') && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
    };
    if !harmless(host, "._-[]:") {
        return Err(EndpointError::SshPart("host"));
    }
    if !harmless(url.username(), "._-") {
        return Err(EndpointError::SshPart("user"));
    }
    if !harmless(url.path(), "._-/") {
        return Err(EndpointError::SshPart("path"));
    }
    Ok(Endpoint::Ssh(SshTarget {
        user: (!url.username().is_empty()).then(|| url.username().to_owned()),
        host: host.trim_matches(['[', ']']).to_owned(),
        port,
        socket: (url.path().len() > 1).then(|| url.path().to_owned()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Endpoint::parse(text).map_or_else(|error| format!("error: {error}"), |endpoint| endpoint.to_string())
    }

    #[test]
    fn every_documented_form_is_read() {
        for (text, expected) in [
            ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
            ("tcp://127.0.0.1:2375", "http://127.0.0.1:2375"),
            ("tcp://box2-media", "http://box2-media:2375"),
            ("tcp://box2-media:2376", "https://box2-media:2376"),
            ("tcp://box2-media:443", "http://box2-media:443"),
            ("tcp://[fd00::16]:2376", "https://[fd00::16]:2376"),
            ("http://proxy:2375/engines/media/", "http://proxy:2375/engines/media"),
            ("https://docker.lan/base", "https://docker.lan/base"),
            ("ssh://ops@box2-media", "ssh://ops@box2-media"),
            ("ssh://ops@192.168.2.16:2222", "ssh://ops@192.168.2.16:2222"),
            ("ssh://media/run/user/1000/docker.sock", "ssh://media/run/user/1000/docker.sock"),
            (" TCP://localhost:2375 ", "http://localhost:2375"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_bad_endpoint_is_refused_in_words_without_repeating_it() {
        for (text, part) in [
            ("/var/run/docker.sock", "not an address"),
            ("unix://var/run/docker.sock", "absolute path"),
            ("npipe:////./pipe/docker_engine", "`npipe` is not supported"),
            ("tcp://", "names no host"),
            ("tcp://:2375", "names no host"),
            ("tcp://host:99999", "not an address"),
            ("https://me:hunter2@host:2376", "user or password"),
            ("ssh://me:hunter2@host", "user or password"),
            ("https://host:2376/?token=hunter2", "no `?`"),
            ("ssh://-oProxyCommand=x@host", "user of the ssh endpoint"),
            ("ssh://host/a;reboot", "path of the ssh endpoint"),
        ] {
            let error = shown(text);
            assert!(error.starts_with("error: ") && error.contains(part), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn plain_http_is_exposed_unless_it_stays_on_this_machine() {
        for (text, exposed) in [
            ("tcp://127.0.0.1:2375", false),
            ("tcp://[::1]:2375", false),
            ("http://localhost:2375", false),
            ("tcp://192.168.2.16:2375", true),
            ("http://socket-proxy:2375", true),
            ("tcp://192.168.2.16:2376", false),
            ("unix:///var/run/docker.sock", false),
            ("ssh://box", false),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().is_exposed(), exposed, "{text}");
        }
    }
}
