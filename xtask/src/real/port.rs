//! Ports for servers that stop and come back on the same one.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Context as _;

/// Where the search begins.
const FIRST: u16 = 20_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A free port of 127.0.0.1 below those that the kernel gives to outgoing connections: one of these could sit on the
/// port while its server is down. Free now; whoever takes it before the server does makes the start fail, not lie.
pub fn free_port() -> anyhow::Result<u16> {
    let span = first_of_the_kernel().saturating_sub(FIRST).max(1);
    // Programs that search at the same time begin at different places, and not next to each other.
    let begin = (std::process::id().wrapping_mul(97) % u32::from(span)) as u16;
    (0..span)
        .map(|_| FIRST + (begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))) % span)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("every port of 127.0.0.1 is in use")
}

fn first_of_the_kernel() -> u16 {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .filter(|first| *first > FIRST)
        .unwrap_or(32_768)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once_and_not_while_somebody_listens_on_it() {
        let mut held = Vec::new();
        for _ in 0..20 {
            let port = free_port().unwrap();
            assert!(port >= FIRST && port < first_of_the_kernel(), "{port}");
            held.push(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
        }
        assert_eq!(held.len(), 20);
    }
}
