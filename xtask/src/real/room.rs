//! A room for one program: a network of its own, from which nothing leads out but cables that can be cut.
//!
//! What lives here: the namespace and what is done to it. What does not: the program, which is started with
//! [`Room::inside`] before its own words. Needs root; nothing of the room is left when it is dropped and the program in it
//! has ended.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};

use super::keeper::{Keeper, last_words};
use super::{find, is_root};

/// The script that holds the room; see there.
const SCRIPT: &str = include_str!("room.sh");
/// Runs the script in its namespace, with the way back to the network outside.
const AROUND: &str = r#"
exec 4</proc/self/ns/net
exec unshare --net sh "$0/room.sh" "$0" "$@"
"#;
/// The first of the addresses that cables have: a network set aside for measurements, which nobody routes.
const FIRST: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
/// How many cables that network has room for.
const CABLES: u32 = 1 << 15;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A room.
#[derive(Debug)]
pub struct Room {
    folder: PathBuf,
    keeper: Keeper,
    cables: Vec<Ipv4Addr>,
}

impl Room {
    /// Makes one with so many cables. An error says why there can be none on this machine.
    pub fn start(cables: u32) -> anyhow::Result<Self> {
        if !is_root() {
            bail!("needs root (`sudo -E cargo xtask test`)");
        }
        for program in ["unshare", "nsenter", "ip"] {
            if find(program).is_none() {
                bail!("{program} is not installed (Debian packages util-linux, iproute2)");
            }
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("evenkeel-room-{}-{number}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("make {}", folder.display()))?;
        fs::write(folder.join("room.sh"), SCRIPT).context("write the keeper")?;
        let cables: Vec<_> = (0..cables).map(|cable| near_side(number, cable)).collect();
        let mut command = Command::new("sh");
        command.arg("-c").arg(AROUND).arg(&folder).args(cables.iter().map(Ipv4Addr::to_string));
        let mut room = Self { keeper: Keeper::hold(&mut command)?, folder, cables };
        let ready = room.order("ready");
        // Dropped on failure, and gone with its folder.
        ready.with_context(|| format!("no network of its own: {}", room.last_words()))?;
        Ok(room)
    }

    /// What goes before a command that is to run inside. It becomes that command: the process is the program's own.
    pub fn inside(&self) -> Vec<String> {
        vec!["nsenter".to_owned(), format!("--net=/proc/{}/ns/net", self.keeper.id())]
    }

    /// The address of the far side of a cable, outside: where to listen for whoever is inside.
    pub fn outside(&self, cable: usize) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.cables[cable]) - 1)
    }

    /// Whatever goes through the cable vanishes, in both directions and without a word, until [`Room::mend`].
    pub fn cut(&mut self, cable: usize) -> anyhow::Result<()> {
        self.order(&format!("cut {cable}"))
    }

    /// Undoes [`Room::cut`].
    pub fn mend(&mut self, cable: usize) -> anyhow::Result<()> {
        self.order(&format!("mend {cable}"))
    }

    /// The link is down on this side, and whoever is inside is told so at once, until [`Room::plug`].
    pub fn unplug(&mut self, cable: usize) -> anyhow::Result<()> {
        self.order(&format!("unplug {cable}"))
    }

    /// Undoes [`Room::unplug`].
    pub fn plug(&mut self, cable: usize) -> anyhow::Result<()> {
        self.order(&format!("plug {cable}"))
    }

    fn order(&mut self, order: &str) -> anyhow::Result<()> {
        let answer = self.keeper.order(order)?;
        if Some(answer.as_str()) != order.split(' ').next() {
            bail!("{order}: {answer}: {}", self.last_words());
        }
        Ok(())
    }

    fn last_words(&self) -> String {
        last_words(&self.folder.join("room.log"))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.keeper.end();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The address of the inner side of a cable. Processes that make rooms at the same time have different ones.
fn near_side(room: u32, cable: u32) -> Ipv4Addr {
    let number = std::process::id().wrapping_mul(16).wrapping_add(room * 4 + cable) % CABLES;
    Ipv4Addr::from(u32::from(FIRST) + number * 4 + 2)
}
