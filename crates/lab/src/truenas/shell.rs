//! The other side of `ssh … midclt call …`: a port of loopback to which a stand-in for `ssh` sends the command's line. It
//! answers with a line that holds the exit code, then with what `midclt` would print: the result, or its complaint.

use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::desk::{Desk, Outcome};
use super::serve::double;
use crate::fault::Fault;

/// Answers one command.
pub(super) async fn connection(mut stream: TcpStream, desk: Arc<Desk>) {
    let mut line = String::new();
    let (reader, _) = stream.split();
    if BufReader::new(reader).read_line(&mut line).await.is_err() {
        return;
    }
    let words = words(line.trim());
    let [program, verb, method, params @ ..] = words.as_slice() else { return };
    let params: Vec<Value> = params.iter().filter_map(|param| serde_json::from_str(param).ok()).collect();
    let method = if program == "midclt" && verb == "call" { method.as_str() } else { "unknown.method" };
    desk.count(method);
    let (code, text) = match desk.faults.of(method) {
        Some(Fault::Reset | Fault::ResetMidStream) => return,
        Some(Fault::Hang) => return std::future::pending().await,
        Some(Fault::Malformed) => (0, "Last login: today".to_owned()),
        Some(Fault::EmptyList) => (0, "[]".to_owned()),
        Some(Fault::Status(status)) => printed(Outcome::Error(super::desk::Failure::of_status(status))),
        Some(Fault::Truncated) => {
            let (code, text) = printed(desk.call(method, &params));
            (code, text.chars().take(text.chars().count() / 2).collect())
        }
        Some(Fault::DuplicateRow) => match desk.call(method, &params) {
            Outcome::Result(mut value) => {
                double(&mut value);
                (0, value.to_string())
            }
            error @ Outcome::Error(_) => printed(error),
        },
        Some(Fault::Slow(pause)) => {
            tokio::time::sleep(pause).await;
            printed(desk.call(method, &params))
        }
        None => printed(desk.call(method, &params)),
    };
    // The stand-in may have been ended.
    let _ = stream.write_all(format!("{code}\n{text}").as_bytes()).await;
}

fn printed(outcome: Outcome) -> (u8, String) {
    match outcome {
        Outcome::Result(value) => (0, value.to_string()),
        Outcome::Error(failure) => {
            (1, format!("Traceback (most recent call last):\n  File \"midclt\"\n{}", failure.reason))
        }
    }
}

/// As a shell takes a line apart, as far as single quotes go.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => {
                if let Some(word) = words.last_mut() {
                    word.push(c);
                }
            }
        }
    }
    words
}
