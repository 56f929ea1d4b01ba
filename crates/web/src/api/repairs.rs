//! `/api/v1/repairs`: what would run now and what holds the rest back; the kill switch and the brake. Not here: single
//! proposals.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::body;
use crate::problem::{Kind, Problem};
use crate::repairs::{Repairs, Switch};
use crate::state::AppState;
use crate::token;

/// The largest body that is read, in bytes.
const LARGEST: usize = 16 * 1024;

/// Who decides, and why.
pub(super) struct Said {
    /// The name that belongs to the token.
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
    if desk.approvers().is_empty() {
        let detail = "nobody may decide here: the configuration has no [[remediation.approver]]";
        return Err(Problem::new(Kind::NotFound, detail));
    }
    let (parts, body) = request.into_parts();
    // Before a byte of the body is read: whoever has no token gets no memory.
    let owner = token::owner(&parts.headers, desk.approvers(), |approver| &approver.token);
    let Some(by) = owner.map(|approver| approver.name.clone()) else {
        let detail = "send the token of a [[remediation.approver]] as `Authorization: Bearer …`";
        return Ok(Err(token::unauthorized(detail)));
    };
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
