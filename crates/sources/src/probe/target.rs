//! What is probed: machines, their declared services, and by which sign a service is told to be there. What does not live
//! here: who decides it (`plan`), and how it is done (`client`).

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use evenkeel_core::model::Ports;
use evenkeel_core::{HostName, ServiceName};

/// One machine to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The host, as declared.
    pub host: HostName,
    /// Where it is, the primary address first. Empty: nobody says where, and nothing can be known.
    pub addresses: Vec<IpAddr>,
    /// The declared services to try. With `reachable_only` their ports are doors to knock on and nothing more.
    pub services: Vec<ServiceTarget>,
    /// Only whether the machine answers is asked; nothing is said about what runs on it.
    pub reachable_only: bool,
}

/// One declared service to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTarget {
    /// The name, as declared.
    pub name: ServiceName,
    /// Its declared ports. Only TCP ones are tried.
    pub ports: Ports,
    /// What counts as an answer.
    pub check: ServiceCheck,
}

/// What counts as an answer of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ServiceCheck {
    /// A connection is taken.
    #[default]
    Tcp,
    /// A web server answers.
    Http(HttpCheck),
}

/// How a web server is asked: `GET`, no redirect followed, the body not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheck {
    /// Plain or over TLS.
    pub scheme: Scheme,
    /// The path with its query, beginning with `/`.
    pub path: Arc<str>,
    /// The statuses that are as they should be.
    pub expect: RangeInclusive<u16>,
    /// Whether a certificate nobody vouches for is a fault. Nothing secret is sent either way.
    pub verify_tls: bool,
    /// The name to ask for, in `Host` and in TLS; `None`: the address.
    pub server_name: Option<Arc<str>>,
    /// The one port that is asked so, the others being tried by a connection; `None`: every port.
    pub port: Option<u16>,
}

impl Default for HttpCheck {
    fn default() -> Self {
        Self {
            scheme: Scheme::Http,
            path: Arc::from("/"),
            expect: 200..=399,
            verify_tls: true,
            server_name: None,
            port: None,
        }
    }
}

/// How a web server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// The word in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl ServiceCheck {
    /// The web check this port is to pass, if it is to pass one.
    pub(super) fn http_on(&self, port: u16) -> Option<&HttpCheck> {
        match self {
            Self::Tcp => None,
            Self::Http(check) => check.port.is_none_or(|only| only == port).then_some(check),
        }
    }
}
