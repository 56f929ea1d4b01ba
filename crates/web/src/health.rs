//! `/healthz`, `/readyz` and `/metrics`: for the machines that look after evenkeel. Not here: what is measured.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;

use crate::access::Caller;
use crate::role::{Follows, Role};
use crate::state::{AppState, Readiness};

/// How long the store may take to say that it is there. Probes give up after a second or a few.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// The process lives. Nothing else is asked: a restart mends neither a store nor a source that is away.
pub(crate) async fn alive() -> &'static str {
    "ok"
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    role: &'static str,
    #[serde(flatten)]
    follows: Option<Follows>,
    reasons: Vec<String>,
    store_ok: bool,
    #[serde(flatten)]
    readiness: Readiness,
}

/// What whoever has not said who they are is told.
#[derive(Serialize)]
struct Stranger {
    ready: bool,
    role: &'static str,
}

/// Whether what evenkeel shows can be relied on: the store answers and takes what is written, intent was read, every
/// source was heard of. A follower shows what its leader sees; it is ready if there is one.
pub(crate) async fn ready(State(state): State<AppState>, caller: Option<Extension<Caller>>) -> Response {
    let store = match tokio::time::timeout(STORE_PATIENCE, state.store.health()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("the store did not answer within {} s", STORE_PATIENCE.as_secs())),
    };
    let (role, readiness) = (state.live.role(), state.live.ready());
    let store = store.or_else(|| state.live.paused());
    let store_ok = store.is_none();
    let mut reasons: Vec<String> = store.into_iter().collect();
    match &role {
        Role::Leader => reasons.extend(unheard(&readiness)),
        Role::Follower { .. } => {}
        Role::Waiting { why } if reasons.is_empty() => reasons.push(why.clone()),
        Role::Waiting { .. } => {}
    }
    let ready = reasons.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if caller.is_none() {
        return (status, Json(Stranger { ready, role: role.as_str() })).into_response();
    }
    let follows = role.follows(state.live.now());
    let body = Ready { ready, role: role.as_str(), follows, reasons, store_ok, readiness };
    (status, Json(body)).into_response()
}

fn unheard(readiness: &Readiness) -> Vec<String> {
    let intent = (!readiness.intent_read).then(|| "netbox has not been read completely yet".to_owned());
    let unheard = readiness.unanswered.iter().map(|source| format!("{source} has not been heard of yet"));
    intent.into_iter().chain(unheard).collect()
}

/// The figures, for Prometheus.
pub(crate) async fn metrics(State(state): State<AppState>) -> Response {
    let figures = state.live.metrics() + &state.access.figures();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], figures).into_response()
}
