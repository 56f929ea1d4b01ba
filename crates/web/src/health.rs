//! `/healthz`, `/readyz` and `/metrics`: for the machines that look after evenkeel. Not here: what is measured.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

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
    reasons: Vec<String>,
    store_ok: bool,
    #[serde(flatten)]
    readiness: Readiness,
}

/// Whether what evenkeel shows can be relied on: the store answers, intent was read, every source was heard of.
pub(crate) async fn ready(State(state): State<AppState>) -> Response {
    let store = match tokio::time::timeout(STORE_PATIENCE, state.store.health()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("the store did not answer within {} s", STORE_PATIENCE.as_secs())),
    };
    let readiness = state.live.ready();
    let store_ok = store.is_none();
    let ready = store_ok && readiness.is_complete();
    let mut reasons: Vec<String> = store.into_iter().collect();
    if !readiness.intent_read {
        reasons.push("netbox has not been read completely yet".to_owned());
    }
    reasons.extend(readiness.unanswered.iter().map(|source| format!("{source} has not been heard of yet")));
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, reasons, store_ok, readiness })).into_response()
}

/// The figures, for Prometheus.
pub(crate) async fn metrics(State(state): State<AppState>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.live.metrics()).into_response()
}
