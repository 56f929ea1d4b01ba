//! A Docker engine on loopback: the Engine API over real HTTP, with containers one can start, crash and remove, a
//! daemon one can stop, and faults on demand.
//!
//! What lives here: the engine as a whole and its sockets. What does not: running anything.

mod container;
mod engine;
mod serve;
mod stream;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evenkeel_core::model::Health;
use serde_json::Value;
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use container::Container;
pub use engine::NoSuchContainer;

use crate::fault::Faults;
use engine::Engine;
use serve::{Cut, Desk};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 128;

/// How long a daemon that ends waits for those who listen.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running engine; it ends when this is dropped. All operations are at once visible in lists and events.
#[derive(Debug)]
pub struct DockerLab {
    desk: Arc<Desk>,
    address: SocketAddr,
    daemon: Mutex<Daemon>,
}

/// The daemon runs, or its port waits for it: kept, so that nothing else takes it in between.
#[derive(Debug)]
enum Daemon {
    Up(Up),
    Down(TcpSocket),
    Gone,
}

#[derive(Debug)]
struct Up {
    /// Ends the listening.
    deaf: CancellationToken,
    /// Ends the connections, and the listening with them.
    gone: CancellationToken,
    _end: DropGuard,
    accepting: tokio::task::JoinHandle<()>,
}

impl DockerLab {
    /// An engine of this name on a free port, without containers.
    pub async fn start(name: &str) -> io::Result<Self> {
        let socket = bound((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = socket.local_addr()?;
        let desk = Arc::new(Desk {
            engine: Engine::new(name),
            faults: Faults::default(),
            asked: Mutex::new(BTreeMap::new()),
            connections: AtomicUsize::new(0),
            ending: AtomicBool::new(false),
            cut: watch::Sender::new((0, Cut::None)),
        });
        let up = Up::new(socket.listen(BACKLOG)?, Arc::clone(&desk));
        Ok(Self { desk, address, daemon: Mutex::new(Daemon::Up(up)) })
    }

    /// Where it is: `tcp://127.0.0.1:…`.
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Where it is, as an address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Speaks on this socket file as well, until the daemon ends.
    pub fn listen_unix(&self, path: &Path) -> io::Result<()> {
        let listener = UnixListener::bind(path)?;
        let desk = Arc::clone(&self.desk);
        let Daemon::Up(up) = &*self.daemon() else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let (deaf, gone) = (up.deaf.clone(), up.gone.clone());
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = deaf.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let Ok((peer, _)) = accepted else { return };
                serve_one(peer, &desk, &gone);
            }
        });
        Ok(())
    }

    /// Speaks on this connection, without a socket, until it ends.
    pub fn serve(&self, stream: DuplexStream) -> impl Future<Output = ()> + Send + use<> {
        self.desk.connections.fetch_add(1, Ordering::Relaxed);
        serve::connection(stream, Arc::clone(&self.desk))
    }

    /// What goes wrong, by path without version (`/containers/json`, `/events`).
    pub fn faults(&self) -> &Faults {
        &self.desk.faults
    }

    /// How many requests came for paths that begin so.
    pub fn requests(&self, prefix: &str) -> usize {
        let asked = self.desk.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.iter().filter(|(path, _)| path.starts_with(prefix)).map(|(_, count)| count).sum()
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.desk.connections.load(Ordering::Relaxed)
    }

    /// Creates a container; returns its id.
    pub fn create(&self, container: Container) -> String {
        self.desk.engine.create(container)
    }

    /// Creates a container and starts it; returns its id.
    pub fn run(&self, container: Container) -> String {
        let id = self.desk.engine.create(container);
        // It was created a line above, and nobody else knows its id.
        let _ = self.desk.engine.start(&id);
        id
    }

    /// `docker start`.
    pub fn start_container(&self, which: &str) -> Result<(), NoSuchContainer> {
        self.desk.engine.start(which)
    }

    /// `docker stop`.
    pub fn stop(&self, which: &str) -> Result<(), NoSuchContainer> {
        self.desk.engine.stop(which)
    }

    /// It ends by itself, with this code.
    pub fn exit(&self, which: &str, code: i64) -> Result<(), NoSuchContainer> {
        self.desk.engine.exit(which, code)
    }

    /// `docker kill`.
    pub fn kill(&self, which: &str) -> Result<(), NoSuchContainer> {
        self.desk.engine.kill(which)
    }

    /// `docker rm -f`.
    pub fn remove(&self, which: &str) -> Result<(), NoSuchContainer> {
        self.desk.engine.remove(which)
    }

    /// `docker rename`.
    pub fn rename(&self, which: &str, name: &str) -> Result<(), NoSuchContainer> {
        self.desk.engine.rename(which, name)
    }

    /// `docker pause`.
    pub fn pause(&self, which: &str) -> Result<(), NoSuchContainer> {
        self.desk.engine.pause(which, true)
    }

    /// `docker unpause`.
    pub fn unpause(&self, which: &str) -> Result<(), NoSuchContainer> {
        self.desk.engine.pause(which, false)
    }

    /// Its health check comes to this verdict.
    pub fn set_health(&self, which: &str, health: Health) -> Result<(), NoSuchContainer> {
        self.desk.engine.set_health(which, health)
    }

    /// It fails and is started again this many times, and then waits for its next attempt.
    pub fn crash_loop(&self, which: &str, times: u64) -> Result<(), NoSuchContainer> {
        self.desk.engine.crash_loop(which, times)
    }

    /// From now on this key of its list entry has this value: for engines newer or odder than this one.
    pub fn tamper(&self, which: &str, key: &str, value: Value) -> Result<(), NoSuchContainer> {
        self.desk.engine.tamper(which, key, value)
    }

    /// The engine's clock is this many seconds ahead of everybody else's.
    pub fn set_clock(&self, ahead: i64) {
        self.desk.engine.set_clock(ahead);
    }

    /// From now on lists leave out the containers of these names, and only these, as a proxy's filter would; they run on.
    pub fn hide(&self, names: &[&str]) {
        self.desk.engine.hide(names.iter().map(|name| (*name).to_owned()));
    }

    /// Ends the open event streams as if that were all.
    pub fn end_streams(&self) {
        self.cut(Cut::Cleanly);
    }

    /// Breaks the open event streams.
    pub fn cut_streams(&self) {
        self.cut(Cut::Reset);
    }

    /// Completes when nobody holds an event stream.
    pub async fn streams_gone(&self) {
        self.desk.cut.closed().await;
    }

    /// The daemon is asked to end: it listens and answers no more, stops every container and says so, ends the streams and
    /// goes.
    pub async fn stop_daemon(&self) -> io::Result<()> {
        let Some(up) = self.listen_no_more().await? else {
            return Ok(());
        };
        self.desk.ending.store(true, Ordering::SeqCst);
        self.desk.engine.stop_all();
        self.cut(Cut::Cleanly);
        // What was said must be read before the connections go.
        let _ = tokio::time::timeout(PATIENCE, self.streams_gone()).await;
        up.gone.cancel();
        Ok(())
    }

    /// The daemon is killed, and what it ran with it; nobody is told.
    pub async fn kill_daemon(&self) -> io::Result<()> {
        // First the connections: nobody is answered by a daemon that is gone.
        if let Some(up) = self.listen_no_more().await? {
            up.gone.cancel();
        }
        self.desk.engine.kill_all();
        Ok(())
    }

    /// A new daemon on the same port. What the last one ran is still down; see [`DockerLab::resume`].
    pub async fn start_daemon(&self) -> io::Result<()> {
        self.desk.engine.forget_events();
        self.desk.ending.store(false, Ordering::SeqCst);
        let mut daemon = self.daemon();
        *daemon = match std::mem::replace(&mut *daemon, Daemon::Gone) {
            Daemon::Down(socket) => Daemon::Up(Up::new(socket.listen(BACKLOG)?, Arc::clone(&self.desk))),
            Daemon::Gone => {
                let listener = bound(self.address)?.listen(BACKLOG)?;
                Daemon::Up(Up::new(listener, Arc::clone(&self.desk)))
            }
            Daemon::Up(up) => Daemon::Up(up),
        };
        Ok(())
    }

    /// The new daemon starts what the last one's end took down, as far as it has a restart policy.
    pub fn resume(&self) {
        self.desk.engine.resume();
    }

    /// Closes the port and keeps it; the connections stay.
    async fn listen_no_more(&self) -> io::Result<Option<Up>> {
        let mut up = match std::mem::replace(&mut *self.daemon(), Daemon::Gone) {
            Daemon::Up(up) => up,
            other @ (Daemon::Down(_) | Daemon::Gone) => {
                *self.daemon() = other;
                return Ok(None);
            }
        };
        up.deaf.cancel();
        // The port is free when the task that listens has ended.
        let _ = (&mut up.accepting).await;
        *self.daemon() = Daemon::Down(bound(self.address)?);
        Ok(Some(up))
    }

    fn cut(&self, how: Cut) {
        self.desk.cut.send_modify(|cut| *cut = (cut.0 + 1, how));
    }

    fn daemon(&self) -> MutexGuard<'_, Daemon> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Up {
    fn new(listener: TcpListener, desk: Arc<Desk>) -> Self {
        let gone = CancellationToken::new();
        let deaf = gone.child_token();
        let (ended, connections) = (deaf.clone(), gone.clone());
        let accepting = tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = ended.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let Ok((peer, _)) = accepted else { continue };
                let _ = peer.set_nodelay(true);
                serve_one(peer, &desk, &connections);
            }
        });
        Self { _end: gone.clone().drop_guard(), deaf, gone, accepting }
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Its own last connections linger on the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn serve_one(peer: impl serve::Peer, desk: &Arc<Desk>, cancel: &CancellationToken) {
    desk.connections.fetch_add(1, Ordering::Relaxed);
    let (desk, cancel) = (Arc::clone(desk), cancel.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = serve::connection(peer, desk) => {}
        }
    });
}
