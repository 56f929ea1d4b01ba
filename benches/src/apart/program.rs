//! `evenkeel run`, as a shell would start it, and asking it. What does not live here: whom it watches.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Yard, host_name};
use crate::bare::Bare;
use crate::process::Other;
use crate::{Result, stage};

/// How long it may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Hosts that are asked for at once.
const PAGE: usize = 1000;

/// What its configuration says beside whom it watches: whole lines of TOML.
pub(crate) struct Manner {
    pub(crate) lines: String,
    /// Variables of its environment.
    pub(crate) variables: Vec<(String, String)>,
}

/// The program; it is killed when this is dropped.
pub(crate) struct Program {
    child: Child,
    at: SocketAddr,
    /// When it was started.
    pub(crate) begun: Instant,
    log: PathBuf,
}

impl Program {
    pub(super) async fn start(folder: &Path, yard: &Yard, manner: &Manner) -> Result<Self> {
        let at = free_port()?;
        let config = folder.join("evenkeel.toml");
        fs::write(&config, configuration(yard, manner, at))?;
        let log = folder.join("log");
        let begun = Instant::now();
        let child = Command::new(program()?)
            .args(["run", "--config"])
            .arg(&config)
            .env("NETBOX_TOKEN", yard.netbox.token_v1())
            .env("WEBHOOK_SECRET", stage::SIGNING_SECRET)
            .envs(manner.variables.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut program = Self { child, at, begun, log };
        while program.ask("/healthz").is_err() {
            if begun.elapsed() > PATIENCE || program.child.try_wait()?.is_some() {
                return Err(format!("evenkeel does not listen; it said: {}", program.said()).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(program)
    }

    /// What it uses.
    pub(crate) fn process(&self) -> Other {
        Other(self.child.id())
    }

    /// The end of what it said.
    pub(crate) fn said(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let from = text.len().saturating_sub(4000);
        text.get(from..).unwrap_or(&text).to_owned()
    }

    /// What it answers to this path.
    pub(crate) fn ask(&self, path: &str) -> Result<(u16, Vec<u8>)> {
        tokio::task::block_in_place(|| Bare::tcp(self.at)?.ask("GET", path, "", b""))
    }

    /// The same, read as JSON.
    pub(crate) fn json(&self, path: &str) -> Result<Value> {
        let (status, body) = self.ask(path)?;
        match status {
            200 | 503 => Ok(serde_json::from_slice(&body)?),
            _ => Err(format!("{path}: {status} {}", String::from_utf8_lossy(&body)).into()),
        }
    }

    /// The sum of a metric's samples that have all these labels.
    pub(crate) fn figure(metrics: &str, name: &str, labels: &[&str]) -> f64 {
        let samples =
            metrics.lines().filter_map(|line| line.strip_prefix(name)?.split_once(' ').map(|v| (line, v)));
        let wanted = samples
            .filter(|(_, (rest, _))| rest.is_empty() || rest.starts_with('{'))
            .filter(|(line, _)| labels.iter().all(|label| line.contains(label)));
        wanted.filter_map(|(_, (_, value))| value.parse::<f64>().ok()).sum()
    }

    /// All figures, as Prometheus gets them.
    pub(crate) fn metrics(&self) -> Result<String> {
        let (status, body) = self.ask("/metrics")?;
        if status != 200 {
            return Err(format!("/metrics: {status}").into());
        }
        Ok(String::from_utf8(body)?)
    }

    /// Waits until every source has answered completely and every host has been judged; how long after its start.
    pub(crate) async fn complete(&self, hosts: usize, patience: Duration) -> Result<Duration> {
        loop {
            let ready = self.json("/readyz")?;
            let nobody = |key: &str| ready[key].as_array().is_some_and(Vec::is_empty);
            if ready["ready"] == true && nobody("blind") && self.judged()? >= hosts {
                return Ok(self.begun.elapsed());
            }
            if self.begun.elapsed() > patience {
                let text: String = ready.to_string().chars().take(1000).collect();
                return Err(format!("no complete verdict: {text}; it said: {}", self.said()).into());
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// How many hosts have a ledger that judged them.
    fn judged(&self) -> Result<usize> {
        let (mut judged, mut path) = (0, format!("/api/v1/hosts?limit={PAGE}"));
        loop {
            let page = self.json(&path)?;
            let rows = page["items"].as_array().ok_or_else(|| format!("no list of hosts: {page}"))?;
            judged += rows.iter().filter(|host| !host["judged_since"].is_null()).count();
            match page["next"].as_str() {
                Some(next) => path = format!("/api/v1/hosts?limit={PAGE}&cursor={next}"),
                None => return Ok(judged),
            }
        }
    }

    /// Asks it to stop, and waits until it did.
    pub(crate) async fn stop(mut self) -> Result<ExitStatus> {
        // Signals are sent by a program: this workspace contains no unsafe code.
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("evenkeel does not end".into())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Whoever has ended already cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary beside this one, or the one that `EVENKEEL_PROGRAM` names.
fn program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("EVENKEEL_PROGRAM") {
        return Ok(named.into());
    }
    let beside = std::env::current_exe()?.with_file_name("evenkeel");
    if beside.is_file() {
        return Ok(beside);
    }
    Err(format!("there is no {}: `cargo build --release -p evenkeel` makes it", beside.display()).into())
}

/// Taken for a moment, to learn a number that is free.
fn free_port() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn configuration(yard: &Yard, manner: &Manner, at: SocketAddr) -> String {
    let mut text = format!(
        "[netbox]\nurl = \"{}\"\ntoken = {{ env = \"NETBOX_TOKEN\" }}\n\n\
         [http]\nlisten = \"{at}\"\nnames = [\"bare\"]\n\n\
         [store]\npath = \"evenkeel.db\"\n\n\
         [[sink]]\nname = \"n8n\"\nurl = \"{}\"\nsecrets = [{{ env = \"WEBHOOK_SECRET\" }}]\n\
         success = \"accepted\"\n\n{}\n",
        yard.netbox.url(),
        yard.receiver.url(),
        manner.lines
    );
    for (n, url) in yard.engines.urls().iter().enumerate() {
        let host = host_name(n);
        // Writing into a string does not fail.
        let _ = write!(text, "\n[[docker]]\nname = \"{host}\"\nhost = \"{host}\"\nendpoint = \"{url}\"\n");
    }
    text
}
