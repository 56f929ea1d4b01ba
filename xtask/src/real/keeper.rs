//! A script that holds a system: orders go to it a word a line, each is answered with a line, and the end of our pipe is
//! the end of the system, so that nothing outlives whoever started it, however that ended.
//!
//! What the orders do is in the scripts, beside the systems that they hold.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// How long a system may take to end in good order.
const FAREWELL: Duration = Duration::from_secs(30);

/// A running script. Dropping it ends it, and waits until it has.
#[derive(Debug)]
pub(super) struct Keeper {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    /// Starts the command with its streams in our hands.
    pub(super) fn hold(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C ends us, and the end of our pipe ends the keeper, in good order.
            .process_group(0)
            .spawn()
            .context("start the keeper")?;
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().context("the keeper has no output")?);
        Ok(Self { child, orders, answers })
    }

    /// Gives an order and waits for the answer; an empty one says that the script has ended.
    pub(super) fn order(&mut self, word: &str) -> anyhow::Result<String> {
        let orders = self.orders.as_mut().context("the keeper takes no more orders")?;
        writeln!(orders, "{word}").context("the keeper is gone")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).context("the keeper does not answer")?;
        Ok(answer.trim().to_owned())
    }

    /// The process of the script.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, and waits until it has.
    pub(super) fn end(&mut self) {
        drop(self.orders.take());
        let deadline = Instant::now() + FAREWELL;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            pause(Duration::from_millis(20));
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
    }
}

#[allow(clippy::disallowed_methods, reason = "there is no runtime here whose worker it could block")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The end of a log, for the message that says why there is no system.
pub(super) fn last_words(log: &std::path::Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(4).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}
