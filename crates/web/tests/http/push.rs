//! Sending observations, over real sockets: who is let in, how much is read, and that everything is accounted for.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use evenkeel_core::{HostName, Secret, SourceId, SourceKind};
use evenkeel_store::SqliteStore;
use evenkeel_store::sqlite::Options;
use evenkeel_web::{
    Access, AppState, HostPolicy, HostStatus, Intake, LARGEST_BODY, Live, Receipt, Rejection, Remark,
    SourceStatus, router, serve,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SEED: &str = r#"{"hostname":"box2-media","source":"docker","observed_at":"2025-12-22T04:11:00Z","snapshot":{"containers":[]}}"#;

/// An inbox that remembers what came, and answers as the body says.
struct Inbox {
    id: SourceId,
    token: Secret,
    taken: Mutex<Vec<(usize, bool)>>,
}

impl Intake for Inbox {
    fn source(&self) -> &SourceId {
        &self.id
    }

    fn token(&self) -> &Secret {
        &self.token
    }

    fn accept(&self, body: &[u8], lines: bool, _: Timestamp) -> Result<Receipt, Rejection> {
        self.taken.lock().unwrap().push((body.len(), lines));
        let remark = |line: usize| Remark { line, reason: "has no hostname".to_owned() };
        match body {
            b"oops" => Err(Rejection::NotJson("the body is not json: line 1 column 1".to_owned())),
            b"{}" => Err(Rejection::Refused(vec![remark(1)])),
            b"{}\n{}" => Err(Rejection::Refused(vec![remark(1), remark(2)])),
            b"half" => Ok(Receipt { accepted: 1, refused: vec![remark(2)], ..Receipt::default() }),
            _ => Ok(Receipt { accepted: 1, ..Receipt::default() }),
        }
    }
}

struct World(Vec<Arc<Inbox>>);

impl Live for World {
    fn hosts(&self) -> Vec<HostStatus> {
        Vec::new()
    }

    fn host(&self, _: &HostName) -> Option<HostStatus> {
        None
    }

    fn sources(&self) -> Vec<SourceStatus> {
        Vec::new()
    }

    fn metrics(&self) -> String {
        String::new()
    }

    fn intakes(&self) -> Vec<Arc<dyn Intake>> {
        self.0.iter().map(|inbox| Arc::clone(inbox) as Arc<dyn Intake>).collect()
    }
}

/// A server with an inbox for each of these tokens.
struct Server {
    address: SocketAddr,
    inboxes: Vec<Arc<Inbox>>,
}

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Answer {
    fn problem(&self, status: u16, word: &str) -> &str {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(self.head.contains("application/problem+json"));
        assert_eq!(self.body["type"], format!("urn:evenkeel:problem:{word}"));
        self.body["detail"].as_str().unwrap()
    }
}

impl Server {
    async fn start(tokens: &[&str]) -> Self {
        let inbox = |token: &&str| {
            let id = SourceId::new(SourceKind::Push, token);
            Arc::new(Inbox { id, token: Secret::new(*token), taken: Mutex::default() })
        };
        let inboxes: Vec<_> = tokens.iter().map(inbox).collect();
        let state = AppState {
            store: Arc::new(SqliteStore::in_memory(Options::default()).await.unwrap()),
            live: Arc::new(World(inboxes.clone())),
            allowed_hosts: HostPolicy::bound_to([127, 0, 0, 1].into(), std::iter::empty::<&str>()),
            access: Arc::new(Access::local()),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, router(state), std::future::pending()));
        Self { address, inboxes }
    }

    /// Sends a head, with this body behind it, and reads the answer.
    async fn send(&self, head: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!("{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that has seen enough may close first.
        let _ = stream.write_all(body).await;
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text).await;
        let text = String::from_utf8_lossy(&text).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: serde_json::from_str(body).unwrap() }
    }

    async fn post(&self, token: &str, kind: &str, body: &str) -> Answer {
        let head = format!(
            "POST /api/v1/observations HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Type: {kind}\r\nContent-Length: {}",
            body.len()
        );
        self.send(&head, body.as_bytes()).await
    }

    fn taken(&self, inbox: usize) -> Vec<(usize, bool)> {
        self.inboxes[inbox].taken.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn an_observation_goes_to_the_inbox_whose_token_it_shows() {
    let server = Server::start(&["first-token", "second-token"]).await;
    let answer = server.post("second-token", "application/json", SEED).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.body, json!({ "accepted": 1, "duplicates": 0, "partial": [], "refused": [] }));
    assert_eq!((server.taken(0), server.taken(1)), (vec![], vec![(SEED.len(), false)]));
}

#[tokio::test]
async fn lines_are_known_by_their_content_type() {
    let server = Server::start(&["t"]).await;
    for kind in ["application/jsonl", "application/x-ndjson; charset=utf-8", "Application/NDJSON"] {
        assert_eq!(server.post("t", kind, SEED).await.status, 202);
    }
    assert_eq!(server.post("t", "text/plain", SEED).await.status, 202);
    let lines: Vec<bool> = server.taken(0).iter().map(|(_, lines)| *lines).collect();
    assert_eq!(lines, [true, true, true, false]);
}

#[tokio::test]
async fn without_the_right_token_nothing_is_read() {
    let server = Server::start(&["right-token"]).await;
    for header in [
        "X: y",
        "Authorization: Bearer wrong-token",
        "Authorization: Bearer right-toke",
        "Authorization: Bearer right-token-and-more",
        "Authorization: Bearer ",
        "Authorization: Basic right-token",
        "Authorization: right-token",
        "Authorization: Bearer right-token\r\nAuthorization: Bearer right-token",
    ] {
        // The body is announced and never sent: an answer comes all the same.
        let head = format!("POST /api/v1/observations HTTP/1.1\r\n{header}\r\nContent-Length: 1000");
        let answer = server.send(&head, b"").await;
        let detail = answer.problem(401, "unauthorized");
        assert!(!detail.contains("right-token"), "{detail}");
        assert!(answer.head.contains("www-authenticate: bearer"), "{header}");
    }
    assert!(server.taken(0).is_empty());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_announced_or_not() {
    let server = Server::start(&["t"]).await;
    let head = "POST /api/v1/observations HTTP/1.1\r\nAuthorization: bearer t";
    let announced = format!("{head}\r\nContent-Length: {}", LARGEST_BODY + 1);
    server.send(&announced, b"").await.problem(413, "too-large");
    let mut chunks = format!("{:x}\r\n", LARGEST_BODY + 1).into_bytes();
    chunks.resize(chunks.len() + LARGEST_BODY + 1, b' ');
    let answer = server.send(&format!("{head}\r\nTransfer-Encoding: chunked"), &chunks).await;
    answer.problem(413, "too-large");
    assert!(server.taken(0).is_empty());
}

#[tokio::test]
async fn what_is_refused_is_said_line_by_line() {
    let server = Server::start(&["t"]).await;
    let kind = "application/json";
    let half = server.post("t", kind, "half").await;
    assert_eq!((half.status, &half.body["accepted"]), (202, &json!(1)));
    assert_eq!(half.body["refused"], json!([{ "line": 2, "reason": "has no hostname" }]));
    let one = server.post("t", kind, "{}").await;
    assert!(one.problem(422, "refused").contains("has no hostname"));
    let both = server.post("t", kind, "{}\n{}").await;
    assert!(both.problem(422, "refused").contains("none of the 2"));
    assert_eq!(both.body["refused"].as_array().unwrap().len(), 2);
    let broken = server.post("t", kind, "oops").await;
    assert!(broken.problem(400, "not-json").contains("line 1"));
}

#[tokio::test]
async fn nothing_but_sending_is_possible_there() {
    let server = Server::start(&["t"]).await;
    let answer = server.send("GET /api/v1/observations HTTP/1.1", b"").await;
    assert!(answer.problem(405, "only-post").contains("not `GET`"));
    assert!(answer.head.contains("allow: post"));
}

#[tokio::test]
async fn where_no_inbox_is_configured_the_door_says_so() {
    let server = Server::start(&[]).await;
    let answer = server.post("t", "application/json", SEED).await;
    assert!(answer.problem(404, "not-found").contains("[[push]]"));
}
