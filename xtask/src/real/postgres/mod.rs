//! A PostgreSQL server for tests: started in a folder and on a port of its own, to be stopped, killed, frozen and
//! brought back on the same address.
//!
//! Root and everybody else can have one; as root it runs as `postgres` or `nobody`, because it refuses to be root.

mod tls;

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::keeper::{Keeper, last_words, pause};
use super::lowly::Lowly;
use super::port::free_port;
use super::{find, is_root};

/// Names the variable with the address of a server to share.
pub const VARIABLE: &str = "EVENKEEL_TEST_POSTGRES";
/// Names the variable with the folder of the programs.
pub const VARIABLE_PROGRAMS: &str = "EVENKEEL_TEST_POSTGRES_BIN";
/// The script that holds the server; see there.
const SCRIPT: &str = include_str!("postgres.sh");
/// Runs the script, in namespaces if the first word says so, then clears away what is left. Process 1 of a namespace
/// does nothing but wait: orphaned processes are its to bury.
const AROUND: &str = r#"
namespaces=$0 dir=$1
if [ "$namespaces" = yes ]; then
    unshare --mount --pid --ipc --fork --mount-proc \
        sh -c 'exec 3<&0; sh "$1/postgres.sh" "$@" <&3 3<&- & wait' - "$@"
else
    sh "$dir/postgres.sh" "$@"
fi
rm -rf -- "$dir"
"#;
/// How long a start may take on a busy machine, recovery after a crash included.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whoever may do everything, of every server.
const USER: &str = "evenkeel";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// What a server may have beyond the usual.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Whether connections are encrypted.
    pub tls: Tls,
    /// The data is on a disk of so many megabytes, which [`Postgres::fill_disk`] fills. About 45 are full from the
    /// start. Needs root and namespaces.
    pub disk_megabytes: Option<u32>,
    /// Lines of `postgresql.conf`, as `("work_mem", "1MB")`; they win over ours.
    pub settings: Vec<(String, String)>,
}

/// How a server meets its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// In the clear.
    #[default]
    Off,
    /// Encrypted for whoever asks.
    Offered,
    /// Encrypted, or not at all.
    Required,
}

/// A running server. Dropping it ends it, and nothing is left of it.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    password: String,
    setup: Setup,
    keeper: Keeper,
}

impl Postgres {
    /// Starts one of the programs in [`programs`]. An error says why there can be none on this machine.
    pub fn start() -> anyhow::Result<Self> {
        let folder = programs().context("PostgreSQL is not installed (Debian package postgresql)")?;
        Self::start_with(&folder, Setup::default())
    }

    /// Starts one of the programs in this folder (`initdb` and `postgres`).
    pub fn start_with(programs: &Path, setup: Setup) -> anyhow::Result<Self> {
        for program in ["initdb", "postgres"] {
            if !programs.join(program).is_file() {
                bail!("there is no {program} in {}", programs.display());
            }
        }
        if setup.disk_megabytes.is_some() && !namespaces() {
            bail!("a small disk needs root and namespaces");
        }
        let mut tries = 1;
        loop {
            match Self::try_start(programs, setup.clone()) {
                // Somebody else was faster on the port.
                Err(error) if tries < 5 && format!("{error:#}").contains("could not create any TCP") => {
                    tries += 1
                }
                result => return result,
            }
        }
    }

    fn try_start(programs: &Path, setup: Setup) -> anyhow::Result<Self> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("evenkeel-pg-{}-{number}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("make {}", folder.display()))?;
        let password = random().context("make a password")?;
        let port = free_port()?;
        let prepared = prepare(&folder, port, &password, &setup);
        let keeper = prepared.and_then(|()| Keeper::hold(&mut command(&folder, programs, &setup)?));
        let keeper = match keeper {
            Ok(keeper) => keeper,
            Err(error) => {
                let _ = fs::remove_dir_all(&folder);
                return Err(error);
            }
        };
        let mut server = Self { folder, port, password, setup, keeper };
        let ready = server.wait_until_ready();
        // Dropped on failure, and gone with its folder.
        ready.with_context(|| format!("PostgreSQL does not start: {}", server.last_words()))?;
        Ok(server)
    }

    /// The address, with a user who may do everything, and the password.
    pub fn url(&self) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/postgres", self.password, self.port)
    }

    /// The port of 127.0.0.1 that it listens on, whatever becomes of it in between.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name of the user of [`Postgres::url`].
    pub fn user(&self) -> &str {
        USER
    }

    /// The password of that user.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Its folder: `postgres.log`, the socket file, and the data unless that is on a disk of its own.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The certificate of the authority that signed the server's, which is for `localhost` and 127.0.0.1.
    pub fn authority(&self) -> Option<PathBuf> {
        (self.setup.tls != Tls::Off).then(|| self.folder.join("ca.crt"))
    }

    /// A planned stop: connections end, then the server.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.keeper.order("stop").map(drop)
    }

    /// An immediate stop: its processes end where they are, and the next start recovers from its log.
    pub fn quit(&mut self) -> anyhow::Result<()> {
        self.keeper.order("quit").map(drop)
    }

    /// Death without notice, of all its processes.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.keeper.order("kill").map(drop)
    }

    /// It accepts connections and answers nothing, until [`Postgres::thaw`].
    pub fn freeze(&mut self) -> anyhow::Result<()> {
        self.keeper.order("freeze").map(drop)
    }

    /// Undoes [`Postgres::freeze`].
    pub fn thaw(&mut self) -> anyhow::Result<()> {
        self.keeper.order("thaw").map(drop)
    }

    /// Starts it again after [`Postgres::stop`], [`Postgres::quit`] or [`Postgres::kill`], on the same address, with what it held.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.keeper.order("start")?;
        let ready = self.wait_until_ready();
        ready.with_context(|| format!("start it again: {}", self.last_words()))
    }

    /// Leaves not a byte on its small disk ([`Setup::disk_megabytes`]), until [`Postgres::free_disk`].
    pub fn fill_disk(&mut self) -> anyhow::Result<()> {
        if self.setup.disk_megabytes.is_none() {
            bail!("the data is on the machine's own disk, which is not filled");
        }
        self.keeper.order("fill").map(drop)
    }

    /// Undoes [`Postgres::fill_disk`].
    pub fn free_disk(&mut self) -> anyhow::Result<()> {
        self.keeper.order("free").map(drop)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.keeper.order("alive")?.as_str() {
                "ready" => return Ok(()),
                "alive" => pause(Duration::from_millis(20)),
                _ => bail!("it ended at once"),
            }
        }
        bail!("no answer within {} s", PATIENCE.as_secs())
    }

    fn last_words(&self) -> String {
        last_words(&self.folder.join("postgres.log"))
    }
}

/// The folder of the programs: what `EVENKEEL_TEST_POSTGRES_BIN` names, or the newest that Debian has installed.
pub fn programs() -> Option<PathBuf> {
    let given = std::env::var_os(VARIABLE_PROGRAMS).filter(|folder| !folder.is_empty());
    given.map(PathBuf::from).or_else(|| {
        // What is on the path may be a link; the server finds its other files beside the real one.
        let program = fs::canonicalize(find("initdb")?).ok()?;
        program.parent().map(Path::to_path_buf)
    })
}

/// Everything the script needs in its folder.
fn prepare(folder: &Path, port: u16, password: &str, setup: &Setup) -> anyhow::Result<()> {
    fs::create_dir(folder.join("disk")).context("make a place for the data")?;
    let mut secret = fs::OpenOptions::new();
    secret.write(true).create_new(true).mode(0o600);
    let mut secret = secret.open(folder.join("password")).context("write the password")?;
    std::io::Write::write_all(&mut secret, password.as_bytes()).context("write the password")?;
    if setup.tls != Tls::Off {
        tls::write(folder)?;
    }
    fs::write(folder.join("pg_hba.conf"), who_may_come(setup.tls)).context("write who may come")?;
    fs::write(folder.join("settings.conf"), settings(folder, port, setup)).context("write the settings")?;
    fs::write(folder.join("postgres.sh"), SCRIPT).context("write the keeper")
}

fn who_may_come(tls: Tls) -> String {
    let host = match tls {
        Tls::Off | Tls::Offered => "host",
        Tls::Required => "hostssl",
    };
    format!("local all all scram-sha-256\n{host} all all 127.0.0.1/32 scram-sha-256\n")
}

fn settings(folder: &Path, port: u16, setup: &Setup) -> String {
    let place = |leaf: &str| folder.join(leaf).display().to_string();
    let mut lines = vec![
        ("listen_addresses", "127.0.0.1".to_owned()),
        ("port", port.to_string()),
        ("unix_socket_directories", folder.display().to_string()),
        ("hba_file", place("pg_hba.conf")),
        ("max_connections", "200".to_owned()),
        ("shared_buffers", "32MB".to_owned()),
        // Not UTC, and not whole hours away from it: whoever mixes up times of day is found out.
        ("timezone", "America/St_Johns".to_owned()),
        // A process that is killed leaves its writes with the kernel, and no test cuts the power.
        ("fsync", "off".to_owned()),
        // A killed server leaves nothing in the machine's shared memory.
        ("dynamic_shared_memory_type", "mmap".to_owned()),
    ];
    if setup.tls != Tls::Off {
        lines.push(("ssl", "on".to_owned()));
        lines.push(("ssl_cert_file", place("server.crt")));
        lines.push(("ssl_key_file", place("server.key")));
    }
    let ours = lines.iter().map(|(name, value)| (*name, value.as_str()));
    let theirs = setup.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    ours.chain(theirs).map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''"))).collect()
}

fn command(folder: &Path, programs: &Path, setup: &Setup) -> anyhow::Result<Command> {
    let user = Lowly::find()?;
    user.take(folder)?;
    let megabytes = setup.disk_megabytes;
    let disk = megabytes.map_or_else(String::new, |megabytes| format!("size={megabytes}m{}", user.owns()));
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(AROUND)
        .arg(if namespaces() { "yes" } else { "no" })
        .args([folder.as_os_str(), programs.as_os_str()])
        .args([user.runs("QUIT").join(" "), disk])
        // Old versions want to come back to where they started, which must be a place that their user may enter.
        .current_dir(folder)
        .env("LC_ALL", "C");
    Ok(command)
}

/// Whether a server can have processes, mounts and shared memory to itself, so that really nothing is left of it.
pub fn namespaces() -> bool {
    static POSSIBLE: OnceLock<bool> = OnceLock::new();
    *POSSIBLE.get_or_init(|| {
        let mut probe = Command::new("unshare");
        probe.args(["--mount", "--pid", "--ipc", "--fork", "--mount-proc", "true"]);
        probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        is_root() && probe.status().is_ok_and(|status| status.success())
    })
}

/// 128 bits that nobody guesses, in letters that need no escape anywhere.
fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
