//! The real binary as a child process: where it is, its configuration, its log, its signals, its HTTP surface.
//!
//! What does not live here: the systems it watches, which run in the test's own process (`stage::lab`).

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::stage::lab::Lab;
use crate::stage::plan::SIGNING_SECRET;
use crate::stage::soon;

/// How long an answer or an end may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The binary: the one that was built with the tests, as whoever runs them all says; otherwise it is built if it is not
/// there or older than the test that wants it.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Some(built) = std::env::var_os("EVENKEEL_TEST_BINARY") {
            return built.into();
        }
        let test = std::env::current_exe().unwrap();
        // Tests run from target/…/deps, commands from the folder above.
        let folder = test.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).expect("a folder");
        let binary = folder.join(format!("evenkeel{}", std::env::consts::EXE_SUFFIX));
        let age = |path: &Path| path.metadata().and_then(|meta| meta.modified()).ok();
        if age(&binary) < age(&test) {
            build(folder.parent().expect("a target folder"));
        }
        binary
    })
}

fn build(target: &Path) {
    let mut cargo = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", "evenkeel", "--target-dir"]).arg(target);
    xtask::forget_package(&mut cargo);
    let status = cargo.current_dir(crate::repo::root()).status().unwrap();
    assert!(status.success(), "the binary cannot be built");
}

/// A folder with a configuration, a database and secrets for one binary.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
    /// Environment variables the configuration takes secrets from.
    pub secrets: Vec<(String, String)>,
    /// What goes before the binary's path, for one that runs in a room of its own.
    pub around: Vec<String>,
}

impl Home {
    /// A configuration for these systems: quick, believing at once, telling this webhook.
    pub fn new(lab: &Lab, webhook: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secrets = vec![
            ("LAB_NETBOX_TOKEN".to_owned(), lab.netbox.token_v1().to_owned()),
            ("LAB_SIGNING_SECRET".to_owned(), SIGNING_SECRET.to_owned()),
        ];
        let home = Self { folder, secrets, around: Vec::new() };
        home.write(&configuration(lab, webhook));
        home
    }

    /// The configuration's file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("evenkeel.toml")
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("evenkeel.db")
    }

    /// The folder with everything in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration as it is now.
    pub fn read(&self) -> String {
        std::fs::read_to_string(self.config()).unwrap()
    }

    /// Replaces the configuration.
    pub fn write(&self, text: &str) {
        std::fs::write(self.config(), text).unwrap();
    }

    /// Replaces a part of the configuration.
    pub fn edit(&self, from: &str, to: &str) {
        let text = self.read();
        assert!(text.contains(from), "{from} is in {text}");
        self.write(&text.replace(from, to));
    }

    /// Runs a command to its end.
    pub async fn command(&self, args: &[&str]) -> Output {
        let run = self.prepared(args).output();
        tokio::time::timeout(PATIENCE, run).await.expect("the command ends").unwrap()
    }

    /// Starts `evenkeel run`; it is killed when dropped.
    pub async fn start(&self) -> Program {
        self.start_with(&[]).await
    }

    /// Starts `evenkeel run` with more environment variables.
    pub async fn start_with(&self, env: &[(&str, &str)]) -> Program {
        let mut command = self.prepared(&["run"]);
        command.envs(env.iter().copied());
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let written = log.clone();
        let reader = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut log = written.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        Program { child, log, reader }
    }

    fn prepared(&self, args: &[&str]) -> Command {
        let mut words = self.around.iter().map(OsStr::new).chain([path().as_os_str()]);
        let mut command = Command::new(words.next().expect("the binary at least"));
        command.args(words);
        command.arg("--config").arg(self.config()).args(args).env_remove("RUST_LOG").env("NO_COLOR", "1");
        command.envs(self.secrets.iter().map(|(name, value)| (name, value))).current_dir(self.folder.path());
        command
    }
}

/// Everything the systems need to be watched.
fn configuration(lab: &Lab, webhook: Option<&str>) -> String {
    let mut text = format!(
        r#"
[netbox]
url = "{}"
token = {{ env = "LAB_NETBOX_TOKEN" }}
probe_interval = "100ms"

[docker_defaults]
debounce = "20ms"
settle = "100ms"

[policy.confirm]
open_after = 1
resolve_after = 1

[policy.flap]
transitions = 100000
window = "1s"

[store]
path = "evenkeel.db"
synchronous = "normal"

[http]
listen = "127.0.0.1:0"

[schedule]
netbox_interval = "500ms"
docker_interval = "500ms"
resync = "2s"
recheck = "50ms"
debounce = "10ms"
shutdown_deadline = "5s"

[schedule.breaker]
failures = 3
open = "300ms"
open_max = "600ms"
"#,
        lab.netbox.url()
    );
    for (host, engine) in &lab.engines {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[[docker]]\nname = \"{host}\"\nhost = \"{host}\"\nendpoint = \"{}\"\n",
            engine.url()
        );
    }
    if let Some(url) = webhook {
        let _ = write!(
            text,
            "\n[[sink]]\nname = \"n8n\"\nurl = \"{url}\"\nsecrets = [{{ env = \"LAB_SIGNING_SECRET\" }}]\nsuccess = \"accepted\"\n"
        );
    }
    text
}

/// A running `evenkeel run`.
pub struct Program {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Program {
    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until its log says this.
    pub async fn until_logged(&self, text: &str) {
        assert!(soon(|| async { self.log().contains(text) }).await, "no {text:?} in {}", self.log());
    }

    /// Where its HTTP surface is, once it runs.
    pub async fn address(&self) -> String {
        self.until_logged("listen=").await;
        let log = self.log();
        let after = log.split("listen=").nth(1).unwrap();
        after.split_whitespace().next().unwrap().to_owned()
    }

    /// Asks its HTTP surface: status and body.
    pub async fn get(&self, path: &str) -> (u16, String) {
        get(&self.address().await, path).await
    }

    /// Waits until it is ready.
    pub async fn until_ready(&self) {
        let address = self.address().await;
        assert!(soon(|| async { get(&address, "/readyz").await.0 == 200 }).await, "{}", self.log());
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("a running process")
    }

    /// Sends a signal by its name (`TERM`).
    pub async fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").arg(format!("-{name}")).arg(id).status().await.unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> (ExitStatus, String) {
        let end = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = end.unwrap_or_else(|_| panic!("it does not end: {}", self.log())).unwrap();
        // Its last words may still be on their way.
        (&mut self.reader).await.unwrap();
        (status, self.log())
    }

    /// `kill -9`, and no word.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and expects it to end well.
    pub async fn stop(self) -> String {
        self.signal("TERM").await;
        let (status, log) = self.ended().await;
        assert_eq!(status.code(), Some(0), "{log}");
        log
    }
}

/// What everybody logs in with whom [`passwd`] makes.
pub const PASSWORD: &str = "correct horse battery";

/// The lines of the configuration that the binary prints for somebody with [`PASSWORD`].
pub async fn passwd(name: &str, role: &str) -> String {
    let mut child = Command::new(path())
        .args(["passwd", name, "--role", role])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(format!("{PASSWORD}\n").as_bytes()).await.unwrap();
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// One GET over a connection of its own: status and body.
pub async fn get(address: &str, path: &str) -> (u16, String) {
    let (status, _, body) = ask(address, "GET", path).await;
    (status, body)
}

/// One request without a body over a connection of its own: status, head and body.
pub async fn ask(address: &str, method: &str, path: &str) -> (u16, String, String) {
    exchange(address, &format!("{method} {path}"), "").await
}

/// One request with JSON over a connection of its own: status, head and body.
pub async fn send(address: &str, method: &str, path: &str, body: &str) -> (u16, String, String) {
    exchange(address, &format!("{method} {path}"), body).await
}

async fn exchange(address: &str, what: &str, body: &str) -> (u16, String, String) {
    let length = body.len();
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!(
            "{what} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, exchange).await.expect("an answer").unwrap_or_default();
    let status = answer.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    (status, head.to_owned(), body.to_owned())
}
