//! `evenkeel demo` as a child process that plays its incidents: where it answers, and its end.

use std::net::SocketAddr;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{program, stage};

/// A running demo; dropping it ends it.
#[derive(Debug)]
pub struct Demo {
    _child: Child,
    _folder: TempDir,
    address: SocketAddr,
}

impl Demo {
    /// Starts one that has a database of its own, and waits until it says where its page is.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let said = folder.path().join("said");
        let out = std::fs::File::create(&said).unwrap();
        let child = Command::new(program::path())
            .args(["demo", "--stay", "--listen", "127.0.0.1:0", "--store"])
            .arg(folder.path().join("lab.db"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let page = || {
            let text = std::fs::read_to_string(&said).unwrap_or_default();
            let line = text.lines().find(|line| line.trim_start().starts_with("Page "))?;
            // The line may be half written as yet: the slash comes after the port.
            line.split_once("http://")?.1.split_once('/')?.0.parse::<SocketAddr>().ok()
        };
        assert!(stage::soon(|| async { page().is_some() }).await, "the demo says where its page is");
        Self { _child: child, _folder: folder, address: page().unwrap() }
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What Prometheus would read now; nothing before it answers.
    pub async fn exposition(&self) -> String {
        match program::get(&self.address.to_string(), "/metrics").await {
            (200, text) => text,
            (_, _) => String::new(),
        }
    }
}
