//! An ntfy server on loopback that keeps what it is sent: publishing as JSON, polling a topic, and the answers of the
//! real one (its documented error codes) to a wrong login, a bad topic, and too many messages.
//!
//! What does not live here: subscriptions that stay open, attachments, and users.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

/// Above this a message becomes an attachment, which this server has not.
const LONGEST: usize = 4096;

/// How the server behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It takes messages.
    #[default]
    Takes,
    /// Too many messages: 429.
    Busy,
    /// 503, as a proxy says while the server restarts.
    Away,
    /// A login page answers in its place: 200, and HTML.
    Portal,
    /// Whoever publishes may no longer: 403.
    Forbids,
}

/// The server; it ends when dropped.
#[derive(Debug)]
pub struct Ntfy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// What `Authorization` must be; `None`: everybody may publish.
    authorization: Option<String>,
    state: Mutex<Kept>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    mode: Mode,
    topics: BTreeMap<String, Vec<Value>>,
    count: u64,
}

impl Ntfy {
    /// Starts on a free port of loopback; everybody may publish.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(None).await
    }

    /// Starts; who publishes must show this `Authorization`.
    pub async fn start_closed(authorization: &str) -> io::Result<Self> {
        Self::start_with(Some(authorization.to_owned())).await
    }

    async fn start_with(authorization: Option<String>) -> io::Result<Self> {
        let shared = Arc::new(Shared { authorization, state: Mutex::default(), arrived: Notify::new() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/", post(publish))
            .route("/{topic}/json", get(poll))
            .with_state(shared.clone());
        let server = AbortOnDropHandle::new(tokio::spawn(async move {
            // Ends with the handle.
            let _ = axum::serve(listener, router).await;
        }));
        Ok(Self { address, shared, _server: server })
    }

    /// Its address, without a topic.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it behaves like this.
    pub fn set_mode(&self, mode: Mode) {
        self.shared.kept().mode = mode;
    }

    /// What a topic holds, oldest first.
    pub fn messages(&self, topic: &str) -> Vec<Value> {
        self.shared.kept().topics.get(topic).cloned().unwrap_or_default()
    }

    /// Waits until a topic holds at least so many messages.
    pub async fn until(&self, topic: &str, count: usize) -> Vec<Value> {
        loop {
            let arrived = self.shared.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            let messages = self.messages(topic);
            if messages.len() >= count {
                return messages;
            }
            arrived.await;
        }
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn publish(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let mode = shared.kept().mode;
    match mode {
        Mode::Takes => {}
        Mode::Busy => {
            let answer = refusal(StatusCode::TOO_MANY_REQUESTS, 42901, "limit reached: too many requests");
            return ([(RETRY_AFTER, "7")], answer).into_response();
        }
        Mode::Away => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mode::Portal => return ([(CONTENT_TYPE, "text/html")], "<html>log in</html>").into_response(),
        Mode::Forbids => return refusal(StatusCode::FORBIDDEN, 40301, "forbidden"),
    }
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(wanted) = &shared.authorization
        && shown != Some(wanted)
    {
        return match shown {
            Some(_) => refusal(StatusCode::UNAUTHORIZED, 40101, "unauthorized"),
            None => refusal(StatusCode::FORBIDDEN, 40301, "forbidden"),
        };
    }
    let Ok(Value::Object(sent)) = serde_json::from_slice(&body) else {
        return refusal(StatusCode::BAD_REQUEST, 40024, "invalid request: request body must be valid JSON");
    };
    let Some(topic) = sent.get("topic").and_then(Value::as_str).filter(|topic| fits(topic)) else {
        return refusal(StatusCode::BAD_REQUEST, 40009, "invalid request: topic invalid");
    };
    let priority = sent.get("priority").map_or(Some(3), Value::as_u64);
    if !priority.is_some_and(|priority| (1..=5).contains(&priority)) {
        return refusal(StatusCode::BAD_REQUEST, 40007, "invalid priority parameter");
    }
    if sent.get("message").and_then(Value::as_str).is_some_and(|text| text.len() > LONGEST) {
        return refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            41301,
            "attachment too large, or bandwidth limit reached",
        );
    }
    let mut kept = shared.kept();
    kept.count += 1;
    let mut message = sent.clone();
    message.insert("id".to_owned(), json!(format!("lab{:09}", kept.count)));
    message.insert("event".to_owned(), json!("message"));
    message.insert("time".to_owned(), json!(evenkeel_ambient::elsewhere().as_second()));
    let message = Value::Object(message);
    kept.topics.entry(topic.to_owned()).or_default().push(message.clone());
    drop(kept);
    shared.arrived.notify_waiters();
    Json(message).into_response()
}

/// One message per line, as with `?poll=1`.
async fn poll(State(shared): State<Arc<Shared>>, Path(topic): Path<String>) -> Response {
    let kept = shared.kept();
    let lines = kept.topics.get(&topic).into_iter().flatten().map(|message| format!("{message}\n"));
    ([(CONTENT_TYPE, "application/x-ndjson")], lines.collect::<String>()).into_response()
}

fn fits(topic: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=64).contains(&topic.len()) && topic.chars().all(letter)
}

fn refusal(status: StatusCode, code: u32, error: &str) -> Response {
    (status, Json(json!({ "code": code, "http": status.as_u16(), "error": error }))).into_response()
}
