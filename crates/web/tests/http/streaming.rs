//! Many readers of the stream, and a server that goes, over sockets.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use evenkeel_store::PassCommit;
use evenkeel_store::conformance::sample::{self, at, event, missing};
use evenkeel_web::{Part, serve};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::client::{Client, World};

struct Server {
    client: Client,
    address: std::net::SocketAddr,
    asked: AtomicU8,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

async fn start() -> Server {
    let client = Client::of(World::default()).await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let task = tokio::spawn(serve(listener, client.router.clone(), shutdown));
    Server { client, address, asked: AtomicU8::new(0), stop, task }
}

impl Server {
    async fn ask(&self, path: &str) -> BufReader<TcpStream> {
        // From several addresses: who asks too often from one is refused.
        let nth = self.asked.fetch_add(1, Ordering::Relaxed);
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 1, nth % 100 + 1], 0).into()).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        BufReader::new(stream)
    }

    async fn happens(&self, host: &str, revision: u64, size: usize) {
        let mut event = event(u32::try_from(revision).unwrap(), &missing(host, "freshrss"));
        event.details = "x".repeat(size);
        let pass = PassCommit { events: vec![event], ..PassCommit::new(sample::host(host), revision, at(0)) };
        self.client.commit(pass).await;
        self.client.world.changes.send_modify(|changes| changes.note(Part::Events));
    }
}

/// Reads on until a line with this.
async fn until(reader: &mut BufReader<TcpStream>, wanted: &str) {
    let mut line = String::new();
    while !line.contains(wanted) {
        line.clear();
        assert!(reader.read_line(&mut line).await.unwrap() > 0, "it ended before {wanted:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_read_at_once_and_pages_are_still_served() {
    let server = start().await;
    let mut readers = Vec::new();
    for _ in 0..500 {
        let mut reader = server.ask("/api/v1/stream").await;
        until(&mut reader, "HTTP/1.1 200 OK").await;
        until(&mut reader, "from here").await;
        readers.push(reader);
    }
    let mut page = server.ask("/").await;
    until(&mut page, "HTTP/1.1 200 OK").await;
    server.happens("box2-daily", 0, 10).await;
    for reader in &mut readers {
        until(reader, "event: event").await;
        until(reader, "box2-daily").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_too_many_is_told_so_and_a_place_that_is_left_is_free() {
    let server = start().await;
    let mut readers = Vec::new();
    for _ in 0..640 {
        let mut reader = server.ask("/api/v1/stream").await;
        until(&mut reader, "from here").await;
        readers.push(reader);
    }
    let mut late = server.ask("/api/v1/stream").await;
    until(&mut late, "HTTP/1.1 503").await;
    until(&mut late, "retry-after: 5").await;
    drop(readers.pop());
    loop {
        // The server sees it when it writes.
        let mut again = server.ask("/api/v1/stream").await;
        let mut line = String::new();
        again.read_line(&mut line).await.unwrap();
        if line.starts_with("HTTP/1.1 200") {
            break;
        }
    }
}

#[tokio::test]
async fn a_stop_ends_the_stream_at_once() {
    let server = start().await;
    let mut reader = server.ask("/api/v1/stream").await;
    until(&mut reader, "from here").await;
    server.stop.send(()).unwrap();
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "it ends properly: {:?}", String::from_utf8_lossy(&rest));
    server.task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_is_cut_off() {
    let server = start().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut slow = socket.connect(server.address).await.unwrap();
    slow.write_all(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut first = [0; 15];
    slow.read_exact(&mut first).await.unwrap();
    for n in 0..16 {
        server.happens("box2-daily", n, 1 << 20).await;
    }
    tokio::time::sleep(Duration::from_secs(120)).await;
    let mut taken = Vec::new();
    let end = slow.read_to_end(&mut taken).await;
    assert!(end.is_err() || taken.len() < 16 << 20, "{} bytes were kept for it", taken.len());
    server.stop.send(()).unwrap();
    server.task.await.unwrap().unwrap();
}
