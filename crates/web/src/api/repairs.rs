//! `/api/v1/repairs`: what would run now and what holds the rest back; the kill switch and the brake. Not here: single
//! proposals.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::{Json, RequestPartsExt};
use serde::Deserialize;

use crate::access::{Caller, Level};
use crate::body;
use crate::problem::{Kind, Problem};
use crate::repairs::{Repairs, Switch};
use crate::state::AppState;
use crate::token;

/// The largest body that is read, in bytes.
const LARGEST: usize = 16 * 1024;

/// Who decides, and why.
pub(super) struct Said {
    /// The name of whoever decides.
    pub(super) by: String,
    /// Why; may be empty.
    pub(super) reason: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    reason: String,
}

/// What would run now. Changes nothing.
pub(super) async fn rehearse(State(state): State<AppState>) -> Result<Response, Problem> {
    Ok(Json(desk(&state)?.rehearse().await?).into_response())
}

/// Nothing is dispatched from now on.
pub(super) async fn halt(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    switch(&state, Switch::Halt, request).await
}

/// It goes on.
pub(super) async fn resume(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    switch(&state, Switch::Resume, request).await
}

/// The brake is released.
pub(super) async fn release(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    switch(&state, Switch::Release, request).await
}

async fn switch(state: &AppState, switch: Switch, request: Request) -> Result<Response, Problem> {
    let (desk, said) = match heard(state, request).await? {
        Ok(heard) => heard,
        Err(unauthorized) => return Ok(unauthorized),
    };
    if said.reason.trim().is_empty() {
        return Err(Problem::new(Kind::BadBody, "say why: {\"reason\": \"…\"}; the journal keeps it"));
    }
    Ok(Json(desk.switch(switch, &said.by, &said.reason).await?).into_response())
}

fn desk(state: &AppState) -> Result<Arc<dyn Repairs>, Problem> {
    state.live.role().takes()?;
    let missing = || Problem::new(Kind::NotKnownYet, "nothing is known of repairs yet; try again");
    state.live.repairs().ok_or_else(missing)
}

/// Whoever decides, and what they say; or the answer to whoever may not.
pub(super) async fn heard(
    state: &AppState,
    request: Request,
) -> Result<Result<(Arc<dyn Repairs>, Said), Response>, Problem> {
    let desk = desk(state)?;
    if !state.access.knows_an_approver() {
        let detail = "nobody may decide here: the configuration has no [[remediation.approver]], and nobody in [access] \
                      has the role approver";
        return Err(Problem::new(Kind::NotFound, detail));
    }
    let (mut parts, body) = request.into_parts();
    // Before a byte of the body is read: whoever may not decide gets no memory.
    let caller = match parts.extract::<Caller>().await {
        Ok(caller) => caller,
        Err(nobody) => return Ok(Err(nobody)),
    };
    if !caller.may(Level::Approver) && !caller.is_named() {
        let detail = "send the token of a [[remediation.approver]], or of another approver, as `Authorization: Bearer …`";
        return Ok(Err(token::unauthorized(detail)));
    }
    caller.must(Level::Approver)?;
    let by = caller.name.to_string();
    let body = body::read(&parts.headers, body, LARGEST, "a reason is a sentence").await?;
    let Body { reason } = match body.is_empty() {
        true => Body::default(),
        false => serde_json::from_slice(&body).map_err(|error| {
            Problem::new(
                Kind::BadBody,
                format!("the body cannot be understood ({error}); send {{\"reason\": \"…\"}}"),
            )
        })?,
    };
    Ok(Ok((desk, Said { by, reason })))
}

/// The answer to whoever does not send.
pub(super) async fn only_post(method: Method) -> Response {
    body::only_post("/api/v1/repairs/…", "takes a decision", &method)
}
