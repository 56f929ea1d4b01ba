//! `POST /api/v1/callbacks/{token}`: a receiver says how an action went. What lives here: what it may say. What does not:
//! whether it is believed; a callback is a claim, and only an observation verifies it.
//!
//! Whoever knows the address may answer: its end is made for one request and forgotten here. It is in no log and no
//! problem.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use evenkeel_core::Secret;
use serde::Deserialize;
use serde_json::Value;
use tracing::{info, warn};

use crate::body;
use crate::problem::{Kind, Problem};
use crate::repairs::Claimed;
use crate::routes::Routes;
use crate::state::AppState;

/// The largest body that is read, in bytes; 4096 of an output are kept.
const LARGEST: usize = 64 * 1024;
/// How long a token may be: longer ones were never handed out.
const LONGEST_TOKEN: usize = 128;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    result: Outcome,
    #[serde(default)]
    output: Value,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Succeeded,
    Failed,
}

/// The one route, which takes nothing but `POST`.
pub(crate) fn routes() -> Routes {
    Routes::new().route("/api/v1/callbacks/{token}", post(take).fallback(only_post))
}

async fn take(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    state.live.role().takes()?;
    let Some(repairs) = state.live.repairs() else {
        return Err(Problem::new(Kind::NotKnownYet, "nothing is repaired yet; try again"));
    };
    let (mut parts, body) = request.into_parts();
    let token = match axum::RequestPartsExt::extract::<Path<String>>(&mut parts).await {
        Ok(Path(token)) if token.len() <= LONGEST_TOKEN => Secret::new(token),
        Ok(_) | Err(_) => return Err(Problem::new(Kind::NotFound, "this callback was never handed out")),
    };
    let body = body::read(&parts.headers, body, LARGEST, "send the last lines of the output").await?;
    let Said { result, output } = serde_json::from_slice(&body).map_err(|error| {
        let how = "send {\"result\": \"succeeded\" or \"failed\", \"output\": anything}";
        Problem::new(Kind::BadBody, format!("the body cannot be understood ({error}); {how}"))
    })?;
    let claimed = Claimed { token, succeeded: result == Outcome::Succeeded, output: text(output) };
    match repairs.answered(claimed).await {
        Ok(answered) => {
            info!(proposal = answered.proposal, state = answered.state, "a receiver answered");
            Ok((StatusCode::OK, Json(answered)).into_response())
        }
        Err(trouble) => {
            warn!(%trouble, "a receiver's answer was not taken");
            Err(trouble.into())
        }
    }
}

/// Text stays as it is, nothing is nothing, anything else is its JSON.
fn text(output: Value) -> String {
    match output {
        Value::Null => String::new(),
        Value::String(text) => text,
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
    }
}

async fn only_post(method: Method) -> Response {
    body::only_post("/api/v1/callbacks/…", "is where receivers say how an action went", &method)
}
