//! Published ports in one form: the IPv4/IPv6 twins of one binding are one port, and a loopback binding is told
//! from an open one. Pure. What does not live here: whether a container's ports can be known at all (`decode`).

use std::net::IpAddr;

use evenkeel_core::model::{Port, Ports, Protocol, Published};

/// One entry of the engine's list of ports. What is odd about it matters only if it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortBinding {
    /// `None`: exposed between containers only.
    public: Option<u16>,
    /// Or the word that names none.
    protocol: Result<Protocol, String>,
    /// Whether only the machine itself gets there. Or the text that is no address.
    loopback: Result<bool, String>,
}

impl PortBinding {
    /// A binding in the engine's words; an empty one is one left out.
    pub(super) fn new(ip: &str, public: Option<u16>, protocol: &str) -> Self {
        let protocol = match protocol {
            "" => Ok(Protocol::Tcp),
            word => Protocol::parse(word).ok_or_else(|| word.to_owned()),
        };
        Self { public, protocol, loopback: is_loopback(ip).ok_or_else(|| ip.to_owned()) }
    }
}

/// What these bindings publish, or what about them could not be understood.
pub(super) fn normalise(bindings: &[PortBinding]) -> Result<Published, String> {
    let mut open = Vec::new();
    let mut loopback = Vec::new();
    for binding in bindings {
        let Some(number) = binding.public else { continue };
        let protocol = binding
            .protocol
            .as_ref()
            .map_err(|word| format!("unknown protocol `{word}` of port {number}"))?;
        let is_loopback =
            binding.loopback.as_ref().map_err(|ip| format!("`{ip}` is not an address to publish on"))?;
        let port = Port { number, protocol: *protocol };
        if *is_loopback { loopback.push(port) } else { open.push(port) }
    }
    Ok(published(open.into_iter().collect(), loopback))
}

/// What either publishes.
pub(super) fn union(a: &Published, b: &Published) -> Published {
    let loopback = a.loopback.union(&b.loopback);
    published(a.open.union(&b.open), loopback.as_slice().iter().copied())
}

/// A port that is also open is not a loopback port.
fn published(open: Ports, loopback: impl IntoIterator<Item = Port>) -> Published {
    Published { loopback: loopback.into_iter().filter(|port| !open.contains(*port)).collect(), open }
}

fn is_loopback(ip: &str) -> Option<bool> {
    // Podman leaves the address out where it means every address.
    let bare = ip.trim_start_matches('[').trim_end_matches(']');
    let bare = bare.split('%').next().unwrap_or_default();
    if bare.is_empty() || bare == "*" {
        return Some(false);
    }
    let ip: IpAddr = bare.parse().ok()?;
    Some(ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn binding(ip: &str, public: Option<u16>, protocol: &str) -> PortBinding {
        PortBinding::new(ip, public, protocol)
    }

    #[test]
    fn twins_are_one_port_and_loopback_is_told_apart() {
        let published = normalise(&[
            binding("0.0.0.0", Some(80), "tcp"),
            binding("::", Some(80), "tcp"),
            binding("127.0.0.1", Some(5432), "tcp"),
            binding("[::1]", Some(5432), "tcp"),
            binding("127.8.0.1", Some(53), "udp"),
            binding("::ffff:127.0.0.1", Some(54), "udp"),
            binding("", Some(25565), "UDP"),
            binding("192.168.2.16", Some(8096), ""),
            binding("0.0.0.0", None, "tcp"),
        ])
        .unwrap();
        assert_eq!(published.open.to_string(), "80/tcp 8096/tcp 25565/udp");
        assert_eq!(published.loopback.to_string(), "53/udp 54/udp 5432/tcp");
    }

    #[test]
    fn a_port_open_and_on_loopback_is_open() {
        let published =
            normalise(&[binding("127.0.0.1", Some(80), "tcp"), binding("10.0.0.1", Some(80), "tcp")])
                .unwrap();
        assert_eq!((published.open.to_string().as_str(), published.loopback.is_empty()), ("80/tcp", true));
    }

    #[test]
    fn a_protocol_or_address_nobody_knows_is_an_error_not_a_guess() {
        assert!(normalise(&[binding("", Some(1), "quic")]).unwrap_err().contains("quic"));
        assert!(normalise(&[binding("not an ip", Some(1), "tcp")]).unwrap_err().contains("not an ip"));
    }

    const ADDRESSES: [&str; 6] = ["0.0.0.0", "::", "127.0.0.1", "::1", "", "10.1.2.3"];
    const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(
            raw in proptest::collection::vec(
                (proptest::sample::select(&ADDRESSES[..]), 1u16.., proptest::sample::select(&PROTOCOLS[..])),
                0..40,
            )
        ) {
            let bindings: Vec<_> = raw.iter().map(|(ip, n, p)| binding(ip, Some(*n), p)).collect();
            let once = normalise(&bindings).unwrap();
            let back = |ports: &Ports, ip: &str| -> Vec<PortBinding> {
                ports.as_slice().iter().map(|p| binding(ip, Some(p.number), p.protocol.as_str())).collect()
            };
            let mut again = back(&once.open, "::");
            again.extend(back(&once.loopback, "::1"));
            prop_assert_eq!(&normalise(&again).unwrap(), &once);
            prop_assert_eq!(union(&once, &once), once);
        }
    }
}
