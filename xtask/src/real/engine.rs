//! A Docker engine for tests: Debian's `dockerd`, started by hand in namespaces and a folder of its own.
//!
//! Needs root. The machine's own engine, network, firewall and configuration are not touched, and several engines can
//! run side by side. The price: ports that its containers publish are reachable in its network namespace only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::keeper::{Keeper, last_words, pause};
use super::{find, image, is_root, request};

/// The script that holds the engine; see there.
const SCRIPT: &str = include_str!("engine.sh");
/// Runs the script in its namespaces, then clears away what is left: the folder and the (empty) control groups. Process 1
/// does nothing but wait: every container leaves a process for it to bury, and a shell that reads buries nobody.
const AROUND: &str = r#"
dir=$0
unshare --net --mount --pid --fork --mount-proc \
    sh -c 'exec 3<&0; sh "$0/engine.sh" "$0" "$@" <&3 3<&- & wait' "$dir" "$@"
find /sys/fs/cgroup -depth -type d -path "*/$(basename "$dir")*" -exec rmdir {} + 2>/dev/null
rm -rf -- "$dir"
"#;
/// Ways to start it, from what everybody has to what a poor kernel allows.
const WAYS: &[(&[&str], Network)] = &[
    (&[], Network::Bridge),
    (&["--storage-driver=vfs"], Network::Bridge),
    (&["--storage-driver=vfs", "--bridge=none", "--iptables=false", "--ip6tables=false"], Network::None),
];
/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

static COUNT: AtomicU32 = AtomicU32::new(0);

/// What containers can do on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Have an address and publish ports.
    Bridge,
    /// Nothing: the kernel refuses bridges or packet filters.
    None,
}

/// A running engine that holds [`super::IMAGE`]. Dropping it ends it and everything on it.
#[derive(Debug)]
pub struct Engine {
    folder: PathBuf,
    keeper: Keeper,
    way: usize,
}

impl Engine {
    /// Starts one. An error says why there can be none on this machine.
    pub fn start() -> anyhow::Result<Self> {
        if !is_root() {
            bail!("needs root (`sudo -E cargo xtask test`)");
        }
        for program in ["dockerd", "containerd", "ip", "unshare", "busybox"] {
            if find(program).is_none() {
                bail!("{program} is not installed");
            }
        }
        let mut failures = Vec::new();
        for way in 0..WAYS.len() {
            match Self::start_this_way(way) {
                Ok(engine) => return Ok(engine),
                Err(error) => failures.push(format!("{error:#}")),
            }
        }
        bail!("dockerd does not start here:\n{}", failures.join("\n"))
    }

    fn start_this_way(way: usize) -> anyhow::Result<Self> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("evenkeel-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        fs::create_dir(&folder).with_context(|| format!("make {}", folder.display()))?;
        fs::write(folder.join("engine.sh"), SCRIPT).context("write the keeper")?;
        // An engine configured on this machine says nothing about ours.
        fs::write(folder.join("daemon.json"), "{}").context("write the configuration")?;
        let place = |leaf: &str| folder.join(leaf).display().to_string();
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(AROUND)
            .arg(&folder)
            .args(["--config-file", &place("daemon.json"), "--data-root", &place("data")])
            .args(["--exec-root", &place("exec"), "--pidfile", &place("pid")])
            .args(["--host", &format!("unix://{}", place("docker.sock"))])
            .args(["--cgroup-parent", &format!("/{name}"), "--shutdown-timeout", "5"])
            .args(WAYS[way].0);
        let mut engine = Self { folder, keeper: Keeper::hold(&mut command)?, way };
        let ready = engine.wait_until_ready().and_then(|()| image::import(&engine.socket(), &engine.folder));
        // Dropped on failure, and gone with its folder.
        ready.with_context(|| format!("with {}: {}", engine.flags(), engine.last_words()))?;
        Ok(engine)
    }

    /// The socket file.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("docker.sock")
    }

    /// The address as Docker's own tools take it.
    pub fn endpoint(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// What its containers can do on the network.
    pub fn network(&self) -> Network {
        WAYS[self.way].1
    }

    /// What had to be switched off to start it.
    pub fn flags(&self) -> String {
        if WAYS[self.way].0.is_empty() { "default flags".to_owned() } else { WAYS[self.way].0.join(" ") }
    }

    /// A planned stop: containers are stopped, then the engine. The socket stays away until [`Engine::restart`].
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.keeper.order("stop").map(drop)
    }

    /// Death without notice; containers live on.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.keeper.order("kill").map(drop)
    }

    /// It accepts connections and answers nothing, until [`Engine::thaw`].
    pub fn freeze(&mut self) -> anyhow::Result<()> {
        self.keeper.order("freeze").map(drop)
    }

    /// Undoes [`Engine::freeze`].
    pub fn thaw(&mut self) -> anyhow::Result<()> {
        self.keeper.order("thaw").map(drop)
    }

    /// Starts it again after [`Engine::stop`] or [`Engine::kill`], on the same socket, with what it held.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.keeper.order("start")?;
        let ready = self.wait_until_ready();
        ready.with_context(|| format!("start it again: {}", self.last_words()))
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if is_up(&self.socket()) {
                return Ok(());
            }
            if self.keeper.order("alive")? != "alive" {
                bail!("it ended at once");
            }
            pause(Duration::from_millis(50));
        }
        bail!("no answer within {} s", PATIENCE.as_secs())
    }

    fn last_words(&self) -> String {
        last_words(&self.folder.join("dockerd.log"))
    }
}

fn is_up(socket: &Path) -> bool {
    socket.exists()
        && request(socket, "GET", "/_ping", ("text/plain", b"")).is_ok_and(|answer| answer.status == 200)
}
