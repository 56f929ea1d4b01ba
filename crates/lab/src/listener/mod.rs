//! A machine on a loopback address whose TCP ports one can open, close, and make behave badly: the other side of a
//! probe. What lives here: ports and their behaviour. `serve` holds the connections. What does not: TLS, and ICMP, which
//! loopback answers by itself.
//!
//! Every machine has an address of its own in 127.0.0.0/8, as Linux allows, so that a closed port stays closed.

mod serve;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// How a port behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Connections are taken and kept; nothing is said. To a connection test it is open, to a web check it hangs.
    Open,
    /// A web server that answers everything with this status.
    Http(u16),
    /// The same, this much later.
    SlowHttp(u16, Duration),
    /// Connections are taken and reset at once.
    Reset,
    /// Something answers that is no web server.
    Garbage,
    /// Connections are refused.
    Closed,
    /// Nothing comes back, as behind a firewall that drops.
    Filtered,
}

/// The machine; its ports close when it is dropped.
#[derive(Debug)]
pub struct Machine {
    address: IpAddr,
    ports: Mutex<BTreeMap<u16, Port>>,
}

#[derive(Debug)]
struct Port {
    connections: Arc<AtomicUsize>,
    holding: Holding,
}

/// What stands behind a port.
#[derive(Debug)]
enum Holding {
    Nothing,
    Server(AbortOnDropHandle<()>),
    /// A listener that nobody accepts from, and the connections that fill its backlog.
    Full(TcpListener, Vec<TcpStream>),
}

impl Machine {
    /// A machine on an address nobody else in this process uses. No port is open.
    pub fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        // Test programs run beside each other: their process ids keep them apart.
        let process = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, 16 + process[2] % 200, process[3], 1 + next[3] % 250);
        Self { address: address.into(), ports: Mutex::default() }
    }

    /// Where it is.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// A port of its own, behaving like this.
    pub async fn open(&self, behaviour: Behaviour) -> io::Result<u16> {
        // Taken for a moment to learn a number that is free.
        let port = TcpListener::bind((self.address, 0)).await?.local_addr()?.port();
        self.set(port, behaviour).await?;
        Ok(port)
    }

    /// From now on the port behaves like this; connections of before are cut.
    pub async fn set(&self, port: u16, behaviour: Behaviour) -> io::Result<()> {
        let before = self.ports().remove(&port);
        let connections = match before {
            Some(before) => {
                before.holding.end().await;
                before.connections
            }
            None => Arc::default(),
        };
        let at = SocketAddr::new(self.address, port);
        let holding = match behaviour {
            Behaviour::Closed => Holding::Nothing,
            Behaviour::Filtered => fill(at).await?,
            Behaviour::Open
            | Behaviour::Http(_)
            | Behaviour::SlowHttp(..)
            | Behaviour::Reset
            | Behaviour::Garbage => {
                let listener = serve::listen(at).await?;
                Holding::Server(serve::spawn(listener, behaviour, Arc::clone(&connections)))
            }
        };
        self.ports().insert(port, Port { connections, holding });
        Ok(())
    }

    /// How many connections were taken on this port so far.
    pub fn connections(&self, port: u16) -> usize {
        self.ports().get(&port).map_or(0, |port| port.connections.load(Ordering::Relaxed))
    }

    fn ports(&self) -> MutexGuard<'_, BTreeMap<u16, Port>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holding {
    /// Returns once the number is free again.
    async fn end(self) {
        match self {
            Self::Nothing => {}
            Self::Server(server) => {
                server.abort();
                // Cancelled is what it should be.
                let _ = server.await;
            }
            Self::Full(listener, queued) => drop((listener, queued)),
        }
    }
}

/// A port that drops: its queue of connections is full, and nobody takes any.
async fn fill(at: SocketAddr) -> io::Result<Holding> {
    let socket = if at.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    let listener = socket.listen(0)?;
    let mut queued = Vec::new();
    for _ in 0..16 {
        match timeout(Duration::from_millis(150), TcpStream::connect(at)).await {
            Ok(connected) => queued.push(connected?),
            Err(_) => return Ok(Holding::Full(listener, queued)),
        }
    }
    Err(io::Error::other("this system takes more connections than it was asked to queue"))
}
