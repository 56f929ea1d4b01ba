//! PgBouncer in transaction mode before a PostgreSQL server: what many hosted databases put there. From one transaction
//! to the next a client is on another session of the server, so what it has set, prepared or locked there is gone.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::keeper::{Keeper, last_words, pause};
use super::lowly::Lowly;
use super::port::free_port;
use super::{Postgres, find};

/// Names the variable with the address of one before the shared server.
pub const VARIABLE: &str = "EVENKEEL_TEST_PGBOUNCER";
/// The script that holds it; see there.
const SCRIPT: &str = include_str!("hold.sh");
const AROUND: &str = r#"
dir=$0
sh "$dir/hold.sh" "$@"
rm -rf -- "$dir"
"#;
/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A running PgBouncer. Dropping it ends it, and nothing is left of it.
#[derive(Debug)]
pub struct PgBouncer {
    folder: PathBuf,
    port: u16,
    url: String,
    keeper: Keeper,
}

impl PgBouncer {
    /// Starts one before this server: every database of it, and the user and password of its url.
    pub fn start(server: &Postgres) -> anyhow::Result<Self> {
        let program = find("pgbouncer").context("pgbouncer is not installed (Debian package pgbouncer)")?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("evenkeel-pool-{}-{number}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("make {}", folder.display()))?;
        let keeper = free_port().and_then(|port| {
            let user = Lowly::find()?;
            prepare(&folder, port, server)?;
            user.take(&folder)?;
            let mut command = Command::new("sh");
            command.arg("-c").arg(AROUND).arg(&folder).arg(folder.join("pgbouncer.log"));
            command.args(user.runs("TERM")).arg(program).arg(folder.join("pgbouncer.ini"));
            Ok((port, Keeper::hold(&mut command)?))
        });
        let (port, keeper) = match keeper {
            Ok(held) => held,
            Err(error) => {
                let _ = fs::remove_dir_all(&folder);
                return Err(error);
            }
        };
        let (user, password) = (server.user(), server.password());
        let url = format!("postgres://{user}:{password}@127.0.0.1:{port}/postgres");
        let mut bouncer = Self { folder, port, url, keeper };
        let ready = bouncer.wait_until_ready();
        ready.with_context(|| {
            format!("pgbouncer does not start: {}", last_words(&bouncer.folder.join("pgbouncer.log")))
        })?;
        Ok(bouncer)
    }

    /// The address, with the user and the password of the server.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.keeper.order("alive")? != "alive" {
                bail!("it ended at once");
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            pause(Duration::from_millis(20));
        }
        bail!("no answer within {} s", PATIENCE.as_secs())
    }
}

fn prepare(folder: &Path, port: u16, server: &Postgres) -> anyhow::Result<()> {
    let mut secret = fs::OpenOptions::new();
    let mut secret = secret
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(folder.join("users.txt"))
        .context("write the users")?;
    writeln!(secret, "\"{}\" \"{}\"", server.user(), server.password()).context("write the users")?;
    let users = folder.join("users.txt");
    // Five sessions that take turns, all of them open as soon as anybody comes: two transactions in a row are on two of
    // them. By default the last one used would be the next, and a single client would never notice. Which parameters
    // a client may send at its start is left as it is: what PgBouncer does not know, it refuses.
    let settings = format!(
        "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\n\
         default_pool_size = 5\nmin_pool_size = 5\nserver_round_robin = 1\nmax_client_conn = 500\n",
        server.port(),
        users.display(),
    );
    fs::write(folder.join("pgbouncer.ini"), settings).context("write the settings")?;
    fs::write(folder.join("hold.sh"), SCRIPT).context("write the keeper")
}
