//! A real Prometheus for one test, and `promtool`, which knows what a good metric looks like.

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;

/// How long a start or a scrape may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Tools {
    prometheus: PathBuf,
    promtool: PathBuf,
}

/// Where the programs are; skips the test without them.
pub fn tools() -> Option<Tools> {
    Some(Tools {
        prometheus: crate::tool("EVENKEEL_TEST_PROMETHEUS", "prometheus")?,
        promtool: crate::tool("EVENKEEL_TEST_PROMTOOL", "promtool")?,
    })
}

impl Tools {
    /// What `promtool check metrics` says about an exposition in text form; nothing, if it is good.
    pub fn lint(&self, exposition: &str) -> anyhow::Result<Vec<String>> {
        let mut child = Command::new(&self.promtool)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("start promtool")?;
        child
            .stdin
            .take()
            .context("promtool has no input")?
            .write_all(exposition.as_bytes())
            .context("write to promtool")?;
        let output = child.wait_with_output().context("wait for promtool")?;
        let text = [output.stdout, output.stderr].concat();
        let lines: Vec<String> = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
        if !output.status.success() && lines.is_empty() {
            bail!("promtool ended with {} and no word", output.status);
        }
        Ok(lines)
    }

    /// `promtool check rules FILE`: that a server would take it.
    pub fn check_rules(&self, file: &std::path::Path) -> anyhow::Result<String> {
        let output = Command::new(&self.promtool).args(["check", "rules"]).arg(file).output()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        if !output.status.success() {
            bail!("{}: {text}", file.display());
        }
        Ok(text)
    }

    /// `promtool test rules FILE`, which reads the rules that the file names.
    pub fn test_rules(&self, file: &std::path::Path) -> anyhow::Result<()> {
        let output = Command::new(&self.promtool).args(["test", "rules"]).arg(file).output()?;
        if !output.status.success() {
            let text = [output.stdout, output.stderr].concat();
            bail!("{}: {}", file.display(), String::from_utf8_lossy(&text));
        }
        Ok(())
    }

    /// Starts a server that scrapes `target` once a second, and waits until it answers.
    pub fn start(&self, target: SocketAddr, metrics_path: &str) -> anyhow::Result<Prometheus> {
        let folder = tempfile::tempdir().context("make a folder")?;
        let config = folder.path().join("prometheus.yml");
        let yaml = format!(
            "global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n  - job_name: evenkeel\n    \
             metrics_path: {metrics_path}\n    static_configs:\n      - targets: ['{target}']\n"
        );
        fs::write(&config, yaml).context("write the configuration")?;
        // Free now; whoever takes it before the server does makes the start fail, not lie.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = fs::File::create(folder.path().join("log"))?;
        let child = Command::new(&self.prometheus)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("start prometheus")?;
        let mut server = Prometheus { child, address, folder, promtool: self.promtool.clone() };
        server.wait_until_ready()?;
        Ok(server)
    }
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct Prometheus {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
    promtool: PathBuf,
}

impl Prometheus {
    /// The samples that an expression selects now.
    pub fn query(&self, expression: &str) -> anyhow::Result<Vec<Sample>> {
        let output = Command::new(&self.promtool)
            .args(["query", "instant", "--format=json"])
            .arg(format!("http://{}", self.address))
            .arg(expression)
            .output()
            .context("run promtool")?;
        if !output.status.success() {
            bail!("{expression}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let answer: Value = serde_json::from_slice(&output.stdout).context("read promtool's answer")?;
        let samples = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(samples.iter().filter_map(Sample::read).collect())
    }

    /// Asks until the samples are as wanted.
    pub fn until(&self, expression: &str, wanted: impl Fn(&[Sample]) -> bool) -> anyhow::Result<Vec<Sample>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let samples = self.query(expression)?;
            if wanted(&samples) {
                return Ok(samples);
            }
            if Instant::now() > deadline {
                bail!("{expression}: not as wanted in time, but {samples:?}");
            }
            pause();
        }
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.query("vector(1)").is_err() {
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                bail!("prometheus does not answer on {} ({ended:?}): {log}", self.address);
            }
            pause();
        }
        Ok(())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One value with its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Label names and values.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
}

impl Sample {
    /// The value of one label, empty if there is none.
    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value)
    }

    fn read(json: &Value) -> Option<Self> {
        let labels = json["metric"]
            .as_object()?
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
        let value = json["value"].get(1)?.as_str()?.parse().ok()?;
        Some(Self { labels, value })
    }
}

#[allow(clippy::disallowed_methods, reason = "there is no runtime here whose worker it could block")]
fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}
