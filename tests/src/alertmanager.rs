//! A real Alertmanager, and what it says about its alerts. What does not live here: installing it
//! (`EVENKEEL_TEST_ALERTMANAGER` holds the program's path).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use xtask::real::free_port;

use crate::stage::soon;

/// The program's path, or `None` once the test has been skipped in words.
pub fn program() -> Option<PathBuf> {
    crate::tool("EVENKEEL_TEST_ALERTMANAGER", "prometheus-alertmanager")
}

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct Alertmanager {
    _child: Child,
    port: u16,
    folder: TempDir,
}

impl Alertmanager {
    /// Starts one that tells `webhook` of every change at once, and waits until it answers.
    pub async fn start(program: &Path, webhook: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let yaml = format!(
            "route:\n  receiver: hook\n  group_by: ['...']\n  group_wait: 0s\n  group_interval: 1s\n  \
             repeat_interval: 1h\nreceivers:\n  - name: hook\n    webhook_configs:\n      - url: '{webhook}'\n"
        );
        let config = folder.path().join("alertmanager.yml");
        fs::write(&config, yaml).unwrap();
        let port = free_port().unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let server = Self { _child: child, port, folder };
        let ready =
            soon(|| async { server.get("/-/ready").await.is_some_and(|(status, _)| status == 200) }).await;
        assert!(ready, "{}", server.log());
        server
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The alerts that are active, as the API shows them.
    pub async fn active(&self) -> Vec<Value> {
        match self.get("/api/v2/alerts?active=true").await {
            Some((200, body)) => serde_json::from_str(&body).unwrap(),
            other => panic!("{other:?}: {}", self.log()),
        }
    }

    /// Waits until exactly these are active, by host.
    pub async fn until_active(&self, hosts: &[&str]) -> Vec<Value> {
        let there = || async {
            let alerts = self.active().await;
            let mut found: Vec<String> = alerts
                .iter()
                .map(|alert| alert["labels"]["host"].as_str().unwrap_or("").to_owned())
                .collect();
            found.sort();
            found == hosts
        };
        assert!(soon(there).await, "expected {hosts:?}: {:#?}\n{}", self.active().await, self.log());
        self.active().await
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Status and body; `None` while nobody listens. HTTP 1.0, so that the body comes in one piece.
    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let exchange = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            std::io::Result::Ok(answer)
        };
        let answer = tokio::time::timeout(Duration::from_secs(5), exchange).await.ok()?.ok()?;
        let status = answer.split_whitespace().nth(1)?.parse().ok()?;
        Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }
}
