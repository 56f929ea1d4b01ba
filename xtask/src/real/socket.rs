//! One HTTP request over a socket file. HTTP/1.0 on purpose: the engine then sends its answer in one piece and closes.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as it came.
    pub body: Vec<u8>,
}

/// Asks once, waiting at most half a minute for each part of the answer.
pub fn request(socket: &Path, method: &str, path: &str, content: (&str, &[u8])) -> anyhow::Result<Answer> {
    let (kind, body) = content;
    let mut stream =
        UnixStream::connect(socket).with_context(|| format!("connect to {}", socket.display()))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    )?;
    stream.write_all(body)?;
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).with_context(|| format!("{method} {path}"))?;
    parse(&raw).with_context(|| format!("{method} {path}"))
}

fn parse(raw: &[u8]) -> anyhow::Result<Answer> {
    let Some(end) = raw.windows(4).position(|window| window == b"\r\n\r\n") else {
        bail!("the answer has no end of its head");
    };
    let head = String::from_utf8_lossy(&raw[..end]);
    let status =
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("the answer has no status")?;
    Ok(Answer { status, body: raw[end + 4..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_status_and_what_follows_the_empty_line() {
        let answer = parse(b"HTTP/1.0 201 Created\r\nA: b\r\n\r\n{\"x\":\r\n\r\n1}").unwrap();
        assert_eq!(answer, Answer { status: 201, body: b"{\"x\":\r\n\r\n1}".to_vec() });
        assert!(parse(b"HTTP/1.0 200").is_err());
    }
}
