//! One logged-in websocket that speaks JSON-RPC 2.0: calls out, answers and pushes in. What does not live here: when to
//! open one, and what to do when it ends (`link`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenkeel_core::{Gap, GapKind};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::question::Question;
use super::refusal::{Refused, RpcError};
use super::wire::clipped;
use crate::http::MAX_BODY;

/// The server closes the socket on a longer message before the login; after it 64 KiB are allowed.
const LONGEST_MESSAGE: usize = 8 * 1024;
/// Messages that may wait to be sent. Fewer calls than that are made at a time.
const QUEUE: usize = 32;

/// What ended the exchange of one question.
pub(super) type Reply = Result<Value, Failure>;

#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The server answered with an error.
    Rpc(RpcError),
    /// No answer came.
    Lost(Gap),
}

/// The socket. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Socket {
    place: String,
    timeout: Duration,
    next_id: AtomicU64,
    outbox: mpsc::Sender<String>,
    waiting: Waiting,
    ended: watch::Receiver<Option<Gap>>,
    end: CancellationToken,
    _end_on_drop: DropGuard,
}

pub(super) type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Reply>>>>;

impl Socket {
    /// Takes a websocket over. `pushed` hears what the server says of its own accord.
    pub(super) fn new<S>(
        stream: WebSocketStream<S>,
        place: String,
        timeout: Duration,
        watchdog: Duration,
        pushed: impl Fn(&Value) + Send + 'static,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (outbox, orders) = mpsc::channel(QUEUE);
        let (over, ended) = watch::channel(None);
        let end = CancellationToken::new();
        let waiting = Waiting::default();
        let (cancelled, held, shown) = (end.clone(), Arc::clone(&waiting), place.clone());
        tokio::spawn(async move {
            let gap = tokio::select! {
                () = cancelled.cancelled() => Gap::new(GapKind::Unreachable, format!("{shown}: the session was ended")),
                gap = exchange(stream, orders, &held, watchdog, &shown, pushed) => gap,
            };
            // First the cause, so that whoever loses a call finds it.
            over.send_replace(Some(gap));
            lock(&held).clear();
        });
        Self {
            place,
            timeout,
            next_id: AtomicU64::new(1),
            outbox,
            waiting,
            ended,
            _end_on_drop: end.clone().drop_guard(),
            end,
        }
    }

    /// Calls a method.
    pub(super) async fn call(&self, method: &str, params: &[Value]) -> Reply {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let text = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        if text.len() > LONGEST_MESSAGE {
            let why = format!("{}: {method}: the question is too long to be asked", self.place);
            return Err(Failure::Lost(Gap::new(GapKind::Malformed, why)));
        }
        let (answer, answered) = oneshot::channel();
        lock(&self.waiting).insert(id, answer);
        let _forget = Forget { id, waiting: &self.waiting };
        let exchange = async {
            if self.outbox.send(text).await.is_err() {
                return Err(Failure::Lost(self.why_lost(method)));
            }
            match answered.await {
                Ok(reply) => reply,
                Err(_) => Err(Failure::Lost(self.why_lost(method))),
            }
        };
        match timeout(self.timeout, exchange).await {
            Ok(reply) => reply,
            Err(_) => {
                let why = format!("{}: {method}: no answer within the time allowed", self.place);
                Err(Failure::Lost(Gap::new(GapKind::TimedOut, why)))
            }
        }
    }

    /// Asks.
    pub(super) async fn ask(&self, question: Question) -> Result<Value, Refused> {
        match self.call(question.method(), &question.params()).await {
            Ok(value) => Ok(value),
            Err(Failure::Rpc(error)) => {
                // A session ends after 30 days, or when an administrator says so; a new login may help.
                // Calls that never ended hold their places on the server for as long as the session lasts.
                if error.is_logged_out() || error.is_too_many() {
                    self.end.cancel();
                }
                Err(error.refused(&self.place, question))
            }
            Err(Failure::Lost(gap)) => Err(Refused::Failed(gap)),
        }
    }

    /// Why it has ended, if it has.
    pub(super) fn over(&self) -> Option<Gap> {
        self.ended.borrow().clone()
    }

    /// Completes when the socket has ended, with the cause.
    pub(super) async fn ended(&self) -> Gap {
        let mut ended = self.ended.clone();
        let gap = ended.wait_for(Option::is_some).await.ok().and_then(|gap| gap.clone());
        gap.unwrap_or_else(|| {
            Gap::new(GapKind::Unreachable, format!("{}: the socket was closed", self.place))
        })
    }

    fn why_lost(&self, method: &str) -> Gap {
        match &*self.ended.borrow() {
            Some(gap) => gap.clone(),
            None => {
                Gap::new(GapKind::Unreachable, format!("{}: {method}: the socket was closed", self.place))
            }
        }
    }
}

/// A call that nobody waits for any more, for whatever reason, leaves nothing behind.
struct Forget<'a> {
    id: u64,
    waiting: &'a Waiting,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(self.waiting).remove(&self.id);
    }
}

fn lock(waiting: &Waiting) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Reply>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How large a message may be.
pub(super) fn limits() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(MAX_BODY)).max_frame_size(Some(MAX_BODY))
}

/// Carries messages until the socket ends; returns why it did.
async fn exchange<S>(
    mut stream: WebSocketStream<S>,
    mut orders: mpsc::Receiver<String>,
    waiting: &Waiting,
    watchdog: Duration,
    place: &str,
    pushed: impl Fn(&Value),
) -> Gap
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let lost = |kind, why: &str| Gap::new(kind, format!("{place}: {why}"));
    let mut heard = Instant::now();
    let mut asked_for_life = false;
    loop {
        let silence = tokio::time::sleep_until(heard + watchdog);
        let sent = tokio::select! {
            order = orders.recv() => match order {
                Some(text) => stream.send(Message::text(text)).await,
                None => return lost(GapKind::Unreachable, "the session was ended"),
            },
            message = stream.next() => {
                heard = Instant::now();
                asked_for_life = false;
                match message {
                    Some(Ok(Message::Text(text))) => match serde_json::from_str::<Value>(&text) {
                        Ok(message) => dispatch(message, waiting, &pushed),
                        // Which question it answers cannot be known, so all of them are lost.
                        Err(error) if error.is_eof() => return lost(GapKind::Truncated, "a message ends early"),
                        Err(_) => return lost(GapKind::Malformed, "a message is not json; is this TrueNAS?"),
                    },
                    Some(Ok(Message::Close(frame))) => {
                        let why = frame.map(|frame| clipped(&frame.reason)).filter(|why| !why.is_empty());
                        let why = why.map_or_else(String::new, |why| format!(": {why}"));
                        return lost(GapKind::Unreachable, &format!("TrueNAS closed the socket{why}"));
                    }
                    // Pings are answered by the library.
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => {}
                    Some(Err(error)) => return broken(place, &error),
                    None => return lost(GapKind::Unreachable, "TrueNAS closed the socket"),
                }
                Ok(())
            }
            () = silence => {
                if asked_for_life {
                    return lost(GapKind::TimedOut, "the socket is silent");
                }
                asked_for_life = true;
                heard = Instant::now();
                stream.send(Message::Ping(Vec::new().into())).await
            }
        };
        if let Err(error) = sent {
            return broken(place, &error);
        }
    }
}

/// How a broken socket reads.
pub(super) fn broken(place: &str, error: &tokio_tungstenite::tungstenite::Error) -> Gap {
    use tokio_tungstenite::tungstenite::Error;
    let why = if let Error::Io(io) = error {
        if io.kind() == std::io::ErrorKind::ConnectionReset {
            "connection reset".to_owned()
        } else if io.kind() == std::io::ErrorKind::UnexpectedEof {
            "connection closed".to_owned()
        } else {
            clipped(&io.to_string())
        }
    } else {
        clipped(&error.to_string().to_lowercase())
    };
    let kind = if let Error::Capacity(_) = error { GapKind::Malformed } else { GapKind::Unreachable };
    Gap::new(kind, format!("{place}: {why}"))
}

pub(super) fn dispatch(mut message: Value, waiting: &Waiting, pushed: &impl Fn(&Value)) {
    let Some(id) = message.get("id").and_then(Value::as_u64) else {
        pushed(&message);
        return;
    };
    let Some(answer) = lock(waiting).remove(&id) else { return };
    let error = message.get("error").filter(|error| !error.is_null()).map(RpcError::read);
    let reply = match (error, message.get_mut("result")) {
        (Some(error), _) => Err(Failure::Rpc(error)),
        (None, Some(result)) => Ok(result.take()),
        (None, None) => {
            Err(Failure::Lost(Gap::new(GapKind::Malformed, "an answer has neither a result nor an error")))
        }
    };
    // Whoever asked may have given up.
    let _ = answer.send(reply);
}
