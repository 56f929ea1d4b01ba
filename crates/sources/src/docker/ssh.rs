//! A private socket file whose every connection is carried to a remote engine by the local `ssh`. What does not live
//! here: HTTP, and every question of keys and hosts, which `ssh` answers from its own configuration.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader, copy};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::endpoint::SshTarget;

/// How long a finished `ssh` may take to say why.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How much of what it says is read.
const MOST_WORDS: u64 = 64 * 1024;

/// The open bridge. Dropping it closes the socket and ends every `ssh`.
#[derive(Debug)]
pub(super) struct Bridge {
    socket: PathBuf,
    complaint: Arc<Mutex<Option<String>>>,
    /// Only its owner may enter the directory, so nobody else on this machine can use the way to the engine.
    _dir: TempDir,
    _closed_on_drop: DropGuard,
}

impl Bridge {
    /// Opens the socket; `ssh` starts with the first connection. Within a tokio runtime.
    pub(super) fn open(target: &SshTarget, program: &Path, connect: Duration) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("evenkeel-ssh-").tempdir()?;
        let socket = dir.path().join("engine.sock");
        let listener = UnixListener::bind(&socket)?;
        let complaint = Arc::new(Mutex::new(None));
        let cancel = CancellationToken::new();
        let carrier = Carrier {
            program: program.to_owned(),
            arguments: arguments(target, connect),
            complaint: Arc::clone(&complaint),
        };
        tokio::spawn(accept(listener, carrier, cancel.clone()));
        Ok(Self { socket, complaint, _dir: dir, _closed_on_drop: cancel.drop_guard() })
    }

    /// The socket file to speak HTTP through.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Why the last `ssh` failed, if it did.
    pub(super) fn complaint(&self) -> Option<String> {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn arguments(target: &SshTarget, connect: Duration) -> Vec<String> {
    let mut arguments = vec!["-o".to_owned(), "BatchMode=yes".to_owned()];
    arguments.extend(["-o".to_owned(), format!("ConnectTimeout={}", connect.as_secs().max(1))]);
    if let Some(port) = target.port {
        arguments.extend(["-p".to_owned(), port.to_string()]);
    }
    let destination = match &target.user {
        Some(user) => format!("{user}@{}", target.host),
        None => target.host.clone(),
    };
    arguments.extend(["--".to_owned(), destination, "docker".to_owned()]);
    if let Some(socket) = &target.socket {
        arguments.extend(["--host".to_owned(), format!("unix://{socket}")]);
    }
    arguments.extend(["system".to_owned(), "dial-stdio".to_owned()]);
    arguments
}

#[derive(Clone, Debug)]
struct Carrier {
    program: PathBuf,
    arguments: Vec<String>,
    complaint: Arc<Mutex<Option<String>>>,
}

async fn accept(listener: UnixListener, carrier: Carrier, cancel: CancellationToken) {
    loop {
        let stream = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "the ssh bridge cannot accept");
                    // Out of file descriptors: try again when some connection has ended.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (carrier, cancel) = (carrier.clone(), cancel.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = carrier.carry(stream) => {}
            }
        });
    }
}

impl Carrier {
    async fn carry(&self, stream: UnixStream) {
        // What the last one said does not explain how this one fares.
        self.complain(None);
        let spawned = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        match spawned {
            Ok(child) => self.copy(stream, child).await,
            Err(error) => self.complain(Some(format!("cannot start {}: {error}", self.program.display()))),
        }
    }

    /// Ends when either side does. The client's side is closed last, so that whoever sees it closed finds the
    /// complaint already there.
    async fn copy(&self, stream: UnixStream, mut child: Child) {
        let (Some(mut stdin), Some(mut stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return;
        };
        let (mut from_client, mut to_client) = stream.into_split();
        let last_words = tokio::spawn(last_line(stderr));
        let answered = tokio::select! {
            _ = copy(&mut from_client, &mut stdin) => return,
            carried = copy(&mut stdout, &mut to_client) => carried.is_ok_and(|bytes| bytes > 0),
        };
        let status = timeout(LAST_WORDS, child.wait()).await;
        let said = timeout(LAST_WORDS, last_words).await.ok().and_then(Result::ok).flatten();
        let failed = !matches!(status, Ok(Ok(status)) if status.success());
        self.complain(match said {
            Some(said) if failed => Some(said),
            None if failed && !answered => Some("it ended without a word".to_owned()),
            Some(_) | None => None,
        });
    }

    fn complain(&self, words: Option<String>) {
        *self.complaint.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }
}

/// The last line that is not empty, clipped.
async fn last_line(stderr: impl AsyncRead + Unpin) -> Option<String> {
    let mut lines = BufReader::new(stderr.take(MOST_WORDS)).split(b'\n');
    let mut last = None;
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if !line.is_empty() {
            last = Some(line.chars().filter(|c| !c.is_control()).take(300).collect());
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_names_the_port_and_ends_the_options_before_the_host() {
        let target = SshTarget {
            user: Some("ops".to_owned()),
            host: "box2".to_owned(),
            port: Some(2222),
            socket: Some("/run/user/1000/docker.sock".to_owned()),
        };
        assert_eq!(
            arguments(&target, Duration::from_secs(7)).join(" "),
            "-o BatchMode=yes -o ConnectTimeout=7 -p 2222 -- ops@box2 docker --host unix:///run/user/1000/docker.sock \
             system dial-stdio"
        );
    }
}
