//! `midclt` through the system's `ssh`: the way of operators who give out no key. What does not live here: keys and hosts
//! of ssh, which it answers from its own configuration.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use evenkeel_core::{Gap, GapKind};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::Config;
use super::question::Question;
use super::refusal::Refused;
use super::wire::clipped;
use crate::docker::SshTarget;
use crate::http::MAX_BODY;

/// So much of what it complains about is read.
const MOST_WORDS: u64 = 64 * 1024;

/// Whom to call, and how.
#[derive(Debug)]
pub(super) struct Shell {
    program: PathBuf,
    arguments: Vec<String>,
    place: String,
    timeout: Duration,
}

struct Said {
    succeeded: bool,
    output: Vec<u8>,
    complaint: String,
}

impl Shell {
    pub(super) fn new(config: &Config, target: &SshTarget) -> Self {
        Self {
            program: config.ssh_command.clone(),
            arguments: arguments(target, config.timeout),
            place: config.address.to_string(),
            timeout: config.timeout,
        }
    }

    pub(super) async fn ask(&self, question: Question) -> Result<Value, Refused> {
        let what = format!("{}: midclt call {}", self.place, question.method());
        let failed = |kind, why: String| Refused::Failed(Gap::new(kind, format!("{what}: {why}")));
        let said = match timeout(self.timeout, self.run(&command(question))).await {
            Ok(Ok(said)) => said,
            Ok(Err(error)) => {
                let why = format!("cannot run {}: {}", self.program.display(), clipped(&error.to_string()));
                return Err(failed(GapKind::Unreachable, why));
            }
            Err(_) => return Err(failed(GapKind::TimedOut, "no answer within the time allowed".to_owned())),
        };
        if !said.succeeded {
            return Err(self.refused(question, &said.complaint, &failed));
        }
        let limit = u64::try_from(MAX_BODY).unwrap_or(u64::MAX);
        if u64::try_from(said.output.len()).unwrap_or(u64::MAX) > limit {
            return Err(failed(GapKind::Malformed, "the answer is too large".to_owned()));
        }
        serde_json::from_slice(&said.output).map_err(|error| {
            if error.is_eof() {
                failed(GapKind::Truncated, "the answer ends early".to_owned())
            } else {
                failed(GapKind::Malformed, "the answer is not json".to_owned())
            }
        })
    }

    fn refused(
        &self,
        question: Question,
        complaint: &str,
        failed: &impl Fn(GapKind, String) -> Refused,
    ) -> Refused {
        let has = |words: &[&str]| words.iter().any(|word| complaint.contains(word));
        if has(&["[ENOMETHOD]", "does not exist", "Method not found", "not found in"]) {
            return Refused::no_such_method(&self.place, question);
        }
        if has(&["[EACCES]", "[EPERM]", "Not authorized"]) {
            return Refused::denied(&self.place, question);
        }
        let denied =
            has(&["Permission denied", "Host key verification failed", "Too many authentication failures"]);
        let kind = if denied { GapKind::Unauthorized } else { GapKind::Unreachable };
        // A traceback ends with what went wrong.
        let last = complaint.lines().map(str::trim).rfind(|line| !line.is_empty());
        failed(kind, last.map_or_else(|| "it ended without a word".to_owned(), clipped))
    }

    async fn run(&self, command: &str) -> std::io::Result<Said> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let limit = u64::try_from(MAX_BODY).unwrap_or(u64::MAX).saturating_add(1);
        let (mut output, mut complaint) = (Vec::new(), Vec::new());
        let hear = async {
            if let Some(stdout) = stdout {
                stdout.take(limit).read_to_end(&mut output).await?;
            }
            std::io::Result::Ok(())
        };
        let listen = async {
            if let Some(stderr) = stderr {
                stderr.take(MOST_WORDS).read_to_end(&mut complaint).await?;
            }
            std::io::Result::Ok(())
        };
        tokio::try_join!(hear, listen)?;
        let succeeded = child.wait().await?.success();
        Ok(Said { succeeded, output, complaint: String::from_utf8_lossy(&complaint).into_owned() })
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
    arguments.extend(["--".to_owned(), destination]);
    arguments
}

/// One word for ssh, which a shell over there takes apart. Always the same text for a question, so that a forced command
/// in `authorized_keys` can list the few that are allowed.
fn command(question: Question) -> String {
    let words: Vec<String> = question.params().iter().map(|param| format!(" '{param}'")).collect();
    format!("midclt call {}{}", question.method(), words.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_one_word_and_the_host_cannot_be_an_option() {
        let target =
            SshTarget { user: Some("root".into()), host: "nas".into(), port: Some(2222), socket: None };
        assert_eq!(
            arguments(&target, Duration::from_secs(7)).join(" "),
            "-o BatchMode=yes -o ConnectTimeout=7 -p 2222 -- root@nas"
        );
        assert_eq!(command(Question::Info), "midclt call system.info");
        assert_eq!(
            command(Question::Pools),
            r#"midclt call pool.query '[]' '{"limit":0,"select":["name","status","healthy","size","allocated"]}'"#
        );
    }
}
