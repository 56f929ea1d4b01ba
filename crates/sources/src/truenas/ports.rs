//! Published ports in one form, pure: the IPv4 and IPv6 twins of one binding are one port, and a loopback binding is
//! told from an open one. What does not live here: whether an app's ports can be known at all (`decode`).

use std::net::IpAddr;

use evenkeel_core::model::{Port, Ports, Protocol, Published};

use super::wire::HostPort;

/// What these bindings publish, or what about them could not be understood.
pub(super) fn published(bindings: &[HostPort]) -> Result<Published, String> {
    let mut open = Vec::new();
    let mut loopback = Vec::new();
    for HostPort { number, protocol, ip } in bindings {
        let protocol = match protocol.as_str() {
            "" => Protocol::Tcp,
            word => Protocol::parse(word).ok_or_else(|| format!("port {number} has an unknown protocol"))?,
        };
        let port = Port { number: *number, protocol };
        if is_loopback(ip)? { loopback.push(port) } else { open.push(port) }
    }
    let open: Ports = open.into_iter().collect();
    // A port that is also open is not a loopback port.
    let loopback = loopback.into_iter().filter(|port| !open.contains(*port)).collect();
    Ok(Published { open, loopback })
}

fn is_loopback(ip: &str) -> Result<bool, String> {
    let bare = ip.trim_start_matches('[').trim_end_matches(']');
    if bare.is_empty() || bare == "*" {
        return Ok(false);
    }
    let address: IpAddr = bare.parse().map_err(|_| "a port is published on what is no address".to_owned())?;
    Ok(address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(number: u16, protocol: &str, ip: &str) -> HostPort {
        HostPort { number, protocol: protocol.to_owned(), ip: ip.to_owned() }
    }

    #[test]
    fn twins_are_one_port_and_loopback_is_told_apart() {
        let found = published(&[
            binding(30013, "tcp", "0.0.0.0"),
            binding(30013, "tcp", "::"),
            binding(53, "UDP", "192.168.2.183"),
            binding(5432, "tcp", "127.0.0.1"),
            binding(30013, "", "::1"),
        ])
        .unwrap();
        assert_eq!(found.open, Ports::new([Port::tcp(30013), Port::udp(53)]));
        assert_eq!(found.loopback, Ports::new([Port::tcp(5432)]));
    }

    #[test]
    fn what_cannot_be_understood_is_said_and_not_dropped() {
        assert!(published(&[binding(1, "quic", "")]).is_err());
        assert!(published(&[binding(1, "tcp", "everywhere")]).is_err());
    }
}
