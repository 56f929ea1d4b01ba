//! `POST /api/v1/deliveries/{id}/resend` and `/api/v1/events/{id}/resend`: what was given up is sent again. Not here:
//! sending it.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use evenkeel_core::EventId;
use evenkeel_store::{JournalKind, JournalRow, Resend};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{Named, named};
use crate::access::{Caller, Level};
use crate::body;
use crate::problem::{Kind, Problem, quoted};
use crate::state::AppState;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Resent {
    /// How many deliveries are due again.
    pub(crate) resent: u64,
}

/// One delivery.
pub(super) async fn delivery(
    State(state): State<AppState>,
    caller: Caller,
    id: Named,
) -> Result<Response, Problem> {
    let id = named(id)?;
    let Ok(number) = id.parse::<u64>() else {
        let detail = format!("{} is no delivery's id; an id is a number", quoted(&id));
        return Err(Problem::new(Kind::NotFound, detail));
    };
    Ok(Json(again(&state, &caller, Resend::Delivery(number)).await?).into_response())
}

/// Every dead delivery of one event.
pub(super) async fn event(
    State(state): State<AppState>,
    caller: Caller,
    id: Named,
) -> Result<Response, Problem> {
    let id = named(id)?;
    let Ok(uuid) = Uuid::try_parse(&id) else {
        let detail = format!("{} is no event id; an id is a UUID (0193f2b0-…)", quoted(&id));
        return Err(Problem::new(Kind::NotFound, detail));
    };
    Ok(Json(again(&state, &caller, Resend::Event(EventId(uuid))).await?).into_response())
}

/// Makes it due again, notes who wanted that, and wakes whoever sends.
pub(crate) async fn again(state: &AppState, caller: &Caller, what: Resend) -> Result<Resent, Problem> {
    caller.must(Level::Operator)?;
    state.live.role().takes()?;
    let (words, event, data) = match &what {
        Resend::Delivery(id) => (format!("delivery {id}"), None, json!({ "delivery": id })),
        Resend::Event(id) => (format!("event {id}"), Some(*id), json!({ "event": id.to_string() })),
        Resend::Sink(sink) => (format!("everything for {sink}"), None, json!({ "sink": sink })),
    };
    let now = state.live.now();
    let resent = state.store.resend(what, now).await?;
    if resent == 0 {
        let detail = format!("nothing of {words} was given up: only a dead delivery can be sent again");
        return Err(Problem::new(Kind::Conflict, detail));
    }
    state.live.resent();
    let mut data = data;
    data["what"] = json!("resent");
    data["count"] = json!(resent);
    let row = JournalRow {
        kind: JournalKind::Action,
        at: now,
        subject: None,
        event,
        drift_key: None,
        actor: caller.name.to_string(),
        text: format!("Sent again: {words}."),
        data,
    };
    // It is due again, whether that could be noted or not; saying that it failed would be wrong.
    if let Err(error) = state.store.note(std::slice::from_ref(&row)).await {
        tracing::error!(%error, note = row.text, "this could not be noted in the journal");
    }
    Ok(Resent { resent })
}

/// The answer to whoever does not send.
pub(super) async fn only_post(method: Method) -> Response {
    body::only_post("/api/v1/…/resend", "sends again", &method)
}
