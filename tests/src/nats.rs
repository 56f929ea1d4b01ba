//! A real NATS server with JetStream. What does not live here: installing it (`EVENKEEL_TEST_NATS` holds the program's
//! path), and asking it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use xtask::real::free_port;

use crate::stage::soon;

/// The program's path, or `None` once the test has been skipped in words.
pub fn program() -> Option<PathBuf> {
    crate::tool("EVENKEEL_TEST_NATS", "nats-server")
}

/// A server; dropping it ends it, its streams stay until its folder goes with it.
#[derive(Debug)]
pub struct Nats {
    program: PathBuf,
    port: u16,
    child: Option<Child>,
    folder: TempDir,
}

impl Nats {
    /// Starts one with these lines of configuration beside the usual ones, and waits until it takes connections.
    pub async fn start(program: &Path, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port().unwrap();
        let store = folder.path().join("streams");
        let config = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{}\" }}\n{more}\n",
            store.display()
        );
        fs::write(folder.path().join("nats.conf"), config).unwrap();
        let mut server = Self { program: program.to_owned(), port, child: None, folder };
        server.resume().await;
        server
    }

    /// Starts it again on the same port and streams.
    pub async fn resume(&mut self) {
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        let child = Command::new(&self.program)
            .arg("-c")
            .arg(self.folder.path().join("nats.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let listens = || async { TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() };
        assert!(
            soon(listens).await,
            "{}",
            fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
        );
    }

    /// Kills it.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.unwrap();
        }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// A folder for files of the test; it goes with the server.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
