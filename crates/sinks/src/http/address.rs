//! Addresses no webhook may go to: link-local ones, where cloud metadata services answer anyone who asks with the
//! machine's credentials. Loopback and private ranges are where a homelab's receivers live, and are allowed.
//!
//! Checked twice: a literal address when the configuration is read, a name each time it is resolved (a name may point
//! anywhere tomorrow). The connection goes to the very address that was checked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Alibaba Cloud keeps its metadata service in the carrier-grade NAT range, AWS a second one among private addresses.
const METADATA_V4: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Whether the address is link-local or a known metadata service, however it is written.
pub(super) fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4 == METADATA_V4,
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6 == METADATA_V6
                || embedded(v6).is_some_and(|v4| is_forbidden(IpAddr::V4(v4)))
        }
    }
}

/// The IPv4 address inside: mapped (`::ffff:a.b.c.d`), compatible (`::a.b.c.d`), NAT64 (`64:ff9b::a.b.c.d`), 6to4
/// (`2002:…`).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        [..] => None,
    }
}

/// The system's resolver without the addresses that are forbidden.
#[derive(Debug)]
pub(super) struct Guarded;

/// Every address of this name is forbidden.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to a link-local or metadata address; set allow_link_local if that is meant")]
struct OnlyForbidden;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(allowed(found.collect())?)
        })
    }
}

fn allowed(found: Vec<SocketAddr>) -> Result<Addrs, OnlyForbidden> {
    let allowed: Vec<_> = found.into_iter().filter(|found| !is_forbidden(found.ip())).collect();
    if allowed.is_empty() { Err(OnlyForbidden) } else { Ok(Box::new(allowed.into_iter())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_addresses_are_forbidden_in_every_spelling() {
        for text in [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "::ffff:100.100.100.200",
        ] {
            assert!(is_forbidden(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_homelab_is_allowed() {
        for text in
            ["127.0.0.1", "::1", "192.168.2.22", "10.0.0.1", "172.16.0.1", "100.64.0.1", "fd12::1", "8.8.8.8"]
        {
            assert!(!is_forbidden(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn a_name_keeps_the_addresses_that_are_allowed() {
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let mixed = vec![at("169.254.169.254"), at("192.168.2.22")];
        let kept: Vec<_> = allowed(mixed).map(Iterator::collect).unwrap_or_default();
        assert_eq!(kept, [at("192.168.2.22")]);
        assert!(allowed(vec![at("169.254.169.254")]).is_err());
        assert!(allowed(Vec::new()).is_err());
    }
}
