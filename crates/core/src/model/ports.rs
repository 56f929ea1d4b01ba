//! Transport ports and sets of them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

/// A transport protocol of NetBox's service model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// The lower-case word NetBox and Docker both use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    /// Reads the word back, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Tcp, Self::Udp, Self::Sctp].into_iter().find(|p| p.as_str().eq_ignore_ascii_case(text))
    }
}

/// A port with its protocol, written `8096/tcp`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The number; 0 does not occur.
    pub number: u16,
    /// The protocol.
    pub protocol: Protocol,
}

impl Port {
    /// A TCP port.
    pub fn tcp(number: u16) -> Self {
        Self { number, protocol: Protocol::Tcp }
    }

    /// A UDP port.
    pub fn udp(number: u16) -> Self {
        Self { number, protocol: Protocol::Udp }
    }

    /// Reads `8096/tcp`, `tcp/8096` (NetBox 4.7) or `8096` (TCP).
    pub fn parse(text: &str) -> Option<Self> {
        let (number, protocol) = match text.split_once('/') {
            None => (text, Protocol::Tcp),
            Some((a, b)) => match Protocol::parse(b) {
                Some(protocol) => (a, protocol),
                None => (b, Protocol::parse(a)?),
            },
        };
        // `parse` would take a sign, too.
        let digits = number.bytes().all(|b| b.is_ascii_digit());
        let number: u16 = number.parse().ok().filter(|_| digits)?;
        (number != 0).then_some(Self { number, protocol })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.protocol.as_str())
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Port {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not a port")))
    }
}

/// A set of ports: sorted, without repetition. NetBox's `[443, 80, 80]` and Docker's IPv4/IPv6 twins both end here.
///
/// Few ports lie in the set itself: nearly every service has less than five, and comparing two of them then touches no
/// memory but their own.
#[derive(Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ports(SmallVec<[Port; 4]>);

impl Ports {
    /// The set of these ports.
    pub fn new(ports: impl IntoIterator<Item = Port>) -> Self {
        ports.into_iter().collect()
    }

    /// The ports in ascending order.
    pub fn as_slice(&self) -> &[Port] {
        &self.0
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the port is in the set.
    pub fn contains(&self, port: Port) -> bool {
        self.0.binary_search(&port).is_ok()
    }

    /// The ports of either set.
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }
}

impl Clone for Ports {
    /// One copy of the whole; the derived one would go port by port.
    fn clone(&self) -> Self {
        Self(SmallVec::from_slice(&self.0))
    }
}

impl FromIterator<Port> for Ports {
    fn from_iter<I: IntoIterator<Item = Port>>(iter: I) -> Self {
        let mut ports: SmallVec<[Port; 4]> = iter.into_iter().collect();
        ports.sort_unstable();
        ports.dedup();
        ports.shrink_to_fit();
        Self(ports)
    }
}

impl Serialize for Ports {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Port>::deserialize(deserializer)?.into_iter().collect())
    }
}

impl fmt::Display for Ports {
    /// `8096/tcp 8920/tcp`, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (i, port) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{port}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
