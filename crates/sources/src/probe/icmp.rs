//! ICMP echo without privileges: the kind of socket that Linux opens to the groups in `net.ipv4.ping_group_range`, and
//! macOS to everybody. Where it is not allowed, nothing else is tried. What does not live here: what silence means.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// What an echo told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Echo {
    /// It came back.
    Answered,
    /// It did not, in any of the tries.
    Silent,
    /// It may not be sent from here, and why.
    NotAllowed(String),
}

/// Whether echoes may be sent to addresses of this kind.
pub(super) fn allowed(to: IpAddr) -> Result<(), String> {
    open(to).map(|_| ()).map_err(|error| words(&error))
}

/// Sends up to `tries` echoes to one address.
pub(super) async fn echo(to: IpAddr, tries: u32, patience: Duration) -> Echo {
    let socket = match open(to).and_then(into_tokio) {
        Ok(socket) => socket,
        Err(error) => return Echo::NotAllowed(words(&error)),
    };
    if let Err(error) = socket.connect(SocketAddr::new(to, 0)).await {
        return Echo::NotAllowed(words(&error));
    }
    for sequence in 0..tries {
        // A failure to send is silence: the address has a route, and the next try may fare better.
        if socket.send(&request(to, sequence)).await.is_ok()
            && matches!(timeout(patience, reply(&socket, to)).await, Ok(Ok(())))
        {
            return Echo::Answered;
        }
    }
    Echo::Silent
}

/// Waits for an echo to come back; the system hands this socket the answers to its own requests only.
async fn reply(socket: &UdpSocket, from: IpAddr) -> io::Result<()> {
    let mut buffer = [0; 128];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if is_reply(&buffer[..length], from) {
            return Ok(());
        }
    }
}

fn is_reply(datagram: &[u8], from: IpAddr) -> bool {
    match from {
        // macOS leaves the IP header in front.
        IpAddr::V4(_) => match datagram.first() {
            Some(first) if first >> 4 == 4 => datagram.get(usize::from(first & 0x0f) * 4) == Some(&0),
            first => first == Some(&0),
        },
        IpAddr::V6(_) => datagram.first() == Some(&129),
    }
}

/// Type, code, checksum and identifier (both filled in by the system), sequence number.
fn request(to: IpAddr, sequence: u32) -> [u8; 16] {
    let mut request = *b"\0\0\0\0\0\0\0\0evenkeel";
    request[0] = if to.is_ipv4() { 8 } else { 128 };
    request[6..8].copy_from_slice(&sequence.to_be_bytes()[2..]);
    request
}

fn open(to: IpAddr) -> io::Result<Socket> {
    let (domain, protocol) = match to {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    Socket::new(domain, Type::DGRAM, Some(protocol))
}

fn into_tokio(socket: Socket) -> io::Result<UdpSocket> {
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

fn words(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return "not allowed here (net.ipv4.ping_group_range)".to_owned();
    }
    format!("not possible here ({error})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_told_from_a_request_with_and_without_an_ip_header() {
        let v4 = IpAddr::from([127, 0, 0, 1]);
        assert!(is_reply(&[0, 0, 0, 0], v4));
        assert!(!is_reply(&[8, 0, 0, 0], v4));
        let mut with_header = [0_u8; 28];
        with_header[0] = 0x45;
        assert!(is_reply(&with_header, v4));
        with_header[20] = 3;
        assert!(!is_reply(&with_header, v4));
        assert!(!is_reply(&[0x4f], v4));
        assert!(!is_reply(&[], v4));
        let v6: IpAddr = "::1".parse().unwrap();
        assert!(is_reply(&[129, 0], v6));
        assert!(!is_reply(&[128, 0], v6));
    }

    #[tokio::test]
    async fn this_machine_answers_itself_or_says_that_it_may_not_be_asked() {
        let here = IpAddr::from([127, 0, 0, 1]);
        match echo(here, 2, Duration::from_secs(5)).await {
            Echo::Answered => assert_eq!(allowed(here), Ok(())),
            Echo::NotAllowed(why) => assert_eq!(allowed(here), Err(why)),
            Echo::Silent => panic!("loopback is silent"),
        }
    }
}
