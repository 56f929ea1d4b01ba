//! The connections. What does not live here: which port behaves how.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::Behaviour;

/// Listens on this address. A port that was closed a moment ago may need one to be free again.
pub(super) async fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    let mut tries = 0;
    loop {
        match TcpListener::bind(at).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < 50 => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            bound => return bound,
        }
    }
}

pub(super) fn spawn(
    listener: TcpListener,
    behaviour: Behaviour,
    connections: Arc<AtomicUsize>,
) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        // Owned by this task, so that all connections end with it.
        let mut open = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            while open.try_join_next().is_some() {}
            connections.fetch_add(1, Ordering::Relaxed);
            let behaviour = behaviour.clone();
            open.spawn(async move {
                // The peer going away is no event here.
                let _ = behave(stream, behaviour).await;
            });
        }
    }))
}

async fn behave(mut stream: TcpStream, behaviour: Behaviour) -> io::Result<()> {
    match behaviour {
        Behaviour::Open => drain(&mut stream).await,
        Behaviour::Http(status) => answer(&mut stream, status).await,
        Behaviour::SlowHttp(status, delay) => {
            head(&mut stream).await?;
            tokio::time::sleep(delay).await;
            reply(&mut stream, status).await
        }
        Behaviour::Reset => stream.set_zero_linger(),
        Behaviour::Garbage => {
            stream.write_all(b"SSH-2.0-lab\r\n").await?;
            drain(&mut stream).await
        }
        // There is no connection that could behave.
        Behaviour::Closed | Behaviour::Filtered => Ok(()),
    }
}

async fn answer(stream: &mut TcpStream, status: u16) -> io::Result<()> {
    head(stream).await?;
    reply(stream, status).await
}

/// Reads until the empty line that ends a request.
async fn head(stream: &mut TcpStream) -> io::Result<()> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        read.push(stream.read_u8().await?);
    }
    Ok(())
}

async fn reply(stream: &mut TcpStream, status: u16) -> io::Result<()> {
    let text = format!(
        "HTTP/1.1 {status} as told\r\ncontent-length: 2\r\nlocation: /elsewhere\r\nconnection: close\r\n\r\nok"
    );
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

/// Reads until the peer has enough.
async fn drain(stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}
