//! The event stream of an engine in the clear, over a bare connection. There may be ten thousand of them, each silent most
//! of the time, and an HTTP client holds 26 kB for each (a channel for requests, a task, a buffer); this holds a socket.
//!
//! What lives here: asking once, and taking chunks apart. What does not: anything that is not a plain 200: whoever asked
//! then asks again with the client, which understands every answer.

use std::io;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use url::Url;

/// The longest head of an answer, and the longest line between chunks.
const LONGEST_HEAD: usize = 16 * 1024;
/// How much is taken from the socket at once. It lies on the stack while it is taken, and in no task that waits.
const PIECE: usize = 4096;

/// An open stream.
#[derive(Debug)]
pub(super) struct Bare {
    socket: TcpStream,
    chunks: Chunks,
    /// What came and was not looked at yet.
    came: Vec<u8>,
}

impl Bare {
    /// Asks for this address. `None`: the answer is none that is understood here.
    pub(super) async fn open(url: &Url) -> io::Result<Option<Self>> {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Ok(None);
        };
        let mut socket = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        let (path, query) = (url.path(), url.query().unwrap_or_default());
        let agent = concat!("evenkeel/", env!("CARGO_PKG_VERSION"));
        let request = format!(
            "GET {path}?{query} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {agent}\r\nAccept: */*\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await?;
        let mut read = Vec::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if read.len() > LONGEST_HEAD {
                return Ok(None);
            }
            match take(&socket, &mut read)? {
                Some(0) => return Ok(None),
                Some(_) => {}
                None => socket.readable().await?,
            }
        };
        if !is_chunked(&read[..end]) {
            return Ok(None);
        }
        let came = read.split_off(end);
        Ok(Some(Self { socket, chunks: Chunks::default(), came }))
    }

    /// The next bytes of the stream; `None` at its end. Nothing is lost where it is not awaited to its end: whatever is
    /// taken from the socket is handed out or kept without waiting in between.
    pub(super) async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let taken = take(&self.socket, &mut self.came)?;
            let mut out = Vec::new();
            let over = self.chunks.feed(&std::mem::take(&mut self.came), &mut out)?;
            if !out.is_empty() {
                return Ok(Some(out));
            }
            match (over, taken) {
                (true, _) => return Ok(None),
                (false, Some(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                (false, Some(_)) => {}
                (false, None) => self.socket.readable().await?,
            }
        }
    }
}

/// Takes what is there at this moment: `None` for nothing yet, 0 at the end.
fn take(socket: &TcpStream, into: &mut Vec<u8>) -> io::Result<Option<usize>> {
    let mut piece = [0; PIECE];
    match socket.try_read(&mut piece) {
        Ok(size) => {
            into.extend_from_slice(&piece[..size]);
            Ok(Some(size))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a head says that all is well and the answer comes in chunks.
fn is_chunked(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut lines = head.split("\r\n");
    let is_well = lines.next().is_some_and(|line| line.starts_with("http/1.1 200"));
    let mut codings =
        lines.filter_map(|line| line.split_once(':')).filter(|(name, _)| *name == "transfer-encoding");
    is_well && codings.next().is_some_and(|(_, value)| value.trim() == "chunked") && codings.next().is_none()
}

/// How far a chunked body is.
#[derive(Debug, Default)]
enum At {
    /// In the line that says how long the next chunk is.
    #[default]
    Size,
    /// In a chunk of which so much is to come.
    Chunk(usize),
    /// Behind a chunk.
    End,
    /// Behind the last one.
    Over,
}

/// Takes a chunked body apart.
#[derive(Debug, Default)]
struct Chunks {
    at: At,
    line: Vec<u8>,
}

impl Chunks {
    /// Takes bytes in; whether that was the end.
    fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> io::Result<bool> {
        let broken = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
        loop {
            match self.at {
                At::Over => return Ok(true),
                _ if bytes.is_empty() => return Ok(false),
                At::Chunk(left) => {
                    let (now, rest) = bytes.split_at(left.min(bytes.len()));
                    out.extend_from_slice(now);
                    bytes = rest;
                    self.at = if now.len() == left { At::End } else { At::Chunk(left - now.len()) };
                }
                At::Size | At::End => {
                    let end = bytes.iter().position(|byte| *byte == b'\n');
                    let (now, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
                    self.line.extend_from_slice(now);
                    bytes = rest;
                    if self.line.len() > LONGEST_HEAD {
                        return Err(broken("a chunk whose length does not end"));
                    }
                    if end.is_some() {
                        self.at = self.next().ok_or_else(|| broken("a chunk without a length"))?;
                        self.line = Vec::new();
                    }
                }
            }
        }
    }

    /// What a whole line leads to.
    fn next(&self) -> Option<At> {
        let line = std::str::from_utf8(&self.line).ok()?.trim();
        match self.at {
            At::End => line.is_empty().then_some(At::Size),
            At::Size | At::Chunk(_) | At::Over => {
                // What may follow the length concerns nobody.
                let digits = line.split(';').next()?.trim();
                let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                match usize::from_str_radix(digits, 16).ok().filter(|_| is_hex)? {
                    0 => Some(At::Over),
                    size => Some(At::Chunk(size)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_cut_anywhere_is_the_same_body() {
        let body = b"4\r\nwiki\r\n6;why=not\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\n\r\n";
        for size in 1..=body.len() {
            let (mut chunks, mut out, mut over) = (Chunks::default(), Vec::new(), false);
            for piece in body.chunks(size) {
                over = chunks.feed(piece, &mut out).unwrap();
            }
            assert_eq!(
                (String::from_utf8_lossy(&out).as_ref(), over),
                ("wikipedia in \r\n\r\nchunks.", true)
            );
        }
    }

    #[test]
    fn what_is_no_chunk_is_an_error_and_not_a_guess() {
        for body in ["\r\n", "zz\r\n", "+4\r\nwiki", "4\r\nwikipedia\r\n", "fffffffffffffffff\r\n"] {
            let fed = Chunks::default().feed(body.as_bytes(), &mut Vec::new());
            assert_eq!(fed.unwrap_err().kind(), io::ErrorKind::InvalidData, "{body:?}");
        }
        let endless = vec![b'1'; LONGEST_HEAD + 1];
        assert!(Chunks::default().feed(&endless, &mut Vec::new()).is_err());
    }

    #[test]
    fn only_a_plain_and_chunked_success_is_taken() {
        let head = |text: &str| is_chunked(text.as_bytes());
        assert!(head("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nTransfer-Encoding: chunked\r\n\r\n"));
        assert!(!head("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
        assert!(!head("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n"));
        assert!(!head("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"));
        assert!(!head("HTTP/1.0 200 OK\r\n\r\n"));
    }
}
