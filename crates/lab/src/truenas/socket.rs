//! JSON-RPC 2.0 over a websocket, as middleware speaks it: login per socket, limits, pushes. What does not live here: what
//! answers say (`desk`, `render`).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, frame::coding::CloseCode};

use super::desk::{Desk, Failure, Outcome};
use super::serve::{Peer, double};
use crate::fault::Fault;

/// A longer message of a stranger ends the socket.
const LONGEST_STRANGER: usize = 8 * 1024;
/// A longer message of anybody ends the socket.
const LONGEST: usize = 64 * 1024;
/// More calls at a time are refused.
const MOST_CALLS: usize = 20;

/// What a call does to the socket.
enum Do {
    Say(String),
    Drop,
}

/// Serves one socket to its end.
pub(super) async fn serve(peer: impl Peer, encrypted: bool, desk: Arc<Desk>) {
    let mut stream = WebSocketStream::from_raw_socket(peer, Role::Server, None).await;
    let (said, mut to_say) = mpsc::unbounded_channel();
    let mut updates = desk.updates.subscribe();
    let mut subscribed = BTreeSet::new();
    let mut logged_in = false;
    let running = Arc::new(AtomicUsize::new(0));
    loop {
        tokio::select! {
            message = stream.next() => {
                let Some(Ok(message)) = message else { return };
                let Message::Text(text) = message else { continue };
                if text.len() > if logged_in { LONGEST } else { LONGEST_STRANGER } {
                    let why = CloseFrame { code: CloseCode::Size, reason: "Max message length exceeded".into() };
                    let _ = stream.close(Some(why)).await;
                    return;
                }
                let Ok(call) = serde_json::from_str::<Value>(&text) else {
                    let _ = stream.close(None).await;
                    return;
                };
                let method = call.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
                desk.count(&method);
                let outcome = session(&desk, &call, &method, encrypted, &mut logged_in, &mut subscribed);
                reply(&desk, &method, call.get("id").cloned(), outcome, &running, &said);
            }
            order = to_say.recv() => match order {
                Some(Do::Say(text)) => {
                    if stream.send(Message::text(text)).await.is_err() {
                        return;
                    }
                }
                Some(Do::Drop) | None => return,
            },
            update = updates.recv() => {
                if let Ok(update) = update && subscribed.contains(update.collection) {
                    let push = json!({"jsonrpc": "2.0", "method": "collection_update", "params": update.message});
                    if stream.send(Message::text(push.to_string())).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

fn session(
    desk: &Desk,
    call: &Value,
    method: &str,
    encrypted: bool,
    logged_in: &mut bool,
    subscribed: &mut BTreeSet<String>,
) -> Outcome {
    let Some(params) = call.get("params").and_then(Value::as_array) else {
        return Outcome::Error(Failure { code: -32602, ..Failure::of_status(500) });
    };
    if method == "auth.login_ex" {
        if let Some(failure) = desk.is_too_many(method) {
            return Outcome::Error(failure);
        }
        let said = |key: &str| params.first().and_then(|ticket| ticket.get(key)?.as_str());
        let word =
            desk.log_in(Some(said("username").unwrap_or("")), said("api_key").unwrap_or(""), encrypted);
        *logged_in = word == "SUCCESS";
        return Outcome::Result(match word {
            "SUCCESS" => json!({"response_type": word, "user_info": null, "authenticator": "LEVEL_1"}),
            "REDIRECT" => json!({"response_type": word, "urls": ["https://nas-a.lan"]}),
            "OTP_REQUIRED" => json!({"response_type": word, "username": said("username")}),
            word => json!({"response_type": word}),
        });
    }
    if !*logged_in {
        return Outcome::Error(Failure::logged_out());
    }
    if method == "core.subscribe" {
        let name = params.first().and_then(Value::as_str).unwrap_or_default();
        subscribed.insert(name.to_owned());
        return Outcome::Result(json!(format!("00000000-0000-4000-a000-{:012}", subscribed.len())));
    }
    desk.call(method, params)
}

/// Says the outcome, with the fault that was asked for.
fn reply(
    desk: &Arc<Desk>,
    method: &str,
    id: Option<Value>,
    outcome: Outcome,
    running: &Arc<AtomicUsize>,
    said: &mpsc::UnboundedSender<Do>,
) {
    let fault = desk.faults.of(method);
    if running.fetch_add(1, Ordering::Relaxed) >= MOST_CALLS {
        let error = json!({"code": -32000, "message": "Too many concurrent calls", "data": null});
        running.fetch_sub(1, Ordering::Relaxed);
        let _ = said.send(Do::Say(json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string()));
        return;
    }
    let (said, running) = (said.clone(), Arc::clone(running));
    tokio::spawn(async move {
        if let Some(order) = faulty(fault, id, outcome).await {
            running.fetch_sub(1, Ordering::Relaxed);
            // The socket may be gone.
            let _ = said.send(order);
        }
    });
}

async fn faulty(fault: Option<Fault>, id: Option<Value>, outcome: Outcome) -> Option<Do> {
    let text = |outcome: Outcome| {
        let message = match outcome {
            Outcome::Result(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Outcome::Error(failure) => json!({"jsonrpc": "2.0", "id": id, "error": failure.rpc()}),
        };
        message.to_string()
    };
    Some(match fault {
        None => Do::Say(text(outcome)),
        Some(Fault::Reset | Fault::ResetMidStream) => Do::Drop,
        Some(Fault::Slow(pause)) => {
            tokio::time::sleep(pause).await;
            Do::Say(text(outcome))
        }
        Some(Fault::Hang) => return None,
        Some(Fault::Status(status)) => Do::Say(text(Outcome::Error(Failure::of_status(status)))),
        Some(Fault::EmptyList) => Do::Say(text(Outcome::Result(json!([])))),
        Some(Fault::Malformed) => Do::Say("<html>Sign in</html>".to_owned()),
        Some(Fault::Truncated) => {
            let whole = text(outcome);
            Do::Say(whole.chars().take(whole.chars().count() / 2).collect())
        }
        Some(Fault::DuplicateRow) => match outcome {
            Outcome::Result(mut value) => {
                double(&mut value);
                Do::Say(text(Outcome::Result(value)))
            }
            Outcome::Error(failure) => Do::Say(text(Outcome::Error(failure))),
        },
    })
}
